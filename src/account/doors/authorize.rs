//! The door for acts: what happens once, and is authorized in the write that uses the code up.

use super::attempt::Attempt;
use super::outcome::Acceptance;
use crate::account::authorization::Authorization;
use crate::account::error::AccountError;
use crate::account::names::account_id::AccountId;
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::purpose::Purpose;
use crate::account::names::source::Source;
use crate::account::policy::Policy;
use crate::account::transition::{Account, Change};
use crate::otp::{Rejection, UnixTime};
use core::fmt;

/// An act that a code shall authorize, and the code as it was submitted. Redacted in `Debug`.
///
/// It has three things beside the code, and none can be left out: the purpose, which the policy
/// declares among its [acts](crate::account::AccountLimits::acts); the context, a hash of what
/// exactly is done; and the idempotency key, 128 random bits that the service drew for this one
/// act.
///
/// ```
/// use sekisho::account::{Act, Purpose};
///
/// let context = [3; 32]; // SHA-256 of amount and destination, say
/// let key = [7; 16]; // random, kept with the withdrawal that waits for its code
/// let act = Act::new(Purpose::WITHDRAWAL, &context, key, "123 456");
/// ```
#[derive(Clone)]
#[must_use]
pub struct Act {
    attempt: Attempt,
    context: [u8; 32],
    key: [u8; 16],
}

impl Act {
    /// `text`, as somebody typed it: the code of an app, or one that was sent for this purpose.
    ///
    /// Draw `key` on the server when the act is proposed, and submit it again with every further
    /// code for the same act. Never take it from the client.
    pub fn new(purpose: Purpose, context: &[u8; 32], key: [u8; 16], text: &str) -> Self {
        Self::of(Attempt::new(purpose, text), context, key)
    }

    /// A recovery code, as somebody typed it. It is taken only for purposes that a recovery does
    /// not hold.
    pub fn recovery(purpose: Purpose, context: &[u8; 32], key: [u8; 16], text: &str) -> Self {
        Self::of(Attempt::recovery(purpose, text), context, key)
    }

    /// An assertion of the owner's stronger factor, which the service has verified: see
    /// [`Attempt::assertion_verified_by_service`]. Its challenge was drawn for this act.
    pub fn assertion_verified_by_service(purpose: Purpose, context: &[u8; 32], key: [u8; 16]) -> Self {
        Self::of(Attempt::assertion_verified_by_service(purpose), context, key)
    }

    fn of(attempt: Attempt, context: &[u8; 32], key: [u8; 16]) -> Self {
        let attempt = attempt.with_context(context).with_idempotency_key(key).into_act();
        Self { attempt, context: *context, key }
    }

    /// With the device token that the browser presented: see [`Attempt::with_device`].
    pub fn with_device(mut self, cookie: &str) -> Self {
        self.attempt = self.attempt.with_device(cookie);
        self
    }

    /// With a pass, as its holder sent it back: see [`Attempt::with_pass`].
    pub fn with_pass(mut self, pass: &str) -> Self {
        self.attempt = self.attempt.with_pass(pass);
        self
    }

    /// As the code of this authenticator: see [`Attempt::with_authenticator`].
    pub fn with_authenticator(mut self, id: AuthenticatorId) -> Self {
        self.attempt = self.attempt.with_authenticator(id);
        self
    }

    /// With where it came from: see [`Attempt::with_source`].
    pub fn with_source(mut self, source: Source) -> Self {
        self.attempt = self.attempt.with_source(source);
        self
    }

    /// The id that the act's authorization on `account` has, or will have. It does not depend on
    /// the code, nor on anything that is stored.
    #[must_use]
    pub fn authorization_id(&self, account: &AccountId) -> [u8; 32] {
        Authorization::id_of(account, &self.key, self.attempt.purpose, &self.context)
    }

    /// The code and what came with it.
    pub(crate) const fn attempt(&self) -> &Attempt {
        &self.attempt
    }
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Act").field("purpose", &self.attempt.purpose).finish_non_exhaustive()
    }
}

impl Account {
    /// Verifies the code of an act and uses it up for that act, in one write. It is judged, charged
    /// and refused as [`verify`](Self::verify) would.
    ///
    /// Whoever asks again with the same act and code within a minute gets the authorization again,
    /// with the same [id](Authorization::id). A further code for the same act authorizes it again,
    /// also with the same id: keep the act under it, and it happens once.
    ///
    /// # Errors
    /// [`AccountError::UndeclaredPurpose`]; [`AccountError::NotAnAct`];
    /// [`AccountError::RecoveryCodesDue`], where it is no repetition; else as
    /// [`verify`](Self::verify).
    pub fn authorize(
        mut self,
        policy: &Policy,
        now: UnixTime,
        act: &Act,
    ) -> Result<Change<Authorization>, AccountError> {
        let attempt = act.attempt();
        self.source.clone_from(&attempt.source);
        let now = self.moment(now);
        self.judge_attempt(policy, now, attempt, |account, acceptance| {
            let Acceptance { method, at, lead: _, serial: _, with_handle: _ } = acceptance;
            Authorization {
                id: act.authorization_id(&account.id),
                account: account.id.clone(),
                purpose: attempt.purpose,
                context: act.context,
                method,
                at,
                epoch: account.record.epoch,
            }
        })
    }

    /// Fails unless the authorization still stands: the account is not frozen, the purpose was not
    /// held since, and no change of what is bound, freeze, reset or restored backup has come
    /// between. Ask this of a fresh
    /// load, immediately before what was authorized happens. It does not know what that is: compare
    /// [`Authorization::purpose`] and [`Authorization::context`] with it first.
    ///
    /// # Errors
    /// [`AccountError::ProofOfAnotherAccount`]; [`AccountError::Frozen`]; [`AccountError::Held`]
    /// while the purpose is held; [`AccountError::AuthorizationEnded`].
    pub fn still_stands(&self, now: UnixTime, authorization: &Authorization) -> Result<(), AccountError> {
        let Authorization { account, purpose, at, epoch, .. } = authorization;
        let now = self.record.moment(now);
        if *account != self.id {
            return Err(AccountError::ProofOfAnotherAccount);
        }
        match self.blocked(*purpose, now) {
            Some(Rejection::Held { until }) => return Err(AccountError::Held { until }),
            Some(_) => return Err(AccountError::Frozen),
            None => {}
        }
        // A clock gone wrong has authorized what no hold can be compared with.
        let is_mistaken = now.is_mistaken(*at);
        if is_mistaken || *epoch != self.record.epoch || self.record.was_held_after(*purpose, *at, now) {
            return Err(AccountError::AuthorizationEnded);
        }
        Ok(())
    }
}
