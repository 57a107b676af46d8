//! The stored form: CBOR maps of numbered fields, in ascending order.
//!
//! What a newer release adds is passed over and written back as it was. What an older one must not pass over raises the
//! number in the record's field 0, and is refused by it.

mod event;
mod record;

pub(super) use event::{event_from_bytes, event_to_bytes};
pub(super) use record::{from_bytes, to_bytes};

use super::address::Channel;
use super::limits::UNKNOWN;
use crate::otp::UnixTime;
use alloc::vec::Vec;
use core::convert::Infallible;
use minicbor::data::Type;
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};
use zeroize::Zeroizing;

/// What a release has to know, at the most, to read what this one writes.
const MINIMUM_READER: u32 = 2;

/// Why stored bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Written by a release that this one does not know.
    #[error(
        "the record needs a release that reads version {needs}, this one reads up to {MINIMUM_READER}: upgrade sekisho"
    )]
    Version {
        /// The version.
        needs: u32,
    },
    /// What no release writes.
    #[error("the record opens but cannot be read: restore it from a backup, and report this")]
    Corrupt,
}

/// What no release writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Corrupt;

impl From<Corrupt> for RecordError {
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
pub(super) struct Unknown(Zeroizing<Vec<u8>>);

type Written<W> = Result<(), minicbor::encode::Error<<W as Write>::Error>>;

/// Counts instead of writing, so that the real buffer never grows: that would leave a copy unwiped.
struct Count(usize);

impl Write for Count {
    type Error = Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(())
    }
}

fn put_time<W: Write>(to: &mut Encoder<W>, number: u32, time: UnixTime) -> Written<W> {
    put_u64(to, number, time.as_secs())
}

/// Zeros are left out.
fn put_u64<W: Write>(to: &mut Encoder<W>, number: u32, value: u64) -> Written<W> {
    if value != 0 {
        to.u32(number)?.u64(value)?;
    }
    Ok(())
}

const CHANNELS: [(u32, Channel); 3] = [(1, Channel::Sms), (2, Channel::Voice), (3, Channel::Email)];

fn channel_number(channel: Channel) -> u32 {
    CHANNELS.iter().find(|(_, other)| *other == channel).map_or(0, |(number, _)| *number)
}

fn channel_from_number(number: u32) -> Option<Channel> {
    CHANNELS.iter().find(|(other, _)| *other == number).map(|(_, channel)| *channel)
}

/// Begins a list.
fn put_list<W: Write>(to: &mut Encoder<W>, number: u32, len: usize) -> Written<W> {
    to.u32(number)?.array(len as u64)?;
    Ok(())
}

/// Reads a map of numbered fields in ascending order; `field` says whether it knows the number, and has read the value then.
fn fields<'b>(
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
fn list<'b, T>(
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
fn tuple(from: &mut Decoder<'_>, len: u64) -> Result<(), Corrupt> {
    if from.array()? == Some(len) { Ok(()) } else { Err(Corrupt) }
}

fn time(from: &mut Decoder<'_>) -> Result<UnixTime, Corrupt> {
    Ok(UnixTime::from_secs(from.u64()?))
}

/// Exactly so many bytes.
fn bytes<const N: usize>(from: &mut Decoder<'_>) -> Result<[u8; N], Corrupt> {
    from.bytes()?.try_into().map_err(|_| Corrupt)
}
