//! Operators' acts. Each names who and why, and notifies the owner.

use super::authenticator::{AuthenticatorId, Kind};
use super::change::Change;
use super::event::EventKind;
use super::policy::Policy;
use super::purpose::Purpose;
use super::text::{Text, TextError};
use super::token::{DeviceToken, Pass, Presented, TokenHash};
use super::{Account, AccountError, Record};
use crate::otp::{Rejection, UnixTime, Verdict};
use rand::CryptoRng;

/// How long a mailed pass waits at the most, in seconds.
const MAILED_SECS: u64 = 3_600;

/// Who does something to an account by office, and why. Kept in its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    pub(crate) name: Text,
    pub(crate) reason: Text,
}

impl Operator {
    /// The operator `name` (a staff account, a job), acting for `reason` (a ticket, say).
    ///
    /// # Errors
    /// [`TextError`] unless both are texts.
    pub fn new(name: &str, reason: &str) -> Result<Self, TextError> {
        Ok(Self { name: Text::new(name)?, reason: Text::new(reason)? })
    }
}

impl Account {
    /// Issues a pass: its holder's attempts are counted apart, so that a lock which others' guesses have brought about does
    /// not stop them. The lock itself stays. Send it to an address that was known before.
    ///
    /// # Errors
    /// [`AccountError::NotEnrolled`]; [`AccountError::Frozen`].
    pub fn unlock<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        operator: &Operator,
        rng: &mut R,
    ) -> Result<Change<DeviceToken>, AccountError> {
        if self.record.authenticators.is_empty() {
            return Err(self.nothing_bound());
        }
        if self.record.frozen_at.is_some() {
            return Err(AccountError::Frozen);
        }
        let (token, until) = self.issue(now, policy.limits().pass_secs, rng);
        let Operator { name, reason } = operator.clone();
        self.tell(now, EventKind::PassIssued { operator: name, reason, until });
        Ok(Change::written(self, token))
    }

    /// Makes a pass at the request of whoever knows the password, for the service to mail to an address that was known before: the second
    /// channel of a change of binding, where the policy asks for one
    /// ([`AccountLimits::binding_takes_pass`](super::AccountLimits::binding_takes_pass)). It lives an hour at the most.
    ///
    /// Counted with the codes that are sent: one within 30 s, five an hour, ten a day; apart for a known device, whose token is `cookie`.
    ///
    /// # Errors
    /// [`AccountError::NotEnrolled`].
    pub fn mail_pass<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        cookie: Option<&str>,
        rng: &mut R,
    ) -> Result<Change<Verdict<DeviceToken>>, AccountError> {
        if self.record.authenticators.is_empty() {
            return Err(self.nothing_bound());
        }
        if let Some(rejection) = self.closed(Purpose::BINDING, now) {
            return Ok(self.refuse(now, Purpose::BINDING, rejection));
        }
        let presented = Presented { device: cookie.and_then(TokenHash::of_text), pass: None };
        let known = self.known(policy, presented, now);
        let sends = if known.is_some() { &mut self.record.sends_of_devices } else { &mut self.record.sends };
        if let Err(until) = sends.count(now) {
            return Ok(self.refuse(now, Purpose::BINDING, Rejection::SendLimited { until }));
        }
        let (token, until) = self.issue(now, policy.limits().pass_secs.min(MAILED_SECS), rng);
        self.tell(now, EventKind::PassMailed { until });
        Ok(Change::written(self, Verdict::Accepted(token)))
    }

    /// Takes everything away from an account whose owner has lost it all, and has shown otherwise who he is: authenticators, recovery
    /// codes, known devices, passes and proofs. Gives the pass with which, and only with which, the next authenticator is enrolled
    /// ([`enroll_with_pass`](Self::enroll_with_pass)): send it to an address that was known before, or hand it over.
    ///
    /// Withdrawals are held for [`AccountLimits::reset_hold_secs`](super::AccountLimits::reset_hold_secs). Runs of failures end, long-term counts stay. A freeze ends:
    /// what it was for is gone.
    ///
    /// # Errors
    /// [`AccountError::NotEnrolled`] if nothing is stored of the account.
    pub fn reset<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        operator: &Operator,
        rng: &mut R,
    ) -> Result<Change<DeviceToken>, AccountError> {
        if self.revision.is_none() {
            return Err(AccountError::NotEnrolled);
        }
        let record = &mut self.record;
        record.unbind(|_| true);
        record.recovery = None;
        record.void(rng.next_u64());
        record.miss = None;
        record.throttles.end_runs();
        record.frozen_at = None;
        record.is_reset = true;
        record.hold(policy, policy.limits().reset_hold_secs, now);
        let (token, until) = self.issue(now, policy.limits().pass_secs, rng);
        let Operator { name, reason } = operator.clone();
        self.tell(now, EventKind::Reset { operator: name, reason, until });
        Ok(Change::written(self, token))
    }

    /// Holds everything until [`thaw`](Self::thaw) or [`reset`](Self::reset): no code is judged, sent or enrolled, whatever its purpose. All proofs, device
    /// tokens and passes given so far are void. For a phone that was lost or stolen, at the word of its owner.
    ///
    /// # Errors
    /// [`AccountError::NotEnrolled`] if nothing is stored of the account.
    pub fn freeze<R: CryptoRng + ?Sized>(
        mut self,
        now: UnixTime,
        operator: &Operator,
        rng: &mut R,
    ) -> Result<Change<()>, AccountError> {
        if self.revision.is_none() {
            return Err(AccountError::NotEnrolled);
        }
        self.record.void(rng.next_u64());
        self.record.frozen_at = self.record.frozen_at.or(Some(now));
        let Operator { name, reason } = operator.clone();
        self.tell(now, EventKind::Frozen { operator: name, reason });
        Ok(Change::written(self, ()))
    }

    /// Ends a freeze: what was bound works again; proofs, device tokens and passes stay void.
    ///
    /// # Errors
    /// [`AccountError::NotFrozen`].
    pub fn thaw(mut self, now: UnixTime, operator: &Operator) -> Result<Change<()>, AccountError> {
        if self.record.frozen_at.take().is_none() {
            return Err(AccountError::NotFrozen);
        }
        let Operator { name, reason } = operator.clone();
        self.tell(now, EventKind::Thawed { operator: name, reason });
        Ok(Change::written(self, ()))
    }

    /// Forgets what was learned of an app's clock, resynchronizations included. What it has used stays used.
    ///
    /// # Errors
    /// [`AccountError::NoSuchAuthenticator`] unless the account has this app.
    pub fn clear_drift(
        mut self,
        now: UnixTime,
        id: AuthenticatorId,
        operator: &Operator,
    ) -> Result<Change<()>, AccountError> {
        let found = self.record.authenticators.iter_mut().find(|one| one.id == id);
        let Some(Kind::App(app)) = found.map(|one| &mut one.kind) else {
            return Err(AccountError::NoSuchAuthenticator { id });
        };
        app.tracker = app.tracker.cleared();
        let Operator { name, reason } = operator.clone();
        self.tell(now, EventKind::DriftCleared { authenticator: id, operator: name, reason });
        Ok(Change::written(self, ()))
    }

    fn issue<R: CryptoRng + ?Sized>(&mut self, now: UnixTime, secs: u64, rng: &mut R) -> (DeviceToken, UnixTime) {
        let token = DeviceToken::generate(rng);
        let until = now.saturating_add(secs);
        self.record.passes.issue(Pass { hash: token.hash(), until, secs, failures: 0 }, now);
        (token, until)
    }

    /// Puts the erasure of the record into its history, so that it is told before the record is deleted.
    #[cfg(feature = "verifier")]
    pub(crate) fn erasing(mut self, now: UnixTime, operator: &Operator) -> Change<()> {
        if self.revision.is_none() || self.is_being_erased() {
            return Change::unwritten(self, (), None);
        }
        let Operator { name, reason } = operator.clone();
        self.tell(now, EventKind::Erased { operator: name, reason });
        Change::written(self, ())
    }

    /// Whether nothing has happened since the erasure was written down.
    #[cfg(feature = "verifier")]
    pub(crate) fn is_being_erased(&self) -> bool {
        self.record.history.events().last().is_some_and(|event| matches!(event.kind, EventKind::Erased { .. }))
    }
}

impl Record {
    /// Voids what has been handed out: proofs, answers, tokens, passes, delivered codes, an enrollment that waits.
    pub(super) fn void(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.pending = None;
        self.answers.0.clear();
        self.passes.0.clear();
        self.devices.clear();
        self.delivered.0.clear();
    }
}
