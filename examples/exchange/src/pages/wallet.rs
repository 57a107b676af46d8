//! The balance, and withdrawals: what, then a review, then a code of its own.

use super::refusals::{self, Place};
use super::withdrawal::{self, LONGEST, is_destination};
use super::{frame, of, refusal, sent, states, tour};
use crate::App;
use crate::customers::{Customer, CustomerError, WithdrawalState};
use crate::language::Language;
use crate::session::{self, LoggedIn, Owner};
use crate::trouble::Trouble;
use crate::words;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::AccountView;
use sekisho::otp::{CodeKind, NotAccepted};
use tower_sessions::Session;

pub(super) async fn page(
    State(app): State<App>,
    language: Language,
    session: Session,
    LoggedIn(owner): LoggedIn,
) -> Result<Markup, Trouble> {
    let said = session::said(&session).await?.map(|said| frame::done(&said));
    Ok(show(&app, language, &owner.customer, &owner.view, said))
}

/// The balance, what waits and what was: withdrawals begin on a page of their own.
fn show(app: &App, language: Language, customer: &Customer, view: &AccountView, above: Option<Markup>) -> Markup {
    let heading = language.say("ウォレット", "Wallet");
    frame::wide_page(
        language,
        heading,
        &of(customer),
        html! {
            (tour::strip(app, language, tour::Stop::Wallet))
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            (super::lost::warning(language, view))
            @if !view.authenticators.is_empty() && view.recovery_codes_left == 0 {
                div.notice.held #no-codes role="status" {
                    p { (language.say("有効なリカバリーコードがありません。スマートフォンをなくすとログインできなくなります。", "You have no recovery codes in force: without your phone you could not log in.")) }
                    p { a href="/security/recovery-codes" { (language.say("発行する", "Have some issued")) } }
                }
            }
            section.card {
                h2 { (language.say("残高", "Balance")) }
                p.balance { "¥" span #balance { (words::grouped(customer.balance)) } }
                (market(app, language))
                (states::hold(app, language, view))
                @if view.authenticators.is_empty() {
                    p { (language.say("出金には2段階認証の設定が必要です。", "Withdrawals take two-step login.")) }
                    a.button href="/two-step" { (language.say("2段階認証を設定", "Set it up")) }
                } @else if !states::is_held(view) {
                    a.button #withdraw href="/wallet/withdraw" { (language.say("出金する", "Withdraw")) }
                }
            }
            @if !customer.withdrawals.is_empty() { (history(language, customer)) }
        },
    )
}

/// A few prices, so that a demonstration looks like an exchange.
fn market(app: &App, language: Language) -> Markup {
    html! {
        @if app.settings.is_demo {
            dl #market aria-label=(language.say("相場（見本）", "Market (a sample)")) {
                @for (pair, price) in [("BTC/JPY", 14_820_000), ("ETH/JPY", 512_300), ("XRP/JPY", 342)] {
                    dt { (pair) } dd { "¥" (words::grouped(price)) }
                }
            }
        }
    }
}

fn history(language: Language, customer: &Customer) -> Markup {
    let [when, to, amount, state_of] = [
        language.say("日時", "When"),
        language.say("出金先", "To"),
        language.say("金額", "Amount"),
        language.say("状態", "State"),
    ];
    html! {
        section.card {
            h2 { (language.say("出金の履歴", "Withdrawals")) }
            table {
                thead { tr { th { (when) } th { (to) } th { (amount) } th { (state_of) } } }
                tbody { @for own in &customer.withdrawals {
                    tr {
                        td data-label=(when) { (words::moment(language, own.at)) }
                        td data-label=(to) { (own.to) }
                        td data-label=(amount) { "¥" (words::grouped(own.amount)) }
                        td data-label=(state_of) { (state(language, &own.state)) }
                    }
                } }
            }
        }
    }
}

const fn state(language: Language, state: &WithdrawalState) -> &'static str {
    match state {
        WithdrawalState::Waits { .. } => language.say("処理中", "waits"),
        WithdrawalState::Paid => language.say("出金済み", "paid"),
        WithdrawalState::Stopped => language.say("取り消し", "stopped"),
    }
}

/// The first step: how much, and where to.
pub(super) async fn form_page(State(app): State<App>, language: Language, LoggedIn(owner): LoggedIn) -> Response {
    if owner.view.authenticators.is_empty() {
        return Redirect::to("/two-step").into_response();
    }
    form(&app, language, &owner, &Form::default(), None).into_response()
}

fn form(app: &App, language: Language, owner: &Owner, typed: &Form, above: Option<Markup>) -> Markup {
    let heading = language.say("出金", "Withdraw");
    frame::page(
        language,
        heading,
        &of(&owner.customer),
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            @if states::is_held(&owner.view) {
                (states::hold(app, language, &owner.view))
            } @else {
            form.card #withdrawal method="post" action="/wallet/review" {
                p { (language.say("残高: ", "Balance: ")) "¥" (words::grouped(owner.customer.balance)) }
                label for="amount" { (language.say("金額（円）", "Amount (yen)")) }
                input #amount name="amount" value=(typed.amount) inputmode="numeric" autocomplete="off" required maxlength="24" autofocus;
                label for="to" { (language.say("出金先口座", "To the account")) }
                input #to name="to" value=(typed.to) autocomplete="off" required maxlength=(LONGEST);
                button.main type="submit" { (language.say("内容を確認する", "Review it")) }
            }
            }
            p.alone { a href="/wallet" { (language.say("ウォレットに戻る", "Back to the wallet")) } }
        },
    )
}

/// The second step: what will be done, and the code for it.
fn review(app: &App, language: Language, owner: &Owner, typed: &Form, above: Option<Markup>) -> Markup {
    let heading = language.say("出金内容の確認", "Review the withdrawal");
    let amount = yen(&typed.amount).unwrap_or_default();
    frame::page(
        language,
        heading,
        &of(&owner.customer),
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            (states::hold(app, language, &owner.view))
            section.card {
                dl {
                    dt { (language.say("金額", "Amount")) } dd { strong { "¥" (words::grouped(amount)) } }
                    dt { (language.say("出金先口座", "To the account")) } dd { strong { (typed.to.trim()) } }
                    dt { (language.say("出金後の残高", "Balance after it")) } dd { "¥" (words::grouped(owner.customer.balance.saturating_sub(amount))) }
                }
                form #review method="post" action="/wallet/withdraw" {
                    // Sent twice, it is one withdrawal.
                    input type="hidden" name="id" value=(base16ct::lower::encode_string(&rand::random::<[u8; 16]>()));
                    input type="hidden" name="amount" value=(typed.amount);
                    input type="hidden" name="to" value=(typed.to);
                    @match super::typed(&owner.view) {
                        CodeKind::DeliveredCode => { (frame::sent_code_field(language, false)) }
                        _ => { (frame::main_code_field(language, language.say("認証コード", "Code"), app.now(), false)) }
                    }
                    button.main type="submit" { (language.say("出金する", "Withdraw")) }
                }
                (sent::buttons_of_form(language, &owner.view, "review", "/wallet/send"))
            }
            p.alone { a href="/wallet/withdraw" { (language.say("内容を変更する", "Change it")) } }
        },
    )
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Form {
    id: String,
    amount: String,
    to: String,
    code: String,
    /// The authenticator that a code shall be sent to.
    send_to: u32,
}

impl Form {
    /// The amount and the destination, if they are ones.
    fn checked(&self, owner: &Owner, language: Language) -> Result<(u64, &str), &'static str> {
        let to = self.to.trim();
        if !is_destination(to) {
            return Err(language.say("出金先口座を確認してください。", "Check the account to withdraw to."));
        }
        let Some(amount) = yen(&self.amount) else {
            return Err(language.say("金額を確認してください。", "Check the amount."));
        };
        if amount > owner.customer.balance {
            return Err(too_much(language));
        }
        Ok((amount, to))
    }
}

const fn too_much(language: Language) -> &'static str {
    language.say("残高が不足しています。", "The balance does not suffice.")
}

pub(super) async fn review_page(
    State(app): State<App>,
    language: Language,
    LoggedIn(owner): LoggedIn,
    axum::Form(typed): axum::Form<Form>,
) -> Response {
    match typed.checked(&owner, language) {
        Ok(_) => review(&app, language, &owner, &typed, None).into_response(),
        Err(why) => refuse(&app, language, &owner, &typed, why),
    }
}

fn refuse(app: &App, language: Language, owner: &Owner, typed: &Form, why: &str) -> Response {
    let page = form(app, language, owner, typed, Some(frame::wrong(why)));
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}

pub(super) async fn withdraw(
    State(app): State<App>,
    language: Language,
    session: Session,
    LoggedIn(owner): LoggedIn,
    axum::Form(typed): axum::Form<Form>,
) -> Result<Response, Trouble> {
    let made = |session: Session, text: &'static str| async move {
        session::say_next(&session, text).await?;
        Ok(Redirect::to("/wallet").into_response())
    };
    let (Some(amount), to) = (yen(&typed.amount).filter(|_| is_destination(typed.to.trim())), typed.to.trim()) else {
        let why = typed.checked(&owner, language).err().unwrap_or_default();
        return Ok(refuse(&app, language, &owner, &typed, why));
    };
    let act = withdrawal::act(&owner.log_in, &typed.id, amount, to, &typed.code);
    let id = act.authorization_id(&owner.account);
    if owner.customer.withdrawals.iter().any(|own| own.id == id) {
        return made(session, language.say("この出金は受け付け済みです。", "This withdrawal was made already.")).await;
    }
    if let Err(why) = typed.checked(&owner, language) {
        return Ok(refuse(&app, language, &owner, &typed, why));
    }
    match app.verifier.authorize(&owner.account, owner.act(act)).await {
        Ok(authorization) => {
            let withdrawal = withdrawal::of(&authorization, amount, to, app.now());
            match app.customers.withdraw(&owner.account, &withdrawal).await {
                Err(CustomerError::Balance) => Ok(refuse(&app, language, &owner, &typed, too_much(language))),
                Err(error) => Err(error.into()),
                Ok(_) => made(session, language.say("出金を受け付けました。", "The withdrawal is on its way.")).await,
            }
        }
        Err(NotAccepted::Rejected(rejection)) => {
            let kind = super::typed(&owner.view);
            let above = refusals::refused(language, &rejection, kind, app.now(), Place::Inside);
            let (status, headers) = refusal(&rejection, app.now());
            Ok((status, headers, review(&app, language, &owner, &typed, Some(above))).into_response())
        }
        Err(NotAccepted::Failed(sekisho::Error::Account(why))) => {
            let above = refusals::impossible(language, &why);
            Ok((StatusCode::CONFLICT, review(&app, language, &owner, &typed, Some(above))).into_response())
        }
        Err(NotAccepted::Failed(error)) => Err(error.into()),
    }
}

/// An amount as people write it: `250,000`, `２５００００`, `¥250000`. At least one yen.
fn yen(text: &str) -> Option<u64> {
    let said = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ',' | '，' | '、' | '¥' | '￥' | '円'));
    let digits: String = said.map(words::half_width).collect();
    digits.parse().ok().filter(|yen| *yen > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(super) async fn send(
    State(app): State<App>,
    language: Language,
    LoggedIn(owner): LoggedIn,
    axum::Form(typed): axum::Form<Form>,
) -> Result<Response, Trouble> {
    let (amount, to) = match typed.checked(&owner, language) {
        Ok(checked) => checked,
        Err(why) => return Ok(refuse(&app, language, &owner, &typed, why)),
    };
    // The code is for this withdrawal and no other, and the message says for which.
    let ask = sent::Ask::to(typed.send_to);
    let what = sent::What::Withdrawal { amount, to };
    let (status, headers, above) = sent::send(&app, language, &owner, &ask, what).await?;
    Ok((status, headers, review(&app, language, &owner, &typed, Some(above))).into_response())
}
