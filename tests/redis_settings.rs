//! `RedisStore` on servers that would lose records, or let it do too little: refused when it
//! connects, by an error that says what to do. And connections that the server has closed while
//! nobody asked anything. (Redis as Debian has it.)
#![cfg(all(feature = "redis", feature = "conformance", feature = "verifier"))]

mod servers;

use sekisho::Verifier;
use sekisho::seal::{KeyId, Keyring, SealingKey};
use sekisho::store::{RedisBuilder, RedisStore, Store, StoreError, Swap, conformance};
use servers::records::{account, write};
use servers::{Cluster, Redis};
use std::time::Duration;

async fn refused(builder: RedisBuilder, url: &str) -> StoreError {
    let error = builder.connect(url).await.map(drop).unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
    error
}

#[tokio::test]
async fn a_server_that_evicts_records_is_refused() {
    let redis = Redis::start();
    for (maxmemory, policy, evicts) in [
        ("0", "allkeys-lru", false),
        ("64mb", "allkeys-lru", true),
        ("64mb", "allkeys-random", true),
        ("64mb", "volatile-lru", false),
        ("64mb", "noeviction", false),
    ] {
        redis.ask(&["CONFIG", "SET", "maxmemory", maxmemory, "maxmemory-policy", policy]);
        if !evicts {
            RedisStore::connect(&redis.url()).await.unwrap();
            continue;
        }
        let error = refused(RedisStore::builder(), &redis.url()).await;
        assert!(matches!(error, StoreError::Settings { .. }), "{error:?}");
        for text in [policy, "noeviction", "eviction_vouched_for"] {
            assert!(error.to_string().contains(text), "{error}");
        }
        RedisStore::builder().eviction_vouched_for("nobody else writes there").connect(&redis.url()).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_loses_changes_in_a_crash_is_refused() {
    let redis = Redis::start();
    for (appendonly, appendfsync, advice) in [
        ("yes", "always", None),
        ("yes", "everysec", Some("losing_up_to_a_second")),
        ("yes", "no", Some("durability_vouched_for")),
        ("no", "always", Some("appendonly yes")),
    ] {
        redis.ask(&["CONFIG", "SET", "appendonly", appendonly, "appendfsync", appendfsync]);
        let vouched = RedisStore::builder().durability_vouched_for("a log of its own");
        vouched.connect(&redis.url()).await.unwrap();
        let Some(advice) = advice else {
            RedisStore::connect(&redis.url()).await.unwrap();
            continue;
        };
        let error = refused(RedisStore::builder(), &redis.url()).await;
        assert!(matches!(error, StoreError::Settings { .. }) && error.to_string().contains(advice), "{error}");
        let of_a_second = RedisStore::builder().losing_up_to_a_second().connect(&redis.url()).await;
        assert_eq!(of_a_second.is_ok(), appendfsync == "everysec", "{appendonly} {appendfsync}");
    }
}

#[tokio::test]
async fn one_node_of_a_cluster_that_evicts_records_is_found() {
    let cluster = Cluster::start();
    let urls = cluster.urls();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    RedisStore::builder().connect_cluster(&urls).await.unwrap();
    cluster.nodes[2].ask(&["CONFIG", "SET", "maxmemory", "64mb", "maxmemory-policy", "allkeys-lfu"]);
    let error = RedisStore::builder().connect_cluster(&urls[..1]).await.map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Settings { .. }) && error.to_string().contains("allkeys-lfu"), "{error}");
}

const ENOUGH: [&str; 7] = ["~sekisho:*", "+get", "+eval", "+evalsha", "+getrange", "+set", "+del"];

fn vouched() -> RedisBuilder {
    RedisStore::builder().durability_vouched_for("managed").eviction_vouched_for("managed")
}

#[tokio::test]
async fn a_user_with_the_rights_that_the_error_names_is_enough_and_one_without_is_denied() {
    let redis = Redis::start();
    let url = redis.url().replace("redis://", "redis://app:pw@");
    let set_user = |rights: &[&str]| {
        let said = redis.ask(&[&["ACL", "SETUSER", "app", "reset", "on", ">pw"], rights].concat());
        assert_eq!(said.trim(), "OK");
    };
    set_user(&ENOUGH);
    let unreadable = refused(RedisStore::builder(), &url).await;
    assert!(matches!(unreadable, StoreError::Settings { .. }) && unreadable.to_string().contains("CONFIG GET"));
    conformance::check(&vouched().connect(&url).await.unwrap()).await.unwrap();
    set_user(&[&ENOUGH[..], &["+config|get"]].concat());
    RedisStore::connect(&url).await.unwrap();

    for missing in ENOUGH.into_iter().skip(1) {
        let rights: Vec<_> = ENOUGH.into_iter().filter(|right| *right != missing).collect();
        set_user(&rights);
        let answer = vouched().connect(&url).await.map(drop);
        // The script is sent whole only where the server has forgotten it.
        if missing == "+eval" && answer.is_ok() {
            continue;
        }
        let error = answer.unwrap_err();
        assert!(matches!(error, StoreError::Denied { .. }) && !error.is_transient(), "{missing}: {error:?}");
        assert!(error.to_string().contains("+evalsha +getrange +set +del"), "{error}");
    }
    set_user(&["~other:*", "+@all"]);
    let elsewhere = vouched().connect(&url).await.map(drop).unwrap_err();
    assert!(matches!(elsewhere, StoreError::Denied { .. }), "{elsewhere:?}");
    let wrong = vouched().connect(&url.replace("pw", "guessed")).await.map(drop).unwrap_err();
    assert!(matches!(wrong, StoreError::Denied { .. }) && !wrong.is_transient(), "{wrong:?}");
}

#[tokio::test]
async fn a_server_without_scripts_is_denied_and_not_unreachable() {
    let redis = Redis::with(&["--rename-command", "EVALSHA", "hidden"]);
    let error = refused(RedisStore::builder(), &redis.url()).await;
    assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_costs_nobody_an_answer() {
    let redis = Redis::with(&["--timeout", "1"]);
    let replica = Redis::replica_of(&redis);
    for builder in [RedisStore::builder(), RedisStore::builder().replicas(1)] {
        let store = builder.connect(&redis.url()).await.unwrap();
        let mut last = None;
        for round in 1..=3 {
            // It looks for idle connections once a second or so.
            tokio::time::sleep(Duration::from_millis(2_600)).await;
            assert!(!redis.ask(&["CLIENT", "LIST", "TYPE", "normal"]).contains("lib-name"), "it has closed ours");
            let loaded = store.load(&account("alice")).await.unwrap();
            assert_eq!(loaded, last.map(|last| write(None, last).new), "round {round}");
            assert_eq!(store.swap(&account("alice"), &write(last, round)).await.unwrap(), Swap::Done);
            last = Some(round);
        }
        redis.ask(&["FLUSHALL"]);
    }
    drop(replica);
}

#[tokio::test]
async fn a_verifier_without_its_rights_is_not_ready() {
    let redis = Redis::start();
    let url = redis.url().replace("redis://", "redis://app:pw@");
    let set_user = |rights: &[&str]| redis.ask(&[&["ACL", "SETUSER", "app", "reset", "on", ">pw"], rights].concat());
    set_user(&ENOUGH);
    let store = vouched().connect(&url).await.unwrap();
    let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(*b"a key for tests, of 32 bytes ...").unwrap());
    let verifier = Verifier::builder(store, keyring).without_notifications().build();
    verifier.ready().await.unwrap();
    redis.ask(&["ACL", "SETUSER", "app", "-set"]);
    let error = verifier.ready().await.unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
}
