//! The plainest account of a phone number that could be right: codes are sent to it for a purpose
//! and a context, and come back. Lists that are walked.

use super::{Accepted, Now, Rules, Throttle, is_mistaken};

/// A code is good for so long.
const LIFE: u64 = 300;
/// Messages to which a limit applies: so many in so many seconds.
const LIMITS: [(usize, u64); 3] = [(1, 30), (5, 3_600), (10, 86_400)];

/// The thing that a code is for.
pub type For = (u8, Option<u8>);

#[derive(Clone, Debug)]
struct Sent {
    what: For,
    code: String,
    until: u64,
    lead: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sending {
    /// The code that was sent before, if it is that one again, and its end.
    Sent(Option<String>, u64),
    Limited(u64),
    Locked(u128),
    Busy(u128),
    Disabled,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Accepted,
    Replayed,
    Expired,
    Mismatch,
    Locked(u128),
    Busy(u128),
    Disabled,
}

#[derive(Clone, Debug, Default)]
pub struct Account {
    sent: Vec<Sent>,
    sends: Vec<u64>,
    accepted: Accepted,
    common: Throttle,
    run: u32,
    is_disabled: bool,
    newest: u64,
}

impl Account {
    pub fn new(now: u64) -> Self {
        Self { newest: now, ..Self::default() }
    }

    /// The latest code for this, alive or not.
    pub fn latest(&self, what: For) -> Option<String> {
        self.sent.iter().rfind(|sent| sent.what == what).map(|sent| sent.code.clone())
    }

    pub fn alive(&self, now: u64) -> usize {
        let now = Now::of(now, self.newest);
        self.sent.iter().filter(|sent| sent.is_alive(now)).count()
    }

    /// The code is alive, and was sent for something else.
    pub fn is_alive_for_another(&self, now: u64, what: For, code: &str) -> bool {
        let now = Now::of(now, self.newest);
        self.sent.iter().any(|sent| sent.code == code && sent.what != what && sent.is_alive(now))
    }

    pub fn send(&mut self, now: u64, what: For) -> Sending {
        let now = self.begin(now);
        if self.is_disabled {
            return Sending::Disabled;
        }
        let rules = Rules::DEFAULT;
        if let Some(until) = self.common.locked_until(&rules, now) {
            return Sending::Locked(until);
        }
        if let Some(until) = self.accepted.busy_until(now) {
            return Sending::Busy(until);
        }
        let mut counted: Vec<u64> = self.sends.iter().copied().filter(|at| is_within(*at, 86_400, now)).collect();
        counted.sort_unstable();
        counted.reverse();
        let waits = LIMITS.iter().filter_map(|(count, secs)| {
            let at = *counted.get(count - 1)?;
            is_within(at, *secs, now).then_some(at + secs)
        });
        if let Some(until) = waits.max() {
            return Sending::Limited(until);
        }
        let alive: Vec<Sent> = self.sent.iter().filter(|sent| sent.is_alive(now)).cloned().collect();
        if let Some(same) = alive.iter().find(|sent| sent.what == what) {
            if same.until - now.clock < 30 {
                return Sending::Limited(same.until);
            }
            self.count(now);
            return Sending::Sent(Some(same.code.clone()), same.until);
        }
        if alive.len() >= 3 {
            return Sending::Limited(alive.iter().map(|sent| sent.until).min().unwrap());
        }
        self.sent.retain(|sent| sent.is_remembered(now) && sent.what != what);
        if self.sent.len() >= 8 {
            self.sent.retain(|sent| sent.is_alive(now));
        }
        self.count(now);
        Sending::Sent(None, now.clock + LIFE)
    }

    /// The code that was drawn.
    pub fn drawn(&mut self, now: u64, what: For, code: &str) {
        let now = Now::of(now, self.newest);
        self.sent.push(Sent { what, code: code.into(), until: now.clock + LIFE, lead: now.time - now.clock });
    }

    pub fn submit(&mut self, now: u64, what: For, code: &str) -> Answer {
        let now = self.begin(now);
        if self.is_disabled {
            return Answer::Disabled;
        }
        let rules = Rules::DEFAULT;
        if let Some(until) = self.common.locked_until(&rules, now) {
            return Answer::Locked(until);
        }
        if let Some(until) = self.accepted.busy_until(now) {
            return Answer::Busy(until);
        }
        let is_right = |sent: &Sent| sent.what == what && sent.code == code;
        if self.accepted.contains(code, now) {
            return Answer::Replayed;
        }
        if let Some(sent) = self.sent.iter_mut().find(|sent| is_right(sent) && sent.is_alive(now)) {
            (sent.until, sent.lead) = (now.clock, 0);
            self.accepted.correct(now);
            self.accepted.push(code, now);
            self.common.succeed(&rules, now);
            self.run = 0;
            self.settle(now);
            return Answer::Accepted;
        }
        let has_ended = self.sent.iter().any(|sent| is_right(sent) && sent.is_remembered(now));
        self.common.fail(&rules, now);
        self.run += 1;
        if self.run == rules.disable_after {
            (self.run, self.is_disabled) = (0, true);
        }
        self.settle(now);
        if has_ended { Answer::Expired } else { Answer::Mismatch }
    }

    /// Where a clock gone wrong has written, nothing that was sent is good.
    fn begin(&mut self, now: u64) -> Now {
        if is_mistaken(self.newest, now) {
            self.sent.clear();
        }
        Now::of(now, self.newest)
    }

    fn count(&mut self, now: Now) {
        self.sends.retain(|at| is_within(*at, 86_400, now));
        self.sends.push(now.time);
        self.settle(now);
    }

    fn settle(&mut self, now: Now) {
        if is_mistaken(self.newest, now.clock) {
            self.accepted.at_most(now.time);
            self.common.at_most(now.time);
            self.sends.iter_mut().for_each(|at| *at = now.time.min(*at));
        }
        self.newest = now.time;
    }
}

impl Sent {
    fn is_alive(&self, now: Now) -> bool {
        now.clock < self.until && self.until - now.clock <= LIFE + 60 && now.time < self.until + self.lead
    }

    /// Not ended for longer than ten minutes.
    fn is_remembered(&self, now: Now) -> bool {
        now.clock < self.until || now.clock - self.until < 600
    }
}

fn is_within(at: u64, secs: u64, now: Now) -> bool {
    now.clock.saturating_sub(at) < secs && !is_mistaken(at, now.clock)
}
