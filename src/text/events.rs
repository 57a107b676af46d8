//! Sentences about what has happened on an account, for notices and for the history.

use super::Language;
use crate::account::EventKind;

impl EventKind {
    /// A sentence that says what has happened, for the account's owner: in a mail, and in a list.
    /// Time, source and operator are fields of the [event](crate::account::Event).
    #[must_use]
    #[allow(clippy::too_many_lines)] // a table
    pub const fn text(&self, language: Language) -> &'static str {
        let (japanese, english) = match self {
            Self::EnrollmentBegun { .. } => ("認証方法の登録が始まりました。", "An authenticator is being set up."),
            Self::Confirmed { .. } => ("認証方法が追加されました。", "An authenticator was added."),
            Self::Accepted { .. } => ("認証アプリのコードが受け付けられました。", "A code of the app was accepted."),
            Self::DeliveredCodeAccepted { .. } => {
                ("送信されたコードが受け付けられました。", "A code that was sent was accepted.")
            }
            Self::StrongerFactorAccepted { .. } => {
                ("より強い認証方法で確認されました。", "The stronger factor was accepted.")
            }
            Self::Rejected { .. } => ("コードが拒否されました。", "A code was refused."),
            Self::CodeSent { .. } => ("コードが送信されました。", "A code was sent."),
            Self::Resynchronized { .. } => {
                ("認証アプリの時刻のずれが登録されました。", "An app's clock was resynchronized.")
            }
            Self::Replaced { .. } => {
                ("認証方法が新しいものに替わりました。", "An authenticator was replaced by a new one.")
            }
            Self::Renamed { .. } => ("認証方法の名前が変わりました。", "An authenticator was renamed."),
            Self::Removed { .. } => ("認証方法が削除されました。", "An authenticator was removed."),
            Self::Suspended { .. } => ("認証方法が一時停止されました。", "An authenticator was suspended."),
            Self::Resumed { .. } => ("認証方法が再開されました。", "An authenticator was resumed."),
            Self::DeviceRemembered { .. } => ("ブラウザが記憶されました。", "A browser was remembered."),
            Self::DeviceForgotten { .. } => ("ブラウザの記憶が削除されました。", "A browser was forgotten."),
            Self::Locked { .. } => (
                "正しいパスワードの後にコードの間違いが続いたため、一時的にロックされました。",
                "After the right password, several codes were wrong: log-ins are locked for a while.",
            ),
            Self::Disabled => (
                "コードの間違いが多すぎるため、認証方法が無効になりました。",
                "Authenticators were disabled: too many wrong codes.",
            ),
            Self::AcceptedAfterFailures { .. } => (
                "コードの間違いが続いた後、正しいコードが入力されました。",
                "After several wrong codes, a right one was accepted.",
            ),
            Self::UnknownBrowser { .. } => {
                ("記憶していないブラウザからコードが入力されました。", "A code was accepted from an unknown browser.")
            }
            Self::PassIssued { .. } => ("サポートが解除リンクを発行しました。", "Support has issued a pass."),
            Self::PassMailed { .. } => ("解除リンクがメールで送られました。", "A pass was mailed."),
            Self::RecoveryCodesIssued { .. } => ("リカバリーコードが発行されました。", "Recovery codes were issued."),
            Self::RecoveryCodesShown => ("リカバリーコードが表示されました。", "Recovery codes were shown."),
            Self::RecoveryCodesVoided => ("リカバリーコードが無効にされました。", "The recovery codes were voided."),
            Self::Recovered { .. } => ("リカバリーコードが使われました。", "A recovery code was used."),
            Self::Reset { .. } => ("サポートが2段階認証をリセットしました。", "Support has reset two-step login."),
            Self::Rebuilt { .. } => (
                "サポートが失われた認証情報を作り直しました。届いたリンクから設定し直してください。",
                "Support has made your lost second factor anew: set it up by the link that was mailed.",
            ),
            Self::Frozen => ("サポートがアカウントを凍結しました。", "Support has frozen the account."),
            Self::FrozenByOwner => {
                ("ご本人の操作でアカウントが凍結されました。", "The account was frozen at its owner's word.")
            }
            Self::Thawed => ("サポートがアカウントの凍結を解除しました。", "Support has ended the freeze."),
            Self::DriftCleared { .. } => (
                "サポートが認証アプリの時刻のずれの登録を取り消しました。",
                "Support has cleared what was known of an app's clock.",
            ),
            Self::AuthenticatorDisabled { .. } => {
                ("サポートが認証方法を無効にしました。", "Support has disabled an authenticator.")
            }
            Self::Restored { .. } => ("バックアップから復元されました。", "The account was restored from a backup."),
            Self::TimesReplaced { .. } => {
                ("サーバーの時刻の誤りが訂正されました。", "A wrong time of a server was corrected.")
            }
            Self::EmailBound { .. } => {
                ("確認用メールアドレスが登録されました。", "An e-mail address was bound to the account.")
            }
            Self::EmailUnbound { .. } => {
                ("確認用メールアドレスの登録が解除されました。", "An e-mail address was unbound from the account.")
            }
            Self::Held { .. } => ("一部の操作が一時的に停止されました。", "Something is held for a while."),
            Self::HoldEnded { .. } => ("サポートが停止を解除しました。", "Support has ended a hold."),
            Self::ResetProposed => {
                ("サポートが2段階認証のリセットを提案しました。", "Support proposes to reset two-step login.")
            }
            Self::ThawProposed => ("サポートが凍結の解除を提案しました。", "Support proposes to end the freeze."),
            Self::RebuildProposed => (
                "サポートが失われた認証情報の作り直しを提案しました。",
                "Support proposes to make your lost second factor anew.",
            ),
            Self::SelfRecoveryWaits { .. } => (
                "2段階認証の再設定が申し込まれています。心当たりがない場合は、コードでログインすると取り消されます。",
                "Somebody has asked to set your two-step login up anew. If it was not you, log in with a code: that ends it.",
            ),
            Self::SelfRecoveryEnded => {
                ("2段階認証の再設定の申し込みが取り消されました。", "The recovery was ended by a code of yours.")
            }
            Self::SelfRecovered { .. } => {
                ("2段階認証が再設定のためリセットされました。", "Two-step login was reset by the recovery.")
            }
            Self::StrongerFactorSet => ("より強い認証方法が登録されました。", "A stronger factor was recorded."),
            Self::StrongerFactorEnded => ("より強い認証方法の登録が解除されました。", "A stronger factor was ended."),
            Self::StrongerFactorEndProposed => {
                ("サポートがより強い認証方法の解除を提案しました。", "Support proposes to end your stronger factor.")
            }
            Self::Imported { .. } => {
                ("認証情報が以前のシステムから引き継がれました。", "The second factor was moved here.")
            }
            Self::Exported => ("認証情報が別のシステムへ書き出されました。", "The second factor was exported."),
            Self::Erased => ("アカウントの認証情報が消去されました。", "The account's second factor was erased."),
            Self::Unknown => ("アカウントに変更がありました。", "Something on the account has changed."),
        };
        language.choose(japanese, english)
    }
}
