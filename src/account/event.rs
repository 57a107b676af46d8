//! Events of an account: for the audit log, for notifications, for support.
//!
//! One table lists the kinds of events. Their words, their stored numbers, what each carries, and
//! who is told of it are written there and nowhere else, so a new kind is one more row.

use super::diagnosis::Diagnosis;
use super::names::address::Channel;
use super::names::error::NameError;
use super::names::ids::{AuthenticatorId, DeviceId};
use super::names::purpose::Purpose;
use super::names::source::Source;
use super::names::text::Text;

use super::record::encoding::event_field::{EventField, FieldValue};
use super::record::encoding::fields::{Corrupt, Written};
use super::record::notice::FreezeHandle;
use crate::otp::{Reason, UnixTime};
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

/// Something that happened on an account. No event carries a code or a secret.
///
/// An event is for the service: not all of it is for the owner's eyes, still less for whoever is
/// logging in. Show a [`Rejection`](crate::otp::Rejection) to them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Event {
    /// The event's number on the account. An event that is delivered twice has the same number both
    /// times. Numbers rise, also where the record was erased and made anew, or restored from a
    /// backup: they begin at the second of that, times 2²⁰. A refusal that changed nothing has
    /// no number: it is delivered once and kept nowhere.
    pub sequence: Option<u64>,
    /// The time when it happened.
    pub at: UnixTime,
    /// The operator who did it, and why; `None` where nobody acted by office.
    pub operator: Option<Operator>,
    /// The source of the attempt that has led to it, as the service gave it.
    pub source: Option<Source>,
    /// The kind of event, with its details.
    pub kind: EventKind,
    /// Lets the owner freeze the account by a link. `None` unless the event is being told to the
    /// owner.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub freeze_handle: Option<FreezeHandle>,
}

/// Somebody who acts on an account by office, and the reason. The account's history keeps both.
///
/// ```
/// use sekisho::account::Operator;
///
/// let operator = Operator::new("alice@support", "ticket 4711: lost phone")?;
/// assert_eq!(operator.reason().as_str(), "ticket 4711: lost phone");
/// # Ok::<(), sekisho::account::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Operator {
    name: Text,
    reason: Text,
}

impl Operator {
    /// The operator `name` (a staff account, a job), who acts for `reason` (a ticket, say).
    ///
    /// # Errors
    /// [`NameError::Text`] unless both are texts of 1 to 128 bytes on one line.
    pub fn new(name: &str, reason: &str) -> Result<Self, NameError> {
        Ok(Self { name: Text::new(name)?, reason: Text::new(reason)? })
    }

    pub(in crate::account) const fn of(name: Text, reason: Text) -> Self {
        Self { name, reason }
    }

    /// The name of the one who acts.
    #[must_use]
    pub const fn name(&self) -> &Text {
        &self.name
    }

    /// The reason.
    #[must_use]
    pub const fn reason(&self) -> &Text {
        &self.reason
    }
}

/// The importance of an event: the owner is told of some, and in a full history none makes room for
/// a less important one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::account) enum Importance {
    /// Anybody who knows the password can bring about any number of these: they make room first.
    Refusal,
    /// The audit log is told, and nobody else.
    Ordinary,
    /// The owner is told. Kept until the sink has taken it.
    Notice,
    /// As a notice, and kept for longer: operators' acts, a freeze by the owner, and a restored
    /// backup.
    Act,
}

/// Makes [`EventKind`] and all that is said of each kind from the table below. A row has the stored
/// number, the word for logs, the importance, and the fields in the order in which they are stored:
/// a new one comes last, and is an `Option`.
macro_rules! events {
    ($(
        $(#[doc = $doc:literal])+
        $kind:ident = $number:literal $word:literal, $importance:expr
        $(, { $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty),* $(,)? })?;
    )+) => {
        /// The kinds of events.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize), serde(tag = "kind", rename_all = "snake_case"))]
        #[non_exhaustive]
        pub enum EventKind {
            $($(#[doc = $doc])+ $kind $({ $($(#[doc = $field_doc])+ $field: $type),* })?,)+
            /// Written by a newer release than this one.
            Unknown,
        }

        impl EventKind {
            /// The kind as one word: for logs and counters.
            #[must_use]
            pub const fn as_str(&self) -> &'static str {
                match self {
                    $(Self::$kind { .. } => $word,)+
                    Self::Unknown => "unknown",
                }
            }

            #[allow(unused_variables)] // most importances depend on no field
            pub(in crate::account) const fn importance(&self) -> Importance {
                match self {
                    $(Self::$kind { $($($field),*)? } => $importance,)+
                    Self::Unknown => Importance::Ordinary,
                }
            }

            pub(in crate::account) const fn number(&self) -> u32 {
                match self {
                    $(Self::$kind { .. } => $number,)+
                    Self::Unknown => 0,
                }
            }

            pub(in crate::account) fn write_fields<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
                match self {
                    $(Self::$kind { $($($field),*)? } => { $($($field.write(to)?;)*)? })+
                    Self::Unknown => {}
                }
                Ok(())
            }

            /// A kind of this number with these fields. A number that this release does not know
            /// was written by a newer one.
            pub(in crate::account) fn read(number: u32, from: &mut Decoder<'_>) -> Result<Self, Corrupt> {
                let _ = &from; // kinds without fields read nothing
                Ok(match number {
                    $($number => Self::$kind { $($($field: EventField::read_next(from)?),*)? },)+
                    _ => Self::Unknown,
                })
            }

            /// Shows each field by its name: for sinks that write logs.
            #[cfg_attr(not(feature = "tracing"), allow(dead_code))]
            pub(crate) fn visit<'a>(&'a self, mut visit: impl FnMut(&'static str, FieldValue<'a>)) {
                match self {
                    $(Self::$kind { $($($field),*)? } => { $($(visit(stringify!($field), $field.value());)*)? })+
                    Self::Unknown => {}
                }
                let _ = &mut visit; // kinds without fields show nothing
            }
        }
    };
}

events! {
    /// An enrollment was begun; nothing is bound yet.
    EnrollmentBegun = 1 "enrollment_begun", Importance::Ordinary, {
        /// The id that the authenticator will have.
        authenticator: AuthenticatorId,
    };
    /// An enrollment was confirmed: the authenticator is bound.
    Confirmed = 2 "confirmed", Importance::Notice, {
        /// The new authenticator.
        authenticator: AuthenticatorId,
    };
    /// A code was accepted.
    Accepted = 3 "accepted", Importance::Ordinary, {
        /// The authenticator whose code it was.
        authenticator: AuthenticatorId,
        /// The purpose that it was for.
        purpose: Purpose,
        /// The authenticator's clock seemed so many steps ahead (or, negative, behind).
        offset: i64,
    };
    /// A code was refused.
    Rejected = 4 "rejected", Importance::Refusal, {
        /// The purpose that it was for.
        purpose: Purpose,
        /// Why.
        reason: Reason,
        /// The offset that this code and the wrong one before have in common: not for the eyes of
        /// whoever typed them. Set only by [`Account::history`](crate::account::Account::history):
        /// delivered events have `None`.
        diagnosis: Option<Diagnosis>,
    };
    /// A failure has led to a lock.
    Locked = 5 "locked", if *is_first { Importance::Notice } else { Importance::Refusal }, {
        /// The end of the lock.
        until: UnixTime,
        /// Failures in a row at that door.
        failures_in_a_row: u32,
        /// The first lock of this run, or the one of a long-term count that has become full:
        /// somebody who knows the password has failed several times.
        is_first: bool,
    };
    /// Too many failures in a row: the account's authenticators accept no code any more.
    Disabled = 6 "disabled", Importance::Notice;
    /// An authenticator was given another name.
    Renamed = 7 "renamed", Importance::Ordinary, {
        /// The authenticator.
        authenticator: AuthenticatorId,
    };
    /// An authenticator was removed.
    Removed = 8 "removed", Importance::Notice, {
        /// The authenticator that was.
        authenticator: AuthenticatorId,
    };
    /// An operator issued a pass.
    PassIssued = 9 "pass_issued", Importance::Notice, {
        /// Until when it can be used.
        until: UnixTime,
    };
    /// The record was found to be older than a restored backup, and treated with care.
    Restored = 10 "restored", Importance::Act, {
        /// The time when the backup was restored.
        restored_at: UnixTime,
    };
    /// An operator erases the account's record.
    Erased = 11 "erased", Importance::Notice;
    /// A set of recovery codes is in force: its owner has said that it is kept.
    RecoveryCodesIssued = 12 "recovery_codes_issued", Importance::Notice, {
        /// The number of codes.
        count: u8,
    };
    /// A recovery code was accepted. The owner should have a new set.
    Recovered = 13 "recovered", Importance::Notice, {
        /// The purpose that it was for.
        purpose: Purpose,
        /// The number of codes that have not been used.
        left: u8,
    };
    /// A code that was sent was accepted.
    DeliveredCodeAccepted = 14 "delivered_code_accepted", Importance::Ordinary, {
        /// The address that the account is bound to; `None` for a confirmation.
        authenticator: Option<AuthenticatorId>,
        /// The purpose that it was for.
        purpose: Purpose,
        /// The channel that it was sent by.
        channel: Channel,
    };
    /// A code was given to be sent.
    CodeSent = 15 "code_sent", Importance::Refusal, {
        /// The address that the account is bound to; `None` for a confirmation.
        authenticator: Option<AuthenticatorId>,
        /// The purpose of the code.
        purpose: Purpose,
        /// The channel that it was sent by.
        channel: Channel,
        /// The address that it went to, masked.
        address: Text,
    };
    /// Two codes in a row have shown how far an app's clock is off.
    Resynchronized = 16 "resynchronized", Importance::Notice, {
        /// The app.
        authenticator: AuthenticatorId,
        /// The app's clock is so many steps ahead (or, negative, behind).
        offset: i64,
    };
    /// An authenticator was confirmed in the place of another, which is gone.
    Replaced = 17 "replaced", Importance::Notice, {
        /// The new authenticator.
        authenticator: AuthenticatorId,
        /// The one that was.
        replaced: AuthenticatorId,
    };
    /// A browser was given a device token.
    DeviceRemembered = 18 "device_remembered", Importance::Notice, {
        /// The device.
        device: DeviceId,
    };
    /// A device token was ended.
    DeviceForgotten = 19 "device_forgotten", Importance::Ordinary, {
        /// The device that was.
        device: DeviceId,
    };
    /// A pass was made for the service to mail.
    PassMailed = 20 "pass_mailed", Importance::Refusal, {
        /// Until when it can be used.
        until: UnixTime,
    };
    /// An operator has taken everything away from the account, and issued the pass that the next
    /// authenticator is enrolled with.
    Reset = 21 "reset", Importance::Notice, {
        /// Until when the pass can be used.
        until: UnixTime,
    };
    /// An operator holds everything.
    Frozen = 22 "frozen", Importance::Notice;
    /// An operator has ended a freeze.
    Thawed = 23 "thawed", Importance::Notice;
    /// An operator has cleared the learned drift of an app.
    DriftCleared = 24 "drift_cleared", Importance::Notice, {
        /// The app.
        authenticator: AuthenticatorId,
    };
    /// An operator has made a record in the place of one that was lost, and issued the pass that
    /// the next authenticator is enrolled with.
    Rebuilt = 25 "rebuilt", Importance::Notice, {
        /// Until when the pass can be used.
        until: UnixTime,
    };
    /// The record had times more than a day ahead of the clock: this clock or an earlier one is
    /// wrong. They were replaced by the present time. See to the servers' clocks.
    TimesReplaced = 26 "times_replaced", Importance::Ordinary, {
        /// The newest of them.
        newest: UnixTime,
    };
    /// An e-mail address was bound, which may confirm an enrollment after a reset.
    EmailBound = 27 "email_bound", Importance::Notice, {
        /// The address, masked.
        address: Text,
    };
    /// The service holds a purpose.
    Held = 28 "held", Importance::Notice, {
        /// The purpose.
        purpose: Purpose,
        /// The end of the hold.
        until: UnixTime,
        /// Why, in the service's words.
        reason: Text,
    };
    /// An operator has ended a hold of the service's.
    HoldEnded = 29 "hold_ended", Importance::Notice, {
        /// The purpose that was held.
        purpose: Purpose,
    };
    /// The owner has frozen the account, by the link of a notice or by a session.
    FrozenByOwner = 30 "frozen_by_owner", Importance::Act;
    /// A code was accepted after several failures in a row: somebody may have guessed it.
    AcceptedAfterFailures = 31 "accepted_after_failures", Importance::Notice, {
        /// The purpose that it was for.
        purpose: Purpose,
        /// Failures in a row before it, over all doors.
        failures_in_a_row: u32,
    };
    /// A code was accepted that came from no known device.
    UnknownBrowser = 32 "unknown_browser", Importance::Notice, {
        /// The purpose that it was for.
        purpose: Purpose,
    };
    /// The owner has suspended an authenticator: its codes are refused.
    Suspended = 33 "suspended", Importance::Notice, {
        /// The authenticator.
        authenticator: AuthenticatorId,
    };
    /// The owner has resumed an authenticator.
    Resumed = 34 "resumed", Importance::Notice, {
        /// The authenticator.
        authenticator: AuthenticatorId,
    };
    /// An operator has disabled one authenticator.
    AuthenticatorDisabled = 35 "authenticator_disabled", Importance::Notice, {
        /// The authenticator.
        authenticator: AuthenticatorId,
    };
    /// An operator has proposed to reset the account, which takes another one.
    ResetProposed = 38 "reset_proposed", Importance::Notice;
    /// An operator has proposed to end the freeze, which takes another one.
    ThawProposed = 39 "thaw_proposed", Importance::Notice;
    /// An operator has made a record in the place of one that was lost. Another one has to reset it.
    RebuildProposed = 40 "rebuild_proposed", Importance::Notice;
    /// A recovery without support waits: told at once, and each day. Whoever has not begun it stops it by
    /// any code, or by the link of this notice.
    SelfRecoveryWaits = 41 "self_recovery_waits", Importance::Notice, {
        /// The moment from which it can take effect.
        until: UnixTime,
    };
    /// A recovery without support was ended by a code of the owner's.
    SelfRecoveryEnded = 42 "self_recovery_ended", Importance::Notice;
    /// A recovery without support took effect: everything was taken away, and a pass was given.
    SelfRecovered = 43 "self_recovered", Importance::Notice, {
        /// Until when the pass can be used.
        until: UnixTime,
    };
    /// An e-mail address was unbound.
    EmailUnbound = 44 "email_unbound", Importance::Notice, {
        /// The address, masked.
        address: Text,
    };
    /// A set of recovery codes was shown, which waits to be kept: the one before is still good.
    RecoveryCodesShown = 36 "recovery_codes_shown", Importance::Ordinary;
    /// The owner has voided the recovery codes.
    RecoveryCodesVoided = 37 "recovery_codes_voided", Importance::Notice;
    /// The owner has a stronger factor from now on, beside which a code does less.
    StrongerFactorSet = 45 "stronger_factor_set", Importance::Notice;
    /// The owner has a stronger factor no more: codes are enough again.
    StrongerFactorEnded = 46 "stronger_factor_ended", Importance::Notice;
    /// An assertion of the stronger factor was accepted, which the service has verified.
    StrongerFactorAccepted = 47 "stronger_factor_accepted", Importance::Ordinary, {
        /// The purpose that it was for.
        purpose: Purpose,
    };
    /// The account has moved in from another system.
    Imported = 49 "imported", Importance::Ordinary, {
        /// The number of authenticators that it came with.
        authenticators: u8,
    };
    /// An operator has taken the account out, with its secrets.
    Exported = 50 "exported", Importance::Notice;
    /// An operator has proposed to end the stronger factor, which takes another one.
    StrongerFactorEndProposed = 48 "stronger_factor_end_proposed", Importance::Notice;
}

impl EventKind {
    /// Returns whether every log-in, or every request to the service, can bring one about.
    pub(in crate::account) const fn is_one_of_many(&self) -> bool {
        matches!(self, Self::UnknownBrowser { .. } | Self::AcceptedAfterFailures { .. } | Self::Held { .. })
    }
}

impl Event {
    /// An event that is delivered once and kept nowhere.
    pub(crate) const fn unkept(at: UnixTime, source: Option<Source>, kind: EventKind) -> Self {
        Self { sequence: None, at, operator: None, source, kind, freeze_handle: None }
    }

    /// Returns whether the owner should be told (SP 800-63B-4 §4.2.3, §4.6), by an address that was
    /// known before.
    ///
    /// That is so for changes of what the account is bound to, browsers that have become known,
    /// operators' acts, disabled authenticators, and the first lock of a run. They are delivered to
    /// the sink until it has taken them. While 20 of them wait, the account's binding cannot be
    /// changed ([`AccountError::EventsWaiting`](crate::account::AccountError::EventsWaiting)), but
    /// by operators.
    #[must_use]
    pub const fn notifies_owner(&self) -> bool {
        matches!(self.kind.importance(), Importance::Notice | Importance::Act)
    }

    pub(in crate::account) const fn importance(&self) -> Importance {
        match self.operator {
            Some(_) => Importance::Act,
            None => self.kind.importance(),
        }
    }
}
