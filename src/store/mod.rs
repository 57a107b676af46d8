//! Stores keep records: opaque bytes under an account, changed only by compare-and-swap.
//!
//! A store decides nothing. It holds bytes and replaces them if nobody else has; every rule about
//! codes rests on that one promise, which is stated at [`Store`] and checked by [`conformance`].
//!
//! # Which store
//!
//! | store | for | lost in a crash | lost in a failover |
//! |---|---|---|---|
//! | [`MemoryStore`] | tests | everything | |
//! | `RedbStore` | one process on one machine | nothing: it waits for the disk | |
//! | `PostgresStore` | many machines | nothing | nothing, to a synchronous replica |
//! | `RedisStore` | many machines | nothing, by `appendfsync always` | see below |
//!
//! PostgreSQL loses its last moments in a failover to a replica that is not synchronous. Redis
//! loses in a failover what the replicas had not acknowledged: `RedisBuilder::replicas` waits for
//! them.
//!
//! The loss is of codes that were used and failures that were counted: for as long as those codes
//! last, they can be used again. In doubt take PostgreSQL: it promises the most when machines fail.
//! Take Redis where log-ins are more than a PostgreSQL bears, and its set-up (`appendfsync always`,
//! replicas that are waited for) is somebody's task.
//!
//! While a server is away nobody gets in: every call is an error within its deadline (two seconds
//! unless set otherwise), and a connection that was lost, or has fallen silent, is replaced by
//! another.
//!
//! # How large, how many
//! An envelope takes 640 or 768 bytes once its account's history is full of log-ins (and 64 KiB at
//! the very most). With its key and what the server adds, an account of 640 bytes takes 860 bytes of
//! memory in Redis, and 1.2 kB in PostgreSQL, or 1.9 kB after all were written again: a million
//! accounts are 0.9 and 2 GB.
//!
//! A log-in is one load and one swap, each one round trip; one that notifies the owner is two of
//! each, one that is refused and changes nothing is the load only. `examples/load.rs` measures what
//! a store bears beside what its client does by itself.
//!
//! # Backups
//! A backup brings old watermarks back, and with them codes that were used since. After one was
//! restored:
//!
//! 1. Tell every verifier when that was, before the first one works again:
//!    `VerifierBuilder::restored_at` (or
//!    [`Account::restored_at`](crate::account::Account::restored_at)). Whatever could have been
//!    used until then counts as used, recovery codes included.
//! 2. Leave the setting in place, as long as there may be records that have not been used since.
//!    Each is treated once.
//! 3. Locks, holds and freezes of after the backup are gone: look through the events of that time,
//!    which the sink was told, and repeat what operators did.
//!
//! A failover that may have lost changes is a backup of a moment ago. The same helps, at the price
//! of everybody's recovery codes; replicas that are waited for cost less. Keep the sealing keys
//! apart from the backups.
//!
//! # Rotating the sealing keys
//! 1. Give every process a keyring in which the new key is there and the old one is primary; then
//!    one in which the new one is primary.
//! 2. Every write seals under the new one from then on. For accounts that nobody uses, call
//!    `Verifier::reseal` for each that the store lists.
//! 3. Take the old key away when `reseal` has said of each account that it was done, or not needed.
//!    Backups need it for as long as they are kept.
//!
//! # Moving to another store
//! Stop what verifies, or have it refuse; [`copy`] the records of the accounts that the old store
//! lists; start on the new one. A record that changes while it is copied would be old in the new
//! store, with codes that can be used again.

#[cfg(any(feature = "postgres", feature = "redis"))]
mod authority;
mod boxed;
#[cfg(feature = "conformance")]
pub mod conformance;
mod contract;
mod copy;
mod error;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod retries;

#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresBuilder, PostgresStore};
#[cfg(feature = "redb")]
pub use self::redb::RedbStore;
#[cfg(feature = "redis")]
pub use self::redis::{RedisBuilder, RedisCredentials, RedisStore};
pub use boxed::BoxStore;
pub use contract::{Store, Swap};
pub use copy::{Copied, copy};
pub use error::StoreError;
pub use memory::MemoryStore;
