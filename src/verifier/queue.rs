//! Within one process, attempts on one account wait for each other instead of losing swaps to each other.

use crate::account::AccountId;
use alloc::sync::Arc;
use async_lock::{Mutex as Line, MutexGuardArc};
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 64;

/// A line for each account that somebody is working on, in the order of arrival. Nothing rests on it but fairness: what is right
/// is decided by the store's compare-and-swap.
#[derive(Default)]
pub(super) struct Queue {
    hasher: RandomState,
    shards: Shards,
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
        let line = Arc::clone(self.shard(account).entry(account.clone()).or_default());
        let mut turn = Turn { queue: self, account, line: Some(Arc::clone(&line)), guard: None };
        turn.guard = Some(line.lock_arc().await);
        turn
    }

    fn shard(&self, account: &AccountId) -> MutexGuard<'_, Lines> {
        let shards = &self.shards.0;
        let [first, ..] = shards;
        #[allow(clippy::cast_possible_truncation)] // any bits will do
        let index = self.hasher.hash_one(account) as usize % SHARDS;
        // Each change is one call on the table: a thread that panicked has left it whole.
        shards.get(index).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in an account's line: waiting, and later having its turn. Leaves the line when dropped, also while it waits.
pub(super) struct Turn<'a> {
    queue: &'a Queue,
    account: &'a AccountId,
    line: Option<Arc<Line<()>>>,
    guard: Option<MutexGuardArc<()>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // The next one's turn begins.
        self.guard = None;
        let mut lines = self.queue.shard(self.account);
        self.line = None;
        // Whoever joins a line does so under the shard's lock: if only the table has it, nobody is in it.
        if lines.get(self.account).is_some_and(|line| Arc::strong_count(line) == 1) {
            lines.remove(self.account);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
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
        let mut waiting: Vec<_> = (0..3).map(|_| alloc::boxed::Box::pin(queue.turn(&account))).collect();
        for turn in &mut waiting {
            assert!(turn.as_mut().poll(context).is_pending());
        }
        drop(waiting.remove(1)); // gave up while waiting
        drop(first);
        assert!(waiting[1].as_mut().poll(context).is_pending(), "the one before it has not had its turn");
        let Poll::Ready(second) = waiting[0].as_mut().poll(context) else { panic!("it was its turn") };
        assert_eq!(lines(&queue), 1);
        drop(second);
        drop(waiting);
        assert_eq!(lines(&queue), 0);
    }
}
