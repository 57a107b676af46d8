//! What customers are told, in their language.

use crate::language::Language;
use maud::{Markup, html};
use sekisho::account::{AuthenticatorKind, Channel};
use sekisho::otp::{Advice, Rejection, Typed};

/// An answer to a code that was refused: what to do, and until when to wait, if that is it.
#[must_use]
pub fn refused(language: Language, rejection: &Rejection, typed: Typed, now: u64) -> Markup {
    let text = advice(language, rejection.advice_for(typed));
    html! {
        div.refused role="alert" {
            p { (text) }
            @if let Some(at) = rejection.retry_at() { p { (countdown(language, at.as_secs(), now)) } }
            @if let Some(left) = rejection.attempts_left().filter(|left| *left > 0) {
                p { (language.say("残りの試行回数: ", "Attempts left: ")) (left) }
            }
        }
    }
}

/// How long something lasts: counted down where scripts run, said once where they do not.
#[must_use]
pub fn countdown(language: Language, until: u64, now: u64) -> Markup {
    let left = until.saturating_sub(now);
    html! { time.countdown data-until=(until) data-now=(now) { (duration(language, left)) } }
}

/// "2 h 5 min".
#[must_use]
pub fn duration(language: Language, secs: u64) -> String {
    let (hours, minutes, rest) = (secs / 3_600, secs / 60 % 60, secs % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest} {}", language.say("秒", "s")),
        (0, _) => format!("{minutes} {} {rest} {}", language.say("分", "min"), language.say("秒", "s")),
        _ => format!("{hours} {} {minutes} {}", language.say("時間", "h"), language.say("分", "min")),
    }
}

/// A moment, in Japan's time and in UTC.
#[must_use]
pub fn moment(language: Language, secs: u64) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let secs = i64::try_from(secs).unwrap_or(i64::MAX);
    let Ok(utc) = time::OffsetDateTime::from_unix_timestamp(secs) else { return String::new() };
    match language {
        Language::Japanese => {
            let there = utc.to_offset(time::macros::offset!(+9));
            there.format(format).unwrap_or_default() + " JST"
        }
        Language::English => utc.format(format).unwrap_or_default() + " UTC",
    }
}

fn advice(language: Language, advice: Advice) -> String {
    let japanese = match advice {
        Advice::TypeTheDigits => "認証アプリに表示されている数字を入力してください。",
        Advice::WaitForTheNextCode => "このコードはもう使えません。次のコードをお待ちください。",
        Advice::WaitBeforeTheNextLogIn => "短時間のログインが多すぎます。しばらくお待ちください。",
        Advice::TypeItAsItAppears => {
            "コードの有効期限が切れています。新しいコードが表示されたらすぐに入力してください。"
        }
        Advice::CheckTheEntry => "コードが違います。認証アプリで当サービスの項目を見ているかご確認ください。",
        Advice::SetTheClockToAutomatic => {
            "コードが違います。スマートフォンの時刻を自動設定にしてから、新しいコードを入力してください。"
        }
        Advice::WaitForTheLock => "コードの間違いが続いたため、ロックされています。解除までお待ちください。",
        Advice::WaitForTheHold => "セキュリティ設定の変更後のため、一時的に停止されています。後ほどお試しください。",
        Advice::WaitForTheMessage => "送信済みのメッセージをお待ちになるか、後ほどもう一度お求めください。",
        Advice::CheckTheMessage => "コードが違います。最新のメッセージのコードを入力してください。",
        Advice::AskForAnother => "このコードは期限切れか使用済みです。もう一度お求めください。",
        Advice::CheckTheSheet => {
            "最新のリカバリーコードではないか、使用済みです。ご確認のうえ別のコードをお使いください。"
        }
        Advice::TypeTwoCodesInARow => {
            "確認できませんでした。スマートフォンの時刻を自動設定にしてから、続けて表示された2つの新しいコードを入力してください。"
        }
        Advice::UseARecoveryCode => "コードの間違いが多すぎます。リカバリーコードを使うか、サポートにご連絡ください。",
        // More may come: what they mean is said in English then.
        Advice::ContactSupport => "ここでは操作できません。サポートにご連絡ください。",
        _ => return advice.to_string(),
    };
    match language {
        Language::Japanese => japanese.into(),
        Language::English => advice.to_string(),
    }
}

/// What an authenticator is.
#[must_use]
pub fn kind(language: Language, kind: &AuthenticatorKind) -> String {
    match kind {
        AuthenticatorKind::App { .. } => language.say("認証アプリ", "authenticator app").into(),
        AuthenticatorKind::Address { channel, masked, .. } => {
            let channel = match channel {
                Channel::Sms => language.say("SMS", "text message"),
                Channel::Voice => language.say("音声通話", "voice call"),
                _ => language.say("メール", "mail"),
            };
            format!("{channel} {masked}")
        }
        _ => String::new(),
    }
}
