//! The doors: every call that judges or sends a code. `Ok` means accepted.

use super::error::Error;
use super::handle::Verifier;
use crate::account::{
    AccountId, Act, Attempt, AuthenticatorId, Authorization, CodeRequest, Delivery, DeviceToken, Proof, Purpose,
    Resync, Source, refusal_event,
};
use crate::otp::{NotAccepted, Rejection};
use crate::store::Store;

impl<S: Store> Verifier<S> {
    /// Verifies a code, or a recovery code: see
    /// [`Account::verify`](crate::account::Account::verify).
    ///
    /// # Errors
    /// [`NotAccepted::Rejected`] if the code was refused; [`NotAccepted::Failed`] if there is no
    /// answer. [`Error::is_transient`] and [`Error::is_not_enrolled`] tell what to do then.
    pub async fn verify(&self, account: &AccountId, attempt: Attempt) -> Result<Proof, NotAccepted<Error>> {
        self.check_readable(account, &attempt).await?;
        self.submit(account, |opened, now, _| opened.verify(&self.0.policy, now, &attempt)).await
    }

    /// Verifies the code of an act and uses it up for that act, in one write: see
    /// [`Account::authorize`](crate::account::Account::authorize).
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub async fn authorize(&self, account: &AccountId, act: Act) -> Result<Authorization, NotAccepted<Error>> {
        self.check_readable(account, act.attempt()).await?;
        self.submit(account, |opened, now, _| opened.authorize(&self.0.policy, now, &act)).await
    }

    /// Confirms the enrollment that waits, with a code of the new authenticator: see
    /// [`Account::confirm`](crate::account::Account::confirm).
    ///
    /// # Errors
    /// [`NotAccepted::Rejected`]; [`NotAccepted::Failed`] with [`Error::Account`] if nothing waits
    /// to be confirmed, or with another [`Error`].
    pub async fn confirm(&self, account: &AccountId, attempt: Attempt) -> Result<Proof, NotAccepted<Error>> {
        if let Err(rejection) = attempt.read_for_confirm().map_err(|error| NotAccepted::Failed(error.into()))? {
            return Err(self.refused(account, attempt.purpose(), attempt.source(), rejection).await);
        }
        self.submit(account, |opened, now, _| opened.confirm(&self.0.policy, now, &attempt)).await
    }

    /// Confirms the enrollment of an app that waits, with two of its codes in a row, where its
    /// clock is minutes off: see
    /// [`Account::confirm_with_two_codes`](crate::account::Account::confirm_with_two_codes).
    ///
    /// # Errors
    /// As [`confirm`](Self::confirm); [`Error::Account`] if an address waits.
    pub async fn confirm_with_two_codes(
        &self,
        account: &AccountId,
        codes: Resync,
    ) -> Result<Proof, NotAccepted<Error>> {
        if let Err(rejection) = codes.read_for_confirm() {
            return Err(self.refused(account, Purpose::BINDING, codes.source(), rejection).await);
        }
        self.submit(account, |opened, now, _| opened.confirm_with_two_codes(&self.0.policy, now, &codes)).await
    }

    /// Finds out how far an app's clock is off, by two codes in a row: see
    /// [`Account::resync`](crate::account::Account::resync).
    ///
    /// # Errors
    /// [`NotAccepted::Rejected`]; [`NotAccepted::Failed`] with [`Error::Account`] if the account
    /// has no app, or no recovery codes where one is given, or with another [`Error`].
    pub async fn resync(&self, account: &AccountId, resync: Resync) -> Result<AuthenticatorId, NotAccepted<Error>> {
        if let Err(rejection) = resync.read() {
            return Err(self.refused(account, Purpose::RESYNC, resync.source(), rejection).await);
        }
        self.submit(account, |opened, now, _| opened.resync(&self.0.policy, now, &resync)).await
    }

    /// Gives a code to be sent, after it has been stored: see
    /// [`Account::deliver`](crate::account::Account::deliver). The service sends it. Should the
    /// answer get lost, ask again after 30 s: it is the same code. The service's
    /// [`AddressCheck`](crate::verifier::AddressCheck) is asked first, if it has one.
    ///
    /// # Errors
    /// [`NotAccepted::Rejected`]; [`NotAccepted::Failed`] with [`Error::Account`] if the id is
    /// no address of the account's, or with another [`Error`].
    pub async fn deliver(&self, account: &AccountId, request: CodeRequest) -> Result<Delivery, NotAccepted<Error>> {
        if let Some(check) = &self.0.address_check {
            let (opened, now) = self.load(account).await.map_err(NotAccepted::Failed)?;
            let address = opened.address_for(&self.0.policy, now, &request);
            // The check is asked only if a code would be sent: a refused request counts nothing there.
            let refusal = match address.map_err(|error| NotAccepted::Failed(error.into()))? {
                Ok(address) if check.allows(account, &address, request.purpose()).await => None,
                Ok(_) => Some(Rejection::AddressRefused),
                Err(rejection) => Some(rejection),
            };
            if let Some(rejection) = refusal {
                return Err(self.refused(account, request.purpose(), request.source(), rejection).await);
            }
        }
        self.submit(account, |opened, now, rng| opened.deliver(&self.0.policy, now, &request, rng)).await
    }

    /// Makes a pass for the service to mail: see
    /// [`Account::mail_pass`](crate::account::Account::mail_pass).
    ///
    /// # Errors
    /// [`NotAccepted::Rejected`]; [`NotAccepted::Failed`] with [`Error::Account`] if the account
    /// has no authenticator, or with another [`Error`].
    pub async fn mail_pass(
        &self,
        account: &AccountId,
        cookie: Option<&str>,
    ) -> Result<DeviceToken, NotAccepted<Error>> {
        self.submit(account, |opened, now, rng| opened.mail_pass(&self.0.policy, now, cookie, rng)).await
    }

    /// Refuses a text that is no code before anybody looks at the account.
    async fn check_readable(&self, account: &AccountId, attempt: &Attempt) -> Result<(), NotAccepted<Error>> {
        match attempt.read(&self.0.policy) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(rejection)) => Err(self.refused(account, attempt.purpose(), attempt.source(), rejection).await),
            Err(error) => Err(NotAccepted::Failed(error.into())),
        }
    }

    /// A refusal that needs no look at the account.
    async fn refused(
        &self,
        account: &AccountId,
        purpose: Purpose,
        source: Option<&Source>,
        rejection: Rejection,
    ) -> NotAccepted<Error> {
        match self.now() {
            Ok(now) => {
                self.deliver_once(account, &[refusal_event(now, purpose, source.cloned(), rejection)]).await;
                NotAccepted::Rejected(rejection)
            }
            Err(error) => NotAccepted::Failed(error),
        }
    }
}
