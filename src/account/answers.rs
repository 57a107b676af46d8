//! The answers given to named attempts, for asking again.

use super::limits::ANSWERS;
use super::proof::Method;
use crate::otp::{FailureCount, UnixTime};
use alloc::vec::Vec;
use subtle::ConstantTimeEq;

/// How long a named attempt gets the same answer again, in seconds.
const REPEATED_SECS: u64 = 60;

/// What was answered.
#[derive(Clone, Copy)]
pub(super) enum Answered {
    Accepted { method: Method, serial: u64 },
    Mismatch(FailureCount),
    Expired(FailureCount),
}

#[derive(Clone, Copy)]
pub(super) struct Answer {
    /// [`Attempt::fingerprint`](super::Attempt::fingerprint).
    pub(super) fingerprint: [u8; 32],
    pub(super) at: UnixTime,
    pub(super) answered: Answered,
}

/// The latest answers to named attempts.
pub(super) struct Answers(pub(super) Vec<Answer>);

impl Answers {
    /// What this attempt was answered within the last minute.
    pub(super) fn find(&self, fingerprint: Option<[u8; 32]>, now: UnixTime) -> Option<Answer> {
        let fingerprint = fingerprint?;
        let recent = |answer: &&Answer| now.as_secs().abs_diff(answer.at.as_secs()) < REPEATED_SECS;
        let same = |answer: &&Answer| bool::from(answer.fingerprint.ct_eq(&fingerprint));
        self.0.iter().filter(recent).find(same).copied()
    }

    /// Remembers the answer to an attempt that has a name.
    pub(super) fn push(&mut self, fingerprint: Option<[u8; 32]>, at: UnixTime, answered: Answered) {
        self.0.retain(|answer| at.as_secs().abs_diff(answer.at.as_secs()) < REPEATED_SECS);
        let Some(fingerprint) = fingerprint else { return };
        if self.0.len() >= ANSWERS {
            self.0.remove(0);
        }
        self.0.push(Answer { fingerprint, at, answered });
    }
}
