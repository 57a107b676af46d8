//! Japanese and English: what the browser prefers, unless its user has switched.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::request::Parts;
use std::convert::Infallible;

/// The cookie of those who have switched.
pub const COOKIE_NAME: &str = "language";

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Language {
    /// 日本語
    Japanese,
    /// English
    #[default]
    English,
}

impl Language {
    /// The one of the two texts that is in this language.
    #[must_use]
    pub const fn say(self, japanese: &'static str, english: &'static str) -> &'static str {
        match self {
            Self::Japanese => japanese,
            Self::English => english,
        }
    }

    /// For `lang` attributes and the cookie.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        self.say("ja", "en")
    }

    /// By its tag.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split('-').next()?.to_ascii_lowercase();
        match &*primary {
            "ja" => Some(Self::Japanese),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The one that is preferred most (RFC 9110, section 12.5.4).
    #[must_use]
    pub fn of_header(header: &str) -> Self {
        let weighed = header.split(',').take(16).filter_map(|part| {
            let (tag, parameters) = part.split_once(';').unwrap_or((part, "q=1"));
            let weight: f32 = parameters.trim().strip_prefix("q=")?.parse().ok()?;
            Some((Self::of_tag(tag)?, weight))
        });
        // Of equal ones the first.
        let best = weighed.fold(None, |best: Option<(Self, f32)>, next| match best {
            Some(best) if best.1 >= next.1 => Some(best),
            _ => Some(next),
        });
        best.filter(|(_, weight)| *weight > 0.0).map_or_else(Self::default, |(language, _)| language)
    }
}

impl Language {
    /// The one of a request: what its user has switched to, or what the browser prefers.
    #[must_use]
    pub fn of_headers(headers: &HeaderMap) -> Self {
        let switched = cookie(headers, COOKIE_NAME).and_then(Self::of_tag);
        let preferred = || headers.get(ACCEPT_LANGUAGE)?.to_str().ok().map(Self::of_header);
        switched.or_else(preferred).unwrap_or_default()
    }
}

impl From<Language> for sekisho::text::Language {
    fn from(language: Language) -> Self {
        match language {
            Language::Japanese => Self::Japanese,
            Language::English => Self::English,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of_headers(&parts.headers))
    }
}

/// A cookie of the request.
#[must_use]
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
}
