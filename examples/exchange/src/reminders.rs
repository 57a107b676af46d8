//! Owners are reminded of recoveries that wait, once a day. One of which the owner was not told
//! each day takes no effect.

use crate::App;
use crate::customers::Queued;
use crate::trouble::Trouble;
use std::time::Duration;

/// The exchange looks through the recoveries so often: several times a day.
const EVERY: Duration = Duration::from_secs(600);

/// Reminds until the exchange stops. Every copy may do so.
pub async fn run(app: App) {
    loop {
        if let Err(error) = remind_all(&app).await {
            tracing::warn!(%error, "owners are not reminded of recoveries");
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Reminds everybody who is due. One who cannot be reminded now keeps nobody else waiting.
///
/// # Errors
/// [`Trouble`] if the list of recoveries cannot be read.
pub async fn remind_all(app: &App) -> Result<(), Trouble> {
    let now = app.now();
    let mut done = Vec::new();
    for queued in app.customers.recoveries().await? {
        match remind(app, &queued).await {
            Ok(true) => {}
            Ok(false) => done.push(queued),
            Err(error) => tracing::error!(%error, "an owner is not reminded of a recovery"),
        }
    }
    Ok(app.customers.end_recoveries(&done, now).await?)
}

/// Gives whether a recovery still waits.
async fn remind(app: &App, queued: &Queued) -> Result<bool, Trouble> {
    let account = queued.account()?;
    app.verifier.remind(&account).await?;
    Ok(app.verifier.view(&account).await?.self_recovery.is_some())
}
