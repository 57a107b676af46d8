//! The builder: where Redis is, and how long it is waited for.

use super::credentials::{RedisCredentials, Rotating};
use super::error::{NAME, failed};
use super::link::{Finder, Link};
use super::settings::Vouched;
use super::store::{DELETE, Inner, RedisStore, SWAP, Script, in_runtime, within};
use crate::store::authority;
use crate::store::contract::Store;
use crate::store::error::StoreError;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use core::{fmt, iter};
use redis::cluster::ClusterClientBuilder;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, TlsCertificates, TlsMode};
use rustls::crypto::CryptoProvider;
use tokio::sync::watch;
use zeroize::Zeroizing;

/// A connection is idle for so long before the operating system asks whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

impl RedisStore {
    /// Sets up a store.
    pub fn builder() -> RedisBuilder {
        RedisBuilder::new()
    }

    /// Connects to one server with the defaults.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::builder().connect(url).await
    }
}

/// Sets up a [`RedisStore`].
///
/// TLS (`rediss` URLs) needs a cryptography provider of rustls that the service has installed for
/// its process, for example by `rustls::crypto::ring::default_provider().install_default()`. This
/// library installs none; without one, connecting answers [`StoreError::Config`].
///
/// ```no_run
/// use sekisho::store::RedisStore;
/// use std::time::Duration;
///
/// # async fn connect() -> Result<(), sekisho::store::StoreError> {
/// let store = RedisStore::builder()
///     .namespace("exchange")
///     .deadline(Duration::from_secs(1))
///     .connect("rediss://redis.internal")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct RedisBuilder {
    namespace: String,
    deadline: Duration,
    replicas: u32,
    vouched: Vouched,
    credentials: Option<Rotating>,
    ca: Option<Vec<u8>>,
    /// User and password of the sentinels.
    sentinel: Option<(Option<String>, Zeroizing<String>)>,
    /// The certificate of this service, and its key.
    own: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
}

impl RedisBuilder {
    pub(super) fn new() -> Self {
        let namespace = "sekisho".to_owned();
        Self {
            namespace,
            deadline: Duration::from_secs(2),
            replicas: 0,
            vouched: Vouched::default(),
            credentials: None,
            ca: None,
            sentinel: None,
            own: None,
        }
    }

    /// Sets the text that the keys of this store begin with, before a colon: 1 to 64 ASCII letters,
    /// digits, hyphens and underscores. Default: `sekisho`.
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// Sets the longest time that a call takes. Default: two seconds.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how many replicas have to acknowledge a change before it counts (`WAIT`). Should fewer
    /// do within the deadline, its outcome is unknown. Changes wait for each other then, on a
    /// connection of their own. Default: none.
    pub const fn replicas(mut self, count: u32) -> Self {
        self.replicas = count;
        self
    }

    /// Accepts a server with `appendfsync everysec`: in a crash it loses the changes of up to a
    /// second. A code that was used in it can be used again, and a failure is forgotten.
    pub const fn losing_up_to_a_second(mut self) -> Self {
        self.vouched.loses_up_to_a_second = true;
        self
    }

    /// Says that the server keeps what it has answered, where its settings say otherwise or cannot
    /// be read: a managed service that writes to a log of its own, say. `why` is for whoever reads
    /// this call.
    pub fn durability_vouched_for(mut self, why: &str) -> Self {
        self.vouched.durability = Some(why.to_owned());
        self
    }

    /// Says that the server evicts no record, where its settings say otherwise or cannot be read.
    /// `why` is for whoever reads this call.
    pub fn eviction_vouched_for(mut self, why: &str) -> Self {
        self.vouched.eviction = Some(why.to_owned());
        self
    }

    /// Sets the certificate, in PEM, of the authority that certified the servers at `rediss` URLs.
    /// Default: the authorities that the operating system trusts.
    pub fn certificate_authority(mut self, pem: &[u8]) -> Self {
        self.ca = Some(pem.to_vec());
        self
    }

    /// Takes user and password from `credentials`, whatever the URL says. When the service sends
    /// others, the connections that there are take them at once, and new ones are made with them:
    /// passwords and tokens can be changed without a restart. Send them when the server knows the
    /// new ones, and before it forgets the old.
    ///
    /// Not with [`connect_sentinel`](Self::connect_sentinel), which answers [`StoreError::Config`].
    ///
    /// ```no_run
    /// use sekisho::store::{RedisCredentials, RedisStore};
    /// use tokio::sync::watch;
    ///
    /// # async fn connect(now: &str, next: &str) -> Result<(), sekisho::store::StoreError> {
    /// let (rotate, credentials) = watch::channel(RedisCredentials::new("exchange", now));
    /// let builder = RedisStore::builder().credentials(credentials);
    /// let store = builder.connect("rediss://redis.internal").await?;
    /// // Later, when the server knows the next password, and before it forgets this:
    /// rotate.send_replace(RedisCredentials::new("exchange", next));
    /// # Ok(())
    /// # }
    /// ```
    pub fn credentials(mut self, credentials: watch::Receiver<RedisCredentials>) -> Self {
        self.credentials = Some(Rotating(credentials));
        self
    }

    /// Sets the password of the sentinels, and their user. Default: none.
    pub fn sentinel_credentials(mut self, user: Option<&str>, password: &str) -> Self {
        self.sentinel = Some((user.map(ToOwned::to_owned), Zeroizing::new(password.to_owned())));
        self
    }

    /// Sets the certificate of this service and its key, in PEM, for servers that ask for one.
    /// Default: none.
    pub fn client_certificate(mut self, certificates: &[u8], key: &[u8]) -> Self {
        self.own = Some((certificates.to_vec(), Zeroizing::new(key.to_vec())));
        self
    }

    /// Connects to one server, by its URL: `redis://[user:password@]host[:port][/database]`, or
    /// `rediss` for TLS.
    ///
    /// The server has to be set up to keep records: `appendonly yes`, `appendfsync always`, and no
    /// `maxmemory-policy` of `allkeys-…` where `maxmemory` is set. The scripts of this store are
    /// tried on a key that no account has.
    ///
    /// # Errors
    /// [`StoreError`]: among others [`StoreError::Settings`] and [`StoreError::Denied`].
    pub async fn connect(self, url: &str) -> Result<RedisStore, StoreError> {
        let infos = self.check(&[url])?;
        let client = |info: ConnectionInfo| {
            let client = match self.certificates() {
                Some(certificates) => Client::build_with_tls(info, certificates),
                None => Client::open(info),
            };
            client.map(|client| Finder::Server(Box::new(client)))
        };
        self.connected(|| infos.first().cloned().map_or_else(no_url, client)).await
    }

    /// Connects to a cluster, by the URLs of some of its nodes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn connect_cluster(self, urls: &[&str]) -> Result<RedisStore, StoreError> {
        let infos = self.check(urls)?;
        let client = || {
            // A change that may have been made is not made again: the client would, to a script
            // whose answer was lost. While it looks for the nodes it lets nothing else through: a
            // silent one must not take all of a caller's time.
            let mut builder = ClusterClientBuilder::new(infos.iter().cloned())
                .retries(0)
                .connection_timeout(self.deadline.checked_div(4).unwrap_or_default())
                .response_timeout(self.deadline.checked_div(2).unwrap_or_default())
                .tcp_settings(self.tcp());
            if let Some(certificates) = self.certificates() {
                builder = builder.certs(certificates);
            }
            if let Some(credentials) = &self.credentials {
                builder = builder.set_credentials_provider(credentials.clone());
            }
            let (first, certificates) = (infos.first().cloned(), self.certificates());
            let node = move |host: String, port| node(first.as_ref(), certificates.as_ref(), host, port);
            Ok(Finder::Cluster(Box::new(builder.build()?), Arc::new(node)))
        };
        self.connected(client).await
    }

    /// Connects to the master of that name, wherever the sentinels at these URLs say it is. User,
    /// password and database of the first URL are those of the master, as is its scheme; for
    /// those of the sentinels see [`sentinel_credentials`](Self::sentinel_credentials).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn connect_sentinel(self, master: &str, urls: &[&str]) -> Result<RedisStore, StoreError> {
        let infos = self.check(urls)?;
        if self.credentials.is_some() {
            return Err(StoreError::config(NAME, NotWithSentinels));
        }
        self.connected(|| self.sentinels(master, &infos)).await
    }

    fn sentinels(&self, master: &str, infos: &[ConnectionInfo]) -> redis::RedisResult<Finder> {
        let addresses = infos.iter().map(|info| info.addr().clone());
        let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?
            .set_client_to_redis_tcp_settings(self.tcp());
        if let Some(first) = infos.first() {
            let settings = first.redis_settings();
            builder = builder.set_client_to_redis_db(settings.db());
            if let Some(user) = settings.username() {
                builder = builder.set_client_to_redis_username(user);
            }
            if let Some(password) = settings.password() {
                builder = builder.set_client_to_redis_password(password);
            }
            if is_tls(first) {
                builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
                if let Some(certificates) = self.certificates() {
                    builder = builder
                        .set_client_to_redis_certificates(certificates.clone())
                        .set_client_to_sentinel_certificates(certificates);
                }
            }
        }
        if let Some((user, password)) = &self.sentinel {
            builder = builder.set_client_to_sentinel_password(password.as_str());
            if let Some(user) = user {
                builder = builder.set_client_to_sentinel_username(user);
            }
        }
        builder.build().map(|client| Finder::Sentinels(Box::new(client)))
    }

    async fn connected(&self, finder: impl Fn() -> redis::RedisResult<Finder>) -> Result<RedisStore, StoreError> {
        in_runtime()?;
        let new = |beside| {
            let finder = finder().map_err(|error| StoreError::config(NAME, error))?;
            Ok::<_, StoreError>(Link::new(finder, self.credentials.clone(), self.deadline, beside))
        };
        let link = new(None)?;
        let waiting = if self.replicas > 0 { Some(new(Some(&link))?) } else { None };
        for link in iter::once(&link).chain(&waiting) {
            within(self.deadline, link.connection()).await?.map_err(failed)?;
        }
        let (swap, delete) = (Script::new(SWAP), Script::new(DELETE));
        let (prefix, deadline, replicas) = (format!("{}:", self.namespace), self.deadline, self.replicas);
        let vouched = self.vouched.clone();
        let store = RedisStore(Arc::new(Inner { link, waiting, prefix, deadline, replicas, vouched, swap, delete }));
        // A user who may do nothing is told so, and not of the settings.
        store.try_scripts().await?;
        store.ready().await?;
        Ok(store)
    }

    /// TCP settings that end a connection whose server has vanished.
    fn tcp(&self) -> TcpSettings {
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
        let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        let settings = settings.set_user_timeout(self.deadline);
        settings
    }

    /// Finds mistakes before anything is sent, and reads the URLs as the client takes them.
    fn check(&self, urls: &[&str]) -> Result<Vec<ConnectionInfo>, StoreError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_name = (1..=64).contains(&self.namespace.len()) && self.namespace.bytes().all(is_plain);
        if !is_name {
            return Err(StoreError::Name { rule: "a namespace is 1 to 64 letters, digits, hyphens and underscores" });
        }
        let infos = urls.iter().map(|url| Ok(url.into_connection_info()?.set_tcp_settings(self.tcp())));
        let infos: Vec<_> =
            infos.collect::<redis::RedisResult<_>>().map_err(|error| StoreError::config(NAME, error))?;
        let certificates = self.ca.iter().chain(self.own.iter().map(|(own, _)| own));
        for pem in certificates {
            authority::certificates(pem).map_err(|error| StoreError::config(NAME, error))?;
            // Certificates are of no use where nothing is encrypted: somebody believes it is.
            if !infos.iter().all(is_tls) {
                let why = "certificates are given, and the URL is not rediss";
                return Err(StoreError::config(
                    NAME,
                    redis::RedisError::from((redis::ErrorKind::InvalidClientConfig, why)),
                ));
            }
        }
        // The client takes whatever provider of TLS the process has installed. That choice is the
        // service's.
        if infos.iter().any(is_tls) && CryptoProvider::get_default().is_none() {
            return Err(StoreError::config(NAME, NoProvider));
        }
        Ok(infos)
    }

    fn certificates(&self) -> Option<TlsCertificates> {
        let own = self
            .own
            .as_ref()
            .map(|(certificates, key)| ClientTlsConfig { client_cert: certificates.clone(), client_key: key.to_vec() });
        let is_wanted = self.ca.is_some() || own.is_some();
        is_wanted.then(|| TlsCertificates { client_tls: own, root_cert: self.ca.clone() })
    }
}

/// Credentials that change do not work with sentinels: the client checks the master's role with the
/// URL's.
#[derive(Debug, thiserror::Error)]
#[error("credentials that change are not for sentinels: leave out `credentials`, and put them into the URL")]
struct NotWithSentinels;

/// TLS is asked for, and the process has no provider of it.
#[derive(Debug, thiserror::Error)]
#[error(
    "TLS takes a provider of its primitives: call `rustls::crypto::ring::default_provider().install_default()`, or that \
     of aws-lc-rs, once when the process starts"
)]
struct NoProvider;

fn is_tls(info: &ConnectionInfo) -> bool {
    matches!(info.addr(), ConnectionAddr::TcpTls { .. })
}

/// A node of a cluster, by itself.
fn node(
    first: Option<&ConnectionInfo>,
    certificates: Option<&TlsCertificates>,
    host: String,
    port: u16,
) -> redis::RedisResult<Client> {
    let Some(first) = first else { return Err((redis::ErrorKind::InvalidClientConfig, "no URL").into()) };
    let address = match first.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    let info = first.clone().set_addr(address);
    match certificates {
        Some(certificates) => Client::build_with_tls(info, certificates.clone()),
        None => Client::open(info),
    }
}

fn no_url() -> redis::RedisResult<Finder> {
    Err((redis::ErrorKind::InvalidClientConfig, "no URL").into())
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuilder").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}
