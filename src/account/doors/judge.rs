//! The constant-time comparisons of codes with all that an account has: masks only.

use crate::account::error::AccountError;
use crate::account::names::purpose::Purpose;
use crate::account::record::authenticator::App;
use crate::account::record::delivered::{Delivered, Recipient};
use crate::otp::{Code, Evaluation, Limits, Moment, Next, OpenSteps, Secret, Step, TimeError, Totp, Tracker};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// Two codes in a row are searched so far ahead, in seconds. It is short, because a watermark in
/// the future keeps the owner out once the clock is set right.
pub(in crate::account) const AHEAD_SECS: u64 = 600;
/// They are searched so far behind for those who bring nothing but the codes, in seconds.
pub(in crate::account) const BEHIND_SECS: u64 = 600;

/// An app that a code is compared with.
pub(in crate::account) struct Candidate<'a> {
    pub(in crate::account) totp: Totp,
    pub(in crate::account) secret: &'a Secret,
    pub(in crate::account) tracker: Tracker,
}

impl<'a> Candidate<'a> {
    pub(in crate::account) fn of(app: &'a App) -> Self {
        let App { totp, secret, tracker } = app;
        Self { totp: *totp, secret, tracker: *tracker }
    }
}

/// The result of the comparison with all of them, still as masks.
pub(in crate::account) struct Judged {
    pub(in crate::account) accepted: Choice,
    /// The place of the first candidate that accepts, and its step; of no meaning unless accepted.
    pub(in crate::account) place: u32,
    pub(in crate::account) step: Step,
    pub(in crate::account) replayed: Choice,
    /// The place of the candidate whose code it was, or of the first if it is none's, and when that
    /// will show an unused one; of no meaning unless replayed.
    pub(in crate::account) replayed_place: u32,
    pub(in crate::account) next: Next,
    /// Right at one of them within the last ten minutes. Looked up for every code. If it
    /// were for wrong ones only, the time of an attempt whose write lost a race would tell whether
    /// its code is right.
    pub(in crate::account) expired: Choice,
}

/// Compares a code with every open step of every candidate. Which one it matches shows in the
/// result only: no branch and no address depends on it.
///
/// # Errors
/// [`TimeError`] if `now` lies before a candidate's T0.
pub(in crate::account) fn judge<'a>(
    candidates: impl Iterator<Item = (u32, Candidate<'a>)>,
    limits: &Limits,
    spent: Choice,
    now: Moment,
    code: Code,
) -> Result<Judged, TimeError> {
    let no = Choice::from(0);
    let (mut accepted, mut replayed, mut replayed_matched, mut expired) = (no, no, no, no);
    let (mut place, mut step, mut replayed_place, mut next) = (0, 0, 0, Next::default());
    for (number, Candidate { totp, secret, tracker }) in candidates {
        // On the stack and wiped again before the next one's: a list of keys would leave copies.
        let key = totp.key(secret);
        let present = totp.step_at(now.clock)?;
        let evaluation = Evaluation::of(&key, limits, tracker, spent, present, code);
        let first = evaluation.accepted & !accepted;
        place.conditional_assign(&number, first);
        step.conditional_assign(&evaluation.step, first);
        accepted |= evaluation.accepted;
        let first = evaluation.replayed & (!replayed | (evaluation.matched & !replayed_matched));
        replayed_place.conditional_assign(&number, first);
        next.conditional_assign(&evaluation.next, first);
        replayed |= evaluation.replayed;
        replayed_matched |= evaluation.replayed & evaluation.matched;
        expired |= evaluation.has_expired(&key, code, present);
    }
    Ok(Judged { accepted, place, step: Step::new(step), replayed, replayed_place, next, expired })
}

/// The result of the comparison with an enrollment that waits, and with those that it has replaced
/// lately, still as masks.
pub(in crate::account) struct Confirming {
    pub(in crate::account) judged: Judged,
    /// Right at one that was replaced, now or within the last ten minutes.
    pub(in crate::account) of_replaced: Choice,
}

/// Compares a code with the app that waits for it, and with all that were replaced.
///
/// # Errors
/// [`TimeError`] if `now` lies before a candidate's T0.
pub(in crate::account) fn judge_confirming<'a>(
    waiting: impl Iterator<Item = Candidate<'a>>,
    replaced: impl Iterator<Item = Candidate<'a>>,
    limits: &Limits,
    spent: Choice,
    now: Moment,
    code: Code,
) -> Result<Confirming, TimeError> {
    let judged = judge((0..).zip(waiting), limits, spent, now, code)?;
    let replaced = judge((0..).zip(replaced), limits, Choice::from(0), now, code)?;
    Ok(Confirming { judged, of_replaced: replaced.accepted | replaced.replayed | replaced.expired })
}

/// The result of the comparison with codes that were sent, still as masks.
pub(in crate::account) struct Matched {
    pub(in crate::account) right: Choice,
    /// Which; of no meaning unless right.
    pub(in crate::account) place: u32,
    /// Right at one that has ended lately.
    pub(in crate::account) expired: Choice,
}

/// Compares a code with those sent for a purpose and a context, to recipients that `counts`: all of
/// them, by mask.
pub(in crate::account) fn judge_delivered(
    delivered: &Delivered,
    (purpose, context): (Purpose, Option<&[u8; 32]>),
    secs: u64,
    now: Moment,
    code: Code,
    counts: impl Fn(&Recipient) -> bool,
) -> Matched {
    let mut matched = Matched { right: Choice::from(0), place: 0, expired: Choice::from(0) };
    for (place, sent) in (0..).zip(&delivered.0) {
        if sent.asked.purpose != purpose || !counts(&sent.asked.recipient) {
            continue;
        }
        let same = sent.code.ct_eq(&code) & sent.asked.has_context(context);
        if sent.is_alive(secs, now) {
            matched.place.conditional_assign(&place, same & !matched.right);
            matched.right |= same;
        } else if sent.is_remembered(now) {
            matched.expired |= same;
        }
    }
    matched
}

/// The result of the search, still as masks and numbers.
pub(in crate::account) struct Searched {
    pub(in crate::account) found: Choice,
    /// The authenticator, and the second code's step; of no meaning unless found.
    pub(in crate::account) place: u32,
    pub(in crate::account) step: u64,
}

/// Looks for two codes in a row at every app: all steps of all of them are compared.
pub(in crate::account) fn search<'a>(
    apps: impl Iterator<Item = (u32, Candidate<'a>)>,
    codes: [Code; 2],
    behind: u64,
    now: Moment,
) -> Result<Searched, AccountError> {
    let mut searched = Searched { found: Choice::from(0), place: 0, step: 0 };
    for (place, Candidate { totp, secret, tracker }) in apps {
        let (found, step) = totp.key(secret).find_pair(codes, reach(totp, behind, now)?, tracker.watermark());
        let first = found & !searched.found;
        searched.place.conditional_assign(&place, first);
        searched.step.conditional_assign(&step, first);
        searched.found |= found;
    }
    Ok(searched)
}

/// The steps that are searched.
fn reach(totp: Totp, behind: u64, now: Moment) -> Result<OpenSteps, AccountError> {
    let (present, period) = (totp.step_at(now.clock)?, totp.period.as_secs());
    let steps = |secs: u64| secs.checked_div(period).unwrap_or(0).cast_signed();
    let first = present.saturating_offset(steps(behind).saturating_neg());
    Ok(OpenSteps::range(first, present.saturating_offset(steps(AHEAD_SECS))))
}
