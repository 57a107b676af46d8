//! Delivery of codes: what is asked for, what is handed to the service, and the transition.

use super::address::{Address, Channel};
use super::authenticator::{Authenticator, AuthenticatorId, Kind};
use super::change::Change;
use super::delivered::Recipient;
use super::event::EventKind;
use super::policy::Policy;
use super::purpose::Purpose;
use super::throttles::Door;
use super::token::{DeviceToken, TokenHash};
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
    recipient: Named,
    purpose: Purpose,
    device: Option<TokenHash>,
}

#[derive(Clone, Debug)]
enum Named {
    Bound(AuthenticatorId),
    Address(Address),
}

impl CodeRequest {
    /// A code for `purpose`, to an address that the account is bound to; with [`Purpose::BINDING`] also to the one whose enrolment
    /// waits to be confirmed by it.
    pub const fn new(to: AuthenticatorId, purpose: Purpose) -> Self {
        Self { recipient: Named::Bound(to), purpose, device: None }
    }

    /// A code for [`Purpose::CONFIRMATION`] to an address that the service knows of the owner, e-mail included. It shows that
    /// whoever submits it reads what is sent there, and nothing more: it lets nobody in.
    pub const fn confirmation(to: Address) -> Self {
        Self { recipient: Named::Address(to), purpose: Purpose::CONFIRMATION, device: None }
    }

    /// With the device token that the browser presented: requests of known devices have an allowance of their own.
    pub fn with_device(mut self, cookie: &str) -> Self {
        self.device = DeviceToken::from_text(cookie).map(|token| token.hash());
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
    /// Sent are at most one within 30 s, five an hour and ten a day, to all recipients together; requests of known devices are counted apart.
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
        let known = request.device.as_ref().and_then(|hash| self.known(policy, hash, now));
        let door = if known.is_some() { Door::Device } else { Door::Common };
        let (address, recipient, door) = match &request.recipient {
            Named::Address(address) => (address.clone(), Recipient::Named(address.clone()), door),
            Named::Bound(id) => {
                if purpose == Purpose::CONFIRMATION {
                    return Err(AccountError::Purpose);
                }
                let (address, is_pending) = self.address_of(policy, *id, purpose, now)?;
                (address, Recipient::Bound(*id), if is_pending { Door::Enrolment } else { door })
            }
        };
        if let Some(rejection) = self.closed(purpose, now).or_else(|| self.shut(policy, door, now)) {
            return Ok(self.refuse(now, purpose, rejection));
        }
        let record = &mut self.record;
        let sends = if known.is_some() { &mut record.sends_of_devices } else { &mut record.sends };
        let secs = policy.limits().delivered_secs;
        let counted = sends.count(now);
        let drawn = counted.and_then(|()| record.delivered.code(&recipient, purpose, secs, &record.lately, now, rng));
        let (code, until) = match drawn {
            Ok(drawn) => drawn,
            Err(until) => return Ok(self.refuse(now, purpose, Rejection::SentLately { until })),
        };
        let authenticator = if let Recipient::Bound(id) = recipient { Some(id) } else { None };
        let (channel, masked) = (address.channel(), address.masked());
        self.tell(now, EventKind::CodeSent { authenticator, channel, address: masked, purpose });
        Ok(Change::written(self, Verdict::Accepted(Delivery { address, code, purpose, until })))
    }

    /// An address that a code for this purpose can be sent to, and whether it waits to be confirmed by that.
    fn address_of(
        &self,
        policy: &Policy,
        id: AuthenticatorId,
        purpose: Purpose,
        now: UnixTime,
    ) -> Result<(Address, bool), AccountError> {
        let bound = self.record.authenticators.iter().find(|one| one.id == id && !one.disabled);
        if let Some(Authenticator { kind: Kind::Address(address), .. }) = bound {
            return Ok((address.clone(), false));
        }
        match self.waiting(policy, now) {
            Some(pending) if pending.id == id && purpose == Purpose::BINDING => match &pending.kind {
                Kind::Address(address) => Ok((address.clone(), true)),
                Kind::App(_) => Err(AccountError::NoSuchAuthenticator { id }),
            },
            _ => Err(AccountError::NoSuchAuthenticator { id }),
        }
    }
}

/// What a delivered code was sent by: for events and proofs.
pub(super) fn channel_of(recipient: &Recipient, authenticators: &[Authenticator]) -> Channel {
    match recipient {
        Recipient::Named(address) => address.channel(),
        Recipient::Bound(id) => {
            let bound = authenticators.iter().find(|one| one.id == *id);
            match bound.map(|one| &one.kind) {
                Some(Kind::Address(address)) => address.channel(),
                _ => Channel::Sms, // only addresses are sent codes
            }
        }
    }
}
