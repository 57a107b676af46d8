//! Authenticators are suspended and resumed by their owner, and disabled by an operator.

use crate::account::error::AccountError;
use crate::account::event::{EventKind, Operator};
use crate::account::names::ids::AuthenticatorId;
use crate::account::policy::Policy;
use crate::account::proof::Proof;
use crate::account::record::authenticator::AuthenticatorState;
use crate::account::transition::{Account, Change};
use crate::otp::UnixTime;

impl Account {
    /// Suspends an authenticator whose owner cannot find it, say: its codes are refused until it is
    /// [resumed](Self::resume) (SP 800-63B-4 §4.3). `proof`, of
    /// [`Purpose::BINDING`](crate::account::Purpose::BINDING), is used up. Answers the account's
    /// new [epoch](Proof::epoch): all sessions end but the one that keeps it.
    ///
    /// Some other way in has to be left: another active authenticator, or a recovery code.
    ///
    /// # Errors
    /// [`AccountError::NoSuchAuthenticator`] unless the account has it, and it is active;
    /// [`AccountError::LastAuthenticator`]; [`AccountError::Frozen`]; [what a proof can
    /// lack](crate::account::Proof#what-a-proof-can-lack); [`AccountError::EventsWaiting`].
    pub fn suspend(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        id: AuthenticatorId,
    ) -> Result<Change<u64>, AccountError> {
        let now = self.moment(now);
        let is_another_left = self.record.authenticators.iter().any(|one| one.id != id && one.is_active());
        if !is_another_left && self.record.recovery_codes_left() == 0 {
            return Err(AccountError::LastAuthenticator);
        }
        self.spend_proof_with_pass(policy, proof, now)?;
        self.turn(id, AuthenticatorState::Active, AuthenticatorState::Suspended)?;
        self.record.rebound(now);
        self.record_event(now, EventKind::Suspended { authenticator: id })?;
        let epoch = self.record.epoch;
        Ok(Change::written(self, Ok(epoch)))
    }

    /// Resumes an authenticator that its owner has found again. `proof`, of
    /// [`Purpose::BINDING`](crate::account::Purpose::BINDING), is by another one, or by a recovery
    /// code, and is used up. The policy's purposes are held as after any change of binding. Answers
    /// the account's new [epoch](Proof::epoch).
    ///
    /// # Errors
    /// [`AccountError::NoSuchAuthenticator`] unless the account has it, and it is suspended; else
    /// as [`suspend`](Self::suspend).
    pub fn resume(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        id: AuthenticatorId,
    ) -> Result<Change<u64>, AccountError> {
        let now = self.moment(now);
        self.spend_proof_with_pass(policy, proof, now)?;
        self.turn(id, AuthenticatorState::Suspended, AuthenticatorState::Active)?;
        self.record.hold(policy, policy.limits().binding_hold_secs, now);
        self.record.rebound(now);
        self.record_event(now, EventKind::Resumed { authenticator: id })?;
        let epoch = self.record.epoch;
        Ok(Change::written(self, Ok(epoch)))
    }

    /// Disables one authenticator, at an operator's word: its codes are refused until it is bound
    /// anew. The others go on. Proofs that were given before are void, what waits to be confirmed
    /// ends, and so do all sessions: the account begins another [epoch](Proof::epoch).
    ///
    /// # Errors
    /// [`AccountError::NoSuchAuthenticator`].
    pub fn disable(
        mut self,
        now: UnixTime,
        id: AuthenticatorId,
        operator: &Operator,
    ) -> Result<Change<()>, AccountError> {
        let now = self.moment(now);
        let found = self.record.authenticator_mut(id).ok_or(AccountError::NoSuchAuthenticator { id })?;
        found.state = AuthenticatorState::Disabled;
        // Its holder may have begun something, or hold a proof.
        self.record.end_of(&[id]);
        self.record.proofs_spent = self.record.history.last;
        self.record.rebound(now);
        self.record_act(now, operator, EventKind::AuthenticatorDisabled { authenticator: id });
        Ok(Change::written(self, Ok(())))
    }

    /// Changes an authenticator's state, and ends what its holder may have begun.
    fn turn(
        &mut self,
        id: AuthenticatorId,
        from: AuthenticatorState,
        to: AuthenticatorState,
    ) -> Result<(), AccountError> {
        let found = self.record.authenticator_mut(id).filter(|one| one.state == from);
        found.ok_or(AccountError::NoSuchAuthenticator { id })?.state = to;
        self.record.end_of(&[id]);
        Ok(())
    }
}
