//! The record of an account: all that is stored of it, changed only as a whole.

pub(super) mod authenticator;
pub(super) mod capacity;
pub(super) mod delivered;
pub(super) mod device;
pub(super) mod encoding;
pub(super) mod entries;
pub(super) mod history;
pub(super) mod imported_codes;
pub(super) mod notice;
pub(super) mod proposal;
pub(super) mod recovery;
pub(super) mod replies;
pub(super) mod self_recovery;
pub(super) mod throttles;
pub(super) mod token;
pub(super) mod whole;
