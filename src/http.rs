//! Answers over HTTP, as problem details (RFC 9457).
//!
//! A service that answers JSON turns whatever is no acceptance into a [`Problem`], and that into a
//! response: status, `Content-Type: application/problem+json`, `Cache-Control: no-store`,
//! `Retry-After` where a wait helps, and a body.
//!
//! ```
//! use http::StatusCode;
//! use sekisho::http::Problem;
//! use sekisho::otp::{CodeKind, Rejection, UnixTime};
//!
//! let (now, until) =
//!     (UnixTime::from_secs(1_800_000_000), UnixTime::from_secs(1_800_000_030));
//! let problem = Problem::refused(&Rejection::Locked { until }, CodeKind::AppCode, now);
//! let response: http::Response<String> = problem.into();
//! assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
//! assert_eq!(response.headers()["retry-after"], "30");
//! ```
//!
//! # The body
//! One flat object, whose members are always all there:
//!
//! | member | type | what it is |
//! |---|---|---|
//! | `type` | string | this page, with the reason behind `#` |
//! | `title` | string | the reason, as a sentence in English |
//! | `status` | number | the status, once more |
//! | `detail` | string | what to do now, as a sentence in English |
//! | `reason` | string | one word of the table below |
//! | `advice` | string or null | one word of [`Advice`], for services with texts of their own |
//! | `attempts_left` | number or null | wrong codes that may still follow before a lock |
//! | `retry_in` | number or null | seconds until a code can be accepted again |
//!
//! # The reasons
//! | reason | status | |
//! |---|---|---|
//! | <a id="mismatch"></a>`mismatch` | 403 (429: it locked) | the code is wrong; it was counted |
//! | <a id="expired"></a>`expired` | 403 (429: it locked) | right a while ago; it was counted |
//! | <a id="replayed"></a>`replayed` | 403 | the code was used |
//! | <a id="malformed"></a>`malformed` | 422 | the text is no code |
//! | <a id="unknown_recovery_code"></a>`unknown_recovery_code` | 403 | no unused recovery code |
//! | <a id="replaced_enrollment"></a>`replaced_enrollment` | 403 | a code of an earlier QR code |
//! | <a id="locked"></a>`locked` | 429 | too many failures |
//! | <a id="busy"></a>`busy` | 429 | too many codes within ten minutes |
//! | <a id="send_limited"></a>`send_limited` | 429 | a message was sent lately |
//! | <a id="address_refused"></a>`address_refused` | 403 | nothing is sent to this address |
//! | <a id="disabled"></a>`disabled` | 403 | too many failures in a row |
//! | <a id="held"></a>`held` | 403 | held after a change of the account |
//! | <a id="frozen"></a>`frozen` | 403 | frozen by an operator or the owner |
//! | <a id="not_enrolled"></a>`not_enrolled` | 409 | there is no authenticator yet |
//! | <a id="pass_needed"></a>`pass_needed` | 403 | it takes a pass, or a confirmation |
//! | <a id="stronger_factor_needed"></a>`stronger_factor_needed` | 403 | needs the stronger factor |
//! | <a id="proof_ended"></a>`proof_ended` | 403 | the proof or session ended, or lacks its handle |
//! | <a id="unknown_handle"></a>`unknown_handle` | 403 | the link is of no notice of 7 days |
//! | <a id="conflict"></a>`conflict` | 409 | the account is not in a state for it |
//! | <a id="unreadable"></a>`unreadable` | 400 | the body does not parse, or lacks something |
//! | <a id="unavailable"></a>`unavailable` | 503 | nobody knows: try again later |
//! | <a id="failed"></a>`failed` | 500 | something is wrong on the server's side |
//!
//! Nothing that was typed is repeated, and nothing of an [`Error`] but its kind: log the error
//! itself.

use crate::account::AccountError;
use crate::otp::{Advice, CodeKind, NotAccepted, Rejection, UnixTime};
use crate::verifier::error::Error;
use alloc::format;
use alloc::string::{String, ToString};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// The wait that is proposed while the store is down, in seconds.
const UNAVAILABLE_SECS: u64 = 5;
const DOCS: &str = "https://docs.rs/sekisho/latest/sekisho/http/index.html#";

/// An answer that is no acceptance, for a client over HTTP: see the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the client waits for it"]
pub struct Problem {
    status: StatusCode,
    reason: &'static str,
    title: &'static str,
    detail: String,
    advice: Option<Advice>,
    attempts_left: Option<u32>,
    retry_in: Option<u64>,
}

impl Problem {
    /// The answer of a door to a code of `kind`. `now` is the verifier's time
    /// ([`Verifier::now`](crate::Verifier::now)).
    pub fn of(not_accepted: &NotAccepted<Error>, kind: CodeKind, now: UnixTime) -> Self {
        match not_accepted {
            NotAccepted::Rejected(rejection) => Self::refused(rejection, kind, now),
            NotAccepted::Failed(error) => Self::failed(error, now),
        }
    }

    /// A code of `kind` was refused.
    pub fn refused(rejection: &Rejection, kind: CodeKind, now: UnixTime) -> Self {
        let (status, title) = match rejection {
            Rejection::Mismatch(_) => (of_failure(rejection), "The code is wrong."),
            Rejection::Expired(_) => (of_failure(rejection), "The code has run out."),
            Rejection::Replayed { .. } => (StatusCode::FORBIDDEN, "The code was used."),
            Rejection::Malformed => (StatusCode::UNPROCESSABLE_ENTITY, "The text is no code."),
            Rejection::UnknownRecoveryCode => (StatusCode::FORBIDDEN, "It is no unused recovery code."),
            Rejection::ReplacedEnrollment => (StatusCode::FORBIDDEN, "The code is of an earlier enrollment."),
            Rejection::Locked { .. } => (StatusCode::TOO_MANY_REQUESTS, "Too many wrong codes."),
            Rejection::Busy { .. } => (StatusCode::TOO_MANY_REQUESTS, "Too many codes within ten minutes."),
            Rejection::SendLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "A message was sent lately."),
            Rejection::AddressRefused => (StatusCode::FORBIDDEN, "Nothing is sent to this address."),
            Rejection::Disabled => (StatusCode::FORBIDDEN, "Too many wrong codes in a row."),
            Rejection::Held { .. } => (StatusCode::FORBIDDEN, "This is held for a while."),
            Rejection::Frozen => (StatusCode::FORBIDDEN, "The account is frozen."),
        };
        let advice = rejection.advice_for(kind);
        Self {
            attempts_left: rejection.attempts_left(),
            retry_in: rejection.retry_in(now),
            advice: Some(advice),
            ..Self::new(status, rejection.reason().as_str(), title, &advice.to_string())
        }
    }

    /// There is no answer, or the account does not allow it.
    pub fn failed(error: &Error, now: UnixTime) -> Self {
        match error {
            Error::Rejected(rejection) => Self::refused(rejection, CodeKind::AppCode, now),
            error if error.is_transient() => Self::unavailable(),
            Error::Account(error) => Self::not_allowed(error, now),
            _ => Self::broken(),
        }
    }

    /// The body of the request does not parse, or lacks something. Nothing of it is repeated.
    pub fn unreadable() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "unreadable",
            "The request cannot be read.",
            "Send what the documentation asks for, as JSON.",
        )
    }

    fn not_allowed(error: &AccountError, now: UnixTime) -> Self {
        let forbidden = |reason, title, detail| Self::new(StatusCode::FORBIDDEN, reason, title, detail);
        match error {
            AccountError::Held { until } => Self::refused(&Rejection::Held { until: *until }, CodeKind::AppCode, now),
            AccountError::Frozen => Self::refused(&Rejection::Frozen, CodeKind::AppCode, now),
            AccountError::NotEnrolled => Self::new(
                StatusCode::CONFLICT,
                "not_enrolled",
                "The account has no authenticator.",
                "Set one up first.",
            ),
            AccountError::PassNeeded | AccountError::ConfirmationNeeded | AccountError::AddressNotBound => forbidden(
                "pass_needed",
                "A code alone is not enough for this.",
                "Use the link or the message that was sent to you.",
            ),
            AccountError::StrongerFactorNeeded => forbidden(
                "stronger_factor_needed",
                "A code is not enough for this.",
                "Confirm with your passkey, or the stronger factor that you have set up.",
            ),
            AccountError::ProofEnded | AccountError::ProofSpent | AccountError::AuthorizationEnded => {
                forbidden("proof_ended", "The confirmation has ended, or was used.", "Confirm again with a new code.")
            }
            AccountError::HandleNeeded => {
                forbidden("proof_ended", "The confirmation came from another place.", "Confirm again with a new code.")
            }
            AccountError::SessionEnded => forbidden("proof_ended", "The session has ended.", "Log in again."),
            AccountError::UnknownHandle => forbidden(
                "unknown_handle",
                "The link is not of a notice from the last seven days.",
                "Use the link of the newest mail, or contact support.",
            ),
            // The service's own mistakes.
            AccountError::UndeclaredPurpose { .. }
            | AccountError::IsAct
            | AccountError::NotAnAct
            | AccountError::ContextNeeded
            | AccountError::HoldLength
            | AccountError::NeverHeld
            | AccountError::Purpose
            | AccountError::ProofOfAnotherAccount
            | AccountError::ProofForAnotherPurpose
            | AccountError::ProofForAnotherContext
            | AccountError::Uri(_)
            | AccountError::Time(_) => Self::broken(),
            _ => Self::new(
                StatusCode::CONFLICT,
                "conflict",
                "The account is not in a state for this.",
                "Load the page again to see its state.",
            ),
        }
    }

    /// Nobody knows the answer now: a store did not answer, say.
    pub fn unavailable() -> Self {
        let (title, detail) = ("There is no answer at the moment.", "Try again in a few seconds.");
        Self {
            retry_in: Some(UNAVAILABLE_SECS),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", title, detail)
        }
    }

    /// Something is wrong on the server's side that does not pass by itself: see the log.
    pub fn broken() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "failed",
            "Something is wrong on the server's side.",
            "Try again later. If it stays so, contact support.",
        )
    }

    fn new(status: StatusCode, reason: &'static str, title: &'static str, detail: &str) -> Self {
        let detail = detail.to_string();
        Self { status, reason, title, detail, advice: None, attempts_left: None, retry_in: None }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The reason, as one word of the table.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }

    /// Seconds until a code can be accepted again, where that is known.
    #[must_use]
    pub const fn retry_in(&self) -> Option<u64> {
        self.retry_in
    }

    /// The body.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Words and numbers: none of them fails.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_struct("Problem", 8)?;
        body.serialize_field("type", &format!("{DOCS}{}", self.reason))?;
        body.serialize_field("title", self.title)?;
        body.serialize_field("status", &self.status.as_u16())?;
        body.serialize_field("detail", &self.detail)?;
        body.serialize_field("reason", self.reason)?;
        body.serialize_field("advice", &self.advice)?;
        body.serialize_field("attempts_left", &self.attempts_left)?;
        body.serialize_field("retry_in", &self.retry_in)?;
        body.end()
    }
}

impl From<Problem> for Response<String> {
    fn from(problem: Problem) -> Self {
        let mut response = Self::new(problem.to_json());
        *response.status_mut() = problem.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(secs) = problem.retry_in {
            headers.insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}

/// A failure that has led to a lock is answered as the lock.
fn of_failure(rejection: &Rejection) -> StatusCode {
    if rejection.retry_at().is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::FORBIDDEN }
}
