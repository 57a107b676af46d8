//! The stores of records, by URL: those of the second factors, and those of the customers beside them.

use sekisho::store::{BoxStore, MemoryStore, PostgresStore, RedbStore, RedisStore};

/// Two stores of one kind.
#[derive(Debug)]
pub struct Stores {
    /// Sekisho's.
    pub accounts: BoxStore,
    /// The exchange's own: it keeps its customers as sealed records too, to need no other database.
    /// Yours has tables of its own.
    pub customers: BoxStore,
}

/// Why a store does not open.
pub type OpenError = Box<dyn std::error::Error + Send + Sync>;

/// Opens `memory:`, `redb:FOLDER`, `redis://…`, `rediss://…` or `postgres://…`.
///
/// # Errors
/// The store's own.
pub async fn open(url: &str) -> Result<Stores, OpenError> {
    if url == "memory:" {
        return Ok(Stores {
            accounts: BoxStore::new(MemoryStore::new()),
            customers: BoxStore::new(MemoryStore::new()),
        });
    }
    if let Some(folder) = url.strip_prefix("redb:") {
        std::fs::create_dir_all(folder)?;
        let folder = std::path::Path::new(folder);
        let accounts = BoxStore::new(RedbStore::open(folder.join("accounts.redb"))?);
        let customers = BoxStore::new(RedbStore::open(folder.join("customers.redb"))?);
        return Ok(Stores { accounts, customers });
    }
    if url.starts_with("redis://") || url.starts_with("rediss://") {
        // TLS takes a provider of its primitives, of which a process has one; an earlier one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let accounts = RedisStore::connect(url).await?;
        let customers = RedisStore::builder().namespace("customers").connect(url).await?;
        return Ok(Stores { accounts: BoxStore::new(accounts), customers: BoxStore::new(customers) });
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let accounts = PostgresStore::builder().connections(24).connect(url)?;
        let customers = PostgresStore::builder().table("customers").connections(8).connect(url)?;
        accounts.create_table().await?;
        customers.create_table().await?;
        return Ok(Stores { accounts: BoxStore::new(accounts), customers: BoxStore::new(customers) });
    }
    Err("a store is memory:, redb:FOLDER, redis://… or postgres://…".into())
}
