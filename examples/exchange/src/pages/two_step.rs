//! Enabling two-step login: the QR code, the confirming code, the sheet of recovery codes.

use super::frame::{self, Who};
use super::of;
use crate::App;
use crate::customers::Customer;
use crate::language::Language;
use crate::session::{self, LoggedIn, PasswordGiven, SecondStep};
use crate::trouble::Trouble;
use crate::words;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, PreEscaped, html};
use sekisho::account::{Attempt, Enrolment, NewAuthenticator, Purpose, RecoveryCodes};
use sekisho::otp::{Typed, Verdict};
use sekisho::qr::Qr;
use tower_sessions::Session;

pub(super) async fn page(
    State(app): State<App>,
    language: Language,
    LoggedIn(customer): LoggedIn,
) -> Result<Response, Trouble> {
    let view = app.verifier.view(&customer.account()?).await?;
    if !view.authenticators.is_empty() {
        return Ok(Redirect::to("/security").into_response());
    }
    let heading = language.say("2段階認証を設定", "Set up two-step login");
    let page = frame::page(
        language,
        heading,
        &of(&customer),
        html! {
            h1 { (heading) }
            p { (language.say(
                "パスワードが漏れても、あなたのスマートフォンがなければログインできなくなります。出金には設定が必要です。",
                "Then a password alone lets nobody in: it takes your phone too. Withdrawals need it.")) }
            h2 { (language.say("認証アプリ", "Authenticator apps")) }
            p { (language.say("次のようなアプリが使えます。", "Any of these will do, and others.")) }
            ul { li { "Google Authenticator" } li { "Microsoft Authenticator" } li { "2FAS" } li { "Aegis" } li { "Apple Passwords, 1Password, Bitwarden" } }
            form method="post" action="/two-step" {
                button #begin type="submit" { (language.say("QRコードを表示", "Show the QR code")) }
            }
        },
    );
    Ok(page.into_response())
}

pub(super) async fn begin(
    State(app): State<App>,
    language: Language,
    LoggedIn(customer): LoggedIn,
) -> Result<Response, Trouble> {
    let new = new_authenticator(&app, &customer)?;
    let enrolment = app.verifier.enroll_first(&customer.account()?, new).await?;
    Ok(scan(&app, language, &customer, &enrolment)?.into_response())
}

/// An authenticator that shows whose it is.
pub(super) fn new_authenticator(app: &App, customer: &Customer) -> Result<NewAuthenticator, Trouble> {
    NewAuthenticator::new(&app.settings.issuer, &customer.email).map_err(|error| Trouble::Other(error.into()))
}

/// The QR code to scan, and the field for the code that confirms it.
pub(super) fn scan(
    app: &App,
    language: Language,
    customer: &Customer,
    enrolment: &Enrolment,
) -> Result<Markup, Trouble> {
    let heading = language.say("QRコードを読み取る", "Scan the QR code");
    let qr = Qr::new(enrolment.uri()).map_err(|error| Trouble::Other(error.into()))?.to_svg();
    let key = enrolment.uri().secret().to_base32_groups();
    Ok(frame::page(
        language,
        heading,
        &of(customer),
        html! {
            h1 { (heading) }
            div #qr role="img" aria-label=(language.say("QRコード", "QR code")) { (PreEscaped(qr.expose())) }
            p { (language.say("読み取れない場合は、このキーを手で入力してください。", "If it cannot be scanned, type this key.")) }
            p { code #key { (key.expose()) } }
            p { (language.say("設定の期限: ", "To be confirmed within ")) (words::countdown(language, enrolment.until().as_secs(), app.now())) }
            (confirm_form(language))
        },
    ))
}

fn confirm_form(language: Language) -> Markup {
    html! {
        form method="post" action="/two-step/confirm" {
            (frame::code_field(language, "code", language.say("アプリに表示されたコード", "The code that the app shows")))
            button type="submit" { (language.say("確認する", "Confirm")) }
        }
    }
}

#[derive(serde::Deserialize)]
pub(super) struct Code {
    code: String,
}

pub(super) async fn confirm(
    State(app): State<App>,
    language: Language,
    session: Session,
    PasswordGiven { customer, is_logged_in }: PasswordGiven,
    axum::Form(form): axum::Form<Code>,
) -> Result<Response, Trouble> {
    let account = customer.account()?;
    // Only after a reset is confirming also logging in: an enrolment that the owner has begun elsewhere is not a door.
    if !is_logged_in && !app.verifier.view(&account).await?.is_reset {
        return Ok(Redirect::to("/log-in/code").into_response());
    }
    match app.verifier.confirm(&account, Attempt::new(Purpose::BINDING, &form.code)).await {
        Ok(Verdict::Accepted(proof)) => {
            app.mail(
                &customer.email,
                language.say("認証アプリが設定されました。", "An authenticator was added.").into(),
            );
            // After a reset the log-in was waiting for this.
            session::log_in(&session, &customer.email).await?;
            if app.verifier.view(&account).await?.recovery_codes_left > 0 {
                return Ok(Redirect::to("/security").into_response());
            }
            let codes = app.verifier.issue_recovery_codes(proof).await?;
            Ok(sheet(language, &customer, &codes).into_response())
        }
        Ok(Verdict::Rejected(rejection)) => {
            let heading = language.say("コードを確認してください", "Check the code");
            let page = frame::page(
                language,
                heading,
                &of(&customer),
                html! {
                    h1 { (heading) }
                    (words::refused(language, &rejection, Typed::AppCode, app.now()))
                    (confirm_form(language))
                    p { a href="/two-step" { (language.say("最初からやり直す", "Begin again")) } }
                },
            );
            Ok(super::door::refusal(&rejection, app.now(), page))
        }
        // The enrolment has run out, or was confirmed in another window.
        Err(sekisho::Error::Account(_)) => Ok(Redirect::to("/two-step").into_response()),
        Err(error) => Err(error.into()),
    }
}

/// The recovery codes, shown once.
pub(super) fn sheet(language: Language, customer: &Customer, codes: &RecoveryCodes) -> Markup {
    let heading = language.say("リカバリーコード", "Recovery codes");
    frame::page(
        language,
        heading,
        &of(customer),
        html! {
            h1 { (heading) }
            p { (language.say(
                "印刷するか書き写して、安全な場所に保管してください。表示されるのは今回だけです。スマートフォンをなくしたとき、1つのコードで1回ログインできます。",
                "Print them, or copy them by hand, and keep them safe: they are shown this once. Without the phone, each lets you in once.")) }
            ol.sheet #recovery-codes { @for code in codes.iter() { li { code { (code) } } } }
            p { a.button href="/wallet" { (language.say("保管しました", "I have kept them")) } }
        },
    )
}

/// After a reset: the pass that was mailed enrols anew, and nothing else.
pub(super) fn pass_form(language: Language, above: Option<Markup>) -> Markup {
    let heading = language.say("2段階認証の再設定", "Set up two-step login anew");
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            p { (language.say("サポートがリセットしました。メールで届いた通行コードを入力してください。",
                "Support has reset it. Type the pass that was mailed to you.")) }
            form method="post" action="/two-step/pass" {
                label for="pass" { (language.say("通行コード", "Pass")) }
                input #pass name="pass" autocomplete="off" spellcheck="false" required maxlength="128" autofocus;
                button type="submit" { (language.say("QRコードを表示", "Show the QR code")) }
            }
        },
    )
}

#[derive(serde::Deserialize)]
pub(super) struct Pass {
    pass: String,
}

pub(super) async fn begin_with_pass(
    State(app): State<App>,
    language: Language,
    SecondStep(customer): SecondStep,
    axum::Form(form): axum::Form<Pass>,
) -> Result<Response, Trouble> {
    let new = new_authenticator(&app, &customer)?;
    match app.verifier.enroll_with_pass(&customer.account()?, form.pass.trim(), None, new).await {
        Ok(enrolment) => Ok(scan(&app, language, &customer, &enrolment)?.into_response()),
        Err(sekisho::Error::Account(_)) => {
            let wrong = language.say("通行コードが違うか、期限が切れています。", "The pass is wrong, or has run out.");
            let page = pass_form(language, Some(frame::wrong(wrong)));
            Ok((StatusCode::UNAUTHORIZED, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
