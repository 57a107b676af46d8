//! Who a browser belongs to: nobody, somebody whose password was right a moment ago, or a customer who is logged in.

use crate::customers::Customer;
use crate::trouble::Trouble;
use crate::{App, language};
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

/// The cookie of a browser that its owner has had remembered.
pub const DEVICE: &str = "__Host-device";
/// How long the second step may be waited for, in seconds.
const SECOND_STEP_SECS: u64 = 600;
const KEY: &str = "who";

/// What is kept of a browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Who {
    /// The password was right, the code is waited for.
    SecondStep {
        email: String,
        until: u64,
    },
    Customer {
        email: String,
    },
    Operator {
        name: String,
    },
}

/// A browser whose user has given the right password.
#[derive(Debug)]
pub struct SecondStep(pub Customer);

/// A customer who has given the right password, and perhaps logged in.
#[derive(Debug)]
pub struct PasswordGiven {
    /// Who that is.
    pub customer: Customer,
    /// Whether the second step was taken too.
    pub is_logged_in: bool,
}

/// A customer who is logged in.
#[derive(Debug)]
pub struct LoggedIn(pub Customer);

/// Somebody of the support desk.
#[derive(Debug)]
pub struct AtTheDesk(pub String);

/// The token of a known browser, if it has brought one.
#[derive(Debug)]
pub struct Device(pub Option<String>);

/// Begins the second step, under a new name of the session.
///
/// # Errors
/// [`Trouble`].
pub async fn begin_second_step(session: &Session, email: &str, now: u64) -> Result<(), Trouble> {
    let until = now.saturating_add(SECOND_STEP_SECS);
    begin(session, Who::SecondStep { email: email.into(), until }).await
}

/// Logs a customer in, under a new name of the session.
///
/// # Errors
/// [`Trouble`].
pub async fn log_in(session: &Session, email: &str) -> Result<(), Trouble> {
    begin(session, Who::Customer { email: email.into() }).await
}

/// Lets an operator in.
///
/// # Errors
/// [`Trouble`].
pub async fn go_to_the_desk(session: &Session, name: &str) -> Result<(), Trouble> {
    begin(session, Who::Operator { name: name.into() }).await
}

async fn begin(session: &Session, who: Who) -> Result<(), Trouble> {
    end(session).await?;
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

/// Where they are sent who have not come by the door.
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

async fn who<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Option<Who>, Elsewhere> {
    let session = Session::from_request_parts(parts, state).await;
    let session = session.map_err(|(_, why)| Elsewhere::Trouble(Trouble::Session(why.into())))?;
    Ok(session.get(KEY).await?)
}

async fn customer(app: &App, email: &str) -> Result<Customer, Elsewhere> {
    app.customers.find(email).await?.ok_or(Elsewhere::To("/log-in"))
}

impl<S: Send + Sync> FromRequestParts<S> for SecondStep
where
    App: FromRef<S>,
{
    type Rejection = Elsewhere;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Elsewhere> {
        let app = App::from_ref(state);
        match who(parts, state).await? {
            Some(Who::SecondStep { email, until }) if app.now() < until => Ok(Self(customer(&app, &email).await?)),
            Some(Who::Customer { .. }) => Err(Elsewhere::To("/wallet")),
            _ => Err(Elsewhere::To("/log-in")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PasswordGiven
where
    App: FromRef<S>,
{
    type Rejection = Elsewhere;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Elsewhere> {
        let app = App::from_ref(state);
        match who(parts, state).await? {
            Some(Who::SecondStep { email, until }) if app.now() < until => {
                Ok(Self { customer: customer(&app, &email).await?, is_logged_in: false })
            }
            Some(Who::Customer { email }) => Ok(Self { customer: customer(&app, &email).await?, is_logged_in: true }),
            _ => Err(Elsewhere::To("/log-in")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for LoggedIn
where
    App: FromRef<S>,
{
    type Rejection = Elsewhere;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Elsewhere> {
        match who(parts, state).await? {
            Some(Who::Customer { email }) => Ok(Self(customer(&App::from_ref(state), &email).await?)),
            Some(Who::SecondStep { .. }) => Err(Elsewhere::To("/log-in/code")),
            _ => Err(Elsewhere::To("/log-in")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AtTheDesk {
    type Rejection = Elsewhere;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Elsewhere> {
        match who(parts, state).await? {
            Some(Who::Operator { name }) => Ok(Self(name)),
            _ => Err(Elsewhere::To("/support/log-in")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Device {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(language::cookie(parts, DEVICE).map(ToOwned::to_owned)))
    }
}
