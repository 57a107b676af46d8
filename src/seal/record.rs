//! Records as stores keep them.

use crate::account::names::revision::Revision;
use alloc::vec::Vec;
use core::fmt;

/// The first byte of an envelope. Behind it the key's id (4 bytes, big-endian), the ciphertext, and
/// the tag (16 bytes).
pub(super) const VERSION: u8 = 1;
pub(super) const HEAD: usize = 5;
pub(super) const TAG: usize = 16;
/// The longest envelope: 64 KiB.
const MAX_ENVELOPE: usize = 64 << 10;
/// The most bytes that are sealed: with what is added an envelope has 64 KiB.
pub(super) const MAX_LEN: usize = MAX_ENVELOPE - HEAD - TAG;

/// The length of an envelope around a record that takes so many bytes with head and tag: the next
/// of 512, 640, 768, 1,024, and from there on of the powers of two and what lies half-way between
/// them. So a length tells nothing of what has happened on the account.
pub(super) fn padded(len: usize) -> usize {
    let small = [512, 640, 768].into_iter();
    let large = (0..).flat_map(|power| [1_024_usize << power, 1_536_usize << power]);
    // A record that is longer is refused.
    small.chain(large.take_while(|size| *size <= MAX_ENVELOPE)).find(|size| len <= *size).unwrap_or(len)
}

/// The longest label of a ring, in bytes.
pub(super) const MAX_LABEL: usize = 64;

/// A record as a store keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// The write that this is.
    pub revision: Revision,
    /// The sealed record: bytes that a store neither reads nor changes.
    pub envelope: Vec<u8>,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stored({:?}, {} bytes)", self.revision, self.envelope.len())
    }
}

/// A change of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The revision that has to be stored for the write to happen; `None` if no record may be
    /// there.
    pub expected: Option<Revision>,
    /// The record that is stored then.
    pub new: Stored,
}
