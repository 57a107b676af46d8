//! One-time codes: secrets, parameters, codes, the window, the states, and the one function that
//! decides.
//!
//! This is the ground floor. It needs no `std`, and a heap only for text (base32, otpauth URIs). It
//! reads no clock and keeps nothing. A service that verifies the codes of one authenticator, and
//! stores its [`State`] itself, needs nothing else:
//!
//! ```
//! use sekisho::otp::{Code, CodePolicy, Secret, State, Totp, UnixTime, decide};
//!
//! let secret = Secret::new(b"12345678901234567890")?;
//! let key = Totp::DEFAULT.key(&secret);
//! let mut stored = State::new().to_bytes(); // what a real service reads from its database
//!
//! let now = UnixTime::from_secs(59);
//! let code: Code = "287 082".parse()?;
//! let decision =
//!     decide(&key, &CodePolicy::DEFAULT, State::from_bytes(&stored)?, now, &code)?;
//! decision.commit(|bytes| {
//!     stored = *bytes; // a compare-and-swap, in a real service
//!     Ok::<(), core::convert::Infallible>(())
//! })?; // an error, unless the code was accepted
//!
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod advice;
mod algorithm;
#[cfg(feature = "alloc")]
mod base32;
mod code;
mod decide;
mod evaluation;
mod key;
mod limits;
mod mac;
#[cfg(feature = "migration")]
mod migration;
mod moment;
mod not_accepted;
mod policy;
mod recent_codes;
mod rejection;
mod risk;
#[cfg(feature = "alloc")]
mod search;
mod secret;
#[cfg(feature = "alloc")]
mod sensitive;
mod state;
mod stored_error;
mod throttle;
mod time;
mod totp;
mod tracker;
pub(crate) mod typed;
#[cfg(feature = "alloc")]
mod uri;
mod window;

pub use advice::{Advice, CodeKind};
pub use algorithm::{Algorithm, Digits};
pub use code::{Code, CodeError};
pub use decide::{Decision, Match, decide};
pub use key::Key;
pub use limits::Limits;
#[cfg(feature = "migration")]
pub use migration::{Migration, MigrationEntry};
pub use not_accepted::NotAccepted;
pub use policy::{CodePolicy, PolicyError};
pub use rejection::{FailureCount, LockState, Reason, Rejection};
pub use risk::Risk;
pub use secret::{Secret, SecretError};
#[cfg(feature = "alloc")]
pub use sensitive::Sensitive;
pub use state::State;
pub use stored_error::StoredError;
pub use time::{Step, TimeError, UnixTime};
pub use totp::{Period, Totp};
#[cfg(feature = "alloc")]
pub use uri::{Field, OtpauthUri, UriError};
pub use window::{OpenSteps, Window};

// Accounts are made of these.
#[cfg(feature = "alloc")]
pub(crate) use {
    evaluation::{Evaluation, Next},
    moment::Moment,
    recent_codes::{Accepted, RECENT_CODES, RECENT_SECS, RecentCodes},
    risk::{chance, guesses_a_year},
    search::Shown,
    throttle::{Admission, Throttle},
    tracker::Tracker,
};
