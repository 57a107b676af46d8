//! The support desk: search, state, history, diagnosis, and the acts that help. Each act has a reason, which the history keeps.

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
use sekisho::account::{AccountView, AuthenticatorKind, Event, EventKind};
use subtle::ConstantTimeEq;
use tower_sessions::Session;

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
                button type="submit" { (language.say("入る", "Enter")) }
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
    if !is_right || name.is_empty() || name.len() > 32 {
        let wrong = frame::wrong(language.say("入れません。", "That does not open the desk."));
        return Ok((StatusCode::UNAUTHORIZED, door_form(language, Some(wrong))).into_response());
    }
    session::go_to_the_desk(&session, name).await?;
    Ok(Redirect::to("/support").into_response())
}

#[derive(serde::Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    email: String,
}

pub(super) async fn page(
    State(app): State<App>,
    language: Language,
    AtTheDesk(operator): AtTheDesk,
    Query(search): Query<Search>,
) -> Result<Markup, Trouble> {
    let customer = app.customers.find(&search.email).await?;
    let above = (customer.is_none() && !search.email.is_empty())
        .then(|| frame::wrong(language.say("見つかりません。", "Nobody has that address.")));
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
        Some(customer) => Some((customer, app.verifier.view(&customer.account()?).await?)),
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
            @if let Some((customer, view)) = &found {
                (state(app, language, customer, view))
                (acts(language, customer, view))
                (history(language, view))
            }
        },
    ))
}

fn state(app: &App, language: Language, customer: &Customer, view: &AccountView) -> Markup {
    html! {
        h2 { (customer.email) }
        dl {
            dt { (language.say("識別子", "Id")) } dd { code { (customer.id) } }
            dt { (language.say("認証手段", "Authenticators")) }
            dd {
                @for own in &view.authenticators {
                    (words::kind(language, &own.kind))
                    @if let AuthenticatorKind::App { drift, .. } = own.kind {
                        @if drift != 0 { " (" (language.say("時計のずれ ", "clock off by ")) (drift) (language.say(" ステップ", " steps")) ")" }
                    }
                    @if own.is_disabled { " – " (language.say("無効", "disabled")) }
                    br;
                }
                @if view.authenticators.is_empty() { (language.say("なし", "none")) }
            }
            dt { (language.say("連続した間違い", "Failures in a row")) } dd #failures { (view.failures_in_a_row) }
            dt { (language.say("ロック", "Lock")) }
            dd #lock { @match &view.shut {
                Some(shut) => { (shut.advice()) @if let Some(at) = shut.retry_at() { " " (words::countdown(language, at.as_secs(), app.now())) } }
                None => { (language.say("なし", "none")) }
            } }
            dt { (language.say("停止中の操作", "Holds")) }
            dd { @for (purpose, until) in &view.holds { (purpose) " – " (words::moment(language, until.as_secs())) br; } }
            dt { (language.say("凍結", "Frozen")) }
            dd #frozen { @match view.frozen_at {
                Some(at) => { (words::moment(language, at.as_secs())) }
                None => { (language.say("いいえ", "no")) }
            } }
            dt { (language.say("リカバリーコード", "Recovery codes")) } dd { (view.recovery_codes_left) }
        }
    }
}

fn acts(language: Language, customer: &Customer, view: &AccountView) -> Markup {
    let acts = [
        ("unlock", language.say("通行コードを送る（ロック中でも入れる）", "Mail a pass (lets in while locked)"), true),
        ("freeze", language.say("凍結する", "Freeze"), view.frozen_at.is_none()),
        ("thaw", language.say("凍結を解除", "Thaw"), view.frozen_at.is_some()),
        ("reset", language.say("リセットする（通行コードで再設定）", "Reset (a pass enrols anew)"), true),
    ];
    html! {
        form #acts method="post" action="/support/act" {
            input type="hidden" name="email" value=(customer.email);
            label for="reason" { (language.say("理由（履歴に残ります）", "Reason (kept in the history)")) }
            input #reason name="reason" required maxlength="64";
            @for (act, label, is_possible) in acts {
                @if is_possible { button type="submit" name="act" value=(act) { (label) } " " }
            }
        }
    }
}

fn history(language: Language, view: &AccountView) -> Markup {
    html! {
        h2 { (language.say("履歴", "History")) }
        table #history {
            thead { tr { th { (language.say("日時", "When")) } th { (language.say("出来事", "What")) } th { (language.say("詳細", "Details")) } } }
            tbody { @for event in view.history.iter().rev() {
                tr {
                    td { (words::moment(language, event.at.as_secs())) }
                    td { (event.kind.as_str()) }
                    td { (details(event)) }
                }
            } }
        }
    }
}

/// What operators may know beyond the kind: also what two wrong codes have in common.
fn details(event: &Event) -> String {
    match &event.kind {
        EventKind::Rejected { purpose, reason, diagnosis } => {
            let diagnosis = diagnosis.map_or_else(String::new, |diagnosis| format!(": {diagnosis}"));
            format!("{purpose}, {}{diagnosis}", reason.as_str())
        }
        EventKind::Accepted { purpose, offset, .. } => format!("{purpose}, offset {offset}"),
        EventKind::PassIssued { operator, reason, .. }
        | EventKind::Reset { operator, reason, .. }
        | EventKind::Frozen { operator, reason }
        | EventKind::Thawed { operator, reason } => format!("{}: {}", operator.as_str(), reason.as_str()),
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
    let (account, support) = (customer.account()?, app.verifier.support(&operator, &form.reason));
    let pass = |text: &str| {
        let greeting = language.say("サポートからの通行コード: ", "A pass from support: ");
        app.mail(&customer.email, format!("{greeting}{text}"));
    };
    let done = match &*form.which {
        "unlock" => support.unlock(&account).await.map(|token| pass(token.to_text().expose())),
        "reset" => support.reset(&account).await.map(|token| pass(token.to_text().expose())),
        "freeze" => support.freeze(&account).await,
        "thaw" => support.thaw(&account).await,
        _ => return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response()),
    };
    let (status, above) = match done {
        Ok(()) => (StatusCode::OK, frame::done(language.say("実行しました。", "Done."))),
        Err(sekisho::Error::Account(why)) => (StatusCode::CONFLICT, frame::wrong(&why.to_string())),
        Err(error) if !error.is_transient() => (StatusCode::UNPROCESSABLE_ENTITY, frame::wrong(&error.to_string())),
        Err(error) => return Err(error.into()),
    };
    Ok((status, show(&app, language, &operator, Some(&customer), Some(above)).await?).into_response())
}
