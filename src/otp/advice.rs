//! The advice for a person whose code was refused.

use super::rejection::{LockState, Rejection};
use core::fmt;

impl Rejection {
    /// The advice for somebody who typed an app's code.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Malformed => Advice::TypeTheDigits,
            Self::UnknownRecoveryCode => Advice::CheckTheSheet,
            Self::ReplacedEnrollment => Advice::ScanTheNewestCode,
            Self::Locked { .. } => Advice::WaitForTheLock,
            Self::Disabled => Advice::UseARecoveryCode,
            Self::Frozen => Advice::ContactSupport,
            Self::SendLimited { .. } => Advice::WaitForTheMessage,
            Self::AddressRefused => Advice::UseAnotherWay,
            Self::Replayed { .. } => Advice::WaitForTheNextCode,
            Self::Busy { .. } => Advice::WaitBeforeTheNextLogIn,
            Self::Held { .. } => Advice::WaitForTheHold,
            Self::Mismatch(count) | Self::Expired(count) => match count.lock_state {
                LockState::Disabled => Advice::UseARecoveryCode,
                LockState::Locked { .. } => Advice::WaitForTheLock,
                LockState::Open { .. } => match (self, count.failures_in_a_row) {
                    (Self::Expired(_), 0..=1) => Advice::TypeItAsItAppears,
                    // An owner who types at once, and is late again, has a slow clock.
                    (Self::Expired(_), 2) => Advice::SetTheClockToAutomatic,
                    (Self::Expired(_), _) => Advice::Resynchronize,
                    (_, 0..=2) => Advice::CheckTheEntry,
                    _ => Advice::SetTheClockToAutomatic,
                },
            },
        }
    }

    /// The advice for somebody who typed a code of another kind.
    #[must_use]
    pub const fn advice_for(&self, kind: CodeKind) -> Advice {
        let of_app = self.advice();
        match (kind, of_app) {
            // It has run out on its way, however often; nobody's clock is to blame.
            (CodeKind::DeliveredCode, _) if self.has_run_out() => Advice::AskForAnother,
            (
                CodeKind::DeliveredCode,
                Advice::TypeTheDigits | Advice::CheckTheEntry | Advice::SetTheClockToAutomatic,
            ) => Advice::CheckTheMessage,
            (CodeKind::DeliveredCode, Advice::WaitForTheNextCode) => Advice::AskForAnother,
            (
                CodeKind::RecoveryCode,
                Advice::TypeTheDigits
                | Advice::CheckTheEntry
                | Advice::SetTheClockToAutomatic
                | Advice::TypeItAsItAppears
                | Advice::Resynchronize,
            ) => Advice::CheckTheSheet,
            (CodeKind::RecoveryCode, Advice::UseARecoveryCode) => Advice::ContactSupport,
            (CodeKind::TwoCodes, Advice::TypeTheDigits | Advice::CheckTheEntry | Advice::SetTheClockToAutomatic) => {
                Advice::TypeTwoCodesInARow
            }
            (_, advice) => advice,
        }
    }
}

impl Rejection {
    /// Returns whether the code was right a while ago, and the door is open.
    const fn has_run_out(&self) -> bool {
        matches!(self, Self::Expired(count) if matches!(count.lock_state, LockState::Open { .. }))
    }
}

/// The kind of code that was typed: the same refusal means something else to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodeKind {
    /// A code that an app shows.
    AppCode,
    /// Two codes in a row, to resynchronize.
    TwoCodes,
    /// A code that was sent.
    DeliveredCode,
    /// A code of the printed sheet.
    RecoveryCode,
}

/// The advice for a person whose code was refused, chosen only from what may be shown. `Display` is
/// a sentence in English; the feature `text` has Japanese ones too.
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
    /// Several codes were wrong, or two ran out in a row: perhaps the phone's clock is off.
    SetTheClockToAutomatic,
    /// Codes run out again and again: offer a resynchronization, by two codes in a row.
    Resynchronize,
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
    /// The app has the secret of an earlier QR code: show the present one again.
    ScanTheNewestCode,
    /// The two codes do not follow each other, or the clock is off by more than can be found here.
    TypeTwoCodesInARow,
    /// The app's codes are not taken any more; recovery codes are, where the owner has some.
    UseARecoveryCode,
    /// Nothing is sent to this address now: offer an app, or a recovery code.
    UseAnotherWay,
    /// Nothing the owner does here helps.
    ContactSupport,
}

impl Advice {
    pub(crate) const fn english(self) -> &'static str {
        match self {
            Self::TypeTheDigits => "Type the digits that your authenticator app shows.",
            Self::WaitForTheNextCode => "This code cannot be used again: wait for the next one.",
            Self::WaitBeforeTheNextLogIn => "Too many log-ins within ten minutes: wait before the next one.",
            Self::TypeItAsItAppears => {
                "This code has run out: type the next one as soon as it appears. If that one has run out too, set your phone's clock to automatic."
            }
            Self::CheckTheEntry => {
                "The code is wrong: check that it is this service's entry in your app, and the newest if there are several."
            }
            Self::SetTheClockToAutomatic => {
                "The code is wrong: set your phone's clock to automatic, then use a new code."
            }
            Self::Resynchronize => {
                "Your app's clock is off: set it to automatic, or type two of its codes in a row to have it adjusted to."
            }
            Self::WaitForTheLock => "Too many wrong codes: wait until the lock ends.",
            Self::WaitForTheHold => "This is held for a while, as the account's security was changed: try again later.",
            Self::WaitForTheMessage => "Type the code of the last message, or ask for another once the wait is over.",
            Self::CheckTheMessage => "The code is wrong: type the one in the newest message.",
            Self::AskForAnother => "This code has run out or was used: ask for another.",
            Self::CheckTheSheet => {
                "This is no unused code of your newest sheet of recovery codes: check it, or use another."
            }
            Self::ScanTheNewestCode => {
                "This code is of an earlier QR code: delete that entry in your app, and scan the one shown now."
            }
            Self::TypeTwoCodesInARow => {
                "That did not work: set your phone's clock to automatic, then type two new codes, one right after the other."
            }
            Self::UseARecoveryCode => {
                "Codes of your app are not taken now: use a recovery code if you have one, or contact support."
            }
            Self::UseAnotherWay => "Nothing is sent to this address now: use your app, or a recovery code.",
            Self::ContactSupport => "This cannot be done here: contact support.",
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.english())
    }
}
