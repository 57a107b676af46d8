//! The door for two codes in a row, which show how far a clock is off.

use super::gate::{Admitted, Gate, Recognized};
use super::judge::{BEHIND_SECS, Candidate, search};
use super::outcome::{Right, Wrong};
use super::two_codes::Resync;
use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::purpose::Purpose;
use crate::account::policy::Policy;
use crate::account::proof::Method;
use crate::account::transition::{Account, Change};
use crate::otp::{Code, Step, UnixTime};
use subtle::Choice;

/// The search reaches so far behind together with a device token, a pass or a recovery code.
const FAR_BEHIND_SECS: u64 = 86_400;

impl Account {
    /// Finds out how far an app's clock is off, by two codes in a row: up to ten minutes ahead or
    /// behind, and up to a day behind together with a known device, a pass or a recovery code (one
    /// of a set of ours: those of another system do not count here). From then on its codes are
    /// expected there. It answers no proof: log in with the next code.
    ///
    /// Both codes have to be unused and younger than the last one used, and both are used up. The
    /// answer does not say that one of them was right: it is a
    /// [`Mismatch`](crate::otp::Rejection::Mismatch) then too, charged to the throttle of
    /// strangers, with a token to that of devices, and with a pass to that of mailed ones or to
    /// the pass itself. By chance two codes are right once in 3 × 10⁸ attempts (a day and ten
    /// minutes: 2 900 pairs of 10¹²).
    ///
    /// The policy's purposes are held for
    /// [`AccountLimits::resync_hold_secs`](crate::account::AccountLimits::resync_hold_secs), since
    /// two codes that somebody was talked into giving away are a few minutes old. One case sets
    /// no hold: a clock that is at most ten minutes off, found together with a known device and
    /// without a recovery code.
    ///
    /// # Errors
    /// [`AccountError::NoApp`]; [`AccountError::NoRecoveryCodes`]; [`AccountError::PassNeeded`] for
    /// a recovery code after a reset; [`AccountError::EventsWaiting`]; [`AccountError::Time`] if
    /// `now` lies before an app's T0.
    pub fn resync(
        mut self,
        policy: &Policy,
        now: UnixTime,
        resync: &Resync,
    ) -> Result<Change<AuthenticatorId>, AccountError> {
        self.source.clone_from(&resync.source);
        let now = self.moment(now);
        let purpose = Purpose::RESYNC;
        let codes = match resync.read() {
            Ok(codes) => codes,
            Err(rejection) => return Ok(self.refuse(now, purpose, rejection)),
        };
        match self.gate(policy, now, &resync.request(codes))? {
            Gate::Repeat(reply) => Ok(self.repeat(reply, |_, acceptance| match acceptance.method {
                Method::Authenticator(id) => id,
                _ => AuthenticatorId::new(0), // only apps are resynchronized
            })),
            Gate::Refused(rejection) => Ok(self.refuse(now, purpose, rejection)),
            Gate::Open(admitted) => self.judge_two_codes(&admitted, resync, codes),
        }
    }

    fn judge_two_codes(
        mut self,
        admitted: &Admitted<'_>,
        resync: &Resync,
        codes: [Code; 2],
    ) -> Result<Change<AuthenticatorId>, AccountError> {
        let Admitted { policy, now, purpose, token, .. } = *admitted;
        let is_far = resync.recovery.is_some() || token.is_some();
        let behind = if is_far { FAR_BEHIND_SECS } else { BEHIND_SECS };
        let apps = self.record.apps().map(|(place, _, app)| (place, Candidate::of(app)));
        let searched = search(apps, codes, behind, now)?;
        let spent = codes.iter().fold(Choice::from(0), |any, code| any | self.record.recent_codes.contains(*code, now));
        let (is_recovery_code, recovery) = match (&resync.recovery, &self.record.recovery) {
            (None, _) => (Choice::from(1), None),
            (Some(code), Some(set)) => {
                let (found, place) = set.find(code);
                (found, Some(place))
            }
            (Some(_), None) => (Choice::from(0), None),
        };
        if !bool::from(searched.found & !spent & is_recovery_code) {
            return Ok(self.charge(admitted, Wrong { expired: false, code: None }));
        }

        let (place, step) = (searched.place, Step::new(searched.step));
        // Only apps are searched.
        let one = self.record.authenticators.get(place as usize).ok_or(AccountError::NoApp)?;
        let (id, app) = (one.id, one.kind.app().ok_or(AccountError::NoApp)?);
        let offset = step.distance_from(app.totp.step_at(now.clock)?);
        let is_near = offset.unsigned_abs().saturating_mul(app.totp.period.as_secs()) <= BEHIND_SECS;
        let limits = policy.limits();
        if recovery.is_some() {
            let left = self.record.recovery_codes_left().saturating_sub(1);
            self.record.hold(policy, limits.recovery_hold_secs, now);
            self.record_anyway(now, EventKind::Recovered { purpose, left });
        }
        // Phished codes are minutes old, and whoever has them shows no device that the owner uses.
        let is_known_and_near = is_near && recovery.is_none() && matches!(token, Some(Recognized::Device(_)));
        if !is_known_and_near {
            self.record.hold(policy, limits.resync_hold_secs, now);
        }
        let right = Right::TwoCodes { place, step, codes, recovery };
        let event = EventKind::Resynchronized { authenticator: id, offset };
        self.accept(admitted, right, Method::Authenticator(id), event, |_, _| id)
    }
}
