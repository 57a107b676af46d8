//! Revisions, which name the writes of a record.

use core::fmt;
use rand::CryptoRng;

/// Names one write of one record: 128 random bits, drawn anew for each write, so that none ever
/// comes back.
///
/// A store compares revisions and never makes any.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision([u8; Self::LEN]);

impl Revision {
    /// The length of a revision in bytes.
    pub const LEN: usize = 16;

    /// A new revision.
    #[must_use]
    pub fn random<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut bytes = [0; Self::LEN];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// A revision that a store has kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes that a store keeps.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Revision({:032x})", u128::from_be_bytes(self.0))
    }
}
