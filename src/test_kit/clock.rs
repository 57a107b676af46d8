//! A clock that stands still.

use crate::otp::{TimeError, UnixTime};
use crate::verifier::Clock;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

/// A clock that a test sets. Clones are the same clock.
///
/// ```
/// use sekisho::otp::UnixTime;
/// use sekisho::test_kit::TestClock;
/// use sekisho::verifier::Clock;
///
/// let clock = TestClock::at(UnixTime::from_secs(1_800_000_000));
/// clock.advance(30);
/// assert_eq!(clock.now()?, UnixTime::from_secs(1_800_000_030));
/// # Ok::<(), sekisho::otp::TimeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    /// A clock that stands at `time`.
    #[must_use]
    pub fn at(time: UnixTime) -> Self {
        Self(Arc::new(AtomicU64::new(time.as_secs())))
    }

    /// Sets it, forth or back.
    pub fn set(&self, time: UnixTime) {
        self.0.store(time.as_secs(), Ordering::SeqCst);
    }

    /// Sets it `secs` seconds forth, at most to the last instant there is.
    pub fn advance(&self, secs: u64) {
        let later = |now: u64| Some(now.saturating_add(secs));
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, later);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Result<UnixTime, TimeError> {
        Ok(UnixTime::from_secs(self.0.load(Ordering::SeqCst)))
    }
}
