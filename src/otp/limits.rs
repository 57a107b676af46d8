//! The numbers that say how strict the verification of codes is.

use super::window::Window;

/// The numbers of a [`CodePolicy`](crate::otp::CodePolicy), before they have been checked.
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
    /// An authenticator's clock may be learned to be off by so many steps: 0 (nothing is learned)
    /// to 60. Default: 4.
    pub max_drift: u8,
    /// The failure in a row that locks first: at least 1. Default: 5.
    pub lock_after: u32,
    /// The length of the first lock, in seconds; each further failure locks for twice as long.
    /// At least 1. Default: 30.
    pub first_lock_secs: u64,
    /// The longest such lock, in seconds: at least the first. Default: 3 600.
    pub longest_lock_secs: u64,
    /// The number of failures that the long-term count holds; when it is full, one attempt is
    /// admitted each time it leaks. At least 1. Default: 50.
    pub long_term: u32,
    /// The long-term count leaks one failure each time so many seconds have passed. Default: 86
    /// 400, a day.
    pub leak_every_secs: u64,
    /// The failure in a row after which no code is evaluated until the authenticator is bound anew.
    /// From 1 to 100, the most that SP 800-63B-4 §3.2.2 allows. Default: 100.
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

    /// The length of a lock after `run` failures in a row, in seconds; `None` before the first
    /// lock.
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
