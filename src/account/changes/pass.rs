//! A pass is made: by an operator, or for the service to mail.

use crate::account::doors::gate::Recognized;
use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::names::purpose::Purpose;
use crate::account::policy::Policy;
use crate::account::record::token::{DeviceToken, Pass, PassOrigin, Presented, TokenHash};
use crate::account::transition::{Account, Change};
use crate::otp::{Moment, Rejection, UnixTime};
use rand::CryptoRng;

/// The longest that a mailed pass waits, in seconds.
const MAILED_SECS: u64 = 3_600;

impl Account {
    /// Makes a pass at the request of whoever knows the password, for the service to mail to an
    /// address that was known before: the second channel of a change of binding, where the
    /// policy asks for one
    /// ([`AccountLimits::binding_takes_pass`](crate::account::AccountLimits::binding_takes_pass)).
    /// It lives an hour at the most.
    ///
    /// At most one within 30 s, five an hour and ten a day, apart from the codes that are sent;
    /// those of a known device, whose token is `cookie`, are counted with the codes sent to it.
    /// Attempts with mailed passes have a throttle of their own.
    ///
    /// # Errors
    /// [`AccountError::NotEnrolled`]; in its place [`AccountError::PassNeeded`] after a reset, and
    /// [`AccountError::StrongerFactorNeeded`] beside a stronger factor. The answer may be a
    /// refusal: frozen, or too many messages.
    pub fn mail_pass<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        cookie: Option<&str>,
        rng: &mut R,
    ) -> Result<Change<DeviceToken>, AccountError> {
        let now = self.moment(now);
        if let Some(rejection) = self.blocked(Purpose::BINDING, now) {
            return Ok(self.refuse(now, Purpose::BINDING, rejection));
        }
        if self.record.authenticators.is_empty() {
            return Err(self.nothing_bound());
        }
        let presented = Presented { device: cookie.and_then(TokenHash::of_text), pass: None };
        let is_device = matches!(self.recognize(policy, presented, now), Some(Recognized::Device(_)));
        let sends = if is_device { &mut self.record.sends_of_devices } else { &mut self.record.mailed };
        if let Err(until) = sends.count(now) {
            return Ok(self.refuse(now, Purpose::BINDING, Rejection::SendLimited { until }));
        }
        let (token, until) = self.issue_pass(PassOrigin::Mailed, now, policy.limits().pass_secs.min(MAILED_SECS), rng);
        self.record_event(now, EventKind::PassMailed { until })?;
        Ok(Change::written(self, Ok(token)))
    }

    pub(super) fn issue_pass<R: CryptoRng + ?Sized>(
        &mut self,
        origin: PassOrigin,
        now: Moment,
        secs: u64,
        rng: &mut R,
    ) -> (DeviceToken, UnixTime) {
        let token = DeviceToken::generate(rng);
        let until = now.clock.saturating_add(secs);
        self.record.passes.issue(Pass { hash: token.hash(), origin, until, secs, lead: now.lead(), failures: 0 }, now);
        (token, until)
    }
}
