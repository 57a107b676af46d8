//! The exchange for programs and apps of its own: JSON in and out, described by the document at
//! `/api/openapi.json`. A session is the cookie that the log-in sets.
//!
//! Refusals and failures are problem details (RFC 9457), as [`sekisho::http`] has them in its
//! table. Without a session, and with a wrong password, the answer is 401 and says which it was.
//! 429 and 503 may come in text, with `Retry-After`, which says whether anything was looked at.

mod log_in;
mod settings;
mod withdrawals;

use crate::App;
use crate::session::{Owner, PasswordGiven};
use crate::trouble::Trouble;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use sekisho::account::{AccountView, Attempt, AuthenticatorKind, Proof, Purpose};
use sekisho::http::Problem;
use sekisho::otp::{CodeKind, NotAccepted, UnixTime};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/sign-up", post(log_in::sign_up))
        .route("/api/log-in", post(log_in::log_in))
        .route("/api/log-out", post(log_in::log_out))
        .route("/api/account", get(settings::account))
        .route("/api/enrollments", post(settings::enroll))
        .route("/api/enrollments/confirm", post(settings::confirm))
        .route("/api/recovery-codes", post(settings::recovery_codes))
        .route("/api/recovery-codes/keep", post(settings::keep_recovery_codes))
        .route("/api/authenticators/name", post(settings::rename))
        .route("/api/authenticators/remove", post(settings::remove))
        .route("/api/freeze", post(settings::freeze))
        .route("/api/withdrawals", post(withdrawals::withdraw))
        .route("/api/openapi.json", get(document))
}

async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], include_str!("../../assets/openapi.json"))
}

/// An answer in a word.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// There is an account, and the session's cookie comes with the answer.
    SignedUp,
    /// Somebody has signed up with the address before.
    AddressTaken,
    /// It is no address, or no password.
    NoAddressOrPassword,
    /// The session's cookie comes with it.
    LoggedIn,
    /// Nobody has that address, or it is another password.
    WrongPassword,
    /// The password is right.
    CodeWanted,
    /// This takes a session.
    LogInFirst,
    /// It is done.
    Done,
    /// The amount is none, or more than there is; or it is no account to withdraw to.
    AmountOrDestination,
}

/// An error as a response: boxed, as it is large and seldom.
struct Refused(Box<Response>);
type Answered = Result<Response, Refused>;

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

fn answer(status: StatusCode, answer: Answer) -> Response {
    (status, Json(answer)).into_response()
}

fn problem(problem: Problem) -> Refused {
    Refused(Box::new(axum::http::Response::<String>::from(problem).into_response()))
}

fn failed(app: &App, trouble: impl Into<Trouble>) -> Refused {
    problem(trouble.into().problem(UnixTime::from_secs(app.now())))
}

fn not_accepted(app: &App, why: NotAccepted<sekisho::Error>, typed: CodeKind) -> Refused {
    match why {
        NotAccepted::Rejected(rejection) => {
            problem(Problem::refused(&rejection, typed, UnixTime::from_secs(app.now())))
        }
        NotAccepted::Failed(error) => failed(app, error),
    }
}

/// A body in JSON. The answer to another one repeats nothing of it.
struct Body<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let body: Result<Json<T>, JsonRejection> = Json::from_request(request, state).await;
        body.map(|Json(body)| Self(body)).map_err(|_| problem(Problem::unreadable()).into_response())
    }
}

/// Somebody who is logged in.
struct Session {
    owner: Owner,
    kept: tower_sessions::Session,
    /// Names what is asked twice.
    name: [u8; 16],
}

impl<S: Send + Sync> FromRequestParts<S> for Session
where
    App: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let session = tower_sessions::Session::from_request_parts(parts, state).await;
        let session = session.map_err(IntoResponse::into_response)?;
        match PasswordGiven::from_request_parts(parts, state).await {
            Ok(given) if given.is_logged_in => Ok(Self { owner: given.owner, kept: session, name: given.attempt }),
            Err(crate::session::Elsewhere::Trouble(trouble)) => {
                Err(failed(&App::from_ref(state), trouble).into_response())
            }
            _ => Err(answer(StatusCode::UNAUTHORIZED, Answer::LogInFirst)),
        }
    }
}

/// A code of the app or one that was sent, or a recovery code.
#[derive(Deserialize)]
struct Code {
    code: Option<String>,
    recovery: Option<String>,
}

impl Code {
    fn attempt(&self, purpose: Purpose, view: &AccountView) -> Option<(Attempt, CodeKind)> {
        match (&self.code, &self.recovery) {
            (Some(code), _) => Some((Attempt::new(purpose, code), typed(view))),
            (None, Some(code)) => Some((Attempt::recovery(purpose, code), CodeKind::RecoveryCode)),
            (None, None) => None,
        }
    }

    /// The proof for a change.
    async fn prove(&self, app: &App, owner: &Owner) -> Result<Proof, Refused> {
        let (attempt, typed) =
            self.attempt(Purpose::BINDING, &owner.view).ok_or_else(|| problem(Problem::unreadable()))?;
        let verified = app.verifier.verify(&owner.account, owner.attempt(attempt)).await;
        verified.map_err(|why| not_accepted(app, why, typed))
    }
}

/// The kind of code that is asked for: an app's, if there is one.
fn typed(view: &AccountView) -> CodeKind {
    let has_app = view.authenticators.iter().any(|own| matches!(own.kind, AuthenticatorKind::App { .. }));
    if has_app || view.authenticators.is_empty() { CodeKind::AppCode } else { CodeKind::DeliveredCode }
}
