//! The digits accepted lately.

use super::code::Code;
use super::moment::Moment;
use super::time::UnixTime;
use core::fmt;
use subtle::{Choice, ConstantTimeEq};

/// Accepted digits are refused for so long wherever they turn up again: ten minutes, in seconds.
///
/// Also how far back a wrong code is looked up, to be called expired.
pub(crate) const RECENT_SECS: u64 = 600;

/// The number of accepted codes that are remembered.
pub(crate) const RECENT_CODES: usize = 32;

/// One accepted code and when that was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    pub(crate) code: Code,
    pub(crate) at: UnixTime,
}

impl Accepted {
    /// Not older than ten minutes. The future is not older either: whatever clocks do, used digits
    /// stay used.
    const fn is_remembered(&self, now: Moment) -> bool {
        now.is_within_secs_after(self.at, RECENT_SECS)
    }
}

/// The digits accepted lately, with their times.
///
/// The watermark alone would let digits pass again that a nearby step happens to share with one
/// already used. Entries are kept past their ten minutes until their place is needed: so they still
/// count when a clock that had jumped ahead is set right.
pub(crate) struct RecentCodes {
    /// [`Code::packed`]; zero where unused, and unused places come last.
    codes: [u32; RECENT_CODES],
    times: [UnixTime; RECENT_CODES],
}

impl RecentCodes {
    pub(crate) const fn new() -> Self {
        Self { codes: [0; RECENT_CODES], times: [UnixTime::from_secs(0); RECENT_CODES] }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Accepted> {
        let entries = self.codes.iter().zip(&self.times);
        entries.map_while(|(packed, at)| Some(Accepted { code: Code::from_packed(*packed)?, at: *at }))
    }

    /// Returns whether these digits were accepted within ten minutes: all entries are compared, by
    /// mask.
    pub(crate) fn contains(&self, code: Code, now: Moment) -> Choice {
        self.iter()
            .filter(|entry| entry.is_remembered(now))
            .fold(Choice::from(0), |found, entry| found | entry.code.ct_eq(&code))
    }

    /// When there is room for so many acceptances more, if there is none now: too many places are
    /// taken by younger ones.
    pub(crate) fn full_until(&self, count: usize, now: Moment) -> Option<UnixTime> {
        let free = self.codes.iter().filter(|code| **code == 0).count();
        let makes_room = |entry: &Accepted| !entry.is_remembered(now) || now.is_mistaken(entry.at);
        let old = self.iter().filter(makes_room).count();
        if free.saturating_add(old) >= count {
            return None;
        }
        // Free places have the time zero, and come first.
        let free = UnixTime::from_secs(0);
        let mut times = self.times.map(|at| if now.is_mistaken(at) { free } else { at });
        times.sort_unstable();
        times.get(count.saturating_sub(1)).map(|at| at.saturating_add(RECENT_SECS))
    }

    /// Puts the present time in the place of those that a clock gone wrong has written.
    pub(crate) fn correct(&mut self, now: Moment) {
        self.times.iter_mut().for_each(|at| *at = now.corrected(*at));
    }

    #[cfg(feature = "alloc")] // only accounts know their newest time
    pub(crate) const fn times(&mut self) -> &mut [UnixTime] {
        &mut self.times
    }

    /// Remembers an acceptance, in the place of the oldest if all are taken. Times that a clock
    /// gone wrong has written are to be [replaced](Moment::corrected) before.
    pub(crate) fn push(&mut self, accepted: Accepted) {
        let oldest = || {
            let first = self.times.iter().min()?;
            self.times.iter().position(|at| at == first)
        };
        let place = self.codes.iter().position(|code| *code == 0).or_else(oldest).unwrap_or_default();
        self.put(place, accepted);
    }

    /// Puts a code at a place of which there are [`RECENT_CODES`].
    pub(crate) fn put(&mut self, place: usize, accepted: Accepted) {
        if let (Some(code), Some(at)) = (self.codes.get_mut(place), self.times.get_mut(place)) {
            *code = accepted.code.packed();
            *at = accepted.at;
        }
    }
}

impl fmt::Debug for RecentCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecentCodes({} codes)", self.iter().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(value: u32, secs: u64) -> Accepted {
        Accepted { code: Code::new(value, crate::otp::Digits::Six), at: UnixTime::from_secs(secs) }
    }

    fn now(secs: u64) -> Moment {
        Moment::new(UnixTime::from_secs(secs), UnixTime::from_secs(0))
    }

    fn contains(recent_codes: &RecentCodes, value: u32, secs: u64) -> bool {
        recent_codes.contains(entry(value, 0).code, now(secs)).into()
    }

    #[test]
    fn digits_are_remembered_for_ten_minutes_to_the_second() {
        let mut recent_codes = RecentCodes::new();
        recent_codes.push(entry(7, 1_000));
        assert!(contains(&recent_codes, 7, 1_000));
        assert!(contains(&recent_codes, 7, 1_599));
        assert!(!contains(&recent_codes, 7, 1_600));
        assert!(!contains(&recent_codes, 8, 1_000));
    }

    #[test]
    fn a_clock_that_jumped_ahead_and_back_forgets_nothing() {
        let mut recent_codes = RecentCodes::new();
        recent_codes.push(entry(7, 1_000));
        recent_codes.push(entry(8, 9_000_000));
        assert!(contains(&recent_codes, 7, 1_010));
        assert!(contains(&recent_codes, 8, 1_010), "what lies in the future is not old");
    }

    #[test]
    fn two_at_once_wait_until_two_places_are_free() {
        let mut recent_codes = RecentCodes::new();
        for i in 0..30 {
            recent_codes.push(entry(i, 1_000 + u64::from(i)));
        }
        assert_eq!(recent_codes.full_until(2, now(1_040)), None);
        recent_codes.push(entry(30, 1_030));
        assert_eq!(recent_codes.full_until(2, now(1_040)), Some(UnixTime::from_secs(1_600)));
        assert_eq!(recent_codes.full_until(2, now(1_600)), None);
        recent_codes.push(entry(31, 1_031));
        assert_eq!(recent_codes.full_until(2, now(1_600)), Some(UnixTime::from_secs(1_601)));
        assert_eq!(recent_codes.full_until(2, now(1_601)), None);
    }

    #[test]
    fn thirty_two_young_ones_leave_no_room_until_the_oldest_is_ten_minutes_old() {
        let mut recent_codes = RecentCodes::new();
        for i in 0..32 {
            assert_eq!(recent_codes.full_until(1, now(1_040)), None);
            recent_codes.push(entry(i, 1_000 + u64::from(i)));
        }
        assert_eq!(recent_codes.full_until(1, now(1_040)), Some(UnixTime::from_secs(1_600)));
        assert_eq!(recent_codes.full_until(1, now(1_600)), None);
        recent_codes.push(entry(99, 1_600));
        assert!(!contains(&recent_codes, 0, 1_040), "the oldest made room");
        assert!(contains(&recent_codes, 1, 1_040));
        assert_eq!(recent_codes.full_until(1, now(1_600)), Some(UnixTime::from_secs(1_601)));
    }
}
