//! Clocks: the verifier takes its time from one.

use crate::otp::{TimeError, UnixTime};
use std::time::SystemTime;

/// Tells the time. The servers' clocks should agree to a second or so: codes are only as right
/// as they are.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    ///
    /// # Errors
    /// [`TimeError`] if the clock cannot be right. Nothing is judged then.
    fn now(&self) -> Result<UnixTime, TimeError>;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Result<UnixTime, TimeError> {
        UnixTime::try_from(SystemTime::now())
    }
}
