//! Two codes in a row, as they were submitted.

use super::gate::Request;
use crate::account::names::purpose::Purpose;
use crate::account::names::source::Source;
use crate::account::record::recovery::RecoveryCode;
use crate::account::record::throttles::Door;
use crate::account::record::token::{Presented, TokenHash};
use crate::otp::{Code, Rejection};
use core::fmt;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Two codes in a row of an app whose clock is off by more than the window, and what goes with
/// them. Parsed once, redacted in `Debug`. They [resynchronize](crate::account::Account::resync) an
/// app, or [confirm](crate::account::Account::confirm_with_two_codes) a new one.
///
/// ```
/// use sekisho::account::Resync;
///
/// let resync = Resync::new("123 456", "789 012").with_device("what the cookie had");
/// ```
#[derive(Clone)]
#[must_use]
pub struct Resync {
    /// `None` unless both texts are codes, the two differ, and a recovery code that came along is
    /// one.
    codes: Option<[Code; 2]>,
    presented: Presented,
    pub(super) recovery: Option<RecoveryCode>,
    /// The enrollment that they shall confirm.
    pub(super) enrollment: Option<TokenHash>,
    key: Option<[u8; 16]>,
    pub(super) source: Option<Source>,
}

impl Resync {
    /// The code that the app shows, and the one that it shows next.
    pub fn new(first: &str, second: &str) -> Self {
        let parsed = Code::parse(first).ok().zip(Code::parse(second).ok());
        // Not the same one twice: that says no more than one does.
        let codes =
            parsed.filter(|(first, second)| !bool::from(first.ct_eq(second))).map(|(first, second)| [first, second]);
        Self { codes, presented: Presented::default(), recovery: None, enrollment: None, key: None, source: None }
    }

    /// With the token of a known device: clocks up to a day behind are found.
    pub fn with_device(mut self, cookie: &str) -> Self {
        self.presented.device = TokenHash::of_text(cookie);
        self
    }

    /// With a pass: clocks up to a day behind are found. It is not used up: the log-in that follows
    /// may need it.
    pub fn with_pass(mut self, pass: &str) -> Self {
        self.presented.pass = TokenHash::of_text(pass);
        self
    }

    /// With a recovery code, which is used up if the codes are right: clocks up to a day behind are
    /// found.
    pub fn with_recovery_code(mut self, text: &str) -> Self {
        self.recovery = RecoveryCode::parse(text);
        self.codes = self.codes.filter(|_| self.recovery.is_some());
        self
    }

    /// With the handle of the enrollment that they confirm: see
    /// [`Attempt::with_enrollment`](crate::account::Attempt::with_enrollment).
    pub fn with_enrollment(mut self, handle: &str) -> Self {
        self.enrollment = TokenHash::of_text(handle);
        self
    }

    /// With an id that the service drew, so that asking again gets the same reply: see
    /// [`Attempt::with_idempotency_key`](crate::account::Attempt::with_idempotency_key).
    pub fn with_idempotency_key(mut self, id: [u8; 16]) -> Self {
        self.key = Some(id);
        self
    }

    /// With where they came from: see
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

    /// The two codes. Texts that are not two different codes, or that have no recovery code where
    /// there should be one, are refused before anybody looks at the account, and not counted.
    pub(crate) fn read(&self) -> Result<[Code; 2], Rejection> {
        self.codes.ok_or(Rejection::Malformed)
    }

    /// The same where they shall confirm an enrollment, which no recovery code helps.
    pub(crate) fn read_for_confirm(&self) -> Result<[Code; 2], Rejection> {
        self.codes.filter(|_| self.recovery.is_none()).ok_or(Rejection::Malformed)
    }

    /// The part of it that the gate has to know.
    pub(super) fn request(&self, codes: [Code; 2]) -> Request {
        let door = if self.recovery.is_some() { Door::TwoCodesWithRecoveryCode } else { Door::TwoCodes };
        self.request_at(door, Purpose::RESYNC, codes)
    }

    pub(super) fn request_for_confirm(&self, codes: [Code; 2]) -> Request {
        self.request_at(Door::ConfirmWithTwoCodes, Purpose::BINDING, codes)
    }

    fn request_at(&self, door: Door, purpose: Purpose, codes: [Code; 2]) -> Request {
        let fingerprint = self.fingerprint(door, codes);
        Request { door, purpose, presented: self.presented, fingerprint, codes: codes.len(), is_act: false }
    }

    /// Tells this attempt from others; `None` without an idempotency key.
    fn fingerprint(&self, door: Door, [first, second]: [Code; 2]) -> Option<[u8; 32]> {
        let mut hash = Sha256::new();
        hash.update([door as u8]);
        hash.update(self.key?);
        hash.update(first.packed().to_be_bytes());
        hash.update(second.packed().to_be_bytes());
        if let Some(code) = &self.recovery {
            hash.update(code.bytes());
        }
        if let Some(TokenHash(handle)) = &self.enrollment {
            hash.update(handle);
        }
        Some(hash.finalize_reset().into())
    }
}

impl fmt::Debug for Resync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resync").finish_non_exhaustive()
    }
}
