//! Words of the exchange beside the library's own sentences ([`sekisho::text`]), in both languages.

use crate::language::Language;
use maud::{Markup, html};
use sekisho::account::{AuthenticatorKind, Channel, Event, EventKind, Purpose, Text};

/// A time that is left: counted down where scripts run, said once where they do not. `over`
/// takes its place when it is over.
#[must_use]
pub fn countdown(language: Language, until: u64, now: u64, over: &str) -> Markup {
    let left = until.saturating_sub(now);
    // Read once, not each second.
    html! { time.countdown aria-live="off" data-until=(until) data-now=(now) data-over=(over) { (duration(language, left)) } }
}

/// "2 h 5 min", and "2 h" for a whole number of them.
#[must_use]
pub fn duration(language: Language, secs: u64) -> String {
    let (hours, minutes, rest) = (secs / 3_600, secs / 60 % 60, secs % 60);
    let [h, m, s] = [language.say("時間", "h"), language.say("分", "min"), language.say("秒", "s")];
    match (hours, minutes, rest) {
        (0, 0, _) => format!("{rest} {s}"),
        (0, _, 0) => format!("{minutes} {m}"),
        (0, ..) => format!("{minutes} {m} {rest} {s}"),
        (_, 0, _) => format!("{hours} {h}"),
        _ => format!("{hours} {h} {minutes} {m}"),
    }
}

/// A moment, in Japan's time and in UTC.
#[must_use]
pub fn moment(language: Language, secs: u64) -> String {
    use time::macros::{format_description, offset};
    let secs = i64::try_from(secs).unwrap_or(i64::MAX);
    let Ok(utc) = time::OffsetDateTime::from_unix_timestamp(secs) else { return String::new() };
    match language {
        Language::Japanese => {
            let format = format_description!("[year]年[month padding:none]月[day padding:none]日 [hour]:[minute]");
            utc.to_offset(offset!(+9)).format(format).unwrap_or_default()
        }
        Language::English => {
            let format = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute] UTC");
            utc.format(format).unwrap_or_default()
        }
    }
}

/// The kind of an authenticator.
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

/// The sentence of an event; of a hold that the exchange has set, also why and until when.
#[must_use]
pub fn happened(language: Language, kind: &EventKind) -> String {
    match kind {
        EventKind::Held { until, reason, .. } => {
            let until = moment(language, until.as_secs());
            format!("{} ({}{until})", held(language, Some(reason)), language.say("再開: ", "until "))
        }
        _ => kind.text(language.into()).to_owned(),
    }
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
            "リカバリーコードの使用、またはセキュリティ設定の変更のため、出金は停止中です。",
            "Withdrawals are held, as a recovery code was used or the account's security was changed.",
        ),
    }
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

/// The purpose that is held.
#[must_use]
pub fn purpose(language: Language, purpose: Purpose) -> String {
    match purpose {
        Purpose::LOGIN => language.say("ログイン", "log-in").into(),
        Purpose::WITHDRAWAL => language.say("出金", "withdrawal").into(),
        Purpose::BINDING => language.say("セキュリティ設定の変更", "changes of security").into(),
        other => other.as_str().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;
    use crate::language::Language::{English, Japanese};

    #[test]
    fn a_time_that_is_left_has_two_units_at_the_most_and_none_that_is_zero() {
        for (secs, said) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (3_600, "1 h"),
            (3_601, "1 h"),
            (3_661, "1 h 1 min"),
            (86_400, "24 h"),
            (172_799, "47 h 59 min"),
        ] {
            assert_eq!(duration(English, secs), said, "{secs}");
        }
        assert_eq!(duration(Japanese, 86_400), "24 時間");
    }
}
