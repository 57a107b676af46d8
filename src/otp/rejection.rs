//! Why a code was refused.

use super::code::CodeError;
use super::time::UnixTime;
use core::num::NonZeroU32;

/// Why a code was refused.
///
/// All of it may be shown to whoever submitted the code: a rejection never says that a code is good
/// for a future moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(tag = "reason", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Rejection {
    /// The code is wrong. Counted.
    Mismatch(FailureCount),
    /// The code was right up to ten minutes ago. Counted.
    Expired(FailureCount),
    /// The code is right, but it has been used, or is older than the last one used. Not counted.
    Replayed {
        /// From when on an unused code is shown, as far as the authenticator's clock is known.
        next: UnixTime,
    },
    /// The text is no code. Not counted.
    Malformed,
    /// It is no recovery code of the account's newest set that has not been used. Not counted: it
    /// has too many bits to be guessed. Only accounts have recovery codes.
    UnknownRecoveryCode,
    /// The code is of an enrollment that another one has replaced before it was confirmed: the
    /// owner has scanned an earlier QR code than the one that is shown now. Not counted. Only
    /// accounts have enrollments.
    ReplacedEnrollment,
    /// Too many failures: the code was not evaluated. Not counted.
    Locked {
        /// The end of the lock.
        until: UnixTime,
    },
    /// Too many codes were accepted within ten minutes: the code was not evaluated. Not counted.
    Busy {
        /// The time when the oldest of them is ten minutes old.
        until: UnixTime,
    },
    /// Too many failures in a row: no code is evaluated until the authenticator is bound anew. Not
    /// counted.
    Disabled,
    /// The purpose of the code is held after a change of the account: the code was not evaluated
    /// and is not spent. Not counted. Only accounts have holds.
    Held {
        /// The end of the hold.
        until: UnixTime,
    },
    /// The account is frozen: nothing is evaluated. Not counted. Only accounts are
    /// frozen.
    Frozen,
    /// A message was sent lately, or as many as may be: nothing is sent. Not counted. Only accounts
    /// send.
    SendLimited {
        /// The time when another one can be sent.
        until: UnixTime,
    },
    /// The service refuses to send anything to this address now. Not counted. Only accounts send.
    AddressRefused,
}

impl Rejection {
    /// The number of wrong codes that may still follow before a lock: zero while locked, disabled
    /// or frozen, and `None` for other refusals that are not counted.
    #[must_use]
    pub const fn attempts_left(&self) -> Option<u32> {
        match self {
            Self::Mismatch(count) | Self::Expired(count) => Some(match count.lock_state {
                LockState::Open { attempts_left } => attempts_left.get(),
                LockState::Locked { .. } | LockState::Disabled => 0,
            }),
            Self::Locked { .. } | Self::Disabled | Self::Frozen => Some(0),
            Self::Replayed { .. }
            | Self::Malformed
            | Self::UnknownRecoveryCode
            | Self::ReplacedEnrollment
            | Self::Busy { .. }
            | Self::Held { .. }
            | Self::SendLimited { .. }
            | Self::AddressRefused => None,
        }
    }

    /// From when on another code can be accepted, or another message sent, where that is known: a
    /// page may count down to it.
    #[must_use]
    pub const fn retry_at(&self) -> Option<UnixTime> {
        match self {
            Self::Replayed { next: at }
            | Self::Locked { until: at }
            | Self::Busy { until: at }
            | Self::Held { until: at }
            | Self::SendLimited { until: at } => Some(*at),
            Self::Mismatch(count) | Self::Expired(count) => match count.lock_state {
                LockState::Locked { until } => Some(until),
                LockState::Open { .. } | LockState::Disabled => None,
            },
            Self::Malformed
            | Self::UnknownRecoveryCode
            | Self::ReplacedEnrollment
            | Self::Disabled
            | Self::Frozen
            | Self::AddressRefused => None,
        }
    }

    /// Seconds from `now` until [`retry_at`](Self::retry_at), where that is known: zero once it has
    /// come. For `Retry-After` (RFC 9110 §10.2.3), and pages whose clock is not ours.
    #[must_use]
    pub const fn retry_in(&self, now: UnixTime) -> Option<u64> {
        match self.retry_at() {
            Some(at) => Some(at.saturating_since(now)),
            None => None,
        }
    }

    /// Returns whether this submission counted as a failure.
    #[must_use]
    pub const fn is_charged(&self) -> bool {
        matches!(self, Self::Mismatch(_) | Self::Expired(_))
    }
}

/// Makes [`Reason`] from the one list of kinds of rejection: their stored numbers and their words.
macro_rules! reasons {
    ($($kind:ident = $number:literal $word:literal),+ $(,)?) => {
        /// The kind of a [`Rejection`], as audit logs and counters have it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
        #[non_exhaustive]
        pub enum Reason {
            $(#[doc = concat!("See [`Rejection::", stringify!($kind), "`].")] $kind = $number,)+
        }

        impl Reason {
            /// The reason as one word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)+
                }
            }

            #[cfg(feature = "alloc")] // only accounts store reasons
            pub(crate) const fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$kind),)+
                    _ => None,
                }
            }
        }

        impl Rejection {
            /// The kind of this rejection.
            #[must_use]
            pub const fn reason(&self) -> Reason {
                match self {
                    $(Self::$kind { .. } => Reason::$kind,)+
                }
            }
        }
    };
}

reasons! {
    Mismatch = 1 "mismatch",
    Expired = 2 "expired",
    Replayed = 3 "replayed",
    Malformed = 4 "malformed",
    Locked = 5 "locked",
    Busy = 6 "busy",
    Disabled = 7 "disabled",
    Held = 8 "held",
    Frozen = 9 "frozen",
    SendLimited = 10 "send_limited",
    UnknownRecoveryCode = 11 "unknown_recovery_code",
    ReplacedEnrollment = 12 "replaced_enrollment",
    AddressRefused = 13 "address_refused",
}

impl From<CodeError> for Rejection {
    fn from(_: CodeError) -> Self {
        Self::Malformed
    }
}

/// The failures that there are now, and the lock that they have led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FailureCount {
    /// Failures since the last success, this one included.
    pub failures_in_a_row: u32,
    /// The lock, if there is one, or the attempts that are left.
    pub lock_state: LockState,
}

/// The state after a counted failure: open, locked or disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum LockState {
    /// So many wrong codes may still follow before a lock.
    Open {
        /// One at least.
        attempts_left: NonZeroU32,
    },
    /// No code is evaluated before `until`.
    Locked {
        /// The end of the lock.
        until: UnixTime,
    },
    /// No code is evaluated until the authenticator is bound anew.
    Disabled,
}
