//! The one loop through which every change goes.

use super::Verifier;
use super::error::Error;
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
    pub(super) async fn change<T>(
        &self,
        account: &AccountId,
        transition: impl Fn(Account, UnixTime, &mut Randomness) -> Result<Change<T>, AccountError> + Send + Sync,
    ) -> Result<T, Error>
    where
        T: Send,
    {
        let _turn = self.0.queue.turn(account).await;
        for _ in 0..MAX_TRIES {
            let (opened, now) = self.load(account).await?;
            if self.0.sink.is_some() && !opened.owed()?.is_empty() && self.hand_owed(account).await? == 0 {
                continue; // the acknowledgement has changed the record
            }
            let mut randomness = Randomness::new();
            let change = transition(opened, now, &mut randomness)?;
            let (write, uncommitted) = self.0.keyring.seal(change, &mut randomness)?;
            randomness.check().map_err(Error::Randomness)?;
            if let Some(write) = write {
                match self.0.store.swap(account, &write).await.map_err(Error::outcome_unknown)? {
                    Swap::Done => {}
                    Swap::Lost => continue,
                }
            }
            let (outcome, events) = uncommitted.assume_committed();
            self.tell(account, &events).await;
            return Ok(outcome);
        }
        Err(Error::Contention)
    }

    /// A fresh load, and the time after it.
    pub(super) async fn load(&self, account: &AccountId) -> Result<(Account, UnixTime), Error> {
        let stored = self.0.store.load(account).await.map_err(Error::store)?;
        let mut opened = self.0.keyring.open(account, stored)?;
        if let Some(at) = self.0.restored_at {
            opened = opened.restored_at(&self.0.policy, at);
        }
        Ok((opened, self.0.clock.now()?))
    }

    /// Hands events over that have been stored, and acknowledges those that are owed. The answer stands whatever comes of
    /// it: what is owed is handed again.
    pub(super) async fn tell(&self, account: &AccountId, events: &[Event]) {
        let taken = self.hand(account, events).await;
        if !taken.is_empty() {
            let _ = self.acknowledge(account, &taken).await;
        }
    }

    /// Hands over what has not been taken yet; gives the number of events that still have not.
    pub(super) async fn hand_owed(&self, account: &AccountId) -> Result<usize, Error> {
        let (opened, _) = self.load(account).await?;
        let owed = opened.owed()?;
        drop(opened);
        let taken = self.hand(account, &owed).await;
        if !taken.is_empty() {
            self.acknowledge(account, &taken).await?;
        }
        Ok(owed.len().saturating_sub(taken.len()))
    }

    /// The numbers of those events that are owed and that the sink has taken.
    async fn hand(&self, account: &AccountId, events: &[Event]) -> Vec<u64> {
        let mut taken = Vec::new();
        let Some(sink) = &self.0.sink else { return taken };
        for event in events {
            if sink.hand(account, event).await.is_ok() && event.notifies_owner() {
                taken.extend(event.sequence);
            }
        }
        taken
    }

    async fn acknowledge(&self, account: &AccountId, sequences: &[u64]) -> Result<(), Error> {
        for _ in 0..MAX_TRIES {
            let (opened, now) = self.load(account).await?;
            let mut randomness = Randomness::new();
            let (write, _) = self.0.keyring.seal(opened.acknowledge(now, sequences), &mut randomness)?;
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
