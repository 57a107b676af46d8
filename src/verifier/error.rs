//! Why there is no answer.

use super::source::SourceError;
use crate::account::{AccountError, ImportError};
use crate::otp::{NotAccepted, Rejection, TimeError};
use crate::seal::{RecordLoss, SealError};
use crate::store::StoreError;
use rand::rngs::SysError;

/// Why there is no answer. In doubt treat an error as a refusal: nobody has been let in.
///
/// Tell the client to try again later if [`is_transient`](Self::is_transient), and otherwise that
/// something is wrong on the server's side. A refused code is [`NotAccepted::Rejected`], and no
/// error of this kind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store could not be asked. Nothing has changed.
    #[error("the store could not be read: its own error says what to do")]
    Store(#[source] StoreError),
    /// Nobody knows whether the change was stored. A code may be spent; ask again with the same
    /// named attempt to get the answer, if it was.
    #[error(
        "whether the store has taken the change is unknown: its own error says what to do; ask again with the same named \
         attempt"
    )]
    OutcomeUnknown(#[source] StoreError),
    /// Others were first too many times. Nothing has changed.
    #[error("others changed the account at the same time, again and again: try again later")]
    Contention,
    /// The store has no record of the account: it was never created, its id is spelled another way,
    /// or its record is lost.
    #[error(
        "there is no record of this account: see that its id is spelled as at sign-up; if its record was lost, find out \
         why, and have an operator rebuild it"
    )]
    NoSuchAccount,
    /// The record cannot be opened or sealed: a key is missing, or it was changed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The system that accounts move in from could not be asked. Nothing has changed.
    #[error("the system that accounts move in from has no answer: its own error says what to do")]
    Source(#[source] SourceError),
    /// An account cannot be imported as it is given.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The account does not allow it.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The clock cannot be right.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// The operating system gives no randomness. Nothing has changed.
    #[error("the operating system gives no randomness: try again later")]
    Randomness(#[source] SysError),
    /// The sink has not taken what has to be told before a record is erased, or there is none. The
    /// record is still there.
    #[error("the event sink has not taken the account's events, which erasing would lose: see to it, and try again")]
    EventsUndelivered,
    /// A code was refused: what is left of [`NotAccepted::Rejected`] where a service passes it on
    /// by `?`.
    #[error("the code was refused: {}", .0.advice())]
    Rejected(Rejection),
}

impl Error {
    /// Returns whether trying again later may help: the store or the sink was down or slow, or too
    /// many were at it.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) | Self::OutcomeUnknown(error) => error.is_transient(),
            Self::Contention | Self::Randomness(_) | Self::EventsUndelivered | Self::Source(_) => true,
            Self::Account(error) => *error == AccountError::EventsWaiting,
            _ => false,
        }
    }

    /// Returns whether the store has no record of the account. Nobody is let in, or may enroll.
    #[must_use]
    pub const fn is_no_such_account(&self) -> bool {
        matches!(self, Self::NoSuchAccount)
    }

    /// Returns whether the account has no authenticator: let its owner enroll one.
    #[must_use]
    pub const fn is_not_enrolled(&self) -> bool {
        matches!(self, Self::Account(AccountError::NotEnrolled))
    }

    /// The way in which the account's record is lost, if that is why there is no answer: what an
    /// operator gives to [`rebuild`](crate::verifier::Support::rebuild), after finding out why.
    #[must_use]
    pub const fn record_loss(&self) -> Option<RecordLoss> {
        match self {
            Self::NoSuchAccount => Some(RecordLoss::Missing),
            Self::Seal(error) => error.record_loss(),
            _ => None,
        }
    }

    /// Returns whether the keyring lacks the key that the record is sealed under: an operator has
    /// to add it.
    #[must_use]
    pub const fn is_key_missing(&self) -> bool {
        matches!(self, Self::Seal(SealError::UnknownKey { .. }))
    }
}

impl From<NotAccepted<Error>> for Error {
    fn from(not_accepted: NotAccepted<Self>) -> Self {
        match not_accepted {
            NotAccepted::Rejected(rejection) => Self::Rejected(rejection),
            NotAccepted::Failed(error) => error,
        }
    }
}

impl NotAccepted<Error> {
    /// Returns whether trying again later may help. Never so for a refused code: a machine that
    /// submits it again charges the owner again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Rejected(_) => false,
            Self::Failed(error) => error.is_transient(),
        }
    }

    /// Returns whether the store has no record of the account.
    #[must_use]
    pub const fn is_no_such_account(&self) -> bool {
        match self {
            Self::Rejected(_) => false,
            Self::Failed(error) => error.is_no_such_account(),
        }
    }

    /// Returns whether the account has no authenticator: let its owner enroll one.
    #[must_use]
    pub const fn is_not_enrolled(&self) -> bool {
        match self {
            Self::Rejected(_) => false,
            Self::Failed(error) => error.is_not_enrolled(),
        }
    }
}
