//! Whom the codes belong to.

use super::error::NameError;
use alloc::boxed::Box;
use core::fmt;

/// Whom the codes belong to: whatever the service knows an account by, as 1 to 128 bytes.
///
/// Take what never changes and is never given to somebody else: a number or a UUID, not a name or
/// an e-mail address. Ids are compared byte by byte: `Alice` and `alice` are two accounts.
///
/// ```
/// use sekisho::account::AccountId;
///
/// let id = AccountId::new("user-4711")?;
/// assert_eq!(id.as_bytes(), b"user-4711");
/// assert!(AccountId::new("").is_err());
/// # Ok::<(), sekisho::account::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Box<[u8]>);

impl AccountId {
    /// The longest id, in bytes.
    pub const MAX_LEN: usize = 128;

    /// The id under which [`Verifier::ready`](../struct.Verifier.html#method.ready) tries the
    /// store. It is no text, so that no service's id is like it.
    pub const READINESS: &[u8] = b"\xff is it ready? \xff";

    #[cfg(feature = "verifier")]
    pub(crate) fn readiness() -> Self {
        Self(Self::READINESS.into())
    }

    /// The account with this id.
    ///
    /// # Errors
    /// [`NameError`] unless the id has 1 to 128 bytes.
    pub fn new(id: impl AsRef<[u8]>) -> Result<Self, NameError> {
        let id = id.as_ref();
        if id.is_empty() || id.len() > Self::MAX_LEN {
            return Err(NameError::AccountId { len: id.len() });
        }
        Ok(Self(id.into()))
    }

    /// The bytes of the id.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountId({})", self.0.escape_ascii())
    }
}
