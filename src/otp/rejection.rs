//! Why a code was refused, and what to tell whoever typed it.

use super::code::CodeError;
use super::time::UnixTime;
use core::fmt;
use core::num::NonZeroU32;

/// Why a code was refused.
///
/// All of it may be shown to whoever submitted the code: a rejection never says that a code is good for a future moment.
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
    /// Too many failures: the code was not evaluated. Not counted.
    Locked {
        /// When the lock ends.
        until: UnixTime,
    },
    /// Too many codes were accepted within ten minutes: the code was not evaluated. Not counted.
    Busy {
        /// When the oldest of them is ten minutes old.
        until: UnixTime,
    },
    /// Too many failures in a row: no code is evaluated until the authenticator is bound anew. Not counted.
    Disabled,
    /// What the code was for is held after a change of the account: the code was not evaluated and is not spent. Not counted.
    /// Only accounts have holds.
    Held {
        /// When the hold ends.
        until: UnixTime,
    },
    /// An operator has frozen the account: nothing is evaluated. Not counted. Only accounts are frozen.
    Frozen,
    /// A message was sent lately, or as many as may be: nothing is sent. Not counted. Only accounts send.
    SendLimited {
        /// When another one can be sent.
        until: UnixTime,
    },
}

impl Rejection {
    /// How many wrong codes may still follow before a lock: zero while locked, `None` where nothing was counted.
    #[must_use]
    pub const fn attempts_left(&self) -> Option<u32> {
        match self {
            Self::Mismatch(charge) | Self::Expired(charge) => Some(match charge.lock_state {
                LockState::Open { attempts_left } => attempts_left.get(),
                LockState::Locked { .. } | LockState::Disabled => 0,
            }),
            Self::Locked { .. } | Self::Disabled | Self::Frozen => Some(0),
            Self::Replayed { .. }
            | Self::Malformed
            | Self::Busy { .. }
            | Self::Held { .. }
            | Self::SendLimited { .. } => None,
        }
    }

    /// From when on another code can be accepted, or another message sent, where that is known: a page may count down to it.
    #[must_use]
    pub const fn retry_at(&self) -> Option<UnixTime> {
        match self {
            Self::Replayed { next: at }
            | Self::Locked { until: at }
            | Self::Busy { until: at }
            | Self::Held { until: at }
            | Self::SendLimited { until: at } => Some(*at),
            Self::Mismatch(charge) | Self::Expired(charge) => match charge.lock_state {
                LockState::Locked { until } => Some(until),
                LockState::Open { .. } | LockState::Disabled => None,
            },
            Self::Malformed | Self::Disabled | Self::Frozen => None,
        }
    }

    /// Whether this submission counted as a failure.
    #[must_use]
    pub const fn is_charged(&self) -> bool {
        matches!(self, Self::Mismatch(_) | Self::Expired(_))
    }

    /// What to tell whoever typed an app's code.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Malformed => Advice::TypeTheDigits,
            Self::Locked { .. } => Advice::WaitForTheLock,
            Self::Disabled => Advice::UseARecoveryCode,
            Self::Frozen => Advice::ContactSupport,
            Self::SendLimited { .. } => Advice::WaitForTheMessage,
            Self::Replayed { .. } => Advice::WaitForTheNextCode,
            Self::Busy { .. } => Advice::WaitBeforeTheNextLogIn,
            Self::Held { .. } => Advice::WaitForTheHold,
            Self::Mismatch(charge) | Self::Expired(charge) => match charge.lock_state {
                LockState::Disabled => Advice::UseARecoveryCode,
                LockState::Locked { .. } => Advice::WaitForTheLock,
                LockState::Open { .. } => match (self, charge.failures_in_a_row) {
                    (Self::Expired(_), _) => Advice::TypeItAsItAppears,
                    (_, 0..=2) => Advice::CheckTheEntry,
                    _ => Advice::SetTheClockToAutomatic,
                },
            },
        }
    }

    /// What to tell whoever typed a code of another kind.
    #[must_use]
    pub const fn advice_for(&self, typed: CodeKind) -> Advice {
        let of_app = self.advice();
        match (typed, of_app) {
            (
                CodeKind::DeliveredCode,
                Advice::TypeTheDigits | Advice::CheckTheEntry | Advice::SetTheClockToAutomatic,
            ) => Advice::CheckTheMessage,
            (CodeKind::DeliveredCode, Advice::TypeItAsItAppears | Advice::WaitForTheNextCode) => Advice::AskForAnother,
            (
                CodeKind::RecoveryCode,
                Advice::TypeTheDigits
                | Advice::CheckTheEntry
                | Advice::SetTheClockToAutomatic
                | Advice::TypeItAsItAppears,
            ) => Advice::CheckTheSheet,
            (CodeKind::RecoveryCode, Advice::UseARecoveryCode) => Advice::ContactSupport,
            (CodeKind::TwoCodes, Advice::TypeTheDigits | Advice::CheckTheEntry | Advice::SetTheClockToAutomatic) => {
                Advice::TypeTwoCodesInARow
            }
            (_, advice) => advice,
        }
    }
}

/// What kind of code was typed: the same refusal means something else to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodeKind {
    /// What an app shows.
    AppCode,
    /// Two codes in a row, to resynchronize.
    TwoCodes,
    /// A code that was sent.
    DeliveredCode,
    /// A code of the printed sheet.
    RecoveryCode,
}

impl From<CodeError> for Rejection {
    fn from(_: CodeError) -> Self {
        Self::Malformed
    }
}

/// What a counted failure has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FailureCount {
    /// Failures since the last success, this one included.
    pub failures_in_a_row: u32,
    /// Whether more attempts are open.
    pub lock_state: LockState,
}

/// Whether more attempts are open after a counted failure.
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
        /// When the lock ends.
        until: UnixTime,
    },
    /// No code is evaluated until the authenticator is bound anew.
    Disabled,
}

/// What to tell a person whose code was refused, chosen only from what may be shown. `Display` is a sentence in English; match
/// on it for other languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Advice {
    /// The text was no code.
    TypeTheDigits,
    /// The code was used.
    WaitForTheNextCode,
    /// Too many codes were accepted lately: count down to [`Rejection::retry_at`].
    WaitBeforeTheNextLogIn,
    /// The code was right a while ago.
    TypeItAsItAppears,
    /// Perhaps it was another service's code.
    CheckTheEntry,
    /// Several codes were wrong: perhaps the phone's clock is.
    SetTheClockToAutomatic,
    /// Count down to [`Rejection::retry_at`].
    WaitForTheLock,
    /// Count down to [`Rejection::retry_at`].
    WaitForTheHold,
    /// A code was sent lately: count down to [`Rejection::retry_at`].
    WaitForTheMessage,
    /// It is not the code that was sent last.
    CheckTheMessage,
    /// The code that was sent has run out, or was used.
    AskForAnother,
    /// It is no code of the newest sheet that was not used yet.
    CheckTheSheet,
    /// The two codes do not follow each other, or the clock is off by more than can be found here.
    TypeTwoCodesInARow,
    /// The app's codes are not taken any more; recovery codes are, where the owner has some.
    UseARecoveryCode,
    /// Nothing the owner does here helps.
    ContactSupport,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TypeTheDigits => "Type the digits that your authenticator app shows.",
            Self::WaitForTheNextCode => "This code cannot be used again: wait for the next one.",
            Self::WaitBeforeTheNextLogIn => "Too many log-ins within ten minutes: wait before the next one.",
            Self::TypeItAsItAppears => "This code has run out: type the next one as soon as it appears.",
            Self::CheckTheEntry => "The code is wrong: check that it is this service's entry in your app.",
            Self::SetTheClockToAutomatic => {
                "The code is wrong: set your phone's clock to automatic, then use a new code."
            }
            Self::WaitForTheLock => "Too many wrong codes: wait until the lock ends.",
            Self::WaitForTheHold => "This is held for a while, as the account's security was changed: try again later.",
            Self::WaitForTheMessage => "Wait for the message that was sent, or ask for another later.",
            Self::CheckTheMessage => "The code is wrong: type the one in the newest message.",
            Self::AskForAnother => "This code has run out or was used: ask for another.",
            Self::CheckTheSheet => "This is no unused code of your newest sheet of recovery codes: check it, or use another.",
            Self::TypeTwoCodesInARow => {
                "That did not work: set your phone's clock to automatic, then type two new codes, one right after the other."
            }
            Self::UseARecoveryCode => "Too many wrong codes: use a recovery code if you have one, or contact support.",
            Self::ContactSupport => "This cannot be done here: contact support.",
        })
    }
}
