//! The desk's door. One password opens it to whoever gives a name, which is demo-grade: a real desk
//! is behind the staff's own log-in, which says who they are.

use crate::App;
use crate::language::Language;
use crate::pages::frame::{self, Who};
use crate::session;
use crate::trouble::Trouble;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use subtle::ConstantTimeEq;
use tower_sessions::Session;

pub(in crate::pages) async fn page(language: Language) -> Markup {
    form(language, None)
}

fn form(language: Language, above: Option<Markup>) -> Markup {
    let heading = language.say("サポート窓口", "Support desk");
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            form.card method="post" action="/support/log-in" {
                label for="name" { (language.say("担当者", "Operator")) }
                input #name name="name" autocomplete="username" required maxlength="32" autofocus;
                label for="password" { (language.say("窓口のパスワード", "The desk's password")) }
                input #password name="password" type="password" autocomplete="current-password" required maxlength="256";
                button.main type="submit" { (language.say("ログイン", "Enter")) }
            }
        },
    )
}

#[derive(serde::Deserialize)]
pub(in crate::pages) struct Enter {
    name: String,
    password: String,
}

pub(in crate::pages) async fn log_in(
    State(app): State<App>,
    language: Language,
    session: Session,
    axum::Form(typed): axum::Form<Enter>,
) -> Result<Response, Trouble> {
    let wanted = app.settings.support_password.as_deref().filter(|wanted| !wanted.is_empty());
    let is_right = wanted.is_some_and(|wanted| bool::from(wanted.as_bytes().ct_eq(typed.password.as_bytes())));
    let name = typed.name.trim();
    if !is_right || name.is_empty() || name.chars().count() > 32 {
        let wrong =
            frame::wrong(language.say("担当者名かパスワードが違います。", "The name or the password is wrong."));
        return Ok((StatusCode::UNAUTHORIZED, form(language, Some(wrong))).into_response());
    }
    session::go_to_the_desk(&session, name).await?;
    Ok(Redirect::to("/support").into_response())
}
