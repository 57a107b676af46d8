//! Moving from one store to another.

use super::{Store, StoreError, Swap, Write};
use crate::account::AccountId;
use alloc::vec::Vec;

/// What [`copy`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// How many records are in the new store as they are in the old one.
    pub records: u64,
    /// How many of the accounts have no record in the old store.
    pub absent: u64,
    /// The accounts that have another record in the new store, which was left as it is.
    pub different: Vec<AccountId>,
}

/// Why a copy was given up. What was copied until then is in the new store; begin again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The old store failed.
    #[error("the old store could not be read: see its own error, then begin again")]
    From(#[source] StoreError),
    /// The new store failed.
    #[error("the new store could not be read or written: see its own error, then begin again")]
    To(#[source] StoreError),
}

/// Copies the records of these accounts from one store to another, as they are: envelopes are bound to account and revision, not to a
/// store, so the same keyring opens them there.
///
/// Stop every verifier of the old store first, and let none of it start again: what is used there after a record was copied could be used again in the
/// new one. Then copy, and start the verifiers on the new store. To do it again, or to go on after an error, is harmless: what is there
/// already is left.
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
/// # Ok::<(), store::CopyError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`CopyError`].
pub async fn copy<A: Store, B: Store>(
    from: &A,
    to: &B,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<Copied, CopyError> {
    let mut copied = Copied::default();
    for account in accounts {
        let stored = from.load(&account).await.map_err(|error| CopyError::From(StoreError::new(error)))?;
        let Some(new) = stored else {
            copied.absent = copied.absent.saturating_add(1);
            continue;
        };
        let failed = |error: B::Error| CopyError::To(StoreError::new(error));
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
