//! Maps of numbered fields, and the values in them.

use crate::account::names::address::Channel;
use crate::account::record::capacity::UNKNOWN;
use crate::otp::{StoredError, UnixTime};
use alloc::vec::Vec;
use core::convert::Infallible;
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

/// Counts instead of writing, so that the real buffer never grows: that would leave a copy unwiped.
pub(super) struct Count(pub(super) usize);

impl Write for Count {
    type Error = Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(())
    }
}

pub(super) fn put_time<W: Write>(to: &mut Encoder<W>, number: u32, time: UnixTime) -> Written<W> {
    put_u64(to, number, time.as_secs())
}

/// Zeros are left out.
pub(super) fn put_u64<W: Write>(to: &mut Encoder<W>, number: u32, value: u64) -> Written<W> {
    if value != 0 {
        to.u32(number)?.u64(value)?;
    }
    Ok(())
}

pub(super) const CHANNELS: [(u32, Channel); 3] = [(1, Channel::Sms), (2, Channel::Voice), (3, Channel::Email)];

pub(in crate::account) fn number_of(channel: Channel) -> u32 {
    CHANNELS.iter().find(|(_, other)| *other == channel).map_or(0, |(number, _)| *number)
}

pub(in crate::account) fn channel_from_number(number: u32) -> Option<Channel> {
    CHANNELS.iter().find(|(other, _)| *other == number).map(|(_, channel)| *channel)
}

/// Begins a list.
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
