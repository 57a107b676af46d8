//! One code against one authenticator: what both `decide` and an account's verification rest on.

use super::code::Code;
use super::key::{Found, Key};
use super::limits::Limits;
use super::recent_codes::RECENT_SECS;
use super::time::{Step, UnixTime};
use super::totp::Totp;
use super::tracker::Tracker;
use super::window::OpenSteps;
use subtle::{Choice, ConditionallySelectable, ConstantTimeGreater};

/// The result of comparing a code with every open step, as masks and numbers that nothing has
/// branched upon.
#[derive(Clone, Copy)]
pub(crate) struct Evaluation {
    /// Right, above the watermark, and not of digits accepted lately.
    pub(crate) accepted: Choice,
    /// Right at any open step.
    #[cfg_attr(not(feature = "alloc"), allow(dead_code))] // only accounts have several authenticators
    pub(crate) matched: Choice,
    /// Refused as used, or as older than one used.
    pub(crate) replayed: Choice,
    /// The matching step; of no meaning unless accepted.
    pub(crate) step: u64,
    /// The time when an unused code can be had; of no meaning unless replayed.
    pub(crate) next: Next,
    /// The steps that the code was compared with.
    open: OpenSteps,
}

/// From when on an authenticator shows a code that has not been used.
#[derive(Clone, Copy, Default)]
pub(crate) struct Next {
    /// No code up to this step can be accepted.
    used_up: u64,
    /// The authenticator seems so many steps ahead now.
    ahead: i64,
}

impl Evaluation {
    /// `spent`: the digits were accepted lately, and are refused whichever step they belong to now.
    pub(crate) fn of(key: &Key, limits: &Limits, tracker: Tracker, spent: Choice, step: Step, code: Code) -> Self {
        let open = tracker.open(limits.window, limits.max_drift, step);
        let Found { fresh, used, step: found, used_step } = key.find(code, open, tracker.watermark());
        let mut used_up = tracker.watermark().map_or(0, Step::number);
        used_up.conditional_assign(&found, fresh & spent);
        // A used code on our clock's side of the drift: the owner has set the clock right.
        let drift = i64::from(tracker.drift(limits.max_drift));
        let expected = step.saturating_offset(drift).number();
        let was_ahead = Choice::from(u8::from(drift > 0)) & expected.ct_gt(&used_step);
        let was_behind = Choice::from(u8::from(drift < 0)) & used_step.ct_gt(&expected);
        let ahead = i64::conditional_select(&drift, &0, used & (was_ahead | was_behind));
        Self {
            accepted: fresh & !spent,
            matched: fresh | used,
            replayed: spent | (used & !fresh),
            step: found,
            next: Next { used_up, ahead },
            open,
        }
    }

    /// Returns whether a code that was right at no open step was so within the last ten minutes,
    /// the present step included.
    pub(crate) fn has_expired(&self, key: &Key, code: Code, step: Step) -> Choice {
        let back = RECENT_SECS.div_ceil(key.totp().period.as_secs());
        let shown = OpenSteps::range(Step::new(step.number().saturating_sub(back)), step);
        key.is_right_outside(code, shown, self.open)
    }
}

impl Next {
    pub(crate) fn start(self, totp: Totp, now: UnixTime) -> UnixTime {
        let unused = Step::new(self.used_up.saturating_add(1));
        totp.start_of(unused.saturating_offset(self.ahead.saturating_neg())).max(now)
    }
}

impl ConditionallySelectable for Next {
    fn conditional_select(a: &Self, b: &Self, choice: Choice) -> Self {
        Self {
            used_up: u64::conditional_select(&a.used_up, &b.used_up, choice),
            ahead: i64::conditional_select(&a.ahead, &b.ahead, choice),
        }
    }
}
