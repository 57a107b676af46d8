//! Changes of accounts: by proofs, and at sign-up.

use super::commit::{MAX_TRIES, Written};
use super::error::Error;
use super::handle::Verifier;
use super::randomness::Randomness;
use crate::account::{
    Account, AccountError, AccountId, Address, AuthenticatorId, DeviceId, DeviceToken, Enrollable, Proof, Purpose,
    RecoverySheet, Text,
};
use crate::otp::UnixTime;
use crate::store::Store;

impl<S: Store> Verifier<S> {
    /// Creates the record of a new account. It has no second factor until its owner
    /// [enrolls](Self::enroll_first) one.
    ///
    /// Call it when somebody signs up, before the service stores its new user: a record without a
    /// user harms nobody, and a repeated call answers the same as long as nothing was ever bound.
    /// Never call it where somebody logs in. A record that is missing there has been lost, and a
    /// new one would let whoever knows the password enroll an authenticator of their own: have
    /// an operator [rebuild](crate::verifier::Support::rebuild) it.
    ///
    /// # Errors
    /// [`Error::Account`] with [`AccountError::NotNew`] if anything was ever bound to the account,
    /// or it is frozen or was reset, or if the system that accounts [move in
    /// from](crate::verifier::VerifierBuilder::moving_from) knows it; [`Error`].
    pub async fn create_account(&self, account: &AccountId) -> Result<(), Error> {
        for _ in 0..MAX_TRIES {
            let (now, mut randomness) = (self.now()?, Randomness::new());
            let change = match self.0.store.load(account).await.map_err(Error::store)? {
                None => {
                    self.check_unknown_to_source(account).await?;
                    Account::create(account.clone(), now, &mut randomness)
                }
                Some(stored) => self.0.keyring.get().open(account, stored)?.create_again()?,
            };
            if let Written::Done(_) = self.write(account, change, randomness).await? {
                self.tell_moved(account).await;
                return Ok(());
            }
        }
        Err(Error::Contention)
    }

    /// Begins the enrollment of an account's first authenticator: see
    /// [`Account::enroll_first`](crate::account::Account::enroll_first).
    ///
    /// # Errors
    /// [`Error::Account`] where there is one already, or after a reset; [`Error`].
    pub async fn enroll_first<N: Enrollable>(&self, account: &AccountId, new: N) -> Result<N::Begun, Error> {
        self.change(account, |opened, now, rng| opened.enroll_first(&self.0.policy, now, &new, rng)).await
    }

    /// Begins the enrollment of another authenticator, on the account that `proof` (of
    /// [`Purpose::BINDING`](crate::account::Purpose::BINDING)) is about: see
    /// [`Account::enroll`](crate::account::Account::enroll).
    ///
    /// # Errors
    /// [`Error::Account`] if the proof does not prove enough, or there is no room; [`Error`].
    pub async fn enroll<N: Enrollable>(&self, proof: Proof, new: N) -> Result<N::Begun, Error> {
        let account = proof.account();
        self.change(account, |opened, now, rng| opened.enroll(&self.0.policy, now, &proof, &new, rng)).await
    }

    /// Begins the replacement of the authenticator `old`, which stays until the new one is
    /// confirmed: see [`Account::replace`](crate::account::Account::replace).
    ///
    /// # Errors
    /// [`Error::Account`] if the proof does not prove enough, or there is no such authenticator;
    /// [`Error`].
    pub async fn replace<N: Enrollable>(&self, proof: Proof, old: AuthenticatorId, new: N) -> Result<N::Begun, Error> {
        let account = proof.account();
        self.change(account, |opened, now, rng| opened.replace(&self.0.policy, now, &proof, old, &new, rng)).await
    }

    /// Begins the enrollment of the first authenticator after a reset, with the pass that the reset
    /// has made: see [`Account::enroll_with_pass`](crate::account::Account::enroll_with_pass).
    ///
    /// # Errors
    /// [`Error::Account`] if the pass is not good, or a confirmation is needed too; [`Error`].
    pub async fn enroll_with_pass<N: Enrollable>(
        &self,
        account: &AccountId,
        pass: &str,
        confirmation: Option<Proof>,
        new: N,
    ) -> Result<N::Begun, Error> {
        let proof = confirmation.as_ref();
        self.change(account, |opened, now, rng| opened.enroll_with_pass(&self.0.policy, now, pass, proof, &new, rng))
            .await
    }

    /// Makes a set of recovery codes for the account that `proof` is about, which waits until its
    /// owner says that it is kept: see
    /// [`Account::issue_recovery_codes`](crate::account::Account::issue_recovery_codes).
    ///
    /// # Errors
    /// [`Error::Account`] if the proof does not prove enough; [`Error`].
    pub async fn issue_recovery_codes(&self, proof: Proof) -> Result<RecoverySheet, Error> {
        let account = proof.account();
        self.change(account, |opened, now, rng| opened.issue_recovery_codes(&self.0.policy, now, &proof, rng)).await
    }

    /// Gives the browser that `proof` came from a device token: see
    /// [`Account::remember_device`](crate::account::Account::remember_device).
    ///
    /// # Errors
    /// [`Error::Account`] if the proof has ended, or has given a token already; [`Error`].
    pub async fn remember_device(&self, proof: &Proof, name: Text) -> Result<DeviceToken, Error> {
        self.change(proof.account(), |opened, now, rng| {
            opened.remember_device(&self.0.policy, now, proof, name.clone(), rng)
        })
        .await
    }

    /// Ends the token of a device of the account that `proof` is about: see
    /// [`Account::forget_device`](crate::account::Account::forget_device).
    ///
    /// # Errors
    /// [`Error::Account`] if there is no such device, or the proof has ended; [`Error`].
    pub async fn forget_device(&self, proof: &Proof, id: DeviceId) -> Result<(), Error> {
        self.change(proof.account(), |opened, now, _| opened.forget_device(now, proof, id)).await
    }

    /// Uses a proof up, once, for what it was given for: see
    /// [`Account::redeem`](crate::account::Account::redeem). `account` is whose request
    /// it is, `context` the hash of what is about to be done.
    ///
    /// # Errors
    /// [`Error::Account`] if the proof does not prove that, has been redeemed, or is from before a
    /// freeze or a reset; [`Error`].
    pub async fn redeem(
        &self,
        account: &AccountId,
        proof: Proof,
        purpose: Purpose,
        context: Option<&[u8; 32]>,
    ) -> Result<(), Error> {
        self.change(account, |opened, now, _| opened.redeem(now, &proof, purpose, context)).await
    }

    /// Gives an authenticator of the account that `proof` is about another name: see
    /// [`Account::rename`](crate::account::Account::rename).
    ///
    /// # Errors
    /// [`Error::Account`] if there is no such authenticator, or the proof has ended; [`Error`].
    pub async fn rename(&self, proof: &Proof, id: AuthenticatorId, name: Text) -> Result<(), Error> {
        self.change(proof.account(), |opened, now, _| opened.rename(now, proof, id, name.clone())).await
    }

    /// Binds the e-mail address of a confirmation to the account that `proof` is about, and gives
    /// the account's new epoch: see
    /// [`Account::bind_email`](crate::account::Account::bind_email).
    ///
    /// # Errors
    /// [`Error::Account`] if either does not prove enough; [`Error`].
    pub async fn bind_email(&self, proof: Proof, confirmation: Proof) -> Result<u64, Error> {
        let account = proof.account();
        self.change(account, |opened, now, _| opened.bind_email(&self.0.policy, now, &proof, &confirmation)).await
    }

    /// Puts the set of recovery codes that waits in force, as its owner says that it is kept: see
    /// [`Account::keep_recovery_codes`](crate::account::Account::keep_recovery_codes).
    ///
    /// # Errors
    /// [`Error::Account`] if none waits under this handle; [`Error`].
    pub async fn keep_recovery_codes(&self, account: &AccountId, handle: &str) -> Result<(), Error> {
        self.change(account, |opened, now, _| opened.keep_recovery_codes(&self.0.policy, now, handle)).await
    }

    /// Voids the recovery codes of the account that `proof` is about at once: see
    /// [`Account::void_recovery_codes`](crate::account::Account::void_recovery_codes).
    ///
    /// # Errors
    /// [`Error::Account`] if there are none, or the proof does not prove enough; [`Error`].
    pub async fn void_recovery_codes(&self, proof: &Proof) -> Result<(), Error> {
        self.change(proof.account(), |opened, now, _| opened.void_recovery_codes(now, proof)).await
    }

    /// Suspends an authenticator of the account that `proof` is about, and gives the account's new
    /// epoch: see [`Account::suspend`](crate::account::Account::suspend).
    ///
    /// # Errors
    /// [`Error::Account`] if no other way in is left, or the proof does not prove enough;
    /// [`Error`].
    pub async fn suspend(&self, proof: Proof, id: AuthenticatorId) -> Result<u64, Error> {
        let account = proof.account();
        self.change(account, |opened, now, _| opened.suspend(&self.0.policy, now, &proof, id)).await
    }

    /// Resumes a suspended authenticator, and gives the account's new epoch: see
    /// [`Account::resume`](crate::account::Account::resume).
    ///
    /// # Errors
    /// [`Error::Account`] if it is not suspended, or the proof does not prove enough; [`Error`].
    pub async fn resume(&self, proof: Proof, id: AuthenticatorId) -> Result<u64, Error> {
        let account = proof.account();
        self.change(account, |opened, now, _| opened.resume(&self.0.policy, now, &proof, id)).await
    }

    /// Begins a recovery without support, and gives when it takes effect: see
    /// [`Account::begin_self_recovery`](crate::account::Account::begin_self_recovery).
    ///
    /// # Errors
    /// [`Error::Account`] if it is not offered, or the confirmation does not prove enough; it is
    /// not offered without a sink either; [`Error`].
    pub async fn begin_self_recovery(&self, confirmation: &Proof) -> Result<UnixTime, Error> {
        self.check_told()?;
        let account = confirmation.account();
        self.change(account, |opened, now, _| opened.begin_self_recovery(&self.0.policy, now, confirmation)).await
    }

    /// Has the owner told of a recovery that waits, if that was a day ago: see
    /// [`Account::remind`](crate::account::Account::remind). For a job that runs each hour, say.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn remind(&self, account: &AccountId) -> Result<(), Error> {
        self.check_told()?;
        self.change(account, |opened, now, _| opened.remind(&self.0.policy, now)).await
    }

    /// Fails if nobody would tell the owner.
    fn check_told(&self) -> Result<(), Error> {
        if self.0.sink.is_none() { Err(AccountError::NotOffered.into()) } else { Ok(()) }
    }

    /// Ends the wait of a recovery without support, and gives the pass that enrolls: see
    /// [`Account::finish_self_recovery`](crate::account::Account::finish_self_recovery).
    ///
    /// # Errors
    /// [`Error::Account`] if its time is not over, or the confirmation does not prove enough;
    /// [`Error`].
    pub async fn finish_self_recovery(&self, confirmation: &Proof) -> Result<DeviceToken, Error> {
        let account = confirmation.account();
        self.change(account, |opened, now, rng| opened.finish_self_recovery(&self.0.policy, now, confirmation, rng))
            .await
    }

    /// Unbinds an e-mail address from the account that `proof` is about, and gives the account's
    /// new epoch: see [`Account::unbind_email`](crate::account::Account::unbind_email).
    ///
    /// # Errors
    /// [`Error::Account`] if it is not bound, or the proof does not prove enough; [`Error`].
    pub async fn unbind_email(&self, proof: Proof, address: &Address) -> Result<u64, Error> {
        let account = proof.account();
        self.change(account, |opened, now, _| opened.unbind_email(&self.0.policy, now, &proof, address)).await
    }

    /// Records that the owner of the account that `proof` is about has a stronger factor, and gives
    /// the account's new epoch: see
    /// [`Account::set_stronger_factor`](crate::account::Account::set_stronger_factor).
    ///
    /// # Errors
    /// [`Error::Account`] if it is recorded already, or the proof does not prove enough; [`Error`].
    pub async fn set_stronger_factor(&self, proof: Proof) -> Result<u64, Error> {
        let account = proof.account();
        self.change(account, |opened, now, _| opened.set_stronger_factor(&self.0.policy, now, &proof)).await
    }

    /// Records that the owner has no stronger factor any more, and gives the account's new epoch:
    /// see [`Account::unset_stronger_factor`](crate::account::Account::unset_stronger_factor).
    ///
    /// # Errors
    /// [`Error::Account`] if the proof is by a code, or does not prove enough; [`Error`].
    pub async fn unset_stronger_factor(&self, proof: Proof) -> Result<u64, Error> {
        let account = proof.account();
        self.change(account, |opened, now, _| opened.unset_stronger_factor(&self.0.policy, now, &proof)).await
    }

    /// Removes one of several authenticators of the account that `proof` is about, and gives the
    /// account's new epoch: see [`Account::remove`](crate::account::Account::remove).
    ///
    /// # Errors
    /// [`Error::Account`] if it is the last one, or the proof does not prove enough; [`Error`].
    pub async fn remove(&self, proof: Proof, id: AuthenticatorId) -> Result<u64, Error> {
        let account = proof.account();
        self.change(account, |opened, now, _| opened.remove(&self.0.policy, now, &proof, id)).await
    }

    /// Removes the last authenticator of the account that `proof` is about, which is without second
    /// factor then, and gives the account's new epoch: see
    /// [`Account::remove_last`](crate::account::Account::remove_last).
    ///
    /// # Errors
    /// [`Error::Account`] if there are others, or the proof does not prove enough; [`Error`].
    pub async fn remove_last(&self, proof: Proof, id: AuthenticatorId) -> Result<u64, Error> {
        let account = proof.account();
        self.change(account, |opened, now, _| opened.remove_last(&self.0.policy, now, &proof, id)).await
    }
}
