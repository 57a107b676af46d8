//! A stronger factor of the service's own, beside which a code does less.

use crate::account::error::AccountError;
use crate::account::event::{EventKind, Operator};
use crate::account::names::purpose::Purpose;
use crate::account::policy::Policy;
use crate::account::proof::{Method, Proof};
use crate::account::record::authenticator::Authenticator;
use crate::account::record::proposal::ProposedAct;
use crate::account::record::whole::StrongerFactor;
use crate::account::transition::{Account, Change};
use crate::otp::{Moment, UnixTime};
use rand::CryptoRng;

impl Account {
    /// Records that the owner has a stronger factor: a passkey, say, which the service keeps and
    /// verifies itself. From then on a code is good only for the purposes that the policy names in
    /// [`codes_beside_stronger_factor`](crate::account::AccountLimits::codes_beside_stronger_factor).
    /// All else takes an [assertion](crate::account::Attempt::assertion_verified_by_service).
    ///
    /// A reset and a recovery without support keep it: they give back codes, and nothing that takes
    /// the stronger factor. While its hold is not over, they and a freeze end it: a thief may have
    /// had it recorded. It is one factor here, however many passkeys the
    /// service keeps: ask for an assertion, and [hold](Self::hold), where another one is added.
    ///
    /// Enrollments and sheets that wait end. `proof`, of [`Purpose::BINDING`], is used up. The
    /// policy's purposes are held, and the answer is the account's new [epoch](Proof::epoch).
    /// For an account that has nothing to prove with, see
    /// [`record_stronger_factor`](Self::record_stronger_factor).
    ///
    /// # Errors
    /// [`AccountError::HasStrongerFactor`]; [`AccountError::NotEnrolled`] where nothing is bound, in its
    /// place [`AccountError::PassNeeded`] after a reset; [`AccountError::Frozen`]; [what a proof can
    /// lack](crate::account::Proof#what-a-proof-can-lack); [`AccountError::EventsWaiting`].
    pub fn set_stronger_factor(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
    ) -> Result<Change<u64>, AccountError> {
        let now = self.moment(now);
        if self.record.stronger.is_some() {
            return Err(AccountError::HasStrongerFactor);
        }
        self.check_bound()?;
        self.spend_proof_with_pass(policy, proof, now)?;
        self.put_stronger_factor(policy, now);
        self.record_event(now, EventKind::StrongerFactorSet)?;
        let epoch = self.record.epoch;
        Ok(Change::written(self, Ok(epoch)))
    }

    /// Records that the account has a stronger factor no more: codes are enough again. `proof`, of
    /// [`Purpose::BINDING`], is one by an assertion of it, and is used up. The policy's purposes
    /// are held, and the answer is the account's new [epoch](Proof::epoch).
    ///
    /// An owner who has lost it turns to an operator:
    /// [`end_stronger_factor`](Self::end_stronger_factor).
    ///
    /// # Errors
    /// [`AccountError::NoStrongerFactor`]; [`AccountError::StrongerFactorNeeded`] for a proof by a
    /// code; [`AccountError::LastAuthenticator`] where no authenticator is in force;
    /// [`AccountError::Frozen`]; [what a proof can
    /// lack](crate::account::Proof#what-a-proof-can-lack); [`AccountError::EventsWaiting`].
    pub fn unset_stronger_factor(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
    ) -> Result<Change<u64>, AccountError> {
        let now = self.moment(now);
        if self.record.stronger.is_none() {
            return Err(AccountError::NoStrongerFactor);
        }
        if proof.method != Method::StrongerFactor {
            return Err(AccountError::StrongerFactorNeeded);
        }
        if !self.record.authenticators.iter().any(Authenticator::is_active) {
            return Err(AccountError::LastAuthenticator);
        }
        self.spend_proof(policy, proof, now)?;
        self.record.stronger = None;
        self.record.end_of(&[]);
        self.record.rebound(now);
        self.record.hold(policy, policy.limits().binding_hold_secs, now);
        self.record_event(now, EventKind::StrongerFactorEnded)?;
        let epoch = self.record.epoch;
        Ok(Change::written(self, Ok(epoch)))
    }

    /// Records, as an operator's act, that the owner has a stronger factor: where there is nothing
    /// to prove with, since no authenticator is in force, or the record was
    /// [rebuilt](Self::rebuild) and has forgotten it. The policy's purposes are held as after
    /// any change of binding.
    ///
    /// # Errors
    /// [`AccountError::HasStrongerFactor`]; [`AccountError::AlreadyEnrolled`] where an
    /// authenticator is in force: its code proves, by
    /// [`set_stronger_factor`](Self::set_stronger_factor). Where the policy asks for two operators,
    /// also where one is disabled: have the account [reset](Self::reset) first.
    pub fn record_stronger_factor(
        mut self,
        policy: &Policy,
        now: UnixTime,
        operator: &Operator,
    ) -> Result<Change<()>, AccountError> {
        let now = self.moment(now);
        if self.record.stronger.is_some() {
            return Err(AccountError::HasStrongerFactor);
        }
        // One operator, who may disable an authenticator, shall not do what a reset takes two for.
        let takes_none = policy.limits().two_operators;
        if self.record.authenticators.iter().any(|one| takes_none || one.is_active()) {
            return Err(AccountError::AlreadyEnrolled);
        }
        self.put_stronger_factor(policy, now);
        self.record_act(now, operator, EventKind::StrongerFactorSet);
        Ok(Change::written(self, Ok(())))
    }

    /// Ends the stronger factor of an owner who has lost it, and has shown otherwise who he is.
    /// The policy's purposes are held as after a [reset](Self::reset), and all proofs given so
    /// far are void. What it has begun ends: enrollments and sheets that wait, passes, known
    /// devices, and what was bound lately. Where no authenticator is bound, the account is as
    /// after a reset: have it [reset](Self::reset) for the pass that enrolls.
    ///
    /// # Errors
    /// [`AccountError::NoStrongerFactor`]; [`AccountError::SecondOperatorNeeded`], where the policy
    /// asks for one.
    pub fn end_stronger_factor<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        operator: &Operator,
        rng: &mut R,
    ) -> Result<Change<()>, AccountError> {
        let now = self.moment(now);
        if self.record.stronger.is_none() {
            return Err(AccountError::NoStrongerFactor);
        }
        self.check_seconded(policy, ProposedAct::EndStrongerFactor, operator, now)?;
        self.record.end_stronger_factor();
        self.record.void(rng.next_u64());
        self.record.drop_new_bindings(now);
        self.record.hold(policy, policy.limits().reset_hold_secs, now);
        self.record_act(now, operator, EventKind::StrongerFactorEnded);
        Ok(Change::written(self, Ok(())))
    }

    fn put_stronger_factor(&mut self, policy: &Policy, now: Moment) {
        let hold = policy.limits().binding_hold_secs;
        let settled_at = now.time.saturating_add(hold);
        self.record.stronger = Some(StrongerFactor { since: now.time, settled_at });
        self.record.end_of(&[]);
        self.record.rebound(now);
        self.record.hold(policy, hold, now);
    }

    /// Fails unless something is bound: an authenticator, or a stronger factor.
    pub(super) fn check_bound(&self) -> Result<(), AccountError> {
        let is_bound = !self.record.authenticators.is_empty() || self.record.stronger.is_some();
        if is_bound && !self.record.is_reset { Ok(()) } else { Err(self.nothing_bound()) }
    }

    /// Fails if this method is not enough for this purpose beside the stronger factor that the
    /// account has.
    pub(in crate::account) fn check_enough(
        &self,
        policy: &Policy,
        purpose: Purpose,
        method: Option<Method>,
    ) -> Result<(), AccountError> {
        let is_enough = self.record.stronger.is_none()
            || method == Some(Method::StrongerFactor)
            || policy.is_by_code_beside_stronger_factor(purpose);
        if is_enough { Ok(()) } else { Err(AccountError::StrongerFactorNeeded) }
    }
}
