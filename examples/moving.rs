//! When to read this: users are about to move in from another system, and somebody asks how long
//! that takes.
//!
//! ```text
//! cargo run --release --example moving --features full -- --store redb:PATH --accounts 1000000
//! ```
//!
//! It writes a file of JSON Lines, imports it as the tool does, and swaps as many bare envelopes of
//! the same length into the same store before and after. It prints both rates, their ratio, and the
//! memory that the process has at its largest.

#![allow(clippy::cast_precision_loss)] // of counts, for rates

#[allow(dead_code)] // shared with the other examples
mod stores;

use futures_util::StreamExt;
use rand::{Rng, RngExt};
use sekisho::Verifier;
use sekisho::account::AccountId;
use sekisho::otp::Secret;
use sekisho::seal::{Keyring, Revision, Stored, Write};
use sekisho::store::{Store, Swap};
use sekisho::transfer::Reader;
use sekisho::verifier::Imported;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use stores::{Failure, Watched};

struct Options {
    store: String,
    accounts: u64,
    at_once: usize,
}

fn options() -> Result<Options, Failure> {
    use lexopt::prelude::*;
    let mut options = Options { store: "memory:".into(), accounts: 100_000, at_once: 64 };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("store") => options.store = arguments.value()?.string()?,
            Long("accounts") => options.accounts = arguments.value()?.parse()?,
            Long("at-once") => options.at_once = arguments.value()?.parse()?,
            _ => return Err(argument.unexpected().into()),
        }
    }
    Ok(options)
}

#[tokio::main]
async fn main() -> ExitCode {
    match async { measure(&options()?).await }.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("moving: {error}");
            ExitCode::from(2)
        }
    }
}

async fn measure(options: &Options) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("users.jsonl");
    write_lines(&file, options.accounts)?;
    let store = Watched::new(stores::open(&options.store, stores::DEADLINE).await?);
    let half = options.accounts / 2;
    let mut bare = swap_bare(&store, 0..half, options.at_once).await?;
    let imported = import(&store, &file, options.at_once).await?;
    bare += swap_bare(&store, half..options.accounts, options.at_once).await?;
    let rate = |elapsed: Duration| options.accounts as f64 / elapsed.as_secs_f64();
    println!(
        "{} accounts: {:.0} imported/s, {:.0} bare swaps/s, ratio {:.2}; at most {} MB of memory",
        options.accounts,
        rate(imported),
        rate(bare),
        rate(imported) / rate(bare),
        largest()? >> 20,
    );
    Ok(())
}

fn write_lines(file: &std::path::Path, accounts: u64) -> Result<(), Failure> {
    let (mut file, mut rng) = (BufWriter::new(File::create(file)?), rand::rng());
    for number in 0..accounts {
        let secret = Secret::new(&rng.random::<[u8; 20]>())?;
        let secret = secret.to_base32();
        writeln!(
            file,
            r#"{{"account":"user-{number}","apps":[{{"secret":"{}","name":"phone","last_used_step":1,"bound_at":1700000000}}]}}"#,
            secret.expose()
        )?;
    }
    Ok(file.flush()?)
}

async fn import(store: &Watched, file: &std::path::Path, at_once: usize) -> Result<Duration, Failure> {
    let keyring = Keyring::parse("1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")?;
    let verifier = Verifier::builder(store.clone(), keyring).without_notifications().build();
    let begun = Instant::now();
    let lines = futures_util::stream::iter(BufReader::new(File::open(file)?).lines());
    let mut answers = std::pin::pin!(
        lines
            .map(|line| async {
                let (account, portable) = Reader::new().line(&line?)?;
                Ok::<_, Failure>(verifier.import(&account, &portable).await?)
            })
            .buffer_unordered(at_once)
    );
    while let Some(answer) = answers.next().await {
        if answer? != Imported::Done {
            return Err("the store is not empty".into());
        }
    }
    Ok(begun.elapsed())
}

/// An envelope of 512 bytes, as an imported account has.
async fn swap_bare(store: &Watched, numbers: std::ops::Range<u64>, at_once: usize) -> Result<Duration, Failure> {
    let mut envelope = vec![0; 512];
    rand::rng().fill_bytes(&mut envelope);
    let begun = Instant::now();
    let mut swaps = std::pin::pin!(
        futures_util::stream::iter(numbers)
            .map(|number| {
                let envelope = envelope.clone();
                async move {
                    let account = AccountId::new(format!("bare-{number}"))?;
                    let revision = Revision::from_bytes(rand::random());
                    let write = Write { expected: None, new: Stored { revision, envelope } };
                    Ok::<_, Failure>(store.swap(&account, &write).await?)
                }
            })
            .buffer_unordered(at_once)
    );
    while let Some(swap) = swaps.next().await {
        if swap? != Swap::Done {
            return Err("the store is not empty".into());
        }
    }
    Ok(begun.elapsed())
}

/// The most memory that the process has had, in bytes.
fn largest() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1_024)
}
