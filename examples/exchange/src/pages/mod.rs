//! The pages, and the routes that lead to them.

mod activity;
mod addresses;
mod changes;
mod desk;
mod door;
mod frame;
mod freeze;
mod help;
mod lost;
mod pass;
mod password;
mod recovered;
mod refusals;
mod resync;
mod security;
mod sent;
mod sheet;
mod sign_up;
mod states;
mod tour;
mod trouble_page;
mod two_step;
mod wallet;
pub(crate) mod withdrawal;

pub(crate) use door::{by_password, has_second_step};
pub(crate) use frame::NAME;
pub(crate) use trouble_page::in_words;
pub(crate) use two_step::new_authenticator;

use crate::customers::Customer;
use crate::language::{COOKIE_NAME, Language};
use crate::session;
use crate::trouble::Trouble;
use crate::{App, Settings, api};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, REFERER, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use metrics_exporter_prometheus::PrometheusHandle;
use sekisho::account::{AccountView, AuthenticatorKind};
use sekisho::http::Problem;
use sekisho::otp::{CodeKind, Rejection, UnixTime};
use tower_sessions::Session;

/// All routes.
pub fn routes(settings: &Settings, metrics: Option<PrometheusHandle>) -> Router<App> {
    let mut routes = Router::new()
        .route("/", get(|| async { Redirect::to("/wallet") }))
        .route("/sign-up", get(sign_up::page).post(sign_up::submit))
        .route("/log-in", get(door::page).post(door::password))
        .route("/log-in/code", get(door::second_step).post(door::code))
        .route("/log-in/send", post(door::send))
        .route(lost::PAGE, get(lost::page).post(lost::submit))
        .route("/lost/send", post(lost::send))
        .route("/log-out", post(log_out))
        .route("/two-step", get(two_step::page).post(two_step::begin))
        .route("/pass", get(pass::open))
        .route("/two-step/pass", post(pass::enroll))
        .route(two_step::SCAN, get(two_step::scan_page))
        .route("/two-step/confirm", post(two_step::confirm))
        .route("/two-step/confirm-two-codes", post(two_step::confirm_with_two_codes))
        .route("/wallet", get(wallet::page))
        .route("/wallet/withdraw", get(wallet::form_page).post(wallet::withdraw))
        .route("/wallet/review", post(wallet::review_page))
        .route("/wallet/send", post(wallet::send))
        .route("/security", get(security::page))
        .route("/security/open", post(security::open))
        .route("/security/send-to-open", post(security::send_to_open))
        .route("/security/activity", get(activity::page))
        .route("/security/freeze", get(activity::freeze_page).post(activity::freeze))
        .route("/security/add", get(changes::page).post(changes::add))
        .route("/security/add-phone", get(changes::page).post(addresses::add_phone))
        .route("/security/replace", get(changes::page).post(changes::replace))
        .route("/security/rename", get(changes::page).post(changes::rename))
        .route("/security/remove", get(changes::page).post(changes::remove))
        .route("/security/suspend", get(changes::page).post(changes::suspend))
        .route("/security/resume", get(changes::page).post(changes::resume))
        .route("/security/send", post(changes::send))
        .route("/security/recovery-codes", get(changes::page).post(changes::recovery_codes))
        .route("/security/void-recovery-codes", get(changes::page).post(changes::void_recovery_codes))
        .route(sheet::FILE, get(sheet::file))
        .route(sheet::PAGE, get(sheet::page).post(sheet::keep))
        .route("/security/resend", post(addresses::resend))
        .route("/security/mailbox/send", post(addresses::send_to_mailbox))
        .route("/security/mailbox", get(changes::page).post(addresses::bind_mailbox))
        .route("/security/mailbox/unbind", get(changes::page).post(addresses::unbind_mailbox))
        .route("/password", get(password::page).post(password::change))
        .route("/password/forgot", get(password::forgot).post(password::mail_link))
        .route("/password/reset", get(password::reset_page).post(password::reset))
        .route("/freeze", get(freeze::page).post(freeze::freeze))
        .route("/resync", get(resync::page).post(resync::submit))
        .route("/security/forget", get(changes::page).post(changes::forget))
        .route(recovered::PAGE, get(recovered::page))
        .route(refusals::HELP, get(help::page))
        .route("/support", get(desk::page))
        .route("/support/log-in", get(desk::door::page).post(desk::door::log_in))
        .route("/support/act", post(desk::act))
        .route("/language", post(switch_language))
        .merge(api::routes())
        .method_not_allowed_fallback(to_the_form)
        .fallback(|language: Language| async move {
            let title = language.say("ページが見つかりません", "There is no such page");
            let text = language.say(
                "アドレスを確認するか、最初のページからお進みください。",
                "Check the address, or begin at the first page.",
            );
            let way = frame::Way { to: "/wallet", text: language.say("最初のページへ", "To the first page") };
            (StatusCode::NOT_FOUND, frame::plain(language, title, frame::wrong(text), &way))
        });
    if settings.shows_inside {
        let mut inside = Router::new().route("/outbox", get(outbox));
        if let Some(metrics) = metrics {
            inside = inside.route("/metrics", get(move || async move { metrics.render() }));
        }
        routes = routes.merge(inside.layer(middleware::from_fn(from_this_machine)));
    }
    routes
}

/// A browser of this machine asks under the machine's own name: not a proxy that nobody has told us
/// of, and not another site whose name leads here.
async fn from_this_machine(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(name, _)| name);
    let is_forwarded = ["x-forwarded-for", "forwarded"].iter().any(|name| headers.contains_key(*name));
    if matches!(name, "localhost" | "127.0.0.1" | "[::1]") && !is_forwarded {
        return next.run(request).await;
    }
    StatusCode::NOT_FOUND.into_response()
}

/// An answer to a form was reloaded, or its address was typed: to the page that the form is on.
async fn to_the_form(uri: Uri) -> Redirect {
    Redirect::to(match uri.path().split('/').nth(1) {
        Some("log-in") => "/log-in/code",
        Some("lost") => lost::PAGE,
        Some("two-step") => two_step::SCAN,
        Some("security") => "/security",
        Some("support") => "/support",
        _ => "/wallet",
    })
}

/// Style sheet, script and mark: they take nobody's place, and count against no burst.
pub(crate) fn assets() -> Router<App> {
    Router::new()
        .route("/style.css", get(|| async { asset("text/css; charset=utf-8", include_str!("../../assets/style.css")) }))
        .route("/mark.svg", get(|| async { asset("image/svg+xml", frame::MARK) }))
        .route(
            "/script.js",
            get(|| async { asset("text/javascript; charset=utf-8", include_str!("../../assets/script.js")) }),
        )
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "max-age=3600")], text)
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
    frame::wide_page(
        language,
        heading,
        &frame::Who::Nobody,
        html! {
            h1 { (heading) }
            p { (language.say("実際のサービスが送るメールとSMSです。新しい順に並んでいます。", "What a real service would mail and text, newest first.")) }
            ul.links { li { a href="/wallet" { (language.say("お客様の画面へ", "To the customer's pages")) } } li { a href="/support" { (language.say("サポート窓口へ", "To the support desk")) } } }
            @for message in app.outbox.messages() {
                article.message.card {
                    p.meta { (message.to) " · " (crate::words::moment(language, message.at)) }
                    pre { (linked(&message.text, &app.settings.origin)) }
                }
            }
        },
    )
}

/// A message, its links to this exchange as links.
fn linked(text: &str, origin: &str) -> Markup {
    html! {
        @for word in text.split_inclusive(char::is_whitespace) {
            @let link = word.trim_end();
            @match link.strip_prefix(origin).filter(|path| path.starts_with('/')) {
                Some(path) => { a href=(path.replace("//", "/")) { (link) } (word.strip_prefix(link).unwrap_or_default()) }
                None => { (word) }
            }
        }
    }
}

/// The status of a refusal, and when to come back.
pub(crate) fn refusal(rejection: &Rejection, now: u64) -> (StatusCode, HeaderMap) {
    let problem = Problem::refused(rejection, CodeKind::AppCode, UnixTime::from_secs(now));
    let wait = problem.retry_in().map(|secs| (RETRY_AFTER, HeaderValue::from(secs)));
    (problem.status(), wait.into_iter().collect())
}

/// The kind of code that is asked for: an app's, if there is one.
fn typed(view: &AccountView) -> CodeKind {
    let has_app = view.authenticators.iter().any(|own| matches!(own.kind, AuthenticatorKind::App { .. }));
    if has_app || view.authenticators.is_empty() { CodeKind::AppCode } else { CodeKind::DeliveredCode }
}

/// The page's head says whose it is.
fn of(customer: &Customer) -> frame::Who<'_> {
    frame::Who::Customer(&customer.email)
}
