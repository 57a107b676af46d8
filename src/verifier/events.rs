//! Events are delivered to the sink, and acknowledged in the record.

use super::commit::{MAX_TRIES, Written};
use super::error::Error;
use super::handle::Verifier;
use super::queue::Delivering;
use super::randomness::Randomness;
use crate::account::{AccountId, Event};
use crate::store::Store;
use alloc::vec::Vec;

impl<S: Store> Verifier<S> {
    /// Delivers what happened: first what the sink had not taken before, then `events`, which have
    /// been stored. The answer stands whatever comes of it, since what is not taken is
    /// delivered again.
    ///
    /// The caller keeps its turn until these events are marked as being delivered, so that the next
    /// change of this account does not deliver them again.
    pub(super) async fn deliver_new<Turn>(
        &self,
        account: &AccountId,
        unacknowledged: Vec<Event>,
        events: Vec<Event>,
        turn: Turn,
    ) {
        if self.0.sink.is_none() || (unacknowledged.is_empty() && events.is_empty()) {
            return;
        }
        let is_notice = |event: &&Event| event.notifies_owner();
        let sequences = unacknowledged.iter().chain(events.iter().filter(is_notice)).filter_map(|event| event.sequence);
        let delivering = self.0.queue.delivering(account, sequences);
        drop(turn);
        let mut taken = self.deliver_notices(account, &delivering, &unacknowledged).await;
        let (notices, others): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| is_notice(&event));
        self.deliver_once(account, &others).await;
        taken.extend(self.deliver_notices(account, &delivering, &notices).await);
        let _ = self.acknowledge(account, &taken).await;
    }

    /// Delivers what the sink has not taken; gives the number of events that it still has not.
    pub(super) async fn deliver_again(&self, account: &AccountId, unacknowledged: Vec<Event>) -> Result<usize, Error> {
        let sequences = unacknowledged.iter().filter_map(|event| event.sequence);
        let delivering = self.0.queue.delivering(account, sequences);
        let taken = self.deliver_notices(account, &delivering, &unacknowledged).await;
        self.acknowledge(account, &taken).await?;
        Ok(unacknowledged.len().saturating_sub(taken.len()))
    }

    /// Delivers those notices that nobody else is delivering; gives the numbers of those that were
    /// taken.
    async fn deliver_notices(&self, account: &AccountId, delivering: &Delivering<'_>, notices: &[Event]) -> Vec<u64> {
        let mut taken = Vec::new();
        let Some(sink) = &self.0.sink else { return taken };
        for event in notices.iter().filter(|event| delivering.contains(event.sequence)) {
            if sink.deliver(account, event).await.is_ok() {
                taken.extend(event.sequence);
            }
        }
        taken
    }

    /// Delivers events that are no notices: once, taken or not.
    pub(super) async fn deliver_once(&self, account: &AccountId, events: &[Event]) {
        let Some(sink) = &self.0.sink else { return };
        for event in events {
            let _ = sink.deliver(account, event).await;
        }
    }

    async fn acknowledge(&self, account: &AccountId, sequences: &[u64]) -> Result<(), Error> {
        if sequences.is_empty() {
            return Ok(());
        }
        for _ in 0..MAX_TRIES {
            let opened = match self.load(account).await {
                // Erased meanwhile, its events with it.
                Err(Error::NoSuchAccount) => return Ok(()),
                loaded => loaded?.0,
            };
            if let Written::Done(_) = self.write(account, opened.acknowledge(sequences), Randomness::new()).await? {
                return Ok(());
            }
        }
        Err(Error::Contention)
    }
}
