//! The door for recovery codes that another system has issued. They may be short, so this one is
//! throttled.

use super::attempt::Attempt;
use super::gate::Gate;
use super::outcome::{Acceptance, Right, Wrong};
use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::policy::Policy;
use crate::account::proof::Method;
use crate::account::record::imported_codes::TypedCode;
use crate::account::record::throttles::Door;
use crate::account::transition::{Account, Change};
use crate::otp::{Moment, Rejection};

impl Account {
    /// A recovery code of another system in the place of an authenticator's. Where the account has
    /// none, the text is no code at all.
    pub(super) fn recover_by_imported<T>(
        mut self,
        policy: &Policy,
        now: Moment,
        attempt: &Attempt,
        typed: &TypedCode,
        answer: impl FnOnce(&Self, Acceptance) -> T,
    ) -> Result<Change<T>, AccountError> {
        let purpose = attempt.purpose;
        if self.record.imported_codes.is_none() {
            return Ok(self.refuse(now, purpose, Rejection::Malformed));
        }
        let admitted = match self.gate(policy, now, &attempt.request(Door::ImportedRecoveryCode))? {
            Gate::Repeat(reply) => return Ok(self.repeat(reply, answer)),
            Gate::Refused(rejection) => return Ok(self.refuse(now, purpose, rejection)),
            Gate::Open(admitted) => admitted,
        };
        let codes = self.record.imported_codes.as_ref().ok_or(AccountError::NoRecoveryCodes)?;
        let Some(place) = codes.find(typed, self.checker.as_deref()) else {
            return Ok(self.charge(&admitted, Wrong { expired: false, code: None }));
        };
        let left = self.record.recovery_codes_left().saturating_sub(1);
        self.record.hold(policy, policy.limits().recovery_hold_secs, now);
        let event = EventKind::Recovered { purpose, left };
        self.accept(&admitted, Right::ImportedRecovery { place }, Method::RecoveryCode { left }, event, answer)
    }
}
