//! What a settings page and support may see: no secrets.

use super::Account;
use super::authenticator::AuthenticatorId;
use super::event::Event;
use super::policy::Policy;
use super::purpose::Purpose;
use super::recovery::RecoverySet;
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
    /// The enrolment that waits for its confirming code, and until when it does.
    pub pending: Option<(AuthenticatorId, UnixTime)>,
    /// Why no code would be evaluated now, if none would: for attempts without a device token.
    pub shut: Option<Rejection>,
    /// Failures in a row over all doors.
    pub failures_in_a_row: u32,
    /// Failures of strangers that have not leaked away.
    pub long_term_failures: u32,
    /// How many recovery codes have not been used.
    pub recovery_codes_left: u8,
    /// The purposes that are held, and until when.
    pub holds: Vec<(Purpose, UnixTime)>,
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
    /// Its parameters.
    pub totp: Totp,
    /// When it was confirmed.
    pub bound_at: UnixTime,
    /// When a code of its was accepted last.
    pub last_used: UnixTime,
    /// How far its clock has been learnt to be ahead (or, negative, behind), in steps.
    pub drift: i32,
    /// Whether too many failures in a row have disabled it.
    pub is_disabled: bool,
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
            totp: one.totp,
            bound_at: one.bound_at,
            last_used: one.last_used,
            drift: one.tracker.drift(max_drift),
            is_disabled: one.disabled,
        });
        let authenticators: Vec<_> = authenticators.collect();
        let all_disabled = !authenticators.is_empty() && authenticators.iter().all(|one| one.is_disabled);
        let shut = if all_disabled { Some(Rejection::Disabled) } else { self.shut(policy, Door::Common, now) };
        let holds = record.holds.iter().filter(|hold| now < hold.until);
        AccountView {
            authenticators,
            pending: record.pending.as_ref().filter(|pending| now < pending.until).map(|one| (one.id, one.until)),
            shut,
            failures_in_a_row: record.throttles.run,
            long_term_failures: record.throttles.common.long_term,
            recovery_codes_left: record.recovery.as_ref().map_or(0, RecoverySet::left),
            holds: holds.map(|hold| (hold.purpose, hold.until)).collect(),
            history: record.history.events().collect(),
        }
    }
}
