//! The balance, and withdrawals, which take a code of their own.

use super::{frame, of, refusal, sent};
use crate::App;
use crate::customers::{Customer, CustomerError, Withdrawal, WithdrawalState};
use crate::language::Language;
use crate::session::LoggedIn;
use crate::trouble::Trouble;
use crate::words;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sekisho::account::{AccountView, Act, Purpose};
use sekisho::otp::{CodeKind, NotAccepted};
use sha2::{Digest, Sha256};
use tower_sessions::Session;

/// Characters of the account that money goes to.
const LONGEST: usize = 64;

pub(super) async fn page(State(app): State<App>, language: Language, LoggedIn(owner): LoggedIn) -> Markup {
    show(&app, language, &owner.customer, &owner.view, &Form::default(), None)
}

fn show(
    app: &App,
    language: Language,
    customer: &Customer,
    view: &AccountView,
    typed: &Form,
    above: Option<Markup>,
) -> Markup {
    let heading = language.say("ウォレット", "Wallet");
    frame::page(
        language,
        heading,
        &of(customer),
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            (super::lost::warning(language, view))
            p.balance { "¥" span #balance { (words::grouped(customer.balance)) } }
            h2 { (language.say("出金", "Withdraw")) }
            (held(app, language, view))
            @if view.authenticators.is_empty() {
                p { a.button href="/two-step" { (language.say("出金には2段階認証の設定が必要です", "Withdrawals take two-step login: set it up")) } }
            } @else {
                form #withdraw method="post" action="/wallet/withdraw" {
                    // Sent twice, it is one withdrawal.
                    input type="hidden" name="id" value=(base16ct::lower::encode_string(&rand::random::<[u8; 16]>()));
                    label for="amount" { (language.say("金額（円）", "Amount (yen)")) }
                    input #amount name="amount" value=(typed.amount) inputmode="numeric" autocomplete="off" required maxlength="24";
                    label for="to" { (language.say("出金先口座", "To the account")) }
                    input #to name="to" value=(typed.to) autocomplete="off" required maxlength=(LONGEST);
                    @match super::typed(view) {
                        CodeKind::DeliveredCode => { (frame::sent_code_field(language, "code")) }
                        _ => { (frame::code_field(language, "code", language.say("認証コード", "Code"), app.now())) }
                    }
                    button type="submit" { (language.say("出金する", "Withdraw")) }
                }
                (sent::buttons_of_form(language, view, "withdraw", "/wallet/send"))
            }
            @if !customer.withdrawals.is_empty() {
                h2 { (language.say("履歴", "History")) }
                table {
                    thead { tr { th { (language.say("日時", "When")) } th { (language.say("出金先", "To")) } th { (language.say("金額", "Amount")) } th { (language.say("状態", "State")) } } }
                    tbody { @for own in &customer.withdrawals {
                        tr { td { (words::moment(language, own.at)) } td { (own.to) } td { "¥" (words::grouped(own.amount)) } td { (state(language, &own.state)) } }
                    } }
                }
            }
        },
    )
}

const fn state(language: Language, state: &WithdrawalState) -> &'static str {
    match state {
        WithdrawalState::Waits { .. } => language.say("処理中", "waits"),
        WithdrawalState::Paid => language.say("出金済み", "paid"),
        WithdrawalState::Stopped => language.say("取り消し", "stopped"),
    }
}

/// Why nothing can be withdrawn now.
fn held(app: &App, language: Language, view: &AccountView) -> Markup {
    let of_withdrawals = view.holds.iter().filter(|hold| hold.purpose == Purpose::WITHDRAWAL);
    html! {
        @if let Some(hold) = of_withdrawals.max_by_key(|hold| hold.until) {
            div.held #hold role="status" {
                p { (words::held(language, hold.reason.as_ref())) }
                p { (language.say("再開まで ", "They go on in ")) (words::countdown(language, hold.until.as_secs(), app.now())) }
            }
        }
    }
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

pub(super) async fn withdraw(
    State(app): State<App>,
    language: Language,
    session: Session,
    LoggedIn(owner): LoggedIn,
    axum::Form(form): axum::Form<Form>,
) -> Result<Response, Trouble> {
    let refuse = |text| {
        let page = show(&app, language, &owner.customer, &owner.view, &form, Some(frame::wrong(text)));
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    let to = form.to.trim();
    if !is_destination(to) {
        return refuse(language.say("出金先口座を確認してください。", "Check the account to withdraw to."));
    }
    let Some(amount) = yen(&form.amount) else {
        return refuse(language.say("金額を確認してください。", "Check the amount."));
    };
    // The code is for this withdrawal and no other.
    let context = Withdrawal::context(amount, to);
    let act = Act::new(Purpose::WITHDRAWAL, &context, key(&session, &form.id, &context), &form.code);
    let id = act.authorization_id(&owner.account);
    if owner.customer.withdrawals.iter().any(|own| own.id == id) {
        let done = frame::done(language.say("この出金は受け付け済みです。", "This withdrawal was made already."));
        return Ok(show(&app, language, &owner.customer, &owner.view, &Form::default(), Some(done)).into_response());
    }
    let too_much = language.say("残高が不足しています。", "The balance does not suffice.");
    if amount > owner.customer.balance {
        return refuse(too_much);
    }
    match app.verifier.authorize(&owner.account, owner.act(act)).await {
        Ok(authorization) => {
            // Once, whatever has become of an earlier answer: the id says which one it is.
            let state = WithdrawalState::Waits { authorization: authorization.to_bytes() };
            let withdrawal = Withdrawal { id: *authorization.id(), amount, to: to.into(), at: app.now(), state };
            let customer = match app.customers.withdraw(&owner.account, &withdrawal).await {
                Err(CustomerError::Balance) => return refuse(too_much),
                answer => answer?,
            };
            let view = app.verifier.view(&owner.account).await?;
            let done = frame::done(language.say("出金を受け付けました。", "The withdrawal is on its way."));
            Ok(show(&app, language, &customer, &view, &Form::default(), Some(done)).into_response())
        }
        Err(NotAccepted::Rejected(rejection)) => {
            let above = words::refused(language, &rejection, super::typed(&owner.view), app.now());
            let (status, headers) = refusal(&rejection, app.now());
            let page = show(&app, language, &owner.customer, &owner.view, &form, Some(above));
            Ok((status, headers, page).into_response())
        }
        Err(NotAccepted::Failed(error)) if error.is_not_enrolled() => {
            refuse(language.say("先に2段階認証を設定してください。", "Set up two-step login first."))
        }
        Err(NotAccepted::Failed(error)) => Err(error.into()),
    }
}

fn is_destination(to: &str) -> bool {
    !to.is_empty() && to.chars().count() <= LONGEST && !to.chars().any(char::is_control)
}

/// An amount as people write it: `250,000`, `２５００００`, `¥250000`. At least one yen.
fn yen(text: &str) -> Option<u64> {
    let said = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ',' | '，' | '、' | '¥' | '￥' | '円'));
    let digits: String = said.map(words::half_width).collect();
    digits.parse().ok().filter(|yen| *yen > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The idempotency key of a withdrawal: which form it was on, what for, and of which session, which
/// only this browser has. So it is nobody else's.
fn key(session: &Session, form: &str, context: &[u8; 32]) -> [u8; 16] {
    let session = session.id().map_or_else(String::new, |id| id.to_string());
    let hash = Sha256::new().chain_update(session).chain_update(context).chain_update(form).finalize();
    let mut key = [0; 16];
    key.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    key
}

pub(super) async fn send(
    State(app): State<App>,
    language: Language,
    LoggedIn(owner): LoggedIn,
    axum::Form(form): axum::Form<Form>,
) -> Result<Response, Trouble> {
    let (to, amount) = (form.to.trim(), yen(&form.amount));
    let Some(amount) = amount.filter(|_| is_destination(to)) else {
        let text = language.say("先に金額と出金先を入力してください。", "Fill in the amount and the account first.");
        let page = show(&app, language, &owner.customer, &owner.view, &form, Some(frame::wrong(text)));
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    // The code is for this withdrawal and no other, and the message says for which.
    let ask = sent::Ask::to(form.send_to);
    let what = sent::What::Withdrawal { amount, to };
    let (status, headers, above) = sent::send(&app, language, &owner, &ask, what).await?;
    let page = show(&app, language, &owner.customer, &owner.view, &form, Some(above));
    Ok((status, headers, page).into_response())
}
