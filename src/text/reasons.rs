//! Why a code was refused, as a history tells its owner.

use super::Language;
use crate::otp::Reason;

impl Reason {
    /// A sentence that says why a code was refused, for a list of what has happened. What to do
    /// about it is [`Advice::text`](crate::otp::Advice::text).
    #[must_use]
    pub const fn text(self, language: Language) -> &'static str {
        let (japanese, english) = match self {
            Self::Mismatch => ("コードが違っていました。", "The code was wrong."),
            Self::Expired => ("コードの有効期限が切れていました。", "The code had run out."),
            Self::Replayed => ("コードは使用済みでした。", "The code had been used before."),
            Self::Malformed => ("コードの形式ではありませんでした。", "What was typed was no code."),
            Self::Locked => ("ロック中でした。", "Codes were locked after several wrong ones."),
            Self::Busy => ("短時間での利用回数が多すぎました。", "There had been too many log-ins within ten minutes."),
            Self::Disabled => ("認証方法が無効になっていました。", "The authenticators had been disabled."),
            Self::Held => ("操作が一時的に停止されていました。", "This was held for a while."),
            Self::Frozen => ("アカウントが凍結されていました。", "The account was frozen."),
            Self::SendLimited => ("送信回数の上限に達していました。", "Too many messages had been asked for."),
            Self::UnknownRecoveryCode => {
                ("有効なリカバリーコードではありませんでした。", "It was no unused recovery code.")
            }
            Self::ReplacedEnrollment => ("以前のQRコードのコードでした。", "The code was of an earlier QR code."),
            Self::AddressRefused => ("宛先への送信が認められませんでした。", "Nothing is sent to that address now."),
        };
        language.choose(japanese, english)
    }
}
