//! How strict a verifier is.

use super::algorithm::Digits;
use super::risk::Risk;
use super::tracker::MAX_DRIFT;
use super::window::Window;

/// The numbers of a [`CodePolicy`], before they have been checked.
///
/// ```
/// use sekisho::otp::{CodePolicy, Limits, Window};
///
/// let policy = CodePolicy::new(Limits { window: Window::new(2, 1), ..Limits::DEFAULT })?;
/// # Ok::<(), sekisho::otp::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct Limits {
    /// The steps acceptable around the expected one. Default: one before and one after.
    pub window: Window,
    /// How far an authenticator's clock may be learned to be off, in steps: 0 (nothing is learned) to 60. Default: 4.
    pub max_drift: u8,
    /// The failure in a row that locks first. Default: 5.
    pub lock_after: u32,
    /// How long the first lock lasts, in seconds; each further failure locks for twice as long. Default: 30.
    pub first_lock_secs: u64,
    /// The longest such lock, in seconds. Default: 3 600.
    pub longest_lock_secs: u64,
    /// How many failures the long-term count holds; when it is full, one attempt is admitted each time it leaks.
    /// Default: 50.
    pub long_term: u32,
    /// How often the long-term count leaks one failure, in seconds. Default: 86 400, a day.
    pub leak_every_secs: u64,
    /// The failure in a row after which no code is evaluated until the authenticator is bound anew. Default: 100, the most
    /// that SP 800-63B-4 §3.2.2 allows.
    pub disable_after: u32,
}

impl Limits {
    /// The defaults named at each field.
    pub const DEFAULT: Self = Self {
        window: Window::DEFAULT,
        max_drift: 4,
        lock_after: 5,
        first_lock_secs: 30,
        longest_lock_secs: 3_600,
        long_term: 50,
        leak_every_secs: 86_400,
        disable_after: 100,
    };

    /// How long a lock lasts after `run` failures in a row, in seconds; `None` before the first lock.
    pub(crate) const fn lock_secs(&self, run: u32) -> Option<u64> {
        let Some(doublings) = run.checked_sub(self.lock_after) else { return None };
        let factor = match 1_u64.checked_shl(doublings) {
            Some(factor) => factor,
            None => u64::MAX,
        };
        let secs = self.first_lock_secs.saturating_mul(factor);
        Some(if secs < self.longest_lock_secs { secs } else { self.longest_lock_secs })
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How strict a verifier is with codes: window, drift, locks. Checked when built, in a `const` if you like:
///
/// ```
/// use sekisho::otp::{CodePolicy, Limits, PolicyError};
///
/// const STRICT: Result<CodePolicy, PolicyError> = CodePolicy::new(Limits { lock_after: 3, ..Limits::DEFAULT });
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
    /// [`PolicyError`] if a limit is out of its range, or if a guesser has a chance above 1 % a year with codes of six digits,
    /// see [`CodePolicy::risk`].
    pub const fn new(limits: Limits) -> Result<Self, PolicyError> {
        match Self::new_with_risk_above_one_percent_a_year(limits) {
            Ok(policy) if policy.risk(Digits::Six).chance_at_most > 0.01 => Err(PolicyError::Risk),
            checked => checked,
        }
    }

    /// A policy under which a guesser who knows the password may have a chance above 1 % a year of getting in: what
    /// [`CodePolicy::risk`] says should be a known and accepted number.
    ///
    /// # Errors
    /// [`PolicyError`] if a limit is out of its range.
    pub const fn new_with_risk_above_one_percent_a_year(limits: Limits) -> Result<Self, PolicyError> {
        if limits.max_drift > MAX_DRIFT {
            return Err(PolicyError::Drift);
        }
        if limits.lock_after == 0 || limits.long_term == 0 || limits.disable_after == 0 {
            return Err(PolicyError::NoAttempts);
        }
        if limits.disable_after > 100 {
            return Err(PolicyError::DisableAfter);
        }
        if limits.first_lock_secs == 0 || limits.leak_every_secs == 0 {
            return Err(PolicyError::NoLock);
        }
        if limits.longest_lock_secs < limits.first_lock_secs {
            return Err(PolicyError::LockOrder);
        }
        Ok(Self(limits))
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.0
    }

    /// What a guesser can reach under this policy with codes of `digits`.
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
    /// `max_drift` over 60.
    #[error("max_drift is at most 60 steps: lower it")]
    Drift,
    /// `lock_after`, `long_term` or `disable_after` of zero.
    #[error("lock_after, long_term and disable_after are at least 1: with none, nobody gets in")]
    NoAttempts,
    /// `disable_after` over 100.
    #[error("disable_after is at most 100 failures in a row (SP 800-63B-4 §3.2.2): lower it")]
    DisableAfter,
    /// `first_lock_secs` or `leak_every_secs` of zero.
    #[error("first_lock_secs and leak_every_secs are at least 1: a lock of no length stops nobody")]
    NoLock,
    /// `longest_lock_secs` under `first_lock_secs`.
    #[error("longest_lock_secs is at least first_lock_secs: raise it")]
    LockOrder,
    /// A guesser's chance is above 1 % a year.
    #[error(
        "a guesser would get in with a chance above 1 % a year: narrow the window, lower long_term, or accept it by \
         new_with_risk_above_one_percent_a_year"
    )]
    Risk,
}
