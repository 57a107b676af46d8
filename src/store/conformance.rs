//! Checks that a store keeps the contract of [`Store`]: run it from the tests of every
//! implementation.
//!
//! ```
//! use sekisho::store::{MemoryStore, conformance};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! conformance::check(&MemoryStore::new()).await?;
//! # Ok::<(), conformance::Violation>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`check`] covers one handle, [`race`] several handles of one process. All calls are made from
//! one task, so they meet only where the store awaits. What this cannot show needs tests of your
//! own: threads and processes that race, and what outlasts a crash.
//!
//! The records it makes are under account ids that begin with `sekisho conformance`, and are
//! removed when it succeeds.

use super::contract::{Store, Swap};
use crate::account::AccountId;
use crate::seal::{Revision, Stored, Write};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::pin::pin;
use core::task::{Context, Waker};
use futures_util::future::join_all;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// A breach of the contract by a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store breaks its contract, {case}: {what}")]
pub struct Violation {
    case: &'static str,
    what: String,
}

/// Everything that one handle can show, each case on accounts of its own.
///
/// # Errors
/// The first [`Violation`]. An `Err` of the store counts as one: here nothing is wrong with it.
pub async fn check<S: Store>(store: &S) -> Result<(), Violation> {
    absent(&Case::new(store, "a record that is absent")).await?;
    present(&Case::new(store, "a record that is present")).await?;
    conflict(&Case::new(store, "a swap that expects another revision")).await?;
    delete(&Case::new(store, "deletion")).await?;
    race_of_deletions(&Case::new(store, "a race of deletions")).await?;
    large(&Case::new(store, "large and odd envelopes")).await?;
    odd_ids(&Case::new(store, "odd account ids")).await?;
    dropped(&Case::new(store, "a swap that is dropped before its end")).await?;
    race(&[store], 16, 8).await
}

/// `rounds` rounds in which `racers` swaps on each of `stores`, handles to the same records, expect
/// the same revision: one of all wins, and what it wrote is there.
///
/// # Errors
/// The first [`Violation`].
pub async fn race<S: Store>(stores: &[&S], racers: usize, rounds: usize) -> Result<(), Violation> {
    let Some(first) = stores.first().filter(|_| racers > 0 && rounds > 0) else { return Ok(()) };
    let first = Case::new(*first, "a race of swaps");
    let account = first.account("")?;
    let mut current = None;
    for round in 0..rounds {
        let swaps = stores.iter().flat_map(|store| (0..racers).map(move |racer| (store, racer)));
        let swaps = swaps.map(|(store, racer)| {
            let (case, account) = (Case::new(*store, "a race of swaps"), &account);
            async move {
                let new = stored(format!("round {round}, racer {racer}").as_bytes());
                Ok((case.swap(account, current, &new).await?, new))
            }
        });
        let swaps: Vec<_> = join_all(swaps).await.into_iter().collect::<Result<_, Violation>>()?;
        let mut winners = swaps.into_iter().filter(|(swap, _)| *swap == Swap::Done).map(|(_, new)| new);
        let (winner, second) = (winners.next(), winners.next());
        first.that(winner.is_some(), "nobody won")?;
        first.that(second.is_none(), "more than one swap of the same revision won")?;
        for store in stores {
            Case::new(*store, "after a race of swaps").holds(&account, winner.as_ref()).await?;
        }
        current = winner.map(|winner| winner.revision);
    }
    first.clear(&account).await
}

/// Two stores that are configured to be apart (by namespace, table, file) do not see each other's
/// records.
///
/// # Errors
/// The first [`Violation`].
pub async fn apart<S: Store>(one: &S, other: &S) -> Result<(), Violation> {
    let (one, other) = (Case::new(one, "two stores apart"), Case::new(other, "two stores apart"));
    let account = one.account("")?;
    let (here, there) = (stored(b"here"), stored(b"there"));
    one.insert(&account, &here).await?;
    other.holds(&account, None).await?;
    other.insert(&account, &there).await?;
    one.holds(&account, Some(&here)).await?;
    one.clear(&account).await?;
    other.holds(&account, Some(&there)).await?;
    other.clear(&account).await
}

async fn absent<S: Store>(case: &Case<'_, S>) -> Result<(), Violation> {
    let account = case.account("")?;
    case.holds(&account, None).await?;
    case.loses(&account, Some(revision()), &stored(b"")).await?;
    let deleted = case.delete(&account, revision()).await?;
    case.that(deleted == Swap::Lost, "a deletion of nothing was done")?;
    case.holds(&account, None).await
}

async fn present<S: Store>(case: &Case<'_, S>) -> Result<(), Violation> {
    let account = case.account("")?;
    let (first, second) = (stored(b"first"), stored(b"second"));
    case.insert(&account, &first).await?;
    case.holds(&account, Some(&first)).await?;
    case.wins(&account, Some(first.revision), &second).await?;
    case.holds(&account, Some(&second)).await?;
    case.clear(&account).await
}

async fn conflict<S: Store>(case: &Case<'_, S>) -> Result<(), Violation> {
    let account = case.account("")?;
    let (first, second) = (stored(b"first"), stored(b"second"));
    case.insert(&account, &first).await?;
    case.loses(&account, None, &stored(b"a second insertion")).await?;
    case.loses(&account, Some(revision()), &stored(b"of a revision that never was")).await?;
    case.wins(&account, Some(first.revision), &second).await?;
    case.loses(&account, Some(first.revision), &stored(b"of a revision that was")).await?;
    // One bit off at either end.
    for byte in [0, Revision::LEN.saturating_sub(1)] {
        let mut near = *second.revision.as_bytes();
        near.iter_mut().skip(byte).take(1).for_each(|byte| *byte ^= 1);
        case.loses(&account, Some(Revision::from_bytes(near)), &stored(b"of a near revision")).await?;
    }
    case.holds(&account, Some(&second)).await?;
    case.clear(&account).await
}

async fn delete<S: Store>(case: &Case<'_, S>) -> Result<(), Violation> {
    let account = case.account("")?;
    let (first, second) = (stored(b"first"), stored(b"second"));
    case.insert(&account, &first).await?;
    let other = case.delete(&account, revision()).await?;
    case.that(other == Swap::Lost, "a deletion of another revision was done")?;
    case.holds(&account, Some(&first)).await?;
    let deleted = case.delete(&account, first.revision).await?;
    case.that(deleted == Swap::Done, "a deletion of the stored revision was lost")?;
    case.holds(&account, None).await?;
    case.loses(&account, Some(first.revision), &second).await?;
    case.insert(&account, &second).await?;
    case.holds(&account, Some(&second)).await?;
    case.clear(&account).await
}

async fn race_of_deletions<S: Store>(case: &Case<'_, S>) -> Result<(), Violation> {
    let account = case.account("")?;
    for _ in 0..8 {
        let record = stored(b"deleted once");
        case.insert(&account, &record).await?;
        let deletions = join_all((0..8).map(|_| case.delete(&account, record.revision))).await;
        let deletions: Vec<_> = deletions.into_iter().collect::<Result<_, _>>()?;
        let done = deletions.into_iter().filter(|deletion| *deletion == Swap::Done).count();
        case.that(done == 1, "of several deletions of one revision not exactly one was done")?;
    }
    Ok(())
}

async fn large<S: Store>(case: &Case<'_, S>) -> Result<(), Violation> {
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    let envelopes: [Vec<u8>; 5] =
        [Vec::new(), [0].to_vec(), b"'; -- \"\\\r\n\0".to_vec(), all_bytes.repeat(256), [0xff; 9].to_vec()];
    for (number, envelope) in envelopes.iter().enumerate() {
        let account = case.account(&number.to_string())?;
        let new = stored(envelope);
        case.insert(&account, &new).await?;
        case.holds(&account, Some(&new)).await?;
        case.clear(&account).await?;
    }
    Ok(())
}

async fn odd_ids<S: Store>(case: &Case<'_, S>) -> Result<(), Violation> {
    // No id in its usual form may be taken for another.
    let tails: [&[u8]; 14] = [
        b"",
        b" ",
        b"\0",
        b"\0\0",
        b"a",
        b"A",
        b"a ",
        b"\xc3\xa9",
        b"e\xcc\x81",
        b"\xff\xfe",
        b"{a}",
        b"a:b",
        b"'\"\\;%_*?[",
        b"../a\n",
    ];
    let prefix = case.account("")?;
    let mut accounts = Vec::new();
    for tail in tails {
        // As it is, and filled up to the longest id there may be.
        let mut id = [prefix.as_bytes(), tail].concat();
        accounts.push(AccountId::new(&id));
        id.resize(AccountId::MAX_LEN, b'x');
        accounts.push(AccountId::new(&id));
    }
    // All of an id counts, to its last byte.
    let mut id = prefix.as_bytes().to_vec();
    id.resize(AccountId::MAX_LEN.saturating_sub(1), b'x');
    accounts.extend([b'y', b'X'].map(|last| AccountId::new([id.as_slice(), &[last]].concat())));
    let accounts: Vec<_> =
        accounts.into_iter().collect::<Result<_, _>>().map_err(|error| case.violation(&error.to_string()))?;
    let records: Vec<_> = (0_u32..).zip(&accounts).map(|(number, _)| stored(&number.to_be_bytes())).collect();
    for (account, record) in accounts.iter().zip(&records) {
        case.insert(account, record).await?;
    }
    for (account, record) in accounts.iter().zip(&records) {
        case.holds(account, Some(record)).await?;
    }
    for account in &accounts {
        case.clear(account).await?;
    }
    Ok(())
}

/// A swap begun and dropped may happen now, later or never; the record is the old one or the new
/// one, and can be changed again.
async fn dropped<S: Store>(case: &Case<'_, S>) -> Result<(), Violation> {
    let account = case.account("")?;
    let mut current = stored(b"before");
    case.insert(&account, &current).await?;
    for round in 0..16_u32 {
        let begun = stored(&round.to_be_bytes());
        {
            let write = Write { expected: Some(current.revision), new: begun.clone() };
            let mut swap = pin!(case.store.swap(&account, &write));
            // At its first await, its second, …
            for _ in 0..=round % 4 {
                if swap.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                    break;
                }
            }
        }
        // At most two tries: the dropped swap can come between but once.
        let new = stored(b"after");
        for attempt in 0..2 {
            let found = case.load(&account).await?.ok_or_else(|| case.violation("the record was lost"))?;
            case.that(found == current || found == begun, "the record is neither the old one nor the new one")?;
            if case.swap(&account, Some(found.revision), &new).await? == Swap::Done {
                break;
            }
            case.that(attempt == 0 && found == current, "the record could not be changed again")?;
        }
        case.holds(&account, Some(&new)).await?;
        current = new;
    }
    case.clear(&account).await
}

/// A store, and what is being checked of it.
struct Case<'a, S> {
    store: &'a S,
    case: &'static str,
}

impl<'a, S: Store> Case<'a, S> {
    const fn new(store: &'a S, case: &'static str) -> Self {
        Self { store, case }
    }

    /// An account that no other case and no other run has.
    fn account(&self, suffix: &str) -> Result<AccountId, Violation> {
        let unique = u128::from_be_bytes(*revision().as_bytes());
        AccountId::new(format!("sekisho conformance {unique:032x} {suffix}"))
            .map_err(|error| self.violation(&error.to_string()))
    }

    fn violation(&self, what: &str) -> Violation {
        Violation { case: self.case, what: what.to_owned() }
    }

    fn that(&self, holds: bool, otherwise: &str) -> Result<(), Violation> {
        if holds { Ok(()) } else { Err(self.violation(otherwise)) }
    }

    fn error(&self, error: &S::Error) -> Violation {
        self.violation(&format!("an error: {error}"))
    }

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, Violation> {
        self.store.load(account).await.map_err(|error| self.error(&error))
    }

    async fn swap(&self, account: &AccountId, expected: Option<Revision>, new: &Stored) -> Result<Swap, Violation> {
        let write = Write { expected, new: new.clone() };
        self.store.swap(account, &write).await.map_err(|error| self.error(&error))
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, Violation> {
        self.store.delete(account, expected).await.map_err(|error| self.error(&error))
    }

    async fn holds(&self, account: &AccountId, expected: Option<&Stored>) -> Result<(), Violation> {
        let found = self.load(account).await?;
        if found.as_ref() == expected {
            return Ok(());
        }
        Err(self.violation(&format!("{expected:?} was expected under {account:?}, {found:?} was found")))
    }

    async fn wins(&self, account: &AccountId, expected: Option<Revision>, new: &Stored) -> Result<(), Violation> {
        let swap = self.swap(account, expected, new).await?;
        self.that(swap == Swap::Done, "a swap of the stored revision was lost")
    }

    async fn loses(&self, account: &AccountId, expected: Option<Revision>, new: &Stored) -> Result<(), Violation> {
        let swap = self.swap(account, expected, new).await?;
        self.that(swap == Swap::Lost, "a swap of another revision than the stored one was done")
    }

    async fn insert(&self, account: &AccountId, new: &Stored) -> Result<(), Violation> {
        let swap = self.swap(account, None, new).await?;
        self.that(swap == Swap::Done, "an insertion where nothing was stored was lost")
    }

    async fn clear(&self, account: &AccountId) -> Result<(), Violation> {
        let found = self.load(account).await?.ok_or_else(|| self.violation("the record was lost"))?;
        let deleted = self.delete(account, found.revision).await?;
        self.that(deleted == Swap::Done, "a deletion of the stored revision was lost")?;
        self.holds(account, None).await
    }
}

fn stored(envelope: &[u8]) -> Stored {
    Stored { revision: revision(), envelope: envelope.to_vec() }
}

/// One that has not been before: the standard library seeds each hasher differently.
fn revision() -> Revision {
    let half = || u128::from(RandomState::new().build_hasher().finish());
    Revision::from_bytes(((half() << 64) | half()).to_be_bytes())
}
