//! The [`Verifier`](crate::Verifier)'s surroundings: clocks, sinks, support, upkeep.
//!
//! The third floor. It does what has to be done around an [`Account`](crate::account::Account), and
//! decides nothing. The answer to a code is returned after its swap has succeeded. A lost swap is
//! tried again from a fresh load. An outcome that nobody knows is an error.
//!
//! ```
//! use sekisho::Verifier;
//! use sekisho::account::{AccountId, Attempt, NewAuthenticator, Purpose};
//! use sekisho::otp::NotAccepted;
//! use sekisho::seal::{KeyId, Keyring, SealingKey};
//! use sekisho::store::MemoryStore;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! # let mut rng = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
//! # let keyring = Keyring::new(KeyId::new(1), SealingKey::generate(&mut rng));
//! let verifier = Verifier::builder(MemoryStore::new(), keyring).without_notifications().build();
//! let alice = AccountId::new("user-4711")?;
//!
//! verifier.create_account(&alice).await?; // at sign-up, never at log-in
//! let new = NewAuthenticator::new("Example", "alice@example.com")?;
//! let enrollment = verifier.enroll_first(&alice, new).await?;
//! // … show enrollment.uri() as a QR code, and ask for the code that the app shows
//! # let key = enrollment.uri().totp().key(enrollment.uri().secret());
//! # let now = sekisho::otp::UnixTime::try_from(std::time::SystemTime::now())?;
//! # let typed = key.code_at(key.totp().step_at(now)?).reveal().to_string();
//! // The handle, which the session keeps, makes the proof good for the first set of recovery codes.
//! let handle = enrollment.handle().to_text();
//! let attempt = Attempt::new(Purpose::BINDING, &typed).with_enrollment(handle.expose());
//! let proof = verifier.confirm(&alice, attempt).await?;
//! let sheet = verifier.issue_recovery_codes(proof).await?;
//! // … show sheet.codes(), and ask whether they are kept
//! verifier.keep_recovery_codes(&alice, sheet.handle().to_text().expose()).await?;
//!
//! match verifier.verify(&alice, Attempt::new(Purpose::LOGIN, &typed)).await {
//!     Ok(_proof) => println!("welcome"),
//!     // The code has confirmed the enrollment: it is spent.
//!     Err(NotAccepted::Rejected(rejection)) => println!("{}", rejection.advice()),
//!     Err(NotAccepted::Failed(error)) => eprintln!("try again later: {error}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address_check;
mod builder;
mod changes;
mod clock;
mod commit;
mod doors;
pub(crate) mod error;
mod events;
pub(crate) mod handle;
mod measured;
#[cfg(feature = "metrics")]
mod metrics_sink;
mod moving;
mod queue;
mod randomness;
mod ready;
mod sink;
mod source;
mod support;
#[cfg(feature = "tracing")]
mod tracing_sink;
mod upkeep;

pub use address_check::AddressCheck;
pub use builder::{Decided, Undecided, VerifierBuilder};
pub use clock::{Clock, SystemClock};
#[cfg(feature = "metrics")]
pub use metrics_sink::MetricsSink;
pub use moving::Imported;
pub use sink::{EventSink, SinkError};
pub use source::{MovingSource, OldAccount, SourceError};
pub use support::Support;
#[cfg(feature = "tracing")]
pub use tracing_sink::TracingSink;
pub use upkeep::Resealed;
