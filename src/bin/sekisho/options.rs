//! The commands, and their options.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Moves accounts in and out, and acts on single ones.
#[derive(Parser)]
#[command(name = "sekisho", version, about, max_term_width = 100)]
pub(crate) struct Options {
    /// The store of the records: redb:FILE, redis://…, rediss://… or postgres://…
    #[arg(long, env = "SEKISHO_STORE", global = true, default_value = "redb:sekisho.redb", hide_env_values = true)]
    pub(crate) store: String,
    /// The file of the sealing keys. Without it the variable `SEKISHO_KEYS` has them.
    #[arg(long, global = true)]
    pub(crate) keys: Option<PathBuf>,
    /// Answers for programs: one JSON object a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The service tells nobody of events (`without_notifications`): neither does this tool.
    #[arg(long, global = true)]
    pub(crate) without_notifications: bool,
    /// The store was restored from a backup at this time, in Unix seconds: say what the service's
    /// verifiers are told.
    #[arg(long, global = true, value_name = "SECONDS")]
    pub(crate) restored_at: Option<u64>,
    /// Asks nothing before it does harm.
    #[arg(long, global = true)]
    pub(crate) yes: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Makes a sealing key, where there is none, and the store, and checks both.
    Init,
    /// Checks the store, the keys and the clock.
    Check,
    /// Shows the numbers of the default policy, by which this tool works. A service with another
    /// one (two operators, other holds) does not act with this tool: it calls `Support` itself.
    Policy,
    /// Imports accounts from a file of JSON Lines. Those that are here already stay as they are.
    Import(Import),
    /// Writes accounts with all their secrets to a new file of JSON Lines.
    Export(Export),
    /// Copies all records to another store. Stop all verifiers first.
    Copy {
        /// The other store, as for --store.
        #[arg(long)]
        to: String,
    },
    /// Seals all records under the primary key.
    Reseal,
    /// Shows an account, without its secrets.
    View {
        /// The account's id.
        account: String,
    },
    #[command(flatten)]
    Act(Act),
}

#[derive(Args)]
pub(crate) struct Import {
    /// The file.
    pub(crate) file: PathBuf,
    /// Takes secrets of 80 bits and more; without it, of 128.
    #[arg(long)]
    pub(crate) accept_legacy_secrets: bool,
    /// Reads the file and writes nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Accounts that are on their way at a time.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    pub(crate) at_once: u16,
}

#[derive(Args)]
pub(crate) struct Export {
    /// The file, which must not be there yet. Only its owner can read it.
    pub(crate) file: PathBuf,
    /// Says that the file is to have the secrets of all accounts.
    #[arg(long, required = true)]
    pub(crate) with_secrets: bool,
    /// Writes otpauth URIs of this issuer in the place of JSON Lines, for systems that read nothing
    /// else.
    #[arg(long)]
    pub(crate) uris_of: Option<String>,
    #[command(flatten)]
    pub(crate) by: By,
}

#[derive(Subcommand)]
pub(crate) enum Act {
    /// Gives a pass, whose holder has five attempts that no lock stops.
    Unlock(WithPass),
    /// Freezes the account: no code is accepted or sent until it is thawed or reset.
    Freeze(On),
    /// Ends a freeze.
    Thaw(On),
    /// Takes everything away, and gives the pass that enrolls anew.
    Reset(WithPass),
    /// Makes a record in the place of one that is lost, and gives the pass that enrolls.
    Rebuild {
        #[command(flatten)]
        pass: WithPass,
        /// The way in which it is lost.
        #[arg(long)]
        loss: Loss,
    },
    /// Holds purposes for a while.
    Hold {
        #[command(flatten)]
        on: On,
        /// The purposes, as the policy names them.
        #[arg(long, required = true, value_delimiter = ',')]
        purposes: Vec<String>,
        /// So many hours, at most 168.
        #[arg(long)]
        hours: u64,
    },
}

#[derive(Args)]
pub(crate) struct On {
    /// The account's id.
    pub(crate) account: String,
    #[command(flatten)]
    pub(crate) by: By,
}

#[derive(Args)]
pub(crate) struct By {
    /// The one who acts: a staff account. The account's history keeps it.
    #[arg(long)]
    pub(crate) operator: String,
    /// Why: a ticket, say. The history keeps it too.
    #[arg(long)]
    pub(crate) reason: String,
}

#[derive(Args)]
pub(crate) struct WithPass {
    #[command(flatten)]
    pub(crate) on: On,
    /// Writes the pass to this new file, which only its owner can read.
    #[arg(long, required_unless_present = "print_pass", conflicts_with = "print_pass")]
    pub(crate) pass_file: Option<PathBuf>,
    /// Prints the pass.
    #[arg(long)]
    pub(crate) print_pass: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Loss {
    /// The store has none.
    Missing,
    /// It does not open under the key that it names.
    Damaged,
    /// The key that it names is gone for good.
    KeyLost,
}
