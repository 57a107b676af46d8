//! The replies to attempts with an idempotency key, for asking again.

use super::capacity::REPLIES;
use crate::account::proof::Method;
use crate::otp::{FailureCount, Moment, UnixTime};
use alloc::vec::Vec;
use subtle::ConstantTimeEq;

/// An attempt with an idempotency key gets the same reply again for so long, in seconds.
const REPEATED_SECS: u64 = 60;

/// The answer to an attempt.
#[derive(Clone, Copy)]
pub(in crate::account) enum Answer {
    Accepted {
        method: Method,
        serial: u64,
        /// It confirmed an enrollment, whose handle came with it.
        with_handle: bool,
    },
    Mismatch(FailureCount),
    Expired(FailureCount),
}

#[derive(Clone, Copy)]
pub(in crate::account) struct Reply {
    /// [`Attempt::fingerprint`](super::super::Attempt).
    pub(in crate::account) fingerprint: [u8; 32],
    pub(in crate::account) at: UnixTime,
    /// The [lead](Moment::lead) then.
    pub(in crate::account) lead: u64,
    pub(in crate::account) answer: Answer,
}

/// The latest replies.
pub(in crate::account) struct Replies(pub(in crate::account) Vec<Reply>);

impl Replies {
    /// The reply that this attempt had within the last minute.
    pub(in crate::account) fn find(&self, fingerprint: Option<[u8; 32]>, now: Moment) -> Option<Reply> {
        let fingerprint = fingerprint?;
        let recent = |reply: &&Reply| now.is_near(reply.at, reply.lead, REPEATED_SECS);
        let same = |reply: &&Reply| bool::from(reply.fingerprint.ct_eq(&fingerprint));
        self.0.iter().filter(recent).find(same).copied()
    }

    /// Remembers the reply to an attempt that has an idempotency key.
    pub(in crate::account) fn push(&mut self, fingerprint: Option<[u8; 32]>, now: Moment, answer: Answer) {
        self.0.retain(|reply| now.is_near(reply.at, reply.lead, REPEATED_SECS));
        let Some(fingerprint) = fingerprint else { return };
        if self.0.len() >= REPLIES {
            self.0.remove(0);
        }
        self.0.push(Reply { fingerprint, at: now.clock, lead: now.lead(), answer });
    }
}
