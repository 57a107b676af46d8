//! Careless callers: whoever looks only for an error, or not even at it, lets nobody in. On each
//! floor a wrong code is submitted through the usual slips: `is_ok`, `if let Ok`, `map`, `?`, and a
//! machine that tries again.
#![cfg(feature = "test-kit")]

use crate::phone::{self, Phone, T, answer, at, keyring, new_authenticator, rng};
use sekisho::account::{Account, AccountError, AccountId, Attempt, Change, Policy, Proof, Purpose};
use sekisho::otp::{CodePolicy, Match, NotAccepted, Rejection, State, Totp, decide};
use sekisho::seal::Stored;
use sekisho::store::MemoryStore;
use sekisho::test_kit::TestClock;
use sekisho::{Error, Verifier};
use std::convert::Infallible;
use std::error::Error as StdError;

/// Each slip, on one answer to a wrong code. An answer cannot be had twice: each comes from `ask`.
fn slips<T, E: StdError + 'static>(ask: impl Fn() -> Result<T, E>) {
    let mut let_in = 0;
    if ask().is_ok() {
        let_in += 1;
    }
    if let Ok(_accepted) = ask() {
        let_in += 1;
    }
    let mapped: Result<(), E> = ask().map(|_| let_in += 1);
    drop(mapped);
    let _ = ask().inspect(|_| let_in += 1);
    if ask().ok().is_some() {
        let_in += 1;
    }
    let question_mark = || -> Result<(), Box<dyn StdError>> {
        let _ = ask()?;
        let_in += 1;
        Ok(())
    };
    let mut question_mark = question_mark;
    assert!(question_mark().is_err());
    assert_eq!(let_in, 0, "nobody is let in");
}

#[test]
fn on_floor_1_nobody_is_let_in() {
    let key = Totp::DEFAULT.key(&sekisho::otp::Secret::new(b"12345678901234567890").unwrap());
    let wrong =
        Phone::with(&sekisho::otp::Secret::new(b"12345678901234567890").unwrap(), Totp::DEFAULT).never_shows(T, 1);
    let ask = || -> Result<Match, NotAccepted<Infallible>> {
        decide(&key, &CodePolicy::DEFAULT, State::new(), at(T), &wrong.parse().unwrap()).unwrap().commit(|_| Ok(()))
    };
    slips(ask);
}

/// An account of floor 2 with one phone, in the service's own row.
fn enrolled() -> (Stored, Phone) {
    let (policy, alice) = (Policy::default(), AccountId::new("alice").unwrap());
    let store = |change: Change<sekisho::account::Enrollment>| {
        let (write, uncommitted) = keyring().seal(change, &mut rng()).unwrap();
        (write.unwrap().new, Phone::of(&uncommitted.assume_committed(&mut Vec::new()).unwrap()))
    };
    let account = keyring().open(&alice, phone::created(&alice, T - 90)).unwrap();
    let (stored, phone) = store(account.enroll_first(&policy, at(T - 90), &new_authenticator(), &mut rng()).unwrap());
    let account = keyring().open(&alice, stored).unwrap();
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T - 90, 0));
    let change = account.confirm(&policy, at(T - 90), &attempt).unwrap();
    let (write, uncommitted) = keyring().seal(change, &mut rng()).unwrap();
    assert!(uncommitted.assume_committed(&mut Vec::new()).is_ok());
    (write.unwrap().new, phone)
}

#[derive(Debug, thiserror::Error)]
#[error("refused")]
struct Refused(#[from] RejectionShown);

#[derive(Debug, thiserror::Error)]
#[error("{0:?}")]
struct RejectionShown(Rejection);

#[test]
fn on_floor_2_nobody_is_let_in() {
    let (stored, phone) = enrolled();
    let (policy, alice) = (Policy::default(), AccountId::new("alice").unwrap());
    let wrong = phone.never_shows(T, 1);
    let open = || -> Account { keyring().open(&alice, stored.clone()).unwrap() };
    let ask = || -> Result<Proof, Refused> {
        let change: Result<Change<Proof>, AccountError> =
            open().verify(&policy, at(T), &Attempt::new(Purpose::LOGIN, &wrong));
        let (_, uncommitted) = keyring().seal(change.unwrap(), &mut rng()).unwrap();
        uncommitted.assume_committed(&mut Vec::new()).map_err(|rejection| RejectionShown(rejection).into())
    };
    slips(ask);
}

async fn verifier() -> (Verifier<MemoryStore>, AccountId, Phone) {
    let clock = TestClock::at(at(T - 90));
    let verifier =
        Verifier::builder(MemoryStore::new(), keyring()).clock(clock.clone()).without_notifications().build();
    let alice = AccountId::new("alice").unwrap();
    verifier.create_account(&alice).await.unwrap();
    let phone = Phone::of(&verifier.enroll_first(&alice, new_authenticator()).await.unwrap());
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T - 90, 0));
    assert!(verifier.confirm(&alice, attempt).await.is_ok());
    clock.set(at(T));
    (verifier, alice, phone)
}

#[test]
fn on_floor_3_nobody_is_let_in() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (verifier, alice, phone) = runtime.block_on(verifier());
    let wrong = phone.never_shows(T, 1);
    slips(|| runtime.block_on(verifier.verify(&alice, Attempt::new(Purpose::LOGIN, &wrong))));
    // A service whose own error is the library's: the rejection is an error there too.
    let passed_on = || -> Result<Proof, Error> {
        Ok(runtime.block_on(verifier.verify(&alice, Attempt::new(Purpose::LOGIN, &wrong)))?)
    };
    assert!(matches!(passed_on(), Err(Error::Rejected(Rejection::Locked { .. } | Rejection::Mismatch(_)))));
}

/// Tries again as machines do: up to five times, while the error says that it helps.
async fn with_retries<T, E>(
    is_transient: impl Fn(&E) -> bool,
    mut ask: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    for _ in 0..4 {
        match ask().await {
            Err(error) if is_transient(&error) => {}
            answer => return answer,
        }
    }
    ask().await
}

#[tokio::test]
async fn a_machine_that_tries_again_does_not_charge_the_owner_again() {
    let (verifier, alice, phone) = verifier().await;
    let wrong = phone.never_shows(T, 1);
    let ask = async || verifier.verify(&alice, Attempt::new(Purpose::LOGIN, &wrong)).await;
    let refused = with_retries(NotAccepted::is_transient, ask).await;
    assert!(matches!(answer(refused), Err(Rejection::Mismatch(_))));
    assert_eq!(verifier.view(&alice).await.unwrap().failures_in_a_row, 1, "asked once");

    // One that looks at nothing needs an idempotency key, as for any request that is sent again.
    let attempt = || Attempt::new(Purpose::LOGIN, &wrong).with_idempotency_key([1; 16]);
    let refused = with_retries(|_| true, async || verifier.verify(&alice, attempt()).await).await;
    assert!(matches!(answer(refused), Err(Rejection::Mismatch(_))));
    assert_eq!(verifier.view(&alice).await.unwrap().failures_in_a_row, 2, "asked five times, and counted once");

    // What is passed on as the library's own error is no more transient.
    let ask = async || verifier.verify(&alice, Attempt::new(Purpose::LOGIN, &wrong)).await.map_err(Error::from);
    assert!(with_retries(Error::is_transient, ask).await.is_err());
    assert_eq!(verifier.view(&alice).await.unwrap().failures_in_a_row, 3);
}
