//! A customer who has lost everything but the password and the mailbox gets back in without
//! support, after three days in which the owner is told.

use super::frame::{self, Who};
use super::refusal;
use crate::App;
use crate::language::Language;
use crate::session::{Owner, SecondStep};
use crate::trouble::Trouble;
use crate::words;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::{AccountError, AccountView, Address, Attempt, CodeRequest};
use sekisho::otp::{CodeKind, NotAccepted, Rejection};

/// The page's address.
pub(super) const PAGE: &str = "/lost";

pub(super) async fn page(State(app): State<App>, language: Language, SecondStep { owner, .. }: SecondStep) -> Response {
    if owner.view.is_reset {
        return Redirect::to("/log-in/code").into_response();
    }
    show(&app, language, &owner.view, None).into_response()
}

fn show(app: &App, language: Language, view: &AccountView, above: Option<Markup>) -> Markup {
    let heading = language.say("すべて失った場合の再設定", "Everything is lost");
    let waits = view.self_recovery.map(sekisho::otp::UnixTime::as_secs);
    let button = match waits {
        None => language.say("再設定を申し込む", "Begin the recovery"),
        Some(_) => language.say("再設定を完了する", "Finish the recovery"),
    };
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            @if let Some(until) = waits {
                p #waits { (language.say("次の日時から再設定できます: ", "It takes effect from ")) (words::moment(language, until)) }
            } @else {
                p { (language.say(
                    "認証アプリ、電話番号、リカバリーコードをすべて失っても、登録したメールアドレスを確認できれば、3日後に2段階認証を設定し直せます。その間、毎日お知らせします。コードでログインすると申し込みは取り消されます。設定し直した後、48時間は出金できません。",
                    "Without app, number and recovery codes you can set two-step login up anew, by the mailbox that you have bound. It takes three days, in which you are told each day, and any code that logs in ends it. Withdrawals are held for 48 hours after it.")) }
            }
            @if waits.is_none_or(|until| until <= app.now()) {
                form method="post" action="/lost/send" {
                    button.plain #send type="submit" { (language.say("メールでコードを受け取る", "Mail me a code")) }
                }
                form method="post" action=(PAGE) {
                    (frame::sent_code_field(language, "code"))
                    button type="submit" { (button) }
                }
            }
            p { a href="/log-in/code" { (language.say("コードでログイン", "Log in with a code")) } }
        },
    )
}

/// The mailbox of a customer, as Sekisho knows it.
pub(super) fn mailbox(owner: &Owner) -> Result<Address, Trouble> {
    Address::email(&owner.customer.email).map_err(|error| Trouble::Other(error.into()))
}

/// Mails the code of a confirmation, or says why not.
pub(super) async fn mail_code(app: &App, language: Language, owner: &Owner) -> Result<Result<(), Rejection>, Trouble> {
    let request = CodeRequest::confirmation(mailbox(owner)?).with_source(owner.source.clone());
    match app.verifier.deliver(&owner.account, request).await {
        Ok(delivery) => {
            let text = language.say("Example Exchange 確認コード: ", "Example Exchange, confirming code: ");
            app.send(&owner.customer.email, format!("{text}{}", delivery.code.reveal()));
            Ok(Ok(()))
        }
        Err(NotAccepted::Rejected(rejection)) => Ok(Err(rejection)),
        Err(NotAccepted::Failed(error)) => Err(error.into()),
    }
}

pub(super) async fn send(
    State(app): State<App>,
    language: Language,
    SecondStep { owner, .. }: SecondStep,
) -> Result<Response, Trouble> {
    Ok(match mail_code(&app, language, &owner).await? {
        Ok(()) => {
            let done = frame::done(language.say("コードを送信しました。", "A code was mailed."));
            show(&app, language, &owner.view, Some(done)).into_response()
        }
        Err(rejection) => refused(&app, language, &owner, &rejection),
    })
}

fn refused(app: &App, language: Language, owner: &Owner, rejection: &Rejection) -> Response {
    let (status, headers) = refusal(rejection, app.now());
    let above = words::refused(language, rejection, CodeKind::DeliveredCode, app.now());
    (status, headers, show(app, language, &owner.view, Some(above))).into_response()
}

#[derive(serde::Deserialize)]
pub(super) struct Confirmed {
    code: String,
}

pub(super) async fn submit(
    State(app): State<App>,
    language: Language,
    SecondStep { owner, .. }: SecondStep,
    Form(form): Form<Confirmed>,
) -> Result<Response, Trouble> {
    let (verifier, account) = (&app.verifier, &owner.account);
    let attempt = Attempt::confirmation(&mailbox(&owner)?, &form.code).with_source(owner.source.clone());
    let proof = match verifier.verify(account, attempt).await {
        Ok(proof) => proof,
        Err(NotAccepted::Rejected(rejection)) => return Ok(refused(&app, language, &owner, &rejection)),
        Err(NotAccepted::Failed(sekisho::Error::Account(why))) => return Ok(impossible(&app, language, &owner, &why)),
        Err(NotAccepted::Failed(error)) => return Err(error.into()),
    };
    let answer = if owner.view.self_recovery.is_none() {
        // First: a recovery of which nobody reminds the owner never takes effect.
        app.customers.announce_recovery(account, app.now()).await?;
        verifier.begin_self_recovery(&proof).await.map(|_until| None)
    } else {
        verifier.finish_self_recovery(&proof).await.map(|pass| Some(pass.to_text()))
    };
    match answer {
        Ok(Some(pass)) => {
            let greeting = owner.customer.language.say("再設定用の仮パスコード: ", "The pass of your recovery: ");
            app.send(&owner.customer.email, format!("{greeting}{}", pass.expose()));
            Ok(Redirect::to("/log-in/code").into_response())
        }
        Ok(None) => Ok(Redirect::to(PAGE).into_response()),
        Err(sekisho::Error::Account(why)) => Ok(impossible(&app, language, &owner, &why)),
        Err(error) => Err(error.into()),
    }
}

fn impossible(app: &App, language: Language, owner: &Owner, why: &AccountError) -> Response {
    let text = match why {
        AccountError::TooMany => language.say(
            "1年に3回までです。サポートにご連絡ください。",
            "Three recoveries a year are the most: contact support.",
        ),
        AccountError::AddressNotBound => language.say(
            "再設定用のメールアドレスが登録されていません。サポートにご連絡ください。",
            "No mailbox is bound for this, or only since a day: contact support.",
        ),
        why => words::impossible(language, why),
    };
    (StatusCode::CONFLICT, show(app, language, &owner.view, Some(frame::wrong(text)))).into_response()
}

/// The warning on every page of an account with a recovery that waits.
pub(super) fn warning(language: Language, view: &AccountView) -> Markup {
    html! {
        @if let Some(until) = view.self_recovery {
            div.refused #recovery-waits role="alert" { p {
                (language.say(
                    "2段階認証の再設定が申し込まれています。心当たりがない場合は、コードを入力してログインすると取り消されます。再設定の日時: ",
                    "Somebody has asked to set two-step login up anew. If it was not you, log in with a code: that ends it. It takes effect from "))
                (words::moment(language, until.as_secs()))
            } }
        }
    }
}
