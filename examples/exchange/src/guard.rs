//! What requests pass before a handler sees them: too many of one address, too many of all, those that another site sends, and headers that keep pages
//! to themselves.

use crate::{App, Settings};
use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

/// Forms are small.
const MAX_BODY: usize = 16 * 1024;
/// The verifier's own deadlines are shorter.
const LONGEST: Duration = Duration::from_secs(15);

/// Puts the guards around the routes.
pub fn around(routes: Router<App>, settings: &Settings) -> Router<App> {
    let mut rates = GovernorConfigBuilder::default();
    let rates = rates.period(settings.refill).burst_size(settings.burst).use_headers().finish();
    // Nothing is counted of what is turned away here: no handler has seen it.
    let shed = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(|_| async { overloaded() }))
        .layer(LoadShedLayer::new())
        .layer(GlobalConcurrencyLimitLayer::new(settings.at_once));
    let routes = routes
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST))
        .layer(middleware::from_fn(refuse_other_sites))
        .layer(shed);
    let routes = match rates {
        Some(rates) => routes.layer(GovernorLayer::new(Arc::new(rates))),
        None => routes,
    };
    headers().into_iter().fold(routes.layer(CatchPanicLayer::new()), |routes, (name, value)| {
        routes.layer(SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value)))
    })
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
        (REFERRER_POLICY, "no-referrer"),
        (STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
        // Keys, codes and balances are not for caches.
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ]
}

fn overloaded() -> Response {
    let text = "Too many requests at the moment: please try again. / 混み合っています。もう一度お試しください。\n";
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], text).into_response()
}

/// Cross-site request forgery: browsers say where a request comes from, and cannot be made to lie about it by pages. What is no browser sends neither
/// header, and has no cookies that others would want to use.
async fn refuse_other_sites(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) || is_own(&request) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "This request came from another site.\n").into_response()
}

fn is_own(request: &Request) -> bool {
    let header = |name: HeaderName| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    match header(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => matches!(site, "same-origin" | "none"),
        // Browsers of before 2023.
        None => match header(ORIGIN) {
            None => true,
            Some(origin) => origin.split_once("://").map(|(_, host)| host) == header(HOST),
        },
    }
}
