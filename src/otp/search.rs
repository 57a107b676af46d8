//! Looking further than the window: for two codes in a row, and for what two wrong codes have in
//! common.

use super::code::Code;
use super::key::Key;
use super::time::Step;
use super::window::OpenSteps;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater};

/// A clock that was set by hand is off by up to so many seconds: searched step by step.
const NEAR_SECS: u64 = 600;
/// Offsets of time zones are multiples of this: a quarter of an hour, in seconds.
const ZONE_SECS: u64 = 900;
/// The number of multiples: fourteen hours (the largest distance from UTC, that of Kiritimati).
const ZONES: u64 = 56;
/// So many steps around such a multiple are searched.
const AROUND_ZONE: u64 = 2;

/// A code, and the step it was typed at by our clock.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) code: Code,
    pub(crate) step: Step,
}

impl Key {
    /// Looks for two steps in a row, both among `steps` and above the watermark, at which these
    /// codes are right. Gives whether there are such, and the highest second one. All steps are
    /// computed and compared.
    pub(crate) fn find_pair(&self, codes: [Code; 2], steps: OpenSteps, watermark: Option<Step>) -> (Choice, u64) {
        let [first, second] = codes;
        let no_watermark = Choice::from(u8::from(watermark.is_none()));
        let watermark = watermark.map_or(0, Step::number);
        let no = Choice::from(0);
        let (mut found, mut place, mut first_was_right) = (no, 0, no);
        self.walk(steps.iter(), |step, expected| {
            let pair = first_was_right & expected.ct_eq(&second);
            place.conditional_assign(&step, pair);
            found |= pair;
            first_was_right = expected.ct_eq(&first) & (no_watermark | step.ct_gt(&watermark));
        });
        (found, place)
    }

    /// Looks for a distance from our clock, in steps, at which both codes are right, or within one
    /// step of it. Gives whether there is one, and the smallest: up to ten minutes step by
    /// step, and up to fourteen hours near the quarters of an hour that time zones are apart.
    /// All of them are computed and compared.
    pub(crate) fn find_agreement(&self, first: Shown, second: Shown) -> (Choice, i64) {
        let (mut agreed, mut distance) = (Choice::from(0), 0_i64);
        for range in self.distances() {
            for backwards in [false, true] {
                let steps = |typed: Shown| range.clone().map(move |far| off(typed.step, far, backwards).number());
                let mut firsts = [Choice::from(0); MAX_RANGE];
                let mut places = firsts.iter_mut();
                self.walk(steps(first), |_, expected| {
                    if let Some(place) = places.next() {
                        *place = expected.ct_eq(&first.code);
                    }
                });
                let (mut far, mut before) = (range.clone(), Choice::from(0));
                let mut these = firsts.iter();
                let mut this = these.next().copied();
                self.walk(steps(second), |_, expected| {
                    let next = these.next().copied();
                    let near = before | this.unwrap_or(Choice::from(0)) | next.unwrap_or(Choice::from(0));
                    let both = expected.ct_eq(&second.code) & near & !agreed;
                    let signed = far.next().unwrap_or_default().cast_signed();
                    distance.conditional_assign(&if backwards { signed.wrapping_neg() } else { signed }, both);
                    agreed |= both;
                    before = this.unwrap_or(Choice::from(0));
                    this = next;
                });
            }
        }
        (agreed, distance)
    }

    /// The distances to look at, in steps, nearest first.
    fn distances(&self) -> impl Iterator<Item = core::ops::RangeInclusive<u64>> + use<> {
        let period = self.totp().period.as_secs();
        let near = NEAR_SECS.div_ceil(period);
        let zones = (1..=ZONES).map(move |zone| {
            let center = zone.saturating_mul(ZONE_SECS).saturating_add(period >> 1).checked_div(period).unwrap_or(0);
            center.saturating_sub(AROUND_ZONE)..=center.saturating_add(AROUND_ZONE)
        });
        core::iter::once(0..=near).chain(zones)
    }
}

/// Ten minutes of the shortest period, and no distance at all.
const MAX_RANGE: usize = 601;

fn off(step: Step, far: u64, backwards: bool) -> Step {
    let far = far.cast_signed();
    step.saturating_offset(if backwards { far.wrapping_neg() } else { far })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::{Period, Secret, Totp};

    const NOW: u64 = 60_000_000;

    fn key(period: u64) -> Key {
        let totp = Totp { period: Period::from_secs(period).unwrap(), ..Totp::DEFAULT };
        totp.key(&Secret::new(&[5; 20]).unwrap())
    }

    fn agreement(key: &Key, first: (i64, u64), second: (i64, u64)) -> Option<i64> {
        let typed = |(off, at): (i64, u64)| {
            let step = Step::new(at);
            Shown { code: key.code_at(step.saturating_offset(off)), step }
        };
        let (agreed, distance) = key.find_agreement(typed(first), typed(second));
        bool::from(agreed).then_some(distance)
    }

    #[test]
    fn two_codes_of_one_distance_agree_and_others_do_not() {
        let key = key(30);
        for far in [-1_680, -1_082, -1_078, -30, -28, -20, -3, 3, 20, 28, 1_080, 1_682] {
            assert_eq!(agreement(&key, (far, NOW), (far, NOW + 3)), Some(far), "{far}");
        }
        // Typed as it turned over, or by a clock between two steps.
        assert_eq!(agreement(&key, (8, NOW), (9, NOW + 2)), Some(9));
        assert_eq!(agreement(&key, (9, NOW), (8, NOW + 2)), Some(8));
        for (first, second) in [(8, 10), (-8, 8), (1_080, 30), (24, 24), (1_086, 1_086), (2_000, 2_000)] {
            assert_eq!(agreement(&key, (first, NOW), (second, NOW + 3)), None, "{first} {second}");
        }
    }

    #[test]
    fn time_zones_are_found_whatever_the_period() {
        for period in [1, 7, 30, 60, 120] {
            let steps = i64::try_from(9 * 3_600 / period).unwrap();
            assert_eq!(agreement(&key(period), (steps, NOW), (steps, NOW + 1)), Some(steps), "{period}");
            let near = i64::try_from(600 / period).unwrap();
            assert_eq!(agreement(&key(period), (-near, NOW), (-near, NOW + 1)), Some(-near), "{period}");
        }
    }

    #[test]
    fn a_pair_is_two_steps_in_a_row_above_the_watermark() {
        let key = key(30);
        let codes = |first: u64, second: u64| [key.code_at(Step::new(first)), key.code_at(Step::new(second))];
        let steps = OpenSteps::range(Step::new(NOW - 20), Step::new(NOW + 20));
        let find = |codes, watermark: Option<u64>| {
            let (found, step) = key.find_pair(codes, steps, watermark.map(Step::new));
            bool::from(found).then_some(step)
        };
        for first in [NOW - 20, NOW, NOW + 19] {
            assert_eq!(find(codes(first, first + 1), None), Some(first + 1));
            assert_eq!(find(codes(first, first + 1), Some(first - 1)), Some(first + 1));
            assert_eq!(find(codes(first, first + 1), Some(first)), None, "the first one is used");
            assert_eq!(find(codes(first, first + 1), Some(first + 1)), None);
            assert_eq!(find(codes(first + 1, first), None), None, "in that order");
            assert_eq!(find(codes(first, first + 2), None), None);
            assert_eq!(find(codes(first, first), None), None);
        }
        assert_eq!(find(codes(NOW - 21, NOW - 20), None), None, "out of range");
        assert_eq!(find(codes(NOW + 20, NOW + 21), None), None, "out of range");
    }
}
