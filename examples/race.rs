//! When to read this: somebody doubts that a store, or a pooler before it, keeps every code used
//! once.
//!
//! Races one code a round, by many processes and tasks, over any store: exactly one of all may be
//! accepted, and no failure may get lost.
//!
//! ```text
//! cargo run --release --example race --features full -- \
//!     --store redis://127.0.0.1 --processes 4 --tasks 4 --rounds 100000
//! ```
//!
//! Redis has to be set up to keep records: `redis-server --appendonly yes --appendfsync always`.
//!
//! - `--store`: `memory:`, `redb:PATH` (both in one process), `redis://…`,
//!   `redis-cluster://HOST:PORT,…`, `postgres://…`, and `postgres-unnamed://…` behind a pooler in
//!   transaction mode
//! - `--kill-every N`: each N rounds one of the processes is killed in the middle of what it does,
//!   and another one started.
//! - `--rest-every N`: each N rounds nobody does anything for six seconds, so that a server which
//!   closes idle connections does.
//! - `--guesses N`: at the end so many wrong codes at once, for one account.
//! - `--deadline SECS`: of each call of the store. Default: 2.
//! - `--careless-store`: a store that forgets to compare when it swaps, to see what a race says
//!   then.
//!
//! Prints rounds, acceptances, double acceptances and lost failures; exits with 1 if there are any
//! of the last two, if a round had no acceptance, or if a call of the store took longer than its
//! deadline. Errors are counted and go on, and a round that had some is raced again: kill the
//! server meanwhile.

mod racing;
#[allow(dead_code)] // shared with the other examples
mod stores;

use racing::{ACCOUNTS, Answers, Order, Process, Racers, Run, Setup, account, at};
use rand::RngExt;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use stores::Failure;
use tokio::runtime::Runtime;

/// Each so many orders one of wrong codes, on an account of its own. An order is a round for each
/// account.
const GUESS_EVERY: u64 = 20;
/// Wrong codes that the default policy answers in a row.
const ALLOWED: u64 = 5;
/// The longest time that a server may be away.
const PATIENCE: Duration = Duration::from_secs(120);
/// Longer than a server that closes connections after three seconds needs to notice.
const REST: Duration = Duration::from_secs(6);
/// Before an order that was not answered is given again.
const PAUSE: Duration = Duration::from_millis(10);
/// The time that a busy machine is given over a deadline.
const TOLERANCE: Duration = Duration::from_secs(5);

struct Options {
    setup: Setup,
    processes: usize,
    rounds: u64,
    guesses: u64,
    kill_every: Option<u64>,
    rest_every: Option<u64>,
    /// Of a process that races, and which of them it is.
    child: Option<(Run, u64)>,
}

fn options() -> Result<Options, Failure> {
    use lexopt::prelude::*;
    let setup = Setup { store: "memory:".into(), deadline: stores::DEADLINE, tasks: 4, is_careless: false };
    let mut options =
        Options { setup, processes: 4, rounds: 10_000, guesses: 0, kill_every: None, rest_every: None, child: None };
    let mut arguments = lexopt::Parser::from_env();
    let (mut child, mut index) = (None, 0);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("store") => options.setup.store = arguments.value()?.string()?,
            Long("processes") => options.processes = arguments.value()?.parse()?,
            Long("tasks") => options.setup.tasks = arguments.value()?.parse::<usize>()?.max(1),
            Long("deadline") => options.setup.deadline = Duration::from_secs(arguments.value()?.parse()?),
            Long("careless-store") => options.setup.is_careless = true,
            Long("rounds") => options.rounds = arguments.value()?.parse()?,
            Long("guesses") => options.guesses = arguments.value()?.parse()?,
            Long("kill-every") => options.kill_every = Some(arguments.value()?.parse::<u64>()?.max(1)),
            Long("rest-every") => options.rest_every = Some(arguments.value()?.parse::<u64>()?.max(1)),
            Long("child") => child = Some(arguments.value()?.parse()?),
            Long("index") => index = arguments.value()?.parse()?,
            _ => return Err(argument.unexpected().into()),
        }
    }
    if let Some(name) = child {
        let key = hex::decode(std::env::var("SEKISHO_RACE_KEY")?)?;
        let run = Run { name, key: key.try_into().map_err(|_| "a key of 64 digits")? };
        options.child = Some((run, index));
    }
    if !stores::is_shared(&options.setup.store) {
        (options.processes, options.kill_every) = (1, None);
    }
    Ok(options)
}

fn main() -> ExitCode {
    let done = options().and_then(|options| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        if let Some((run, index)) = options.child {
            let racing = async {
                let racers = Racers::new(&options.setup, run, PATIENCE).await?;
                if options.setup.is_careless {
                    racers.store.be_careless();
                }
                racing::obey(&racers, index).await
            };
            return runtime.block_on(racing).map(|()| true);
        }
        let mut race = Race::begin(&options, &runtime)?;
        race.run()?;
        Ok(race.report())
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("race: {error}");
            ExitCode::from(2)
        }
    }
}

/// The tasks that do what is ordered.
enum Field {
    Own(Racers),
    Processes(Vec<Process>),
}

/// The whole of it, led by one process.
struct Race<'a> {
    options: &'a Options,
    runtime: &'a Runtime,
    run: Run,
    /// The one that enrolls, and looks after.
    leader: Racers,
    field: Field,
    begun: Instant,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    rounds: u64,
    accepted: u64,
    doubles: u64,
    /// Rounds without any acceptance, all answered.
    missed: u64,
    /// Wrong codes that were answered, and those of them that were not counted.
    failures: u64,
    lost_failures: u64,
    lost_swaps: u64,
    unanswered: u64,
    killed: u64,
    longest: Duration,
    /// Of the guesses at the end: answered, and counted.
    guesses: Option<(u64, u64)>,
}

impl<'a> Race<'a> {
    fn begin(options: &'a Options, runtime: &'a Runtime) -> Result<Self, Failure> {
        let mut rng = UnwrapErr(SysRng);
        let run = Run { name: rng.random(), key: rng.random() };
        let leader = runtime.block_on(Racers::new(&options.setup, run, Duration::ZERO))?;
        for number in 0..ACCOUNTS as u64 {
            runtime.block_on(leader.enroll(number))?;
        }
        let field = if stores::is_shared(&options.setup.store) {
            let start = |index| Process::start(&options.setup, run, index);
            Field::Processes((0..options.processes).map(start).collect::<Result<_, _>>()?)
        } else {
            if options.setup.is_careless {
                leader.store.be_careless();
            }
            Field::Own(leader.clone())
        };
        println!("{} processes of {} tasks race for {ACCOUNTS} accounts", options.processes, options.setup.tasks);
        Ok(Self { options, runtime, run, leader, field, begun: Instant::now(), tally: Tally::default() })
    }

    fn run(&mut self) -> Result<(), Failure> {
        let (mut round, mut said) = (1_u64, Instant::now());
        while self.tally.rounds < self.options.rounds {
            // The rounds are counted by account.
            let every = self.options.rest_every.map(|every| every.div_ceil(ACCOUNTS as u64));
            if every.is_some_and(|every| round.is_multiple_of(every)) {
                std::thread::sleep(REST);
            }
            self.round(round)?;
            if round % GUESS_EVERY == 1 {
                let share = self.options.setup.tasks as u64 * 4;
                let is_killed = self.options.kill_every.is_some();
                let (answered, counted, is_whole) = self.guess(round, share, is_killed)?;
                // What was answered is counted; what was not answered may be.
                let missing = if is_whole { ALLOWED.saturating_sub(answered) } else { 0 };
                self.tally.lost_failures +=
                    answered.saturating_sub(counted) + answered.saturating_sub(ALLOWED) + missing;
                self.tally.failures += answered;
            }
            if said.elapsed() > Duration::from_secs(10) {
                said = Instant::now();
                let Tally { rounds, doubles, lost_failures, unanswered, .. } = self.tally;
                eprintln!("{rounds} rounds, {doubles} double, {lost_failures} failures lost, {unanswered} unanswered");
            }
            round += 1;
        }
        if self.options.guesses > 0 {
            let share = self.options.guesses.div_ceil(self.options.processes as u64);
            let (answered, counted, _) = self.guess(round + 1, share, false)?;
            self.tally.guesses = Some((answered, counted));
        }
        Ok(())
    }

    /// One code, by all. Where not everybody was answered the same is raced again, as whoever was
    /// not would do.
    fn round(&mut self, round: u64) -> Result<(), Failure> {
        let is_killed = self.options.kill_every.is_some_and(|every| round.is_multiple_of(every));
        let begun = Instant::now();
        let mut answers = self.order(Order::Round(round), is_killed)?;
        let is_whole = answers.unanswered == 0;
        let mut unanswered = answers.unanswered;
        while unanswered > 0 {
            if begun.elapsed() > PATIENCE {
                return Err("the store does not come back".into());
            }
            std::thread::sleep(PAUSE);
            let again = self.order(Order::Round(round), false)?;
            answers.add(&again);
            unanswered = again.unanswered;
        }
        self.tally.unanswered += answers.unanswered;
        for accepted in answers.accepted {
            self.tally.accepted += accepted;
            self.tally.doubles += accepted.saturating_sub(1);
            // An answer that got lost may have been the one.
            self.tally.missed += u64::from(accepted == 0 && is_whole);
        }
        self.tally.rounds += ACCOUNTS as u64;
        Ok(())
    }

    /// Wrong codes by all, at a new account: how many were answered, how many counted, and whether
    /// nothing went unanswered.
    fn guess(&mut self, round: u64, guesses: u64, is_killed: bool) -> Result<(u64, u64, bool), Failure> {
        let (begun, mut number) = (Instant::now(), (round + 1) << 32);
        while let Err(error) = self.runtime.block_on(self.leader.enroll(number)) {
            if begun.elapsed() > PATIENCE {
                return Err(error);
            }
            std::thread::sleep(PAUSE);
            number += 1; // the one before may be half enrolled
        }
        let answers = self.order(Order::Guess { round, number, guesses }, is_killed)?;
        self.leader.clock.set(at(round));
        let (id, begun) = (account(self.run, number)?, Instant::now());
        let view = loop {
            match self.runtime.block_on(self.leader.verifier().view(&id)) {
                Ok(view) => break view,
                Err(error) if error.is_transient() && begun.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                Err(error) => return Err(error.into()),
            }
        };
        self.tally.unanswered += answers.unanswered;
        Ok((answers.mismatches, view.failures_in_a_row.into(), answers.unanswered == 0))
    }

    /// Has all do the same; kills one of them meanwhile, if that is wanted.
    fn order(&mut self, order: Order, is_killed: bool) -> Result<Answers, Failure> {
        let mut sum = Answers::default();
        match &mut self.field {
            Field::Own(racers) => {
                let answers = Arc::new(Mutex::new(Answers::default()));
                let told = Arc::clone(&answers);
                let tell = move |answer| told.lock().unwrap_or_else(PoisonError::into_inner).count(answer);
                sum.unanswered = self.runtime.block_on(racers.obey(order, 0, tell))?;
                (sum.longest_millis, sum.lost_swaps) = (racers.store.longest_millis(), racers.store.lost());
                sum.add(&answers.lock().unwrap_or_else(PoisonError::into_inner));
            }
            Field::Processes(processes) => {
                for process in processes.iter_mut() {
                    process.tell(order)?;
                }
                let mut rng = UnwrapErr(SysRng);
                let victim = is_killed.then(|| rng.random_range(0..processes.len()));
                if let Some(victim) = victim {
                    std::thread::sleep(Duration::from_micros(rng.random_range(0..8_000)));
                    processes[victim].kill()?;
                    self.tally.killed += 1;
                }
                for (index, process) in processes.iter_mut().enumerate() {
                    sum.add(&process.answers(victim == Some(index))?);
                }
                if let Some(victim) = victim {
                    processes[victim] = Process::start(&self.options.setup, self.run, victim)?;
                }
            }
        }
        self.tally.lost_swaps += sum.lost_swaps;
        self.tally.longest = self.tally.longest.max(Duration::from_millis(sum.longest_millis));
        Ok(sum)
    }

    /// Returns whether all is well.
    fn report(&self) -> bool {
        let Self { options, tally, .. } = self;
        let Tally { rounds, accepted, doubles, missed, failures, lost_failures, .. } = tally;
        let submissions = rounds * (options.processes * options.setup.tasks) as u64;
        println!("{rounds} rounds, {submissions} submissions, {:.0} s", self.begun.elapsed().as_secs_f64());
        println!("{accepted} acceptances, {doubles} double acceptances, {missed} rounds without any");
        println!("{failures} failures, {lost_failures} lost failures, {} swaps lost to others", tally.lost_swaps);
        let millis = tally.longest.as_millis();
        println!(
            "{} unanswered, {} processes killed, longest call of the store {millis} ms",
            tally.unanswered, tally.killed
        );
        let is_late = stores::is_shared(&options.setup.store) && tally.longest > options.setup.deadline + TOLERANCE;
        let is_guessed = tally.guesses.is_none_or(|(answered, counted)| {
            println!("{} guesses at once: {answered} answered, {counted} counted, {ALLOWED} allowed", options.guesses);
            (answered, counted) == (ALLOWED, ALLOWED)
        });
        *doubles == 0 && *lost_failures == 0 && *missed == 0 && !is_late && is_guessed
    }
}
