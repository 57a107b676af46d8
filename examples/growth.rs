//! When to read this: a service grows, and somebody asks what a thousand times as many accounts
//! cost.
//!
//! ```text
//! cargo run --release --example growth --features full -- --store memory: --accounts 1000,1000000
//! ```
//!
//! `--store` is `memory:`, or `redb:PATH` for a file that is not there yet. For each number of
//! accounts, each with a full history, a line: the bytes that an account takes (of the process's
//! memory, or of the file); log-ins a second, by 64 tasks on accounts drawn at random, and how long
//! one takes (median, and what 99 of 100 stay under); and the latter again while one account is
//! flooded with guesses by 64 more tasks, as fast as they are answered.

#![allow(clippy::cast_precision_loss)] // of counts, for rates

mod loading;
#[allow(dead_code)] // shared with the other examples
mod stores;

use loading::{Template, Worker, rng};
use rand::RngExt;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use stores::{Failure, Watched};

const TASKS: u64 = 64;
/// The one that is flooded: no other number is so large.
const FLOODED: u64 = 1 << 40;

struct Options {
    store: String,
    accounts: Vec<u64>,
    seconds: u64,
}

fn options() -> Result<Options, Failure> {
    use lexopt::prelude::*;
    let mut options = Options { store: "memory:".into(), accounts: vec![1_000, 100_000], seconds: 6 };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("store") => options.store = arguments.value()?.string()?,
            Long("accounts") => {
                let accounts = arguments.value()?.string()?;
                options.accounts = accounts.split(',').map(str::parse).collect::<Result<_, _>>()?;
            }
            Long("seconds") => options.seconds = arguments.value()?.parse()?,
            _ => return Err(argument.unexpected().into()),
        }
    }
    let is_here = options.store == "memory:" || options.store.starts_with("redb:");
    if !is_here || options.accounts.contains(&0) || options.seconds == 0 {
        return Err("memory: or redb:PATH, one account and one second at least".into());
    }
    Ok(options)
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = async { measure(&options()?).await };
    match done.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("growth: {error}");
            ExitCode::from(2)
        }
    }
}

async fn measure(options: &Options) -> Result<(), Failure> {
    let template = Arc::new(Template::new().await);
    println!("envelopes of {} bytes, {TASKS} tasks", template.envelope_len());
    println!(
        "  accounts | bytes each | filled/s | log-ins/s   p50 ms   p99 ms | flooded: log-ins/s   p99 ms | guesses/s"
    );
    for &accounts in &options.accounts {
        let url = match options.store.as_str() {
            "memory:" => "memory:".to_string(),
            path => format!("{path}.{accounts}"),
        };
        let before = resident()?;
        let store = Watched::new(stores::open(&url, stores::DEADLINE).await?);
        let begun = Instant::now();
        template.fill(&store, 0..accounts, 512).await;
        let filled = accounts as f64 / begun.elapsed().as_secs_f64();
        let bytes = match url.strip_prefix("redb:") {
            Some(path) => std::fs::metadata(path)?.len(),
            None => resident()?.saturating_sub(before),
        };
        template.fill(&store, FLOODED..FLOODED + 1, 1).await;
        let span = Duration::from_secs(options.seconds);
        let calm = log_in(&template, &store, accounts, span, false).await?;
        let flooded = log_in(&template, &store, accounts, span, true).await?;
        println!(
            "{accounts:10} | {:10.0} | {filled:8.0} | {} | {} | {:9.0}",
            bytes as f64 / accounts as f64,
            calm.line(true),
            flooded.line(false),
            flooded.guesses as f64 / flooded.elapsed.as_secs_f64(),
        );
    }
    Ok(())
}

/// The process's memory, in bytes.
fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1_024)
}

struct Measured {
    latencies: Vec<Duration>,
    elapsed: Duration,
    guesses: u64,
}

impl Measured {
    fn line(&self, with_median: bool) -> String {
        let millis = |percent: usize| {
            let rank = self.latencies.len() * percent / 100;
            self.latencies.get(rank).map_or(0.0, |latency| latency.as_secs_f64() * 1_000.0)
        };
        let a_second = self.latencies.len() as f64 / self.elapsed.as_secs_f64();
        if with_median {
            format!("{a_second:9.0} {:8.3} {:8.3}", millis(50), millis(99))
        } else {
            format!("{a_second:18.0} {:8.3}", millis(99))
        }
    }
}

/// Has each task log in accounts drawn at random, one after another, and perhaps others guess at
/// one account meanwhile.
async fn log_in(
    template: &Template,
    store: &Watched,
    accounts: u64,
    span: Duration,
    is_flooded: bool,
) -> Result<Measured, Failure> {
    let mut worker = template.worker(store);
    let is_over = Arc::new(AtomicBool::new(false));
    let guessers: Vec<_> = (0..if is_flooded { TASKS } else { 0 })
        .map(|_| {
            let (worker, is_over) = (worker(), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut guesses = 0;
                while !is_over.load(Ordering::Relaxed) {
                    worker.guess(FLOODED).await;
                    guesses += 1;
                    tokio::task::yield_now().await;
                }
                guesses
            })
        })
        .collect();
    let begun = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let worker: Worker<Watched> = worker();
            tokio::spawn(async move {
                let (mut latencies, mut rng) = (Vec::new(), rng());
                while begun.elapsed() < span {
                    let asked = Instant::now();
                    worker.verify(rng.random_range(0..accounts)).await;
                    latencies.push(asked.elapsed());
                    tokio::task::yield_now().await;
                }
                latencies
            })
        })
        .collect();
    let mut measured = Measured { latencies: Vec::new(), elapsed: Duration::ZERO, guesses: 0 };
    for task in tasks {
        measured.latencies.extend(task.await?);
    }
    measured.elapsed = begun.elapsed();
    is_over.store(true, Ordering::Relaxed);
    for guesser in guessers {
        measured.guesses += guesser.await?;
    }
    measured.latencies.sort_unstable();
    Ok(measured)
}
