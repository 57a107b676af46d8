//! Whom the codes belong to.

use alloc::boxed::Box;
use core::fmt;

/// Whom the codes belong to: whatever the service knows an account by, as 1 to 128 bytes.
///
/// Take what never changes and is never given to somebody else: a number or a UUID, not a name or an e-mail address.
/// Ids are compared byte by byte: `Alice` and `alice` are two accounts.
///
/// ```
/// use sekisho::account::AccountId;
///
/// let id = AccountId::new("user-4711")?;
/// assert_eq!(id.as_bytes(), b"user-4711");
/// assert!(AccountId::new("").is_err());
/// # Ok::<(), sekisho::account::AccountIdError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Box<[u8]>);

impl AccountId {
    /// The longest id, in bytes.
    pub const MAX_LEN: usize = 128;

    /// The account with this id.
    ///
    /// # Errors
    /// [`AccountIdError`] unless the id has 1 to 128 bytes.
    pub fn new(id: impl AsRef<[u8]>) -> Result<Self, AccountIdError> {
        let id = id.as_ref();
        if id.is_empty() || id.len() > Self::MAX_LEN {
            return Err(AccountIdError { len: id.len() });
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

/// An id that is empty or over 128 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an account id has 1 to 128 bytes, this one {len}: use a shorter one that never changes, such as a number or a UUID"
)]
pub struct AccountIdError {
    len: usize,
}
