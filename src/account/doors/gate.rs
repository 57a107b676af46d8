//! The gate decides whether an attempt is looked at, in one order for every door.
//!
//! Frozen or held → the same attempt again → nothing to judge, or disabled → a code is not enough →
//! recovery codes due → no room for the notice → token recognized → pass needed → locked → too many
//! codes within ten minutes. The view of an account asks the same, so a page never
//! shows as open what is shut. (Whether a code is enough for a log-in: `SecondStep`.)

use crate::account::error::AccountError;
use crate::account::names::purpose::Purpose;
use crate::account::policy::Policy;
use crate::account::record::authenticator::Authenticator;
use crate::account::record::replies::Reply;
use crate::account::record::throttles::{Door, Sender, ThrottleId};
use crate::account::record::token::{PassOrigin, Presented, TokenHash};
use crate::account::transition::Account;
use crate::otp::{Moment, Rejection};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// An attempt that asks to be looked at.
pub(in crate::account) struct Request {
    pub(in crate::account) door: Door,
    pub(in crate::account) purpose: Purpose,
    pub(in crate::account) presented: Presented,
    pub(in crate::account) fingerprint: Option<[u8; 32]>,
    /// The number of codes that it would use up.
    pub(in crate::account) codes: usize,
    /// The code is for an act, and used up at once.
    pub(in crate::account) is_act: bool,
}

/// The gate's answer.
pub(in crate::account) enum Gate<'a> {
    /// The attempt was answered within the last minute: it gets the same reply.
    Repeat(Reply),
    Refused(Rejection),
    /// The attempt is to be judged.
    Open(Admitted<'a>),
}

/// An attempt that is looked at: all that judging and its outcome need to know of it.
#[derive(Clone, Copy)]
pub(in crate::account) struct Admitted<'a> {
    pub(in crate::account) policy: &'a Policy,
    pub(in crate::account) now: Moment,
    pub(in crate::account) purpose: Purpose,
    pub(in crate::account) door: Door,
    /// The throttle that counts a failure; `None` where none does, or an operator's pass.
    pub(in crate::account) throttle: Option<ThrottleId>,
    /// The token that came with the code, and is charged with it.
    pub(in crate::account) token: Option<Recognized>,
    pub(in crate::account) fingerprint: Option<[u8; 32]>,
}

/// A token that the account knows.
#[derive(Clone, Copy)]
pub(in crate::account) enum Recognized {
    Pass(PassOrigin, TokenHash),
    /// A known device, by its place.
    Device(usize),
}

impl Sender {
    /// The sender who brings this token, or none.
    pub(in crate::account) const fn with(token: Option<Recognized>) -> Self {
        match token {
            None => Self::Stranger,
            Some(Recognized::Device(_)) => Self::Device,
            Some(Recognized::Pass(PassOrigin::Mailed, _)) => Self::MailedPass,
            Some(Recognized::Pass(PassOrigin::Operator, _)) => Self::OperatorPass,
        }
    }
}

impl Account {
    /// Decides whether a request is looked at.
    pub(super) fn gate<'a>(
        &self,
        policy: &'a Policy,
        now: Moment,
        request: &Request,
    ) -> Result<Gate<'a>, AccountError> {
        let Request { door, purpose, presented, fingerprint, codes, is_act } = *request;
        if let Some(rejection) = self.blocked(purpose, now) {
            return Ok(Gate::Refused(rejection));
        }
        if let Some(reply) = self.record.replies.find(fingerprint, now) {
            return Ok(Gate::Repeat(reply));
        }
        if let Some(rejection) = self.nothing_to_judge(policy, door, purpose, now)? {
            return Ok(Gate::Refused(rejection));
        }
        if gives_a_proof(door) {
            self.check_enough(policy, purpose, None)?;
        }
        if is_act && policy.limits().new_recovery_codes_before_acts && self.record.recovery_codes_due() {
            return Err(AccountError::RecoveryCodesDue);
        }
        // Before the code is judged: an error after that would tell that it is right.
        if !self.record.history.has_room_for(notices_of(door)) {
            return Err(AccountError::EventsWaiting);
        }
        let token = self.recognize(policy, presented, now);
        check_pass(policy, door, purpose, token)?;
        Ok(match self.admit(policy, door, Sender::with(token), codes, now) {
            Ok(throttle) => Gate::Open(Admitted { policy, now, purpose, door, throttle, token, fingerprint }),
            Err(rejection) => Gate::Refused(rejection),
        })
    }

    /// The refusal that a log-in page should show in the place of a door: that of any code, where
    /// there is one.
    pub(in crate::account) fn refusal_at(
        &self,
        policy: &Policy,
        now: Moment,
        door: Door,
        sender: Sender,
    ) -> Option<Rejection> {
        let purpose = Purpose::LOGIN;
        let refusal = self.blocked(purpose, now);
        let refusal = refusal.or_else(|| self.nothing_to_judge(policy, door, purpose, now).ok().flatten());
        // A recovery code leaves no digits behind that could be used again.
        let codes = usize::from(!matches!(door, Door::RecoveryCode | Door::ImportedRecoveryCode));
        refusal.or_else(|| self.admit(policy, door, sender, codes, now).err())
    }

    /// Why nothing is judged, sent or changed for this purpose now, at whatever door: the account
    /// is frozen, or the purpose held.
    pub(in crate::account) fn blocked(&self, purpose: Purpose, now: Moment) -> Option<Rejection> {
        if self.record.frozen_at.is_some() {
            return Some(Rejection::Frozen);
        }
        self.record.held_until(purpose, now).map(|until| Rejection::Held { until })
    }

    /// Why a door has nothing that a code could be right at, or nothing that is in force.
    fn nothing_to_judge(
        &self,
        policy: &Policy,
        door: Door,
        purpose: Purpose,
        now: Moment,
    ) -> Result<Option<Rejection>, AccountError> {
        let record = &self.record;
        let disabled = |any_in_force: bool| Ok((!any_in_force).then_some(Rejection::Disabled));
        match door {
            Door::Code if purpose == Purpose::CONFIRMATION => {
                let was_sent = record.delivered.0.iter().any(|sent| sent.asked.purpose == purpose);
                if was_sent { Ok(None) } else { Err(AccountError::NothingSent) }
            }
            Door::Code if record.authenticators.is_empty() => Err(self.nothing_bound()),
            Door::Code => disabled(record.authenticators.iter().any(Authenticator::is_active)),
            Door::Confirm | Door::ConfirmWithTwoCodes => match record.waiting(policy, now) {
                None => Err(AccountError::NothingPending),
                Some(pending) if record.has_no_room(policy, pending.replaces) => Err(AccountError::TooMany),
                Some(pending) if door == Door::ConfirmWithTwoCodes && pending.kind.app().is_none() => {
                    Err(AccountError::NoApp)
                }
                Some(_) => Ok(None),
            },
            Door::TwoCodes | Door::TwoCodesWithRecoveryCode => {
                if !record.authenticators.iter().any(|one| one.kind.app().is_some()) {
                    return Err(AccountError::NoApp);
                }
                let refusal = disabled(record.apps().next().is_some());
                let own = record.recovery.as_ref().map_or(0, |set| set.hashes.len());
                if door == Door::TwoCodes { refusal } else { self.check_recovery_codes(own).and(refusal) }
            }
            // It shows nothing of what is read at an address.
            Door::RecoveryCode | Door::ImportedRecoveryCode if purpose == Purpose::CONFIRMATION => {
                Err(AccountError::Purpose)
            }
            Door::RecoveryCode | Door::ImportedRecoveryCode if holds_after_recovery(policy, purpose) => {
                Err(AccountError::NotByRecovery)
            }
            Door::Assertion if purpose == Purpose::CONFIRMATION => Err(AccountError::Purpose),
            Door::Assertion if record.stronger.is_none() => Err(AccountError::NoStrongerFactor),
            Door::Assertion => Ok(None),
            // Recovery codes work while everything else is disabled.
            Door::RecoveryCode | Door::ImportedRecoveryCode => {
                self.check_recovery_codes(usize::from(record.recovery_codes_left())).map(|()| None)
            }
        }
    }

    fn check_recovery_codes(&self, left: usize) -> Result<(), AccountError> {
        match left {
            0 if self.record.is_reset => Err(AccountError::PassNeeded),
            0 => Err(AccountError::NoRecoveryCodes),
            _ => Ok(()),
        }
    }

    /// The error where nothing is bound. Only where there is no second factor at all is it
    /// `NotEnrolled`, for which a service may accept the password alone: not after a reset, and not
    /// beside a stronger factor.
    pub(in crate::account) const fn nothing_bound(&self) -> AccountError {
        if self.record.is_reset {
            AccountError::PassNeeded
        } else if self.record.stronger.is_some() {
            AccountError::StrongerFactorNeeded
        } else {
            AccountError::NotEnrolled
        }
    }

    /// The throttle that counts a submission of so many codes, or why none is evaluated now: the
    /// throttle is locked, or too many codes were accepted recently.
    pub(in crate::account) fn admit(
        &self,
        policy: &Policy,
        door: Door,
        sender: Sender,
        codes: usize,
        now: Moment,
    ) -> Result<Option<ThrottleId>, Rejection> {
        let record = &self.record;
        let throttle = record.throttles.at(policy, door, sender, now);
        let locked = throttle.and_then(|id| record.throttles.locked(policy, id, now));
        let full = || record.recent_codes.full_until(codes, now).map(|until| Rejection::Busy { until });
        locked.or_else(full).map_or(Ok(throttle), Err)
    }

    /// Recognizes the token that came with a code: a pass, if one is good, or else a known device.
    /// All are compared.
    pub(in crate::account) fn recognize(
        &self,
        policy: &Policy,
        presented: Presented,
        now: Moment,
    ) -> Option<Recognized> {
        let limits = policy.limits();
        let mut recognized = None;
        for hash in presented.iter() {
            let (mut found, mut found_at) = (Choice::from(0), 0_u32);
            for (place, device) in (0..).zip(&self.record.devices) {
                let same = device.hash.ct_eq(&hash) & Choice::from(u8::from(device.is_good(limits.device_secs, now)));
                found_at.conditional_assign(&place, same);
                found |= same;
            }
            if let Some(origin) = self.record.passes.origin(&hash, limits.pass_secs, now) {
                return Some(Recognized::Pass(origin, hash));
            }
            recognized = recognized.or_else(|| bool::from(found).then_some(Recognized::Device(found_at as usize)));
        }
        recognized
    }
}

/// The notices that an acceptance at this door gives, and that have to be kept: it changes the
/// binding. (A recovery code that logs in changes none.)
const fn notices_of(door: Door) -> usize {
    match door {
        Door::Confirm | Door::ConfirmWithTwoCodes | Door::TwoCodes => 1,
        Door::TwoCodesWithRecoveryCode => 2,
        Door::Code | Door::RecoveryCode | Door::ImportedRecoveryCode | Door::Assertion => 0,
    }
}

/// Returns whether a code that is right at this door gives a proof for any purpose.
const fn gives_a_proof(door: Door) -> bool {
    matches!(door, Door::Code | Door::RecoveryCode | Door::ImportedRecoveryCode)
}

/// Fails if a proof for a change of binding takes a pass, and none is there.
fn check_pass(policy: &Policy, door: Door, purpose: Purpose, token: Option<Recognized>) -> Result<(), AccountError> {
    let is_needed = gives_a_proof(door) && purpose == Purpose::BINDING && policy.limits().binding_takes_pass;
    if is_needed && !matches!(token, Some(Recognized::Pass(..))) {
        return Err(AccountError::PassNeeded);
    }
    Ok(())
}

/// Returns whether using a recovery code would hold this purpose. Then no recovery code serves it.
fn holds_after_recovery(policy: &Policy, purpose: Purpose) -> bool {
    let limits = policy.limits();
    limits.recovery_hold_secs > 0 && limits.held_purposes.contains(&purpose)
}
