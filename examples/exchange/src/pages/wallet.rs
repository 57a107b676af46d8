//! The balance, and withdrawals, which take a code of their own.

use super::{frame, of};
use crate::App;
use crate::customers::{Customer, CustomerError, Withdrawal};
use crate::language::Language;
use crate::session::{Device, LoggedIn};
use crate::trouble::Trouble;
use crate::words;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sekisho::account::{AccountView, Attempt, Purpose};
use sekisho::otp::{Typed, Verdict};
use sha2::{Digest, Sha256};

pub(super) async fn page(
    State(app): State<App>,
    language: Language,
    LoggedIn(customer): LoggedIn,
) -> Result<Markup, Trouble> {
    let view = app.verifier.view(&customer.account()?).await?;
    Ok(show(&app, language, &customer, &view, None))
}

fn show(app: &App, language: Language, customer: &Customer, view: &AccountView, above: Option<Markup>) -> Markup {
    let heading = language.say("ウォレット", "Wallet");
    let hold = view.holds.iter().find(|(purpose, _)| *purpose == Purpose::WITHDRAWAL);
    frame::page(
        language,
        heading,
        &of(customer),
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            p.balance { "¥" span #balance { (customer.balance) } }
            h2 { (language.say("出金", "Withdraw")) }
            @if view.frozen_at.is_some() {
                (frame::wrong(language.say("このアカウントは凍結されています。サポートにご連絡ください。", "This account is frozen: contact support.")))
            } @else if let Some((_, until)) = hold {
                div.held #hold role="status" {
                    p { (language.say("セキュリティ設定が変更されたため、出金は停止中です。", "Withdrawals are held, as the account's security was changed.")) }
                    p { (language.say("再開まで ", "They go on in ")) (words::countdown(language, until.as_secs(), app.now())) }
                }
            }
            @if view.authenticators.is_empty() {
                p { a.button href="/two-step" { (language.say("出金には2段階認証の設定が必要です", "Withdrawals take two-step login: set it up")) } }
            } @else {
                form method="post" action="/wallet/withdraw" {
                    label for="amount" { (language.say("金額（円）", "Amount (yen)")) }
                    input #amount name="amount" inputmode="numeric" pattern="[0-9]{1,12}" required;
                    label for="to" { (language.say("出金先口座", "To the account")) }
                    input #to name="to" required maxlength="64";
                    (frame::code_field(language, "code", language.say("認証コード", "Code")))
                    button type="submit" { (language.say("出金する", "Withdraw")) }
                }
            }
            @if !customer.withdrawals.is_empty() {
                h2 { (language.say("履歴", "History")) }
                table {
                    thead { tr { th { (language.say("日時", "When")) } th { (language.say("出金先", "To")) } th { (language.say("金額", "Amount")) } } }
                    tbody { @for own in &customer.withdrawals {
                        tr { td { (words::moment(language, own.at)) } td { (own.to) } td { "¥" (own.amount) } }
                    } }
                }
            }
        },
    )
}

#[derive(serde::Deserialize)]
pub(super) struct Form {
    amount: u64,
    to: String,
    code: String,
}

pub(super) async fn withdraw(
    State(app): State<App>,
    language: Language,
    LoggedIn(customer): LoggedIn,
    Device(device): Device,
    axum::Form(form): axum::Form<Form>,
) -> Result<Response, Trouble> {
    let account = customer.account()?;
    // The code is for this withdrawal and no other.
    let context: [u8; 32] = Sha256::digest(format!("withdraw {} to {}", form.amount, form.to)).into();
    let mut attempt = Attempt::new(Purpose::WITHDRAWAL, &form.code).with_context(&context);
    if let Some(device) = &device {
        attempt = attempt.with_device(device);
    }
    let (status, above) = match app.verifier.verify(&account, attempt).await {
        Ok(Verdict::Accepted(proof)) => {
            app.verifier.redeem(&account, proof, Purpose::WITHDRAWAL, Some(&context)).await?;
            let withdrawal = Withdrawal { amount: form.amount, to: form.to, at: app.now() };
            match app.customers.withdraw(&customer.email, withdrawal).await {
                Ok(()) => (
                    StatusCode::OK,
                    frame::done(language.say("出金を受け付けました。", "The withdrawal is on its way.")),
                ),
                Err(CustomerError::Balance) => {
                    let text = language.say("残高が不足しています。", "The balance does not suffice.");
                    (StatusCode::UNPROCESSABLE_ENTITY, frame::wrong(text))
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Verdict::Rejected(rejection)) => {
            (super::door::status(&rejection), words::refused(language, &rejection, Typed::AppCode, app.now()))
        }
        Err(error) if error.is_not_enrolled() => {
            let text = language.say("先に2段階認証を設定してください。", "Set up two-step login first.");
            (StatusCode::FORBIDDEN, frame::wrong(text))
        }
        Err(error) => return Err(error.into()),
    };
    let customer = app.customers.find(&customer.email).await?.ok_or(CustomerError::Unknown)?;
    let view = app.verifier.view(&account).await?;
    Ok((status, show(&app, language, &customer, &view, Some(above))).into_response())
}
