//! The stores against their contract, and the contract's suite against stores that break it.
#![cfg(all(feature = "redb", feature = "conformance"))]

use sekisho::account::AccountId;
use sekisho::seal::{Revision, Stored, Write};
use sekisho::store::{MemoryStore, RedbStore, Store, StoreError, Swap, conformance};
use std::collections::HashMap;
use std::convert::Infallible;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

/// The test that a child process runs, by its whole name.
const IN_A_CHILD: &str = "stores::in_a_child";

fn account(id: &str) -> AccountId {
    AccountId::new(id).unwrap()
}

fn stored(envelope: &[u8]) -> Stored {
    let revision = Revision::random(&mut rand::rand_core::UnwrapErr(rand::rngs::SysRng));
    Stored { revision, envelope: envelope.to_vec() }
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    let store = MemoryStore::new();
    conformance::check(&store).await.unwrap();
    conformance::apart(&store, &MemoryStore::new()).await.unwrap();
    assert_eq!(store.accounts(), []);
}

#[tokio::test]
async fn redb_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let [store, other] = ["one", "other"].map(|name| RedbStore::open(folder.path().join(name)).unwrap());
    conformance::check(&store).await.unwrap();
    conformance::apart(&store, &other).await.unwrap();
    assert_eq!(store.accounts().unwrap(), []);
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Threads of their own, so that calls really meet.
fn race_on_threads<S: Store + Clone>(store: &S, rounds: u32) {
    let account = account("raced");
    let mut current: Option<Stored> = None;
    for _ in 0..rounds {
        let barrier = std::sync::Barrier::new(4);
        let done: Vec<Stored> = std::thread::scope(|scope| {
            let race = || {
                let new = stored(b"racer");
                let write = Write { expected: current.as_ref().map(|current| current.revision), new: new.clone() };
                barrier.wait();
                (block_on(store.swap(&account, &write)).unwrap(), new)
            };
            let racers: Vec<_> = (0..4).map(|_| scope.spawn(race)).collect();
            let results = racers.into_iter().map(|racer| racer.join().unwrap());
            results.filter(|(swap, _)| *swap == Swap::Done).map(|(_, new)| new).collect()
        });
        assert_eq!(done.len(), 1, "of four swaps of one revision one wins");
        current = done.into_iter().next();
        assert_eq!(block_on(store.load(&account)).unwrap(), current);
    }
}

#[test]
fn of_swaps_that_race_on_threads_one_wins() {
    race_on_threads(&MemoryStore::new(), 2_000);
    let folder = tempfile::tempdir().unwrap();
    race_on_threads(&RedbStore::open(folder.path().join("records")).unwrap(), 300);
}

/// A store with a fault, as services have had them.
struct Faulty {
    records: Mutex<HashMap<Vec<u8>, Stored>>,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Reads, lets others in, then writes.
    ComparesThenWrites,
    IgnoresTheRevision,
    OverwritesOnInsertion,
    ComparesHalfTheRevision,
    DeletesWhateverIsThere,
    DeletesNothing,
    ComparesThenDeletes,
    CutsLongIds,
    FoldsCase,
    CutsIdsAtNul,
    TrimsIds,
    CutsEnvelopes,
    AnswersDoneWhenLost,
    KeepsTheOldRevision,
}

impl Faulty {
    fn key(&self, account: &AccountId) -> Vec<u8> {
        let id = account.as_bytes();
        match self.fault {
            Fault::FoldsCase => id.to_ascii_lowercase(),
            Fault::CutsIdsAtNul => id.split(|byte| *byte == 0).next().unwrap().to_vec(),
            Fault::CutsLongIds => id[..id.len().min(127)].to_vec(),
            Fault::TrimsIds => id.trim_ascii().to_vec(),
            _ => id.to_vec(),
        }
    }

    fn revision(&self, account: &AccountId) -> Option<Revision> {
        self.records.lock().unwrap().get(&self.key(account)).map(|stored| stored.revision)
    }

    fn is(&self, found: Option<Revision>, expected: Option<Revision>) -> bool {
        match (self.fault, found, expected) {
            (Fault::IgnoresTheRevision, Some(_), Some(_)) | (Fault::OverwritesOnInsertion, Some(_), None) => true,
            (Fault::ComparesHalfTheRevision, Some(found), Some(expected)) => {
                found.as_bytes()[..8] == expected.as_bytes()[..8]
            }
            _ => found == expected,
        }
    }
}

impl Store for Faulty {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, Infallible> {
        Ok(self.records.lock().unwrap().get(&self.key(account)).cloned())
    }

    async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, Infallible> {
        let found = self.revision(account);
        if self.fault == Fault::ComparesThenWrites {
            tokio::task::yield_now().await;
        }
        if !self.is(found, write.expected) {
            return Ok(if self.fault == Fault::AnswersDoneWhenLost { Swap::Done } else { Swap::Lost });
        }
        let mut new = write.new.clone();
        match self.fault {
            Fault::CutsEnvelopes => new.envelope.truncate(1_024),
            Fault::KeepsTheOldRevision => new.revision = found.unwrap_or(new.revision),
            _ => {}
        }
        self.records.lock().unwrap().insert(self.key(account), new);
        Ok(Swap::Done)
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, Infallible> {
        let found = self.revision(account);
        if self.fault == Fault::ComparesThenDeletes {
            tokio::task::yield_now().await;
        }
        if found != Some(expected) && !(self.fault == Fault::DeletesWhateverIsThere && found.is_some()) {
            return Ok(Swap::Lost);
        }
        if self.fault != Fault::DeletesNothing {
            self.records.lock().unwrap().remove(&self.key(account));
        }
        Ok(Swap::Done)
    }

    async fn ready(&self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[tokio::test]
async fn every_planted_fault_is_found_and_the_store_without_one_passes() {
    let check = async |fault| conformance::check(&Faulty { records: Mutex::default(), fault }).await;
    check(Fault::None).await.unwrap();
    for fault in [
        Fault::ComparesThenWrites,
        Fault::IgnoresTheRevision,
        Fault::OverwritesOnInsertion,
        Fault::ComparesHalfTheRevision,
        Fault::DeletesWhateverIsThere,
        Fault::DeletesNothing,
        Fault::ComparesThenDeletes,
        Fault::CutsLongIds,
        Fault::FoldsCase,
        Fault::CutsIdsAtNul,
        Fault::TrimsIds,
        Fault::CutsEnvelopes,
        Fault::AnswersDoneWhenLost,
        Fault::KeepsTheOldRevision,
    ] {
        assert!(check(fault).await.is_err(), "{fault:?} was not found");
    }
    let one = MemoryStore::new();
    assert!(conformance::apart(&one, &one.clone()).await.is_err(), "one store is not two apart");
}

#[tokio::test]
async fn redb_keeps_records_when_closed_and_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    let record = stored(b"kept");
    {
        let store = RedbStore::open(&path).unwrap();
        let write = Write { expected: None, new: record.clone() };
        assert_eq!(store.swap(&account("alice"), &write).await.unwrap(), Swap::Done);
    }
    let store = RedbStore::open(&path).unwrap();
    assert_eq!(store.load(&account("alice")).await.unwrap(), Some(record));
    assert_eq!(store.accounts().unwrap(), [account("alice")]);
}

#[test]
fn redb_tells_a_second_opener_that_the_file_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    let _store = RedbStore::open(&path).unwrap();
    let error = RedbStore::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }) && error.to_string().contains("serves one process"), "{error}");
    // The same from another process.
    let mut child = child(&path, "open");
    let said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(said.filter(|line| line.contains("serves one process")).count() == 1);
    assert!(child.wait().unwrap().success());
}

#[test]
fn redb_leaves_no_half_made_file_and_one_of_many_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    let mut openers: Vec<_> = (0..4).map(|_| child(&path, "open or not")).collect();
    assert!(openers.iter_mut().all(|opener| opener.wait().unwrap().success()));
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["records"]);
    assert!(RedbStore::open(&path).is_ok());
}

#[tokio::test]
async fn redb_refuses_an_envelope_that_is_too_large() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path().join("records")).unwrap();
    let write = Write { expected: None, new: stored(&vec![7; (1 << 20) + 1]) };
    assert!(matches!(store.swap(&account("alice"), &write).await.unwrap_err(), StoreError::TooLarge { .. }));
    assert_eq!(store.load(&account("alice")).await.unwrap(), None);
}

#[tokio::test]
async fn redb_answers_for_a_damaged_record_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    drop(RedbStore::open(&path).unwrap());
    {
        let database = redb::Database::open(&path).unwrap();
        let write = database.begin_write().unwrap();
        let records = redb::TableDefinition::<&[u8], &[u8]>::new("sekisho records");
        write.open_table(records).unwrap().insert(b"damaged".as_slice(), b"short".as_slice()).unwrap();
        write.commit().unwrap();
    }
    let store = RedbStore::open(&path).unwrap();
    let write = Write { expected: None, new: stored(b"new") };
    let (damaged, alice) = (account("damaged"), account("alice"));
    let (one, other) = tokio::join!(store.swap(&damaged, &write), store.swap(&alice, &write));
    assert!(matches!(one.unwrap_err(), StoreError::Damaged { .. }));
    assert!(matches!(store.load(&damaged).await.unwrap_err(), StoreError::Damaged { .. }));
    assert_eq!(other.unwrap(), Swap::Done);
}

#[test]
fn redb_refuses_damaged_and_foreign_files_without_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    drop(RedbStore::open(&path).unwrap());
    let whole = fs::read(&path).unwrap();

    fs::write(&path, b"a text file of another program, and not a short one either".repeat(100)).unwrap();
    assert!(matches!(RedbStore::open(&path).unwrap_err(), StoreError::Damaged { .. }));
    for length in [1, 8, 100, 4_096, whole.len() / 2] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(RedbStore::open(&path).is_err(), "cut to {length} bytes");
    }
    assert!(RedbStore::open(folder.path()).is_err(), "a folder");
    assert!(RedbStore::open(folder.path().join("no/such/folder")).is_err());
    fs::write(&path, &whole).unwrap();
    assert!(RedbStore::open(&path).is_ok(), "what was written is read");
}

/// A file of three records as a crash leaves it, and the same as it is closed in order.
async fn crashed_and_closed(path: &Path) -> [Vec<u8>; 2] {
    let store = RedbStore::open(path).unwrap();
    for name in ["alice", "bob", "carol"] {
        let write = Write { expected: None, new: stored(name.as_bytes()) };
        assert_eq!(store.swap(&account(name), &write).await.unwrap(), Swap::Done);
    }
    let crashed = fs::read(path).unwrap();
    drop(store);
    [crashed, fs::read(path).unwrap()]
}

#[tokio::test]
async fn a_damaged_redb_file_is_an_error_and_never_an_empty_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    let [crashed, closed] = crashed_and_closed(&path).await;
    // redb keeps two headers, at 64 and 192, and a byte at 9 that says which one is current. Where
    // the pages of the current one are damaged and the other one is torn, redb 4.5 repaired the
    // file into an empty one.
    let mut torn = crashed.clone();
    let other = if crashed[9] & 1 == 0 { 192 } else { 64 };
    torn[other + 1..other + 128].fill(0); // all but its version
    torn[4_096..].fill(0xa5);
    let mut pages = closed.clone();
    pages[4_096..].fill(0xa5);
    for (what, file) in [("torn after a crash", torn), ("pages of a closed file", pages)] {
        fs::write(&path, &file).unwrap();
        let error = RedbStore::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{what}: {error}");
    }
    // One page alone: zeros in the place of each in turn, and a bit of each turned. No record is
    // answered as absent.
    for place in (4_096..closed.len()).step_by(4_096) {
        let mut zeroed = closed.clone();
        zeroed[place..place + 4_096].fill(0);
        let mut turned = closed.clone();
        turned[place + 64] ^= 1;
        for file in [zeroed, turned].into_iter().filter(|file| *file != closed) {
            fs::write(&path, &file).unwrap();
            match RedbStore::open(&path) {
                Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{place}: {error}"),
                // A page that is in no use.
                Ok(store) => assert!(store.load(&account("alice")).await.unwrap().is_some(), "{place}"),
            }
        }
    }
    // An empty database in the place of ours is no store in which nobody has an account.
    fs::remove_file(&path).unwrap();
    drop(redb::Database::create(&path).unwrap());
    assert!(matches!(RedbStore::open(&path).unwrap_err(), StoreError::Damaged { .. }));
    for whole in [crashed, closed] {
        fs::write(&path, &whole).unwrap();
        assert!(RedbStore::open(&path).unwrap().load(&account("alice")).await.unwrap().is_some());
    }
}

#[test]
fn redb_of_another_format_is_refused_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    let database = redb::Database::create(&path).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(redb::TableDefinition::<&str, u64>::new("sekisho format")).unwrap().insert("version", 2).unwrap();
    write.commit().unwrap();
    drop(database);
    let error = RedbStore::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Version { version: 2, .. }), "{error}");
}

/// This program again, as another process that does `what` to the file at `path`; see `in_a_child`.
fn child(path: &Path, what: &str) -> std::process::Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", IN_A_CHILD, "--nocapture"]).env("SEKISHO_CHILD", what).env("SEKISHO_FILE", path);
    child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Does what the children of other tests do; nothing when run by itself.
#[test]
fn in_a_child() {
    let (Ok(what), Ok(path)) = (std::env::var("SEKISHO_CHILD"), std::env::var("SEKISHO_FILE")) else { return };
    let store = RedbStore::open(path);
    if what == "open" {
        println!("{}", store.unwrap_err());
        return;
    }
    if what == "open or not" {
        // Another may have it; nobody finds it half-made.
        assert!(matches!(store, Ok(_) | Err(StoreError::InUse { .. })), "{store:?}");
        return;
    }
    let store = store.unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let counters = (0..ACCOUNTS).map(|number| tokio::spawn(count(store.clone(), number)));
        for counter in counters.collect::<Vec<_>>() {
            counter.await.unwrap();
        }
    });
}

const ACCOUNTS: usize = 8;

/// Counts in the record of an account for ever, and says each number once its swap is done.
async fn count(store: RedbStore, number: usize) {
    let account = account(&format!("counter {number}"));
    loop {
        let found = store.load(&account).await.unwrap();
        let value = found.as_ref().map_or(0, |found| u64::from_be_bytes(found.envelope[..].try_into().unwrap())) + 1;
        let write = Write { expected: found.map(|found| found.revision), new: stored(&value.to_be_bytes()) };
        assert_eq!(store.swap(&account, &write).await.unwrap(), Swap::Done);
        println!("done {number} {value}");
    }
}

#[test]
fn redb_forgets_nothing_that_it_has_answered_when_killed_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    let mut answered = [0_u64; ACCOUNTS];
    for round in 0..25 {
        let mut child = child(&path, "count");
        let said = child.stdout.take().unwrap();
        // The pipe is read all the while, so that the child is killed at work and not while it
        // waits for us.
        let (lines, read) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let said = BufReader::new(said).lines().map_while(Result::ok);
            said.inspect(|_| _ = lines.send(())).collect::<Vec<_>>()
        });
        for _ in 0..50 {
            read.recv_timeout(Duration::from_secs(60)).expect("the child is at work");
        }
        std::thread::sleep(Duration::from_millis(round * 37 % 100));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in reader.join().unwrap() {
            let mut words = line.split(' ').skip_while(|word| !word.ends_with("done")).skip(1);
            let Some((number, value)) = words.next().zip(words.next()) else { continue };
            // The last line may be cut off.
            let (Ok(number), Ok(value)) = (number.parse::<usize>(), value.parse::<u64>()) else { continue };
            answered[number] = answered[number].max(value);
        }
        let store = RedbStore::open(&path).unwrap();
        for (number, answered) in answered.iter_mut().enumerate() {
            let found = block_on(store.load(&account(&format!("counter {number}")))).unwrap();
            let kept = found.map_or(0, |found| u64::from_be_bytes(found.envelope[..].try_into().unwrap()));
            // Two may have been done and not said: one whose line was lost, and one whose answer
            // was.
            assert!((*answered..=*answered + 2).contains(&kept), "round {round}: {answered} answered, {kept} kept");
            *answered = kept;
        }
    }
    assert!(answered.iter().sum::<u64>() > 1_000, "the children were at work: {answered:?}");
}

/// A leaf of redb's tree has four kilobytes, is divided when it is full, and so is full to two
/// thirds on the average: 4.5 records of 640 bytes. Without compaction the file has up to twice as
/// much.
#[test]
fn bytes_of_an_account_in_redb() {
    use rand::{Rng, RngExt, SeedableRng};
    use sekisho::seal::{Revision, Stored, Write};
    const ENVELOPE: usize = 640;
    const ACCOUNTS: u64 = 100_000;

    let (folder, runtime) = (tempfile::tempdir().unwrap(), tokio::runtime::Runtime::new().unwrap());
    let path = folder.path().join("records");
    let mut rng = rand::rngs::StdRng::seed_from_u64(1);
    let mut stored = Vec::new();
    runtime.block_on(async {
        let store = RedbStore::open(&path).unwrap();
        let mut swaps = tokio::task::JoinSet::new();
        for _ in 0..ACCOUNTS {
            // Ids in no order, as services have them.
            let id = AccountId::new(rng.random::<[u8; 8]>()).unwrap();
            let mut envelope = vec![0; ENVELOPE];
            rng.fill_bytes(&mut envelope);
            let new = Stored { revision: Revision::random(&mut rng), envelope };
            stored.push((id.clone(), new.clone()));
            let store = store.clone();
            swaps.spawn(async move { store.swap(&id, &Write { expected: None, new }).await.unwrap() });
            if swaps.len() == 1_000 {
                while let Some(swap) = swaps.join_next().await {
                    assert_eq!(swap.unwrap(), Swap::Done);
                }
            }
        }
        assert!(swaps.join_all().await.iter().all(|swap| *swap == Swap::Done));
    });
    let each = || std::fs::metadata(&path).unwrap().len() / ACCOUNTS;
    let before = each();
    RedbStore::compact(&path).unwrap();
    println!("{before} bytes an account, {} after compaction", each());
    // One and a half times, and what the order of the writes makes out.
    assert!(each() <= ENVELOPE as u64 * 3 / 2 + 32 && each() <= before, "{}", each());
    runtime.block_on(async {
        let store = RedbStore::open(&path).unwrap();
        assert!(matches!(RedbStore::compact(&path), Err(sekisho::store::StoreError::InUse { .. })));
        for (id, stored) in stored {
            assert!(store.load(&id).await.unwrap() == Some(stored));
        }
    });
}
