//! Holds that the service sets, and that an operator ends.

use crate::account::error::AccountError;
use crate::account::event::{EventKind, Operator};
use crate::account::names::purpose::Purpose;
use crate::account::names::text::Text;
use crate::account::policy::Policy;
use crate::account::record::capacity::SERVICE_HOLD_SECS;
use crate::account::record::whole::Hold;
use crate::account::transition::{Account, Change};
use crate::otp::UnixTime;
use alloc::vec::Vec;

impl Account {
    /// Holds purposes for a reason of the service's own: after a change of the password, say. No
    /// code for them is judged for `secs` seconds from now on, one second to seven days. A hold
    /// that ends later stays, the policy's as well as an earlier one of the service. The owner is
    /// told, and the [view](Self::view) shows the reason.
    ///
    /// # Errors
    /// [`AccountError::HoldLength`]; [`AccountError::UndeclaredPurpose`];
    /// [`AccountError::NeverHeld`] for purposes that no policy can hold either.
    pub fn hold(
        mut self,
        policy: &Policy,
        now: UnixTime,
        purposes: &[Purpose],
        secs: u64,
        reason: &Text,
    ) -> Result<Change<()>, AccountError> {
        let now = self.moment(now);
        if !(1..=SERVICE_HOLD_SECS).contains(&secs) {
            return Err(AccountError::HoldLength);
        }
        for purpose in purposes {
            policy.check_declared(*purpose)?;
            if Policy::NEVER_HELD.contains(purpose) {
                return Err(AccountError::NeverHeld);
            }
        }
        let (from, until) = (now.time, now.time.saturating_add(secs));
        for purpose in purposes {
            let hold = Hold { purpose: *purpose, from, until, reason: Some(reason.clone()) };
            if self.record.put_hold(hold, now) {
                self.record_anyway(now, EventKind::Held { purpose: *purpose, until, reason: reason.clone() });
            }
        }
        Ok(Change::written(self, Ok(())))
    }

    /// Ends the holds that the service has set, at an operator's word. The policy's stay: nobody
    /// ends those early.
    ///
    /// # Errors
    /// [`AccountError::NothingHeld`] if there is none.
    pub fn end_holds(mut self, now: UnixTime, operator: &Operator) -> Result<Change<()>, AccountError> {
        let now = self.moment(now);
        let mut ended = Vec::new();
        for hold in self.record.holds.iter_mut().filter(|hold| hold.reason.is_some() && hold.is_in_force(now)) {
            // Kept with its end: what was authorized before it does not stand.
            hold.until = now.clock.max(hold.from);
            ended.push(hold.purpose);
        }
        if ended.is_empty() {
            return Err(AccountError::NothingHeld);
        }
        for purpose in ended {
            self.record_act(now, operator, EventKind::HoldEnded { purpose });
        }
        Ok(Change::written(self, Ok(())))
    }
}
