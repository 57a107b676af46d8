//! Resynchronization: two codes in a row show how far a clock is off.

use super::answers::Answered;
use super::attempt::Attempt;
use super::authenticator::{App, AuthenticatorId};
use super::change::Change;
use super::device::Known;
use super::event::EventKind;
use super::policy::Policy;
use super::proof::Method;
use super::purpose::Purpose;
use super::recovery::RecoveryCode;
use super::throttles::Door;
use super::token::{Presented, TokenHash};
use super::verify::{Found, Missed};
use super::{Account, AccountError};
use crate::otp::{Accepted, Code, OpenSteps, Rejection, Step, Totp, UnixTime, Verdict};
use core::fmt;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// How far ahead is searched, in seconds. Short, because a watermark in the future keeps the owner out once the clock is set right.
pub(super) const AHEAD_SECS: u64 = 600;
/// How far behind, for whoever brings nothing but the codes.
const BEHIND_SECS: u64 = 600;
/// How far behind together with a device token, a pass or a recovery code.
const FAR_BEHIND_SECS: u64 = 86_400;

/// Two codes in a row of an app whose clock is off by more than the window, and what goes with them. Parsed once, redacted in `Debug`.
///
/// ```
/// use sekisho::account::Resync;
///
/// let resync = Resync::new("123 456", "789 012").with_device("what the cookie had");
/// ```
#[derive(Clone)]
#[must_use]
pub struct Resync {
    /// `None` where one of the texts is none.
    codes: Option<[Code; 2]>,
    presented: Presented,
    recovery: Option<RecoveryCode>,
    name: Option<[u8; 16]>,
}

impl Resync {
    /// The code that the app shows, and the one that it shows next.
    pub fn new(first: &str, second: &str) -> Self {
        let parsed = Code::parse(first).ok().zip(Code::parse(second).ok());
        // Not the same one twice: that says no more than one does.
        let codes =
            parsed.filter(|(first, second)| !bool::from(first.ct_eq(second))).map(|(first, second)| [first, second]);
        Self { codes, presented: Presented::default(), recovery: None, name: None }
    }

    /// With the token of a known device: clocks up to a day behind are found.
    pub fn with_device(mut self, cookie: &str) -> Self {
        self.presented.device = TokenHash::of_text(cookie);
        self
    }

    /// With a pass: clocks up to a day behind are found. It is not used up: the log-in that follows may need it.
    pub fn with_pass(mut self, pass: &str) -> Self {
        self.presented.pass = TokenHash::of_text(pass);
        self
    }

    /// With a recovery code, which is used up if the codes are right: clocks up to a day behind are found.
    pub fn with_recovery_code(mut self, text: &str) -> Self {
        self.recovery = RecoveryCode::parse(text);
        self.codes = self.codes.filter(|_| self.recovery.is_some());
        self
    }

    /// Names this attempt, so that asking again gets the same answer: see [`Attempt::with_idempotency_key`].
    pub fn with_idempotency_key(mut self, id: [u8; 16]) -> Self {
        self.name = Some(id);
        self
    }

    /// Whether the texts are two different codes at all, and a recovery code where there should be one.
    #[must_use]
    pub const fn is_malformed(&self) -> bool {
        self.codes.is_none()
    }

    /// What tells this attempt from others; `None` without a name.
    fn fingerprint(&self) -> Option<[u8; 32]> {
        let (name, [first, second]) = (self.name?, self.codes?);
        let mut hash = Sha256::new();
        hash.update([Attempt::RESYNC]);
        hash.update(name);
        hash.update(first.packed().to_be_bytes());
        hash.update(second.packed().to_be_bytes());
        if let Some(code) = &self.recovery {
            hash.update(code.bytes());
        }
        Some(hash.finalize().into())
    }
}

impl fmt::Debug for Resync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resync").finish_non_exhaustive()
    }
}

impl Account {
    /// Finds out how far an app's clock is off, by two codes in a row: up to ten minutes ahead or behind, and up to a day behind
    /// together with a known device, a pass or a recovery code. From then on its codes are expected there. It answers no proof: log
    /// in with the next code.
    ///
    /// Both codes have to be unused and younger than the last one used, and both are used up. Whether one of them was right is not
    /// told: it is a [`Mismatch`](Rejection::Mismatch), charged to the common throttle; to that of devices with a token; with a
    /// recovery code as that would be. By chance two codes are right once in 3 × 10⁸ attempts (a day and ten minutes: 2 900
    /// pairs of 10¹²).
    ///
    /// With a pass or a recovery code the policy's purposes are held for
    /// [`AccountLimits::resync_hold_secs`](super::AccountLimits::resync_hold_secs).
    ///
    /// # Errors
    /// [`AccountError::NoApp`]; [`AccountError::NoRecoveryCodes`]; [`AccountError::Time`] if `now` lies before an
    /// app's T0.
    pub fn resync(
        mut self,
        policy: &Policy,
        now: UnixTime,
        resync: &Resync,
    ) -> Result<Change<Verdict<AuthenticatorId>>, AccountError> {
        let purpose = Purpose::RESYNC;
        let Some(codes) = resync.codes else { return Ok(self.refuse(now, purpose, Rejection::Malformed)) };
        let recovery = resync.recovery.as_ref();
        let fingerprint = resync.fingerprint();
        if let Some(answer) = self.record.answers.find(fingerprint, now) {
            return Ok(self.repeat_with(answer, |_, method, _| match method {
                Method::Authenticator(id) => id,
                _ => AuthenticatorId::new(0), // only apps are resynchronized
            }));
        }
        if let Some(rejection) = self.closed(purpose, now) {
            return Ok(self.refuse(now, purpose, rejection));
        }
        if !self.record.authenticators.iter().any(|one| one.kind.app().is_some()) {
            return Err(AccountError::NoApp);
        }
        if self.record.apps().next().is_none() {
            return Ok(self.refuse(now, purpose, Rejection::Disabled));
        }
        let known = self.known(policy, resync.presented, now);
        let door = match (recovery, known) {
            (Some(_), known) => self.record.throttles.recovery_door(policy, known.is_some(), now),
            (None, Some(_)) => Door::Device,
            (None, None) => Door::Common,
        };
        if let Some(rejection) = self.shut(policy, door, 2, now) {
            return Ok(self.refuse(now, purpose, rejection));
        }
        if recovery.is_some() && self.recovery_codes_left() == 0 {
            return Err(AccountError::NoRecoveryCodes);
        }

        let is_far = recovery.is_some() || known.is_some();
        let behind = if is_far { FAR_BEHIND_SECS } else { BEHIND_SECS };
        let searched = self.record.search(codes, behind, now)?;
        let [first, second] = codes;
        let spent = self.record.lately.contains(first, now) | self.record.lately.contains(second, now);
        let set = recovery.zip(self.record.recovery.as_ref());
        let (is_recovery_code, place) = set.map_or((Choice::from(1), 0), |(code, set)| set.find(code));
        if !bool::from(searched.found & !spent & is_recovery_code) {
            let found = Found { known, door, fingerprint };
            let missed = Missed { found, purpose, expired: false, code: None, diagnosis: None };
            return Ok(self.charge(policy, now, missed));
        }

        let matched = self.record.authenticators.get_mut(searched.place as usize);
        let Some((id, app)) = matched.and_then(|one| Some((one.id, one.kind.app_mut()?))) else {
            return Err(AccountError::NoApp); // only apps are searched
        };
        let (present, step) = (app.totp.step_at(now)?, Step::new(searched.step));
        app.tracker = app.tracker.resynchronized(step, present);
        for code in codes {
            self.record.lately.push(Accepted { code, at: now });
        }
        self.record.miss = None;
        self.record.throttles.succeed(policy, door, now);
        let limits = policy.limits();
        if let (Some(_), Some(set)) = (recovery, self.record.recovery.as_mut()) {
            let left = set.spend(place);
            self.record.hold(policy, limits.recovery_hold_secs, now);
            self.tell(now, EventKind::Recovered { purpose, left });
        }
        if recovery.is_some() || matches!(known, Some(Known::Pass(_))) {
            self.record.hold(policy, limits.resync_hold_secs, now);
        }
        let offset = step.distance_from(present);
        let serial = self.tell(now, EventKind::Resynchronized { authenticator: id, offset }).unwrap_or_default();
        self.record.answers.push(fingerprint, now, Answered::Accepted { method: Method::Authenticator(id), serial });
        Ok(Change::written(self, Verdict::Accepted(id)))
    }
}

/// What the search gave, still as masks and numbers.
pub(super) struct Searched {
    pub(super) found: Choice,
    /// Whose, and the second code's step; of no meaning unless found.
    pub(super) place: u32,
    pub(super) step: u64,
}

impl super::Record {
    /// Looks for two codes in a row at every app: all steps of all of them are compared.
    pub(super) fn search(&self, codes: [Code; 2], behind: u64, now: UnixTime) -> Result<Searched, AccountError> {
        let mut searched = Searched { found: Choice::from(0), place: 0, step: 0 };
        for (place, _, App { totp, secret, tracker }) in self.apps() {
            let (found, step) = totp.key(secret).find_pair(codes, reach(*totp, behind, now)?, tracker.watermark());
            let first = found & !searched.found;
            searched.place.conditional_assign(&place, first);
            searched.step.conditional_assign(&step, first);
            searched.found |= found;
        }
        Ok(searched)
    }
}

/// The steps that are searched.
fn reach(totp: Totp, behind: u64, now: UnixTime) -> Result<OpenSteps, AccountError> {
    let (present, period) = (totp.step_at(now)?, totp.period.as_secs());
    let steps = |secs: u64| secs.checked_div(period).unwrap_or(0).cast_signed();
    let first = present.saturating_offset(steps(behind).saturating_neg());
    Ok(OpenSteps::range(first, present.saturating_offset(steps(AHEAD_SECS))))
}
