//! The window: the steps that are acceptable now.

use super::time::Step;

/// The numbers of steps before and after the expected one that are acceptable.
///
/// RFC 6238 §5.2 recommends at most one step back for what the network takes; the step ahead is for
/// phones whose clocks run fast. Each step more is one more code a guesser may hit, see
/// [`CodePolicy::risk`](super::CodePolicy::risk).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Window {
    /// Steps accepted before the expected one.
    pub past: u8,
    /// Steps accepted after the expected one.
    pub future: u8,
}

impl Window {
    /// One step before and one after.
    pub const DEFAULT: Self = Self::new(1, 1);
    /// Two before and two after: for the code that confirms an enrollment.
    pub const ENROLLMENT: Self = Self::new(2, 2);

    /// A window of `past` steps before and `future` steps after the expected one.
    #[must_use]
    pub const fn new(past: u8, future: u8) -> Self {
        Self { past, future }
    }

    /// The number of steps in the window.
    #[must_use]
    pub const fn steps(self) -> u32 {
        (self.past as u32).saturating_add(self.future as u32).saturating_add(1)
    }

    /// The steps of this window around `center`.
    #[must_use]
    pub fn around(self, center: Step) -> OpenSteps {
        let first = center.saturating_offset(i64::from(self.past).saturating_neg());
        OpenSteps::range(first, center.saturating_offset(i64::from(self.future)))
    }
}

impl Default for Window {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A set of steps: a range, or two that neither overlap nor touch, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenSteps {
    first: Range,
    second: Option<Range>,
}

/// First and last, both included; empty if the first is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    first: u64,
    last: u64,
}

impl OpenSteps {
    /// The steps from `first` to `last`, both included; none if `first` is the later one.
    #[must_use]
    pub const fn range(first: Step, last: Step) -> Self {
        Self { first: Range { first: first.number(), last: last.number() }, second: None }
    }

    /// The steps in either of two windows of equal size.
    pub(crate) fn union(self, other: Self) -> Self {
        let (low, high) =
            if self.first.first <= other.first.first { (self.first, other.first) } else { (other.first, self.first) };
        if high.first <= low.last.saturating_add(1) {
            let last = low.last.max(high.last);
            return Self { first: Range { first: low.first, last }, second: None };
        }
        Self { first: low, second: Some(high) }
    }

    /// All steps in ascending order.
    pub(crate) fn iter(self) -> impl Iterator<Item = u64> {
        let second = self.second.into_iter().flat_map(|range| range.first..=range.last);
        (self.first.first..=self.first.last).chain(second)
    }

    /// Returns whether `step` is among them.
    #[must_use]
    pub fn contains(self, step: Step) -> bool {
        let within = |range: Range| (range.first..=range.last).contains(&step.number());
        within(self.first) || self.second.is_some_and(within)
    }
}
