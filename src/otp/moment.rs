//! Time only adds protection: how a stored time is compared with now, in one place.

use super::time::UnixTime;

/// A stored time that lies further ahead of the clock, in seconds, was written by a clock gone
/// wrong. It holds nothing and counts for nothing: one bad clock would lock everybody for as long
/// as it was ahead.
const MAX_AHEAD_SECS: u64 = 86_400;

/// A grant may end this many seconds later than our clock allows: the clock of the server that
/// gave it may be ahead.
#[cfg(feature = "alloc")] // only accounts give out
const SKEW_SECS: u64 = 60;

/// The moment at which a state or a record is looked at.
///
/// Servers' clocks differ, and clocks jump. So there are two times: the clock's, and the newest
/// that is stored, if that is later.
///
/// - A protection (a lock, a hold, a used code) begins at the later one, and ends by the clock. On
///   a server that is an hour behind, a lock begins where the others stand, and ends an hour later.
/// - A grant (a pass, a proof, a pending enrollment) ends by the clock or by the newest time,
///   whichever comes first. With each grant we store how far the newest time was ahead of the clock
///   then: its [lead](Self::lead).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// The time that the clock reads. The steps of codes are counted by it alone.
    pub(crate) clock: UnixTime,
    /// The later of it and the newest stored time. Protections begin here.
    pub(crate) time: UnixTime,
}

impl Moment {
    /// The moment at which the clock reads `clock`, for what was stored until `newest`.
    pub(crate) const fn new(clock: UnixTime, newest: UnixTime) -> Self {
        let moment = Self { clock, time: clock };
        let is_later = newest.as_secs() > clock.as_secs() && !moment.is_mistaken(newest);
        if is_later { Self { time: newest, ..moment } } else { moment }
    }

    /// The newest time is so many seconds ahead of the clock.
    #[cfg(feature = "alloc")] // only accounts give out
    pub(crate) const fn lead(self) -> u64 {
        self.time.saturating_since(self.clock)
    }

    /// Returns whether a stored time was written by a clock gone wrong.
    pub(crate) const fn is_mistaken(self, at: UnixTime) -> bool {
        at.saturating_since(self.clock) > MAX_AHEAD_SECS
    }

    /// The end of a protection that began at `from` and lasts `secs`, if it is in force.
    pub(crate) fn protected_until(self, from: UnixTime, secs: u64) -> Option<UnixTime> {
        let is_in_force = self.is_within_secs_after(from, secs) && !self.is_mistaken(from);
        is_in_force.then(|| from.saturating_add(secs))
    }

    /// Returns whether fewer than `secs` seconds have passed since `at`. A time in the future has
    /// not passed either, however far it lies ahead: used codes stay used.
    pub(crate) const fn is_within_secs_after(self, at: UnixTime, secs: u64) -> bool {
        self.clock.saturating_since(at) < secs
    }

    /// Returns whether a grant is good that lives for `life_secs` seconds at most, until `end`. It
    /// was given out when the newest time was `lead` seconds ahead.
    #[cfg(feature = "alloc")] // only accounts give out
    pub(crate) const fn is_before_end(self, end: UnixTime, lead: u64, life_secs: u64) -> bool {
        let left = end.saturating_since(self.clock);
        let is_over = end.saturating_add(lead).saturating_since(self.time) == 0;
        left > 0 && left <= life_secs.saturating_add(SKEW_SECS) && !is_over
    }

    /// The same for one that was given out at `at`, and lives for `secs` seconds from then on. A
    /// clock that is behind by less than that takes it too.
    #[cfg(feature = "alloc")] // only accounts give out
    pub(crate) const fn is_near(self, at: UnixTime, lead: u64, secs: u64) -> bool {
        let is_over = self.time.saturating_since(at.saturating_add(lead)) >= secs;
        self.clock.as_secs().abs_diff(at.as_secs()) < secs && !is_over
    }

    /// A stored time, or the present one in the place of a mistaken one.
    pub(crate) const fn corrected(self, at: UnixTime) -> UnixTime {
        if self.is_mistaken(at) { self.time } else { at }
    }

    /// A stored time, or the present one if that is earlier: where the newest one is a mistake,
    /// none of the later ones is to be trusted.
    #[cfg(feature = "alloc")] // only accounts know their newest time
    pub(crate) fn at_most_now(self, at: UnixTime) -> UnixTime {
        at.min(self.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    #[test]
    fn the_newest_time_counts_up_to_a_day_ahead_of_the_clock() {
        let moment = |newest| Moment::new(at(1_000_000), at(newest)).time;
        assert_eq!(moment(999_999), at(1_000_000));
        assert_eq!(moment(1_000_001), at(1_000_001));
        assert_eq!(moment(1_000_000 + DAY), at(1_000_000 + DAY));
        assert_eq!(moment(1_000_000 + DAY + 1), at(1_000_000), "the mistake of a clock");
        assert_eq!(Moment::new(at(1_000_000), at(u64::MAX)).clock, at(1_000_000));
    }

    #[test]
    fn a_protection_lasts_its_seconds_from_its_beginning() {
        let moment = Moment::new(at(1_000_000), at(0));
        let until = |from: u64| moment.protected_until(at(from), 30).map(UnixTime::as_secs);
        assert_eq!(until(999_970), None);
        assert_eq!(until(999_971), Some(1_000_001));
        assert_eq!(until(1_000_000 + DAY), Some(1_000_030 + DAY));
        assert_eq!(until(1_000_001 + DAY), None, "the mistake of a clock");
    }

    #[test]
    fn mistaken_times_are_replaced_by_the_present_one() {
        let moment = Moment::new(at(1_000_000), at(1_000_500));
        assert_eq!(moment.corrected(at(5)), at(5));
        assert_eq!(moment.corrected(at(1_000_000 + DAY)), at(1_000_000 + DAY));
        assert_eq!(moment.corrected(at(1_000_001 + DAY)), at(1_000_500));
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn a_grant_ends_by_the_clock_or_by_the_newest_time() {
        // Given out by a clock at a million, while the newest time was an hour ahead.
        let (end, lead) = (at(1_000_300), 3_600);
        let is_good = |clock, newest| Moment::new(at(clock), at(newest)).is_before_end(end, lead, 300);
        assert!(is_good(1_000_000, 1_003_600) && is_good(1_000_299, 1_003_600));
        assert!(!is_good(1_000_300, 1_003_600), "by the clock");
        assert!(is_good(1_000_010, 1_003_899) && !is_good(1_000_010, 1_003_900), "by the newest time");
        assert!(is_good(999_940, 1_003_600) && !is_good(999_939, 1_003_600), "a clock set back");
        let is_near = |clock, newest| Moment::new(at(clock), at(newest)).is_near(at(1_000_000), lead, 300);
        assert!(is_near(1_000_299, 1_003_600) && !is_near(1_000_300, 1_003_600));
        assert!(is_near(999_701, 1_003_600) && !is_near(999_700, 1_003_600));
        assert!(is_near(1_000_010, 1_003_899) && !is_near(1_000_010, 1_003_900));
    }
}
