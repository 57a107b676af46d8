//! Any store behind one type.

use super::{Revision, Store, Stored, Swap, Write};
use crate::account::AccountId;
use alloc::boxed::Box;
use core::error::Error;
use core::fmt;
use core::pin::Pin;

/// Any store: for services that choose theirs at run time.
///
/// ```
/// use sekisho::store::{BoxStore, MemoryStore};
///
/// let store = BoxStore::new(MemoryStore::new());
/// ```
pub struct BoxStore(Box<dyn Erased>);

/// What a boxed store's call failed by: its own error.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StoreError(Box<dyn Error + Send + Sync>);

impl StoreError {
    pub(crate) fn new(error: impl Error + Send + Sync + 'static) -> Self {
        let error: Box<dyn Error + Send + Sync> = Box::new(error);
        // A boxed store's own error is not boxed again.
        error.downcast::<Self>().map_or_else(Self, |error| *error)
    }

    /// The store's own error.
    #[must_use]
    pub fn get(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl BoxStore {
    /// This store.
    #[must_use]
    pub fn new(store: impl Store) -> Self {
        Self(Box::new(store))
    }
}

impl fmt::Debug for BoxStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxStore(..)")
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

trait Erased: Send + Sync {
    fn load<'a>(&'a self, account: &'a AccountId) -> Answer<'a, Option<Stored>>;
    fn swap<'a>(&'a self, account: &'a AccountId, write: &'a Write) -> Answer<'a, Swap>;
    fn delete<'a>(&'a self, account: &'a AccountId, expected: Revision) -> Answer<'a, Swap>;
}

impl<S: Store> Erased for S {
    fn load<'a>(&'a self, account: &'a AccountId) -> Answer<'a, Option<Stored>> {
        Box::pin(async move { Store::load(self, account).await.map_err(StoreError::new) })
    }

    fn swap<'a>(&'a self, account: &'a AccountId, write: &'a Write) -> Answer<'a, Swap> {
        Box::pin(async move { Store::swap(self, account, write).await.map_err(StoreError::new) })
    }

    fn delete<'a>(&'a self, account: &'a AccountId, expected: Revision) -> Answer<'a, Swap> {
        Box::pin(async move { Store::delete(self, account, expected).await.map_err(StoreError::new) })
    }
}

impl Store for BoxStore {
    type Error = StoreError;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, StoreError> {
        self.0.load(account).await
    }

    async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, StoreError> {
        self.0.swap(account, write).await
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, StoreError> {
        self.0.delete(account, expected).await
    }
}
