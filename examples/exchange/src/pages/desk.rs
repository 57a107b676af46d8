//! The support desk: search, state, history, diagnosis, and the acts that help. Each act has a
//! reason, which the history keeps.
//!
//! One password opens it to whoever gives a name, which is demo-grade: a real desk is behind the
//! staff's own log-in, which says who they are.

use super::frame::{self, Who};
use crate::App;
use crate::customers::Customer;
use crate::language::Language;
use crate::session::{self, AtTheDesk};
use crate::trouble::Trouble;
use crate::words;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::{
    AccountId, AccountView, AuthenticatorId, AuthenticatorKind, AuthenticatorState, DeviceToken, Event, EventKind,
    Operator, ProposedAct,
};
use sekisho::seal::{KeyId, RecordLoss, SealError};
use subtle::ConstantTimeEq;
use tower_sessions::Session;

/// Characters of a reason: 128 bytes at the most, which is how much a history keeps.
const LONGEST: usize = 40;

pub(super) async fn door(language: Language) -> Markup {
    door_form(language, None)
}

fn door_form(language: Language, above: Option<Markup>) -> Markup {
    let heading = language.say("サポート窓口", "Support desk");
    frame::page(
        language,
        heading,
        &Who::Nobody,
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            form method="post" action="/support/log-in" {
                label for="name" { (language.say("担当者", "Operator")) }
                input #name name="name" autocomplete="username" required maxlength="32" autofocus;
                label for="password" { (language.say("窓口のパスワード", "The desk's password")) }
                input #password name="password" type="password" autocomplete="current-password" required maxlength="256";
                button type="submit" { (language.say("ログイン", "Enter")) }
            }
        },
    )
}

#[derive(serde::Deserialize)]
pub(super) struct Enter {
    name: String,
    password: String,
}

pub(super) async fn log_in(
    State(app): State<App>,
    language: Language,
    session: Session,
    axum::Form(form): axum::Form<Enter>,
) -> Result<Response, Trouble> {
    let wanted = app.settings.support_password.as_deref().filter(|wanted| !wanted.is_empty());
    let is_right = wanted.is_some_and(|wanted| bool::from(wanted.as_bytes().ct_eq(form.password.as_bytes())));
    let name = form.name.trim();
    if !is_right || name.is_empty() || name.chars().count() > 32 {
        let wrong =
            frame::wrong(language.say("担当者名かパスワードが違います。", "The name or the password is wrong."));
        return Ok((StatusCode::UNAUTHORIZED, door_form(language, Some(wrong))).into_response());
    }
    session::go_to_the_desk(&session, name).await?;
    Ok(Redirect::to("/support").into_response())
}

#[derive(serde::Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    email: String,
    /// Something was done, which the page is to say.
    #[serde(default)]
    done: String,
}

pub(super) async fn page(
    State(app): State<App>,
    language: Language,
    AtTheDesk(operator): AtTheDesk,
    Query(search): Query<Search>,
) -> Result<Markup, Trouble> {
    let customer = app.customers.find(&search.email).await?;
    let above = match &customer {
        None if !search.email.is_empty() => {
            Some(frame::wrong(language.say("見つかりません。", "Nobody has that address.")))
        }
        Some(_) if search.done == "yes" => Some(frame::done(language.say("実行しました。", "Done."))),
        _ => None,
    };
    show(&app, language, &operator, customer.as_ref(), above).await
}

async fn show(
    app: &App,
    language: Language,
    operator: &str,
    customer: Option<&Customer>,
    above: Option<Markup>,
) -> Result<Markup, Trouble> {
    let found = match customer {
        Some(customer) => Some((customer, look(app, &customer.account()?).await?)),
        None => None,
    };
    let heading = language.say("サポート窓口", "Support desk");
    Ok(frame::page(
        language,
        heading,
        &Who::Operator(operator),
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            form method="get" action="/support" role="search" {
                label for="email" { (language.say("お客様のメールアドレス", "The customer's e-mail address")) }
                input #email name="email" type="email" required maxlength="100";
                button type="submit" { (language.say("検索", "Search")) }
            }
            @match &found {
                Some((customer, Found::Account(view, events))) => {
                    (state(app, language, customer, view))
                    (acts(app, language, customer, view))
                    (history(language, events))
                }
                Some((customer, Found::Lost(loss))) => {
                    (lost(language, customer, *loss))
                    (acts_on_lost(app, language, customer, *loss))
                }
                None => {}
            }
        },
    ))
}

/// An account as the desk finds it.
enum Found {
    Account(Box<AccountView>, Vec<Event>),
    /// Its record cannot be read, in this way.
    Lost(RecordLoss),
}

async fn look(app: &App, account: &AccountId) -> Result<Found, Trouble> {
    match app.verifier.view(account).await {
        Ok(view) => Ok(Found::Account(Box::new(view), app.verifier.history(account).await?)),
        Err(error) => error.record_loss().map(Found::Lost).ok_or_else(|| error.into()),
    }
}

fn lost(language: Language, customer: &Customer, loss: RecordLoss) -> Markup {
    let how = match loss {
        RecordLoss::Missing => language.say("記録がありません。", "The record is missing."),
        RecordLoss::Damaged => language.say("記録が壊れています。", "The record is damaged."),
        RecordLoss::LostKey(_) => language.say("記録の鍵がありません。", "The record's key is missing."),
    };
    html! {
        h2 { (customer.email) }
        p { code { (customer.account) } }
        div.refused #lost role="alert" {
            p { (how) }
            p { (language.say("まず原因を調べ、バックアップや鍵が見つからない場合だけ作り直してください。",
                "Find out why first. Rebuild it only if neither a backup nor the key is found.")) }
        }
    }
}

fn state(app: &App, language: Language, customer: &Customer, view: &AccountView) -> Markup {
    html! {
        h2 { (customer.email) }
        dl {
            dt { (language.say("識別子", "Id")) } dd { code { (customer.account) } }
            dt { (language.say("認証手段", "Authenticators")) }
            dd {
                @for own in &view.authenticators {
                    (words::kind(language, &own.kind))
                    @if let AuthenticatorKind::App { drift, .. } = own.kind {
                        @if drift != 0 { " (" (language.say("時計のずれ ", "clock off by ")) (drift) (language.say(" ステップ", " steps")) ")" }
                    }
                    @match own.state {
                        AuthenticatorState::Disabled => { " – " (language.say("無効", "disabled")) }
                        AuthenticatorState::Suspended => { " – " (language.say("一時停止", "suspended")) }
                        _ => {}
                    }
                    br;
                }
                @if view.authenticators.is_empty() { (language.say("なし", "none")) }
            }
            dt { (language.say("連続した間違い", "Failures in a row")) } dd #failures { (view.failures_in_a_row) }
            dt { (language.say("ロック", "Lock")) }
            dd #lock { @match &view.refusal {
                Some(shut) => { (words::advice(language, shut.advice())) @if let Some(at) = shut.retry_at() { " " (words::countdown(language, at.as_secs(), app.now())) } }
                None => { (language.say("なし", "none")) }
            } }
            dt { (language.say("停止中の操作", "Holds")) }
            dd #holds { @for hold in &view.holds {
                (words::purpose(language, hold.purpose)) " – " (words::moment(language, hold.until.as_secs()))
                @if let Some(reason) = &hold.reason { ": " (reason) }
                br;
            } }
            dt { (language.say("凍結", "Frozen")) }
            dd #frozen { @match view.frozen_at {
                Some(at) => { (words::moment(language, at.as_secs())) }
                None => { (language.say("なし", "no")) }
            } }
            dt { (language.say("リカバリーコード", "Recovery codes")) } dd { (view.recovery_codes_left) }
            @if let Some(proposal) = &view.proposal {
                dt { (language.say("承認待ち", "Waits for a second operator")) }
                dd #proposal {
                    @match proposal.act {
                        ProposedAct::Reset => { (language.say("リセット", "reset")) }
                        ProposedAct::EndStrongerFactor => {
                            (language.say("より強い認証方法の解除", "end of the stronger factor"))
                        }
                        ProposedAct::Thaw => { (language.say("凍結の解除", "end of the freeze")) }
                    }
                    " – " (proposal.operator.name()) ": " (proposal.operator.reason())
                    " – " (words::moment(language, proposal.until.as_secs()))
                }
            }
        }
    }
}

fn acts(app: &App, language: Language, customer: &Customer, view: &AccountView) -> Markup {
    let takes_two = app.settings.policy.limits().two_operators;
    let options = html! {
        option value="unlock" { (language.say("仮パスコードを送る（ロック中でも入れる）", "Mail a pass (lets in while locked)")) }
        @if view.frozen_at.is_none() { option value="freeze" { (language.say("凍結する", "Freeze")) } }
        @else { option value="thaw" { (language.say("凍結を解除する", "Thaw")) } }
        @if view.holds.iter().any(|hold| hold.reason.is_some()) {
            option value="end-holds" { (language.say("当社による停止を解除する", "End the holds that we have set")) }
        }
        option value="reset" { (language.say("リセットする（仮パスコードで再設定）", "Reset (a pass enrolls anew)")) }
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
fn acts_on_lost(app: &App, language: Language, customer: &Customer, loss: RecordLoss) -> Markup {
    let loss = match loss {
        RecordLoss::Missing => "missing".into(),
        RecordLoss::Damaged => "damaged".into(),
        RecordLoss::LostKey(id) => format!("key-{}", id.number()),
    };
    let options = html! {
        @if app.settings.policy.limits().two_operators {
            option value=(format!("propose-rebuild {loss}")) { (language.say("作り直しを提案する", "Propose to rebuild it")) }
        } @else {
            option value=(format!("rebuild {loss}")) { (language.say("作り直す（仮パスコードで再設定）", "Rebuild (a pass enrolls anew)")) }
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
        form #acts method="post" action="/support/act" {
            input type="hidden" name="email" value=(customer.email);
            label for="act" { (language.say("操作", "Act")) }
            select #act name="act" required {
                option value="" { (language.say("選んでください", "Choose")) }
                (options)
            }
            label for="reason" { (language.say("理由（40文字まで、履歴に残ります）", "Reason (up to 40 characters, kept in the history)")) }
            input #reason name="reason" required maxlength=(LONGEST);
            button type="submit" { (language.say("実行する", "Do it")) }
        }
    }
}

fn history(language: Language, events: &[Event]) -> Markup {
    html! {
        h2 { (language.say("履歴", "History")) }
        table #history {
            thead { tr { th { (language.say("日時", "When")) } th { (language.say("出来事", "What")) } th { (language.say("詳細", "Details")) } th { (language.say("接続元", "From")) } } }
            tbody { @for event in events.iter().rev() {
                tr {
                    td { (words::moment(language, event.at.as_secs())) }
                    td { (words::happened(language, &event.kind)) }
                    td { code { (event.kind.as_str()) } " " (details(event)) }
                    td { (words::source(event)) }
                }
            } }
        }
    }
}

/// What operators may know beyond the kind: also what two wrong codes have in common.
fn details(event: &Event) -> String {
    if let Some(operator) = &event.operator {
        return format!("{}: {}", operator.name(), operator.reason());
    }
    match &event.kind {
        EventKind::Rejected { purpose, reason, diagnosis } => {
            let diagnosis = diagnosis.map_or_else(String::new, |diagnosis| format!(": {diagnosis}"));
            format!("{purpose}, {}{diagnosis}", reason.as_str())
        }
        EventKind::Accepted { purpose, offset, .. } => format!("{purpose}, offset {offset}"),
        _ => String::new(),
    }
}

#[derive(serde::Deserialize)]
pub(super) struct Act {
    email: String,
    reason: String,
    #[serde(rename = "act")]
    which: String,
}

pub(super) async fn act(
    State(app): State<App>,
    language: Language,
    AtTheDesk(operator): AtTheDesk,
    axum::Form(form): axum::Form<Act>,
) -> Result<Response, Trouble> {
    let Some(customer) = app.customers.find(&form.email).await? else {
        return Ok(Redirect::to("/support").into_response());
    };
    let Ok(acting) = Operator::new(&operator, form.reason.trim()) else {
        let why = language.say("理由は1行、40文字までです。", "A reason is one line, of up to 40 characters.");
        let page = show(&app, language, &operator, Some(&customer), Some(frame::wrong(why))).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    let (account, support) = (customer.account()?, app.verifier.support(acting));
    let pass = |token: DeviceToken| {
        let (greeting, token) =
            (customer.language.say("サポートからの仮パスコード: ", "A pass from support: "), token.to_text());
        app.send(&customer.email, format!("{greeting}{}", token.expose()));
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
            let query = serde_urlencoded::to_string([("email", &*customer.email), ("done", "yes")]);
            let query = query.map_err(|error| Trouble::Other(error.into()))?;
            return Ok(Redirect::to(&format!("/support?{query}")).into_response());
        }
        Err(sekisho::Error::Account(why)) => (StatusCode::CONFLICT, words::impossible(language, &why)),
        Err(sekisho::Error::Seal(SealError::NotLost)) => {
            (StatusCode::CONFLICT, language.say("記録は失われていません。", "The record is not lost."))
        }
        Err(error) => return Err(error.into()),
    };
    Ok((status, show(&app, language, &operator, Some(&customer), Some(frame::wrong(why))).await?).into_response())
}
