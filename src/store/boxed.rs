//! Any store behind one type.

use super::contract::{Store, Swap};
use super::error::StoreError;
use crate::account::AccountId;
use crate::seal::{Revision, Stored, Write};
use alloc::boxed::Box;
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
    fn ready(&self) -> Answer<'_, ()>;
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

    fn ready(&self) -> Answer<'_, ()> {
        Box::pin(async move { Store::ready(self).await.map_err(StoreError::new) })
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

    async fn ready(&self) -> Result<(), StoreError> {
        self.0.ready().await
    }
}
