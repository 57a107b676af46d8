//! Maps of numbered fields, and the values in them.

use crate::account::names::address::Channel;
use crate::account::names::purpose::Purpose;
use crate::account::record::capacity::UNKNOWN;
use crate::otp::{StoredError, UnixTime};
use alloc::vec::Vec;
use minicbor::data::Type;
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};
use zeroize::Zeroizing;

/// The version that a release has to know to read what this one writes: field 0 of every record.
pub(super) const MINIMUM_READER: u32 = 1;

/// Stored bytes that no release writes.
#[derive(Clone, Copy, Debug)]
pub(in crate::account) struct Corrupt;

impl From<Corrupt> for StoredError {
    fn from(_: Corrupt) -> Self {
        Self::Corrupt
    }
}

impl From<minicbor::decode::Error> for Corrupt {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

/// Fields that a newer release has added: numbers and values as they were.
#[derive(Default)]
pub(in crate::account) struct Unknown(pub(super) Zeroizing<Vec<u8>>);

pub(in crate::account) type Written<W> = Result<(), minicbor::encode::Error<<W as Write>::Error>>;

/// The newest time of a record, and the number of its latest event: others are written as
/// distances from them.
#[derive(Clone, Copy, Default)]
pub(super) struct Base {
    pub(super) newest: u64,
    pub(super) last: u64,
}

impl Base {
    pub(super) fn put_time<W: Write>(self, to: &mut Encoder<W>, time: UnixTime) -> Written<W> {
        put_distance(to, self.newest, time.as_secs())
    }

    pub(super) fn time(self, from: &mut Decoder<'_>) -> Result<UnixTime, Corrupt> {
        Ok(UnixTime::from_secs(distant(from, self.newest)?))
    }

    /// A field that is left out where the time is zero.
    pub(super) fn put_time_as<W: Write>(self, number: u32, to: &mut Encoder<W>, time: UnixTime) -> Written<W> {
        if time.as_secs() != 0 {
            self.put_time(to.u32(number)?, time)?;
        }
        Ok(())
    }

    /// The number of an event.
    pub(super) fn put_serial<W: Write>(self, to: &mut Encoder<W>, serial: u64) -> Written<W> {
        put_distance(to, self.last, serial)
    }

    pub(super) fn serial(self, from: &mut Decoder<'_>) -> Result<u64, Corrupt> {
        distant(from, self.last)
    }
}

/// Whatever the numbers, the distance that wraps around gives back the second one.
fn put_distance<W: Write>(to: &mut Encoder<W>, base: u64, number: u64) -> Written<W> {
    to.i64(base.wrapping_sub(number).cast_signed())?;
    Ok(())
}

fn distant(from: &mut Decoder<'_>, base: u64) -> Result<u64, Corrupt> {
    Ok(base.wrapping_sub(from.i64()?.cast_unsigned()))
}

/// Zeros are left out.
pub(super) fn put_u64<W: Write>(to: &mut Encoder<W>, number: u32, value: u64) -> Written<W> {
    if value != 0 {
        to.u32(number)?.u64(value)?;
    }
    Ok(())
}

/// The purposes that every release knows: the list stays as it is, and a later one is written by
/// name, so that this release reads it. So are a service's own: a number that depended on the
/// policy would change its meaning with it.
const PURPOSES: [(u32, Purpose); 5] = [
    (1, Purpose::LOGIN),
    (2, Purpose::WITHDRAWAL),
    (3, Purpose::CONFIRMATION),
    (4, Purpose::RESYNC),
    (5, Purpose::BINDING),
];

pub(super) fn put_purpose<W: Write>(purpose: Purpose, to: &mut Encoder<W>) -> Written<W> {
    match PURPOSES.iter().find(|(_, other)| *other == purpose) {
        Some((number, _)) => to.u32(*number)?,
        None => to.str(purpose.as_str())?,
    };
    Ok(())
}

pub(super) fn read_purpose(from: &mut Decoder<'_>) -> Result<Purpose, Corrupt> {
    if from.datatype()? == Type::String {
        return Purpose::new(from.str()?).map_err(|_| Corrupt);
    }
    let number = from.u32()?;
    PURPOSES.iter().find(|(other, _)| *other == number).map(|(_, purpose)| *purpose).ok_or(Corrupt)
}

pub(super) const CHANNELS: [(u32, Channel); 3] = [(1, Channel::Sms), (2, Channel::Voice), (3, Channel::Email)];

pub(in crate::account) fn number_of(channel: Channel) -> u32 {
    CHANNELS.iter().find(|(_, other)| *other == channel).map_or(0, |(number, _)| *number)
}

pub(in crate::account) fn channel_from_number(number: u32) -> Option<Channel> {
    CHANNELS.iter().find(|(other, _)| *other == number).map(|(_, channel)| *channel)
}

/// Begins a list. Empty ones are left out.
pub(super) fn put_list<W: Write>(to: &mut Encoder<W>, number: u32, len: usize) -> Written<W> {
    to.u32(number)?.array(len as u64)?;
    Ok(())
}

/// Reads a map of numbered fields in ascending order; `field` says whether it knows the number, and
/// has read the value then.
pub(super) fn fields<'b>(
    from: &mut Decoder<'b>,
    mut field: impl FnMut(u32, &mut Decoder<'b>) -> Result<bool, Corrupt>,
) -> Result<Unknown, Corrupt> {
    let mut left = from.map()?;
    let mut unknown = Vec::new();
    let mut len = 0_usize;
    let mut last = None;
    loop {
        match &mut left {
            Some(0) => break,
            Some(left) => *left = left.saturating_sub(1),
            None if from.datatype()? == Type::Break => {
                from.set_position(from.position().saturating_add(1));
                break;
            }
            None => {}
        }
        let start = from.position();
        let number = from.u32()?;
        if last >= Some(number) {
            return Err(Corrupt);
        }
        last = Some(number);
        if !field(number, from)? {
            from.skip()?;
            let field = from.input().get(start..from.position()).ok_or(Corrupt)?;
            len = len.saturating_add(field.len());
            unknown.push(field);
        }
    }
    if len > UNKNOWN {
        return Err(Corrupt);
    }
    Ok(Unknown(Zeroizing::new(unknown.concat())))
}

/// Reads a list of at most `most` elements.
pub(super) fn list<'b, T>(
    from: &mut Decoder<'b>,
    most: usize,
    mut element: impl FnMut(&mut Decoder<'b>) -> Result<T, Corrupt>,
) -> Result<Vec<T>, Corrupt> {
    let len = from.array()?.and_then(|len| usize::try_from(len).ok()).filter(|len| *len <= most).ok_or(Corrupt)?;
    // Never grows: that would leave secrets unwiped.
    let mut elements = Vec::with_capacity(len);
    for _ in 0..len {
        elements.push(element(from)?);
    }
    Ok(elements)
}

/// Reads the head of a list of exactly `len` elements.
pub(super) fn tuple(from: &mut Decoder<'_>, len: u64) -> Result<(), Corrupt> {
    if from.array()? == Some(len) { Ok(()) } else { Err(Corrupt) }
}

pub(in crate::account) fn time(from: &mut Decoder<'_>) -> Result<UnixTime, Corrupt> {
    Ok(UnixTime::from_secs(from.u64()?))
}

/// Exactly so many bytes.
pub(in crate::account) fn bytes<const N: usize>(from: &mut Decoder<'_>) -> Result<[u8; N], Corrupt> {
    from.bytes()?.try_into().map_err(|_| Corrupt)
}
