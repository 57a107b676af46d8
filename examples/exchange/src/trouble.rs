//! Failures on our side. Nobody is let in. A code may have been used up: a log-in, a withdrawal and
//! a resynchronization that the pages send again within a minute get the same answer.

use crate::customers::CustomerError;
use crate::language::Language;
use crate::words;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use sekisho::http::Problem;
use sekisho::otp::UnixTime;
use sekisho::store::StoreError;

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
    /// Whether the same may go well in a moment.
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

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        self.log();
        if self.is_transient() {
            let text = "Please try again in a moment. / しばらくしてからもう一度お試しください。\n";
            return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "2")], text).into_response();
        }
        // The account does not allow it: it was reset, say, and only the pass enrolls.
        if let Self::Verifier(sekisho::Error::Account(why)) = &self {
            let [english, japanese] =
                [Language::English, Language::Japanese].map(|language| words::impossible(language, why));
            return (StatusCode::CONFLICT, format!("{english} / {japanese}\n")).into_response();
        }
        let text = "Something is wrong on our side. / システムエラーが発生しました。\n";
        (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
    }
}
