//! The door for recovery codes: for when every authenticator is out of reach.

use super::attempt::Attempt;
use super::gate::Gate;
use super::outcome::{Acceptance, Right};
use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::policy::Policy;
use crate::account::proof::Method;
use crate::account::record::imported_codes::TypedCode;
use crate::account::record::recovery::RecoveryCode;
use crate::account::record::throttles::Door;
use crate::account::transition::{Account, Change};
use crate::otp::{Moment, Rejection};

impl Account {
    /// A recovery code in the place of an authenticator's. It works while the other doors are
    /// locked, and the authenticators disabled. Nobody guesses 120 bits: a wrong one is not
    /// counted, and nothing is written for it, so that nobody shuts this door to the owner.
    pub(super) fn recover<T>(
        mut self,
        policy: &Policy,
        now: Moment,
        attempt: &Attempt,
        code: &RecoveryCode,
        typed: Option<&TypedCode>,
        answer: impl FnOnce(&Self, Acceptance) -> T,
    ) -> Result<Change<T>, AccountError> {
        let (purpose, limits) = (attempt.purpose, policy.limits());
        let admitted = match self.gate(policy, now, &attempt.request(Door::RecoveryCode))? {
            Gate::Repeat(reply) => return Ok(self.repeat(reply, answer)),
            Gate::Refused(rejection) => return Ok(self.refuse(now, purpose, rejection)),
            Gate::Open(admitted) => admitted,
        };
        let found = self.record.recovery.as_ref().map(|set| set.find(code)).filter(|(found, _)| bool::from(*found));
        if found.is_none() && self.record.imported_codes.is_some() {
            // Another system may have written its codes in the same way, and has hashed what was typed.
            return match typed {
                Some(typed) => self.recover_by_imported(policy, now, attempt, typed, answer),
                None => Ok(self.refuse(now, purpose, Rejection::UnknownRecoveryCode)),
            };
        }
        let Some((_, place)) = found else {
            return Ok(self.refuse(now, purpose, Rejection::UnknownRecoveryCode));
        };
        let left = self.record.recovery_codes_left().saturating_sub(1);
        self.record.hold(policy, limits.recovery_hold_secs, now);
        let event = EventKind::Recovered { purpose, left };
        self.accept(&admitted, Right::Recovery { place }, Method::RecoveryCode { left }, event, answer)
    }
}
