//! The second factor: what there is, enrollment, recovery codes, changes, and the owner's freeze.

use super::{Answer, Answered, Body, Code, Session, answer, failed, not_accepted, problem, typed};
use crate::App;
use crate::language::Language;
use crate::pages::new_authenticator;
use crate::session::{self, By, Owner};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use sekisho::account::{Attempt, AuthenticatorId, OwnerFreeze, Purpose, Text};
use sekisho::http::Problem;
use serde::Deserialize;
use serde_json::json;

/// The account for an app of the exchange's: no secrets, and nothing that is only for support.
pub(super) async fn account(Session { owner, .. }: Session) -> Answered {
    let Owner { customer, view, .. } = owner;
    let security = json!({
        "second_step": view.second_step,
        "authenticators": view.authenticators.iter().map(|own| json!({
            "id": own.id, "name": own.name, "state": own.state, "bound_at": own.bound_at, "last_used": own.last_used,
        })).collect::<Vec<_>>(),
        "holds": view.holds.iter().map(|hold| json!({ "purpose": hold.purpose, "until": hold.until })).collect::<Vec<_>>(),
        "recovery_codes_left": view.recovery_codes_left,
        "recovery_codes_due": view.recovery_codes_due,
    });
    Ok(Json(json!({ "email": customer.email, "balance": customer.balance, "security": security })).into_response())
}

/// Begins an enrollment: the first one with the session alone, another one with a code.
pub(super) async fn enroll(
    State(app): State<App>,
    language: Language,
    at: Session,
    Body(code): Body<Code>,
) -> Answered {
    let new = new_authenticator(&app, language, &at.owner).map_err(|trouble| failed(&app, trouble))?;
    let begun = if at.owner.view.authenticators.is_empty() {
        app.verifier.enroll_first(&at.owner.account, new).await
    } else {
        app.verifier.enroll(code.prove(&app, &at.owner).await?, new).await
    };
    let enrollment = begun.map_err(|error| failed(&app, error))?;
    let kept = session::keep_enrollment(&at.kept, enrollment.handle()).await;
    kept.map_err(|trouble| failed(&app, trouble))?;
    let (uri, key) = (enrollment.uri().to_text(), enrollment.uri().secret().to_base32());
    let body = json!({ "uri": uri.expose(), "key": key.expose(), "until": enrollment.until().as_secs() });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Confirms it. Of the first enrollment, the answer has the recovery codes to be kept.
pub(super) async fn confirm(State(app): State<App>, at: Session, Body(code): Body<Code>) -> Answered {
    let Some(text) = &code.code else { return Err(problem(Problem::unreadable())) };
    let handle = session::enrollment(&at.kept).await.map_err(|trouble| failed(&app, trouble))?;
    let attempt = Attempt::new(Purpose::BINDING, text).with_idempotency_key(at.name).with_enrollment(&handle);
    let confirmed = app.verifier.confirm(&at.owner.account, at.owner.attempt(attempt)).await;
    let proof = confirmed.map_err(|why| not_accepted(&app, why, typed(&at.owner.view)))?;
    if proof.may_be_guessed() {
        session::end(&at.kept).await.map_err(|trouble| failed(&app, trouble))?;
        return Ok(answer(StatusCode::UNAUTHORIZED, Answer::LogInFirst));
    }
    let by = By::Proof(proof.epoch());
    session::log_in(&at.kept, &at.owner.customer, by).await.map_err(|trouble| failed(&app, trouble))?;
    if at.owner.view.recovery_codes_left > 0 {
        return Ok(Json(json!({ "recovery_codes": null })).into_response());
    }
    let made = app.verifier.issue_recovery_codes(proof).await.map_err(|error| failed(&app, error))?;
    session::keep_sheet(&at.kept, made.handle()).await.map_err(|trouble| failed(&app, trouble))?;
    Ok(Json(json!({ "recovery_codes": made.codes().iter().collect::<Vec<_>>() })).into_response())
}

/// Makes a new set of recovery codes, which is in force once it is kept.
pub(super) async fn recovery_codes(State(app): State<App>, at: Session, Body(code): Body<Code>) -> Answered {
    let proof = code.prove(&app, &at.owner).await?;
    let made = app.verifier.issue_recovery_codes(proof).await.map_err(|error| failed(&app, error))?;
    session::keep_sheet(&at.kept, made.handle()).await.map_err(|trouble| failed(&app, trouble))?;
    let body = json!({ "recovery_codes": made.codes().iter().collect::<Vec<_>>() });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

pub(super) async fn keep_recovery_codes(State(app): State<App>, at: Session) -> Answered {
    let handle = session::sheet(&at.kept).await.map_err(|trouble| failed(&app, trouble))?;
    let kept = app.verifier.keep_recovery_codes(&at.owner.account, &handle).await;
    kept.map_err(|error| failed(&app, error))?;
    Ok(answer(StatusCode::OK, Answer::Done))
}

#[derive(Deserialize)]
pub(super) struct Change {
    id: u32,
    name: Option<String>,
    /// That the last one goes is known.
    #[serde(default)]
    is_last: bool,
    #[serde(flatten)]
    code: Code,
}

pub(super) async fn rename(State(app): State<App>, at: Session, Body(change): Body<Change>) -> Answered {
    let name = change.name.as_deref().and_then(|name| Text::new(name.trim()).ok());
    let Some(name) = name else { return Err(problem(Problem::unreadable())) };
    let proof = change.code.prove(&app, &at.owner).await?;
    let renamed = app.verifier.rename(&proof, AuthenticatorId::new(change.id), name).await;
    renamed.map_err(|error| failed(&app, error))?;
    Ok(answer(StatusCode::OK, Answer::Done))
}

/// Removes one. Every other session ends; this one goes on.
pub(super) async fn remove(State(app): State<App>, at: Session, Body(change): Body<Change>) -> Answered {
    let (proof, id) = (change.code.prove(&app, &at.owner).await?, AuthenticatorId::new(change.id));
    let removed =
        if change.is_last { app.verifier.remove_last(proof, id).await } else { app.verifier.remove(proof, id).await };
    let by = By::Proof(removed.map_err(|error| failed(&app, error))?);
    session::log_in(&at.kept, &at.owner.customer, by).await.map_err(|trouble| failed(&app, trouble))?;
    Ok(answer(StatusCode::OK, Answer::Done))
}

/// Freezes the account, at its owner's word. Every session ends.
pub(super) async fn freeze(State(app): State<App>, at: Session) -> Answered {
    let freeze = OwnerFreeze::by_session(at.owner.view.epoch).with_source(at.owner.source.clone());
    app.verifier.freeze_by_owner(&at.owner.account, freeze).await.map_err(|error| failed(&app, error))?;
    session::end(&at.kept).await.map_err(|trouble| failed(&app, trouble))?;
    Ok(answer(StatusCode::OK, Answer::Done))
}
