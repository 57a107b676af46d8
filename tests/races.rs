//! Many at one account at the same moment, through several verifiers on one store.
#![cfg(all(feature = "redb", feature = "test-kit"))]

use crate::phone::{Phone, T, answer, at, keyring, new_authenticator};
use sekisho::account::{AccountId, Attempt, Purpose};
use sekisho::otp::{NotAccepted, Rejection};
use sekisho::store::{MemoryStore, RedbStore, Store};
use sekisho::test_kit::TestClock;
use sekisho::{Error, Verifier};
use std::collections::VecDeque;
use std::time::Instant;

const TASKS: usize = 64;

/// As many as processes would have: each with a queue of its own, so that swaps really meet.
const VERIFIERS: usize = 4;

fn verifiers<S: Store + Clone>(store: &S, clock: &TestClock) -> Vec<Verifier<S>> {
    let one = || Verifier::builder(store.clone(), keyring()).clock(clock.clone()).without_notifications().build();
    (0..VERIFIERS).map(|_| one()).collect()
}

async fn enroll<S: Store>(verifier: &Verifier<S>, account: &AccountId, clock: &TestClock, now: u64) -> Phone {
    clock.set(at(now - 120));
    verifier.create_account(account).await.unwrap();
    let phone = Phone::of(&verifier.enroll_first(account, new_authenticator()).await.unwrap());
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(now - 120, 0));
    assert!(verifier.confirm(account, attempt).await.is_ok());
    clock.set(at(now));
    phone
}

/// The rounds of a race: 20,000 in CI, and as many as `RACE_ROUNDS` says in a campaign.
fn rounds() -> u64 {
    std::env::var("RACE_ROUNDS").map_or(20_000, |rounds| rounds.parse().expect("a number of rounds"))
}

/// So many rounds on as many accounts at the same time, so that a store may commit them together.
async fn one_code_is_accepted_once<S: Store + Clone>(store: S, accounts: usize, rounds: u64) {
    let begin = Instant::now();
    let clock = TestClock::at(at(T));
    let verifiers = verifiers(&store, &clock);
    let mut raced = Vec::new();
    for number in 0..accounts {
        let account = AccountId::new(format!("raced {number}")).unwrap();
        let phone = enroll(&verifiers[0], &account, &clock, T).await;
        // Digits that come again within ten minutes, twenty steps, are refused: that happens every 50,000
        // rounds or so.
        let recent = VecDeque::from([phone.shows(T - 120, 0)]);
        raced.push((account, phone, recent));
    }
    let each = rounds.div_ceil(accounts as u64);
    for round in 0..each {
        let now = T + round * 30;
        clock.set(at(now));
        let mut racing = Vec::new();
        for (account, phone, recent) in &mut raced {
            let code = phone.shows(now, 0);
            let tasks = (0..TASKS).map(|task| {
                let (verifier, account) = (verifiers[task % VERIFIERS].clone(), account.clone());
                let attempt = Attempt::new(Purpose::LOGIN, &code);
                tokio::spawn(async move { verifier.verify(&account, attempt).await })
            });
            racing.push((usize::from(!recent.contains(&code)), tasks.collect::<Vec<_>>()));
            recent.push_back(code);
            if recent.len() > 19 {
                recent.pop_front();
            }
        }
        for (expected, tasks) in racing {
            let (mut accepted, mut replayed) = (0, 0);
            for task in tasks {
                match answer(task.await.unwrap()) {
                    Ok(_) => accepted += 1,
                    Err(Rejection::Replayed { .. }) => replayed += 1,
                    Err(rejection) => panic!("{rejection:?} in round {round}"),
                }
            }
            assert_eq!((accepted, replayed), (expected, TASKS - expected), "round {round}");
        }
    }
    let rounds = each * accounts as u64;
    println!("{rounds} rounds of {TASKS} tasks, one acceptance in each, in {:?}", begin.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_sixty_four_tasks_one_acceptance_in_memory() {
    one_code_is_accepted_once(MemoryStore::new(), 1, rounds()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_sixty_four_tasks_one_acceptance_on_redb() {
    let folder = tempfile::tempdir().unwrap();
    one_code_is_accepted_once(RedbStore::open(folder.path().join("records")).unwrap(), 16, rounds()).await;
}

/// A thousand guesses at once on one account, the right code among them, and another account's
/// owner logging in meanwhile.
async fn no_more_guesses_are_answered_than_allowed<S: Store + Clone>(store: S) {
    let clock = TestClock::at(at(T));
    let verifiers = verifiers(&store, &clock);
    let (victim, other) = (AccountId::new("victim").unwrap(), AccountId::new("other").unwrap());
    let phone = enroll(&verifiers[0], &victim, &clock, T).await;
    let other_phone = enroll(&verifiers[0], &other, &clock, T).await;

    // Five failures lock; nothing is answered as wrong beyond them, until the lock ends: then one at a
    // time.
    let mut allowed = 5;
    let mut now = T;
    for wave in 0..4 {
        let shown: Vec<_> = (-40..=4).map(|offset| phone.shows(now, offset)).collect();
        let guesses = (0..).map(|guess| format!("{:06}", (guess * 7_919 + wave) % 1_000_000));
        let guesses = guesses.filter(|guess| !shown.contains(guess)).take(1_000);
        let tasks = guesses.enumerate().map(|(number, guess)| {
            let (verifier, account) = (verifiers[number % VERIFIERS].clone(), victim.clone());
            let attempt = Attempt::new(Purpose::LOGIN, &guess);
            tokio::spawn(async move { verifier.verify(&account, attempt).await })
        });
        let tasks: Vec<_> = tasks.collect();
        let attempt = Attempt::new(Purpose::LOGIN, &other_phone.shows(now, 0));
        let meanwhile = verifiers[0].verify(&other, attempt).await;
        assert!(meanwhile.is_ok(), "the other account's owner is in");
        let (mut wrong, mut locked) = (0, 0);
        for task in tasks {
            match task.await.unwrap() {
                Err(NotAccepted::Rejected(Rejection::Mismatch(_))) => wrong += 1,
                Err(NotAccepted::Rejected(Rejection::Locked { .. }) | NotAccepted::Failed(Error::Contention)) => {
                    locked += 1;
                }
                answer => panic!("{answer:?}"),
            }
        }
        assert_eq!((wrong, locked), (allowed, 1_000 - allowed), "wave {wave}");
        // The right code is no exception.
        let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(now, 0));
        let Err(Rejection::Locked { until }) = answer(verifiers[1].verify(&victim, attempt).await) else {
            panic!("locked")
        };
        assert_eq!(until, at(now + (30 << wave)));
        let view = verifiers[0].view(&victim).await.unwrap();
        assert_eq!(u64::from(view.failures_in_a_row), 5 + wave);
        now = until.as_secs();
        clock.set(until);
        allowed = 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_parallel_guesses_are_answered_as_the_policy_allows_in_memory() {
    no_more_guesses_are_answered_than_allowed(MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_parallel_guesses_are_answered_as_the_policy_allows_on_redb() {
    let folder = tempfile::tempdir().unwrap();
    no_more_guesses_are_answered_than_allowed(RedbStore::open(folder.path().join("records")).unwrap()).await;
}

/// The right code is somewhere among the guesses: it is in, or locked out, but never answered
/// beyond the count.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_right_code_among_the_guesses_is_counted_like_any() {
    for round in 0..200 {
        let clock = TestClock::at(at(T));
        let verifiers = verifiers(&MemoryStore::new(), &clock);
        let account = AccountId::new("victim").unwrap();
        let phone = enroll(&verifiers[0], &account, &clock, T).await;
        if phone.shows(T, 0) == phone.shows(T - 120, 0) {
            continue; // the right code's digits have confirmed the enrollment: they are refused
        }
        let wrong = phone.never_shows(T, round);
        let tasks = (0..100).map(|number| {
            let (verifier, account) = (verifiers[number % VERIFIERS].clone(), account.clone());
            let code = if number == 6 { phone.shows(T, 0) } else { wrong.clone() };
            tokio::spawn(async move { answer(verifier.verify(&account, Attempt::new(Purpose::LOGIN, &code)).await) })
        });
        let (mut wrong, mut accepted) = (0, 0);
        for task in tasks.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Err(Rejection::Mismatch(_)) => wrong += 1,
                Ok(_) => accepted += 1,
                Err(Rejection::Locked { .. }) => {}
                Err(rejection) => panic!("{rejection:?}"),
            }
        }
        // Up to four before the success, five after it; five without.
        assert!(accepted == 1 && (5..=9).contains(&wrong) || accepted == 0 && wrong == 5, "{accepted}, {wrong}");
    }
}
