//! The client's errors in our terms.

use crate::store::error::StoreError;
use redis::{ErrorKind, RedisError};

/// The store, as its errors call it.
pub(super) const NAME: &str = "Redis";

/// By what kind of error the client has ended a call.
pub(super) fn failed(error: RedisError) -> StoreError {
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::AuthenticationFailed => {
            StoreError::refused(NAME, error)
        }
        _ => StoreError::unreachable(NAME, error),
    }
}

/// A key of the namespace was not written by this store.
pub(super) fn damaged() -> StoreError {
    StoreError::damaged(NAME, "a key of the namespace")
}
