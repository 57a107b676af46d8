//! The client's errors in our terms.

use crate::store::error::StoreError;
use alloc::sync::Arc;
use core::time::Duration;
use deadpool_postgres::{HookError, PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

/// The store, as its errors call it.
pub(super) const NAME: &str = "PostgreSQL";

pub(super) fn config_error(error: impl core::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::config(NAME, error)
}

pub(super) fn query_error(error: tokio_postgres::Error, deadline: Duration) -> StoreError {
    let Some(code) = error.code() else { return StoreError::unreachable(NAME, error) };
    match *code {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => StoreError::Conflict,
        SqlState::UNDEFINED_TABLE | SqlState::INVALID_SCHEMA_NAME => StoreError::NoTable { source: Arc::new(error) },
        // The server's own time-out, which is ours.
        SqlState::QUERY_CANCELED => StoreError::TimedOut { store: NAME, deadline },
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => {
            StoreError::unreachable(NAME, error)
        }
        _ => StoreError::refused(NAME, error),
    }
}

pub(super) fn pool_error(error: PoolError, deadline: Duration) -> StoreError {
    match error {
        PoolError::Timeout(TimeoutType::Wait | TimeoutType::Create | TimeoutType::Recycle) => {
            StoreError::TimedOut { store: NAME, deadline }
        }
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            query_error(error, deadline)
        }
        other => StoreError::unreachable(NAME, other),
    }
}

/// A row was not written by this store.
pub(super) fn damaged() -> StoreError {
    StoreError::damaged(NAME, "a row of the table")
}
