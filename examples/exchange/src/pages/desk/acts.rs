//! The acts of operators for a customer. Each act has a reason, which the history keeps; one that
//! lets somebody in, or cannot be taken back, is asked twice, and says what it will do.

use super::{Found, show};
use crate::App;
use crate::customers::Customer;
use crate::language::Language;
use crate::pages::frame::{self, Who};
use crate::pages::pass;
use crate::session::{self, AtTheDesk};
use crate::trouble::Trouble;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::{
    AccountView, AuthenticatorId, AuthenticatorKind, AuthenticatorState, DeviceToken, Operator, ProposedAct,
};
use sekisho::seal::{KeyId, RecordLoss, SealError};
use tower_sessions::Session;

/// Characters of a reason: 128 bytes at the most, which is how much a history keeps.
const LONGEST: usize = 40;

pub(super) fn acts(app: &App, language: Language, customer: &Customer, view: &AccountView) -> Markup {
    let takes_two = app.settings.policy.limits().two_operators;
    let options = html! {
        option value="unlock" { (language.say("解除リンクを送る（ロック中でも入れる）", "Mail a link (lets in while locked)")) }
        @if view.frozen_at.is_none() { option value="freeze" { (language.say("凍結する", "Freeze")) } }
        @else { option value="thaw" { (language.say("凍結を解除する", "Thaw")) } }
        @if view.holds.iter().any(|hold| hold.reason.is_some()) {
            option value="end-holds" { (language.say("当社による停止を解除する", "End the holds that we have set")) }
        }
        option value="reset" { (language.say("リセットする（リンクから再設定）", "Reset (a link enrolls anew)")) }
        @if takes_two {
            option value="propose-reset" { (language.say("リセットを提案する", "Propose a reset")) }
            @if view.frozen_at.is_some() {
                option value="propose-thaw" { (language.say("凍結の解除を提案する", "Propose to end the freeze")) }
            }
        }
        @for own in view.authenticators.iter().filter(|own| own.state != AuthenticatorState::Disabled) {
            option value=(format!("disable {}", own.id.number())) {
                (language.say("無効にする: ", "Disable ")) (own.name.as_str())
            }
        }
        @for own in &view.authenticators {
            @if matches!(own.kind, AuthenticatorKind::App { drift, .. } if drift != 0) {
                option value=(format!("clear-drift {}", own.id.number())) {
                    (language.say("時計のずれの記録を消す: ", "Clear the drift of ")) (own.name.as_str())
                }
            }
        }
    };
    act_form(language, customer, &options)
}

/// The act names the loss that the operator has seen: should it be another one by then, nothing is
/// done.
pub(super) fn acts_on_lost(app: &App, language: Language, customer: &Customer, loss: RecordLoss) -> Markup {
    let loss = match loss {
        RecordLoss::Missing => "missing".into(),
        RecordLoss::Damaged => "damaged".into(),
        RecordLoss::LostKey(id) => format!("key-{}", id.number()),
    };
    let options = html! {
        @if app.settings.policy.limits().two_operators {
            option value=(format!("propose-rebuild {loss}")) { (language.say("作り直しを提案する", "Propose to rebuild it")) }
        } @else {
            option value=(format!("rebuild {loss}")) { (language.say("作り直す（リンクから再設定）", "Rebuild (a link enrolls anew)")) }
        }
    };
    act_form(language, customer, &options)
}

fn loss_named(name: &str) -> Option<RecordLoss> {
    match name {
        "missing" => Some(RecordLoss::Missing),
        "damaged" => Some(RecordLoss::Damaged),
        key => key.strip_prefix("key-")?.parse().ok().map(|id| RecordLoss::LostKey(KeyId::new(id))),
    }
}

fn act_form(language: Language, customer: &Customer, options: &Markup) -> Markup {
    html! {
        form.card #acts method="post" action="/support/act" {
            h2 { (language.say("操作", "Acts")) }
            input type="hidden" name="email" value=(customer.email);
            label for="act" { (language.say("操作", "Act")) }
            select #act name="act" required {
                option value="" { (language.say("選んでください", "Choose")) }
                (options)
            }
            label for="reason" { (language.say("理由（40文字まで、履歴に残ります）", "Reason (up to 40 characters, kept in the history)")) }
            input #reason name="reason" required maxlength=(LONGEST);
            button.main type="submit" { (language.say("実行する", "Do it")) }
        }
    }
}

/// Says what an act will do, if it is asked twice.
fn warning(language: Language, which: &str) -> Option<[&'static str; 3]> {
    match which.split(' ').next()? {
        "reset" | "rebuild" => Some([
            language.say(
                "認証方法、リカバリーコード、記憶したブラウザがすべて無効になり、ログアウトされます。",
                "All authenticators, recovery codes and remembered browsers end, and every browser is logged out.",
            ),
            language.say(
                "お客様にメールで届くリンクだけで、2段階認証を設定し直せます。",
                "Only the link that is mailed to the customer sets two-step login up anew.",
            ),
            language.say("その後しばらく、出金は停止されます。", "Withdrawals are held for a while after it."),
        ]),
        "propose-rebuild" => Some([
            language.say(
                "失われた記録の代わりに、新しい記録がすぐに作られます。",
                "A new record is made at once, in the place of the lost one.",
            ),
            language.say(
                "バックアップや鍵が後で見つかっても、元の記録には戻せません。",
                "Should a backup or the key be found later, the record of before is gone.",
            ),
            language.say(
                "リンクは、別の担当者が実行したときに送られます。",
                "The link is mailed once another operator does it.",
            ),
        ]),
        "unlock" => Some([
            language.say("リンクは、お客様の登録アドレスに送られます。", "The link goes to the customer's own address."),
            language.say(
                "リンクを開いたブラウザは、ロック中でも5回までコードを試せます。",
                "The browser that opens it may try five codes, locked or not.",
            ),
            language.say("コードは今までどおり必要です。", "A code is needed as before."),
        ]),
        "thaw" => Some([
            language.say(
                "登録済みの認証方法とリカバリーコードがまた使えます。履歴に心当たりのない操作がないか、お客様に確認してください。",
                "What was set up works again: ask the customer whether all in the history was done by them.",
            ),
            language.say("その後しばらく、出金は停止されます。", "Withdrawals are held for a while after it."),
            language.say("お客様にはメールで知らされます。", "The customer is told by mail."),
        ]),
        "end-holds" => Some([
            language.say(
                "当社が設定した停止がすべて終わり、すぐに出金できるようになります。",
                "All holds that we have set end: withdrawals are possible at once.",
            ),
            language.say("お客様にはメールで知らされます。", "The customer is told by mail."),
            language.say("窓口から停止し直すことはできません。", "The desk cannot set them again."),
        ]),
        "disable" => Some([
            language.say(
                "この認証方法のコードは、設定し直すまで使えません。",
                "Its codes are refused until it is set up anew.",
            ),
            language.say("お客様にはメールで知らされます。", "The customer is told by mail."),
            language.say("元に戻すことはできません。", "It cannot be taken back."),
        ]),
        _ => None,
    }
}

/// Asks a second time.
fn sure(language: Language, operator: &str, customer: &Customer, act: &Act, warning: [&str; 3]) -> Markup {
    let heading = language.say("実行してよろしいですか", "Are you sure?");
    frame::page(
        language,
        heading,
        &Who::Operator(operator),
        html! {
            h1 { (heading) }
            section.card {
                p { strong { (customer.email) } " – " (act.which) ": " (act.reason) }
                ul { @for line in warning { li { (line) } } }
                p { (language.say("本人確認は済みましたか。", "Have you made sure who asks?")) }
                form #sure method="post" action="/support/act" {
                    input type="hidden" name="email" value=(customer.email);
                    input type="hidden" name="act" value=(act.which);
                    input type="hidden" name="reason" value=(act.reason);
                    input type="hidden" name="confirmed" value="yes";
                    button.main.grave type="submit" { (language.say("確認済み、実行する", "Yes, do it")) }
                }
            }
            p.alone { a href="/support" { (language.say("実行せずに戻る", "Back, without it")) } }
        },
    )
}

#[derive(serde::Deserialize)]
pub(in crate::pages) struct Act {
    email: String,
    reason: String,
    #[serde(rename = "act")]
    which: String,
    /// That it was asked twice, for an act that has a warning.
    #[serde(default)]
    confirmed: String,
}

pub(in crate::pages) async fn act(
    State(app): State<App>,
    language: Language,
    session: Session,
    AtTheDesk(operator): AtTheDesk,
    axum::Form(form): axum::Form<Act>,
) -> Result<Response, Trouble> {
    let Some(customer) = app.customers.find(&form.email).await? else {
        return Ok(Redirect::to("/support").into_response());
    };
    let Ok(acting) = Operator::new(&operator, form.reason.trim()) else {
        let why = language.say("理由は1行、40文字までです。", "A reason is one line, of up to 40 characters.");
        let page = show(&app, language, &operator, &Found::One(customer), Some(frame::wrong(why))).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    if let Some(warning) = warning(language, &form.which).filter(|_| form.confirmed != "yes") {
        return Ok(sure(language, &operator, &customer, &form, warning).into_response());
    }
    let (account, support) = (customer.account()?, app.verifier.support(acting));
    let pass = |token: DeviceToken| {
        let (greeting, token) = (
            customer.language.say(
                "サポートからのリンク（ログインするブラウザで開いてください）: ",
                "A link from support, for the browser that you log in with: ",
            ),
            token.to_text(),
        );
        let link = pass::link(&app.settings.origin, token.expose());
        app.send(&customer.email, format!("{greeting}{link}"));
    };
    let done = match form.which.split_once(' ').unwrap_or((&form.which, "")) {
        ("unlock", _) => support.unlock(&account).await.map(pass),
        ("reset", _) => support.reset(&account).await.map(pass),
        ("rebuild", loss) => match loss_named(loss) {
            Some(loss) => support.rebuild(&account, loss).await.map(pass),
            None => return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response()),
        },
        ("freeze", _) => support.freeze(&account).await,
        ("thaw", _) => support.thaw(&account).await,
        ("propose-reset", _) => support.propose(&account, ProposedAct::Reset).await,
        ("propose-thaw", _) => support.propose(&account, ProposedAct::Thaw).await,
        ("propose-rebuild", loss) => match loss_named(loss) {
            Some(loss) => support.propose_rebuild(&account, loss).await,
            None => return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response()),
        },
        ("end-holds", _) => support.end_holds(&account).await,
        ("disable", id) => support.disable(&account, AuthenticatorId::new(id.parse().unwrap_or(u32::MAX))).await,
        ("clear-drift", id) => {
            support.clear_drift(&account, AuthenticatorId::new(id.parse().unwrap_or(u32::MAX))).await
        }
        _ => return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response()),
    };
    let (status, why) = match done {
        // So that a reload acts no second time.
        Ok(()) => {
            session::say_next(&session, language.say("実行しました。", "Done.")).await?;
            let query = serde_urlencoded::to_string([("email", &*customer.email)]);
            let query = query.map_err(|error| Trouble::Other(error.into()))?;
            return Ok(Redirect::to(&format!("/support?{query}")).into_response());
        }
        Err(sekisho::Error::Account(why)) => (StatusCode::CONFLICT, why.text(language.into())),
        Err(sekisho::Error::Seal(SealError::NotLost)) => {
            (StatusCode::CONFLICT, language.say("記録は失われていません。", "The record is not lost."))
        }
        Err(error) => return Err(error.into()),
    };
    let page = show(&app, language, &operator, &Found::One(customer), Some(frame::wrong(why))).await?;
    Ok((status, page).into_response())
}
