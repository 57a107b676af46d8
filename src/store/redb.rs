//! Records in one file, by redb.

use super::{Revision, Store, Stored, Swap, Write};
use crate::account::AccountId;
use alloc::sync::Arc;
use alloc::vec::Vec;
use futures_channel::oneshot;
use redb::{
    Builder, Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, StorageError, Table, TableDefinition,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// From account ids to revision and envelope, one after the other.
const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("sekisho records");
/// What this file is: `version` is the only entry.
const FORMAT: TableDefinition<'_, &str, u64> = TableDefinition::new("sekisho format");
const VERSION: u64 = 1;

/// The most changes that go into one transaction; more wait for the next.
const MAX_BATCH: usize = 1_024;

/// The most changes that wait; more are refused.
const MAX_QUEUE: usize = 8_192;

/// The longest envelope, in bytes: 1 MiB.
const MAX_ENVELOPE: usize = 1 << 20;

/// Memory that redb may use to cache the file, in bytes: 64 MiB.
const CACHE: usize = 64 << 20;

/// Records in one file, for services that run as one process on one machine.
///
/// A change is answered once it is on disk (redb's `Immediate` durability: it outlasts `kill -9` and power cuts as far as
/// the disk keeps its word). One thread writes: it takes whatever changes have come in while the last transaction was
/// written, and commits them together, so that many log-ins share the disk's latency.
///
/// [`load`](Store::load) reads in place, from the cache or the file, and blocks its thread for that long.
///
/// There is no time-out: a change waits for the disk, and while the disk hangs, so does the change. At most 8 192 wait,
/// further ones are refused ([`RedbError::Busy`]); those whose callers have gone are passed over.
///
/// Clones share the file. It is closed, and can be opened again, when the last clone is dropped, which waits for the
/// changes on their way.
#[derive(Clone, Debug)]
pub struct RedbStore(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    database: Arc<Database>,
    queue: Option<mpsc::SyncSender<Change>>,
    writer: Option<JoinHandle<()>>,
}

/// A change on its way to the writer.
struct Change {
    account: AccountId,
    expected: Option<Revision>,
    /// `None` to delete.
    new: Option<Stored>,
    answer: oneshot::Sender<Result<Swap, RedbError>>,
}

impl RedbStore {
    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    /// [`RedbError`]: [`InUse`](RedbError::InUse) if another process (or another store in this one) has it open,
    /// [`Version`](RedbError::Version) or [`Damaged`](RedbError::Damaged) if it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RedbError> {
        let path = path.as_ref();
        if !path.try_exists().map_err(StorageError::Io)? {
            make(path)?;
        }
        let database = Arc::new(open(path)?);
        let (queue, changes) = mpsc::sync_channel(MAX_QUEUE);
        let writer = {
            let database = Arc::clone(&database);
            thread::Builder::new().name("sekisho-redb".into()).spawn(move || write_all(&database, &changes))
        };
        let writer = writer.map_err(|error| RedbError::from(StorageError::Io(error)))?;
        Ok(Self(Arc::new(Handle { database, queue: Some(queue), writer: Some(writer) })))
    }

    /// The accounts that have a record, in the order of their ids.
    ///
    /// # Errors
    /// [`RedbError`] if the file cannot be read.
    pub fn accounts(&self) -> Result<Vec<AccountId>, RedbError> {
        let read = self.0.database.begin_read()?;
        let records = read.open_table(RECORDS)?;
        let mut accounts = Vec::new();
        for record in records.iter()? {
            let (account, _) = record?;
            accounts.push(AccountId::new(account.value()).map_err(|_| RedbError::damaged("an account id"))?);
        }
        Ok(accounts)
    }

    async fn change(
        &self,
        account: &AccountId,
        expected: Option<Revision>,
        new: Option<Stored>,
    ) -> Result<Swap, RedbError> {
        let (answer, answered) = oneshot::channel();
        let queue = self.0.queue.as_ref().ok_or(RedbError::Stopped)?;
        queue.try_send(Change { account: account.clone(), expected, new, answer }).map_err(
            |refused| match refused {
                mpsc::TrySendError::Full(_) => RedbError::Busy,
                mpsc::TrySendError::Disconnected(_) => RedbError::Stopped,
            },
        )?;
        answered.await.map_err(|_| RedbError::Stopped)?
    }
}

impl Store for RedbStore {
    type Error = RedbError;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, RedbError> {
        let read = self.0.database.begin_read()?;
        let records = read.open_table(RECORDS)?;
        let Some(record) = records.get(account.as_bytes())? else { return Ok(None) };
        let (revision, envelope) = split(record.value())?;
        Ok(Some(Stored { revision, envelope: envelope.to_vec() }))
    }

    async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, RedbError> {
        let len = write.new.envelope.len();
        if len > MAX_ENVELOPE {
            return Err(RedbError::TooLarge { len });
        }
        self.change(account, write.expected, Some(write.new.clone())).await
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, RedbError> {
        self.change(account, Some(expected), None).await
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Without its queue the writer ends, and with it its hold on the file.
        self.queue = None;
        // An answer may wake what drops the last clone on the writer's own thread: that cannot wait for itself.
        if let Some(writer) = self.writer.take().filter(|writer| writer.thread().id() != thread::current().id()) {
            let _ = writer.join();
        }
    }
}

/// Makes the file whole under another name, then gives it its own: a crash in between leaves no half-made file in its
/// place, and of two that make it at once one does.
fn make(path: &Path) -> Result<(), RedbError> {
    let io = |error| RedbError::from(StorageError::Io(error));
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(alloc::format!(".new-{}", std::process::id()));
    let new = path.with_file_name(name);
    if new.try_exists().map_err(io)? {
        fs::remove_file(&new).map_err(io)?;
    }
    drop(open(&new)?);
    let linked = fs::hard_link(&new, path);
    fs::remove_file(&new).map_err(io)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(io(error)),
        _ => {}
    }
    // The name, too, has to outlast a power cut.
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    }
    Ok(())
}

/// Opens the file and checks that it is one of ours.
fn open(path: &Path) -> Result<Database, RedbError> {
    let database =
        Builder::new().set_cache_size(CACHE).create(path).map_err(|error| RedbError::opening(error, path))?;
    let check = database.begin_write()?;
    {
        let mut format = check.open_table(FORMAT)?;
        let version = format.get("version")?.map(|version| version.value());
        match version {
            None => drop(format.insert("version", VERSION)?),
            Some(VERSION) => {}
            Some(version) => return Err(RedbError::Version { version, path: path.into() }),
        }
        check.open_table(RECORDS)?;
    }
    check.commit()?;
    Ok(database)
}

/// The writer: ends when the last store is dropped.
fn write_all(database: &Database, changes: &mpsc::Receiver<Change>) {
    while let Ok(first) = changes.recv() {
        let more = changes.try_iter().take(MAX_BATCH.saturating_sub(1));
        let wanted = core::iter::once(first).chain(more).filter(|change| !change.answer.is_canceled());
        let batch: Vec<_> = wanted.collect();
        if batch.is_empty() {
            continue;
        }
        match commit(database, &batch) {
            Ok(outcomes) => {
                for (change, outcome) in batch.into_iter().zip(outcomes) {
                    // Nobody waits any more for the answer to a dropped future.
                    let _ = change.answer.send(outcome);
                }
            }
            Err(error) => {
                for change in batch {
                    let _ = change.answer.send(Err(error.clone()));
                }
            }
        }
    }
}

/// All of `batch` in one transaction, in order; nothing of it if that fails (or, if the commit itself failed, nobody knows).
/// A damaged record is its own account's trouble only.
fn commit(database: &Database, batch: &[Change]) -> Result<Vec<Result<Swap, RedbError>>, RedbError> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate).map_err(|error| RedbError::Failed(Arc::new(error.into())))?;
    let mut outcomes = Vec::with_capacity(batch.len());
    {
        let mut records = transaction.open_table(RECORDS)?;
        for change in batch {
            outcomes.push(match apply(&mut records, change) {
                Err(error) if !matches!(error, RedbError::Damaged { .. }) => return Err(error),
                outcome => outcome,
            });
        }
    }
    transaction.commit()?;
    Ok(outcomes)
}

fn apply(records: &mut Table<'_, &'static [u8], &'static [u8]>, change: &Change) -> Result<Swap, RedbError> {
    let account = change.account.as_bytes();
    let stored = match records.get(account)? {
        Some(record) => Some(split(record.value())?.0),
        None => None,
    };
    if stored != change.expected {
        return Ok(Swap::Lost);
    }
    match &change.new {
        Some(new) => {
            let record = [new.revision.as_bytes().as_slice(), &new.envelope].concat();
            records.insert(account, record.as_slice())?;
        }
        None => drop(records.remove(account)?),
    }
    Ok(Swap::Done)
}

fn split(record: &[u8]) -> Result<(Revision, &[u8]), RedbError> {
    let (revision, envelope) =
        record.split_first_chunk().ok_or_else(|| RedbError::damaged("a record without revision"))?;
    Ok((Revision::from_bytes(*revision), envelope))
}

/// Why a [`RedbStore`] could not do something.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedbError {
    /// Somebody else has the file open.
    #[error("{} is open already: a redb file serves one process; end the other one, or use Redis or PostgreSQL for several", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by another release.
    #[error("{} has format {version}, which this release cannot read: use the release that wrote it", path.display())]
    Version {
        /// The format's number: ours, or redb's own.
        version: u64,
        /// The file.
        path: PathBuf,
    },
    /// The file is not what was written.
    #[error("the file is damaged ({what}), or is no redb file: restore it from a backup")]
    Damaged {
        /// Where that was seen.
        what: Arc<str>,
    },
    /// The disk does not keep up: nothing has changed.
    #[error("the disk does not keep up with the changes: try again later")]
    Busy,
    /// The envelope is over 1 MiB: nothing has changed.
    #[error("an envelope of {len} bytes is too large: records have 64 KiB at most")]
    TooLarge {
        /// How many bytes there were.
        len: usize,
    },
    /// An earlier failure has stopped the store: open it again.
    #[error("the store has stopped after an earlier failure: open it again")]
    Stopped,
    /// Reading or writing failed: the disk is full, or failing. The store has to be opened again.
    #[error("reading or writing the file failed: see to the disk, then open the store again")]
    Failed(#[source] Arc<redb::Error>),
}

impl RedbError {
    fn opening(error: DatabaseError, path: &Path) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen => Self::InUse { path: path.into() },
            DatabaseError::UpgradeRequired(version) => Self::Version { version: version.into(), path: path.into() },
            DatabaseError::Storage(StorageError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                Self::damaged("its header")
            }
            DatabaseError::RepairAborted => Self::damaged("its repair was aborted"),
            other => redb::Error::from(other).into(),
        }
    }

    fn damaged(what: &str) -> Self {
        Self::Damaged { what: what.into() }
    }
}

impl From<redb::Error> for RedbError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Corrupted(what) => Self::Damaged { what: what.into() },
            redb::Error::TableTypeMismatch { .. } => Self::damaged("a table of another program"),
            redb::Error::PreviousIo | redb::Error::DatabaseClosed => Self::Stopped,
            other => Self::Failed(Arc::new(other)),
        }
    }
}

/// redb has an error type a call; all of them are cases of one.
macro_rules! from_each {
    ($($error:ty)+) => {$(
        impl From<$error> for RedbError {
            fn from(error: $error) -> Self {
                redb::Error::from(error).into()
            }
        }
    )+};
}

from_each! { StorageError redb::TableError redb::TransactionError redb::CommitError }
