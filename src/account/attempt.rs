//! What is submitted.

use super::address::Address;
use super::purpose::Purpose;
use super::recovery::RecoveryCode;
use super::throttles::Door;
use super::token::{Presented, TokenHash};
use crate::otp::Code;
use core::fmt;
use sha2::{Digest, Sha256};

/// A code as it was submitted, and what goes with it. Parsed once, owns everything, redacted in `Debug`.
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
    pub(super) submitted: Submitted,
    pub(super) presented: Presented,
    /// Whose confirmation it is.
    pub(super) address: Option<Address>,
    pub(super) context: Option<[u8; 32]>,
    name: Option<[u8; 16]>,
}

/// The text, parsed.
#[derive(Clone)]
pub(super) enum Submitted {
    Code(Code),
    Recovery(RecoveryCode),
    Malformed,
}

impl Attempt {
    /// Tells the fingerprints of resynchronizations from those of attempts, which begin with the number of a door.
    pub(super) const RESYNC: u8 = 0x80;

    /// `text`, as somebody typed it, for `purpose`: the code of an app, or one that was sent. A text that is no code will be answered by
    /// [`Malformed`](crate::otp::Rejection::Malformed).
    pub fn new(purpose: Purpose, text: &str) -> Self {
        Self::of(purpose, Code::parse(text).map_or(Submitted::Malformed, Submitted::Code))
    }

    /// A recovery code, as somebody typed it, for `purpose`: in either case, with or without hyphens and blanks, `O` for `0`
    /// and `I` or `L` for `1`.
    pub fn recovery(purpose: Purpose, text: &str) -> Self {
        Self::of(purpose, RecoveryCode::parse(text).map_or(Submitted::Malformed, Submitted::Recovery))
    }

    /// The code of a confirmation that was sent to `address` ([`CodeRequest::confirmation`](super::CodeRequest::confirmation)), for
    /// [`Purpose::CONFIRMATION`].
    pub fn confirmation(address: &Address, text: &str) -> Self {
        Self { address: Some(address.clone()), ..Self::new(Purpose::CONFIRMATION, text) }
    }

    fn of(purpose: Purpose, submitted: Submitted) -> Self {
        Self { purpose, submitted, presented: Presented::default(), address: None, context: None, name: None }
    }

    /// With the device token that the browser presented: [`DeviceToken::to_text`](super::DeviceToken::to_text). A text that is no token of this account's
    /// is as good as none.
    pub fn with_device(mut self, cookie: &str) -> Self {
        self.presented.device = TokenHash::of_text(cookie);
        self
    }

    /// With a pass, as its holder sent it back. A text that is no pass of this account's is as good as none.
    pub fn with_pass(mut self, pass: &str) -> Self {
        self.presented.pass = TokenHash::of_text(pass);
        self
    }

    /// With a hash of what the code confirms (amount and address, say), which the proof will carry. SHA-256 or another of 256
    /// bits.
    pub fn with_context(mut self, hash: &[u8; 32]) -> Self {
        self.context = Some(*hash);
        self
    }

    /// Names this attempt by an id that the service drew at random for this log-in (a UUID, say), so that asking again
    /// with the same code within a minute gets the same answer: for when the answer got lost.
    ///
    /// That answer is of the same acceptance, and its proof has the same [id](super::Proof::id). Whoever knows the id and the code gets it too. Keep it on the server; never take it from the client.
    pub fn with_idempotency_key(mut self, id: [u8; 16]) -> Self {
        self.name = Some(id);
        self
    }

    /// What the code is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Whether the text is a code at all.
    #[must_use]
    pub const fn is_malformed(&self) -> bool {
        matches!(self.submitted, Submitted::Malformed)
    }

    /// What tells this attempt from others; `None` without a name. All parts have lengths that the door fixes.
    pub(super) fn fingerprint(&self, door: Door) -> Option<[u8; 32]> {
        let name = self.name?;
        let mut hash = Sha256::new();
        hash.update([door as u8]);
        hash.update(name);
        match &self.submitted {
            Submitted::Code(code) => hash.update(code.packed().to_be_bytes()),
            Submitted::Recovery(code) => hash.update(code.bytes()),
            Submitted::Malformed => return None,
        }
        hash.update(self.purpose.bytes());
        hash.update([u8::from(self.context.is_some())]);
        hash.update(self.context.unwrap_or_default());
        if let Some(address) = &self.address {
            hash.update(address.channel().as_str());
            hash.update(address.as_str());
        }
        Some(hash.finalize().into())
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}
