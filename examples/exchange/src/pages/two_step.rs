//! Enabling two-step login: the QR code, the confirming code, the sheet of recovery codes.

use super::frame;
use super::refusals::{self, Place};
use super::{door, of, refusal, sheet, tour};
use crate::App;
use crate::language::Language;
use crate::session::{self, By, LoggedIn, Owner, PasswordGiven};
use crate::trouble::Trouble;
use crate::words;
use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, PreEscaped, html};
use sekisho::account::{AccountError, AccountId, Attempt, Enrollment, NewAuthenticator, Proof, Purpose, Resync, Text};
use sekisho::otp::{CodeKind, NotAccepted};
use sekisho::qr::Qr;
use tower_sessions::Session;

pub(super) async fn page(
    State(app): State<App>,
    language: Language,
    session: Session,
    LoggedIn(Owner { customer, account, view, .. }): LoggedIn,
) -> Result<Response, Trouble> {
    if !view.authenticators.is_empty() {
        return Ok(Redirect::to("/security").into_response());
    }
    if pending(&app, &account, &session).await?.is_some() {
        return Ok(Redirect::to(SCAN).into_response());
    }
    let heading = language.say("2段階認証を設定", "Set up two-step login");
    let page = frame::page(
        language,
        heading,
        &of(&customer),
        html! {
            (tour::strip(&app, language, tour::Stop::Enroll))
            h1 { (heading) }
            section.card {
                p { (language.say(
                    "パスワードが漏れても、あなたのスマートフォンがなければログインできなくなります。出金には設定が必要です。",
                    "Then a password alone lets nobody in: it takes your phone too. Withdrawals need it.")) }
                form method="post" action="/two-step" {
                    button.main #begin type="submit" { (language.say("はじめる", "Begin")) }
                }
            }
            p.alone { a href="/wallet" { (language.say("あとで設定する", "Later")) } }
        },
    );
    Ok(page.into_response())
}

pub(super) async fn begin(
    State(app): State<App>,
    language: Language,
    session: Session,
    LoggedIn(owner): LoggedIn,
) -> Result<Response, Trouble> {
    let Owner { account, view, .. } = &owner;
    if !view.authenticators.is_empty() {
        return Ok(Redirect::to("/security").into_response());
    }
    // A form that is sent twice begins one enrollment: its first secret may have been scanned.
    if pending(&app, account, &session).await?.is_none() {
        let enrollment = app.verifier.enroll_first(account, new_authenticator(&app, language, &owner)?).await?;
        session::keep_enrollment(&session, enrollment.handle()).await?;
    }
    Ok(Redirect::to(SCAN).into_response())
}

/// The page with the QR code of the enrollment that this browser has begun.
pub(super) const SCAN: &str = "/two-step/scan";

/// The enrollment that this browser has begun, if it still waits.
async fn pending(app: &App, account: &AccountId, session: &Session) -> Result<Option<Enrollment>, Trouble> {
    match app.verifier.pending_enrollment(account, &session::enrollment(session).await?).await {
        Ok(enrollment) => Ok(Some(enrollment)),
        Err(sekisho::Error::Account(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Shows the QR code, however often the page is loaded. After a reset only the browser that has
/// begun the enrollment with the pass gets here without a log-in.
pub(super) async fn scan_page(
    State(app): State<App>,
    language: Language,
    session: Session,
    PasswordGiven { owner, is_logged_in, pass, .. }: PasswordGiven,
) -> Result<Response, Trouble> {
    if !is_logged_in && pass.is_none() {
        return Ok(Redirect::to("/log-in/code").into_response());
    }
    match pending(&app, &owner.account, &session).await? {
        Some(enrollment) => Ok(scan(&app, language, &owner, &enrollment, None)?.into_response()),
        None if owner.view.authenticators.is_empty() => Ok(Redirect::to("/two-step").into_response()),
        None => Ok(Redirect::to("/security").into_response()),
    }
}

/// An authenticator that shows whose it is, under a name that its owner may change.
pub(crate) fn new_authenticator(app: &App, language: Language, owner: &Owner) -> Result<NewAuthenticator, Trouble> {
    let new = NewAuthenticator::new(&app.settings.issuer, &owner.customer.email);
    let new = new.map_err(|error| Trouble::Other(error.into()))?;
    let name = Text::new(language.say("スマートフォン", "Phone")).map_err(|error| Trouble::Other(error.into()))?;
    Ok(new.named(name))
}

/// The QR code to scan, and the field for the code that confirms it.
fn scan(
    app: &App,
    language: Language,
    owner: &Owner,
    enrollment: &Enrollment,
    above: Option<&Markup>,
) -> Result<Markup, Trouble> {
    let heading = language.say("認証アプリを設定", "Set up your authenticator app");
    let qr = Qr::new(enrollment.uri()).map_err(|error| Trouble::Other(error.into()))?.to_svg();
    let (key, link) = (enrollment.uri().secret().to_base32_groups(), enrollment.uri().to_text());
    let over = language.say("期限が過ぎました。最初からやり直してください。", "over: begin again.");
    Ok(frame::page(
        language,
        heading,
        &of(&owner.customer),
        html! {
            (tour::strip(app, language, tour::Stop::Scan))
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            ol.steps {
                li {
                    h2 { (language.say("アプリを用意する", "Have an app")) }
                    p { (language.say("お使いの認証アプリがあれば、そのまま使えます。", "Any authenticator app will do.")) }
                    details {
                        summary { (language.say("まだアプリがない場合", "You have none yet")) }
                        (stores(language))
                    }
                }
                li {
                    h2 { (language.say("アプリに登録する", "Add the account to it")) }
                    div.scan {
                        div {
                            p { (language.say("アプリでこのQRコードを読み取ります。", "Scan this QR code with the app.")) }
                            div #qr role="img" aria-label=(language.say("QRコード", "QR code")) { (PreEscaped(qr.expose())) }
                        }
                        div.on-this-phone {
                            a.button.plain href=(link.expose()) { (language.say("このスマートフォンのアプリで開く", "Open in an app on this phone")) }
                        }
                        details {
                            summary { (language.say("読み取れない場合", "It cannot be scanned")) }
                            p { (language.say("アプリで「キーを入力」を選び、次のキーを入力します。", "Choose “enter a key” in the app, and type this one.")) }
                            p.copy {
                                code #key { (key.expose()) }
                                button.plain.needs-script type="button" hidden data-copy="#key" data-done=(language.say("コピーしました", "Copied")) { (language.say("コピー", "Copy")) }
                            }
                        }
                    }
                }
                li {
                    h2 { (language.say("コードを入力する", "Type its code")) }
                    (confirm_form(language, app.now()))
                    (frame::hold_ahead(language, app.now(), app.settings.policy.limits().binding_hold_secs))
                    p.hint { (language.say("設定の期限まで ", "To be confirmed within ")) (words::countdown(language, enrollment.until().as_secs(), app.now(), over)) }
                    (two_codes_form(language, above.is_some()))
                }
            }
        },
    ))
}

/// Common apps, where they are had.
fn stores(language: Language) -> Markup {
    html! {
        ul.apps {
            li { "Google Authenticator: "
                a href="https://apps.apple.com/app/google-authenticator/id388497605" rel="noreferrer" { "iPhone" } " · "
                a href="https://play.google.com/store/apps/details?id=com.google.android.apps.authenticator2" rel="noreferrer" { "Android" } }
            li { "Microsoft Authenticator: "
                a href="https://apps.apple.com/app/microsoft-authenticator/id983156458" rel="noreferrer" { "iPhone" } " · "
                a href="https://play.google.com/store/apps/details?id=com.azure.authenticator" rel="noreferrer" { "Android" } }
            li { "2FAS: "
                a href="https://apps.apple.com/app/2fa-authenticator-2fas/id1217793794" rel="noreferrer" { "iPhone" } " · "
                a href="https://play.google.com/store/apps/details?id=com.twofasapp" rel="noreferrer" { "Android" } }
            li { (language.say("iPhoneの「パスワード」、1Password、Bitwardenも使えます", "Apple Passwords, 1Password and Bitwarden do it too")) }
        }
    }
}

fn confirm_form(language: Language, now: u64) -> Markup {
    html! {
        form #confirm method="post" action="/two-step/confirm" {
            (frame::code_field(language, "code", language.say("アプリに表示されたコード", "The code that the app shows"), now))
            button.main type="submit" { (language.say("確認する", "Confirm")) }
        }
    }
}

/// For a phone or a hardware token whose clock is minutes off.
fn two_codes_form(language: Language, is_open: bool) -> Markup {
    html! {
        details open[is_open] {
            summary { (language.say("コードが合わないとき（時計のずれ、ハードウェアトークン）", "Codes are refused (a clock that is off, a hardware token)")) }
            p { (language.say("続けて表示された2つのコードを入力してください。", "Type two codes, one right after the other.")) }
            form #two-codes method="post" action="/two-step/confirm-two-codes" {
                label for="first" { (language.say("1つ目のコード", "First code")) }
                input.code #first name="first" inputmode="numeric" autocomplete="off" required maxlength="64";
                label for="second" { (language.say("2つ目のコード", "Second code")) }
                input.code #second name="second" inputmode="numeric" autocomplete="off" required maxlength="64";
                button type="submit" { (language.say("確認する", "Confirm")) }
            }
        }
    }
}

/// The field for the code that was sent to a new number.
pub(super) fn number_page(language: Language, owner: &Owner, above: &Markup) -> Markup {
    let heading = language.say("電話番号の確認", "Confirm the number");
    frame::page(
        language,
        heading,
        &of(&owner.customer),
        html! {
            h1 { (heading) }
            (above)
            section.card {
                form #confirm-number method="post" action="/two-step/confirm" {
                    input type="hidden" name="sent" value="yes";
                    (frame::sent_code_field(language, false))
                    button.main type="submit" { (language.say("確認する", "Confirm")) }
                }
                form method="post" action="/security/resend" {
                    button.plain type="submit" { (language.say("もう一度送る", "Send it again")) }
                }
            }
            ul.links {
                li { a href="/security/add-phone" { (language.say("番号を入力し直す", "Correct the number")) } }
                li { a href="/security" { (language.say("戻る", "Back")) } }
            }
        },
    )
}

#[derive(serde::Deserialize)]
pub(super) struct Code {
    code: String,
    /// Whether it was sent, not shown by an app.
    #[serde(default)]
    sent: String,
}

/// Somebody who may confirm an enrollment, and the browser that has begun it.
pub(super) struct Confirming {
    app: App,
    language: Language,
    session: Session,
    given: PasswordGiven,
    handle: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Confirming
where
    App: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let Ok(language) = Language::from_request_parts(parts, state).await;
        let given = PasswordGiven::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        let session = Session::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        // Only after a reset is confirming also logging in, for whoever has begun the enrollment with
        // the pass: others' guesses are not counted with theirs.
        if !given.is_logged_in && given.pass.is_none() {
            return Err(Redirect::to("/log-in/code").into_response());
        }
        let handle = session::enrollment(&session).await.map_err(IntoResponse::into_response)?;
        Ok(Self { app: App::from_ref(state), language, session, given, handle })
    }
}

pub(super) async fn confirm(at: Confirming, axum::Form(form): axum::Form<Code>) -> Result<Response, Trouble> {
    let PasswordGiven { owner, attempt: name, pass, .. } = &at.given;
    let attempt = Attempt::new(Purpose::BINDING, &form.code)
        .with_source(owner.source.clone())
        .with_idempotency_key(*name)
        .with_enrollment(&at.handle);
    let attempt = pass.iter().fold(owner.attempt(attempt), |attempt, pass| attempt.with_pass(pass));
    let confirmed = at.app.verifier.confirm(&owner.account, attempt).await;
    let typed = if form.sent == "yes" { CodeKind::DeliveredCode } else { CodeKind::AppCode };
    at.answer(confirmed, typed).await
}

#[derive(serde::Deserialize)]
pub(super) struct TwoCodes {
    first: String,
    second: String,
}

pub(super) async fn confirm_with_two_codes(
    at: Confirming,
    axum::Form(form): axum::Form<TwoCodes>,
) -> Result<Response, Trouble> {
    let PasswordGiven { owner, attempt: name, pass, .. } = &at.given;
    let codes = Resync::new(&form.first, &form.second)
        .with_source(owner.source.clone())
        .with_idempotency_key(*name)
        .with_enrollment(&at.handle);
    let codes = owner.device.iter().fold(codes, |codes, token| codes.with_device(token));
    let codes = pass.iter().fold(codes, |codes, pass| codes.with_pass(pass));
    let confirmed = at.app.verifier.confirm_with_two_codes(&owner.account, codes).await;
    at.answer(confirmed, CodeKind::TwoCodes).await
}

impl Confirming {
    /// The page after a confirmation: the sheet of recovery codes, or the same page once more.
    async fn answer(
        self,
        confirmed: Result<Proof, NotAccepted<sekisho::Error>>,
        typed: CodeKind,
    ) -> Result<Response, Trouble> {
        let Self { app, language, given, .. } = &self;
        let language = *language;
        match confirmed {
            Ok(proof) => self.confirmed(proof).await,
            Err(NotAccepted::Rejected(rejection)) => {
                if !given.is_logged_in && door::is_end(&rejection) {
                    return Ok(Redirect::to("/log-in/code").into_response());
                }
                let (status, headers) = refusal(&rejection, app.now());
                let above = refusals::refused(language, &rejection, typed, app.now(), Place::Enrollment);
                self.again(status, headers, above, typed).await
            }
            // It has run out, or was confirmed in another window.
            Err(NotAccepted::Failed(sekisho::Error::Account(why))) if why != AccountError::EventsWaiting => {
                let above = refusals::impossible(language, &why);
                self.again(StatusCode::CONFLICT, HeaderMap::new(), above, typed).await
            }
            Err(NotAccepted::Failed(error)) => Err(error.into()),
        }
    }

    async fn confirmed(&self, proof: Proof) -> Result<Response, Trouble> {
        let Self { app, language, session, given: PasswordGiven { owner, .. }, .. } = self;
        // Another browser was shown the secret, and this code may have been guessed: log in first.
        if proof.may_be_guessed() {
            session::end(session).await?;
            return Ok(Redirect::to("/log-in").into_response());
        }
        let by = By::Proof(proof.epoch());
        if owner.view.recovery_codes_left > 0 {
            let name = session::log_in(session, &owner.customer, by).await?;
            // Its owner has typed a code of the old one and of the new.
            app.opened.open(name, app.now(), None, &app.settings.policy);
            let text = language.say("認証方法を登録しました。", "The authenticator is set up.");
            session::say_next(session, text).await?;
            return Ok(Redirect::to("/security").into_response());
        }
        match app.verifier.issue_recovery_codes(proof).await {
            Ok(made) => {
                session::log_in(session, &owner.customer, by).await?;
                session::keep_sheet(session, made.handle()).await?;
                Ok(Redirect::to(sheet::PAGE).into_response())
            }
            // The form was sent twice: the codes were issued to the first answer, which nobody saw.
            // There is a new set for the next code.
            Err(sekisho::Error::Account(AccountError::ProofSpent)) => {
                session::log_in(session, &owner.customer, by).await?;
                Ok(Redirect::to("/security/recovery-codes").into_response())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The page that it was asked from, with the same QR code.
    async fn again(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        above: Markup,
        typed: CodeKind,
    ) -> Result<Response, Trouble> {
        let Self { app, language, session, given: PasswordGiven { owner, .. }, .. } = self;
        let page = match pending(app, &owner.account, session).await? {
            Some(enrollment) => scan(app, *language, owner, &enrollment, Some(&above))?,
            None if typed == CodeKind::DeliveredCode => number_page(*language, owner, &above),
            None => app_page(*language, owner, &above, app.now()),
        };
        Ok((status, headers, page).into_response())
    }
}

/// A code is asked for that another browser shows the QR code of, or none any more.
fn app_page(language: Language, owner: &Owner, above: &Markup, now: u64) -> Markup {
    let heading = language.say("コードを確認してください", "Check the code");
    frame::page(
        language,
        heading,
        &of(&owner.customer),
        html! {
            h1 { (heading) }
            (above)
            section.card { (confirm_form(language, now)) }
            p.alone { a href="/two-step" { (language.say("最初からやり直す", "Begin again")) } }
        },
    )
}
