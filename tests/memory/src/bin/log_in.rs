//! Logs an account with a full history in so many times, one step after the other: `log_in right
//! 100`, or `log_in wrong 100`. `tests/instructions.rs` has callgrind count the instructions of two
//! runs, and compares.

use sekisho::Verifier;
use sekisho::account::{AccountId, Attempt, NewAuthenticator, Purpose};
use sekisho::otp::{OtpauthUri, Secret, Totp, UnixTime};
use sekisho::seal::{KeyId, Keyring, SealingKey};
use sekisho::store::MemoryStore;
use sekisho::test_kit::TestClock;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const T: u64 = 1_900_000_000;

/// A store in memory never lets anybody wait.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let is_right = arguments.next().is_some_and(|verdict| verdict == "right");
    let times: u64 = arguments.next().and_then(|times| times.parse().ok()).expect("how many times");

    let keyring =
        Keyring::new(KeyId::new(1), SealingKey::from_bytes(std::array::from_fn(|place| place as u8)).unwrap());
    let clock = TestClock::at(UnixTime::from_secs(T));
    let verifier = Verifier::builder(MemoryStore::new(), keyring).clock(clock.clone()).without_notifications().build();
    let uri = OtpauthUri::new("Example", "alice", Secret::new(&[7; 20]).unwrap(), Totp::DEFAULT).unwrap();
    let (alice, key) = (AccountId::new("alice").unwrap(), uri.totp().key(uri.secret()));
    let code = |secs: u64, offset: i64| {
        let step = key.totp().step_at(UnixTime::from_secs(secs)).unwrap();
        key.code_at(step.saturating_offset(offset)).reveal().to_string()
    };
    now(verifier.create_account(&alice)).unwrap();
    let _ = now(verifier.enroll_first(&alice, NewAuthenticator::imported(&uri).unwrap())).unwrap();
    // An imported secret may have been used at the present step.
    clock.set(UnixTime::from_secs(T + 30));
    let _ = now(verifier.confirm(&alice, Attempt::new(Purpose::BINDING, &code(T + 30, 0)))).unwrap();
    // A right code comes between two wrong ones, and no more than one of those a day: none is
    // locked.
    let apart = if is_right { 1_800 } else { 43_200 };
    for number in 1..=40 + times {
        let secs = T + number * apart;
        clock.set(UnixTime::from_secs(secs));
        let offset = if is_right || number <= 40 || number % 2 == 0 { 0 } else { 5_000 };
        let verdict = now(verifier.verify(&alice, Attempt::new(Purpose::LOGIN, &code(secs, offset))));
        assert_eq!(verdict.is_ok(), offset == 0);
    }
}
