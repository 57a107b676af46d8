//! Acts of operators.

use super::commit::{MAX_TRIES, Written};
use super::error::Error;
use super::handle::Verifier;
use super::randomness::Randomness;
use crate::account::{
    Account, AccountError, AccountId, AuthenticatorId, Change, DeviceToken, LostRecord, Operator, PortableAccount,
    ProposedAct,
};
use crate::otp::UnixTime;
use crate::seal::RecordLoss;
#[cfg(doc)]
use crate::seal::SealError;
use crate::store::{Store, Swap};
use alloc::vec::Vec;
use core::fmt;

/// The acts of an operator on accounts; made by [`Verifier::support`]. Each act goes into the
/// account's history, with operator and reason, and notifies the owner.
#[must_use]
pub struct Support<'a, S> {
    verifier: &'a Verifier<S>,
    operator: Operator,
}

impl<S: Store> Verifier<S> {
    /// The acts of `operator`. Each goes into the account's history, with name and reason.
    pub const fn support(&self, operator: Operator) -> Support<'_, S> {
        Support { verifier: self, operator }
    }
}

impl<S: Store> Support<'_, S> {
    /// Issues a pass for an owner whom others' guesses lock out: see
    /// [`Account::unlock`](crate::account::Account::unlock). Send it to an address that was known
    /// before.
    ///
    /// # Errors
    /// [`Error::Account`] if the account has no
    /// authenticator; [`Error`].
    pub async fn unlock(&self, account: &AccountId) -> Result<DeviceToken, Error> {
        let Self { verifier, operator } = self;
        verifier.change(account, |opened, now, rng| opened.unlock(&verifier.0.policy, now, operator, rng)).await
    }

    /// Takes everything away from the account, and gives the pass with which its owner enrolls
    /// anew: see [`Account::reset`](crate::account::Account::reset).
    ///
    /// # Errors
    /// [`Error::Account`] where the policy asks for a second operator; [`Error`].
    pub async fn reset(&self, account: &AccountId) -> Result<DeviceToken, Error> {
        let Self { verifier, operator } = self;
        verifier.change(account, |opened, now, rng| opened.reset(&verifier.0.policy, now, operator, rng)).await
    }

    /// Proposes an act that takes two operators, for another one to do within a day: see
    /// [`Account::propose`].
    ///
    /// # Errors
    /// [`Error::Account`] for the end of a freeze where there is none; [`Error`].
    pub async fn propose(&self, account: &AccountId, act: ProposedAct) -> Result<(), Error> {
        let Self { verifier, operator } = self;
        verifier.change(account, |opened, now, _| opened.propose(now, act, operator)).await
    }

    /// Proposes to replace a record that is lost, where that takes two operators: another one's
    /// [`reset`](Self::reset) gives the pass. See [`Account::propose_rebuild`].
    ///
    /// # Errors
    /// As [`rebuild`](Self::rebuild).
    pub async fn propose_rebuild(&self, account: &AccountId, loss: RecordLoss) -> Result<(), Error> {
        let (policy, operator) = (&self.verifier.0.policy, &self.operator);
        self.in_place_of(account, loss, |evidence, now, rng| {
            Ok(Account::propose_rebuild(evidence, policy, now, operator, rng))
        })
        .await
    }

    /// Replaces a record that is lost by one that is reset, and gives the pass with which its owner
    /// enrolls anew: see [`Account::rebuild`]. Nothing can be done with it to a record that opens.
    ///
    /// Find out first what lost the record. After a backup was restored, rebuild the accounts that
    /// were created since it was made: creating them again would let anybody enroll.
    ///
    /// This verifier's keyring decides whether a record opens. Under a wrong key with the right id
    /// every record seems damaged: see that others open before you rebuild a list of accounts. If
    /// the outcome was unknown ([`Error::OutcomeUnknown`]) and the next call answers
    /// [`SealError::NotLost`], the record is there and nobody has its pass: [`reset`](Self::reset)
    /// gives one.
    ///
    /// # Errors
    /// [`Error::Seal`] with [`SealError::NotLost`] if the record is not lost in this way;
    /// [`Error::Account`] if another operator has to propose it first; [`Error`].
    pub async fn rebuild(&self, account: &AccountId, loss: RecordLoss) -> Result<DeviceToken, Error> {
        let (policy, operator) = (&self.verifier.0.policy, &self.operator);
        self.in_place_of(account, loss, |evidence, now, rng| Account::rebuild(evidence, policy, now, operator, rng))
            .await
    }

    /// Makes a record in the place of one that is lost.
    async fn in_place_of<T>(
        &self,
        account: &AccountId,
        loss: RecordLoss,
        make: impl Fn(LostRecord, UnixTime, &mut Randomness) -> Result<Change<T>, AccountError>,
    ) -> Result<T, Error> {
        let verifier = self.verifier;
        for _ in 0..MAX_TRIES {
            let stored = verifier.0.store.load(account).await.map_err(Error::store)?;
            if stored.is_none() {
                verifier.check_not_moving_in(account).await?;
            }
            let evidence = verifier.0.keyring.get().lost_record(account, stored, loss)?;
            let (now, mut randomness) = (verifier.now()?, Randomness::new());
            let change = make(evidence, now, &mut randomness)?;
            if let Written::Done(uncommitted) = verifier.write(account, change, randomness).await? {
                let mut events = Vec::new();
                let outcome = uncommitted.assume_committed(&mut events).map_err(Error::Rejected)?;
                verifier.deliver_new(account, Vec::new(), events, ()).await;
                verifier.tell_moved(account).await;
                return Ok(outcome);
            }
        }
        Err(Error::Contention)
    }

    /// The same for a list of accounts: after an eviction, say. Each has its own answer, in the
    /// order of the list, and one that fails stops none of the others.
    pub async fn rebuild_all<'l>(
        &self,
        accounts: impl IntoIterator<Item = &'l AccountId>,
        loss: RecordLoss,
    ) -> Vec<(&'l AccountId, Result<DeviceToken, Error>)> {
        let mut answers = Vec::new();
        for account in accounts {
            answers.push((account, self.rebuild(account, loss).await));
        }
        answers
    }

    /// Freezes the account: see [`Account::freeze`](crate::account::Account::freeze).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn freeze(&self, account: &AccountId) -> Result<(), Error> {
        let Self { verifier, operator } = self;
        verifier.change(account, |opened, now, rng| Ok(opened.freeze(now, operator, rng))).await
    }

    /// Ends a freeze: see [`Account::thaw`](crate::account::Account::thaw).
    ///
    /// # Errors
    /// [`Error::Account`] if the account is not frozen, or another operator has to propose it
    /// first; [`Error`].
    pub async fn thaw(&self, account: &AccountId) -> Result<(), Error> {
        let Self { verifier, operator } = self;
        verifier.change(account, |opened, now, _| opened.thaw(&verifier.0.policy, now, operator)).await
    }

    /// Disables one authenticator: see [`Account::disable`](crate::account::Account::disable).
    ///
    /// # Errors
    /// [`Error::Account`] if there is no such authenticator; [`Error`].
    pub async fn disable(&self, account: &AccountId, id: AuthenticatorId) -> Result<(), Error> {
        let Self { verifier, operator } = self;
        verifier.change(account, |opened, now, _| opened.disable(now, id, operator)).await
    }

    /// Gives the account with **all its secrets**, and tells its owner: see
    /// [`Account::export_with_secrets`](crate::account::Account::export_with_secrets).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn export_with_secrets(&self, account: &AccountId) -> Result<PortableAccount, Error> {
        let Self { verifier, operator } = self;
        let policy = &verifier.0.policy;
        verifier.change(account, |opened, now, _| Ok(opened.export_with_secrets(policy, now, operator))).await
    }

    /// Records that the owner has a stronger factor, where there is nothing to prove with: see
    /// [`Account::record_stronger_factor`](crate::account::Account::record_stronger_factor).
    ///
    /// # Errors
    /// [`Error::Account`] if it is recorded already, or there is an authenticator to prove with;
    /// [`Error`].
    pub async fn record_stronger_factor(&self, account: &AccountId) -> Result<(), Error> {
        let Self { verifier, operator } = self;
        verifier
            .change(account, |opened, now, _| opened.record_stronger_factor(&verifier.0.policy, now, operator))
            .await
    }

    /// Ends the stronger factor of an owner who has lost it: see
    /// [`Account::end_stronger_factor`](crate::account::Account::end_stronger_factor).
    ///
    /// # Errors
    /// [`Error::Account`] if none is recorded, or another operator has to propose it first;
    /// [`Error`].
    pub async fn end_stronger_factor(&self, account: &AccountId) -> Result<(), Error> {
        let Self { verifier, operator } = self;
        let policy = &verifier.0.policy;
        verifier.change(account, |opened, now, rng| opened.end_stronger_factor(policy, now, operator, rng)).await
    }

    /// Ends the holds that the service has set, and no others: see
    /// [`Account::end_holds`](crate::account::Account::end_holds).
    ///
    /// # Errors
    /// [`Error::Account`] if there is none; [`Error`].
    pub async fn end_holds(&self, account: &AccountId) -> Result<(), Error> {
        let Self { verifier, operator } = self;
        verifier.change(account, |opened, now, _| opened.end_holds(now, operator)).await
    }

    /// Forgets what was learned of an app's clock: see
    /// [`Account::clear_drift`](crate::account::Account::clear_drift).
    ///
    /// # Errors
    /// [`Error::Account`] if there is no such app; [`Error`].
    pub async fn clear_drift(&self, account: &AccountId, id: AuthenticatorId) -> Result<(), Error> {
        let Self { verifier, operator } = self;
        verifier.change(account, |opened, now, _| opened.clear_drift(now, id, operator)).await
    }

    /// Forgets the account, when its owner has left. Gives whether anything was stored of it.
    ///
    /// Everything is forgotten: authenticators, failures, locks, holds, and what was used. (Should
    /// a secret be imported into an account of this id within minutes, its used codes pass
    /// again.) What the sink has not taken is delivered first, the erasure last; the
    /// record goes when all of it has been taken.
    ///
    /// # Errors
    /// [`Error::EventsUndelivered`] if the sink has not taken all, or there is none for what
    /// another verifier owes; [`Error`].
    pub async fn erase(&self, account: &AccountId) -> Result<bool, Error> {
        self.erase_if(account, false).await
    }

    /// The same, whether or not anybody has been told: where the sink is gone for good. Neither the
    /// owner nor the audit log may ever learn of it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn erase_even_if_events_are_undelivered(&self, account: &AccountId) -> Result<bool, Error> {
        self.erase_if(account, true).await
    }

    async fn erase_if(&self, account: &AccountId, even_if_undelivered: bool) -> Result<bool, Error> {
        let Self { verifier, operator } = self;
        let mut existed = false;
        for _ in 0..MAX_TRIES {
            let Some(stored) = verifier.0.store.load(account).await.map_err(Error::store)? else {
                // One that has never been here would move in at its next contact.
                verifier.forget_at_source(account).await?;
                return Ok(existed);
            };
            existed = true;
            let revision = stored.revision;
            let opened = verifier.0.keyring.get().open(account, stored)?;
            let (unacknowledged, is_being_erased) = (opened.unacknowledged(), opened.is_being_erased());
            drop(opened);
            // Else the account would come back from there.
            verifier.forget_at_source(account).await?;
            if !unacknowledged.is_empty()
                && verifier.deliver_again(account, unacknowledged).await? > 0
                && !even_if_undelivered
            {
                return Err(Error::EventsUndelivered);
            }
            if !is_being_erased {
                match verifier.change(account, |opened, now, _| Ok(opened.erasing(now, operator))).await {
                    Ok(()) | Err(Error::NoSuchAccount) => continue,
                    Err(error) => return Err(error),
                }
            }
            // Lost if anything has happened since, an acknowledgement above included.
            let deleted = verifier.0.store.delete(account, revision).await;
            if deleted.map_err(Error::outcome_unknown)? == Swap::Done {
                return Ok(true);
            }
        }
        Err(Error::Contention)
    }
}

impl<S> fmt::Debug for Support<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Support").field("operator", &self.operator).finish_non_exhaustive()
    }
}
