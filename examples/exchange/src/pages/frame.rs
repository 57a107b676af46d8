//! The frame around all pages, and the fields and notices that they share.

use crate::language::Language;
use crate::words;
use maud::{DOCTYPE, Markup, html};
use sekisho::otp::Totp;

/// The exchange's name: on its pages, in its messages, and beside the code in apps.
pub(crate) const NAME: &str = "Tsubame Exchange";

/// The reader of a page.
pub(super) enum Who<'a> {
    Nobody,
    Customer(&'a str),
    Operator(&'a str),
}

/// A page of one thing to do.
pub(super) fn page(language: Language, title: &str, who: &Who<'_>, body: Markup) -> Markup {
    framed(language, title, who, body, false)
}

/// A page with tables and lists.
pub(super) fn wide_page(language: Language, title: &str, who: &Who<'_>, body: Markup) -> Markup {
    framed(language, title, who, body, true)
}

#[allow(clippy::needless_pass_by_value)] // so that a page is one expression
fn framed(language: Language, title: &str, who: &Who<'_>, body: Markup, is_wide: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – " (NAME) }
                link rel="icon" href="/mark.svg" type="image/svg+xml";
                link rel="stylesheet" href="/style.css";
                script src="/script.js" defer {}
            }
            body {
                a.skip href="#main" { (language.say("本文へ", "Skip to content")) }
                header {
                    a.brand href="/" { (mark()) (NAME) }
                    (navigation(language, who))
                }
                main #main class=[is_wide.then_some("wide")] { (body) }
                footer {
                    (language.say("デモです。実際のお金は動きません。", "A demonstration: no money moves.")) " "
                    a href="/help" { (language.say("お困りのときは", "Help and contact")) }
                }
            }
        }
    }
}

/// A swallow, which is what the exchange is named for.
fn mark() -> Markup {
    html! {
        svg viewBox="0 0 32 32" aria-hidden="true" focusable="false" {
            path d="M2 7c8 0 12 3 14 8 2-5 6-8 14-8-5 3-8 6-9 11l5 9-10-7-10 7 5-9C10 13 7 10 2 7z" {}
        }
    }
}

/// The same, as a file: the icon of a tab.
pub(super) const MARK: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#0a5bb8" d="M2 7c8 0 12 3 14 8 2-5 6-8 14-8-5 3-8 6-9 11l5 9-10-7-10 7 5-9C10 13 7 10 2 7z"/></svg>"##;

fn navigation(language: Language, who: &Who<'_>) -> Markup {
    html! {
        nav aria-label=(language.say("メニュー", "Menu")) {
            @match who {
                Who::Nobody => {
                    a href="/log-in" { (language.say("ログイン", "Log in")) }
                    a href="/sign-up" { (language.say("新規登録", "Sign up")) }
                }
                Who::Customer(email) => {
                    a href="/wallet" { (language.say("ウォレット", "Wallet")) }
                    a href="/security" { (language.say("セキュリティ", "Security")) }
                    span.who { (email) }
                    (log_out(language))
                }
                Who::Operator(name) => {
                    a href="/support" { (language.say("サポート窓口", "Support desk")) }
                    span.who { (name) }
                    (log_out(language))
                }
            }
            form method="post" action="/language" {
                @let other = language.say("en", "ja");
                button.plain type="submit" name="language" value=(other) lang=(other) { (language.say("English", "日本語")) }
            }
        }
    }
}

fn log_out(language: Language) -> Markup {
    html! {
        form method="post" action="/log-out" {
            button.plain #log-out type="submit" { (language.say("ログアウト", "Log out")) }
        }
    }
}

/// A page of one sentence, with the way that leads on.
#[allow(clippy::needless_pass_by_value)] // as above
pub(super) fn plain(language: Language, title: &str, notice: Markup, way: &Way) -> Markup {
    page(
        language,
        title,
        &Who::Nobody,
        html! {
            h1 { (title) }
            (notice)
            p { a.button href=(way.to) { (way.text) } }
        },
    )
}

/// A link that leads on from a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) to: &'static str,
    pub(crate) text: &'static str,
}

/// The field for an app's code, where it is one step of several.
pub(super) fn code_field(language: Language, id: &str, label: &str, now: u64) -> Markup {
    html! {
        label for=(id) { (label) }
        input id=(id) name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="64"
            data-digits=(Totp::DEFAULT.digits.count()) aria-describedby=(format!("{id}-hint"));
        (next_code(language, id, now))
    }
}

/// The field for an app's code, where it is what the page is for. A lock closes it until it ends.
pub(super) fn main_code_field(language: Language, label: &str, now: u64, is_locked: bool) -> Markup {
    html! {
        label for="code" { (label) }
        input #code name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="64" autofocus
            data-digits=(Totp::DEFAULT.digits.count()) aria-describedby="code-hint" data-locked[is_locked] disabled[is_locked];
        (next_code(language, "code", now))
    }
}

/// The fields for a code that proves who asks: of the app, one that was sent, or a recovery code.
pub(super) fn proof_fields(language: Language, now: u64) -> Markup {
    html! {
        label for="code" { (language.say("認証コード", "Code")) }
        input #code name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="64" autofocus
            data-digits=(Totp::DEFAULT.digits.count()) aria-describedby="code-hint";
        (next_code(language, "code", now))
        details {
            summary { (language.say("スマートフォンが手元にない場合", "The phone is not at hand")) }
            (recovery_field(language, "recovery-code", false))
        }
    }
}

/// The field for a recovery code.
pub(super) fn recovery_field(language: Language, id: &str, is_required: bool) -> Markup {
    html! {
        label for=(id) { (language.say("リカバリーコード", "Recovery code")) }
        input id=(id) name="recovery" autocomplete="off" autocapitalize="characters" spellcheck="false" required[is_required]
            maxlength="64" aria-describedby=(format!("{id}-hint"));
        p.hint id=(format!("{id}-hint")) {
            (language.say("印刷または保存した用紙の、未使用のコード", "An unused one of the sheet that you have kept"))
        }
    }
}

fn next_code(language: Language, id: &str, now: u64) -> Markup {
    let period = Totp::DEFAULT.period.as_secs();
    html! {
        p.hint id=(format!("{id}-hint")) {
            span.ring aria-hidden="true" {}
            (language.say("認証アプリの6桁のコード。次のコードまで ", "Six digits from your authenticator app. Next code in "))
            span.counted { span.next-code aria-live="off" data-now=(now) data-period=(period) { (period.saturating_sub(now.checked_rem(period).unwrap_or(0))) } (language.say(" 秒", " s")) }
        }
    }
}

/// The field for a code that was sent.
pub(super) fn sent_code_field(language: Language, is_locked: bool) -> Markup {
    html! {
        label for="code" { (language.say("メッセージのコード", "The code in the message")) }
        input #code name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="64" autofocus
            data-locked[is_locked] disabled[is_locked];
    }
}

/// The field for a pass whose link was opened elsewhere.
pub(super) fn pass_field(language: Language, id: &str) -> Markup {
    html! {
        label for=(id) { (language.say("サポートから届いたリンク", "The link that support has mailed")) }
        input id=(id) name="pass" autocomplete="off" spellcheck="false" maxlength="200";
    }
}

/// The box that asks whether to remember the browser, and says what that does.
pub(super) fn remember_box(language: Language, id: &str) -> Markup {
    html! {
        label.check for=(id) {
            input id=(id) type="checkbox" name="remember" value="yes";
            span {
                (language.say("このブラウザを記憶する", "Remember this browser")) br;
                span.hint { (language.say(
                    "コードは次回も必要です。ほかの人がコードを間違えてロックされても、このブラウザからはログインできます。共用の端末では使わないでください。",
                    "It is asked for codes as before. But when others guess and lock the account, this browser still gets in. Not on a shared computer.")) }
            }
        }
    }
}

/// The hold that a change sets, and when it will end.
pub(super) fn hold_ahead(language: Language, now: u64, secs: u64) -> Markup {
    html! {
        p {
            (language.say("変更後、", "Withdrawals are then held until "))
            strong { (words::moment(language, now.saturating_add(secs))) }
            (language.say("まで出金が停止されます。", "."))
        }
    }
}

/// A notice that something went well.
pub(super) fn done(text: &str) -> Markup {
    html! { div.notice.done role="status" { p { (text) } } }
}

/// A notice that something was not taken.
pub(super) fn wrong(text: &str) -> Markup {
    html! { div.notice.refused role="alert" { p { (text) } } }
}
