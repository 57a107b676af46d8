//! Why stored bytes cannot be read.

/// Why stored bytes cannot be read: those of a [`State`](super::State), or of an account's record.
///
/// Treat it as an incident. A new state in place of a damaged one forgets what has been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoredError {
    /// The bytes of a state have another length than [`State::LEN`](super::State::LEN).
    #[error("{len} bytes are no stored state: it was cut off, or is something else; restore it from a backup")]
    Length {
        /// The number of bytes that there were.
        len: usize,
    },
    /// A newer release has written the bytes, and says that this one cannot read them.
    #[error("the stored bytes have version {version}, which this release cannot read: upgrade sekisho")]
    Version {
        /// The version that a reader has to know.
        version: u32,
    },
    /// The bytes hold something that no release writes.
    #[error("the stored bytes are corrupt: restore them from a backup, or have the owner enroll anew after a reset")]
    Corrupt,
}
