//! The link of a mail by which an owner stops the account at once. Opening it changes nothing, as
//! scanners of mail open links; the button does.

use super::frame::{self, Who};
use crate::App;
use crate::language::Language;
use crate::trouble::Trouble;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sekisho::account::{AccountError, AccountId};

/// The fields of the link.
#[derive(serde::Deserialize)]
pub(super) struct Link {
    account: String,
    handle: String,
}

pub(super) async fn page(language: Language, Query(link): Query<Link>) -> Markup {
    let heading = language.say("アカウントを停止", "Stop the account");
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            p { (language.say(
                "心当たりのない操作があった場合は、すぐに停止してください。ログイン、出金、設定変更がすべて止まり、ほかのブラウザからもログアウトされます。再開にはサポートでの確認が必要です。",
                "If it was not you, stop the account now. Nobody logs in, withdraws or changes settings then, and every browser is logged out. Support starts it again, once you have shown who you are.")) }
            form method="post" action="/freeze" {
                input type="hidden" name="account" value=(link.account);
                input type="hidden" name="handle" value=(link.handle);
                button #freeze type="submit" { (language.say("今すぐ停止する", "Stop it now")) }
            }
        },
    )
}

pub(super) async fn freeze(
    State(app): State<App>,
    language: Language,
    Form(link): Form<Link>,
) -> Result<Response, Trouble> {
    let answer = match AccountId::new(&link.account) {
        Ok(account) => app.verifier.freeze_by_owner(&account, &link.handle).await,
        Err(_) => Err(AccountError::UnknownHandle.into()),
    };
    match answer {
        Ok(()) => Ok(frame::plain(
            language,
            language.say(
                "アカウントを停止しました。再開するにはサポートにご連絡ください。",
                "The account is stopped. Contact support to start it again.",
            ),
        )
        .into_response()),
        Err(sekisho::Error::Account(AccountError::UnknownHandle) | sekisho::Error::NoSuchAccount) => {
            let text = language.say(
                "このリンクは使えません。最新のメールのリンクを使うか、サポートにご連絡ください。",
                "This link does not work: use that of the newest mail, or contact support.",
            );
            Ok((StatusCode::FORBIDDEN, frame::plain(language, text)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
