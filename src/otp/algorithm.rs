//! The choices of RFC 6238: hash and length.

use core::fmt;

/// The hash under the HMAC (RFC 6238 §1.2).
///
/// SHA-1 is what nearly every authenticator app supports, and it is not weakened here by the
/// collisions known for it: HMAC does not rest on collision resistance. Some apps ignore the
/// parameter and always compute with SHA-1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Algorithm {
    /// HMAC-SHA-1, the default of RFC 4226 and of the apps.
    #[default]
    #[cfg_attr(feature = "serde", serde(rename = "SHA1"))]
    Sha1,
    /// HMAC-SHA-256.
    #[cfg_attr(feature = "serde", serde(rename = "SHA256"))]
    Sha256,
    /// HMAC-SHA-512.
    #[cfg_attr(feature = "serde", serde(rename = "SHA512"))]
    Sha512,
}

impl Algorithm {
    /// The length of a generated secret in bytes: the hash's output, 20, 32 or 64 (RFC 4226 §4 R6,
    /// RFC 6238 §5.1).
    #[must_use]
    pub const fn secret_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The name in otpauth URIs: `SHA1`, `SHA256` or `SHA512`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The number of digits of a code: 6 to 8 (RFC 4226 §5.3; fewer than six are forbidden there).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "u8", into = "u8"))]
pub enum Digits {
    /// Six digits: what every app shows.
    #[default]
    Six,
    /// Seven digits.
    Seven,
    /// Eight digits.
    Eight,
}

impl Digits {
    /// The number of digits, 6 to 8.
    #[must_use]
    pub const fn count(self) -> u8 {
        match self {
            Self::Six => 6,
            Self::Seven => 7,
            Self::Eight => 8,
        }
    }

    /// The number of different codes: 10⁶, 10⁷ or 10⁸.
    #[must_use]
    pub const fn codes(self) -> u32 {
        match self {
            Self::Six => 1_000_000,
            Self::Seven => 10_000_000,
            Self::Eight => 100_000_000,
        }
    }

    /// The length with this many digits, if it is one that codes may have.
    #[must_use]
    pub const fn from_count(count: u8) -> Option<Self> {
        match count {
            6 => Some(Self::Six),
            7 => Some(Self::Seven),
            8 => Some(Self::Eight),
            _ => None,
        }
    }

    /// The remainder that makes a truncated HMAC a code (RFC 4226 §5.3). Each arm divides by a
    /// constant, which compiles to multiplications: a division would take a time that depends
    /// on the value.
    pub(super) const fn reduce(self, truncated: u32) -> u32 {
        match self {
            Self::Six => truncated % 1_000_000,
            Self::Seven => truncated % 10_000_000,
            Self::Eight => truncated % 100_000_000,
        }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<u8> for Digits {
    type Error = &'static str;

    fn try_from(count: u8) -> Result<Self, Self::Error> {
        Self::from_count(count).ok_or("codes have 6, 7 or 8 digits")
    }
}

#[cfg(feature = "serde")]
impl From<Digits> for u8 {
    fn from(digits: Digits) -> Self {
        digits.count()
    }
}
