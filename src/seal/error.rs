//! Why records cannot be sealed or opened.

use super::key_id::KeyId;
use super::record::{MAX_LABEL, MAX_LEN};
use crate::otp::StoredError;

/// Why there is no keyring, or why an envelope cannot be sealed or opened. No code is accepted
/// then, and a service without keyring should not start.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The envelope names a key that the ring does not have.
    #[error("the record is sealed under key {}, which this keyring does not have: add it as an older key", id.number())]
    UnknownKey {
        /// The key that is missing.
        id: KeyId,
    },
    /// Written by a release that this one does not know.
    #[error("the envelope has version {version}, which this release cannot read: upgrade sekisho")]
    Version {
        /// The first byte.
        version: u8,
    },
    /// Changed, cut off, of another account or revision, or sealed under another key of the same
    /// id.
    #[error(
        "the record does not open: it was changed, belongs to another account or revision, or its key's id stands for \
         another key now; restore it from a backup and find out who wrote to the store"
    )]
    DoesNotOpen,
    /// Opened, but not to be read.
    #[error(transparent)]
    Record(#[from] StoredError),
    /// More than fits.
    #[error("{len} bytes are too many for an envelope: it takes {}", MAX_LEN)]
    TooLong {
        /// The number of bytes that there were.
        len: usize,
    },
    /// The keyring has no entry.
    #[error("the keyring is empty: give at least one key as `id:` and 64 hexadecimal digits")]
    NoKeys,
    /// An entry of the keyring is no `id:key`.
    #[error("entry {number} of the keyring is not a decimal id, a colon, and 64 hexadecimal digits: correct it")]
    KeyEntry {
        /// Counted from one.
        number: usize,
    },
    /// The keyring has two keys with one id.
    #[error("the keyring has two keys with the id {}: give the new key an id of its own", id.number())]
    DuplicateKey {
        /// The id.
        id: KeyId,
    },
    /// A key of one repeated byte.
    #[error("a key of the keyring is one repeated byte, which no random key is: make one by `openssl rand -hex 32`")]
    WeakKey,
    /// A label that is empty, or too long.
    #[error("a label of {len} bytes: give it 1 to {}", MAX_LABEL)]
    Label {
        /// The number of bytes that there were.
        len: usize,
    },
    /// A ring that does not have the primary key of the one that it is exchanged for.
    #[error(
        "the new keyring does not have key {}, which is the primary one now: keep it as an older key until every record \
         is sealed anew", id.number()
    )]
    PrimaryMissing {
        /// The present primary key.
        id: KeyId,
    },
    /// The record is not lost in the way that was named. It is left as it is.
    #[error("the record is not lost in this way: look at the account again")]
    NotLost,
    /// The environment variable that should hold the keyring is not there.
    #[cfg(feature = "std")]
    #[error("the environment variable {name} is not set: put the keyring there")]
    NotSet {
        /// Its name.
        name: alloc::string::String,
    },
    /// The keyring's file cannot be read.
    #[cfg(feature = "std")]
    #[error("the keyring's file {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: std::path::PathBuf,
        /// The operating system's error.
        #[source]
        source: alloc::sync::Arc<std::io::Error>,
    },
}
