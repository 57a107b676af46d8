//! Counts failures and locks.

use super::limits::Limits;
use super::moment::Moment;
use super::rejection::LockState;
use super::time::UnixTime;
use core::num::NonZeroU32;

/// The answer of a throttle before a code is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Open,
    /// No code is evaluated before this instant.
    Locked(UnixTime),
    /// Too many failures in a row: no code is evaluated until the authenticator is bound anew.
    Disabled,
}

/// The failures of one guesser or of many.
///
/// The run of failures ends with a success and drives the short locks. The long-term count survives
/// successes and only leaks, by one per [`Limits::leak_every_secs`] and by one per write at most,
/// so that a clock that jumps empties nothing.
///
/// A lock is kept as its beginning. One that a clock gone wrong has set ([`Moment`]) does not hold;
/// its failures still count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Throttle {
    /// Failures in a row.
    pub(crate) run: u32,
    pub(crate) last_failure: UnixTime,
    /// Failures that have not leaked away.
    pub(crate) long_term: u32,
    /// The time when the long-term count last leaked or began.
    pub(crate) leaked_at: UnixTime,
}

impl Throttle {
    pub(crate) const NEW: Self =
        Self { run: 0, last_failure: UnixTime::from_secs(0), long_term: 0, leaked_at: UnixTime::from_secs(0) };

    pub(crate) fn admission(&self, limits: &Limits, now: Moment) -> Admission {
        if self.run >= limits.disable_after {
            return Admission::Disabled;
        }
        let short = limits.lock_secs(self.run).and_then(|secs| now.protected_until(self.last_failure, secs));
        match short.max(self.full_until(limits, now)) {
            Some(until) => Admission::Locked(until),
            None => Admission::Open,
        }
    }

    /// Returns whether the long-term count admits nothing now.
    #[cfg_attr(not(feature = "alloc"), allow(dead_code))] // only accounts have several throttles
    pub(crate) fn is_full(&self, limits: &Limits, now: Moment) -> bool {
        self.full_until(limits, now).is_some()
    }

    fn full_until(&self, limits: &Limits, now: Moment) -> Option<UnixTime> {
        let is_full = self.long_term >= limits.long_term;
        is_full.then(|| now.protected_until(self.leaked_at, limits.leak_every_secs)).flatten()
    }

    pub(crate) fn fail(&mut self, limits: &Limits, now: Moment) {
        self.leak(limits, now);
        if self.long_term == 0 {
            self.leaked_at = now.time;
        }
        if self.long_term < limits.long_term {
            self.long_term = self.long_term.saturating_add(1);
        }
        self.run = self.run.saturating_add(1);
        self.last_failure = now.time;
    }

    pub(crate) fn succeed(&mut self, limits: &Limits, now: Moment) {
        self.leak(limits, now);
        self.run = 0;
    }

    fn leak(&mut self, limits: &Limits, now: Moment) {
        // An older policy may have counted further.
        self.long_term = self.long_term.min(limits.long_term);
        self.leaked_at = now.corrected(self.leaked_at);
        let elapsed = now.clock.saturating_since(self.leaked_at);
        if elapsed >= limits.leak_every_secs {
            self.long_term = self.long_term.saturating_sub(1);
            // On time, whenever the write comes; what was missed for longer is not made up for.
            let is_on_time = elapsed < limits.leak_every_secs.saturating_mul(2);
            self.leaked_at = if is_on_time { self.leaked_at.saturating_add(limits.leak_every_secs) } else { now.time };
        }
    }

    pub(crate) const fn times(&mut self) -> [&mut UnixTime; 2] {
        [&mut self.last_failure, &mut self.leaked_at]
    }

    /// The guesser's state after a failure.
    pub(crate) fn lock_state(&self, limits: &Limits, now: Moment) -> LockState {
        match self.admission(limits, now) {
            Admission::Disabled => LockState::Disabled,
            Admission::Locked(until) => LockState::Locked { until },
            Admission::Open => {
                let until_lock = limits.lock_after.saturating_sub(self.run);
                let until_full = limits.long_term.saturating_sub(self.long_term);
                let until_disabled = limits.disable_after.saturating_sub(self.run);
                let left = until_lock.min(until_full).min(until_disabled);
                // Past the first lock each failure locks again: one is left.
                LockState::Open { attempts_left: NonZeroU32::new(left).unwrap_or(NonZeroU32::MIN) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits::DEFAULT;

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    fn now(secs: u64) -> Moment {
        Moment::new(at(secs), at(0))
    }

    fn failed(times: u32, secs: u64) -> Throttle {
        let mut throttle = Throttle::NEW;
        (0..times).for_each(|_| throttle.fail(&LIMITS, now(secs)));
        throttle
    }

    #[test]
    fn the_fifth_failure_locks_and_each_further_one_twice_as_long_up_to_an_hour() {
        assert_eq!(failed(4, 1_000).admission(&LIMITS, now(1_000)), Admission::Open);
        for (failures, secs) in [(5, 30), (6, 60), (7, 120), (8, 240), (11, 1_920), (12, 3_600), (40, 3_600)] {
            let throttle = failed(failures, 1_000);
            let end = at(1_000 + secs);
            assert_eq!(
                throttle.admission(&LIMITS, now(1_000 + secs - 1)),
                Admission::Locked(end),
                "{failures} failures"
            );
            assert_eq!(throttle.admission(&LIMITS, now(1_000 + secs)), Admission::Open, "{failures} failures");
        }
    }

    #[test]
    fn a_lock_that_ran_out_keeps_the_count() {
        let mut throttle = failed(5, 1_000);
        throttle.fail(&LIMITS, now(1_030));
        assert_eq!(throttle.admission(&LIMITS, now(1_089)), Admission::Locked(at(1_090)));
    }

    #[test]
    fn a_success_ends_the_run_and_leaves_the_long_term_count() {
        let mut throttle = failed(4, 1_000);
        throttle.succeed(&LIMITS, now(1_001));
        assert_eq!((throttle.run, throttle.long_term), (0, 4));
    }

    #[test]
    fn a_full_long_term_count_admits_one_attempt_a_day() {
        let mut throttle = failed(50, 1_000);
        throttle.succeed(&LIMITS, now(1_000));
        for day in 1..4 {
            let due = 1_000 + day * 86_400;
            assert_eq!(throttle.admission(&LIMITS, now(due - 1)), Admission::Locked(at(due)));
            assert_eq!(throttle.admission(&LIMITS, now(due)), Admission::Open);
            throttle.fail(&LIMITS, now(due));
            throttle.succeed(&LIMITS, now(due));
        }
    }

    #[test]
    fn a_year_away_leaks_one() {
        let mut throttle = failed(3, 1_000);
        throttle.succeed(&LIMITS, now(400 * 86_400));
        assert_eq!(throttle.long_term, 2);
        throttle.succeed(&LIMITS, now(400 * 86_400));
        assert_eq!(throttle.long_term, 2);
    }

    #[test]
    fn a_hundred_failures_in_a_row_disable() {
        assert_ne!(failed(99, 1_000).admission(&LIMITS, now(u64::MAX)), Admission::Disabled);
        assert_eq!(failed(100, 1_000).admission(&LIMITS, now(u64::MAX)), Admission::Disabled);
    }

    #[test]
    fn a_lock_holds_when_the_clock_is_set_back_a_little() {
        assert_eq!(failed(5, 1_000).admission(&LIMITS, now(971)), Admission::Locked(at(1_030)));
    }

    #[test]
    fn a_lock_from_a_clock_far_ahead_does_not_hold_but_its_failures_count() {
        let mut throttle = failed(5, 9_000_000);
        assert_eq!(throttle.admission(&LIMITS, now(1_000)), Admission::Open);
        throttle.fail(&LIMITS, now(1_000));
        assert_eq!(throttle.admission(&LIMITS, now(1_059)), Admission::Locked(at(1_060)));
        assert_eq!(throttle.leaked_at, at(1_000));
    }

    #[test]
    fn a_lock_holds_on_a_server_whose_clock_is_behind_by_more_than_its_length() {
        assert_eq!(failed(5, 1_031).admission(&LIMITS, now(1_000)), Admission::Locked(at(1_061)));
    }

    #[test]
    fn a_full_count_from_a_clock_a_day_ahead_holds_and_from_one_further_ahead_does_not() {
        let limits = Limits { long_term: 15, leak_every_secs: 6 * 86_400, ..LIMITS };
        let ahead = |secs: u64| Throttle { long_term: 15, leaked_at: at(1_000_000 + secs), ..Throttle::NEW };
        assert!(ahead(86_400).is_full(&limits, now(1_000_000)));
        assert!(!ahead(86_401).is_full(&limits, now(1_000_000)));
    }

    #[test]
    fn a_lock_holds_at_the_end_of_time() {
        let end = u64::MAX;
        assert_eq!(failed(5, end).admission(&LIMITS, now(end)), Admission::Locked(at(end)));
        assert_eq!(failed(60, end).admission(&LIMITS, now(end)), Admission::Locked(at(end)));
    }

    #[test]
    fn attempts_left_count_down_to_the_lock() {
        let left = |failures| failed(failures, 1_000).lock_state(&LIMITS, now(1_000));
        let open = |n| LockState::Open { attempts_left: NonZeroU32::new(n).unwrap() };
        assert_eq!([left(1), left(4)], [open(4), open(1)]);
        assert_eq!(left(5), LockState::Locked { until: at(1_030) });
        assert_eq!(left(100), LockState::Disabled);
    }
}
