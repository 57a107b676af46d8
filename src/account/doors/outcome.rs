//! The outcome of an attempt: it is accepted, charged, refused, or answered as before.
//!
//! Of the doors' files, only this one writes used codes, throttles, replies and drift.

use super::gate::{Admitted, Recognized};
use crate::account::error::AccountError;
use crate::account::event::{Event, EventKind};
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::purpose::Purpose;
use crate::account::names::source::Source;
use crate::account::policy::Policy;
use crate::account::proof::Method;
use crate::account::record::authenticator::AuthenticatorState;
use crate::account::record::replies::{Answer, Reply};
use crate::account::record::throttles::{Door, Failed, Sender, Throttles};
use crate::account::record::whole::WrongCode;
use crate::account::transition::{Account, Change};
use crate::otp::{Accepted, Code, FailureCount, LockState, Moment, Rejection, Step, UnixTime};

/// A right submission: whatever it uses up.
#[derive(Clone, Copy)]
pub(super) enum Right {
    /// The code of an app, by the app's place.
    App { place: u32, step: Step, code: Code },
    /// The code of an app that it confirms, by the app's place, or two in a row, the last one of
    /// this step: the drift is measured from there.
    NewApp { place: u32, step: Step, codes: [Option<Code>; 2], with_handle: bool },
    /// A code that was sent, by its place among those.
    Delivered { place: u32, code: Code },
    /// The code that confirms an address: all that was sent to it is used up.
    Address { id: AuthenticatorId, codes: [Option<Code>; 2], with_handle: bool },
    /// Two codes of an app in a row, and the place of the recovery code that came with them.
    TwoCodes { place: u32, step: Step, codes: [Code; 2], recovery: Option<u32> },
    /// A recovery code, by its place.
    Recovery { place: u32 },
    /// A recovery code of another system, by its place.
    ImportedRecovery { place: u32 },
    /// An assertion of a stronger factor: the service has used it up.
    Assertion,
}

/// An accepted submission, as its answer tells of it.
#[derive(Clone, Copy)]
pub(super) struct Acceptance {
    pub(super) method: Method,
    pub(super) at: UnixTime,
    /// The [lead](Moment::lead) then.
    pub(super) lead: u64,
    /// The number of the event that tells of it.
    pub(super) serial: u64,
    /// It confirmed an enrollment, whose handle came with it.
    pub(super) with_handle: bool,
}

/// A wrong submission.
#[derive(Clone, Copy)]
pub(super) struct Wrong {
    /// Right within the last ten minutes.
    pub(super) expired: bool,
    /// Kept, to be compared with a later one.
    pub(super) code: Option<Code>,
}

impl Account {
    /// Accepts: uses up what was right, learns the drift, ends the run of failures, marks the token
    /// as used, and records `event`. `answer` makes the answer of it.
    pub(super) fn accept<T>(
        mut self,
        admitted: &Admitted<'_>,
        right: Right,
        method: Method,
        event: EventKind,
        answer: impl FnOnce(&Self, Acceptance) -> T,
    ) -> Result<Change<T>, AccountError> {
        let Admitted { policy, now, purpose, throttle, token, fingerprint, .. } = *admitted;
        let is_resync = matches!(right, Right::TwoCodes { .. });
        let with_handle =
            matches!(right, Right::NewApp { with_handle: true, .. } | Right::Address { with_handle: true, .. });
        self.use_up(admitted, right)?;
        self.record.wrong_codes.clear();
        let failures_in_a_row = self.record.throttles.run;
        // A confirmation shows only that somebody reads an address, who need not be the owner: runs
        // of failures go on, and a pass stays.
        if purpose != Purpose::CONFIRMATION {
            self.record.throttles.succeed(policy, throttle, now);
            self.token_succeeded(token, is_resync, now);
        }
        // The gate has seen to it that there is room for a notice.
        let serial = self.record_anyway(now, event);
        // The owner does not need the recovery, or somebody else has begun it. One that has taken effect
        // ends when the next authenticator is confirmed: until then its pass may be asked for again.
        let stays = |is_done: bool| is_done && admitted.door == Door::Assertion;
        let ended = self.record.self_recovery.take_if(|one| purpose != Purpose::CONFIRMATION && !stays(one.is_done));
        if ended.is_some_and(|one| !one.is_done) {
            self.record_anyway(now, EventKind::SelfRecoveryEnded);
        }
        self.tell_of_acceptance(admitted, failures_in_a_row);
        self.record.replies.push(fingerprint, now, Answer::Accepted { method, serial, with_handle });
        let answer = answer(&self, Acceptance { method, at: now.clock, lead: now.lead(), serial, with_handle });
        Ok(Change::written(self, Ok(answer)))
    }

    /// Tells the owner of an acceptance that somebody else may have brought about (OWASP ASVS 5.0
    /// §6.3.5), where the policy asks for it.
    fn tell_of_acceptance(&mut self, admitted: &Admitted<'_>, failures_in_a_row: u32) {
        let Admitted { policy, now, purpose, door, token, .. } = *admitted;
        // The other doors tell of every acceptance, but that of assertions, which nobody guesses.
        if door != Door::Code || purpose == Purpose::CONFIRMATION {
            return;
        }
        let limits = policy.limits();
        if limits.tell_after_failures > 0 && failures_in_a_row >= limits.tell_after_failures {
            self.record_anyway(now, EventKind::AcceptedAfterFailures { purpose, failures_in_a_row });
        }
        if limits.tell_unknown_browsers && !matches!(token, Some(Recognized::Device(_))) {
            self.record_anyway(now, EventKind::UnknownBrowser { purpose });
        }
    }

    fn use_up(&mut self, admitted: &Admitted<'_>, right: Right) -> Result<(), AccountError> {
        let Admitted { policy, now, .. } = *admitted;
        let record = &mut self.record;
        record.recent_codes.correct(now);
        let mut spend = |code| record.recent_codes.push(Accepted { code, at: now.time });
        match right {
            Right::App { place, step, code } => {
                spend(code);
                // Only apps are judged.
                let found = record.authenticators.get_mut(place as usize).ok_or(AccountError::NoApp)?;
                (found.last_used, found.uses) = (now.time, found.uses.saturating_add(1));
                let app = found.kind.app_mut().ok_or(AccountError::NoApp)?;
                app.tracker = app.tracker.accepted(step, policy.codes().max_drift, app.totp.step_at(now.clock)?);
            }
            Right::NewApp { place, step, codes, with_handle: _ } => {
                codes.into_iter().flatten().for_each(&mut spend);
                let found = record.authenticators.get_mut(place as usize).ok_or(AccountError::NoApp)?;
                let app = found.kind.app_mut().ok_or(AccountError::NoApp)?;
                app.tracker = app.tracker.resynchronized(step, app.totp.step_at(now.clock)?);
            }
            Right::TwoCodes { place, step, codes, recovery } => {
                codes.into_iter().for_each(&mut spend);
                let found = record.authenticators.get_mut(place as usize).ok_or(AccountError::NoApp)?;
                let app = found.kind.app_mut().ok_or(AccountError::NoApp)?;
                app.tracker = app.tracker.resynchronized(step, app.totp.step_at(now.clock)?);
                if let (Some(place), Some(set)) = (recovery, &mut record.recovery) {
                    set.spend(place);
                }
            }
            Right::Delivered { place, code } => {
                spend(code);
                let sent = record.delivered.0.get_mut(place as usize).ok_or(AccountError::NothingSent)?;
                // Kept for a while, as one that has been there.
                (sent.until, sent.lead) = (now.clock, 0);
                let id = sent.asked.recipient.bound();
                record
                    .authenticators
                    .iter_mut()
                    .filter(|one| Some(one.id) == id)
                    .for_each(|one| (one.last_used, one.uses) = (now.time, one.uses.saturating_add(1)));
            }
            Right::Address { id, codes, with_handle: _ } => {
                codes.into_iter().flatten().for_each(&mut spend);
                record.delivered.0.retain(|sent| !sent.asked.recipient.is_bound_to(id));
            }
            Right::Assertion => {}
            Right::ImportedRecovery { place } => {
                if let Some(codes) = &mut record.imported_codes {
                    codes.spend(place);
                }
            }
            Right::Recovery { place } => {
                if let Some(set) = &mut record.recovery {
                    set.spend(place);
                }
            }
        }
        Ok(())
    }

    /// One charge for one submission, whatever it has been compared with.
    pub(super) fn charge<T>(mut self, admitted: &Admitted<'_>, wrong: Wrong) -> Change<T> {
        let Admitted { policy, now, purpose, door, throttle, token, fingerprint } = *admitted;
        let Wrong { expired, code } = wrong;
        let failures_of_pass = self.pass_failed(policy, token);
        let throttles = &mut self.record.throttles;
        let Failed { count, is_first_lock, disables } = match throttle {
            Some(id) => {
                let next = |throttles: &Throttles| throttles.at(policy, door, Sender::with(token), now);
                throttles.fail(policy, id, next, now)
            }
            None => throttles.fail_by_pass(policy, failures_of_pass, now),
        };
        let (rejection, answer) = if expired {
            (Rejection::Expired(count), Answer::Expired(count))
        } else {
            (Rejection::Mismatch(count), Answer::Mismatch(count))
        };
        self.record.replies.push(fingerprint, now, answer);
        self.record_anyway(now, EventKind::Rejected { purpose, reason: rejection.reason(), diagnosis: None });
        if let Some(code) = code {
            let event = self.record.history.last;
            self.record.remember_wrong(WrongCode { code, at: now.clock, event });
        }
        self.device_failed(admitted, token);
        let FailureCount { failures_in_a_row, lock_state } = count;
        if let LockState::Locked { until } = lock_state {
            self.record_anyway(now, EventKind::Locked { until, failures_in_a_row, is_first: is_first_lock });
        }
        if disables {
            // One that its owner has suspended stays so.
            let active = self.record.authenticators.iter_mut().filter(|one| one.is_active());
            active.for_each(|one| one.state = AuthenticatorState::Disabled);
            self.record_anyway(now, EventKind::Disabled);
        }
        Change::written(self, Err(rejection))
    }

    /// A refusal that changes nothing.
    pub(in crate::account) fn refuse<T>(self, now: Moment, purpose: Purpose, rejection: Rejection) -> Change<T> {
        let event = refusal_event(now.clock, purpose, self.source.clone(), rejection);
        Change::unwritten(self, Err(rejection), Some(event))
    }

    /// The reply that an attempt had before. `accepted` makes the answer anew, where that was an
    /// acceptance.
    ///
    /// An acceptance is answered after a write of its own, which changes the revision only. A
    /// server that is about to fail over may still be read, and the one that takes over may have
    /// accepted the code under another attempt.
    pub(super) fn repeat<T>(self, reply: Reply, accepted: impl FnOnce(&Self, Acceptance) -> T) -> Change<T> {
        let rejection = match reply.answer {
            Answer::Accepted { method, serial, with_handle } => {
                let answer =
                    accepted(&self, Acceptance { method, at: reply.at, lead: reply.lead, serial, with_handle });
                return Change::written(self, Ok(answer));
            }
            Answer::Mismatch(count) => Rejection::Mismatch(count),
            Answer::Expired(count) => Rejection::Expired(count),
        };
        Change::unwritten(self, Err(rejection), None)
    }

    /// A right code came with a token: a pass has been used, a device stays known. A pass that came
    /// with two codes in a row stays: the log-in that follows may need it.
    fn token_succeeded(&mut self, token: Option<Recognized>, is_resync: bool, now: Moment) {
        match token {
            Some(Recognized::Pass(_, hash)) if !is_resync => self.record.passes.spend(&hash),
            Some(Recognized::Device(place)) => {
                if let Some(device) = self.record.devices.get_mut(place) {
                    (device.last_used, device.failures) = (now.clock, 0);
                }
            }
            Some(Recognized::Pass(..)) | None => {}
        }
    }

    /// A wrong code came with a pass. After as many as lock, the pass ends. Gives how many there
    /// were.
    fn pass_failed(&mut self, policy: &Policy, token: Option<Recognized>) -> u32 {
        match token {
            Some(Recognized::Pass(_, hash)) => self.record.passes.fail(&hash, policy.codes().lock_after),
            // One that is not charged stays.
            Some(Recognized::Device(_)) | None => 0,
        }
    }

    /// A wrong code came from a known device. After as many in a row as lock, it is known no more:
    /// a stolen token is worth no more guesses than that, and soon leaves the devices' throttle to
    /// the owner, who is asked for a code without it then and may get another.
    fn device_failed(&mut self, admitted: &Admitted<'_>, token: Option<Recognized>) {
        let Some(Recognized::Device(place)) = token else { return };
        let Some(device) = self.record.devices.get_mut(place) else { return };
        device.failures = device.failures.saturating_add(1);
        if device.failures >= admitted.policy.codes().lock_after {
            let device = self.record.devices.remove(place).id;
            self.record_anyway(admitted.now, EventKind::DeviceForgotten { device });
        }
    }
}

/// The event of a refusal that changes nothing: delivered once, kept nowhere.
pub(crate) const fn refusal_event(
    now: UnixTime,
    purpose: Purpose,
    source: Option<Source>,
    rejection: Rejection,
) -> Event {
    Event::unkept(now, source, EventKind::Rejected { purpose, reason: rejection.reason(), diagnosis: None })
}
