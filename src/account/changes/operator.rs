//! Operators' acts, each with a name and a reason. The owner is told.

use crate::account::error::AccountError;
use crate::account::event::{EventKind, Operator};
use crate::account::names::ids::AuthenticatorId;
use crate::account::policy::Policy;
use crate::account::record::authenticator::Kind;
use crate::account::record::proposal::ProposedAct;
use crate::account::record::token::{DeviceToken, PassOrigin};
use crate::account::transition::{Account, Change};
use crate::otp::{Moment, UnixTime};
use rand::CryptoRng;

impl Account {
    /// Issues a pass: its holder has five attempts
    /// ([`Limits::lock_after`](crate::otp::Limits::lock_after)) that no lock stops, whoever has
    /// brought it about. The locks themselves stay. Send it to an address that was known before.
    ///
    /// # Errors
    /// [`AccountError::NotEnrolled`]; in its place [`AccountError::PassNeeded`] after a reset, and
    /// [`AccountError::StrongerFactorNeeded`] beside a stronger factor; [`AccountError::Frozen`].
    pub fn unlock<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        operator: &Operator,
        rng: &mut R,
    ) -> Result<Change<DeviceToken>, AccountError> {
        let now = self.moment(now);
        self.check_not_frozen()?;
        if self.record.authenticators.is_empty() {
            return Err(self.nothing_bound());
        }
        let (token, until) = self.issue_pass(PassOrigin::Operator, now, policy.limits().pass_secs, rng);
        self.record_act(now, operator, EventKind::PassIssued { until });
        Ok(Change::written(self, Ok(token)))
    }

    /// Takes everything away from an account whose owner has lost it all, and has shown otherwise
    /// who he is: authenticators, recovery codes, known devices, passes and proofs. Gives the
    /// pass with which, and only with which, the next authenticator is enrolled
    /// ([`enroll_with_pass`](Self::enroll_with_pass)): send it to an address that was known before,
    /// or hand it over.
    ///
    /// Withdrawals are held for
    /// [`AccountLimits::reset_hold_secs`](crate::account::AccountLimits::reset_hold_secs). Runs of
    /// failures end, long-term counts stay. A freeze ends: what it was for is gone.
    ///
    /// # Errors
    /// [`AccountError::SecondOperatorNeeded`], where the policy asks for one.
    pub fn reset<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        operator: &Operator,
        rng: &mut R,
    ) -> Result<Change<DeviceToken>, AccountError> {
        let now = self.moment(now);
        self.check_seconded(policy, ProposedAct::Reset, operator, now)?;
        let (token, until) = self.take_all(policy, now, rng);
        self.record.notices_answered = self.record.history.last;
        self.record_act(now, operator, EventKind::Reset { until });
        Ok(Change::written(self, Ok(token)))
    }

    /// Takes everything away, holds, and gives the pass that enrolls, with its end.
    pub(super) fn take_all<R: CryptoRng + ?Sized>(
        &mut self,
        policy: &Policy,
        now: Moment,
        rng: &mut R,
    ) -> (DeviceToken, UnixTime) {
        self.record.take_all(policy, now, rng);
        self.issue_pass(PassOrigin::Operator, now, policy.limits().pass_secs, rng)
    }

    /// Holds everything until [`thaw`](Self::thaw) or [`reset`](Self::reset): no code is judged,
    /// sent or enrolled, whatever its purpose. All proofs, device tokens and passes given so
    /// far are void. An e-mail address and a [stronger factor](Self::set_stronger_factor) whose
    /// hold is not over end. For a phone that was lost or stolen, at the word of its owner.
    pub fn freeze<R: CryptoRng + ?Sized>(mut self, now: UnixTime, operator: &Operator, rng: &mut R) -> Change<()> {
        let now = self.moment(now);
        self.record.void(rng.next_u64());
        self.record.drop_new_bindings(now);
        self.record.frozen_at = self.record.frozen_at.or(Some(now.time));
        self.record_act(now, operator, EventKind::Frozen);
        Change::written(self, Ok(()))
    }

    /// Ends a freeze: what was bound works again; proofs, device tokens and passes stay void. The
    /// policy's purposes are held as after a change of binding, since holds run on during a freeze,
    /// and what a thief has bound may still be there. Notices of before freeze nothing any more.
    ///
    /// # Errors
    /// [`AccountError::NotFrozen`]; [`AccountError::SecondOperatorNeeded`], where the policy asks
    /// for one.
    pub fn thaw(mut self, policy: &Policy, now: UnixTime, operator: &Operator) -> Result<Change<()>, AccountError> {
        let now = self.moment(now);
        if self.record.frozen_at.is_none() {
            return Err(AccountError::NotFrozen);
        }
        self.check_seconded(policy, ProposedAct::Thaw, operator, now)?;
        self.record.frozen_at = None;
        self.record.hold(policy, policy.limits().binding_hold_secs, now);
        self.record.notices_answered = self.record.history.last;
        self.record_act(now, operator, EventKind::Thawed);
        Ok(Change::written(self, Ok(())))
    }

    /// Forgets what was learned of an app's clock, resynchronizations included. What it has used
    /// stays used.
    ///
    /// # Errors
    /// [`AccountError::NoSuchAuthenticator`] unless the account has this app.
    pub fn clear_drift(
        mut self,
        now: UnixTime,
        id: AuthenticatorId,
        operator: &Operator,
    ) -> Result<Change<()>, AccountError> {
        let now = self.moment(now);
        let found = self.record.authenticator_mut(id);
        let Some(Kind::App(app)) = found.map(|one| &mut one.kind) else {
            return Err(AccountError::NoSuchAuthenticator { id });
        };
        app.tracker = app.tracker.cleared();
        self.record_act(now, operator, EventKind::DriftCleared { authenticator: id });
        Ok(Change::written(self, Ok(())))
    }

    /// Puts the erasure of the record into its history, so that it is told before the record is
    /// deleted.
    #[cfg(feature = "verifier")]
    pub(crate) fn erasing(mut self, now: UnixTime, operator: &Operator) -> Change<()> {
        if self.is_being_erased() {
            return Change::unwritten(self, Ok(()), None);
        }
        let now = self.moment(now);
        self.record_act(now, operator, EventKind::Erased);
        Change::written(self, Ok(()))
    }

    /// Returns whether nothing has happened since the erasure was written down.
    pub(crate) fn is_being_erased(&self) -> bool {
        self.record.history.events().last().is_some_and(|event| matches!(event.kind, EventKind::Erased))
    }
}
