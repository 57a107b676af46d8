//! A code as it was submitted.

use super::gate::Request;
use crate::account::error::AccountError;
use crate::account::names::address::Address;
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::purpose::Purpose;
use crate::account::names::source::Source;
use crate::account::policy::Policy;
use crate::account::record::imported_codes::TypedCode;
use crate::account::record::recovery::RecoveryCode;
use crate::account::record::throttles::Door;
use crate::account::record::token::{Presented, TokenHash};
use crate::otp::{Code, Rejection};
use core::fmt;
use sha2::{Digest, Sha256};

/// A code as it was submitted, and what goes with it. Parsed once, owns everything, redacted in
/// `Debug`.
///
/// ```
/// use sekisho::account::{Attempt, Purpose};
///
/// let transaction = [7; 16]; // random, made by the service when the log-in began
/// let attempt = Attempt::new(Purpose::LOGIN, "123 456").with_idempotency_key(transaction);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Attempt {
    pub(super) purpose: Purpose,
    submitted: Option<Submitted>,
    pub(super) presented: Presented,
    /// The account whose confirmation it is.
    pub(super) address: Option<Address>,
    pub(super) context: Option<[u8; 32]>,
    /// The enrollment that it shall confirm.
    pub(super) enrollment: Option<TokenHash>,
    key: Option<[u8; 16]>,
    pub(super) source: Option<Source>,
    /// The authenticator whose code it shall be.
    pub(super) authenticator: Option<AuthenticatorId>,
    /// Submitted by [`Account::authorize`](crate::account::Account::authorize).
    pub(super) is_act: bool,
}

/// The text, parsed.
#[derive(Clone)]
pub(crate) enum Submitted {
    Code(Code),
    /// One of ours, or one of the other system that is written alike: then as it was typed.
    Recovery(RecoveryCode, Option<TypedCode>),
    /// Of the system that the account has moved in from, if it has.
    ImportedRecovery(TypedCode),
    Assertion,
}

impl Attempt {
    /// `text`, as somebody typed it, for `purpose`: the code of an app, or one that was sent. A
    /// text that is no code will be answered by
    /// [`Malformed`](crate::otp::Rejection::Malformed).
    pub fn new(purpose: Purpose, text: &str) -> Self {
        Self::of(purpose, Code::parse(text).ok().map(Submitted::Code))
    }

    /// A recovery code, as somebody typed it, for `purpose`: in either case, with or without
    /// hyphens and blanks, `O` for `0` and `I` or `L` for `1`. Any other text of 8 to 64 characters
    /// may be a code of the system that the account was
    /// [imported](crate::account::Account::import) from; where there is none, the answer is
    /// [`Malformed`](crate::otp::Rejection::Malformed).
    pub fn recovery(purpose: Purpose, text: &str) -> Self {
        let ours = RecoveryCode::parse(text).map(|code| Submitted::Recovery(code, TypedCode::parse(text)));
        Self::of(purpose, ours.or_else(|| TypedCode::parse(text).map(Submitted::ImportedRecovery)))
    }

    /// The code of a confirmation that was sent to `address`
    /// ([`CodeRequest::confirmation`](crate::account::CodeRequest::confirmation)), for
    /// [`Purpose::CONFIRMATION`].
    pub fn confirmation(address: &Address, text: &str) -> Self {
        Self { address: Some(address.clone()), ..Self::new(Purpose::CONFIRMATION, text) }
    }

    /// An assertion of the owner's [stronger factor](crate::account::Account::set_stronger_factor)
    /// for `purpose`, which **the service itself has verified, and used up**: a passkey's,
    /// whose challenge was drawn for this and is good once. Nothing of it is looked at here.
    /// Holds and freezes stop it; locks do not, since nobody guesses it.
    pub fn assertion_verified_by_service(purpose: Purpose) -> Self {
        Self::of(purpose, Some(Submitted::Assertion))
    }

    fn of(purpose: Purpose, submitted: Option<Submitted>) -> Self {
        Self {
            purpose,
            submitted,
            presented: Presented::default(),
            address: None,
            context: None,
            enrollment: None,
            key: None,
            source: None,
            authenticator: None,
            is_act: false,
        }
    }

    /// With the device token that the browser presented:
    /// [`DeviceToken::to_text`](crate::account::DeviceToken::to_text). A text that is no token of
    /// this account's is as good as none.
    pub fn with_device(mut self, cookie: &str) -> Self {
        self.presented.device = TokenHash::of_text(cookie);
        self
    }

    /// With a pass, as its holder sent it back. A text that is no pass of this account's is as good
    /// as none.
    pub fn with_pass(mut self, pass: &str) -> Self {
        self.presented.pass = TokenHash::of_text(pass);
        self
    }

    /// With a hash of what the code confirms (amount and address, say), which the proof will carry.
    /// SHA-256 or another of 256 bits. A code that was sent is right only with the context that it
    /// was [sent for](crate::account::CodeRequest::with_context).
    pub fn with_context(mut self, hash: &[u8; 32]) -> Self {
        self.context = Some(*hash);
        self
    }

    /// With the handle of the enrollment that it confirms, as the session has it:
    /// [`EnrollmentHandle::to_text`](crate::account::EnrollmentHandle::to_text). Without it, or
    /// with another one's, the code is judged all the same, but its proof is good for no
    /// change.
    pub fn with_enrollment(mut self, handle: &str) -> Self {
        self.enrollment = TokenHash::of_text(handle);
        self
    }

    /// With an id that the service drew at random for this log-in (a UUID, say). Whoever asks again
    /// with the same id and the same code within a minute gets the same reply: for when the
    /// answer got lost.
    ///
    /// A repeated acceptance is the same acceptance, and its proof has the same
    /// [id](crate::account::Proof::id). Whoever knows the id and the code gets it too: keep the id
    /// on the server, and never take it from the client.
    pub fn with_idempotency_key(mut self, id: [u8; 16]) -> Self {
        self.key = Some(id);
        self
    }

    /// As the code of this authenticator, which the owner has chosen on the page: no other's code
    /// is accepted. A recovery code is nobody's, and passes it over.
    pub fn with_authenticator(mut self, id: AuthenticatorId) -> Self {
        self.authenticator = Some(id);
        self
    }

    /// With where it came from, which its events keep, and those of the changes that its proof is
    /// good for. It decides nothing.
    pub fn with_source(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }

    /// The source that the service gave.
    #[cfg(feature = "verifier")]
    pub(crate) const fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// The same, submitted for an act.
    pub(super) fn into_act(mut self) -> Self {
        self.is_act = true;
        self
    }

    /// The purpose that the code is for.
    #[cfg(feature = "verifier")]
    pub(crate) const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The code that was submitted. A text that is no code is refused before anybody looks at the
    /// account, and not counted. A wrong purpose is the service's mistake, and is told whatever the
    /// text.
    pub(crate) fn read(&self, policy: &Policy) -> Result<Result<&Submitted, Rejection>, AccountError> {
        policy.check_declared(self.purpose)?;
        match (policy.is_act(self.purpose), self.is_act) {
            (true, false) => Err(AccountError::IsAct),
            (false, true) => Err(AccountError::NotAnAct),
            _ => Ok(self.parsed()),
        }
    }

    fn parsed(&self) -> Result<&Submitted, Rejection> {
        self.submitted.as_ref().ok_or(Rejection::Malformed)
    }

    /// The same where the code shall confirm an enrollment.
    pub(crate) fn read_for_confirm(&self) -> Result<Result<Code, Rejection>, AccountError> {
        if self.purpose != Purpose::BINDING {
            return Err(AccountError::Purpose);
        }
        Ok(self.parsed().and_then(|submitted| match submitted {
            Submitted::Code(code) => Ok(*code),
            Submitted::Recovery(..) | Submitted::ImportedRecovery(_) | Submitted::Assertion => {
                Err(Rejection::Malformed)
            }
        }))
    }

    /// The part of it that the gate has to know.
    pub(super) fn request(&self, door: Door) -> Request {
        // A recovery code leaves no digits behind that could be used again.
        let codes = usize::from(matches!(self.submitted, Some(Submitted::Code(_))));
        let (purpose, presented) = (self.purpose, self.presented);
        Request { door, purpose, presented, fingerprint: self.fingerprint(door), codes, is_act: self.is_act }
    }

    /// Tells this attempt from others; `None` without an idempotency key. All parts have lengths
    /// that the door fixes.
    fn fingerprint(&self, door: Door) -> Option<[u8; 32]> {
        let key = self.key?;
        let mut hash = Sha256::new();
        hash.update([door as u8, u8::from(self.is_act)]);
        hash.update(key);
        match self.submitted.as_ref()? {
            Submitted::Code(code) => hash.update(code.packed().to_be_bytes()),
            Submitted::Recovery(code, _) => hash.update(code.bytes()),
            Submitted::ImportedRecovery(typed) => hash.update(Sha256::digest(typed.as_str())),
            Submitted::Assertion => {}
        }
        hash.update(self.purpose.bytes());
        hash.update([u8::from(self.context.is_some())]);
        hash.update(self.context.unwrap_or_default());
        hash.update([u8::from(self.enrollment.is_some())]);
        hash.update(self.enrollment.map_or([0; 32], |TokenHash(hash)| hash));
        hash.update(self.authenticator.map_or(0, AuthenticatorId::number).to_be_bytes());
        if let Some(address) = &self.address {
            hash.update(address.channel().as_str());
            hash.update(address.as_str());
        }
        Some(hash.finalize_reset().into())
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}
