//! A phone whose clock is off: two codes in a row say by how much. Also before the log-in, as it is
//! what a log-in fails by.

use super::{door, frame, of, refusal};
use crate::App;
use crate::language::Language;
use crate::session::{self, PasswordGiven};
use crate::trouble::Trouble;
use crate::words;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sekisho::account::Resync;
use sekisho::otp::{CodeKind, NotAccepted};
use tower_sessions::Session;

pub(super) async fn page(language: Language, given: PasswordGiven) -> Markup {
    show(language, &given, None)
}

fn show(language: Language, given: &PasswordGiven, above: Option<Markup>) -> Markup {
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
            p { (language.say("スマートフォンの時刻を自動設定にしてから、続けて表示された2つのコードを入力してください。",
                "Set the phone's clock to automatic, then type two codes, one right after the other.")) }
            form #resync method="post" action="/resync" {
                label for="first" { (language.say("1つ目のコード", "First code")) }
                input #first name="first" inputmode="numeric" autocomplete="one-time-code" required maxlength="64";
                label for="second" { (language.say("2つ目のコード", "Second code")) }
                input #second name="second" inputmode="numeric" autocomplete="off" required maxlength="64";
                details {
                    summary { (language.say("それでも合わないとき", "If that does not help")) }
                    p { (language.say("リカバリーコードか、サポートから届いた仮パスコードがあれば、1日までの遅れを合わせられます。",
                        "With a recovery code, or a pass from support, a clock may be up to a day slow.")) }
                    label for="recovery" { (language.say("リカバリーコード", "Recovery code")) }
                    input #recovery name="recovery" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="64";
                    label for="pass" { (language.say("仮パスコード", "Pass")) }
                    input #pass name="pass" autocomplete="off" spellcheck="false" maxlength="128";
                }
                button type="submit" { (language.say("時刻を合わせる", "Resynchronize")) }
            }
            p { a href=(back) { (language.say("戻る", "Back")) } }
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
    session: Session,
    given: PasswordGiven,
    axum::Form(form): axum::Form<Form>,
) -> Result<Response, Trouble> {
    let mut resync = Resync::new(&form.first, &form.second)
        .with_source(given.owner.source.clone())
        .with_idempotency_key(given.attempt);
    if let Some(device) = &given.owner.device {
        resync = resync.with_device(device);
    }
    if !form.pass.trim().is_empty() {
        resync = resync.with_pass(form.pass.trim());
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
            show(language, &given, Some(frame::done(done))).into_response()
        }
        Err(NotAccepted::Rejected(rejection)) => {
            let (status, headers) = refusal(&rejection, app.now());
            let above = words::refused(language, &rejection, CodeKind::TwoCodes, app.now());
            if !given.is_logged_in && door::is_end(&rejection) {
                session::end(&session).await?;
                return Ok((status, headers, door::password_form(language, Some(above))).into_response());
            }
            (status, headers, show(language, &given, Some(above))).into_response()
        }
        Err(NotAccepted::Failed(sekisho::Error::Account(why))) => {
            let above = frame::wrong(words::impossible(language, &why));
            (StatusCode::CONFLICT, show(language, &given, Some(above))).into_response()
        }
        Err(NotAccepted::Failed(error)) => return Err(error.into()),
    })
}
