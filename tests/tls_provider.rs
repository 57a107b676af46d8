//! The provider of TLS is the service's choice: no call of this library sets it for the process. A
//! test program by itself, since a process has one.
#![cfg(all(feature = "postgres", feature = "redis"))]

use rustls::crypto::CryptoProvider;
use sekisho::account::AccountId;
use sekisho::store::{PostgresStore, RedisStore, Store, StoreError};

mod servers;

use servers::{Certificates, Postgres};

#[tokio::test]
async fn no_call_sets_a_provider_for_the_process_and_where_one_is_needed_the_error_says_so() {
    let refused = RedisStore::connect("rediss://localhost:1").await.unwrap_err();
    assert!(matches!(refused, StoreError::Config { .. }), "{refused}");
    let why = std::error::Error::source(&refused).unwrap().to_string();
    assert!(why.contains("install_default"), "{why}");

    let postgres = Postgres::start();
    let certificates = Certificates::of("localhost");
    postgres.speak_tls(&certificates);
    let url = format!("postgres://postgres@localhost:{}/postgres?sslmode=require", postgres.port);
    let store = PostgresStore::builder().certificate_authority(&certificates.authority).connect(&url).unwrap();
    store.create_table().await.unwrap();
    assert!(store.load(&AccountId::new("alice").unwrap()).await.unwrap().is_none());
    assert!(CryptoProvider::get_default().is_none());

    rustls::crypto::ring::default_provider().install_default().unwrap();
    let unreachable = RedisStore::connect("rediss://localhost:1").await.unwrap_err();
    assert!(!matches!(unreachable, StoreError::Config { .. }), "{unreachable}");
}
