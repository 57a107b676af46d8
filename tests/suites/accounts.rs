//! The verifier's doors and changes, as services call them.
//!
//! The files are modules of one crate, so that what they share is compiled once. One of them by
//! itself: `cargo test --all-features --test accounts acts::`.

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

#[path = "../acts.rs"]
mod acts;
#[path = "../attackers.rs"]
mod attackers;
#[path = "../careless.rs"]
mod careless;
#[path = "../creation.rs"]
mod creation;
#[path = "../delivered.rs"]
mod delivered;
#[path = "../devices.rs"]
mod devices;
#[path = "../doors.rs"]
mod doors;
#[path = "../enrollment.rs"]
mod enrollment;
#[path = "../events.rs"]
mod events;
#[path = "../faults.rs"]
mod faults;
#[path = "../gate.rs"]
mod gate;
#[path = "../http.rs"]
mod http;
#[path = "../mishaps.rs"]
mod mishaps;
#[path = "../moving.rs"]
mod moving;
#[path = "../owners.rs"]
mod owners;
#[path = "../recovery.rs"]
mod recovery;
#[path = "../resync.rs"]
mod resync;
#[path = "../risk.rs"]
mod risk;
#[path = "../sinks.rs"]
mod sinks;
#[path = "../stronger_factor.rs"]
mod stronger_factor;
#[path = "../thieves.rs"]
mod thieves;
#[path = "../transfer.rs"]
mod transfer;
#[path = "../verifier.rs"]
mod verifier;
