//! Records as stores keep them.

use crate::account::names::revision::Revision;
use alloc::vec::Vec;
use core::fmt;

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
