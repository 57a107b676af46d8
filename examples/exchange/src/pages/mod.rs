//! The pages, and the routes that lead to them.

mod desk;
mod door;
pub(crate) use door::{by_password, has_second_step, refusal};
mod frame;
mod security;
mod sign_up;
mod two_step;
mod wallet;

use crate::customers::Customer;
use crate::language::{COOKIE_NAME, Language};
use crate::session;
use crate::trouble::Trouble;
use crate::{App, api};
use axum::Router;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, REFERER, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use metrics_exporter_prometheus::PrometheusHandle;
use tower_sessions::Session;

/// All routes.
pub fn routes(metrics: Option<PrometheusHandle>) -> Router<App> {
    let routes = Router::new()
        .route("/", get(|| async { Redirect::to("/wallet") }))
        .route("/sign-up", get(sign_up::page).post(sign_up::submit))
        .route("/log-in", get(door::page).post(door::password))
        .route("/log-in/code", get(door::second_step).post(door::code))
        .route("/log-in/send", post(door::send))
        .route("/log-out", post(log_out))
        .route("/two-step", get(two_step::page).post(two_step::begin))
        .route("/two-step/pass", post(two_step::begin_with_pass))
        .route("/two-step/confirm", post(two_step::confirm))
        .route("/wallet", get(wallet::page))
        .route("/wallet/withdraw", post(wallet::withdraw))
        .route("/security", get(security::page))
        .route("/security/add", post(security::add))
        .route("/security/add-phone", post(security::add_phone))
        .route("/security/replace", post(security::replace))
        .route("/security/remove", post(security::remove))
        .route("/security/recovery-codes", post(security::recovery_codes))
        .route("/security/resync", post(security::resync))
        .route("/security/forget", post(security::forget))
        .route("/support", get(desk::page))
        .route("/support/log-in", get(desk::door).post(desk::log_in))
        .route("/support/act", post(desk::act))
        .route("/outbox", get(outbox))
        .route("/language", post(switch_language))
        .route("/api/log-in", post(api::log_in))
        .route("/style.css", get(|| async { asset("text/css; charset=utf-8", include_str!("../../assets/style.css")) }))
        .route(
            "/script.js",
            get(|| async { asset("text/javascript; charset=utf-8", include_str!("../../assets/script.js")) }),
        )
        .route("/health", get(|| async { "ok\n" }))
        .fallback(|language: Language| async move {
            let text = language.say("ページが見つかりません。", "There is no such page.");
            (StatusCode::NOT_FOUND, frame::plain(language, text))
        });
    match metrics {
        Some(metrics) => routes.route("/metrics", get(move || async move { metrics.render() })),
        None => routes,
    }
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind)], text)
}

async fn log_out(session: Session) -> Result<Redirect, Trouble> {
    session::end(&session).await?;
    Ok(Redirect::to("/log-in"))
}

#[derive(serde::Deserialize)]
struct Switch {
    language: String,
}

async fn switch_language(headers: HeaderMap, form: axum::Form<Switch>) -> Response {
    let tag = Language::of_tag(&form.language).unwrap_or_default().tag();
    // Back to where it was switched, on this site only.
    let back = headers.get(REFERER).and_then(|referer| referer.to_str().ok());
    let path = back.and_then(|back| back.split_once("://")?.1.split_once('/')).map(|(_, path)| format!("/{path}"));
    let path = path.filter(|path| !path.starts_with("//")).unwrap_or_else(|| "/".into());
    let cookie = format!("{COOKIE_NAME}={tag}; Path=/; Max-Age=31536000; SameSite=Lax; Secure");
    ([(SET_COOKIE, cookie)], Redirect::to(&path)).into_response()
}

/// The demo's messages: anybody may see them, as nothing is sent.
async fn outbox(State(app): State<App>, language: Language) -> Markup {
    let heading = language.say("送信箱（デモ）", "Outbox (demo)");
    frame::page(
        language,
        heading,
        &frame::Who::Nobody,
        html! {
            h1 { (heading) }
            p { (language.say("実際のサービスが送るメールとSMSです。", "What a real service would mail and text.")) }
            @for message in app.outbox.messages() {
                article.message {
                    p.meta { (message.to) " · " (crate::words::moment(language, message.at)) }
                    pre { (message.text) }
                }
            }
        },
    )
}

/// The page's head says whose it is.
fn of(customer: &Customer) -> frame::Who<'_> {
    frame::Who::Customer(&customer.email)
}
