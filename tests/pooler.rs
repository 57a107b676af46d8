//! PostgreSQL behind `PgBouncer` in transaction mode, where a session belongs to a statement and
//! prepared statements of one program are run for another: an enrolled account never answers as an
//! absent one. (Tested with `PgBouncer` and PostgreSQL as Debian has them.)
#![cfg(all(feature = "postgres", feature = "conformance"))]

mod servers;

use sekisho::seal::Revision;
use sekisho::store::{PostgresStore, Store, StoreError, Swap, conformance};
use servers::records::{account, write};
use servers::{PgBouncer, Postgres};
use tokio_postgres::{Client, NoTls};

/// Another program, through the same pooler.
async fn other_program(pooler: &PgBouncer) -> Client {
    let (client, connection) = tokio_postgres::connect(&pooler.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Gives every statement that is prepared in the pooler's one session the meaning that it has in
/// another program, which keeps its records in the table `other`.
async fn mix_up(program: &Client) -> usize {
    let listed = program.simple_query("SELECT name, statement, parameter_types FROM pg_prepared_statements").await;
    let mut count = 0;
    for row in listed.unwrap() {
        let tokio_postgres::SimpleQueryMessage::Row(row) = row else { continue };
        let [name, statement, types] = [0, 1, 2].map(|column| row.get(column).unwrap());
        let types = types.trim_matches(['{', '}']);
        let statement = statement.replace("\"sekisho\"", "\"other\"");
        let again = format!("DEALLOCATE \"{name}\"; PREPARE \"{name}\" ({types}) AS {statement}");
        program.batch_execute(&again).await.unwrap();
        count += 1;
    }
    count
}

#[tokio::test]
async fn the_statement_of_another_program_is_an_error_and_neither_an_absent_account_nor_a_change() {
    let postgres = Postgres::start();
    for table in ["sekisho", "other"] {
        PostgresStore::builder().table(table).connect(&postgres.url()).unwrap().create_table().await.unwrap();
    }
    let pooler = PgBouncer::by_transactions(&postgres, 1);
    let program = other_program(&pooler).await;
    let store = PostgresStore::builder().connections(1).connect(&pooler.url()).unwrap();
    let (alice, bob) = (account("alice"), account("bob"));
    // Each of the statements is prepared.
    assert_eq!(store.swap(&alice, &write(None, 1)).await.unwrap(), Swap::Done);
    assert_eq!(store.swap(&alice, &write(Some(1), 2)).await.unwrap(), Swap::Done);
    assert_eq!(store.swap(&alice, &write(None, 9)).await.unwrap(), Swap::Lost);
    assert_eq!(store.swap(&alice, &write(Some(9), 9)).await.unwrap(), Swap::Lost);
    assert_eq!(store.delete(&alice, Revision::from_bytes([9; 16])).await.unwrap(), Swap::Lost);
    assert_eq!(store.load(&alice).await.unwrap(), Some(write(None, 2).new));
    assert!(store.load(&bob).await.unwrap().is_none());
    assert_eq!(store.accounts().await.unwrap(), std::slice::from_ref(&alice));
    // Another one has the same record under that id.
    postgres.sql("INSERT INTO other SELECT * FROM sekisho");
    assert_eq!(mix_up(&program).await, 9, "two for a load and for each change, and the list");

    let is_found_out = |answer: StoreError| {
        assert!(matches!(answer, StoreError::Misdirected { .. }) && !answer.is_transient(), "{answer:?}");
        assert!(answer.to_string().contains("unnamed_statements()"), "{answer}");
    };
    for who in [&alice, &bob] {
        is_found_out(store.load(who).await.unwrap_err());
    }
    is_found_out(store.swap(&bob, &write(None, 1)).await.unwrap_err());
    is_found_out(store.swap(&alice, &write(Some(2), 3)).await.unwrap_err());
    is_found_out(store.delete(&alice, Revision::from_bytes([2; 16])).await.unwrap_err());
    is_found_out(store.accounts().await.unwrap_err());
    let rows = "SELECT convert_from(account, 'UTF8'), revision FROM other";
    let kept = format!("alice|\\x{}", "02".repeat(16));
    assert_eq!((postgres.sql(rows), postgres.sql(&rows.replace("other", "sekisho"))), (kept.clone(), kept));
}

#[tokio::test]
async fn a_session_without_the_statement_is_an_error_that_says_what_stands_in_between() {
    let postgres = Postgres::start();
    let pooler = PgBouncer::by_transactions(&postgres, 1);
    let program = other_program(&pooler).await;
    let store = PostgresStore::builder().connections(1).connect(&pooler.url()).unwrap();
    store.create_table().await.unwrap();
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    assert!(store.load(&account("alice")).await.unwrap().is_some());
    // As in a session that was given to another program in between.
    program.batch_execute("DEALLOCATE ALL").await.unwrap();
    let error = store.load(&account("alice")).await.unwrap_err();
    assert!(matches!(error, StoreError::Misdirected { source: Some(_), .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unnamed_statements_work_behind_it_and_nothing_is_left_in_its_sessions() {
    let postgres = Postgres::start();
    let pooler = PgBouncer::by_transactions(&postgres, 2);
    let open = |table: &str| {
        let builder = PostgresStore::builder().table(table).connections(8).unnamed_statements();
        builder.connect(&pooler.url()).unwrap()
    };
    let (one, twin, other) = (open("sekisho"), open("sekisho"), open("other"));
    one.create_table().await.unwrap();
    other.create_table().await.unwrap();
    conformance::check(&one).await.unwrap();
    conformance::apart(&one, &other).await.unwrap();
    conformance::race(&[&one, &twin], 16, 50).await.unwrap();
    assert_eq!(one.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    for _ in 0..300 {
        let (own, foreign) = (one.load(&account("alice")).await, other.load(&account("alice")).await);
        assert_eq!((own.unwrap(), foreign.unwrap()), (Some(write(None, 1).new), None));
    }
    let program = other_program(&pooler).await;
    for (asked, expected) in [
        ("SELECT count(*) FROM pg_prepared_statements", "0"),
        ("SHOW statement_timeout", "0"),
        ("SHOW synchronous_commit", "on"),
    ] {
        let answer = program.simple_query(asked).await.unwrap();
        let row = answer.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        assert_eq!(row, Some(expected), "{asked}");
    }
}

#[tokio::test]
async fn a_pooler_without_a_free_session_passes() {
    let postgres = Postgres::start();
    let pooler = PgBouncer::with(&postgres, 1, "query_wait_timeout = 1");
    let store = PostgresStore::builder().connections(1).deadline(std::time::Duration::from_secs(10));
    let store = store.unnamed_statements().connect(&pooler.url()).unwrap();
    store.create_table().await.unwrap();
    let program = other_program(&pooler).await;
    program.batch_execute("BEGIN").await.unwrap();
    let error = store.load(&account("alice")).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    program.batch_execute("COMMIT").await.unwrap();
    assert!(store.load(&account("alice")).await.unwrap().is_none());
}
