//! Records in PostgreSQL, or what speaks its protocol: one table.

use super::{Revision, Store, StoreError, Stored, Swap, Write, authority};
use crate::account::AccountId;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How many accounts are listed at a time.
const PAGE: i64 = 10_000;
/// Held while the table is made, so that processes that start together do not trip over each other: any number will do.
const MIGRATION_LOCK: i64 = 0x7365_6b69_7368_6f31;

/// Records in PostgreSQL (tested on 15), one row an account. Cheap to clone; clones share their connections.
///
/// A verification is two round trips, each a prepared statement that commits by itself: `SELECT` and `UPDATE … WHERE revision`. (Whoever
/// wants the change in a transaction of his own uses [`Keyring`](crate::seal::Keyring) and a table of his own.)
///
/// Every call ends within the deadline, and the server is told to give up by then as well. Whatever replicas there are, only the primary is
/// asked: connections that do not take writes are not used.
///
/// # What can be lost
/// Nothing that was answered, if the server keeps what it commits: `fsync` and `full_page_writes` on, as they are by default. Connections of this
/// store raise `synchronous_commit` from `off` or `local` to `on`. A failover to a replica loses what had not reached it, unless it
/// is synchronous (`synchronous_standby_names`).
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

struct Inner {
    pool: Pool,
    deadline: Duration,
    statements: Statements,
}

struct Statements {
    load: String,
    insert: String,
    update: String,
    delete: String,
    list: String,
    migration: String,
}

impl Statements {
    fn new(schema: &str, table: &str) -> Self {
        // Checked to be plain words.
        let (schema, table) = (format!("\"{schema}\""), format!("\"{table}\""));
        let at = format!("{schema}.{table}");
        Self {
            load: format!("SELECT revision, envelope FROM {at} WHERE account = $1"),
            insert: format!(
                "INSERT INTO {at} (account, revision, envelope) VALUES ($1, $2, $3) ON CONFLICT (account) DO NOTHING"
            ),
            update: format!("UPDATE {at} SET revision = $2, envelope = $3 WHERE account = $1 AND revision = $4"),
            delete: format!("DELETE FROM {at} WHERE account = $1 AND revision = $2"),
            list: format!("SELECT account FROM {at} WHERE account > $1 ORDER BY account LIMIT {PAGE}"),
            migration: include_str!("postgres.sql").replace("{schema}", &schema).replace("{table}", &table),
        }
    }
}

/// Sets up a [`PostgresStore`].
///
/// ```no_run
/// use sekisho::store::PostgresStore;
///
/// # async fn connect() -> Result<(), sekisho::store::PostgresError> {
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
    ca: Option<Vec<u8>>,
}

impl PostgresBuilder {
    /// The schema of the table: 1 to 63 lower-case ASCII letters, digits and underscores, no digit first. Default: `public`.
    pub fn schema(mut self, schema: &str) -> Self {
        schema.clone_into(&mut self.schema);
        self
    }

    /// The name of the table, likewise. Default: `sekisho`.
    pub fn table(mut self, table: &str) -> Self {
        table.clone_into(&mut self.table);
        self
    }

    /// How long a call takes at the most, the wait for a connection included. Default: two seconds.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How many connections are open at the most, one at least. Default: 16.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// The certificate, in PEM, of the authority that the server is certified by. Default: those that the operating system trusts.
    pub fn certificate_authority(mut self, pem: &[u8]) -> Self {
        self.ca = Some(pem.to_vec());
        self
    }

    /// The statements that make the table, for those who keep their migrations elsewhere. What
    /// [`create_table`](PostgresStore::create_table) runs.
    ///
    /// # Errors
    /// [`PostgresError::Name`].
    pub fn migration(&self) -> Result<String, PostgresError> {
        self.check()?;
        Ok(Statements::new(&self.schema, &self.table).migration)
    }

    /// Connections by URL, made when they are needed: `postgres://user:password@host/database?sslmode=require`, or what else libpq takes. TLS is
    /// used where the server offers it, and insisted upon with `sslmode=require`; certificates are checked in either case.
    ///
    /// # Errors
    /// [`PostgresError::Name`]; [`PostgresError::Config`].
    pub fn connect(self, url: &str) -> Result<PostgresStore, PostgresError> {
        self.check()?;
        let mut config: tokio_postgres::Config = url.parse().map_err(PostgresError::config)?;
        config.target_session_attrs(TargetSessionAttrs::ReadWrite).connect_timeout(self.deadline);
        config.tcp_user_timeout(self.deadline.saturating_mul(2)).keepalives_idle(Duration::from_secs(30));
        let recycling_method = RecyclingMethod::Fast;
        let tls = MakeRustlsConnect::new(self.tls()?);
        let manager = Manager::from_config(config, tls, ManagerConfig { recycling_method });
        let millis = self.deadline.as_millis().clamp(1, i32::MAX.unsigned_abs().into());
        let settings = format!(
            "SET statement_timeout = {millis}; SELECT set_config('synchronous_commit', 'on', false) \
             WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        );
        let pool = Pool::builder(manager)
            .max_size(self.connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(self.deadline))
            .create_timeout(Some(self.deadline))
            .post_create(Hook::async_fn(move |client, _| {
                let settings = settings.clone();
                alloc::boxed::Box::pin(async move { client.batch_execute(&settings).await.map_err(HookError::Backend) })
            }));
        let pool = pool.build().map_err(PostgresError::config)?;
        Ok(self.store(pool))
    }

    /// Works in a pool that the service has: its size, its TLS and its settings are used. See to it that `synchronous_commit` is on, that
    /// `statement_timeout` is set, and that it leads to the primary only.
    ///
    /// # Errors
    /// [`PostgresError::Name`].
    pub fn with_pool(self, pool: Pool) -> Result<PostgresStore, PostgresError> {
        self.check()?;
        Ok(self.store(pool))
    }

    fn store(self, pool: Pool) -> PostgresStore {
        let statements = Statements::new(&self.schema, &self.table);
        PostgresStore(Arc::new(Inner { pool, deadline: self.deadline, statements }))
    }

    fn check(&self) -> Result<(), PostgresError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let is_name = |name: &str| {
            (1..=63).contains(&name.len())
                && !name.starts_with(|c: char| c.is_ascii_digit())
                && name.bytes().all(is_plain)
        };
        if is_name(&self.schema) && is_name(&self.table) { Ok(()) } else { Err(PostgresError::Name) }
    }

    fn tls(&self) -> Result<ClientConfig, PostgresError> {
        let mut roots = RootCertStore::empty();
        match &self.ca {
            Some(pem) => {
                for certificate in authority::certificates(pem).map_err(PostgresError::config)? {
                    roots.add(certificate).map_err(PostgresError::config)?;
                }
            }
            None => {
                let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        Ok(versions.map_err(PostgresError::config)?.with_root_certificates(roots).with_no_client_auth())
    }
}

impl fmt::Debug for PostgresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBuilder")
            .field("schema", &self.schema)
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Sets up a store.
    pub fn builder() -> PostgresBuilder {
        PostgresBuilder {
            schema: "public".to_owned(),
            table: "sekisho".to_owned(),
            deadline: Duration::from_secs(2),
            connections: 16,
            ca: None,
        }
    }

    /// Connects with the defaults.
    ///
    /// # Errors
    /// [`PostgresError::Config`].
    pub fn connect(url: &str) -> Result<Self, PostgresError> {
        Self::builder().connect(url)
    }

    /// Makes the table if it is not there. Several processes may do so at once.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub async fn create_table(&self) -> Result<(), PostgresError> {
        let migration = &self.0.statements.migration;
        let all = format!("BEGIN; SELECT pg_advisory_xact_lock({MIGRATION_LOCK}); {migration} COMMIT");
        let done = self.with_client(async |client: &Object| {
            let done = client.batch_execute(&all).await;
            if done.is_err() {
                let _ = client.batch_execute("ROLLBACK").await;
            }
            done
        });
        done.await
    }

    /// The accounts that have a record, in the order of their ids. What is made or removed meanwhile may be among them or not. The deadline is that of
    /// each ten thousand.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub async fn accounts(&self) -> Result<Vec<AccountId>, PostgresError> {
        let (mut accounts, mut last) = (Vec::new(), Vec::new());
        loop {
            let rows = self.with_client(async |client: &Object| {
                let statement = client.prepare_cached(&self.0.statements.list).await?;
                client.query(&statement, &[&last]).await
            });
            let rows = rows.await?;
            for row in &rows {
                last = row.try_get(0).map_err(|_| PostgresError::Damaged)?;
                accounts.push(AccountId::new(&last).map_err(|_| PostgresError::Damaged)?);
            }
            if i64::try_from(rows.len()).is_ok_and(|rows| rows < PAGE) {
                return Ok(accounts);
            }
        }
    }

    /// Whether a statement that changes a row if it is as expected has changed one.
    async fn change(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Swap, PostgresError> {
        let changed = self.with_client(async |client: &Object| {
            let statement = client.prepare_cached(sql).await?;
            client.execute(&statement, parameters).await
        });
        match changed.await {
            // A conflict: another one was first, and nothing of this has happened. So it is said where isolation is stricter than by default.
            Ok(0) | Err(PostgresError::Conflict) => Ok(Swap::Lost),
            Ok(_) => Ok(Swap::Done),
            Err(error) => Err(error),
        }
    }

    /// Runs a query on a connection of the pool, within the deadline. A connection that has not answered by then is given up.
    async fn with_client<T>(
        &self,
        query: impl AsyncFnOnce(&Object) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, PostgresError> {
        let Inner { pool, deadline, .. } = &*self.0;
        let (end, timed_out) = (Instant::now().checked_add(*deadline), PostgresError::TimedOut { deadline: *deadline });
        let end = end.ok_or(PostgresError::TimedOut { deadline: *deadline })?;
        let client = match timeout_at(end, pool.get()).await {
            Ok(client) => client.map_err(|error| PostgresError::pool(error, *deadline))?,
            Err(_) => return Err(timed_out),
        };
        if let Ok(answer) = timeout_at(end, query(&client)).await {
            return answer.map_err(PostgresError::query);
        }
        drop(Object::take(client));
        Err(timed_out)
    }
}

impl Store for PostgresStore {
    type Error = PostgresError;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, PostgresError> {
        let row = self.with_client(async |client: &Object| {
            let load = client.prepare_cached(&self.0.statements.load).await?;
            client.query_opt(&load, &[&account.as_bytes()]).await
        });
        let Some(row) = row.await? else { return Ok(None) };
        let revision: &[u8] = row.try_get(0).map_err(|_| PostgresError::Damaged)?;
        let revision = Revision::from_bytes(revision.try_into().map_err(|_| PostgresError::Damaged)?);
        Ok(Some(Stored { revision, envelope: row.try_get(1).map_err(|_| PostgresError::Damaged)? }))
    }

    async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, PostgresError> {
        let Stored { revision, envelope } = &write.new;
        let (account, revision) = (account.as_bytes(), revision.as_bytes().as_slice());
        let statements = &self.0.statements;
        match &write.expected {
            None => self.change(&statements.insert, &[&account, &revision, envelope]).await,
            Some(expected) => {
                let expected = expected.as_bytes().as_slice();
                self.change(&statements.update, &[&account, &revision, envelope, &expected]).await
            }
        }
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, PostgresError> {
        let (account, expected) = (account.as_bytes(), expected.as_bytes().as_slice());
        self.change(&self.0.statements.delete, &[&account, &expected]).await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("load", &self.0.statements.load).finish_non_exhaustive()
    }
}

/// Why a call to a [`PostgresStore`] failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// A schema or a table that is none.
    #[error(
        "a schema or a table has 1 to 63 lower-case letters, digits and underscores, no digit first: choose another name"
    )]
    Name,
    /// The URL, or a certificate, cannot be used.
    #[error("PostgreSQL cannot be connected to like that: correct the URL or the certificate")]
    Config(#[source] StoreError),
    /// The server is not there, or the connection was lost.
    #[error("PostgreSQL cannot be reached: see to the server and the network")]
    Unreachable(#[source] StoreError),
    /// No answer in time.
    #[error("PostgreSQL has not answered within {deadline:?}: see to its load, or allow more connections or time")]
    TimedOut {
        /// How long that was.
        deadline: Duration,
    },
    /// The table is not there.
    #[error("the table is not there: run `create_table`, or the migration")]
    NoTable(#[source] StoreError),
    /// The server refuses: it is read-only, full, starting, or asks for another password.
    #[error("PostgreSQL refuses: see its own error")]
    Refused(#[source] StoreError),
    /// Others changed the same row at the same time, and nothing of this has happened.
    #[error("others changed the row at the same time: try again")]
    Conflict,
    /// What a row holds was not written by this store.
    #[error("a row holds what is no record: is the table used by something else?")]
    Damaged,
}

impl PostgresError {
    fn config(error: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self::Config(StoreError::new(error))
    }

    fn query(error: tokio_postgres::Error) -> Self {
        let Some(code) = error.code() else { return Self::Unreachable(StoreError::new(error)) };
        match *code {
            SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Self::Conflict,
            SqlState::UNDEFINED_TABLE | SqlState::INVALID_SCHEMA_NAME => Self::NoTable(StoreError::new(error)),
            SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => {
                Self::Unreachable(StoreError::new(error))
            }
            _ => Self::Refused(StoreError::new(error)),
        }
    }

    fn pool(error: PoolError, deadline: Duration) -> Self {
        match error {
            PoolError::Timeout(TimeoutType::Wait | TimeoutType::Create | TimeoutType::Recycle) => {
                Self::TimedOut { deadline }
            }
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => Self::query(error),
            other => Self::Unreachable(StoreError::new(other)),
        }
    }
}
