//! An account as it moves from one system to another: what an import takes, and an export gives.

use crate::account::names::address::{Address, Channel};
use crate::account::names::purpose::Purpose;
use crate::account::names::text::Text;
use crate::account::policy::Policy;
use crate::account::record::authenticator::AuthenticatorState;
use crate::account::record::capacity::{AUTHENTICATORS, EMAILS, HOLD_SECS, HOLDS, RECOVERY_CODES};
use crate::account::record::imported_codes::{OLD_HASH, TypedCode};
#[cfg(doc)]
use crate::account::transition::Account;
use crate::otp::{Moment, Secret, SecretError, Sensitive, Step, TimeError, Totp, Tracker, UnixTime};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use subtle::ConstantTimeEq;

/// A step that was used is at most so far ahead of those that are open, in seconds: one that is
/// further would shut its owner out until then.
const USED_AHEAD_SECS: u64 = 600;
/// The drift that another system may have learned, in steps.
pub(super) const MOST_DRIFT: u32 = 20;

/// Why an account cannot be imported as it is given. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// More than the record, or the policy, has room for; the text says of what.
    #[error("it has more {0} than there is room for: leave some out, or raise the policy's limit")]
    TooMany(&'static str),
    /// The same secret, or the same address, twice.
    #[error("it has the same secret or address twice: leave one of them out")]
    SameSecret,
    /// The secret has a length that is not taken.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The last used step lies more than ten minutes ahead of the steps that are open.
    #[error("its last used step is more than ten minutes ahead of the clock: is it in steps, and of this period?")]
    UsedAhead,
    /// The drift is more than twenty steps.
    #[error("its drift is more than twenty steps: leave it out, and have its owner resynchronize")]
    Drift,
    /// The same recovery code, or the same hash, twice: it would be good twice. Codes in clear
    /// beside hashes may be the same, so they are refused together.
    #[error("it has a recovery code twice, or codes in clear beside hashes: give each once, in one form")]
    RepeatedRecoveryCode,
    /// A recovery code that nobody could type, or that anybody could guess.
    #[error("a recovery code has eight to 64 characters of ASCII, and a hash 1 to 256 bytes: leave the others out")]
    RecoveryCode,
    /// Recovery codes without a factor that they stand in for, or nothing at all where a source has
    /// said that there is a second factor.
    #[error("it has no authenticator and no stronger factor: say that it is known without one, if that is so")]
    NoFactor,
    /// Authenticators or recovery codes of an account that is reset.
    #[error("an account that is reset has no authenticators and no recovery codes: leave them out")]
    ResetWithFactors,
    /// A hold of more than 366 days, or of what is never held.
    #[error("a hold lasts 366 days at most, and is on no change of binding, confirmation or resynchronization")]
    Hold,
    /// The clock cannot be right.
    #[error(transparent)]
    Time(#[from] TimeError),
}

/// An app, or a hardware token, that another system has confirmed.
#[derive(Debug)]
#[must_use]
pub struct PortableApp {
    pub(super) secret: Box<Secret>,
    pub(super) totp: Totp,
    pub(super) name: Option<Text>,
    pub(super) last_used: Option<Step>,
    pub(super) drift: i32,
    pub(super) bound_at: Option<UnixTime>,
    pub(super) state: AuthenticatorState,
}

impl PortableApp {
    /// One with these parameters. All steps that are open when it is imported count as used, so
    /// that its owner waits once for the next code: see [`last_used`](Self::last_used).
    ///
    /// # Errors
    /// [`ImportError::Secret`] for a secret of fewer than 128 bits.
    pub fn new(secret: &Secret, totp: Totp) -> Result<Self, ImportError> {
        if secret.is_legacy() {
            return Err(ImportError::Secret(SecretError::TooShort { len: secret.expose().len() }));
        }
        Ok(Self::with_legacy_secret(secret, totp))
    }

    /// The same for a secret of 80 bits and more; see [`Secret::new_legacy`] for what is risked.
    pub fn with_legacy_secret(secret: &Secret, totp: Totp) -> Self {
        let secret = secret.boxed_copy();
        let state = AuthenticatorState::Active;
        Self { secret, totp, name: None, last_used: None, drift: 0, bound_at: None, state }
    }

    /// With the owner's name for it.
    pub fn named(mut self, name: Text) -> Self {
        self.name = Some(name);
        self
    }

    /// With the last step that the other system has accepted: later ones are good at once.
    pub const fn last_used(mut self, step: Step) -> Self {
        self.last_used = Some(step);
        self
    }

    /// With the drift that the other system has learned: its clock is so many steps ahead or,
    /// negative, behind. At most twenty.
    pub const fn with_drift(mut self, steps: i32) -> Self {
        self.drift = steps;
        self
    }

    /// With the time when it was bound. Default: when it is imported.
    pub const fn bound_at(mut self, at: UnixTime) -> Self {
        self.bound_at = Some(at);
        self
    }

    /// With another state: disabled in the other system, say.
    pub const fn with_state(mut self, state: AuthenticatorState) -> Self {
        self.state = state;
        self
    }

    /// The secret.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The parameters.
    #[must_use]
    pub const fn totp(&self) -> Totp {
        self.totp
    }

    /// The owner's name for it.
    #[must_use]
    pub const fn name(&self) -> Option<&Text> {
        self.name.as_ref()
    }

    /// The last step that was used, if that is known.
    #[must_use]
    pub const fn last_used_step(&self) -> Option<Step> {
        self.last_used
    }

    /// The drift, in steps.
    #[must_use]
    pub const fn drift(&self) -> i32 {
        self.drift
    }

    /// The time when it was bound, if that is known.
    #[must_use]
    pub const fn bound(&self) -> Option<UnixTime> {
        self.bound_at
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> AuthenticatorState {
        self.state
    }

    pub(super) fn tracker(&self, policy: &Policy, now: Moment) -> Result<Tracker, ImportError> {
        if self.drift.unsigned_abs() > MOST_DRIFT {
            return Err(ImportError::Drift);
        }
        let present = self.totp.step_at(now.clock)?;
        let furthest = i64::from(self.drift.max(0)).saturating_add(i64::from(policy.codes().window.future));
        let furthest = present.saturating_offset(furthest);
        let ahead = USED_AHEAD_SECS.checked_div(self.totp.period.as_secs()).unwrap_or(0);
        if self.last_used.is_some_and(|step| step.number() > furthest.number().saturating_add(ahead)) {
            return Err(ImportError::UsedAhead);
        }
        let used = self.last_used.unwrap_or(furthest);
        // The other system has measured it: what is learned from now on is measured from there.
        Ok(Tracker::from_stored(Some(used), self.drift, self.drift).unwrap_or(Tracker::imported(used)))
    }
}

/// A number that codes are sent to, which another system has confirmed; or an e-mail address, which
/// confirms after a reset.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct PortableAddress {
    pub(super) address: Address,
    pub(super) name: Option<Text>,
    pub(super) bound_at: Option<UnixTime>,
    pub(super) state: AuthenticatorState,
}

impl From<Address> for PortableAddress {
    /// One that is active. Of its age nothing is known: see [`bound_at`](Self::bound_at).
    fn from(address: Address) -> Self {
        Self { address, name: None, bound_at: None, state: AuthenticatorState::Active }
    }
}

impl PortableAddress {
    /// With the owner's name for it.
    pub fn named(mut self, name: Text) -> Self {
        self.name = Some(name);
        self
    }

    /// With the time when it was bound: until the policy's
    /// [hold](crate::account::AccountLimits::binding_hold_secs) is over since, it confirms no reset
    /// and no recovery. Where it is unknown, a number counts as bound when it is imported, and an
    /// e-mail address as bound long before.
    pub const fn bound_at(mut self, at: UnixTime) -> Self {
        self.bound_at = Some(at);
        self
    }

    /// With another state: suspended in the other system, say.
    pub const fn with_state(mut self, state: AuthenticatorState) -> Self {
        self.state = state;
        self
    }

    /// The address.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The owner's name for it.
    #[must_use]
    pub const fn name(&self) -> Option<&Text> {
        self.name.as_ref()
    }

    /// The time when it was bound, if that is known.
    #[must_use]
    pub const fn bound(&self) -> Option<UnixTime> {
        self.bound_at
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> AuthenticatorState {
        self.state
    }
}

/// An account as it moves from one system to another.
///
/// An [import](Account::import) makes its record, with its authenticators confirmed, in one write.
/// An [export](Account::export_with_secrets) gives it, and what was exported imports again to an
/// equal record, as far as it moves. These do not:
///
/// - failures and locks, messages that were sent, and the history;
/// - known devices, passes, sessions, proposals, and a recovery without support that waits;
/// - recovery codes that were imported in clear, and whether a new set is due;
/// - the reasons of holds, and a drift of more than twenty steps;
/// - mailboxes and a stronger factor whose own hold is not over, and addresses that were bound
///   before a reset.
///
/// Apps and numbers move with their names, their states and the times when they were bound. Nothing
/// that is left out opens an account: one that has nothing else is [reset](PortableState::Reset).
///
/// ```
/// use sekisho::account::{PortableAccount, PortableApp};
/// use sekisho::otp::{Secret, Totp};
///
/// let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
/// let account = PortableAccount::new()
///     .with_app(PortableApp::new(&secret, Totp::DEFAULT)?)
///     .with_recovery_codes(["a1b2c-d3e4f", "0f9e8-d7c6b"])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
#[must_use]
pub struct PortableAccount {
    pub(super) apps: Vec<PortableApp>,
    pub(super) numbers: Vec<PortableAddress>,
    pub(super) emails: Vec<PortableAddress>,
    /// In clear, in one spelling.
    pub(super) codes: Vec<Sensitive<String>>,
    pub(super) hashes: Vec<Box<str>>,
    pub(super) has_stronger_factor: bool,
    pub(super) state: PortableState,
    pub(super) holds: Vec<PortableHold>,
}

impl fmt::Debug for PortableAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortableAccount").field("apps", &self.apps).field("state", &self.state).finish_non_exhaustive()
    }
}

/// The state of an account, beside holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum PortableState {
    /// Its codes are accepted.
    #[default]
    Open,
    /// Nothing is accepted until an operator thaws it.
    Frozen,
    /// No code is accepted until an operator resets it again, and hands over the pass.
    Reset,
    /// Nothing is accepted until an operator thaws it, and then it is as after a reset.
    FrozenAndReset,
}

impl PortableState {
    pub(super) const fn is_frozen(self) -> bool {
        matches!(self, Self::Frozen | Self::FrozenAndReset)
    }

    pub(super) const fn is_reset(self) -> bool {
        matches!(self, Self::Reset | Self::FrozenAndReset)
    }
}

/// A purpose that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortableHold {
    /// The purpose.
    pub purpose: Purpose,
    /// Since when.
    pub from: UnixTime,
    /// The end of the hold: at most 366 days after its beginning.
    pub until: UnixTime,
}

impl PortableAccount {
    /// An account without a second factor, until something is added.
    pub fn new() -> Self {
        Self::default()
    }

    /// With an app or a token.
    pub fn with_app(mut self, app: PortableApp) -> Self {
        self.apps.push(app);
        self
    }

    /// With an address that the other system has confirmed: a number is an authenticator that codes
    /// are sent to, and an e-mail address confirms after a reset (see [`Account::bind_email`]). An
    /// e-mail address has no name, and one that is not active is left out: it shall confirm
    /// nothing. One that was bound lately confirms once the policy's
    /// [hold](crate::account::AccountLimits::binding_hold_secs) is over since.
    pub fn with_address(mut self, address: impl Into<PortableAddress>) -> Self {
        let address = address.into();
        match address.address.channel() {
            Channel::Email if address.state == AuthenticatorState::Active => self.emails.push(address),
            Channel::Email => {}
            Channel::Sms | Channel::Voice => self.numbers.push(address),
        }
        self
    }

    /// With recovery codes in clear, of which hashes are kept. A person may type them in either
    /// case, with or without hyphens and blanks.
    ///
    /// # Errors
    /// [`ImportError::RecoveryCode`] for one with fewer than 8 characters, or more than 64, or
    /// others than those of ASCII.
    pub fn with_recovery_codes<'c>(mut self, codes: impl IntoIterator<Item = &'c str>) -> Result<Self, ImportError> {
        for code in codes {
            let normal = TypedCode::parse(code).and_then(|typed| typed.normal());
            self.codes.push(normal.ok_or(ImportError::RecoveryCode)?);
        }
        Ok(self)
    }

    /// With the hashes that the other system has kept of its recovery codes: a
    /// [`HashChecker`](crate::account::HashChecker) compares them. Without one they match nothing.
    /// The hashes that an export gives need none.
    ///
    /// # Errors
    /// [`ImportError::RecoveryCode`] for an empty hash, or one of more than 256 bytes.
    pub fn with_hashed_recovery_codes<'c>(
        mut self,
        hashes: impl IntoIterator<Item = &'c str>,
    ) -> Result<Self, ImportError> {
        for hash in hashes {
            if hash.is_empty() || hash.len() > OLD_HASH {
                return Err(ImportError::RecoveryCode);
            }
            self.hashes.push(hash.into());
        }
        Ok(self)
    }

    /// With a stronger factor that the service verifies: see [`Account::set_stronger_factor`].
    pub const fn with_stronger_factor(mut self) -> Self {
        self.has_stronger_factor = true;
        self
    }

    /// In another state than open.
    pub const fn with_state(mut self, state: PortableState) -> Self {
        self.state = state;
        self
    }

    /// With a hold that is in force.
    pub fn with_hold(mut self, hold: PortableHold) -> Self {
        self.holds.push(hold);
        self
    }

    /// The apps and tokens.
    pub fn apps(&self) -> &[PortableApp] {
        &self.apps
    }

    /// The numbers that codes are sent to.
    pub fn numbers(&self) -> &[PortableAddress] {
        &self.numbers
    }

    /// The e-mail addresses that confirm after a reset.
    pub fn emails(&self) -> &[PortableAddress] {
        &self.emails
    }

    /// The hashes of recovery codes.
    pub fn hashed_recovery_codes(&self) -> impl Iterator<Item = &str> {
        self.hashes.iter().map(|hash| &**hash)
    }

    /// True if there is a stronger factor.
    #[must_use]
    pub const fn has_stronger_factor(&self) -> bool {
        self.has_stronger_factor
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> PortableState {
        self.state
    }

    /// The holds.
    #[must_use]
    pub fn holds(&self) -> &[PortableHold] {
        &self.holds
    }

    fn has_repeated_codes(&self) -> bool {
        let hashes: BTreeSet<&str> = self.hashed_recovery_codes().collect();
        let is_same = |one: &Sensitive<String>, other: &Sensitive<String>| {
            bool::from(one.expose().as_bytes().ct_eq(other.expose().as_bytes()))
        };
        let is_repeated = |(place, code)| self.codes.iter().take(place).any(|before| is_same(before, code));
        let has_both = !self.codes.is_empty() && !self.hashes.is_empty();
        has_both || hashes.len() < self.hashes.len() || self.codes.iter().enumerate().any(is_repeated)
    }

    /// Returns whether the password alone does not get in.
    pub(crate) const fn has_factor(&self) -> bool {
        // A freeze ends: it is no factor.
        !self.apps.is_empty() || !self.numbers.is_empty() || self.has_stronger_factor || self.state.is_reset()
    }

    pub(super) fn check(&self, policy: &Policy) -> Result<(), ImportError> {
        let most = AUTHENTICATORS.min(usize::from(policy.limits().max_authenticators));
        let too_many = [
            (self.apps.len().saturating_add(self.numbers.len()), most, "authenticators"),
            (self.emails.len(), EMAILS, "e-mail addresses"),
            (self.codes.len().saturating_add(self.hashes.len()), RECOVERY_CODES, "recovery codes"),
            (self.holds.len(), HOLDS, "holds"),
        ];
        if let Some((_, _, what)) = too_many.into_iter().find(|(count, most, _)| count > most) {
            return Err(ImportError::TooMany(what));
        }
        let has_codes = !self.codes.is_empty() || !self.hashes.is_empty();
        if self.state.is_reset() && (has_codes || !self.apps.is_empty() || !self.numbers.is_empty()) {
            return Err(ImportError::ResetWithFactors);
        }
        if self.has_repeated_codes() {
            return Err(ImportError::RepeatedRecoveryCode);
        }
        if has_codes && !self.has_factor() {
            return Err(ImportError::NoFactor);
        }
        let is_held = |hold: &PortableHold| hold.until.saturating_since(hold.from) <= HOLD_SECS;
        let never = |hold: &PortableHold| Policy::NEVER_HELD.contains(&hold.purpose);
        if self.holds.iter().any(|hold| !is_held(hold) || never(hold)) {
            return Err(ImportError::Hold);
        }
        Ok(())
    }
}
