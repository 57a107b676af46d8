//! Accounts move in from another system: in bulk, or each at its first contact.

use super::commit::{MAX_TRIES, Written};
use super::error::Error;
use super::handle::Verifier;
use super::randomness::Randomness;
use super::source::OldAccount;
use crate::account::{Account, AccountId, ImportError, PortableAccount};
use crate::otp::UnixTime;
use crate::seal::SealError;
use crate::store::Store;

/// The outcome of [`Verifier::import`](crate::Verifier::import).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// The account's record was made.
    Done,
    /// The account has a record, which was not touched.
    LivesHere,
}

impl<S: Store> Verifier<S> {
    /// Imports an account with its authenticators confirmed, in one write: see
    /// [`Account::import`](crate::account::Account::import). An account that has a record here
    /// stays as it is, whatever it was imported with, so a list can be imported again.
    ///
    /// # Errors
    /// [`Error::Import`] if it cannot be imported as it is given; [`Error::NoSuchAccount`] if the
    /// [source](crate::verifier::VerifierBuilder::moving_from) says that it has moved, and its
    /// record is gone; [`Error`].
    pub async fn import(&self, account: &AccountId, imported: &PortableAccount) -> Result<Imported, Error> {
        let lives_here = async || Ok::<_, Error>(self.0.store.load(account).await.map_err(Error::store)?.is_some());
        if matches!(self.ask_source(account).await?, OldAccount::Moved) && !lives_here().await? {
            // It was here, and is lost or erased: nothing brings it back but an operator.
            return Err(Error::NoSuchAccount);
        }
        for _ in 0..MAX_TRIES {
            let (now, mut randomness) = (self.now()?, Randomness::new());
            let change = Account::import(account.clone(), imported, &self.0.policy, now, &mut randomness)?;
            if let Written::Done(uncommitted) = self.write(account, change, randomness).await? {
                let (_, events) = uncommitted.committed();
                self.deliver_once(account, &events).await;
                self.tell_moved(account).await;
                return Ok(Imported::Done);
            }
            // Lost: there is a record, unless it was erased in between.
            if lives_here().await? {
                return Ok(Imported::LivesHere);
            }
        }
        Err(Error::Contention)
    }

    /// The account of which the store has no record: as the source knows it, if it does.
    pub(super) async fn moving_in(&self, account: &AccountId) -> Result<(Account, UnixTime), Error> {
        let imported = match self.ask_source(account).await? {
            OldAccount::SecondFactor(imported) if !imported.has_factor() => return Err(ImportError::NoFactor.into()),
            OldAccount::SecondFactor(imported) => imported,
            OldAccount::KnownWithoutOne => PortableAccount::new(),
            OldAccount::Moved | OldAccount::Unknown => return Err(Error::NoSuchAccount),
        };
        let (now, mut randomness) = (self.now()?, Randomness::new());
        let opened = Account::imported(account.clone(), &imported, &self.0.policy, now, &mut randomness)?;
        randomness.check().map_err(Error::Randomness)?;
        Ok((opened, now))
    }

    /// Fails if the account is still to move in: its record is not lost.
    pub(super) async fn check_not_moving_in(&self, account: &AccountId) -> Result<(), Error> {
        match self.ask_source(account).await? {
            OldAccount::Moved | OldAccount::Unknown => Ok(()),
            OldAccount::SecondFactor(_) | OldAccount::KnownWithoutOne => Err(SealError::NotLost.into()),
        }
    }

    /// Fails if the source knows the account: a new one cannot take its place.
    pub(super) async fn check_unknown_to_source(&self, account: &AccountId) -> Result<(), Error> {
        match self.ask_source(account).await? {
            OldAccount::Unknown => Ok(()),
            _ => Err(crate::account::AccountError::NotNew.into()),
        }
    }

    async fn ask_source(&self, account: &AccountId) -> Result<OldAccount, Error> {
        match &self.0.source {
            Some(source) => source.second_factor(account).await.map_err(Error::Source),
            None => Ok(OldAccount::Unknown),
        }
    }

    /// Tells the source that an account shall never move in again.
    pub(super) async fn forget_at_source(&self, account: &AccountId) -> Result<(), Error> {
        match &self.0.source {
            Some(source) => source.moved(account).await.map_err(Error::Source),
            None => Ok(()),
        }
    }

    /// Tells the source that an account has a record here, and notes that it knows. What fails is
    /// made up for at the account's next change.
    pub(super) async fn tell_moved(&self, account: &AccountId) {
        let _ = self.try_to_tell_moved(account).await;
    }

    /// The same, for a caller who has to know. An account without a record is not reported: the
    /// source would take its record for lost.
    pub(super) async fn try_to_tell_moved(&self, account: &AccountId) -> Result<(), Error> {
        let Some(source) = &self.0.source else { return Ok(()) };
        for _ in 0..MAX_TRIES {
            let stored = self.0.store.load(account).await.map_err(Error::store)?;
            let Some(stored) = stored else { return Ok(()) };
            let opened = self.0.keyring.get().open(account, stored)?;
            if opened.source_knows() {
                return Ok(());
            }
            source.moved(account).await.map_err(Error::Source)?;
            if let Written::Done(_) = self.write(account, opened.moved(), Randomness::new()).await? {
                return Ok(());
            }
        }
        Err(Error::Contention)
    }
}
