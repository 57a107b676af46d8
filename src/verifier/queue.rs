//! Within one verifier, changes of one account wait for each other instead of losing swaps to each
//! other.

use crate::account::AccountId;
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Mutex as Line, OwnedMutexGuard};

const SHARDS: usize = 64;

/// A line for each account that somebody is changing, first come first served. Nothing rests on it
/// but fairness: what is right is decided by the store's compare-and-swap.
#[derive(Default)]
pub(super) struct Queue {
    hasher: RandomState,
    shards: Shards,
    /// The events that are being delivered.
    delivering: Mutex<HashSet<(AccountId, u64)>>,
}

struct Shards([Mutex<Lines>; SHARDS]);

type Lines = HashMap<AccountId, Arc<Line<()>>>;

impl Default for Shards {
    fn default() -> Self {
        Self(core::array::from_fn(|_| Mutex::default()))
    }
}

impl Queue {
    /// Waits for this account's turn, which lasts as long as what is returned.
    pub(super) async fn turn<'a>(&'a self, account: &'a AccountId) -> Turn<'a> {
        let mut place = self.place(account);
        if let Some(line) = &place.line {
            place.guard = Some(Arc::clone(line).lock_owned().await);
        }
        place
    }

    /// This account's turn, if nobody is in the line.
    pub(super) fn turn_now<'a>(&'a self, account: &'a AccountId) -> Option<Turn<'a>> {
        let mut place = self.place(account);
        place.guard = Some(Arc::clone(place.line.as_ref()?).try_lock_owned().ok()?);
        Some(place)
    }

    fn place<'a>(&'a self, account: &'a AccountId) -> Turn<'a> {
        let line = Arc::clone(self.shard(account).entry(account.clone()).or_default());
        Turn { queue: self, account, line: Some(line), guard: None }
    }

    fn shard(&self, account: &AccountId) -> MutexGuard<'_, Lines> {
        let shards = &self.shards.0;
        let [first, ..] = shards;
        #[allow(clippy::cast_possible_truncation)] // any bits will do
        let index = self.hasher.hash_one(account) as usize % SHARDS;
        lock(shards.get(index).unwrap_or(first))
    }

    /// Those of these events that nobody is delivering. They are this caller's for as long as the
    /// returned value lasts.
    pub(super) fn delivering(&self, account: &AccountId, sequences: impl Iterator<Item = u64>) -> Delivering<'_> {
        let mut delivering = lock(&self.delivering);
        let mine =
            sequences.map(|sequence| (account.clone(), sequence)).filter(|event| delivering.insert(event.clone()));
        Delivering { mine: mine.collect(), queue: self }
    }
}

/// Each change is one call on the table: a thread that panicked has left it whole.
fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place in an account's line: waiting, and later having its turn. Leaves the line when dropped,
/// also while it waits.
pub(super) struct Turn<'a> {
    queue: &'a Queue,
    account: &'a AccountId,
    line: Option<Arc<Line<()>>>,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // The next one's turn begins.
        self.guard = None;
        let mut lines = self.queue.shard(self.account);
        self.line = None;
        // A line is joined under the shard's lock: if only the table has it, nobody is in it.
        if lines.get(self.account).is_some_and(|line| Arc::strong_count(line) == 1) {
            lines.remove(self.account);
        }
    }
}

/// Events that are being delivered, here and nowhere else in this verifier.
pub(super) struct Delivering<'a> {
    queue: &'a Queue,
    mine: Vec<(AccountId, u64)>,
}

impl Delivering<'_> {
    pub(super) fn contains(&self, sequence: Option<u64>) -> bool {
        self.mine.iter().any(|(_, mine)| Some(*mine) == sequence)
    }
}

impl Drop for Delivering<'_> {
    fn drop(&mut self) {
        let mut delivering = lock(&self.queue.delivering);
        for event in &self.mine {
            delivering.remove(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::boxed::Box;
    use core::pin::pin;
    use core::task::{Context, Poll, Waker};

    fn lines(queue: &Queue) -> usize {
        queue.shards.0.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    #[test]
    fn turns_come_in_order_of_arrival_and_lines_end_with_the_last_who_leaves() {
        let (queue, account) = (Queue::default(), AccountId::new("alice").unwrap());
        let context = &mut Context::from_waker(Waker::noop());
        let Poll::Ready(first) = pin!(queue.turn(&account)).poll(context) else { panic!("nobody was there") };
        assert!(queue.turn_now(&account).is_none());
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(queue.turn(&account))).collect();
        for turn in &mut waiting {
            assert!(turn.as_mut().poll(context).is_pending());
        }
        drop(waiting.remove(1)); // gave up while waiting
        drop(first);
        assert!(queue.turn_now(&account).is_none(), "whoever came before is first");
        assert!(waiting[1].as_mut().poll(context).is_pending(), "the one before it has not had its turn");
        let Poll::Ready(second) = waiting[0].as_mut().poll(context) else { panic!("it was its turn") };
        assert_eq!(lines(&queue), 1);
        drop(second);
        drop(waiting);
        assert_eq!(lines(&queue), 0);
    }

    #[test]
    fn the_last_who_gives_up_while_waiting_leaves_nothing_behind() {
        let (queue, account) = (Queue::default(), AccountId::new("alice").unwrap());
        let context = &mut Context::from_waker(Waker::noop());
        let first = queue.turn_now(&account);
        let mut waiting = Box::pin(queue.turn(&account));
        assert!(waiting.as_mut().poll(context).is_pending());
        drop(first);
        drop(waiting);
        assert_eq!(lines(&queue), 0);
    }

    #[test]
    fn an_event_is_delivered_by_one_at_a_time() {
        let (queue, account) = (Queue::default(), AccountId::new("alice").unwrap());
        let first = queue.delivering(&account, [1, 2].into_iter());
        let second = queue.delivering(&account, [2, 3].into_iter());
        assert!(first.contains(Some(2)) && !second.contains(Some(2)) && second.contains(Some(3)));
        drop(first);
        assert!(queue.delivering(&account, [2].into_iter()).contains(Some(2)));
    }
}
