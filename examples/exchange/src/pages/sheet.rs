//! The sheet of recovery codes: shown until its owner says that it is kept, also after a reload or
//! in the other language.

use super::frame::{self, NAME};
use super::{of, refusals};
use crate::App;
use crate::language::Language;
use crate::session::{self, LoggedIn, Owner};
use crate::trouble::Trouble;
use crate::words;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::{AccountError, RecoverySheet};
use tower_sessions::Session;

/// The page's address.
pub(super) const PAGE: &str = "/security/sheet";
/// The address of the same as a file.
pub(super) const FILE: &str = "/security/recovery-codes.txt";

/// The sheet that this browser was shown, unless it is kept, or its time is over.
async fn waiting(app: &App, session: &Session, owner: &Owner) -> Result<Option<RecoverySheet>, Trouble> {
    let handle = session::sheet(session).await?;
    match app.verifier.waiting_recovery_codes(&owner.account, &handle).await {
        Ok(sheet) => Ok(Some(sheet)),
        Err(sekisho::Error::Account(AccountError::NothingPending)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn page(
    State(app): State<App>,
    language: Language,
    session: Session,
    LoggedIn(owner): LoggedIn,
) -> Result<Response, Trouble> {
    Ok(match waiting(&app, &session, &owner).await? {
        Some(sheet) => show(&app, language, &owner, &sheet).into_response(),
        None => Redirect::to("/security").into_response(),
    })
}

fn show(app: &App, language: Language, owner: &Owner, sheet: &RecoverySheet) -> Markup {
    let heading = language.say("リカバリーコード", "Recovery codes");
    frame::wide_page(
        language,
        heading,
        &of(&owner.customer),
        html! {
            h1 { (heading) }
            p.not-printed { (language.say(
                "安全な場所に保管してください。スマートフォンをなくしたとき、1つのコードで1回ログインできます。",
                "Keep them safe. Without the phone, each lets you in once.")) }
            section.card {
                p.meta { (NAME) " · " (owner.customer.email) " · " (words::moment(language, app.now())) }
                ol.sheet #recovery-codes { @for code in sheet.codes().iter() { li { code { (code) } } } }
                div.copy {
                    button.plain.needs-script type="button" hidden data-copy="#recovery-codes" data-done=(language.say("コピーしました", "Copied")) { (language.say("コピー", "Copy")) }
                    a.button.plain #download href=(FILE) download { (language.say("ファイルに保存", "Download")) }
                    button.plain.needs-script type="button" hidden data-print { (language.say("印刷", "Print")) }
                }
            }
            p.not-printed { (language.say(
                "まだ有効ではありません。10分以内に「保管しました」を押してください。",
                "They are not valid yet: press “I have kept them” within ten minutes.")) }
            @if owner.view.recovery_codes_left > 0 {
                p.not-printed { (language.say("それまでは以前のコードが有効です。", "Until then the earlier ones are.")) }
            }
            (frame::hold_ahead(language, app.now(), app.settings.policy.limits().binding_hold_secs))
            form method="post" action=(PAGE) {
                button.main #kept type="submit" { (language.say("保管しました", "I have kept them")) }
            }
        },
    )
}

/// The sheet as a text, with whose it is and what of.
pub(super) async fn file(
    State(app): State<App>,
    language: Language,
    session: Session,
    LoggedIn(owner): LoggedIn,
) -> Result<Response, Trouble> {
    let Some(sheet) = waiting(&app, &session, &owner).await? else {
        return Ok(Redirect::to("/security").into_response());
    };
    let heading = language.say("リカバリーコード（1つにつき1回使えます）", "Recovery codes (each is good once)");
    let mut text = format!("{NAME}\n{}\n{}\n{heading}\n\n", owner.customer.email, words::moment(language, app.now()));
    for code in sheet.codes().iter() {
        text.push_str(code);
        text.push('\n');
    }
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"tsubame-recovery-codes.txt\""),
    ];
    Ok((headers, text).into_response())
}

pub(super) async fn keep(
    State(app): State<App>,
    language: Language,
    session: Session,
    LoggedIn(owner): LoggedIn,
) -> Result<Response, Trouble> {
    let handle = session::sheet(&session).await?;
    match app.verifier.keep_recovery_codes(&owner.account, &handle).await {
        Ok(()) => {
            let text = language.say("リカバリーコードが有効になりました。", "Your recovery codes are in force.");
            session::say_next(&session, text).await?;
            Ok(Redirect::to("/wallet").into_response())
        }
        // Pressed twice, too late, or on a sheet that another one has replaced.
        Err(sekisho::Error::Account(AccountError::NothingPending)) => {
            let title = language.say("この用紙の手続きは終わっています", "This sheet waits no more");
            let text = language.say(
                "すでに保管済みか、期限が過ぎています。セキュリティ設定で残りのコード数を確認し、必要なら新しく発行してください。",
                "It was kept before, or its time is over: see your security settings, and have a new one issued if in doubt.",
            );
            let way = refusals::way_from(language, &AccountError::NothingPending);
            Ok((StatusCode::CONFLICT, frame::plain(language, title, frame::wrong(text), &way)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
