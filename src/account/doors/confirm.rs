//! The door for the code that confirms an enrollment, or for two codes in a row.

use super::attempt::Attempt;
use super::gate::{Admitted, Gate, Recognized, Request};
use super::judge::{BEHIND_SECS, Candidate, Confirming, Searched, judge_confirming, judge_delivered, search};
use super::outcome::{Acceptance, Right, Wrong};
use super::two_codes::Resync;
use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::names::purpose::Purpose;
use crate::account::policy::Policy;
use crate::account::proof::{Method, Origin, Proof};
use crate::account::record::authenticator::{Authenticator, AuthenticatorState, Kind, Pending};
use crate::account::record::throttles::Door;
use crate::account::record::token::TokenHash;
use crate::account::transition::{Account, Change};
use crate::otp::{Code, Moment, Rejection, Step, Totp, UnixTime};
use subtle::{Choice, ConstantTimeEq};

impl Account {
    /// Confirms the pending enrollment with a code of the new authenticator, which is bound then.
    /// The code is spent.
    ///
    /// The account begins another [epoch](Proof::epoch), which the proof has: keep it in the
    /// session of whoever has confirmed, and all other sessions end.
    ///
    /// Its proof, of [`Purpose::BINDING`](crate::account::Purpose::BINDING), is good for one more
    /// change, such as the first set of recovery codes; where the policy asks for a pass before
    /// changes of binding, for recovery codes only. It is good for none unless the attempt came
    /// with the enrollment's handle ([`Attempt::with_enrollment`]): the code may have been guessed.
    ///
    /// The window is the policy's enrollment window. Failures are charged to the throttle of
    /// enrollments, which outlives them, with a token to that of devices, and with a pass to that
    /// of mailed ones or to the pass itself. A code of an enrollment that this one has replaced
    /// within ten minutes is
    /// [`ReplacedEnrollment`](crate::otp::Rejection::ReplacedEnrollment), and not charged.
    ///
    /// # Errors
    /// [`AccountError::Purpose`] unless the attempt's purpose is
    /// [`Purpose::BINDING`](crate::account::Purpose::BINDING), whatever its text;
    /// [`AccountError::NothingPending`]; [`AccountError::TooMany`];
    /// [`AccountError::EventsWaiting`].
    pub fn confirm(mut self, policy: &Policy, now: UnixTime, attempt: &Attempt) -> Result<Change<Proof>, AccountError> {
        self.source.clone_from(&attempt.source);
        let now = self.moment(now);
        let code = match attempt.read_for_confirm()? {
            Ok(code) => code,
            Err(rejection) => return Ok(self.refuse(now, attempt.purpose, rejection)),
        };
        let answer = |account: &Self, acceptance: Acceptance| Proof {
            context: attempt.context,
            address: attempt.address.clone(),
            ..account.proof_of_confirmation(policy, acceptance)
        };
        match self.admit_confirmation(policy, now, &attempt.request(Door::Confirm))? {
            Gate::Repeat(reply) => Ok(self.repeat(reply, answer)),
            Gate::Refused(rejection) => Ok(self.refuse(now, attempt.purpose, rejection)),
            Gate::Open(admitted) => self.judge_confirmation(&admitted, code, attempt, answer),
        }
    }

    /// Confirms the pending enrollment of an app with two of its codes in a row, whose clock may be
    /// up to ten minutes off: a hardware token, say. Both are spent. Else as
    /// [`confirm`](Self::confirm).
    ///
    /// The answer does not say that one of the two was right: it is a
    /// [`Mismatch`](crate::otp::Rejection::Mismatch) then too. By chance two codes are right once
    /// in 2 × 10¹⁰ attempts (41 pairs of 10¹², with six digits and steps of 30 s). Two texts
    /// that are no codes, or come with a recovery code, are
    /// [`Malformed`](crate::otp::Rejection::Malformed).
    ///
    /// # Errors
    /// [`AccountError::NothingPending`]; [`AccountError::NoApp`] if an address waits;
    /// [`AccountError::TooMany`]; [`AccountError::EventsWaiting`].
    pub fn confirm_with_two_codes(
        mut self,
        policy: &Policy,
        now: UnixTime,
        codes: &Resync,
    ) -> Result<Change<Proof>, AccountError> {
        self.source.clone_from(&codes.source);
        let now = self.moment(now);
        let both = match codes.read_for_confirm() {
            Ok(both) => both,
            Err(rejection) => return Ok(self.refuse(now, Purpose::BINDING, rejection)),
        };
        let answer = |account: &Self, acceptance| account.proof_of_confirmation(policy, acceptance);
        match self.admit_confirmation(policy, now, &codes.request_for_confirm(both))? {
            Gate::Repeat(reply) => Ok(self.repeat(reply, answer)),
            Gate::Refused(rejection) => Ok(self.refuse(now, Purpose::BINDING, rejection)),
            Gate::Open(admitted) => self.judge_two_confirming(&admitted, both, codes.enrollment, answer),
        }
    }

    fn proof_of_confirmation(&self, policy: &Policy, acceptance: Acceptance) -> Proof {
        let with_handle = acceptance.with_handle;
        self.proof(policy, Purpose::BINDING, acceptance).with_origin(Origin::Enrollment { with_handle })
    }

    /// Asks the gate. A wrong code does not charge the pass that an app's enrollment was begun
    /// with, since its holder has made the secret. It does charge the pass where an address
    /// waits, whose code its holder may not have, and where the policy asks for a confirmation
    /// beside the pass.
    fn admit_confirmation<'a>(
        &self,
        policy: &'a Policy,
        now: Moment,
        request: &Request,
    ) -> Result<Gate<'a>, AccountError> {
        let gate = self.gate(policy, now, request)?;
        let Gate::Open(admitted) = gate else { return Ok(gate) };
        let pending = self.record.pending.as_ref().ok_or(AccountError::NothingPending)?;
        let is_its_own = |token: &Recognized| match (token, pending.pass) {
            (Recognized::Pass(_, one), Some(other)) => {
                let is_the_makers = pending.kind.app().is_some() && !policy.limits().confirmation_after_reset;
                is_the_makers && one.ct_eq(&other).into()
            }
            _ => false,
        };
        Ok(Gate::Open(Admitted { token: admitted.token.filter(|token| !is_its_own(token)), ..admitted }))
    }

    fn judge_confirmation(
        self,
        admitted: &Admitted<'_>,
        code: Code,
        attempt: &Attempt,
        answer: impl FnOnce(&Self, Acceptance) -> Proof,
    ) -> Result<Change<Proof>, AccountError> {
        let Admitted { policy, now, purpose, .. } = *admitted;
        let (handle, sent_for) = (attempt.enrollment, (purpose, attempt.context.as_ref()));
        let record = &self.record;
        let pending = record.pending.as_ref().ok_or(AccountError::NothingPending)?;
        let id = pending.id;
        let spent = record.recent_codes.contains(code, now);
        let app = pending.kind.app().map(Candidate::of);
        let replaced = record.lately_replaced(now).map(Candidate::of);
        let Confirming { judged, of_replaced } =
            judge_confirming(app.into_iter(), replaced, policy.enrollment(), spent, now, code)?;
        let secs = policy.limits().delivered_secs;
        let delivered =
            judge_delivered(&record.delivered, sent_for, secs, now, code, |recipient| recipient.is_bound_to(id));
        // Whoever began those may try their codes here. Without the handle of the one that waits,
        // they are not compared with it: an answer that does not count would be a free guess.
        let of_replaced = bool::from(of_replaced);
        if of_replaced && !pending.is_named_by(handle) {
            return Ok(self.refuse(now, purpose, Rejection::ReplacedEnrollment));
        }
        if (judged.accepted | (delivered.right & !spent)).into() {
            return self.bind(admitted, judged.step, [Some(code), None], handle, answer);
        }
        if (judged.replayed | spent).into() {
            let next = judged.next.start(pending.kind.app().map_or(Totp::DEFAULT, |app| app.totp), now.clock);
            return Ok(self.refuse(now, purpose, Rejection::Replayed { next }));
        }
        if of_replaced {
            return Ok(self.refuse(now, purpose, Rejection::ReplacedEnrollment));
        }
        let expired = bool::from(judged.expired | delivered.expired);
        Ok(self.charge(admitted, Wrong { expired, code: Some(code) }))
    }

    fn judge_two_confirming(
        self,
        admitted: &Admitted<'_>,
        codes: [Code; 2],
        handle: Option<TokenHash>,
        answer: impl FnOnce(&Self, Acceptance) -> Proof,
    ) -> Result<Change<Proof>, AccountError> {
        let Admitted { now, purpose, .. } = *admitted;
        let record = &self.record;
        let pending = record.pending.as_ref().ok_or(AccountError::NothingPending)?;
        let app = pending.kind.app().ok_or(AccountError::NoApp)?;
        let spent = codes.iter().fold(Choice::from(0), |any, code| any | record.recent_codes.contains(*code, now));
        let Searched { found, step, place: _ } =
            search([(0, Candidate::of(app))].into_iter(), codes, BEHIND_SECS, now)?;
        let replaced = (0..).zip(record.lately_replaced(now).map(Candidate::of));
        let of_replaced = bool::from(search(replaced, codes, BEHIND_SECS, now)?.found);
        if of_replaced && !pending.is_named_by(handle) {
            return Ok(self.refuse(now, purpose, Rejection::ReplacedEnrollment));
        }
        if (found & !spent).into() {
            return self.bind(admitted, Step::new(step), codes.map(Some), handle, answer);
        }
        if of_replaced {
            return Ok(self.refuse(now, purpose, Rejection::ReplacedEnrollment));
        }
        Ok(self.charge(admitted, Wrong { expired: false, code: None }))
    }

    /// The confirming code was right: the new authenticator is in, and the one that it replaces is
    /// out.
    fn bind(
        mut self,
        admitted: &Admitted<'_>,
        step: Step,
        codes: [Option<Code>; 2],
        handle: Option<TokenHash>,
        answer: impl FnOnce(&Self, Acceptance) -> Proof,
    ) -> Result<Change<Proof>, AccountError> {
        let Admitted { policy, now, .. } = *admitted;
        let pending = self.record.pending.take().ok_or(AccountError::NothingPending)?;
        let with_handle = pending.is_named_by(handle);
        let Pending { id, name, kind, until: _, lead: _, replaces, pass, handle: _, labels: _, unknown } = pending;
        self.record.replaced.clear();
        let event = match replaces {
            Some(replaced) => EventKind::Replaced { authenticator: id, replaced },
            None => EventKind::Confirmed { authenticator: id },
        };
        if let Some(replaced) = replaces {
            self.record.unbind(|one| one.id == replaced);
        }
        let place = u32::try_from(self.record.authenticators.len()).unwrap_or(u32::MAX);
        let (right, method) = match &kind {
            Kind::App(_) => (Right::NewApp { place, step, codes, with_handle }, Method::Authenticator(id)),
            Kind::Address(address) => {
                let method = Method::DeliveredCode { authenticator: Some(id), channel: address.channel() };
                (Right::Address { id, codes, with_handle }, method)
            }
        };
        let (bound_at, state) = (now.time, AuthenticatorState::Active);
        let new = Authenticator { id, name, kind, bound_at, last_used: now.time, uses: 0, state, unknown };
        self.record.authenticators.push(new);
        self.record.is_reset = false;
        self.record.bound_before_reset.clear();
        if let Some(hash) = pass {
            self.record.passes.spend(&hash);
        }
        self.record.hold(policy, policy.limits().binding_hold_secs, now);
        self.record.proofs_spent = self.record.history.last;
        self.record.rebound(now);
        self.accept(admitted, right, method, event, answer)
    }
}
