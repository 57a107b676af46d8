//! Enrollment: a secret that waits for its first code.

use super::answers::Answered;
use super::attempt::{Attempt, Submitted};
use super::authenticator::{App, Authenticator, AuthenticatorId, Draft, Enrollable, Kind, Pending};
use super::change::Change;
use super::device::Known;
use super::diagnosis::agreement;
use super::encoding::Unknown;
use super::event::EventKind;
use super::policy::Policy;
use super::proof::{Method, Proof, ProofError};
use super::purpose::Purpose;
use super::text::Text;
use super::throttles::Door;
use super::token::TokenHash;
use super::verify::{Candidate, Found, Judged, Missed, judge};
use super::{Account, AccountError};
use crate::otp::{Accepted, Code, Rejection, Step, TimeError, Totp, Tracker, UnixTime, Verdict};
use alloc::format;
use alloc::vec::Vec;
use rand::CryptoRng;
use subtle::ConstantTimeEq;

impl Account {
    /// Begins the enrollment of the account's first authenticator: only where there is none, and nothing to prove with.
    ///
    /// # Errors
    /// [`AccountError::AlreadyEnrolled`]; [`AccountError::PassNeeded`] after a reset; [`AccountError::Frozen`];
    /// [`AccountError::Time`] if an imported secret's T0 lies after `now`.
    pub fn enroll_first<N: Enrollable, R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        new: &N,
        rng: &mut R,
    ) -> Result<Change<N::Begun>, AccountError> {
        if !self.record.authenticators.is_empty() {
            return Err(AccountError::AlreadyEnrolled);
        }
        if self.record.is_reset {
            return Err(AccountError::PassNeeded);
        }
        if self.revision.is_none() {
            self.record.made_at = now;
            self.record.epoch = rng.next_u64();
            self.record.history.begin_anew(now);
        }
        self.begin(policy, now, new, Right::Free, rng)
    }

    /// Begins the enrollment of another authenticator. `proof`, of [`Purpose::BINDING`], is used up when the change is stored, and with
    /// it all that were given before.
    ///
    /// An earlier enrollment that has not been confirmed ends.
    ///
    /// # Errors
    /// [`AccountError::Proof`]; [`AccountError::TooMany`]; [`AccountError::SameSecret`]; [`AccountError::NotEnrolled`];
    /// [`AccountError::Frozen`].
    pub fn enroll<N: Enrollable, R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        new: &N,
        rng: &mut R,
    ) -> Result<Change<N::Begun>, AccountError> {
        if self.record.authenticators.is_empty() {
            return Err(self.nothing_bound());
        }
        self.spend_with_pass(policy, proof, now)?;
        self.begin(policy, now, new, Right::Free, rng)
    }

    /// Begins the replacement of the authenticator `old`: it stays as it is until the new one is confirmed, and goes in the same swap as that one
    /// comes. If it is not confirmed in time, all stays as it was.
    ///
    /// `proof`, of [`Purpose::BINDING`], may be by a code of the old one, or of any other, or by a recovery code.
    ///
    /// # Errors
    /// [`AccountError::NoSuchAuthenticator`]; else as [`enroll`](Self::enroll).
    pub fn replace<N: Enrollable, R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        old: AuthenticatorId,
        new: &N,
        rng: &mut R,
    ) -> Result<Change<N::Begun>, AccountError> {
        if !self.record.authenticators.iter().any(|one| one.id == old) {
            return Err(AccountError::NoSuchAuthenticator { id: old });
        }
        self.spend_with_pass(policy, proof, now)?;
        self.begin(policy, now, new, Right::Replacing(old), rng)
    }

    /// Begins the enrollment of the first authenticator after a [reset](Self::reset), with the pass that the reset has made, as its owner
    /// sent it back. The confirmation uses it up.
    ///
    /// `confirmation`: a proof of [`Purpose::CONFIRMATION`], where the policy asks for one
    /// ([`AccountLimits::confirmation_after_reset`](super::AccountLimits::confirmation_after_reset)). It is for the service to see that it is by an address
    /// that was known before ([`Proof::address`]), and by another one than the pass was sent to.
    ///
    /// # Errors
    /// [`AccountError::PassNeeded`]; [`AccountError::ConfirmationNeeded`]; [`AccountError::AlreadyEnrolled`];
    /// [`AccountError::Frozen`].
    pub fn enroll_with_pass<N: Enrollable, R: CryptoRng + ?Sized>(
        self,
        policy: &Policy,
        now: UnixTime,
        pass: &str,
        confirmation: Option<&Proof>,
        new: &N,
        rng: &mut R,
    ) -> Result<Change<N::Begun>, AccountError> {
        if !self.record.authenticators.is_empty() {
            return Err(AccountError::AlreadyEnrolled);
        }
        let good =
            TokenHash::of_text(pass).filter(|hash| self.record.passes.knows(hash, policy.limits().pass_secs, now));
        let pass = good.ok_or(AccountError::PassNeeded)?;
        match confirmation {
            Some(proof) => {
                proof.check(&self.id, Purpose::CONFIRMATION, now)?;
                proof.check_epoch(self.record.epoch)?;
            }
            None if policy.limits().confirmation_after_reset => return Err(AccountError::ConfirmationNeeded),
            None => {}
        }
        self.begin(policy, now, new, Right::Pass(pass), rng)
    }

    fn begin<N: Enrollable, R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        new: &N,
        right: Right,
        rng: &mut R,
    ) -> Result<Change<N::Begun>, AccountError> {
        if self.record.frozen_at.is_some() {
            return Err(AccountError::Frozen);
        }
        let (replaces, pass) = match right {
            Right::Free => (None, None),
            Right::Replacing(old) => (Some(old), None),
            Right::Pass(pass) => (None, Some(pass)),
        };
        let limits = policy.limits();
        if self.has_no_room(policy, replaces) {
            return Err(AccountError::TooMany);
        }
        let Draft { name, mut kind, is_imported, shown } = new.draft(rng)?;
        if let (Kind::App(app), true) = (&mut kind, is_imported) {
            app.tracker = Tracker::imported(self.record.used_up(app.totp, now)?);
        }
        if self.record.authenticators.iter().fold(false, |found, one| found | one.kind.is_same(&kind)) {
            return Err(AccountError::SameSecret);
        }
        let id = self.record.next_id;
        self.record.next_id = id.next();
        let by_number = || match &kind {
            Kind::App(_) => Text::cut(&format!("authenticator {id}")),
            Kind::Address(address) => address.masked(),
        };
        let name = name.unwrap_or_else(by_number);
        let until = now.saturating_add(limits.pending_secs);
        self.record.pending = Some(Pending { id, name, kind, until, replaces, pass, unknown: Unknown::default() });
        self.tell(now, EventKind::EnrollmentBegun { authenticator: id });
        Ok(Change::written(self, N::begun(shown, id, until)))
    }

    /// Whether there are as many authenticators as the policy allows, what is replaced apart.
    fn has_no_room(&self, policy: &Policy, replaces: Option<AuthenticatorId>) -> bool {
        let staying = self.record.authenticators.iter().filter(|one| Some(one.id) != replaces);
        staying.count() >= usize::from(policy.limits().max_authenticators)
    }

    /// The enrollment that can be confirmed now.
    pub(super) fn waiting(&self, policy: &Policy, now: UnixTime) -> Option<&Pending> {
        let limits = policy.limits();
        self.record.pending.as_ref().filter(|pending| {
            let has_its_pass = pending.pass.is_none_or(|hash| self.record.passes.knows(&hash, limits.pass_secs, now));
            now.is_within(limits.pending_secs, pending.until) && has_its_pass
        })
    }

    /// Confirms the enrollment that waits with a code of the new authenticator, which is bound then. The code is spent; its proof, of
    /// [`Purpose::BINDING`], is good for one more change, such as the first set of recovery codes.
    ///
    /// The window is the policy's enrollment window. Failures are charged to the throttle of enrollments, which outlives
    /// them, or with a token to that of devices. (Where the policy asks for a pass before changes of binding, the proof is good for recovery codes
    /// only.)
    ///
    /// # Errors
    /// [`AccountError::NothingPending`]; [`AccountError::Purpose`] unless the attempt's is [`Purpose::BINDING`].
    pub fn confirm(
        self,
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
        let fingerprint = attempt.fingerprint(Door::Enrollment);
        if let Some(answer) = self.record.answers.find(fingerprint, now) {
            return Ok(self.repeat_with(answer, |account, method, serial| {
                account.proof(policy, attempt, method, answer.at, serial).by_enrollment()
            }));
        }
        if let Some(rejection) = self.closed(purpose, now) {
            return Ok(self.refuse(now, purpose, rejection));
        }
        let Some(pending) = self.waiting(policy, now) else { return Err(AccountError::NothingPending) };
        if self.has_no_room(policy, pending.replaces) {
            return Err(AccountError::TooMany);
        }
        let known = self.known(policy, attempt.presented, now);
        let door = if known.is_some() { Door::Device } else { Door::Enrollment };
        if let Some(rejection) = self.shut(policy, door, 1, now) {
            return Ok(self.refuse(now, purpose, rejection));
        }
        // The pass that the enrollment was begun with is not charged: its holder has made the secret.
        let is_its_own = matches!((known, pending.pass), (Some(Known::Pass(a)), Some(b)) if a.ct_eq(&b).into());
        let found = Found { known: known.filter(|_| !is_its_own), door, fingerprint };

        let pending_id = pending.id;
        let spent = self.record.lately.contains(code, now);
        let app = || pending.kind.app().map(Candidate::of);
        let apps = app().into_iter().map(|one| (0, one));
        let judged = judge(apps, policy.enrollment(), spent, now, code)?;
        let agreement = agreement(app().into_iter().map(|one| (pending_id, one)), self.record.miss, now, code);
        let delivered = self
            .record
            .delivered
            .judge(purpose, policy.limits().delivered_secs, now, code, |recipient| recipient.is_bound_to(pending_id));
        if bool::from(judged.accepted | (delivered.right & !spent)) {
            return self.bind(policy, now, attempt, code, &judged, found);
        }
        if bool::from(judged.replayed | spent) {
            let next = judged.next.start(pending.kind.app().map_or(Totp::DEFAULT, |app| app.totp), now);
            return Ok(self.refuse(now, purpose, Rejection::Replayed { next }));
        }
        let expired = bool::from(judged.expired | delivered.expired);
        let diagnosis = agreement.diagnosis();
        let missed = Missed { found, purpose, expired, code: Some(code), diagnosis };
        Ok(self.charge(policy, now, missed))
    }

    /// The confirming code was right: the new one is in, and what it replaces is out.
    fn bind(
        mut self,
        policy: &Policy,
        now: UnixTime,
        attempt: &Attempt,
        code: Code,
        judged: &Judged,
        found: Found,
    ) -> Result<Change<Verdict<Proof>>, AccountError> {
        let Some(pending) = self.record.pending.take() else { return Err(AccountError::NothingPending) };
        let Pending { id, name, mut kind, until: _, replaces, pass, unknown } = pending;
        match &mut kind {
            Kind::App(App { totp, tracker, .. }) => {
                *tracker = tracker.accepted(judged.step, policy.codes().max_drift, totp.step_at(now)?);
            }
            Kind::Address(_) => self.record.delivered.0.retain(|sent| !sent.recipient.is_bound_to(id)),
        }
        let method = match &kind {
            Kind::App(_) => Method::Authenticator(id),
            Kind::Address(address) => Method::DeliveredCode { authenticator: Some(id), channel: address.channel() },
        };
        let new = Authenticator { id, name, kind, bound_at: now, last_used: now, disabled: false, unknown };
        self.record.authenticators.push(new);
        self.record.lately.push(Accepted { code, at: now });
        self.record.miss = None;
        self.record.is_reset = false;
        if let Some(hash) = pass {
            self.record.passes.spend(&hash);
        }
        self.record.throttles.succeed(policy, found.door, now);
        self.used(found.known, now);
        self.record.hold(policy, policy.limits().binding_hold_secs, now);
        self.record.proofs_spent = self.record.history.last;
        let kind = match replaces {
            Some(replaced) => {
                self.record.unbind(|one| one.id == replaced);
                EventKind::Replaced { authenticator: id, replaced }
            }
            None => EventKind::Confirmed { authenticator: id },
        };
        let serial = self.tell(now, kind).unwrap_or_default();
        self.record.answers.push(found.fingerprint, now, Answered::Accepted { method, serial });
        let proof = self.proof(policy, attempt, method, now, serial).by_enrollment();
        Ok(Change::written(self, Verdict::Accepted(proof)))
    }

    /// Uses up a proof for a change of binding, and with it all that were given so far.
    pub(super) fn spend(&mut self, proof: &Proof, now: UnixTime) -> Result<(), ProofError> {
        proof.check(&self.id, Purpose::BINDING, now)?;
        proof.check_epoch(self.record.epoch)?;
        if proof.serial <= self.record.proofs_spent {
            return Err(ProofError::Spent);
        }
        self.record.proofs_spent = self.record.history.last;
        Ok(())
    }

    /// The same for what takes a pass, where the policy asks for one: the code of a new authenticator has come without.
    pub(super) fn spend_with_pass(
        &mut self,
        policy: &Policy,
        proof: &Proof,
        now: UnixTime,
    ) -> Result<(), AccountError> {
        if proof.by_enrollment && policy.limits().binding_takes_pass {
            return Err(AccountError::PassNeeded);
        }
        Ok(self.spend(proof, now)?)
    }

    /// What is wrong where nothing is bound: after a reset that is no account without a second factor.
    pub(super) const fn nothing_bound(&self) -> AccountError {
        if self.record.is_reset { AccountError::PassNeeded } else { AccountError::NotEnrolled }
    }
}

/// By what right an enrollment begins.
#[derive(Clone, Copy)]
enum Right {
    /// By a proof, or because there is nothing to prove with.
    Free,
    Replacing(AuthenticatorId),
    Pass(TokenHash),
}

impl super::Record {
    /// The step up to which an imported secret counts as used: the present one, and whatever removed authenticators have used, of
    /// which it may be one.
    pub(super) fn used_up(&self, totp: Totp, now: UnixTime) -> Result<Step, TimeError> {
        let removed = totp.step_at(UnixTime::from_secs(self.used_until.as_secs().saturating_sub(1)));
        Ok(totp.step_at(now)?.max(removed.unwrap_or(Step::new(0))))
    }

    /// Takes authenticators out, and with them what whoever has them may have begun, or hold an answer of. Gives their ids.
    pub(super) fn unbind(&mut self, goes: impl Fn(&Authenticator) -> bool) -> Vec<AuthenticatorId> {
        let removed: Vec<_> = self.authenticators.extract_if(.., |one| goes(one)).collect();
        self.used_until = removed.iter().map(Authenticator::used_until).fold(self.used_until, UnixTime::max);
        let ids: Vec<_> = removed.iter().map(|one| one.id).collect();
        self.delivered.0.retain(|sent| !ids.iter().any(|id| sent.recipient.is_bound_to(*id)));
        self.pending = None;
        self.answers.0.clear();
        ids
    }
}
