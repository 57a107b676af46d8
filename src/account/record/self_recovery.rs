//! A recovery that an owner has begun without support, as the record keeps it.

use super::capacity::SELF_RECOVERIES;
use crate::otp::{Moment, UnixTime};
use alloc::vec::Vec;

const DAY_SECS: u64 = 86_400;
/// The length of the year within which recoveries are counted, in seconds.
const YEAR_SECS: u64 = 365 * DAY_SECS;

/// A recovery that takes effect later.
#[derive(Clone, Copy)]
pub(in crate::account) struct SelfRecovery {
    pub(in crate::account) at: UnixTime,
    /// The moment from which it can take effect, if the owner is told of it each day until then.
    pub(in crate::account) until: UnixTime,
    /// The time when the owner was last told of it.
    pub(in crate::account) told_at: UnixTime,
    /// The number of times that the owner was told.
    pub(in crate::account) told: u32,
    /// It has taken effect, and nothing is enrolled yet.
    pub(in crate::account) is_done: bool,
}

impl SelfRecovery {
    pub(in crate::account) const fn begun(secs: u64, now: Moment) -> Self {
        Self { at: now.time, until: now.time.saturating_add(secs), told_at: now.time, told: 1, is_done: false }
    }

    /// Returns whether it takes effect: its time is over, and the owner was told at once and each
    /// day.
    pub(in crate::account) fn is_over(&self, now: Moment) -> bool {
        let days = self.until.saturating_since(self.at).div_ceil(DAY_SECS);
        let is_time = now.clock >= self.until && !now.is_mistaken(self.at);
        is_time && u64::from(self.told) >= days && now.is_within_secs_after(self.told_at, 2 * DAY_SECS)
    }

    /// Returns whether the owner was told a day ago, or earlier.
    pub(in crate::account) fn is_to_be_told(&self, now: Moment) -> bool {
        !self.is_done && !now.is_within_secs_after(self.told_at, DAY_SECS)
    }
}

/// The times when recoveries were begun within a year, oldest first.
pub(in crate::account) struct Begun(pub(in crate::account) Vec<UnixTime>);

impl Begun {
    /// Counts one more, unless there were as many within a year as may be.
    pub(in crate::account) fn count(&mut self, now: Moment) -> bool {
        self.0.retain(|at| now.protected_until(*at, YEAR_SECS).is_some());
        let has_room = self.0.len() < SELF_RECOVERIES;
        if has_room {
            self.0.push(now.time);
        }
        has_room
    }
}
