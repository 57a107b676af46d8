//! Names of accounts, authenticators, devices, purposes, addresses and writes.

pub(super) mod account_id;
pub(super) mod address;
pub(super) mod error;
pub(super) mod ids;
pub(super) mod purpose;
pub(crate) mod revision;
pub(super) mod source;
pub(super) mod text;
