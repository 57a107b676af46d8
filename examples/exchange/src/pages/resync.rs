//! A phone whose clock is off: two codes in a row say by how much. Also before the log-in, as it is
//! what a log-in fails by.

use super::refusals::{self, Place};
use super::{door, frame, of, refusal};
use crate::App;
use crate::language::Language;
use crate::session::PasswordGiven;
use crate::trouble::Trouble;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::Resync;
use sekisho::otp::{CodeKind, NotAccepted};

pub(super) async fn page(language: Language, given: PasswordGiven) -> Response {
    // The page of the code says how long the lock lasts, and what else there is.
    if !given.is_logged_in && door::refusal_of(&given.owner).is_some_and(|refusal| door::is_end(&refusal)) {
        return Redirect::to("/log-in/code").into_response();
    }
    show(language, &given, None, false).into_response()
}

fn show(language: Language, given: &PasswordGiven, above: Option<Markup>, is_done: bool) -> Markup {
    let heading = language.say("スマートフォンの時刻を合わせる", "The phone's clock");
    let (whose, back) = if given.is_logged_in {
        (of(&given.owner.customer), "/security")
    } else {
        (frame::Who::Nobody, "/log-in/code")
    };
    frame::page(
        language,
        heading,
        &whose,
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            @if is_done {
                p { a.button href=(back) { (if given.is_logged_in { language.say("設定に戻る", "Back to the settings") } else { language.say("ログインする", "Log in now") }) } }
            } @else {
            p { (language.say("スマートフォンの時刻を自動設定にしてから、続けて表示された2つのコードを入力してください。",
                "Set the phone's clock to automatic, then type two codes, one right after the other.")) }
            form.card #resync method="post" action="/resync" {
                label for="first" { (language.say("1つ目のコード", "First code")) }
                input.code #first name="first" inputmode="numeric" autocomplete="one-time-code" required maxlength="64" autofocus;
                label for="second" { (language.say("2つ目のコード", "Second code")) }
                input.code #second name="second" inputmode="numeric" autocomplete="off" required maxlength="64";
                details {
                    summary { (language.say("それでも合わないとき", "If that does not help")) }
                    p { (language.say("リカバリーコードか、サポートのリンクがあれば、1日までの遅れを合わせられます。",
                        "With a recovery code, or support's link, a clock may be up to a day slow.")) }
                    (frame::recovery_field(language, "recovery", false))
                    (frame::pass_field(language, "pass"))
                }
                button.main type="submit" { (language.say("時刻を合わせる", "Adjust to it")) }
            }
            }
            p.alone { a href=(back) { (language.say("戻る", "Back")) } }
        },
    )
}

#[derive(serde::Deserialize)]
pub(super) struct Form {
    first: String,
    second: String,
    #[serde(default)]
    recovery: String,
    #[serde(default)]
    pass: String,
}

pub(super) async fn submit(
    State(app): State<App>,
    language: Language,
    given: PasswordGiven,
    axum::Form(form): axum::Form<Form>,
) -> Result<Response, Trouble> {
    let mut resync = Resync::new(&form.first, &form.second)
        .with_source(given.owner.source.clone())
        .with_idempotency_key(given.attempt);
    if let Some(device) = &given.owner.device {
        resync = resync.with_device(device);
    }
    if let Some(pass) = super::pass::token_in(&form.pass) {
        resync = resync.with_pass(pass);
    }
    if !form.recovery.trim().is_empty() {
        resync = resync.with_recovery_code(&form.recovery);
    }
    Ok(match app.verifier.resync(&given.owner.account, resync).await {
        Ok(_) => {
            let done = language.say(
                "時刻を合わせました。次のコードからお使いいただけます。",
                "Done. From the next code on, codes are right.",
            );
            show(language, &given, Some(frame::done(done)), true).into_response()
        }
        Err(NotAccepted::Rejected(rejection)) => {
            if !given.is_logged_in && door::is_end(&rejection) {
                return Ok(Redirect::to("/log-in/code").into_response());
            }
            let (status, headers) = refusal(&rejection, app.now());
            let place = if given.is_logged_in { Place::Inside } else { Place::Door };
            let above = refusals::refused(language, &rejection, CodeKind::TwoCodes, app.now(), place);
            (status, headers, show(language, &given, Some(above), false)).into_response()
        }
        Err(NotAccepted::Failed(sekisho::Error::Account(why))) => {
            let above = refusals::impossible(language, &why);
            (StatusCode::CONFLICT, show(language, &given, Some(above), false)).into_response()
        }
        Err(NotAccepted::Failed(error)) => return Err(error.into()),
    })
}
