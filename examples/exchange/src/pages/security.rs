//! What a customer may change of the second factor. Each change takes a code of its own, but for what only helps.

use super::{frame, of, two_step};
use crate::App;
use crate::customers::Customer;
use crate::language::Language;
use crate::session::{Device, LoggedIn};
use crate::trouble::Trouble;
use crate::words;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sekisho::account::{
    AccountView, Address, Attempt, AuthenticatorId, AuthenticatorKind, CodeRequest, DeviceId, NewAddress, Proof,
    Purpose, Resync,
};
use sekisho::otp::{Rejection, Typed, Verdict};

pub(super) async fn page(
    State(app): State<App>,
    language: Language,
    LoggedIn(customer): LoggedIn,
) -> Result<Markup, Trouble> {
    let view = app.verifier.view(&customer.account()?).await?;
    Ok(show(&app, language, &customer, &view, None))
}

fn show(app: &App, language: Language, customer: &Customer, view: &AccountView, above: Option<Markup>) -> Markup {
    let heading = language.say("セキュリティ設定", "Security");
    frame::page(
        language,
        heading,
        &of(customer),
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            @if view.authenticators.is_empty() {
                p { a.button href="/two-step" { (language.say("2段階認証を設定", "Set up two-step login")) } }
            } @else {
                (authenticators(language, view))
                (more(language))
                section #recovery {
                    h2 { (language.say("リカバリーコード", "Recovery codes")) }
                    p { (language.say("未使用: ", "Not used: ")) span #recovery-left { (view.recovery_codes_left) } }
                    form method="post" action="/security/recovery-codes" {
                        (frame::code_field(language, "code-recovery", language.say("認証コード", "Code")))
                        button type="submit" { (language.say("新しく発行する", "Issue new ones")) }
                    }
                }
                section {
                    h2 { (language.say("コードが合わないとき", "If codes are refused")) }
                    p { (language.say("スマートフォンの時刻を自動設定にしてから、続けて表示された2つのコードを入力してください。",
                        "Set the phone's clock to automatic, then type two codes, one right after the other.")) }
                    form method="post" action="/security/resync" {
                        label for="first" { (language.say("1つ目", "First")) }
                        input #first name="first" inputmode="numeric" autocomplete="one-time-code" required maxlength="64";
                        label for="second" { (language.say("2つ目", "Second")) }
                        input #second name="second" inputmode="numeric" autocomplete="off" required maxlength="64";
                        button type="submit" { (language.say("時刻を合わせる", "Resynchronise")) }
                    }
                }
                (devices(app, language, view))
            }
        },
    )
}

fn authenticators(language: Language, view: &AccountView) -> Markup {
    html! {
        h2 { (language.say("認証手段", "Authenticators")) }
        @for own in &view.authenticators {
            article.authenticator {
                h3 { (words::kind(language, &own.kind)) " " (own.name.as_str()) }
                p.meta {
                    (language.say("設定: ", "Added ")) (words::moment(language, own.bound_at.as_secs()))
                    " · " (language.say("最終使用: ", "last used ")) (words::moment(language, own.last_used.as_secs()))
                }
                @if own.is_disabled { (frame::wrong(language.say("無効になっています。", "Disabled: too many wrong codes."))) }
                @let id = own.id.number();
                @if matches!(own.kind, AuthenticatorKind::App { .. }) {
                    details {
                        summary { (language.say("機種変更（新しいスマートフォンに替える）", "Change of phone")) }
                        form method="post" action="/security/replace" {
                            input type="hidden" name="id" value=(id);
                            (frame::code_field(language, &format!("code-replace-{id}"), language.say("今のスマートフォンのコード", "A code of the old phone")))
                            button type="submit" { (language.say("新しいQRコードを表示", "Show the new QR code")) }
                        }
                    }
                }
                details {
                    summary { (language.say("削除", "Remove")) }
                    form method="post" action="/security/remove" {
                        input type="hidden" name="id" value=(id);
                        (frame::code_field(language, &format!("code-remove-{id}"), language.say("認証コード", "Code")))
                        button type="submit" { (language.say("削除する", "Remove")) }
                    }
                }
            }
        }
    }
}

fn more(language: Language) -> Markup {
    html! {
        details {
            summary { (language.say("認証アプリを追加", "Add an authenticator app")) }
            form method="post" action="/security/add" {
                (frame::code_field(language, "code-add", language.say("認証コード", "Code")))
                button type="submit" { (language.say("QRコードを表示", "Show the QR code")) }
            }
        }
        details {
            summary { (language.say("電話番号を追加（SMS）", "Add a phone number (text messages)")) }
            form method="post" action="/security/add-phone" {
                label for="number" { (language.say("電話番号（国番号から）", "Number, with country code")) }
                input #number name="number" type="tel" autocomplete="tel" placeholder="+81…" required maxlength="24";
                (frame::code_field(language, "code-phone", language.say("認証コード", "Code")))
                button type="submit" { (language.say("追加する", "Add")) }
            }
        }
    }
}

fn devices(app: &App, language: Language, view: &AccountView) -> Markup {
    html! {
        @if !view.devices.is_empty() {
            section {
                h2 { (language.say("記憶したブラウザ", "Remembered browsers")) }
                @for device in &view.devices {
                    form method="post" action="/security/forget" {
                        span { (device.name.as_str()) " · " (words::moment(language, device.last_used.as_secs().min(app.now()))) " " }
                        button.plain type="submit" name="id" value=(device.id.number()) { (language.say("削除", "Forget")) }
                    }
                }
            }
        }
    }
}

/// A page that says what became of a change.
async fn after(
    app: &App,
    language: Language,
    customer: &Customer,
    status: StatusCode,
    above: Markup,
) -> Result<Response, Trouble> {
    let view = app.verifier.view(&customer.account()?).await?;
    Ok((status, show(app, language, customer, &view, Some(above))).into_response())
}

async fn refused(
    app: &App,
    language: Language,
    customer: &Customer,
    rejection: Rejection,
    typed: Typed,
) -> Result<Response, Trouble> {
    let above = words::refused(language, &rejection, typed, app.now());
    after(app, language, customer, super::door::status(&rejection), above).await
}

/// What the account's state does not allow: told, not failed.
async fn answered<T>(
    app: &App,
    language: Language,
    customer: &Customer,
    result: Result<T, sekisho::Error>,
) -> Result<Result<T, Response>, Trouble> {
    match result {
        Ok(done) => Ok(Ok(done)),
        Err(sekisho::Error::Account(why)) => {
            let text = format!("{}{why}", language.say("変更できません: ", "Not possible: "));
            Ok(Err(after(app, language, customer, StatusCode::CONFLICT, frame::wrong(&text)).await?))
        }
        Err(error) => Err(error.into()),
    }
}

/// A code for a change of binding, from somebody who has logged in.
async fn prove(
    app: &App,
    language: Language,
    customer: &Customer,
    device: Option<&str>,
    code: &str,
) -> Result<Result<Proof, Response>, Trouble> {
    let mut attempt = Attempt::new(Purpose::BINDING, code);
    if let Some(device) = device {
        attempt = attempt.with_device(device);
    }
    let verdict = app.verifier.verify(&customer.account()?, attempt).await;
    match answered(app, language, customer, verdict).await? {
        Ok(Verdict::Accepted(proof)) => Ok(Ok(proof)),
        Ok(Verdict::Rejected(rejection)) => Ok(Err(refused(app, language, customer, rejection, Typed::AppCode).await?)),
        Err(page) => Ok(Err(page)),
    }
}

#[derive(serde::Deserialize)]
pub(super) struct Change {
    #[serde(default)]
    id: u32,
    code: String,
}

pub(super) async fn add(
    State(app): State<App>,
    language: Language,
    LoggedIn(customer): LoggedIn,
    Device(device): Device,
    axum::Form(form): axum::Form<Change>,
) -> Result<Response, Trouble> {
    let proof = match prove(&app, language, &customer, device.as_deref(), &form.code).await? {
        Ok(proof) => proof,
        Err(page) => return Ok(page),
    };
    let begun = app.verifier.enroll(proof, two_step::new_authenticator(&app, &customer)?).await;
    Ok(match answered(&app, language, &customer, begun).await? {
        Ok(enrolment) => two_step::scan(&app, language, &customer, &enrolment)?.into_response(),
        Err(page) => page,
    })
}

pub(super) async fn replace(
    State(app): State<App>,
    language: Language,
    LoggedIn(customer): LoggedIn,
    Device(device): Device,
    axum::Form(form): axum::Form<Change>,
) -> Result<Response, Trouble> {
    let proof = match prove(&app, language, &customer, device.as_deref(), &form.code).await? {
        Ok(proof) => proof,
        Err(page) => return Ok(page),
    };
    let new = two_step::new_authenticator(&app, &customer)?;
    let begun = app.verifier.replace(proof, AuthenticatorId::new(form.id), new).await;
    Ok(match answered(&app, language, &customer, begun).await? {
        Ok(enrolment) => two_step::scan(&app, language, &customer, &enrolment)?.into_response(),
        Err(page) => page,
    })
}

pub(super) async fn remove(
    State(app): State<App>,
    language: Language,
    LoggedIn(customer): LoggedIn,
    Device(device): Device,
    axum::Form(form): axum::Form<Change>,
) -> Result<Response, Trouble> {
    let proof = match prove(&app, language, &customer, device.as_deref(), &form.code).await? {
        Ok(proof) => proof,
        Err(page) => return Ok(page),
    };
    let (view, id) = (app.verifier.view(&customer.account()?).await?, AuthenticatorId::new(form.id));
    let removed = if view.authenticators.len() > 1 {
        app.verifier.remove(proof, id).await
    } else {
        app.verifier.remove_last(proof, id).await
    };
    match answered(&app, language, &customer, removed).await? {
        Ok(()) => {
            app.mail(
                &customer.email,
                language.say("認証手段が削除されました。", "An authenticator was removed.").into(),
            );
            let text = frame::done(language.say("削除しました。", "Removed."));
            after(&app, language, &customer, StatusCode::OK, text).await
        }
        Err(page) => Ok(page),
    }
}

pub(super) async fn recovery_codes(
    State(app): State<App>,
    language: Language,
    LoggedIn(customer): LoggedIn,
    Device(device): Device,
    axum::Form(form): axum::Form<Change>,
) -> Result<Response, Trouble> {
    let proof = match prove(&app, language, &customer, device.as_deref(), &form.code).await? {
        Ok(proof) => proof,
        Err(page) => return Ok(page),
    };
    let issued = app.verifier.issue_recovery_codes(proof).await;
    Ok(match answered(&app, language, &customer, issued).await? {
        Ok(codes) => two_step::sheet(language, &customer, &codes).into_response(),
        Err(page) => page,
    })
}

#[derive(serde::Deserialize)]
pub(super) struct Phone {
    number: String,
    code: String,
}

pub(super) async fn add_phone(
    State(app): State<App>,
    language: Language,
    LoggedIn(customer): LoggedIn,
    Device(device): Device,
    axum::Form(form): axum::Form<Phone>,
) -> Result<Response, Trouble> {
    // As people write it.
    let number: String = form.number.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
    let new = Address::sms(&number).and_then(NewAddress::new);
    let Ok(new) = new else {
        let text = language
            .say("電話番号は +81 のように国番号から入力してください。", "A number begins with its country code: +81…");
        return after(&app, language, &customer, StatusCode::UNPROCESSABLE_ENTITY, frame::wrong(text)).await;
    };
    let proof = match prove(&app, language, &customer, device.as_deref(), &form.code).await? {
        Ok(proof) => proof,
        Err(page) => return Ok(page),
    };
    let begun = app.verifier.enroll(proof, new).await;
    let id = match answered(&app, language, &customer, begun).await? {
        Ok(id) => id,
        Err(page) => return Ok(page),
    };
    let sent = app.verifier.deliver(&customer.account()?, CodeRequest::new(id, Purpose::BINDING)).await;
    match answered(&app, language, &customer, sent).await? {
        Ok(Verdict::Accepted(delivery)) => {
            let code = delivery.code().reveal().to_string();
            let text = language.say("Example Exchange 確認コード: ", "Example Exchange, to confirm this number: ");
            app.mail(delivery.address().as_str(), format!("{text}{code}"));
            let heading = language.say("電話番号の確認", "Confirm the number");
            let page = frame::page(
                language,
                heading,
                &of(&customer),
                html! {
                    h1 { (heading) }
                    p { (language.say("SMSで届いたコードを入力してください。", "Type the code from the message.")) }
                    form method="post" action="/two-step/confirm" {
                        (frame::code_field(language, "code", language.say("コード", "Code")))
                        button type="submit" { (language.say("確認する", "Confirm")) }
                    }
                },
            );
            Ok(page.into_response())
        }
        Ok(Verdict::Rejected(rejection)) => refused(&app, language, &customer, rejection, Typed::DeliveredCode).await,
        Err(page) => Ok(page),
    }
}

#[derive(serde::Deserialize)]
pub(super) struct Two {
    first: String,
    second: String,
}

pub(super) async fn resync(
    State(app): State<App>,
    language: Language,
    LoggedIn(customer): LoggedIn,
    Device(device): Device,
    axum::Form(form): axum::Form<Two>,
) -> Result<Response, Trouble> {
    let mut resync = Resync::new(&form.first, &form.second);
    if let Some(device) = &device {
        resync = resync.with_device(device);
    }
    let verdict = app.verifier.resync(&customer.account()?, resync).await;
    match answered(&app, language, &customer, verdict).await? {
        Ok(Verdict::Accepted(_)) => {
            let text = frame::done(language.say("時刻を合わせました。", "Done: the phone's clock is known now."));
            after(&app, language, &customer, StatusCode::OK, text).await
        }
        Ok(Verdict::Rejected(rejection)) => refused(&app, language, &customer, rejection, Typed::TwoCodes).await,
        Err(page) => Ok(page),
    }
}

#[derive(serde::Deserialize)]
pub(super) struct Forget {
    id: u64,
}

pub(super) async fn forget(
    State(app): State<App>,
    language: Language,
    LoggedIn(customer): LoggedIn,
    axum::Form(form): axum::Form<Forget>,
) -> Result<Response, Trouble> {
    let forgotten = app.verifier.forget_device(&customer.account()?, DeviceId::new(form.id)).await;
    match answered(&app, language, &customer, forgotten).await? {
        Ok(()) => {
            let text = frame::done(language.say("削除しました。", "Forgotten."));
            after(&app, language, &customer, StatusCode::OK, text).await
        }
        Err(page) => Ok(page),
    }
}
