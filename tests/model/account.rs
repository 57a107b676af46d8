//! The plainest account that could be right, on the plain authenticators and throttles: lists that
//! are walked.

use super::{Accepted, Authenticator, Now, Rules, Throttle, expired, is_mistaken, learned, open};

const ENROLLMENT: Rules = Rules { past: 2, future: 2, max_drift: 0, ..Rules::DEFAULT };

#[derive(Clone, Debug)]
pub struct Bound {
    pub id: u32,
    pub who: Authenticator,
    pub watermark: Option<u64>,
    drift: i128,
    /// The offset at which the confirming code was found.
    anchor: i128,
    disabled: bool,
    suspended: bool,
}

impl Bound {
    fn is_active(&self) -> bool {
        !self.disabled && !self.suspended
    }
}

#[derive(Clone, Debug, Default)]
pub struct Account {
    pub bound: Vec<Bound>,
    /// With its end by the clock, and by how much the newest time was ahead when it began.
    pending: Option<(Bound, u64, u64)>,
    /// Enrollments that were replaced lately, and when.
    replaced: Vec<(Authenticator, u64)>,
    next_id: u32,
    accepted: Accepted,
    common: Throttle,
    enrollment: Throttle,
    pub run: u32,
    /// From when on, and until when.
    held: (u64, u64),
    /// The newest time at which something was written.
    newest: u64,
    /// The end of the last step that a removed authenticator has used.
    used_until: u64,
    /// The number of changes of what is bound: sessions of before have ended.
    pub epoch: u32,
    /// Every step accepted, of which secret.
    pub accepted_steps: Vec<(Vec<u8>, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Accepted(u32),
    Replayed,
    Expired,
    Mismatch,
    Locked(u128),
    Busy(u128),
    Held(u64),
    Disabled,
    NotEnrolled,
    NothingPending,
    ReplacedEnrollment,
}

impl Account {
    pub fn new(now: u64) -> Self {
        Self { next_id: 1, newest: now, ..Self::default() }
    }

    /// The next unused code of the authenticator bound last, if it is open already.
    pub fn fresh_code(&self, now: u64) -> String {
        let Some(one) = self.bound.last() else { return "000000".to_string() };
        let step = one.who.step(now).unwrap();
        one.who.code(one.watermark.map_or(step, |used| (used + 1).max(step.saturating_sub(1))))
    }

    /// The enrollment that waits to be confirmed.
    pub fn waiting(&self) -> Option<&Authenticator> {
        self.pending.as_ref().map(|(one, ..)| &one.who)
    }

    /// A code for logging in or, `withdrawing`, for a purpose that is held after changes.
    pub fn submit(&mut self, now: u64, code: &str, withdrawing: bool) -> Answer {
        let now = Now::of(now, self.newest);
        if withdrawing && self.is_held(now) {
            return Answer::Held(self.held.1);
        }
        if self.bound.is_empty() {
            return Answer::NotEnrolled;
        }
        if !self.bound.iter().any(Bound::is_active) {
            return Answer::Disabled;
        }
        let rules = Rules::DEFAULT;
        if let Some(shut) = shut(&self.common, &self.accepted, &rules, now) {
            return shut;
        }
        let spent = self.accepted.contains(code, now);
        let mut replayed = spent;
        for place in 0..self.bound.len() {
            let one = &self.bound[place];
            if !one.is_active() {
                continue;
            }
            let step = one.who.step(now.clock).unwrap();
            let right: Vec<u64> =
                open(one.drift, &rules, step).into_iter().filter(|step| one.who.code(*step) == code).collect();
            let fresh = right.iter().copied().filter(|step| one.watermark.is_none_or(|used| *step > used)).max();
            if let (Some(matched), false) = (fresh, spent) {
                let one = &mut self.bound[place];
                one.drift = learned(one.drift, one.anchor, &rules, matched, step);
                one.watermark = Some(matched);
                let (id, secret) = (one.id, one.who.secret.clone());
                self.accepted_steps.push((secret, matched));
                self.accepted.correct(now);
                self.accepted.push(code, now);
                self.common.succeed(&rules, now);
                self.run = 0;
                self.settle(now);
                return Answer::Accepted(id);
            }
            replayed |= !right.is_empty();
        }
        if replayed {
            return Answer::Replayed;
        }
        self.common.fail(&rules, now);
        self.count();
        self.settle(now);
        let enabled = self.bound.iter().filter(|one| one.is_active());
        let all: Vec<_> = enabled.collect();
        let was_right = all.iter().any(|one| expired(&one.who, one.who.step(now.clock).unwrap(), code));
        if was_right { Answer::Expired } else { Answer::Mismatch }
    }

    fn is_held(&self, now: Now) -> bool {
        now.clock < self.held.1 && !is_mistaken(self.held.0, now.clock)
    }

    /// A day from now. One that is in force is never shortened.
    fn hold(&mut self, now: Now) {
        let until = now.time + 86_400;
        if !self.is_held(now) || self.held.1 < until {
            self.held = (now.time, until);
        }
    }

    /// Keeps the time of a write, and nothing that lies later than a day ahead.
    fn settle(&mut self, now: Now) {
        self.end_grants(now);
        if is_mistaken(self.newest, now.clock) {
            self.accepted.at_most(now.time);
            self.common.at_most(now.time);
            self.enrollment.at_most(now.time);
            let secs = self.held.1 - self.held.0;
            self.held.0 = self.held.0.min(now.time);
            self.held.1 = self.held.0 + secs;
        }
        self.newest = now.time;
    }

    /// Where a clock gone wrong has written, nothing waits any more.
    fn end_grants(&mut self, now: Now) {
        if is_mistaken(self.newest, now.clock) {
            self.pending = None;
            self.replaced.clear();
        }
    }

    fn count(&mut self) {
        self.run += 1;
        // Those disabled stay so; a new run begins for those bound after.
        if self.run == Rules::DEFAULT.disable_after {
            self.run = 0;
            self.bound.iter_mut().filter(|one| one.is_active()).for_each(|one| one.disabled = true);
        }
    }

    /// Begins an enrollment of a secret from elsewhere. Whoever may not, gets none.
    pub fn begin(&mut self, now: u64, who: Authenticator) -> bool {
        if self.bound.len() == 3 || self.bound.iter().any(|one| one.who.secret == who.secret) {
            return false;
        }
        let now = Now::of(now, self.newest);
        self.settle(now);
        let removed = self.used_until.saturating_sub(1);
        let used = who.step(now.clock).unwrap().max(who.step(removed).unwrap());
        let id = self.next_id;
        self.next_id += 1;
        self.replaced.retain(|(old, at)| is_recent(*at, now) && old.secret != who.secret);
        if let Some((old, ..)) = self.pending.take().filter(|(old, ..)| old.who.secret != who.secret) {
            self.replaced.push((old.who, now.clock));
            if self.replaced.len() > 2 {
                self.replaced.remove(0);
            }
        }
        self.pending = Some((
            Bound { id, who, watermark: Some(used), drift: 0, anchor: 0, disabled: false, suspended: false },
            now.clock + 600,
            now.time - now.clock,
        ));
        true
    }

    pub fn confirm(&mut self, now: u64, code: &str) -> Answer {
        let now = Now::of(now, self.newest);
        self.end_grants(now);
        let Some((one, ..)) = self.pending.clone().filter(|(_, until, lead)| lasts(*until, *lead, now)) else {
            return Answer::NothingPending;
        };
        if let Some(shut) = shut(&self.enrollment, &self.accepted, &ENROLLMENT, now) {
            return shut;
        }
        let step = one.who.step(now.clock).unwrap();
        let right: Vec<u64> =
            open(0, &ENROLLMENT, step).into_iter().filter(|step| one.who.code(*step) == code).collect();
        let fresh = right.iter().copied().filter(|step| one.watermark.is_none_or(|used| *step > used)).max();
        let spent = self.accepted.contains(code, now);
        // Nobody here brings the handle of an enrollment.
        if self.replaced.iter().any(|(old, at)| is_recent(*at, now) && was_shown(old, now, code)) {
            return Answer::ReplacedEnrollment;
        }
        match fresh {
            Some(matched) if !spent => {
                let drift = i128::from(matched) - i128::from(step);
                self.accepted_steps.push((one.who.secret.clone(), matched));
                let id = one.id;
                self.bound.push(Bound { watermark: Some(matched), drift, anchor: drift, ..one });
                self.pending = None;
                self.replaced.clear();
                self.accepted.correct(now);
                self.accepted.push(code, now);
                self.enrollment.succeed(&ENROLLMENT, now);
                self.run = 0;
                self.hold(now);
                self.epoch += 1;
                self.settle(now);
                Answer::Accepted(id)
            }
            _ if spent || !right.is_empty() => Answer::Replayed,
            _ => {
                self.enrollment.fail(&ENROLLMENT, now);
                self.count();
                self.settle(now);
                if expired(&one.who, step, code) { Answer::Expired } else { Answer::Mismatch }
            }
        }
    }

    /// Removes one; with the last active one go all others.
    pub fn remove(&mut self, now: u64, place: usize) {
        let is_last = self.is_last(place);
        let places: Vec<_> =
            (0..self.bound.len()).filter(|at| *at == place || is_last && !self.bound[*at].is_active()).collect();
        for place in places.into_iter().rev() {
            let one = self.bound.remove(place);
            if let Some(used) = one.watermark {
                self.used_until = self.used_until.max((used + 1) * one.who.period);
            }
        }
        let now = Now::of(now, self.newest);
        self.hold(now);
        self.rebound(now);
    }

    /// No other one is active.
    pub fn is_last(&self, place: usize) -> bool {
        (0..self.bound.len()).all(|other| other == place || !self.bound[other].is_active())
    }

    /// Suspends one, or resumes it. Gives whether that is possible.
    pub fn turn(&mut self, now: u64, place: usize, suspends: bool) -> bool {
        let one = &self.bound[place];
        if if suspends { self.is_last(place) || !one.is_active() } else { !one.suspended } {
            return false;
        }
        self.bound[place].suspended = suspends;
        let now = Now::of(now, self.newest);
        // Suspending only takes away.
        if !suspends {
            self.hold(now);
        }
        self.rebound(now);
        true
    }

    /// All that waited, and all sessions, have ended.
    fn rebound(&mut self, now: Now) {
        self.pending = None;
        self.replaced.clear();
        self.epoch += 1;
        self.settle(now);
    }
}

/// An enrollment has not ended, neither by the clock nor by the newest time.
fn lasts(until: u64, lead: u64, now: Now) -> bool {
    now.clock < until && until - now.clock <= 660 && now.time < until + lead
}

/// Not longer than ten minutes ago.
fn is_recent(at: u64, now: Now) -> bool {
    now.clock.saturating_sub(at) < 600 && !is_mistaken(at, now.clock)
}

/// An app that was being enrolled shows this code, or has within ten minutes.
fn was_shown(who: &Authenticator, now: Now, code: &str) -> bool {
    let step = who.step(now.clock).unwrap();
    open(0, &ENROLLMENT, step).into_iter().any(|step| who.code(step) == code) || expired(who, step, code)
}

fn shut(throttle: &Throttle, accepted: &Accepted, rules: &Rules, now: Now) -> Option<Answer> {
    let locked = throttle.locked_until(rules, now).map(Answer::Locked);
    locked.or_else(|| accepted.busy_until(now).map(Answer::Busy))
}
