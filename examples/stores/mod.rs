//! A store by its URL: what the examples that race and measure are given. Its calls are counted and
//! timed.

use sekisho::account::AccountId;
use sekisho::seal::{Revision, Stored, Write};
use sekisho::store::{BoxStore, MemoryStore, PostgresStore, RedbStore, RedisStore, Store, StoreError, Swap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The time that the stores of servers are given for each call, unless it is said.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);
/// PostgreSQL's are one per call that waits.
pub(crate) const CONNECTIONS: usize = 32;

/// `memory:`, `redb:PATH`, `redis://…` (or `rediss`), `redis-cluster://HOST:PORT,HOST:PORT`,
/// `postgres://…`, and `postgres-unnamed://…` behind a pooler in transaction mode.
pub(crate) async fn open(url: &str, deadline: Duration) -> Result<BoxStore, Failure> {
    if url == "memory:" {
        return Ok(BoxStore::new(MemoryStore::new()));
    }
    if let Some(path) = url.strip_prefix("redb:") {
        return Ok(BoxStore::new(RedbStore::open(path)?));
    }
    if let Some(nodes) = url.strip_prefix("redis-cluster://") {
        let urls: Vec<_> = nodes.split(',').map(|node| format!("redis://{node}")).collect();
        let urls: Vec<_> = urls.iter().map(String::as_str).collect();
        return Ok(BoxStore::new(RedisStore::builder().deadline(deadline).connect_cluster(&urls).await?));
    }
    if url.starts_with("rediss") {
        // The process chooses its provider of TLS once: an earlier choice stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    if url.starts_with("redis") {
        return Ok(BoxStore::new(RedisStore::builder().deadline(deadline).connect(url).await?));
    }
    let builder = PostgresStore::builder().deadline(deadline).connections(CONNECTIONS);
    let store = match url.strip_prefix("postgres-unnamed://") {
        Some(address) => builder.unnamed_statements().connect(&format!("postgres://{address}"))?,
        None => builder.connect(url)?,
    };
    store.create_table().await?;
    Ok(BoxStore::new(store))
}

/// Whether several processes can have it open: it is a server, and its calls have a deadline.
pub(crate) fn is_shared(url: &str) -> bool {
    !url.starts_with("memory:") && !url.starts_with("redb:")
}

/// A store that counts its calls. Clones count together.
#[derive(Clone)]
pub(crate) struct Watched(Arc<(BoxStore, Calls)>);

#[derive(Default)]
struct Calls {
    count: AtomicU64,
    lost: AtomicU64,
    is_careless: AtomicBool,
    longest_millis: AtomicU64,
}

impl Watched {
    pub(crate) fn new(store: BoxStore) -> Self {
        Self(Arc::new((store, Calls::default())))
    }

    pub(crate) fn calls(&self) -> u64 {
        self.0.1.count.load(Ordering::Relaxed)
    }

    /// The swaps that others were faster with, since this was asked last.
    pub(crate) fn lost(&self) -> u64 {
        self.0.1.lost.swap(0, Ordering::Relaxed)
    }

    /// Breaks the contract from now on, as a store would that looks first and writes later: what
    /// was lost is written all the same.
    pub(crate) fn be_careless(&self) {
        self.0.1.is_careless.store(true, Ordering::Relaxed);
    }

    /// The longest call's milliseconds since this was asked last.
    pub(crate) fn longest_millis(&self) -> u64 {
        self.0.1.longest_millis.swap(0, Ordering::Relaxed)
    }

    async fn watch<T>(&self, call: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let answer = call.await;
        self.0.1.count.fetch_add(1, Ordering::Relaxed);
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.1.longest_millis.fetch_max(millis, Ordering::Relaxed);
        answer
    }
}

impl Store for Watched {
    type Error = StoreError;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, StoreError> {
        self.watch(self.0.0.load(account)).await
    }

    async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, StoreError> {
        let mut answer = self.watch(self.0.0.swap(account, write)).await;
        if matches!(answer, Ok(Swap::Lost)) {
            self.0.1.lost.fetch_add(1, Ordering::Relaxed);
        }
        while self.0.1.is_careless.load(Ordering::Relaxed) && matches!(answer, Ok(Swap::Lost)) {
            let expected = self.load(account).await?.map(|found| found.revision);
            answer = self.0.0.swap(account, &Write { expected, new: write.new.clone() }).await;
        }
        answer
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, StoreError> {
        self.watch(self.0.0.delete(account, expected)).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.watch(self.0.0.ready()).await
    }
}
