//! Records in Redis: one machine, a cluster, or whatever sentinels say is the master. Valkey too.

mod builder;
mod credentials;
mod error;
mod link;
mod settings;
mod store;

pub use builder::RedisBuilder;
pub use credentials::RedisCredentials;
pub use store::RedisStore;
