//! Where Redis is, and how long it is waited for.

use super::link::{Finder, Link};
use super::{DELETE, Inner, RedisError, RedisStore, SWAP, Script};
use crate::store::{StoreError, authority};
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use redis::cluster::ClusterClientBuilder;
use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{Client, ConnectionAddr, IntoConnectionInfo, TlsCertificates, TlsMode};

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
    /// User and password of the sentinels.
    sentinel: Option<(Option<String>, String)>,
}

impl RedisBuilder {
    pub(super) fn new() -> Self {
        let namespace = "sekisho".to_owned();
        Self { namespace, deadline: Duration::from_secs(2), replicas: 0, ca: None, sentinel: None }
    }

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

    /// The password of the sentinels, and their user. Default: none.
    pub fn sentinel_credentials(mut self, user: Option<&str>, password: &str) -> Self {
        self.sentinel = Some((user.map(ToOwned::to_owned), password.to_owned()));
        self
    }

    /// Connects to one server, by its URL: `redis://[user:password@]host[:port][/database]`, or `rediss` for TLS. The name is looked up
    /// anew whenever the connection is lost, or leads to a server that is read-only.
    ///
    /// # Errors
    /// [`RedisError`].
    pub async fn connect(self, url: &str) -> Result<RedisStore, RedisError> {
        self.check()?;
        let info = url.into_connection_info().map_err(RedisError::config)?.set_tcp_settings(self.tcp());
        let client = match self.certificates()? {
            Some(certificates) => Client::build_with_tls(info, certificates),
            None => Client::open(info),
        };
        let client = client.map_err(RedisError::config)?;
        self.connected(Finder::Server(Box::new(client))).await
    }

    /// Connects to a cluster, by the URLs of some of its nodes.
    ///
    /// # Errors
    /// [`RedisError`].
    pub async fn connect_cluster(self, urls: &[&str]) -> Result<RedisStore, RedisError> {
        self.check()?;
        // What may have been done is not done again: the client would, to a script whose answer was lost.
        let mut builder = ClusterClientBuilder::new(urls.iter().copied())
            .retries(0)
            .connection_timeout(self.deadline)
            .response_timeout(self.deadline)
            .tcp_settings(self.tcp());
        if let Some(certificates) = self.certificates()? {
            builder = builder.certs(certificates);
        }
        let client = builder.build().map_err(RedisError::config)?;
        let connection = within(self.deadline, Box::pin(client.get_async_connection())).await?;
        Ok(self.store(Link::Cluster(connection.map_err(RedisError::unreachable)?)))
    }

    /// Connects to the master of that name, wherever the sentinels at these URLs say it is. User, password and database of the first URL
    /// are those of the master, as is its scheme; for those of the sentinels see
    /// [`sentinel_credentials`](Self::sentinel_credentials).
    ///
    /// # Errors
    /// [`RedisError`].
    pub async fn connect_sentinel(self, master: &str, urls: &[&str]) -> Result<RedisStore, RedisError> {
        self.check()?;
        let infos: Result<Vec<_>, _> = urls.iter().map(|url| url.into_connection_info()).collect();
        let infos = infos.map_err(RedisError::config)?;
        let addresses = infos.iter().map(|info| info.addr().clone());
        let builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master);
        let mut builder = builder.map_err(RedisError::config)?.set_client_to_redis_tcp_settings(self.tcp());
        if let Some(first) = infos.first() {
            let settings = first.redis_settings();
            builder = builder.set_client_to_redis_db(settings.db());
            if let Some(user) = settings.username() {
                builder = builder.set_client_to_redis_username(user);
            }
            if let Some(password) = settings.password() {
                builder = builder.set_client_to_redis_password(password);
            }
            if matches!(first.addr(), ConnectionAddr::TcpTls { .. }) {
                builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
                if let Some(certificates) = self.certificates()? {
                    builder = builder
                        .set_client_to_redis_certificates(certificates.clone())
                        .set_client_to_sentinel_certificates(certificates);
                }
            }
        }
        if let Some((user, password)) = &self.sentinel {
            builder = builder.set_client_to_sentinel_password(password);
            if let Some(user) = user {
                builder = builder.set_client_to_sentinel_username(user);
            }
        }
        let client = builder.build().map_err(RedisError::config)?;
        self.connected(Finder::Sentinels(Box::new(client))).await
    }

    async fn connected(self, finder: Finder) -> Result<RedisStore, RedisError> {
        let (link, deadline) = (Link::master(finder, self.deadline), self.deadline);
        within(deadline, link.connect()).await?.map_err(RedisError::unreachable)?;
        Ok(self.store(link))
    }

    /// A connection whose other end is gone without a word ends as well.
    fn tcp(&self) -> TcpSettings {
        let settings = TcpSettings::default().set_nodelay(true);
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        let settings = settings.set_user_timeout(self.deadline);
        settings
    }

    fn check(&self) -> Result<(), RedisError> {
        provide_cryptography();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_name = (1..=64).contains(&self.namespace.len()) && self.namespace.bytes().all(is_plain);
        if is_name { Ok(()) } else { Err(RedisError::Namespace) }
    }

    fn certificates(&self) -> Result<Option<TlsCertificates>, RedisError> {
        if let Some(pem) = &self.ca {
            authority::certificates(pem).map_err(|error| RedisError::Config(StoreError::new(error)))?;
        }
        Ok(self.ca.clone().map(|pem| TlsCertificates { client_tls: None, root_cert: Some(pem) }))
    }

    fn store(self, link: Link) -> RedisStore {
        let Self { namespace, deadline, replicas, .. } = self;
        let (swap, delete) = (Script::new(SWAP), Script::new(DELETE));
        RedisStore(Arc::new(Inner { link, prefix: format!("{namespace}:"), deadline, replicas, swap, delete }))
    }
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuilder").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

async fn within<T>(deadline: Duration, future: impl Future<Output = T>) -> Result<T, RedisError> {
    tokio::time::timeout(deadline, future).await.map_err(|_| RedisError::TimedOut { deadline })
}

/// rustls asks for a provider of its primitives that a process has one of. Whoever has installed another keeps it.
fn provide_cryptography() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
