//! The client's errors in our terms.

use crate::store::error::StoreError;
use alloc::string::ToString;
use alloc::sync::Arc;
use core::time::Duration;
use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

/// The rights that this store's statements take.
const NEEDS: &str = "it needs SELECT, INSERT, UPDATE and DELETE on the table, and to make it CREATE in its schema";

/// The store, as its errors call it.
pub(super) const NAME: &str = "PostgreSQL";

pub(super) fn config_error(error: impl core::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::config(NAME, error)
}

pub(super) fn query_error(error: tokio_postgres::Error, deadline: Duration) -> StoreError {
    let Some(code) = error.code() else {
        return match error {
            error if is_about_the_url(&error) => config_error(error),
            error if is_to_something_else(&error) => misdirected(Some(error)),
            error => StoreError::unreachable(NAME, error),
        };
    };
    match *code {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => StoreError::Conflict,
        SqlState::UNDEFINED_TABLE | SqlState::INVALID_SCHEMA_NAME => StoreError::NoTable { source: Arc::new(error) },
        _ if is_about_statements(&error) => misdirected(Some(error)),
        // A time-out of the server's, or of whoever has canceled it.
        SqlState::QUERY_CANCELED => StoreError::TimedOut { store: NAME, deadline },
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => {
            StoreError::unreachable(NAME, error)
        }
        _ if is_denied(&error) => StoreError::denied(NAME, NEEDS, error),
        _ if is_unsupported(code) => StoreError::unsupported(NAME, error),
        _ => StoreError::refused(NAME, error),
    }
}

/// Returns whether the client was answered something that does not fit what it has asked: the
/// statement was, or was described as, somebody else's.
fn is_to_something_else(error: &tokio_postgres::Error) -> bool {
    let said = error.to_string();
    let begins = ["error serializing parameter", "error deserializing column", "expected "];
    let is = [
        "error parsing response from server",
        "unexpected message from server",
        "query returned an unexpected number of columns",
    ];
    is.contains(&&*said) || begins.iter().any(|begin| said.starts_with(begin))
}

/// Returns whether the URL lacks what the server asks for: a password, say. The client has no other
/// sign of it.
fn is_about_the_url(error: &tokio_postgres::Error) -> bool {
    ["invalid configuration", "authentication error"].contains(&&*error.to_string())
}

/// Returns whether the server does not know the statement, or the table has other columns or rules:
/// classes 0A, 22, 23 and 42 of `SQLSTATE`.
fn is_unsupported(code: &SqlState) -> bool {
    ["0A", "22", "23", "42"].iter().any(|class| code.code().starts_with(class))
}

/// Returns whether the server will never do it for this user: class 28 of `SQLSTATE`, no such
/// database, or no right.
fn is_denied(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        code.code().starts_with("28")
            || [SqlState::INVALID_CATALOG_NAME, SqlState::INSUFFICIENT_PRIVILEGE].contains(code)
    })
}

/// Returns whether the session does not know our statements: a pooler has switched sessions. (An
/// error that ends the connection is about the connection: poolers have one code for all of
/// theirs.)
fn is_about_statements(error: &tokio_postgres::Error) -> bool {
    let codes = [
        SqlState::INVALID_SQL_STATEMENT_NAME,
        SqlState::DUPLICATE_PSTATEMENT,
        SqlState::PROTOCOL_VIOLATION,
        SqlState::INVALID_BINARY_REPRESENTATION,
    ];
    error.as_db_error().is_some_and(|said| said.severity() != "FATAL" && codes.contains(said.code()))
}

pub(super) fn pool_error(error: PoolError, deadline: Duration) -> StoreError {
    match error {
        PoolError::Timeout(TimeoutType::Wait | TimeoutType::Create | TimeoutType::Recycle) => {
            StoreError::TimedOut { store: NAME, deadline }
        }
        // The server says this to a new connection: it is about no statement.
        PoolError::Backend(error) if is_about_statements(&error) => StoreError::refused(NAME, error),
        PoolError::Backend(error) if is_to_something_else(&error) => StoreError::unreachable(NAME, error),
        PoolError::Backend(error) => query_error(error, deadline),
        other => StoreError::unreachable(NAME, other),
    }
}

/// The answer is to a statement of somebody else.
pub(super) fn misdirected(error: Option<tokio_postgres::Error>) -> StoreError {
    StoreError::Misdirected { store: NAME, source: error.map(|error| Arc::new(error) as _) }
}

/// A row was not written by this store.
pub(super) fn damaged() -> StoreError {
    StoreError::damaged(NAME, "a row of the table")
}
