//! The contract between the verifier and a store.

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
/// - [`ready`](Self::ready) is `Ok` only where the store is set up to keep all of this.
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
///     async fn delete(
///         &self,
///         account: &AccountId,
///         expected: Revision,
///     ) -> Result<Swap, Infallible> {
///         let mut records = self.0.lock().unwrap();
///         if records.get(account).map(|stored| stored.revision) != Some(expected) {
///             return Ok(Swap::Lost);
///         }
///         records.remove(account);
///         Ok(Swap::Done)
///     }
///
///     async fn ready(&self) -> Result<(), Infallible> {
///         Ok(()) // nothing is configured that could be wrong
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

    /// Says whether the store is set up to keep what it answers: asked by a readiness check, beside
    /// a write and a load. A store without settings that could be wrong answers `Ok`.
    fn ready(&self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}
