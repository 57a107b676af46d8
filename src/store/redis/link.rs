//! The connection, and when it is given up for another.

use super::credentials::Rotating;
use super::error::{NAME, is_denied};
use super::settings::{ASKED, Settings, of_all, of_one};
use crate::store::error::StoreError;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::pin::Pin;
use core::time::Duration;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, Pipeline, RedisResult, ServerErrorKind};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

/// Boxed: the client's futures are nested so deeply that a caller's compiler would give up on them.
type Answer<'a, T> = Pin<Box<dyn Future<Output = RedisResult<T>> + Send + 'a>>;

/// Connecting may take so long, whatever its callers' deadlines: they may come and go meanwhile.
const CONNECTING: Duration = Duration::from_secs(5);
/// After a connection was lost, all callers wait this long before another is tried.
const AFTER_LOSS: Duration = Duration::from_millis(20);
/// The same after one could not be made.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// One connection for all callers, to whatever is to be asked now. It is made by a task of its own,
/// that they all wait for.
pub(super) struct Link(Arc<Shared>);

struct Shared {
    finder: tokio::sync::Mutex<Finder>,
    /// Those of the service, in the place of the URL's.
    credentials: Option<Rotating>,
    deadline: Duration,
    state: Mutex<State>,
    /// A link that leads to the same server, and does not find out by itself that it has become
    /// another: it only reads.
    beside: Option<Arc<Shared>>,
}

/// The place to connect to.
pub(super) enum Finder {
    Server(Box<Client>),
    Sentinels(Box<SentinelClient>),
    /// A cluster, and what connects to any of its nodes, by host and port.
    Cluster(Box<ClusterClient>, Arc<Node>),
}

type Node = dyn Fn(String, u16) -> RedisResult<Client> + Send + Sync;

/// Tells what has come of connecting, when it is over.
type Connecting = watch::Receiver<Option<RedisResult<Arc<Connection>>>>;

enum State {
    /// There is no connection; the next is tried at this instant at the earliest.
    Apart(Instant),
    Connecting(Connecting),
    Connected(Arc<Connection>),
}

pub(super) struct Connection {
    own: Own,
    /// The time when something was asked first since something was heard last.
    unheard_since: Mutex<Option<Instant>>,
}

enum Own {
    One(MultiplexedConnection),
    /// Looks after its connections itself.
    Cluster(ClusterConnection, Arc<Node>, Option<Rotating>),
}

impl Link {
    pub(super) fn new(
        finder: Finder,
        credentials: Option<Rotating>,
        deadline: Duration,
        beside: Option<&Self>,
    ) -> Self {
        let (finder, state) = (tokio::sync::Mutex::new(finder), Mutex::new(State::Apart(Instant::now())));
        let beside = beside.map(|link| Arc::clone(&link.0));
        Self(Arc::new(Shared { finder, credentials, deadline, state, beside }))
    }

    pub(super) async fn connection(&self) -> RedisResult<Arc<Connection>> {
        let mut connecting = match self.0.state() {
            Ok(connection) => return Ok(connection),
            Err(connecting) => connecting,
        };
        match connecting.wait_for(Option::is_some).await.map(|made| made.clone()) {
            Ok(Some(made)) => made,
            // Its runtime has ended.
            _ => Err(io::Error::from(io::ErrorKind::NotConnected).into()),
        }
    }

    /// Drops the connection: another one to the server has ended, so this one may have too.
    pub(super) fn connect_anew(&self) {
        self.0.connect_anew();
    }

    /// A connection that turned out to be of no more use is given up.
    pub(super) fn give_up(&self, connection: &Arc<Connection>) {
        self.0.give_up(connection);
    }

    /// Sends a pipeline and waits for its answer, until `end`.
    pub(super) async fn query<T: FromRedisValue + Send>(
        &self,
        pipeline: &Pipeline,
        end: Instant,
    ) -> Result<RedisResult<T>, StoreError> {
        let late = |_| StoreError::TimedOut { store: NAME, deadline: self.0.deadline };
        let connection = match timeout_at(end, self.connection()).await.map_err(late)? {
            Ok(connection) => connection,
            Err(error) => return Ok(Err(error)),
        };
        self.query_on(&connection, pipeline, end).await
    }

    /// The same on a connection that the caller has, which is given up if it turns out to be of no
    /// more use.
    pub(super) async fn query_on<T: FromRedisValue + Send>(
        &self,
        connection: &Arc<Connection>,
        pipeline: &Pipeline,
        end: Instant,
    ) -> Result<RedisResult<T>, StoreError> {
        let answer = timeout_at(end, connection.query(pipeline)).await;
        match &answer {
            Ok(Err(error)) if connection.is_lost_by(error) => {
                self.0.give_up(connection);
                if let Some(beside) = &self.0.beside {
                    beside.connect_anew();
                }
            }
            Err(_) if connection.is_silent(self.0.deadline) => self.0.give_up(connection),
            _ => {}
        }
        answer.map_err(|_| StoreError::TimedOut { store: NAME, deadline: self.0.deadline })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, or what tells when there is one.
    fn state(self: &Arc<Self>) -> Result<Arc<Connection>, Connecting> {
        let mut state = self.lock();
        let not_before = match &*state {
            State::Connected(connection) if !connection.is_silent(self.deadline) => return Ok(Arc::clone(connection)),
            State::Connecting(connecting) if connecting.has_changed().is_ok() => return Err(connecting.clone()),
            State::Connected(_) | State::Connecting(_) => Instant::now(),
            State::Apart(until) => *until,
        };
        let (tell, connecting) = watch::channel(None);
        *state = State::Connecting(connecting.clone());
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            sleep_until(not_before).await;
            let made = match timeout(CONNECTING, shared.connect()).await {
                Ok(made) => made,
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            };
            *shared.lock() = match &made {
                Ok(connection) => State::Connected(Arc::clone(connection)),
                Err(_) => State::Apart(after(AFTER_FAILURE)),
            };
            tell.send_replace(Some(made));
        });
        Err(connecting)
    }

    async fn connect(&self) -> RedisResult<Arc<Connection>> {
        // The time that answers are waited for is decided here.
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECTING)).set_response_timeout(None);
        let config = Rotating::of(self.credentials.as_ref(), config);
        let mut finder = self.finder.lock().await;
        let connecting: Answer<'_, Own> = match &mut *finder {
            Finder::Server(client) => {
                Box::pin(
                    async move { client.get_multiplexed_async_connection_with_config(&config).await.map(Own::One) },
                )
            }
            Finder::Sentinels(client) => {
                Box::pin(async move { client.get_async_connection_with_config(&config).await.map(Own::One) })
            }
            Finder::Cluster(client, node) => Box::pin(async move {
                let connection = client.get_async_connection().await?;
                Ok(Own::Cluster(connection, Arc::clone(node), self.credentials.clone()))
            }),
        };
        Ok(Arc::new(Connection { own: connecting.await?, unheard_since: Mutex::new(None) }))
    }

    /// Drops the connection: the address may lead to another server by now.
    fn connect_anew(&self) {
        let mut state = self.lock();
        if matches!(&*state, State::Connected(_)) {
            *state = State::Apart(after(AFTER_LOSS));
        }
    }

    /// Drops this connection, unless another has taken its place.
    fn give_up(&self, connection: &Arc<Connection>) {
        let mut state = self.lock();
        if matches!(&*state, State::Connected(current) if Arc::ptr_eq(current, connection)) {
            *state = State::Apart(after(AFTER_LOSS));
        }
    }
}

/// The instant after a pause.
fn after(pause: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(pause).unwrap_or(now)
}

impl Connection {
    pub(super) const fn is_cluster(&self) -> bool {
        matches!(self.own, Own::Cluster(..))
    }

    /// The settings of the server, or of every node. Those that are not told are not there.
    pub(super) async fn settings(&self) -> RedisResult<Vec<Settings>> {
        let mut answers = Vec::new();
        for name in ASKED {
            let mut get = redis::cmd("CONFIG");
            get.arg("GET").arg(name);
            let answer = match &self.own {
                Own::One(connection) => get.query_async(&mut connection.clone()).await,
                Own::Cluster(connection, ..) => {
                    let all = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllNodes, None));
                    connection.clone().route_command(get, all).await
                }
            };
            match answer {
                Ok(answer) => answers.push(answer),
                // This user may not, or there is no such command.
                Err(error) if matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(match &self.own {
            Own::One(_) => Vec::from([of_one(answers)]),
            Own::Cluster(..) => of_all(answers),
        })
    }

    pub(super) async fn query<T: FromRedisValue + Send>(&self, pipeline: &Pipeline) -> RedisResult<T> {
        self.unheard().get_or_insert_with(Instant::now);
        let answer: Answer<'_, T> = match &self.own {
            Own::One(connection) => {
                let mut connection = connection.clone();
                Box::pin(async move { pipeline.query_async(&mut connection).await })
            }
            Own::Cluster(connection, node, credentials) => {
                let mut connection = connection.clone();
                Box::pin(async move {
                    match pipeline.query_async(&mut connection).await {
                        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::Ask) => {
                            ask(&**node, credentials.as_ref(), pipeline, error).await
                        }
                        answer => answer,
                    }
                })
            }
        };
        let answer = answer.await;
        *self.unheard() = None;
        answer
    }

    fn unheard(&self) -> MutexGuard<'_, Option<Instant>> {
        self.unheard_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether it was asked, and has said nothing for nearly as long as anybody waits. To a
    /// machine that is gone it would be so for a quarter of an hour.
    fn is_silent(&self, deadline: Duration) -> bool {
        self.unheard().is_some_and(|since| since.elapsed() > deadline.mul_f32(0.875))
    }

    /// Returns whether another connection may lead elsewhere.
    fn is_lost_by(&self, error: &redis::RedisError) -> bool {
        match (&self.own, error.kind()) {
            // It was made by credentials that are not good any more.
            _ if is_denied(error) => true,
            (Own::Cluster(..), _) | (_, ErrorKind::Extension) => false,
            (Own::One(_), ErrorKind::Server(error)) => {
                matches!(error, ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
            }
            (Own::One(_), _) => true,
        }
    }
}

/// A slot that moves from node to node: the one that has sent us away has not done anything, and
/// says where to ask. Once, on a connection of its own: it may be a node that the cluster's client
/// does not know yet.
async fn ask<T: FromRedisValue>(
    node: &Node,
    credentials: Option<&Rotating>,
    pipeline: &Pipeline,
    error: redis::RedisError,
) -> RedisResult<T> {
    let errors = error.clone().into_server_errors();
    let details = errors.as_ref().and_then(|errors| errors.first()?.1.details());
    let address = details.and_then(|details| details.split_whitespace().next_back()?.rsplit_once(':'));
    let Some((host, Ok(port))) = address.map(|(host, port)| (host, port.parse())) else { return Err(error) };
    let config = Rotating::of(credentials, AsyncConnectionConfig::new());
    let mut connection = node(host.to_owned(), port)?.get_multiplexed_async_connection_with_config(&config).await?;
    let mut asking = redis::pipe();
    asking.cmd("ASKING").ignore();
    for command in pipeline.cmd_iter() {
        asking.add_command(command.clone());
    }
    asking.query_async(&mut connection).await
}
