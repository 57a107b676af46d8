//! Calls for pages that show accounts, and calls that keep records in order.

use super::error::Error;
use super::handle::Verifier;
use crate::account::{
    AccountError, AccountId, AccountView, Authorization, Enrollment, Event, OwnerFreeze, Purpose, RecoverySheet, Text,
};
use crate::otp::UnixTime;
use crate::store::Store;
use alloc::vec::Vec;

/// The outcome of [`Verifier::reseal`](crate::Verifier::reseal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resealed {
    /// The record was sealed anew, under the primary key.
    Done,
    /// It was sealed under the primary key already.
    NotNeeded,
    /// Nothing is stored of the account.
    Absent,
}

impl<S: Store> Verifier<S> {
    /// The time by the verifier's clock: for
    /// [`Rejection::retry_in`](crate::otp::Rejection::retry_in) and whatever else is to agree
    /// with it.
    ///
    /// # Errors
    /// [`Error::Time`] if the clock cannot be right: it reads a time before this release was made,
    /// say.
    pub fn now(&self) -> Result<UnixTime, Error> {
        Ok(self.0.clock.now()?.after_release()?)
    }

    /// Fails unless an authorization still stands: see
    /// [`Account::still_stands`](crate::account::Account::still_stands). One fresh load. Ask
    /// immediately before what was authorized happens: before the money moves, say. Compare the
    /// authorization's [purpose](Authorization::purpose) and [context](Authorization::context) with
    /// that first.
    ///
    /// # Errors
    /// [`Error::Account`] if it does not stand; [`Error`] if nobody knows.
    pub async fn still_stands(&self, authorization: &Authorization) -> Result<(), Error> {
        let (opened, now) = self.load(authorization.account()).await?;
        if self.0.restored_at.is_some_and(|at| opened.needs_care(now, at)) {
            return Err(AccountError::AuthorizationEnded.into());
        }
        Ok(opened.still_stands(now, authorization)?)
    }

    /// Holds purposes of an account for a reason of the service's own: see
    /// [`Account::hold`](crate::account::Account::hold).
    ///
    /// # Errors
    /// [`Error::Account`] if the length or a purpose is not allowed; [`Error`].
    pub async fn hold(&self, account: &AccountId, purposes: &[Purpose], secs: u64, reason: &Text) -> Result<(), Error> {
        self.change(account, |opened, now, _| opened.hold(&self.0.policy, now, purposes, secs, reason)).await
    }

    /// Freezes an account at the word of its owner, by the link of a notice or by a session: see
    /// [`Account::freeze_by_owner`](crate::account::Account::freeze_by_owner).
    ///
    /// # Errors
    /// [`Error::Account`] if it is no link of this account's notices, or older than seven days, or
    /// if the session has ended; [`Error`].
    pub async fn freeze_by_owner(&self, account: &AccountId, freeze: OwnerFreeze) -> Result<(), Error> {
        self.change(account, |opened, now, rng| opened.freeze_by_owner(now, &freeze, rng)).await
    }

    /// The enrollment that waits, once more, for a page that is loaded again: see
    /// [`Account::pending_enrollment`](crate::account::Account::pending_enrollment). One fresh
    /// load.
    ///
    /// # Errors
    /// [`Error::Account`] if it waits no more; [`Error`].
    pub async fn pending_enrollment(&self, account: &AccountId, handle: &str) -> Result<Enrollment, Error> {
        let (opened, now) = self.load(account).await?;
        // After a restored backup nothing waits that was begun before.
        if self.0.restored_at.is_some_and(|at| opened.needs_care(now, at)) {
            return Err(AccountError::NothingPending.into());
        }
        Ok(opened.pending_enrollment(&self.0.policy, now, handle)?)
    }

    /// The set of recovery codes that waits, once more, for a page that is loaded again: see
    /// [`Account::waiting_recovery_codes`](crate::account::Account::waiting_recovery_codes). One
    /// fresh load.
    ///
    /// # Errors
    /// [`Error::Account`] if it waits no more; [`Error`].
    pub async fn waiting_recovery_codes(&self, account: &AccountId, handle: &str) -> Result<RecoverySheet, Error> {
        let (opened, now) = self.load(account).await?;
        if self.0.restored_at.is_some_and(|at| opened.needs_care(now, at)) {
            return Err(AccountError::NothingPending.into());
        }
        Ok(opened.waiting_recovery_codes(now, handle)?)
    }

    /// The view of an account for settings pages and support. A record that is older than a
    /// restored backup is shown as the next write will leave it: its sessions have ended.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn view(&self, account: &AccountId) -> Result<AccountView, Error> {
        let (opened, now) = self.load(account).await?;
        let opened = match self.0.restored_at {
            Some(at) => opened.restored_at(&self.0.policy, now, at).account,
            None => opened,
        };
        Ok(opened.view(&self.0.policy, now))
    }

    /// The events that the record keeps, oldest first: at most 32. Not for the owner's eyes without
    /// choice, see [`Event`].
    ///
    /// # Errors
    /// [`Error`].
    pub async fn history(&self, account: &AccountId) -> Result<Vec<Event>, Error> {
        Ok(self.load(account).await?.0.history())
    }

    /// Seals an account's record under the primary key if it is sealed under an older one. Every
    /// write does so too; this is for accounts that nobody uses, before the older key goes. The
    /// stores list their accounts.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn reseal(&self, account: &AccountId) -> Result<Resealed, Error> {
        let stored = self.0.store.load(account).await.map_err(Error::store)?;
        let Some(stored) = stored else { return Ok(Resealed::Absent) };
        if self.0.keyring.get().is_sealed_under_primary(&stored)? {
            return Ok(Resealed::NotNeeded);
        }
        self.change(account, |opened, _, _| Ok(opened.reseal())).await?;
        Ok(Resealed::Done)
    }

    /// Hands the sink what it has not taken yet of an account's events, as the account's next
    /// operation would: after a crash, for accounts that nobody uses meanwhile. Gives the
    /// number of events that it has still not taken. An account that has moved in, and whose source
    /// does not know it yet, is told of there.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn deliver_events(&self, account: &AccountId) -> Result<usize, Error> {
        let opened = self.load(account).await?.0;
        let unacknowledged = opened.unacknowledged();
        drop(opened);
        self.try_to_tell_moved(account).await?;
        self.deliver_again(account, unacknowledged).await
    }
}
