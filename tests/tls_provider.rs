//! The provider of TLS is the service's choice, ring or aws-lc-rs: no call of this library sets it
//! for the process. Each case is a process of its own, since a process has one provider.
#![cfg(all(feature = "postgres", feature = "redis"))]

use rustls::crypto::CryptoProvider;
use sekisho::account::AccountId;
use sekisho::store::{PostgresStore, RedisStore, Store, StoreError};

use crate::servers::{Certificates, Postgres, Redis};
use std::process::Command;

/// The test that a child process runs, by its whole name.
const IN_A_CHILD: &str = "tls_provider::in_a_child";

/// The provider that the service installs before it connects.
const CHOICES: [&str; 3] = ["nothing", "ring", "aws-lc-rs"];

#[test]
fn each_provider_is_used_where_the_service_has_chosen_it_and_none_is_chosen_for_it() {
    for choice in CHOICES {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", IN_A_CHILD, "--nocapture"]).env("SEKISHO_PROVIDER", choice);
        let output = child.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("as chosen"), "{choice}: {said}");
    }
}

/// A process that has chosen a provider, or none. Nothing when run by itself.
#[tokio::test]
async fn in_a_child() {
    let Ok(choice) = std::env::var("SEKISHO_PROVIDER") else { return };
    let chosen = match choice.as_str() {
        "ring" => Some(rustls::crypto::ring::default_provider()),
        "aws-lc-rs" => Some(rustls::crypto::aws_lc_rs::default_provider()),
        _ => None,
    };
    let suites = |provider: &CryptoProvider| format!("{:?} {:?}", provider.kx_groups, provider.key_provider);
    let expected = chosen.as_ref().map(suites);
    if let Some(provider) = chosen {
        provider.install_default().unwrap();
    }
    let (certificates, alice) = (Certificates::of("localhost"), AccountId::new("alice").unwrap());

    let (_redis, url) = Redis::with_tls(&certificates, "no");
    let connected = RedisStore::builder().certificate_authority(&certificates.authority).connect(&url).await;
    match (connected, &expected) {
        (Ok(store), Some(_)) => assert!(store.load(&alice).await.unwrap().is_none()),
        (Err(error @ StoreError::Config { .. }), None) => {
            let why = std::error::Error::source(&error).unwrap().to_string();
            assert!(why.contains("install_default"), "{why}");
        }
        (connected, _) => panic!("{connected:?}"),
    }

    let postgres = Postgres::start();
    postgres.speak_tls(&certificates);
    let url = format!("postgres://postgres@localhost:{}/postgres?sslmode=require", postgres.port);
    let store = PostgresStore::builder().certificate_authority(&certificates.authority).connect(&url).unwrap();
    store.create_table().await.unwrap();
    assert!(store.load(&alice).await.unwrap().is_none());
    assert_eq!(CryptoProvider::get_default().map(|provider| suites(provider)), expected);
    println!("as chosen");
}
