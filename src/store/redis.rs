//! Records in Redis: one machine, a cluster, or whatever sentinels say is the master. Valkey too.

use super::{Revision, Store, StoreError, Stored, Swap, Write};
use crate::account::AccountId;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::pin::Pin;
use core::time::Duration;
use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, IntoConnectionInfo, Pipeline, ServerErrorKind,
    TlsCertificates, TlsMode,
};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Swaps, if what is stored begins with the revision that is expected: an absent key reads as nothing.
const SWAP: &str = "if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then return 0 end \
    redis.call('SET', KEYS[1], ARGV[2]) return 1";
/// The same for a deletion.
const DELETE: &str = "if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then return 0 end \
    redis.call('DEL', KEYS[1]) return 1";
/// The bytes of a revision, which a value begins with.
const REVISION: usize = 16;
/// What a server that has refused a command is given to recover, before it is asked again.
const PAUSE: Duration = Duration::from_millis(20);

/// Records in Redis (tested on 7.0) or what speaks its protocol, such as Valkey: one key an account. Cheap to clone; clones share their connections.
///
/// A record is changed by one script, so that nothing comes between comparing and writing; it is loaded once, and again when the server
/// has forgotten it. A verification is two round trips.
///
/// Every call ends within the deadline. A command that the server has refused (it moves, fails over, or is loading) is sent again
/// until then; one whose answer was lost is not: its outcome is unknown.
///
/// # What can be lost
/// Redis answers before a change is on disk, unless it is set up with `appendonly yes` and `appendfsync always`; and before its
/// replicas have it. After a crash or a failover the changes of the last moments are gone, and with them the codes used and
/// the failures counted: a code that was seen can be accepted again. So set up `appendfsync always`, and where there are
/// replicas, [`replicas`](RedisBuilder::replicas). Even then a failover can promote a replica that had not acknowledged: Redis
/// promises no more. Where that is not enough, use PostgreSQL.
///
/// Never let the server evict keys: `maxmemory-policy noeviction`.
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    link: Link,
    /// What keys begin with.
    prefix: String,
    deadline: Duration,
    replicas: u32,
    swap: Script,
    delete: Script,
}

enum Link {
    Single(ConnectionManager),
    Cluster(ClusterConnection),
    Sentinel(Box<Sentinel>),
}

/// The master changes: whoever finds that out asks the sentinels again.
struct Sentinel {
    client: tokio::sync::Mutex<SentinelClient>,
    config: AsyncConnectionConfig,
    master: Mutex<Option<MultiplexedConnection>>,
}

struct Script {
    source: &'static str,
    hash: String,
}

impl Script {
    fn new(source: &'static str) -> Self {
        Self { source, hash: redis::Script::new(source).get_hash().to_owned() }
    }
}

/// Sets up a [`RedisStore`].
///
/// ```no_run
/// use sekisho::store::RedisStore;
/// use std::time::Duration;
///
/// # async fn connect() -> Result<(), sekisho::store::RedisError> {
/// let store = RedisStore::builder().namespace("exchange").deadline(Duration::from_secs(1)).connect("rediss://redis.internal").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct RedisBuilder {
    namespace: String,
    deadline: Duration,
    replicas: u32,
    ca: Option<Vec<u8>>,
}

impl RedisBuilder {
    /// What the keys of this store begin with, before a colon: 1 to 64 ASCII letters, digits, hyphens and underscores. Default:
    /// `sekisho`.
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// How long a call takes at the most. Default: two seconds.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How many replicas have to acknowledge a change before it counts (`WAIT`). Should fewer do within the deadline, its outcome is
    /// unknown. Changes wait for each other then. Default: none.
    pub const fn replicas(mut self, count: u32) -> Self {
        self.replicas = count;
        self
    }

    /// The certificate, in PEM, of the authority that servers at `rediss` URLs are certified by. Default: those that the operating system trusts.
    pub fn certificate_authority(mut self, pem: &[u8]) -> Self {
        self.ca = Some(pem.to_vec());
        self
    }

    /// Connects to one server, by its URL: `redis://[user:password@]host[:port][/database]`, or `rediss` for TLS.
    ///
    /// # Errors
    /// [`RedisError`].
    pub async fn connect(self, url: &str) -> Result<RedisStore, RedisError> {
        self.check()?;
        provide_cryptography();
        let client = match self.certificates() {
            Some(certificates) => Client::build_with_tls(url, certificates),
            None => Client::open(url),
        };
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(self.deadline))
            .set_response_timeout(Some(self.deadline))
            .set_number_of_retries(0)
            .set_max_delay(PAUSE);
        let client = client.map_err(RedisError::config)?;
        let connecting: Answer<'_, _> = Box::pin(ConnectionManager::new_with_config(client, config));
        let connection = within(self.deadline, connecting).await?.map_err(RedisError::unreachable)?;
        Ok(self.store(Link::Single(connection)))
    }

    /// Connects to a cluster, by the URLs of some of its nodes.
    ///
    /// # Errors
    /// [`RedisError`].
    pub async fn connect_cluster(self, urls: &[&str]) -> Result<RedisStore, RedisError> {
        self.check()?;
        provide_cryptography();
        // What may have been done is not done again: the client would, to a script whose answer was lost.
        let mut builder = ClusterClientBuilder::new(urls.iter().copied())
            .retries(0)
            .connection_timeout(self.deadline)
            .response_timeout(self.deadline);
        if let Some(certificates) = self.certificates() {
            builder = builder.certs(certificates);
        }
        let client = builder.build().map_err(RedisError::config)?;
        let connecting: Answer<'_, _> = Box::pin(client.get_async_connection());
        let connection = within(self.deadline, connecting).await?.map_err(RedisError::unreachable)?;
        Ok(self.store(Link::Cluster(connection)))
    }

    /// Connects to the master of that name, wherever the sentinels at these URLs say it is. User, password and database of the first URL are those
    /// of the master as well, as is its scheme.
    ///
    /// # Errors
    /// [`RedisError`].
    pub async fn connect_sentinel(self, master: &str, urls: &[&str]) -> Result<RedisStore, RedisError> {
        self.check()?;
        provide_cryptography();
        let first = urls.first().copied().unwrap_or_default().into_connection_info().map_err(RedisError::config)?;
        let mut node = SentinelNodeConnectionInfo::default().set_redis_connection_info(first.redis_settings().clone());
        if matches!(first.addr(), redis::ConnectionAddr::TcpTls { .. }) {
            node = node.set_tls_mode(TlsMode::Secure);
        }
        let (urls, kind) = (urls.to_vec(), SentinelServerType::Master);
        let client = SentinelClient::build(urls, master, Some(node), kind).map_err(RedisError::config)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.deadline))
            .set_response_timeout(Some(self.deadline));
        let sentinel = Sentinel { client: tokio::sync::Mutex::new(client), config, master: Mutex::new(None) };
        let connecting: Answer<'_, _> = Box::pin(sentinel.connection());
        within(self.deadline, connecting).await?.map_err(RedisError::unreachable)?;
        Ok(self.store(Link::Sentinel(Box::new(sentinel))))
    }

    fn check(&self) -> Result<(), RedisError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_name = (1..=64).contains(&self.namespace.len()) && self.namespace.bytes().all(is_plain);
        if is_name { Ok(()) } else { Err(RedisError::Namespace) }
    }

    fn certificates(&self) -> Option<TlsCertificates> {
        self.ca.clone().map(|pem| TlsCertificates { client_tls: None, root_cert: Some(pem) })
    }

    fn store(self, link: Link) -> RedisStore {
        let Self { namespace, deadline, replicas, ca: _ } = self;
        let (swap, delete) = (Script::new(SWAP), Script::new(DELETE));
        RedisStore(Arc::new(Inner { link, prefix: format!("{namespace}:"), deadline, replicas, swap, delete }))
    }
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuilder").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Sets up a store.
    pub fn builder() -> RedisBuilder {
        RedisBuilder { namespace: "sekisho".to_owned(), deadline: Duration::from_secs(2), replicas: 0, ca: None }
    }

    /// Connects to one server with the defaults.
    ///
    /// # Errors
    /// [`RedisError`].
    pub async fn connect(url: &str) -> Result<Self, RedisError> {
        Self::builder().connect(url).await
    }

    /// The accounts that have a record, in the order of their ids. What is made or removed meanwhile may be among them or not. It takes a while: the
    /// deadline is that of each step.
    ///
    /// # Errors
    /// [`RedisError`]; [`RedisError::NotListed`] on a cluster.
    pub async fn accounts(&self) -> Result<Vec<AccountId>, RedisError> {
        if matches!(self.0.link, Link::Cluster(_)) {
            return Err(RedisError::NotListed);
        }
        let mut accounts = alloc::collections::BTreeSet::new();
        let mut cursor = 0_u64;
        loop {
            let scan = |_: bool| {
                let mut pipeline = redis::pipe();
                let scan = pipeline.cmd("SCAN").arg(cursor).arg("MATCH").arg(format!("{}*", self.0.prefix));
                scan.arg("COUNT").arg(1_000);
                pipeline
            };
            let ((next, keys),): ((u64, Vec<Vec<u8>>),) = self.run(scan).await?;
            for key in keys {
                let id = key.strip_prefix(self.0.prefix.as_bytes()).ok_or(RedisError::Damaged)?;
                accounts.insert(AccountId::new(id).map_err(|_| RedisError::Damaged)?);
            }
            cursor = next;
            if cursor == 0 {
                return Ok(accounts.into_iter().collect());
            }
        }
    }

    fn key(&self, account: &AccountId) -> Vec<u8> {
        [self.0.prefix.as_bytes(), account.as_bytes()].concat()
    }

    async fn change(&self, script: &Script, account: &AccountId, arguments: [&[u8]; 2]) -> Result<Swap, RedisError> {
        let (key, wanted) = (self.key(account), self.0.replicas);
        let [expected, new] = arguments;
        let build = |is_unknown: bool| {
            let mut pipeline = redis::pipe();
            let call = if is_unknown {
                pipeline.cmd("EVAL").arg(script.source)
            } else {
                pipeline.cmd("EVALSHA").arg(script.hash.as_str())
            };
            call.arg(1).arg(key.as_slice()).arg(expected).arg(new);
            if wanted > 0 {
                // On the same connection: it waits for what that has written.
                pipeline.cmd("WAIT").arg(wanted).arg(u64::try_from(self.0.deadline.as_millis()).unwrap_or(u64::MAX));
            }
            pipeline
        };
        let answers: Vec<u64> = self.run(build).await?;
        match answers.first() {
            Some(0) => Ok(Swap::Lost),
            Some(1) => match answers.get(1) {
                Some(acknowledged) if *acknowledged < u64::from(wanted) => {
                    Err(RedisError::Replicas { acknowledged: *acknowledged, wanted })
                }
                _ => Ok(Swap::Done),
            },
            _ => Err(RedisError::Damaged),
        }
    }

    /// Sends a pipeline until it is answered by something else than "not now", or the deadline has passed.
    async fn run<T: FromRedisValue>(&self, build: impl Fn(bool) -> Pipeline) -> Result<T, RedisError> {
        let (deadline, begun) = (self.0.deadline, Instant::now());
        within(deadline, async {
            let mut is_unknown = false;
            loop {
                let error = match self.0.link.query(&build(is_unknown)).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => error,
                };
                match error.kind() {
                    ErrorKind::Server(ServerErrorKind::NoScript) if !is_unknown => is_unknown = true,
                    // It has not been done: what is refused can be asked for again.
                    ErrorKind::Server(
                        ServerErrorKind::Moved
                        | ServerErrorKind::Ask
                        | ServerErrorKind::TryAgain
                        | ServerErrorKind::ClusterDown
                        | ServerErrorKind::MasterDown
                        | ServerErrorKind::BusyLoading
                        | ServerErrorKind::ReadOnly,
                    ) if begun.elapsed().saturating_add(PAUSE) < deadline => tokio::time::sleep(PAUSE).await,
                    ErrorKind::Server(_) | ErrorKind::Extension => {
                        return Err(RedisError::Refused(StoreError::new(error)));
                    }
                    _ => return Err(RedisError::unreachable(error)),
                }
            }
        })
        .await?
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = redis::RedisResult<T>> + Send + 'a>>;

impl Link {
    /// Boxed: the client's futures are nested so deeply that a caller's compiler would give up on them.
    fn query<'a, T: FromRedisValue + 'a>(&'a self, pipeline: &'a Pipeline) -> Answer<'a, T> {
        match self {
            Self::Single(connection) => {
                let mut connection = connection.clone();
                Box::pin(async move { pipeline.query_async(&mut connection).await })
            }
            Self::Cluster(connection) => {
                let mut connection = connection.clone();
                Box::pin(async move { pipeline.query_async(&mut connection).await })
            }
            Self::Sentinel(sentinel) => Box::pin(async move {
                let answer = pipeline.query_async(&mut sentinel.connection().await?).await;
                if answer.is_err() {
                    // Perhaps it is the master no more.
                    *lock(&sentinel.master) = None;
                }
                answer
            }),
        }
    }
}

impl Sentinel {
    async fn connection(&self) -> redis::RedisResult<MultiplexedConnection> {
        if let Some(connection) = lock(&self.master).clone() {
            return Ok(connection);
        }
        let mut client = self.client.lock().await;
        if let Some(connection) = lock(&self.master).clone() {
            return Ok(connection); // another one has found it meanwhile
        }
        let connection = client.get_async_connection_with_config(&self.config).await?;
        *lock(&self.master) = Some(connection.clone());
        Ok(connection)
    }
}

fn lock(master: &Mutex<Option<MultiplexedConnection>>) -> std::sync::MutexGuard<'_, Option<MultiplexedConnection>> {
    master.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn within<T>(deadline: Duration, future: impl Future<Output = T>) -> Result<T, RedisError> {
    tokio::time::timeout(deadline, future).await.map_err(|_| RedisError::TimedOut { deadline })
}

/// rustls asks for a provider of its primitives that a process has one of. Whoever has installed another keeps it.
fn provide_cryptography() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Store for RedisStore {
    type Error = RedisError;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, RedisError> {
        let key = self.key(account);
        let get = |_: bool| {
            let mut pipeline = redis::pipe();
            pipeline.cmd("GET").arg(key.as_slice());
            pipeline
        };
        let (value,): (Option<Vec<u8>>,) = self.run(get).await?;
        let Some(value) = value else { return Ok(None) };
        let (revision, envelope) = value.split_first_chunk::<REVISION>().ok_or(RedisError::Damaged)?;
        Ok(Some(Stored { revision: Revision::from_bytes(*revision), envelope: envelope.to_vec() }))
    }

    async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, RedisError> {
        let Stored { revision, envelope } = &write.new;
        let expected = write.expected.as_ref().map_or(&[][..], |expected| expected.as_bytes());
        let new = [revision.as_bytes(), envelope.as_slice()].concat();
        self.change(&self.0.swap, account, [expected, &new]).await
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, RedisError> {
        self.change(&self.0.delete, account, [expected.as_bytes(), &[]]).await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.0.prefix).finish_non_exhaustive()
    }
}

/// Why a call to a [`RedisStore`] failed.
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
    /// The accounts of a cluster are not listed.
    #[error("the accounts of a cluster are not listed: ask each of its nodes")]
    NotListed,
}

impl RedisError {
    fn config(error: redis::RedisError) -> Self {
        Self::Config(StoreError::new(error))
    }

    fn unreachable(error: redis::RedisError) -> Self {
        Self::Unreachable(StoreError::new(error))
    }
}
