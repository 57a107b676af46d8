//! What happens to an account beside its codes: names, removals, operators' acts, acknowledgements, restored backups.

use super::authenticator::{Authenticator, AuthenticatorId};
use super::change::Change;
use super::event::{Event, EventKind};
use super::policy::Policy;
use super::proof::Proof;
use super::text::{Text, TextError};
use super::token::{DeviceToken, Pass};
use super::{Account, AccountError};
use crate::otp::{Period, REMEMBERED_SECS, Step, UnixTime};
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
        let mut left = self.record.authenticators.iter().filter(|one| one.id != id);
        if !left.any(|one| !one.disabled) && self.record.authenticators.iter().any(|one| one.id == id) {
            return Err(AccountError::LastAuthenticator);
        }
        self.remove_where(policy, now, proof, id, |one| one.id == id)
    }

    /// Removes the last authenticator in force, and with it those that are disabled and the recovery codes: the account has no second
    /// factor then, and the next one is enrolled freely.
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
        if self.record.authenticators.iter().any(|one| one.id != id && !one.disabled) {
            return Err(AccountError::NotTheLast);
        }
        self.remove_where(policy, now, proof, id, |one| one.id == id || one.disabled)
    }

    fn remove_where(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        id: AuthenticatorId,
        goes: impl Fn(&Authenticator) -> bool,
    ) -> Result<Change<()>, AccountError> {
        self.spend(proof, now)?;
        let record = &mut self.record;
        if !record.authenticators.iter().any(|one| one.id == id) {
            return Err(AccountError::NoSuchAuthenticator { id });
        }
        let going = record.authenticators.iter().filter(|one| goes(one));
        record.used_until = going.map(Authenticator::used_until).fold(record.used_until, UnixTime::max);
        let removed: Vec<_> = record.authenticators.extract_if(.., |one| goes(one)).map(|one| one.id).collect();
        if record.authenticators.is_empty() {
            record.recovery = None;
        }
        // Whoever has the removed one may have begun it, or hold an answer or a proof of it.
        record.pending = None;
        record.answers.0.clear();
        record.hold(policy, policy.limits().binding_hold_secs, now, now);
        for authenticator in removed {
            self.tell(now, EventKind::Removed { authenticator });
        }
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
        if self.revision.is_none() || self.is_being_erased() {
            return Change::unwritten(self, (), None);
        }
        let Operator { name, reason } = operator.clone();
        self.tell(now, EventKind::Erased { operator: name, reason });
        Change::written(self, ())
    }

    /// Whether nothing has happened since the erasure was written down.
    #[cfg(feature = "verifier")]
    pub(crate) fn is_being_erased(&self) -> bool {
        self.record.history.events().last().is_some_and(|event| matches!(event.kind, EventKind::Erased { .. }))
    }

    /// Whether the record may be older than what was used since: it was made before the store was restored from a backup `at` a
    /// certain time (or by a clock that was ahead), and has not been treated with care since ([`restored_at`](Self::restored_at)).
    #[must_use]
    pub fn needs_care(&self, now: UnixTime, at: UnixTime) -> bool {
        let is_of_the_future = self.record.made_at.saturating_since(now) > REMEMBERED_SECS;
        self.revision.is_some() && self.record.restored_at < at && (self.record.made_at < at || is_of_the_future)
    }

    /// Treats a record with care that may be older than what was used since, see [`needs_care`](Self::needs_care). To be stored before
    /// anything else is done with the account.
    ///
    /// All steps that can have been accepted until `at` count as used, those that a fast clock may have brought included:
    /// codes are accepted again from a few steps later on, and a secret can be brought in again a quarter of an hour later. Recovery
    /// codes, passes and proofs are void, an enrolment that waited is ended, and what the policy holds after a change of binding is held from
    /// `at` on. Forgotten are the failures since the backup, and what was removed since is there again. (An `at` more than ten
    /// minutes ahead of `now` is taken for ten minutes ahead: nothing was used later.)
    pub fn restored_at(mut self, policy: &Policy, now: UnixTime, at: UnixTime) -> Change<()> {
        if !self.needs_care(now, at) {
            return Change::unwritten(self, (), None);
        }
        let limits = policy.codes();
        let until = at.min(now.saturating_add(REMEMBERED_SECS));
        let ahead = u64::from(limits.window.future).saturating_add(u64::from(limits.max_drift));
        let record = &mut self.record;
        for authenticator in &mut record.authenticators {
            if let Ok(step) = authenticator.totp.step_at(until) {
                let resynchronised = u64::from(authenticator.tracker.anchor().max(0).unsigned_abs());
                let furthest = step.number().saturating_add(ahead).saturating_add(resynchronised);
                authenticator.tracker = authenticator.tracker.used_up(Step::new(furthest));
            }
        }
        // Of whatever period the secrets were that the backup does not have.
        let longest = ahead.saturating_add(1).saturating_mul(Period::MAX_SECS);
        record.used_until = record.used_until.max(until.saturating_add(longest));
        record.pending = None;
        record.passes.0.clear();
        record.recovery = None;
        record.answers.0.clear();
        record.epoch = epoch_after(record.epoch, at);
        record.hold(policy, policy.limits().binding_hold_secs, now, until);
        record.restored_at = at;
        record.history.begin_anew(until);
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
