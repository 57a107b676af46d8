//! The changes: where a proof or an operator comes in, and no code is judged.

mod acknowledge;
pub(super) mod create;
pub(super) mod deliver;
mod devices;
mod email;
mod enroll;
mod export;
pub(super) mod freeze_by_owner;
mod hold;
mod import;
pub(super) mod new_authenticator;
mod operator;
mod pass;
mod propose;
mod recovery_codes;
mod redeem;
mod remove;
mod rename;
mod restore;
mod self_recovery;
mod spend_proof;
mod stronger_factor;
mod suspend;
