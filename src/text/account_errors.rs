//! Sentences about what an account does not allow, for its owner.

use super::Language;
use crate::account::AccountError;

/// For mistakes that only the service's own code makes.
const NOT_POSSIBLE: (&str, &str) =
    ("この操作はできません。サポートにご連絡ください。", "This is not possible: contact support.");

impl AccountError {
    /// The sentence for the account's owner, which says what to do. `Display` writes what the
    /// service's engineers need instead, in English.
    #[must_use]
    #[allow(clippy::too_many_lines)] // a table
    pub const fn text(&self, language: Language) -> &'static str {
        let (japanese, english) = match self {
            Self::NotEnrolled => ("先に2段階認証を設定してください。", "Set up two-step login first."),
            Self::AlreadyEnrolled => ("2段階認証はすでに設定されています。", "Two-step login is set up already."),
            Self::TooMany => (
                "上限に達しています。追加の場合は、先にどれかを削除してください。それ以外は、サポートにご連絡ください。",
                "The limit is reached. To add one, remove another first; for anything else contact support.",
            ),
            Self::SameSecret => ("すでに登録されています。", "This one is set up already."),
            Self::PassNeeded => (
                "メールなどで届いたリンクが必要です。届いていないか、期限が切れている場合は、サポートにご連絡ください。",
                "This takes a link that was sent to you. If there is none, or it has run out, contact support.",
            ),
            Self::ConfirmationNeeded | Self::NothingSent => {
                ("先にコードを受け取り、入力してください。", "Have a code sent first, and type it.")
            }
            Self::AddressNotBound => (
                "このアドレスは登録されていません。登録済みのアドレスを使うか、サポートにご連絡ください。",
                "This address is not bound to the account: use one that is, or contact support.",
            ),
            Self::NoApp => ("登録されている認証アプリがありません。", "No app is set up whose clock could be off."),
            Self::Held { .. } => {
                ("一時的に停止されています。後ほどお試しください。", "This is held for a while: try again later.")
            }
            Self::Frozen => {
                ("アカウントは凍結されています。サポートにご連絡ください。", "The account is frozen: contact support.")
            }
            Self::UnknownHandle => (
                "このリンクは使えません。最新のメールのリンクを使うか、サポートにご連絡ください。",
                "This link does not work: use the one in the newest mail, or contact support.",
            ),
            Self::SessionEnded => {
                ("ログアウトされています。もう一度ログインしてください。", "You were logged out: log in again.")
            }
            Self::RecoveryWaits => (
                "まだ完了できません。待ち時間が過ぎ、毎日のお知らせが届いてからお試しください。",
                "It is too early: come back when the time is over and each day's notice has arrived.",
            ),
            Self::SecondOperatorNeeded => (
                "2人目の担当者が必要です。先に別の担当者が提案してください。",
                "This takes two: another operator has to propose it first.",
            ),
            Self::NotFrozen => ("アカウントは凍結されていません。", "The account is not frozen."),
            Self::NothingHeld => ("停止中の操作はありません。", "Nothing is held."),
            Self::NoSuchDevice { .. } | Self::NoSuchAuthenticator { .. } => {
                ("見つかりません。すでに削除されています。", "There is no such thing any more: it was removed.")
            }
            Self::NoRecoveryCodes => (
                "使えるリカバリーコードがありません。別の方法を使うか、サポートにご連絡ください。",
                "No recovery code is left: use another way, or contact support.",
            ),
            Self::RecoveryCodesDue => {
                ("先に新しいリカバリーコードを発行してください。", "Have new recovery codes issued first.")
            }
            Self::StrongerFactorNeeded => (
                "コードではできません。パスキーなど、登録済みのより強い認証方法をお使いください。",
                "A code is not enough: use the stronger factor that you have set up, a passkey say.",
            ),
            Self::NoStrongerFactor => (
                "より強い認証方法は登録されていません。コードをお使いください。",
                "No stronger factor is set up: use a code.",
            ),
            Self::HasStrongerFactor => {
                ("より強い認証方法はすでに登録されています。", "A stronger factor is set up already.")
            }
            Self::NotByRecovery => (
                "リカバリーコードではできません。先にリカバリーコードでログインしてください。",
                "A recovery code is not taken here: log in with it first.",
            ),
            Self::NothingPending => (
                "登録の期限が過ぎたか、すでに完了しています。設定をご確認ください。",
                "Its time was over and nothing has changed, or it was confirmed already: see your settings.",
            ),
            Self::LastAuthenticator => (
                "最後の認証方法のため、変更されませんでした。",
                "It is the last authenticator, and was left as it is: add another first.",
            ),
            Self::NotTheLast => (
                "ほかの認証方法が追加されたため、削除されませんでした。",
                "Another one was added meanwhile: it was not removed.",
            ),
            Self::AuthorizationEnded => (
                "アカウントに変更があったため、取り消されました。もう一度お手続きください。",
                "It was stopped, as the account has changed since: ask for it again.",
            ),
            Self::ProofEnded | Self::ProofSpent | Self::HandleNeeded => (
                "時間がかかりすぎました。新しいコードでもう一度お試しください。",
                "That took too long: try again with a new code.",
            ),
            Self::NotOffered => {
                ("ここでは再設定できません。サポートにご連絡ください。", "This is not offered here: contact support.")
            }
            Self::EventsWaiting => (
                "ただいま手続きできません。しばらくしてからお試しください。",
                "This does not work at the moment: try again in a while.",
            ),
            Self::NotNew
            | Self::ContextNeeded
            | Self::HoldLength
            | Self::NeverHeld
            | Self::Purpose
            | Self::UndeclaredPurpose { .. }
            | Self::IsAct
            | Self::NotAnAct
            | Self::ProofOfAnotherAccount
            | Self::ProofForAnotherPurpose
            | Self::ProofForAnotherContext
            | Self::Uri(_)
            | Self::Time(_) => NOT_POSSIBLE,
        };
        language.choose(japanese, english)
    }
}
