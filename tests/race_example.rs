//! `examples/race.rs` on real servers: one code a round from four processes.
#![cfg(all(feature = "redis", feature = "postgres", feature = "redb", feature = "verifier"))]

mod servers;

use servers::{Postgres, Redis};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The example, built as this test was.
fn example() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", "race", "--features", "full", "--message-format", "json"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let messages = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let executables = messages.filter(|message| message["target"]["name"] == "race");
    let mut found = executables.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    found.next_back().unwrap_or_else(|| panic!("race does not build: {}", String::from_utf8_lossy(&output.stderr)))
}

fn race(store: &str, rounds: u32) -> Child {
    let rounds = rounds.to_string();
    let arguments = ["--store", store, "--processes", "4", "--tasks", "2", "--rounds", &rounds];
    Command::new(example()).args(arguments).stdout(Stdio::piped()).spawn().unwrap()
}

/// What it prints, if it has found nothing.
#[track_caller]
fn ended(race: Child) -> String {
    let output = race.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    println!("{said}");
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn four_processes_race_on_redis_and_one_of_all_is_accepted() {
    let redis = Redis::start();
    let said = ended(race(&redis.url(), 10_000));
    assert!(said.contains("10000 acceptances, 0 double acceptances, 0 rounds without any, 0 lost failures, 0 errors"));
}

#[test]
fn four_processes_race_on_postgres_and_one_of_all_is_accepted() {
    let postgres = Postgres::start();
    let said = ended(race(&postgres.url(), 10_000));
    assert!(said.contains("10000 acceptances, 0 double acceptances, 0 rounds without any, 0 lost failures, 0 errors"));
}
