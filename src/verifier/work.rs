//! The one loop through which every change goes.

use super::Verifier;
use super::error::Error;
use super::queue::Handing;
use super::randomness::Randomness;
use crate::account::{Account, AccountError, AccountId, Change, Event};
use crate::otp::UnixTime;
use crate::store::{Store, StoreError, Swap};
use alloc::vec::Vec;

/// How often a change is tried that others were faster than. Each time one of them has succeeded, so this is how many verifiers
/// can be at one account at the same moment.
pub(super) const MAX_TRIES: usize = 64;

impl<S: Store> Verifier<S> {
    /// Loads, changes, seals, swaps and tells; from the beginning if the swap is lost. Nothing of the outcome is known before.
    ///
    /// What needs no swap is answered from any fresh load; what needs one has to have its turn.
    pub(super) async fn change<T: Send>(
        &self,
        account: &AccountId,
        transition: impl Fn(Account, UnixTime, &mut Randomness) -> Result<Change<T>, AccountError> + Send + Sync,
    ) -> Result<T, Error> {
        let mut turn = None;
        for _ in 0..MAX_TRIES {
            let (opened, now) = self.load(account).await?;
            if let Some(at) = self.0.restored_at.filter(|at| opened.needs_care(now, *at)) {
                self.commit(account, opened.restored_at(&self.0.policy, now, at)).await?;
                continue;
            }
            let owed = if self.0.sink.is_some() { opened.unacknowledged() } else { Vec::new() };
            let mut randomness = Randomness::new();
            let change = transition(opened, now, &mut randomness)?;
            if change.is_written && turn.is_none() {
                turn = self.0.queue.turn_now(account);
                if turn.is_none() {
                    turn = Some(self.0.queue.turn(account).await);
                    continue; // what was loaded has changed meanwhile
                }
            }
            let (write, uncommitted) = self.0.keyring.seal(change, &mut randomness)?;
            randomness.check().map_err(Error::Randomness)?;
            if let Some(write) = write {
                match self.0.store.swap(account, &write).await.map_err(Error::outcome_unknown)? {
                    Swap::Done => {}
                    Swap::Lost => continue,
                }
            }
            let (outcome, events) = uncommitted.assume_committed();
            self.tell(account, owed, events, turn).await;
            return Ok(outcome);
        }
        Err(Error::Contention)
    }

    /// A fresh load, and the time after it.
    pub(super) async fn load(&self, account: &AccountId) -> Result<(Account, UnixTime), Error> {
        let stored = self.0.store.load(account).await.map_err(Error::store)?;
        Ok((self.0.keyring.open(account, stored)?, self.0.clock.now()?))
    }

    /// Seals and swaps a change without outcome; its events are told as owed. A lost swap is as good: others have changed the account.
    async fn commit(&self, account: &AccountId, change: Change<()>) -> Result<(), Error> {
        let mut randomness = Randomness::new();
        let (write, _) = self.0.keyring.seal(change, &mut randomness)?;
        randomness.check().map_err(Error::Randomness)?;
        if let Some(write) = write {
            let _: Swap = self.0.store.swap(account, &write).await.map_err(Error::outcome_unknown)?;
        }
        Ok(())
    }

    /// Hands over what happened: first what was owed before, then `events`, which have been stored. The answer stands
    /// whatever comes of it: what is owed is handed again.
    ///
    /// The next one's turn begins when these events are known to be on their way, so that it does not hand them too.
    pub(super) async fn tell<Turn>(&self, account: &AccountId, owed: Vec<Event>, events: Vec<Event>, turn: Turn) {
        if self.0.sink.is_none() || (owed.is_empty() && events.is_empty()) {
            return;
        }
        let is_new = |event: &&Event| event.notifies_owner();
        let sequences = owed.iter().chain(events.iter().filter(is_new)).filter_map(|event| event.sequence);
        let handing = self.0.queue.hand(account, sequences);
        drop(turn);
        let mut taken = self.hand(account, &handing, &owed).await;
        let (owed, told): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| is_new(&event));
        self.hand_all(account, &told).await;
        taken.extend(self.hand(account, &handing, &owed).await);
        let _ = self.acknowledge(account, &taken).await;
    }

    /// Hands over what has not been taken yet; gives the number of events that still have not.
    pub(super) async fn hand_owed(&self, account: &AccountId, owed: Vec<Event>) -> Result<usize, Error> {
        let handing = self.0.queue.hand(account, owed.iter().filter_map(|event| event.sequence));
        let taken = self.hand(account, &handing, &owed).await;
        self.acknowledge(account, &taken).await?;
        Ok(owed.len().saturating_sub(taken.len()))
    }

    /// Hands events over that are owed, those that nobody else is handing; gives the numbers of those that were taken.
    async fn hand(&self, account: &AccountId, handing: &Handing<'_>, owed: &[Event]) -> Vec<u64> {
        let mut taken = Vec::new();
        let Some(sink) = &self.0.sink else { return taken };
        for event in owed.iter().filter(|event| handing.contains(event.sequence)) {
            if sink.deliver(account, event).await.is_ok() {
                taken.extend(event.sequence);
            }
        }
        taken
    }

    async fn hand_all(&self, account: &AccountId, events: &[Event]) {
        let Some(sink) = &self.0.sink else { return };
        for event in events {
            // Not owed: told once, taken or not.
            let _ = sink.deliver(account, event).await;
        }
    }

    async fn acknowledge(&self, account: &AccountId, sequences: &[u64]) -> Result<(), Error> {
        if sequences.is_empty() {
            return Ok(());
        }
        for _ in 0..MAX_TRIES {
            let (opened, _) = self.load(account).await?;
            let mut randomness = Randomness::new();
            let (write, _) = self.0.keyring.seal(opened.acknowledge(sequences), &mut randomness)?;
            randomness.check().map_err(Error::Randomness)?;
            let Some(write) = write else { return Ok(()) };
            match self.0.store.swap(account, &write).await.map_err(Error::outcome_unknown)? {
                Swap::Done => return Ok(()),
                Swap::Lost => {}
            }
        }
        Err(Error::Contention)
    }
}

impl Error {
    pub(super) fn store(error: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self::Store(StoreError::new(error))
    }

    pub(super) fn outcome_unknown(error: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self::OutcomeUnknown(StoreError::new(error))
    }
}
