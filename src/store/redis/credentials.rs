//! The user and the password of connections, which the service can change while it runs.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::pin::Pin;
use futures_util::stream::{Stream, unfold};
use redis::{AsyncConnectionConfig, BasicAuth, RedisResult, StreamingCredentialsProvider};
use tokio::sync::watch;
use zeroize::Zeroizing;

/// A user of Redis and its password. `Debug` shows the user only.
#[derive(Clone)]
pub struct RedisCredentials {
    user: String,
    password: Zeroizing<String>,
}

impl RedisCredentials {
    /// A user and its password. A server without users has one, called `default`.
    #[must_use]
    pub fn new(user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), password: Zeroizing::new(password.to_owned()) }
    }
}

impl fmt::Debug for RedisCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCredentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Tells each connection the credentials, and tells them again when they have changed.
#[derive(Clone)]
pub(super) struct Rotating(pub(super) watch::Receiver<RedisCredentials>);

impl Rotating {
    /// Has a connection that is made by `config` ask for them.
    pub(super) fn of(credentials: Option<&Self>, config: AsyncConnectionConfig) -> AsyncConnectionConfig {
        match credentials {
            Some(credentials) => config.set_credentials_provider(credentials.clone()),
            None => config,
        }
    }
}

impl StreamingCredentialsProvider for Rotating {
    fn subscribe(&self) -> Pin<Box<dyn Stream<Item = RedisResult<BasicAuth>> + Send + 'static>> {
        let mut receiver = self.0.clone();
        receiver.mark_changed(); // those of now come first
        Box::pin(unfold(receiver, async |mut receiver| {
            receiver.changed().await.ok()?;
            let RedisCredentials { user, password } = receiver.borrow_and_update().clone();
            Some((Ok(BasicAuth::new(user, String::clone(&password))), receiver))
        }))
    }
}
