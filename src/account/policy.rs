//! The policy: how strict an account's verification is.

use super::error::AccountError;
use super::names::purpose::Purpose;
use super::record::capacity::{AUTHENTICATORS, DELIVERED_SECS, HELD, HOLD_SECS, PENDING_SECS, RECOVERY_CODES};
use crate::otp::{CodePolicy, Digits, Limits, PolicyError, RECENT_SECS, Window};
use alloc::vec;
use alloc::vec::Vec;

/// The most purposes of each kind that a policy declares.
const DECLARED: usize = 16;
/// The purposes that codes are verified for under every policy.
const VERIFIED_ALWAYS: [Purpose; 3] = [Purpose::LOGIN, Purpose::BINDING, Purpose::CONFIRMATION];

/// The failures that a throttle forgives in the long run: the count holds so many, and leaks one
/// each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongTerm {
    /// The number of failures that the count holds; when it is full, one attempt is admitted each
    /// time it leaks. At least 1.
    pub most: u32,
    /// The count leaks one failure each time so many seconds have passed. At least 1.
    pub leak_every_secs: u64,
}

impl LongTerm {
    /// The limits of a throttle that otherwise has these.
    const fn of(self, limits: Limits) -> Limits {
        Limits { long_term: self.most, leak_every_secs: self.leak_every_secs, ..limits }
    }
}

/// The numbers of a [`Policy`], before they have been checked.
///
/// ```
/// use sekisho::account::{AccountLimits, Policy};
///
/// let policy =
///     Policy::new(AccountLimits { max_authenticators: 2, ..AccountLimits::default() })?;
/// # Ok::<(), sekisho::otp::PolicyError>(())
/// ```
#[allow(clippy::struct_excessive_bools)] // each is a rule by itself
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLimits {
    /// Window, drift and throttles. Their long-term count is that of strangers. `disable_after`
    /// counts failures in a row over all doors. Default: [`Limits::DEFAULT`].
    pub codes: Limits,
    /// The long-term count of known devices. While it is full, their failures are strangers'.
    /// Default: 15, and one leaks every six days.
    pub devices: LongTerm,
    /// The long-term count of mailed passes. While it is full, their failures are strangers'.
    /// Default: 10, and one leaks every ten days.
    pub mailed_passes: LongTerm,
    /// The long-term count of those who confirm an enrollment. While it is full, their failures are
    /// strangers'. Default: 10, and one leaks a week.
    pub enrollment: LongTerm,
    /// The window in which a new authenticator's first code confirms it. Default:
    /// [`Window::ENROLLMENT`].
    pub enrollment_window: Window,
    /// The most authenticators of one account: 1 to 16. Default: 3.
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
    /// The same after a resynchronization, but for one of at most ten minutes with a known device.
    /// Default: 86 400.
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
    /// After the use of a recovery code no act is authorized before the next set is kept
    /// (SP 800-63B-4 §4.2). Default: no.
    pub new_recovery_codes_before_acts: bool,
    /// The purposes that a code is still good for on an account whose owner has a [stronger
    /// factor](crate::account::Account::set_stronger_factor): at most 16, each declared below, or
    /// [`Purpose::LOGIN`] or [`Purpose::BINDING`]. All others take its assertion. Default:
    /// [`Purpose::LOGIN`].
    pub codes_beside_stronger_factor: Vec<Purpose>,
    /// An owner who has lost everything but the password and an address may
    /// [recover without support](crate::account::Account::begin_self_recovery), after so long, in
    /// seconds: 1 to 30 days; zero for never. Default: 0. 259 200, three days, is a good choice.
    pub self_recovery_secs: u64,
    /// A reset, a rebuild, the end of a freeze and that of a stronger factor take two operators:
    /// one [proposes](crate::account::Account::propose) it, and another does it within a day.
    /// Default: no.
    pub two_operators: bool,
    /// The owner is told of a code that was accepted after so many failures in a row, or more; zero
    /// for never (OWASP ASVS 5.0 §6.3.5). Default: 5, so that nobody is let in after a lock unseen.
    pub tell_after_failures: u32,
    /// The owner is told of each code that was accepted without the token of a known device. For
    /// services that [remember](crate::account::Account::remember_device) browsers. Default: no.
    pub tell_unknown_browsers: bool,
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

impl AccountLimits {
    /// The limits that NIST SP 800-63B-4 asks of a verifier of one-time codes: the default.
    ///
    /// - at most 100 failures in a row, then the authenticators are disabled (§3.2.2);
    /// - a delivered code is good for ten minutes at most, and once (§3.1.3.2);
    /// - a code of an app is accepted once (§3.1.4.2, §3.1.5.2);
    /// - recovery codes have 64 bits at least, and are good once (§3.1.2, §4.2.1.1);
    /// - the owner is told of what binds and recovers (§4.6), given a sink.
    #[must_use]
    pub fn nist() -> Self {
        Self::default()
    }

    /// The limits that PCI DSS 4.0.1 asks for in 8.3.4: ten failures in a row at most, then a lock
    /// of 30 minutes at least, or until the owner's identity is confirmed, as an operator's pass
    /// does. The rest is the default.
    #[must_use]
    pub fn pci_dss() -> Self {
        let codes = Limits { lock_after: 10, first_lock_secs: 1_800, longest_lock_secs: 3_600, ..Limits::DEFAULT };
        Self { codes, ..Self::default() }
    }
}

impl Default for AccountLimits {
    fn default() -> Self {
        Self {
            codes: Limits::DEFAULT,
            devices: LongTerm { most: 15, leak_every_secs: 6 * 86_400 },
            mailed_passes: LongTerm { most: 10, leak_every_secs: 10 * 86_400 },
            enrollment: LongTerm { most: 10, leak_every_secs: 7 * 86_400 },
            enrollment_window: Window::ENROLLMENT,
            max_authenticators: 3,
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
            new_recovery_codes_before_acts: false,
            codes_beside_stronger_factor: vec![Purpose::LOGIN],
            self_recovery_secs: 0,
            two_operators: false,
            tell_after_failures: 5,
            tell_unknown_browsers: false,
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
    devices: Limits,
    mailed_passes: Limits,
    enrollment: Limits,
}

impl Policy {
    /// A policy of these limits.
    ///
    /// # Errors
    /// [`PolicyError`] if a limit is out of its range, or if guessers have a chance above 1 % a
    /// year: [`AccountRisk::chance`](crate::account::AccountRisk::chance) with as many
    /// authenticators as the limits allow, and codes of six digits.
    pub fn new(limits: AccountLimits) -> Result<Self, PolicyError> {
        let policy = Self::new_with_risk_above_one_percent_a_year(limits)?;
        if policy.risk(policy.limits.max_authenticators, Digits::Six).chance > 0.01 {
            return Err(PolicyError::Risk);
        }
        Ok(policy)
    }

    /// A policy under which guessers may have a chance above 1 % a year: what [`Policy::risk`] says
    /// should be a known and accepted number.
    ///
    /// # Errors
    /// [`PolicyError`] if a limit is out of its range.
    pub fn new_with_risk_above_one_percent_a_year(limits: AccountLimits) -> Result<Self, PolicyError> {
        CodePolicy::new_with_risk_above_one_percent_a_year(limits.codes)?;
        PolicyError::check(&[
            ("devices.most", limits.devices.most.into(), 1, u32::MAX.into()),
            ("devices.leak_every_secs", limits.devices.leak_every_secs, 1, u64::MAX),
            ("mailed_passes.most", limits.mailed_passes.most.into(), 1, u32::MAX.into()),
            ("mailed_passes.leak_every_secs", limits.mailed_passes.leak_every_secs, 1, u64::MAX),
            ("enrollment.most", limits.enrollment.most.into(), 1, u32::MAX.into()),
            ("enrollment.leak_every_secs", limits.enrollment.leak_every_secs, 1, u64::MAX),
            ("recovery_codes", limits.recovery_codes.into(), 1, RECOVERY_CODES as u64),
            ("max_authenticators", limits.max_authenticators.into(), 1, AUTHENTICATORS as u64),
            ("held_purposes (how many)", limits.held_purposes.len() as u64, 0, HELD as u64),
            ("purposes (how many)", limits.purposes.len() as u64, 0, DECLARED as u64),
            ("acts (how many)", limits.acts.len() as u64, 0, DECLARED as u64),
            (
                "codes_beside_stronger_factor (how many)",
                limits.codes_beside_stronger_factor.len() as u64,
                0,
                HELD as u64,
            ),
            ("pending_secs", limits.pending_secs, 1, PENDING_SECS),
            ("proof_secs", limits.proof_secs, 1, RECENT_SECS),
            ("pass_secs", limits.pass_secs, 1, 30 * 86_400),
            ("device_secs", limits.device_secs, 1, 400 * 86_400),
            ("delivered_secs", limits.delivered_secs, 60, DELIVERED_SECS),
            ("binding_hold_secs", limits.binding_hold_secs, 0, HOLD_SECS),
            ("recovery_hold_secs", limits.recovery_hold_secs, 0, HOLD_SECS),
            ("resync_hold_secs", limits.resync_hold_secs, 0, HOLD_SECS),
            ("reset_hold_secs", limits.reset_hold_secs, 0, HOLD_SECS),
            // Zero is for never; else the owner has to have a day at least to notice.
            ("self_recovery_secs", limits.self_recovery_secs.max(86_400), 86_400, 30 * 86_400),
        ])?;
        if (1..86_400).contains(&limits.self_recovery_secs) {
            return Err(PolicyError::OutOfRange { limit: "self_recovery_secs", least: 86_400, most: 30 * 86_400 });
        }
        if Self::NEVER_HELD.iter().any(|purpose| limits.held_purposes.contains(purpose)) {
            return Err(PolicyError::NeverHeld);
        }
        check_purposes(&limits)?;
        Ok(Self::of(limits))
    }

    /// The purposes by which an owner defends the account: nothing holds them but a freeze.
    pub(super) const NEVER_HELD: [Purpose; 3] = [Purpose::BINDING, Purpose::CONFIRMATION, Purpose::RESYNC];

    fn of(limits: AccountLimits) -> Self {
        let codes = Limits { disable_after: u32::MAX, ..limits.codes };
        let (devices, mailed_passes) = (limits.devices.of(codes), limits.mailed_passes.of(codes));
        let enrollment = Limits { window: limits.enrollment_window, max_drift: 0, ..limits.enrollment.of(codes) };
        Self { limits, codes, devices, mailed_passes, enrollment }
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &AccountLimits {
        &self.limits
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

    /// Returns whether a code is good for this purpose beside a stronger factor. Confirmations and
    /// resynchronizations let nobody in.
    pub(super) fn is_by_code_beside_stronger_factor(&self, purpose: Purpose) -> bool {
        purpose == Purpose::CONFIRMATION
            || purpose == Purpose::RESYNC
            || self.limits.codes_beside_stronger_factor.contains(&purpose)
    }

    pub(super) const fn codes(&self) -> &Limits {
        &self.codes
    }

    pub(super) const fn devices(&self) -> &Limits {
        &self.devices
    }

    pub(super) const fn mailed_passes(&self) -> &Limits {
        &self.mailed_passes
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
    let is_known_or_binding = |purpose: &Purpose| *purpose == Purpose::BINDING || is_known(purpose);
    if !limits.codes_beside_stronger_factor.iter().all(is_known_or_binding) {
        return Err(PolicyError::HeldUndeclared);
    }
    if limits.held_purposes.iter().all(is_known) { Ok(()) } else { Err(PolicyError::HeldUndeclared) }
}
