//! What happens to an account beside its codes: names, removals, operators' acts, acknowledgements, restored backups.

use super::authenticator::AuthenticatorId;
use super::change::Change;
use super::encoding::Nonsense;
use super::event::{Event, EventKind};
use super::policy::Policy;
use super::proof::Proof;
use super::text::{Text, TextError};
use super::token::{DeviceToken, Pass};
use super::{Account, AccountError, RecordError};
use crate::otp::UnixTime;
use alloc::vec::Vec;
use rand::CryptoRng;

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
        Ok(Change::written(self, now, ()))
    }

    /// Removes one of several authenticators. `proof`, of [`Purpose::BINDING`](super::Purpose::BINDING), is used up; it may be the
    /// removed one's own.
    ///
    /// # Errors
    /// [`AccountError::Proof`]; [`AccountError::NoSuchAuthenticator`]; [`AccountError::LastAuthenticator`].
    #[allow(clippy::needless_pass_by_value)] // used up
    pub fn remove(
        self,
        policy: &Policy,
        now: UnixTime,
        proof: Proof,
        id: AuthenticatorId,
    ) -> Result<Change<()>, AccountError> {
        self.remove_by(policy, now, &proof, id, false)
    }

    /// Removes the last authenticator: the account has no second factor then, and the next one is enrolled freely.
    ///
    /// # Errors
    /// [`AccountError::Proof`]; [`AccountError::NoSuchAuthenticator`]; [`AccountError::NotTheLast`].
    #[allow(clippy::needless_pass_by_value)] // used up
    pub fn remove_last(
        self,
        policy: &Policy,
        now: UnixTime,
        proof: Proof,
        id: AuthenticatorId,
    ) -> Result<Change<()>, AccountError> {
        self.remove_by(policy, now, &proof, id, true)
    }

    /// For callers that may have to try again, and use the proof up themselves.
    pub(crate) fn remove_by(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        id: AuthenticatorId,
        last: bool,
    ) -> Result<Change<()>, AccountError> {
        self.spend(proof, now)?;
        let record = &mut self.record;
        let place = record.authenticators.iter().position(|one| one.id == id);
        let place = place.ok_or(AccountError::NoSuchAuthenticator { id })?;
        match (record.authenticators.len(), last) {
            (1, false) => return Err(AccountError::LastAuthenticator),
            (2.., true) => return Err(AccountError::NotTheLast),
            _ => {}
        }
        let removed = record.authenticators.remove(place);
        record.used_until = record.used_until.max(removed.used_until());
        record.answers.0.clear();
        record.hold(policy, now);
        self.tell(now, EventKind::Removed { authenticator: id });
        Ok(Change::written(self, now, ()))
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
        Ok(Change::written(self, now, token))
    }

    /// The events that have not been acknowledged, oldest first: those that [notify the owner](Event::notifies_owner).
    ///
    /// # Errors
    /// [`RecordError`] if they cannot be read.
    pub fn owed(&self) -> Result<Vec<Event>, RecordError> {
        self.record.history.events(true).map_err(|Nonsense| RecordError::Nonsense)
    }

    /// Marks the events with these numbers as taken.
    pub fn acknowledge(mut self, now: UnixTime, sequences: &[u64]) -> Change<()> {
        if self.record.history.acknowledge(sequences) {
            Change::written(self, now, ())
        } else {
            Change::unwritten(self, (), None)
        }
    }

    /// Writes the record anew as it is: so it is sealed under the primary key.
    pub fn reseal(self, now: UnixTime) -> Change<()> {
        Change::written(self, now, ())
    }

    /// Treats a record with care that may be older than what was used since: the store was restored from a backup
    /// `at` a certain time, and the record was written before.
    ///
    /// All steps up to then count as used, passes and proofs are void, an enrolment that waited is ended, and what the policy holds after a change of
    /// binding is held from then on. The failures since the backup are forgotten. A record that was written after `at` stays as
    /// it is. Call it after every load; the next write keeps it.
    pub fn restored_at(mut self, policy: &Policy, at: UnixTime) -> Self {
        if self.revision.is_none() || self.record.written_at >= at {
            return self;
        }
        let record = &mut self.record;
        for authenticator in &mut record.authenticators {
            if let Ok(step) = authenticator.totp.step_at(at) {
                authenticator.tracker = authenticator.tracker.used_up(step);
            }
        }
        record.used_until = record.used_until.max(at);
        record.pending = None;
        record.passes.0.clear();
        record.answers.0.clear();
        record.epoch = record.epoch.wrapping_add(1);
        record.hold(policy, at);
        self.tell(at, EventKind::Restored { restored_at: at });
        self
    }
}
