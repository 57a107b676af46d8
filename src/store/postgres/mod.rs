//! Records in PostgreSQL, or what speaks its protocol: one table.

mod builder;
mod connect;
mod error;
mod store;

pub use builder::PostgresBuilder;
pub use store::PostgresStore;
