//! Withdrawals are paid: later than they are asked for, and only if their authorization still
//! stands.
//!
//! In between an owner can call support, who freezes the account. A real exchange would hand the
//! withdrawal to its bank here, under its id, so that the bank pays it once too.

use crate::App;
use crate::customers::{Customer, Queued, Withdrawal, WithdrawalState};
use crate::trouble::Trouble;
use sekisho::Error;
use sekisho::account::{AccountId, Authorization, Purpose};
use std::time::Duration;

/// The exchange looks through the queue so often.
const EVERY: Duration = Duration::from_secs(1);

/// Pays what is due, until the exchange stops. Every copy may do so.
pub async fn run(app: App) {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = pay_due(&app).await {
            tracing::warn!(%error, "withdrawals wait");
        }
    }
}

/// Pays what is due now, and stops what is not authorized any more. A customer whose record cannot
/// be read now waits, and keeps nobody else waiting.
///
/// # Errors
/// [`Trouble`] if the queue cannot be read.
pub async fn pay_due(app: &App) -> Result<(), Trouble> {
    // Before the customers are read: what is put into the queue meanwhile stays there.
    let now = app.now();
    let mut done = Vec::new();
    for queued in app.customers.queued().await? {
        match pay_all(app, &queued).await {
            Ok(true) => done.push(queued),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "a customer's withdrawals wait"),
        }
    }
    Ok(app.customers.dequeue(&done, now).await?)
}

/// Gives whether nothing of the customer waits any more.
async fn pay_all(app: &App, queued: &Queued) -> Result<bool, Trouble> {
    let account = queued.account()?;
    let Some(customer) = app.customers.by_account(&account).await? else { return Ok(false) };
    let mut is_done = true;
    for withdrawal in &customer.withdrawals {
        if let WithdrawalState::Waits { authorization } = &withdrawal.state {
            is_done &= pay(app, &account, &customer, withdrawal, authorization).await?;
        }
    }
    Ok(is_done)
}

/// Gives whether the withdrawal waits no longer.
async fn pay(
    app: &App,
    account: &AccountId,
    customer: &Customer,
    withdrawal: &Withdrawal,
    authorization: &[u8],
) -> Result<bool, Trouble> {
    if app.now() < withdrawal.at.saturating_add(app.settings.payout_secs) {
        return Ok(false);
    }
    // Nobody but this exchange writes to its customers' records.
    let authorization =
        Authorization::assume_authorized(authorization).map_err(|error| Trouble::Other(error.into()))?;
    let is_for_this = authorization.account() == account
        && authorization.id() == &withdrawal.id
        && authorization.purpose() == Purpose::WITHDRAWAL
        && *authorization.context() == Withdrawal::context(withdrawal.amount, &withdrawal.to);
    let stands = match app.verifier.still_stands(&authorization).await {
        Ok(()) => is_for_this,
        // Frozen, held, or changed since.
        Err(Error::Account(_)) => false,
        Err(error) => {
            tracing::warn!(%error, "a withdrawal waits, as nobody knows whether it is still authorized");
            return Ok(false);
        }
    };
    if app.customers.settle(account, &withdrawal.id, stands).await? && !stands {
        let text = customer.language.say(
            "アカウントに変更があったため、出金を取り消し、残高に戻しました。",
            "A withdrawal was stopped, as your account has changed since: the money is back in your wallet.",
        );
        app.send(&customer.email, text.into());
    }
    Ok(true)
}
