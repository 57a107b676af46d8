//! The door for codes of apps and for delivered ones, whatever their purpose.

use super::attempt::{Attempt, Submitted};
use super::gate::{Admitted, Gate};
use super::judge::{Candidate, Judged, judge, judge_delivered};
use super::outcome::{Acceptance, Right, Wrong};
use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::names::purpose::Purpose;
use crate::account::policy::Policy;
use crate::account::proof::{Method, Origin, Proof};
use crate::account::record::authenticator::Authenticator;
use crate::account::record::delivered::Recipient;
use crate::account::record::throttles::Door;
use crate::account::transition::{Account, Change};
use crate::otp::{Code, Moment, Rejection, Totp, UnixTime};

impl Account {
    /// Verifies a code of an app, a delivered code, or a recovery code, for a purpose.
    ///
    /// The code is compared with every open step of every app, and with the codes that were
    /// [sent](Self::deliver) for this purpose and context. It is charged once, after all have
    /// failed. A code
    /// that is right at several is accepted at one. A code for [`Purpose::CONFIRMATION`] is
    /// compared with the confirmations that were sent, and with nothing else. The answer is
    /// inside the [`Change`].
    ///
    /// No code is judged or spent while its purpose is held or its throttle locked. Recovery codes
    /// have no throttle, as nobody guesses them, and their use holds what the policy holds after a
    /// recovery.
    ///
    /// # Errors
    /// [`AccountError::UndeclaredPurpose`]; [`AccountError::IsAct`];
    /// [`AccountError::NotEnrolled`]; [`AccountError::NothingSent`]; [`AccountError::PassNeeded`];
    /// [`AccountError::NoRecoveryCodes`]; [`AccountError::NotByRecovery`];
    /// [`AccountError::StrongerFactorNeeded`] where a code is not enough;
    /// [`AccountError::NoStrongerFactor`]; [`AccountError::NoSuchAuthenticator`] if the attempt
    /// names one that is not there; [`AccountError::Purpose`] for a recovery code or an assertion
    /// with [`Purpose::CONFIRMATION`](crate::account::Purpose::CONFIRMATION);
    /// [`AccountError::Time`] if `now` lies before an authenticator's T0.
    pub fn verify(mut self, policy: &Policy, now: UnixTime, attempt: &Attempt) -> Result<Change<Proof>, AccountError> {
        self.source.clone_from(&attempt.source);
        let now = self.moment(now);
        self.judge_attempt(policy, now, attempt, |account, acceptance| Proof {
            context: attempt.context,
            address: attempt.address.clone(),
            ..account.proof(policy, attempt.purpose, acceptance)
        })
    }

    /// Judges an attempt at the doors that give a proof or an authorization. `answer` makes either
    /// of the acceptance, if it is one.
    pub(super) fn judge_attempt<T>(
        self,
        policy: &Policy,
        now: Moment,
        attempt: &Attempt,
        answer: impl FnOnce(&Self, Acceptance) -> T,
    ) -> Result<Change<T>, AccountError> {
        let code = match attempt.read(policy)? {
            Ok(Submitted::Code(code)) => *code,
            Ok(Submitted::Recovery(code, typed)) => {
                return self.recover(policy, now, attempt, code, typed.as_ref(), answer);
            }
            Ok(Submitted::ImportedRecovery(typed)) => {
                return self.recover_by_imported(policy, now, attempt, typed, answer);
            }
            Ok(Submitted::Assertion) => return self.accept_assertion(policy, now, attempt, answer),
            Err(rejection) => return Ok(self.refuse(now, attempt.purpose, rejection)),
        };
        match self.gate(policy, now, &attempt.request(Door::Code))? {
            Gate::Repeat(reply) => Ok(self.repeat(reply, answer)),
            Gate::Refused(rejection) => Ok(self.refuse(now, attempt.purpose, rejection)),
            Gate::Open(admitted) => {
                if let Some(id) = attempt.authenticator.filter(|id| self.record.authenticator(*id).is_none()) {
                    return Err(AccountError::NoSuchAuthenticator { id });
                }
                self.judge_code(&admitted, attempt, code, answer)
            }
        }
    }

    fn judge_code<T>(
        self,
        admitted: &Admitted<'_>,
        attempt: &Attempt,
        code: Code,
        answer: impl FnOnce(&Self, Acceptance) -> T,
    ) -> Result<Change<T>, AccountError> {
        let Admitted { policy, now, purpose, .. } = *admitted;
        let (record, limits) = (&self.record, policy.limits());
        let spent = record.recent_codes.contains(code, now);
        let is_factor = purpose != Purpose::CONFIRMATION;
        let is_meant = |id| attempt.authenticator.is_none_or(|meant| meant == id);
        let apps = record.apps().filter(|(_, id, _)| is_factor && is_meant(*id));
        let candidates = apps.map(|(place, _, app)| (place, Candidate::of(app)));
        let judged = judge(candidates, policy.codes(), spent, now, code)?;
        let in_force = |id| is_meant(id) && record.authenticator(id).is_some_and(Authenticator::is_active);
        let delivered = judge_delivered(
            &record.delivered,
            (purpose, attempt.context.as_ref()),
            limits.delivered_secs,
            now,
            code,
            |recipient| match recipient {
                Recipient::Bound(id, _) => is_factor && in_force(*id),
                Recipient::Named(address) => !is_factor && attempt.address.as_ref() == Some(address),
            },
        );
        if judged.accepted.into() {
            let (right, method, event) = self.right_app(admitted, code, &judged)?;
            return self.accept(admitted, right, method, event, answer);
        }
        if (delivered.right & !spent).into() {
            let (right, method, event) = self.right_delivered(purpose, code, delivered.place)?;
            return self.accept(admitted, right, method, event, answer);
        }
        if (judged.replayed | spent).into() {
            let whose = record.authenticators.get(judged.replayed_place as usize);
            let totp = whose.and_then(|one| one.kind.app()).map_or(Totp::DEFAULT, |app| app.totp);
            let next = judged.next.start(totp, now.clock);
            return Ok(self.refuse(now, purpose, Rejection::Replayed { next }));
        }
        let expired = bool::from(judged.expired | delivered.expired);
        Ok(self.charge(admitted, Wrong { expired, code: is_factor.then_some(code) }))
    }

    fn right_app(
        &self,
        admitted: &Admitted<'_>,
        code: Code,
        judged: &Judged,
    ) -> Result<(Right, Method, EventKind), AccountError> {
        let (place, step) = (judged.place, judged.step);
        // Only apps are judged.
        let one = self.record.authenticators.get(place as usize).ok_or(AccountError::NoApp)?;
        let present = one.kind.app().ok_or(AccountError::NoApp)?.totp.step_at(admitted.now.clock)?;
        let (authenticator, offset) = (one.id, step.distance_from(present));
        let event = EventKind::Accepted { authenticator, purpose: admitted.purpose, offset };
        Ok((Right::App { place, step, code }, Method::Authenticator(authenticator), event))
    }

    fn right_delivered(
        &self,
        purpose: Purpose,
        code: Code,
        place: u32,
    ) -> Result<(Right, Method, EventKind), AccountError> {
        let sent = self.record.delivered.0.get(place as usize).ok_or(AccountError::NothingSent)?;
        let (authenticator, channel) = (sent.asked.recipient.bound(), sent.asked.recipient.channel());
        let event = EventKind::DeliveredCodeAccepted { authenticator, channel, purpose };
        Ok((Right::Delivered { place, code }, Method::DeliveredCode { authenticator, channel }, event))
    }

    /// The proof of an acceptance, for nothing in particular.
    pub(super) fn proof(&self, policy: &Policy, purpose: Purpose, acceptance: Acceptance) -> Proof {
        let Acceptance { method, at, lead, serial, with_handle: _ } = acceptance;
        Proof {
            account: self.id.clone(),
            method,
            purpose,
            context: None,
            address: None,
            origin: Origin::Code,
            at,
            secs: policy.limits().proof_secs,
            lead,
            epoch: self.record.epoch,
            serial,
            source: self.source.clone(),
        }
    }
}
