//! A phone with an authenticator app.

use crate::otp::{Key, OtpauthUri, TimeError, UnixTime};
use crate::verifier::Clock;
use alloc::string::{String, ToString};

/// So far around the present moment a wrong code differs from all that the phone shows, in seconds:
/// further than any code is looked for.
const FAR_SECS: u64 = 2 * 86_400;

/// An authenticator app on a phone, whose clock may be wrong. See the [module](super) for an
/// example.
#[derive(Debug)]
pub struct TestPhone {
    key: Key,
    ahead_secs: i64,
}

impl TestPhone {
    /// The app, after it has scanned this URI.
    #[must_use]
    pub fn scan(uri: &OtpauthUri) -> Self {
        Self { key: uri.totp().key(uri.secret()), ahead_secs: 0 }
    }

    /// Sets the phone's clock so many seconds ahead of the true time, or (negative) behind it.
    pub const fn set_ahead_by(&mut self, secs: i64) {
        self.ahead_secs = secs;
    }

    /// The code that it shows when the true time is what `clock` says.
    ///
    /// # Errors
    /// [`TimeError`] if the phone's clock lies before the parameters' T0.
    pub fn code(&self, clock: &impl Clock) -> Result<String, TimeError> {
        let step = self.key.totp().step_at(self.shown(clock.now()?))?;
        Ok(self.key.code_at(step).reveal().to_string())
    }

    /// A code that it shows at no time within two days of now.
    ///
    /// # Errors
    /// As [`code`](Self::code).
    pub fn wrong_code(&self, clock: &impl Clock) -> Result<String, TimeError> {
        let (now, totp) = (self.shown(clock.now()?), self.key.totp());
        let first = totp.step_at(UnixTime::from_secs(now.as_secs().saturating_sub(FAR_SECS)))?;
        let steps = FAR_SECS.saturating_mul(2).checked_div(totp.period.as_secs()).unwrap_or(0).cast_signed();
        let shown: alloc::collections::BTreeSet<_> =
            (0..=steps).map(|offset| self.key.code_at(first.saturating_offset(offset)).reveal().to_string()).collect();
        let width = usize::from(totp.digits.count());
        // There are more codes than steps in four days.
        let mut codes = (0_u32..).map(|number| alloc::format!("{number:0width$}"));
        Ok(codes.find(|code| !shown.contains(code)).unwrap_or_default())
    }

    fn shown(&self, now: UnixTime) -> UnixTime {
        UnixTime::from_secs(now.as_secs().saturating_add_signed(self.ahead_secs))
    }
}
