//! The client's errors in our terms.

use crate::store::error::StoreError;
use alloc::string::ToString;
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// The store, as its errors call it.
pub(super) const NAME: &str = "Redis";

/// The rights that this store's commands take.
const NEEDS: &str = "it needs `~NAMESPACE:* +get +eval +evalsha +getrange +set +del`, to read the settings `+config|get`, \
                     for replicas `+wait`, to list accounts `+scan`, on a cluster \
                     `+cluster|slots +ping`, and behind sentinels `+role`";

/// By what kind of error the client has ended a call.
pub(super) fn failed(error: RedisError) -> StoreError {
    match error.kind() {
        _ if is_of_another_type(&error) => damaged(),
        ErrorKind::InvalidClientConfig => StoreError::config(NAME, error),
        _ if says(&error, "DB index is out of range") => StoreError::config(NAME, error),
        _ if is_denied(&error) => StoreError::denied(NAME, NEEDS, error),
        ErrorKind::Server(_) | ErrorKind::Extension => StoreError::refused(NAME, error),
        _ => StoreError::unreachable(NAME, error),
    }
}

fn says(error: &RedisError, text: &str) -> bool {
    error.to_string().contains(text)
}

/// Returns whether a key of the namespace holds something else than a text.
fn is_of_another_type(error: &RedisError) -> bool {
    error.code() == Some("WRONGTYPE") || says(error, "WRONGTYPE")
}

/// Returns whether the server will never do it for this user: it has no such command, or not for
/// him.
pub(super) fn is_denied(error: &RedisError) -> bool {
    let says = |text: &str| says(error, text);
    match error.kind() {
        // Inside of a pipeline, or of a cluster's client, only the text has it.
        _ if ["NOAUTH", "NOPERM", "WRONGPASS"].iter().any(|code| says(code)) => true,
        ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm) => true,
        ErrorKind::Server(_) => {
            says("without any password configured")
                || says("unknown command")
                || says("can't run this command")
                || says("can't access at least one of the keys")
        }
        _ => false,
    }
}

/// A key of the namespace was not written by this store.
pub(super) fn damaged() -> StoreError {
    StoreError::damaged(NAME, "a key of the namespace")
}
