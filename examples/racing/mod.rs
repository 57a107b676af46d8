//! The racers: tasks on one verifier, in this process or in others that are told what to do.

mod process;
mod racers;

pub(crate) use process::{Process, obey};
use std::time::Duration;

pub(crate) use racers::{ACCOUNTS, Racers, account, at};

/// The run that all processes are of: its name, which its accounts begin with, and the key of its
/// records.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) name: u32,
    pub(crate) key: [u8; 32],
}

/// The settings that the processes have in common.
#[derive(Clone)]
pub(crate) struct Setup {
    /// The store's URL.
    pub(crate) store: String,
    pub(crate) deadline: Duration,
    pub(crate) tasks: usize,
    /// True if the store forgets to compare: to see what a race says then.
    pub(crate) is_careless: bool,
}

/// The order that all tasks do at the same time.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    /// Each submits the code of this round for each account.
    Round(u64),
    /// Wrong codes for one account, so many for each process.
    Guess { round: u64, number: u64, guesses: u64 },
}

/// The answers that the tasks were given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    /// By account.
    pub(crate) accepted: [u64; ACCOUNTS],
    pub(crate) mismatches: u64,
    /// Submissions that were not answered, or whose process was killed.
    pub(crate) unanswered: u64,
    pub(crate) longest_millis: u64,
    /// Swaps that others were faster with: a sign that they were at it at the same time.
    pub(crate) lost_swaps: u64,
}

/// An answer that is told as soon as it is there, so that it outlives its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted(usize),
    Mismatch,
}

impl Answers {
    pub(crate) fn count(&mut self, answer: Answer) {
        match answer {
            Answer::Accepted(number) => self.accepted[number] += 1,
            Answer::Mismatch => self.mismatches += 1,
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, accepted) in self.accepted.iter_mut().zip(other.accepted) {
            *sum += accepted;
        }
        self.mismatches += other.mismatches;
        self.unanswered += other.unanswered;
        self.longest_millis = self.longest_millis.max(other.longest_millis);
        self.lost_swaps += other.lost_swaps;
    }
}
