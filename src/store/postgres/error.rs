//! Why a call failed.

use crate::store::StoreError;
use core::time::Duration;
use deadpool_postgres::{HookError, PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

/// Why a call to a [`PostgresStore`](super::PostgresStore) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// A schema or a table that is none.
    #[error(
        "a schema or a table has 1 to 63 lower-case letters, digits and underscores, no digit first: choose another name"
    )]
    Name,
    /// The URL, or a certificate, cannot be used.
    #[error("PostgreSQL cannot be connected to like that: correct the URL or the certificate")]
    Config(#[source] StoreError),
    /// The server is not there, or the connection was lost.
    #[error("PostgreSQL cannot be reached: see to the server and the network")]
    Unreachable(#[source] StoreError),
    /// No answer in time.
    #[error("PostgreSQL has not answered within {deadline:?}: see to its load, or allow more connections or time")]
    TimedOut {
        /// How long that was.
        deadline: Duration,
    },
    /// The table is not there.
    #[error("the table is not there: run `create_table`, or the migration")]
    NoTable(#[source] StoreError),
    /// The server refuses: it is read-only, full, or asks for another password.
    #[error("PostgreSQL refuses: see its own error")]
    Refused(#[source] StoreError),
    /// Called from outside of a tokio runtime.
    #[error("PostgresStore was called outside of a tokio runtime: call it from a task of one")]
    NoRuntime,
    /// Others changed the same row at the same time, and nothing of this has happened.
    #[error("others changed the row at the same time: try again")]
    Conflict,
    /// What a row holds was not written by this store.
    #[error("a row holds what is no record: is the table used by something else?")]
    Damaged,
}

impl PostgresError {
    pub(super) fn config(error: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self::Config(StoreError::new(error))
    }

    pub(super) fn query(error: tokio_postgres::Error, deadline: Duration) -> Self {
        let Some(code) = error.code() else { return Self::Unreachable(StoreError::new(error)) };
        match *code {
            SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Self::Conflict,
            SqlState::UNDEFINED_TABLE | SqlState::INVALID_SCHEMA_NAME => Self::NoTable(StoreError::new(error)),
            // The server's own time-out, which is ours.
            SqlState::QUERY_CANCELED => Self::TimedOut { deadline },
            SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => {
                Self::Unreachable(StoreError::new(error))
            }
            _ => Self::Refused(StoreError::new(error)),
        }
    }

    pub(super) fn pool(error: PoolError, deadline: Duration) -> Self {
        match error {
            PoolError::Timeout(TimeoutType::Wait | TimeoutType::Create | TimeoutType::Recycle) => {
                Self::TimedOut { deadline }
            }
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                Self::query(error, deadline)
            }
            other => Self::Unreachable(StoreError::new(other)),
        }
    }
}
