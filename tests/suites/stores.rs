//! Stores on this machine: memory and redb, faulty disks, races, and processes that are killed.
//!
//! The files are modules of one crate, so that what they share is compiled once. One of them by
//! itself: `cargo test --all-features --test stores copy::`.

#[cfg(feature = "alloc")]
#[path = "../phone/mod.rs"]
mod phone;
#[cfg(any(feature = "postgres", feature = "redis"))]
#[path = "../servers/mod.rs"]
mod servers;

#[path = "../copy.rs"]
mod copy;
#[path = "../disk.rs"]
mod disk;
#[path = "../kill.rs"]
mod kill;
#[path = "../races.rs"]
mod races;
#[path = "../stores.rs"]
mod stores;
