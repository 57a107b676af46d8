//! Pages for what was turned away and what failed, in the browser's language. They say how long to
//! wait, with a button that leads on. Programs get the same in plain text.

use super::frame::{self, Way};
use super::refusals::{self, HELP};
use crate::language::Language;
use crate::trouble::Told;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Puts the page in the place of the text, where a browser has asked.
pub(crate) async fn in_words(request: Request, next: Next) -> Response {
    let is_program = request.uri().path().starts_with("/api/") || request.uri().path() == "/health";
    let language = Language::of_headers(request.headers());
    let answer = next.run(request).await;
    let Some(told) = answer.extensions().get::<Told>().filter(|_| !is_program) else { return answer };
    let page = page(language, told).into_response();
    let (mut parts, _) = answer.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    if let Some(kind) = page.headers().get(CONTENT_TYPE) {
        parts.headers.insert(CONTENT_TYPE, kind.clone());
    }
    Response::from_parts(parts, Body::new(page.into_body()))
}

fn page(language: Language, told: &Told) -> maud::Markup {
    let back = Way { to: "/", text: language.say("最初のページへ", "To the first page") };
    let (title, text, way) = match told {
        Told::Busy { secs } => (
            language.say("混み合っています", "Too many requests at the moment"),
            match language {
                Language::Japanese => {
                    format!("{secs}秒ほど待って、もう一度お試しください。コードの間違いとしては数えられていません。")
                }
                Language::English => format!("Wait for {secs} s, and try again. Nothing was counted as a wrong code."),
            },
            Way { to: "/", text: language.say("もう一度試す", "Try again") },
        ),
        Told::Unknown { secs } => (
            language.say("応答がありませんでした", "There was no answer in time"),
            match language {
                Language::Japanese => {
                    format!("{secs}秒ほど待って、結果をご確認ください。操作は完了しているかもしれません。")
                }
                Language::English => {
                    format!("Wait for {secs} s, and look before you try again: it may have been done.")
                }
            },
            Way { to: "/", text: language.say("結果を確認する", "Look") },
        ),
        Told::NotAllowed(why) => (
            language.say("この操作はできませんでした", "That was not possible"),
            why.text(language.into()).to_owned(),
            refusals::way_from(language, why),
        ),
        Told::Broken => (
            language.say("システムエラーが発生しました", "Something is wrong on our side"),
            language
                .say(
                    "ご不便をおかけします。お客様の操作に問題はありません。続く場合はサポートにご連絡ください。",
                    "It is nothing that you have done. If it goes on, contact support.",
                )
                .to_owned(),
            Way { to: HELP, text: language.say("サポートの連絡先", "How to reach support") },
        ),
        Told::OtherSite => (
            language.say("別のサイトからの操作です", "That came from another site"),
            language
                .say(
                    "安全のため受け付けませんでした。このサイトのページから操作してください。",
                    "It was refused, to be safe. Use the pages of this site.",
                )
                .to_owned(),
            back,
        ),
        Told::TooLarge | Told::TooSlow => (
            language.say("受け付けられませんでした", "That could not be taken"),
            language
                .say(
                    "送信内容が大きすぎるか、時間がかかりすぎました。",
                    "It was more than any form has, or came too slowly.",
                )
                .to_owned(),
            back,
        ),
    };
    frame::plain(language, title, frame::wrong(&text), &way)
}
