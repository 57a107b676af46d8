//! The policy for codes: how strict a verifier is.

use super::algorithm::Digits;
use super::limits::Limits;
use super::risk::Risk;
use super::tracker::MAX_DRIFT;
use super::window::Window;

/// The most failures in a row that SP 800-63B-4 §3.2.2 allows.
const MAX_DISABLE_AFTER: u64 = 100;

/// The rules of a verifier for codes: window, drift, locks. Checked when built, in a `const` if
/// you like:
///
/// ```
/// use sekisho::otp::{CodePolicy, Limits, PolicyError};
///
/// const STRICT: Result<CodePolicy, PolicyError> =
///     CodePolicy::new(Limits { lock_after: 3, ..Limits::DEFAULT });
/// assert!(STRICT.is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Limits", into = "Limits")
)]
pub struct CodePolicy(Limits);

impl CodePolicy {
    /// [`Limits::DEFAULT`].
    pub const DEFAULT: Self = Self(Limits::DEFAULT);
    /// The default with [`Window::ENROLLMENT`], for the code that confirms an enrollment.
    pub const ENROLLMENT: Self = Self(Limits { window: Window::ENROLLMENT, ..Limits::DEFAULT });

    /// A policy of these limits.
    ///
    /// # Errors
    /// [`PolicyError`] if a limit is out of its range, or if a guesser has a chance above 1 % a
    /// year with codes of six digits, see [`CodePolicy::risk`].
    pub const fn new(limits: Limits) -> Result<Self, PolicyError> {
        match Self::new_with_risk_above_one_percent_a_year(limits) {
            Ok(policy) if policy.risk(Digits::Six).chance_at_most > 0.01 => Err(PolicyError::Risk),
            checked => checked,
        }
    }

    /// A policy under which a guesser who knows the password may have a chance above 1 % a year of
    /// getting in: what [`CodePolicy::risk`] says should be a known and accepted number.
    ///
    /// # Errors
    /// [`PolicyError`] if a limit is out of its range.
    pub const fn new_with_risk_above_one_percent_a_year(limits: Limits) -> Result<Self, PolicyError> {
        let ranges = [
            ("max_drift", limits.max_drift as u64, 0, MAX_DRIFT as u64),
            ("lock_after", limits.lock_after as u64, 1, u32::MAX as u64),
            ("long_term", limits.long_term as u64, 1, u32::MAX as u64),
            ("disable_after", limits.disable_after as u64, 1, MAX_DISABLE_AFTER),
            ("first_lock_secs", limits.first_lock_secs, 1, u64::MAX),
            ("leak_every_secs", limits.leak_every_secs, 1, u64::MAX),
            ("longest_lock_secs", limits.longest_lock_secs, limits.first_lock_secs, u64::MAX),
        ];
        if let Err(error) = PolicyError::check(&ranges) {
            return Err(error);
        }
        Ok(Self(limits))
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.0
    }

    /// Computes how far a guesser gets under this policy with codes of `digits`.
    #[must_use]
    pub const fn risk(&self, digits: Digits) -> Risk {
        Risk::of(&self.0, digits)
    }
}

impl Default for CodePolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl TryFrom<Limits> for CodePolicy {
    type Error = PolicyError;

    fn try_from(limits: Limits) -> Result<Self, PolicyError> {
        Self::new(limits)
    }
}

impl From<CodePolicy> for Limits {
    fn from(policy: CodePolicy) -> Self {
        policy.0
    }
}

/// Why limits make no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A limit lies outside of its range.
    #[error("{limit} is at least {least} and at most {most}: correct it")]
    OutOfRange {
        /// The field that has the limit.
        limit: &'static str,
        /// The least that it may be.
        least: u64,
        /// The most that it may be.
        most: u64,
    },
    /// A purpose that may not be held is among the held ones. A hold on it would end recoveries.
    #[error("`BINDING`, `CONFIRMATION` and `RESYNC` are never held: take them out of held_purposes")]
    NeverHeld,
    /// A purpose that is held, or that takes codes beside a stronger factor, is not declared.
    #[error(
        "a purpose of held_purposes or codes_beside_stronger_factor is declared nowhere: declare it in purposes or acts \
         too, or correct its spelling"
    )]
    HeldUndeclared,
    /// A purpose that every policy has is declared.
    #[error("`LOGIN`, `BINDING`, `CONFIRMATION` and `RESYNC` are always there: take them out of purposes and acts")]
    DeclaredAlways,
    /// A purpose is declared twice.
    #[error("a purpose is declared twice: declare it once, in purposes or in acts")]
    DeclaredTwice,
    /// A guesser's chance is above 1 % a year.
    #[error(
        "a guesser would get in with a chance above 1 % a year: narrow the window, lower long_term, or accept it by \
         new_with_risk_above_one_percent_a_year"
    )]
    Risk,
}

impl PolicyError {
    /// Checks limits, each with its name, the least and the most that it may be.
    pub(crate) const fn check(mut limits: &[(&'static str, u64, u64, u64)]) -> Result<(), Self> {
        while let [(limit, value, least, most), rest @ ..] = limits {
            if *value < *least || *value > *most {
                return Err(Self::OutOfRange { limit, least: *least, most: *most });
            }
            limits = rest;
        }
        Ok(())
    }
}
