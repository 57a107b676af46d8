//! What a settings page and support may see: no secrets.

use super::Account;
use super::address::Channel;
use super::authenticator::{App, AuthenticatorId, Kind};
use super::device::{DeviceView, views};
use super::event::Event;
use super::policy::Policy;
use super::purpose::Purpose;
use super::text::Text;
use super::throttles::Door;
use crate::otp::{Rejection, Totp, UnixTime};
use alloc::vec::Vec;

/// What an account has and what has happened on it, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AccountView {
    /// The authenticators, oldest first.
    pub authenticators: Vec<AuthenticatorView>,
    /// The enrollment that waits for its confirming code, and until when it does.
    pub pending: Option<(AuthenticatorId, UnixTime)>,
    /// Why no code would be evaluated now, if none would: for attempts without a device token.
    pub refusal: Option<Rejection>,
    /// The same for attempts with a device token or a pass.
    pub refusal_for_devices: Option<Rejection>,
    /// The same for recovery codes.
    pub refusal_for_recovery_codes: Option<Rejection>,
    /// How many passes have been issued and not used.
    pub passes: usize,
    /// Failures in a row over all doors.
    pub failures_in_a_row: u32,
    /// Failures of strangers that have not leaked away.
    pub long_term_failures: u32,
    /// How many recovery codes have not been used.
    pub recovery_codes_left: u8,
    /// The purposes that are held, and until when.
    pub holds: Vec<(Purpose, UnixTime)>,
    /// Since when an operator holds everything.
    pub frozen_at: Option<UnixTime>,
    /// Whether an operator has reset the account, and its owner has not enrolled since: only the pass does.
    pub is_reset: bool,
    /// Another one after a freeze, a reset, a restored backup, and where the record is made anew: what was founded on
    /// [proofs](super::Proof::epoch) of an earlier one, sessions above all, has ended. 0 where nothing is stored.
    pub epoch: u64,
    /// The devices that are known, in the order they came.
    pub devices: Vec<DeviceView>,
    /// The latest events, oldest first. Not for the owner's eyes without choice: see [`Event`].
    pub history: Vec<Event>,
}

/// An authenticator without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AuthenticatorView {
    /// Names it in calls.
    pub id: AuthenticatorId,
    /// What the owner calls it.
    pub name: Text,
    /// What it is.
    pub kind: AuthenticatorKind,
    /// When it was confirmed.
    pub bound_at: UnixTime,
    /// When a code of its was accepted last.
    pub last_used: UnixTime,
    /// Whether too many failures in a row have disabled it.
    pub is_disabled: bool,
}

/// What an authenticator is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum AuthenticatorKind {
    /// An app or a token.
    #[non_exhaustive]
    App {
        /// Its parameters.
        totp: Totp,
        /// How far its clock has been learned to be ahead (or, negative, behind), in steps.
        drift: i32,
        /// Whether its secret has fewer than 128 bits: have it replaced.
        is_legacy: bool,
    },
    /// An address that codes are sent to.
    #[non_exhaustive]
    Address {
        /// How.
        channel: Channel,
        /// What may be shown of it.
        masked: Text,
    },
}

impl Account {
    /// What may be seen of the account at `now`. An account that nothing is stored of has nothing to show.
    #[must_use]
    pub fn view(&self, policy: &Policy, now: UnixTime) -> AccountView {
        let record = &self.record;
        let max_drift = policy.codes().max_drift;
        let authenticators = record.authenticators.iter().map(|one| AuthenticatorView {
            id: one.id,
            name: one.name.clone(),
            kind: match &one.kind {
                Kind::App(App { totp, secret, tracker }) => AuthenticatorKind::App {
                    totp: *totp,
                    drift: tracker.drift(max_drift),
                    is_legacy: secret.is_legacy(),
                },
                Kind::Address(address) => {
                    AuthenticatorKind::Address { channel: address.channel(), masked: address.masked() }
                }
            },
            bound_at: one.bound_at,
            last_used: one.last_used,
            is_disabled: one.disabled,
        });
        let authenticators: Vec<_> = authenticators.collect();
        let all_disabled = !authenticators.is_empty() && authenticators.iter().all(|one| one.is_disabled);
        let frozen = record.frozen_at.map(|_| Rejection::Frozen);
        let disabled = all_disabled.then_some(Rejection::Disabled);
        let refusal = frozen.or(disabled).or_else(|| self.shut(policy, Door::Common, 1, now));
        let holds = record.holds.iter().filter(|hold| hold.is_in_force(now));
        AccountView {
            authenticators,
            pending: self.waiting(policy, now).map(|one| (one.id, one.until)),
            refusal,
            refusal_for_devices: frozen.or(disabled).or_else(|| self.shut(policy, Door::Device, 1, now)),
            refusal_for_recovery_codes: frozen.or_else(|| record.throttles.shut(policy, Door::Recovery, now)),
            passes: record.passes.count(policy.limits().pass_secs, now),
            failures_in_a_row: record.throttles.run,
            long_term_failures: record.throttles.common.long_term,
            recovery_codes_left: self.recovery_codes_left(),
            holds: holds.map(|hold| (hold.purpose, hold.until)).collect(),
            frozen_at: record.frozen_at,
            is_reset: record.is_reset,
            epoch: record.epoch,
            devices: views(&record.devices, policy.limits().device_secs, now),
            history: record.history.events().collect(),
        }
    }
}
