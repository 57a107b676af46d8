//! When to read this: a store is to be chosen, or to be set up.
//!
//! Measures how many log-ins a store bears, and how long each takes, beside what the store's client
//! does by itself.
//!
//! ```text
//! cargo run --release --example load --features full -- \
//!     --store redis://127.0.0.1 --tasks 1,16,64 --seconds 8
//! ```
//!
//! Redis has to be set up to keep records: `redis-server --appendonly yes --appendfsync always`.
//!
//! `--store` is one of `memory:`, `redb:PATH`, `redis://…`, `redis-cluster://HOST:PORT,…`,
//! `postgres://…`, and `postgres-unnamed://…` behind a pooler in transaction mode. What it holds of
//! the accounts with the numbers that are used here is written over: give it one of its own. Each
//! task logs in accounts of its own, one after another, as fast as it is answered.
//!
//! For each number of tasks a line: log-ins a second, the median of the time that one takes and the
//! time that 99 of 100 stay under; the same of a load and a swap of as many bytes by the bare
//! client; the ratio of the two; and how often a log-in asked the store. Both are measured in turns
//! of half a second, so that what the machine does besides hits both.

#![allow(clippy::cast_precision_loss)] // of counts, for rates

mod bare;
mod loading;
#[allow(dead_code)] // shared with the other examples
mod stores;

use bare::Bare;
use loading::{Template, account};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stores::{Failure, Watched};

/// The time for which one of the two is measured at a time.
const TURN: Duration = Duration::from_millis(500);
/// Of each task.
const ACCOUNTS: u64 = 16;
/// The bare client's are others.
const BARE: u64 = 1 << 32;

struct Options {
    store: String,
    tasks: Vec<u64>,
    seconds: u64,
}

fn options() -> Result<Options, Failure> {
    use lexopt::prelude::*;
    let mut options = Options { store: "memory:".into(), tasks: vec![1, 16, 64], seconds: 8 };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("store") => options.store = arguments.value()?.string()?,
            Long("tasks") => {
                let tasks = arguments.value()?.string()?;
                options.tasks = tasks.split(',').map(str::parse).collect::<Result<_, _>>()?;
            }
            Long("seconds") => options.seconds = arguments.value()?.parse()?,
            _ => return Err(argument.unexpected().into()),
        }
    }
    if options.tasks.iter().any(|tasks| !(1..=4_096).contains(tasks)) || options.seconds == 0 {
        return Err("1 to 4096 tasks, and one second at least".into());
    }
    Ok(options)
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = async { measure(&options()?).await };
    match done.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::from(2)
        }
    }
}

async fn measure(options: &Options) -> Result<(), Failure> {
    let store = Watched::new(stores::open(&options.store, stores::DEADLINE).await?);
    let bare = Bare::open(&options.store, &store).await?;
    let template = Arc::new(Template::new().await);
    let most = options.tasks.iter().max().copied().unwrap_or(1) * ACCOUNTS;
    for first in [0, BARE] {
        template.fill(&store, first..first + most, 64).await;
    }
    let len = template.envelope_len();
    println!("records of {len} bytes; alone: {}", bare.name());
    println!("tasks | verified/s   p50 ms   p99 ms |    alone/s   p50 ms   p99 ms | ratio | asked a log-in");
    let mut worker = template.worker(&store);
    for &tasks in &options.tasks {
        let workers: Vec<_> = (0..tasks).map(|_| Arc::new(worker())).collect();
        let (mut verified, mut alone, mut calls) = (Measured::default(), Measured::default(), 0);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(options.seconds) {
            let before = store.calls();
            let log_in = |task| {
                let worker = Arc::clone(&workers[usize::try_from(task).unwrap_or(0)]);
                move |number| {
                    let worker = Arc::clone(&worker);
                    async move {
                        worker.verify(task * ACCOUNTS + number).await;
                        Ok(())
                    }
                }
            };
            verified.turn(tasks, log_in).await?;
            calls += store.calls() - before;
            let load_and_swap = |task| {
                let bare = bare.clone();
                move |number| {
                    let bare = bare.clone();
                    async move { bare.load_and_swap(&account(BARE + task * ACCOUNTS + number), len).await }
                }
            };
            alone.turn(tasks, load_and_swap).await?;
        }
        let asked = calls as f64 / verified.latencies.len() as f64;
        let ratio = verified.a_second() / alone.a_second();
        println!("{tasks:5} | {} | {} | {ratio:5.2} | {asked:.3} times", verified.line(), alone.line());
    }
    Ok(())
}

/// The time that each took, and all of them.
#[derive(Default)]
struct Measured {
    latencies: Vec<Duration>,
    elapsed: Duration,
}

impl Measured {
    /// Has each task do its accounts, one after another, until the turn is over.
    async fn turn<W, F>(&mut self, tasks: u64, work: impl Fn(u64) -> W) -> Result<(), Failure>
    where
        W: Fn(u64) -> F + Send + 'static,
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let begun = Instant::now();
        let spawned = (0..tasks).map(|task| {
            let work = work(task);
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while begun.elapsed() < TURN {
                    let asked = Instant::now();
                    work(latencies.len() as u64 % ACCOUNTS).await?;
                    latencies.push(asked.elapsed());
                }
                Ok::<_, Failure>(latencies)
            })
        });
        for task in spawned.collect::<Vec<_>>() {
            self.latencies.extend(task.await??);
        }
        self.elapsed += begun.elapsed();
        Ok(())
    }

    fn a_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    fn line(&mut self) -> String {
        self.latencies.sort_unstable();
        let millis = |percent: usize| {
            let rank = self.latencies.len() * percent / 100;
            self.latencies.get(rank).map_or(0.0, |latency| latency.as_secs_f64() * 1_000.0)
        };
        format!("{:10.0} {:8.2} {:8.2}", self.a_second(), millis(50), millis(99))
    }
}
