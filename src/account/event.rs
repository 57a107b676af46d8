//! What happened on an account: for the audit log, for notifications, for support.

use super::address::Channel;
use super::authenticator::AuthenticatorId;
use super::device::DeviceId;
use super::diagnosis::Diagnosis;
use super::encoding::{Corrupt, event_from_bytes, event_to_bytes};
use super::limits::EVENTS;
use super::purpose::Purpose;
use super::text::Text;
use crate::otp::{Rejection, UnixTime};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Something that happened on an account. No event carries a code or a secret.
///
/// Not all of it is for the owner's eyes, still less for whoever is logging in: show a
/// [`Rejection`] to them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Event {
    /// Its number on the account: an event that is told twice has the same number both times. Numbers rise, also where the
    /// record was erased and made anew, or restored from a backup: they begin at the second of that, times 2²⁰.
    /// `None` for a refusal that changed nothing: it is told once and kept nowhere.
    pub sequence: Option<u64>,
    /// When it happened.
    pub at: UnixTime,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(tag = "kind", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum EventKind {
    /// An enrollment was begun; nothing is bound yet.
    EnrollmentBegun {
        /// What the authenticator will be known by.
        authenticator: AuthenticatorId,
    },
    /// An enrollment was confirmed: the authenticator is bound.
    Confirmed {
        /// The new authenticator.
        authenticator: AuthenticatorId,
    },
    /// A code was accepted.
    Accepted {
        /// Whose code it was.
        authenticator: AuthenticatorId,
        /// What it was for.
        purpose: Purpose,
        /// How far the authenticator's clock seemed ahead (or, negative, behind), in steps.
        offset: i64,
    },
    /// A code that was sent was accepted.
    DeliveredCodeAccepted {
        /// The address that the account is bound to; `None` for a confirmation.
        authenticator: Option<AuthenticatorId>,
        /// How it was sent.
        channel: Channel,
        /// What it was for.
        purpose: Purpose,
    },
    /// A code was refused.
    Rejected {
        /// What it was for.
        purpose: Purpose,
        /// Why.
        reason: Reason,
        /// What this code and an earlier wrong one have in common: not for the eyes of whoever typed them.
        diagnosis: Option<Diagnosis>,
    },
    /// A code was given to be sent.
    CodeSent {
        /// The address that the account is bound to; `None` for a confirmation.
        authenticator: Option<AuthenticatorId>,
        /// How.
        channel: Channel,
        /// Where to, masked.
        address: Text,
        /// What the code is for.
        purpose: Purpose,
    },
    /// Two codes in a row have shown how far an app's clock is off.
    Resynchronized {
        /// The app.
        authenticator: AuthenticatorId,
        /// How far its clock is ahead (or, negative, behind), in steps.
        offset: i64,
    },
    /// An authenticator was confirmed in the place of another, which is gone.
    Replaced {
        /// The new authenticator.
        authenticator: AuthenticatorId,
        /// The one that was.
        replaced: AuthenticatorId,
    },
    /// A browser was given a device token.
    DeviceRemembered {
        /// The device.
        device: DeviceId,
    },
    /// A device token was ended.
    DeviceForgotten {
        /// The device that was.
        device: DeviceId,
    },
    /// A pass was made for the service to mail.
    PassMailed {
        /// Until when it can be used.
        until: UnixTime,
    },
    /// A failure has led to a lock.
    Locked {
        /// When it ends.
        until: UnixTime,
        /// Failures in a row at that door.
        failures_in_a_row: u32,
        /// The first lock of this run, or the one of a long-term count that has become full: somebody who knows the
        /// password has failed several times.
        is_first: bool,
    },
    /// Too many failures in a row: the account's authenticators accept no code any more.
    Disabled,
    /// An authenticator was given another name.
    Renamed {
        /// The authenticator.
        authenticator: AuthenticatorId,
    },
    /// An authenticator was removed.
    Removed {
        /// The authenticator that was.
        authenticator: AuthenticatorId,
    },
    /// An operator issued a pass.
    PassIssued {
        /// Who.
        operator: Text,
        /// Why.
        reason: Text,
        /// Until when it can be used.
        until: UnixTime,
    },
    /// A set of recovery codes was made.
    RecoveryCodesIssued {
        /// How many.
        count: u8,
    },
    /// A recovery code was accepted. The owner should have a new set.
    Recovered {
        /// What it was for.
        purpose: Purpose,
        /// How many of the set have not been used.
        left: u8,
    },
    /// An operator has taken everything away from the account, and issued the pass that the next authenticator is enrolled with.
    Reset {
        /// Who.
        operator: Text,
        /// Why.
        reason: Text,
        /// Until when the pass can be used.
        until: UnixTime,
    },
    /// An operator holds everything.
    Frozen {
        /// Who.
        operator: Text,
        /// Why.
        reason: Text,
    },
    /// An operator has ended a freeze.
    Thawed {
        /// Who.
        operator: Text,
        /// Why.
        reason: Text,
    },
    /// An operator had forgotten what was learned of an app's clock.
    DriftCleared {
        /// The app.
        authenticator: AuthenticatorId,
        /// Who.
        operator: Text,
        /// Why.
        reason: Text,
    },
    /// The record was found to be older than a restored backup, and treated with care.
    Restored {
        /// When the backup was restored.
        restored_at: UnixTime,
    },
    /// An operator erases the account's record.
    Erased {
        /// Who.
        operator: Text,
        /// Why.
        reason: Text,
    },
    /// Written by a newer release than this one.
    Unknown,
}

/// Why a code was refused, as the audit log has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Reason {
    /// See [`Rejection::Mismatch`].
    Mismatch,
    /// See [`Rejection::Expired`].
    Expired,
    /// See [`Rejection::Replayed`].
    Replayed,
    /// See [`Rejection::Malformed`].
    Malformed,
    /// See [`Rejection::Locked`].
    Locked,
    /// See [`Rejection::Busy`].
    Busy,
    /// See [`Rejection::Disabled`].
    Disabled,
    /// See [`Rejection::Held`].
    Held,
    /// See [`Rejection::Frozen`].
    Frozen,
    /// See [`Rejection::SendLimited`].
    SendLimited,
}

impl Reason {
    /// The reason as one word: for logs and counters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mismatch => "mismatch",
            Self::Expired => "expired",
            Self::Replayed => "replayed",
            Self::Malformed => "malformed",
            Self::Locked => "locked",
            Self::Busy => "busy",
            Self::Disabled => "disabled",
            Self::Held => "held",
            Self::Frozen => "frozen",
            Self::SendLimited => "send_limited",
        }
    }
}

impl From<&Rejection> for Reason {
    fn from(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::Mismatch(_) => Self::Mismatch,
            Rejection::Expired(_) => Self::Expired,
            Rejection::Replayed { .. } => Self::Replayed,
            Rejection::Malformed => Self::Malformed,
            Rejection::Locked { .. } => Self::Locked,
            Rejection::Busy { .. } => Self::Busy,
            Rejection::Disabled => Self::Disabled,
            Rejection::Held { .. } => Self::Held,
            Rejection::Frozen => Self::Frozen,
            Rejection::SendLimited { .. } => Self::SendLimited,
        }
    }
}

impl Event {
    /// An event that is told once and kept nowhere.
    pub(crate) const fn unkept(at: UnixTime, kind: EventKind) -> Self {
        Self { sequence: None, at, kind }
    }

    /// Whether the owner should be told (SP 800-63B-4 §4.2.3, §4.6), by an address that was known before: changes of what
    /// the account is bound to, browsers that have become known, operators' acts, its authenticators disabled, and the first lock of a run.
    ///
    /// Such events are handed to the sink until it has taken them (the record holds 32 of them that it has not).
    #[must_use]
    pub const fn notifies_owner(&self) -> bool {
        match &self.kind {
            EventKind::Confirmed { .. }
            | EventKind::Removed { .. }
            | EventKind::Disabled
            | EventKind::PassIssued { .. }
            | EventKind::RecoveryCodesIssued { .. }
            | EventKind::Recovered { .. }
            | EventKind::Replaced { .. }
            | EventKind::Resynchronized { .. }
            | EventKind::DeviceRemembered { .. }
            | EventKind::Reset { .. }
            | EventKind::Frozen { .. }
            | EventKind::Thawed { .. }
            | EventKind::DriftCleared { .. }
            | EventKind::Restored { .. }
            | EventKind::Erased { .. } => true,
            EventKind::Locked { is_first, .. } => *is_first,
            EventKind::EnrollmentBegun { .. }
            | EventKind::Accepted { .. }
            | EventKind::DeliveredCodeAccepted { .. }
            | EventKind::Rejected { .. }
            | EventKind::CodeSent { .. }
            | EventKind::DeviceForgotten { .. }
            | EventKind::PassMailed { .. }
            | EventKind::Renamed { .. }
            | EventKind::Unknown => false,
        }
    }
}

impl EventKind {
    /// What happened as one word: for logs and counters.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::EnrollmentBegun { .. } => "enrollment_begun",
            Self::Confirmed { .. } => "confirmed",
            Self::Accepted { .. } => "accepted",
            Self::Rejected { .. } => "rejected",
            Self::Locked { .. } => "locked",
            Self::Disabled => "disabled",
            Self::Renamed { .. } => "renamed",
            Self::Removed { .. } => "removed",
            Self::PassIssued { .. } => "pass_issued",
            Self::RecoveryCodesIssued { .. } => "recovery_codes_issued",
            Self::Recovered { .. } => "recovered",
            Self::DeliveredCodeAccepted { .. } => "delivered_code_accepted",
            Self::CodeSent { .. } => "code_sent",
            Self::Resynchronized { .. } => "resynchronized",
            Self::Replaced { .. } => "replaced",
            Self::DeviceRemembered { .. } => "device_remembered",
            Self::DeviceForgotten { .. } => "device_forgotten",
            Self::PassMailed { .. } => "pass_mailed",
            Self::Reset { .. } => "reset",
            Self::Frozen { .. } => "frozen",
            Self::Thawed { .. } => "thawed",
            Self::DriftCleared { .. } => "drift_cleared",
            Self::Restored { .. } => "restored",
            Self::Erased { .. } => "erased",
            Self::Unknown => "unknown",
        }
    }
}

/// The latest events, oldest first, in their stored form: what newer releases wrote stays as it is.
pub(super) struct History {
    pub(super) entries: Vec<Entry>,
    /// The number of the latest event there was.
    pub(super) last: u64,
}

pub(super) struct Entry {
    pub(super) sequence: u64,
    pub(super) keeping: Keeping,
    pub(super) bytes: Box<[u8]>,
}

/// What makes room for what.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Keeping {
    /// Whoever knows the password can bring about any number of these: they go first.
    Refusal,
    Ordinary,
    /// Not yet taken by the sink.
    Unacknowledged,
}

impl History {
    pub(super) const NEW: Self = Self { entries: Vec::new(), last: 0 };

    /// Numbers that no event of this account has had: it was made, or restored, at this time.
    pub(super) fn begin_anew(&mut self, at: UnixTime) {
        // However late it is, there are numbers left.
        self.last = self.last.max(at.as_secs().min(1 << 43) << 20);
    }

    /// The number of the next event.
    pub(super) const fn next(&self) -> u64 {
        self.last.saturating_add(1)
    }

    pub(super) fn push(&mut self, at: UnixTime, kind: EventKind) -> Event {
        self.last = self.last.saturating_add(1);
        let event = Event { sequence: Some(self.last), at, kind };
        let keeping = match &event.kind {
            _ if event.notifies_owner() => Keeping::Unacknowledged,
            EventKind::Rejected { .. }
            | EventKind::Locked { .. }
            | EventKind::CodeSent { .. }
            | EventKind::PassMailed { .. } => Keeping::Refusal,
            _ => Keeping::Ordinary,
        };
        if self.entries.len() >= EVENTS {
            let first_to_go = self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.keeping);
            match first_to_go {
                // Nothing that is owed makes room for what is not: that is told, and not kept.
                Some((_, entry)) if entry.keeping > keeping => return event,
                Some((place, _)) => drop(self.entries.remove(place)),
                None => {}
            }
        }
        self.entries.push(Entry { sequence: self.last, keeping, bytes: event_to_bytes(&event) });
        event
    }

    pub(super) fn events(&self) -> impl Iterator<Item = Event> {
        self.entries.iter().map(Entry::event)
    }

    /// What cannot be read stays owed, for a release that can.
    pub(super) fn unacknowledged(&self) -> impl Iterator<Item = Event> {
        let owed = self.entries.iter().filter(|entry| entry.keeping == Keeping::Unacknowledged).map(Entry::event);
        owed.filter(|event| event.kind != EventKind::Unknown)
    }

    /// Marks these as taken; says whether any was owed.
    pub(super) fn acknowledge(&mut self, sequences: &[u64]) -> bool {
        let mut changed = false;
        for entry in &mut self.entries {
            if entry.keeping == Keeping::Unacknowledged && sequences.contains(&entry.sequence) {
                entry.keeping = Keeping::Ordinary;
                changed = true;
            }
        }
        changed
    }
}

impl Entry {
    /// What cannot be read was written by a newer release.
    fn event(&self) -> Event {
        let unknown =
            |Corrupt| Event { sequence: Some(self.sequence), at: UnixTime::from_secs(0), kind: EventKind::Unknown };
        event_from_bytes(self.sequence, &self.bytes).unwrap_or_else(unknown)
    }
}
