//! What happens to an account beside its codes: names, removals, operators' acts, acknowledgements, restored backups.

use super::authenticator::AuthenticatorId;
use super::change::Change;
use super::event::{Event, EventKind};
use super::policy::Policy;
use super::proof::Proof;
use super::text::{Text, TextError};
use super::token::{DeviceToken, Pass};
use super::{Account, AccountError};
use crate::otp::UnixTime;
use alloc::vec::Vec;
use rand::CryptoRng;
use sha2::{Digest, Sha256};

/// Who does something to an account by office, and why. Kept in its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    pub(crate) name: Text,
    pub(crate) reason: Text,
}

impl Operator {
    /// The operator `name` (a staff account, a job), acting for `reason` (a ticket, say).
    ///
    /// # Errors
    /// [`TextError`] unless both are texts.
    pub fn new(name: &str, reason: &str) -> Result<Self, TextError> {
        Ok(Self { name: Text::new(name)?, reason: Text::new(reason)? })
    }
}

impl Account {
    /// Gives an authenticator another name. That changes no binding.
    ///
    /// # Errors
    /// [`AccountError::NoSuchAuthenticator`].
    pub fn rename(mut self, now: UnixTime, id: AuthenticatorId, name: Text) -> Result<Change<()>, AccountError> {
        let mut all = self.record.authenticators.iter_mut();
        let authenticator = all.find(|one| one.id == id).ok_or(AccountError::NoSuchAuthenticator { id })?;
        authenticator.name = name;
        self.tell(now, EventKind::Renamed { authenticator: id });
        Ok(Change::written(self, ()))
    }

    /// Removes one of several authenticators. `proof`, of [`Purpose::BINDING`](super::Purpose::BINDING), is used up when the change is
    /// stored, and with it all that were given before; it may be the removed one's own. An enrolment that waits ends.
    ///
    /// # Errors
    /// [`AccountError::Proof`]; [`AccountError::NoSuchAuthenticator`]; [`AccountError::LastAuthenticator`].
    pub fn remove(
        self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        id: AuthenticatorId,
    ) -> Result<Change<()>, AccountError> {
        if let [only] = self.record.authenticators.as_slice()
            && only.id == id
        {
            return Err(AccountError::LastAuthenticator);
        }
        self.remove_any(policy, now, proof, id)
    }

    /// Removes the last authenticator: the account has no second factor then, and the next one is enrolled freely.
    ///
    /// # Errors
    /// [`AccountError::Proof`]; [`AccountError::NoSuchAuthenticator`]; [`AccountError::NotTheLast`].
    pub fn remove_last(
        self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        id: AuthenticatorId,
    ) -> Result<Change<()>, AccountError> {
        if self.record.authenticators.len() > 1 {
            return Err(AccountError::NotTheLast);
        }
        self.remove_any(policy, now, proof, id)
    }

    fn remove_any(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        id: AuthenticatorId,
    ) -> Result<Change<()>, AccountError> {
        self.spend(proof, now)?;
        let record = &mut self.record;
        let place = record.authenticators.iter().position(|one| one.id == id);
        let removed = record.authenticators.remove(place.ok_or(AccountError::NoSuchAuthenticator { id })?);
        record.used_until = record.used_until.max(removed.used_until());
        // Whoever has the removed one may have begun it, or hold an answer or a proof of it.
        record.pending = None;
        record.answers.0.clear();
        record.hold(policy, now);
        self.tell(now, EventKind::Removed { authenticator: id });
        Ok(Change::written(self, ()))
    }

    /// Issues a pass: its holder's attempts are counted apart, so that a lock which others' guesses have brought about does
    /// not stop them. The lock itself stays. Send it to an address that was known before.
    ///
    /// # Errors
    /// [`AccountError::NotEnrolled`].
    pub fn unlock<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        operator: &Operator,
        rng: &mut R,
    ) -> Result<Change<DeviceToken>, AccountError> {
        if self.record.authenticators.is_empty() {
            return Err(AccountError::NotEnrolled);
        }
        let token = DeviceToken::generate(rng);
        let until = now.saturating_add(policy.limits().pass_secs);
        self.record.passes.issue(Pass { hash: token.hash(), until }, now);
        let Operator { name, reason } = operator.clone();
        self.tell(now, EventKind::PassIssued { operator: name, reason, until });
        Ok(Change::written(self, token))
    }

    /// The events that have not been acknowledged, oldest first: those that [notify the owner](Event::notifies_owner).
    #[must_use]
    pub fn owed(&self) -> Vec<Event> {
        self.record.history.owed().collect()
    }

    /// Marks the events with these numbers as taken.
    pub fn acknowledge(mut self, sequences: &[u64]) -> Change<()> {
        if self.record.history.acknowledge(sequences) {
            Change::written(self, ())
        } else {
            Change::unwritten(self, (), None)
        }
    }

    /// Writes the record anew as it is: so it is sealed under the primary key.
    pub fn reseal(self) -> Change<()> {
        if self.revision.is_none() {
            return Change::unwritten(self, (), None);
        }
        Change::written(self, ())
    }

    /// Puts the erasure of the record into its history, so that it is told before the record is deleted.
    #[cfg(feature = "verifier")]
    pub(crate) fn erasing(mut self, now: UnixTime, operator: &Operator) -> Change<()> {
        let Operator { name, reason } = operator.clone();
        self.tell(now, EventKind::Erased { operator: name, reason });
        Change::written(self, ())
    }

    /// Whether the record may be older than what was used since: it was made before the store was restored from a backup `at` a
    /// certain time, and has not been treated with care since ([`restored_at`](Self::restored_at)).
    #[must_use]
    pub fn needs_care(&self, at: UnixTime) -> bool {
        self.revision.is_some() && self.record.made_at < at && self.record.restored_at < at
    }

    /// Treats a record with care that may be older than what was used since, see [`needs_care`](Self::needs_care). To be stored before
    /// anything else is done with the account.
    ///
    /// All steps that can have been accepted until `at` count as used, those that a fast clock may have brought included:
    /// codes are accepted again from a few steps later on. Passes and proofs are void, an enrolment that
    /// waited is ended, and what the policy holds after a change of binding is held from `at` on. Forgotten are the failures since
    /// the backup, and what was removed since is there again.
    pub fn restored_at(mut self, policy: &Policy, now: UnixTime, at: UnixTime) -> Change<()> {
        if !self.needs_care(at) {
            return Change::unwritten(self, (), None);
        }
        let limits = policy.codes();
        let record = &mut self.record;
        for authenticator in &mut record.authenticators {
            if let Ok(step) = authenticator.totp.step_at(at) {
                let resynchronised = i64::from(authenticator.tracker.anchor().max(0));
                let ahead = i64::from(limits.window.future).saturating_add(i64::from(limits.max_drift));
                let furthest = step.saturating_offset(ahead.saturating_add(resynchronised));
                authenticator.tracker = authenticator.tracker.used_up(furthest);
                record.used_until = record.used_until.max(authenticator.used_until());
            }
        }
        record.used_until = record.used_until.max(at);
        record.pending = None;
        record.passes.0.clear();
        record.answers.0.clear();
        record.epoch = epoch_after(record.epoch, at);
        record.hold(policy, at);
        record.restored_at = at;
        record.history.begin_anew(at);
        self.tell(now, EventKind::Restored { restored_at: at });
        Change::written(self, ())
    }
}

/// Another epoch for every backup that is restored, however often one backup is.
fn epoch_after(epoch: u64, restored_at: UnixTime) -> u64 {
    let hash = Sha256::new().chain_update(epoch.to_be_bytes()).chain_update(restored_at.as_secs().to_be_bytes());
    let [a, b, c, d, e, f, g, h, ..] = hash.finalize().0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
