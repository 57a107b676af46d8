//! `PostgresStore` on a real server: its contract, and what it says when the server is dead, slow,
//! or read-only.
#![cfg(all(feature = "postgres", feature = "conformance", feature = "verifier"))]

use crate::servers::records::{account, write};
use crate::servers::{Certificates, Postgres, Proxy, free_port};
use sekisho::Verifier;
use sekisho::seal::{KeyId, Keyring, Revision, SealingKey};
use sekisho::store::{PostgresStore, Store, StoreError, Swap, conformance};
use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A call with a deadline has ended by then, on a machine of any speed. Without one it would not.
const SLOWEST: Duration = Duration::from_secs(15);

async fn connect(postgres: &Postgres) -> PostgresStore {
    let store = PostgresStore::builder().deadline(Duration::from_millis(900)).connect(&postgres.url()).unwrap();
    store.create_table().await.unwrap();
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_in_every_isolation_and_in_the_services_own_pool() {
    let postgres = Postgres::start();
    let (one, other) = (connect(&postgres).await, connect(&postgres).await);
    conformance::check(&one).await.unwrap();
    conformance::race(&[&one, &other, &one.clone()], 16, 50).await.unwrap();
    let elsewhere = PostgresStore::builder().table("elsewhere").connect(&postgres.url()).unwrap();
    assert!(matches!(elsewhere.load(&account("alice")).await, Err(StoreError::NoTable { .. })));
    elsewhere.create_table().await.unwrap();
    conformance::apart(&one, &elsewhere).await.unwrap();
    postgres.sql("CREATE SCHEMA factors");
    let factors = PostgresStore::builder().schema("factors").connect(&postgres.url()).unwrap();
    factors.create_table().await.unwrap();
    conformance::apart(&one, &factors).await.unwrap();

    // Where others are first, stricter isolation says so by an error, and it is a lost swap all the
    // same.
    for isolation in ["repeatable read", "serializable"] {
        postgres.sql(&format!("ALTER DATABASE postgres SET default_transaction_isolation = '{isolation}'"));
        let strict = connect(&postgres).await;
        conformance::check(&strict).await.unwrap();
        conformance::race(&[&strict, &other], 16, 30).await.unwrap();
    }

    let config: tokio_postgres::Config = postgres.url().parse().unwrap();
    let manager = deadpool_postgres::Manager::new(config, tokio_postgres::NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(4).build().unwrap();
    let own = PostgresStore::builder().with_pool(pool).unwrap();
    conformance::check(&own).await.unwrap();
    conformance::race(&[&own, &one], 16, 20).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_made_by_many_at_once_or_by_the_migration() {
    let postgres = Postgres::start();
    let makers = (0..12).map(|_| {
        let store = PostgresStore::connect(&postgres.url()).unwrap();
        tokio::spawn(async move { store.create_table().await })
    });
    for maker in makers.collect::<Vec<_>>() {
        maker.await.unwrap().unwrap();
    }
    let builder = PostgresStore::builder().table("by_migration");
    postgres.sql(&builder.migration().unwrap());
    let store = builder.connect(&postgres.url()).unwrap();
    conformance::check(&store).await.unwrap();
    assert_eq!(store.swap(&account("alice"), &write(None, 7)).await.unwrap(), Swap::Done);
    assert_eq!(
        postgres.sql("SELECT account, octet_length(revision), octet_length(envelope) FROM by_migration"),
        "\\x616c696365|16|1300"
    );
    for bad in ["", "a;b", "A", "1a", "a b", "\"", &"x".repeat(64)] {
        assert!(matches!(PostgresStore::builder().table(bad).connect(&postgres.url()), Err(StoreError::Name { .. })));
        assert!(matches!(PostgresStore::builder().schema(bad).migration(), Err(StoreError::Name { .. })));
    }
}

#[tokio::test]
async fn accounts_are_listed_page_by_page() {
    let postgres = Postgres::start();
    let store = connect(&postgres).await;
    postgres.sql(
        "INSERT INTO sekisho SELECT convert_to('user ' || n, 'UTF8'), '\\x00112233445566778899aabbccddeeff', '\\x00' FROM generate_series(1, 25000) n",
    );
    let accounts = store.accounts().await.unwrap();
    assert_eq!(accounts.len(), 25_000);
    assert!(accounts.is_sorted() && accounts.contains(&account("user 17")));
}

#[tokio::test]
async fn a_server_that_is_killed_and_started_again_is_found_again_with_what_it_answered() {
    let postgres = Postgres::start();
    let store = connect(&postgres).await;
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    postgres.kill();
    for _ in 0..3 {
        let begun = Instant::now();
        let error = store.swap(&account("alice"), &write(Some(1), 2)).await.unwrap_err();
        assert!(matches!(error, StoreError::Unreachable { .. } | StoreError::TimedOut { .. }), "{error:?}");
        assert!(begun.elapsed() < SLOWEST);
    }
    postgres.restart();
    let begun = Instant::now();
    let stored = loop {
        match store.load(&account("alice")).await {
            Ok(stored) => break stored,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(10), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(stored, Some(write(None, 1).new));
    let nobody = PostgresStore::connect(&format!("postgres://postgres@127.0.0.1:{}/postgres", free_port())).unwrap();
    assert!(matches!(nobody.load(&account("alice")).await, Err(StoreError::Unreachable { .. })));
    assert!(matches!(PostgresStore::connect("no url at all"), Err(StoreError::Config { .. })));
}

#[tokio::test]
async fn a_server_that_does_not_write_before_it_answers_is_not_ready() {
    let postgres = Postgres::start();
    let store = connect(&postgres).await;
    store.ready().await.unwrap();
    postgres.restart_with("-c fsync=off");
    let begun = Instant::now();
    let error = loop {
        match store.ready().await.unwrap_err() {
            error if error.is_transient() => assert!(begun.elapsed() < Duration::from_secs(10), "{error}"),
            error => break error,
        }
    };
    assert!(matches!(error, StoreError::Settings { .. }) && error.to_string().contains("fsync"), "{error:?}");
}

#[tokio::test]
async fn faults_that_do_not_pass_by_themselves_are_not_called_passing() {
    let postgres = Postgres::start();
    postgres.ask_for_passwords();
    postgres.sql("CREATE TABLE other (account bytea PRIMARY KEY, revision bytea, sealed bytea)");
    postgres.sql("CREATE TABLE checked (LIKE other); ALTER TABLE checked RENAME sealed TO envelope");
    postgres.sql("ALTER TABLE checked ADD PRIMARY KEY (account), ADD CHECK (length(envelope) < 100)");
    let open = |table: &str| PostgresStore::builder().table(table).connect(&postgres.url()).unwrap();
    let of_other_columns = open("other").load(&account("alice")).await.unwrap_err();
    let of_other_rules = open("checked").swap(&account("alice"), &write(None, 1)).await.unwrap_err();
    for error in [of_other_columns, of_other_rules] {
        assert!(matches!(error, StoreError::Unsupported { .. }) && !error.is_transient(), "{error:?}");
    }
    postgres.sql("CREATE ROLE app LOGIN PASSWORD 'pw'");
    let certificates = Certificates::of("localhost");
    postgres.speak_tls(&certificates);
    let url = format!("postgres://app@localhost:{}/postgres?sslmode=require", postgres.port);
    let builder = PostgresStore::builder().certificate_authority(&certificates.authority);
    let error = builder.connect(&url).unwrap().load(&account("alice")).await.unwrap_err();
    assert!(matches!(error, StoreError::Config { .. }) && !error.is_transient(), "no password: {error:?}");
}

#[tokio::test]
async fn a_row_that_somebody_holds_is_an_error_within_the_deadline_and_the_swap_does_not_come_later() {
    let postgres = Postgres::start();
    let store = connect(&postgres).await;
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    let (client, connection) = tokio_postgres::connect(&postgres.url(), tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute("BEGIN; SELECT * FROM sekisho FOR UPDATE").await.unwrap();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'UPDATE%'";
    let begun = Instant::now();
    let swapping = tokio::spawn({
        let store = store.clone();
        async move { store.swap(&account("alice"), &write(Some(1), 2)).await }
    });
    while postgres.sql(waiting) != "1" && !swapping.is_finished() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let error = swapping.await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::TimedOut { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    // The server was told to give up as well.
    while postgres.sql(waiting) != "0" {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(store.load(&account("alice")).await.unwrap(), Some(write(None, 1).new));
    connection.abort();
}

#[tokio::test]
async fn a_connection_that_is_cut_or_falls_silent_is_replaced_by_another() {
    let postgres = Postgres::start();
    let proxy = Proxy::to(postgres.port);
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port);
    let store = PostgresStore::builder().deadline(Duration::from_millis(700)).connections(1).connect(&url).unwrap();
    store.create_table().await.unwrap();
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    // As when its machine is gone, or a firewall has forgotten it: nobody says so.
    proxy.silence();
    let error = store.load(&account("alice")).await.unwrap_err();
    assert!(matches!(error, StoreError::TimedOut { .. }), "{error}");
    assert_eq!(store.load(&account("alice")).await.unwrap(), Some(write(None, 1).new), "the next one is answered");
    proxy.cut();
    // Noticed at once, or by the next one.
    if let Err(error) = store.load(&account("alice")).await {
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    }
    assert_eq!(store.load(&account("alice")).await.unwrap(), Some(write(None, 1).new));
}

#[tokio::test]
async fn tls_is_spoken_with_whoever_the_authority_has_certified_and_nobody_else() {
    let postgres = Postgres::start();
    let url = |mode: &str| format!("postgres://postgres@localhost:{}/postgres?sslmode={mode}", postgres.port);
    let open = |mode: &str, authority: Option<&[u8]>| {
        let builder = PostgresStore::builder();
        let builder = authority.map_or(builder.clone(), |authority| builder.certificate_authority(authority));
        builder.connect(&url(mode))
    };
    connect(&postgres).await;
    let plain = open("require", None).unwrap();
    assert!(matches!(plain.load(&account("alice")).await, Err(StoreError::Unreachable { .. })), "no TLS there");
    let certificates = Certificates::of("localhost");
    postgres.speak_tls(&certificates);
    let encrypted = open("require", Some(&certificates.authority)).unwrap();
    assert_eq!(encrypted.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    let of_this = "SELECT bool_or(ssl) FROM pg_stat_ssl";
    assert_eq!(postgres.sql(of_this), "t");
    // TLS that is offered is taken, and checked, even where it is not insisted upon.
    for mode in ["require", "prefer"] {
        for authority in [None, Some(&*Certificates::of("localhost").authority)] {
            let unknown = open(mode, authority).unwrap().load(&account("alice")).await.unwrap_err();
            assert!(matches!(unknown, StoreError::Unreachable { .. }), "{unknown:?}");
        }
    }
    let elsewhere = Certificates::of("elsewhere.example");
    postgres.speak_tls(&elsewhere);
    let misled = open("require", Some(&elsewhere.authority)).unwrap().load(&account("alice")).await.unwrap_err();
    assert!(matches!(misled, StoreError::Unreachable { .. }), "{misled:?}");
    assert!(matches!(open("require", Some(b"-----BEGIN CERTIFICATE-----")), Err(StoreError::Config { .. })));
}

#[tokio::test]
async fn tls_is_insisted_upon_where_an_authority_is_named_and_a_certificate_is_shown_where_it_is_asked_for() {
    let postgres = Postgres::start();
    connect(&postgres).await;
    let certificates = Certificates::of("localhost");
    let url = |more: &str| format!("postgres://postgres@localhost:{}/postgres{more}", postgres.port);
    let open = |more: &str| PostgresStore::builder().certificate_authority(&certificates.authority).connect(&url(more));
    for more in ["", "?sslmode=prefer", "?sslmode=verify-full", "?sslmode=verify-ca"] {
        let stripped = open(more).unwrap().load(&account("alice")).await.unwrap_err();
        assert!(matches!(stripped, StoreError::Unreachable { .. }), "{more}: {stripped:?}");
    }
    postgres.speak_tls(&certificates);
    for more in ["", "?sslmode=verify-full", "?sslmode=require"] {
        assert!(open(more).unwrap().load(&account("alice")).await.unwrap().is_none(), "{more}");
    }
    postgres.ask_for_certificates(&certificates);
    let without = open("").unwrap().load(&account("alice")).await.unwrap_err();
    assert!(matches!(without, StoreError::Denied { .. } | StoreError::Unreachable { .. }), "{without:?}");
    let with = |certificates: &Certificates| {
        let (own, key) = &certificates.client;
        let builder = PostgresStore::builder().client_certificate(own, key);
        builder.certificate_authority(&certificates.authority).connect(&url(""))
    };
    assert!(with(&certificates).unwrap().load(&account("alice")).await.unwrap().is_none());
    let builder = PostgresStore::builder().client_certificate(&certificates.client.0, b"no key");
    assert!(matches!(builder.connect(&url("")), Err(StoreError::Config { .. })));
}

#[tokio::test]
async fn the_second_host_is_used_while_the_first_is_silent_or_takes_no_writes() {
    let (postgres, read_only) = (Postgres::start(), Postgres::start());
    connect(&postgres).await;
    connect(&read_only).await;
    read_only.sql("ALTER DATABASE postgres SET default_transaction_read_only = on");
    // An address that answers nothing (RFC 5737), and one whose queue is full, are the same from
    // here: nobody accepts.
    let full = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = full.local_addr().unwrap().port();
    let mut crowd = Vec::new();
    while let Ok(one) = std::net::TcpStream::connect_timeout(&full.local_addr().unwrap(), Duration::from_millis(100)) {
        crowd.push(one);
    }
    // And one that accepts, and says nothing more: a server that hangs.
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for first in [silent, hanging.local_addr().unwrap().port(), read_only.port] {
        let url = format!("postgres://postgres@127.0.0.1:{first},127.0.0.1:{}/postgres", postgres.port);
        let store = PostgresStore::connect(&url).unwrap();
        let begun = Instant::now();
        // Making the first connection takes longer than a call may.
        while store.load(&account("alice")).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(15));
        }
    }
    let folder = postgres.socket_folder();
    let url = format!(
        "postgres://postgres@%2F{}:{}/postgres",
        folder.trim_start_matches('/').replace('/', "%2F"),
        postgres.port
    );
    assert!(PostgresStore::connect(&url).unwrap().load(&account("alice")).await.unwrap().is_none(), "by its socket");
}

#[tokio::test]
async fn a_connection_to_a_server_that_becomes_read_only_is_given_up() {
    let postgres = Postgres::start();
    let store = PostgresStore::builder().connections(1).connect(&postgres.url()).unwrap();
    store.create_table().await.unwrap();
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    // As after a failover behind a proxy that keeps the session.
    let read_only = "ALTER SYSTEM SET default_transaction_read_only = on";
    postgres.sql(read_only);
    postgres.sql("SELECT pg_reload_conf()");
    let begun = Instant::now();
    while store.swap(&account("alice"), &write(Some(1), 1)).await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
    let error = store.load(&account("alice")).await.unwrap_err();
    assert!(!matches!(error, StoreError::Damaged { .. }), "no other connection takes writes either: {error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_without_patience_get_a_connection_made_all_the_same() {
    let postgres = Postgres::start();
    connect(&postgres).await;
    let proxy = Proxy::to(postgres.port);
    proxy.delay(Duration::from_millis(300));
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port);
    let store = PostgresStore::builder().connections(2).connect(&url).unwrap();
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
async fn a_server_that_takes_no_more_connections_or_not_this_user_refuses() {
    let postgres = Postgres::start();
    postgres.sql("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0");
    for user in ["crowded", "nobody"] {
        let url = format!("postgres://{user}@127.0.0.1:{}/postgres", postgres.port);
        let begun = Instant::now();
        let error = PostgresStore::connect(&url).unwrap().load(&account("alice")).await.unwrap_err();
        // One has to wait for a place, and the other will never be let in.
        let is_crowded = matches!(error, StoreError::Refused { .. }) && error.is_transient();
        let is_denied = matches!(error, StoreError::Denied { .. }) && !error.is_transient();
        assert!(if user == "crowded" { is_crowded } else { is_denied }, "{error:?}");
        assert!(begun.elapsed() < SLOWEST);
    }
    // All of its own connections are taken.
    let store = PostgresStore::builder().deadline(Duration::from_millis(500)).connections(1);
    let store = store.connect(&postgres.url()).unwrap();
    store.create_table().await.unwrap();
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    let (client, connection) = tokio_postgres::connect(&postgres.url(), tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute("BEGIN; LOCK TABLE sekisho").await.unwrap();
    let (alice, bob) = (account("alice"), account("bob"));
    let begun = Instant::now();
    let (one, other) = tokio::join!(store.load(&alice), store.load(&bob));
    assert!(one.is_err() && other.is_err());
    assert!(begun.elapsed() < SLOWEST, "{:?}", begun.elapsed());
    connection.abort();
}

#[tokio::test]
async fn a_read_only_server_is_not_used_and_commits_are_durable_whatever_the_default() {
    let postgres = Postgres::start();
    let store = connect(&postgres).await;
    postgres.sql("CREATE TABLE seen (setting text)");
    postgres.sql(
        "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$",
    );
    // At the commit, which is when the setting counts.
    let events = "INSERT OR UPDATE OR DELETE";
    postgres.sql(&format!(
        "CREATE CONSTRAINT TRIGGER see AFTER {events} ON sekisho DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION see()"
    ));
    for (setting, seen) in [("off", "on"), ("local", "on"), ("on", "on"), ("remote_apply", "remote_apply")] {
        postgres.sql(&format!("ALTER ROLE postgres SET synchronous_commit = '{setting}'"));
        postgres.sql("DELETE FROM sekisho; TRUNCATE seen");
        for unnamed in [false, true] {
            let builder = PostgresStore::builder();
            let builder = if unnamed { builder.unnamed_statements() } else { builder };
            let late = builder.connect(&postgres.url()).unwrap();
            assert_eq!(late.swap(&account("bob"), &write(None, 1)).await.unwrap(), Swap::Done);
            assert_eq!(late.swap(&account("bob"), &write(Some(1), 2)).await.unwrap(), Swap::Done);
            let revision = Revision::from_bytes([2; 16]);
            assert_eq!(late.delete(&account("bob"), revision).await.unwrap(), Swap::Done);
        }
        let distinct = postgres.sql("SELECT string_agg(DISTINCT setting, ' '), count(*) FROM seen");
        assert_eq!(distinct, format!("{seen}|6"), "{setting}");
    }
    postgres.sql("ALTER ROLE postgres SET synchronous_commit = 'off'");
    postgres.sql("ALTER DATABASE postgres SET default_transaction_read_only = on");
    let read_only = PostgresStore::connect(&postgres.url()).unwrap();
    assert!(read_only.load(&account("bob")).await.is_err(), "what it would say may be old");
    drop(store);
}

#[test]
fn outside_of_a_runtime_it_is_an_error_and_no_panic() {
    let store = PostgresStore::connect("postgres://postgres@127.0.0.1:1/postgres").unwrap();
    let alice = account("alice");
    let answer = std::pin::pin!(store.load(&alice)).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(answer, Poll::Ready(Err(StoreError::NoRuntime { .. }))));
}

/// A password that is proved over one TLS connection cannot be passed on over another.
#[tokio::test]
async fn channel_binding_is_done_where_it_is_required() {
    let postgres = Postgres::start();
    connect(&postgres).await;
    let certificates = Certificates::of("localhost");
    postgres.speak_tls(&certificates);
    postgres.sql("CREATE ROLE exchange LOGIN PASSWORD 'a password'");
    postgres.sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO exchange");
    postgres.ask_for_passwords();
    let open = |password: &str, binding: &str| {
        let port = postgres.port;
        let url = format!(
            "postgres://exchange:{password}@localhost:{port}/postgres?sslmode=require&channel_binding={binding}"
        );
        PostgresStore::builder().certificate_authority(&certificates.authority).connect(&url).unwrap()
    };
    for binding in ["require", "prefer", "disable"] {
        let swapped = open("a%20password", binding).swap(&account(binding), &write(None, 1)).await;
        assert_eq!(swapped.unwrap(), Swap::Done, "{binding}");
    }
    let wrong = open("another", "require").load(&account("alice")).await.unwrap_err();
    assert!(matches!(wrong, StoreError::Denied { .. }), "{wrong}");
    // Where nothing asks for a password there is nothing to bind.
    let url =
        format!("postgres://postgres@localhost:{}/postgres?sslmode=require&channel_binding=require", postgres.port);
    let trusted = PostgresStore::builder().certificate_authority(&certificates.authority).connect(&url).unwrap();
    assert!(trusted.load(&account("alice")).await.is_err());
}

#[tokio::test]
async fn a_role_that_may_only_read_and_write_rows_finds_the_table_there() {
    let postgres = Postgres::start();
    postgres.sql("CREATE ROLE exchange LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    let url = format!("postgres://exchange@127.0.0.1:{}/postgres", postgres.port);
    let limited = PostgresStore::connect(&url).unwrap();
    let missing = limited.create_table().await.unwrap_err();
    assert!(matches!(missing, StoreError::Denied { .. }) && !missing.is_transient(), "{missing:?}");
    connect(&postgres).await;
    postgres.sql("GRANT SELECT, INSERT, UPDATE, DELETE ON sekisho TO exchange");
    limited.create_table().await.unwrap();
    conformance::check(&limited).await.unwrap();
}

#[tokio::test]
async fn an_authority_can_be_named_in_the_url_and_what_is_not_understood_is_named_in_the_error() {
    let postgres = Postgres::start();
    connect(&postgres).await;
    let certificates = Certificates::of("localhost");
    let open = |more: &str| {
        PostgresStore::connect(&format!("postgres://postgres@localhost:{}/postgres?{more}", postgres.port))
    };
    // A server without TLS is none that an authority vouches for.
    let plain = open("sslrootcert=system").unwrap().load(&account("alice")).await.unwrap_err();
    assert!(matches!(plain, StoreError::Unreachable { .. } | StoreError::Config { .. }), "{plain:?}");
    assert!(open("sslmode=prefer").unwrap().load(&account("alice")).await.unwrap().is_none());
    postgres.speak_tls(&certificates);
    let file = certificates.authority_file.to_string_lossy().replace('/', "%2F");
    for more in [format!("sslrootcert={file}"), format!("sslmode=verify-full&sslrootcert={file}&application_name=a")] {
        assert!(open(&more).unwrap().load(&account("alice")).await.unwrap().is_none(), "{more}");
    }
    for more in ["sslmode=require&sslrootcert=system", "sslrootcert=system"] {
        let unknown = open(more).unwrap().load(&account("alice")).await.unwrap_err();
        assert!(matches!(unknown, StoreError::Unreachable { .. }), "{unknown:?}");
    }
    let missing = open("sslrootcert=%2Fno%2Fsuch%2Ffile").unwrap_err();
    assert!(matches!(missing, StoreError::Config { .. }), "{missing:?}");
    let misspelled = open("sslmoed=require").unwrap_err();
    let mut said = vec![misspelled.to_string()];
    let mut source = std::error::Error::source(&misspelled);
    while let Some(error) = source {
        said.push(error.to_string());
        source = error.source();
    }
    assert!(said.iter().any(|text| text.contains("sslmoed")), "{said:?}");
}

#[tokio::test]
async fn a_verifier_on_a_read_only_server_is_not_ready() {
    let postgres = Postgres::start();
    let store = connect(&postgres).await;
    let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(*b"a key for tests, of 32 bytes ...").unwrap());
    let verifier = Verifier::builder(store, keyring).without_notifications().build();
    verifier.ready().await.unwrap();
    postgres.sql("ALTER SYSTEM SET default_transaction_read_only = on");
    postgres.sql("SELECT pg_reload_conf()");
    let begun = Instant::now();
    while verifier.ready().await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
