//! Instants and steps.

use core::fmt;

/// The clocks of servers may be apart by so many seconds without a difference.
#[cfg(feature = "alloc")]
const SKEW_SECS: u64 = 60;

/// An instant as whole seconds since 1970-01-01T00:00:00Z, not counting leap seconds.
///
/// Every value up to [`u64::MAX`] is a valid input anywhere in this crate.
///
/// ```
/// use sekisho::otp::UnixTime;
/// # #[cfg(feature = "std")]
/// let now = UnixTime::try_from(std::time::SystemTime::now())?;
/// assert!(UnixTime::from_secs(59) < UnixTime::from_secs(60));
/// # Ok::<(), sekisho::otp::TimeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct UnixTime(u64);

impl UnixTime {
    /// The instant `secs` seconds after the Unix epoch.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs)
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// This instant `secs` seconds later, or the last one there is.
    #[must_use]
    pub const fn saturating_add(self, secs: u64) -> Self {
        Self(self.0.saturating_add(secs))
    }

    /// Returns whether something that is good for at most `life_secs` seconds, until `end`, is good
    /// now. So a clock set back does not make it last longer. [`SKEW_SECS`] are added for
    /// servers whose clocks are a little behind.
    #[cfg(feature = "alloc")] // only accounts have what ends
    pub(crate) const fn is_before_end(self, end: Self, life_secs: u64) -> bool {
        self.0 < end.0 && end.saturating_since(self) <= life_secs.saturating_add(SKEW_SECS)
    }

    /// Returns whether this instant lies less than `secs` seconds from `other`, to either side. For
    /// what shall not outlive a clock that is set back: proofs, replies, known devices.
    #[cfg(feature = "alloc")] // only accounts have what ends
    pub(crate) const fn is_near(self, other: Self, secs: u64) -> bool {
        self.0.abs_diff(other.0) < secs
    }

    /// Returns whether fewer than `secs` seconds have passed since `other`. An instant in the
    /// future has not passed either. For what a clock set back shall not end: used codes above
    /// all.
    pub(crate) const fn is_within_secs_after(self, other: Self, secs: u64) -> bool {
        self.saturating_since(other) < secs
    }

    /// Seconds from `earlier` until this instant; zero if `earlier` is not earlier.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(feature = "std")]
impl TryFrom<std::time::SystemTime> for UnixTime {
    type Error = TimeError;

    fn try_from(time: std::time::SystemTime) -> Result<Self, TimeError> {
        time.duration_since(std::time::UNIX_EPOCH)
            .map(|since| Self(since.as_secs()))
            .map_err(|_| TimeError::BeforeUnixEpoch)
    }
}

/// The counter of an authenticator: `floor((unix seconds − T0) / period)` (RFC 6238 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Step(u64);

impl Step {
    /// The step with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of this step, counted from T0.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The step `distance` away, or the nearest one there is.
    #[must_use]
    pub const fn saturating_offset(self, distance: i64) -> Self {
        Self(self.0.saturating_add_signed(distance))
    }

    /// The number of steps from `other` to this one; both lie in one window.
    pub(crate) const fn distance_from(self, other: Self) -> i64 {
        self.0.wrapping_sub(other.0).cast_signed()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A clock that cannot be right. No code is judged under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// The clock reads a time before 1970.
    #[error("the clock reads a time before 1970: set the server's clock")]
    BeforeUnixEpoch,
    /// The clock reads a time before the authenticator's T0.
    #[error("the time {now} lies before this authenticator's T0, {t0}: set the server's clock, or correct T0", now = now.as_secs(), t0 = t0.as_secs())]
    BeforeT0 {
        /// The time that the clock read.
        now: UnixTime,
        /// When the authenticator's steps begin.
        t0: UnixTime,
    },
}
