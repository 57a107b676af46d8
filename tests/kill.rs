//! A process that verifies on redb, killed at any moment again and again: no accepted code is
//! accepted again, no counted failure is forgotten. And a second process is told that it cannot.
#![cfg(all(feature = "redb", feature = "test-kit"))]

use crate::phone::{Phone, T, answer, at, keyring};
use sekisho::Verifier;
use sekisho::account::{AccountId, AccountLimits, Attempt, NewAuthenticator, Policy, Purpose};
use sekisho::otp::{Limits, OtpauthUri, Rejection, Secret, Totp};
use sekisho::store::{RedbStore, StoreError};
use sekisho::test_kit::TestClock;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The test that a child process runs, by its whole name.
const IN_A_CHILD: &str = "kill::in_a_child";

const ACCOUNTS: u8 = 8;

fn account(number: u8) -> AccountId {
    AccountId::new(format!("account {number}")).unwrap()
}

fn phone(number: u8) -> Phone {
    Phone::with(&Secret::new(&[number + 1; 20]).unwrap(), Totp::DEFAULT)
}

/// A long-term count that never fills: the test is about counting.
fn verifier(store: RedbStore, clock: &TestClock) -> Verifier<RedbStore> {
    let codes = Limits { long_term: u32::MAX, ..Limits::DEFAULT };
    let limits = AccountLimits { codes, ..AccountLimits::default() };
    let policy = Policy::new_with_risk_above_one_percent_a_year(limits).unwrap();
    Verifier::builder(store, keyring()).clock(clock.clone()).policy(policy).without_notifications().build()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap().block_on(future)
}

fn child(path: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", IN_A_CHILD, "--nocapture"]).env("SEKISHO_KILLED", path);
    child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Does what the children of the other tests do; nothing when run by itself.
#[test]
fn in_a_child() {
    let Ok(path) = std::env::var("SEKISHO_KILLED") else { return };
    let store = match RedbStore::open(path) {
        Ok(store) => store,
        Err(error) => return println!("refused {error}"),
    };
    block_on(async {
        let tasks = (0..ACCOUNTS).map(|number| tokio::spawn(log_in_for_ever(store.clone(), number)));
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

/// A wrong code and the right one in every step, from the first step that has not been used; says
/// each answer.
async fn log_in_for_ever(store: RedbStore, number: u8) {
    let (account, phone, clock) = (account(number), phone(number), TestClock::at(at(T)));
    let verifier = verifier(store, &clock);
    let last_used = verifier.view(&account).await.unwrap().authenticators[0].last_used;
    for step in last_used.as_secs().saturating_sub(T) / 30 + 1.. {
        let now = T + step * 30;
        clock.set(at(now));
        let wrong = Attempt::new(Purpose::LOGIN, &phone.shows(now, 1_000_000));
        match answer(verifier.verify(&account, wrong).await) {
            Err(Rejection::Mismatch(_)) => println!("failed {number} {step}"),
            Err(_) => {}
            Ok(_) => println!("lucky {number} {step}"), // one in 300,000
        }
        let right = Attempt::new(Purpose::LOGIN, &phone.shows(now, 0));
        match answer(verifier.verify(&account, right).await) {
            Ok(_) => println!("accepted {number} {step}"),
            Err(Rejection::Replayed { .. }) => {} // digits that were accepted within ten minutes
            Err(rejection) => panic!("{rejection:?}"),
        }
    }
}

fn enroll(path: &Path) {
    let clock = TestClock::at(at(T - 60));
    let verifier = verifier(RedbStore::open(path).unwrap(), &clock);
    block_on(async {
        for number in 0..ACCOUNTS {
            clock.set(at(T - 60));
            let phone = phone(number);
            let uri = OtpauthUri::new("Example", "alice", phone.secret().clone(), Totp::DEFAULT).unwrap();
            verifier.create_account(&account(number)).await.unwrap();
            let _ = verifier.enroll_first(&account(number), NewAuthenticator::imported(&uri).unwrap()).await.unwrap();
            clock.set(at(T));
            let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, 0));
            assert!(verifier.confirm(&account(number), attempt).await.is_ok());
        }
    });
}

#[test]
fn killed_again_and_again_nothing_is_accepted_twice_and_no_failure_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    enroll(&path);
    // By account: the last step accepted, and the failures answered.
    let mut answered: BTreeMap<u8, (u64, u32)> = BTreeMap::new();
    let mut accepted = 0;
    for round in 0..25 {
        let mut child = child(&path);
        let said = child.stdout.take().unwrap();
        // The pipe is read all the while, so that the child is killed at work and not while it waits for
        // us.
        let (lines, read) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let said = BufReader::new(said).lines().map_while(Result::ok);
            said.inspect(|_| _ = lines.send(())).collect::<Vec<_>>()
        });
        for _ in 0..50 {
            read.recv_timeout(Duration::from_secs(60)).expect("the child is at work");
        }
        std::thread::sleep(Duration::from_millis(round * 37 % 100));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut last_accepted = BTreeMap::new();
        for line in reader.join().unwrap() {
            // The test harness may have written before the first word; the last line may be cut off.
            let words: Vec<_> = line.split(' ').collect();
            let [.., what, number, step] = words.as_slice() else { continue };
            let (Ok(number), Ok(step)) = (number.parse::<u8>(), step.parse::<u64>()) else { continue };
            let (last, failures) = answered.entry(number).or_default();
            if what.ends_with("accepted") {
                assert!(step > *last, "round {round}: step {step} of account {number} accepted twice");
                *last = step;
                last_accepted.insert(number, step);
                accepted += 1;
            } else if what.ends_with("failed") {
                *failures += 1;
            }
        }
        let clock = TestClock::at(at(T));
        let verifier = verifier(RedbStore::open(&path).unwrap(), &clock);
        for (number, (last, failures)) in &mut answered {
            let view = block_on(verifier.view(&account(*number))).unwrap();
            // One may have been counted and not said: its line was lost, or its answer was, or both one after
            // the other.
            let kept = view.long_term_failures;
            assert!((*failures..=*failures + 2).contains(&kept), "round {round}: {failures} answered, {kept} kept");
            *failures = kept;
            // What was accepted, at the time it was, is not accepted now.
            let Some(step) = last_accepted.get(number).filter(|step| **step == *last) else { continue };
            let now = T + step * 30;
            clock.set(at(now));
            let again = Attempt::new(Purpose::LOGIN, &phone(*number).shows(now, 0));
            let again = answer(block_on(verifier.verify(&account(*number), again)));
            assert!(matches!(again, Err(Rejection::Replayed { .. })), "round {round}: {again:?}");
        }
    }
    assert!(accepted > 500, "the children were at work: {accepted}");
}

#[test]
fn a_second_process_is_told_that_one_has_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    enroll(&path);
    let store = RedbStore::open(&path).unwrap();
    let said = child(&path).wait_with_output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("refused") && said.contains("a redb file serves one process"), "{said}");
    assert!(matches!(RedbStore::open(&path), Err(StoreError::InUse { .. })), "nor twice in one");
    drop(store);
    assert!(RedbStore::open(&path).is_ok());
}
