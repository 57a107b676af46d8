//! Instants and steps.

use core::fmt;

/// No clock that is right reads an earlier time: 2026-11-01T00:00:00Z, before this release.
#[cfg(feature = "std")]
const RELEASED: UnixTime = UnixTime(1_793_491_200);

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

    /// Seconds from `earlier` until this instant; zero if `earlier` is not earlier.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// For reading a clock. Make times of other things by [`UnixTime::from_secs`].
///
/// # Errors
/// [`TimeError::BeforeUnixEpoch`], and [`TimeError::BeforeRelease`] for a time at which this
/// release did not exist: no clock that is right reads it.
#[cfg(feature = "std")]
impl TryFrom<std::time::SystemTime> for UnixTime {
    type Error = TimeError;

    fn try_from(time: std::time::SystemTime) -> Result<Self, TimeError> {
        let since = time.duration_since(std::time::UNIX_EPOCH).map_err(|_| TimeError::BeforeUnixEpoch)?;
        Self(since.as_secs()).after_release()
    }
}

#[cfg(feature = "std")]
impl UnixTime {
    /// The same time, unless it lies before this release: a machine whose clock starts in the past
    /// would end every lock and hold.
    pub(crate) fn after_release(self) -> Result<Self, TimeError> {
        if self < RELEASED { Err(TimeError::BeforeRelease { now: self }) } else { Ok(self) }
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
    /// The clock reads a time before this release of the library was made. It starts in the past,
    /// say, until it has been set over the network.
    #[error("the clock reads {now} seconds since 1970, a time before this release was made: set the server's clock", now = now.as_secs())]
    BeforeRelease {
        /// The time that the clock read.
        now: UnixTime,
    },
    /// The clock reads a time before the authenticator's T0.
    #[error("the time {now} lies before this authenticator's T0, {t0}: set the server's clock, or correct T0", now = now.as_secs(), t0 = t0.as_secs())]
    BeforeT0 {
        /// The time that the clock read.
        now: UnixTime,
        /// The time when the authenticator's steps begin.
        t0: UnixTime,
    },
}
