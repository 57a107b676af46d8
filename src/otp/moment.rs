//! Time only adds protection: how a stored time is compared with now, in one place.

use super::time::UnixTime;

/// A stored time that lies further ahead of the clock, in seconds, was written by a clock gone
/// wrong. It holds nothing and counts for nothing: one bad clock would lock everybody for as long
/// as it was ahead.
const MAX_AHEAD_SECS: u64 = 86_400;

/// The moment at which a state or a record is looked at.
///
/// Servers' clocks differ, and clocks jump. So there are two times, and each question is asked of
/// the one that protects more. A protection (a lock, a hold, a used code) begins at the later one,
/// and has ended when the clock says so. A thing that is given out (a pass, a proof, a known
/// browser) has ended when the later one says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// The time that the clock reads. The steps of codes are counted by it alone.
    pub(crate) clock: UnixTime,
    /// The later of it and the newest stored time. This is the one that is stored.
    pub(crate) time: UnixTime,
}

impl Moment {
    /// The moment at which the clock reads `clock`, for what was stored until `newest`.
    pub(crate) const fn new(clock: UnixTime, newest: UnixTime) -> Self {
        let moment = Self { clock, time: clock };
        let is_later = newest.as_secs() > clock.as_secs() && !moment.is_mistaken(newest);
        if is_later { Self { time: newest, ..moment } } else { moment }
    }

    /// The end of what lasts `secs` from now on.
    #[cfg(feature = "alloc")] // only accounts have what ends
    pub(crate) const fn after_secs(self, secs: u64) -> UnixTime {
        self.time.saturating_add(secs)
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

    /// Returns whether something is good that lives for `life_secs` seconds, until `end`. One with
    /// longer to live was given out by a clock gone wrong, or under a policy that was less strict.
    #[cfg(feature = "alloc")] // only accounts have what is given out
    pub(crate) const fn is_before_end(self, end: UnixTime, life_secs: u64) -> bool {
        let left = end.saturating_since(self.time);
        left > 0 && left <= life_secs
    }

    /// Returns whether something is good that was given out at `at` and lives for `secs` seconds. A
    /// time that lies ahead counts as well as one that has passed.
    #[cfg(feature = "alloc")] // only accounts have what is given out
    pub(crate) const fn is_near(self, at: UnixTime, secs: u64) -> bool {
        self.time.as_secs().abs_diff(at.as_secs()) < secs
    }

    /// Returns whether the end of something that lives for `life_secs` seconds at most was set by a
    /// clock gone wrong.
    #[cfg(feature = "alloc")] // only accounts have what is given out
    pub(crate) const fn is_mistaken_end(self, end: UnixTime, life_secs: u64) -> bool {
        end.saturating_since(self.clock).saturating_sub(life_secs) > MAX_AHEAD_SECS
    }

    /// A stored time, or the present one in the place of a mistaken one.
    pub(crate) const fn corrected(self, at: UnixTime) -> UnixTime {
        if self.is_mistaken(at) { self.time } else { at }
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
}
