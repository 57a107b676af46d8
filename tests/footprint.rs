//! How much memory an account takes in a `MemoryStore`, counted by the allocator.
#![cfg(feature = "verifier")]

mod phone;

use phone::{Phone, T, answer, at, keyring, new_authenticator};
use sekisho::Verifier;
use sekisho::account::{AccountId, Attempt, Policy, Purpose};
use sekisho::store::{MemoryStore, Store};
use sekisho::verifier::TestClock;
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
        let verifier = Verifier::builder(store.clone(), keyring()).clock(clock.clone()).build();
        let mut phones = Vec::with_capacity(ACCOUNTS as usize);
        let region = Region::new(ALLOCATOR);
        let each = || {
            let stats = region.change();
            (stats.bytes_allocated - stats.bytes_deallocated) as u64 / ACCOUNTS
        };
        for number in 0..ACCOUNTS {
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
        println!("{new} bytes an account when enrolled, {used} bytes after forty log-ins");
        assert!((200..700).contains(&new), "{new}");
        assert!((1_000..1_900).contains(&used), "{used}");

        // A page that shows a view and then verifies decodes no history for the view: one of an account
        // with a full history takes no more allocations than one of an account that is new.
        let late = account(ACCOUNTS);
        let _ = verifier.enroll_first(&late, new_authenticator()).await.unwrap();
        let attempt = Attempt::new(Purpose::BINDING, "000000");
        let _ = verifier.confirm(&late, attempt).await;
        let mut allocations = Vec::new();
        for (number, events) in [(0, 32), (ACCOUNTS, 2)] {
            let stored = store.load(&account(number)).await.unwrap();
            let opened = keyring().open(&account(number), stored).unwrap();
            assert_eq!(opened.history().len(), events);
            let region = Region::new(ALLOCATOR);
            let view = opened.view(&Policy::default(), at(T));
            // Each authenticator that is listed has a name.
            allocations.push(region.change().allocations - 2 * view.authenticators.len());
        }
        assert!(allocations[0] <= allocations[1], "{allocations:?}");
    });
}
