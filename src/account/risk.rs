//! The reach of guessers under a policy.

use super::policy::Policy;
use crate::otp::{Digits, Limits, chance, guesses_a_year};

/// The reach of guessers who know the password, and nothing of the secrets, within a year against
/// one account, on the assumptions named at [`Risk`](crate::otp::Risk), the owner logging in
/// between.
///
/// Each throttle admits guesses of its own: that of strangers; that of known devices, for whoever
/// has stolen a token; that of mailed passes, for whoever reads the owner's mail; that of
/// enrollments, while one waits. A guess is compared with every authenticator, so each adds its
/// open steps: the window around our clock, and the one around its own clock, however far off a
/// resynchronization has found that. [`chance`](Self::chance) is that of one who has all of it, at
/// all doors together.
///
/// A code that was sent is one more number that a guess can hit; an account has it in the place of
/// an app's steps, so that [`delivered_codes`](Self::delivered_codes) is not added. Every pass of
/// an operator's adds five guesses for whoever gets hold of it. Recovery codes are guessed by
/// nobody (120 bits).
///
/// ```
/// use sekisho::account::Policy;
/// use sekisho::otp::Digits;
///
/// let risk = Policy::default().risk(3, Digits::Six);
/// assert_eq!((risk.strangers.guesses, risk.strangers.open_steps), (415, 18));
/// assert_eq!((risk.devices.guesses, risk.mailed_passes.guesses), (75, 46));
/// assert!((0.0099..0.01).contains(&risk.chance)); // 0.99 %
///
/// let risk = Policy::default().risk(1, Digits::Six);
/// assert!((0.0035..0.0036).contains(&risk.chance)); // 0.35 %
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AccountRisk {
    /// Guessers who know the password only.
    pub strangers: DoorRisk,
    /// Guessers who have a stolen device token.
    pub devices: DoorRisk,
    /// Guessers who read the owner's mail.
    pub mailed_passes: DoorRisk,
    /// Guessers at an enrollment that waits.
    pub enrollment: DoorRisk,
    /// All of them, where each authenticator is an address that codes are sent to.
    pub delivered_codes: DoorRisk,
    /// The chance, 0 to 1, that one of all guesses hits.
    pub chance: f64,
}

/// The reach of guessers at one door.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DoorRisk {
    /// The most guesses that are answered in a year.
    pub guesses: u64,
    /// The numbers that each of them can hit.
    pub open_steps: u32,
    /// The chance, 0 to 1, that one of them hits.
    pub chance: f64,
}

impl Policy {
    /// Computes how far guessers get under this policy on an account with so many authenticators in
    /// force, with codes of `digits`.
    #[must_use]
    pub fn risk(&self, authenticators: u8, digits: Digits) -> AccountRisk {
        AccountRisk::of(self, authenticators, digits)
    }
}

impl DoorRisk {
    fn of(guesses: u64, open_steps: u32, digits: Digits) -> Self {
        let open_steps = open_steps.min(digits.codes());
        Self { guesses, open_steps, chance: chance(open_steps, digits, guesses) }
    }
}

impl AccountRisk {
    fn of(policy: &Policy, authenticators: u8, digits: Digits) -> Self {
        let authenticators = u32::from(authenticators);
        // Around our clock, and around the one that a resynchronization has found.
        let steps = policy.codes().window.steps().saturating_mul(2).saturating_mul(authenticators);
        let door = |limits: &Limits, steps: u32| DoorRisk::of(guesses_a_year(limits), steps, digits);
        // Their guesses may go to a pending enrollment instead, whose window may be wider.
        let steps = steps.max(policy.enrollment().window.steps());
        let strangers = door(policy.codes(), steps);
        let devices = door(policy.devices(), steps);
        let mailed_passes = door(policy.mailed_passes(), steps);
        let enrollment = door(policy.enrollment(), policy.enrollment().window.steps());
        let guesses =
            [strangers, devices, mailed_passes].iter().fold(0_u64, |sum, door| sum.saturating_add(door.guesses));
        let delivered_codes = DoorRisk::of(guesses, authenticators, digits);
        let doors = [strangers, devices, mailed_passes, enrollment];
        let missed = doors.iter().fold(1.0, |missed, door| missed * (1.0 - door.chance));
        Self { strangers, devices, mailed_passes, enrollment, delivered_codes, chance: 1.0 - missed }
    }
}
