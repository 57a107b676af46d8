//! Records as the tests of stores write them.

use sekisho::account::AccountId;
use sekisho::seal::{Revision, Stored, Write};

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}

/// A write of 1,300 bytes, by numbers that stand for revisions.
pub(crate) fn write(expected: Option<u8>, new: u8) -> Write {
    let revision = |number| Revision::from_bytes([number; 16]);
    Write { expected: expected.map(revision), new: Stored { revision: revision(new), envelope: vec![new; 1_300] } }
}
