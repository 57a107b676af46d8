//! Failures on our side. Nobody is let in. A code may have been used up: a log-in, a withdrawal and
//! a resynchronization that the pages send again within a minute get the same answer.

use crate::customers::CustomerError;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use sekisho::account::AccountError;
use sekisho::http::Problem;
use sekisho::otp::UnixTime;
use sekisho::store::StoreError;
use sekisho::text;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The verifier has none.
    #[error(transparent)]
    Verifier(#[from] sekisho::Error),
    /// The customers could not be read.
    #[error(transparent)]
    Customer(#[from] CustomerError),
    /// The session could not be kept.
    #[error("the session could not be read or kept: {0}")]
    Session(Box<dyn std::error::Error + Send + Sync>),
    /// Something that cannot be.
    #[error("{0}")]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl From<tower_sessions::session::Error> for Trouble {
    fn from(error: tower_sessions::session::Error) -> Self {
        Self::Session(error.into())
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Customer(error.into())
    }
}

impl Trouble {
    /// Returns whether the same may go well in a moment.
    fn is_transient(&self) -> bool {
        match self {
            Self::Verifier(error) | Self::Customer(CustomerError::Account(error)) => error.is_transient(),
            Self::Customer(error) => matches!(error, CustomerError::Store(_)),
            Self::Session(_) | Self::Other(_) => false,
        }
    }
}

impl Trouble {
    /// The answer to a program.
    pub(crate) fn problem(&self, now: UnixTime) -> Problem {
        self.log();
        match self {
            Self::Verifier(error) | Self::Customer(CustomerError::Account(error)) => Problem::failed(error, now),
            other if other.is_transient() => Problem::unavailable(),
            _ => Problem::broken(),
        }
    }

    fn log(&self) {
        if self.is_transient() {
            tracing::warn!(error = chain(self), "not answered");
        } else if !matches!(self, Self::Verifier(sekisho::Error::Account(_))) {
            tracing::error!(error = chain(self), "failed");
        }
    }
}

/// An error and all that it comes from, for the log.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let said = error.to_string();
        // Transparent ones say what their source says.
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        source = error.source();
    }
    text
}

/// The reason why somebody gets no answer. It goes with the response, for the page that says it in
/// the browser's language.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// Come back in so many seconds: nothing was looked at.
    Busy { secs: u64 },
    /// It may have happened: look, and try again in so many seconds.
    Unknown { secs: u64 },
    /// The account does not allow it: it was reset, say, and only the pass enrolls.
    NotAllowed(AccountError),
    /// It is our fault.
    Broken,
    /// Another site has sent it.
    OtherSite,
    /// The body is larger than any form's.
    TooLarge,
    /// The body came too slowly.
    TooSlow,
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let (status, text) = match &self {
            Self::Busy { secs } => {
                let text = format!("Too many requests at the moment: try again in {secs} s.\n");
                (StatusCode::SERVICE_UNAVAILABLE, text)
            }
            Self::Unknown { secs } => {
                let text = format!("There was no answer in time, and it may have happened: look in {secs} s.\n");
                (StatusCode::SERVICE_UNAVAILABLE, text)
            }
            Self::NotAllowed(why) => (StatusCode::CONFLICT, format!("{}\n", why.text(text::Language::English))),
            Self::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "Something is wrong on our side.\n".into()),
            Self::OtherSite => (StatusCode::FORBIDDEN, "This request came from another site.\n".into()),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "That is more than any form has.\n".into()),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "That came too slowly.\n".into()),
        };
        let mut response = (status, text).into_response();
        if let Self::Busy { secs } | Self::Unknown { secs } = self {
            response.headers_mut().insert(RETRY_AFTER, secs.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        self.log();
        if self.is_transient() {
            return Told::Unknown { secs: 2 }.into_response();
        }
        match self {
            Self::Verifier(sekisho::Error::Account(why)) => Told::NotAllowed(why).into_response(),
            _ => Told::Broken.into_response(),
        }
    }
}
