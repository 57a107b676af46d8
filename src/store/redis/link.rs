//! The connection, and when it is given up for another.

use super::RedisError;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::pin::Pin;
use core::time::Duration;
use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, Pipeline, ServerErrorKind};
use std::sync::{Mutex, PoisonError};
use tokio::time::{Instant, timeout_at};

/// Boxed: the client's futures are nested so deeply that a caller's compiler would give up on them.
type Answer<'a, T> = Pin<Box<dyn Future<Output = redis::RedisResult<T>> + Send + 'a>>;

pub(super) enum Link {
    Master(Master),
    /// Looks after its connections itself.
    Cluster(ClusterConnection),
}

/// One connection for all, to a server that may move or fall silent: whoever finds that out lets the next one connect anew.
pub(super) struct Master {
    finder: tokio::sync::Mutex<Finder>,
    config: AsyncConnectionConfig,
    current: Mutex<Option<Arc<MultiplexedConnection>>>,
}

/// Where to connect to.
pub(super) enum Finder {
    Server(Box<Client>),
    Sentinels(Box<SentinelClient>),
}

impl Link {
    pub(super) fn master(finder: Finder, deadline: Duration) -> Self {
        // How long answers are waited for is decided here.
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(deadline)).set_response_timeout(None);
        Self::Master(Master { finder: tokio::sync::Mutex::new(finder), config, current: Mutex::new(None) })
    }

    /// Connects, if that is to be done.
    pub(super) async fn connect(&self) -> redis::RedisResult<()> {
        match self {
            Self::Master(master) => master.connection().await.map(drop),
            Self::Cluster(_) => Ok(()),
        }
    }

    /// What a pipeline is answered, until `end`.
    pub(super) async fn query<T: FromRedisValue>(
        &self,
        pipeline: &Pipeline,
        deadline: Duration,
        end: Instant,
    ) -> Result<redis::RedisResult<T>, RedisError> {
        let late = |_| RedisError::TimedOut { deadline };
        let master = match self {
            Self::Master(master) => master,
            Self::Cluster(connection) => {
                let mut connection = connection.clone();
                let answer: Answer<'_, T> = Box::pin(async move { pipeline.query_async(&mut connection).await });
                return timeout_at(end, answer).await.map_err(late);
            }
        };
        let connection = match timeout_at(end, master.connection()).await.map_err(late)? {
            Ok(connection) => connection,
            Err(error) => return Ok(Err(error)),
        };
        let asked = Instant::now();
        let mut own = MultiplexedConnection::clone(&connection);
        let answer: Answer<'_, T> = Box::pin(async move { pipeline.query_async(&mut own).await });
        let answer = timeout_at(end, answer).await;
        let is_lost = match &answer {
            Ok(Ok(_)) => false,
            Ok(Err(error)) => is_lost(error),
            // Silent, unless it was given little time. A connection to a machine that is gone would be so for a quarter of an hour.
            Err(_) => asked.elapsed().saturating_mul(2) > deadline,
        };
        if is_lost {
            master.give_up(&connection);
        }
        answer.map_err(late)
    }
}

/// Whether another connection may lead elsewhere.
fn is_lost(error: &redis::RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(error) => matches!(error, ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown),
        _ => true,
    }
}

impl Master {
    async fn connection(&self) -> redis::RedisResult<Arc<MultiplexedConnection>> {
        let current = || self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(connection) = current() {
            return Ok(connection);
        }
        let mut finder = self.finder.lock().await;
        if let Some(connection) = current() {
            return Ok(connection); // another one has connected meanwhile
        }
        let connecting: Answer<'_, _> = match &mut *finder {
            Finder::Server(client) => Box::pin(client.get_multiplexed_async_connection_with_config(&self.config)),
            Finder::Sentinels(client) => Box::pin(client.get_async_connection_with_config(&self.config)),
        };
        let connection = Arc::new(connecting.await?);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Unless another one has done so.
    fn give_up(&self, connection: &Arc<MultiplexedConnection>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, connection)) {
            *current = None;
        }
    }
}
