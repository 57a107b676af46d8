//! Codes, accounts and their records, without a verifier.
//!
//! The files are modules of one crate, so that what they share is compiled once. One of them by
//! itself: `cargo test --all-features --test core account::`.

#[path = "../examples/mod.rs"]
mod examples;
#[path = "../model/mod.rs"]
mod model;
#[cfg(feature = "alloc")]
#[path = "../phone/mod.rs"]
mod phone;

#[path = "../account.rs"]
mod account;
#[path = "../clients.rs"]
mod clients;
#[path = "../clocks.rs"]
mod clocks;
#[path = "../corpus.rs"]
mod corpus;
#[path = "../decisions.rs"]
mod decisions;
#[path = "../differential.rs"]
mod differential;
#[path = "../hostile.rs"]
mod hostile;
#[path = "../migration.rs"]
mod migration;
#[path = "../own_row.rs"]
mod own_row;
#[path = "../qr.rs"]
mod qr;
#[path = "../record.rs"]
mod record;
#[path = "../seal.rs"]
mod seal;
#[path = "../serde.rs"]
mod serde;
#[path = "../typed.rs"]
mod typed;
#[path = "../uri.rs"]
mod uri;
#[path = "../vectors.rs"]
mod vectors;
