//! A customer who has lost everything but the password and the mailbox gets back in without
//! support, after three days in which the owner is told.

use super::frame::{self, Who};
use super::refusal;
use super::refusals::{self, Place};
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
    show(&app, language, &owner.view, None).into_response()
}

fn show(app: &App, language: Language, view: &AccountView, above: Option<Markup>) -> Markup {
    let heading = language.say("すべて失った場合の再設定", "Everything is lost");
    let waits = view.self_recovery.map(sekisho::otp::UnixTime::as_secs);
    let button = match Step::of(view) {
        Step::Begin => language.say("再設定を申し込む", "Begin the recovery"),
        Step::Finish => language.say("再設定を完了する", "Finish the recovery"),
        Step::PassAgain => language.say("リンクをもう一度送る", "Mail me another link"),
    };
    let limits = app.settings.policy.limits();
    let (days, hours) = (limits.self_recovery_secs.div_ceil(86_400), limits.reset_hold_secs.div_ceil(3_600));
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            section.card {
            @if let Some(until) = waits {
                p #waits { (language.say("次の日時から再設定できます: ", "It takes effect from ")) (words::moment(language, until)) }
            } @else if Step::of(view) == Step::Begin {
                p { @match language {
                    Language::Japanese => {
                        "認証アプリ、電話番号、リカバリーコードをすべて失っても、登録したメールアドレスを確認できれば、" (days)
                        "日後に2段階認証を設定し直せます。その間、毎日お知らせします。コードでログインすると申し込みは取り消されます。設定し直した後、"
                        (hours) "時間は出金できません。"
                    }
                    Language::English => {
                        "Without app, number and recovery codes you can set two-step login up anew, by the mailbox that you have bound. It takes "
                        (days) " days, in which you are told each day, and any code that logs in ends it. Withdrawals are held for "
                        (hours) " hours after it."
                    }
                } }
            }
            @if waits.is_none_or(|until| until <= app.now()) {
                form method="post" action="/lost/send" {
                    button.plain #send type="submit" { (language.say("メールでコードを受け取る", "Mail me a code")) }
                }
                form method="post" action=(PAGE) {
                    (frame::sent_code_field(language, false))
                    button.main type="submit" { (button) }
                }
            }
            }
            ul.links {
                li { a href="/log-in/code" { (language.say("コードでログイン", "Log in with a code")) } }
                li { a href=(refusals::HELP) { (language.say("サポートに連絡する", "Contact support")) } }
            }
        },
    )
}

/// The step that a recovery has come to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    Finish,
    /// It has taken effect, and its pass has been lost or has ended.
    PassAgain,
}

impl Step {
    const fn of(view: &AccountView) -> Self {
        if view.is_reset {
            Self::PassAgain
        } else if view.self_recovery.is_some() {
            Self::Finish
        } else {
            Self::Begin
        }
    }
}

/// The thing that the code of a mail confirms.
#[derive(Clone, Copy)]
pub(super) enum Confirms {
    Mailbox,
    Recovery,
}

/// The mailbox of a customer, as Sekisho knows it.
pub(super) fn mailbox(owner: &Owner) -> Result<Address, Trouble> {
    Address::email(&owner.customer.email).map_err(|error| Trouble::Other(error.into()))
}

/// Mails the code of a confirmation, or says why not.
pub(super) async fn mail_code(app: &App, owner: &Owner, confirms: Confirms) -> Result<Result<(), Rejection>, Trouble> {
    let mut request = CodeRequest::confirmation(mailbox(owner)?).with_source(owner.source.clone());
    if let Some(device) = &owner.device {
        request = request.with_device(device);
    }
    match app.verifier.deliver(&owner.account, request).await {
        Ok(delivery) => {
            let language = owner.customer.language;
            let text = match confirms {
                Confirms::Mailbox => language.say(
                    "Tsubame Exchange: このアドレスを登録する確認コード（誰にも教えないでください）: ",
                    "Tsubame Exchange: to bind this mailbox (never give this code to anybody): ",
                ),
                Confirms::Recovery => language.say(
                    "Tsubame Exchange: 2段階認証を再設定する確認コード（誰にも教えないでください）: ",
                    "Tsubame Exchange: to set two-step login up anew (never give this code to anybody): ",
                ),
            };
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
    Ok(match mail_code(&app, &owner, Confirms::Recovery).await? {
        Ok(()) => {
            let done = frame::done(language.say("コードを送信しました。", "A code was mailed."));
            show(&app, language, &owner.view, Some(done)).into_response()
        }
        Err(rejection) => refused(&app, language, &owner, &rejection),
    })
}

fn refused(app: &App, language: Language, owner: &Owner, rejection: &Rejection) -> Response {
    let (status, headers) = refusal(rejection, app.now());
    let above = refusals::refused(language, rejection, CodeKind::DeliveredCode, app.now(), Place::Door);
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
    if owner.customer.is_password_new(app.now()) {
        let text = language.say(
            "メールでパスワードを再設定してから7日間は利用できません。サポートにご連絡ください。",
            "For seven days after a password was set by mail this is not possible: contact support.",
        );
        let page = show(&app, language, &owner.view, Some(frame::wrong(text)));
        return Ok((StatusCode::FORBIDDEN, page).into_response());
    }
    let attempt = owner.attempt(Attempt::confirmation(&mailbox(&owner)?, &form.code));
    let proof = match verifier.verify(account, attempt).await {
        Ok(proof) => proof,
        Err(NotAccepted::Rejected(rejection)) => return Ok(refused(&app, language, &owner, &rejection)),
        Err(NotAccepted::Failed(sekisho::Error::Account(why))) => return Ok(impossible(&app, language, &owner, &why)),
        Err(NotAccepted::Failed(error)) => return Err(error.into()),
    };
    let answer = if Step::of(&owner.view) == Step::Begin {
        // First: a recovery of which nobody reminds the owner never takes effect.
        app.customers.announce_recovery(account, app.now()).await?;
        verifier.begin_self_recovery(&proof).await.map(|_until| None)
    } else {
        verifier.finish_self_recovery(&proof).await.map(|pass| Some(pass.to_text()))
    };
    match answer {
        Ok(Some(pass)) => {
            let greeting = owner.customer.language.say(
                "再設定を始めるには、ログインするブラウザでこのリンクを開いてください: ",
                "To set two-step login up anew, open this link in the browser that you log in with: ",
            );
            let link = super::pass::link(&app.settings.origin, pass.expose());
            app.send(&owner.customer.email, format!("{greeting}{link}"));
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
        AccountError::NothingPending => language.say(
            "サポートがリセットしたアカウントです。サポートから届いたリンクをお使いください。",
            "Support has reset the account: use the link that support has mailed, or contact support.",
        ),
        AccountError::AddressNotBound => language.say(
            "再設定用のメールアドレスが登録されていないか、登録から24時間経っていません。サポートにご連絡ください。",
            "No mailbox is bound for this, or only since a day: contact support.",
        ),
        why => why.text(language.into()),
    };
    (StatusCode::CONFLICT, show(app, language, &owner.view, Some(frame::wrong(text)))).into_response()
}

/// The warning on the pages behind the password, of an account with a recovery that waits.
pub(super) fn warning(language: Language, view: &AccountView) -> Markup {
    html! {
        @if let Some(until) = view.self_recovery {
            div.notice.refused #recovery-waits role="alert" { p {
                (language.say(
                    "2段階認証の再設定が申し込まれています。心当たりがない場合は、コードを入力してログインすると取り消されます。再設定の日時: ",
                    "Somebody has asked to set two-step login up anew. If it was not you, log in with a code: that ends it. It takes effect from "))
                (words::moment(language, until.as_secs()))
            } }
        }
    }
}
