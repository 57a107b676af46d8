//! An owner who has lost everything but the password and an address gets back in without support,
//! no faster than the owner can notice.

use crate::account::error::AccountError;
use crate::account::event::{Event, EventKind};
use crate::account::names::purpose::Purpose;
use crate::account::policy::Policy;
use crate::account::proof::Proof;
use crate::account::record::self_recovery::SelfRecovery;
use crate::account::record::token::{DeviceToken, PassOrigin};
use crate::account::transition::{Account, Change};
use crate::otp::{Moment, UnixTime};
use rand::CryptoRng;

impl Account {
    /// Begins a recovery without support, where the policy offers it
    /// ([`AccountLimits::self_recovery_secs`](crate::account::AccountLimits::self_recovery_secs)).
    /// Ask for the password first. `confirmation`, of [`Purpose::CONFIRMATION`] and without a
    /// context, shows that whoever asks reads an address that the account is bound to: a
    /// number, or the [e-mail address](Self::bind_email). Answers when it takes effect.
    ///
    /// Tell the owner at once and each day, by every address that you know and on every known
    /// device: each of [these events](EventKind::SelfRecoveryWaits) is for that, and
    /// [`remind`](Self::remind) gives the next one. Any code of the owner's that is accepted
    /// ends the recovery, and so does a freeze. One waits at a time, and three are begun in a
    /// year at most, also if a code has ended them: whoever reads the owner's mail can use them
    /// up.
    ///
    /// # Errors
    /// [`AccountError::NotOffered`]; [`AccountError::NotEnrolled`]; [`AccountError::Frozen`];
    /// [`AccountError::AddressNotBound`]; [`AccountError::RecoveryWaits`] if one waits already;
    /// [`AccountError::TooMany`] after three in a year; [what a proof can
    /// lack](crate::account::Proof#what-a-proof-can-lack); [`AccountError::EventsWaiting`].
    pub fn begin_self_recovery(
        mut self,
        policy: &Policy,
        now: UnixTime,
        confirmation: &Proof,
    ) -> Result<Change<UnixTime>, AccountError> {
        let now = self.moment(now);
        let secs = self.check_offered(policy)?;
        if self.record.authenticators.is_empty() {
            return Err(self.nothing_bound());
        }
        self.check_address(policy, confirmation, now)?;
        if self.record.self_recovery.is_some() {
            return Err(AccountError::RecoveryWaits);
        }
        if !self.record.self_recoveries.count(now) {
            return Err(AccountError::TooMany);
        }
        let waiting = SelfRecovery::begun(secs, now);
        self.record.self_recovery = Some(waiting);
        self.source.clone_from(&confirmation.source);
        self.record_event(now, EventKind::SelfRecoveryWaits { until: waiting.until })?;
        Ok(Change::written(self, Ok(waiting.until)))
    }

    /// Records that the owner is to be told of a recovery that waits, if that was a day ago. Call
    /// it for accounts with one
    /// ([`AccountView::self_recovery`](crate::account::AccountView::self_recovery)) each hour,
    /// say: the recovery takes effect only if the owner was told each day.
    ///
    /// A notice that the sink has not taken is handed to it again. If it has not within a day, the
    /// wait begins anew: the owner has learned of nothing.
    ///
    /// # Errors
    /// [`AccountError::EventsWaiting`].
    pub fn remind(mut self, policy: &Policy, now: UnixTime) -> Result<Change<()>, AccountError> {
        let now = self.moment(now);
        let is_untold = self.is_untold();
        let secs = policy.limits().self_recovery_secs;
        // A service that does not offer it any more reminds nobody.
        let Some(waiting) = self.record.self_recovery.as_mut().filter(|_| secs > 0) else {
            return Ok(Change::unwritten(self, Ok(()), None));
        };
        if !waiting.is_to_be_told(now) {
            // A write hands again what the sink has not taken.
            return Ok(if is_untold { Change::written(self, Ok(())) } else { Change::unwritten(self, Ok(()), None) });
        }
        if is_untold {
            *waiting = SelfRecovery::begun(secs, now);
        } else {
            (waiting.told_at, waiting.told) = (now.time, waiting.told.saturating_add(1));
        }
        let until = waiting.until;
        self.record_event(now, EventKind::SelfRecoveryWaits { until })?;
        Ok(Change::written(self, Ok(())))
    }

    /// Returns whether the sink has not taken a notice of the recovery that waits.
    fn is_untold(&self) -> bool {
        let is_waits = |event: Event| matches!(event.kind, EventKind::SelfRecoveryWaits { .. });
        self.record.history.unacknowledged().any(is_waits)
    }

    /// Ends the wait: everything is taken away as by a [`reset`](Self::reset), with its hold, and
    /// the pass that this gives enrolls. `confirmation` is a fresh one, as for the beginning.
    /// Should the answer get lost, or the pass end, ask again with another confirmation: there
    /// is another pass.
    ///
    /// # Errors
    /// [`AccountError::NothingPending`] if no recovery waits; [`AccountError::RecoveryWaits`] if
    /// its time is not over, the owner was not told each day, or the sink has not taken that;
    /// else as [`begin_self_recovery`](Self::begin_self_recovery).
    pub fn finish_self_recovery<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        confirmation: &Proof,
        rng: &mut R,
    ) -> Result<Change<DeviceToken>, AccountError> {
        let now = self.moment(now);
        self.check_offered(policy)?;
        let waiting = self.record.self_recovery.ok_or(AccountError::NothingPending)?;
        self.check_address(policy, confirmation, now)?;
        if waiting.is_done {
            // The answer got lost, or the pass has ended: this one takes its place.
            self.record.passes.0.clear();
            // Each asks for a confirmation of its own.
            self.record.rebound(now);
        } else if self.is_untold() || !waiting.is_over(now) {
            return Err(AccountError::RecoveryWaits);
        } else {
            self.record.take_all(policy, now, rng);
            self.record.self_recovery = Some(SelfRecovery { is_done: true, ..waiting });
        }
        let (token, until) = self.issue_pass(PassOrigin::Operator, now, policy.limits().pass_secs, rng);
        self.source.clone_from(&confirmation.source);
        self.record_event(now, EventKind::SelfRecovered { until })?;
        Ok(Change::written(self, Ok(token)))
    }

    fn check_offered(&self, policy: &Policy) -> Result<u64, AccountError> {
        self.check_not_frozen()?;
        match policy.limits().self_recovery_secs {
            0 => Err(AccountError::NotOffered),
            secs => Ok(secs),
        }
    }

    /// Fails unless the confirmation is by an address that the account is bound to.
    fn check_address(&self, policy: &Policy, confirmation: &Proof, now: Moment) -> Result<(), AccountError> {
        confirmation.check_all(&self.id, Purpose::CONFIRMATION, None, now)?;
        confirmation.check_epoch(self.record.epoch)?;
        let is_done = self.record.self_recovery.is_some_and(|one| one.is_done);
        let is_bound = |address| {
            if is_done { self.record.was_bound(address, now) } else { self.record.is_bound(policy, address, now) }
        };
        if confirmation.address.as_ref().is_some_and(is_bound) { Ok(()) } else { Err(AccountError::AddressNotBound) }
    }
}
