//! The readiness check: everything that a log-in needs is tried.

use super::error::Error;
use super::handle::Verifier;
use super::measured;
use super::randomness::Randomness;
use crate::account::{Account, AccountId};
use crate::store::{Store, Swap};

impl<S: Store> Verifier<S> {
    /// Asks the store whether it is [set up to keep records](Store::ready). Then does what a log-in
    /// does, for an account that nobody has: asks the clock, draws randomness, seals a record,
    /// writes it, reads it, opens it, and removes it. `Ok` means that log-ins work. For a readiness
    /// check, which takes a server out of a balancer while its store is down, read-only or full, or
    /// its clock is wrong.
    ///
    /// It costs the store five calls: ask at most once a second or so. Several servers may do so at
    /// once. A store that lists its accounts may list this one: [`AccountId::READINESS`].
    ///
    /// # Errors
    /// [`Error`]: why a log-in would have no answer.
    pub async fn ready(&self) -> Result<(), Error> {
        // A caller who gives up waiting has seen it fail.
        let mut readiness = Readiness { is_ready: false };
        let checked = self.check().await;
        readiness.is_ready = checked.is_ok();
        checked
    }

    async fn check(&self) -> Result<(), Error> {
        let (account, store) = (AccountId::readiness(), &self.0.store);
        store.ready().await.map_err(Error::store)?;
        let left = store.load(&account).await.map_err(Error::store)?;
        let (now, mut randomness) = (self.now()?, Randomness::new());
        let keyring = self.0.keyring.get();
        let (write, _) = keyring.seal(Account::create(account.clone(), now, &mut randomness), &mut randomness)?;
        randomness.check().map_err(Error::Randomness)?;
        let Some(mut write) = write else { return Ok(()) };
        // One that was asked before may have been interrupted, or be at it now.
        write.expected = left.map(|left| left.revision);
        if store.swap(&account, &write).await.map_err(Error::outcome_unknown)? == Swap::Lost {
            return Ok(());
        }
        if let Some(stored) = store.load(&account).await.map_err(Error::store)? {
            // It is another server's if that has written since. It opens all the same.
            drop(keyring.open(&account, stored)?);
        }
        let _ = store.delete(&account, write.new.revision).await.map_err(Error::outcome_unknown)?;
        Ok(())
    }
}

/// Tells, when it is dropped, what a readiness check has answered.
struct Readiness {
    is_ready: bool,
}

impl Drop for Readiness {
    fn drop(&mut self) {
        measured::checked(self.is_ready);
    }
}
