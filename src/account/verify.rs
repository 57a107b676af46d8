//! Verifies a code against all authenticators of an account.

use super::answers::{Answer, Answered};
use super::attempt::{Attempt, Submitted};
use super::authenticator::Authenticator;
use super::change::Change;
use super::event::{Event, EventKind, Reason};
use super::policy::Policy;
use super::proof::{Means, Proof};
use super::purpose::Purpose;
use super::throttles::{Door, Failed};
use super::{Account, AccountError};
use crate::otp::{
    Accepted, Charge, Code, Evaluation, Limits, Next, Rejection, Secret, Standing, Step, TimeError, Totp, Tracker,
    UnixTime, Verdict, has_expired,
};
use subtle::{Choice, ConditionallySelectable};

impl Account {
    /// Verifies a code, or a recovery code, for a purpose.
    ///
    /// It is compared with every open step of every authenticator, and charged once, after all have failed. A code that is right
    /// at several is accepted at one. The verdict is inside the [`Change`], as is what may be told of it.
    ///
    /// Codes are not judged, nor spent, while their purpose is held or their throttle locked. Recovery codes have a throttle of their
    /// own, and their use holds what the policy holds after a recovery.
    ///
    /// # Errors
    /// [`AccountError::NotEnrolled`]; [`AccountError::NoRecoveryCodes`]; [`AccountError::NotByRecovery`]; [`AccountError::Time`] if `now` lies before an authenticator's T0.
    pub fn verify(
        mut self,
        policy: &Policy,
        now: UnixTime,
        attempt: &Attempt,
    ) -> Result<Change<Verdict<Proof>>, AccountError> {
        let purpose = attempt.purpose;
        let code = match &attempt.submitted {
            Submitted::Code(code) => *code,
            Submitted::Recovery(code) => return self.recover(policy, now, attempt, code),
            Submitted::Malformed => return Ok(self.refuse(now, purpose, Rejection::Malformed)),
        };
        let fingerprint = attempt.fingerprint(Door::Common);
        if let Some(answer) = self.record.answers.find(fingerprint, now) {
            return Ok(self.repeat_with(answer, |account, means, serial| {
                account.proof(policy, attempt, means, answer.at, serial)
            }));
        }
        // Also where nothing is bound any more: a hold outlasts the last authenticator.
        if let Some(until) = self.record.held_until(purpose, now) {
            return Ok(self.refuse(now, purpose, Rejection::Held { until }));
        }
        if self.record.authenticators.is_empty() {
            return Err(AccountError::NotEnrolled);
        }
        if self.record.authenticators.iter().all(|authenticator| authenticator.disabled) {
            return Ok(self.refuse(now, purpose, Rejection::Disabled));
        }
        let pass = attempt.device.filter(|hash| self.record.passes.knows(hash, policy.limits().pass_secs, now));
        let door = if pass.is_some() { Door::Device } else { Door::Common };
        if let Some(rejection) = self.shut(policy, door, now) {
            return Ok(self.refuse(now, purpose, rejection));
        }

        let limits = policy.codes();
        let enabled = (0..).zip(&self.record.authenticators).filter(|(_, one)| !one.disabled);
        let candidates = enabled.map(|(place, one)| (place, Candidate::of(one)));
        let judged = judge(candidates, limits, self.record.lately.contains(code, now), now, code)?;
        if judged.accepted.into() {
            let matched = self.record.authenticators.get_mut(judged.place as usize);
            let Some(authenticator) = matched else { return Err(AccountError::NotEnrolled) };
            let (id, present) = (authenticator.id, authenticator.totp.step_at(now)?);
            authenticator.tracker = authenticator.tracker.accepted(judged.step, limits.max_drift, present);
            authenticator.last_used = now;
            self.record.lately.push(Accepted { code, at: now });
            self.record.throttles.succeed(policy, door, now);
            if let Some(hash) = &pass {
                self.record.passes.spend(hash);
            }
            let offset = judged.step.distance_from(present);
            let serial = self.tell(now, EventKind::Accepted { authenticator: id, purpose, offset }).unwrap_or_default();
            let means = Means::Authenticator(id);
            self.record.answers.push(fingerprint, now, Answered::Accepted { means, serial });
            let proof = self.proof(policy, attempt, means, now, serial);
            return Ok(Change::written(self, Verdict::Accepted(proof)));
        }
        if judged.replayed.into() {
            let whose = self.record.authenticators.get(judged.replayed_place as usize);
            let next = judged.next.start(whose.map_or(Totp::DEFAULT, |one| one.totp), now);
            return Ok(self.refuse(now, purpose, Rejection::Replayed { next }));
        }
        Ok(self.charge(policy, door, now, purpose, fingerprint, judged.expired.into()))
    }

    /// Why no code is evaluated at this door now: its throttle, or too many acceptances lately.
    pub(super) fn shut(&self, policy: &Policy, door: Door, now: UnixTime) -> Option<Rejection> {
        let busy = || self.record.lately.full_until(now).map(|until| Rejection::Busy { until });
        self.record.throttles.shut(policy, door, now).or_else(busy)
    }

    /// The answer that a named attempt got before.
    pub(super) fn repeat_with<T>(
        self,
        answer: Answer,
        accepted: impl FnOnce(&Self, Means, u64) -> T,
    ) -> Change<Verdict<T>> {
        let verdict = match answer.answered {
            Answered::Accepted { means, serial } => Verdict::Accepted(accepted(&self, means, serial)),
            Answered::Mismatch(charge) => Verdict::Rejected(Rejection::Mismatch(charge)),
            Answered::Expired(charge) => Verdict::Rejected(Rejection::Expired(charge)),
        };
        Change::unwritten(self, verdict, None)
    }

    /// A refusal that changes nothing.
    pub(super) fn refuse<T>(self, now: UnixTime, purpose: Purpose, rejection: Rejection) -> Change<Verdict<T>> {
        let event = Event::unkept(now, EventKind::Rejected { purpose, reason: Reason::from(&rejection) });
        Change::unwritten(self, Verdict::Rejected(rejection), Some(event))
    }

    /// One charge for one submission, whatever it has been compared with.
    pub(super) fn charge<T>(
        mut self,
        policy: &Policy,
        door: Door,
        now: UnixTime,
        purpose: Purpose,
        fingerprint: Option<[u8; 32]>,
        expired: bool,
    ) -> Change<Verdict<T>> {
        let Failed { charge, is_first_lock, disables } = self.record.throttles.fail(policy, door, now);
        let (rejection, answered) = if expired {
            (Rejection::Expired(charge), Answered::Expired(charge))
        } else {
            (Rejection::Mismatch(charge), Answered::Mismatch(charge))
        };
        self.record.answers.push(fingerprint, now, answered);
        self.tell(now, EventKind::Rejected { purpose, reason: Reason::from(&rejection) });
        let Charge { failures_in_a_row, standing } = charge;
        if let Standing::Locked { until } = standing {
            self.tell(now, EventKind::Locked { until, failures_in_a_row, is_first: is_first_lock });
        }
        if disables {
            for authenticator in &mut self.record.authenticators {
                authenticator.disabled = true;
            }
            self.tell(now, EventKind::Disabled);
        }
        Change::written(self, Verdict::Rejected(rejection))
    }

    pub(super) fn proof(&self, policy: &Policy, attempt: &Attempt, means: Means, at: UnixTime, serial: u64) -> Proof {
        Proof {
            account: self.id.clone(),
            means,
            purpose: attempt.purpose,
            context: attempt.context,
            at,
            secs: policy.limits().proof_secs,
            epoch: self.record.epoch,
            serial,
        }
    }
}

/// What a code is compared with.
pub(super) struct Candidate<'a> {
    pub(super) totp: Totp,
    pub(super) secret: &'a Secret,
    pub(super) tracker: Tracker,
}

impl<'a> Candidate<'a> {
    fn of(authenticator: &'a Authenticator) -> Self {
        let Authenticator { totp, secret, tracker, .. } = authenticator;
        Self { totp: *totp, secret, tracker: *tracker }
    }
}

/// What the comparison with all of them gave, still as masks.
pub(super) struct Judged {
    pub(super) accepted: Choice,
    /// The place of the first candidate that accepts, and its step; of no meaning unless accepted.
    pub(super) place: u32,
    pub(super) step: Step,
    pub(super) replayed: Choice,
    /// The place of the candidate whose code it was, or of the first if it is none's, and when that will show an unused one;
    /// of no meaning unless replayed.
    replayed_place: u32,
    pub(super) next: Next,
    /// Right at one of them within the last ten minutes. Looked up whatever the class: so the time of an evaluation that is
    /// thrown away, as its swap was lost, does not tell the class.
    pub(super) expired: Choice,
}

/// Compares a code with every open step of every candidate. Which one it matches shows in the result only: no branch and no
/// address depends on it.
///
/// # Errors
/// [`TimeError`] if `now` lies before a candidate's T0.
pub(super) fn judge<'a>(
    candidates: impl Iterator<Item = (u32, Candidate<'a>)>,
    limits: &Limits,
    spent: Choice,
    now: UnixTime,
    code: Code,
) -> Result<Judged, TimeError> {
    let no = Choice::from(0);
    let (mut accepted, mut replayed, mut replayed_matched, mut expired) = (no, no, no, no);
    let (mut place, mut step, mut replayed_place, mut next) = (0, 0, 0, Next::default());
    for (number, Candidate { totp, secret, tracker }) in candidates {
        // On the stack and wiped again before the next one's: a list of keys would leave copies.
        let key = totp.key(secret);
        let present = totp.step_at(now)?;
        let evaluation = Evaluation::of(&key, limits, tracker, spent, present, code);
        let first = evaluation.accepted & !accepted;
        place.conditional_assign(&number, first);
        step.conditional_assign(&evaluation.step, first);
        accepted |= evaluation.accepted;
        let first = evaluation.replayed & (!replayed | (evaluation.matched & !replayed_matched));
        replayed_place.conditional_assign(&number, first);
        next.conditional_assign(&evaluation.next, first);
        replayed |= evaluation.replayed;
        replayed_matched |= evaluation.replayed & evaluation.matched;
        expired |= has_expired(&key, code, present);
    }
    Ok(Judged { accepted, place, step: Step::new(step), replayed, replayed_place, next, expired })
}
