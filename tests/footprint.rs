//! How much memory an account takes in a `MemoryStore`, counted by the allocator.
#![cfg(feature = "verifier")]

mod phone;

use phone::{Phone, T, at, keyring, new_authenticator};
use sekisho::Verifier;
use sekisho::account::{AccountId, Attempt, Purpose};
use sekisho::otp::Verdict;
use sekisho::store::MemoryStore;
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
        let clock = TestClock::at(at(T));
        let verifier = Verifier::builder(MemoryStore::new(), keyring()).clock(clock.clone()).build();
        let mut phones = Vec::with_capacity(ACCOUNTS as usize);
        let region = Region::new(ALLOCATOR);
        let each = || {
            let stats = region.change();
            (stats.bytes_allocated - stats.bytes_deallocated) as u64 / ACCOUNTS
        };
        for number in 0..ACCOUNTS {
            let phone = Phone::of(&verifier.enroll_first(&account(number), new_authenticator()).await.unwrap());
            let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, 0));
            assert!(matches!(verifier.confirm(&account(number), attempt).await.unwrap(), Verdict::Accepted(_)));
            phones.push(phone);
        }
        let new = each();
        for login in 1..=40 {
            clock.set(at(T + login * 30));
            for (number, phone) in (0..).zip(&phones) {
                let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(T + login * 30, 0));
                let _ = verifier.verify(&account(number), attempt).await.unwrap();
            }
        }
        let used = each();
        println!("{new} bytes an account when enrolled, {used} bytes after forty log-ins");
        assert!((200..700).contains(&new), "{new}");
        assert!((1_000..1_900).contains(&used), "{used}");
    });
}
