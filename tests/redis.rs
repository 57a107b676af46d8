//! `RedisStore` on real servers: its contract, and what it says when a server is dead, slow, full,
//! read-only, or failing over.
#![cfg(all(feature = "redis", feature = "conformance"))]

use crate::servers;

use sekisho::store::{RedisStore, Store, StoreError, Swap, conformance};
use servers::records::{account, write};
use servers::{Certificates, Cluster, Proxy, Redis, free_port};
use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A call with a deadline has ended by then, on a machine of any speed. Without one it would not.
const SLOWEST: Duration = Duration::from_secs(15);

async fn connect(redis: &Redis) -> RedisStore {
    RedisStore::builder().deadline(Duration::from_millis(800)).connect(&redis.url()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_keeps_the_contract() {
    let redis = Redis::start();
    let (one, other) = (connect(&redis).await, connect(&redis).await);
    conformance::check(&one).await.unwrap();
    conformance::race(&[&one, &other, &one.clone()], 16, 50).await.unwrap();
    let elsewhere = RedisStore::builder().namespace("elsewhere").connect(&redis.url()).await.unwrap();
    conformance::apart(&one, &elsewhere).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_three_keeps_the_contract() {
    let cluster = Cluster::start();
    let urls = cluster.urls();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let one = RedisStore::builder().connect_cluster(&urls).await.unwrap();
    let other = RedisStore::builder().connect_cluster(&urls[..1]).await.unwrap();
    conformance::check(&one).await.unwrap();
    conformance::race(&[&one, &other], 16, 50).await.unwrap();
    // The accounts are spread over all nodes.
    for number in 0..60 {
        assert_eq!(one.swap(&account(&format!("user {number}")), &write(None, 1)).await.unwrap(), Swap::Done);
    }
    let counts: Vec<u32> = cluster.nodes.iter().map(|node| node.ask(&["DBSIZE"]).trim().parse().unwrap()).collect();
    assert!(counts.iter().all(|count| *count > 5) && counts.iter().sum::<u32>() == 60, "{counts:?}");
    assert!(matches!(one.accounts().await, Err(StoreError::NotListed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_a_cluster_that_dies_is_an_error_within_the_deadline_and_is_found_again() {
    let mut cluster = Cluster::start();
    let urls = cluster.urls();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let store = RedisStore::builder().deadline(Duration::from_millis(800)).connect_cluster(&urls).await.unwrap();
    let accounts: Vec<_> = (0..30).map(|number| account(&format!("user {number}"))).collect();
    for id in &accounts {
        assert_eq!(store.swap(id, &write(None, 1)).await.unwrap(), Swap::Done);
    }
    cluster.nodes[1].kill();
    let mut errors = 0;
    for id in &accounts {
        let begun = Instant::now();
        // Done or lost where the first answer was an error, and the change was made.
        errors += u32::from(store.swap(id, &write(Some(1), 2)).await.is_err());
        assert!(begun.elapsed() < SLOWEST, "{:?}", begun.elapsed());
    }
    assert!(errors > 0, "its share of the accounts");
    cluster.nodes[1].restart();
    let begun = Instant::now();
    for id in &accounts {
        loop {
            match store.load(id).await {
                Ok(stored) => break assert!(matches!(stored, Some(stored) if [1, 2].contains(&stored.envelope[0]))),
                Err(error) => assert!(begun.elapsed() < Duration::from_secs(20), "{error}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_a_cluster_that_falls_silent_keeps_only_its_own_accounts_waiting() {
    let cluster = Cluster::start();
    let urls = cluster.urls();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let deadline = Duration::from_secs(2);
    let store = RedisStore::builder().deadline(deadline).connect_cluster(&urls).await.unwrap();
    let accounts: Vec<_> = (0..30).map(|number| account(&format!("user {number}"))).collect();
    for id in &accounts {
        assert_eq!(store.swap(id, &write(None, 1)).await.unwrap(), Swap::Done);
    }
    cluster.nodes[2].pause();
    let loads = accounts.iter().map(|id| {
        let (store, id) = (store.clone(), id.clone());
        tokio::spawn(async move {
            let begun = Instant::now();
            (store.load(&id).await.is_ok(), begun.elapsed())
        })
    });
    let (mut answered, mut errors) = (0, 0);
    for load in loads.collect::<Vec<_>>() {
        let (is_ok, took) = load.await.unwrap();
        assert!(took < deadline + Duration::from_millis(700), "{took:?}");
        (answered, errors) = (answered + u32::from(is_ok), errors + u32::from(!is_ok));
    }
    assert!(answered >= 10 && errors > 0, "{answered} answered, {errors} not");
    cluster.nodes[2].resume();
    let begun = Instant::now();
    for id in &accounts {
        while store.load(id).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_moves_from_node_to_node_is_followed() {
    let cluster = Cluster::start();
    let urls = cluster.urls();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let store = RedisStore::builder().connect_cluster(&urls).await.unwrap();
    let (alice, key) = (account("alice"), "sekisho:alice");
    let slot = cluster.nodes[0].ask(&["CLUSTER", "KEYSLOT", key]).trim().to_owned();
    let holds = |node: &&Redis| !node.ask(&["GET", key]).starts_with("MOVED");
    let from = cluster.nodes.iter().find(holds).unwrap();
    // As when a cluster grows: nothing has told the store's client of that node.
    let to = &cluster.joined();
    let id = |node: &Redis| node.ask(&["CLUSTER", "MYID"]).trim().to_owned();
    to.ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]);
    from.ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]);
    // What is not there yet is made where the slot moves to.
    for revision in 1..4 {
        let expected = (revision > 1).then(|| revision - 1);
        assert_eq!(store.swap(&alice, &write(expected, revision)).await.unwrap(), Swap::Done);
        assert_eq!(store.load(&alice).await.unwrap(), Some(write(expected, revision).new));
    }
    assert_eq!(store.swap(&alice, &write(Some(1), 9)).await.unwrap(), Swap::Lost);
    assert_eq!(from.ask(&["CLUSTER", "COUNTKEYSINSLOT", &slot]).trim(), "0");
    assert_eq!(to.ask(&["CLUSTER", "COUNTKEYSINSLOT", &slot]).trim(), "1");
    for node in cluster.nodes.iter().chain([to]) {
        node.ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)]);
    }
    assert_eq!(store.load(&alice).await.unwrap(), Some(write(Some(2), 3).new));
}

#[tokio::test]
async fn what_is_kept_is_a_revision_and_an_envelope_under_the_namespace() {
    let redis = Redis::start();
    let store = RedisStore::builder().namespace("exchange").connect(&redis.url()).await.unwrap();
    assert_eq!(store.swap(&account("alice"), &write(None, 7)).await.unwrap(), Swap::Done);
    assert_eq!(redis.ask(&["KEYS", "*"]).trim(), "exchange:alice");
    assert_eq!(redis.ask(&["STRLEN", "exchange:alice"]).trim(), "1316");
    assert_eq!(store.accounts().await.unwrap(), [account("alice")]);
    // What somebody else has put there is no record.
    redis.ask(&["SET", "exchange:mallory", "short"]);
    assert!(matches!(store.load(&account("mallory")).await, Err(StoreError::Damaged { .. })));
    for bad in ["", "a:b", "a b", &"x".repeat(65)] {
        assert!(matches!(
            RedisStore::builder().namespace(bad).connect(&redis.url()).await,
            Err(StoreError::Name { .. })
        ));
    }
}

#[tokio::test]
async fn thousands_of_accounts_are_listed() {
    let redis = Redis::with(&[]);
    let store = connect(&redis).await;
    let mut expected = Vec::new();
    for number in 0..2_500 {
        let id = account(&format!("user {number}"));
        assert_eq!(store.swap(&id, &write(None, 1)).await.unwrap(), Swap::Done);
        expected.push(id);
    }
    expected.sort();
    assert_eq!(store.accounts().await.unwrap(), expected);
    // Whoever only lists finds the connection again too.
    assert_eq!(redis.ask(&["CLIENT", "KILL", "TYPE", "normal"]).trim(), "1");
    assert!(store.accounts().await.is_err());
    assert_eq!(store.accounts().await.unwrap(), expected);
}

#[tokio::test]
async fn a_load_does_not_stay_with_a_master_of_before() {
    let master = Redis::start();
    let replica = Redis::with(&["--replicaof", "127.0.0.1", &master.port.to_string(), "--appendonly", "yes"]);
    let begun = Instant::now();
    while !replica.ask(&["INFO", "replication"]).contains("master_link_status:up") {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A name that leads to whichever is the master.
    let name = Proxy::to(master.port);
    let store = RedisStore::builder().replicas(1).deadline(Duration::from_secs(1));
    let store = store.connect(&format!("redis://127.0.0.1:{}", name.port)).await.unwrap();
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    // They change places, and no connection ends.
    replica.ask(&["REPLICAOF", "NO", "ONE"]);
    master.ask(&["REPLICAOF", "127.0.0.1", &replica.port.to_string()]);
    name.lead_to(replica.port);
    let before = name.counts().0;
    let error = store.swap(&account("alice"), &write(Some(1), 2)).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
    let connections = |redis: &Redis| redis.ask(&["CLIENT", "LIST", "TYPE", "normal"]).lines().count();
    assert!(store.load(&account("alice")).await.is_ok());
    assert_eq!((name.counts().0, connections(&replica)), (before + 1, 2), "the load is asked of the new master");
}

#[tokio::test]
async fn a_script_that_the_server_has_forgotten_is_sent_again() {
    let redis = Redis::start();
    let store = connect(&redis).await;
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    redis.ask(&["SCRIPT", "FLUSH"]);
    assert_eq!(store.swap(&account("alice"), &write(Some(1), 2)).await.unwrap(), Swap::Done);
    redis.ask(&["SCRIPT", "FLUSH"]);
    assert_eq!(store.swap(&account("alice"), &write(Some(1), 3)).await.unwrap(), Swap::Lost);
}

#[tokio::test]
async fn a_server_that_is_killed_and_started_again_is_found_again_with_what_it_answered() {
    let mut redis = Redis::start();
    let store = connect(&redis).await;
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    redis.kill();
    let begun = Instant::now();
    let error = store.load(&account("alice")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. } | StoreError::TimedOut { .. }), "{error}");
    assert!(begun.elapsed() < SLOWEST);
    redis.restart();
    let begun = Instant::now();
    let stored = loop {
        match store.load(&account("alice")).await {
            Ok(stored) => break stored,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(10), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(stored, Some(write(None, 1).new));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_an_error_within_the_deadline() {
    let redis = Redis::start();
    let store = connect(&redis).await;
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    redis.pause();
    for _ in 0..3 {
        let begun = Instant::now();
        assert!(store.swap(&account("alice"), &write(Some(1), 2)).await.is_err());
        assert!(begun.elapsed() < SLOWEST, "{:?}", begun.elapsed());
    }
    redis.resume();
    let begun = Instant::now();
    while store.load(&account("alice")).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
    // Nobody there at all.
    let nobody = RedisStore::builder().deadline(Duration::from_millis(300));
    let begun = Instant::now();
    assert!(nobody.connect(&format!("redis://127.0.0.1:{}", free_port())).await.is_err());
    assert!(begun.elapsed() < SLOWEST);
    assert!(matches!(RedisStore::connect("http://127.0.0.1").await, Err(StoreError::Config { .. })));
}

#[tokio::test]
async fn a_connection_that_is_cut_or_falls_silent_is_replaced_by_another() {
    let redis = Redis::start();
    let proxy = Proxy::to(redis.port);
    let store = RedisStore::builder().deadline(Duration::from_secs(1));
    let store = store.connect(&format!("redis://127.0.0.1:{}", proxy.port)).await.unwrap();
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    // As when its machine is gone, or a firewall has forgotten it: nobody says so.
    proxy.silence();
    let error = store.load(&account("alice")).await.unwrap_err();
    assert!(matches!(error, StoreError::TimedOut { .. }), "{error}");
    assert_eq!(store.load(&account("alice")).await.unwrap(), Some(write(None, 1).new), "the next one is answered");
    proxy.cut();
    assert_eq!(store.load(&account("alice")).await.unwrap(), Some(write(None, 1).new), "it is asked again");
    assert_eq!(proxy.counts().0, 3, "one connection for all, each time");
    let stores = (0..64).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.load(&account("alice")).await.is_ok() })
    });
    for load in stores.collect::<Vec<_>>() {
        assert!(load.await.unwrap());
    }
    assert_eq!(proxy.counts().0, 3);
    // Callers that are gone before their deadline find it out for the next ones too.
    proxy.silence();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(950) {
        let _ = tokio::time::timeout(Duration::from_millis(50), store.load(&account("alice"))).await;
    }
    assert_eq!(store.load(&account("alice")).await.unwrap(), Some(write(None, 1).new));
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_without_patience_get_a_connection_made_all_the_same() {
    let redis = Redis::start();
    let proxy = Proxy::to(redis.port);
    let store = RedisStore::builder().deadline(Duration::from_secs(2));
    let store = store.connect(&format!("redis://127.0.0.1:{}", proxy.port)).await.unwrap();
    assert_eq!(store.load(&account("alice")).await.unwrap(), None);
    proxy.delay(Duration::from_millis(300));
    proxy.cut();
    // Each is there for less time than it takes to connect; one after another.
    let begun = Instant::now();
    loop {
        match tokio::time::timeout(Duration::from_millis(100), store.load(&account("alice"))).await {
            Ok(Ok(_)) => break,
            _ => assert!(begun.elapsed() < Duration::from_secs(10), "it never connects"),
        }
    }
    assert!(proxy.counts().0 <= 4, "and not each for himself: {:?}", proxy.counts());
}

#[tokio::test]
async fn tls_is_spoken_with_whoever_the_authority_has_certified_and_nobody_else() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for (name, is_good) in [("localhost", true), ("elsewhere.example", false)] {
        let certificates = Certificates::of(name);
        let (redis, url) = Redis::with_tls(&certificates, "no");
        let builder = RedisStore::builder().certificate_authority(&certificates.authority);
        match builder.connect(&url).await {
            Ok(store) => {
                assert!(is_good, "a certificate of another name");
                assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
            }
            Err(error) => assert!(!is_good, "{error}"),
        }
        let unknown = RedisStore::connect(&url).await.map(drop).unwrap_err();
        assert!(matches!(unknown, StoreError::Unreachable { .. }), "{unknown}");
        let other = RedisStore::builder().certificate_authority(&Certificates::of(name).authority);
        assert!(other.connect(&url).await.is_err(), "another authority");
        drop(redis);
    }
    let nonsense = RedisStore::builder().certificate_authority(b"no certificate");
    assert!(matches!(nonsense.connect("rediss://localhost").await, Err(StoreError::Config { .. })));
    // Whoever names an authority believes that something is encrypted.
    let plain = RedisStore::builder().certificate_authority(&Certificates::of("localhost").authority);
    assert!(matches!(plain.clone().connect("redis://localhost").await, Err(StoreError::Config { .. })));
    assert!(matches!(plain.clone().connect_cluster(&["redis://localhost"]).await, Err(StoreError::Config { .. })));
    assert!(matches!(plain.connect_sentinel("main", &["redis://localhost"]).await, Err(StoreError::Config { .. })));
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_it() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificates = Certificates::of("localhost");
    let (_redis, url) = Redis::with_tls(&certificates, "yes");
    let builder = RedisStore::builder().certificate_authority(&certificates.authority);
    assert!(builder.clone().connect(&url).await.is_err(), "without");
    let (own, key) = &certificates.client;
    let store = builder.clone().client_certificate(own, key).connect(&url).await.unwrap();
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    let (other, other_key) = &Certificates::of("localhost").client;
    assert!(builder.client_certificate(other, other_key).connect(&url).await.is_err(), "of another authority");
}

#[tokio::test]
async fn a_full_server_a_read_only_one_and_one_with_another_password_refuse() {
    let redis = Redis::start();
    let store = connect(&redis).await;
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    let full = store.swap(&account("alice"), &write(Some(1), 2)).await.unwrap_err();
    assert!(matches!(full, StoreError::Refused { .. }), "{full}");
    let connected = |redis: &Redis| {
        let info = redis.ask(&["INFO", "stats"]);
        let line = info.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.unwrap().trim().parse::<u32>().unwrap()
    };
    let before = connected(&redis);
    for _ in 0..50 {
        assert!(store.swap(&account("alice"), &write(Some(1), 2)).await.is_err());
    }
    assert_eq!(connected(&redis), before + 1, "only the one that asks here: a refusal is no reason to connect anew");
    redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(store.load(&account("alice")).await.unwrap(), Some(write(None, 1).new), "nothing has changed");
    let other = Redis::start();
    redis.ask(&["REPLICAOF", "127.0.0.1", &other.port.to_string()]);
    let begun = Instant::now();
    let read_only = store.swap(&account("alice"), &write(Some(1), 2)).await.unwrap_err();
    assert!(matches!(read_only, StoreError::Refused { .. } | StoreError::TimedOut { .. }), "{read_only}");
    assert!(begun.elapsed() < SLOWEST);
    redis.ask(&["REPLICAOF", "NO", "ONE"]);
    let locked = Redis::with(&["--requirepass", "secret"]);
    let refused = RedisStore::connect(&locked.url()).await.map(drop).unwrap_err();
    assert!(!refused.is_transient() && !format!("{refused:?}").contains("secret"), "{refused:?}");
    let wrong = format!("redis://:guessed@127.0.0.1:{}", locked.port);
    let refused = RedisStore::connect(&wrong).await.map(drop).unwrap_err();
    assert!(matches!(refused, StoreError::Denied { .. }) && !format!("{refused:?}").contains("guessed"), "{refused:?}");
    let url = format!("redis://:secret@127.0.0.1:{}", locked.port);
    assert!(RedisStore::connect(&url).await.unwrap().load(&account("alice")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_change_counts_when_the_replicas_have_it() {
    let master = Redis::start();
    let mut replica = Redis::with(&["--replicaof", "127.0.0.1", &master.port.to_string()]);
    let store = RedisStore::builder().replicas(1).deadline(Duration::from_millis(800));
    let store = store.connect(&master.url()).await.unwrap();
    let begun = Instant::now();
    let mut revision = None;
    // Until it has come up.
    loop {
        assert!(begun.elapsed() < Duration::from_secs(20));
        let Ok(stored) = store.load(&account("alice")).await else { continue };
        revision = stored.map(|stored| stored.revision.as_bytes()[0]).or(revision);
        let next = revision.unwrap_or(0) + 1;
        if let Ok(Swap::Done) = store.swap(&account("alice"), &write(revision, next)).await {
            break;
        }
    }
    let kept = replica.ask(&["STRLEN", "sekisho:alice"]);
    assert_eq!(kept.trim(), "1316", "it is there when the answer is");
    let stored = store.load(&account("alice")).await.unwrap().unwrap();
    let revision = stored.revision.as_bytes()[0];
    replica.kill();
    // What waits for a replica that is gone keeps no load waiting.
    let changing = (0..4).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.swap(&account("bob"), &write(None, 1)).await })
    });
    let changing: Vec<_> = changing.collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(store.load(&account("alice")).await.is_ok());
    assert!(changing.iter().all(|change| !change.is_finished()), "the load has not waited for them");
    for change in changing {
        assert!(!matches!(change.await.unwrap(), Ok(Swap::Done)));
    }
    let alone = store.swap(&account("alice"), &write(Some(revision), revision + 1)).await.unwrap_err();
    assert!(
        matches!(alone, StoreError::Replicas { .. } | StoreError::TimedOut { .. } | StoreError::Unreachable { .. }),
        "{alone}"
    );
}

#[tokio::test]
async fn the_sentinels_lead_to_the_new_master() {
    let mut master = Redis::start();
    let replica = Redis::with(&["--replicaof", "127.0.0.1", &master.port.to_string(), "--appendonly", "yes"]);
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let config = folder.path().join("sentinel.conf");
    let lines = format!(
        "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {} 1\nsentinel down-after-milliseconds main 500\n\
        sentinel failover-timeout main 2000\n",
        folder.path().display(),
        master.port
    );
    std::fs::write(&config, lines).unwrap();
    let mut sentinel = std::process::Command::new("redis-server");
    let sentinel = sentinel.arg(&config).arg("--sentinel").stdout(std::process::Stdio::null()).spawn().unwrap();
    let _ended = Ended(sentinel);
    let begun = Instant::now();
    while !replica.ask(&["INFO", "replication"]).contains("master_link_status:up") || !servers::listens(port) {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let url = format!("redis://127.0.0.1:{port}");
    let store = loop {
        match RedisStore::builder().deadline(Duration::from_secs(1)).connect_sentinel("main", &[&url]).await {
            Ok(store) => break store,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(30), "{error}"),
        }
    };
    conformance::check(&store).await.unwrap();
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    // It takes the sentinel up to ten seconds to find out about the replica.
    let knows = || {
        let asked = std::process::Command::new("redis-cli")
            .args(["-p", &port.to_string(), "SENTINEL", "REPLICAS", "main"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&asked.stdout).contains(&replica.port.to_string())
    };
    while !knows() {
        assert!(begun.elapsed() < Duration::from_secs(40));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    master.kill();
    let begun = Instant::now();
    loop {
        match store.swap(&account("bob"), &write(None, 1)).await {
            Ok(_) => break,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(40), "{error}"),
        }
    }
    assert_eq!(replica.ask(&["STRLEN", "sekisho:bob"]).trim(), "1316");
}

struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn outside_of_a_runtime_it_is_an_error_and_no_panic() {
    let redis = Redis::start();
    let url = redis.url();
    let mut outside = Context::from_waker(Waker::noop());
    let answer = std::pin::pin!(RedisStore::connect(&url)).poll(&mut outside);
    assert!(matches!(answer, Poll::Ready(Err(StoreError::NoRuntime { .. }))));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(RedisStore::connect(&url)).unwrap();
    let alice = account("alice");
    assert!(matches!(
        std::pin::pin!(store.load(&alice)).poll(&mut outside),
        Poll::Ready(Err(StoreError::NoRuntime { .. }))
    ));
    assert!(matches!(
        std::pin::pin!(store.accounts()).poll(&mut outside),
        Poll::Ready(Err(StoreError::NoRuntime { .. }))
    ));
    assert!(runtime.block_on(store.load(&alice)).is_ok());
}
