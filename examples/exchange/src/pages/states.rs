//! Notices of an account's states: what each is, since when, until when, and whom to ask.

use super::refusals::HELP;
use crate::App;
use crate::language::Language;
use crate::session::Owner;
use crate::trouble::Trouble;
use crate::words;
use maud::{Markup, html};
use sekisho::account::{AccountView, BlockedBy, Event, EventKind, Purpose, SecondStep};

/// The notices of an account's states. The time since when is read from the history, which is only
/// loaded where there is something to say.
pub(super) async fn notices(app: &App, language: Language, owner: &Owner) -> Result<Markup, Trouble> {
    let SecondStep::Blocked(by) = owner.view.second_step else { return Ok(html! {}) };
    let events = app.verifier.history(&owner.account).await?;
    let since = owner.view.frozen_at.map(sekisho::otp::UnixTime::as_secs).or_else(|| since(by, &events));
    Ok(blocked(language, by, since))
}

/// The time of the latest event that has led to the state.
fn since(by: BlockedBy, events: &[Event]) -> Option<u64> {
    let has_led_there = |event: &&Event| match by {
        BlockedBy::Frozen => matches!(event.kind, EventKind::Frozen | EventKind::FrozenByOwner),
        BlockedBy::Reset => {
            matches!(event.kind, EventKind::Reset { .. } | EventKind::Rebuilt { .. } | EventKind::SelfRecovered { .. })
        }
        BlockedBy::Disabled => matches!(event.kind, EventKind::Disabled | EventKind::AuthenticatorDisabled { .. }),
        BlockedBy::Suspended => matches!(event.kind, EventKind::Suspended { .. }),
        BlockedBy::StrongerFactor => matches!(event.kind, EventKind::StrongerFactorSet),
    };
    events.iter().rev().find(has_led_there).map(|event| event.at.as_secs())
}

fn blocked(language: Language, by: BlockedBy, since: Option<u64>) -> Markup {
    let (what, until) = match by {
        BlockedBy::Frozen => (
            language.say("アカウントは凍結されています。", "The account is frozen."),
            language.say(
                "ログイン、出金、設定変更はできません。ご本人の確認後、サポートが解除します。",
                "Nobody logs in, withdraws or changes settings. Support ends it, once you have shown who you are.",
            ),
        ),
        BlockedBy::Reset => (
            language.say("2段階認証はリセットされています。", "Two-step login was reset."),
            language.say(
                "メールで届いたリンクから設定し直すまで、ログインできません。",
                "You can log in once you have set it up anew, by the link that was mailed.",
            ),
        ),
        BlockedBy::Disabled => (
            language.say("認証方法は無効になっています。", "Your authenticators are disabled."),
            language.say(
                "コードの間違いが多すぎたか、サポートが無効にしました。リカバリーコードでログインして、設定し直してください。",
                "There were too many wrong codes, or support has disabled them. Log in with a recovery code, and set up anew.",
            ),
        ),
        BlockedBy::Suspended => (
            language.say("認証方法は一時停止されています。", "Your authenticators are suspended."),
            language.say(
                "ご自身の操作で停止されています。リカバリーコードでログインすると、再開できます。",
                "You have suspended them. Log in with a recovery code to resume them.",
            ),
        ),
        BlockedBy::StrongerFactor => (
            language.say("コードではログインできません。", "A code is not enough to log in."),
            language.say("登録済みのパスキーをお使いください。", "Use the passkey that you have set up."),
        ),
    };
    html! {
        div.notice.held #blocked role="status" {
            p { strong { (what) } }
            @if let Some(at) = since { p { (language.say("日時: ", "Since ")) (words::moment(language, at)) } }
            p { (until) }
            p { a href=(HELP) { (language.say("サポートの連絡先", "How to reach support")) } }
        }
    }
}

/// Returns whether nothing can be withdrawn now.
pub(super) fn is_held(view: &AccountView) -> bool {
    view.holds.iter().any(|hold| hold.purpose == Purpose::WITHDRAWAL)
}

/// Why nothing can be withdrawn now: the cause and the date, once.
pub(super) fn hold(app: &App, language: Language, view: &AccountView) -> Markup {
    let of_withdrawals = view.holds.iter().filter(|hold| hold.purpose == Purpose::WITHDRAWAL);
    html! {
        @if let Some(hold) = of_withdrawals.max_by_key(|hold| hold.until) {
            @let until = hold.until.as_secs();
            div.notice.held #hold role="status" {
                p { strong { (words::held(language, hold.reason.as_ref())) } }
                p {
                    (language.say("再開: ", "They are possible from ")) (words::moment(language, until))
                    " (" (language.say("あと ", "in "))
                    (words::countdown(language, until, app.now(), language.say("再開しました。", "now"))) ") "
                }
                p { (language.say("心当たりのない変更の場合は、", "If you did not change anything: "))
                    a href="/security/freeze" { (language.say("アカウントを凍結してください。", "freeze the account.")) } }
            }
        }
    }
}
