//! Verifies a code against all authenticators of an account.

use super::answers::{Answer, Answered};
use super::attempt::{Attempt, Submitted};
use super::authenticator::{App, Authenticator, AuthenticatorId, Kind};
use super::change::Change;
use super::delivered::Recipient;
use super::device::Known;
use super::diagnosis::{Diagnosis, Miss, agreement};
use super::event::{Event, EventKind, Reason};
use super::policy::Policy;
use super::proof::{Method, Proof};
use super::purpose::Purpose;
use super::throttles::{Door, Failed};
use super::{Account, AccountError, Record};
use crate::otp::{
    Accepted, Code, Evaluation, FailureCount, Limits, LockState, Next, Rejection, Secret, Step, TimeError, Totp,
    Tracker, UnixTime, Verdict, has_expired,
};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

impl Account {
    /// Verifies a code of an app, a delivered code, or a recovery code, for a purpose.
    ///
    /// It is compared with every open step of every app and with the codes that were [sent](Self::deliver) for this purpose, and charged
    /// once, after all have failed. A code that is right at several is accepted at one. Codes for [`Purpose::CONFIRMATION`] are compared with the
    /// confirmations that were sent, and with nothing else. The verdict is inside the [`Change`], as is what may be told of it.
    ///
    /// Codes are not judged, nor spent, while their purpose is held or their throttle locked. Recovery codes have a throttle of their
    /// own, and their use holds what the policy holds after a recovery.
    ///
    /// # Errors
    /// [`AccountError::NotEnrolled`]; [`AccountError::NothingSent`]; [`AccountError::PassNeeded`];
    /// [`AccountError::NoRecoveryCodes`]; [`AccountError::NotByRecovery`]; [`AccountError::Time`] if `now` lies before an authenticator's T0.
    pub fn verify(
        self,
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
            return Ok(self.repeat_with(answer, |account, method, serial| {
                account.proof(policy, attempt, method, answer.at, serial)
            }));
        }
        // Also where nothing is bound any more: a hold outlasts the last authenticator.
        if let Some(rejection) = self.closed(purpose, now) {
            return Ok(self.refuse(now, purpose, rejection));
        }
        if let Some(rejection) = self.has_nothing_for(purpose)? {
            return Ok(self.refuse(now, purpose, rejection));
        }
        let known = self.known(policy, attempt.presented, now);
        policy.check_pass(purpose, known)?;
        let door = if known.is_some() { Door::Device } else { Door::Common };
        if let Some(rejection) = self.shut(policy, door, 1, now) {
            return Ok(self.refuse(now, purpose, rejection));
        }

        let (spent, limits) = (self.record.lately.contains(code, now), policy.limits());
        let is_factor = purpose != Purpose::CONFIRMATION;
        let apps = || self.record.apps().filter(|_| is_factor);
        let candidates = apps().map(|(place, _, app)| (place, Candidate::of(app)));
        let judged = judge(candidates, policy.codes(), spent, now, code)?;
        let agreement = agreement(apps().map(|(_, id, app)| (id, Candidate::of(app))), self.record.miss, now, code);
        let bound = |id| self.record.authenticators.iter().any(|one| one.id == id && !one.disabled);
        let messages =
            self.record.delivered.judge(purpose, limits.delivered_secs, now, code, |recipient| match recipient {
                Recipient::Bound(id, _) => is_factor && bound(*id),
                Recipient::Named(address) => !is_factor && attempt.address.as_ref() == Some(address),
            });
        let delivered = messages.right & !spent & !judged.accepted;
        let found = Found { known, door, fingerprint };
        if judged.accepted.into() {
            return self.accept_app(policy, now, attempt, code, &judged, found);
        }
        if delivered.into() {
            return self.accept_delivered(policy, now, attempt, code, messages.place, found);
        }
        if bool::from(judged.replayed | spent) {
            let whose = self.record.authenticators.get(judged.replayed_place as usize);
            let totp = whose.and_then(|one| one.kind.app()).map_or(Totp::DEFAULT, |app| app.totp);
            let next = judged.next.start(totp, now);
            return Ok(self.refuse(now, purpose, Rejection::Replayed { next }));
        }
        let expired = bool::from(judged.expired | messages.expired);
        let code = is_factor.then_some(code);
        let missed = Missed { found, purpose, expired, code, diagnosis: agreement.diagnosis() };
        Ok(self.charge(policy, now, missed))
    }

    fn accept_app(
        mut self,
        policy: &Policy,
        now: UnixTime,
        attempt: &Attempt,
        code: Code,
        judged: &Judged,
        found: Found,
    ) -> Result<Change<Verdict<Proof>>, AccountError> {
        let matched = self.record.authenticators.get_mut(judged.place as usize);
        let Some(Authenticator { id, kind: Kind::App(app), last_used, .. }) = matched else {
            return Err(AccountError::NoApp); // only apps are judged
        };
        let (id, present) = (*id, app.totp.step_at(now)?);
        app.tracker = app.tracker.accepted(judged.step, policy.codes().max_drift, present);
        *last_used = now;
        let (purpose, offset) = (attempt.purpose, judged.step.distance_from(present));
        let kind = EventKind::Accepted { authenticator: id, purpose, offset };
        Ok(self.accept(policy, now, attempt, code, found, Method::Authenticator(id), kind))
    }

    fn accept_delivered(
        mut self,
        policy: &Policy,
        now: UnixTime,
        attempt: &Attempt,
        code: Code,
        place: u32,
        found: Found,
    ) -> Result<Change<Verdict<Proof>>, AccountError> {
        let record = &mut self.record;
        let Some(sent) = record.delivered.0.get_mut(place as usize) else { return Err(AccountError::NothingSent) };
        // Kept for a while, as what has been there.
        sent.until = now;
        let (channel, purpose) = (sent.recipient.channel(), sent.purpose);
        let mut authenticator = None;
        if let Recipient::Bound(id, _) = sent.recipient {
            authenticator = Some(id);
            record.authenticators.iter_mut().filter(|one| one.id == id).for_each(|one| one.last_used = now);
        }
        let kind = EventKind::DeliveredCodeAccepted { authenticator, channel, purpose };
        Ok(self.accept(policy, now, attempt, code, found, Method::DeliveredCode { authenticator, channel }, kind))
    }

    #[allow(clippy::too_many_arguments)] // what both kinds of codes have in common
    fn accept(
        mut self,
        policy: &Policy,
        now: UnixTime,
        attempt: &Attempt,
        code: Code,
        found: Found,
        method: Method,
        kind: EventKind,
    ) -> Change<Verdict<Proof>> {
        self.record.lately.push(Accepted { code, at: now });
        self.record.miss = None;
        // Whoever reads what is sent to an address has not shown to be the owner: runs of failures go on, and a pass stays.
        if attempt.purpose != Purpose::CONFIRMATION {
            self.record.throttles.succeed(policy, found.door, now);
            self.used(found.known, now);
        }
        let serial = self.tell(now, kind).unwrap_or_default();
        self.record.answers.push(found.fingerprint, now, Answered::Accepted { method, serial });
        let proof = self.proof(policy, attempt, method, now, serial);
        Change::written(self, Verdict::Accepted(proof))
    }

    /// Why nothing is judged for this purpose now, at whatever door: the account is frozen, or the purpose held.
    pub(super) fn closed(&self, purpose: Purpose, now: UnixTime) -> Option<Rejection> {
        if self.record.frozen_at.is_some() {
            return Some(Rejection::Frozen);
        }
        self.record.held_until(purpose, now).map(|until| Rejection::Held { until })
    }

    /// Where there is nothing that a code for this purpose could be right at, or have been.
    fn has_nothing_for(&self, purpose: Purpose) -> Result<Option<Rejection>, AccountError> {
        if purpose == Purpose::CONFIRMATION {
            let was_sent = self.record.delivered.0.iter().any(|sent| sent.purpose == purpose);
            return if was_sent { Ok(None) } else { Err(AccountError::NothingSent) };
        }
        if self.record.authenticators.is_empty() {
            return Err(self.nothing_bound());
        }
        let all_disabled = self.record.authenticators.iter().all(|one| one.disabled);
        Ok(all_disabled.then_some(Rejection::Disabled))
    }

    /// Why no submission of so many codes is evaluated at this door now: its throttle, or too many acceptances lately.
    pub(super) fn shut(&self, policy: &Policy, door: Door, codes: usize, now: UnixTime) -> Option<Rejection> {
        let busy = || self.record.lately.full_until(codes, now).map(|until| Rejection::Busy { until });
        self.record.throttles.shut(policy, door, now).or_else(busy)
    }

    /// The answer that a named attempt got before.
    pub(super) fn repeat_with<T>(
        self,
        answer: Answer,
        accepted: impl FnOnce(&Self, Method, u64) -> T,
    ) -> Change<Verdict<T>> {
        let verdict = match answer.answered {
            Answered::Accepted { method, serial } => Verdict::Accepted(accepted(&self, method, serial)),
            Answered::Mismatch(charge) => Verdict::Rejected(Rejection::Mismatch(charge)),
            Answered::Expired(charge) => Verdict::Rejected(Rejection::Expired(charge)),
        };
        Change::unwritten(self, verdict, None)
    }

    /// A refusal that changes nothing.
    pub(super) fn refuse<T>(self, now: UnixTime, purpose: Purpose, rejection: Rejection) -> Change<Verdict<T>> {
        let reason = Reason::from(&rejection);
        let event = Event::unkept(now, EventKind::Rejected { purpose, reason, diagnosis: None });
        Change::unwritten(self, Verdict::Rejected(rejection), Some(event))
    }

    /// One charge for one submission, whatever it has been compared with.
    pub(super) fn charge<T>(mut self, policy: &Policy, now: UnixTime, missed: Missed) -> Change<Verdict<T>> {
        let Missed { found: Found { known, door, fingerprint }, purpose, expired, code, diagnosis } = missed;
        let Failed { charge, is_first_lock, disables } = self.record.throttles.fail(policy, door, now);
        let (rejection, answered) = if expired {
            (Rejection::Expired(charge), Answered::Expired(charge))
        } else {
            (Rejection::Mismatch(charge), Answered::Mismatch(charge))
        };
        self.record.answers.push(fingerprint, now, answered);
        // Typed again, the same digits say nothing new.
        if let Some(code) = code
            && !self.record.miss.is_some_and(|miss| miss.code.ct_eq(&code).into())
        {
            self.record.miss = Some(Miss { code, at: now });
        }
        self.tell(now, EventKind::Rejected { purpose, reason: Reason::from(&rejection), diagnosis });
        self.failed_with(policy, known, now);
        let FailureCount { failures_in_a_row, lock_state } = charge;
        if let LockState::Locked { until } = lock_state {
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

    pub(super) fn proof(&self, policy: &Policy, attempt: &Attempt, method: Method, at: UnixTime, serial: u64) -> Proof {
        Proof {
            account: self.id.clone(),
            method,
            purpose: attempt.purpose,
            context: attempt.context,
            address: attempt.address.clone(),
            by_enrollment: false,
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
    pub(super) fn of(app: &'a App) -> Self {
        let App { totp, secret, tracker } = app;
        Self { totp: *totp, secret, tracker: *tracker }
    }
}

impl Record {
    /// The apps that codes are accepted from, and their places among the authenticators.
    pub(super) fn apps(&self) -> impl Iterator<Item = (u32, AuthenticatorId, &App)> {
        let enabled = (0..).zip(&self.authenticators).filter(|(_, one)| !one.disabled);
        enabled.filter_map(|(place, one)| Some((place, one.id, one.kind.app()?)))
    }
}

/// Where a code was submitted, and with what.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) known: Option<Known>,
    pub(super) door: Door,
    /// [`Attempt::fingerprint`].
    pub(super) fingerprint: Option<[u8; 32]>,
}

/// A submission that is charged.
#[derive(Clone, Copy)]
pub(super) struct Missed {
    pub(super) found: Found,
    pub(super) purpose: Purpose,
    pub(super) expired: bool,
    /// What is kept, to be compared with a later one.
    pub(super) code: Option<Code>,
    pub(super) diagnosis: Option<Diagnosis>,
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
