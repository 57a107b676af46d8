//! Programs and pages: the operator's tool, examples, documentation, and what valgrind says.
//!
//! The files are modules of one crate, so that what they share is compiled once. One of them by
//! itself: `cargo test --all-features --test programs docs::`.

#[path = "../examples/mod.rs"]
mod examples;

#[path = "../docs.rs"]
mod docs;
#[path = "../instructions.rs"]
mod instructions;
#[path = "../login_example.rs"]
mod login_example;
#[path = "../proofs.rs"]
mod proofs;
#[path = "../tool.rs"]
mod tool;
