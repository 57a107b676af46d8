//! Sentences that say what to do after a refusal.

use super::Language;
use crate::otp::Advice;

impl Advice {
    /// The sentence that tells the person who typed the code what to do next. The English one is
    /// what `Display` writes.
    #[must_use]
    pub const fn text(self, language: Language) -> &'static str {
        let japanese = match self {
            Self::TypeTheDigits => "認証アプリに表示されている数字を入力してください。",
            Self::WaitForTheNextCode => "このコードはもう使えません。次のコードをお待ちください。",
            Self::WaitBeforeTheNextLogIn => "短時間でのご利用回数が多すぎます。しばらくお待ちください。",
            Self::TypeItAsItAppears => {
                "コードの有効期限が切れています。新しいコードが表示されたらすぐに入力してください。それでも期限切れになる場合は、スマートフォンの時刻を自動設定にしてください。"
            }
            Self::CheckTheEntry => {
                "コードが違います。認証アプリで当サービスの項目（複数ある場合は最新のもの）を見ているかご確認ください。"
            }
            Self::SetTheClockToAutomatic => {
                "コードが違います。スマートフォンの時刻を自動設定にしてから、新しいコードを入力してください。"
            }
            Self::Resynchronize => {
                "スマートフォンの時刻がずれています。自動設定にするか、続けて表示された2つのコードを入力してずれを登録してください。"
            }
            Self::WaitForTheLock => "コードの間違いが続いたため、ロックされています。解除までお待ちください。",
            Self::WaitForTheHold => "セキュリティ設定の変更後のため、一時的に停止されています。後ほどお試しください。",
            Self::WaitForTheMessage => {
                "最後に届いたメッセージのコードを入力するか、待ち時間が終わってからもう一度送信してください。"
            }
            Self::CheckTheMessage => "コードが違います。最新のメッセージのコードを入力してください。",
            Self::AskForAnother => "このコードは期限切れか使用済みです。もう一度コードを送信してください。",
            Self::CheckTheSheet => {
                "最新のリカバリーコードではないか、使用済みです。ご確認のうえ、別のコードをお使いください。"
            }
            Self::ScanTheNewestCode => {
                "以前のQRコードのコードです。アプリのその項目を削除し、現在表示されているQRコードを読み取ってください。"
            }
            Self::TypeTwoCodesInARow => {
                "確認できませんでした。スマートフォンの時刻を自動設定にしてから、続けて表示された2つの新しいコードを入力してください。"
            }
            Self::UseARecoveryCode => {
                "認証アプリのコードは現在使えません。リカバリーコードをお使いになるか、サポートにご連絡ください。"
            }
            Self::UseAnotherWay => "この宛先には現在送信できません。認証アプリかリカバリーコードをお使いください。",
            Self::ContactSupport => "ここでは操作できません。サポートにご連絡ください。",
        };
        language.choose(japanese, self.english())
    }
}
