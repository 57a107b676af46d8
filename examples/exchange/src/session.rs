//! The exchange's knowledge of a browser: who has given a password, and who is logged in.
//!
//! Sessions are kept by each copy of the exchange, so a balancer has to lead a browser to one copy;
//! other stores of tower-sessions share them. Whether one still holds is asked of the account each
//! time: a freeze or a reset ends all of its sessions, in every copy.

use crate::customers::{Customer, CustomerError};
use crate::trouble::Trouble;
use crate::{App, guard, language};
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use sekisho::account::{AccountId, AccountView, Act, Attempt, EnrollmentHandle, Source};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::SystemTime;
use tower_sessions::Session;

/// The second step is waited for so long, in seconds.
const SECOND_STEP_SECS: u64 = 600;
/// A session lasts so long, in seconds.
pub const SESSION_SECS: u64 = 7_200;
/// The cookie of the pass whose link the browser has opened.
pub const PASS_COOKIE: &str = "__Host-pass";
const KEY: &str = "who";
const ENROLLMENT: &str = "enrollment";
const SHEET: &str = "sheet";
const SAID: &str = "said";

/// The part of a session that says who it is of.
#[derive(Clone, Serialize, Deserialize)]
enum Who {
    /// The password was right, the code is waited for.
    SecondStep {
        account: String,
        /// The number of times that the password had been set.
        passwords: u32,
        until: u64,
        /// Names this log-in, so that its code may be submitted again when there was no answer.
        attempt: [u8; 16],
        /// After a reset, the one that an enrollment was begun with.
        pass: Option<String>,
    },
    Customer {
        account: String,
        /// The number of times that the password had been set.
        passwords: u32,
        /// Of the account when it was logged in to.
        epoch: u64,
        /// By a code: without one the session lasts until the account has an authenticator.
        is_proved: bool,
        /// Names what is asked twice, as above.
        attempt: [u8; 16],
        /// Names the settings that a code has opened: another one whenever one does.
        settings: [u8; 16],
        /// In Unix seconds of the system's clock, which is the session store's.
        until: u64,
    },
    Operator {
        name: String,
        until: u64,
    },
}

impl fmt::Debug for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Who").finish_non_exhaustive()
    }
}

/// The end of a session that begins now, however often it is used.
fn end_of_session() -> u64 {
    system_secs().saturating_add(SESSION_SECS)
}

fn system_secs() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(u64::MAX, |elapsed| elapsed.as_secs())
}

/// A customer who has given the right password.
pub struct Owner {
    /// The customer, and the account.
    pub customer: Customer,
    /// The same, as Sekisho says it.
    pub account: AccountId,
    /// The second factor.
    pub view: AccountView,
    /// The token that the browser has brought, if the customer has had it remembered.
    pub device: Option<String>,
    /// The pass whose link the browser has opened, if it has.
    pub pass: Option<String>,
    /// Names the log-in, or the one that is under way.
    pub log_in: [u8; 16],
    /// The source of the request.
    pub source: Source,
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Owner {
    /// The attempt of this browser.
    pub fn attempt(&self, attempt: Attempt) -> Attempt {
        let attempt = attempt.with_source(self.source.clone());
        match &self.device {
            Some(token) => attempt.with_device(token),
            None => attempt,
        }
    }

    /// The act of this browser.
    pub fn act(&self, act: Act) -> Act {
        let act = act.with_source(self.source.clone());
        match &self.device {
            Some(token) => act.with_device(token),
            None => act,
        }
    }
}

/// The cookie of a browser that a customer has had remembered: others may use the browser too.
#[must_use]
pub fn device_cookie(customer: &Customer) -> String {
    format!("__Host-device-{}", customer.account)
}

/// A browser whose user has given the right password, and no code yet.
#[derive(Debug)]
pub struct SecondStep {
    /// The customer, and the account.
    pub owner: Owner,
    /// The name of this log-in.
    pub attempt: [u8; 16],
}

/// The source of a request.
#[derive(Debug)]
pub struct CameFrom(pub Source);

impl<S: Send + Sync> FromRequestParts<S> for CameFrom
where
    App: FromRef<S>,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(guard::source_of(parts, App::from_ref(state).settings.is_behind_proxy)))
    }
}

/// A customer who is logged in.
#[derive(Debug)]
pub struct LoggedIn(pub Owner);

/// A customer who has given the right password, and perhaps logged in.
#[derive(Debug)]
pub struct PasswordGiven {
    /// The customer, and the account.
    pub owner: Owner,
    /// True if the second step was taken too.
    pub is_logged_in: bool,
    /// Of one who is, the name of the settings.
    pub settings: Option<[u8; 16]>,
    /// Names what is asked twice.
    pub attempt: [u8; 16],
    /// After a reset, the one that an enrollment was begun with.
    pub pass: Option<String>,
}

/// Somebody of the support desk.
#[derive(Debug)]
pub struct AtTheDesk(pub String);

/// The ground of a log-in, in an epoch of the account.
#[derive(Clone, Copy, Debug)]
pub enum By {
    /// An accepted code.
    Proof(u64),
    /// The password alone, as the account has no authenticator.
    Password(u64),
}

/// Begins the second step, under a new name of the session.
///
/// # Errors
/// [`Trouble`].
pub async fn begin_second_step(session: &Session, customer: &Customer, now: u64) -> Result<(), Trouble> {
    let until = now.saturating_add(SECOND_STEP_SECS);
    let (account, passwords) = (customer.account.clone(), customer.passwords);
    begin(session, Who::SecondStep { account, passwords, until, attempt: rand::random(), pass: None }).await
}

/// Says something on the next page that this browser sees.
///
/// # Errors
/// [`Trouble`].
pub async fn say_next(session: &Session, text: &str) -> Result<(), Trouble> {
    Ok(session.insert(SAID, text).await?)
}

/// Gives what there is to say on this page, once.
///
/// # Errors
/// [`Trouble`].
pub async fn said(session: &Session) -> Result<Option<String>, Trouble> {
    // A session that is only looked at is not written: else looking would prolong it.
    match session.get(SAID).await? {
        Some(text) => {
            session.remove_value(SAID).await?;
            Ok(Some(text))
        }
        None => Ok(None),
    }
}

/// Keeps the pass that an enrollment after a reset was begun with, to confirm it until then.
///
/// # Errors
/// [`Trouble`].
pub async fn keep_pass(session: &Session, given: &str, until: u64) -> Result<(), Trouble> {
    if let Some(Who::SecondStep { account, passwords, attempt, .. }) = session.get(KEY).await? {
        let pass = Some(given.into());
        session.insert(KEY, Who::SecondStep { account, passwords, until, attempt, pass }).await?;
    }
    Ok(())
}

/// Keeps the handle of the enrollment that this browser has begun: a page that is loaded again
/// shows the same secret, and the confirmation tells its owner from others who guess.
///
/// # Errors
/// [`Trouble`].
pub async fn keep_enrollment(session: &Session, handle: &EnrollmentHandle) -> Result<(), Trouble> {
    Ok(session.insert(ENROLLMENT, handle.to_text().expose()).await?)
}

/// The handle of the enrollment that this browser has begun; empty if it has begun none.
///
/// # Errors
/// [`Trouble`].
pub async fn enrollment(session: &Session) -> Result<String, Trouble> {
    Ok(session.get(ENROLLMENT).await?.unwrap_or_default())
}

/// Keeps the handle of the set of recovery codes that this browser was shown.
///
/// # Errors
/// [`Trouble`].
pub async fn keep_sheet(session: &Session, handle: &EnrollmentHandle) -> Result<(), Trouble> {
    Ok(session.insert(SHEET, handle.to_text().expose()).await?)
}

/// The handle of the set of recovery codes that this browser was shown; empty if there is none.
///
/// # Errors
/// [`Trouble`].
pub async fn sheet(session: &Session) -> Result<String, Trouble> {
    Ok(session.get(SHEET).await?.unwrap_or_default())
}

/// Logs a customer in, under a new name of the session, until the account has another epoch. Gives
/// the name of its settings.
///
/// # Errors
/// [`Trouble`].
pub async fn log_in(session: &Session, customer: &Customer, by: By) -> Result<[u8; 16], Trouble> {
    let (epoch, is_proved) = match by {
        By::Proof(epoch) => (epoch, true),
        By::Password(epoch) => (epoch, false),
    };
    let (account, passwords) = (customer.account.clone(), customer.passwords);
    let (attempt, settings, until) = (rand::random(), rand::random(), end_of_session());
    begin(session, Who::Customer { account, passwords, epoch, is_proved, attempt, settings, until }).await?;
    Ok(settings)
}

/// Renews the session of a customer who has just typed a code for the settings: the cookie of
/// before is worth nothing then, and only this browser has the new one. Gives the new name of the
/// settings.
///
/// # Errors
/// [`Trouble`].
pub async fn renew(session: &Session) -> Result<[u8; 16], Trouble> {
    let new = rand::random();
    if let Some(Who::Customer { account, passwords, epoch, is_proved, attempt, until, .. }) = session.get(KEY).await? {
        session.cycle_id().await?;
        let who = Who::Customer { account, passwords, epoch, is_proved, attempt, settings: new, until };
        session.insert(KEY, who).await?;
    }
    Ok(new)
}

/// Lets an operator in.
///
/// # Errors
/// [`Trouble`].
pub async fn go_to_the_desk(session: &Session, name: &str) -> Result<(), Trouble> {
    begin(session, Who::Operator { name: name.into(), until: end_of_session() }).await
}

async fn begin(session: &Session, who: Who) -> Result<(), Trouble> {
    session.clear().await;
    // An id that somebody else has put there is worth nothing then.
    session.cycle_id().await?;
    session.insert(KEY, who).await?;
    Ok(())
}

/// Ends whatever there was.
///
/// # Errors
/// [`Trouble`].
pub async fn end(session: &Session) -> Result<(), Trouble> {
    if session.id().is_some() {
        session.flush().await?;
    }
    Ok(())
}

/// The answer to those who have not come by the door.
#[derive(Debug)]
pub enum Elsewhere {
    /// To the page where it begins.
    To(&'static str),
    /// Something else is wrong.
    Trouble(Trouble),
}

impl<E: Into<Trouble>> From<E> for Elsewhere {
    fn from(error: E) -> Self {
        Self::Trouble(error.into())
    }
}

impl IntoResponse for Elsewhere {
    fn into_response(self) -> Response {
        match self {
            Self::To(page) => Redirect::to(page).into_response(),
            Self::Trouble(trouble) => trouble.into_response(),
        }
    }
}

/// A session, and who it says it is of.
async fn who<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<(Session, Option<Who>), Elsewhere> {
    let session = Session::from_request_parts(parts, state).await;
    let session = session.map_err(|(_, why)| Elsewhere::Trouble(Trouble::Session(why.into())))?;
    let who = session.get(KEY).await?;
    Ok((session, who))
}

async fn owner(app: &App, parts: &Parts, account: &str, passwords: u32, log_in: [u8; 16]) -> Result<Owner, Elsewhere> {
    let account = AccountId::new(account).map_err(|_| CustomerError::Unknown)?;
    let customer = app.customers.by_account(&account).await?;
    // The password has been set since: whoever was there before is out.
    let customer = customer.filter(|customer| customer.passwords == passwords).ok_or(Elsewhere::To("/log-in"))?;
    let view = app.verifier.view(&account).await?;
    let device = language::cookie(&parts.headers, &device_cookie(&customer)).map(ToOwned::to_owned);
    let source = guard::source_of(parts, app.settings.is_behind_proxy);
    let pass = language::cookie(&parts.headers, PASS_COOKIE).map(ToOwned::to_owned);
    Ok(Owner { customer, account, view, device, pass, log_in, source })
}

/// An owner with a session of this epoch, unless it has ended since.
async fn logged_in(
    app: &App,
    parts: &Parts,
    session: &Session,
    account: &str,
    passwords: u32,
    (epoch, is_proved): (u64, bool),
    log_in: [u8; 16],
) -> Result<Owner, Elsewhere> {
    let owner = owner(app, parts, account, passwords, log_in).await?;
    if owner.view.epoch != epoch || !(is_proved || owner.view.authenticators.is_empty()) {
        end(session).await?;
        return Err(Elsewhere::To("/log-in"));
    }
    Ok(owner)
}

impl<S: Send + Sync> FromRequestParts<S> for PasswordGiven
where
    App: FromRef<S>,
{
    type Rejection = Elsewhere;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Elsewhere> {
        let app = App::from_ref(state);
        match who(parts, state).await? {
            (_, Some(Who::SecondStep { account, passwords, until, attempt, pass })) if app.now() < until => {
                let owner = owner(&app, parts, &account, passwords, attempt).await?;
                Ok(Self { owner, is_logged_in: false, settings: None, attempt, pass })
            }
            (session, Some(Who::Customer { account, passwords, epoch, is_proved, attempt, settings, until }))
                if system_secs() < until =>
            {
                let founded = (epoch, is_proved);
                let owner = logged_in(&app, parts, &session, &account, passwords, founded, attempt).await?;
                Ok(Self { owner, is_logged_in: true, settings: Some(settings), attempt, pass: None })
            }
            _ => Err(Elsewhere::To("/log-in")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SecondStep
where
    App: FromRef<S>,
{
    type Rejection = Elsewhere;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Elsewhere> {
        let given = PasswordGiven::from_request_parts(parts, state).await?;
        if given.is_logged_in {
            return Err(Elsewhere::To("/wallet"));
        }
        Ok(Self { owner: given.owner, attempt: given.attempt })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for LoggedIn
where
    App: FromRef<S>,
{
    type Rejection = Elsewhere;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Elsewhere> {
        let given = PasswordGiven::from_request_parts(parts, state).await?;
        if !given.is_logged_in {
            return Err(Elsewhere::To("/log-in/code"));
        }
        Ok(Self(given.owner))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AtTheDesk {
    type Rejection = Elsewhere;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Elsewhere> {
        match who(parts, state).await?.1 {
            Some(Who::Operator { name, until }) if system_secs() < until => Ok(Self(name)),
            _ => Err(Elsewhere::To("/support/log-in")),
        }
    }
}
