//! The page that says how to reach support: every refusal can lead there.

use super::frame::{self, Who};
use crate::language::Language;
use maud::{Markup, html};

pub(super) async fn page(language: Language) -> Markup {
    let heading = language.say("お困りのときは", "Help and contact");
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            section.card {
                h2 { (language.say("ご自身でできること", "What you can do yourself")) }
                ul {
                    li { (language.say("コードが合わない: ", "Codes are refused: "))
                        a href="/resync" { (language.say("時刻のずれを登録する", "adjust to the phone's clock")) } }
                    li { (language.say("スマートフォンがない: ログイン画面で「リカバリーコード」を選ぶ", "The phone is not at hand: choose “Recovery code” when you log in")) }
                    li { (language.say("何も手元にない: ", "Nothing is left: "))
                        a href="/lost" { (language.say("登録したメールアドレスで再設定する", "recover by the mailbox that you have bound")) } }
                    li { (language.say("パスワードを忘れた: ", "The password is forgotten: "))
                        a href="/password/forgot" { (language.say("リンクを受け取る", "have a link mailed")) } }
                    li { (language.say("心当たりのない操作: 届いたメールのリンクですぐに凍結する", "Something was not you: freeze the account by the link in the mail that told you")) }
                }
            }
            section.card #contact {
                h2 { (language.say("サポート", "Support")) }
                dl {
                    dt { (language.say("メール", "Mail")) } dd { a href="mailto:support@tsubame.example" { "support@tsubame.example" } }
                    dt { (language.say("電話", "Telephone")) } dd { "0120-000-000 " (language.say("（24時間）", "(day and night)")) }
                    dt { (language.say("ご用意いただくもの", "Have at hand")) }
                    dd { (language.say("登録メールアドレスと、本人確認書類", "the address that you log in with, and a document that shows who you are")) }
                }
                p.hint { (language.say("サポートがコードやパスワードをお尋ねすることはありません。", "Support never asks for a code or a password.")) }
            }
            p.alone { a href="/log-in" { (language.say("ログイン画面へ", "To the log-in")) } }
        },
    )
}
