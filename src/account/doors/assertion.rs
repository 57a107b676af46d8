//! The door for assertions of a stronger factor, which the service has verified.

use super::attempt::Attempt;
use super::gate::Gate;
use super::outcome::{Acceptance, Right};
use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::policy::Policy;
use crate::account::proof::Method;
use crate::account::record::throttles::Door;
use crate::account::transition::{Account, Change};
use crate::otp::Moment;

impl Account {
    /// Accepts an assertion, unless the gate refuses: there is nothing to judge.
    pub(super) fn accept_assertion<T>(
        self,
        policy: &Policy,
        now: Moment,
        attempt: &Attempt,
        answer: impl FnOnce(&Self, Acceptance) -> T,
    ) -> Result<Change<T>, AccountError> {
        let purpose = attempt.purpose;
        match self.gate(policy, now, &attempt.request(Door::Assertion))? {
            Gate::Repeat(reply) => Ok(self.repeat(reply, answer)),
            Gate::Refused(rejection) => Ok(self.refuse(now, purpose, rejection)),
            Gate::Open(admitted) => {
                let event = EventKind::StrongerFactorAccepted { purpose };
                self.accept(&admitted, Right::Assertion, Method::StrongerFactor, event, answer)
            }
        }
    }
}
