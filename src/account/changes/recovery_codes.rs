//! A set of recovery codes is made.

use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::policy::Policy;
use crate::account::proof::Proof;
use crate::account::record::recovery::{RecoveryCodes, RecoverySet};
use crate::account::transition::{Account, Change};
use crate::otp::UnixTime;
use rand::CryptoRng;

impl Account {
    /// Makes a set of recovery codes, in the place of any before. `proof`, of
    /// [`Purpose::BINDING`](crate::account::Purpose::BINDING), is used up when the change is
    /// stored, and with it all that were given before.
    ///
    /// Each code is 120 random bits and good once, by
    /// [`Attempt::recovery`](crate::account::Attempt::recovery); the record keeps their hashes
    /// only. Show them once, on a sheet to print. Should the answer get lost, a set may have
    /// been made that nobody has seen: make another.
    ///
    /// The set outlasts the authenticator whose code has allowed it. Where that was stolen, have a
    /// new set made.
    ///
    /// # Errors
    /// [`AccountError::NotEnrolled`]; [`AccountError::Frozen`]; [`AccountError::ProofSpent`] and
    /// its like; [`AccountError::HandleNeeded`]; [`AccountError::EventsWaiting`].
    pub fn issue_recovery_codes<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        rng: &mut R,
    ) -> Result<Change<RecoveryCodes>, AccountError> {
        let now = self.moment(now);
        if self.record.authenticators.is_empty() {
            return Err(self.nothing_bound());
        }
        self.spend_proof(proof, now)?;
        let (set, codes) = RecoverySet::generate(policy.limits().recovery_codes, rng);
        let count = set.left();
        self.record.recovery = Some(set);
        self.record.hold(policy, policy.limits().binding_hold_secs, now);
        self.record_event(now, EventKind::RecoveryCodesIssued { count })?;
        Ok(Change::written(self, Ok(codes)))
    }
}
