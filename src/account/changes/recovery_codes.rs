//! A set of recovery codes is made, shown, and put in force.

use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::names::purpose::Purpose;
use crate::account::policy::Policy;
use crate::account::proof::Proof;
use crate::account::record::authenticator::Authenticator;
use crate::account::record::recovery::{RecoverySet, RecoverySheet, Seed, WAITING_SECS, WaitingSet};
use crate::account::record::token::EnrollmentHandle;
use crate::account::transition::{Account, Change};
use crate::otp::UnixTime;
use rand::CryptoRng;

impl Account {
    /// Makes a set of recovery codes, which waits for ten minutes until its owner says that it is
    /// kept ([`keep_recovery_codes`](Self::keep_recovery_codes)). The one before is good until
    /// then. `proof`, of [`Purpose::BINDING`], is used up when the change is stored, and with
    /// it all that were given before.
    ///
    /// Each code is 120 bits and good once, by
    /// [`Attempt::recovery`](crate::account::Attempt::recovery). While the set waits, the record
    /// keeps the random bits that it is made of; once it is in force, hashes only. Should the
    /// answer get lost, make another: it takes the place of the one that waits.
    ///
    /// The set outlasts the authenticator whose code has allowed it. Where that was stolen, have a
    /// new set made.
    ///
    /// # Errors
    /// [`AccountError::NotEnrolled`]; [`AccountError::Frozen`]; [what a proof can
    /// lack](crate::account::Proof#what-a-proof-can-lack).
    pub fn issue_recovery_codes<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        rng: &mut R,
    ) -> Result<Change<RecoverySheet>, AccountError> {
        let now = self.moment(now);
        self.check_bound()?;
        self.spend_proof(policy, proof, now)?;
        let (seed, count) = (Seed::generate(rng), policy.limits().recovery_codes);
        let handle = EnrollmentHandle::generate(rng);
        let until = now.clock.saturating_add(WAITING_SECS);
        let (_, codes) = seed.set(count);
        self.record.waiting_set = Some(WaitingSet { seed, count, handle: handle.hash(), until, lead: now.lead() });
        self.record_event(now, EventKind::RecoveryCodesShown)?;
        Ok(Change::written(self, Ok(RecoverySheet { codes, handle, until })))
    }

    /// Gives the set that waits once more, for a page that is loaded again: the same codes.
    /// `handle` is its [handle](RecoverySheet::handle), as text.
    ///
    /// # Errors
    /// [`AccountError::NothingPending`] if none waits under this handle, or its time is over;
    /// [`AccountError::Frozen`].
    pub fn waiting_recovery_codes(&self, now: UnixTime, handle: &str) -> Result<RecoverySheet, AccountError> {
        self.check_not_frozen()?;
        let now = self.record.moment(now);
        let waiting = self.record.waiting_set.as_ref().filter(|set| set.is_named_by(handle, now));
        let waiting = waiting.ok_or(AccountError::NothingPending)?;
        let handle = EnrollmentHandle::of_text(handle).ok_or(AccountError::NothingPending)?;
        let (_, codes) = waiting.seed.set(waiting.count);
        Ok(RecoverySheet { codes, handle, until: waiting.until })
    }

    /// Puts the set that waits in force, as its owner says that it is kept: the one before is void.
    /// The policy's purposes are held as after a change of binding. `handle` is the set's
    /// [handle](RecoverySheet::handle), as text.
    ///
    /// # Errors
    /// As [`waiting_recovery_codes`](Self::waiting_recovery_codes);
    /// [`AccountError::EventsWaiting`].
    pub fn keep_recovery_codes(
        mut self,
        policy: &Policy,
        now: UnixTime,
        handle: &str,
    ) -> Result<Change<()>, AccountError> {
        self.check_not_frozen()?;
        let now = self.moment(now);
        let waiting = self.record.waiting_set.take_if(|set| set.is_named_by(handle, now));
        let waiting = waiting.ok_or(AccountError::NothingPending)?;
        let (set, _) = waiting.seed.set(waiting.count);
        let count = set.left();
        self.record.recovery = Some(set);
        self.record.imported_codes = None;
        self.record.hold(policy, policy.limits().binding_hold_secs, now);
        self.record_event(now, EventKind::RecoveryCodesIssued { count })?;
        Ok(Change::written(self, Ok(())))
    }

    /// Voids the recovery codes at once, those that wait included, as their owner says that the
    /// sheet was stolen. An enrollment that waits ends, and so do earlier proofs. `proof`, of
    /// [`Purpose::BINDING`], is not used up: it is good for the next set.
    ///
    /// # Errors
    /// [`AccountError::NoRecoveryCodes`]; [`AccountError::LastAuthenticator`] where
    /// neither an authenticator nor a stronger factor is in force;
    /// [`AccountError::ProofForAnotherPurpose`]; [`AccountError::Frozen`];
    /// [what a proof can lack](crate::account::Proof#what-a-proof-can-lack);
    /// [`AccountError::EventsWaiting`].
    pub fn void_recovery_codes(mut self, now: UnixTime, proof: &Proof) -> Result<Change<()>, AccountError> {
        let now = self.moment(now);
        if proof.purpose != Purpose::BINDING {
            return Err(AccountError::ProofForAnotherPurpose);
        }
        self.check_live(proof, now)?;
        if self.record.recovery_codes_left() == 0 && self.record.waiting_set.is_none() {
            return Err(AccountError::NoRecoveryCodes);
        }
        // Nobody could prove anything then.
        if self.record.stronger.is_none() && !self.record.authenticators.iter().any(Authenticator::is_active) {
            return Err(AccountError::LastAuthenticator);
        }
        // The thief may have begun an enrollment, or have a proof, by a code of the sheet.
        self.record.end_of(&[]);
        self.record.proofs_spent = self.record.proofs_spent.max(proof.serial.saturating_sub(1));
        // The next set is due.
        self.record.recovery = Some(RecoverySet::used_up());
        self.record.imported_codes = None;
        self.record_event(now, EventKind::RecoveryCodesVoided)?;
        Ok(Change::written(self, Ok(())))
    }
}
