//! The tracker of one authenticator: the steps that it has used, and the drift of its clock.

use super::time::Step;
use super::window::{OpenSteps, Window};
use subtle::{Choice, ConditionallySelectable, ConstantTimeGreater};

/// The range of an anchor, where a resynchronization has found the clock, in steps of the shortest
/// period: a day behind to ten minutes ahead.
const ANCHORS: (i32, i32) = (-86_400, 600);
/// An anchor that lies behind this is given up once a code of our own clock is
/// accepted, in steps. (Nearer ones stay: a phone that was set right may go wrong again.)
const ANCHORS_KEPT: i32 = -20;
/// Learning moves the drift at most this many steps from the anchor, whatever the policy.
pub(crate) const MAX_DRIFT: u8 = 60;

/// Watermark and drift of one authenticator.
///
/// The watermark is the highest step used up, and only rises. The drift is the learned distance in
/// steps between the authenticator's clock and ours; acceptances move it by one at a time and never
/// far from the anchor, which is where the last resynchronization put it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tracker {
    watermark: Option<Step>,
    drift: i32,
    anchor: i32,
}

impl Tracker {
    pub(crate) const NEW: Self = Self { watermark: None, drift: 0, anchor: 0 };

    pub(crate) const fn imported(used_up: Step) -> Self {
        Self { watermark: Some(used_up), ..Self::NEW }
    }

    pub(crate) const fn watermark(self) -> Option<Step> {
        self.watermark
    }

    pub(crate) const fn anchor(self) -> i32 {
        self.anchor
    }

    /// In steps, within `max_drift` of the anchor: a stricter policy holds for what an older one
    /// let be learned.
    pub(crate) fn drift(self, max_drift: u8) -> i32 {
        let (lowest, highest) = self.drift_bounds(max_drift);
        self.drift.max(lowest).min(highest)
    }

    fn drift_bounds(self, max_drift: u8) -> (i32, i32) {
        let max_drift = i32::from(max_drift);
        (self.anchor.saturating_sub(max_drift), self.anchor.saturating_add(max_drift))
    }

    /// The steps acceptable at `now`: the window around our step, for whoever has set the clock
    /// right, and the window around our step plus drift.
    pub(crate) fn open(self, window: Window, max_drift: u8, now: Step) -> OpenSteps {
        window.around(now).union(window.around(now.saturating_offset(i64::from(self.drift(max_drift)))))
    }

    /// After the acceptance of `step` at `now`. Which step it was shows in the result only: no
    /// branch depends on it.
    pub(crate) fn accepted(self, step: Step, max_drift: u8, now: Step) -> Self {
        if self.drift(max_drift) >= ANCHORS_KEPT {
            return self.learned(step, max_drift, now);
        }
        // A code of our own clock after a resynchronization far behind: the clock has been set right, and
        // yesterday's steps close.
        let (far, near) = (self.learned(step, max_drift, now), Self::NEW.learned(step, max_drift, now));
        let expected = now.saturating_offset(i64::from(self.drift(max_drift)));
        let between = expected.number().midpoint(now.number());
        let is_ours = step.number().ct_gt(&between);
        Self {
            watermark: Some(step),
            drift: i32::conditional_select(&far.drift, &near.drift, is_ours),
            anchor: i32::conditional_select(&far.anchor, &near.anchor, is_ours),
        }
    }

    fn learned(self, step: Step, max_drift: u8, now: Step) -> Self {
        let drift = self.drift(max_drift);
        let (lowest, highest) = self.drift_bounds(max_drift);
        let expected = now.saturating_offset(i64::from(drift)).number();
        let mut moved = drift;
        let number = step.number();
        moved.conditional_assign(&drift.saturating_add(1), number.ct_gt(&expected) & below(drift, highest));
        moved.conditional_assign(&drift.saturating_sub(1), expected.ct_gt(&number) & below(lowest, drift));
        Self { watermark: Some(step), drift: moved, anchor: self.anchor }
    }

    /// After two codes in a row, the second one `step`'s, both above the watermark: what is
    /// expected from now on is measured from there.
    #[cfg_attr(not(feature = "alloc"), allow(dead_code))] // only accounts are resynchronized
    pub(crate) fn resynchronized(self, step: Step, now: Step) -> Self {
        // Within what was searched: a day of the shortest period.
        #[allow(clippy::cast_possible_truncation)]
        let ahead = step.distance_from(now) as i32;
        Self { watermark: self.watermark.max(Some(step)), drift: ahead, anchor: ahead }
    }

    /// With nothing learned of the clock; the watermark stays.
    #[cfg_attr(not(feature = "alloc"), allow(dead_code))] // an operator's act on accounts
    pub(crate) const fn cleared(self) -> Self {
        Self { watermark: self.watermark, ..Self::NEW }
    }

    /// With all steps up to `step` used up.
    #[cfg_attr(not(feature = "alloc"), allow(dead_code))] // only accounts are restored
    pub(crate) fn used_up(self, step: Step) -> Self {
        Self { watermark: self.watermark.max(Some(step)), ..self }
    }

    /// From stored numbers, if they can be.
    pub(crate) const fn from_stored(watermark: Option<Step>, drift: i32, anchor: i32) -> Option<Self> {
        let anchor_is_sane = ANCHORS.0 <= anchor && anchor <= ANCHORS.1;
        if !anchor_is_sane || drift.abs_diff(anchor) > MAX_DRIFT as u32 {
            return None;
        }
        // Drift is learned from acceptances, which leave a watermark.
        if watermark.is_none() && (drift != 0 || anchor != 0) {
            return None;
        }
        Some(Self { watermark, drift, anchor })
    }

    /// The learned drift as it was stored.
    pub(crate) const fn stored_drift(self) -> i32 {
        self.drift
    }
}

/// Both numbers are public; the result joins a mask.
fn below(a: i32, b: i32) -> Choice {
    Choice::from(u8::from(a < b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_moves_one_step_at_a_time_and_stays_within_its_bound() {
        let now = Step::new(1_000);
        let mut tracker = Tracker::NEW;
        for expected in [1, 2, 3, 4, 4, 4] {
            tracker = tracker.accepted(Step::new(1_010), 4, now);
            assert_eq!(tracker.drift(4), expected);
        }
        for expected in [3, 2, 1, 0, -1, -2, -3, -4, -4] {
            tracker = tracker.accepted(Step::new(900), 4, now);
            assert_eq!(tracker.drift(4), expected);
        }
        assert_eq!(tracker.accepted(Step::new(996), 4, now).drift(4), -4, "what was expected moves nothing");
    }

    #[test]
    fn a_stricter_policy_bounds_drift_learnt_under_a_wider_one() {
        let now = Step::new(1_000);
        let tracker = (0..9).fold(Tracker::NEW, |tracker, _| tracker.accepted(Step::new(1_100), 9, now));
        assert_eq!(tracker.drift(9), 9);
        assert_eq!(tracker.drift(2), 2);
        assert_eq!(tracker.accepted(Step::new(1_100), 2, now).drift(9), 2);
    }

    #[test]
    fn without_learning_drift_stays_at_zero() {
        assert_eq!(Tracker::NEW.accepted(Step::new(1_003), 0, Step::new(1_000)).drift(0), 0);
    }
}
