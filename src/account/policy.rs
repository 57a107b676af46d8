//! The policy: how strict an account's verification is.

use super::error::AccountError;
use super::names::purpose::Purpose;
use super::record::capacity::{AUTHENTICATORS, HELD, HOLD_SECS, RECOVERY_CODES};
use crate::otp::{CodePolicy, Digits, Limits, PolicyError, RECENT_SECS, Window, chance, guesses_a_year};
use alloc::vec;
use alloc::vec::Vec;

/// The most purposes of each kind that a policy declares.
const DECLARED: usize = 16;
/// The purposes that codes are verified for under every policy.
const VERIFIED_ALWAYS: [Purpose; 3] = [Purpose::LOGIN, Purpose::BINDING, Purpose::CONFIRMATION];

/// The numbers of a [`Policy`], before they have been checked.
///
/// ```
/// use sekisho::account::{AccountLimits, Policy};
///
/// let policy = Policy::new(AccountLimits { max_authenticators: 2, ..AccountLimits::default() })?;
/// # Ok::<(), sekisho::otp::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLimits {
    /// Window, drift and throttles. `disable_after` counts failures in a row over all doors.
    /// Default: [`Limits::DEFAULT`].
    pub codes: Limits,
    /// The window in which a new authenticator's first code confirms it. Default:
    /// [`Window::ENROLLMENT`].
    pub enrollment_window: Window,
    /// The most authenticators of one account: 1 to 16. Default: 5.
    pub max_authenticators: u8,
    /// A pending enrollment can be confirmed for so long, in seconds: 1 to 86 400. Default: 600.
    pub pending_secs: u64,
    /// A [`Proof`](crate::account::Proof) is good for so long, in seconds: 1 to 600. Default: 300.
    pub proof_secs: u64,
    /// A pass waits to be used for so long, in seconds: 1 to 30 days. Default: 86 400.
    pub pass_secs: u64,
    /// A change of binding holds [`held_purposes`](Self::held_purposes) for so long, in seconds: up
    /// to 366 days; zero for no hold. Default: 86 400.
    pub binding_hold_secs: u64,
    /// The same after the use of a recovery code. Default: 86 400.
    pub recovery_hold_secs: u64,
    /// The same after a resynchronization with a pass or a recovery code. Default: 86 400.
    pub resync_hold_secs: u64,
    /// The same after an operator's reset. Default: 172 800, two days.
    pub reset_hold_secs: u64,
    /// The codes of a set of recovery codes: 1 to 16. Default: 10.
    pub recovery_codes: u8,
    /// A known device is known for so long without being used, in seconds: 1 to 400 days. Default:
    /// 180 days.
    pub device_secs: u64,
    /// A delivered code is good for so long, in seconds: 60 to 600 (SP 800-63B-4 §3.1.3.2).
    /// Default: 300.
    pub delivered_secs: u64,
    /// True if a code for [`Purpose::BINDING`] takes a pass beside it, which the service mails
    /// ([`Account::mail_pass`](crate::account::Account::mail_pass)): a second channel. Without it,
    /// whoever has phished one code and keeps it for that can bind an authenticator, which is
    /// told and holds withdrawals. Default: no.
    pub binding_takes_pass: bool,
    /// True if the enrollment after a reset takes a delivered code beside the pass
    /// ([`CodeRequest::confirmation`](crate::account::CodeRequest::confirmation)). Default: no.
    pub confirmation_after_reset: bool,
    /// The service's own purposes, beside [`Purpose::LOGIN`], [`Purpose::BINDING`] and
    /// [`Purpose::CONFIRMATION`]: at most 16. [`Account::verify`](crate::account::Account::verify)
    /// gives proofs for them. A code for a purpose that is neither here nor among
    /// [`acts`](Self::acts) is an error: a misspelled one would pass its hold. Default: none.
    pub purposes: Vec<Purpose>,
    /// The purposes of acts, whose code is used up in the write that accepts it: at most 16.
    /// [`Account::authorize`](crate::account::Account::authorize) takes them, and
    /// [`Account::verify`](crate::account::Account::verify) refuses them. One that is not among
    /// [`held_purposes`](Self::held_purposes) is free right after a change of binding, and takes
    /// recovery codes. Default: [`Purpose::WITHDRAWAL`].
    pub acts: Vec<Purpose>,
    /// The purposes that are held after a change of binding or a recovery: at most 16, each
    /// declared above, or [`Purpose::LOGIN`]. Default: [`Purpose::WITHDRAWAL`].
    pub held_purposes: Vec<Purpose>,
}

impl Default for AccountLimits {
    fn default() -> Self {
        Self {
            codes: Limits::DEFAULT,
            enrollment_window: Window::ENROLLMENT,
            max_authenticators: 5,
            pending_secs: 600,
            proof_secs: 300,
            pass_secs: 86_400,
            binding_hold_secs: 86_400,
            recovery_hold_secs: 86_400,
            resync_hold_secs: 86_400,
            reset_hold_secs: 172_800,
            recovery_codes: 10,
            device_secs: 180 * 86_400,
            delivered_secs: 300,
            binding_takes_pass: false,
            confirmation_after_reset: false,
            purposes: Vec::new(),
            acts: vec![Purpose::WITHDRAWAL],
            held_purposes: vec![Purpose::WITHDRAWAL],
        }
    }
}

/// The rules of an account's verification, checked when built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    limits: AccountLimits,
    /// As the throttles of single doors take them: what disables is counted over all doors, by the
    /// account.
    codes: Limits,
    enrollment: Limits,
}

impl Policy {
    /// A policy of these limits.
    ///
    /// # Errors
    /// [`PolicyError`] if a limit is out of its range, or if a stranger who knows the password has
    /// a chance above 1 % a year: [`AccountRisk::chance_by_stranger`] with as many
    /// authenticators as the limits allow.
    pub fn new(limits: AccountLimits) -> Result<Self, PolicyError> {
        let policy = Self::new_with_risk_above_one_percent_a_year(limits)?;
        if policy.risk(policy.limits.max_authenticators, Digits::Six).chance_by_stranger > 0.01 {
            return Err(PolicyError::Risk);
        }
        Ok(policy)
    }

    /// A policy under which a stranger who knows the password may have a chance above 1 % a year of
    /// getting in: what [`Policy::risk`] says should be a known and accepted number.
    ///
    /// # Errors
    /// [`PolicyError`] if a limit is out of its range.
    pub fn new_with_risk_above_one_percent_a_year(limits: AccountLimits) -> Result<Self, PolicyError> {
        CodePolicy::new_with_risk_above_one_percent_a_year(limits.codes)?;
        PolicyError::check(&[
            ("recovery_codes", limits.recovery_codes.into(), 1, RECOVERY_CODES as u64),
            ("max_authenticators", limits.max_authenticators.into(), 1, AUTHENTICATORS as u64),
            ("held_purposes (how many)", limits.held_purposes.len() as u64, 0, HELD as u64),
            ("purposes (how many)", limits.purposes.len() as u64, 0, DECLARED as u64),
            ("acts (how many)", limits.acts.len() as u64, 0, DECLARED as u64),
            ("pending_secs", limits.pending_secs, 1, 86_400),
            ("proof_secs", limits.proof_secs, 1, RECENT_SECS),
            ("pass_secs", limits.pass_secs, 1, 30 * 86_400),
            ("device_secs", limits.device_secs, 1, 400 * 86_400),
            ("delivered_secs", limits.delivered_secs, 60, 600),
            ("binding_hold_secs", limits.binding_hold_secs, 0, HOLD_SECS),
            ("recovery_hold_secs", limits.recovery_hold_secs, 0, HOLD_SECS),
            ("resync_hold_secs", limits.resync_hold_secs, 0, HOLD_SECS),
            ("reset_hold_secs", limits.reset_hold_secs, 0, HOLD_SECS),
        ])?;
        let never_held = [Purpose::BINDING, Purpose::CONFIRMATION, Purpose::RESYNC];
        if never_held.iter().any(|purpose| limits.held_purposes.contains(purpose)) {
            return Err(PolicyError::NeverHeld);
        }
        check_purposes(&limits)?;
        Ok(Self::of(limits))
    }

    fn of(limits: AccountLimits) -> Self {
        let codes = Limits { disable_after: u32::MAX, ..limits.codes };
        let enrollment = Limits { window: limits.enrollment_window, max_drift: 0, ..codes };
        Self { limits, codes, enrollment }
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &AccountLimits {
        &self.limits
    }

    /// Computes how far guessers get under this policy on an account with so many authenticators in
    /// force, with codes of `digits`.
    #[must_use]
    pub fn risk(&self, authenticators: u8, digits: Digits) -> AccountRisk {
        AccountRisk::of(&self.limits.codes, authenticators, digits)
    }

    /// Fails unless codes may be submitted, and sent, for this purpose.
    pub(super) fn check_declared(&self, purpose: Purpose) -> Result<(), AccountError> {
        let is_declared = VERIFIED_ALWAYS.contains(&purpose)
            || self.limits.purposes.contains(&purpose)
            || self.limits.acts.contains(&purpose);
        if is_declared { Ok(()) } else { Err(AccountError::UndeclaredPurpose { purpose }) }
    }

    /// Returns whether a code for this purpose is used up in the write that accepts it.
    pub(super) fn is_act(&self, purpose: Purpose) -> bool {
        self.limits.acts.contains(&purpose)
    }

    pub(super) const fn codes(&self) -> &Limits {
        &self.codes
    }

    pub(super) const fn enrollment(&self) -> &Limits {
        &self.enrollment
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::of(AccountLimits::default())
    }
}

/// Fails if a purpose is declared twice or needlessly, or held without being declared.
fn check_purposes(limits: &AccountLimits) -> Result<(), PolicyError> {
    let declared = || limits.purposes.iter().chain(&limits.acts);
    for purpose in declared() {
        if VERIFIED_ALWAYS.contains(purpose) || *purpose == Purpose::RESYNC {
            return Err(PolicyError::DeclaredAlways);
        }
        if declared().filter(|other| *other == purpose).count() > 1 {
            return Err(PolicyError::DeclaredTwice);
        }
    }
    let is_known = |purpose: &Purpose| *purpose == Purpose::LOGIN || declared().any(|other| other == purpose);
    if limits.held_purposes.iter().all(is_known) { Ok(()) } else { Err(PolicyError::HeldUndeclared) }
}

/// The reach of an attacker who knows the password, and nothing of the secrets, within a year
/// against one account, on the assumptions named at [`Risk`](crate::otp::Risk), the owner logging
/// in between.
///
/// Three throttles admit guesses to the same codes: that of strangers; that of known devices, for
/// whoever has stolen a device token too; and that of mailed passes, for whoever reads the owner's
/// mail. (Every pass of an operator's adds five guesses for whoever gets hold of it.) A guess is compared with every authenticator, so each
/// adds its open steps to the target (an address that codes are sent to is counted as an app,
/// though it adds one code only). While an enrollment waits (ten minutes), its own throttle admits
/// guesses too, which let nobody in but bind that enrollment, and are not counted; nor are recovery
/// codes, which nobody guesses (120 bits).
///
/// ```
/// use sekisho::account::Policy;
/// use sekisho::otp::Digits;
///
/// let risk = Policy::default().risk(1, Digits::Six);
/// assert_eq!((risk.guesses_by_stranger, risk.guesses_with_device), (415, 830));
/// assert!((0.00124..0.00125).contains(&risk.chance_by_stranger)); // 0.12 %
/// assert!((0.00744..0.00746).contains(&risk.chance_at_most)); // 0.74 %
///
/// let risk = Policy::default().risk(5, Digits::Six);
/// assert!((0.0062..0.0063).contains(&risk.chance_by_stranger)); // 0.62 %
/// assert!((0.0366..0.0367).contains(&risk.chance_at_most)); // 3.7 %
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AccountRisk {
    /// The most guesses answered in a year to whoever has no device token.
    pub guesses_by_stranger: u64,
    /// The most guesses answered in a year to whoever has a stolen device token as well.
    pub guesses_with_device: u64,
    /// The chance, 0 to 1, that a stranger's guess hits, where no drift has been learned.
    pub chance_by_stranger: f64,
    /// The same with a stolen device token.
    pub chance_with_device: f64,
    /// The same with mailed passes beside, where every authenticator's clock has been found so far off
    /// that its window and ours do not overlap: the worst there is.
    pub chance_at_most: f64,
}

impl AccountRisk {
    fn of(limits: &Limits, authenticators: u8, digits: Digits) -> Self {
        let stranger = guesses_a_year(limits);
        let with_device = stranger.saturating_mul(2);
        let plain = limits.window.steps();
        // Around our clock, and around the one that a resynchronization has found, however far off.
        let widened = plain.saturating_mul(2);
        let all = |steps: u32| steps.saturating_mul(u32::from(authenticators)).min(digits.codes());
        Self {
            guesses_by_stranger: stranger,
            guesses_with_device: with_device,
            chance_by_stranger: chance(all(plain), digits, stranger),
            chance_with_device: chance(all(plain), digits, with_device),
            chance_at_most: chance(all(widened), digits, stranger.saturating_mul(3)),
        }
    }
}
