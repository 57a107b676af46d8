//! The log-in: the password, then the code.

use super::frame::{self, Who};
use super::refusals::{self, Place};
use super::{lost, refusal, sent, states, tour};
use crate::customers::Customer;
use crate::language::{self, Language};
use crate::session::{self, By, Owner, PASS_COOKIE, SecondStep};
use crate::trouble::Trouble;
use crate::{App, guard};
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::{self, AccountView, Attempt, BlockedBy, Proof, Purpose, Source, Text};
use sekisho::otp::{Advice, CodeKind, NotAccepted, Rejection};
use tower_sessions::Session;

pub(super) async fn page(language: Language, headers: HeaderMap) -> Markup {
    let has_link = language::cookie(&headers, PASS_COOKIE).is_some();
    let above = has_link.then(|| {
        frame::done(language.say(
            "サポートのリンクを開きました。続けてログインしてください。",
            "A link from support was opened in this browser: now log in.",
        ))
    });
    password_form(language, above)
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
            form.card method="post" action="/log-in" {
                label for="email" { (language.say("メールアドレス", "E-mail address")) }
                input #email name="email" type="email" autocomplete="username" required maxlength="100" autofocus;
                label for="password" { (language.say("パスワード", "Password")) }
                input #password name="password" type="password" autocomplete="current-password" required maxlength="256";
                button.main type="submit" { (language.say("次へ", "Next")) }
            }
            ul.links {
                li { a href="/password/forgot" { (language.say("パスワードを忘れた場合", "Forgotten password")) } }
                li { a href="/sign-up" { (language.say("新規登録", "Sign up")) } }
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
) -> Result<Response, Trouble> {
    show(&app, language, &owner, refusal_of(&owner), None).await.map(IntoResponse::into_response)
}

/// Why no code of this browser is looked at now, if so: with support's link a lock keeps nobody
/// out.
pub(super) fn refusal_of(owner: &Owner) -> Option<Rejection> {
    let view = &owner.view;
    let refusal = if owner.device.is_some() { view.refusal_for_devices } else { view.refusal };
    refusal.filter(|_| owner.pass.is_none())
}

/// The page of the second step, after a refusal or before any.
async fn show(
    app: &App,
    language: Language,
    owner: &Owner,
    refusal: Option<Rejection>,
    above: Option<Markup>,
) -> Result<Markup, Trouble> {
    let view = &owner.view;
    if view.is_reset {
        return Ok(super::pass::reset_form(language, owner.pass.is_some(), None));
    }
    let typed = super::typed(view);
    let state = states::notices(app, language, owner).await?;
    // The notice of the state has said it already.
    let is_blocked = matches!(view.second_step, account::SecondStep::Blocked(_));
    let refused = refusal.filter(|_| !is_blocked || above.is_none());
    let above = above.or_else(|| {
        let refusal = refused.filter(|_| !is_blocked)?;
        Some(refusals::refused(language, &refusal, typed, app.now(), Place::Door))
    });
    let is_shut = refusal.is_some_and(|refusal| refusal.advice_for(typed) == Advice::WaitForTheLock);
    let heading = language.say("2段階認証", "Two-step login");
    Ok(frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            (tour::strip(app, language, tour::Stop::Code))
            h1 { (heading) }
            (state)
            @if let Some(above) = &above { (above) }
            @if owner.pass.is_some() {
                p #link { (language.say(
                    "サポートのリンクがこのブラウザで開かれています。コードと一緒に使われます。",
                    "A link from support was opened in this browser. It goes with your code.")) }
            }
            (lost::warning(language, view))
            @if !is_blocked { (by_code(app, language, view, is_shut)) }
            @if view.second_step != account::SecondStep::Blocked(BlockedBy::Frozen) {
                (other_ways(app, language, view, is_shut, is_blocked || above.is_some()))
            }
        },
    ))
}

fn by_code(app: &App, language: Language, view: &AccountView, is_locked: bool) -> Markup {
    html! {
        section.card {
            form #by-code method="post" action="/log-in/code" {
                @match super::typed(view) {
                    CodeKind::DeliveredCode => { (frame::sent_code_field(language, is_locked)) }
                    _ => { (frame::main_code_field(language, language.say("認証コード", "Code"), app.now(), is_locked)) }
                }
                (frame::remember_box(language, "remember"))
                button.main type="submit" data-locked[is_locked] disabled[is_locked] { (language.say("ログイン", "Log in")) }
            }
            @if is_locked {
                noscript { p { a href="/log-in/code" { (language.say("時間が過ぎたら、このページを開き直してください。", "When the time is over, open this page again.")) } } }
            }
            (sent::buttons(language, view, "/log-in/send", view.refusal.is_some()))
        }
    }
}

/// The ways in without the app's code; open where that was refused.
fn other_ways(app: &App, language: Language, view: &AccountView, is_shut: bool, is_open: bool) -> Markup {
    html! {
        section.card #other-ways {
            h2 { (language.say("ほかの方法", "Other ways")) }
            details open[is_open] {
                summary { (language.say("リカバリーコードを使う", "Use a recovery code")) }
                form #by-recovery method="post" action="/log-in/code" {
                    (frame::recovery_field(language, "recovery", true))
                    @if view.refusal_for_recovery_codes.is_some() { (frame::pass_field(language, "pass-recovery")) }
                    button type="submit" { (language.say("リカバリーコードでログイン", "Log in with a recovery code")) }
                }
            }
            details {
                summary { (language.say("サポートからリンクが届いた場合", "Support has mailed you a link")) }
                p { (language.say("このブラウザでリンクを開いてください。ほかの端末で受け取った場合は、リンクをここに書き写せます。",
                    "Open it in this browser. If it has come to another device, copy the link here.")) }
                form #by-pass method="post" action="/log-in/code" {
                    (frame::pass_field(language, "pass"))
                    (frame::code_field(language, "code-with-pass", language.say("認証コード", "Code"), app.now()))
                    button type="submit" { (language.say("ログイン", "Log in")) }
                }
            }
            ul.links {
                @if !is_shut { li { a href="/resync" { (language.say("コードが合わないとき", "If codes are refused")) } } }
                @if app.settings.policy.limits().self_recovery_secs > 0 {
                    li { a href=(lost::PAGE) { (language.say("リカバリーコードもない場合", "The recovery codes are lost too")) } }
                }
                li { a href=(refusals::HELP) { (language.say("サポートに連絡する", "Contact support")) } }
            }
        }
    }
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
    if let Some(pass) = super::pass::token_in(&form.pass).or(owner.pass.as_deref()) {
        attempt = attempt.with_pass(pass);
    }
    match app.verifier.verify(account, owner.attempt(attempt).with_idempotency_key(name)).await {
        Ok(proof) => {
            let cookie = if form.remember == "yes" { remember(&app, &headers, &owner, &proof).await } else { None };
            session::log_in(&session, customer, By::Proof(proof.epoch())).await?;
            let to = if proof.method().asks_for_new_recovery_codes() { super::recovered::PAGE } else { "/wallet" };
            let cookie = cookie.map(|cookie| AppendHeaders([(SET_COOKIE, cookie)]));
            let pass = owner.pass.as_ref().map(|_| AppendHeaders(super::pass::forgotten()));
            Ok((cookie, pass, Redirect::to(to)).into_response())
        }
        Err(NotAccepted::Rejected(rejection)) => {
            // A lock has changed what the account's view says, and has used a pass up.
            let is_end = is_end(&rejection);
            let forgotten = owner.pass.as_ref().filter(|_| is_end).map(|_| AppendHeaders(super::pass::forgotten()));
            let view = if is_end { app.verifier.view(account).await? } else { view.clone() };
            let pass = if is_end { None } else { owner.pass.clone() };
            let owner = Owner { view, pass, ..owner };
            let above = refusals::refused(language, &rejection, typed, app.now(), Place::Door);
            let (status, headers) = refusal(&rejection, app.now());
            let page = show(&app, language, &owner, Some(rejection), Some(above)).await?;
            Ok((status, headers, forgotten, page).into_response())
        }
        // Support has reset it while the page was open.
        Err(NotAccepted::Failed(sekisho::Error::Account(_))) if view.is_reset => {
            Ok((StatusCode::CONFLICT, super::pass::reset_form(language, owner.pass.is_some(), None)).into_response())
        }
        Err(NotAccepted::Failed(sekisho::Error::Account(why))) => {
            let above = refusals::impossible(language, &why);
            let page = show(&app, language, &owner, None, Some(above)).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
        Err(NotAccepted::Failed(error)) => Err(error.into()),
    }
}

/// Returns whether whoever tries has no more attempts for now.
pub(super) fn is_end(rejection: &Rejection) -> bool {
    rejection.attempts_left() == Some(0)
}

/// The cookie of a browser that is remembered from now on. Without it the log-in is one all the
/// same.
async fn remember(app: &App, headers: &HeaderMap, owner: &Owner, proof: &Proof) -> Option<String> {
    let name = Text::new(&device_name(headers, &owner.source)).ok()?;
    match app.verifier.remember_device(proof, name).await {
        Ok(token) => {
            let (cookie, token) = (session::device_cookie(&owner.customer), token.to_text());
            Some(format!("{cookie}={}; Path=/; Max-Age=15552000; SameSite=Lax; Secure; HttpOnly", token.expose()))
        }
        Err(error) => {
            tracing::warn!(%error, "a browser was not remembered");
            None
        }
    }
}

/// The browser, and the address that it was at.
fn device_name(headers: &HeaderMap, source: &Source) -> String {
    let browser = guard::browser(headers);
    match source.address() {
        Some(address) => format!("{browser} – {address}"),
        None => browser,
    }
}

pub(super) async fn send(
    State(app): State<App>,
    language: Language,
    SecondStep { owner, .. }: SecondStep,
    axum::Form(mut ask): axum::Form<sent::Ask>,
) -> Result<Response, Trouble> {
    ask.or_pass(owner.pass.as_deref().unwrap_or_default());
    let (status, headers, above) = sent::send(&app, language, &owner, &ask, sent::What::LogIn).await?;
    let page = show(&app, language, &owner, None, Some(above)).await?;
    Ok((status, headers, page).into_response())
}
