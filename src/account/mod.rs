//! One account's whole second factor as a value, and its transitions.
//!
//! The second floor. It judges, counts and remembers. It does no I/O, reads no clock and draws no
//! randomness by itself. Every transition takes the [`Account`] by value and gives a [`Change`],
//! which tells nobody anything until it has been sealed
//! ([`Keyring::seal`](crate::seal::Keyring::seal)) and stored.
//!
//! Most services use the [`Verifier`](../struct.Verifier.html), which does all of this. A service
//! that keeps records in a table of its own does it by itself:
//!
//! ```
//! use sekisho::account::{Account, AccountError, AccountId, Attempt};
//! use sekisho::account::{NewAuthenticator, Policy, Purpose};
//! use sekisho::otp::{NotAccepted, UnixTime};
//! use sekisho::seal::{KeyId, Keyring, SealingKey, Stored};
//!
//! # let mut rng = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
//! # let keyring = Keyring::new(KeyId::new(1), SealingKey::generate(&mut rng));
//! let (alice, policy) = (AccountId::new("alice")?, Policy::default());
//! let mut events = Vec::new(); // for the audit log
//! let now = UnixTime::from_secs(1_800_000_000);
//!
//! // Sign up: the only write that expects no row.
//! let (write, _) = keyring.seal(Account::create(alice.clone(), now, &mut rng), &mut rng)?;
//! let mut row: Stored = write.ok_or("creation writes")?.new; // a real service: INSERT
//!
//! // Enroll: load, change, seal, store, and only then answer.
//! let new = NewAuthenticator::new("Example", "alice@example.com")?;
//! let change = keyring.open(&alice, row)?.enroll_first(&policy, now, &new, &mut rng)?;
//! let (write, uncommitted) = keyring.seal(change, &mut rng)?;
//! // A real service: UPDATE … WHERE revision = $expected
//! row = write.ok_or("enrollment writes")?.new;
//! let enrollment =
//!     uncommitted.assume_committed(&mut events).map_err(NotAccepted::<AccountError>::from)?;
//!
//! // Confirm with the app's first code.
//! let key = enrollment.uri().totp().key(enrollment.uri().secret());
//! let typed = key.code_at(key.totp().step_at(now)?).reveal().to_string();
//! let handle = enrollment.handle().to_text(); // kept in the session
//! let attempt = Attempt::new(Purpose::BINDING, &typed).with_enrollment(handle.expose());
//! let change = keyring.open(&alice, row)?.confirm(&policy, now, &attempt)?;
//! let (write, uncommitted) = keyring.seal(change, &mut rng)?;
//! row = write.ok_or("an acceptance writes")?.new;
//! // An error, unless the code was accepted.
//! let _proof =
//!     uncommitted.assume_committed(&mut events).map_err(NotAccepted::<AccountError>::from)?;
//!
//! // Log in: the code that confirmed is spent.
//! let attempt = Attempt::new(Purpose::LOGIN, &typed);
//! let change = keyring.open(&alice, row)?.verify(&policy, now, &attempt)?;
//! let (_, uncommitted) = keyring.seal(change, &mut rng)?;
//! assert!(uncommitted.assume_committed(&mut events).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod authorization;
mod changes;
mod diagnosis;
mod doors;
mod error;
mod event;
pub(crate) mod names;
mod policy;
mod portable;
mod proof;
#[cfg(sekisho_proofs)]
#[doc(hidden)]
pub mod proofs;
mod record;
mod risk;
mod transition;
mod view;

pub use authorization::Authorization;
pub use changes::create::LostRecord;
pub use changes::deliver::{CodeRequest, Delivery};
pub use changes::freeze_by_owner::OwnerFreeze;
pub use changes::new_authenticator::{AddressEnrollment, Enrollable, Enrollment, NewAddress, NewAuthenticator};
pub use diagnosis::Diagnosis;
pub use doors::attempt::Attempt;
pub use doors::authorize::Act;
pub use doors::two_codes::Resync;
pub use error::AccountError;
pub use event::{Event, EventKind, Operator};
pub use names::account_id::AccountId;
pub use names::address::{Address, Channel};
pub use names::error::NameError;
pub use names::ids::{AuthenticatorId, DeviceId};
pub use names::purpose::Purpose;
pub use names::source::Source;
pub use names::text::Text;
pub use policy::{AccountLimits, LongTerm, Policy};
pub use portable::{ImportError, PortableAccount, PortableAddress, PortableApp, PortableHold, PortableState};
pub use proof::{Method, Proof};
pub use record::authenticator::AuthenticatorState;
pub use record::imported_codes::HashChecker;
pub use record::notice::FreezeHandle;
pub use record::proposal::ProposedAct;
pub use record::recovery::{RecoveryCodes, RecoverySheet};
pub use record::token::{DeviceToken, EnrollmentHandle};
pub use risk::{AccountRisk, DoorRisk};
pub use transition::{Account, Change, Uncommitted};
pub use view::{
    AccountView, AuthenticatorKind, AuthenticatorView, BlockedBy, DeviceView, HoldView, ProposalView, SecondStep,
};

#[cfg(feature = "verifier")]
pub(crate) use doors::outcome::refusal_event;
#[cfg(feature = "tracing")]
pub(crate) use record::encoding::event_field::FieldValue;
