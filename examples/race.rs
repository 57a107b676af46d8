//! Races one code a round, by many processes and tasks, over any store: exactly one of all may be accepted, and no failure may get lost.
//!
//! ```text
//! cargo run --release --example race --features full -- --store redis://127.0.0.1 --processes 4 --tasks 4 --rounds 100000
//! ```
//!
//! Prints rounds, acceptances, double acceptances and lost failures; exits with 1 if there is any of the last two. Errors are counted and go on: kill
//! the server meanwhile.

#[allow(dead_code)] // shared with the other examples
mod stores;

use rand::rand_core::{Rng, UnwrapErr};
use rand::rngs::SysRng;
use sekisho::Verifier;
use sekisho::account::{AccountId, Attempt, NewAuthenticator, Purpose};
use sekisho::otp::{Key, OtpauthUri, Rejection, Secret, Totp, UnixTime, Verdict};
use sekisho::seal::{KeyId, Keyring, SealingKey};
use sekisho::store::BoxStore;
use sekisho::verifier::TestClock;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const START: u64 = 1_800_000_000;
/// Further apart than digits are remembered, so that no code is refused for one that happens to be alike.
const ROUND_SECS: u64 = 630;
/// Raced at the same time, so that a store that commits groups is not waited for one by one.
const ACCOUNTS: usize = 16;
/// Each so many rounds one of wrong codes, on accounts of its own.
const FAILURES_EVERY: u64 = 200;

struct Options {
    store: String,
    processes: usize,
    tasks: usize,
    rounds: u64,
    /// Of a process that races: the run's name and key.
    child: Option<(u64, [u8; 32])>,
}

fn options() -> Outcome<Options> {
    use lexopt::prelude::*;
    let mut options = Options { store: "memory:".into(), processes: 4, tasks: 4, rounds: 10_000, child: None };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("store") => options.store = arguments.value()?.string()?,
            Long("processes") => options.processes = arguments.value()?.parse()?,
            Long("tasks") => options.tasks = arguments.value()?.parse()?,
            Long("rounds") => options.rounds = arguments.value()?.parse()?,
            Long("child") => {
                let (run, key) = (arguments.value()?.parse()?, std::env::var("SEKISHO_RACE_KEY")?);
                let key = hex::decode(key)?.try_into().map_err(|_| "a key of 64 digits")?;
                options.child = Some((run, key));
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    if !stores::is_shared(&options.store) {
        options.processes = 1;
    }
    Ok(options)
}

fn main() -> ExitCode {
    let done = options().and_then(|options| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        match options.child {
            Some((run, key)) => runtime.block_on(race(&options, run, key)),
            None => lead(&options, &runtime),
        }
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

fn account(run: u64, number: u64) -> Outcome<AccountId> {
    Ok(AccountId::new(format!("race {run} {number}"))?)
}

fn secret(number: u64) -> Outcome<Secret> {
    let mut bytes = [1; 20];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Ok(Secret::new(&bytes)?)
}

fn key(number: u64) -> Outcome<Key> {
    Ok(Totp::DEFAULT.key(&secret(number)?))
}

fn at(round: u64) -> UnixTime {
    UnixTime::from_secs(START + round * ROUND_SECS)
}

fn code(number: u64, round: u64) -> Outcome<String> {
    let key = key(number)?;
    Ok(key.code_at(key.totp().step_at(at(round))?).reveal().to_string())
}

/// The tasks of one process on one verifier.
struct Racers {
    verifier: Verifier<BoxStore>,
    clock: TestClock,
    run: u64,
    tasks: usize,
}

/// What the tasks of one process were answered, by account.
#[derive(Default)]
struct Answers {
    accepted: Vec<u64>,
    mismatches: u64,
    errors: u64,
}

impl Racers {
    async fn new(options: &Options, run: u64, key: [u8; 32]) -> Outcome<Self> {
        let (store, clock) = (stores::open(&options.store).await?, TestClock::at(at(0)));
        let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(key));
        let verifier = Verifier::builder(store, keyring).clock(clock.clone()).build();
        Ok(Self { verifier, clock, run, tasks: options.tasks })
    }

    async fn enrol(&self, number: u64) -> Outcome<()> {
        let uri = OtpauthUri::new("Race", "race", secret(number)?, Totp::DEFAULT)?;
        let id = account(self.run, number)?;
        let _ = self.verifier.enroll_first(&id, NewAuthenticator::imported(&uri)?).await?;
        self.clock.set(UnixTime::from_secs(START + 30));
        let key = key(number)?;
        let code = key.code_at(key.totp().step_at(UnixTime::from_secs(START + 30))?).reveal().to_string();
        let confirmed = self.verifier.confirm(&id, Attempt::new(Purpose::BINDING, &code)).await?;
        self.clock.set(at(0));
        if matches!(confirmed, Verdict::Accepted(_)) { Ok(()) } else { Err("an enrolment was not confirmed".into()) }
    }

    /// Each task submits the code of the round for each account.
    async fn round(&self, round: u64) -> Outcome<Answers> {
        self.clock.set(at(round));
        let mut tasks = Vec::new();
        for number in 0..ACCOUNTS {
            let (id, code) = (account(self.run, number as u64)?, code(number as u64, round)?);
            for _ in 0..self.tasks {
                let (verifier, id, code) = (self.verifier.clone(), id.clone(), code.clone());
                let attempt = Attempt::new(Purpose::LOGIN, &code);
                tasks.push(tokio::spawn(async move { (number, verifier.verify(&id, attempt).await) }));
            }
        }
        let mut answers = Answers { accepted: vec![0; ACCOUNTS], ..Answers::default() };
        for task in tasks {
            match task.await? {
                (number, Ok(Verdict::Accepted(_))) => answers.accepted[number] += 1,
                (_, Ok(Verdict::Rejected(_))) => {}
                (_, Err(error)) if error.is_transient() => answers.errors += 1,
                (_, Err(error)) => return Err(error.into()),
            }
        }
        Ok(answers)
    }

    /// Each task submits a wrong code of its own for one account.
    async fn failures(&self, number: u64, round: u64, process: u64) -> Outcome<Answers> {
        self.clock.set(at(round));
        let (id, key) = (account(self.run, number)?, key(number)?);
        let present = key.totp().step_at(at(round))?;
        let shown: Vec<_> =
            (-30..5).map(|offset| key.code_at(present.saturating_offset(offset)).reveal().to_string()).collect();
        let wrong = (0..).map(|which: u64| format!("{:06}", (which + process * 100_000) % 1_000_000));
        let wrong = wrong.filter(|code| !shown.contains(code)).take(self.tasks * 4);
        let tasks = wrong.map(|code| {
            let (verifier, id) = (self.verifier.clone(), id.clone());
            tokio::spawn(async move { verifier.verify(&id, Attempt::new(Purpose::LOGIN, &code)).await })
        });
        let mut answers = Answers::default();
        for task in tasks.collect::<Vec<_>>() {
            match task.await? {
                Ok(Verdict::Rejected(Rejection::Mismatch(_))) => answers.mismatches += 1,
                Ok(_) => {}
                Err(error) if error.is_transient() => answers.errors += 1,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(answers)
    }
}

/// A process that races: told each round by a line, answers with one.
async fn race(options: &Options, run: u64, key: [u8; 32]) -> Outcome<bool> {
    let racers = Racers::new(options, run, key).await?;
    let (mut line, mut stdin) = (String::new(), std::io::stdin().lock());
    println!("ready");
    while stdin.read_line(&mut line)? > 0 {
        let numbers: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let answers = match numbers[..] {
            [round] => racers.round(round).await?,
            [round, number, process] => racers.failures(number, round, process).await?,
            _ => return Err("a line that is no round".into()),
        };
        let accepted: Vec<_> = answers.accepted.iter().map(ToString::to_string).collect();
        println!("{} {} {}", answers.mismatches, answers.errors, accepted.join(" "));
        line.clear();
    }
    Ok(true)
}

/// A process that races, as the leading one sees it.
struct Process {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Process {
    fn start(options: &Options, run: u64, key: &[u8; 32]) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--store", &options.store, "--tasks", &options.tasks.to_string(), "--child", &run.to_string()]);
        command.env("SEKISHO_RACE_KEY", hex::encode(key)).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let to = child.stdin.take().ok_or("a pipe")?;
        let from = BufReader::new(child.stdout.take().ok_or("a pipe")?);
        let mut process = Self { child, to, from };
        if process.line()? == "ready" { Ok(process) } else { Err("a process did not start".into()) }
    }

    fn tell(&mut self, line: &str) -> Outcome<()> {
        Ok(writeln!(self.to, "{line}")?)
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        Ok(line.trim_end().into())
    }

    fn answers(&mut self) -> Outcome<Answers> {
        let line = self.line()?;
        let numbers: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [mismatches, errors, accepted @ ..] = &numbers[..] else { return Err("a process has ended".into()) };
        Ok(Answers { accepted: accepted.to_vec(), mismatches: *mismatches, errors: *errors })
    }
}

/// Where the tasks of all processes are told what to do.
enum Field {
    Own(Racers),
    Processes(Vec<Process>),
}

impl Field {
    fn ask(&mut self, runtime: &tokio::runtime::Runtime, round: u64, failing: Option<u64>) -> Outcome<Vec<Answers>> {
        let processes = match self {
            Self::Own(racers) => {
                return Ok(vec![match failing {
                    None => runtime.block_on(racers.round(round))?,
                    Some(number) => runtime.block_on(racers.failures(number, round, 0))?,
                }]);
            }
            Self::Processes(processes) => processes,
        };
        for (index, process) in processes.iter_mut().enumerate() {
            match failing {
                None => process.tell(&round.to_string())?,
                Some(number) => process.tell(&format!("{round} {number} {index}"))?,
            }
        }
        processes.iter_mut().map(Process::answers).collect()
    }
}

fn lead(options: &Options, runtime: &tokio::runtime::Runtime) -> Outcome<bool> {
    let mut rng = UnwrapErr(SysRng);
    let (run, mut key) = (u64::from(rng.next_u32()), [0; 32]);
    rng.fill_bytes(&mut key);
    // The one that enrols, and looks after.
    let leader = runtime.block_on(Racers::new(options, run, key))?;
    for number in 0..ACCOUNTS as u64 {
        runtime.block_on(leader.enrol(number))?;
    }
    let mut field = if stores::is_shared(&options.store) {
        let processes = (0..options.processes).map(|_| Process::start(options, run, &key));
        Field::Processes(processes.collect::<Outcome<_>>()?)
    } else {
        let (verifier, clock) = (leader.verifier.clone(), leader.clock.clone());
        Field::Own(Racers { verifier, clock, run, tasks: options.tasks })
    };

    let (mut rounds, mut accepted, mut doubles, mut missed, mut errors, mut lost) = (0, 0, 0, 0, 0, 0);
    let (mut said, begun) = (Instant::now(), Instant::now());
    let mut round = 1;
    while rounds < options.rounds {
        let answers = field.ask(runtime, round, None)?;
        let failed: u64 = answers.iter().map(|answers| answers.errors).sum();
        for number in 0..ACCOUNTS {
            let all: u64 = answers.iter().map(|answers| answers.accepted[number]).sum();
            accepted += all;
            doubles += all.saturating_sub(1);
            // Where an answer got lost it may have been the one.
            missed += u64::from(all == 0 && failed == 0);
        }
        (rounds, errors) = (rounds + ACCOUNTS as u64, errors + failed);
        if round % FAILURES_EVERY == 1 {
            lost += failures(&leader, &mut field, runtime, round)?;
        }
        if said.elapsed() > Duration::from_secs(10) {
            said = Instant::now();
            eprintln!(
                "{rounds} rounds, {accepted} acceptances, {doubles} double, {lost} failures lost, {errors} errors"
            );
        }
        round += 1;
    }
    if let Field::Processes(processes) = field {
        for Process { mut child, to, from: _ } in processes {
            drop(to);
            child.wait()?;
        }
    }
    let submissions = rounds * (options.processes * options.tasks) as u64;
    println!("{rounds} rounds of {submissions} submissions in {:.0} s", begun.elapsed().as_secs_f64());
    println!(
        "{accepted} acceptances, {doubles} double acceptances, {missed} rounds without any, {lost} lost failures, {errors} errors"
    );
    Ok(doubles == 0 && lost == 0 && missed == 0)
}

/// Wrong codes from everywhere at a new account: how many were answered and not counted, or answered beyond what the policy allows.
fn failures(leader: &Racers, field: &mut Field, runtime: &tokio::runtime::Runtime, round: u64) -> Outcome<u64> {
    let number = 1_000_000 + round;
    if runtime.block_on(leader.enrol(number)).is_err() {
        return Ok(0); // the server is away: another time
    }
    let answers = field.ask(runtime, round, Some(number))?;
    let (answered, errors) =
        answers.iter().fold((0, 0), |sum, answers| (sum.0 + answers.mismatches, sum.1 + answers.errors));
    leader.clock.set(at(round));
    let id = account(leader.run, number)?;
    let view = loop {
        match runtime.block_on(leader.verifier.view(&id)) {
            Ok(view) => break view,
            Err(error) if error.is_transient() => {}
            Err(error) => return Err(error.into()),
        }
    };
    let counted = u64::from(view.failures_in_a_row);
    let beyond = answered.saturating_sub(5);
    // What was answered is counted; what was not answered may be.
    Ok(answered.saturating_sub(counted) + beyond + u64::from(errors == 0 && answered < 5))
}
