//! `sekisho`, the operator's tool: moves accounts in and out, and acts on single ones.
//!
//! `sekisho help` says what there is, and `docs/moving.md` how accounts move.

mod acts;
mod bulk;
mod options;
mod out;
mod setup;
mod stores;

use clap::Parser;
use options::{Command, Options};
use out::{Failed, Out};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let out = Out::new(options.json);
    match run(&options, out).await {
        Ok(code) => code,
        Err(failed) => {
            out.failed(&failed);
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options, out: Out) -> Result<ExitCode, Failed> {
    match &options.command {
        Command::Init => setup::init(options, out).await?,
        Command::Check => setup::check(options, out).await?,
        Command::Policy => setup::policy(out),
        Command::Import(import) => return bulk::import(options, import, out).await,
        Command::Export(export) => bulk::export(options, export, out).await?,
        Command::Copy { to } => bulk::copy(options, to, out).await?,
        Command::Reseal => bulk::reseal(options, out).await?,
        Command::View { account } => acts::view(options, account, out).await?,
        Command::Act(act) => acts::act(options, act, out).await?,
    }
    Ok(ExitCode::SUCCESS)
}
