#![cfg_attr(feature = "full", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "full"), doc = "Verifies one-time codes (TOTP) on the server side; see [`otp`].")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

/// The programs of pages beside the README.
#[cfg(all(doctest, feature = "full"))]
#[doc = include_str!("../docs/acts.md")]
mod acts {}

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "alloc")]
pub mod account;
#[cfg(feature = "http")]
pub mod http;
pub mod otp;
#[cfg(feature = "qr")]
pub mod qr;
#[cfg(feature = "alloc")]
pub mod seal;
#[cfg(feature = "std")]
pub mod store;
#[cfg(feature = "test-kit")]
pub mod test_kit;
#[cfg(feature = "text")]
pub mod text;
#[cfg(feature = "transfer")]
pub mod transfer;
#[cfg(feature = "verifier")]
pub mod verifier;

#[cfg(feature = "verifier")]
pub use verifier::{error::Error, handle::Verifier};
