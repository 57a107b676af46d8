//! The log-in: the password, then the code.

use super::frame::{self, Who};
use super::{lost, refusal, sent};
use crate::customers::Customer;
use crate::language::Language;
use crate::session::{self, By, Owner, SecondStep};
use crate::trouble::Trouble;
use crate::words;
use crate::{App, guard};
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::{self, AccountView, Attempt, Proof, Purpose, Text};
use sekisho::otp::{CodeKind, NotAccepted, Rejection};
use tower_sessions::Session;

pub(super) async fn page(language: Language) -> Markup {
    password_form(language, None)
}

pub(super) fn password_form(language: Language, above: Option<Markup>) -> Markup {
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
            p { a href="/password/forgot" { (language.say("パスワードを忘れた場合", "Forgotten password")) } }
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
        session::begin_second_step(&session, &customer, app.now()).await?;
        return Ok(Redirect::to("/log-in/code").into_response());
    }
    session::log_in(&session, &customer, By::Password(view.epoch)).await?;
    Ok(Redirect::to("/two-step").into_response())
}

/// The customer with that address and password.
pub(crate) async fn by_password(app: &App, email: &str, password: String) -> Result<Option<Customer>, Trouble> {
    let customer = app.customers.find(email).await?;
    let kept = customer.as_ref().map(|customer| customer.password.clone());
    let is_right = app.passwords.is_right(password, kept).await;
    Ok(customer.filter(|_| is_right))
}

/// Returns whether the password alone lets nobody in. So it is also without an authenticator: after
/// a reset, when only the mailed pass enrolls anew, and during a freeze.
pub(crate) fn has_second_step(view: &AccountView) -> bool {
    view.second_step != account::SecondStep::NotSetUp
}

pub(super) async fn second_step(
    State(app): State<App>,
    language: Language,
    SecondStep { owner, .. }: SecondStep,
) -> Response {
    let view = &owner.view;
    if view.is_reset {
        return super::two_step::pass_form(language, None).into_response();
    }
    let refusal = if owner.device.is_some() { &view.refusal_for_devices } else { &view.refusal };
    let above = refusal.as_ref().map(|refusal| words::refused(language, refusal, super::typed(view), app.now()));
    code_form(&app, language, view, above).into_response()
}

fn code_form(app: &App, language: Language, view: &AccountView, above: Option<Markup>) -> Markup {
    let heading = language.say("2段階認証", "Two-step login");
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            (lost::warning(language, view))
            (sent::buttons(language, view, "/log-in/send", view.refusal.is_some()))
            form method="post" action="/log-in/code" {
                @match super::typed(view) {
                    CodeKind::DeliveredCode => { (frame::sent_code_field(language, "code")) }
                    _ => { (frame::code_field(language, "code", language.say("認証コード", "Code"), app.now())) }
                }
                label.check { input type="checkbox" name="remember" value="yes"; " " (language.say("このブラウザを記憶する", "Remember this browser")) }
                button type="submit" { (language.say("ログイン", "Log in")) }
            }
            details #other-ways {
                summary { (language.say("スマートフォンが手元にない場合", "The phone is not at hand")) }
                form #by-recovery method="post" action="/log-in/code" {
                    label for="recovery" { (language.say("リカバリーコード", "Recovery code")) }
                    input #recovery name="recovery" autocomplete="off" autocapitalize="characters" spellcheck="false" required maxlength="64";
                    @if view.refusal_for_recovery_codes.is_some() { (frame::pass_field(language, "pass-recovery")) }
                    button type="submit" { (language.say("リカバリーコードでログイン", "Log in with a recovery code")) }
                }
            }
            p { a href="/resync" { (language.say("コードが合わないとき", "If codes are refused")) } }
            @if app.settings.policy.limits().self_recovery_secs > 0 { p { a href=(lost::PAGE) { (language.say("リカバリーコードもない場合", "The recovery codes are lost too")) } } }
            details {
                summary { (language.say("サポートから仮パスコードが届いた場合", "Support has mailed you a pass")) }
                form method="post" action="/log-in/code" {
                    label for="pass" { (language.say("仮パスコード", "Pass")) }
                    input #pass name="pass" autocomplete="off" spellcheck="false" required maxlength="128";
                    (frame::code_field(language, "code-with-pass", language.say("認証コード", "Code"), app.now()))
                    label.check { input type="checkbox" name="remember" value="yes"; " " (language.say("このブラウザを記憶する", "Remember this browser")) }
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
    headers: HeaderMap,
    SecondStep { owner, attempt: name }: SecondStep,
    axum::Form(form): axum::Form<CodeForm>,
) -> Result<Response, Trouble> {
    let Owner { customer, account, view, .. } = &owner;
    let (mut attempt, typed) = if form.recovery.is_empty() {
        (Attempt::new(Purpose::LOGIN, &form.code), super::typed(view))
    } else {
        (Attempt::recovery(Purpose::LOGIN, &form.recovery), CodeKind::RecoveryCode)
    };
    if !form.pass.is_empty() {
        attempt = attempt.with_pass(form.pass.trim());
    }
    match app.verifier.verify(account, owner.attempt(attempt).with_idempotency_key(name)).await {
        Ok(proof) => {
            let cookie = if form.remember == "yes" { remember(&app, &headers, customer, &proof).await } else { None };
            session::log_in(&session, customer, By::Proof(proof.epoch())).await?;
            let to = if proof.method().asks_for_new_recovery_codes() { "/security#recovery" } else { "/wallet" };
            let cookie = cookie.map(|cookie| [(SET_COOKIE, cookie)]);
            Ok((cookie, Redirect::to(to)).into_response())
        }
        Err(NotAccepted::Rejected(rejection)) => {
            let above = words::refused(language, &rejection, typed, app.now());
            let (status, headers) = refusal(&rejection, app.now());
            if is_end(&rejection) {
                // A lock ends the half-open door: the password is asked for again.
                session::end(&session).await?;
                return Ok((status, headers, password_form(language, Some(above))).into_response());
            }
            Ok((status, headers, code_form(&app, language, view, Some(above))).into_response())
        }
        // Support has reset it while the page was open.
        Err(NotAccepted::Failed(sekisho::Error::Account(_))) if view.is_reset => {
            Ok((StatusCode::CONFLICT, super::two_step::pass_form(language, None)).into_response())
        }
        Err(NotAccepted::Failed(sekisho::Error::Account(why))) => {
            let above = frame::wrong(words::impossible(language, &why));
            Ok((StatusCode::CONFLICT, code_form(&app, language, view, Some(above))).into_response())
        }
        Err(NotAccepted::Failed(error)) => Err(error.into()),
    }
}

/// Whether whoever tries has no more attempts for now.
pub(super) fn is_end(rejection: &Rejection) -> bool {
    rejection.attempts_left() == Some(0)
}

/// The cookie of a browser that is remembered from now on. Without it the log-in is one all the
/// same.
async fn remember(app: &App, headers: &HeaderMap, customer: &Customer, proof: &Proof) -> Option<String> {
    let name = Text::new(&guard::browser(headers)).ok()?;
    match app.verifier.remember_device(proof, name).await {
        Ok(token) => {
            let (cookie, token) = (session::device_cookie(customer), token.to_text());
            Some(format!("{cookie}={}; Path=/; Max-Age=15552000; SameSite=Lax; Secure; HttpOnly", token.expose()))
        }
        Err(error) => {
            tracing::warn!(%error, "a browser was not remembered");
            None
        }
    }
}

pub(super) async fn send(
    State(app): State<App>,
    language: Language,
    SecondStep { owner, .. }: SecondStep,
    axum::Form(ask): axum::Form<sent::Ask>,
) -> Result<Response, Trouble> {
    let (status, headers, above) = sent::send(&app, language, &owner, &ask, sent::What::LogIn).await?;
    Ok((status, headers, code_form(&app, language, &owner.view, Some(above))).into_response())
}
