//! Delivery of codes: what is asked for, what is handed to the service, and the transition.

use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::names::address::Address;
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::purpose::Purpose;
use crate::account::names::source::Source;
use crate::account::policy::Policy;
use crate::account::record::authenticator::Kind;
use crate::account::record::delivered::{Asked, Recipient};
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
/// let request = CodeRequest::new(AuthenticatorId::new(2), Purpose::LOGIN)
///     .with_device("what the cookie had");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct CodeRequest {
    addressee: Addressee,
    purpose: Purpose,
    context: Option<[u8; 32]>,
    presented: Presented,
    source: Option<Source>,
}

/// A code that is to be sent.
struct Sendable {
    address: Address,
    asked: Asked,
}

/// The address of a request, and the door at which its code would be submitted.
struct Found {
    address: Address,
    recipient: Recipient,
    door: Door,
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
        Self::to(Addressee::Bound(to), purpose)
    }

    /// A code for [`Purpose::CONFIRMATION`] to an address that the service knows of the owner,
    /// e-mail included. It shows that whoever submits it reads what is sent there, and nothing
    /// more: it lets nobody in.
    pub fn confirmation(to: Address) -> Self {
        Self::to(Addressee::Address(to), Purpose::CONFIRMATION)
    }

    fn to(addressee: Addressee, purpose: Purpose) -> Self {
        Self { addressee, purpose, context: None, presented: Presented::default(), source: None }
    }

    /// With the hash of what the code confirms (amount and destination of a transfer, say), which
    /// an [act](crate::account::AccountLimits::acts) has to have. The code is right only for an
    /// attempt with the same one (OWASP ASVS 5.0 §6.6.2): whoever is talked into one transfer
    /// gives no code for another. Write the amount and the destination into the message.
    pub fn with_context(mut self, hash: &[u8; 32]) -> Self {
        self.context = Some(*hash);
        self
    }

    /// With where the request came from: see
    /// [`Attempt::with_source`](crate::account::Attempt::with_source).
    pub fn with_source(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }

    /// The source that the service gave.
    #[cfg(feature = "verifier")]
    pub(crate) const fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// The purpose that the code is for.
    #[cfg(feature = "verifier")]
    pub(crate) const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// With the device token that the browser presented: requests of known devices have an
    /// allowance of their own.
    pub fn with_device(mut self, cookie: &str) -> Self {
        self.presented.device = TokenHash::of_text(cookie);
        self
    }

    /// With a pass, which is not used up. An operator's pass has the allowance of known devices; a
    /// mailed one does not.
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
    /// The hash of what exactly it confirms, as it was asked for. Say that in the message, too: the
    /// amount and the destination that this is the hash of.
    pub context: Option<[u8; 32]>,
    /// The moment when the code ends.
    pub until: UnixTime,
}

impl Account {
    /// Gives a code to be sent: six random digits, for one purpose and one context, good for
    /// [`AccountLimits::delivered_secs`]. While it is alive the same one is sent again, with
    /// the same end, so that nobody can end it by asking for another. Three codes can be alive at
    /// a time; a fourth is refused until one of them ends.
    ///
    /// With less than 30 s left it is not sent again: wait for its end, and have a new one. Sent
    /// are at most one within 30 s, five an hour and ten a day, to all recipients together;
    /// requests of known devices are counted apart, and have three codes of their own. Nothing is
    /// sent while the door is locked at
    /// which the code would be submitted, or while its purpose is held.
    ///
    /// [`AccountLimits::delivered_secs`]: crate::account::AccountLimits::delivered_secs
    ///
    /// # Errors
    /// [`AccountError::UndeclaredPurpose`]; [`AccountError::ContextNeeded`] for an act without a
    /// context; [`AccountError::StrongerFactorNeeded`] where a code is not enough;
    /// [`AccountError::NoSuchAuthenticator`] unless that id is an address that is bound, or waits;
    /// [`AccountError::Purpose`] for [`Purpose::CONFIRMATION`] to one that it is bound to.
    pub fn deliver<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        request: &CodeRequest,
        rng: &mut R,
    ) -> Result<Change<Delivery>, AccountError> {
        self.source.clone_from(&request.source);
        let now = self.moment(now);
        let purpose = request.purpose;
        let Sendable { address, asked } = match self.sendable(policy, now, request)? {
            Ok(sendable) => sendable,
            Err(rejection) => return Ok(self.refuse(now, purpose, rejection)),
        };
        let record = &mut self.record;
        let sends = if asked.by_device { &mut record.sends_of_devices } else { &mut record.sends };
        let (secs, counted, authenticator) =
            (policy.limits().delivered_secs, sends.count(now), asked.recipient.bound());
        let drawn = counted.and_then(|()| record.delivered.code(asked, secs, &record.recent_codes, now, rng));
        let (code, until) = match drawn {
            Ok(drawn) => drawn,
            Err(until) => return Ok(self.refuse(now, purpose, Rejection::SendLimited { until })),
        };
        let (channel, masked) = (address.channel(), address.masked());
        self.record_event(now, EventKind::CodeSent { authenticator, purpose, channel, address: masked })?;
        Ok(Change::written(self, Ok(Delivery { address, code, purpose, context: request.context, until })))
    }

    /// The address that a code would be sent to now, for a service that has to see it before
    /// anything counts: to limit messages by destination, or to ask a carrier whether the number
    /// has moved to another SIM lately. An authenticator's address never changes. Where
    /// [`deliver`](Self::deliver) would refuse, this is its refusal.
    ///
    /// # Errors
    /// As [`deliver`](Self::deliver).
    pub fn address_for(
        &self,
        policy: &Policy,
        now: UnixTime,
        request: &CodeRequest,
    ) -> Result<Result<Address, Rejection>, AccountError> {
        let sendable = self.sendable(policy, self.record.moment(now), request)?;
        Ok(sendable.map(|sendable| sendable.address))
    }

    /// Decides whether a code is sent now.
    fn sendable(
        &self,
        policy: &Policy,
        now: Moment,
        request: &CodeRequest,
    ) -> Result<Result<Sendable, Rejection>, AccountError> {
        let CodeRequest { purpose, context, .. } = *request;
        let token = self.recognize(policy, request.presented, now);
        let Found { address, recipient, door } = self.find(policy, now, request)?;
        // The address of an enrollment that waits has been paid for by a proof.
        if door == Door::Code {
            self.check_enough(policy, purpose, None)?;
        }
        let bound = recipient.bound().and_then(|id| self.record.authenticator(id));
        let is_disabled = bound.is_some_and(|one| !one.is_active());
        let refusal = self.blocked(purpose, now).or(is_disabled.then_some(Rejection::Disabled));
        if let Some(rejection) = refusal.or_else(|| self.admit(policy, door, Sender::with(token), 1, now).err()) {
            return Ok(Err(rejection));
        }
        // A reader of the owner's mail has mailed passes at will, and is a stranger here.
        let by_device = matches!(Sender::with(token), Sender::Device | Sender::OperatorPass);
        let (record, secs) = (&self.record, policy.limits().delivered_secs);
        let sends = if by_device { &record.sends_of_devices } else { &record.sends };
        let asked = Asked { recipient, purpose, context, by_device };
        let full = sends.full_until(now).or_else(|| record.delivered.full_until(&asked, secs, now));
        Ok(match full {
            Some(until) => Err(Rejection::SendLimited { until }),
            None => Ok(Sendable { address, asked }),
        })
    }

    /// The address that a code is asked for to, if there can be one.
    fn find(&self, policy: &Policy, now: Moment, request: &CodeRequest) -> Result<Found, AccountError> {
        let CodeRequest { purpose, context, .. } = *request;
        policy.check_declared(purpose)?;
        if policy.is_act(purpose) && context.is_none() {
            return Err(AccountError::ContextNeeded);
        }
        match &request.addressee {
            Addressee::Address(address) => {
                let recipient = Recipient::Named(address.clone());
                Ok(Found { address: address.clone(), recipient, door: Door::Code })
            }
            Addressee::Bound(_) if purpose == Purpose::CONFIRMATION => Err(AccountError::Purpose),
            Addressee::Bound(id) => {
                let (address, door) = self.address_of(policy, *id, purpose, now)?;
                let recipient = Recipient::Bound(*id, address.channel());
                Ok(Found { address, recipient, door })
            }
        }
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
