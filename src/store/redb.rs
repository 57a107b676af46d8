//! Records in one file, by redb.

use super::contract::{Store, Swap};
use super::error::StoreError;
use crate::account::AccountId;
use crate::seal::{Revision, Stored, Write};
use alloc::sync::Arc;
use alloc::vec::Vec;
use futures_channel::oneshot;
use redb::{
    Builder, Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, StorageError, Table,
    TableDefinition, TableError,
};
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// From account ids to revision and envelope, one after the other.
const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("sekisho records");
/// The format of this file: `version` is the only entry.
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
/// A change is answered once it is on disk (redb's `Immediate` durability: it outlasts `kill -9`
/// and power cuts as far as the disk keeps its word). One thread writes: it takes whatever changes
/// have come in while the last transaction was written, and commits them together, so that many
/// log-ins share the disk's latency.
///
/// [`load`](Store::load) reads in place, from the cache or the file, and blocks its thread for that
/// long.
///
/// There is no time-out: a change waits for the disk, and while the disk hangs, so does the change.
/// At most 8 192 wait, further ones are refused ([`StoreError::Busy`]); those whose callers have
/// gone are passed over.
///
/// Clones share the file. It is closed, and can be opened again, when the last clone is dropped,
/// which waits for the changes on their way.
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
    answer: oneshot::Sender<Result<Swap, StoreError>>,
}

impl RedbStore {
    /// Opens the file at `path`, or makes it.
    ///
    /// Opening reads the whole file and compares the checksum of every page, so that a damaged file
    /// is refused here and not at some later log-in.
    ///
    /// # Errors
    /// [`StoreError`]:
    /// - [`Failed`](StoreError::Failed): the folder is not there, the right is missing, or the disk
    ///   is full.
    /// - [`InUse`](StoreError::InUse): another process, or another store in this one, has the file
    ///   open.
    /// - [`Version`](StoreError::Version): another version of this library wrote it.
    /// - [`Damaged`](StoreError::Damaged): it is not a file of this library, or a page is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        if !path.try_exists().map_err(|error| Failure::from(StorageError::Io(error)))? {
            make(path)?;
        }
        let database = Arc::new(open(path)?);
        let (queue, changes) = mpsc::sync_channel(MAX_QUEUE);
        let writer = {
            let database = Arc::clone(&database);
            thread::Builder::new().name("sekisho-redb".into()).spawn(move || write_all(&database, &changes))
        };
        let writer = writer.map_err(|error| Failure::from(StorageError::Io(error)))?;
        Ok(Self(Arc::new(Handle { database, queue: Some(queue), writer: Some(writer) })))
    }

    /// Gives back the space that the file at `path` does not use: a file grows by doubling, and
    /// does not shrink by itself. Nobody may have it open meanwhile, and a restart of the service
    /// is the time for it. Afterwards an account takes about 1.45 times its envelope.
    ///
    /// A crash during it loses nothing.
    ///
    /// # Errors
    /// As [`open`](Self::open), and whatever the disk answers.
    pub fn compact(path: impl AsRef<Path>) -> Result<(), StoreError> {
        let mut database = open(path.as_ref())?;
        database.compact().map_err(Failure::from)?;
        Ok(())
    }

    /// The accounts that have a record, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read.
    pub fn accounts(&self) -> Result<Vec<AccountId>, StoreError> {
        Ok(self.list()?)
    }

    fn list(&self) -> Result<Vec<AccountId>, Failure> {
        let read = self.0.database.begin_read()?;
        let records = read.open_table(RECORDS)?;
        let mut accounts = Vec::new();
        for record in records.iter()? {
            let (account, _) = record?;
            accounts.push(AccountId::new(account.value()).map_err(|_| Failure(damaged("an account id")))?);
        }
        Ok(accounts)
    }

    async fn change(
        &self,
        account: &AccountId,
        expected: Option<Revision>,
        new: Option<Stored>,
    ) -> Result<Swap, StoreError> {
        let (answer, answered) = oneshot::channel();
        let queue = self.0.queue.as_ref().ok_or(StoreError::Stopped)?;
        queue.try_send(Change { account: account.clone(), expected, new, answer }).map_err(
            |refused| match refused {
                mpsc::TrySendError::Full(_) => StoreError::Busy,
                mpsc::TrySendError::Disconnected(_) => StoreError::Stopped,
            },
        )?;
        answered.await.map_err(|_| StoreError::Stopped)?
    }
}

impl Store for RedbStore {
    type Error = StoreError;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, StoreError> {
        Ok(read(&self.0.database, account)?)
    }

    async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, StoreError> {
        let len = write.new.envelope.len();
        if len > MAX_ENVELOPE {
            return Err(StoreError::TooLarge { len });
        }
        self.change(account, write.expected, Some(write.new.clone())).await
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, StoreError> {
        self.change(account, Some(expected), None).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn read(database: &Database, account: &AccountId) -> Result<Option<Stored>, Failure> {
    let read = database.begin_read()?;
    let records = read.open_table(RECORDS)?;
    let Some(record) = records.get(account.as_bytes())? else { return Ok(None) };
    let (revision, envelope) = split(record.value())?;
    Ok(Some(Stored { revision, envelope: envelope.to_vec() }))
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Without its queue the writer ends, and with it its hold on the file.
        self.queue = None;
        // An answer may wake what drops the last clone on the writer's own thread: that cannot wait
        // for itself.
        if let Some(writer) = self.writer.take().filter(|writer| writer.thread().id() != thread::current().id()) {
            let _ = writer.join();
        }
    }
}

/// Makes the file whole under another name, then gives it its own: a crash in between leaves no
/// half-made file in its place, and of two that make it at once one does.
fn make(path: &Path) -> Result<(), Failure> {
    let io = |error| Failure::from(StorageError::Io(error));
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    // A number that nobody else has drawn: processes in containers share their ids.
    name.push(alloc::format!(".new-{:016x}", RandomState::new().build_hasher().finish()));
    let new = path.with_file_name(name);
    drop(initialize(&new)?);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = give_name(&new, path, folder);
    if new.try_exists().map_err(io)? {
        fs::remove_file(&new).map_err(io)?;
    }
    named.map_err(io)?;
    // The name, too, has to outlast a power cut.
    #[cfg(unix)]
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    Ok(())
}

/// Gives the file `new` the name `path`, unless another file has it: by a second hard link. Where
/// the file system has none, it is renamed. The folder is locked meanwhile, so that no other
/// process does the same; without that lock nothing is renamed.
fn give_name(new: &Path, path: &Path, folder: &Path) -> std::io::Result<()> {
    let locked = fs::File::open(folder).ok().filter(is_locked_soon);
    match fs::hard_link(new, path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if locked.is_none() => Err(error),
        Err(_) if path.try_exists()? => Ok(()),
        Err(_) => fs::rename(new, path),
    }
}

/// Locks a folder. Whoever makes a file in it holds that for a moment only; another program may
/// hold it for longer.
fn is_locked_soon(folder: &fs::File) -> bool {
    for _ in 0..100 {
        match folder.try_lock() {
            Ok(()) => return true,
            Err(fs::TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(20)),
            Err(fs::TryLockError::Error(_)) => return false,
        }
    }
    false
}

/// Writes the file's tables.
fn initialize(path: &Path) -> Result<Database, Failure> {
    let database = Builder::new().set_cache_size(CACHE).create(path).map_err(|error| opening(error, path))?;
    let write = database.begin_write()?;
    write.open_table(FORMAT)?.insert("version", VERSION)?;
    write.open_table(RECORDS)?;
    write.commit()?;
    Ok(database)
}

/// Opens the file and checks that it is one of ours. A file without our tables is damaged: it would
/// otherwise be taken for a store in which nobody has an account.
fn open(path: &Path) -> Result<Database, Failure> {
    // redb panics at some pages that make no sense.
    let checked = catch_unwind(AssertUnwindSafe(|| open_and_check(path)));
    checked.map_err(|_| Failure(damaged("a page that makes no sense")))?
}

fn open_and_check(path: &Path) -> Result<Database, Failure> {
    // Every page is read, and compared with its checksum: a damaged one would answer that a record
    // is not there.
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
    let database = builder.open(path).map_err(|error| opening(error, path))?;
    let read = database.begin_read()?;
    let missing = |error| match error {
        TableError::TableDoesNotExist(_) => Failure(damaged("its tables are missing")),
        other => other.into(),
    };
    let version = read.open_table(FORMAT).map_err(missing)?.get("version")?.map(|version| version.value());
    match version {
        Some(VERSION) => {}
        Some(version) => return Err(Failure(StoreError::Version { version, path: path.into() })),
        None => return Err(Failure(damaged("its format is missing"))),
    }
    read.open_table(RECORDS).map_err(missing)?;
    drop(read);
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
            Err(Failure(error)) => {
                for change in batch {
                    let _ = change.answer.send(Err(error.clone()));
                }
            }
        }
    }
}

/// All of `batch` in one transaction, in order; nothing of it if that fails (or, if the commit
/// itself failed, nobody knows). A damaged record is its own account's trouble only.
fn commit(database: &Database, batch: &[Change]) -> Result<Vec<Result<Swap, StoreError>>, Failure> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate).map_err(redb::Error::from)?;
    let mut outcomes = Vec::with_capacity(batch.len());
    {
        let mut records = transaction.open_table(RECORDS)?;
        for change in batch {
            outcomes.push(match apply(&mut records, change) {
                Err(Failure(damaged @ StoreError::Damaged { .. })) => Err(damaged),
                Err(failure) => return Err(failure),
                Ok(swap) => Ok(swap),
            });
        }
    }
    transaction.commit()?;
    Ok(outcomes)
}

fn apply(records: &mut Table<'_, &'static [u8], &'static [u8]>, change: &Change) -> Result<Swap, Failure> {
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

fn split(record: &[u8]) -> Result<(Revision, &[u8]), Failure> {
    let (revision, envelope) =
        record.split_first_chunk().ok_or_else(|| Failure(damaged("a record without revision")))?;
    Ok((Revision::from_bytes(*revision), envelope))
}

fn opening(error: DatabaseError, path: &Path) -> Failure {
    Failure(match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path: path.into() },
        DatabaseError::UpgradeRequired(version) => StoreError::Version { version: version.into(), path: path.into() },
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
            damaged("its header")
        }
        DatabaseError::RepairAborted => damaged("its repair was aborted"),
        other => return redb::Error::from(other).into(),
    })
}

fn damaged(what: &str) -> StoreError {
    StoreError::damaged("the redb file", what)
}

/// A failure of redb in our terms. Its own types stay inside.
struct Failure(StoreError);

impl From<Failure> for StoreError {
    fn from(Failure(error): Failure) -> Self {
        error
    }
}

impl From<redb::Error> for Failure {
    fn from(error: redb::Error) -> Self {
        Self(match error {
            redb::Error::Corrupted(what) => damaged(&what),
            redb::Error::TableTypeMismatch { .. } => damaged("a table of another program"),
            redb::Error::PreviousIo | redb::Error::DatabaseClosed => StoreError::Stopped,
            other => StoreError::Failed { source: Arc::new(other) },
        })
    }
}

/// redb has an error type a call; all of them are cases of one.
macro_rules! from_each {
    ($($error:ty)+) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                redb::Error::from(error).into()
            }
        }
    )+};
}

from_each! { StorageError TableError redb::TransactionError redb::CommitError redb::CompactionError }
