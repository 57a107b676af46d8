//! Records in this process's memory.

use super::contract::{Store, Swap};
use crate::account::AccountId;
use crate::seal::{Revision, Stored, Write};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::convert::Infallible;
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Enough that the locks of a busy process rarely meet.
const SHARDS: usize = 64;

/// Records in this process's memory: for tests, and for services of one process that accept losing
/// every enrollment, lock and used code with it.
///
/// Clones share the records. Nothing blocks but for the moment of a hash table's look-up.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Shards>);

#[derive(Debug)]
struct Shards {
    hasher: RandomState,
    shards: [Mutex<HashMap<AccountId, Stored>>; SHARDS],
}

impl Default for Shards {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: core::array::from_fn(|_| Mutex::default()) }
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The accounts that have a record, in no order; of changes made meanwhile some may show.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountId> {
        self.0.shards.iter().flat_map(|shard| lock(shard).keys().cloned().collect::<Vec<_>>()).collect()
    }

    /// The shard of `account`, locked.
    fn shard(&self, account: &AccountId) -> MutexGuard<'_, HashMap<AccountId, Stored>> {
        let shards = &self.0.shards;
        let [first, ..] = shards;
        #[allow(clippy::cast_possible_truncation)] // any bits will do
        let index = self.0.hasher.hash_one(account) as usize % SHARDS;
        lock(shards.get(index).unwrap_or(first))
    }
}

/// In the room of the envelope that was: most have the same length.
fn replace(stored: &mut Stored, new: &Stored) {
    if stored.envelope.len() == new.envelope.len() {
        stored.envelope.copy_from_slice(&new.envelope);
        stored.revision = new.revision;
    } else {
        *stored = new.clone();
    }
}

/// Each change is one call on the table: a thread that panicked has left it whole.
fn lock(shard: &Mutex<HashMap<AccountId, Stored>>) -> MutexGuard<'_, HashMap<AccountId, Stored>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for MemoryStore {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, Infallible> {
        Ok(self.shard(account).get(account).cloned())
    }

    async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, Infallible> {
        let mut shard = self.shard(account);
        Ok(match (shard.get_mut(account), write.expected) {
            (None, None) => {
                shard.insert(account.clone(), write.new.clone());
                Swap::Done
            }
            (Some(stored), Some(expected)) if stored.revision == expected => {
                replace(stored, &write.new);
                Swap::Done
            }
            _ => Swap::Lost,
        })
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, Infallible> {
        Ok(match self.shard(account).entry(account.clone()) {
            Entry::Occupied(place) if place.get().revision == expected => {
                place.remove();
                Swap::Done
            }
            _ => Swap::Lost,
        })
    }

    async fn ready(&self) -> Result<(), Infallible> {
        Ok(())
    }
}
