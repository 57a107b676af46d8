//! The parameters of an authenticator.

use super::algorithm::{Algorithm, Digits};
use super::time::{Step, TimeError, UnixTime};

/// The time that a code is shown: 1 to 120 seconds.
///
/// The upper limit is that of SP 800-63B-4 §3.1.4.1: the changing value of an authenticator changes
/// at least once every two minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "u64", into = "u64"))]
pub struct Period(u8);

impl Period {
    /// Thirty seconds: the default of RFC 6238 §4.1, and the only period many apps know.
    pub const DEFAULT: Self = Self(30);
    /// The longest period, in seconds.
    pub const MAX_SECS: u64 = 120;

    /// A period of `secs` seconds, if that is 1 to 120.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Option<Self> {
        if secs == 0 || secs > Self::MAX_SECS {
            return None;
        }
        #[allow(clippy::cast_possible_truncation)] // at most 120
        Some(Self(secs as u8))
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

#[cfg(feature = "serde")]
impl TryFrom<u64> for Period {
    type Error = &'static str;

    fn try_from(secs: u64) -> Result<Self, Self::Error> {
        Self::from_secs(secs).ok_or("a period is 1 to 120 seconds long: 30 is what every app knows")
    }
}

#[cfg(feature = "serde")]
impl From<Period> for u64 {
    fn from(period: Period) -> Self {
        period.as_secs()
    }
}

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
    /// The time that a code is shown.
    pub period: Period,
    /// T0: when the steps begin.
    pub t0: UnixTime,
}

impl Totp {
    /// The parameters that every app knows: SHA-1, six digits, thirty seconds, from 1970.
    pub const DEFAULT: Self =
        Self { algorithm: Algorithm::Sha1, digits: Digits::Six, period: Period::DEFAULT, t0: UnixTime::from_secs(0) };

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
