//! `RedisStore` on servers that would lose records, or let it do too little: refused when it
//! connects, by an error that says what to do. And connections that the server has closed while
//! nobody asked anything, and passwords that change. (Redis as Debian has it.)
#![cfg(all(feature = "redis", feature = "conformance", feature = "verifier"))]

use crate::servers::records::{account, write};
use crate::servers::{Cluster, Redis};
use sekisho::seal::{KeyId, Keyring, SealingKey};
use sekisho::store::{RedisBuilder, RedisCredentials, RedisStore, Store, StoreError, Swap, conformance};
use sekisho::{Error, Verifier};
use std::time::{Duration, Instant};
use tokio::sync::watch;

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
async fn faults_that_do_not_pass_by_themselves_are_not_called_passing() {
    let redis = Redis::start();
    let other = refused(RedisStore::builder(), &format!("{}/99", redis.url())).await;
    assert!(matches!(other, StoreError::Config { .. }), "a database that is not there: {other:?}");
    let password = refused(RedisStore::builder(), &redis.url().replace("redis://", "redis://:pw@")).await;
    assert!(matches!(password, StoreError::Denied { .. }), "a password where there is none: {password:?}");
    let store = RedisStore::connect(&redis.url()).await.unwrap();
    redis.ask(&["RPUSH", "sekisho:alice", "a list"]);
    for error in [
        store.load(&account("alice")).await.map(drop).unwrap_err(),
        store.swap(&account("alice"), &write(None, 1)).await.map(drop).unwrap_err(),
        store.delete(&account("alice"), write(None, 1).new.revision).await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Damaged { .. }) && !error.is_transient(), "a list: {error:?}");
    }
    assert_eq!(redis.ask(&["TYPE", "sekisho:alice"]).trim(), "list");
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_costs_nobody_an_answer() {
    let redis = Redis::with(&["--timeout", "2"]);
    let replica = Redis::replica_of(&redis);
    for builder in [RedisStore::builder(), RedisStore::builder().replicas(1)] {
        let store = builder.connect(&redis.url()).await.unwrap();
        let mut last = None;
        for round in 1..=3 {
            // It looks for idle connections once a second or so.
            tokio::time::sleep(Duration::from_secs(4)).await;
            let connected = redis.ask(&["CLIENT", "LIST", "TYPE", "normal"]);
            assert_eq!(connected.trim().lines().count(), 1, "it has closed ours, and redis-cli asks: {connected}");
            let loaded = store.load(&account("alice")).await.unwrap();
            assert_eq!(loaded, last.map(|last| write(None, last).new), "round {round}");
            assert_eq!(store.swap(&account("alice"), &write(last, round)).await.unwrap(), Swap::Done);
            last = Some(round);
        }
        redis.ask(&["FLUSHALL"]);
    }
    drop(replica);
}

fn verifier(store: RedisStore) -> Verifier<RedisStore> {
    let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(*b"a key for tests, of 32 bytes ...").unwrap());
    Verifier::builder(store, keyring).without_notifications().build()
}

#[tokio::test]
async fn a_verifier_whose_server_was_set_up_otherwise_since_is_not_ready() {
    let redis = Redis::start();
    let (own, vouched) = (
        verifier(RedisStore::connect(&redis.url()).await.unwrap()),
        verifier(vouched().connect(&redis.url()).await.unwrap()),
    );
    for (setting, lossy, safe) in [
        ("appendfsync", "everysec", "always"),
        ("appendonly", "no", "yes"),
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
    ] {
        redis.ask(&["CONFIG", "SET", "maxmemory", "64mb", setting, lossy]);
        let error = own.ready().await.unwrap_err();
        let Error::Store(why) = &error else { panic!("{error:?}") };
        assert!(why.to_string().contains(lossy) && !error.is_transient(), "{why}");
        vouched.ready().await.unwrap();
        redis.ask(&["CONFIG", "SET", setting, safe]);
        own.ready().await.unwrap();
    }
}

#[tokio::test]
async fn a_node_of_a_cluster_that_was_set_up_otherwise_since_is_not_ready() {
    let cluster = Cluster::start();
    let urls = cluster.urls();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let verifier = verifier(RedisStore::builder().connect_cluster(&urls).await.unwrap());
    for node in &cluster.nodes {
        verifier.ready().await.unwrap();
        node.ask(&["CONFIG", "SET", "appendfsync", "no"]);
        let Error::Store(why) = verifier.ready().await.unwrap_err() else { panic!("not the store's") };
        assert!(why.to_string().contains("appendfsync no"), "{why}");
        node.ask(&["CONFIG", "SET", "appendfsync", "always"]);
    }
}

/// A user of that name and password, who may do what the store does.
fn set_user(redis: &Redis, user: &str, password: &str) {
    let rights = [&["ACL", "SETUSER", user, "reset", "on", password], &ENOUGH[..], &["+config|get"]].concat();
    assert_eq!(redis.ask(&rights).trim(), "OK");
}

/// The users of the connections that there are, redis-cli's own aside.
fn users(redis: &Redis) -> Vec<String> {
    let listed = redis.ask(&["CLIENT", "LIST", "TYPE", "normal"]);
    let of = |line: &str| line.split(" user=").nth(1)?.split(' ').next().map(ToOwned::to_owned);
    listed.lines().filter_map(of).filter(|user| user != "default").collect()
}

async fn until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn connections_take_other_credentials_without_a_restart() {
    let redis = Redis::start();
    set_user(&redis, "one", ">old");
    let (rotate, credentials) = watch::channel(RedisCredentials::new("one", "old"));
    assert!(!format!("{credentials:?}").contains("old"));
    // Those of the URL are of no interest.
    let url = redis.url().replace("redis://", "redis://nobody:nothing@");
    let store = RedisStore::builder().credentials(credentials).connect(&url).await.unwrap();
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    // Another user: nobody sees anything of it.
    set_user(&redis, "two", ">new");
    rotate.send_replace(RedisCredentials::new("two", "new"));
    until(|| users(&redis) == ["two"]).await;
    redis.ask(&["ACL", "DELUSER", "one"]);
    assert_eq!(store.load(&account("alice")).await.unwrap(), Some(write(None, 1).new));
    // Another password, told too late: denied in between.
    set_user(&redis, "two", ">newer");
    redis.ask(&["CLIENT", "KILL", "USER", "two"]);
    until(|| users(&redis).is_empty()).await;
    let error = store.load(&account("alice")).await.unwrap_err();
    assert!(matches!(error, StoreError::Denied { .. }) && !error.is_transient(), "{error:?}");
    rotate.send_replace(RedisCredentials::new("two", "newer"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(store.load(&account("alice")).await.unwrap(), Some(write(None, 1).new));
    // Told too early: refused by the server, and taken from the next connection on.
    rotate.send_replace(RedisCredentials::new("two", "newest"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    set_user(&redis, "two", ">newest");
    redis.ask(&["CLIENT", "KILL", "USER", "two"]);
    until(|| users(&redis).is_empty()).await;
    assert_eq!(store.load(&account("alice")).await.unwrap(), Some(write(None, 1).new));
    rotate.send_replace(RedisCredentials::new("two", "early"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    redis.ask(&["ACL", "SETUSER", "two", "-get"]);
    assert!(matches!(store.load(&account("alice")).await, Err(StoreError::Denied { .. })));
    set_user(&redis, "two", ">early");
    let begun = Instant::now();
    while let Err(error) = store.load(&account("alice")).await {
        assert!(begun.elapsed() < Duration::from_secs(10), "{error}");
    }
    // Those of last time are kept where nobody is left to send others.
    drop(rotate);
    redis.ask(&["CLIENT", "KILL", "USER", "two"]);
    until(|| users(&redis).is_empty()).await;
    assert_eq!(store.load(&account("alice")).await.unwrap(), Some(write(None, 1).new));
}

#[tokio::test]
async fn the_nodes_of_a_cluster_take_other_credentials_without_a_restart() {
    let cluster = Cluster::start();
    let set = |password: &str| cluster.nodes.iter().for_each(|node| set_user(node, "app", password));
    set(">old");
    let (rotate, credentials) = watch::channel(RedisCredentials::new("app", "old"));
    let urls = cluster.urls();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let builder = RedisStore::builder().credentials(credentials).deadline(Duration::from_secs(5));
    let builder = builder.durability_vouched_for("tests").eviction_vouched_for("tests");
    for node in &cluster.nodes {
        node.ask(&["ACL", "SETUSER", "app", "+cluster|slots", "+cluster|shards", "+ping"]);
    }
    let store = builder.connect_cluster(&urls).await.unwrap();
    let names: Vec<_> = (0..12).map(|number| account(&format!("account {number}"))).collect();
    for name in &names {
        assert_eq!(store.swap(name, &write(None, 1)).await.unwrap(), Swap::Done);
    }
    for node in &cluster.nodes {
        node.ask(&["ACL", "SETUSER", "app", "resetpass", ">new"]);
    }
    rotate.send_replace(RedisCredentials::new("app", "new"));
    for node in &cluster.nodes {
        node.ask(&["CLIENT", "KILL", "USER", "app"]);
    }
    let begun = Instant::now();
    for name in &names {
        // The client finds its nodes again by and by.
        let loaded = loop {
            match store.load(name).await {
                Ok(loaded) => break loaded,
                Err(error) => assert!(begun.elapsed() < Duration::from_secs(20), "{error:?}"),
            }
        };
        assert_eq!(loaded, Some(write(None, 1).new));
    }
}

#[tokio::test]
async fn a_verifier_whose_server_was_away_is_ready_again_without_anybody_logging_in() {
    let mut redis = Redis::start();
    for builder in [RedisStore::builder(), vouched()] {
        let verifier = verifier(builder.connect(&redis.url()).await.unwrap());
        verifier.ready().await.unwrap();
        redis.kill();
        assert!(verifier.ready().await.unwrap_err().is_transient());
        redis.restart();
        let begun = Instant::now();
        while let Err(error) = verifier.ready().await {
            assert!(begun.elapsed() < Duration::from_secs(10), "{error}");
        }
    }
}

#[tokio::test]
async fn without_a_password_it_is_denied() {
    let redis = Redis::with(&["--requirepass", "pw"]);
    let error = refused(RedisStore::builder(), &redis.url()).await;
    assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
    RedisStore::connect(&redis.url().replace("redis://", "redis://:pw@")).await.map(drop).unwrap();
}

#[tokio::test]
async fn a_verifier_without_its_rights_is_not_ready() {
    let redis = Redis::start();
    let url = redis.url().replace("redis://", "redis://app:pw@");
    let set_user = |rights: &[&str]| redis.ask(&[&["ACL", "SETUSER", "app", "reset", "on", ">pw"], rights].concat());
    set_user(&ENOUGH);
    let store = vouched().connect(&url).await.unwrap();
    let verifier = verifier(store);
    verifier.ready().await.unwrap();
    redis.ask(&["ACL", "SETUSER", "app", "-set"]);
    let error = verifier.ready().await.unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
}
