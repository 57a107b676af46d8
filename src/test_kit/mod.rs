//! For the tests of services: a phone that makes codes, a clock that stands still, a store that
//! fails on demand.
//!
//! Have it in `[dev-dependencies]` only: `sekisho = { version = "…", features = ["test-kit"] }`.
//!
//! # Testing one's own log-in
//! The service's code takes a `Verifier`, so its tests give it one with a clock of their own. Here
//! it is a log-in that says what a page would say:
//!
//! ```
//! use sekisho::account::{AccountId, Attempt, NewAuthenticator, Purpose};
//! use sekisho::otp::{NotAccepted, UnixTime};
//! use sekisho::seal::{KeyId, Keyring, SealingKey};
//! use sekisho::store::{MemoryStore, Store};
//! use sekisho::test_kit::{FailingStore, Fault, TestClock, TestPhone};
//! use sekisho::Verifier;
//!
//! async fn log_in<S: Store>(verifier: &Verifier<S>, user: &AccountId, typed: &str) -> &'static str {
//!     match verifier.verify(user, Attempt::new(Purpose::LOGIN, typed)).await {
//!         Ok(_proof) => "welcome",
//!         Err(NotAccepted::Rejected(_)) => "try another code",
//!         Err(NotAccepted::Failed(_)) => "come back later",
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let store = FailingStore::new(MemoryStore::new());
//! let clock = TestClock::at(UnixTime::from_secs(1_800_000_000));
//! let key = SealingKey::from_bytes(core::array::from_fn(|i| i as u8))?;
//! let verifier = Verifier::builder(store.clone(), Keyring::new(KeyId::new(1), key))
//!     .clock(clock.clone())
//!     .without_notifications()
//!     .build();
//! let alice = AccountId::new("alice")?;
//!
//! verifier.create_account(&alice).await?;
//! let new = NewAuthenticator::new("Example", "alice@example.com")?;
//! let enrollment = verifier.enroll_first(&alice, new).await?;
//! let mut phone = TestPhone::scan(enrollment.uri());
//! verifier.confirm(&alice, Attempt::new(Purpose::BINDING, &phone.code(&clock)?)).await?;
//! // The code that has confirmed is spent.
//! assert_eq!(log_in(&verifier, &alice, &phone.code(&clock)?).await, "try another code");
//!
//! clock.advance(30);
//! phone.set_ahead_by(-20); // its clock is late, but within the window
//! assert_eq!(log_in(&verifier, &alice, &phone.wrong_code(&clock)?).await, "try another code");
//! clock.advance(30);
//! assert_eq!(log_in(&verifier, &alice, &phone.code(&clock)?).await, "welcome");
//!
//! clock.advance(30);
//! store.fail_next(Fault::NotDone);
//! assert_eq!(log_in(&verifier, &alice, &phone.code(&clock)?).await, "come back later");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod phone;
mod store;

pub use clock::TestClock;
pub use phone::TestPhone;
pub use store::{FailingStore, FailingStoreError, Fault};
