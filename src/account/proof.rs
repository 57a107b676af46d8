//! The proof that an accepted code leaves behind.

use super::error::AccountError;
use super::names::account_id::AccountId;
use super::names::address::{Address, Channel};
use super::names::ids::AuthenticatorId;
use super::names::purpose::Purpose;
use super::names::source::Source;
use crate::otp::{Moment, UnixTime};

/// Proof that a code was accepted and its use stored: for whom, by what method, for which purpose,
/// when.
///
/// Only an accepted code gives one. It cannot be copied, and it ends: by time
/// ([`AccountLimits::proof_secs`](crate::account::AccountLimits::proof_secs)), by a freeze or a
/// reset. It serves only one change of binding. Pass it by value to what needs it.
///
/// # What a proof can lack
/// Changes that take a proof refuse it with one of these: it is of another account
/// ([`AccountError::ProofOfAnotherAccount`]), for another purpose
/// ([`AccountError::ProofForAnotherPurpose`]), has ended by time ([`AccountError::ProofEnded`]),
/// was used or voided ([`AccountError::ProofSpent`]), came without the enrollment's handle
/// ([`AccountError::HandleNeeded`]), is for another context
/// ([`AccountError::ProofForAnotherContext`]), or came without the pass or the stronger factor that
/// the policy asks for ([`AccountError::PassNeeded`], [`AccountError::StrongerFactorNeeded`]). Of
/// an account that is frozen all are refused ([`AccountError::Frozen`]).
///
/// An attempt that is made again with its [idempotency
/// key](crate::account::Attempt::with_idempotency_key) gets the same reply, and so a proof again:
/// one with the same [`id`](Self::id). What must happen once (a withdrawal, say) is no matter for a
/// proof: declare its purpose as an act, and [authorize](crate::account::Account::authorize) it.
#[derive(Debug)]
#[must_use = "a proof that nobody looks at proves nothing"]
pub struct Proof {
    pub(super) account: AccountId,
    pub(super) method: Method,
    pub(super) purpose: Purpose,
    pub(super) context: Option<[u8; 32]>,
    pub(super) at: UnixTime,
    pub(super) secs: u64,
    /// The [lead](Moment::lead) of the record's newest time then.
    pub(super) lead: u64,
    /// The address that the confirmation was sent to.
    pub(super) address: Option<Address>,
    pub(super) origin: Origin,
    /// The record's security epoch then.
    pub(super) epoch: u64,
    /// The number of the event that tells of the acceptance: rises within an epoch.
    pub(super) serial: u64,
    /// The source of the attempt: events of the changes that it is good for keep it too.
    pub(super) source: Option<Source>,
}

/// The door that a proof comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A code was verified.
    Code,
    /// An enrollment was confirmed. Without its handle the code may have been guessed, while the
    /// secret was new and the owner was about to type it: such a proof is good for no change.
    Enrollment { with_handle: bool },
}

impl Proof {
    /// The account whose code it was.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// The method that it was proved by.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The authenticator whose code it was; `None` for a recovery code, a confirmation and an
    /// assertion of a stronger factor.
    #[must_use]
    pub const fn authenticator(&self) -> Option<AuthenticatorId> {
        match self.method {
            Method::Authenticator(id) => Some(id),
            Method::DeliveredCode { authenticator, .. } => authenticator,
            Method::RecoveryCode { .. } | Method::StrongerFactor => None,
        }
    }

    /// The purpose that the code was submitted for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The hash that it was submitted with:
    /// [`Attempt::with_context`](crate::account::Attempt::with_context).
    #[must_use]
    pub const fn context(&self) -> Option<&[u8; 32]> {
        self.context.as_ref()
    }

    /// For a confirmation, the address that it was sent to.
    #[must_use]
    pub const fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    /// True for the confirmation of an enrollment that came without its
    /// [handle](crate::account::Enrollment::handle): whoever submitted it may not have the secret,
    /// but have guessed one code of it. Let nobody in by such a proof, and end no earlier
    /// session for it. No change takes it ([`AccountError::HandleNeeded`]).
    #[must_use]
    pub const fn may_be_guessed(&self) -> bool {
        matches!(self.origin, Origin::Enrollment { with_handle: false })
    }

    /// Names the acceptance: the same for every proof of it, and no other's.
    #[must_use]
    pub fn id(&self) -> u128 {
        (u128::from(self.epoch) << 64) | u128::from(self.serial)
    }

    /// The record's epoch at the time. A session that is founded on the proof keeps it, and has
    /// ended when the account's [view](crate::account::AccountView::epoch) has another: a freeze or
    /// a reset ends all of an account's sessions so, wherever they are. A change of what is bound
    /// ends all but the one that it came from, which takes the new epoch: from the proof of the
    /// confirmation, or from the answer of the removal.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The time when it was accepted.
    #[must_use]
    pub const fn at(&self) -> UnixTime {
        self.at
    }

    /// Uses the proof up for `purpose`: for the part of a service that does what was proved, and
    /// did not see the code.
    ///
    /// This asks no store. A named attempt that is repeated gives its proof again, and a freeze or
    /// a reset since is not known here: for what must happen once, and not after a freeze, use
    /// [`Verifier::redeem`](../verifier/struct.Verifier.html#method.redeem) (or
    /// [`Account::redeem`](crate::account::Account::redeem)).
    ///
    /// # Errors
    /// [`AccountError`] if it is another account's, for another purpose or context, or has ended by
    /// time.
    pub fn redeem_without_store(
        self,
        account: &AccountId,
        purpose: Purpose,
        context: Option<&[u8; 32]>,
        now: UnixTime,
    ) -> Result<(), AccountError> {
        self.check_all(account, purpose, context, Moment::new(now, now))
    }

    pub(super) fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Fails if the proof is by a confirmation whose code may have been guessed.
    pub(super) const fn check_origin(&self) -> Result<(), AccountError> {
        if self.may_be_guessed() { Err(AccountError::HandleNeeded) } else { Ok(()) }
    }

    /// Fails if something has voided the proof.
    pub(super) const fn check_epoch(&self, epoch: u64) -> Result<(), AccountError> {
        if self.epoch == epoch { Ok(()) } else { Err(AccountError::ProofSpent) }
    }

    pub(super) fn check_all(
        &self,
        account: &AccountId,
        purpose: Purpose,
        context: Option<&[u8; 32]>,
        now: Moment,
    ) -> Result<(), AccountError> {
        self.check(account, purpose, now)?;
        self.check_origin()?;
        if self.context.as_ref() != context {
            return Err(AccountError::ProofForAnotherContext);
        }
        Ok(())
    }

    pub(super) fn check(&self, account: &AccountId, purpose: Purpose, now: Moment) -> Result<(), AccountError> {
        if self.account != *account {
            return Err(AccountError::ProofOfAnotherAccount);
        }
        if self.purpose != purpose {
            return Err(AccountError::ProofForAnotherPurpose);
        }
        // A clock set back does not make it last longer.
        if !now.is_near(self.at, self.lead, self.secs) {
            return Err(AccountError::ProofEnded);
        }
        Ok(())
    }
}

/// The method that something was proved by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Method {
    /// A code of this authenticator.
    Authenticator(AuthenticatorId),
    /// A code that was sent.
    DeliveredCode {
        /// The address that the account is bound to; `None` for a confirmation.
        authenticator: Option<AuthenticatorId>,
        /// The channel that it was sent by.
        channel: Channel,
    },
    /// A recovery code. Ask for a new set
    /// ([`Account::issue_recovery_codes`](crate::account::Account::issue_recovery_codes)): the
    /// owner may have lost all else.
    RecoveryCode {
        /// The codes of the set that have not been used.
        left: u8,
    },
    /// An assertion of a stronger factor, which [the service has
    /// verified](crate::account::Attempt::assertion_verified_by_service).
    StrongerFactor,
}

impl Method {
    /// The method as an authentication method reference (RFC 8176 §2), for the `amr` claim of an ID
    /// token: `sms` and `tel` for codes sent by message and by voice, `otp` for every other code,
    /// and `pop` for a stronger factor (a service that knows more of it says `hwk` or `swk`).
    /// The service adds `pwd` for the password, and `mfa`.
    #[must_use]
    pub const fn amr(self) -> &'static str {
        match self {
            Self::DeliveredCode { channel: Channel::Sms, .. } => "sms",
            Self::DeliveredCode { channel: Channel::Voice, .. } => "tel",
            Self::DeliveredCode { channel: Channel::Email, .. }
            | Self::Authenticator(_)
            | Self::RecoveryCode { .. } => "otp",
            Self::StrongerFactor => "pop",
        }
    }

    /// Returns whether the owner should have a new set of recovery codes made: one of them has
    /// been used.
    #[must_use]
    pub const fn asks_for_new_recovery_codes(self) -> bool {
        matches!(self, Self::RecoveryCode { .. })
    }
}
