//! The one function that decides.

use super::code::Code;
use super::key::{Found, Key};
use super::lately::{Accepted, REMEMBERED_SECS};
use super::policy::CodePolicy;
use super::rejection::{Charge, Rejection};
use super::state::State;
use super::throttle::Admission;
use super::time::{Step, TimeError, UnixTime};
use super::tracker::Tracker;
use super::window::OpenSteps;
use core::fmt;
use subtle::{Choice, ConditionallySelectable, ConstantTimeGreater};

/// The answer to one submitted code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "whoever ignores a verdict lets everybody in"]
pub enum Verdict<T> {
    /// The code was right, unused, and is now used up.
    Accepted(T),
    /// The code was refused.
    Rejected(Rejection),
}

/// Where an accepted code was found. For audit logs: not to be shown to whoever logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Match {
    /// The step whose code it was.
    pub step: Step,
    /// The distance from our step to that one: how far the authenticator's clock seemed ahead (or, negative, behind), in
    /// steps.
    pub offset: i64,
}

/// Judges `code` at `now`, given what has been kept of its authenticator.
///
/// The answer is inside the [`Decision`] and comes out by [`Decision::commit`] only, once the new state has been
/// stored.
///
/// Every open step is computed and compared, and the result is chosen by mask: the time this takes depends on the policy,
/// on `now` and on what is stored, not on the key, nor on whether or where the code matched.
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
    let shut = match state.throttle.admission(limits, now) {
        Admission::Locked(until) => Some(Rejection::Locked { until }),
        Admission::Disabled => Some(Rejection::Disabled),
        Admission::Open => state.lately.full_until(now).map(|until| Rejection::Busy { until }),
    };
    let outcome = match shut {
        Some(rejection) => Outcome::Unevaluated(rejection),
        None => Outcome::Evaluated(Evaluation::of(key, policy, &state, now, step, *code)),
    };
    Ok(Decision { key, policy, state, now, step, code: *code, outcome })
}

/// A verdict that nobody knows yet, and the state that has to be stored first.
///
/// An answer given before its count is stored can be had again and again, by asking in parallel: so the only way to the
/// verdict is through [`commit`](Self::commit).
#[must_use = "nothing has been decided until the decision is committed"]
pub struct Decision<'a> {
    key: &'a Key,
    policy: &'a CodePolicy,
    state: State,
    now: UnixTime,
    step: Step,
    code: Code,
    outcome: Outcome,
}

enum Outcome {
    /// The code was not looked at.
    Unevaluated(Rejection),
    Evaluated(Evaluation),
}

/// What the comparison gave, still as masks.
struct Evaluation {
    accepted: Choice,
    replayed: Choice,
    /// The matching step, and the tracker after its acceptance; of no meaning unless accepted.
    matched: u64,
    tracker: Tracker,
    /// No code up to this step can be accepted.
    used_up: u64,
    /// How far the authenticator seems ahead now, in steps.
    ahead: i64,
}

impl Evaluation {
    fn of(key: &Key, policy: &CodePolicy, state: &State, now: UnixTime, step: Step, code: Code) -> Self {
        let limits = policy.limits();
        let open = state.tracker.open(limits.window, limits.max_drift, step);
        let Found { fresh, used, step: matched, used_step } = key.find(code, open, state.tracker.watermark());
        // Digits accepted lately are refused whichever step they belong to now.
        let spent = state.lately.contains(code, now);
        let mut used_up = state.watermark().map_or(0, Step::number);
        used_up.conditional_assign(&matched, fresh & spent);
        // A used code on our clock's side of the drift: the owner has set the clock right.
        let drift = i64::from(state.tracker.drift(limits.max_drift));
        let expected = step.saturating_offset(drift).number();
        let was_ahead = Choice::from(u8::from(drift > 0)) & expected.ct_gt(&used_step);
        let was_behind = Choice::from(u8::from(drift < 0)) & used_step.ct_gt(&expected);
        let ahead = i64::conditional_select(&drift, &0, used & (was_ahead | was_behind));
        Self {
            accepted: fresh & !spent,
            replayed: spent | (used & !fresh),
            matched,
            tracker: state.tracker.accepted(matched, limits.max_drift, step),
            used_up,
            ahead,
        }
    }
}

impl Decision<'_> {
    /// Stores the new state through `save`, then gives the verdict.
    ///
    /// `save` gets the stored form of the new [`State`] and must make it durable only if nobody else has stored another
    /// since the old one was read: a compare-and-swap. **If somebody else has, it must return an error**, and so it must if
    /// the outcome is unknown: then there is no verdict; start again from a fresh read. (An SQL `UPDATE … WHERE state = $old`
    /// that finds no row is not an error of its own: look at the number of rows.) It is not called where nothing
    /// changes: a replayed code, a lock.
    ///
    /// # Errors
    /// What `save` returned.
    pub fn commit<E>(self, save: impl FnOnce(&[u8; State::LEN]) -> Result<(), E>) -> Result<Verdict<Match>, E> {
        let Self { key, policy, mut state, now, step, code, outcome } = self;
        let limits = policy.limits();
        let evaluation = match outcome {
            Outcome::Unevaluated(rejection) => return Ok(Verdict::Rejected(rejection)),
            Outcome::Evaluated(evaluation) => evaluation,
        };
        if evaluation.accepted.into() {
            state.throttle.succeed(limits, now);
            state.tracker = evaluation.tracker;
            state.lately.push(Accepted { code, at: now });
            save(&state.to_bytes())?;
            let matched = Step::new(evaluation.matched);
            return Ok(Verdict::Accepted(Match { step: matched, offset: matched.distance_from(step) }));
        }
        if evaluation.replayed.into() {
            let unused = Step::new(evaluation.used_up.saturating_add(1));
            let next = unused.saturating_offset(evaluation.ahead.saturating_neg());
            return Ok(Verdict::Rejected(Rejection::Replayed { next: key.totp().start_of(next).max(now) }));
        }
        state.throttle.fail(limits, now);
        save(&state.to_bytes())?;
        let charge = Charge { failures_in_a_row: state.throttle.run, standing: state.throttle.standing(limits, now) };
        let expired = key.find_without_state(&code, shown_lately(key, step)).is_some();
        Ok(Verdict::Rejected(if expired { Rejection::Expired(charge) } else { Rejection::Mismatch(charge) }))
    }
}

/// The steps of the last ten minutes. The present one among them has been compared already.
fn shown_lately(key: &Key, step: Step) -> OpenSteps {
    let back = REMEMBERED_SECS.div_ceil(key.totp().period.as_secs());
    OpenSteps::range(Step::new(step.number().saturating_sub(back)), step)
}

impl fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decision(not committed)")
    }
}
