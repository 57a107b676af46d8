//! Why a call failed.

use crate::store::StoreError;
use core::time::Duration;
use redis::ErrorKind;

/// Why a call to a [`RedisStore`](super::RedisStore) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisError {
    /// A namespace that is none.
    #[error("a namespace is 1 to 64 letters, digits, hyphens and underscores: choose another")]
    Namespace,
    /// The URL, or a certificate, cannot be used.
    #[error("Redis cannot be connected to like that: correct the URL or the certificate")]
    Config(#[source] StoreError),
    /// The server is not there, or the connection was lost.
    #[error("Redis cannot be reached: see to the server and the network")]
    Unreachable(#[source] StoreError),
    /// No answer in time.
    #[error("Redis has not answered within {deadline:?}: see to its load, or raise the deadline")]
    TimedOut {
        /// How long that was.
        deadline: Duration,
    },
    /// The server refuses: it is read-only, full, failing over, or asks for another password.
    #[error("Redis refuses: see its own error")]
    Refused(#[source] StoreError),
    /// Too few replicas have acknowledged a change: its outcome is unknown.
    #[error("{acknowledged} replicas have acknowledged the change and {wanted} should: see to the replicas")]
    Replicas {
        /// How many have.
        acknowledged: u64,
        /// How many should.
        wanted: u32,
    },
    /// What a key holds was not written by this store.
    #[error("a key of the namespace holds what is no record: is the namespace used by something else?")]
    Damaged,
    /// Called from outside of a tokio runtime.
    #[error("RedisStore was called outside of a tokio runtime: call it from a task of one")]
    NoRuntime,
    /// The accounts of a cluster are not listed.
    #[error("the accounts of a cluster are not listed: ask each of its nodes")]
    NotListed,
}

impl RedisError {
    pub(super) fn config(error: redis::RedisError) -> Self {
        Self::Config(StoreError::new(error))
    }

    /// By what kind of error the client has ended a call.
    pub(super) fn of(error: redis::RedisError) -> Self {
        match error.kind() {
            ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::AuthenticationFailed => {
                Self::Refused(StoreError::new(error))
            }
            _ => Self::Unreachable(StoreError::new(error)),
        }
    }
}
