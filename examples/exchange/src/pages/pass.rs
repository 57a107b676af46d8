//! A pass from support is a link: the browser that opens it keeps the pass, in a cookie, for the
//! log-in that follows. Opening it uses nothing up, as scanners of mail open links.

use super::frame::{self, Who};
use super::refusals;
use super::two_step::{self, SCAN};
use crate::App;
use crate::language::Language;
use crate::session::{self, PASS_COOKIE, SecondStep};
use crate::trouble::Trouble;
use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderName, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use maud::{Markup, html};
use tower_sessions::Session;

/// The page's address.
const PAGE: &str = "/pass";

/// The link of a pass.
pub(crate) fn link(origin: &str, token: &str) -> String {
    // Hexadecimal digits: nothing to be escaped.
    format!("{origin}{PAGE}?token={token}")
}

/// The token in what was typed: the link, or its end.
pub(super) fn token_in(typed: &str) -> Option<&str> {
    let token = typed.trim().rsplit('=').next().unwrap_or_default();
    Some(token).filter(|token| !token.is_empty())
}

#[derive(serde::Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    token: String,
}

/// Keeps the pass in a cookie of its own: no session is begun for whoever opens links.
pub(super) async fn open(Query(link): Query<Link>) -> Response {
    let is_token = link.token.len() == DIGITS && link.token.bytes().all(|byte| byte.is_ascii_hexdigit());
    let cookie = is_token.then(|| [(SET_COOKIE, cookie(&link.token, KEPT_SECS))]);
    (cookie, Redirect::to("/log-in/code")).into_response()
}

/// The cookie is kept for so long, in seconds: a pass is not good for longer.
const KEPT_SECS: u32 = 86_400;
/// Hexadecimal digits of a pass.
const DIGITS: usize = 64;

fn cookie(token: &str, secs: u32) -> String {
    format!("{PASS_COOKIE}={token}; Path=/; Max-Age={secs}; SameSite=Lax; Secure; HttpOnly")
}

/// Forgets the pass of the link that the browser has opened.
pub(super) fn forgotten() -> [(HeaderName, String); 1] {
    [(SET_COOKIE, cookie("", 0))]
}

/// After a reset: the pass that was mailed enrolls anew, and nothing else.
pub(super) fn reset_form(language: Language, has_link: bool, above: Option<Markup>) -> Markup {
    let heading = language.say("2段階認証の再設定", "Set up two-step login anew");
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            section.card {
                p { (language.say("2段階認証はリセットされています。設定し直すと、ログインできます。",
                    "Two-step login was reset. Set it up anew, and you are logged in.")) }
                form #anew method="post" action="/two-step/pass" {
                    @if !has_link {
                        p { (language.say("メールで届いたリンクを、このブラウザで開いてください。", "Open the link that was mailed to you in this browser.")) }
                        (frame::pass_field(language, "pass"))
                    } @else {
                        p { (language.say("サポートのリンクがこのブラウザで開かれています。", "A link from support was opened in this browser.")) }
                    }
                    button.main type="submit" { (language.say("QRコードを表示", "Show the QR code")) }
                }
            }
            ul.links {
                li { a href=(super::lost::PAGE) { (language.say("自分で再設定し、リンクが届かない場合", "You have recovered without support, and no link arrives")) } }
                li { a href=(refusals::HELP) { (language.say("サポートに連絡する", "Contact support")) } }
            }
        },
    )
}

#[derive(serde::Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    pass: String,
}

pub(super) async fn enroll(
    State(app): State<App>,
    language: Language,
    session: Session,
    SecondStep { owner, .. }: SecondStep,
    axum::Form(form): axum::Form<Typed>,
) -> Result<Response, Trouble> {
    let pass = token_in(&form.pass).or(owner.pass.as_deref()).unwrap_or_default();
    let new = two_step::new_authenticator(&app, language, &owner)?;
    match app.verifier.enroll_with_pass(&owner.account, pass, None, new).await {
        Ok(enrollment) => {
            session::keep_pass(&session, pass, enrollment.until().as_secs()).await?;
            session::keep_enrollment(&session, enrollment.handle()).await?;
            Ok((AppendHeaders(forgotten()), Redirect::to(SCAN)).into_response())
        }
        Err(sekisho::Error::Account(why)) => {
            // It is of no use: another may be typed.
            let page = reset_form(language, false, Some(refusals::impossible(language, &why)));
            Ok((StatusCode::UNAUTHORIZED, AppendHeaders(forgotten()), page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
