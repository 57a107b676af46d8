//! What customers are told, in their language.

use crate::language::Language;
use maud::{Markup, html};
use sekisho::account::{AccountError, AuthenticatorKind, Channel, Event, EventKind, Purpose, Text};
use sekisho::otp::{Advice, CodeKind, Rejection};

/// An answer to a code that was refused: what to do, and until when to wait, if that is it.
#[must_use]
pub fn refused(language: Language, rejection: &Rejection, typed: CodeKind, now: u64) -> Markup {
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
    let over = language.say("終了しました", "over");
    // Read once, not each second.
    html! { time.countdown aria-live="off" data-until=(until) data-now=(now) data-over=(over) { (duration(language, left)) } }
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

/// What to do.
#[must_use]
pub fn advice(language: Language, advice: Advice) -> String {
    let japanese = match advice {
        Advice::TypeTheDigits => "認証アプリに表示されている数字を入力してください。",
        Advice::WaitForTheNextCode => "このコードはもう使えません。次のコードをお待ちください。",
        Advice::WaitBeforeTheNextLogIn => "短時間でのご利用回数が多すぎます。しばらくお待ちください。",
        Advice::TypeItAsItAppears => {
            "コードの有効期限が切れています。新しいコードが表示されたらすぐに入力してください。"
        }
        Advice::CheckTheEntry => "コードが違います。認証アプリで当サービスの項目を見ているかご確認ください。",
        Advice::SetTheClockToAutomatic => {
            "コードが違います。スマートフォンの時刻を自動設定にしてから、新しいコードを入力してください。"
        }
        Advice::Resynchronize => {
            "スマートフォンの時刻がずれています。自動設定にするか、続けて表示された2つのコードを入力してずれを登録してください。"
        }
        Advice::WaitForTheLock => "コードの間違いが続いたため、ロックされています。解除までお待ちください。",
        Advice::WaitForTheHold => "セキュリティ設定の変更後のため、一時的に停止されています。後ほどお試しください。",
        Advice::WaitForTheMessage => {
            "送信済みのメッセージをお待ちください。届かない場合は、しばらくしてから再度送信してください。"
        }
        Advice::CheckTheMessage => "コードが違います。最新のメッセージのコードを入力してください。",
        Advice::AskForAnother => "このコードは期限切れか使用済みです。もう一度コードを送信してください。",
        Advice::CheckTheSheet => {
            "最新のリカバリーコードではないか、使用済みです。ご確認のうえ別のコードをお使いください。"
        }
        Advice::ScanTheNewestCode => {
            "以前のQRコードのコードです。アプリのその項目を削除し、現在表示されているQRコードを読み取ってください。"
        }
        Advice::TypeTwoCodesInARow => {
            "確認できませんでした。スマートフォンの時刻を自動設定にしてから、続けて表示された2つの新しいコードを入力してください。"
        }
        Advice::UseARecoveryCode => "コードの間違いが多すぎます。リカバリーコードを使うか、サポートにご連絡ください。",
        Advice::UseAnotherWay => "この番号には現在送信できません。認証アプリかリカバリーコードをお使いください。",
        Advice::ContactSupport => "ここでは操作できません。サポートにご連絡ください。",
        // More may come: what they mean is said in English then.
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

/// What has happened on an account, for its owner and for support.
#[must_use]
pub fn happened(language: Language, kind: &EventKind) -> &'static str {
    let (japanese, english) = match kind {
        EventKind::EnrollmentBegun { .. } => ("認証手段の登録が始まりました。", "An enrollment was begun."),
        EventKind::Confirmed { .. } => ("認証手段が追加されました。", "An authenticator was added."),
        EventKind::Accepted { .. } => ("コードが受け付けられました。", "A code was accepted."),
        EventKind::DeliveredCodeAccepted { .. } => {
            ("送信されたコードが受け付けられました。", "A code that was sent was accepted.")
        }
        EventKind::Rejected { .. } => ("コードが拒否されました。", "A code was refused."),
        EventKind::CodeSent { .. } => ("コードが送信されました。", "A code was sent."),
        EventKind::Resynchronized { .. } => {
            ("認証アプリの時刻のずれが登録されました。", "An app's clock was resynchronized.")
        }
        EventKind::Replaced { .. } => {
            ("認証手段が新しいものに替わりました。", "An authenticator was replaced by a new one.")
        }
        EventKind::DeviceRemembered { .. } => ("ブラウザが記憶されました。", "A browser was remembered."),
        EventKind::DeviceForgotten { .. } => ("ブラウザの記憶が削除されました。", "A browser was forgotten."),
        EventKind::PassMailed { .. } => ("仮パスコードがメールで送られました。", "A pass was mailed."),
        EventKind::Locked { .. } => (
            "パスワードの入力後にコードの間違いが続いたため、一時的にロックされました。",
            "After the right password, several codes were wrong: log-ins are locked for a while.",
        ),
        EventKind::Disabled => (
            "コードの間違いが多すぎるため、認証手段が無効になりました。",
            "Authenticators were disabled: too many wrong codes.",
        ),
        EventKind::Renamed { .. } => ("認証手段の名前が変わりました。", "An authenticator was renamed."),
        EventKind::Removed { .. } => ("認証手段が削除されました。", "An authenticator was removed."),
        EventKind::PassIssued { .. } => ("サポートが仮パスコードを発行しました。", "Support has issued a pass."),
        EventKind::RecoveryCodesIssued { .. } => ("リカバリーコードが発行されました。", "Recovery codes were issued."),
        EventKind::Recovered { .. } => ("リカバリーコードが使われました。", "A recovery code was used."),
        EventKind::Reset { .. } => ("サポートが2段階認証をリセットしました。", "Support has reset two-step login."),
        EventKind::Rebuilt { .. } => (
            "サポートが失われた認証情報を作り直しました。仮パスコードで再設定してください。",
            "Support has made your lost second factor anew: set it up with the pass.",
        ),
        EventKind::Frozen => ("サポートがアカウントを凍結しました。", "Support has frozen the account."),
        EventKind::Thawed => ("サポートがアカウントの凍結を解除しました。", "Support has ended the freeze."),
        EventKind::DriftCleared { .. } => (
            "サポートが認証アプリの時刻のずれの登録を取り消しました。",
            "Support has cleared what was known of an app's clock.",
        ),
        EventKind::Restored { .. } => ("バックアップから復元されました。", "The account was restored from a backup."),
        EventKind::TimesReplaced { .. } => {
            ("サーバーの時刻の誤りが訂正されました。", "A wrong time of a server was corrected.")
        }
        EventKind::EmailBound { .. } => ("確認用メールアドレスが登録されました。", "An e-mail address was bound."),
        EventKind::EmailUnbound { .. } => {
            ("確認用メールアドレスの登録が解除されました。", "An e-mail address was unbound.")
        }
        EventKind::Held { .. } => ("一部の操作が一時的に停止されました。", "Something is held for a while."),
        EventKind::HoldEnded { .. } => ("サポートが停止を解除しました。", "Support has ended a hold."),
        EventKind::FrozenByOwner => {
            ("メールのリンクからアカウントが停止されました。", "The account was stopped by the link of a mail.")
        }
        EventKind::AcceptedAfterFailures { .. } => (
            "コードの間違いが続いた後、正しいコードが入力されました。",
            "After several wrong codes, a right one was accepted.",
        ),
        EventKind::UnknownBrowser { .. } => {
            ("記憶していないブラウザからコードが入力されました。", "A code was accepted from an unknown browser.")
        }
        EventKind::Suspended { .. } => ("認証手段が一時停止されました。", "An authenticator was suspended."),
        EventKind::Resumed { .. } => ("認証手段が再開されました。", "An authenticator was resumed."),
        EventKind::AuthenticatorDisabled { .. } => {
            ("サポートが認証手段を無効にしました。", "Support has disabled an authenticator.")
        }
        EventKind::ResetProposed => {
            ("サポートが2段階認証のリセットを提案しました。", "Support proposes to reset two-step login.")
        }
        EventKind::ThawProposed => ("サポートが凍結の解除を提案しました。", "Support proposes to end the freeze."),
        EventKind::RebuildProposed => (
            "サポートが失われた認証情報の作り直しを提案しました。",
            "Support proposes to make your lost second factor anew.",
        ),
        EventKind::SelfRecoveryWaits { .. } => (
            "2段階認証の再設定が申し込まれています。心当たりがない場合は、コードでログインすると取り消されます。",
            "Somebody has asked to set your two-step login up anew. If it was not you, log in with a code: that ends it.",
        ),
        EventKind::SelfRecoveryEnded => {
            ("2段階認証の再設定の申し込みが取り消されました。", "The recovery was ended by a code of yours.")
        }
        EventKind::SelfRecovered { .. } => {
            ("2段階認証が再設定のためリセットされました。", "Two-step login was reset by the recovery.")
        }
        EventKind::RecoveryCodesShown => ("リカバリーコードが表示されました。", "Recovery codes were shown."),
        EventKind::RecoveryCodesVoided => ("リカバリーコードが無効にされました。", "The recovery codes were voided."),
        EventKind::StrongerFactorSet => ("より強い認証方法が登録されました。", "A stronger factor was recorded."),
        EventKind::StrongerFactorEnded => ("より強い認証方法の登録が解除されました。", "A stronger factor was ended."),
        EventKind::StrongerFactorEndProposed => {
            ("サポートがより強い認証方法の解除を提案しました。", "Support proposes to end your stronger factor.")
        }
        EventKind::Erased => ("アカウントの認証情報が消去されました。", "The account's second factor was erased."),
        _ => ("アカウントに変更がありました。", "Something on the account has changed."),
    };
    language.say(japanese, english)
}

/// The source of an event.
#[must_use]
pub fn source(event: &Event) -> String {
    let Some(source) = &event.source else { return String::new() };
    [source.address(), source.agent()].into_iter().flatten().collect::<Vec<_>>().join(" – ")
}

/// The reason why withdrawals are held: the exchange's own, or the policy's.
#[must_use]
pub fn held(language: Language, reason: Option<&Text>) -> &'static str {
    match reason.map(Text::as_str) {
        Some(_) => language.say(
            "パスワードが変更されたため、出金は停止中です。",
            "Withdrawals are held, as the password was changed.",
        ),
        None => language.say(
            "セキュリティ設定が変更されたため、出金は停止中です。",
            "Withdrawals are held, as the account's security was changed.",
        ),
    }
}

/// What the state of an account does not allow.
#[must_use]
pub fn impossible(language: Language, why: &AccountError) -> &'static str {
    let (japanese, english) = match why {
        AccountError::NotEnrolled => ("先に2段階認証を設定してください。", "Set up two-step login first."),
        AccountError::AlreadyEnrolled => ("2段階認証はすでに設定されています。", "Two-step login is set up already."),
        AccountError::TooMany => {
            ("これ以上は追加できません。先にどれかを削除してください。", "There is no room for more: remove one first.")
        }
        AccountError::SameSecret => ("すでに登録されています。", "That one is there already."),
        AccountError::PassNeeded => (
            "サポートから届いた仮パスコードが必要です。違うか、期限が切れている場合はサポートにご連絡ください。",
            "This takes the pass that support has mailed. If it is wrong, or has run out, contact support.",
        ),
        AccountError::RecoveryWaits => (
            "再設定できる日時になっていないか、お知らせが届いていません。",
            "It is too early, or the daily notices have not gone out: come back later.",
        ),
        AccountError::NothingSent => ("先にコードを受け取ってください。", "Have a code mailed first."),
        AccountError::AddressNotBound => ("このアドレスは登録されていません。", "That address is not bound."),
        AccountError::NoApp => ("登録されている認証アプリがありません。", "There is no app whose clock could be off."),
        AccountError::Held { .. } | AccountError::Frozen => {
            ("現在は停止されています。サポートにご連絡ください。", "This is held: contact support.")
        }
        AccountError::NoRecoveryCodes => (
            "使えるリカバリーコードがありません。サポートにご連絡ください。",
            "No recovery code is left: contact support.",
        ),
        AccountError::NotByRecovery => (
            "リカバリーコードではできません。先にログインしてください。",
            "Not by a recovery code: log in with it first.",
        ),
        AccountError::NothingPending => (
            "登録の期限が過ぎて何も変わっていないか、すでに登録が済んでいます。セキュリティ設定をご確認ください。",
            "Its time was over and nothing has changed, or it was confirmed already: see your security settings.",
        ),
        AccountError::NoSuchAuthenticator { .. } | AccountError::NoSuchDevice { .. } => {
            ("すでに削除されています。", "That one has gone already.")
        }
        AccountError::SecondOperatorNeeded => (
            "2人目の担当者が必要です。先に別の担当者が提案してください。",
            "This takes two: another operator has to propose it first.",
        ),
        AccountError::LastAuthenticator => {
            ("最後の認証手段のため、変更されませんでした。", "It is the last way in, and was left as it is.")
        }
        AccountError::StrongerFactorNeeded => (
            "コードではできません。より強い認証方法をお使いください。",
            "A code is not enough: use your stronger factor.",
        ),
        AccountError::RecoveryCodesDue => {
            ("先に新しいリカバリーコードを発行してください。", "Have new recovery codes issued first.")
        }
        AccountError::NotTheLast => (
            "ほかの認証手段が追加されたため、削除されませんでした。",
            "Another one was added meanwhile: it was not removed.",
        ),
        AccountError::ProofEnded | AccountError::ProofSpent => (
            "時間がかかりすぎました。新しいコードでもう一度お試しください。",
            "That took too long: try again with a new code.",
        ),
        _ => ("この操作はできません。サポートにご連絡ください。", "That is not possible: contact support."),
    };
    language.say(japanese, english)
}

/// A full-width digit as Japanese keyboards give it, as a digit; anything else as it is.
#[must_use]
pub fn half_width(c: char) -> char {
    let value = u32::from(c).checked_sub(u32::from('０')).and_then(|value| char::from_digit(value, 10));
    value.unwrap_or(c)
}

/// 1234567 as 1,234,567.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// What a hold is on.
#[must_use]
pub fn purpose(language: Language, purpose: Purpose) -> String {
    match purpose {
        Purpose::LOGIN => language.say("ログイン", "log-in").into(),
        Purpose::WITHDRAWAL => language.say("出金", "withdrawal").into(),
        Purpose::BINDING => language.say("セキュリティ設定の変更", "changes of security").into(),
        other => other.as_str().into(),
    }
}
