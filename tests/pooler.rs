//! PostgreSQL behind `PgBouncer` in transaction mode, where a session belongs to a statement and
//! prepared statements of one program are run for another: an enrolled account never answers as an
//! absent one. (Tested with `PgBouncer` and PostgreSQL as Debian has them.)
#![cfg(all(feature = "postgres", feature = "conformance"))]

use crate::examples;

use crate::servers::records::{account, write};
use crate::servers::{PgBouncer, Postgres};
use sekisho::seal::Revision;
use sekisho::store::{PostgresStore, Store, StoreError, Swap, conformance};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};

/// The test that a child process runs, by its whole name.
const IN_A_CHILD: &str = "pooler::in_a_child";

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

/// Gives the name of each quick change the meaning of the one that always answers.
async fn mix_up_with_certain(program: &Client) -> usize {
    let listed = program.simple_query("SELECT name, statement, parameter_types FROM pg_prepared_statements").await;
    let rows: Vec<_> = listed
        .unwrap()
        .into_iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                Some([0, 1, 2].map(|column| row.get(column).unwrap().to_owned()))
            }
            _ => None,
        })
        .collect();
    let mut count = 0;
    for [name, quick, types] in &rows {
        let Some((change, _)) = quick.split_once(" RETURNING '").filter(|_| !quick.starts_with("WITH")) else {
            continue;
        };
        let certain = rows.iter().find(|[_, other, _]| other.starts_with(&format!("WITH changed AS ({change} ")));
        let [_, certain, _] = certain.expect("the other one of the two");
        let types = types.trim_matches(['{', '}']);
        let again = format!("DEALLOCATE \"{name}\"; PREPARE \"{name}\" ({types}) AS {certain}");
        program.batch_execute(&again).await.unwrap();
        count += 1;
    }
    count
}

/// Two copies of one service have the same table, and may have prepared its statements in another
/// order.
#[tokio::test]
async fn a_change_that_ran_as_the_one_that_always_answers_is_no_change_that_happened() {
    let postgres = Postgres::start();
    let pooler = PgBouncer::by_transactions(&postgres, 1);
    let program = other_program(&pooler).await;
    let store = PostgresStore::builder().connections(1).connect(&pooler.url()).unwrap();
    store.create_table().await.unwrap();
    let alice = account("alice");
    assert_eq!(store.swap(&alice, &write(None, 1)).await.unwrap(), Swap::Done);
    assert_eq!(store.swap(&alice, &write(None, 9)).await.unwrap(), Swap::Lost);
    assert_eq!(store.swap(&alice, &write(Some(9), 9)).await.unwrap(), Swap::Lost);
    assert_eq!(store.delete(&alice, Revision::from_bytes([9; 16])).await.unwrap(), Swap::Lost);
    assert_eq!(mix_up_with_certain(&program).await, 3);
    for lost in [
        store.swap(&alice, &write(None, 9)).await,
        store.swap(&alice, &write(Some(9), 9)).await,
        store.delete(&alice, Revision::from_bytes([9; 16])).await,
    ] {
        assert!(matches!(lost, Err(StoreError::Misdirected { .. })), "{lost:?}");
    }
}

/// Each process does everything so many times.
const ROUNDS: u8 = 250;

/// The processes of the test below; nothing when run by itself. Each has a table of its own, and
/// prepares its statements in an order of its own: a name means another statement in each.
#[tokio::test]
async fn in_a_child() {
    let Ok(url) = std::env::var("SEKISHO_POOLER") else { return };
    let number: u8 = std::env::var("SEKISHO_NUMBER").unwrap().parse().unwrap();
    let (url, is_unnamed) = match url.strip_prefix("unnamed ") {
        Some(url) => (url.to_owned(), true),
        None => (url, false),
    };
    let builder = PostgresStore::builder().connections(2).deadline(Duration::from_secs(10));
    let builder = if is_unnamed { builder.unnamed_statements() } else { builder };
    let store = builder.table(&format!("table_{number}")).connect(&url).unwrap();
    let (alice, bob, made) = (account("alice"), account("bob"), account("made"));
    let mut mixed = 0;
    let mut answered = 0;
    // A mix-up is an error; any other answer has to be right.
    let mut right = |answer: Result<bool, StoreError>, what: &str| match answer {
        Ok(is_right) => {
            answered += 1;
            assert!(is_right, "{what} answers wrongly in process {number}");
        }
        Err(StoreError::Misdirected { .. }) => mixed += 1,
        Err(error) => panic!("{what}: {error:?}"),
    };
    for round in 0..ROUNDS {
        for step in 0..4 {
            match (step + number) % 4 {
                0 => right(store.load(&alice).await.map(|found| found == Some(write(None, number).new)), "a load"),
                1 => right(store.load(&bob).await.map(|found| found.is_none()), "a load of nobody"),
                // Only this process knows of the record: whether it was made before is not known,
                // as answers get lost.
                2 => right(store.swap(&made, &write(None, 100 + number)).await.map(|_| true), "an insertion"),
                _ => right(
                    store.swap(&alice, &write(Some(200), round)).await.map(|swap| swap == Swap::Lost),
                    "a swap that expects what is not there",
                ),
            }
        }
    }
    println!("process {number}: {answered} answered, {mixed} mixed up");
}

/// Runs three processes at the same time through one pooler; gives the numbers of calls that were
/// answered, and of those that were mixed up.
fn processes_work(postgres: &Postgres, url: &str) -> (u32, u32) {
    for number in 0..3 {
        let store = PostgresStore::builder().table(&format!("table_{number}"));
        postgres.sql(&store.migration().unwrap());
    }
    let begun = Instant::now();
    let start = |number: u8| {
        let value = |byte: u8| format!("decode('{}', 'hex')", hex::encode(&write(None, byte).new.envelope));
        let revision = format!("decode('{}', 'hex')", hex::encode(write(None, number).new.revision.as_bytes()));
        postgres.sql(&format!("INSERT INTO table_{number} VALUES ('alice', {revision}, {})", value(number)));
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", IN_A_CHILD, "--nocapture"]).env("SEKISHO_POOLER", url);
        child.env("SEKISHO_NUMBER", number.to_string()).stdout(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..3).map(start).collect();
    let (mut answered, mut mixed) = (0, 0);
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}");
        println!("{said}");
        let number = |words: &str| -> u32 {
            let before = said.split(words).next().unwrap();
            before.split_whitespace().next_back().unwrap().parse().unwrap()
        };
        answered += number(" answered");
        mixed += number(" mixed up");
    }
    assert!(begun.elapsed() < Duration::from_secs(300));
    // Every table has what its own process has written, and nothing else.
    for number in 0..3_u8 {
        let [alice, made] = [number, 100 + number].map(|byte| hex::encode(write(None, byte).new.revision.as_bytes()));
        let rows = postgres.sql(&format!(
            "SELECT convert_from(account, 'UTF8'), encode(revision, 'hex') FROM table_{number} ORDER BY account"
        ));
        let allowed = [format!("alice|{alice}"), format!("alice|{alice}\nmade|{made}")];
        assert!(allowed.contains(&rows), "{rows}");
    }
    (answered, mixed)
}

#[test]
fn processes_whose_statements_have_the_same_names_never_answer_wrongly() {
    let postgres = Postgres::start();
    let pooler = PgBouncer::by_transactions(&postgres, 2);
    let (answered, mixed) = processes_work(&postgres, &pooler.url());
    assert!(
        mixed > 30 && answered > 100,
        "{answered} answered, {mixed} mixed up: the pooler has not mixed anything up"
    );
}

#[test]
fn processes_whose_statements_have_no_names_are_all_answered() {
    let postgres = Postgres::start();
    let pooler = PgBouncer::by_transactions(&postgres, 2);
    let (answered, mixed) = processes_work(&postgres, &format!("unnamed {}", pooler.url()));
    assert_eq!((answered, mixed), (3 * 4 * u32::from(ROUNDS), 0));
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

/// It measures `unnamed_statements` and, beside them, the bare client without prepared statements.
#[test]
fn the_load_example_works_behind_it() {
    let postgres = Postgres::start();
    let pooler = PgBouncer::by_transactions(&postgres, 4);
    let url = pooler.url().replace("postgres://", "postgres-unnamed://");
    let load =
        Command::new(examples::example("load")).args(["--store", &url, "--tasks", "8", "--seconds", "2"]).output();
    let load = load.unwrap();
    let said = String::from_utf8_lossy(&load.stdout).into_owned();
    assert!(load.status.success(), "{said}{}", String::from_utf8_lossy(&load.stderr));
    assert!(said.lines().any(|line| line.trim_start().starts_with("8 |")), "{said}");
}
