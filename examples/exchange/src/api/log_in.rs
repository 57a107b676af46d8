//! Sign-up, log-in, log-out.

use super::{Answer, Answered, Body, Code, answer, failed, not_accepted};
use crate::App;
use crate::customers::CustomerError;
use crate::language::Language;
use crate::pages::{by_password, has_second_step};
use crate::passwords::LENGTHS;
use crate::session::{self, By, CameFrom};
use crate::trouble::Trouble;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sekisho::account::Purpose;
use serde::Deserialize;
use tower_sessions::Session;

#[derive(Deserialize)]
pub(super) struct New {
    email: String,
    password: String,
}

pub(super) async fn sign_up(
    State(app): State<App>,
    language: Language,
    session: Session,
    Body(new): Body<New>,
) -> Answered {
    if new.password.chars().count() < *LENGTHS.start() || new.password.len() > *LENGTHS.end() {
        return Ok(answer(StatusCode::UNPROCESSABLE_ENTITY, Answer::NoAddressOrPassword));
    }
    let hash = app.passwords.hash(new.password).await;
    let hash = hash.map_err(|error| failed(&app, Trouble::Other(error.to_string().into())))?;
    match app.customers.add(&app.verifier, &new.email, hash, language).await {
        Ok(customer) => {
            let account = customer.account().map_err(|error| failed(&app, error))?;
            let epoch = app.verifier.view(&account).await.map_err(|error| failed(&app, error))?.epoch;
            session::log_in(&session, &customer, By::Password(epoch)).await.map_err(|error| failed(&app, error))?;
            Ok(answer(StatusCode::CREATED, Answer::SignedUp))
        }
        Err(CustomerError::Taken) => Ok(answer(StatusCode::CONFLICT, Answer::AddressTaken)),
        Err(CustomerError::Address) => Ok(answer(StatusCode::UNPROCESSABLE_ENTITY, Answer::NoAddressOrPassword)),
        Err(error) => Err(failed(&app, error)),
    }
}

#[derive(Deserialize)]
pub(super) struct Credentials {
    email: String,
    password: String,
    #[serde(flatten)]
    code: Code,
}

/// Logs in. Without a code the answer says whether one is wanted.
pub(super) async fn log_in(
    State(app): State<App>,
    session: Session,
    CameFrom(source): CameFrom,
    Body(given): Body<Credentials>,
) -> Answered {
    let found = by_password(&app, &given.email, given.password).await.map_err(|trouble| failed(&app, trouble))?;
    let Some(customer) = found else { return Ok(answer(StatusCode::UNAUTHORIZED, Answer::WrongPassword)) };
    let account = customer.account().map_err(|error| failed(&app, error))?;
    let view = app.verifier.view(&account).await.map_err(|error| failed(&app, error))?;
    let mut by = By::Password(view.epoch);
    if has_second_step(&view) {
        let Some((attempt, typed)) = given.code.attempt(Purpose::LOGIN, &view) else {
            return Ok(answer(StatusCode::UNAUTHORIZED, Answer::CodeWanted));
        };
        let verified = app.verifier.verify(&account, attempt.with_source(source)).await;
        by = By::Proof(verified.map_err(|why| not_accepted(&app, why, typed))?.epoch());
    }
    session::log_in(&session, &customer, by).await.map_err(|trouble| failed(&app, trouble))?;
    Ok(answer(StatusCode::OK, Answer::LoggedIn))
}

pub(super) async fn log_out(session: Session) -> Result<Response, Trouble> {
    session::end(&session).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
