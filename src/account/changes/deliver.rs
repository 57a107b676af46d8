//! Delivery of codes: what is asked for, what is handed to the service, and the transition.

use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::names::address::Address;
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::purpose::Purpose;
use crate::account::policy::Policy;
use crate::account::record::authenticator::Kind;
use crate::account::record::delivered::Recipient;
use crate::account::record::throttles::{Door, Sender};
use crate::account::record::token::{Presented, TokenHash};
use crate::account::transition::{Account, Change};
use crate::otp::{Code, Moment, Rejection, UnixTime};
use rand::CryptoRng;

/// A code that shall be sent to somebody.
///
/// ```
/// use sekisho::account::{AuthenticatorId, CodeRequest, Purpose};
///
/// let request = CodeRequest::new(AuthenticatorId::new(2), Purpose::LOGIN).with_device("what the cookie had");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct CodeRequest {
    addressee: Addressee,
    purpose: Purpose,
    presented: Presented,
}

#[derive(Clone, Debug)]
enum Addressee {
    Bound(AuthenticatorId),
    Address(Address),
}

impl CodeRequest {
    /// A code for `purpose`, to an address that the account is bound to; with [`Purpose::BINDING`]
    /// also to the one whose enrollment waits to be confirmed by it.
    pub fn new(to: AuthenticatorId, purpose: Purpose) -> Self {
        Self { addressee: Addressee::Bound(to), purpose, presented: Presented::default() }
    }

    /// A code for [`Purpose::CONFIRMATION`] to an address that the service knows of the owner,
    /// e-mail included. It shows that whoever submits it reads what is sent there, and nothing
    /// more: it lets nobody in.
    pub fn confirmation(to: Address) -> Self {
        let addressee = Addressee::Address(to);
        Self { addressee, purpose: Purpose::CONFIRMATION, presented: Presented::default() }
    }

    /// With the device token that the browser presented: requests of known devices have an
    /// allowance of their own.
    pub fn with_device(mut self, cookie: &str) -> Self {
        self.presented.device = TokenHash::of_text(cookie);
        self
    }

    /// With a pass, which is not used up: the same.
    pub fn with_pass(mut self, pass: &str) -> Self {
        self.presented.pass = TokenHash::of_text(pass);
        self
    }
}

/// A code to be sent, and where to. The service sends it; nothing here does.
///
/// `Debug` shows neither the code nor the address.
#[derive(Debug)]
#[must_use = "the owner waits for it"]
#[non_exhaustive]
pub struct Delivery {
    /// The address that the code goes to, and its channel.
    pub address: Address,
    /// The code to send: `delivery.code.reveal()` are its digits.
    pub code: Code,
    /// The code's purpose. Say it in the message, so that nobody is talked into passing it on.
    pub purpose: Purpose,
    /// The moment when the code ends.
    pub until: UnixTime,
}

impl Account {
    /// Gives a code to be sent: six random digits, for one purpose, good for
    /// [`AccountLimits::delivered_secs`]. While it is alive the same one is sent again, with
    /// the same end, so that nobody can end it by asking for another.
    ///
    /// With less than 30 s left it is not sent again: wait for its end, and have a new one. Sent
    /// are at most one within 30 s, five an hour and ten a day, to all recipients together;
    /// requests of known devices are counted apart. Nothing is sent while the door is locked at
    /// which the code would be submitted, or while its purpose is held.
    ///
    /// [`AccountLimits::delivered_secs`]: crate::account::AccountLimits::delivered_secs
    ///
    /// # Errors
    /// [`AccountError::UndeclaredPurpose`]; [`AccountError::NoSuchAuthenticator`] unless it is bound to that address;
    /// [`AccountError::Purpose`] for [`Purpose::CONFIRMATION`] to one that it is bound to.
    pub fn deliver<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        request: &CodeRequest,
        rng: &mut R,
    ) -> Result<Change<Delivery>, AccountError> {
        let now = self.moment(now);
        let purpose = request.purpose;
        policy.check_declared(purpose)?;
        let token = self.recognize(policy, request.presented, now);
        let (address, recipient, door) = match &request.addressee {
            Addressee::Address(address) => (address.clone(), Recipient::Named(address.clone()), Door::Code),
            Addressee::Bound(id) => {
                if purpose == Purpose::CONFIRMATION {
                    return Err(AccountError::Purpose);
                }
                let (address, door) = self.address_of(policy, *id, purpose, now)?;
                let recipient = Recipient::Bound(*id, address.channel());
                (address, recipient, door)
            }
        };
        let is_disabled =
            recipient.bound().and_then(|id| self.record.authenticator(id)).is_some_and(|one| one.disabled);
        let refusal = self.blocked(purpose, now).or(is_disabled.then_some(Rejection::Disabled));
        if let Some(rejection) = refusal.or_else(|| self.admit(policy, door, Sender::with(token), 1, now).err()) {
            return Ok(self.refuse(now, purpose, rejection));
        }
        let record = &mut self.record;
        // A reader of the owner's mail has mailed passes at will, and is a stranger here.
        let is_known = matches!(Sender::with(token), Sender::Device | Sender::OperatorPass);
        let sends = if is_known { &mut record.sends_of_devices } else { &mut record.sends };
        let secs = policy.limits().delivered_secs;
        let counted = sends.count(now);
        let drawn =
            counted.and_then(|()| record.delivered.code(&recipient, purpose, secs, &record.recent_codes, now, rng));
        let (code, until) = match drawn {
            Ok(drawn) => drawn,
            Err(until) => return Ok(self.refuse(now, purpose, Rejection::SendLimited { until })),
        };
        let authenticator = recipient.bound();
        let (channel, masked) = (address.channel(), address.masked());
        self.record_event(now, EventKind::CodeSent { authenticator, purpose, channel, address: masked })?;
        Ok(Change::written(self, Ok(Delivery { address, code, purpose, until })))
    }

    /// An address that a code for this purpose can be sent to, and the door at which it would be
    /// submitted.
    fn address_of(
        &self,
        policy: &Policy,
        id: AuthenticatorId,
        purpose: Purpose,
        now: Moment,
    ) -> Result<(Address, Door), AccountError> {
        let bound = self.record.authenticator(id).map(|one| (&one.kind, Door::Code));
        let waiting = self.record.waiting(policy, now).filter(|one| one.id == id && purpose == Purpose::BINDING);
        match bound.or_else(|| waiting.map(|one| (&one.kind, Door::Confirm))) {
            Some((Kind::Address(address), door)) => Ok((address.clone(), door)),
            _ => Err(AccountError::NoSuchAuthenticator { id }),
        }
    }
}
