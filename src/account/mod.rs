//! One account's whole second factor as a value, and its transitions.
//!
//! The second floor: it judges, counts and remembers, and does no I/O, reads no clock and draws no randomness by itself. Every
//! transition takes the [`Account`] by value and gives a [`Change`], which tells nobody anything until it has been
//! sealed ([`Keyring::seal`](crate::seal::Keyring::seal)) and stored.
//!
//! Most services use the [`Verifier`](../verifier/struct.Verifier.html), which does all of this. A service that keeps records in a table
//! of its own does it by itself:
//!
//! ```
//! use sekisho::account::{AccountId, Attempt, NewAuthenticator, Policy, Purpose};
//! use sekisho::otp::{UnixTime, Verdict};
//! use sekisho::seal::{KeyId, Keyring, SealingKey, Stored};
//!
//! # let mut rng = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
//! # let keyring = Keyring::new(KeyId::new(1), SealingKey::generate(&mut rng));
//! let (alice, policy) = (AccountId::new("alice")?, Policy::default());
//! let mut row: Option<Stored> = None; // what the service's table has for alice
//!
//! // Enroll: load, change, seal, store, and only then tell.
//! let now = UnixTime::from_secs(1_800_000_000);
//! let account = keyring.open(&alice, row)?;
//! let new = NewAuthenticator::new("Example", "alice@example.com")?;
//! let (write, uncommitted) = keyring.seal(account.enroll_first(&policy, now, &new, &mut rng)?, &mut rng)?;
//! row = write.map(|write| write.new); // a real service: UPDATE … WHERE revision = $expected
//! let (enrollment, _events) = uncommitted.assume_committed();
//!
//! // Confirm with the app's first code.
//! let key = enrollment.uri().totp().key(enrollment.uri().secret());
//! let typed = key.code_at(key.totp().step_at(now)?).reveal().to_string();
//! let change = keyring.open(&alice, row)?.confirm(&policy, now, &Attempt::new(Purpose::BINDING, &typed))?;
//! let (write, uncommitted) = keyring.seal(change, &mut rng)?;
//! row = write.map(|write| write.new);
//! let (verdict, _events) = uncommitted.assume_committed();
//! assert!(matches!(verdict, Verdict::Accepted(_)));
//!
//! // Log in: the code that confirmed is spent.
//! let change = keyring.open(&alice, row)?.verify(&policy, now, &Attempt::new(Purpose::LOGIN, &typed))?;
//! let (_, uncommitted) = keyring.seal(change, &mut rng)?;
//! let (verdict, _events) = uncommitted.assume_committed();
//! assert!(matches!(verdict, Verdict::Rejected(_)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod answers;
mod attempt;
mod authenticator;
mod change;
mod deliver;
mod delivered;
mod device;
mod diagnosis;
mod encoding;
mod enroll;
mod event;
mod id;
mod limits;
mod manage;
mod policy;
mod proof;
#[cfg(sekisho_proofs)]
#[doc(hidden)]
pub mod proofs;
mod purpose;
mod recover;
mod recovery;
mod redeem;
mod resync;
mod revision;
mod support;
mod text;
mod throttles;
mod token;
mod verify;
mod view;

pub use address::{Address, AddressError, Channel};
pub use attempt::Attempt;
pub use authenticator::{AuthenticatorId, Enrollable, Enrollment, NewAddress, NewAuthenticator};
pub use change::{Change, Uncommitted};
pub use deliver::{CodeRequest, Delivery};
pub use device::{DeviceId, DeviceView};
pub use diagnosis::Diagnosis;
pub use encoding::RecordError;
pub use event::{Event, EventKind, Reason};
pub use id::{AccountId, AccountIdError};
pub use policy::{AccountLimits, AccountPolicyError, AccountRisk, Policy};
pub use proof::{Method, Proof, ProofError};
pub use purpose::{Purpose, PurposeError};
pub use recovery::RecoveryCodes;
pub use resync::Resync;
pub use revision::Revision;
pub use support::Operator;
pub use text::{Text, TextError};
pub use token::DeviceToken;
pub use view::{AccountView, AuthenticatorKind, AuthenticatorView};

use crate::otp::{RecentCodes, Sensitive, TimeError, UnixTime, UriError};
use alloc::vec::Vec;
use answers::Answers;
use authenticator::{Authenticator, Pending};
use core::fmt;
use delivered::{Delivered, Sends};
use device::Device;
use diagnosis::Miss;
use encoding::Unknown;
use event::History;
use recovery::RecoverySet;
use redeem::Redeemed;
use throttles::Throttles;
use token::Passes;

/// One account's whole second factor, as it was loaded. Redacted in `Debug`, its secrets are wiped on drop.
///
/// It comes from [`Keyring::open`](crate::seal::Keyring::open), and transitions consume it: nobody decides twice on one.
#[must_use]
pub struct Account {
    id: AccountId,
    /// Which write it was loaded from; `None` if there was none.
    revision: Option<Revision>,
    record: Record,
    /// What this transition has told so far.
    events: Vec<Event>,
}

/// What is stored of an account.
pub(crate) struct Record {
    made_at: UnixTime,
    /// The restored backup after which the record was last treated with care.
    restored_at: UnixTime,
    /// Proofs of another epoch are void. Drawn at random when the record is made, so that those of an erased one are.
    epoch: u64,
    /// In the order of their ids.
    authenticators: Vec<Authenticator>,
    next_id: AuthenticatorId,
    pending: Option<Pending>,
    lately: RecentCodes,
    /// When the steps end that removed authenticators have used up: their secrets may come back.
    used_until: UnixTime,
    throttles: Throttles,
    passes: Passes,
    devices: Vec<Device>,
    delivered: Delivered,
    /// Messages that strangers had sent.
    sends: Sends,
    sends_of_devices: Sends,
    recovery: Option<RecoverySet>,
    /// The latest wrong code.
    miss: Option<Miss>,
    holds: Vec<Hold>,
    frozen_at: Option<UnixTime>,
    /// An operator has taken everything away: only the pass enrolls.
    is_reset: bool,
    answers: Answers,
    history: History,
    /// Proofs up to this serial were given before the last change of binding.
    proofs_spent: u64,
    redeemed: Vec<Redeemed>,
    unknown: Unknown,
}

/// No code for this purpose is judged before its end.
struct Hold {
    purpose: Purpose,
    until: UnixTime,
}

impl Hold {
    const fn is_in_force(&self, now: UnixTime) -> bool {
        now.is_within(limits::HOLD_SECS, self.until)
    }
}

impl Record {
    fn new() -> Self {
        Self {
            made_at: UnixTime::from_secs(0),
            restored_at: UnixTime::from_secs(0),
            epoch: 0,
            authenticators: Vec::new(),
            next_id: AuthenticatorId::new(1),
            pending: None,
            lately: RecentCodes::new(),
            used_until: UnixTime::from_secs(0),
            throttles: Throttles::NEW,
            passes: Passes(Vec::new()),
            devices: Vec::new(),
            delivered: Delivered(Vec::new()),
            sends: Sends(Vec::new()),
            sends_of_devices: Sends(Vec::new()),
            recovery: None,
            miss: None,
            holds: Vec::new(),
            frozen_at: None,
            is_reset: false,
            answers: Answers(Vec::new()),
            history: History::NEW,
            proofs_spent: 0,
            redeemed: Vec::new(),
            unknown: Unknown::default(),
        }
    }

    fn held_until(&self, purpose: Purpose, now: UnixTime) -> Option<UnixTime> {
        self.holds.iter().find(|hold| hold.purpose == purpose && hold.is_in_force(now)).map(|hold| hold.until)
    }

    /// Holds what the policy holds, for so long from a certain time on. No hold is shortened by another. (Ended ones are kept until
    /// their place is needed: a clock that jumps ahead and back ends none.)
    fn hold(&mut self, policy: &Policy, secs: u64, from: UnixTime) {
        let limits = policy.limits();
        if secs == 0 {
            return;
        }
        let until = from.saturating_add(secs);
        for purpose in &limits.held_purposes {
            if let Some(hold) = self.holds.iter_mut().find(|hold| hold.purpose == *purpose) {
                // One of a clock gone wrong is no hold, and makes room.
                hold.until = if until.is_within(limits::HOLD_SECS, hold.until) { hold.until } else { until };
                continue;
            }
            // As many as there have been under several policies: the one that ends first makes room.
            if self.holds.len() >= limits::HOLDS {
                self.holds.sort_by_key(|hold| hold.until);
                self.holds.remove(0);
            }
            self.holds.push(Hold { purpose: *purpose, until });
        }
    }
}

impl Account {
    /// An account that nothing is stored of.
    pub(crate) fn absent(id: AccountId) -> Self {
        Self { id, revision: None, record: Record::new(), events: Vec::new() }
    }

    /// An account whose record, as [`to_bytes`](Self::to_bytes) gave it, has been stored by the write `revision`.
    pub(crate) fn stored(id: AccountId, revision: Revision, bytes: &[u8]) -> Result<Self, RecordError> {
        Ok(Self { id, revision: Some(revision), record: encoding::from_bytes(bytes)?, events: Vec::new() })
    }

    /// Whose it is.
    #[must_use]
    pub const fn id(&self) -> &AccountId {
        &self.id
    }

    /// The record as it is sealed.
    pub(crate) fn to_bytes(&self) -> Sensitive<Vec<u8>> {
        encoding::to_bytes(&self.record)
    }

    pub(crate) const fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// Keeps an event in the history, and has it told after the write.
    fn tell(&mut self, now: UnixTime, kind: EventKind) -> Option<u64> {
        let event = self.record.history.push(now, kind);
        let sequence = event.sequence;
        self.events.push(event);
        sequence
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("id", &self.id).finish_non_exhaustive()
    }
}

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
    /// As many authenticators as the policy allows.
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
    /// Nobody was sent a code for [`Purpose::CONFIRMATION`], or not lately.
    #[error("no confirmation was sent lately: send one first")]
    NothingSent,
    /// The account has no app, or none whose clock could be found.
    #[error("the account has no app to resynchronize: nothing is wrong with a clock")]
    NoApp,
    /// What the proof was given for is held since.
    #[error("this is held until {until} (Unix time): try again then", until = until.as_secs())]
    Held {
        /// When the hold ends.
        until: UnixTime,
    },
    /// An operator holds everything.
    #[error("the account is frozen: an operator has to thaw or reset it")]
    Frozen,
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
    /// A recovery code for what a recovery holds.
    #[error("a recovery code is not taken for what its use holds: have the owner log in with it first")]
    NotByRecovery,
    /// Nothing to confirm, or no longer.
    #[error("no enrollment waits to be confirmed, or its time is over: begin it again")]
    NothingPending,
    /// No such authenticator.
    #[error("the account has no authenticator {id}: list them again", id = id.number())]
    NoSuchAuthenticator {
        /// The one that was asked for.
        id: AuthenticatorId,
    },
    /// `remove` for the only authenticator that is not disabled.
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
    /// The proof does not prove enough.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// No otpauth URI can be made.
    #[error(transparent)]
    Uri(#[from] UriError),
    /// The clock cannot be right.
    #[error(transparent)]
    Time(#[from] TimeError),
}
