//! The guided tour of `--demo`: a strip above a page that says what to try next, so that the whole
//! story is seen in ten minutes.

use crate::App;
use crate::language::Language;
use maud::{Markup, html};

/// A stop of the tour, which is a page.
#[derive(Clone, Copy)]
pub(super) enum Stop {
    SignUp,
    Enroll,
    Scan,
    Wallet,
    Code,
    Recovered,
    Settings,
    Desk,
}

/// The strip of a page; nothing without `--demo`.
pub(super) fn strip(app: &App, language: Language, stop: Stop) -> Markup {
    if !app.settings.is_demo {
        return html! {};
    }
    let (number, text) = match stop {
        Stop::SignUp => (1, language.say(
            "メールは届きません。好きなアドレスとパスワードで登録してください。届くはずのものは送信箱で見られます。",
            "Sign up with any address and password. Nothing is sent: what would be is in the outbox.")),
        Stop::Enroll => (2, language.say("スマートフォンの認証アプリを用意してください。", "Have an authenticator app at hand.")),
        Stop::Scan => (3, language.say(
            "QRコードを読み取り、コードを入力します。わざと間違えても、同じQRコードのままです。",
            "Scan it, and type a code. Mistype one first: the QR code stays the same.")),
        Stop::Wallet => (4, language.say(
            "出金してみてください。登録後1分は停止中です。次に、ログアウトしてスマートフォンをなくしたつもりでログインします。",
            "Withdraw: for a minute it is held. Then lose your phone: log out, and log in without it.")),
        Stop::Code => (5, language.say(
            "わざと5回間違えるとロックされます。リカバリーコードならロック中でも入れます。",
            "Type five wrong codes, and it is locked. A recovery code gets you in all the same.")),
        Stop::Recovered => (6, language.say(
            "新しいスマートフォンを設定してください。",
            "Now set up the new phone.")),
        Stop::Settings => (7, language.say(
            "機種変更、停止、凍結。凍結したら、サポート窓口で解除してください。",
            "Change the phone, suspend, freeze. After a freeze, go to the support desk.")),
        Stop::Desk => (8, language.say(
            "お客様を探し、状態と履歴を見て、リセットしてみてください。リンクは送信箱にあります。",
            "Find your customer, see state and history, reset. The link is in the outbox.")),
    };
    html! {
        div.tour role="note" aria-label=(language.say("デモの案内", "Tour of the demonstration")) {
            strong { (number) "/8" }
            p { (text) }
            a href="/outbox" { (language.say("送信箱", "Outbox")) }
            a href="/support" { (language.say("サポート窓口", "Support desk")) }
        }
    }
}
