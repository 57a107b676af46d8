//! The builder: where PostgreSQL is, and how long it is waited for.

use super::connect::Hosts;
use super::error::config_error;
use super::store::{Inner, PostgresStore, Statements};
use crate::store::authority;
use crate::store::error::StoreError;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;
use zeroize::Zeroizing;

/// Connecting may take so long: callers may come and go meanwhile.
const CONNECTING: Duration = Duration::from_secs(5);
/// A connection is idle for so long before the operating system asks whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

impl PostgresStore {
    /// Sets up a store.
    pub fn builder() -> PostgresBuilder {
        PostgresBuilder::new()
    }

    /// Connects with the defaults.
    ///
    /// # Errors
    /// [`StoreError::Config`].
    pub fn connect(url: &str) -> Result<Self, StoreError> {
        Self::builder().connect(url)
    }
}

/// Sets up a [`PostgresStore`].
///
/// ```no_run
/// use sekisho::store::PostgresStore;
///
/// # async fn connect() -> Result<(), sekisho::store::StoreError> {
/// let store = PostgresStore::builder()
///     .table("second_factors")
///     .connections(32)
///     .connect("postgres://exchange@db.internal/exchange?sslmode=require")?;
/// store.create_table().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct PostgresBuilder {
    schema: String,
    table: String,
    deadline: Duration,
    connections: usize,
    is_unnamed: bool,
    ca: Option<Vec<u8>>,
    /// The certificate of this service, and its key.
    own: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
}

impl PostgresBuilder {
    pub(super) fn new() -> Self {
        let (schema, table) = ("public".to_owned(), "sekisho".to_owned());
        Self {
            schema,
            table,
            deadline: Duration::from_secs(2),
            connections: 16,
            is_unnamed: false,
            ca: None,
            own: None,
        }
    }

    /// The schema of the table: 1 to 63 lower-case ASCII letters, digits and underscores, no digit
    /// first. Default: `public`.
    pub fn schema(mut self, schema: &str) -> Self {
        schema.clone_into(&mut self.schema);
        self
    }

    /// The name of the table, likewise. Default: `sekisho`.
    pub fn table(mut self, table: &str) -> Self {
        table.clone_into(&mut self.table);
        self
    }

    /// Sets the longest time that a call takes, the wait for a connection included. Default: two
    /// seconds.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the most connections that are used, one at least. Default: 16. One that was given up
    /// may live on at a server that is stuck, for as long as it is: limit them there too
    /// (`ALTER ROLE … CONNECTION LIMIT`).
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Prepares nothing: every statement is sent whole, still in one round trip. For poolers in
    /// transaction mode, behind which prepared statements get mixed up. The server parses and plans
    /// each statement again, which costs it a quarter to a half of its throughput. Default:
    /// statements are prepared once a connection.
    pub const fn unnamed_statements(mut self) -> Self {
        self.is_unnamed = true;
        self
    }

    /// The certificate, in PEM, of the authority that the server is certified by. Default: those
    /// that the operating system trusts.
    pub fn certificate_authority(mut self, pem: &[u8]) -> Self {
        self.ca = Some(pem.to_vec());
        self
    }

    /// The statements that make the table, for those who keep their migrations elsewhere. What
    /// [`create_table`](PostgresStore::create_table) runs.
    ///
    /// # Errors
    /// [`StoreError::Name`].
    pub fn migration(&self) -> Result<String, StoreError> {
        self.check()?;
        Ok(Statements::new(&self.schema, &self.table).migration)
    }

    /// A certificate of this service and its key, in PEM, for servers that ask for one. Default:
    /// none.
    pub fn client_certificate(mut self, certificates: &[u8], key: &[u8]) -> Self {
        self.own = Some((certificates.to_vec(), Zeroizing::new(key.to_vec())));
        self
    }

    /// Connections by URL, made when they are needed:
    /// `postgres://user:password@host/database?sslmode=require`, and what else
    /// [`tokio_postgres::Config`] takes. Of several hosts the first is used that answers and takes
    /// writes; each is given its share of five seconds, or of the deadline if that is longer.
    ///
    /// `sslrootcert=FILE` names a file of authorities, in PEM, where
    /// [`certificate_authority`](Self::certificate_authority) has given none; `system` stands for
    /// those that the operating system trusts. A parameter that is not understood is named in
    /// the error.
    ///
    /// TLS is insisted upon with `sslmode=require`, and where an authority (`system` too) or a client
    /// certificate is given. By default (`prefer`) it is used if the server offers it, which whoever sits
    /// between can prevent. Certificates and names are always checked, so that `verify-full` and
    /// `verify-ca` mean the same here as `require`.
    ///
    /// # Errors
    /// [`StoreError::Name`]; [`StoreError::Config`].
    pub fn connect(mut self, url: &str) -> Result<PostgresStore, StoreError> {
        self.check()?;
        let (url, root, insists) = without_ssl_root_cert(url);
        if let Some(root) = root.filter(|_| self.ca.is_none()) {
            self.ca = Some(std::fs::read(root).map_err(config_error)?);
        }
        let url = url.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
        let mut config: tokio_postgres::Config = url.parse().map_err(config_error)?;
        if insists || self.ca.is_some() || self.own.is_some() {
            config.ssl_mode(SslMode::Require);
        }
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.tcp_user_timeout(self.deadline).keepalives_idle(KEEPALIVE);
        // Connecting may take so long, whatever its callers' deadlines.
        let time = self.deadline.max(CONNECTING);
        let tls = MakeRustlsConnect::new(self.tls()?);
        let hosts = Hosts { tls: tls.clone(), time };
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(config, hosts, manager_config);
        let pool = Pool::builder(manager)
            .max_size(self.connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(self.deadline))
            .create_timeout(Some(time));
        let pool = pool.build().map_err(config_error)?;
        Ok(self.store(pool, Some(tls)))
    }

    /// Works in a pool that the service has: its size, its TLS and its settings are used. See to it
    /// that it leads to the primary only, and that getting a connection ends (`create_timeout`).
    /// Requests to cancel a statement are sent without TLS: where the server takes TLS only, set
    /// `statement_timeout`.
    ///
    /// # Errors
    /// [`StoreError::Name`].
    pub fn with_pool(self, pool: Pool) -> Result<PostgresStore, StoreError> {
        self.check()?;
        Ok(self.store(pool, None))
    }

    fn store(self, pool: Pool, tls: Option<MakeRustlsConnect>) -> PostgresStore {
        let statements = Statements::new(&self.schema, &self.table);
        PostgresStore(Arc::new(Inner { pool, tls, is_unnamed: self.is_unnamed, deadline: self.deadline, statements }))
    }

    fn check(&self) -> Result<(), StoreError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let is_name = |name: &str| {
            (1..=63).contains(&name.len())
                && !name.starts_with(|c: char| c.is_ascii_digit())
                && name.bytes().all(is_plain)
        };
        if is_name(&self.schema) && is_name(&self.table) { Ok(()) } else { Err(StoreError::Name { rule: RULE }) }
    }

    fn tls(&self) -> Result<ClientConfig, StoreError> {
        let mut roots = RootCertStore::empty();
        match &self.ca {
            Some(pem) => {
                for certificate in authority::certificates(pem).map_err(config_error)? {
                    roots.add(certificate).map_err(config_error)?;
                }
            }
            None => {
                let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        // The process's own provider, if it has installed one.
        let provider = CryptoProvider::get_default().cloned();
        let provider = provider.unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()));
        let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = versions.map_err(config_error)?.with_root_certificates(roots);
        let Some((own, key)) = &self.own else { return Ok(config.with_no_client_auth()) };
        let own = authority::certificates(own).map_err(config_error)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(config_error)?;
        config.with_client_auth_cert(own, key).map_err(config_error)
    }
}

/// A URL without its parameter `sslrootcert`, which the client does not know, the file that it
/// names, and whether it has one: then TLS is insisted upon.
fn without_ssl_root_cert(url: &str) -> (String, Option<String>, bool) {
    const NAME: &str = "sslrootcert=";
    let Some((address, parameters)) = url.split_once('?') else { return (url.to_owned(), None, false) };
    let (own, others): (Vec<_>, Vec<_>) = parameters.split('&').partition(|parameter| parameter.starts_with(NAME));
    let file = own.first().and_then(|own| own.strip_prefix(NAME)).filter(|file| *file != "system");
    let file = file.map(|file| percent_encoding::percent_decode_str(file).decode_utf8_lossy().into_owned());
    let others = others.join("&");
    (if others.is_empty() { address.to_owned() } else { format!("{address}?{others}") }, file, !own.is_empty())
}

/// The rule for names of schemas and tables.
const RULE: &str = "a schema or a table has 1 to 63 lower-case letters, digits and underscores, no digit first";

impl fmt::Debug for PostgresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBuilder")
            .field("schema", &self.schema)
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
