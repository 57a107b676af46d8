//! The verifier: loads, decides, seals, swaps, tells.
//!
//! The third floor. It does what has to be done around an [`Account`](crate::account::Account), and decides nothing: a code's verdict is returned after
//! its swap has succeeded, a lost swap is tried again from a fresh load, and an outcome that nobody knows is an error.
//!
//! ```
//! use sekisho::Verifier;
//! use sekisho::account::{AccountId, Attempt, NewAuthenticator, Purpose};
//! use sekisho::otp::Verdict;
//! use sekisho::seal::{KeyId, Keyring, SealingKey};
//! use sekisho::store::MemoryStore;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! # let mut rng = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
//! # let keyring = Keyring::new(KeyId::new(1), SealingKey::generate(&mut rng));
//! let verifier = Verifier::builder(MemoryStore::new(), keyring).build();
//! let alice = AccountId::new("user-4711")?;
//!
//! let enrollment = verifier.enroll_first(&alice, NewAuthenticator::new("Example", "alice@example.com")?).await?;
//! // … show enrollment.uri() as a QR code, and ask for the code that the app shows
//! # let key = enrollment.uri().totp().key(enrollment.uri().secret());
//! # let now = sekisho::otp::UnixTime::try_from(std::time::SystemTime::now())?;
//! # let typed = key.code_at(key.totp().step_at(now)?).reveal().to_string();
//! match verifier.confirm(&alice, Attempt::new(Purpose::BINDING, &typed)).await? {
//!     Verdict::Accepted(_proof) => println!("it is bound"), // the proof is good for the first set of recovery codes
//!     Verdict::Rejected(rejection) => println!("{}", rejection.advice()),
//! }
//!
//! match verifier.verify(&alice, Attempt::new(Purpose::LOGIN, &typed)).await? {
//!     Verdict::Accepted(_proof) => println!("welcome"),
//!     Verdict::Rejected(rejection) => println!("{}", rejection.advice()), // the code has confirmed the enrollment: it is spent
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod clock;
mod error;
#[cfg(any(feature = "tracing", feature = "metrics"))]
mod observe;
mod queue;
mod randomness;
mod sink;
mod support;
mod work;

pub use builder::VerifierBuilder;
pub use clock::{Clock, SystemClock, TestClock};
pub use error::Error;
#[cfg(feature = "metrics")]
pub use observe::MetricsSink;
#[cfg(feature = "tracing")]
pub use observe::TracingSink;
pub use sink::{EventSink, SinkError};
pub use support::Support;

use crate::account::{
    AccountId, AccountView, Attempt, AuthenticatorId, CodeRequest, Delivery, DeviceId, DeviceToken, Enrollable, Event,
    EventKind, Policy, Proof, Purpose, Reason, RecoveryCodes, Resync, Text,
};
use crate::otp::{Rejection, UnixTime, Verdict};
use crate::seal::Keyring;
use crate::store::{BoxStore, Store};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use queue::Queue;
use sink::BoxSink;

/// Verifies codes for the accounts of one store. Cheap to clone; clones are the same verifier.
///
/// It starts no threads and no timers, and works in any runtime that its store works in. Its futures can be dropped at any
/// time: what was on its way to the store may happen or not, as with
/// [`Error::OutcomeUnknown`]. (One that is kept and not polled keeps later changes of its account waiting.)
///
/// Several verifiers, in as many processes and on as many machines as the store serves, may work on one account at the
/// same time. Within one verifier, what changes an account waits its turn, first come first served; a refusal that changes
/// nothing waits for nobody, so a locked-out guesser keeps nobody waiting.
///
/// A verification costs one load and one swap, and another load if it had to wait; a refusal that changes nothing costs
/// the load only. An event that [notifies the owner](Event::notifies_owner) costs one more of each, to acknowledge it.
pub struct Verifier<S = BoxStore>(Arc<Inner<S>>);

struct Inner<S> {
    store: S,
    keyring: Keyring,
    policy: Policy,
    clock: Box<dyn Clock>,
    sink: Option<BoxSink>,
    restored_at: Option<UnixTime>,
    queue: Queue,
}

/// What [`Verifier::reseal`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resealed {
    /// The record was sealed anew, under the primary key.
    Done,
    /// It was sealed under the primary key already.
    NotNeeded,
    /// Nothing is stored of the account.
    Absent,
}

impl<S: Store> Verifier<S> {
    /// Begins a verifier on `store`, whose records `keyring` seals.
    pub const fn builder(store: S, keyring: Keyring) -> VerifierBuilder<S> {
        VerifierBuilder::new(store, keyring)
    }

    /// Verifies a code, or a recovery code: see [`Account::verify`](crate::account::Account::verify).
    ///
    /// # Errors
    /// [`Error`]: nobody was let in. [`Error::is_transient`] and [`Error::is_not_enrolled`] tell what to do.
    pub async fn verify(&self, account: &AccountId, attempt: Attempt) -> Result<Verdict<Proof>, Error> {
        if attempt.is_malformed() {
            return self.refused(account, attempt.purpose(), Rejection::Malformed).await;
        }
        self.change(account, |opened, now, _| opened.verify(&self.0.policy, now, &attempt)).await
    }

    /// Begins the enrollment of an account's first authenticator: see
    /// [`Account::enroll_first`](crate::account::Account::enroll_first).
    ///
    /// # Errors
    /// [`Error::Account`] where there is one already, or after a reset; [`Error`].
    pub async fn enroll_first<N: Enrollable>(&self, account: &AccountId, new: N) -> Result<N::Begun, Error> {
        self.change(account, |opened, now, rng| opened.enroll_first(&self.0.policy, now, &new, rng)).await
    }

    /// Begins the enrollment of another authenticator, on the account that `proof` (of
    /// [`Purpose::BINDING`](crate::account::Purpose::BINDING)) is about: see
    /// [`Account::enroll`](crate::account::Account::enroll).
    ///
    /// # Errors
    /// [`Error::Account`] if the proof does not prove enough, or there is no room; [`Error`].
    pub async fn enroll<N: Enrollable>(&self, proof: Proof, new: N) -> Result<N::Begun, Error> {
        let account = proof.account();
        self.change(account, |opened, now, rng| opened.enroll(&self.0.policy, now, &proof, &new, rng)).await
    }

    /// Begins the replacement of the authenticator `old`, which stays until the new one is confirmed: see
    /// [`Account::replace`](crate::account::Account::replace).
    ///
    /// # Errors
    /// [`Error::Account`] if the proof does not prove enough, or there is no such authenticator; [`Error`].
    pub async fn replace<N: Enrollable>(&self, proof: Proof, old: AuthenticatorId, new: N) -> Result<N::Begun, Error> {
        let account = proof.account();
        self.change(account, |opened, now, rng| opened.replace(&self.0.policy, now, &proof, old, &new, rng)).await
    }

    /// Begins the enrollment of the first authenticator after a reset, with the pass that the reset has made: see
    /// [`Account::enroll_with_pass`](crate::account::Account::enroll_with_pass).
    ///
    /// # Errors
    /// [`Error::Account`] if the pass is not good, or a confirmation is needed too; [`Error`].
    pub async fn enroll_with_pass<N: Enrollable>(
        &self,
        account: &AccountId,
        pass: &str,
        confirmation: Option<Proof>,
        new: N,
    ) -> Result<N::Begun, Error> {
        let proof = confirmation.as_ref();
        self.change(account, |opened, now, rng| opened.enroll_with_pass(&self.0.policy, now, pass, proof, &new, rng))
            .await
    }

    /// Confirms the enrollment that waits, with a code of the new authenticator: see
    /// [`Account::confirm`](crate::account::Account::confirm).
    ///
    /// # Errors
    /// [`Error::Account`] if nothing waits to be confirmed; [`Error`].
    pub async fn confirm(&self, account: &AccountId, attempt: Attempt) -> Result<Verdict<Proof>, Error> {
        if attempt.is_malformed() {
            return self.refused(account, attempt.purpose(), Rejection::Malformed).await;
        }
        self.change(account, |opened, now, _| opened.confirm(&self.0.policy, now, &attempt)).await
    }

    /// Makes a set of recovery codes for the account that `proof` is about, in the place of any before: see
    /// [`Account::issue_recovery_codes`](crate::account::Account::issue_recovery_codes).
    ///
    /// # Errors
    /// [`Error::Account`] if the proof does not prove enough; [`Error`].
    pub async fn issue_recovery_codes(&self, proof: Proof) -> Result<RecoveryCodes, Error> {
        let account = proof.account();
        self.change(account, |opened, now, rng| opened.issue_recovery_codes(&self.0.policy, now, &proof, rng)).await
    }

    /// Finds out how far an app's clock is off, by two codes in a row: see [`Account::resync`](crate::account::Account::resync).
    ///
    /// # Errors
    /// [`Error::Account`] if the account has no app, or no recovery codes where one is given; [`Error`].
    pub async fn resync(&self, account: &AccountId, resync: Resync) -> Result<Verdict<AuthenticatorId>, Error> {
        if resync.is_malformed() {
            return self.refused(account, Purpose::RESYNC, Rejection::Malformed).await;
        }
        self.change(account, |opened, now, _| opened.resync(&self.0.policy, now, &resync)).await
    }

    /// Gives a code to be sent, after it has been stored: see [`Account::deliver`](crate::account::Account::deliver). The service
    /// sends it. Should the answer get lost, ask again after 30 s: it is the same code.
    ///
    /// # Errors
    /// [`Error::Account`] if the account is not bound to that address; [`Error`].
    pub async fn deliver(&self, account: &AccountId, request: CodeRequest) -> Result<Verdict<Delivery>, Error> {
        self.change(account, |opened, now, rng| opened.deliver(&self.0.policy, now, &request, rng)).await
    }

    /// Makes a pass for the service to mail: see [`Account::mail_pass`](crate::account::Account::mail_pass).
    ///
    /// # Errors
    /// [`Error::Account`] if the account has no authenticator; [`Error`].
    pub async fn mail_pass(&self, account: &AccountId, cookie: Option<&str>) -> Result<Verdict<DeviceToken>, Error> {
        self.change(account, |opened, now, rng| opened.mail_pass(&self.0.policy, now, cookie, rng)).await
    }

    /// Gives the browser that `proof` came from a device token: see
    /// [`Account::remember_device`](crate::account::Account::remember_device).
    ///
    /// # Errors
    /// [`Error::Account`] if the proof has ended, or has given a token already; [`Error`].
    pub async fn remember_device(&self, proof: &Proof, name: Text) -> Result<DeviceToken, Error> {
        self.change(proof.account(), |opened, now, rng| {
            opened.remember_device(&self.0.policy, now, proof, name.clone(), rng)
        })
        .await
    }

    /// Ends a device's token.
    ///
    /// # Errors
    /// [`Error::Account`] if there is no such device; [`Error`].
    pub async fn forget_device(&self, account: &AccountId, id: DeviceId) -> Result<(), Error> {
        self.change(account, |opened, now, _| opened.forget_device(now, id)).await
    }

    /// Uses a proof up, once, for what it was given for: see [`Account::redeem`](crate::account::Account::redeem). `account` is whose request
    /// it is, `context` the hash of what is about to be done.
    ///
    /// # Errors
    /// [`Error::Account`] if the proof does not prove that, has been redeemed, or is from before a freeze or a reset; [`Error`].
    pub async fn redeem(
        &self,
        account: &AccountId,
        proof: Proof,
        purpose: Purpose,
        context: Option<&[u8; 32]>,
    ) -> Result<(), Error> {
        self.change(account, |opened, now, _| opened.redeem(now, &proof, purpose, context)).await
    }

    /// What a settings page and support may see of an account.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn view(&self, account: &AccountId) -> Result<AccountView, Error> {
        let (opened, now) = self.load(account).await?;
        Ok(opened.view(&self.0.policy, now))
    }

    /// Gives an authenticator another name.
    ///
    /// # Errors
    /// [`Error::Account`] if there is no such authenticator; [`Error`].
    pub async fn rename(&self, account: &AccountId, id: AuthenticatorId, name: Text) -> Result<(), Error> {
        self.change(account, |opened, now, _| opened.rename(now, id, name.clone())).await
    }

    /// Removes one of several authenticators of the account that `proof` is about: see
    /// [`Account::remove`](crate::account::Account::remove).
    ///
    /// # Errors
    /// [`Error::Account`] if it is the last one, or the proof does not prove enough; [`Error`].
    pub async fn remove(&self, proof: Proof, id: AuthenticatorId) -> Result<(), Error> {
        let account = proof.account();
        self.change(account, |opened, now, _| opened.remove(&self.0.policy, now, &proof, id)).await
    }

    /// Removes the last authenticator of the account that `proof` is about, which is without second factor then: see
    /// [`Account::remove_last`](crate::account::Account::remove_last).
    ///
    /// # Errors
    /// [`Error::Account`] if there are others, or the proof does not prove enough; [`Error`].
    pub async fn remove_last(&self, proof: Proof, id: AuthenticatorId) -> Result<(), Error> {
        let account = proof.account();
        self.change(account, |opened, now, _| opened.remove_last(&self.0.policy, now, &proof, id)).await
    }

    /// Acts of an operator: who, and why, goes into the account's history with each.
    pub fn support(&self, operator: &str, reason: &str) -> Support<'_, S> {
        Support::new(self, operator, reason)
    }

    /// Seals an account's record under the primary key if it is sealed under an older one. Every write does so too; this is for accounts that
    /// nobody uses, before the older key goes. The stores list their accounts.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn reseal(&self, account: &AccountId) -> Result<Resealed, Error> {
        let stored = self.0.store.load(account).await.map_err(Error::store)?;
        let Some(stored) = stored else { return Ok(Resealed::Absent) };
        if self.0.keyring.is_sealed_under_primary(&stored)? {
            return Ok(Resealed::NotNeeded);
        }
        self.change(account, |opened, _, _| Ok(opened.reseal())).await?;
        Ok(Resealed::Done)
    }

    /// Hands the sink what it has not taken yet of an account's events, as the account's next operation would: after a crash, for
    /// accounts that nobody uses meanwhile. Gives the number of events that it has still not taken.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn deliver_events(&self, account: &AccountId) -> Result<usize, Error> {
        let owed = self.load(account).await?.0.unacknowledged();
        self.hand_owed(account, owed).await
    }

    /// Refused before anything is loaded.
    async fn refused<T>(
        &self,
        account: &AccountId,
        purpose: Purpose,
        rejection: Rejection,
    ) -> Result<Verdict<T>, Error> {
        let reason = Reason::from(&rejection);
        let event = Event::unkept(self.0.clock.now()?, EventKind::Rejected { purpose, reason, diagnosis: None });
        self.tell(account, Vec::new(), alloc::vec![event], ()).await;
        Ok(Verdict::Rejected(rejection))
    }
}

impl<S> Clone for Verifier<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for Verifier<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keyring", &self.0.keyring).finish_non_exhaustive()
    }
}
