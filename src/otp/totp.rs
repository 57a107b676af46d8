//! The parameters of an authenticator.

use super::algorithm::{Algorithm, Digits};
use super::key::Key;
use super::secret::Secret;
use super::time::{Step, TimeError, UnixTime};

/// How long a code is shown: 1 to 120 seconds.
///
/// The upper limit is that of SP 800-63B-4 §3.1.4.1: the changing value of an authenticator changes at least once every
/// two minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "u64", into = "u64"))]
pub struct Period(u8);

impl Period {
    /// Thirty seconds: the default of RFC 6238 §4.1, and the only period many apps know.
    pub const DEFAULT: Self = Self(30);
    /// The longest period, in seconds.
    pub const MAX_SECS: u64 = 120;

    /// A period of `secs` seconds.
    ///
    /// # Errors
    /// [`PeriodError`] unless `secs` is 1 to 120.
    pub const fn from_secs(secs: u64) -> Result<Self, PeriodError> {
        if secs == 0 || secs > Self::MAX_SECS {
            return Err(PeriodError);
        }
        #[allow(clippy::cast_possible_truncation)] // at most 120
        Ok(Self(secs as u8))
    }

    /// The period in seconds.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 as u64
    }
}

impl Default for Period {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl TryFrom<u64> for Period {
    type Error = PeriodError;

    fn try_from(secs: u64) -> Result<Self, PeriodError> {
        Self::from_secs(secs)
    }
}

impl From<Period> for u64 {
    fn from(period: Period) -> Self {
        period.as_secs()
    }
}

/// A period outside of 1 to 120 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a period is 1 to 120 seconds long: 30 is what every app knows")]
pub struct PeriodError;

/// The parameters that an authenticator and the verifier agree on (RFC 6238 §4.1).
///
/// ```
/// use sekisho::otp::{Algorithm, Digits, Totp};
///
/// let totp = Totp { algorithm: Algorithm::Sha256, digits: Digits::Eight, ..Totp::DEFAULT };
/// assert_eq!(totp.period.as_secs(), 30);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Totp {
    /// The hash.
    pub algorithm: Algorithm,
    /// The length of a code.
    pub digits: Digits,
    /// How long a code is shown.
    pub period: Period,
    /// T0: when the steps begin.
    pub t0: UnixTime,
}

impl Totp {
    /// What every app knows: SHA-1, six digits, thirty seconds, from 1970.
    pub const DEFAULT: Self =
        Self { algorithm: Algorithm::Sha1, digits: Digits::Six, period: Period::DEFAULT, t0: UnixTime::from_secs(0) };

    /// The key that makes and verifies the codes of `secret` under these parameters.
    #[must_use]
    pub fn key(self, secret: &Secret) -> Key {
        Key::new(self, secret)
    }

    /// The step at `time`.
    ///
    /// # Errors
    /// [`TimeError::BeforeT0`] if `time` lies before T0.
    pub const fn step_at(self, time: UnixTime) -> Result<Step, TimeError> {
        match time.as_secs().checked_sub(self.t0.as_secs()) {
            #[allow(clippy::arithmetic_side_effects)] // a period is at least one
            Some(elapsed) => Ok(Step::new(elapsed / self.period.as_secs())),
            None => Err(TimeError::BeforeT0 { now: time, t0: self.t0 }),
        }
    }

    /// When `step` begins, or the last instant there is.
    #[must_use]
    pub const fn start_of(self, step: Step) -> UnixTime {
        self.t0.saturating_add(step.number().saturating_mul(self.period.as_secs()))
    }
}
