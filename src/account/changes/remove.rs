//! Authenticators are removed.

use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::names::ids::AuthenticatorId;
use crate::account::policy::Policy;
use crate::account::proof::Proof;
use crate::account::record::authenticator::Authenticator;
use crate::account::transition::{Account, Change};
use crate::otp::{Moment, UnixTime};

impl Account {
    /// Removes one of several authenticators. `proof`, of
    /// [`Purpose::BINDING`](crate::account::Purpose::BINDING), is used up when the change is
    /// stored, and with it all that were given before. It may be the removed one's own. A
    /// pending enrollment ends. Answers the account's new [epoch](Proof::epoch): keep it in the
    /// session that this came from, and all others end.
    ///
    /// # Errors
    /// [`AccountError::Frozen`]; [what a proof can
    /// lack](crate::account::Proof#what-a-proof-can-lack);
    /// [`AccountError::NoSuchAuthenticator`]; [`AccountError::LastAuthenticator`];
    /// [`AccountError::EventsWaiting`].
    pub fn remove(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        id: AuthenticatorId,
    ) -> Result<Change<u64>, AccountError> {
        let now = self.moment(now);
        let is_left = self.record.authenticators.iter().any(|one| one.id != id && one.is_active());
        if !is_left && self.record.authenticator(id).is_some() {
            return Err(AccountError::LastAuthenticator);
        }
        self.remove_where(policy, now, proof, id, |one| one.id == id)
    }

    /// Removes the last active authenticator. Those that are suspended or disabled go with it, and
    /// so do the recovery codes: the account has no second factor then, and the next one is
    /// enrolled freely. (Beside a [stronger factor](Self::set_stronger_factor) that one is
    /// left, and its assertion enrolls.) Passes end. Answers the account's new
    /// [epoch](Proof::epoch).
    ///
    /// # Errors
    /// [`AccountError::Frozen`]; [what a proof can
    /// lack](crate::account::Proof#what-a-proof-can-lack);
    /// [`AccountError::NoSuchAuthenticator`]; [`AccountError::NotTheLast`];
    /// [`AccountError::EventsWaiting`].
    pub fn remove_last(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        id: AuthenticatorId,
    ) -> Result<Change<u64>, AccountError> {
        let now = self.moment(now);
        if self.record.authenticators.iter().any(|one| one.id != id && one.is_active()) {
            return Err(AccountError::NotTheLast);
        }
        self.remove_where(policy, now, proof, id, |one| one.id == id || !one.is_active())
    }

    fn remove_where(
        mut self,
        policy: &Policy,
        now: Moment,
        proof: &Proof,
        id: AuthenticatorId,
        goes: impl Fn(&Authenticator) -> bool,
    ) -> Result<Change<u64>, AccountError> {
        self.spend_proof_with_pass(policy, proof, now)?;
        if self.record.authenticator(id).is_none() {
            return Err(AccountError::NoSuchAuthenticator { id });
        }
        let removed = self.record.unbind(goes);
        self.record.rebound(now);
        if self.record.authenticators.is_empty() {
            self.record.recovery = None;
            self.record.imported_codes = None;
            self.record.passes.0.clear();
        }
        self.record.hold(policy, policy.limits().binding_hold_secs, now);
        for authenticator in removed {
            self.record_event(now, EventKind::Removed { authenticator })?;
        }
        let epoch = self.record.epoch;
        Ok(Change::written(self, Ok(epoch)))
    }
}
