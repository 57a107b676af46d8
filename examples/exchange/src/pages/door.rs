//! The log-in: the password, then the code.

use super::frame::{self, Who};
use crate::App;
use crate::customers::Customer;
use crate::language::Language;
use crate::session::{self, DEVICE, Device, SecondStep};
use crate::trouble::Trouble;
use crate::words;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::{AccountView, Attempt, AuthenticatorId, AuthenticatorKind, CodeRequest, Proof, Purpose, Text};
use sekisho::otp::{Rejection, Typed, Verdict};
use tower_sessions::Session;

pub(super) async fn page(language: Language) -> Markup {
    password_form(language, None)
}

fn password_form(language: Language, above: Option<Markup>) -> Markup {
    let heading = language.say("ログイン", "Log in");
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            form method="post" action="/log-in" {
                label for="email" { (language.say("メールアドレス", "E-mail address")) }
                input #email name="email" type="email" autocomplete="username" required maxlength="100" autofocus;
                label for="password" { (language.say("パスワード", "Password")) }
                input #password name="password" type="password" autocomplete="current-password" required maxlength="256";
                button type="submit" { (language.say("次へ", "Next")) }
            }
        },
    )
}

#[derive(serde::Deserialize)]
pub(super) struct Password {
    email: String,
    password: String,
}

pub(super) async fn password(
    State(app): State<App>,
    language: Language,
    session: Session,
    axum::Form(form): axum::Form<Password>,
) -> Result<Response, Trouble> {
    let Some(customer) = by_password(&app, &form.email, form.password).await? else {
        let wrong = frame::wrong(
            language.say("メールアドレスかパスワードが違います。", "The address or the password is wrong."),
        );
        return Ok((StatusCode::UNAUTHORIZED, password_form(language, Some(wrong))).into_response());
    };
    let view = app.verifier.view(&customer.account()?).await?;
    if has_second_step(&view) {
        session::begin_second_step(&session, &customer.email, app.now()).await?;
        return Ok(Redirect::to("/log-in/code").into_response());
    }
    session::log_in(&session, &customer.email).await?;
    Ok(Redirect::to("/two-step").into_response())
}

/// The customer with that address and password.
pub(crate) async fn by_password(app: &App, email: &str, password: String) -> Result<Option<Customer>, Trouble> {
    let customer = app.customers.find(email).await?;
    let kept = customer.as_ref().map(|customer| customer.password.clone());
    let is_right = app.passwords.is_right(password, kept).await;
    Ok(customer.filter(|_| is_right))
}

/// Whether a password is not enough. After a reset it is neither: only the pass that was mailed enrols anew.
pub(crate) fn has_second_step(view: &AccountView) -> bool {
    !view.authenticators.is_empty() || view.is_reset
}

pub(super) async fn second_step(
    State(app): State<App>,
    language: Language,
    SecondStep(customer): SecondStep,
    Device(device): Device,
) -> Result<Response, Trouble> {
    let view = app.verifier.view(&customer.account()?).await?;
    if view.is_reset {
        return Ok(super::two_step::pass_form(language, None).into_response());
    }
    let shut = if device.is_some() { &view.shut_for_devices } else { &view.shut };
    let above = shut.as_ref().map(|shut| words::refused(language, shut, Typed::AppCode, app.now()));
    Ok(code_form(language, &view, above).into_response())
}

fn code_form(language: Language, view: &AccountView, above: Option<Markup>) -> Markup {
    let heading = language.say("2段階認証", "Two-step login");
    let addresses = view.authenticators.iter().filter(|own| matches!(own.kind, AuthenticatorKind::Address { .. }));
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            form method="post" action="/log-in/code" {
                (frame::code_field(language, "code", language.say("認証コード", "Code")))
                label.check { input type="checkbox" name="remember" value="yes"; " " (language.say("このブラウザを記憶する", "Remember this browser")) }
                button type="submit" { (language.say("ログイン", "Log in")) }
            }
            @for address in addresses {
                form method="post" action="/log-in/send" {
                    button.plain type="submit" name="to" value=(address.id.number()) {
                        (language.say("コードを受け取る: ", "Send a code: ")) (words::kind(language, &address.kind))
                    }
                }
            }
            details {
                summary { (language.say("スマートフォンが手元にない場合", "The phone is not at hand")) }
                form method="post" action="/log-in/code" {
                    label for="recovery" { (language.say("リカバリーコード", "Recovery code")) }
                    input #recovery name="recovery" autocomplete="off" autocapitalize="characters" spellcheck="false" required maxlength="64";
                    button type="submit" { (language.say("リカバリーコードでログイン", "Log in with a recovery code")) }
                }
                p { (language.say("サポートから届いた通行コードがある場合は、認証コードと一緒に入力してください。",
                    "If support has mailed you a pass, type it together with the code.")) }
                form method="post" action="/log-in/code" {
                    label for="pass" { (language.say("通行コード", "Pass")) }
                    input #pass name="pass" autocomplete="off" spellcheck="false" required maxlength="128";
                    (frame::code_field(language, "code-with-pass", language.say("認証コード", "Code")))
                    button type="submit" { (language.say("ログイン", "Log in")) }
                }
            }
        },
    )
}

#[derive(serde::Deserialize)]
pub(super) struct CodeForm {
    #[serde(default)]
    code: String,
    #[serde(default)]
    recovery: String,
    #[serde(default)]
    pass: String,
    #[serde(default)]
    remember: String,
}

pub(super) async fn code(
    State(app): State<App>,
    language: Language,
    session: Session,
    SecondStep(customer): SecondStep,
    Device(device): Device,
    axum::Form(form): axum::Form<CodeForm>,
) -> Result<Response, Trouble> {
    let is_recovery = !form.recovery.is_empty();
    let mut attempt = if is_recovery {
        Attempt::recovery(Purpose::LOGIN, &form.recovery)
    } else {
        Attempt::new(Purpose::LOGIN, &form.code)
    };
    if let Some(device) = &device {
        attempt = attempt.with_device(device);
    }
    if !form.pass.is_empty() {
        attempt = attempt.with_pass(form.pass.trim());
    }
    let account = customer.account()?;
    match app.verifier.verify(&account, attempt).await? {
        Verdict::Accepted(proof) => {
            session::log_in(&session, &customer.email).await?;
            let cookie = if form.remember == "yes" { remember(&app, &proof).await? } else { None };
            let to = if proof.means().asks_for_new_recovery_codes() { "/security#recovery" } else { "/wallet" };
            let cookie = cookie.map(|cookie| [(SET_COOKIE, cookie)]);
            Ok((cookie, Redirect::to(to)).into_response())
        }
        Verdict::Rejected(rejection) => {
            let view = app.verifier.view(&account).await?;
            let typed = if is_recovery { Typed::RecoveryCode } else { Typed::AppCode };
            let above = words::refused(language, &rejection, typed, app.now());
            if is_end(&rejection) {
                // A lock ends the half-open door: the password is asked for again.
                session::end(&session).await?;
                return Ok(refusal(&rejection, app.now(), password_form(language, Some(above))));
            }
            Ok(refusal(&rejection, app.now(), code_form(language, &view, Some(above))))
        }
    }
}

/// Whether whoever tries has no more attempts for now.
pub(crate) fn is_end(rejection: &Rejection) -> bool {
    rejection.attempts_left() == Some(0)
}

/// The status of a refusal.
pub(crate) fn status(rejection: &Rejection) -> StatusCode {
    if rejection.retry_at().is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::UNAUTHORIZED }
}

/// A refusal, with its status, and when to come back.
pub(crate) fn refusal(rejection: &Rejection, now: u64, body: impl IntoResponse) -> Response {
    let wait = rejection.retry_at().map(|at| at.as_secs().saturating_sub(now).max(1));
    (status(rejection), wait.map(|wait| [(RETRY_AFTER, wait.to_string())]), body).into_response()
}

async fn remember(app: &App, proof: &Proof) -> Result<Option<String>, Trouble> {
    let Ok(name) = Text::new("browser") else { return Ok(None) };
    let token = app.verifier.remember_device(proof, name).await?;
    let token = token.to_text();
    Ok(Some(format!("{DEVICE}={}; Path=/; Max-Age=15552000; SameSite=Lax; Secure; HttpOnly", token.expose())))
}

#[derive(serde::Deserialize)]
pub(super) struct Send {
    to: u32,
}

pub(super) async fn send(
    State(app): State<App>,
    language: Language,
    SecondStep(customer): SecondStep,
    Device(device): Device,
    axum::Form(form): axum::Form<Send>,
) -> Result<Response, Trouble> {
    let mut request = CodeRequest::new(AuthenticatorId::new(form.to), Purpose::LOGIN);
    if let Some(device) = &device {
        request = request.with_device(device);
    }
    let account = customer.account()?;
    let answer = app.verifier.deliver(&account, request).await?;
    let view = app.verifier.view(&account).await?;
    Ok(match answer {
        Verdict::Accepted(delivery) => {
            let code = delivery.code().reveal().to_string();
            let text = format!("{}{code}", language.say("Example Exchange 認証コード: ", "Example Exchange code: "));
            app.mail(delivery.address().as_str(), text);
            let sent = frame::done(language.say("コードを送信しました。", "A code was sent."));
            code_form(language, &view, Some(sent)).into_response()
        }
        Verdict::Rejected(rejection) => {
            let above = words::refused(language, &rejection, Typed::DeliveredCode, app.now());
            refusal(&rejection, app.now(), code_form(language, &view, Some(above)))
        }
    })
}
