//! Stores keep records: opaque bytes under an account, changed only by compare-and-swap.
//!
//! A store decides nothing. It holds bytes and replaces them if nobody else has; every rule about
//! codes rests on that one promise, which is stated at [`Store`] and checked by [`conformance`].
//!
//! # Which store
//!
//! | store | for | what it may lose of what it has answered |
//! |---|---|---|
//! | [`MemoryStore`] | tests | everything, with the process |
//! | `RedbStore` | one process on one machine | nothing; the disk is waited for |
//! | `PostgresStore` | many machines; where a database is there already | nothing; in a failover to a replica that is not synchronous, its last moments |
//! | `RedisStore` | many machines; where Redis is there already | with `appendfsync always` nothing in a crash; in a failover what the replicas had not acknowledged, see `RedisBuilder::replicas` |
//!
//! The loss is of codes that were used and failures that were counted: for as long as those codes
//! last, they can be used again. In doubt take PostgreSQL: it promises the most when machines fail.
//! Take Redis where log-ins are more than a PostgreSQL bears, and its set-up (`appendfsync always`,
//! replicas that are waited for) is somebody's task.
//!
//! While a server is away nobody gets in: every call is an error within its deadline (two seconds
//! unless set otherwise), and a connection that was lost, or has fallen silent, is replaced by
//! another.
//!
//! # How large, how many
//! An envelope takes 1.3 to 2 kB once its account's history is full (and 64 KiB at the very most).
//! With its key and what the server adds, an account of 1.3 kB takes 1.6 kB of memory in Redis, and
//! 2.7 kB in PostgreSQL, room for updates in place included: a million accounts are 1.6 and 2.7 GB.
//!
//! A log-in is one load and one swap, each one round trip; one that notifies the owner is two of
//! each, one that is refused and changes nothing is the load only. `examples/load.rs` measures what
//! a store bears beside what its client does by itself.
//!
//! # Backups
//! A backup brings old watermarks back, and with them codes that were used since. After one was
//! restored:
//!
//! 1. Tell every verifier when that was, before the first one works again:
//!    `VerifierBuilder::restored_at` (or
//!    [`Account::restored_at`](crate::account::Account::restored_at)). Whatever could have been
//!    used until then counts as used, recovery codes included.
//! 2. Leave the setting in place, as long as there may be records that have not been used since.
//!    Each is treated once.
//! 3. Locks, holds and freezes of after the backup are gone: look through the events of that time,
//!    which the sink was told, and repeat what operators did.
//!
//! A failover that may have lost changes is a backup of a moment ago. The same helps, at the price
//! of everybody's recovery codes; replicas that are waited for cost less. Keep the sealing keys
//! apart from the backups.
//!
//! # Rotating the sealing keys
//! 1. Give every process a keyring in which the new key is there and the old one is primary; then
//!    one in which the new one is primary.
//! 2. Every write seals under the new one from then on. For accounts that nobody uses, call
//!    `Verifier::reseal` for each that the store lists.
//! 3. Take the old key away when `reseal` has said of each account that it was done, or not needed.
//!    Backups need it for as long as they are kept.
//!
//! # Moving to another store
//! Stop what verifies, or have it refuse; [`copy`] the records of the accounts that the old store
//! lists; start on the new one. A record that changes while it is copied would be old in the new
//! store, with codes that can be used again.

#[cfg(any(feature = "postgres", feature = "redis"))]
mod authority;
mod boxed;
#[cfg(feature = "conformance")]
pub mod conformance;
mod copy;
mod error;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresBuilder, PostgresStore};
#[cfg(feature = "redb")]
pub use self::redb::RedbStore;
#[cfg(feature = "redis")]
pub use self::redis::{RedisBuilder, RedisStore};
pub use boxed::BoxStore;
pub use copy::{Copied, copy};
pub use error::StoreError;
pub use memory::MemoryStore;

use crate::account::AccountId;
use crate::seal::{Revision, Stored, Write};

/// The outcome of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a lost swap has changed nothing"]
pub enum Swap {
    /// It has happened, and outlasts whatever the store promises to outlast.
    Done,
    /// Another revision was stored than expected: nothing has changed.
    Lost,
}

/// Keeps records.
///
/// # The contract
/// For each account by itself, all calls on all handles to one store, in all threads, processes and
/// machines, behave as if made one after another, each at some moment between its begin and its end
/// (they are linearizable):
///
/// - [`load`](Self::load) gives what the last change left. An older value, from a replica or a
///   cache, breaks every rule that rests on this.
/// - [`swap`](Self::swap) and [`delete`](Self::delete) compare and change in one step. Reading
///   first and writing later, unguarded, is the race that this library exists to end.
/// - `Ok(Swap::Done)` comes only after the change is as durable as the store ever makes it.
/// - `Err` means that the outcome is unknown: the change may have happened, may not have, and may
///   yet happen. `Ok(Lost)` means that it has not happened and never will.
/// - A future dropped before its end is the same as `Err`. Dropping it at any await leaves the
///   store whole.
/// - Every call ends, with an error if need be: a store has time-outs of its own.
/// - Accounts are told apart by their bytes, all of them, and envelopes of at least 64 KiB come
///   back as they went in.
///
/// No method has a default: each of them is security. `conformance` (a feature) checks an
/// implementation.
///
/// # A minimal implementation
/// ```
/// use sekisho::account::AccountId;
/// use sekisho::seal::{Revision, Stored, Write};
/// use sekisho::store::{Store, Swap};
/// use std::collections::HashMap;
/// use std::convert::Infallible;
/// use std::sync::Mutex;
///
/// struct Minimal(Mutex<HashMap<AccountId, Stored>>);
///
/// impl Store for Minimal {
///     type Error = Infallible;
///
///     async fn load(&self, account: &AccountId) -> Result<Option<Stored>, Infallible> {
///         Ok(self.0.lock().unwrap().get(account).cloned())
///     }
///
///     async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, Infallible> {
///         let mut records = self.0.lock().unwrap(); // compared and changed under one lock
///         if records.get(account).map(|stored| stored.revision) != write.expected {
///             return Ok(Swap::Lost);
///         }
///         records.insert(account.clone(), write.new.clone());
///         Ok(Swap::Done)
///     }
///
///     async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, Infallible> {
///         let mut records = self.0.lock().unwrap();
///         if records.get(account).map(|stored| stored.revision) != Some(expected) {
///             return Ok(Swap::Lost);
///         }
///         records.remove(account);
///         Ok(Swap::Done)
///     }
/// }
/// ```
pub trait Store: Send + Sync + 'static {
    /// Why a call failed. It may be logged: it contains no envelope.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Gives the record that is stored for `account` now.
    fn load(&self, account: &AccountId) -> impl Future<Output = Result<Option<Stored>, Self::Error>> + Send;

    /// Stores `write.new` if `write.expected` is what is stored now.
    fn swap(&self, account: &AccountId, write: &Write) -> impl Future<Output = Result<Swap, Self::Error>> + Send;

    /// Removes the record if `expected` is what is stored now.
    fn delete(&self, account: &AccountId, expected: Revision)
    -> impl Future<Output = Result<Swap, Self::Error>> + Send;
}
