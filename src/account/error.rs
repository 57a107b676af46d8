//! Why a transition is not possible.

use super::names::ids::{AuthenticatorId, DeviceId};
use super::names::purpose::Purpose;
use crate::otp::{TimeError, UnixTime, UriError};

/// Why a transition is not possible. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The account has no authenticator.
    #[error("the account has no authenticator: have one enrolled first")]
    NotEnrolled,
    /// `enroll_first` where an authenticator is bound.
    #[error("the account has an authenticator: another one is enrolled with a proof of its code, by `enroll`")]
    AlreadyEnrolled,
    /// `create` where something was ever bound, or the account is frozen or was reset.
    #[error("the account is not new: its record has been used; give a new user an id that nobody has had")]
    NotNew,
    /// There is no room: for authenticators, e-mail addresses (two), or recoveries (three a year).
    #[error("the account has as many authenticators as the policy allows: have one removed first")]
    TooMany,
    /// The account has this secret, or is bound to this address.
    #[error("the account has an authenticator with this secret or address already: use that one, or another")]
    SameSecret,
    /// The policy asks for a pass before a change of binding, or the account was reset.
    #[error("this takes a pass that is good: have one mailed (after a reset: have the account reset again)")]
    PassNeeded,
    /// The policy asks for a delivered code after a reset.
    #[error("the enrollment after a reset takes a confirmation: send a code, and pass its proof")]
    ConfirmationNeeded,
    /// The address is not bound, was not bound before the reset, or is no e-mail address.
    #[error(
        "the confirmation is by an address that the account was not bound to before its reset: send it to one that was \
         (where there was none: use a verifier whose policy asks for no confirmation)"
    )]
    AddressNotBound,
    /// Nobody was sent a code for [`Purpose::CONFIRMATION`](crate::account::Purpose::CONFIRMATION),
    /// or only long ago.
    #[error("no confirmation was sent recently: send one first")]
    NothingSent,
    /// A code shall be sent for an act, and nobody says which.
    #[error("a code for an act takes the act's context: ask for it with `CodeRequest::with_context`")]
    ContextNeeded,
    /// The account has no app, or the enrollment that waits is of an address.
    #[error("the account has no app to resynchronize: nothing is wrong with a clock")]
    NoApp,
    /// The purpose of the proof is held since.
    #[error("this is held until {until} (Unix time): try again then", until = until.as_secs())]
    Held {
        /// The end of the hold.
        until: UnixTime,
    },
    /// A hold of the service's own of no length, or of more than seven days.
    #[error("a service holds for one second to seven days: set another length (for longer: freeze the account)")]
    HoldLength,
    /// A hold of a purpose that nothing holds.
    #[error("changes of binding, confirmations and resynchronizations are never held: name other purposes")]
    NeverHeld,
    /// There is no hold of the service's own.
    #[error("the service holds nothing of this account: the policy's holds end by themselves")]
    NothingHeld,
    /// The account is frozen, by an operator or by its owner. An operator has to thaw it.
    #[error("the account is frozen: an operator has to thaw or reset it")]
    Frozen,
    /// `freeze_by_owner` with what is no handle of a notice, or of one that is too old, or was
    /// answered by a thaw or a reset.
    #[error("this is no handle of a notice of this account's from the last seven days: freeze it by an operator")]
    UnknownHandle,
    /// A session that is founded on an earlier epoch of the account.
    #[error("the account has changed since the session began: have the owner log in again")]
    SessionEnded,
    /// The policy offers no recovery without support.
    #[error("recovery without support is not offered: have an operator reset the account")]
    NotOffered,
    /// A recovery without support waits, or its time is not over.
    #[error("a recovery waits: it takes effect when its time is over and its owner was told of it each day")]
    RecoveryWaits,
    /// The policy asks for two operators.
    #[error("this takes two operators: have another one propose it, by `propose`, within a day before")]
    SecondOperatorNeeded,
    /// `thaw` of an account that is not frozen.
    #[error("the account is not frozen: there is nothing to thaw")]
    NotFrozen,
    /// No such device.
    #[error("the account knows no device {id}: list them again")]
    NoSuchDevice {
        /// The one that was asked for.
        id: DeviceId,
    },
    /// The account has no recovery codes, or has used all of them.
    #[error("the account has no recovery codes left: another way is needed, or support")]
    NoRecoveryCodes,
    /// A recovery code was used, and the policy asks for the next set before acts.
    #[error("a recovery code was used: have the owner make and keep the next set first")]
    RecoveryCodesDue,
    /// Only an assertion of the stronger factor is enough for this.
    #[error("the owner has a stronger factor, and a code is not enough for this: ask for its assertion")]
    StrongerFactorNeeded,
    /// The account has no stronger factor.
    #[error("no stronger factor is recorded for the account: ask for a code, or record the factor first")]
    NoStrongerFactor,
    /// The account has a stronger factor already.
    #[error("a stronger factor is recorded for the account already: there is nothing to do")]
    HasStrongerFactor,
    /// A recovery code for what a recovery holds.
    #[error("a recovery code is not taken for what its use holds: have the owner log in with it first")]
    NotByRecovery,
    /// No enrollment, set of recovery codes or recovery waits, or not any more.
    #[error("no enrollment waits to be confirmed, or its time is over: begin it again")]
    NothingPending,
    /// A change with the proof of a confirmation that came without the enrollment's handle.
    #[error(
        "the proof is by a confirmation without the enrollment's handle: confirm with the handle, or ask for another code"
    )]
    HandleNeeded,
    /// No such authenticator.
    #[error("the account has no authenticator {id}: list them again", id = id.number())]
    NoSuchAuthenticator {
        /// The one that was asked for.
        id: AuthenticatorId,
    },
    /// No active authenticator would be left; for `suspend`, no other way in.
    #[error(
        "this is the account's last authenticator in force: enroll another first, or call `remove_last` to do without"
    )]
    LastAuthenticator,
    /// `remove_last` where there are others.
    #[error("this is not the account's last authenticator: call `remove`")]
    NotTheLast,
    /// A purpose that this kind of code is not for.
    #[error(
        "codes of this kind have another purpose: `BINDING` confirms enrollments, `CONFIRMATION` is for addresses that are named"
    )]
    Purpose,
    /// A purpose that the policy does not declare.
    #[error(
        "the policy declares no purpose {purpose}: correct its spelling, or add it to `AccountLimits::purposes` or \
         `AccountLimits::acts`"
    )]
    UndeclaredPurpose {
        /// The purpose that was asked for.
        purpose: Purpose,
    },
    /// `verify` for a purpose that the policy declares as an act.
    #[error("the purpose is an act, whose code is used up at once: call `authorize`")]
    IsAct,
    /// `authorize` for a purpose that the policy does not declare as an act.
    #[error("the purpose is no act: call `verify`, or add the purpose to `AccountLimits::acts`")]
    NotAnAct,
    /// Since the authorization the account was changed, frozen, reset or restored, or its purpose
    /// held.
    #[error("the authorization does not stand any more: the account has changed since; have the owner confirm again")]
    AuthorizationEnded,
    /// The proof is another account's.
    #[error("the proof is another account's: ask for a code of this one")]
    ProofOfAnotherAccount,
    /// The proof was given for another purpose.
    #[error(
        "the proof was given for another purpose: ask for a code with the purpose at hand (changes of authenticators: \
         `Purpose::BINDING`)"
    )]
    ProofForAnotherPurpose,
    /// The proof was given for another context.
    #[error("the proof was given for something else: ask for a code with this context")]
    ProofForAnotherContext,
    /// The proof's time is over.
    #[error("the proof has run out: ask for another code")]
    ProofEnded,
    /// The proof was used or redeemed; or a change, a freeze, a reset, a restored backup or a hold
    /// has voided it.
    #[error("the proof has been used, or the account has changed since: ask for another code")]
    ProofSpent,
    /// The owner has to be told of this, and cannot be: as many notices wait for the event sink as
    /// the record keeps.
    #[error(
        "too many notices wait for the event sink: see that it takes them, then try again (records of one's own: call \
         `acknowledge`)"
    )]
    EventsWaiting,
    /// No otpauth URI can be made.
    #[error(transparent)]
    Uri(#[from] UriError),
    /// The clock cannot be right.
    #[error(transparent)]
    Time(#[from] TimeError),
}
