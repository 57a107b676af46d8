//! What happens to an account beside its codes: names, removals, acknowledgements, restored backups.

use super::authenticator::{Authenticator, AuthenticatorId};
use super::change::Change;
use super::event::{Event, EventKind};
use super::policy::Policy;
use super::proof::Proof;
use super::text::Text;
use super::{Account, AccountError, resync};
use crate::otp::{Period, RECENT_SECS, Step, UnixTime};
use alloc::vec::Vec;
use sha2::{Digest, Sha256};

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
    /// stored, and with it all that were given before; it may be the removed one's own. An enrollment that waits ends.
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
        self.spend_with_pass(policy, proof, now)?;
        let record = &mut self.record;
        if !record.authenticators.iter().any(|one| one.id == id) {
            return Err(AccountError::NoSuchAuthenticator { id });
        }
        let removed = record.unbind(goes);
        if record.authenticators.is_empty() {
            record.recovery = None;
        }
        record.hold(policy, policy.limits().binding_hold_secs, now);
        for authenticator in removed {
            self.tell(now, EventKind::Removed { authenticator });
        }
        Ok(Change::written(self, ()))
    }

    /// The events that have not been acknowledged, oldest first: those that [notify the owner](Event::notifies_owner).
    #[must_use]
    pub fn unacknowledged(&self) -> Vec<Event> {
        self.record.history.unacknowledged().collect()
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

    /// Whether the record may be older than what was used since: it was made before the store was restored from a backup `at` a
    /// certain time (or by a clock that was ahead), and has not been treated with care since ([`restored_at`](Self::restored_at)).
    #[must_use]
    pub fn needs_care(&self, now: UnixTime, at: UnixTime) -> bool {
        let is_of_the_future = |time: UnixTime| time.saturating_since(now) > RECENT_SECS;
        // A restore that was said to be in the future by mistake does not stand for those that follow.
        let mistaken = is_of_the_future(self.record.restored_at) && !is_of_the_future(at);
        let is_treated = self.record.restored_at >= at && !mistaken;
        self.revision.is_some() && !is_treated && (self.record.made_at < at || is_of_the_future(self.record.made_at))
    }

    /// Treats a record with care that may be older than what was used since, see [`needs_care`](Self::needs_care). To be stored before
    /// anything else is done with the account.
    ///
    /// All steps that can have been accepted until `at` count as used, those that a fast clock may have brought included:
    /// codes are accepted again a quarter of an hour later, and a secret can be brought in again half an hour later. Recovery
    /// codes, passes, device tokens, delivered codes and proofs are void, an enrollment that waited is ended, and what the policy holds after a change of binding is held from
    /// `at` on. Forgotten is what happened since the backup: failures, freezes, resets, longer holds; what was removed
    /// since is there again. (An `at` more than ten
    /// minutes ahead of `now` is taken for ten minutes ahead: nothing was used later.)
    pub fn restored_at(mut self, policy: &Policy, now: UnixTime, at: UnixTime) -> Change<()> {
        if !self.needs_care(now, at) {
            return Change::unwritten(self, (), None);
        }
        let limits = policy.codes();
        let until = at.min(now.saturating_add(RECENT_SECS));
        let ahead = u64::from(limits.window.future).saturating_add(u64::from(limits.max_drift));
        let record = &mut self.record;
        for app in record.authenticators.iter_mut().filter_map(|one| one.kind.app_mut()) {
            if let Ok(step) = app.totp.step_at(until) {
                // Also by a resynchronization that the backup does not have.
                let period = app.totp.period.as_secs();
                let resynchronized = resync::AHEAD_SECS.checked_div(period).unwrap_or(0);
                let furthest = step.number().saturating_add(ahead).saturating_add(resynchronized);
                app.tracker = app.tracker.used_up(Step::new(furthest));
            }
        }
        // Of whatever period the secrets were that the backup does not have.
        let longest = ahead.saturating_add(1).saturating_mul(Period::MAX_SECS).saturating_add(resync::AHEAD_SECS);
        record.used_until = record.used_until.max(until.saturating_add(longest));
        record.recovery = None;
        record.void(epoch_after(record.epoch, at));
        record.hold(policy, policy.limits().binding_hold_secs, until);
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
