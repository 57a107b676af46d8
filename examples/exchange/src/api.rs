//! Log-in for programs: `POST /api/log-in`, JSON in and out.
//!
//! In: `{"email": …, "password": …, "code": …}`, or `"recovery"` in the place of `"code"`, or
//! neither, to learn whether one is wanted.
//!
//! | status | body |
//! |---|---|
//! | 200 | `{"answer": "logged_in"}`, with the session's cookie |
//! | 401 | `{"answer": "wrong_password"}`, or `{"answer": "code_wanted"}`: the password is right |
//! | any other | problem details (RFC 9457), as [`sekisho::http`] has them in its table |
//! | 429, 503 | in text, with `Retry-After`: too many requests of this address, or overloaded; nothing was looked at |

use crate::App;
use crate::pages::{by_password, has_second_step};
use crate::session::{self, By, CameFrom};
use crate::trouble::Trouble;
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sekisho::account::{Attempt, Purpose, Source};
use sekisho::http::Problem;
use sekisho::otp::{CodeKind, NotAccepted, UnixTime};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

/// What is asked.
#[derive(Deserialize)]
pub struct Request {
    email: String,
    password: String,
    code: Option<String>,
    recovery: Option<String>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The session's cookie comes with it.
    LoggedIn,
    /// Nobody has that address, or it is another password.
    WrongPassword,
    /// The password is right.
    CodeWanted,
}

/// Logs in.
///
/// # Errors
/// [`Problem`], as a response.
pub async fn log_in(
    State(app): State<App>,
    session: Session,
    CameFrom(source): CameFrom,
    request: Result<Json<Request>, JsonRejection>,
) -> Result<Response, Response> {
    // The answer repeats nothing of a body that cannot be read.
    let Ok(Json(request)) = request else { return Err(answer(Problem::unreadable())) };
    let now = UnixTime::from_secs(app.now());
    judge(&app, &session, source, request, now).await.map_err(|problem| answer(*problem))
}

async fn judge(
    app: &App,
    session: &Session,
    source: Source,
    request: Request,
    now: UnixTime,
) -> Result<Response, Box<Problem>> {
    let trouble = |trouble: Trouble| Box::new(trouble.problem(now));
    let found = by_password(app, &request.email, request.password).await.map_err(trouble)?;
    let Some(customer) = found else {
        return Ok((StatusCode::UNAUTHORIZED, Json(Answer::WrongPassword)).into_response());
    };
    let account = customer.account().map_err(|error| trouble(error.into()))?;
    let view = app.verifier.view(&account).await.map_err(|error| trouble(error.into()))?;
    let mut by = By::Password(view.epoch);
    if has_second_step(&view) {
        let (attempt, typed) = match (&request.code, &request.recovery) {
            (Some(code), _) => (Attempt::new(Purpose::LOGIN, code), CodeKind::AppCode),
            (None, Some(code)) => (Attempt::recovery(Purpose::LOGIN, code), CodeKind::RecoveryCode),
            (None, None) => return Ok((StatusCode::UNAUTHORIZED, Json(Answer::CodeWanted)).into_response()),
        };
        match app.verifier.verify(&account, attempt.with_source(source)).await {
            Ok(proof) => by = By::Proof(proof.epoch()),
            Err(NotAccepted::Rejected(rejection)) => return Err(Box::new(Problem::refused(&rejection, typed, now))),
            Err(NotAccepted::Failed(error)) => return Err(trouble(error.into())),
        }
    }
    session::log_in(session, &customer, by).await.map_err(trouble)?;
    Ok(Json(Answer::LoggedIn).into_response())
}

fn answer(problem: Problem) -> Response {
    axum::http::Response::<String>::from(problem).into_response()
}
