//! Recovery: codes on paper instead of an authenticator.

use super::answers::Answered;
use super::attempt::Attempt;
use super::change::Change;
use super::event::EventKind;
use super::policy::Policy;
use super::proof::{Method, Proof};
use super::purpose::Purpose;
use super::recovery::{RecoveryCode, RecoveryCodes, RecoverySet};
use super::throttles::Door;
use super::verify::{Found, Missed};
use super::{Account, AccountError};
use crate::otp::{UnixTime, Verdict};
use rand::CryptoRng;

impl Account {
    /// Makes a set of recovery codes, in the place of any before. `proof`, of [`Purpose::BINDING`](super::Purpose::BINDING), is used
    /// up when the change is stored, and with it all that were given before.
    ///
    /// Each code is 120 random bits and good once, by [`Attempt::recovery`]; the record keeps their hashes only. Show them once, on a
    /// sheet to print. Should the answer get lost, a set may have been made that nobody has seen: make another.
    ///
    /// The set outlasts the authenticator whose code has allowed it: where that was stolen, have a new one made.
    ///
    /// # Errors
    /// [`AccountError::Proof`]; [`AccountError::NotEnrolled`].
    pub fn issue_recovery_codes<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        rng: &mut R,
    ) -> Result<Change<RecoveryCodes>, AccountError> {
        if self.record.authenticators.is_empty() {
            return Err(self.nothing_bound());
        }
        self.spend(proof, now)?;
        let (set, codes) = RecoverySet::generate(policy.limits().recovery_codes, rng);
        let count = set.left();
        self.record.recovery = Some(set);
        self.record.hold(policy, policy.limits().binding_hold_secs, now);
        self.tell(now, EventKind::RecoveryCodesIssued { count });
        Ok(Change::written(self, codes))
    }

    /// How many recovery codes have not been used.
    pub(super) fn recovery_codes_left(&self) -> u8 {
        self.record.recovery.as_ref().map_or(0, RecoverySet::left)
    }

    /// A recovery code in the place of an authenticator's: works while the other doors are locked, and the authenticators disabled.
    pub(super) fn recover(
        mut self,
        policy: &Policy,
        now: UnixTime,
        attempt: &Attempt,
        code: &RecoveryCode,
    ) -> Result<Change<Verdict<Proof>>, AccountError> {
        let purpose = attempt.purpose;
        let fingerprint = attempt.fingerprint(Door::Recovery);
        if let Some(answer) = self.record.answers.find(fingerprint, now) {
            return Ok(self.repeat_with(answer, |account, method, serial| {
                account.proof(policy, attempt, method, answer.at, serial)
            }));
        }
        if let Some(rejection) = self.closed(purpose, now) {
            return Ok(self.refuse(now, purpose, rejection));
        }
        let known = self.known(policy, attempt.presented, now);
        policy.check_pass(purpose, known)?;
        if purpose == Purpose::CONFIRMATION {
            return Err(AccountError::Purpose); // it shows nothing of what is read at an address
        }
        let limits = policy.limits();
        if limits.recovery_hold_secs > 0 && limits.held_purposes.contains(&purpose) {
            return Err(AccountError::NotByRecovery);
        }
        let door = self.record.throttles.recovery_door(policy, known.is_some(), now);
        if let Some(rejection) = self.record.throttles.shut(policy, door, now) {
            return Ok(self.refuse(now, purpose, rejection));
        }
        let Some(set) = self.record.recovery.as_mut().filter(|set| set.left() > 0) else {
            return Err(if self.record.is_reset { AccountError::PassNeeded } else { AccountError::NoRecoveryCodes });
        };
        let (found, place) = set.find(code);
        if !bool::from(found) {
            let found = Found { known, door, fingerprint };
            let missed = Missed { found, purpose, expired: false, code: None, diagnosis: None };
            return Ok(self.charge(policy, now, missed));
        }
        let left = set.spend(place);
        self.record.throttles.succeed(policy, door, now);
        self.used(known, now);
        self.record.hold(policy, limits.recovery_hold_secs, now);
        let serial = self.tell(now, EventKind::Recovered { purpose, left }).unwrap_or_default();
        let method = Method::RecoveryCode { left };
        self.record.answers.push(fingerprint, now, Answered::Accepted { method, serial });
        let proof = self.proof(policy, attempt, method, now, serial);
        Ok(Change::written(self, Verdict::Accepted(proof)))
    }
}
