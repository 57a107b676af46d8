//! Device tokens, as their holders have them and as the record keeps them.

use super::capacity::PASSES;
use crate::otp::{Moment, Sensitive, UnixTime};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use rand::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// A token that a known browser presents beside a code: 256 random bits, of which the record keeps
/// only the hash. Wiped on drop, redacted in `Debug`.
///
/// A known browser keeps it as a cookie
/// ([`remember_device`](crate::account::Account::remember_device)): guesses from elsewhere do not
/// lock it out. A *pass* is such a token, good for one accepted code: an operator's
/// [`unlock`](crate::account::Account::unlock) or [`reset`](crate::account::Account::reset) makes
/// it, or [`mail_pass`](crate::account::Account::mail_pass), and the service mails it. By itself it
/// opens nothing.
#[derive(Clone)]
#[must_use = "nobody can show it again"]
pub struct DeviceToken(Box<[u8; Self::LEN]>);

impl DeviceToken {
    const LEN: usize = 32;

    pub(in crate::account) fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut token = Self(Box::new([0; Self::LEN]));
        rng.fill_bytes(&mut *token.0);
        token
    }

    /// For a cookie or a link: 64 hexadecimal digits.
    #[must_use]
    pub fn to_text(&self) -> Sensitive<String> {
        let mut digits = Zeroizing::new([0; 2 * Self::LEN]);
        // There is room for two digits a byte.
        Sensitive::new(base16ct::lower::encode_str(&*self.0, &mut *digits).unwrap_or_default().into())
    }

    pub(in crate::account) fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(*self.0).into())
    }

    /// From what a client has sent, if it can be a token.
    fn of_text(text: &str) -> Option<Self> {
        let mut token = Self(Box::new([0; Self::LEN]));
        let len = base16ct::mixed::decode(text, &mut *token.0).ok()?.len();
        (len == Self::LEN).then_some(token)
    }
}

impl Drop for DeviceToken {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceToken(..)")
    }
}

/// Names an enrollment that waits for its confirming code: 256 random bits, of which the record
/// keeps only the hash. Redacted in `Debug`, wiped on drop.
///
/// Keep it in the session of whoever was shown the secret, and nowhere else. It shows the same
/// secret again ([`Account::pending_enrollment`](crate::account::Account::pending_enrollment)). And
/// it tells the one who was shown the secret from one who guesses: only a confirmation that comes
/// with it ([`Attempt::with_enrollment`](crate::account::Attempt::with_enrollment)) leaves a proof
/// that is good for a change, such as the first set of recovery codes.
#[must_use = "nobody can show it again"]
pub struct EnrollmentHandle(DeviceToken);

impl EnrollmentHandle {
    pub(in crate::account) fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        Self(DeviceToken::generate(rng))
    }

    pub(in crate::account) fn of_text(text: &str) -> Option<Self> {
        DeviceToken::of_text(text).map(Self)
    }

    pub(in crate::account) fn hash(&self) -> TokenHash {
        self.0.hash()
    }

    /// For a session: 64 hexadecimal digits.
    #[must_use]
    pub fn to_text(&self) -> Sensitive<String> {
        self.0.to_text()
    }
}

impl fmt::Debug for EnrollmentHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrollmentHandle(..)")
    }
}

/// The hash of a token, which the record keeps. A token's bits are random: a plain hash tells
/// nothing.
#[derive(Clone, Copy)]
pub(in crate::account) struct TokenHash(pub(in crate::account) [u8; 32]);

impl TokenHash {
    /// Of what a client has sent, if it can be a token.
    pub(in crate::account) fn of_text(text: &str) -> Option<Self> {
        DeviceToken::of_text(text).map(|token| token.hash())
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

impl ConstantTimeEq for TokenHash {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

/// The tokens that come with a code: a device token, a pass, or both.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::account) struct Presented {
    pub(in crate::account) device: Option<TokenHash>,
    pub(in crate::account) pass: Option<TokenHash>,
}

impl Presented {
    pub(in crate::account) fn iter(self) -> impl Iterator<Item = TokenHash> {
        self.pass.into_iter().chain(self.device)
    }
}

/// The most wrong codes that may come with a pass, whatever the policy: an operator's has no other
/// limit.
pub(in crate::account) const MOST_FAILURES: u32 = 5;

/// The issuer of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::account) enum PassOrigin {
    /// An operator, or a recovery that has taken effect. Such a pass is counted by itself.
    Operator,
    /// The service, at the request of somebody who knows the password.
    Mailed,
}

/// A pass that has not been used.
#[derive(Clone, Copy)]
pub(in crate::account) struct Pass {
    pub(in crate::account) hash: TokenHash,
    pub(in crate::account) origin: PassOrigin,
    pub(in crate::account) until: UnixTime,
    /// The life that it was given, in seconds.
    pub(in crate::account) secs: u64,
    /// The [lead](Moment::lead) when it was given out.
    pub(in crate::account) lead: u64,
    /// Wrong codes that came with it.
    pub(in crate::account) failures: u32,
}

impl Pass {
    const fn is_good(&self, secs: u64, now: Moment) -> bool {
        let life = if self.secs < secs { self.secs } else { secs };
        now.is_before_end(self.until, self.lead, life)
    }
}

/// The passes that have not been used.
pub(in crate::account) struct Passes(pub(in crate::account) Vec<Pass>);

impl Passes {
    pub(in crate::account) fn issue(&mut self, pass: Pass, now: Moment) {
        self.0.retain(|pass| now.clock < pass.until);
        if self.0.len() >= PASSES {
            self.0.remove(0);
        }
        self.0.push(pass);
    }

    /// The origin of the pass that `hash` is of, if it is good: all are compared.
    pub(in crate::account) fn origin(&self, hash: &TokenHash, secs: u64, now: Moment) -> Option<PassOrigin> {
        let (mut is_operators, mut is_mailed) = (Choice::from(0), Choice::from(0));
        for pass in self.0.iter().filter(|pass| pass.is_good(secs, now)) {
            match pass.origin {
                PassOrigin::Operator => is_operators |= pass.hash.ct_eq(hash),
                PassOrigin::Mailed => is_mailed |= pass.hash.ct_eq(hash),
            }
        }
        let operators = bool::from(is_operators).then_some(PassOrigin::Operator);
        operators.or_else(|| bool::from(is_mailed).then_some(PassOrigin::Mailed))
    }

    /// The number of passes that are good.
    pub(in crate::account) fn count(&self, secs: u64, now: Moment) -> usize {
        self.0.iter().filter(|pass| pass.is_good(secs, now)).count()
    }

    /// Counts a wrong code that came with a pass, and ends it at the last one it is good for. Gives
    /// how many there were.
    pub(in crate::account) fn fail(&mut self, hash: &TokenHash, most: u32) -> u32 {
        let most = most.min(MOST_FAILURES);
        let mut failures = 0;
        for pass in self.0.iter_mut().filter(|pass| pass.hash.ct_eq(hash).into()) {
            pass.failures = pass.failures.saturating_add(1);
            failures = pass.failures;
        }
        self.0.retain(|pass| pass.failures < most);
        failures
    }

    /// Ends those that are not good now: a clock gone wrong may have given them out for later.
    pub(in crate::account) fn keep_good(&mut self, now: Moment) {
        self.0.retain(|pass| pass.is_good(pass.secs, now));
    }

    /// Ends the pass with this hash: it has been used.
    pub(in crate::account) fn spend(&mut self, hash: &TokenHash) {
        self.0.retain(|pass| !bool::from(pass.hash.ct_eq(hash)));
    }
}
