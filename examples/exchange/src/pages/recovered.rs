//! After a log-in by a recovery code: what is held, and what to do next.

use super::{frame, of, states, tour};
use crate::App;
use crate::language::Language;
use crate::session::LoggedIn;
use axum::extract::State;
use maud::{Markup, html};
use sekisho::account::{AuthenticatorKind, AuthenticatorState};

/// The page's address.
pub(super) const PAGE: &str = "/recovered";

pub(super) async fn page(State(app): State<App>, language: Language, LoggedIn(owner): LoggedIn) -> Markup {
    let heading = language.say("リカバリーコードでログインしました", "You have logged in with a recovery code");
    let suspended = owner.view.authenticators.iter().find(|own| own.state == AuthenticatorState::Suspended);
    let app_of_owner = owner.view.authenticators.iter().find(|own| matches!(own.kind, AuthenticatorKind::App { .. }));
    frame::page(
        language,
        heading,
        &of(&owner.customer),
        html! {
            (tour::strip(&app, language, tour::Stop::Recovered))
            h1 { (heading) }
            (states::hold(&app, language, &owner.view))
            p { (language.say("未使用のリカバリーコード: ", "Recovery codes left: ")) strong #recovery-left { (owner.view.recovery_codes_left) } }
            section.card {
                h2 { (language.say("スマートフォンを替える", "Set up another phone")) }
                @if owner.view.recovery_codes_left == 0 {
                    p { (language.say("これにはもう1つリカバリーコードが必要ですが、残っていません。サポートにご連絡ください。",
                        "It takes another recovery code, and none is left: contact support.")) }
                    a.button href="/help" { (language.say("サポートの連絡先", "How to reach support")) }
                } @else { p { (language.say("なくした、壊れた、機種変更した場合。もう1つリカバリーコードを使います。",
                    "It is lost, broken, or was replaced. This takes another recovery code.")) }
                @match app_of_owner {
                    Some(own) => { a.button href=(format!("/security/replace?id={}", own.id.number())) { (language.say("新しいスマートフォンを設定", "Set up the new phone")) } }
                    None => { a.button href="/security/add" { (language.say("認証アプリを追加", "Add an authenticator app")) } }
                } }
            }
            @if let Some(own) = suspended {
                section.card {
                    h2 { (language.say("一時停止を解除する", "Resume what you have suspended")) }
                    a.button href=(format!("/security/resume?id={}", own.id.number())) { (language.say("再開", "Resume it")) }
                }
            }
            section.card {
                h2 { (language.say("盗まれたかもしれない", "It may have been stolen")) }
                p { (language.say("ほかの人が使えないよう、すぐにアカウントを凍結できます。", "Freeze the account at once, so that nobody else uses it.")) }
                a.button.plain href="/security/freeze" { (language.say("アカウントを凍結", "Freeze the account")) }
            }
            section.card {
                h2 { (language.say("手元に戻る予定がある", "It will be back")) }
                p { (language.say("使ったコードは二度と使えません。次に備えて、新しい用紙を発行してください。",
                    "The code that you have used is gone. Have a new sheet issued for the next time.")) }
                ul.links {
                    li { a href="/security/recovery-codes" { (language.say("新しいリカバリーコードを発行", "New recovery codes")) } }
                    li { a href="/wallet" { (language.say("ウォレットへ", "To the wallet")) } }
                }
            }
        },
    )
}
