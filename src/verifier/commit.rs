//! The one loop through which every change goes: load, decide, seal, swap.

use super::error::Error;
use super::handle::Verifier;
use super::measured;
use super::randomness::Randomness;
use crate::account::{Account, AccountError, AccountId, Change, Uncommitted};
use crate::otp::{NotAccepted, Rejection, UnixTime};
use crate::store::{Store, StoreError, Swap};
use alloc::vec::Vec;

/// A change that others were faster than is tried so often. Each time one of them has succeeded,
/// so this is how many verifiers can be at one account at the same moment.
pub(super) const MAX_TRIES: usize = 64;

/// The end of a change.
pub(super) enum Written<T> {
    /// It is stored, or there was nothing to store.
    Done(Uncommitted<T>),
    /// Others were faster. Nothing has changed, and nothing may be known of the outcome.
    Lost,
}

impl<S: Store> Verifier<S> {
    /// A change that may be refused: what the doors answer.
    pub(super) async fn submit<T: Send>(
        &self,
        account: &AccountId,
        transition: impl Fn(Account, UnixTime, &mut Randomness) -> Result<Change<T>, AccountError> + Send + Sync,
    ) -> Result<T, NotAccepted<Error>> {
        self.commit(account, transition).await.map_err(NotAccepted::Failed)?.map_err(NotAccepted::Rejected)
    }

    /// A change that is not refused.
    pub(super) async fn change<T: Send>(
        &self,
        account: &AccountId,
        transition: impl Fn(Account, UnixTime, &mut Randomness) -> Result<Change<T>, AccountError> + Send + Sync,
    ) -> Result<T, Error> {
        self.commit(account, transition).await?.map_err(Error::Rejected)
    }

    /// Loads, decides, seals and swaps, from the beginning if the swap is lost, and delivers the
    /// events. Nothing of the outcome is known before.
    ///
    /// An outcome that needs no swap is answered from any fresh load. A change that needs one waits
    /// its turn.
    async fn commit<T: Send>(
        &self,
        account: &AccountId,
        transition: impl Fn(Account, UnixTime, &mut Randomness) -> Result<Change<T>, AccountError> + Send + Sync,
    ) -> Result<Result<T, Rejection>, Error> {
        let (mut turn, mut before, mut has_asked) = (None, Vec::new(), false);
        for _ in 0..MAX_TRIES {
            let (opened, now) = self.load(account).await?;
            let mut randomness = Randomness::new();
            if let Some(at) = self.0.restored_at.filter(|at| opened.needs_care(now, *at)) {
                // Lost is as good: others have changed the account.
                let care = opened.restored_at(&self.0.policy, now, at);
                if let Written::Done(uncommitted) = self.write(account, care, randomness).await? {
                    let _ = uncommitted.assume_committed(&mut before);
                }
                continue;
            }
            let owed = if self.0.sink.is_some() { opened.owed(now) } else { Vec::new() };
            let (is_arriving, owes_moved) = (opened.is_arriving(), self.0.source.is_some() && !opened.source_knows());
            if turn.is_none() && opened.has_old_hashes() {
                // Hashes of another system take long: guesses in parallel would have each compare them.
                turn = Some(self.0.queue.turn(account).await);
                continue;
            }
            let change = match transition(opened, now, &mut randomness) {
                // The sink is asked once more, and no more often than by others.
                Err(AccountError::EventsWaiting) if !owed.is_empty() && !has_asked => {
                    has_asked = true;
                    // Nobody waits for a sink.
                    turn = None;
                    let (opened, now) = self.load(account).await?;
                    if let Written::Done(_) = self.write(account, opened.handing_again(now), Randomness::new()).await? {
                        self.deliver_again(account, owed).await?;
                    }
                    continue;
                }
                decided => decided?,
            };
            if is_arriving && !change.is_written {
                // Also a refused attempt makes the record: what counts as used is what was open then.
                drop(change);
                let (arriving, _) = self.load(account).await?;
                if arriving.is_arriving()
                    && let Written::Done(uncommitted) =
                        self.write(account, arriving.arrived(), Randomness::new()).await?
                {
                    let _ = uncommitted.assume_committed(&mut before);
                    self.tell_moved(account).await;
                }
                continue;
            }
            // A refusal that writes nothing has nobody told: strangers bring it about as often as
            // they like.
            let owed = if change.is_written { owed } else { Vec::new() };
            if change.is_written && turn.is_none() {
                turn = self.0.queue.turn_now(account);
                if turn.is_none() {
                    turn = Some(self.0.queue.turn(account).await);
                    continue; // the record has changed meanwhile
                }
            }
            let owes_moved = owes_moved && change.is_written;
            let change = change.handing(&owed);
            let Written::Done(uncommitted) = self.write(account, change, randomness).await? else { continue };
            let (outcome, mut events) = uncommitted.committed();
            events.splice(..0, before);
            self.deliver_new(account, owed, events, turn).await;
            if owes_moved {
                self.tell_moved(account).await;
            }
            return Ok(outcome);
        }
        Err(Error::Contention)
    }

    /// A fresh load, and the time after it. A missing record is an error, unless the account is to
    /// move in: taken for an account without a second factor, it would let anybody enroll.
    pub(super) async fn load(&self, account: &AccountId) -> Result<(Account, UnixTime), Error> {
        let (opened, now) = match self.0.store.load(account).await.map_err(Error::store)? {
            Some(stored) => (self.0.keyring.get().open(account, stored)?, self.now()?),
            None => self.moving_in(account).await?,
        };
        let checker = self.0.checker.clone();
        Ok((if let Some(checker) = checker { opened.with_hash_checker(checker) } else { opened }, now))
    }

    /// Seals a change and swaps it in. `randomness` is what the change was made with.
    pub(super) async fn write<T>(
        &self,
        account: &AccountId,
        change: Change<T>,
        mut randomness: Randomness,
    ) -> Result<Written<T>, Error> {
        let change = if self.0.sink.is_some() { change } else { change.with_events_acknowledged() };
        let (write, uncommitted) = self.0.keyring.get().seal(change, &mut randomness)?;
        randomness.check().map_err(Error::Randomness)?;
        if let Some(write) = write {
            match self.0.store.swap(account, &write).await.map_err(Error::outcome_unknown)? {
                Swap::Done => {}
                Swap::Lost => {
                    measured::retried();
                    return Ok(Written::Lost);
                }
            }
        }
        Ok(Written::Done(uncommitted))
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
