//! The store.

use super::error::{NAME, damaged, failed};
use super::link::Link;
use super::settings::{Settings, Vouched};
use crate::account::AccountId;
use crate::seal::{Revision, Stored, Write};
use crate::store::contract::{Store, Swap};
use crate::store::error::StoreError;
use crate::store::retries::resent;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use redis::{ErrorKind, FromRedisValue, Pipeline, ServerErrorKind};
use tokio::runtime::Handle;
use tokio::time::Instant;

/// Swaps, if what is stored begins with the revision that is expected: an absent key reads as
/// nothing.
pub(super) const SWAP: &str = "if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then return 0 end \
    redis.call('SET', KEYS[1], ARGV[2]) return 1";
/// The same for a deletion.
pub(super) const DELETE: &str = "if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then return 0 end \
    redis.call('DEL', KEYS[1]) return 1";
/// The bytes of a revision, which a value begins with.
pub(super) const REVISION: usize = 16;
/// A server that has refused a command is given so long to recover, before it is asked again.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// Records in Redis (tested on 7.0) or what speaks its protocol, such as Valkey: one key an
/// account. Cheap to clone; clones share their connections.
///
/// A record is changed by one script, so that nothing comes between comparing and writing; it is
/// loaded once, and again when the server has forgotten it. A verification is two round trips.
///
/// Every call ends within the deadline. A command that the server has refused (it moves, fails
/// over, or is loading) is sent again until then; one whose answer was lost is not: its outcome is
/// unknown. A connection that was lost, that has said nothing for as long as the deadline, or
/// that leads to a server which takes no writes any more, is replaced by another; the name of the
/// server is looked up anew. The nodes of a cluster are looked after by the client: one that
/// neither answers nor ends its connections is given up by the operating system (on Linux after the
/// deadline).
///
/// # What can be lost
/// Redis answers before a change is on disk, unless it is set up with `appendonly yes` and
/// `appendfsync always`; and before its replicas have it. After a crash or a failover the changes
/// of the last moments are gone, and with them the codes used and the failures counted: a code that
/// was seen can be accepted again. So set up `appendfsync always`, and where there are
/// replicas, [`replicas`](crate::store::RedisBuilder::replicas). Even then a failover can promote a
/// replica that had not acknowledged: Redis promises no more. Where that is not enough, use
/// PostgreSQL.
///
/// A master that the others believe dead goes on taking changes until it finds out:
/// `min-replicas-to-write 1` keeps it from that for longer than `min-replicas-max-lag`.
///
/// Never let the server evict keys: `maxmemory-policy noeviction`. Connecting checks these settings
/// on every server, and says what is wrong.
///
/// It works within a tokio runtime, with its timers and I/O enabled.
#[derive(Clone)]
pub struct RedisStore(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) link: Link,
    /// For changes that wait for replicas, which nothing else should wait for.
    pub(super) waiting: Option<Link>,
    /// The text that keys begin with.
    pub(super) prefix: String,
    pub(super) deadline: Duration,
    pub(super) replicas: u32,
    /// The service's own word about the server's settings.
    pub(super) vouched: Vouched,
    pub(super) swap: Script,
    pub(super) delete: Script,
}

pub(super) struct Script {
    pub(super) source: &'static str,
    pub(super) hash: String,
}

impl Script {
    pub(super) fn new(source: &'static str) -> Self {
        Self { source, hash: redis::Script::new(source).get_hash().to_owned() }
    }
}

impl RedisStore {
    /// The accounts that have a record, in the order of their ids. What is made or removed
    /// meanwhile may be among them or not. It takes a while: the deadline is that of each step.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::NotListed`] on a cluster.
    pub async fn accounts(&self) -> Result<Vec<AccountId>, StoreError> {
        in_runtime()?;
        let Inner { link, prefix, deadline, .. } = &*self.0;
        let connection = within(*deadline, link.connection()).await?.map_err(failed)?;
        if connection.is_cluster() {
            return Err(StoreError::NotListed);
        }
        let mut accounts = alloc::collections::BTreeSet::new();
        let mut cursor = 0_u64;
        loop {
            let mut pipeline = redis::pipe();
            let scan = pipeline.cmd("SCAN").arg(cursor).arg("MATCH").arg(format!("{prefix}*"));
            scan.arg("COUNT").arg(1_000);
            // All on one connection: a cursor means nothing to another server.
            let end = Instant::now()
                .checked_add(*deadline)
                .ok_or(StoreError::TimedOut { store: NAME, deadline: *deadline })?;
            let step = link.query_on(&connection, &pipeline, end).await?;
            let ((next, keys),): ((u64, Vec<Vec<u8>>),) = step.map_err(failed)?;
            for key in keys {
                let id = key.strip_prefix(prefix.as_bytes()).ok_or_else(damaged)?;
                if id.is_empty() {
                    continue; // the scripts are being tried
                }
                accounts.insert(AccountId::new(id).map_err(|_| damaged())?);
            }
            cursor = next;
            if cursor == 0 {
                return Ok(accounts.into_iter().collect());
            }
        }
    }

    /// The settings of every server that records are on. `None` where not every node of a cluster
    /// can be asked now: its client goes on with those that can.
    async fn settings(&self) -> Result<Option<Vec<Settings>>, StoreError> {
        in_runtime()?;
        let Inner { link, deadline, .. } = &*self.0;
        let mut may_ask_again = true;
        loop {
            let connection = within(*deadline, link.connection()).await?.map_err(failed)?;
            let Ok(asked) = tokio::time::timeout(*deadline, connection.settings()).await else {
                link.give_up(&connection);
                return Err(StoreError::TimedOut { store: NAME, deadline: *deadline });
            };
            match asked {
                Ok(settings) => return Ok(Some(settings)),
                Err(error) if error.is_io_error() && connection.is_cluster() => return Ok(None),
                // As for a load: the server may have closed the connection while nobody asked
                // anything.
                Err(error) if error.is_io_error() && may_ask_again => {
                    may_ask_again = false;
                    link.give_up(&connection);
                }
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Tries what a verification does, on a key that no account has.
    pub(super) async fn try_scripts(&self) -> Result<(), StoreError> {
        let key = self.0.prefix.as_bytes();
        let get = |_: bool| {
            let mut pipeline = redis::pipe();
            pipeline.cmd("GET").arg(key);
            pipeline
        };
        let (_,): (Option<Vec<u8>>,) = self.run(None, true, get).await?;
        // Another process may try it at the same moment: whether it is swapped is of no interest.
        let (revision, absent): (&[u8; REVISION], _) = (b"sekisho is tried", []);
        for (script, arguments) in [(&self.0.swap, [&absent[..], revision]), (&self.0.delete, [revision, &absent])] {
            match self.change(script, key, arguments).await {
                // The script has run: replicas may come later.
                Ok(_) | Err(StoreError::Replicas { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn key(&self, account: &AccountId) -> Vec<u8> {
        [self.0.prefix.as_bytes(), account.as_bytes()].concat()
    }

    async fn change(&self, script: &Script, key: &[u8], arguments: [&[u8]; 2]) -> Result<Swap, StoreError> {
        let wanted = self.0.replicas;
        let [expected, new] = arguments;
        let build = |is_unknown: bool| {
            let mut pipeline = redis::pipe();
            let call = if is_unknown {
                pipeline.cmd("EVAL").arg(script.source)
            } else {
                pipeline.cmd("EVALSHA").arg(script.hash.as_str())
            };
            call.arg(1).arg(key).arg(expected).arg(new);
            if wanted > 0 {
                // On the same connection: it waits for what that has written, and says how many
                // have it while one still listens (the client of a cluster for half of the
                // deadline).
                let wait = self.0.deadline.as_millis().saturating_mul(3) / 8;
                pipeline.cmd("WAIT").arg(wanted).arg(u64::try_from(wait).unwrap_or(u64::MAX).max(1));
            }
            pipeline
        };
        let answers: Vec<u64> = self.run(self.0.waiting.as_ref(), false, build).await?;
        match answers.first() {
            Some(0) => Ok(Swap::Lost),
            Some(1) => match answers.get(1) {
                Some(acknowledged) if *acknowledged < u64::from(wanted) => {
                    Err(StoreError::Replicas { acknowledged: *acknowledged, wanted })
                }
                _ => Ok(Swap::Done),
            },
            _ => Err(damaged()),
        }
    }

    /// Sends a pipeline until it is answered by something else than "not now", or the deadline has
    /// passed. One that waits for replicas has a connection of its own. One that only reads is sent
    /// again, once, where the connection was lost.
    async fn run<T: FromRedisValue + Send>(
        &self,
        waiting: Option<&Link>,
        is_read: bool,
        build: impl Fn(bool) -> Pipeline,
    ) -> Result<T, StoreError> {
        in_runtime()?;
        let Inner { link, deadline, .. } = &*self.0;
        let link = waiting.unwrap_or(link);
        let end =
            Instant::now().checked_add(*deadline).ok_or(StoreError::TimedOut { store: NAME, deadline: *deadline })?;
        let (mut is_unknown, mut may_ask_again) = (false, is_read);
        loop {
            let error = match link.query(&build(is_unknown), end).await? {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let ErrorKind::Server(kind) = error.kind() else {
                // The server may have closed the connection while nobody asked it anything. A
                // change is not sent again: it may have been made.
                if may_ask_again && error.is_io_error() {
                    may_ask_again = false;
                    resent(NAME, "connection");
                    if let Some(waiting) = &self.0.waiting {
                        waiting.connect_anew();
                    }
                    continue;
                }
                return Err(failed(error));
            };
            // It has not been done: what is refused can be asked for again.
            let is_refused_as_a_whole = match kind {
                ServerErrorKind::NoScript if !is_unknown => {
                    is_unknown = true;
                    resent(NAME, "script");
                    continue;
                }
                ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown => true,
                // The wait for replicas can be refused so, after the change was made.
                ServerErrorKind::MasterDown | ServerErrorKind::BusyLoading | ServerErrorKind::ReadOnly => {
                    waiting.is_none()
                }
                _ => false,
            };
            if !is_refused_as_a_whole || end.duration_since(Instant::now()) <= PAUSE {
                return Err(failed(error));
            }
            resent(NAME, "refused");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Tasks and timers need one: without it they would panic.
pub(super) fn in_runtime() -> Result<(), StoreError> {
    Handle::try_current().map(drop).map_err(|_| StoreError::NoRuntime { store: NAME })
}

pub(super) async fn within<T>(deadline: Duration, future: impl Future<Output = T>) -> Result<T, StoreError> {
    tokio::time::timeout(deadline, future).await.map_err(|_| StoreError::TimedOut { store: NAME, deadline })
}

impl Store for RedisStore {
    type Error = StoreError;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, StoreError> {
        let key = self.key(account);
        let get = |_: bool| {
            let mut pipeline = redis::pipe();
            pipeline.cmd("GET").arg(key.as_slice());
            pipeline
        };
        let (value,): (Option<Vec<u8>>,) = self.run(None, true, get).await?;
        let Some(value) = value else { return Ok(None) };
        let (revision, envelope) = value.split_first_chunk::<REVISION>().ok_or_else(damaged)?;
        Ok(Some(Stored { revision: Revision::from_bytes(*revision), envelope: envelope.to_vec() }))
    }

    async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, StoreError> {
        let Stored { revision, envelope } = &write.new;
        let expected = write.expected.as_ref().map_or(&[][..], |expected| expected.as_bytes());
        let new = [revision.as_bytes(), envelope.as_slice()].concat();
        self.change(&self.0.swap, &self.key(account), [expected, &new]).await
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, StoreError> {
        self.change(&self.0.delete, &self.key(account), [expected.as_bytes(), &[]]).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        if self.0.vouched.for_all() {
            return Ok(());
        }
        match self.settings().await? {
            Some(settings) => self.0.vouched.check(&settings),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.0.prefix).finish_non_exhaustive()
    }
}
