//! The password is changed, or reset by a mail. Either holds withdrawals for a day, and neither
//! skips the second step.

use super::frame::{self, Way, Who};
use super::refusals::{self, Place};
use super::{of, refusal, typed};
use crate::App;
use crate::customers::CustomerError;
use crate::language::Language;
use crate::passwords::LENGTHS;
use crate::session::{self, By, LoggedIn, Owner};
use crate::trouble::Trouble;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::{AccountId, Attempt, Purpose, Text};
use sekisho::otp::{CodeKind, NotAccepted};
use sha2::{Digest, Sha256};
use tower_sessions::Session;

/// The link of a reset is good for so long, in seconds.
const LINK_SECS: u64 = 1_800;

pub(super) async fn page(State(app): State<App>, language: Language, LoggedIn(owner): LoggedIn) -> Markup {
    change_form(&app, language, &owner, None)
}

fn change_form(app: &App, language: Language, owner: &Owner, above: Option<Markup>) -> Markup {
    let heading = language.say("パスワードの変更", "Change of password");
    frame::page(
        language,
        heading,
        &of(&owner.customer),
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            form.card #change method="post" action="/password" {
                (frame::hold_ahead(language, app.now(), hold_secs(app)))
                p.hint { (language.say("ほかのブラウザはログアウトされます。", "Other browsers are logged out.")) }
                label for="current" { (language.say("現在のパスワード", "Present password")) }
                input #current name="current" type="password" autocomplete="current-password" required maxlength="256";
                (new_field(language))
                @if !owner.view.authenticators.is_empty() { (frame::proof_fields(language, app.now())) }
                button.main type="submit" { (language.say("変更する", "Change it")) }
            }
            p.alone { a href="/security" { (language.say("変更せずに戻る", "Back, without a change")) } }
        },
    )
}

fn new_field(language: Language) -> Markup {
    html! {
        label for="new" { (language.say("新しいパスワード（8文字以上）", "New password (8 characters at least)")) }
        input #new name="new" type="password" autocomplete="new-password" required minlength="8" maxlength="256";
    }
}

#[derive(serde::Deserialize)]
pub(super) struct Change {
    current: String,
    new: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    recovery: String,
}

pub(super) async fn change(
    State(app): State<App>,
    language: Language,
    session: Session,
    LoggedIn(owner): LoggedIn,
    Form(form): Form<Change>,
) -> Result<Response, Trouble> {
    let wrong = |status: StatusCode, text| {
        (status, change_form(&app, language, &owner, Some(frame::wrong(text)))).into_response()
    };
    let Some(hash) = hashed(&app, form.new).await? else {
        return Ok(wrong(StatusCode::UNPROCESSABLE_ENTITY, too_short(language)));
    };
    if !app.passwords.is_right(form.current, Some(owner.customer.password.clone())).await {
        let text = language.say("現在のパスワードが違います。", "The present password is wrong.");
        return Ok(wrong(StatusCode::UNAUTHORIZED, text));
    }
    if !owner.view.authenticators.is_empty() {
        let (attempt, kind) = if form.recovery.is_empty() {
            (Attempt::new(Purpose::BINDING, &form.code), typed(&owner.view))
        } else {
            (Attempt::recovery(Purpose::BINDING, &form.recovery), CodeKind::RecoveryCode)
        };
        match app.verifier.verify(&owner.account, owner.attempt(attempt)).await {
            Ok(_proof) => {}
            Err(NotAccepted::Rejected(rejection)) => {
                let (status, headers) = refusal(&rejection, app.now());
                let above = refusals::refused(language, &rejection, kind, app.now(), Place::Inside);
                return Ok((status, headers, change_form(&app, language, &owner, Some(above))).into_response());
            }
            Err(NotAccepted::Failed(error)) => return Err(error.into()),
        }
    }
    hold(&app, &owner.account, "password changed").await?;
    let customer = app.customers.set_password(&owner.account, &hash).await?;
    // Every other browser is logged out; this one goes on.
    let by = if owner.view.authenticators.is_empty() { By::Password } else { By::Proof };
    let name = session::log_in(&session, &customer, by(owner.view.epoch)).await?;
    app.opened.open(name, app.now(), None, &app.settings.policy);
    session::say_next(&session, language.say("パスワードを変更しました。", "The password was changed.")).await?;
    Ok(Redirect::to("/security").into_response())
}

/// As long as after a change of what is bound, in seconds.
fn hold_secs(app: &App) -> u64 {
    app.settings.policy.limits().binding_hold_secs
}

/// First: should this end before the password is another, there is a hold too many, and not one too
/// few.
async fn hold(app: &App, account: &AccountId, reason: &str) -> Result<(), Trouble> {
    let reason = Text::new(reason).map_err(|error| Trouble::Other(error.into()))?;
    Ok(app.verifier.hold(account, &[Purpose::WITHDRAWAL], hold_secs(app), &reason).await?)
}

async fn hashed(app: &App, new: String) -> Result<Option<String>, Trouble> {
    if new.chars().count() < *LENGTHS.start() || new.len() > *LENGTHS.end() {
        return Ok(None);
    }
    let hash = app.passwords.hash(new).await.map_err(|error| Trouble::Other(error.to_string().into()))?;
    Ok(Some(hash))
}

const fn too_short(language: Language) -> &'static str {
    language.say(
        "パスワードは8文字以上、256バイト以下です。",
        "A password has 8 characters at least, and 256 bytes at the most.",
    )
}

pub(super) async fn forgot(language: Language) -> Markup {
    let heading = language.say("パスワードを忘れた場合", "Forgotten password");
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            form.card method="post" action="/password/forgot" {
                label for="email" { (language.say("メールアドレス", "E-mail address")) }
                input #email name="email" type="email" autocomplete="username" required maxlength="100" autofocus;
                button.main type="submit" { (language.say("リンクを送る", "Mail a link")) }
            }
            p.alone { a href="/log-in" { (language.say("ログイン画面に戻る", "Back to the log-in")) } }
        },
    )
}

#[derive(serde::Deserialize)]
pub(super) struct Forgotten {
    email: String,
}

/// Answers the same for every address.
pub(super) async fn mail_link(
    State(app): State<App>,
    language: Language,
    Form(form): Form<Forgotten>,
) -> Result<Response, Trouble> {
    if let Some(customer) = app.customers.find(&form.email).await? {
        let token = base16ct::lower::encode_string(&rand::random::<[u8; 32]>());
        let until = app.now().saturating_add(LINK_SECS);
        let hash = Sha256::digest(&token).into();
        let is_mailed = app.customers.begin_reset(&customer.account()?, hash, app.now(), until).await?;
        let query = serde_urlencoded::to_string([("account", &customer.account), ("token", &token)]);
        let query = query.map_err(|error| Trouble::Other(error.into()))?;
        let says = customer.language.say("パスワードの再設定: ", "To set a new password: ");
        if is_mailed {
            app.send(&customer.email, format!("{says}{}/password/reset?{query}", app.settings.origin));
        }
    }
    let text = language.say(
        "登録済みのアドレスであれば、リンクを送信しました。30分以内に開いてください。",
        "If that address has signed up, a link is on its way: open it within half an hour.",
    );
    let title = language.say("メールを確認してください", "Look into your mailbox");
    let way = Way { to: "/log-in", text: language.say("ログイン画面に戻る", "Back to the log-in") };
    Ok(frame::plain(language, title, frame::done(text), &way).into_response())
}

/// The fields of the link.
#[derive(serde::Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    account: String,
    #[serde(default)]
    token: String,
}

pub(super) async fn reset_page(language: Language, Query(link): Query<Link>) -> Markup {
    reset_form(language, &link.account, &link.token, None)
}

fn reset_form(language: Language, account: &str, token: &str, above: Option<Markup>) -> Markup {
    let heading = language.say("新しいパスワード", "New password");
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            p { (language.say(
                "2段階認証はこれまでどおり必要です。24時間、出金は停止されます。",
                "Two-step login is asked for as before, and withdrawals are held for 24 hours.")) }
            form.card method="post" action="/password/reset" {
                input type="hidden" name="account" value=(account);
                input type="hidden" name="token" value=(token);
                (new_field(language))
                button.main type="submit" { (language.say("設定する", "Set it")) }
            }
            p.alone { a href="/password/forgot" { (language.say("新しいリンクを受け取る", "Have another link mailed")) } }
        },
    )
}

#[derive(serde::Deserialize)]
pub(super) struct Reset {
    account: String,
    token: String,
    new: String,
}

pub(super) async fn reset(
    State(app): State<App>,
    language: Language,
    Form(form): Form<Reset>,
) -> Result<Response, Trouble> {
    let wrong = |text| {
        let page = reset_form(language, &form.account, &form.token, Some(frame::wrong(text)));
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    let ended = language.say("リンクの期限が切れています。", "The link has ended: ask for another.");
    let Ok(account) = AccountId::new(&form.account) else { return wrong(ended) };
    let token = Sha256::digest(&form.token).into();
    if !app.customers.is_reset_by(&account, token, app.now()).await? {
        return wrong(ended);
    }
    // After the link: anybody can have a password hashed, and that takes long.
    let Some(hash) = hashed(&app, form.new.clone()).await? else { return wrong(too_short(language)) };
    hold(&app, &account, "password reset").await?;
    match app.customers.finish_reset(&account, token, app.now(), &hash).await {
        Ok(()) => {
            let done = frame::done(language.say("パスワードを設定しました。", "The new password is set."));
            Ok(super::door::password_form(language, Some(done)).into_response())
        }
        Err(CustomerError::Unknown) => wrong(ended),
        Err(error) => Err(error.into()),
    }
}
