//! Moving from one store to another.

use super::contract::{Store, Swap};
use super::error::StoreError;
use crate::account::AccountId;
use crate::seal::Write;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The outcome of [`copy`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// The number of records that are in the new store as they are in the old one.
    pub records: u64,
    /// The number of accounts that have no record in the old store.
    pub absent: u64,
    /// The accounts that have another record in the new store, which was left as it is.
    pub different: Vec<AccountId>,
}

/// Copies the records of these accounts from one store to another, as they are: envelopes are bound
/// to account and revision, not to a store, so the same keyring opens them there.
///
/// Stop every verifier of the old store first, and let none of it start again: what is used there
/// after a record was copied could be used again in the new one. Then copy, and start the verifiers
/// on the new store. To do it again, or to go on after an error, is harmless: what is there already
/// is left.
///
/// The stores list their accounts, where they can.
///
/// ```
/// use sekisho::store::{self, MemoryStore};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (old, new) = (MemoryStore::new(), MemoryStore::new());
/// let copied = store::copy(&old, &new, old.accounts()).await?;
/// assert!(copied.different.is_empty());
/// # Ok::<(), store::StoreError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`StoreError::CopyFrom`] or [`StoreError::CopyTo`]. The records that were copied until then are
/// in the new store: begin again.
pub async fn copy<A: Store, B: Store>(
    from: &A,
    to: &B,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<Copied, StoreError> {
    let mut copied = Copied::default();
    for account in accounts {
        let stored = from.load(&account).await.map_err(|error| StoreError::CopyFrom { source: Arc::new(error) })?;
        let Some(new) = stored else {
            copied.absent = copied.absent.saturating_add(1);
            continue;
        };
        let failed = |error: B::Error| StoreError::CopyTo { source: Arc::new(error) };
        let write = Write { expected: None, new };
        let is_there = match to.swap(&account, &write).await.map_err(failed)? {
            Swap::Done => true,
            Swap::Lost => to.load(&account).await.map_err(failed)?.is_some_and(|stored| stored == write.new),
        };
        if is_there {
            copied.records = copied.records.saturating_add(1);
        } else {
            copied.different.push(account);
        }
    }
    Ok(copied)
}
