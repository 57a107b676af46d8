//! Moving records from one store to another: they open there, with all that was used and counted.
#![cfg(all(feature = "test-kit", feature = "redb", feature = "redis", feature = "postgres"))]

use crate::phone::{Phone, T, answer, at, keyring, new_authenticator};
use crate::servers::{Postgres, Redis};
use sekisho::Verifier;
use sekisho::account::{AccountId, Attempt, Proof, Purpose};
use sekisho::otp::Rejection;
use sekisho::store::{self, MemoryStore, PostgresStore, RedbStore, RedisStore, Store};
use sekisho::test_kit::TestClock;

fn account(number: u32) -> AccountId {
    AccountId::new(format!("user {number}")).unwrap()
}

fn verifier<S: Store>(store: S) -> Verifier<S> {
    Verifier::builder(store, keyring()).clock(TestClock::at(at(T))).without_notifications().build()
}

#[tokio::test]
async fn from_memory_to_redb_to_redis_to_postgres() {
    let memory = MemoryStore::new();
    let mut phones = Vec::new();
    for number in 0..20 {
        let verifier = verifier(memory.clone());
        verifier.create_account(&account(number)).await.unwrap();
        let phone = Phone::of(&verifier.enroll_first(&account(number), new_authenticator()).await.unwrap());
        let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, 0));
        assert!(verifier.confirm(&account(number), attempt).await.is_ok());
        phones.push(phone);
    }
    let folder = tempfile::tempdir().unwrap();
    let redb = RedbStore::open(folder.path().join("accounts.redb")).unwrap();
    let copied = store::copy(&memory, &redb, memory.accounts().into_iter().chain([account(99)])).await.unwrap();
    assert_eq!((copied.records, copied.absent, copied.different), (20, 1, vec![]));
    let server = Redis::start();
    let redis = RedisStore::connect(&server.url()).await.unwrap();
    assert_eq!(store::copy(&redb, &redis, redb.accounts().unwrap()).await.unwrap().records, 20);
    let server = Postgres::start();
    let postgres = PostgresStore::connect(&server.url()).unwrap();
    postgres.create_table().await.unwrap();
    assert_eq!(store::copy(&redis, &postgres, redis.accounts().await.unwrap()).await.unwrap().records, 20);
    assert_eq!(postgres.accounts().await.unwrap().len(), 20);

    // What was used is used there, and the next code is accepted.
    let moved = verifier(postgres.clone());
    for (number, phone) in (0..).zip(&phones) {
        let again = log_in(&moved, number, &phone.shows(T, 0)).await;
        assert!(matches!(again, Err(Rejection::Replayed { .. })));
        assert!(log_in(&moved, number, &phone.shows(T, 1)).await.is_ok());
    }
    // Copied again, nothing that has changed since is put back.
    let copied = store::copy(&redis, &postgres, redis.accounts().await.unwrap()).await.unwrap();
    assert_eq!((copied.records, copied.different.len()), (0, 20));
    let again = log_in(&moved, 0, &phones[0].shows(T, 1)).await;
    assert!(matches!(again, Err(Rejection::Replayed { .. })));
}

async fn log_in<S: Store>(verifier: &Verifier<S>, number: u32, code: &str) -> Result<Proof, Rejection> {
    answer(verifier.verify(&account(number), Attempt::new(Purpose::LOGIN, code)).await)
}
