//! The store.

use super::error::{NAME, damaged, misdirected, pool_error, query_error};
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
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The reason why a server that answers before it has written is not ready.
const LOSES: &str = "`fsync off` loses what was committed in a crash: set it to `on`";
/// The number of accounts that are listed at a time.
pub(super) const PAGE: i64 = 10_000;
/// A request to cancel a statement may take this long.
const CANCELING: Duration = Duration::from_secs(2);
/// Held while the table is made, so that processes that start together do not trip over each other:
/// any number will do.
pub(super) const MIGRATION_LOCK: i64 = 0x7365_6b69_7368_6f31;

/// Records in PostgreSQL (tested on 15), one row an account. Cheap to clone; clones share their
/// connections.
///
/// A verification is two round trips, each a statement that commits by itself: `SELECT` and
/// `UPDATE … WHERE revision`. (Whoever wants the change in a transaction of his own uses
/// [`Keyring`](crate::seal::Keyring) and a table of his own.)
///
/// Every call ends within the deadline. The server is then told to give the statement up, by a
/// cancel request. Whatever replicas there are, only the primary is asked: connections that do not
/// take writes are not used. A connection that was lost, or has not answered, is replaced by
/// another.
///
/// # Poolers
/// A pooler in transaction mode (`PgBouncer`'s `pool_mode = transaction`) gives each statement
/// another session of the server. Use
/// [`unnamed_statements`](super::PostgresBuilder::unnamed_statements) behind one: prepared
/// statements live in a session, and one program's may be run for another's. Should that happen, it
/// is [`StoreError::Misdirected`], never a wrong answer: every answer repeats the table's name, and
/// no statement changes a table that is not its own. This store leaves no settings in a session.
///
/// # What can be lost
/// Nothing that was answered, if the server keeps what it commits: `fsync` and `full_page_writes`
/// on, as they are by default. Every change raises `synchronous_commit` from `off` or `local` to
/// `on` for itself. A failover to a replica loses what had not reached it, unless it is synchronous
/// (`synchronous_standby_names`).
///
/// It works within a tokio runtime, with its timers and I/O enabled.
#[derive(Clone)]
pub struct PostgresStore(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) pool: Pool,
    /// By which the server is told to give a statement up; none in the service's own pool.
    pub(super) tls: Option<MakeRustlsConnect>,
    /// Nothing is prepared: every statement is sent whole.
    pub(super) is_unnamed: bool,
    pub(super) deadline: Duration,
    pub(super) statements: Statements,
}

pub(super) struct Statements {
    /// The table's name, by which its statements are told from those of others.
    pub(super) tag: String,
    /// The same, in the answers of the statements that always answer: one of those that ran in the
    /// place of its quick one would be taken for a change.
    pub(super) certain: String,
    /// Says whether the table is there.
    pub(super) is_there: String,
    pub(super) load: String,
    pub(super) load_or_nothing: String,
    pub(super) insert: Change,
    pub(super) update: Change,
    pub(super) delete: Change,
    pub(super) list: String,
    pub(super) settings: String,
    pub(super) migration: String,
}

/// A change of one row, if it is as expected.
pub(super) struct Change {
    /// Answers a row if it has happened.
    quick: String,
    /// Answers a row that says whether it has. Its tag is another one.
    certain: String,
}

impl Statements {
    /// Every statement answers with the table's tag, and takes the tag as its last parameter. So a
    /// statement of another table, which a pooler may run in the place of this one, changes
    /// nothing, and is found out.
    ///
    /// A load that finds a record, and a change that happens, say so in a row. Where there is no
    /// row, another statement is asked that always answers one: it may have been somebody else's
    /// that found nothing.
    pub(super) fn new(schema: &str, table: &str) -> Self {
        // Checked to be plain words.
        let (schema, table) = (format!("\"{schema}\""), format!("\"{table}\""));
        let tag = format!("{schema}.{table}");
        let sure = format!("{tag}, in any case");
        let at = &tag;
        // A commit is on disk before it is answered, whatever the role's or the database's default.
        let durable = "CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') \
                       THEN set_config('synchronous_commit', 'on', true) END";
        let change = |change: &str| Change {
            quick: format!("{change} RETURNING '{tag}', {durable}"),
            certain: format!(
                "WITH changed AS ({change} RETURNING 1) SELECT '{sure}', EXISTS (SELECT FROM changed), {durable}"
            ),
        };
        Self {
            load: format!(
                "SELECT '{tag}', account, revision, envelope FROM {at} WHERE account = $1::bytea AND $2::text = '{tag}'"
            ),
            load_or_nothing: format!(
                "SELECT '{tag}', asked.account, stored.revision, stored.envelope \
                 FROM (SELECT $1::bytea AS account) AS asked \
                 LEFT JOIN {at} AS stored ON stored.account = asked.account AND $2::text = '{tag}'"
            ),
            insert: change(&format!(
                "INSERT INTO {at} (account, revision, envelope) \
                 SELECT $1::bytea, $2::bytea, $3::bytea WHERE $4::text = '{tag}' ON CONFLICT (account) DO NOTHING"
            )),
            update: change(&format!(
                "UPDATE {at} SET revision = $2::bytea, envelope = $3::bytea \
                 WHERE account = $1::bytea AND revision = $4::bytea AND $5::text = '{tag}'"
            )),
            delete: change(&format!(
                "DELETE FROM {at} WHERE account = $1::bytea AND revision = $2::bytea AND $3::text = '{tag}'"
            )),
            list: format!(
                "SELECT '{tag}', stored.account FROM (SELECT $1::bytea AS last) AS asked LEFT JOIN LATERAL \
                 (SELECT account FROM {at} WHERE account > asked.last AND $2::text = '{tag}' \
                 ORDER BY account LIMIT {PAGE}) AS stored ON true"
            ),
            settings: format!("SELECT '{tag}', current_setting('fsync') WHERE $1::text = '{tag}'"),
            is_there: format!("SELECT '{tag}', to_regclass($1::text) IS NOT NULL"),
            migration: include_str!("table.sql").replace("{schema}", &schema).replace("{table}", &table),
            tag,
            certain: sure,
        }
    }
}

impl PostgresStore {
    /// Makes the table if it is not there. Several processes may do so at once. Where it is there,
    /// a role that may only read and write its rows is enough.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_table(&self) -> Result<(), StoreError> {
        let Statements { migration, is_there, tag, .. } = &self.0.statements;
        if let [row] = self.ask(is_there, tag, &[text(tag)]).await?.as_slice()
            && row.try_get(1).map_err(|error| misdirected(Some(error)))?
        {
            return Ok(());
        }
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
        let Statements { list, tag, .. } = &self.0.statements;
        let (mut accounts, mut last) = (Vec::new(), Vec::new());
        loop {
            let rows = self.ask(list, tag, &[bytes(&last), text(tag)]).await?;
            for row in &rows {
                // Beyond the last one there is none, and still a row.
                let account: Option<Vec<u8>> = row.try_get(1).map_err(|error| misdirected(Some(error)))?;
                let Some(account) = account else { return Ok(accounts) };
                accounts.push(AccountId::new(&account).map_err(|_| damaged())?);
                last = account;
            }
            if i64::try_from(rows.len()).is_ok_and(|rows| rows < PAGE) {
                return Ok(accounts);
            }
        }
    }

    /// Changes a row if it is as expected, and says whether it has.
    async fn change(&self, change: &Change, parameters: &[Parameter<'_>]) -> Result<Swap, StoreError> {
        match self.try_change(change, parameters).await {
            // A conflict: another one was first, and nothing of this has happened. So it is said
            // where isolation is stricter than by default.
            Err(StoreError::Conflict) => Ok(Swap::Lost),
            answer => answer,
        }
    }

    async fn try_change(&self, change: &Change, parameters: &[Parameter<'_>]) -> Result<Swap, StoreError> {
        let Statements { tag, certain, .. } = &self.0.statements;
        if let [_] = self.rows(&change.quick, tag, parameters).await?.as_slice() {
            return Ok(Swap::Done);
        }
        // Nothing has happened: it was lost, or was somebody else's statement. If that, it happens
        // now.
        let rows = self.ask(&change.certain, certain, parameters).await?;
        let [row] = rows.as_slice() else { return Err(misdirected(None)) };
        let is_done: bool = row.try_get(1).map_err(|error| misdirected(Some(error)))?;
        Ok(if is_done { Swap::Done } else { Swap::Lost })
    }

    /// The rows of a statement that answers one at least.
    async fn ask(&self, sql: &str, tag: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, StoreError> {
        let rows = self.rows(sql, tag, parameters).await?;
        if rows.is_empty() { Err(misdirected(None)) } else { Ok(rows) }
    }

    /// The rows of a statement. Each begins with the statement's tag: one that does not was the
    /// answer to somebody else's statement.
    async fn rows(&self, sql: &str, tag: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, StoreError> {
        let rows = self.with_client(async |client: &Object| {
            if self.0.is_unnamed {
                return client.query_typed(sql, parameters).await;
            }
            let statement = client.prepare_cached(sql).await?;
            let values: Vec<_> = parameters.iter().map(|(value, _)| *value).collect();
            client.query(&statement, &values).await
        });
        let rows = rows.await?;
        let is_ours = |row: &Row| row.try_get(0).is_ok_and(|own: &str| own == tag);
        if rows.iter().all(is_ours) { Ok(rows) } else { Err(misdirected(None)) }
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
        let patience = deadline.checked_div(4).unwrap_or(deadline);
        let mut busy = Busy { client: Some(client), since: Instant::now(), patience, tls: &self.0.tls };
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

/// A parameter, and its type.
type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

fn bytes(value: &(dyn ToSql + Sync)) -> Parameter<'_> {
    (value, Type::BYTEA)
}

fn text(value: &(dyn ToSql + Sync)) -> Parameter<'_> {
    (value, Type::TEXT)
}

/// A connection that is asked something.
struct Busy<'a> {
    client: Option<Object>,
    since: Instant,
    patience: Duration,
    tls: &'a Option<MakeRustlsConnect>,
}

impl Busy<'_> {
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

impl Drop for Busy<'_> {
    /// The query had no answer. Unless it was dropped at once, its connection may be stuck: it is
    /// closed, and the server is asked to cancel the statement.
    fn drop(&mut self) {
        if self.since.elapsed() <= self.patience {
            return;
        }
        let Some(client) = self.client.take().map(Object::take) else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let tls = self.tls.clone();
        runtime.spawn(async move {
            let token = client.cancel_token();
            let cancel = async {
                let is_sent = match tls {
                    Some(tls) => token.cancel_query(tls).await.is_ok(),
                    None => false,
                };
                if !is_sent {
                    let _ = token.cancel_query(NoTls).await;
                }
            };
            let _ = timeout(CANCELING, cancel).await;
            drop(client);
        });
    }
}

impl Store for PostgresStore {
    type Error = StoreError;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, StoreError> {
        let Statements { load, load_or_nothing, tag, .. } = &self.0.statements;
        let (account_bytes, tag) = (account.as_bytes(), tag);
        let parameters = [bytes(&account_bytes), text(tag)];
        let mut rows = self.rows(load, tag, &parameters).await?;
        if rows.is_empty() {
            rows = self.ask(load_or_nothing, tag, &parameters).await?;
        }
        let [row] = rows.as_slice() else { return Err(misdirected(None)) };
        let foreign = |error| misdirected(Some(error));
        let asked: &[u8] = row.try_get(1).map_err(foreign)?;
        if asked != account.as_bytes() {
            return Err(misdirected(None));
        }
        let Some(revision) = row.try_get::<_, Option<&[u8]>>(2).map_err(foreign)? else { return Ok(None) };
        let revision = Revision::from_bytes(revision.try_into().map_err(|_| damaged())?);
        Ok(Some(Stored { revision, envelope: row.try_get(3).map_err(foreign)? }))
    }

    async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, StoreError> {
        let Stored { revision, envelope } = &write.new;
        let (account, revision) = (account.as_bytes(), revision.as_bytes().as_slice());
        let Statements { insert, update, tag, .. } = &self.0.statements;
        let expected = write.expected.as_ref().map(|expected| expected.as_bytes().as_slice());
        let new = [bytes(&account), bytes(&revision), bytes(envelope)];
        match &expected {
            None => self.change(insert, &[new.as_slice(), &[text(tag)]].concat()).await,
            Some(expected) => self.change(update, &[new.as_slice(), &[bytes(expected), text(tag)]].concat()).await,
        }
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, StoreError> {
        let (account, expected) = (account.as_bytes(), expected.as_bytes().as_slice());
        let Statements { delete, tag, .. } = &self.0.statements;
        self.change(delete, &[bytes(&account), bytes(&expected), text(tag)]).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        let Statements { settings, tag, .. } = &self.0.statements;
        let rows = self.ask(settings, tag, &[text(tag)]).await?;
        let [row] = rows.as_slice() else { return Err(misdirected(None)) };
        match row.try_get(1).map_err(|error| misdirected(Some(error)))? {
            "off" => Err(StoreError::Settings { store: NAME, what: LOSES.into() }),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("load", &self.0.statements.load).finish_non_exhaustive()
    }
}
