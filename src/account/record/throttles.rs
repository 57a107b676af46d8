//! The throttles of an account, the table that says which one a door uses, and what all of them
//! together disable.

use super::token::MOST_FAILURES;
use crate::account::policy::Policy;
use crate::otp::{Admission, FailureCount, Limits, LockState, Moment, Rejection, Throttle, UnixTime};
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
    /// Two codes in a row that confirm an enrollment.
    ConfirmWithTwoCodes = 5,
    /// An assertion of a stronger factor, which the service has verified.
    Assertion = 6,
    /// A recovery code of another system.
    ImportedRecoveryCode = 7,
}

/// Names one of an account's throttles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::account) enum ThrottleId {
    Common,
    Devices,
    MailedPasses,
    Enrollment,
}

/// The sender of a code, told by the token that comes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::account) enum Sender {
    Stranger,
    Device,
    MailedPass,
    /// Counted by the pass itself, which is good for a few attempts whatever is locked.
    OperatorPass,
}

/// The throttles of a door, by who submits: the first whose long-term count is not full, or else
/// the last. None where nothing is counted.
struct Row {
    door: Door,
    strangers: &'static [ThrottleId],
    devices: &'static [ThrottleId],
    mailed_passes: &'static [ThrottleId],
}

/// The throttles of each door. Codes are sent only while the door is open at which they would be
/// submitted. Nobody can guess device tokens and passes (256 bits) or recovery codes (120
/// bits). So recovery codes have no throttle (SP 800-63B-4 §3.1.2.2 asks for one
/// below 64 bits), which strangers could keep locked. Those of another system may be short.
const TABLE: [Row; 8] = {
    use ThrottleId::{Common, Devices, Enrollment, MailedPasses};
    const fn row(door: Door, strangers: &'static [ThrottleId]) -> Row {
        Row { door, strangers, devices: &[Devices, Common], mailed_passes: &[MailedPasses, Common] }
    }
    const fn uncounted(door: Door) -> Row {
        Row { door, strangers: &[], devices: &[], mailed_passes: &[] }
    }
    [
        row(Door::Code, &[Common]),
        row(Door::Confirm, &[Enrollment, Common]),
        row(Door::TwoCodes, &[Common]),
        uncounted(Door::RecoveryCode),
        row(Door::TwoCodesWithRecoveryCode, &[Common]),
        row(Door::ConfirmWithTwoCodes, &[Enrollment, Common]),
        uncounted(Door::Assertion),
        row(Door::ImportedRecoveryCode, &[Common]),
    ]
};

/// The throttles that may count a submission at this door, by the table.
fn throttles_at(door: Door, sender: Sender) -> &'static [ThrottleId] {
    TABLE.iter().find(|row| row.door == door).map_or(&[], |row| match sender {
        Sender::Stranger => row.strangers,
        Sender::Device => row.devices,
        Sender::MailedPass => row.mailed_passes,
        Sender::OperatorPass => &[],
    })
}

/// The throttles of one account.
pub(in crate::account) struct Throttles {
    pub(in crate::account) common: Throttle,
    pub(in crate::account) devices: Throttle,
    pub(in crate::account) mailed_passes: Throttle,
    pub(in crate::account) enrollment: Throttle,
    /// Failures in a row over all doors.
    pub(in crate::account) run: u32,
}

impl Throttles {
    pub(in crate::account) const NEW: Self = Self {
        common: Throttle::NEW,
        devices: Throttle::NEW,
        mailed_passes: Throttle::NEW,
        enrollment: Throttle::NEW,
        run: 0,
    };

    pub(in crate::account) fn times(&mut self) -> impl Iterator<Item = &mut UnixTime> {
        let Self { common, devices, mailed_passes, enrollment, run: _ } = self;
        [common, devices, mailed_passes, enrollment].into_iter().flat_map(Throttle::times)
    }

    const fn get(&self, id: ThrottleId) -> &Throttle {
        match id {
            ThrottleId::Common => &self.common,
            ThrottleId::Devices => &self.devices,
            ThrottleId::MailedPasses => &self.mailed_passes,
            ThrottleId::Enrollment => &self.enrollment,
        }
    }

    const fn get_mut(&mut self, id: ThrottleId) -> &mut Throttle {
        match id {
            ThrottleId::Common => &mut self.common,
            ThrottleId::Devices => &mut self.devices,
            ThrottleId::MailedPasses => &mut self.mailed_passes,
            ThrottleId::Enrollment => &mut self.enrollment,
        }
    }

    /// The throttle that counts a submission at this door. `None` where nothing does, or a pass
    /// does.
    pub(in crate::account) fn at(
        &self,
        policy: &Policy,
        door: Door,
        sender: Sender,
        now: Moment,
    ) -> Option<ThrottleId> {
        let named = throttles_at(door, sender);
        let is_open = |id: &&ThrottleId| !self.get(**id).is_full(limits_of(policy, **id), now);
        named.iter().find(is_open).or(named.last()).copied()
    }

    /// Why no code is evaluated under this throttle now, if none is.
    pub(in crate::account) fn locked(&self, policy: &Policy, id: ThrottleId, now: Moment) -> Option<Rejection> {
        match self.get(id).admission(limits_of(policy, id), now) {
            Admission::Open => None,
            Admission::Locked(until) => Some(Rejection::Locked { until }),
            Admission::Disabled => Some(Rejection::Disabled),
        }
    }

    /// A code was accepted: the runs of failures end, the long-term counts stay.
    pub(in crate::account) fn succeed(&mut self, policy: &Policy, id: Option<ThrottleId>, now: Moment) {
        if let Some(id) = id {
            self.get_mut(id).succeed(limits_of(policy, id), now);
        }
        self.run = 0;
    }

    /// All runs of failures end; the long-term counts stay.
    pub(in crate::account) const fn end_runs(&mut self) {
        let Self { common, devices, mailed_passes, enrollment, run } = self;
        (common.run, devices.run, mailed_passes.run, enrollment.run, *run) = (0, 0, 0, 0, 0);
    }

    /// One charge for one submission. `next` says which throttle counts the one after: where this
    /// one is full, it may be another.
    pub(in crate::account) fn fail(
        &mut self,
        policy: &Policy,
        id: ThrottleId,
        next: impl FnOnce(&Self) -> Option<ThrottleId>,
        now: Moment,
    ) -> Failed {
        let limits = limits_of(policy, id);
        let throttle = self.get_mut(id);
        let was_full = throttle.long_term >= limits.long_term;
        throttle.fail(limits, now);
        let is_full = throttle.long_term >= limits.long_term;
        let is_first_lock = throttle.run == limits.lock_after || (is_full && !was_full);
        let failures_in_a_row = throttle.run;
        let next = next(self).unwrap_or(id);
        let lock_state = self.get(next).lock_state(limits_of(policy, next), now);
        let count = FailureCount { failures_in_a_row, lock_state };
        self.fail_on_account(policy, count, is_first_lock)
    }

    /// The same for a submission that came with an operator's pass, which has counted so many. Once
    /// the pass has ended, its holder is a stranger.
    pub(in crate::account) fn fail_by_pass(&mut self, policy: &Policy, failures: u32, now: Moment) -> Failed {
        let most = policy.codes().lock_after.min(MOST_FAILURES);
        let lock_state = match NonZeroU32::new(most.saturating_sub(failures)) {
            Some(attempts_left) => LockState::Open { attempts_left },
            None => self.common.lock_state(policy.codes(), now),
        };
        // A pass that is not charged counts none.
        let failures_in_a_row = failures.max(1);
        self.fail_on_account(policy, FailureCount { failures_in_a_row, lock_state }, false)
    }

    /// Counts a failure that a throttle or a pass has counted, over all doors.
    fn fail_on_account(&mut self, policy: &Policy, count: FailureCount, is_first_lock: bool) -> Failed {
        let FailureCount { failures_in_a_row, lock_state } = count;
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
        ThrottleId::Common => policy.codes(),
        ThrottleId::Devices => policy.devices(),
        ThrottleId::MailedPasses => policy.mailed_passes(),
        ThrottleId::Enrollment => policy.enrollment(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_door_has_one_row_and_only_what_nobody_guesses_has_no_throttle() {
        let doors = [
            Door::Code,
            Door::Confirm,
            Door::TwoCodes,
            Door::RecoveryCode,
            Door::TwoCodesWithRecoveryCode,
            Door::ConfirmWithTwoCodes,
            Door::Assertion,
            Door::ImportedRecoveryCode,
        ];
        assert_eq!(TABLE.map(|row| row.door), doors);
        for door in doors {
            for sender in [Sender::Stranger, Sender::Device, Sender::MailedPass] {
                let is_guessed = !matches!(door, Door::RecoveryCode | Door::Assertion);
                assert_eq!(throttles_at(door, sender).is_empty(), !is_guessed, "{door:?} {sender:?}");
            }
            assert!(throttles_at(door, Sender::OperatorPass).is_empty(), "{door:?}");
        }
    }

    #[test]
    fn mailed_passes_never_touch_the_devices_throttle() {
        for door in TABLE.map(|row| row.door) {
            assert!(!throttles_at(door, Sender::MailedPass).contains(&ThrottleId::Devices), "{door:?}");
        }
    }
}
