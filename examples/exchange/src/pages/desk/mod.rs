//! The support desk: search, state, history, diagnosis, and the acts that help.

mod account;
mod acts;
pub(super) mod door;

pub(super) use acts::act;

use super::frame::{self, Who};
use super::tour;
use crate::App;
use crate::customers::Customer;
use crate::language::Language;
use crate::session::{self, AtTheDesk};
use crate::trouble::Trouble;
use axum::extract::{Query, State};
use maud::{Markup, html};
use sekisho::account::{AccountId, AccountView, Event};
use sekisho::seal::RecordLoss;
use tower_sessions::Session;

/// Customers that a search shows.
const SHOWN: usize = 20;

#[derive(serde::Deserialize)]
pub(super) struct Search {
    /// An address, or part of one.
    #[serde(default)]
    email: String,
}

/// The result of a search.
enum Found {
    Nothing,
    One(Customer),
    /// Addresses; there may be more of them than are shown.
    Some(Vec<String>, bool),
}

pub(super) async fn page(
    State(app): State<App>,
    language: Language,
    session: Session,
    AtTheDesk(operator): AtTheDesk,
    Query(search): Query<Search>,
) -> Result<Markup, Trouble> {
    let found = look_for(&app, search.email.trim()).await?;
    let above = match &found {
        Found::Nothing if !search.email.is_empty() => Some(frame::wrong(language.say(
            "見つかりません。アドレスの一部（3文字以上）で検索できます。",
            "Nobody has that address. Part of one will do, from three characters on.",
        ))),
        _ => session::said(&session).await?.map(|said| frame::done(&said)),
    };
    show(&app, language, &operator, &found, above).await
}

async fn look_for(app: &App, email: &str) -> Result<Found, Trouble> {
    if let Some(customer) = app.customers.find(email).await? {
        return Ok(Found::One(customer));
    }
    let mut addresses = app.customers.addresses_with(email, SHOWN.saturating_add(1)).await?;
    let has_more = addresses.len() > SHOWN;
    addresses.truncate(SHOWN);
    Ok(match addresses.len() {
        0 => Found::Nothing,
        1 => match app.customers.find(&addresses.remove(0)).await? {
            Some(customer) => Found::One(customer),
            None => Found::Nothing,
        },
        _ => Found::Some(addresses, has_more),
    })
}

async fn show(
    app: &App,
    language: Language,
    operator: &str,
    found: &Found,
    above: Option<Markup>,
) -> Result<Markup, Trouble> {
    let heading = language.say("サポート窓口", "Support desk");
    let of_customer = match found {
        Found::Nothing => html! {},
        Found::Some(addresses, has_more) => listed(language, addresses, *has_more),
        Found::One(customer) => match look(app, &customer.account()?).await? {
            Looked::Account(view, events) => html! {
                (account::state(app, language, customer, &view))
                (acts::acts(app, language, customer, &view))
                (account::history(language, &events))
            },
            Looked::Lost(loss) => html! {
                (account::lost(language, customer, loss))
                (acts::acts_on_lost(app, language, customer, loss))
            },
        },
    };
    Ok(frame::wide_page(
        language,
        heading,
        &Who::Operator(operator),
        html! {
            (tour::strip(app, language, tour::Stop::Desk))
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            form.card method="get" action="/support" role="search" {
                label for="email" { (language.say("お客様のメールアドレス（一部でも可）", "The customer's e-mail address, or part of it")) }
                input #email name="email" autocomplete="off" spellcheck="false" required minlength="3" maxlength="100";
                button type="submit" { (language.say("検索", "Search")) }
            }
            (of_customer)
        },
    ))
}

fn listed(language: Language, addresses: &[String], has_more: bool) -> Markup {
    html! {
        section.card #found {
            h2 { (language.say("該当するお客様", "Who has such an address")) }
            ul { @for address in addresses {
                @let query = serde_urlencoded::to_string([("email", address)]).unwrap_or_default();
                li { a href=(format!("/support?{query}")) { (address) } }
            } }
            @if has_more {
                p.hint { (language.say("ほかにも該当するお客様がいます。アドレスをもう少し入力してください。",
                    "There are more of them: type more of the address.")) }
            }
        }
    }
}

/// An account as the desk finds it.
enum Looked {
    Account(Box<AccountView>, Vec<Event>),
    /// Its record cannot be read, in this way.
    Lost(RecordLoss),
}

async fn look(app: &App, account: &AccountId) -> Result<Looked, Trouble> {
    match app.verifier.view(account).await {
        Ok(view) => Ok(Looked::Account(Box::new(view), app.verifier.history(account).await?)),
        Err(error) => error.record_loss().map(Looked::Lost).ok_or_else(|| error.into()),
    }
}
