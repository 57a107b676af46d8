//! The purposes of codes.

use super::error::NameError;
use core::fmt;

/// The purpose of a code: an inline word. Services have purposes of their own beside the ones here.
///
/// ```
/// use sekisho::account::Purpose;
///
/// let purpose = Purpose::new("api-key")?;
/// assert_eq!(purpose.as_str(), "api-key");
/// # Ok::<(), sekisho::account::NameError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purpose {
    /// The word, and zeros behind it.
    bytes: [u8; Self::MAX_LEN],
}

impl Purpose {
    /// The longest word, in bytes.
    pub const MAX_LEN: usize = 24;
    /// Logging in.
    pub const LOGIN: Self = Self::padded(b"login");
    /// Taking money out: held for a while after a change of binding, see
    /// [`AccountLimits::held_purposes`](crate::account::AccountLimits::held_purposes).
    pub const WITHDRAWAL: Self = Self::padded(b"withdrawal");
    /// Showing that one reads what is sent to an address: codes for it let nobody in. See
    /// [`CodeRequest::confirmation`](crate::account::CodeRequest::confirmation).
    pub const CONFIRMATION: Self = Self::padded(b"confirmation");
    /// Resynchronizing, as events have it.
    pub const RESYNC: Self = Self::padded(b"resync");
    /// Changing what the account is bound to: enrolling, confirming and removing authenticators,
    /// making recovery codes.
    pub const BINDING: Self = Self::padded(b"binding");

    /// The purpose with this name.
    ///
    /// # Errors
    /// [`NameError`] unless it has 1 to 24 lower-case ASCII letters, digits and hyphens.
    pub const fn new(word: &str) -> Result<Self, NameError> {
        let mut rest = word.as_bytes();
        if rest.is_empty() || rest.len() > Self::MAX_LEN {
            return Err(NameError::Purpose);
        }
        while let [first, behind @ ..] = rest {
            if !matches!(first, b'a'..=b'z' | b'0'..=b'9' | b'-') {
                return Err(NameError::Purpose);
            }
            rest = behind;
        }
        Ok(Self::padded(word.as_bytes()))
    }

    const fn padded(word: &[u8]) -> Self {
        let mut bytes = [0; Self::MAX_LEN];
        if let Some((place, _)) = bytes.split_at_mut_checked(word.len()) {
            place.copy_from_slice(word);
        }
        Self { bytes }
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let word = self.bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        str::from_utf8(word).unwrap_or_default()
    }

    pub(in crate::account) const fn bytes(&self) -> &[u8; Self::MAX_LEN] {
        &self.bytes
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Purpose({})", self.as_str())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Purpose {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
