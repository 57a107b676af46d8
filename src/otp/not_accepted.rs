//! The one shape of every answer that is not an acceptance.

use super::rejection::Rejection;
use core::fmt;

/// Why nobody was let in: the code was refused, or there is no answer.
///
/// Every call that judges or sends a code answers it as its error. So `Ok` means accepted, and a
/// caller who writes `?`, `is_ok()` or `if let Ok(..)` is safe without looking closer.
///
/// The two cases are for two readers. A rejection is for the person who typed the code: show its
/// [advice](Rejection::advice), and never submit the code again by machine, since each submission
/// of a wrong code counts against the owner. A failure is for the service and its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "nobody was let in"]
pub enum NotAccepted<E> {
    /// The code was refused. The rejection may be shown to whoever typed it.
    Rejected(Rejection),
    /// There is no answer: nobody knows whether the code is right.
    Failed(E),
}

impl<E> From<Rejection> for NotAccepted<E> {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl<E> fmt::Display for NotAccepted<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => write!(f, "the code was refused: {}", rejection.advice()),
            Self::Failed(_) => f.write_str("the code could not be judged"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for NotAccepted<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Rejected(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}
