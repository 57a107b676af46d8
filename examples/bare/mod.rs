//! The clients by themselves: a load and a compare-and-swap as the stores make them, of as many
//! bytes, and nothing else.

use crate::loading::rng;
use crate::stores::{CONNECTIONS, Failure, Watched};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{Client, IntoConnectionInfo};
use sekisho::account::AccountId;
use sekisho::seal::{Revision, Stored, Write};
use sekisho::store::{Store, Swap};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

#[derive(Clone)]
pub(crate) enum Bare {
    Redis(MultiplexedConnection, String),
    /// The flag says if its statements are prepared, too.
    Postgres(Pool, bool),
    /// Where there is no server, and no client.
    Store(Watched),
}

const SWAP: &str = "if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then return 0 end \
    redis.call('SET', KEYS[1], ARGV[2]) return 1";

impl Bare {
    pub(crate) async fn open(url: &str, store: &Watched) -> Result<Self, Failure> {
        if url.starts_with("redis://") || url.starts_with("rediss://") {
            let info = url.into_connection_info()?.set_tcp_settings(TcpSettings::default().set_nodelay(true));
            let mut connection = Client::open(info)?.get_multiplexed_async_connection().await?;
            let hash: String = redis::cmd("SCRIPT").arg("LOAD").arg(SWAP).query_async(&mut connection).await?;
            return Ok(Self::Redis(connection, hash));
        }
        if url.starts_with("postgres") {
            let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            let manager = Manager::from_config(
                url.replacen("postgres-unnamed", "postgres", 1).parse()?,
                tokio_postgres::NoTls,
                manager_config,
            );
            let is_prepared = !url.starts_with("postgres-unnamed");
            return Ok(Self::Postgres(Pool::builder(manager).max_size(CONNECTIONS).build()?, is_prepared));
        }
        Ok(Self::Store(store.clone()))
    }

    /// Its name in the report.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Redis(..) | Self::Postgres(..) => "the bare client",
            Self::Store(_) => "the store alone",
        }
    }

    /// Loads what is there, and swaps it for another of as many bytes.
    pub(crate) async fn load_and_swap(&self, id: &AccountId, len: usize) -> Result<(), Failure> {
        let (revision, envelope) = (Revision::random(&mut rng()), vec![7; len]);
        match self {
            Self::Redis(connection, hash) => {
                let (mut connection, key) = (connection.clone(), [&b"sekisho:"[..], id.as_bytes()].concat());
                let found: Option<Vec<u8>> = redis::cmd("GET").arg(&key).query_async(&mut connection).await?;
                let found = found.unwrap_or_default();
                let expected = found.get(..16).unwrap_or_default();
                let new = [&revision.as_bytes()[..], &envelope].concat();
                let mut swap = redis::cmd("EVALSHA");
                let swap = swap.arg(hash).arg(1).arg(&key).arg(expected).arg(new);
                let done: u64 = swap.query_async(&mut connection).await?;
                if done == 1 { Ok(()) } else { Err("the swap was lost".into()) }
            }
            Self::Postgres(pool, is_prepared) => {
                let id = id.as_bytes();
                let load = "SELECT revision, envelope FROM sekisho WHERE account = $1";
                let rows = query(pool, *is_prepared, load, &[&id]).await?;
                let row = rows.first().ok_or("there is no record")?;
                let (expected, _envelope): (Vec<u8>, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
                let swap = "UPDATE sekisho SET revision = $2, envelope = $3 WHERE account = $1 AND revision = $4 \
                    RETURNING true";
                let new = revision.as_bytes().as_slice();
                let changed = query(pool, *is_prepared, swap, &[&id, &new, &envelope, &expected]).await?;
                if changed.len() == 1 { Ok(()) } else { Err("the swap was lost".into()) }
            }
            Self::Store(store) => {
                let found = store.load(id).await?;
                let write = Write { expected: found.map(|found| found.revision), new: Stored { revision, envelope } };
                if store.swap(id, &write).await? == Swap::Done { Ok(()) } else { Err("the swap was lost".into()) }
            }
        }
    }
}

/// The rows of a statement, all of whose parameters are bytes.
async fn query(pool: &Pool, is_prepared: bool, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
    let client = pool.get().await?;
    if is_prepared {
        let statement = client.prepare_cached(sql).await?;
        return Ok(client.query(&statement, values).await?);
    }
    let typed: Vec<_> = values.iter().map(|value| (*value, Type::BYTEA)).collect();
    Ok(client.query_typed(sql, &typed).await?)
}
