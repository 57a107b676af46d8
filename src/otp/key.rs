//! The key of one authenticator: makes its codes and finds a submitted one among them.

use super::algorithm::Algorithm;
use super::code::Code;
use super::mac::{self, LANES, Pads};
use super::secret::Secret;
use super::time::Step;
use super::totp::Totp;
use super::window::OpenSteps;
use core::fmt;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater};
use zeroize::Zeroize;

/// A secret made ready for one set of parameters: the hash states after HMAC's two pads. Wiped on
/// drop.
///
/// Making a key costs two compressions, each code two more. A key may be kept, but it is as secret
/// as the secret.
pub struct Key {
    totp: Totp,
    pads: AnyPads,
}

enum AnyPads {
    Sha1(Pads<mac::Sha1>),
    Sha256(Pads<mac::Sha256>),
    Sha512(Pads<mac::Sha512>),
}

/// The place where a submitted code was found, as masks: nothing here has been branched upon.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    /// The code is right at a step above the watermark.
    pub(crate) fresh: Choice,
    /// The code is right at a step at or under the watermark.
    pub(crate) used: Choice,
    /// The highest such fresh step; zero if there is none.
    pub(crate) step: u64,
    /// The highest such used step; zero if there is none.
    pub(crate) used_step: u64,
}

impl Totp {
    /// The key that makes and verifies the codes of `secret` under these parameters.
    #[must_use]
    pub fn key(self, secret: &Secret) -> Key {
        Key::new(self, secret)
    }
}

impl Key {
    fn new(totp: Totp, secret: &Secret) -> Self {
        let bytes = secret.expose();
        let pads = match totp.algorithm {
            Algorithm::Sha1 => AnyPads::Sha1(Pads::new(bytes)),
            Algorithm::Sha256 => AnyPads::Sha256(Pads::new(bytes)),
            Algorithm::Sha512 => AnyPads::Sha512(Pads::new(bytes)),
        };
        Self { totp, pads }
    }

    /// The parameters.
    #[must_use]
    pub const fn totp(&self) -> Totp {
        self.totp
    }

    /// The code at `step` (RFC 6238 §4.2), as the authenticator shows it.
    #[must_use]
    pub fn code_at(&self, step: Step) -> Code {
        let mut truncated = [0; LANES];
        self.truncated(&[step.number(); LANES], 1, &mut truncated);
        let [first, ..] = truncated;
        truncated.zeroize();
        Code::new(self.totp.digits.reduce(first), self.totp.digits)
    }

    /// The highest of `steps` at which `code` is right, with no regard to what has been used or how
    /// often was guessed.
    ///
    /// This is the bare comparison, and **not a log-in**: it accepts a code as often as it is
    /// submitted, from as many guessers as ask. [`decide`](super::decide) is the function for
    /// log-ins. Every step is computed and compared, two compressions each; the time depends on
    /// `steps` and on whether any matched, not on which.
    #[must_use]
    pub fn find_without_state(&self, code: &Code, steps: OpenSteps) -> Option<Step> {
        let found = self.find(*code, steps, None);
        bool::from(found.fresh).then_some(Step::new(found.step))
    }

    /// Compares `code` with that of every step, in time and memory accesses that depend on neither
    /// key nor match.
    pub(crate) fn find(&self, code: Code, steps: OpenSteps, watermark: Option<Step>) -> Found {
        let (no_watermark, watermark) = match watermark {
            Some(step) => (Choice::from(0), step.number()),
            None => (Choice::from(1), 0),
        };
        let mut found = Found { fresh: Choice::from(0), used: Choice::from(0), step: 0, used_step: 0 };
        self.walk(steps.iter(), |step, expected| {
            let right = expected.ct_eq(&code);
            let fresh = right & (no_watermark | step.ct_gt(&watermark));
            found.step.conditional_assign(&step, fresh);
            found.used_step.conditional_assign(&step, right & !fresh);
            found.fresh |= fresh;
            found.used |= right & !fresh;
        });
        found
    }

    /// Returns whether `code` is right at one of `steps` that is none of `known`: those have been
    /// computed already.
    pub(crate) fn is_right_outside(&self, code: Code, steps: OpenSteps, known: OpenSteps) -> Choice {
        let mut right = Choice::from(0);
        let unknown = steps.iter().filter(|step| !known.contains(Step::new(*step)));
        self.walk(unknown, |_, expected| right |= expected.ct_eq(&code));
        right
    }

    /// Computes the codes of all `steps`, several at once, and shows each to `visit`.
    pub(super) fn walk(&self, mut steps: impl Iterator<Item = u64>, mut visit: impl FnMut(u64, Code)) {
        let mut truncated = [0; LANES];
        loop {
            let (mut lanes, mut count) = ([0; LANES], 0_usize);
            for (lane, step) in lanes.iter_mut().zip(&mut steps) {
                *lane = step;
                count = count.wrapping_add(1);
            }
            if count == 0 {
                break;
            }
            self.truncated(&lanes, count, &mut truncated);
            for (step, truncated) in lanes.iter().zip(&truncated).take(count) {
                visit(*step, Code::new(self.totp.digits.reduce(*truncated), self.totp.digits));
            }
            if count < LANES {
                break;
            }
        }
        truncated.zeroize();
    }

    /// Returns whether both are the same key of the same hash, whatever else their parameters.
    #[cfg(feature = "alloc")] // only accounts have several authenticators
    pub(crate) fn is_same_key(&self, other: &Self) -> Choice {
        match (&self.pads, &other.pads) {
            (AnyPads::Sha1(a), AnyPads::Sha1(b)) => a.is_same_key(b),
            (AnyPads::Sha256(a), AnyPads::Sha256(b)) => a.is_same_key(b),
            (AnyPads::Sha512(a), AnyPads::Sha512(b)) => a.is_same_key(b),
            _ => Choice::from(0),
        }
    }

    fn truncated(&self, steps: &[u64; LANES], count: usize, out: &mut [u32; LANES]) {
        match &self.pads {
            AnyPads::Sha1(pads) => pads.truncated(steps, count, out),
            AnyPads::Sha256(pads) => pads.truncated(steps, count, out),
            AnyPads::Sha512(pads) => pads.truncated(steps, count, out),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("totp", &self.totp).finish_non_exhaustive()
    }
}
