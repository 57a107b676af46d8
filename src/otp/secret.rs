//! The secret an authenticator shares with us.

use super::algorithm::Algorithm;
use core::fmt;
use rand::CryptoRng;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

/// The secret that an authenticator shares with the verifier: 10 to 128 bytes, held inline and
/// wiped on drop.
///
/// `Debug` is redacted and there is no `Display`. `==` takes a time that depends on the two lengths
/// only.
///
/// Rust moves values by copying them, and a copy left behind by a move is not wiped: keep a secret
/// where it is, and pass it by reference.
///
/// ```
/// use sekisho::otp::{Algorithm, Secret};
/// # #[cfg(feature = "rand")] {
/// let secret =
///     Secret::random(Algorithm::Sha1).expect("the operating system has no randomness");
/// assert_eq!(secret.expose().len(), 20);
/// assert_eq!(format!("{secret:?}"), "Secret(20 bytes)");
/// # }
/// ```
#[derive(Clone)]
pub struct Secret {
    len: usize,
    bytes: [u8; Secret::MAX_LEN],
}

impl Secret {
    /// The fewest bytes [`Secret::new`] takes: 128 bits (RFC 4226 §4 R6).
    pub const MIN_LEN: usize = 16;
    /// The fewest bytes [`Secret::new_legacy`] takes: the 80 bits that older services issued.
    pub const MIN_LEGACY_LEN: usize = 10;
    /// The most bytes a secret may have: one block of SHA-512.
    pub const MAX_LEN: usize = 128;

    /// A secret of 16 to 128 bytes.
    ///
    /// # Errors
    /// [`SecretError`] if `bytes` has another length.
    pub fn new(bytes: &[u8]) -> Result<Self, SecretError> {
        if bytes.len() < Self::MIN_LEN {
            return Err(SecretError::TooShort { len: bytes.len() });
        }
        Self::new_legacy(bytes)
    }

    /// A secret of 10 to 128 bytes, for those that another system issued.
    ///
    /// RFC 4226 §4 R6 asks for 128 bits at least. Whoever has seen a few codes of an 80-bit secret
    /// can search for it at a cost that large attackers can pay; replace such secrets when
    /// their owners next log in.
    ///
    /// # Errors
    /// [`SecretError`] if `bytes` has another length.
    pub fn new_legacy(bytes: &[u8]) -> Result<Self, SecretError> {
        if bytes.len() < Self::MIN_LEGACY_LEN {
            return Err(SecretError::TooShort { len: bytes.len() });
        }
        let mut secret = Self { len: bytes.len(), bytes: [0; Self::MAX_LEN] };
        secret.bytes.get_mut(..bytes.len()).ok_or(SecretError::TooLong)?.copy_from_slice(bytes);
        Ok(secret)
    }

    /// A new secret of [`Algorithm::secret_len`] bytes from `rng`.
    #[must_use]
    pub fn generate<R: CryptoRng + ?Sized>(algorithm: Algorithm, rng: &mut R) -> Self {
        let mut secret = Self::blank(algorithm);
        rng.fill_bytes(secret.filled_mut());
        secret
    }

    /// A new secret of [`Algorithm::secret_len`] bytes from the operating system.
    ///
    /// # Errors
    /// The operating system's, if it gives no randomness.
    #[cfg(feature = "rand")]
    pub fn random(algorithm: Algorithm) -> Result<Self, rand::rngs::SysError> {
        use rand::TryRng;
        let mut secret = Self::blank(algorithm);
        rand::rngs::SysRng.try_fill_bytes(secret.filled_mut())?;
        Ok(secret)
    }

    /// The bytes themselves. Whoever reads them can make every code of this authenticator.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Returns whether this is shorter than RFC 4226 §4 R6 asks: a secret only
    /// [`Secret::new_legacy`] takes.
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.len < Self::MIN_LEN
    }

    /// A legacy secret or better in a place of its own on the heap, written there and nowhere else:
    /// moves leave copies.
    ///
    /// # Errors
    /// As [`new_legacy`](Self::new_legacy).
    #[cfg(feature = "alloc")]
    pub(crate) fn boxed(bytes: &[u8]) -> Result<alloc::boxed::Box<Self>, SecretError> {
        if bytes.len() < Self::MIN_LEGACY_LEN {
            return Err(SecretError::TooShort { len: bytes.len() });
        }
        let mut secret = alloc::boxed::Box::new(Self { len: 0, bytes: [0; Self::MAX_LEN] });
        secret.bytes.get_mut(..bytes.len()).ok_or(SecretError::TooLong)?.copy_from_slice(bytes);
        secret.len = bytes.len();
        Ok(secret)
    }

    /// A copy in a place of its own on the heap.
    #[cfg(feature = "alloc")]
    pub(crate) fn boxed_copy(&self) -> alloc::boxed::Box<Self> {
        let mut copy = alloc::boxed::Box::new(Self { len: self.len, bytes: [0; Self::MAX_LEN] });
        copy.bytes.copy_from_slice(&self.bytes);
        copy
    }

    /// A new secret in a place of its own on the heap.
    #[cfg(feature = "alloc")]
    pub(crate) fn generate_boxed<R: CryptoRng + ?Sized>(algorithm: Algorithm, rng: &mut R) -> alloc::boxed::Box<Self> {
        let mut secret = alloc::boxed::Box::new(Self::blank(algorithm));
        rng.fill_bytes(secret.filled_mut());
        secret
    }

    /// To be filled with randomness before anybody sees it.
    fn blank(algorithm: Algorithm) -> Self {
        Self { len: algorithm.secret_len(), bytes: [0; Self::MAX_LEN] }
    }

    fn filled_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.len).unwrap_or_default()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.bytes.zeroize();
        self.len.zeroize();
    }
}

impl ConstantTimeEq for Secret {
    fn ct_eq(&self, other: &Self) -> Choice {
        // The bytes behind the length are zero on both sides.
        self.len.ct_eq(&other.len) & self.bytes.ct_eq(&other.bytes)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.len)
    }
}

/// Why bytes or a text are no [`Secret`]. Nothing of them is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Under 16 bytes, or under 10 where legacy secrets are taken.
    #[error(
        "the secret has {len} bytes and needs at least 16 (10 through the legacy constructors): enroll the authenticator anew"
    )]
    TooShort {
        /// The number of bytes that there were.
        len: usize,
    },
    /// Over 128 bytes.
    #[error("the secret has over 128 bytes: enroll the authenticator anew")]
    TooLong,
    /// A character outside of A–Z and 2–7, or anything but blanks behind padding.
    #[error("character {} is not base32 (A to Z, 2 to 7): check it against the original", position.saturating_add(1))]
    Character {
        /// The number of characters that precede it.
        position: usize,
    },
    /// A number of characters that no bytes encode to.
    #[error("{characters} characters cannot be base32: one is missing or too many")]
    Base32Length {
        /// The number of characters of base32 that there were.
        characters: usize,
    },
    /// The last character has bits that belong to no byte: it was mistyped, or the text was cut
    /// off.
    #[error("the last character, number {}, cannot end a base32 text: check it against the original", position.saturating_add(1))]
    TrailingBits {
        /// The number of characters that precede it.
        position: usize,
    },
}
