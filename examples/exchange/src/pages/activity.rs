//! The history of an account for its owner, and the owner's own freeze.

use super::frame::{self, Who};
use super::of;
use super::refusals::HELP;
use super::security::Settings;
use crate::App;
use crate::language::Language;
use crate::session::{self, LoggedIn};
use crate::trouble::Trouble;
use crate::words;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::{Event, EventKind, OwnerFreeze};
use tower_sessions::Session;

pub(super) async fn page(settings: Settings) -> Result<Response, Trouble> {
    if !settings.is_open() {
        return Ok(Redirect::to("/security").into_response());
    }
    let Settings { app, language, owner, .. } = settings;
    let events = app.verifier.history(&owner.account).await?;
    let heading = language.say("操作の記録", "Activity");
    let page = frame::wide_page(
        language,
        heading,
        &of(&owner.customer),
        html! {
            h1 { (heading) }
            section.card {
                p { (language.say("心当たりのない操作があれば、", "If something here was not you, "))
                    a href="/security/freeze" { (language.say("アカウントを凍結してください。", "freeze the account.")) } }
                (table(language, events.iter().rev()))
            }
            p.alone { a href="/security" { (language.say("セキュリティ設定に戻る", "Back to the security settings")) } }
        },
    );
    Ok(page.into_response())
}

/// Events with their sources, in the given order.
pub(super) fn table<'e>(language: Language, events: impl Iterator<Item = &'e Event>) -> Markup {
    let [when, what, from] =
        [language.say("日時", "When"), language.say("操作", "What"), language.say("接続元", "From")];
    html! {
        table #activity {
            thead { tr { th { (when) } th { (what) } th { (from) } } }
            tbody { @for event in events {
                tr {
                    td data-label=(when) { (words::moment(language, event.at.as_secs())) }
                    td data-label=(what) { (sentence(language, &event.kind)) }
                    td data-label=(from) { (words::source(event)) }
                }
            } }
        }
    }
}

/// The sentence of an event; of a refusal, also why.
fn sentence(language: Language, kind: &EventKind) -> Markup {
    let text = words::happened(language, kind);
    html! {
        (text)
        @if let EventKind::Rejected { reason, .. } = kind { " " (reason.text(language.into())) }
    }
}

/// The page that asks whether the account shall be frozen.
pub(super) async fn freeze_page(language: Language, LoggedIn(owner): LoggedIn) -> Markup {
    let heading = language.say("アカウントの凍結", "Freeze the account");
    frame::page(
        language,
        heading,
        &of(&owner.customer),
        html! {
            h1 { (heading) }
            section.card {
                p { (language.say("すぐに次のようになります。", "At once:")) }
                ul {
                    li { (language.say("だれもログイン、出金、設定変更ができません。", "nobody logs in, withdraws or changes settings;")) }
                    li { (language.say("このブラウザを含め、すべてのブラウザからログアウトされます。", "every browser is logged out, this one too;")) }
                    li { (language.say("処理中の出金は取り消されます。", "withdrawals that wait are stopped.")) }
                }
                p { (language.say("解除には、サポートでの本人確認が必要です。コードは要りません。", "Support ends it, once you have shown who you are. No code is needed for it.")) }
                form method="post" action="/security/freeze" {
                    button.main.grave #freeze type="submit" { (language.say("今すぐ凍結する", "Freeze it now")) }
                }
            }
            p.alone { a href="/wallet" { (language.say("凍結せずに戻る", "Back, without a freeze")) } }
        },
    )
}

pub(super) async fn freeze(
    State(app): State<App>,
    language: Language,
    session: Session,
    LoggedIn(owner): LoggedIn,
) -> Result<Response, Trouble> {
    let freeze = OwnerFreeze::by_session(owner.view.epoch).with_source(owner.source.clone());
    app.verifier.freeze_by_owner(&owner.account, freeze).await?;
    session::end(&session).await?;
    Ok(frozen(language).into_response())
}

/// The answer to a freeze.
pub(super) fn frozen(language: Language) -> Markup {
    let heading = language.say("アカウントを凍結しました", "The account is frozen");
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            (frame::done(language.say(
                "だれもログインできません。解除するには、サポートにご連絡ください。",
                "Nobody can log in. Contact support to have the freeze ended.")))
            p { a.button href=(HELP) { (language.say("サポートの連絡先", "How to reach support")) } }
        },
    )
}
