//! The throttles of an account, the table that says which one a door uses, and what all of them
//! together disable.

use crate::account::policy::Policy;
use crate::otp::{Admission, FailureCount, Limits, LockState, Rejection, Throttle, UnixTime};
use core::num::NonZeroU32;

/// The doors at which codes are judged. The numbers go into fingerprints of attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::account) enum Door {
    /// A code of an app, or one that was sent, for whatever purpose.
    Code = 0,
    /// The code that confirms an enrollment.
    Confirm = 1,
    /// Two codes in a row.
    TwoCodes = 2,
    /// A recovery code.
    RecoveryCode = 3,
    /// Two codes in a row, and a recovery code.
    TwoCodesWithRecoveryCode = 4,
}

/// Names one of an account's throttles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::account) enum ThrottleId {
    Common,
    Devices,
    Enrollment,
    Recovery,
}

/// A door's throttles: for strangers, and for those who bring a known device's token or a pass.
/// Of several that are named, the first that is open counts, or else the last.
struct Row {
    door: Door,
    strangers: &'static [ThrottleId],
    recognized: &'static [ThrottleId],
}

/// The throttles of each door. Codes are sent only while the door is open at which they would be
/// submitted. Device tokens and passes by themselves open nothing, and nobody guesses their 256
/// bits.
///
/// A recovery code that comes with a token is counted apart from strangers', who could keep the
/// recovery codes' throttle locked; yet it works while the devices' throttle is locked.
const TABLE: [Row; 5] = {
    use ThrottleId::{Common, Devices, Enrollment, Recovery};
    [
        Row { door: Door::Code, strangers: &[Common], recognized: &[Devices] },
        Row { door: Door::Confirm, strangers: &[Enrollment], recognized: &[Devices] },
        Row { door: Door::TwoCodes, strangers: &[Common], recognized: &[Devices] },
        Row { door: Door::RecoveryCode, strangers: &[Recovery], recognized: &[Devices, Recovery] },
        Row { door: Door::TwoCodesWithRecoveryCode, strangers: &[Recovery], recognized: &[Devices, Recovery] },
    ]
};

/// The throttles of one account.
pub(in crate::account) struct Throttles {
    pub(in crate::account) common: Throttle,
    pub(in crate::account) devices: Throttle,
    pub(in crate::account) enrollment: Throttle,
    pub(in crate::account) recovery: Throttle,
    /// Failures in a row over all doors but that of recovery codes. Nobody guesses those, and
    /// whoever tried would sooner reach the count that disables the authenticators.
    pub(in crate::account) run: u32,
}

impl Throttles {
    pub(in crate::account) const NEW: Self = Self {
        common: Throttle::NEW,
        devices: Throttle::NEW,
        enrollment: Throttle::NEW,
        recovery: Throttle::NEW,
        run: 0,
    };

    const fn get(&self, id: ThrottleId) -> &Throttle {
        match id {
            ThrottleId::Common => &self.common,
            ThrottleId::Devices => &self.devices,
            ThrottleId::Enrollment => &self.enrollment,
            ThrottleId::Recovery => &self.recovery,
        }
    }

    const fn get_mut(&mut self, id: ThrottleId) -> &mut Throttle {
        match id {
            ThrottleId::Common => &mut self.common,
            ThrottleId::Devices => &mut self.devices,
            ThrottleId::Enrollment => &mut self.enrollment,
            ThrottleId::Recovery => &mut self.recovery,
        }
    }

    /// The throttle that counts a submission at this door, by the table.
    pub(in crate::account) fn at(&self, policy: &Policy, door: Door, is_recognized: bool, now: UnixTime) -> ThrottleId {
        let row = TABLE.iter().find(|row| row.door == door);
        let named = row
            .map_or([ThrottleId::Common].as_slice(), |row| if is_recognized { row.recognized } else { row.strangers });
        let open = named.iter().find(|id| self.locked(policy, **id, now).is_none());
        open.or(named.last()).copied().unwrap_or(ThrottleId::Common)
    }

    /// Why no code is evaluated under this throttle now, if none is.
    pub(in crate::account) fn locked(&self, policy: &Policy, id: ThrottleId, now: UnixTime) -> Option<Rejection> {
        match self.get(id).admission(limits_of(policy, id), now) {
            Admission::Open => None,
            Admission::Locked(until) => Some(Rejection::Locked { until }),
            Admission::Disabled => Some(Rejection::Disabled),
        }
    }

    /// A code was accepted: the runs of failures end, the long-term counts stay.
    pub(in crate::account) fn succeed(&mut self, policy: &Policy, id: ThrottleId, now: UnixTime) {
        self.get_mut(id).succeed(limits_of(policy, id), now);
        self.run = 0;
    }

    /// All runs of failures end; the long-term counts stay.
    pub(in crate::account) const fn end_runs(&mut self) {
        let Self { common, devices, enrollment, recovery, run } = self;
        (common.run, devices.run, enrollment.run, recovery.run, *run) = (0, 0, 0, 0, 0);
    }

    /// One charge for one submission.
    pub(in crate::account) fn fail(&mut self, policy: &Policy, id: ThrottleId, now: UnixTime) -> Failed {
        let limits = limits_of(policy, id);
        let throttle = self.get_mut(id);
        let was_full = throttle.long_term >= limits.long_term;
        throttle.fail(limits, now);
        let is_full = throttle.long_term >= limits.long_term;
        let is_first_lock = throttle.run == limits.lock_after || (is_full && !was_full);
        let (lock_state, failures_in_a_row) = (throttle.lock_state(limits, now), throttle.run);
        if id == ThrottleId::Recovery {
            return Failed { count: FailureCount { failures_in_a_row, lock_state }, is_first_lock, disables: false };
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
            (Some(_), locked) => locked,
        };
        Failed { count: FailureCount { failures_in_a_row, lock_state }, is_first_lock, disables: left.is_none() }
    }
}

/// A counted failure, and what it has led to.
pub(in crate::account) struct Failed {
    pub(in crate::account) count: FailureCount,
    /// A lock, if there is one, is the first of its run, or that of a long-term count that has
    /// become full.
    pub(in crate::account) is_first_lock: bool,
    /// Too many failures in a row over all doors: the authenticators are to be disabled.
    pub(in crate::account) disables: bool,
}

fn limits_of(policy: &Policy, id: ThrottleId) -> &Limits {
    match id {
        ThrottleId::Common | ThrottleId::Devices | ThrottleId::Recovery => policy.codes(),
        ThrottleId::Enrollment => policy.enrollment(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_door_has_one_row_and_each_row_names_a_throttle_for_everybody() {
        let doors = [Door::Code, Door::Confirm, Door::TwoCodes, Door::RecoveryCode, Door::TwoCodesWithRecoveryCode];
        assert_eq!(TABLE.map(|row| row.door), doors);
        assert!(TABLE.iter().all(|row| !row.strangers.is_empty() && !row.recognized.is_empty()));
    }

    #[test]
    fn a_token_leads_to_the_recovery_codes_throttle_only_while_the_devices_is_locked() {
        let (policy, now) = (Policy::default(), UnixTime::from_secs(1_800_000_000));
        let mut throttles = Throttles::NEW;
        let at = |throttles: &Throttles, is_recognized| throttles.at(&policy, Door::RecoveryCode, is_recognized, now);
        assert_eq!((at(&throttles, true), at(&throttles, false)), (ThrottleId::Devices, ThrottleId::Recovery));
        for _ in 0..5 {
            let _: Failed = throttles.fail(&policy, ThrottleId::Devices, now);
        }
        assert_eq!(at(&throttles, true), ThrottleId::Recovery);
        assert_eq!(throttles.at(&policy, Door::Code, true, now), ThrottleId::Devices, "locked, and no other counts");
    }
}
