//! One-time codes: secrets, parameters, codes, the window, the states, and the one function that decides.
//!
//! This is the ground floor. It needs neither `std` nor, apart from text (base32, otpauth URIs), a heap; it reads no
//! clock and keeps nothing. A service that verifies the codes of one authenticator and stores [`State`] itself needs
//! nothing else:
//!
//! ```
//! use sekisho::otp::{Code, CodePolicy, Secret, State, Totp, UnixTime, Verdict, decide};
//!
//! let secret = Secret::new(b"12345678901234567890")?;
//! let key = Totp::DEFAULT.key(&secret);
//! let mut stored = State::new().to_bytes(); // what a real service reads from its database
//!
//! let now = UnixTime::from_secs(59);
//! let code: Code = "287 082".parse()?;
//! let decision = decide(&key, &CodePolicy::DEFAULT, State::from_bytes(&stored)?, now, &code)?;
//! let verdict = decision.commit(|bytes| {
//!     stored = *bytes; // a compare-and-swap, in a real service
//!     Ok::<(), core::convert::Infallible>(())
//! })?;
//! assert!(matches!(verdict, Verdict::Accepted(_)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
#[cfg(feature = "alloc")]
mod base32;
mod code;
mod decide;
mod evaluation;
mod key;
mod mac;
#[cfg(feature = "migration")]
mod migration;
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
mod throttle;
mod time;
mod totp;
mod tracker;
#[cfg(feature = "alloc")]
mod uri;
mod window;

pub use algorithm::{Algorithm, Digits};
#[cfg(feature = "alloc")]
pub use base32::Base32Error;
pub use code::{Code, CodeError, RevealedCode};
pub use decide::{Decision, Match, Verdict, decide};
pub use key::Key;
#[cfg(feature = "migration")]
pub use migration::{Migration, MigrationEntry, MigrationError, NotTaken};
pub use not_accepted::NotAccepted;
pub use policy::{CodePolicy, Limits, PolicyError};
pub use recent_codes::RECENT_SECS;
pub use rejection::{Advice, CodeKind, FailureCount, LockState, Rejection};
pub use risk::Risk;
pub use secret::{Secret, SecretError};
#[cfg(feature = "alloc")]
pub use sensitive::Sensitive;
pub use state::{State, StateError};
pub use time::{Step, TimeError, UnixTime};
pub use totp::{Period, PeriodError, Totp};
#[cfg(feature = "alloc")]
pub use uri::{Field, OtpauthUri, UriError};
pub use window::{OpenSteps, Window};

// What accounts are made of.
#[cfg(feature = "alloc")]
pub(crate) use {
    evaluation::{Evaluation, Next, has_expired},
    recent_codes::{Accepted, RECENT_CODES, RecentCodes},
    risk::{chance, guesses_a_year},
    search::Shown,
    throttle::{Admission, Throttle},
    tracker::Tracker,
};
