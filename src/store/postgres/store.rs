//! The store.

use super::error::{NAME, damaged, pool_error, query_error};
use crate::account::AccountId;
use crate::seal::{Revision, Stored, Write};
use crate::store::contract::{Store, Swap};
use crate::store::error::StoreError;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use deadpool_postgres::{Object, Pool, PoolError};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

/// The number of accounts that are listed at a time.
pub(super) const PAGE: i64 = 10_000;
/// Held while the table is made, so that processes that start together do not trip over each other:
/// any number will do.
pub(super) const MIGRATION_LOCK: i64 = 0x7365_6b69_7368_6f31;

/// Records in PostgreSQL (tested on 15), one row an account. Cheap to clone; clones share their
/// connections.
///
/// A verification is two round trips, each a prepared statement that commits by itself: `SELECT`
/// and `UPDATE … WHERE revision`. (Whoever wants the change in a transaction of his own uses
/// [`Keyring`](crate::seal::Keyring) and a table of his own.)
///
/// Every call ends within the deadline, and the server is told to give up a statement after as long
/// (`statement_timeout`, which does not end the wait of a commit for a synchronous replica).
/// Whatever replicas there are, only the primary is asked: connections that do not take writes are
/// not used. A connection that was lost, or has not answered, is replaced by another.
///
/// Through `PgBouncer` use its session mode: settings and prepared statements belong to a session.
///
/// # What can be lost
/// Nothing that was answered, if the server keeps what it commits: `fsync` and `full_page_writes`
/// on, as they are by default. Connections of this store raise `synchronous_commit` from `off` or
/// `local` to `on`. A failover to a replica loses what had not reached it, unless it is synchronous
/// (`synchronous_standby_names`).
///
/// It works within a tokio runtime, with its timers and I/O enabled.
#[derive(Clone)]
pub struct PostgresStore(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) pool: Pool,
    pub(super) deadline: Duration,
    pub(super) statements: Statements,
}

pub(super) struct Statements {
    pub(super) load: String,
    pub(super) insert: String,
    pub(super) update: String,
    pub(super) delete: String,
    pub(super) list: String,
    pub(super) migration: String,
}

impl Statements {
    pub(super) fn new(schema: &str, table: &str) -> Self {
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
            migration: include_str!("table.sql").replace("{schema}", &schema).replace("{table}", &table),
        }
    }
}

impl PostgresStore {
    /// Makes the table if it is not there. Several processes may do so at once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_table(&self) -> Result<(), StoreError> {
        let migration = &self.0.statements.migration;
        // One message is one transaction.
        let all = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK}); {migration}");
        self.with_client(async |client: &Object| client.batch_execute(&all).await).await
    }

    /// The accounts that have a record, in the order of their ids. What is made or removed
    /// meanwhile may be among them or not. The deadline is that of each ten thousand.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn accounts(&self) -> Result<Vec<AccountId>, StoreError> {
        let (mut accounts, mut last) = (Vec::new(), Vec::new());
        loop {
            let rows = self.with_client(async |client: &Object| {
                let statement = client.prepare_cached(&self.0.statements.list).await?;
                client.query(&statement, &[&last]).await
            });
            let rows = rows.await?;
            for row in &rows {
                last = row.try_get(0).map_err(|_| damaged())?;
                accounts.push(AccountId::new(&last).map_err(|_| damaged())?);
            }
            if i64::try_from(rows.len()).is_ok_and(|rows| rows < PAGE) {
                return Ok(accounts);
            }
        }
    }

    /// Runs a statement that changes a row if it is as expected, and says whether it has.
    async fn change(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Swap, StoreError> {
        let changed = self.with_client(async |client: &Object| {
            let statement = client.prepare_cached(sql).await?;
            client.execute(&statement, parameters).await
        });
        match changed.await {
            // A conflict: another one was first, and nothing of this has happened. So it is said where isolation is
            // stricter than by default.
            Ok(0) | Err(StoreError::Conflict) => Ok(Swap::Lost),
            Ok(_) => Ok(Swap::Done),
            Err(error) => Err(error),
        }
    }

    /// Runs a query on a connection of the pool, within the deadline.
    async fn with_client<T>(
        &self,
        query: impl AsyncFnOnce(&Object) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, StoreError> {
        // Tasks and timers need one: without it they would panic.
        Handle::try_current().map_err(|_| StoreError::NoRuntime { store: NAME })?;
        let deadline = self.0.deadline;
        let late = || StoreError::TimedOut { store: NAME, deadline };
        let end = Instant::now().checked_add(deadline).ok_or_else(late)?;
        let client = timeout_at(end, self.client()).await.map_err(|_| late())??;
        let mut busy =
            Busy { client: Some(client), since: Instant::now(), patience: deadline.checked_div(4).unwrap_or(deadline) };
        let Some(client) = &busy.client else { return Err(late()) };
        let answer = timeout_at(end, query(client)).await.map_err(|_| late())?;
        busy.answered(&answer);
        answer.map_err(|error| query_error(error, deadline))
    }

    /// A connection. One that has to be made is made by a task of its own: whoever waits for it may
    /// have less time than that takes.
    async fn client(&self) -> Result<Object, StoreError> {
        let (pool, deadline) = (&self.0.pool, self.0.deadline);
        let client = if pool.status().available > 0 {
            pool.get().await
        } else {
            let pool = pool.clone();
            match tokio::spawn(async move { pool.get().await }).await {
                Ok(client) => client,
                Err(_) => Err(PoolError::Closed), // its runtime has ended
            }
        };
        client.map_err(|error| pool_error(error, deadline))
    }
}

/// A connection that is asked something.
pub(super) struct Busy {
    client: Option<Object>,
    since: Instant,
    patience: Duration,
}

impl Busy {
    /// The connection goes back to the pool, unless it leads to a server that takes no writes any
    /// more.
    fn answered<T>(&mut self, answer: &Result<T, tokio_postgres::Error>) {
        let client = self.client.take();
        let code = answer.as_ref().err().and_then(tokio_postgres::Error::code);
        if code == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
            drop(client.map(Object::take));
        }
    }
}

impl Drop for Busy {
    /// Not answered, whether its time was over or the caller has gone: if that was not at once, it
    /// may never be, and the connection is given up.
    fn drop(&mut self) {
        if self.since.elapsed() > self.patience {
            drop(self.client.take().map(Object::take));
        }
    }
}

impl Store for PostgresStore {
    type Error = StoreError;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, StoreError> {
        let row = self.with_client(async |client: &Object| {
            let load = client.prepare_cached(&self.0.statements.load).await?;
            client.query_opt(&load, &[&account.as_bytes()]).await
        });
        let Some(row) = row.await? else { return Ok(None) };
        let revision: &[u8] = row.try_get(0).map_err(|_| damaged())?;
        let revision = Revision::from_bytes(revision.try_into().map_err(|_| damaged())?);
        Ok(Some(Stored { revision, envelope: row.try_get(1).map_err(|_| damaged())? }))
    }

    async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, StoreError> {
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

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, StoreError> {
        let (account, expected) = (account.as_bytes(), expected.as_bytes().as_slice());
        self.change(&self.0.statements.delete, &[&account, &expected]).await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("load", &self.0.statements.load).finish_non_exhaustive()
    }
}
