//! The reach of a guesser.

use super::algorithm::Digits;
use super::limits::Limits;

const YEAR_SECS: u64 = 365 * 86_400;

/// The reach of an attacker who knows the password, and nothing of the secret, within a year
/// against one authenticator.
///
/// **Assumptions.** The attacker submits a guess whenever one would be answered, never the same
/// twice while it cannot be right, and everything else works in his favor: the count starts empty,
/// the clock never hinders, all open steps have different digits and none is used.
///
/// **Guesses.** The long-term count takes [`Limits::long_term`] guesses at once and one more each
/// time it leaks: `long_term + year / leak_every`. That is all there is if the owner logs in
/// between and so ends each run of failures. Without such log-ins the locks and
/// [`Limits::disable_after`] bound the guesses too.
///
/// **Chance.** With `k` open steps one guess hits with `k / 10^digits`, and `n` guesses with `1 −
/// (1 − k / 10^digits)^n`. `k` is the window's length `w` without learned drift, and at most `w +
/// min(w, max_drift)` with it, as the window around our own step stays open beside the window
/// around the drift.
///
/// ```
/// use sekisho::otp::{CodePolicy, Digits};
///
/// let risk = CodePolicy::DEFAULT.risk(Digits::Six);
/// assert_eq!(risk.guesses_with_owner_logging_in, 415);
/// assert_eq!(risk.guesses_without_owner, 100);
/// assert!((0.00124..0.00125).contains(&risk.chance_without_drift)); // 0.12 %
/// assert!((0.00248..0.00249).contains(&risk.chance_at_most)); // 0.25 %
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Risk {
    /// The most guesses answered in a year while the owner keeps logging in between.
    pub guesses_with_owner_logging_in: u64,
    /// The most guesses answered in a year in which the owner never logs in.
    pub guesses_without_owner: u64,
    /// The chance, 0 to 1, that one of the guesses with the owner logging in hits an authenticator
    /// without learned drift.
    pub chance_without_drift: f64,
    /// The same with the drift that opens the most steps.
    pub chance_at_most: f64,
}

impl Risk {
    pub(super) const fn of(limits: &Limits, digits: Digits) -> Self {
        let guesses = guesses_a_year(limits);
        let (window, widened) = open_steps(limits);
        Self {
            guesses_with_owner_logging_in: guesses,
            guesses_without_owner: least(guesses, guesses_in_one_run(limits)),
            chance_without_drift: chance(window, digits, guesses),
            chance_at_most: chance(widened, digits, guesses),
        }
    }
}

/// The most failures that the long-term count takes within a year.
pub(crate) const fn guesses_a_year(limits: &Limits) -> u64 {
    let leaked = match YEAR_SECS.checked_div(limits.leak_every_secs) {
        Some(leaked) => leaked,
        None => u64::MAX,
    };
    (limits.long_term as u64).saturating_add(leaked)
}

/// The number of steps of one authenticator that are open: without learned drift, and with that
/// which opens the most.
pub(crate) const fn open_steps(limits: &Limits) -> (u32, u32) {
    let (window, drift) = (limits.window.steps(), limits.max_drift as u32);
    (window, window.saturating_add(if drift < window { drift } else { window }))
}

/// The number of failures in a row that the locks admit within a year, until the authenticator is
/// disabled.
const fn guesses_in_one_run(limits: &Limits) -> u64 {
    let (mut guesses, mut elapsed) = (0_u32, 0_u64);
    while guesses < limits.disable_after && elapsed <= YEAR_SECS {
        guesses = guesses.saturating_add(1);
        if let Some(secs) = limits.lock_secs(guesses) {
            elapsed = elapsed.saturating_add(secs);
        }
    }
    guesses as u64
}

const fn least(a: u64, b: u64) -> u64 {
    if a < b { a } else { b }
}

/// `1 − (1 − k / 10^digits)^guesses`, by repeated squaring: `core` has no `powi`.
#[allow(clippy::cast_precision_loss)] // an estimate
pub(crate) const fn chance(k: u32, digits: Digits, guesses: u64) -> f64 {
    let mut square = 1.0 - k as f64 / digits.codes() as f64;
    let (mut missed, mut remaining) = (1.0, guesses);
    while remaining > 0 {
        if remaining & 1 == 1 {
            missed *= square;
        }
        square *= square;
        remaining >>= 1;
    }
    1.0 - missed
}
