//! Stores on real servers, which the tests start: Redis, `PostgreSQL`, `PgBouncer`.
//!
//! The files are modules of one crate, so that what they share is compiled once. One of them by
//! itself: `cargo test --all-features --test servers failover::`.

#[path = "../examples/mod.rs"]
mod examples;
#[cfg(feature = "alloc")]
#[path = "../phone/mod.rs"]
mod phone;
#[cfg(any(feature = "postgres", feature = "redis"))]
#[path = "../servers/mod.rs"]
mod servers;
#[cfg(all(feature = "redb", feature = "test-kit"))]
#[path = "../service/mod.rs"]
mod service;

#[path = "../failover.rs"]
mod failover;
#[path = "../pooler.rs"]
mod pooler;
#[path = "../postgres.rs"]
mod postgres;
#[path = "../race_example.rs"]
mod race_example;
#[path = "../redis.rs"]
mod redis;
#[path = "../redis_settings.rs"]
mod redis_settings;
#[path = "../round_trips.rs"]
mod round_trips;
#[path = "../tls_provider.rs"]
mod tls_provider;
