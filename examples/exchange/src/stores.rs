//! The stores of records, by URL: those of the second factors, and those of the customers beside
//! them.

use sekisho::account::AccountId;
use sekisho::store::{BoxStore, MemoryStore, PostgresStore, RedbStore, RedisStore, StoreError};

/// Two stores of one kind.
#[derive(Debug)]
pub struct Stores {
    /// Sekisho's.
    pub accounts: BoxStore,
    /// The exchange's own: it keeps its customers as sealed records too, to need no other database.
    /// Yours has tables of its own.
    pub customers: BoxStore,
    /// Lists the keys of the customers' store, for the desk's search.
    pub listed: Listed,
}

/// A store whose keys can be listed.
#[derive(Clone)]
pub enum Listed {
    /// In the process's memory.
    Memory(MemoryStore),
    /// In a file.
    Redb(RedbStore),
    /// In Redis.
    Redis(RedisStore),
    /// In PostgreSQL.
    Postgres(PostgresStore),
}

impl std::fmt::Debug for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listed").finish_non_exhaustive()
    }
}

impl Listed {
    /// All keys.
    ///
    /// # Errors
    /// The store's.
    pub async fn keys(&self) -> Result<Vec<AccountId>, StoreError> {
        match self {
            Self::Memory(store) => Ok(store.accounts()),
            Self::Redb(store) => {
                let store = store.clone();
                let listed = tokio::task::spawn_blocking(move || store.accounts()).await;
                listed.unwrap_or(Ok(Vec::new()))
            }
            // A cluster lists none: whole addresses are found all the same.
            Self::Redis(store) => match store.accounts().await {
                Err(StoreError::NotListed) => Ok(Vec::new()),
                listed => listed,
            },
            Self::Postgres(store) => store.accounts().await,
        }
    }
}

impl Stores {
    /// In the process's memory, with another store of second factors: for tests.
    #[must_use]
    pub fn in_memory(accounts: BoxStore) -> Self {
        let customers = MemoryStore::new();
        Self { accounts, customers: BoxStore::new(customers.clone()), listed: Listed::Memory(customers) }
    }
}

/// Why a store does not open.
pub type OpenError = Box<dyn std::error::Error + Send + Sync>;

/// Opens `memory:`, `redb:FOLDER`, `redis://…`, `rediss://…` or `postgres://…`.
///
/// # Errors
/// The store's own.
pub async fn open(url: &str) -> Result<Stores, OpenError> {
    if url == "memory:" {
        return Ok(Stores::in_memory(BoxStore::new(MemoryStore::new())));
    }
    if let Some(folder) = url.strip_prefix("redb:") {
        std::fs::create_dir_all(folder)?;
        let folder = std::path::Path::new(folder);
        let accounts = BoxStore::new(RedbStore::open(folder.join("accounts.redb"))?);
        let customers = RedbStore::open(folder.join("customers.redb"))?;
        let listed = Listed::Redb(customers.clone());
        return Ok(Stores { accounts, customers: BoxStore::new(customers), listed });
    }
    if url.starts_with("redis://") || url.starts_with("rediss://") {
        // TLS takes a provider of its primitives, of which a process has one; an earlier one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let accounts = RedisStore::connect(url).await?;
        let customers = RedisStore::builder().namespace("customers").connect(url).await?;
        let listed = Listed::Redis(customers.clone());
        return Ok(Stores { accounts: BoxStore::new(accounts), customers: BoxStore::new(customers), listed });
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let accounts = PostgresStore::builder().connections(24).connect(url)?;
        let customers = PostgresStore::builder().table("customers").connections(8).connect(url)?;
        accounts.create_table().await?;
        customers.create_table().await?;
        let listed = Listed::Postgres(customers.clone());
        return Ok(Stores { accounts: BoxStore::new(accounts), customers: BoxStore::new(customers), listed });
    }
    Err("a store is memory:, redb:FOLDER, redis://… or postgres://…".into())
}
