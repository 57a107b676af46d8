//! Enrolment: a secret that waits for its first code.

use super::answers::Answered;
use super::attempt::{Attempt, Submitted};
use super::authenticator::{Authenticator, Enrolment, NewAuthenticator, Pending};
use super::change::Change;
use super::encoding::Unknown;
use super::event::EventKind;
use super::policy::Policy;
use super::proof::{Means, Proof, ProofError};
use super::purpose::Purpose;
use super::text::Text;
use super::throttles::Door;
use super::verify::{Candidate, judge};
use super::{Account, AccountError};
use crate::otp::{Accepted, Rejection, Step, Totp, Tracker, UnixTime, Verdict};
use alloc::boxed::Box;
use alloc::format;
use rand::CryptoRng;

impl Account {
    /// Begins the enrolment of the account's first authenticator: only where there is none, and nothing to prove with.
    ///
    /// # Errors
    /// [`AccountError::AlreadyEnrolled`]; [`AccountError::Time`] if an imported secret's T0 lies after `now`.
    pub fn enroll_first<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        new: &NewAuthenticator,
        rng: &mut R,
    ) -> Result<Change<Enrolment>, AccountError> {
        if !self.record.authenticators.is_empty() {
            return Err(AccountError::AlreadyEnrolled);
        }
        if self.revision.is_none() {
            self.record.made_at = now;
            self.record.epoch = rng.next_u64();
            self.record.history.begin_anew(now);
        }
        self.begin(policy, now, new, rng)
    }

    /// Begins the enrolment of another authenticator. `proof`, of [`Purpose::BINDING`], is used up when the change is stored, and with
    /// it all that were given before.
    ///
    /// An earlier enrolment that has not been confirmed ends.
    ///
    /// # Errors
    /// [`AccountError::Proof`]; [`AccountError::TooMany`]; [`AccountError::SameSecret`]; [`AccountError::NotEnrolled`].
    pub fn enroll<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        new: &NewAuthenticator,
        rng: &mut R,
    ) -> Result<Change<Enrolment>, AccountError> {
        if self.record.authenticators.is_empty() {
            return Err(AccountError::NotEnrolled);
        }
        self.spend(proof, now)?;
        self.begin(policy, now, new, rng)
    }

    fn begin<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        new: &NewAuthenticator,
        rng: &mut R,
    ) -> Result<Change<Enrolment>, AccountError> {
        let limits = policy.limits();
        if self.record.authenticators.len() >= usize::from(limits.max_authenticators) {
            return Err(AccountError::TooMany);
        }
        let uri = Box::new(new.uri(rng)?);
        let key = uri.totp().key(uri.secret());
        let same = |one: &Authenticator| {
            // Also where other bytes make the same key: HMAC pads keys with noughts, and hashes long ones.
            (*one.secret == *uri.secret()) | bool::from(one.totp.key(&one.secret).is_same_key(&key))
        };
        if self.record.authenticators.iter().fold(false, |found, one| found | same(one)) {
            return Err(AccountError::SameSecret);
        }
        let tracker =
            if new.is_imported() { Tracker::imported(self.record.used_up(uri.totp(), now)?) } else { Tracker::NEW };
        let id = self.record.next_id;
        self.record.next_id = id.next();
        let name = new.name.clone().or_else(|| Text::new(&format!("authenticator {id}")).ok());
        let name = name.ok_or(AccountError::TooMany)?; // a number makes a name
        let until = now.saturating_add(limits.pending_secs);
        self.record.pending = Some(Pending {
            id,
            name,
            totp: uri.totp(),
            secret: uri.secret().boxed_copy(),
            tracker,
            until,
            unknown: Unknown::default(),
        });
        self.tell(now, EventKind::EnrolmentBegun { authenticator: id });
        Ok(Change::written(self, Enrolment { uri, id, until }))
    }

    /// Confirms the enrolment that waits with a code of the new authenticator, which is bound then. The code is spent; its proof, of
    /// [`Purpose::BINDING`], is good for one more change, such as the first set of recovery codes.
    ///
    /// The window is the policy's enrolment window. Failures are charged to the throttle of enrolments, which outlives
    /// them.
    ///
    /// # Errors
    /// [`AccountError::NothingPending`]; [`AccountError::Purpose`] unless the attempt's is [`Purpose::BINDING`].
    pub fn confirm(
        mut self,
        policy: &Policy,
        now: UnixTime,
        attempt: &Attempt,
    ) -> Result<Change<Verdict<Proof>>, AccountError> {
        let purpose = attempt.purpose;
        if purpose != Purpose::BINDING {
            return Err(AccountError::Purpose);
        }
        let Submitted::Code(code) = attempt.submitted else {
            return Ok(self.refuse(now, purpose, Rejection::Malformed));
        };
        let fingerprint = attempt.fingerprint(Door::Enrolment);
        if let Some(answer) = self.record.answers.find(fingerprint, now) {
            return Ok(self.repeat_with(answer, |account, means, serial| {
                account.proof(policy, attempt, means, answer.at, serial)
            }));
        }
        // A clock set back does not make it wait longer.
        let waits = |pending: &&Pending| {
            now < pending.until && pending.until.saturating_since(now) <= policy.limits().pending_secs
        };
        let Some(pending) = self.record.pending.as_ref().filter(waits) else {
            return Err(AccountError::NothingPending);
        };
        if self.record.authenticators.len() >= usize::from(policy.limits().max_authenticators) {
            return Err(AccountError::TooMany);
        }
        if let Some(rejection) = self.shut(policy, Door::Enrolment, now) {
            return Ok(self.refuse(now, purpose, rejection));
        }

        let limits = policy.enrolment();
        let Pending { totp, tracker, .. } = *pending;
        let candidate = Candidate { totp, secret: &pending.secret, tracker };
        let spent = self.record.lately.contains(code, now);
        let judged = judge(core::iter::once((0, candidate)), limits, spent, now, code)?;
        if judged.accepted.into() {
            let Some(pending) = self.record.pending.take() else { return Err(AccountError::NothingPending) };
            let Pending { id, name, totp, secret, tracker, until: _, unknown } = pending;
            let tracker = tracker.accepted(judged.step, policy.codes().max_drift, totp.step_at(now)?);
            self.record.authenticators.push(Authenticator {
                id,
                name,
                totp,
                secret,
                tracker,
                bound_at: now,
                last_used: now,
                disabled: false,
                unknown,
            });
            self.record.lately.push(Accepted { code, at: now });
            self.record.throttles.succeed(policy, Door::Enrolment, now);
            self.record.hold(policy, policy.limits().binding_hold_secs, now, now);
            self.record.proofs_spent = self.record.history.last;
            let serial = self.tell(now, EventKind::Confirmed { authenticator: id }).unwrap_or_default();
            let means = Means::Authenticator(id);
            self.record.answers.push(fingerprint, now, Answered::Accepted { means, serial });
            let proof = self.proof(policy, attempt, means, now, serial);
            return Ok(Change::written(self, Verdict::Accepted(proof)));
        }
        if judged.replayed.into() {
            let next = judged.next.start(totp, now);
            return Ok(self.refuse(now, purpose, Rejection::Replayed { next }));
        }
        Ok(self.charge(policy, Door::Enrolment, now, purpose, fingerprint, judged.expired.into()))
    }

    /// Uses up a proof for a change of binding, and with it all that were given so far.
    pub(super) fn spend(&mut self, proof: &Proof, now: UnixTime) -> Result<(), ProofError> {
        proof.check(&self.id, Purpose::BINDING, now)?;
        if proof.epoch != self.record.epoch || proof.serial <= self.record.proofs_spent {
            return Err(ProofError::Spent);
        }
        self.record.proofs_spent = self.record.history.last;
        Ok(())
    }
}

impl super::Record {
    /// The step up to which an imported secret counts as used: the present one, and whatever removed authenticators have used, of
    /// which it may be one.
    fn used_up(&self, totp: Totp, now: UnixTime) -> Result<Step, crate::otp::TimeError> {
        let removed = totp.step_at(UnixTime::from_secs(self.used_until.as_secs().saturating_sub(1)));
        Ok(totp.step_at(now)?.max(removed.unwrap_or(Step::new(0))))
    }
}
