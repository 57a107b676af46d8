//! A process that races: told what to do by lines on its standard input, tells each answer by a
//! line as soon as it has it.

use super::{Answer, Answers, Order, Racers, Run, Setup};
use crate::stores::Failure;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

impl Order {
    fn line(self) -> String {
        match self {
            Self::Round(round) => round.to_string(),
            Self::Guess { round, number, guesses } => format!("{round} {number} {guesses}"),
        }
    }

    fn parse(line: &str) -> Result<Self, Failure> {
        let numbers: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        match numbers[..] {
            [round] => Ok(Self::Round(round)),
            [round, number, guesses] => Ok(Self::Guess { round, number, guesses }),
            _ => Err("a line that is no order".into()),
        }
    }
}

/// The work of the process, until its input ends.
pub(crate) async fn obey(racers: &Racers, index: u64) -> Result<(), Failure> {
    println!("ready");
    let (mut line, mut stdin) = (String::new(), std::io::stdin().lock());
    while stdin.read_line(&mut line)? > 0 {
        let tell = |answer| match answer {
            Answer::Accepted(number) => println!("accepted {number}"),
            Answer::Mismatch => println!("mismatch"),
        };
        let unanswered = racers.obey(Order::parse(&line)?, index, tell).await?;
        println!("done {unanswered} {} {}", racers.store.longest_millis(), racers.store.lost());
        line.clear();
    }
    Ok(())
}

/// The process, as the leading one sees it. Killed with it.
pub(crate) struct Process {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(setup: &Setup, run: Run, index: usize) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--store", &setup.store, "--tasks", &setup.tasks.to_string()]);
        command.args(["--deadline", &setup.deadline.as_secs().to_string()]);
        if setup.is_careless {
            command.arg("--careless-store");
        }
        command.args(["--child", &run.name.to_string(), "--index", &index.to_string()]);
        command.env("SEKISHO_RACE_KEY", hex::encode(run.key)).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let to = child.stdin.take().ok_or("a pipe")?;
        let from = BufReader::new(child.stdout.take().ok_or("a pipe")?);
        let mut process = Self { child, to, from };
        if process.line()? == "ready" { Ok(process) } else { Err("a process did not start".into()) }
    }

    pub(crate) fn tell(&mut self, order: Order) -> Result<(), Failure> {
        Ok(writeln!(self.to, "{}", order.line())?)
    }

    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        Ok(self.child.kill()?)
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        Ok(line.trim_end().into())
    }

    /// Reads what it has told of an order, up to its end if that comes first.
    pub(crate) fn answers(&mut self, was_killed: bool) -> Result<Answers, Failure> {
        let mut answers = Answers::default();
        loop {
            let line = self.line()?;
            let words: Vec<_> = line.split_whitespace().collect();
            match words[..] {
                ["accepted", number] => answers.count(Answer::Accepted(number.parse()?)),
                ["mismatch"] => answers.count(Answer::Mismatch),
                ["done", unanswered, longest, lost] => {
                    answers.unanswered += unanswered.parse::<u64>()?;
                    (answers.longest_millis, answers.lost_swaps) = (longest.parse()?, lost.parse()?);
                    return Ok(answers);
                }
                _ if was_killed => {
                    answers.unanswered += 1;
                    return Ok(answers);
                }
                _ => return Err("a process has ended".into()),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
