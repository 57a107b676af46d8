//! A new customer.

use super::frame::{self, Who};
use super::tour;
use crate::App;
use crate::customers::CustomerError;
use crate::language::Language;
use crate::passwords::LENGTHS;
use crate::session::{self, By};
use crate::trouble::Trouble;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use tower_sessions::Session;

pub(super) async fn page(State(app): State<App>, language: Language) -> Markup {
    form(&app, language, "", None)
}

fn form(app: &App, language: Language, email: &str, wrong: Option<&str>) -> Markup {
    let heading = language.say("新規登録", "Sign up");
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            (tour::strip(app, language, tour::Stop::SignUp))
            h1 { (heading) }
            @if let Some(wrong) = wrong { (frame::wrong(wrong)) }
            form.card method="post" action="/sign-up" {
                label for="email" { (language.say("メールアドレス", "E-mail address")) }
                input #email name="email" value=(email) type="email" autocomplete="username" required maxlength="100" autofocus;
                label for="password" { (language.say("パスワード（8文字以上）", "Password (8 characters at least)")) }
                input #password name="password" type="password" autocomplete="new-password" required minlength="8" maxlength="256";
                button.main type="submit" { (language.say("登録する", "Sign up")) }
            }
            p.alone { (language.say("登録済みの方は", "Signed up before? ")) a href="/log-in" { (language.say("ログイン", "Log in")) } }
        },
    )
}

#[derive(serde::Deserialize)]
pub(super) struct New {
    email: String,
    password: String,
}

pub(super) async fn submit(
    State(app): State<App>,
    language: Language,
    session: Session,
    axum::Form(new): axum::Form<New>,
) -> Result<Response, Trouble> {
    let refuse = |text| {
        let page = form(&app, language, &new.email, Some(text));
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    if new.password.chars().count() < *LENGTHS.start() || new.password.len() > *LENGTHS.end() {
        return refuse(language.say(
            "パスワードは8文字以上、256バイト以下です。",
            "A password has 8 characters at least, and 256 bytes at the most.",
        ));
    }
    let hash =
        app.passwords.hash(new.password.clone()).await.map_err(|error| Trouble::Other(error.to_string().into()))?;
    match app.customers.add(&app.verifier, &new.email, hash, language).await {
        Ok(customer) => {
            let epoch = app.verifier.view(&customer.account()?).await?.epoch;
            session::log_in(&session, &customer, By::Password(epoch)).await?;
            Ok(Redirect::to("/two-step").into_response())
        }
        // The answer tells a stranger that the address is taken. A real exchange confirms it by mail
        // first, and says it there.
        Err(CustomerError::Taken) => {
            refuse(language.say("このメールアドレスは登録済みです。", "This address has signed up before."))
        }
        Err(CustomerError::Address) => {
            refuse(language.say("メールアドレスを確認してください。", "That is no e-mail address."))
        }
        Err(error) => Err(error.into()),
    }
}
