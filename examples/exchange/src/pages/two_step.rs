//! Enabling two-step login: the QR code, the confirming code, the sheet of recovery codes.

use super::frame::{self, Who};
use super::{door, of, refusal};
use crate::App;
use crate::language::Language;
use crate::session::{self, By, LoggedIn, Owner, PasswordGiven, SecondStep};
use crate::trouble::Trouble;
use crate::words;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, PreEscaped, html};
use sekisho::account::{Attempt, Enrollment, NewAuthenticator, Purpose, RecoveryCodes, Text};
use sekisho::otp::{CodeKind, NotAccepted};
use sekisho::qr::Qr;
use tower_sessions::Session;

pub(super) async fn page(language: Language, LoggedIn(Owner { customer, view, .. }): LoggedIn) -> Response {
    if !view.authenticators.is_empty() {
        return Redirect::to("/security").into_response();
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
    page.into_response()
}

pub(super) async fn begin(
    State(app): State<App>,
    language: Language,
    LoggedIn(owner): LoggedIn,
) -> Result<Response, Trouble> {
    let Owner { account, view, .. } = &owner;
    if !view.authenticators.is_empty() {
        return Ok(Redirect::to("/security").into_response());
    }
    let enrollment = app.verifier.enroll_first(account, new_authenticator(&app, language, &owner)?).await?;
    scan(&app, language, &owner, &enrollment)
}

/// An authenticator that shows whose it is, under a name that its owner may change.
pub(super) fn new_authenticator(app: &App, language: Language, owner: &Owner) -> Result<NewAuthenticator, Trouble> {
    let new = NewAuthenticator::new(&app.settings.issuer, &owner.customer.email);
    let new = new.map_err(|error| Trouble::Other(error.into()))?;
    let name = Text::new(language.say("スマートフォン", "Phone")).map_err(|error| Trouble::Other(error.into()))?;
    Ok(new.named(name))
}

/// The QR code to scan, and the field for the code that confirms it.
pub(super) fn scan(app: &App, language: Language, owner: &Owner, enrollment: &Enrollment) -> Result<Response, Trouble> {
    let heading = language.say("QRコードを読み取る", "Scan the QR code");
    let qr = Qr::new(enrollment.uri()).map_err(|error| Trouble::Other(error.into()))?.to_svg();
    let (key, link) = (enrollment.uri().secret().to_base32_groups(), enrollment.uri().to_text());
    let page = frame::page(
        language,
        heading,
        &of(&owner.customer),
        html! {
            h1 { (heading) }
            div #qr role="img" aria-label=(language.say("QRコード", "QR code")) { (PreEscaped(qr.expose())) }
            p { (language.say("読み取れない場合は、このキーを手で入力してください。", "If it cannot be scanned, type this key.")) }
            p { code #key { (key.expose()) } }
            p { a href=(link.expose()) { (language.say("このスマートフォンのアプリに登録する", "Add it to an app on this very phone")) } }
            p { (language.say("設定の期限まで ", "To be confirmed within ")) (words::countdown(language, enrollment.until().as_secs(), app.now())) }
            (confirm_form(language, app.now()))
        },
    );
    Ok(page.into_response())
}

fn confirm_form(language: Language, now: u64) -> Markup {
    html! {
        form method="post" action="/two-step/confirm" {
            (frame::code_field(language, "code", language.say("アプリに表示されたコード", "The code that the app shows"), now))
            button type="submit" { (language.say("確認する", "Confirm")) }
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
            form method="post" action="/two-step/confirm" {
                input type="hidden" name="sent" value="yes";
                (frame::sent_code_field(language, "code"))
                button type="submit" { (language.say("確認する", "Confirm")) }
            }
            form method="post" action="/security/resend" {
                button.plain type="submit" { (language.say("もう一度送る", "Send it again")) }
            }
            p { a href="/security" { (language.say("戻る", "Back")) } }
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

pub(super) async fn confirm(
    State(app): State<App>,
    language: Language,
    session: Session,
    PasswordGiven { owner, is_logged_in, attempt: name, pass }: PasswordGiven,
    axum::Form(form): axum::Form<Code>,
) -> Result<Response, Trouble> {
    let Owner { customer, account, view, .. } = &owner;
    let mut attempt = owner.attempt(Attempt::new(Purpose::BINDING, &form.code)).with_idempotency_key(name);
    // Only after a reset is confirming also logging in, for whoever has begun the enrollment with the pass: others' guesses are not counted with theirs.
    match &pass {
        Some(pass) => attempt = attempt.with_pass(pass),
        None if is_logged_in => {}
        None => return Ok(Redirect::to("/log-in/code").into_response()),
    }
    let refused = |status, headers: HeaderMap, above: Markup| {
        let page = if form.sent == "yes" {
            number_page(language, &owner, &above)
        } else {
            app_page(language, &owner, &above, app.now())
        };
        Ok((status, headers, page).into_response())
    };
    match app.verifier.confirm(account, attempt).await {
        Ok(proof) => {
            let by = By::Proof(proof.epoch());
            if view.recovery_codes_left > 0 {
                session::log_in(&session, customer, by).await?;
                return Ok(Redirect::to("/security").into_response());
            }
            match app.verifier.issue_recovery_codes(proof).await {
                Ok(codes) => {
                    session::log_in(&session, customer, by).await?;
                    Ok(sheet(language, &owner, &codes).into_response())
                }
                // The form was sent twice: the codes were issued to the first answer, which nobody saw. There is a new set for the next code.
                Err(sekisho::Error::Account(_)) => {
                    session::log_in(&session, customer, by).await?;
                    Ok(Redirect::to("/security#recovery").into_response())
                }
                Err(error) => Err(error.into()),
            }
        }
        Err(NotAccepted::Rejected(rejection)) => {
            let typed = if form.sent == "yes" { CodeKind::DeliveredCode } else { CodeKind::AppCode };
            let (status, headers) = refusal(&rejection, app.now());
            let above = words::refused(language, &rejection, typed, app.now());
            if !is_logged_in && door::is_end(&rejection) {
                session::end(&session).await?;
                return Ok((status, headers, door::password_form(language, Some(above))).into_response());
            }
            refused(status, headers, above)
        }
        // It has run out, or was confirmed in another window.
        Err(NotAccepted::Failed(sekisho::Error::Account(why))) => {
            refused(StatusCode::CONFLICT, HeaderMap::new(), frame::wrong(words::impossible(language, &why)))
        }
        Err(NotAccepted::Failed(error)) => Err(error.into()),
    }
}

fn app_page(language: Language, owner: &Owner, above: &Markup, now: u64) -> Markup {
    let heading = language.say("コードを確認してください", "Check the code");
    frame::page(
        language,
        heading,
        &of(&owner.customer),
        html! {
            h1 { (heading) }
            (above)
            (confirm_form(language, now))
            p { a href="/two-step" { (language.say("最初からやり直す", "Begin again")) } }
        },
    )
}

/// The recovery codes, shown once.
pub(super) fn sheet(language: Language, owner: &Owner, codes: &RecoveryCodes) -> Markup {
    let heading = language.say("リカバリーコード", "Recovery codes");
    frame::page(
        language,
        heading,
        &of(&owner.customer),
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

/// After a reset: the pass that was mailed enrolls anew, and nothing else.
pub(super) fn pass_form(language: Language, above: Option<Markup>) -> Markup {
    let heading = language.say("2段階認証の再設定", "Set up two-step login anew");
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            p { (language.say("サポートがリセットしました。メールで届いた仮パスコードを入力してください。",
                "Support has reset it. Type the pass that was mailed to you.")) }
            form method="post" action="/two-step/pass" {
                label for="pass" { (language.say("仮パスコード", "Pass")) }
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
    session: Session,
    SecondStep { owner, .. }: SecondStep,
    axum::Form(form): axum::Form<Pass>,
) -> Result<Response, Trouble> {
    let (new, pass) = (new_authenticator(&app, language, &owner)?, form.pass.trim());
    match app.verifier.enroll_with_pass(&owner.account, pass, None, new).await {
        Ok(enrollment) => {
            session::keep_pass(&session, pass, enrollment.until().as_secs()).await?;
            scan(&app, language, &owner, &enrollment)
        }
        Err(sekisho::Error::Account(why)) => {
            let page = pass_form(language, Some(frame::wrong(words::impossible(language, &why))));
            Ok((StatusCode::UNAUTHORIZED, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
