//! The link of a mail by which an owner freezes the account at once. Opening it changes nothing, as
//! scanners of mail open links; the button does.

use super::frame::{self, Who};
use super::{activity, refusals};
use crate::App;
use crate::language::Language;
use crate::session::CameFrom;
use crate::trouble::Trouble;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sekisho::account::{AccountError, AccountId, OwnerFreeze};

/// The fields of the link.
#[derive(serde::Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    account: String,
    #[serde(default)]
    handle: String,
}

pub(super) async fn page(language: Language, Query(link): Query<Link>) -> Markup {
    let heading = language.say("アカウントの凍結", "Freeze the account");
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            section.card {
                p { (language.say(
                    "心当たりのない操作があった場合は、すぐに凍結してください。ログイン、出金、設定変更がすべて止まり、ほかのブラウザからもログアウトされます。解除にはサポートでの確認が必要です。",
                    "If it was not you, freeze the account now. Nobody logs in, withdraws or changes settings then, and every browser is logged out. Support ends it, once you have shown who you are.")) }
                form method="post" action="/freeze" {
                    input type="hidden" name="account" value=(link.account);
                    input type="hidden" name="handle" value=(link.handle);
                    button.main.grave #freeze type="submit" { (language.say("今すぐ凍結する", "Freeze it now")) }
                }
            }
        },
    )
}

pub(super) async fn freeze(
    State(app): State<App>,
    language: Language,
    CameFrom(source): CameFrom,
    Form(link): Form<Link>,
) -> Result<Response, Trouble> {
    let answer = match AccountId::new(&link.account) {
        Ok(account) => {
            app.verifier.freeze_by_owner(&account, OwnerFreeze::by_notice(&link.handle).with_source(source)).await
        }
        Err(_) => Err(AccountError::UnknownHandle.into()),
    };
    match answer {
        Ok(()) => Ok(activity::frozen(language).into_response()),
        Err(sekisho::Error::Account(AccountError::UnknownHandle) | sekisho::Error::NoSuchAccount) => {
            let title = language.say("このリンクは使えません", "This link does not work");
            let way =
                frame::Way { to: refusals::HELP, text: language.say("サポートに連絡する", "Contact support") };
            let notice = frame::wrong(AccountError::UnknownHandle.text(language.into()));
            Ok((StatusCode::FORBIDDEN, frame::plain(language, title, notice, &way)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
