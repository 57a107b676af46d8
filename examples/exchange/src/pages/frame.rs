//! What all pages have around them.

use crate::language::Language;
use maud::{DOCTYPE, Markup, html};
use sekisho::otp::Totp;

/// Whose page it is.
pub(super) enum Who<'a> {
    Nobody,
    Customer(&'a str),
    Operator(&'a str),
}

/// A page.
#[allow(clippy::needless_pass_by_value)] // so that a page is one expression
pub(super) fn page(language: Language, title: &str, who: &Who<'_>, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – Example Exchange" }
                link rel="stylesheet" href="/style.css";
                script src="/script.js" defer {}
            }
            body {
                a.skip href="#main" { (language.say("本文へ", "Skip to content")) }
                header {
                    a.brand href="/" { "Example Exchange" }
                    (navigation(language, who))
                }
                main #main { (body) }
                footer { p { (language.say("デモです。実際のお金は動きません。", "A demonstration: no money moves.")) } }
            }
        }
    }
}

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

/// A page of one sentence.
pub(super) fn plain(language: Language, text: &str) -> Markup {
    page(language, text, &Who::Nobody, html! { p { (text) } })
}

/// The field for an app's code, as browsers and phones fill it in.
pub(super) fn code_field(language: Language, id: &str, label: &str, now: u64) -> Markup {
    html! {
        label for=(id) { (label) }
        input id=(id) name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="64"
            aria-describedby=(format!("{id}-hint"));
        (next_code(language, id, now))
    }
}

/// The fields for a code that proves who asks: of the app, one that was sent, or a recovery code.
pub(super) fn proof_fields(language: Language, id: &str, now: u64) -> Markup {
    html! {
        label for=(id) { (language.say("認証コード", "Code")) }
        input id=(id) name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="64" aria-describedby=(format!("{id}-hint"));
        (next_code(language, id, now))
        details {
            summary { (language.say("スマートフォンが手元にない場合", "The phone is not at hand")) }
            label for=(format!("{id}-recovery")) { (language.say("リカバリーコード", "Recovery code")) }
            input id=(format!("{id}-recovery")) name="recovery" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="64";
        }
    }
}

fn next_code(language: Language, id: &str, now: u64) -> Markup {
    let period = Totp::DEFAULT.period.as_secs();
    html! {
        p.hint id=(format!("{id}-hint")) {
            (language.say("認証アプリの6桁のコード。次のコードまで ", "Six digits from your authenticator app. Next code in "))
            span.next-code aria-live="off" data-now=(now) data-period=(period) { (period.saturating_sub(now.checked_rem(period).unwrap_or(0))) } (language.say(" 秒", " s"))
        }
    }
}

/// The field for a code that was sent.
pub(super) fn sent_code_field(language: Language, id: &str) -> Markup {
    html! {
        label for=(id) { (language.say("メッセージのコード", "The code in the message")) }
        input id=(id) name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="64" autofocus;
    }
}

/// The field for a pass, beside something else.
pub(super) fn pass_field(language: Language, id: &str) -> Markup {
    html! {
        label for=(id) { (language.say("サポートから届いた仮パスコード（ある場合）", "The pass from support, if you have one")) }
        input id=(id) name="pass" autocomplete="off" spellcheck="false" maxlength="128";
    }
}

/// What went well.
pub(super) fn done(text: &str) -> Markup {
    html! { div.done role="status" { p { (text) } } }
}

/// What was not taken.
pub(super) fn wrong(text: &str) -> Markup {
    html! { div.refused role="alert" { p { (text) } } }
}
