//! The round trips of a verification: two, by what passes on the wire.
#![cfg(all(feature = "redis", feature = "postgres", feature = "redb", feature = "test-kit"))]

use crate::phone::T;
use crate::servers::{Postgres, Proxy, Redis};
use crate::service::Service;
use sekisho::account::Policy;
use sekisho::otp::Rejection;
use sekisho::store::{PostgresStore, RedisStore, Store};

/// Log-ins of one account, one after another.
const LOG_INS: u64 = 50;

async fn round_trips(store: impl Store, proxy: &Proxy) -> u64 {
    let service = Service::on(store, Policy::default(), tempfile::tempdir().unwrap());
    let (phone, _) = service.enrolled().await;
    let log_in = async |number: u64| {
        let secs = T + number * 630;
        let _ = service.log_in(secs, &phone.shows(secs, 0)).await;
    };
    // The first one prepares statements.
    log_in(0).await;
    let before = proxy.round_trips();
    for number in 1..=LOG_INS {
        log_in(number).await;
    }
    let log_ins = proxy.round_trips() - before;
    let secs = T + LOG_INS * 630;
    let replayed = service.log_in_refused(secs, &phone.shows(secs, 0)).await;
    assert!(matches!(replayed, Rejection::Replayed { .. }), "{replayed:?}");
    let all = proxy.round_trips() - before;
    assert!(all - log_ins <= 2, "a refusal costs no more");
    log_ins
}

#[tokio::test]
async fn a_login_on_redis_is_two_round_trips() {
    let redis = Redis::start();
    let proxy = Proxy::to(redis.port);
    let store = RedisStore::connect(&format!("redis://127.0.0.1:{}", proxy.port)).await.unwrap();
    assert_eq!(round_trips(store, &proxy).await, 2 * LOG_INS);
}

#[tokio::test]
async fn a_login_on_postgres_is_two_round_trips() {
    let postgres = Postgres::start();
    let proxy = Proxy::to(postgres.port);
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port);
    // One connection, as they are taken by turns.
    let store = PostgresStore::builder().connections(1).connect(&url).unwrap();
    store.create_table().await.unwrap();
    assert_eq!(round_trips(store, &proxy).await, 2 * LOG_INS);
}
