//! Which throttle a door uses, and what all of them together disable.

use super::policy::Policy;
use crate::otp::{Admission, Throttle};
use crate::otp::{FailureCount, Limits, LockState, Rejection, UnixTime};
use core::num::NonZeroU32;

/// The ways in at which codes are judged. Each has its throttle:
///
/// | door | throttle |
/// |---|---|
/// | an app's code or a delivered one, for whatever purpose (removals and replacements take a proof of it), without a token that the account knows | common |
/// | the same with a token, or with a pass | devices |
/// | two codes in a row | common, or devices with a token; with a recovery code as that |
/// | the code that confirms an enrollment | enrollment, or devices with a token |
/// | a recovery code | recovery; with a token devices, or recovery while those are locked |
///
/// A code is sent only while the door is open at which it would be submitted. Passes and device tokens by themselves open nothing, and nobody
/// guesses their 256 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Door {
    Common = 0,
    Device = 1,
    Enrollment = 2,
    Recovery = 3,
}

/// The throttles of one account.
pub(super) struct Throttles {
    pub(super) common: Throttle,
    pub(super) devices: Throttle,
    pub(super) enrollment: Throttle,
    pub(super) recovery: Throttle,
    /// Failures in a row over all doors but that of recovery codes: nobody guesses those, and whoever tried would sooner reach what
    /// disables the authenticators.
    pub(super) run: u32,
}

impl Throttles {
    pub(super) const NEW: Self = Self {
        common: Throttle::NEW,
        devices: Throttle::NEW,
        enrollment: Throttle::NEW,
        recovery: Throttle::NEW,
        run: 0,
    };

    pub(super) const fn at(&self, door: Door) -> &Throttle {
        match door {
            Door::Common => &self.common,
            Door::Device => &self.devices,
            Door::Enrollment => &self.enrollment,
            Door::Recovery => &self.recovery,
        }
    }

    const fn at_mut(&mut self, door: Door) -> &mut Throttle {
        match door {
            Door::Common => &mut self.common,
            Door::Device => &mut self.devices,
            Door::Enrollment => &mut self.enrollment,
            Door::Recovery => &mut self.recovery,
        }
    }

    /// Why no code is evaluated at this door now, if none is.
    pub(super) fn shut(&self, policy: &Policy, door: Door, now: UnixTime) -> Option<Rejection> {
        match self.at(door).admission(limits_at(policy, door), now) {
            Admission::Open => None,
            Admission::Locked(until) => Some(Rejection::Locked { until }),
            Admission::Disabled => Some(Rejection::Disabled),
        }
    }

    /// Where a recovery code is submitted: with a token apart from strangers', who could keep the recovery codes' throttle locked; but they work also
    /// while the other doors are locked.
    pub(super) fn recovery_door(&self, policy: &Policy, is_known: bool, now: UnixTime) -> Door {
        if is_known && self.shut(policy, Door::Device, now).is_none() { Door::Device } else { Door::Recovery }
    }

    /// A code was accepted: the runs of failures end, the long-term counts stay.
    pub(super) fn succeed(&mut self, policy: &Policy, door: Door, now: UnixTime) {
        self.at_mut(door).succeed(limits_at(policy, door), now);
        self.run = 0;
    }

    /// All runs of failures end; the long-term counts stay.
    pub(super) const fn end_runs(&mut self) {
        let Self { common, devices, enrollment, recovery, run } = self;
        (common.run, devices.run, enrollment.run, recovery.run, *run) = (0, 0, 0, 0, 0);
    }

    /// One charge for one submission.
    pub(super) fn fail(&mut self, policy: &Policy, door: Door, now: UnixTime) -> Failed {
        let limits = limits_at(policy, door);
        let throttle = self.at_mut(door);
        let was_full = throttle.long_term >= limits.long_term;
        throttle.fail(limits, now);
        let is_full = throttle.long_term >= limits.long_term;
        let is_first = throttle.run == limits.lock_after || (is_full && !was_full);
        let (lock_state, failures_in_a_row) = (throttle.lock_state(limits, now), throttle.run);
        if door == Door::Recovery {
            let charge = FailureCount { failures_in_a_row, lock_state };
            return Failed { charge, is_first_lock: is_first, disables: false };
        }
        self.run = self.run.saturating_add(1);
        let disable_after = policy.limits().codes.disable_after;
        let left = NonZeroU32::new(disable_after.saturating_sub(self.run));
        if left.is_none() {
            // A new run begins, for authenticators that are bound after.
            self.run = 0;
        }
        let lock_state = match (left, lock_state) {
            (None, _) => LockState::Disabled,
            (Some(left), LockState::Open { attempts_left }) => {
                LockState::Open { attempts_left: attempts_left.min(left) }
            }
            (Some(_), shut) => shut,
        };
        let charge = FailureCount { failures_in_a_row, lock_state };
        Failed { charge, is_first_lock: is_first, disables: left.is_none() }
    }
}

/// What a counted failure has led to.
pub(super) struct Failed {
    pub(super) charge: FailureCount,
    /// A lock, if there is one, is the first of its run, or that of a long-term count that has become full.
    pub(super) is_first_lock: bool,
    /// Too many failures in a row over all doors: the authenticators are to be disabled.
    pub(super) disables: bool,
}

fn limits_at(policy: &Policy, door: Door) -> &Limits {
    match door {
        Door::Common | Door::Device | Door::Recovery => policy.codes(),
        Door::Enrollment => policy.enrollment(),
    }
}
