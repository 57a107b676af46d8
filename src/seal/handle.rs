//! A keyring that can be exchanged while it is in use.

use super::error::SealError;
use super::key::Keyring;
use alloc::sync::Arc;
use core::fmt;
use std::sync::{PoisonError, RwLock};

/// A keyring that can be exchanged while verifiers work with it, so that a rotation needs no
/// restart. Clones are the same handle.
///
/// ```
/// use sekisho::Verifier;
/// use sekisho::seal::{Keyring, KeyringHandle};
/// use sekisho::store::MemoryStore;
///
/// let (old, new) = (
///     "1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
///     "2:5b3a9d1c7e0f2846b1d3957a60ce84f2135790bdf2468ace0123456789abcdef",
/// );
/// let keys = KeyringHandle::new(Keyring::parse(old)?);
/// # #[cfg(feature = "verifier")]
/// let verifier =
///     Verifier::builder(MemoryStore::new(), keys.clone()).without_notifications().build();
/// // Later, and on every machine before one of them makes it the primary:
/// keys.exchange(Keyring::parse(&format!("{old},{new}"))?)?;
/// keys.exchange(Keyring::parse(&format!("{new},{old}"))?)?;
/// # Ok::<(), sekisho::seal::SealError>(())
/// ```
#[derive(Clone)]
pub struct KeyringHandle(Arc<RwLock<Arc<Keyring>>>);

impl KeyringHandle {
    /// A handle on this ring.
    #[must_use]
    pub fn new(keyring: Keyring) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(keyring))))
    }

    /// Puts another ring in the place of the present one. Calls that have begun finish with the
    /// ring that they began with.
    ///
    /// # Errors
    /// [`SealError::PrimaryMissing`] unless the new ring has the present primary key, as primary or
    /// older: what was written until now would not open. The present ring stays.
    pub fn exchange(&self, keyring: Keyring) -> Result<(), SealError> {
        // A ring is exchanged whole or not at all, so that none is half changed where a thread has
        // panicked.
        let mut present = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !present.hands_over_to(&keyring) {
            return Err(SealError::PrimaryMissing { id: present.primary_id() });
        }
        *present = Arc::new(keyring);
        Ok(())
    }

    /// The ring that is in use now.
    #[must_use]
    pub fn get(&self) -> Arc<Keyring> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl From<Keyring> for KeyringHandle {
    fn from(keyring: Keyring) -> Self {
        Self::new(keyring)
    }
}

impl fmt::Debug for KeyringHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyringHandle").field(&self.get()).finish()
    }
}
