//! The guards that requests pass before a handler sees them: too many of one address, too many of
//! all, those that another site sends, and headers that keep pages to themselves.

use crate::stores::OpenError;
use crate::trouble::Told;
use crate::{App, Settings, pages};
use axum::Router;
use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, USER_AGENT, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sekisho::account::Source;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

/// Forms are small: bytes of a body.
const MAX_BODY: usize = 16 * 1024;
/// The longest time that a body may take to come.
const SLOWEST: Duration = Duration::from_secs(5);
/// The longest time that an answer may take: the verifier's own deadlines are shorter.
const LONGEST: Duration = Duration::from_secs(15);
/// Addresses that have not been seen lately are forgotten so often.
const FORGETTING: Duration = Duration::from_secs(50);

/// Puts the guards around the routes.
///
/// # Errors
/// If the settings let nothing through.
pub fn around(routes: Router<App>, settings: &Settings) -> Result<Router<App>, OpenError> {
    // Nothing is counted of what is turned away here: no handler has seen it.
    let shed = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(|_| async { Told::Busy { secs: 1 } }))
        .layer(LoadShedLayer::new())
        .layer(GlobalConcurrencyLimitLayer::new(settings.at_once));
    let routes = routes
        .layer(middleware::from_fn(in_time))
        .layer(shed)
        // Outside: who sends slowly takes nobody's place.
        .layer(middleware::from_fn(whole))
        .layer(middleware::from_fn(refuse_other_sites));
    // A balancer asks for the health from anywhere, however much there is to do.
    let routes = limited(routes, settings)?.route("/health", get(health)).merge(pages::assets());
    let routes = routes.layer(middleware::from_fn(pages::in_words)).layer(CatchPanicLayer::new());
    Ok(headers().into_iter().fold(routes, |routes, (name, value)| {
        routes.layer(SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value)))
    }))
}

async fn health(State(app): State<App>) -> Response {
    if app.is_ready().await {
        return "ok\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "not ready: see the log\n").into_response()
}

/// By address: a burst, then one at a time.
fn limited(routes: Router<App>, settings: &Settings) -> Result<Router<App>, OpenError> {
    let mut rates = GovernorConfigBuilder::default();
    let rates = rates.period(settings.refill).burst_size(settings.burst);
    let rates = rates.key_extractor(Sender { is_behind_proxy: settings.is_behind_proxy }).finish();
    let rates = Arc::new(rates.ok_or("a burst of no requests, or no time to refill it, lets nobody in")?);
    let limiter = Arc::downgrade(rates.limiter());
    tokio::spawn(async move {
        while let Some(limiter) = limiter.upgrade() {
            limiter.retain_recent();
            drop(limiter);
            tokio::time::sleep(FORGETTING).await;
        }
    });
    Ok(routes.layer(GovernorLayer::new(rates).error_handler(too_many)))
}

/// The sender of a request: an IPv4 address, or the 64 bits of an IPv6 network, as one customer
/// has all of one.
#[derive(Clone, Debug)]
struct Sender {
    is_behind_proxy: bool,
}

impl KeyExtractor for Sender {
    type Key = IpAddr;

    fn extract<T>(&self, request: &axum::http::Request<T>) -> Result<IpAddr, GovernorError> {
        let address = address_of(request.headers(), request.extensions(), self.is_behind_proxy);
        Ok(match address.ok_or(GovernorError::UnableToExtractKey)?.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (!0 << 64)).into(),
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// The address that a request comes from: the proxy's word for it, where that is our own.
fn address_of(headers: &HeaderMap, extensions: &Extensions, is_behind_proxy: bool) -> Option<IpAddr> {
    if !is_behind_proxy {
        return extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    }
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    let last = last.rsplit(',').next()?.trim();
    last.parse().ok().or_else(|| Some(last.parse::<SocketAddr>().ok()?.ip()))
}

/// The name of a browser, by what it says of itself: in our words, since the mails that owners get
/// show it.
pub(crate) fn browser(headers: &HeaderMap) -> String {
    let says = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = |of: &[(&str, &'static str)], otherwise| {
        of.iter().find(|(word, _)| says.contains(word)).map_or(otherwise, |(_, name)| *name)
    };
    let browsers = [("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];
    let systems = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ];
    format!("{} – {}", first(&browsers, "browser"), first(&systems, "?"))
}

/// The source of a request, as the events of an account keep it.
pub(crate) fn source_of(parts: &Parts, is_behind_proxy: bool) -> Source {
    let address = address_of(&parts.headers, &parts.extensions, is_behind_proxy);
    let address = address.map_or_else(String::new, |address| address.to_canonical().to_string());
    Source::new().with_address(&address).with_agent(&browser(&parts.headers))
}

fn headers() -> [(HeaderName, &'static str); 7] {
    [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: browsers send no origin with forms then.
        (REFERRER_POLICY, "same-origin"),
        (STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
        // Keys, codes and balances are not for caches.
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ]
}

/// The answer to an address that has asked too often, or to one that nobody knows.
#[allow(clippy::needless_pass_by_value)] // as the limiter calls it
fn too_many(error: GovernorError) -> Response {
    let GovernorError::TooManyRequests { wait_time, .. } = error else { return Told::Broken.into_response() };
    let mut response = Told::Busy { secs: wait_time.max(1) }.into_response();
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response
}

async fn in_time(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(LONGEST, next.run(request)).await;
    answer.unwrap_or_else(|_| Told::Unknown { secs: 2 }.into_response())
}

/// Reads the body before a place is taken.
async fn whole(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match tokio::time::timeout(SLOWEST, axum::body::to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Ok(Err(_)) => Told::TooLarge.into_response(),
        Err(_) => Told::TooSlow.into_response(),
    }
}

/// Cross-site request forgery: browsers say where a request comes from, and cannot be made to lie
/// about it by pages. What is no browser sends neither header, and has no cookies that others would
/// want to use.
async fn refuse_other_sites(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) || is_own(&request) {
        return next.run(request).await;
    }
    Told::OtherSite.into_response()
}

fn is_own(request: &Request) -> bool {
    let header = |name: HeaderName| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    match header(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => matches!(site, "same-origin" | "none"),
        // Browsers of before 2023.
        None => match header(ORIGIN) {
            None => true,
            Some(origin) => origin.split_once("://").is_some_and(|(_, host)| Some(host) == header(HOST)),
        },
    }
}
