//! The sheet of recovery codes: shown until its owner says that it is kept, also after a reload or
//! in the other language.

use super::{frame, of};
use crate::App;
use crate::language::Language;
use crate::session::{self, LoggedIn, Owner};
use crate::trouble::Trouble;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::{AccountError, RecoverySheet};
use tower_sessions::Session;

/// The page's address.
pub(super) const PAGE: &str = "/security/sheet";

pub(super) async fn page(
    State(app): State<App>,
    language: Language,
    session: Session,
    LoggedIn(owner): LoggedIn,
) -> Result<Response, Trouble> {
    let handle = session::sheet(&session).await?;
    match app.verifier.waiting_recovery_codes(&owner.account, &handle).await {
        Ok(sheet) => Ok(show(language, &owner, &sheet).into_response()),
        // It is kept, or its time is over.
        Err(sekisho::Error::Account(AccountError::NothingPending)) => {
            Ok(Redirect::to("/security#recovery").into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn show(language: Language, owner: &Owner, sheet: &RecoverySheet) -> Markup {
    let heading = language.say("リカバリーコード", "Recovery codes");
    frame::page(
        language,
        heading,
        &of(&owner.customer),
        html! {
            h1 { (heading) }
            p { (language.say(
                "印刷するか書き写して、安全な場所に保管してください。スマートフォンをなくしたとき、1つのコードで1回ログインできます。",
                "Print them, or copy them by hand, and keep them safe. Without the phone, each lets you in once.")) }
            ol.sheet #recovery-codes { @for code in sheet.codes().iter() { li { code { (code) } } } }
            p { (language.say(
                "「保管しました」を押すまで、以前のリカバリーコードが有効です。10分以内に押してください。",
                "They work once you say that you have kept them: within ten minutes. Until then earlier ones do.")) }
            form method="post" action=(PAGE) {
                button #kept type="submit" { (language.say("保管しました", "I have kept them")) }
            }
        },
    )
}

pub(super) async fn keep(
    State(app): State<App>,
    language: Language,
    session: Session,
    LoggedIn(owner): LoggedIn,
) -> Result<Response, Trouble> {
    let handle = session::sheet(&session).await?;
    match app.verifier.keep_recovery_codes(&owner.account, &handle).await {
        Ok(()) => Ok(Redirect::to("/wallet").into_response()),
        // Pressed twice, too late, or on a sheet that another one has replaced.
        Err(sekisho::Error::Account(AccountError::NothingPending)) => {
            let text = language.say(
                "この用紙のコードは有効になっていません。セキュリティ設定で残りのコード数を確認し、必要なら新しく発行してください。",
                "This sheet was kept before, or its time is over: see your security settings, and have a new one issued if in doubt.",
            );
            Ok((StatusCode::CONFLICT, frame::plain(language, text)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
