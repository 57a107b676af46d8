//! Delivery of codes: what is asked for, what is handed to the service, and the transition.

use super::address::Address;
use super::authenticator::{Authenticator, AuthenticatorId, Kind};
use super::change::Change;
use super::delivered::Recipient;
use super::event::EventKind;
use super::policy::Policy;
use super::purpose::Purpose;
use super::throttles::Door;
use super::token::{Presented, TokenHash};
use super::{Account, AccountError};
use crate::otp::{Code, Rejection, UnixTime, Verdict};
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
    /// A code for `purpose`, to an address that the account is bound to; with [`Purpose::BINDING`] also to the one whose enrollment
    /// waits to be confirmed by it.
    pub fn new(to: AuthenticatorId, purpose: Purpose) -> Self {
        Self { addressee: Addressee::Bound(to), purpose, presented: Presented::default() }
    }

    /// A code for [`Purpose::CONFIRMATION`] to an address that the service knows of the owner, e-mail included. It shows that
    /// whoever submits it reads what is sent there, and nothing more: it lets nobody in.
    pub fn confirmation(to: Address) -> Self {
        let addressee = Addressee::Address(to);
        Self { addressee, purpose: Purpose::CONFIRMATION, presented: Presented::default() }
    }

    /// With the device token that the browser presented: requests of known devices have an allowance of their own.
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
pub struct Delivery {
    address: Address,
    code: Code,
    purpose: Purpose,
    until: UnixTime,
}

impl Delivery {
    /// Where to, and how.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// What to send: `delivery.code().reveal()` are its digits.
    #[must_use]
    pub const fn code(&self) -> &Code {
        &self.code
    }

    /// What it is for: say so in the message, so that nobody is talked into passing it on.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// When it ends.
    #[must_use]
    pub const fn until(&self) -> UnixTime {
        self.until
    }
}

impl Account {
    /// Gives a code to be sent: six random digits, for one purpose, good for [`AccountLimits::delivered_secs`]. While it is alive the
    /// same one is sent again, with the same end, so that nobody can end it by asking for another.
    ///
    /// With less than 30 s left it is not sent again: wait for its end, and have a new one. Sent are at most one within 30 s, five an hour and ten a day, to all recipients together; requests of known devices are counted apart.
    /// Nothing is sent while the door is locked at which the code would be submitted, or while its purpose is held.
    ///
    /// [`AccountLimits::delivered_secs`]: super::AccountLimits::delivered_secs
    ///
    /// # Errors
    /// [`AccountError::NotEnrolled`] if nothing is stored of the account; [`AccountError::NoSuchAuthenticator`] unless it is bound to that address; [`AccountError::Purpose`] for
    /// [`Purpose::CONFIRMATION`] to one that it is bound to.
    pub fn deliver<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        request: &CodeRequest,
        rng: &mut R,
    ) -> Result<Change<Verdict<Delivery>>, AccountError> {
        if self.revision.is_none() {
            return Err(AccountError::NotEnrolled);
        }
        let purpose = request.purpose;
        let known = self.known(policy, request.presented, now);
        let door = if known.is_some() { Door::Device } else { Door::Common };
        let (address, recipient, door) = match &request.addressee {
            Addressee::Address(address) => (address.clone(), Recipient::Named(address.clone()), door),
            Addressee::Bound(id) => {
                if purpose == Purpose::CONFIRMATION {
                    return Err(AccountError::Purpose);
                }
                let (address, lock_state) = self.address_of(policy, *id, purpose, now)?;
                let recipient = Recipient::Bound(*id, address.channel());
                match lock_state {
                    AddressStanding::Bound => (address, recipient, door),
                    AddressStanding::Pending => {
                        (address, recipient, if known.is_some() { door } else { Door::Enrollment })
                    }
                    AddressStanding::Disabled => return Ok(self.refuse(now, purpose, Rejection::Disabled)),
                }
            }
        };
        if let Some(rejection) = self.closed(purpose, now).or_else(|| self.shut(policy, door, 1, now)) {
            return Ok(self.refuse(now, purpose, rejection));
        }
        let record = &mut self.record;
        let sends = if known.is_some() { &mut record.sends_of_devices } else { &mut record.sends };
        let secs = policy.limits().delivered_secs;
        let counted = sends.count(now);
        let drawn = counted.and_then(|()| record.delivered.code(&recipient, purpose, secs, &record.lately, now, rng));
        let (code, until) = match drawn {
            Ok(drawn) => drawn,
            Err(until) => return Ok(self.refuse(now, purpose, Rejection::SendLimited { until })),
        };
        let authenticator = if let Recipient::Bound(id, _) = recipient { Some(id) } else { None };
        let (channel, masked) = (address.channel(), address.masked());
        self.tell(now, EventKind::CodeSent { authenticator, channel, address: masked, purpose });
        Ok(Change::written(self, Verdict::Accepted(Delivery { address, code, purpose, until })))
    }

    /// An address that a code for this purpose can be sent to.
    fn address_of(
        &self,
        policy: &Policy,
        id: AuthenticatorId,
        purpose: Purpose,
        now: UnixTime,
    ) -> Result<(Address, AddressStanding), AccountError> {
        let bound = self.record.authenticators.iter().find(|one| one.id == id);
        if let Some(Authenticator { kind: Kind::Address(address), disabled, .. }) = bound {
            let lock_state = if *disabled { AddressStanding::Disabled } else { AddressStanding::Bound };
            return Ok((address.clone(), lock_state));
        }
        let waiting = self.waiting(policy, now).filter(|pending| pending.id == id && purpose == Purpose::BINDING);
        match waiting.map(|pending| &pending.kind) {
            Some(Kind::Address(address)) => Ok((address.clone(), AddressStanding::Pending)),
            _ => Err(AccountError::NoSuchAuthenticator { id }),
        }
    }
}

enum AddressStanding {
    Bound,
    /// Too many failures in a row have disabled it.
    Disabled,
    /// Its enrollment waits to be confirmed.
    Pending,
}
