//! Long histories, by chance and beside a second implementation.
//!
//! The files are modules of one crate, so that what they share is compiled once. One of them by
//! itself: `cargo test --all-features --test histories campaigns::`.

#[path = "../model/mod.rs"]
mod model;
#[cfg(feature = "alloc")]
#[path = "../phone/mod.rs"]
mod phone;
#[cfg(all(feature = "redb", feature = "test-kit"))]
#[path = "../service/mod.rs"]
mod service;

#[path = "../campaigns.rs"]
mod campaigns;
#[path = "../collisions.rs"]
mod collisions;
#[path = "../histories.rs"]
mod histories;
#[path = "../message_histories.rs"]
mod message_histories;
#[path = "../resync_histories.rs"]
mod resync_histories;
