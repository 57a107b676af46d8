//! Log-in for programs: `POST /api/log-in`, JSON in and out.
//!
//! In: `{"email": …, "password": …, "code": …}`, or `"recovery"` in the place of `"code"`, or neither, to learn whether one is wanted.
//!
//! | status | `answer` | and |
//! |---|---|---|
//! | 200 | `logged_in` | the session's cookie |
//! | 401 | `wrong_password` | |
//! | 401 | `code_wanted` | the password is right |
//! | 401 | `refused` | `advice` (a word), `attempts_left` if known |
//! | 429 | `refused` | the same, `retry_at` in Unix seconds, and `Retry-After` |
//! | 409 | | in text: the account does not allow it, as after a reset |
//! | 429 | | in text, with `Retry-After`: too many requests of this address, nothing was looked at |
//! | 503 | | in text, with `Retry-After`: overloaded, nothing was looked at; or the store did not answer, and the code may have been used up |

use crate::App;
use crate::pages::{by_password, has_second_step, refusal};
use crate::session::{self, By};
use crate::trouble::Trouble;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sekisho::account::{Attempt, Purpose};
use sekisho::otp::{Advice, CodeKind, NotAccepted, Rejection};
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
    /// The code was not taken.
    Refused {
        /// What to do.
        advice: Advice,
        /// Until the lock.
        #[serde(skip_serializing_if = "Option::is_none")]
        attempts_left: Option<u32>,
        /// In Unix seconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_at: Option<u64>,
    },
}

/// Logs in.
///
/// # Errors
/// [`Trouble`].
pub async fn log_in(
    State(app): State<App>,
    session: Session,
    Json(request): Json<Request>,
) -> Result<Response, Trouble> {
    let Some(customer) = by_password(&app, &request.email, request.password).await? else {
        return Ok((StatusCode::UNAUTHORIZED, Json(Answer::WrongPassword)).into_response());
    };
    let account = customer.account()?;
    let view = app.verifier.view(&account).await?;
    let mut by = By::Password(view.epoch);
    if has_second_step(&view) {
        let (attempt, typed) = match (&request.code, &request.recovery) {
            (Some(code), _) => (Attempt::new(Purpose::LOGIN, code), CodeKind::AppCode),
            (None, Some(code)) => (Attempt::recovery(Purpose::LOGIN, code), CodeKind::RecoveryCode),
            (None, None) => return Ok((StatusCode::UNAUTHORIZED, Json(Answer::CodeWanted)).into_response()),
        };
        match app.verifier.verify(&account, attempt).await {
            Ok(proof) => by = By::Proof(proof.epoch()),
            Err(NotAccepted::Rejected(rejection)) => {
                let answer = Json(refused(&rejection, typed));
                let (status, headers) = refusal(&rejection, app.now());
                return Ok((status, headers, answer).into_response());
            }
            Err(NotAccepted::Failed(error)) => return Err(error.into()),
        }
    }
    session::log_in(&session, &customer, by).await?;
    Ok(Json(Answer::LoggedIn).into_response())
}

fn refused(rejection: &Rejection, typed: CodeKind) -> Answer {
    Answer::Refused {
        advice: rejection.advice_for(typed),
        attempts_left: rejection.attempts_left(),
        retry_at: rejection.retry_at().map(sekisho::otp::UnixTime::as_secs),
    }
}
