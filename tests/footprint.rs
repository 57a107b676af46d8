//! How much memory an account takes in a `MemoryStore`, counted by the allocator.
#![cfg(feature = "test-kit")]

mod phone;

use phone::{Phone, T, answer, at, keyring, new_authenticator};
use sekisho::Verifier;
use sekisho::account::{AccountId, Attempt, Policy, Purpose};
use sekisho::store::{MemoryStore, Store};
use sekisho::test_kit::TestClock;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ACCOUNTS: u64 = 5_000;

fn account(number: u64) -> AccountId {
    AccountId::new(number.to_be_bytes()).unwrap()
}

#[test]
fn bytes_of_an_account_in_memory() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (clock, store) = (TestClock::at(at(T)), MemoryStore::new());
        let verifier = Verifier::builder(store.clone(), keyring()).clock(clock.clone()).without_notifications().build();
        let mut phones = Vec::with_capacity(ACCOUNTS as usize);
        let region = Region::new(ALLOCATOR);
        let each = || {
            let stats = region.change();
            (stats.bytes_allocated - stats.bytes_deallocated) as u64 / ACCOUNTS
        };
        for number in 0..ACCOUNTS {
            verifier.create_account(&account(number)).await.unwrap();
            let phone = Phone::of(&verifier.enroll_first(&account(number), new_authenticator()).await.unwrap());
            let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, 0));
            assert!(verifier.confirm(&account(number), attempt).await.is_ok());
            phones.push(phone);
        }
        let new = each();
        for login in 1..=40 {
            clock.set(at(T + login * 30));
            for (number, phone) in (0..).zip(&phones) {
                let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(T + login * 30, 0));
                // One in fifty thousand has digits that were accepted within ten minutes.
                let _ = answer(verifier.verify(&account(number), attempt).await);
            }
        }
        let used = each();

        // One more log-in each: what it allocates, of which one envelope stays.
        clock.set(at(T + 50 * 30));
        let codes: Vec<_> = phones.iter().map(|phone| phone.shows(T + 50 * 30, 0)).collect();
        let attempts: Vec<_> = codes.iter().map(|code| Attempt::new(Purpose::LOGIN, code)).collect();
        let log_ins = Region::new(ALLOCATOR);
        for (number, attempt) in (0..).zip(attempts) {
            let _ = answer(verifier.verify(&account(number), attempt).await);
        }
        let stats = log_ins.change();
        let allocations = (stats.allocations + stats.reallocations) as u64 / ACCOUNTS;
        let bytes = stats.bytes_allocated as u64 / ACCOUNTS;
        println!("a log-in: {allocations} allocations of {bytes} bytes");
        assert!((5..=18).contains(&allocations), "{allocations}");
        assert!(bytes <= 6_000, "{bytes}");
        println!("{new} bytes an account when enrolled, {used} bytes after forty log-ins");
        assert!((600..750).contains(&new), "{new}");
        assert!((700..1_000).contains(&used), "{used}");

        // A page that shows a view and then verifies decodes no history for the view: the lists and
        // names of the view take a handful of allocations, where 32 events would take more.
        let stored = store.load(&account(0)).await.unwrap().unwrap();
        println!("an envelope of {} bytes", stored.envelope.len());
        assert!(stored.envelope.len() <= 768);
        let opened = keyring().open(&account(0), stored).unwrap();
        assert_eq!(opened.history().len(), 32);
        let policy = Policy::default();
        let region = Region::new(ALLOCATOR);
        let view = opened.view(&policy, at(T));
        assert!(region.change().allocations <= 3, "{}", region.change().allocations);
        drop(view);
    });
}
