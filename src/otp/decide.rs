//! The one function that decides.

use super::code::Code;
use super::evaluation::Evaluation;
use super::key::Key;
use super::moment::Moment;
use super::not_accepted::NotAccepted;
use super::policy::CodePolicy;
use super::recent_codes::Accepted;
use super::rejection::{FailureCount, Rejection};
use super::state::State;
use super::throttle::Admission;
use super::time::{Step, TimeError, UnixTime};
use core::fmt;

/// The step at which an accepted code was found. For audit logs: do not show it to whoever logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Match {
    /// The step whose code it was.
    pub step: Step,
    /// The distance from our step to that one: how far the authenticator's clock seemed ahead (or,
    /// negative, behind), in steps.
    pub offset: i64,
}

/// Judges `code` at `now`, given what has been kept of its authenticator.
///
/// The answer is inside the [`Decision`]. It comes out by [`Decision::commit`] only, once the new
/// state has been stored.
///
/// Every open step is computed and compared, and the result is chosen by mask: the time this takes
/// depends on the policy, on `now` and on what is stored, not on the key, nor on whether or where
/// the code matched.
///
/// # Errors
/// [`TimeError`] if `now` lies before the authenticator's T0.
pub fn decide<'a>(
    key: &'a Key,
    policy: &'a CodePolicy,
    state: State,
    now: UnixTime,
    code: &Code,
) -> Result<Decision<'a>, TimeError> {
    let limits = policy.limits();
    let step = key.totp().step_at(now)?;
    let now = state.moment(now);
    let refusal = match state.throttle.admission(limits, now) {
        Admission::Locked(until) => Some(Rejection::Locked { until }),
        Admission::Disabled => Some(Rejection::Disabled),
        Admission::Open => state.recent_codes.full_until(1, now).map(|until| Rejection::Busy { until }),
    };
    let outcome = if let Some(rejection) = refusal {
        Outcome::Unevaluated(rejection)
    } else {
        let spent = state.recent_codes.contains(*code, now);
        Outcome::Evaluated(Evaluation::of(key, limits, state.tracker, spent, step, *code))
    };
    Ok(Decision { key, policy, state, now, step, code: *code, outcome })
}

/// An answer that nobody knows yet, and the state that has to be stored first.
///
/// An answer that is given before its count is stored can be had again and again, by asking in
/// parallel. So the only way to the answer is through [`commit`](Self::commit).
#[must_use = "nothing has been decided until the decision is committed"]
pub struct Decision<'a> {
    key: &'a Key,
    policy: &'a CodePolicy,
    state: State,
    now: Moment,
    step: Step,
    code: Code,
    outcome: Outcome,
}

enum Outcome {
    /// The code was not looked at.
    Unevaluated(Rejection),
    Evaluated(Evaluation),
}

impl Decision<'_> {
    /// Stores the new state through `save`, then gives the answer: `Ok` means that the code was
    /// right, unused, and is now used up.
    ///
    /// `save` gets the stored form of the new [`State`]. It must make the state durable only if
    /// nobody else has stored another since the old one was read: a compare-and-swap. **If
    /// somebody else has, it must return an error**, and so it must if the outcome is unknown.
    /// There is no answer then: start again from a fresh read. (An SQL `UPDATE … WHERE state =
    /// $old` that finds no row is not an error of its own: look at the number of rows.)
    ///
    /// `save` is not called where nothing changes: if the answer is `Replayed`, `Locked`, `Busy` or
    /// `Disabled`.
    ///
    /// # Errors
    /// [`NotAccepted::Rejected`] if the code was refused, [`NotAccepted::Failed`] with the error of
    /// `save`.
    pub fn commit<E>(self, save: impl FnOnce(&[u8; State::LEN]) -> Result<(), E>) -> Result<Match, NotAccepted<E>> {
        let Self { key, policy, mut state, now, step, code, outcome } = self;
        let limits = policy.limits();
        let evaluation = match outcome {
            Outcome::Unevaluated(rejection) => return Err(rejection.into()),
            Outcome::Evaluated(evaluation) => evaluation,
        };
        if evaluation.accepted.into() {
            state.correct(now);
            state.throttle.succeed(limits, now);
            let matched = Step::new(evaluation.step);
            state.tracker = state.tracker.accepted(matched, limits.max_drift, step);
            state.recent_codes.push(Accepted { code, at: now.time });
            save(&state.to_bytes()).map_err(NotAccepted::Failed)?;
            return Ok(Match { step: matched, offset: matched.distance_from(step) });
        }
        if evaluation.replayed.into() {
            let next = evaluation.next.start(key.totp(), now.clock);
            return Err(Rejection::Replayed { next }.into());
        }
        state.correct(now);
        state.throttle.fail(limits, now);
        save(&state.to_bytes()).map_err(NotAccepted::Failed)?;
        let count =
            FailureCount { failures_in_a_row: state.throttle.run, lock_state: state.throttle.lock_state(limits, now) };
        let has_expired = bool::from(evaluation.has_expired(key, code, step));
        Err(if has_expired { Rejection::Expired(count) } else { Rejection::Mismatch(count) }.into())
    }
}

impl fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decision(not committed)")
    }
}
