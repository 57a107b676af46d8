//! `examples/race.rs` on real servers: one code a round from four processes, while nothing happens,
//! while the server is killed over and over, and while processes are killed and connections break.
#![cfg(all(feature = "redis", feature = "postgres", feature = "redb", feature = "test-kit"))]

use crate::examples::example;
use crate::servers::{PgBouncer, Postgres, Proxy, Redis};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Built once.
fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| example("race"))
}

/// A race that has begun.
struct Race {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Race {
    fn begin(store: &str, rounds: u32, more: &[&str]) -> Self {
        let mut command = Command::new(program());
        command
            .args(["--store", store, "--processes", "4", "--tasks", "2", "--rounds", &rounds.to_string()])
            .args(more);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(line.starts_with("4 processes of 2 tasks race"), "{line}");
        Self { child, said }
    }

    fn is_on(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Its report, if all is well.
    #[track_caller]
    fn ended(mut self) -> String {
        let mut said = String::new();
        self.said.read_to_string(&mut said).unwrap();
        let status = self.child.wait().unwrap();
        println!("{said}");
        assert!(status.success(), "{said}");
        for none in [" double acceptances", " rounds without any", " lost failures"] {
            assert_eq!(number(&said, none), 0, "{said}");
        }
        assert!(number(&said, " swaps lost to others") > 100, "they were not at it at the same time: {said}");
        said
    }
}

/// The number before these words.
#[track_caller]
fn number(said: &str, words: &str) -> u32 {
    let before = &said[..said.find(words).unwrap_or_else(|| panic!("{words} is not in {said}"))];
    before.split_whitespace().next_back().unwrap().parse().unwrap()
}

fn undisturbed(url: &str) {
    // Disks of virtual machines stand still for seconds: nothing is to go unanswered for that.
    let rounds = std::env::var("RACE_ROUNDS").map_or(20_000, |rounds| rounds.parse().expect("a number of rounds"));
    let said = Race::begin(url, rounds, &["--guesses", "1000", "--deadline", "10"]).ended();
    assert!(said.contains(&format!("{rounds} acceptances, 0 double")), "{said}");
    assert!(said.contains("0 unanswered, 0 processes killed") && number(&said, " failures, ") > rounds / 100, "{said}");
    assert!(said.contains("1000 guesses at once: 5 answered, 5 counted, 5 allowed"), "{said}");
}

/// Has the server killed and started again, over and over, until the race has ended.
fn while_killed(mut race: Race, mut kill_and_start: impl FnMut(Duration)) {
    let (begun, mut kills) = (Instant::now(), 0);
    while race.is_on() {
        assert!(begun.elapsed() < Duration::from_secs(400), "it hangs");
        std::thread::sleep(Duration::from_millis(500 + kills * 37 % 500));
        // A moment, or longer than any deadline.
        kill_and_start(Duration::from_millis(if kills % 8 == 7 { 2_500 } else { 0 }));
        kills += 1;
    }
    let said = race.ended();
    println!("killed {kills} times");
    assert!(
        kills >= 5 && number(&said, " unanswered") > 0 && number(&said, " failures, ") > 10,
        "{kills} kills: {said}"
    );
}

/// Has processes killed and connections cut, or silent.
fn while_all_breaks(url: &str, proxy: &Proxy, rounds: u32) {
    let said = Race::begin(url, rounds, &["--kill-every", "7"]).ended();
    let (made, broken) = proxy.counts();
    println!("{broken} of {made} connections broke");
    assert!(number(&said, " failures, ") > 50, "{said}");
    assert!(broken > 20 && number(&said, " processes killed") > 20 && number(&said, " unanswered") > 20, "{said}");
}

#[test]
fn four_processes_race_on_redis_and_one_of_all_is_accepted() {
    undisturbed(&Redis::start().url());
}

#[test]
fn four_processes_race_on_postgres_and_one_of_all_is_accepted() {
    undisturbed(&Postgres::start().url());
}

#[test]
fn a_store_that_forgets_to_compare_is_found_out() {
    let redis = Redis::start();
    let mut race = Race::begin(&redis.url(), 1_000, &["--careless-store"]);
    let mut said = String::new();
    race.said.read_to_string(&mut said).unwrap();
    assert_eq!(race.child.wait().unwrap().code(), Some(1), "{said}");
    assert!(number(&said, " double acceptances") > 0 && number(&said, " lost failures") > 0, "{said}");
}

#[test]
fn four_processes_race_on_redis_that_closes_idle_connections_and_nobody_goes_unanswered() {
    let redis = Redis::with(&["--timeout", "3"]);
    let said = Race::begin(&redis.url(), 3_200, &["--rest-every", "1000", "--deadline", "10"]).ended();
    assert!(said.contains("3200 acceptances, 0 double") && number(&said, " unanswered") == 0, "{said}");
}

#[test]
fn four_processes_race_while_redis_is_killed_over_and_over() {
    let mut redis = Redis::with(&["--timeout", "3"]);
    let race = Race::begin(&redis.url(), 15_000, &["--rest-every", "4000"]);
    while_killed(race, |pause| {
        redis.kill();
        std::thread::sleep(pause);
        redis.restart();
    });
}

#[test]
fn four_processes_race_while_postgres_is_killed_over_and_over() {
    let postgres = Postgres::start();
    let race = Race::begin(&postgres.url(), 4_000, &[]);
    while_killed(race, |pause| {
        postgres.kill();
        std::thread::sleep(pause);
        postgres.restart();
    });
}

#[test]
fn four_processes_race_on_redis_while_processes_are_killed_and_connections_break() {
    let redis = Redis::start();
    let proxy = Proxy::breaking(redis.port, 4_000_000);
    while_all_breaks(&format!("redis://127.0.0.1:{}", proxy.port), &proxy, 8_000);
}

#[test]
fn four_processes_race_on_postgres_while_processes_are_killed_and_connections_break() {
    let postgres = Postgres::start();
    let proxy = Proxy::breaking(postgres.port, 1_000_000);
    while_all_breaks(&format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port), &proxy, 4_000);
}

#[test]
fn four_processes_race_behind_a_pooler_while_postgres_is_killed_over_and_over() {
    let postgres = Postgres::start();
    let pooler = PgBouncer::with(&postgres, 8, "server_login_retry = 1");
    let url = format!("postgres-unnamed://postgres@127.0.0.1:{}/postgres", pooler.port);
    let race = Race::begin(&url, 1_200, &[]);
    while_killed(race, |pause| {
        postgres.kill();
        std::thread::sleep(pause);
        postgres.restart();
    });
}

#[test]
fn four_processes_race_behind_a_pooler_in_transaction_mode() {
    let postgres = Postgres::start();
    let pooler = PgBouncer::by_transactions(&postgres, 8);
    let url = format!("postgres-unnamed://postgres@127.0.0.1:{}/postgres", pooler.port);
    let said = Race::begin(&url, 5_000, &["--guesses", "1000", "--deadline", "10"]).ended();
    assert!(number(&said, " acceptances") >= 5_000 && said.contains("0 unanswered"), "{said}");
    assert!(said.contains("1000 guesses at once: 5 answered, 5 counted, 5 allowed"), "{said}");
}
