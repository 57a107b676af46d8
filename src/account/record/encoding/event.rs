//! Events in their stored form, without number and time, which the history keeps beside them.
//!
//! First comes the operator, if there is one, as a list of name and reason; then the source, if
//! there is one, as a list of its three parts; then the kind's number; then the fields of that
//! kind, in the order of the table in `event.rs`. A newer release adds fields at the end of a
//! kind's row only: this one passes over them.

use super::event_field::EventField;
use super::fields::{Corrupt, Written};
use crate::account::event::{Event, EventKind, Operator};
use crate::account::names::source::Source;
use crate::account::names::text::Text;
use alloc::vec::Vec;
use minicbor::data::Type;
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

pub(in crate::account) fn write_event(event: &Event, to: &mut Vec<u8>) {
    // A vector takes everything.
    let _ = write(event, &mut Encoder::new(to));
}

fn write<W: Write>(event: &Event, to: &mut Encoder<W>) -> Written<W> {
    if let Some(operator) = &event.operator {
        to.array(2)?;
        operator.name().write(to)?;
        operator.reason().write(to)?;
    }
    if let Some(source) = &event.source {
        to.array(3)?;
        for part in source.parts() {
            match part {
                Some(text) => to.str(text)?,
                None => to.null()?,
            };
        }
    }
    to.u32(event.kind.number())?;
    event.kind.write_fields(to)
}

/// An event as it is read: by whom, from where, and what.
pub(in crate::account) type Read = (Option<Operator>, Option<Source>, EventKind);

pub(in crate::account) fn event_from_bytes(bytes: &[u8]) -> Result<Read, Corrupt> {
    let mut from = Decoder::new(bytes);
    let (mut operator, mut source) = (None, None);
    while from.datatype()? == Type::Array {
        match from.array()? {
            Some(2) if operator.is_none() && source.is_none() => {
                operator = Some(Operator::of(Text::read(&mut from)?, Text::read(&mut from)?));
            }
            Some(3) if source.is_none() => {
                let mut part = || match from.datatype()? {
                    Type::Null => Ok(from.null().map(|()| None)?),
                    _ => Ok::<_, Corrupt>(Some(from.str()?)),
                };
                source = Some(Source::of_parts([part()?, part()?, part()?]));
            }
            _ => return Err(Corrupt),
        }
    }
    let number = from.u32()?;
    // A newer release may have added a kind, or mean something else by a field.
    let kind = EventKind::read(number, &mut from).unwrap_or(EventKind::Unknown);
    Ok((operator, source, kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::names::purpose::Purpose;
    use crate::otp::{Reason, UnixTime};

    fn written(operator: Option<Operator>, kind: &EventKind) -> Vec<u8> {
        let mut bytes = Vec::new();
        let event = Event { operator, ..Event::unkept(UnixTime::from_secs(1), None, kind.clone()) };
        write_event(&event, &mut bytes);
        bytes
    }

    #[test]
    fn fields_of_a_newer_release_are_passed_over_and_those_not_there_yet_are_absent() {
        let kind = EventKind::Rejected { purpose: Purpose::LOGIN, reason: Reason::Mismatch, diagnosis: None };
        let bytes = written(None, &kind);
        let read = |bytes: &[u8]| event_from_bytes(bytes).unwrap().2;
        assert_eq!(read(&bytes), kind);
        let newer = [bytes.as_slice(), &[0x63, b'n', b'e', b'w']].concat();
        assert_eq!(read(&newer), kind);
        let (end, older) = bytes.split_last().unwrap();
        assert_eq!((*end, read(older)), (0xf6, kind));
        // Without a field that every release had, nobody knows what it says.
        assert_eq!(read(&older[..older.len() - 1]), EventKind::Unknown);
    }

    #[test]
    fn an_operator_is_read_whatever_was_done() {
        let operator = Operator::new("alice", "ticket").unwrap();
        let mut bytes = written(Some(operator.clone()), &EventKind::Frozen);
        assert_eq!(event_from_bytes(&bytes).unwrap(), (Some(operator.clone()), None, EventKind::Frozen));
        bytes.splice(bytes.len() - 1.., [0x18, 0xff]);
        assert_eq!(event_from_bytes(&bytes).unwrap(), (Some(operator), None, EventKind::Unknown));
    }

    #[test]
    fn a_source_is_read_with_and_without_an_operator_and_its_parts() {
        let whole = Source::new().with_address("2001:db8::1").with_agent("Firefox").with_correlation_id("r-1");
        for source in [whole, Source::new().with_agent("Firefox"), Source::new()] {
            for operator in [None, Some(Operator::new("alice", "ticket").unwrap())] {
                let kind = EventKind::Frozen;
                let event = Event::unkept(UnixTime::from_secs(1), Some(source.clone()), kind.clone());
                let mut bytes = Vec::new();
                write_event(&Event { operator: operator.clone(), ..event }, &mut bytes);
                assert_eq!(event_from_bytes(&bytes).unwrap(), (operator, Some(source.clone()), kind));
            }
        }
    }

    #[test]
    fn the_purposes_of_a_service_are_kept_by_name_and_the_others_in_one_byte() {
        for (purpose, len) in [(Purpose::BINDING, 1), (Purpose::new("api-key").unwrap(), 8)] {
            let kind = EventKind::Rejected { purpose, reason: Reason::Mismatch, diagnosis: None };
            let bytes = written(None, &kind);
            assert_eq!((bytes.len(), event_from_bytes(&bytes).unwrap().2), (3 + len, kind));
        }
    }
}
