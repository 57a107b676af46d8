//! Records as stores keep them.

use crate::account::names::revision::Revision;
use alloc::vec::Vec;
use core::fmt;

/// The first byte of an envelope. Behind it the key's id (4 bytes, big-endian), the ciphertext, and
/// the tag (16 bytes).
pub(super) const VERSION: u8 = 1;
pub(super) const HEAD: usize = 5;
pub(super) const TAG: usize = 16;
/// The most bytes that are sealed: with what is added an envelope has 64 KiB.
pub(super) const MAX_LEN: usize = (64 << 10) - HEAD - TAG;

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
