//! A store by its URL: what the examples that race and measure are given.

use sekisho::store::{BoxStore, MemoryStore, PostgresStore, RedbStore, RedisStore};

/// `memory:`, `redb:PATH`, `redis://…` (or `rediss`), `redis-cluster://HOST:PORT,HOST:PORT`, `postgres://…`.
pub(crate) async fn open(url: &str) -> Result<BoxStore, Box<dyn std::error::Error + Send + Sync>> {
    if url == "memory:" {
        return Ok(BoxStore::new(MemoryStore::new()));
    }
    if let Some(path) = url.strip_prefix("redb:") {
        return Ok(BoxStore::new(RedbStore::open(path)?));
    }
    if let Some(nodes) = url.strip_prefix("redis-cluster://") {
        let urls: Vec<_> = nodes.split(',').map(|node| format!("redis://{node}")).collect();
        let urls: Vec<_> = urls.iter().map(String::as_str).collect();
        return Ok(BoxStore::new(RedisStore::builder().connect_cluster(&urls).await?));
    }
    if url.starts_with("redis") {
        return Ok(BoxStore::new(RedisStore::connect(url).await?));
    }
    let store = PostgresStore::builder().connections(32).connect(url)?;
    store.create_table().await?;
    Ok(BoxStore::new(store))
}

/// Whether several processes can have it open.
pub(crate) fn is_shared(url: &str) -> bool {
    !url.starts_with("memory:") && !url.starts_with("redb:")
}
