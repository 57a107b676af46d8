//! Events in their stored form: a map of numbered fields.
//!
//! Field 0 is the kind, 1 the time, 17 the operator and 18 the reason. Those between belong to the
//! kinds, as the table in `event.rs` says.

use super::event_field::{EventField, StoredFields};
use super::fields::{Corrupt, Unknown, Written, fields, put_time, time};
use crate::account::event::{Event, EventKind, Operator};
use crate::account::names::text::Text;
use crate::otp::UnixTime;
use alloc::boxed::Box;
use alloc::vec::Vec;
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

const OPERATOR: u32 = 17;
const REASON: u32 = 18;

pub(in crate::account) fn event_to_bytes(event: &Event) -> Box<[u8]> {
    let mut to = Encoder::new(Vec::with_capacity(32));
    // A vector takes everything.
    let _ = write(event, &mut to);
    to.into_writer().into()
}

fn write<W: Write>(event: &Event, to: &mut Encoder<W>) -> Written<W> {
    to.begin_map()?.u32(0)?.u32(event.kind.number())?;
    put_time(to, 1, event.at)?;
    event.kind.write_fields(to)?;
    if let Some(operator) = &event.operator {
        operator.name().write_as(OPERATOR, to)?;
        operator.reason().write_as(REASON, to)?;
    }
    to.end()?;
    Ok(())
}

pub(in crate::account) fn event_from_bytes(sequence: u64, bytes: &[u8]) -> Result<Event, Corrupt> {
    let mut from = Decoder::new(bytes);
    let (mut kind, mut at) = (0, UnixTime::from_secs(0));
    let mut stored = StoredFields::default();
    let _: Unknown = fields(&mut from, |number, from| {
        match number {
            0 => kind = from.u32()?,
            1 => at = time(from)?,
            number => {
                let start = from.position();
                from.skip()?;
                stored.set(number, from.input().get(start..from.position()).ok_or(Corrupt)?);
            }
        }
        Ok(true)
    })?;
    let operator = match (stored.read::<Option<Text>>(OPERATOR)?, stored.read::<Option<Text>>(REASON)?) {
        (Some(name), Some(reason)) => Some(Operator::of(name, reason)),
        _ => None,
    };
    // A newer release may have added a kind, or mean something else by a field.
    let kind = EventKind::read(kind, &stored).unwrap_or(EventKind::Unknown);
    Ok(Event { sequence: Some(sequence), at, operator, kind })
}
