//! A withdrawal: an act, bound to amount and account, made once however often it is sent.

use super::{Answer, Answered, Body, Session, answer, failed, not_accepted, typed};
use crate::App;
use crate::pages::withdrawal;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
pub(super) struct Withdrawal {
    /// In yen.
    amount: u64,
    to: String,
    code: String,
    /// Names the withdrawal: sent again under the same one, it is made once.
    id: String,
}

pub(super) async fn withdraw(State(app): State<App>, at: Session, Body(asked): Body<Withdrawal>) -> Answered {
    let to = asked.to.trim();
    let account = &at.owner.account;
    let act = withdrawal::act(account.as_bytes(), &asked.id, asked.amount, to, &asked.code);
    let id = act.authorization_id(account);
    if at.owner.customer.withdrawals.iter().any(|own| own.id == id) {
        // It was made, and its answer got lost.
        let balance = at.owner.customer.balance;
        return Ok((StatusCode::CREATED, Json(json!({ "balance": balance }))).into_response());
    }
    if asked.amount == 0 || asked.amount > at.owner.customer.balance || !withdrawal::is_destination(to) {
        return Ok(answer(StatusCode::UNPROCESSABLE_ENTITY, Answer::AmountOrDestination));
    }
    let authorized = app.verifier.authorize(&at.owner.account, at.owner.act(act)).await;
    let authorization = authorized.map_err(|why| not_accepted(&app, why, typed(&at.owner.view)))?;
    let made = withdrawal::of(&authorization, asked.amount, to, app.now());
    match app.customers.withdraw(&at.owner.account, &made).await {
        Ok(customer) => Ok((StatusCode::CREATED, Json(json!({ "balance": customer.balance }))).into_response()),
        Err(crate::customers::CustomerError::Balance) => {
            Ok(answer(StatusCode::UNPROCESSABLE_ENTITY, Answer::AmountOrDestination))
        }
        Err(error) => Err(failed(&app, error)),
    }
}
