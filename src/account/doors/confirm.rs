//! The door for the code that confirms an enrollment.

use super::attempt::Attempt;
use super::common_offset::common_offset;
use super::gate::{Admitted, Gate, Recognized};
use super::judge::{Candidate, judge, judge_delivered};
use super::outcome::{Acceptance, Right, Wrong};
use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::policy::Policy;
use crate::account::proof::{Method, Proof};
use crate::account::record::authenticator::{Authenticator, Kind, Pending};
use crate::account::record::throttles::Door;
use crate::account::transition::{Account, Change};
use crate::otp::{Code, Rejection, Step, Totp, UnixTime};
use subtle::ConstantTimeEq;

impl Account {
    /// Confirms the pending enrollment with a code of the new authenticator, which is bound then.
    /// The code is spent. Its proof, of [`Purpose::BINDING`](crate::account::Purpose::BINDING), is
    /// good for one more change, such as the first set of recovery codes; where the policy asks
    /// for a pass before changes of binding, for recovery codes only.
    ///
    /// The window is the policy's enrollment window. Failures are charged to the throttle of
    /// enrollments, which outlives them, with a token to that of devices, and with a pass to that
    /// of mailed ones or to the pass itself.
    ///
    /// # Errors
    /// [`AccountError::Purpose`] unless the attempt's purpose is
    /// [`Purpose::BINDING`](crate::account::Purpose::BINDING), whatever its text;
    /// [`AccountError::NothingPending`]; [`AccountError::TooMany`].
    pub fn confirm(mut self, policy: &Policy, now: UnixTime, attempt: &Attempt) -> Result<Change<Proof>, AccountError> {
        let now = self.moment(now);
        let code = match attempt.read_for_confirm()? {
            Ok(code) => code,
            Err(rejection) => return Ok(self.refuse(now, attempt.purpose, rejection)),
        };
        let answer = |account: &Self, acceptance| account.proof(policy, attempt, acceptance).by_enrollment();
        let admitted = match self.gate(policy, now, &attempt.request(Door::Confirm))? {
            Gate::Repeat(reply) => return Ok(self.repeat(reply, answer)),
            Gate::Refused(rejection) => return Ok(self.refuse(now, attempt.purpose, rejection)),
            Gate::Open(admitted) => admitted,
        };
        let pending = self.record.pending.as_ref().ok_or(AccountError::NothingPending)?;
        // The pass that an app's enrollment was begun with is not charged: its holder has made the
        // secret. (Not so the code for an address; nor is the pass enough to begin where a
        // confirmation is asked for.)
        let is_its_own = |token: &Recognized| match (token, pending.pass) {
            (Recognized::Pass(_, one), Some(other)) => {
                let is_the_makers = pending.kind.app().is_some() && !policy.limits().confirmation_after_reset;
                is_the_makers && one.ct_eq(&other).into()
            }
            _ => false,
        };
        let admitted = Admitted { token: admitted.token.filter(|token| !is_its_own(token)), ..admitted };
        self.judge_confirmation(&admitted, code, answer)
    }

    fn judge_confirmation(
        self,
        admitted: &Admitted<'_>,
        code: Code,
        answer: impl FnOnce(&Self, Acceptance) -> Proof,
    ) -> Result<Change<Proof>, AccountError> {
        let Admitted { policy, now, purpose, .. } = *admitted;
        let record = &self.record;
        let pending = record.pending.as_ref().ok_or(AccountError::NothingPending)?;
        let id = pending.id;
        let spent = record.recent_codes.contains(code, now);
        let app = || pending.kind.app().map(Candidate::of).into_iter();
        let judged = judge(app().map(|one| (0, one)), policy.enrollment(), spent, now, code)?;
        let offset = common_offset(app().map(|one| (id, one)), record.wrong_code, now, code);
        let secs = policy.limits().delivered_secs;
        let delivered =
            judge_delivered(&record.delivered, purpose, secs, now, code, |recipient| recipient.is_bound_to(id));
        if (judged.accepted | (delivered.right & !spent)).into() {
            return self.bind(admitted, code, judged.step, answer);
        }
        if (judged.replayed | spent).into() {
            let next = judged.next.start(pending.kind.app().map_or(Totp::DEFAULT, |app| app.totp), now.clock);
            return Ok(self.refuse(now, purpose, Rejection::Replayed { next }));
        }
        let expired = bool::from(judged.expired | delivered.expired);
        Ok(self.charge(admitted, Wrong { expired, code: Some(code), diagnosis: offset.diagnosis() }))
    }

    /// The confirming code was right: the new authenticator is in, and the one that it replaces is
    /// out.
    fn bind(
        mut self,
        admitted: &Admitted<'_>,
        code: Code,
        step: Step,
        answer: impl FnOnce(&Self, Acceptance) -> Proof,
    ) -> Result<Change<Proof>, AccountError> {
        let Admitted { policy, now, .. } = *admitted;
        let pending = self.record.pending.take().ok_or(AccountError::NothingPending)?;
        let Pending { id, name, kind, until: _, replaces, pass, unknown } = pending;
        let event = match replaces {
            Some(replaced) => EventKind::Replaced { authenticator: id, replaced },
            None => EventKind::Confirmed { authenticator: id },
        };
        if let Some(replaced) = replaces {
            self.record.unbind(|one| one.id == replaced);
        }
        let place = u32::try_from(self.record.authenticators.len()).unwrap_or(u32::MAX);
        let (right, method) = match &kind {
            Kind::App(_) => (Right::NewApp { place, step, code }, Method::Authenticator(id)),
            Kind::Address(address) => {
                let method = Method::DeliveredCode { authenticator: Some(id), channel: address.channel() };
                (Right::Address { id, code }, method)
            }
        };
        let new = Authenticator { id, name, kind, bound_at: now.time, last_used: now.time, disabled: false, unknown };
        self.record.authenticators.push(new);
        self.record.is_reset = false;
        if let Some(hash) = pass {
            self.record.passes.spend(&hash);
        }
        self.record.hold(policy, policy.limits().binding_hold_secs, now);
        self.record.proofs_spent = self.record.history.last;
        self.accept(admitted, right, method, event, answer)
    }
}
