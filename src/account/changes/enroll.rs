//! Enrollment begins: a secret, or an address, that waits for its first code.

use super::new_authenticator::{Draft, Enrollable, Enrollment};
use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::purpose::Purpose;
use crate::account::names::text::Text;
use crate::account::policy::Policy;
use crate::account::proof::Proof;
use crate::account::record::authenticator::{Kind, Pending};
use crate::account::record::encoding::fields::Unknown;
use crate::account::record::token::{EnrollmentHandle, TokenHash};
use crate::account::transition::{Account, Change};
use crate::otp::{Moment, OtpauthUri, Tracker, UnixTime};
use alloc::boxed::Box;
use alloc::format;
use rand::CryptoRng;

impl Account {
    /// Begins the enrollment of the account's first authenticator: only where there is none, and
    /// nothing to prove with.
    ///
    /// # Errors
    /// [`AccountError::AlreadyEnrolled`], also beside a stronger factor;
    /// [`AccountError::PassNeeded`] after a reset;
    /// [`AccountError::Frozen`]; [`AccountError::Time`] if an imported secret's T0 lies after
    /// `now`.
    pub fn enroll_first<N: Enrollable, R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        new: &N,
        rng: &mut R,
    ) -> Result<Change<N::Begun>, AccountError> {
        let now = self.moment(now);
        if self.record.is_reset {
            return Err(AccountError::PassNeeded);
        }
        if !self.record.authenticators.is_empty() || self.record.stronger.is_some() {
            return Err(AccountError::AlreadyEnrolled);
        }
        self.begin(policy, now, new, Right::Free, rng)
    }

    /// Begins the enrollment of another authenticator, or of the first one beside a [stronger
    /// factor](Self::set_stronger_factor). `proof`, of [`Purpose::BINDING`], is used up
    /// when the change is stored, and with it all that were given before.
    ///
    /// An earlier enrollment that has not been confirmed ends.
    ///
    /// # Errors
    /// [what a proof can lack](crate::account::Proof#what-a-proof-can-lack);
    /// [`AccountError::TooMany`]; [`AccountError::SameSecret`]; [`AccountError::NotEnrolled`];
    /// [`AccountError::Frozen`].
    pub fn enroll<N: Enrollable, R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        new: &N,
        rng: &mut R,
    ) -> Result<Change<N::Begun>, AccountError> {
        let now = self.moment(now);
        self.check_bound()?;
        self.spend_proof_with_pass(policy, proof, now)?;
        self.begin(policy, now, new, Right::Free, rng)
    }

    /// Begins the replacement of the authenticator `old`: it stays as it is until the new one is
    /// confirmed, and is removed by the same write that binds the new one. If it is not confirmed
    /// in time, all stays as it was.
    ///
    /// `proof`, of [`Purpose::BINDING`], may be by a code of the old one, or of any other, or by a
    /// recovery code.
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
        let now = self.moment(now);
        if self.record.authenticator(old).is_none() {
            return Err(AccountError::NoSuchAuthenticator { id: old });
        }
        self.spend_proof_with_pass(policy, proof, now)?;
        self.begin(policy, now, new, Right::Replacing(old), rng)
    }

    /// Begins the enrollment of the first authenticator after a [reset](Self::reset), with the pass
    /// that the reset has made, as its owner sent it back. The confirmation uses it up.
    ///
    /// `confirmation`: a proof of [`Purpose::CONFIRMATION`], where the policy asks for one
    /// ([`confirmation_after_reset`](crate::account::AccountLimits::confirmation_after_reset)).
    /// It counts only without a context, and if its [address](Proof::address) was bound before the
    /// reset, or is the [e-mail address](Self::bind_email) of the account: otherwise whoever talks
    /// an operator into a reset would confirm it too. Send the pass to another address than the
    /// one that confirms.
    ///
    /// # Errors
    /// [`AccountError::PassNeeded`], also where there was no reset;
    /// [`AccountError::ConfirmationNeeded`];
    /// [`AccountError::AddressNotBound`]; [`AccountError::AlreadyEnrolled`];
    /// [`AccountError::Frozen`].
    pub fn enroll_with_pass<N: Enrollable, R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        pass: &str,
        confirmation: Option<&Proof>,
        new: &N,
        rng: &mut R,
    ) -> Result<Change<N::Begun>, AccountError> {
        let now = self.moment(now);
        if !self.record.authenticators.is_empty() {
            return Err(AccountError::AlreadyEnrolled);
        }
        if !self.record.is_reset {
            return Err(AccountError::PassNeeded);
        }
        let good = TokenHash::of_text(pass)
            .filter(|hash| self.record.passes.origin(hash, policy.limits().pass_secs, now).is_some());
        let pass = good.ok_or(AccountError::PassNeeded)?;
        match confirmation {
            Some(proof) => {
                proof.check_all(&self.id, Purpose::CONFIRMATION, None, now)?;
                proof.check_epoch(self.record.epoch)?;
                let was_bound = |address| self.record.was_bound(address, now);
                if !proof.address.as_ref().is_some_and(was_bound) {
                    return Err(AccountError::AddressNotBound);
                }
            }
            None if policy.limits().confirmation_after_reset => return Err(AccountError::ConfirmationNeeded),
            None => {}
        }
        self.begin(policy, now, new, Right::Pass(pass), rng)
    }

    fn begin<N: Enrollable, R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: Moment,
        new: &N,
        right: Right,
        rng: &mut R,
    ) -> Result<Change<N::Begun>, AccountError> {
        self.check_not_frozen()?;
        let (replaces, pass) = match right {
            Right::Free => (None, None),
            Right::Replacing(old) => (Some(old), None),
            Right::Pass(pass) => (None, Some(pass)),
        };
        let limits = policy.limits();
        if self.record.has_no_room(policy, replaces) {
            return Err(AccountError::TooMany);
        }
        let id = self.record.next_id;
        let beside = (!self.record.authenticators.is_empty()).then_some(id);
        let Draft { name, mut kind, is_imported, labels, shown } = new.draft(beside, rng)?;
        if let (Kind::App(app), true) = (&mut kind, is_imported) {
            app.tracker = Tracker::imported(self.record.used_up(app.totp, now)?);
        }
        if self.record.authenticators.iter().fold(false, |found, one| found | one.kind.is_same(&kind)) {
            return Err(AccountError::SameSecret);
        }
        self.record.next_id = id.next();
        let by_number = || match &kind {
            Kind::App(_) => Text::cut(&format!("authenticator {id}")),
            Kind::Address(address) => address.masked(),
        };
        let name = name.unwrap_or_else(by_number);
        let until = now.clock.saturating_add(limits.pending_secs);
        let handle = EnrollmentHandle::generate(rng);
        let unknown = Unknown::default();
        let pending = Pending {
            id,
            name,
            kind,
            until,
            lead: now.lead(),
            replaces,
            pass,
            handle: Some(handle.hash()),
            labels,
            unknown,
        };
        self.record.replace_pending(pending, now);
        self.record_event(now, EventKind::EnrollmentBegun { authenticator: id })?;
        Ok(Change::written(self, Ok(N::begun(shown, id, until, handle))))
    }

    /// Gives the enrollment that waits once more, for a page that is loaded again: the same secret,
    /// id and end. `handle` is its [handle](Enrollment::handle), as text.
    ///
    /// # Errors
    /// [`AccountError::NothingPending`] if it has been confirmed or replaced, its time is over, or
    /// it is an address's; [`AccountError::Frozen`].
    pub fn pending_enrollment(&self, policy: &Policy, now: UnixTime, handle: &str) -> Result<Enrollment, AccountError> {
        self.check_not_frozen()?;
        let handle = EnrollmentHandle::of_text(handle).ok_or(AccountError::NothingPending)?;
        let waiting = self.record.waiting(policy, self.record.moment(now));
        let (pending, labels, app) = waiting
            .filter(|pending| pending.is_named_by(Some(handle.hash())))
            .and_then(|pending| Some((pending, pending.labels.as_ref()?, pending.kind.app()?)))
            .ok_or(AccountError::NothingPending)?;
        let secret = app.secret.boxed_copy();
        let uri = OtpauthUri::with_any_boxed(&labels.issuer, &labels.account, secret, app.totp)?;
        Ok(Enrollment { uri: Box::new(uri), id: pending.id, until: pending.until, handle })
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
