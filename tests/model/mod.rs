//! The plainest implementation that could be right, to compare the real one with: HMAC from its own
//! crate, codes as text, steps as `i128`, lists that are walked. It shares no code with the library
//! and knows nothing of constant time.

#![allow(dead_code, unreachable_pub)] // each test uses a part

use hmac::{Hmac, KeyInit, Mac};

pub mod account;
pub mod compare;
pub mod messages;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

#[derive(Clone, Debug)]
pub struct Authenticator {
    pub hash: Hash,
    pub secret: Vec<u8>,
    pub digits: usize,
    pub period: u64,
    pub t0: u64,
}

impl Authenticator {
    pub fn code(&self, step: u64) -> String {
        fn mac<M: Mac + KeyInit>(key: &[u8], step: u64) -> Vec<u8> {
            let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
            mac.update(&step.to_be_bytes());
            mac.finalize().into_bytes().to_vec()
        }
        let hash = match self.hash {
            Hash::Sha1 => mac::<Hmac<sha1::Sha1>>(&self.secret, step),
            Hash::Sha256 => mac::<Hmac<sha2::Sha256>>(&self.secret, step),
            Hash::Sha512 => mac::<Hmac<sha2::Sha512>>(&self.secret, step),
        };
        let offset = usize::from(hash[hash.len() - 1] & 15);
        let number = u32::from_be_bytes(hash[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
        let text = format!("{number:010}");
        text[10 - self.digits..].to_string()
    }

    pub fn step(&self, now: u64) -> Option<u64> {
        (now >= self.t0).then(|| (now - self.t0) / self.period)
    }
}

#[derive(Clone, Debug)]
pub struct Rules {
    pub past: u64,
    pub future: u64,
    pub max_drift: i128,
    pub lock_after: u32,
    pub first_lock: u64,
    pub longest_lock: u64,
    pub long_term: u32,
    pub leak_every: u64,
    pub disable_after: u32,
}

impl Rules {
    pub const DEFAULT: Self = Self {
        past: 1,
        future: 1,
        max_drift: 4,
        lock_after: 5,
        first_lock: 30,
        longest_lock: 3_600,
        long_term: 50,
        leak_every: 86_400,
        disable_after: 100,
    };
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Accepted { step: u64 },
    Replayed,
    Expired,
    Mismatch,
    Locked { until: u128 },
    Busy { until: u128 },
    Disabled,
}

#[derive(Clone, Debug, Default)]
pub struct State {
    pub watermark: Option<u64>,
    pub drift: i128,
    pub accepted: Accepted,
    pub throttle: Throttle,
}

/// Accepted digits with their times.
#[derive(Clone, Debug, Default)]
pub struct Accepted(Vec<(String, u64)>);

#[derive(Clone, Debug, Default)]
pub struct Throttle {
    pub run: u32,
    pub last_failure: u64,
    pub long_term: u32,
    pub leaked_at: u64,
}

const TEN_MINUTES: u64 = 600;

fn young(at: u64, now: u64) -> bool {
    now < at || now - at < TEN_MINUTES
}

/// The steps acceptable at `now`.
pub fn open(drift: i128, rules: &Rules, now: u64) -> Vec<u64> {
    let mut open = Vec::new();
    for center in [i128::from(now), (i128::from(now) + drift).clamp(0, u64::MAX.into())] {
        for step in center - i128::from(rules.past)..=center + i128::from(rules.future) {
            open.extend(u64::try_from(step));
        }
    }
    open.sort_unstable();
    open.dedup();
    open
}

/// The drift after the acceptance of `matched` at `step`, measured from where it began.
pub fn learned(drift: i128, from: i128, rules: &Rules, matched: u64, step: u64) -> i128 {
    let seen = i128::from(matched) - i128::from(step);
    let expected = (i128::from(step) + drift).clamp(0, u64::MAX.into()) - i128::from(step);
    (drift + (seen - expected).signum()).clamp(from - rules.max_drift, from + rules.max_drift)
}

/// Returns whether the code was right within the last ten minutes.
pub fn expired(who: &Authenticator, step: u64, code: &str) -> bool {
    let back = TEN_MINUTES.div_ceil(who.period);
    (step.saturating_sub(back)..=step).any(|step| who.code(step) == code)
}

impl Accepted {
    pub fn busy_until(&self, now: Now) -> Option<u128> {
        if self.0.iter().any(|(_, at)| is_mistaken(*at, now.clock)) {
            return None;
        }
        let oldest = self.0.iter().map(|(_, at)| *at).min()?;
        (self.0.len() == 32 && young(oldest, now.clock)).then(|| u128::from(oldest) + u128::from(TEN_MINUTES))
    }

    pub fn contains(&self, code: &str, now: Now) -> bool {
        self.0.iter().any(|(used, at)| used == code && young(*at, now.clock))
    }

    pub fn correct(&mut self, now: Now) {
        self.0.iter_mut().for_each(|(_, at)| now.correct(at));
    }

    pub fn at_most(&mut self, time: u64) {
        self.0.iter_mut().for_each(|(_, at)| *at = time.min(*at));
    }

    pub fn push(&mut self, code: &str, now: Now) {
        if self.0.len() == 32 {
            let oldest = (0..32).min_by_key(|i| self.0[*i].1).unwrap();
            self.0.remove(oldest);
        }
        self.0.push((code.to_string(), now.time));
    }
}

impl State {
    pub fn submit(&mut self, who: &Authenticator, rules: &Rules, now: u64, code: &str) -> Option<Answer> {
        let step = who.step(now)?;
        let known = self.accepted.0.iter().map(|(_, at)| *at);
        let newest = known.chain([self.throttle.last_failure, self.throttle.leaked_at]);
        let now = Now { clock: now, time: newest.filter(|at| !is_mistaken(*at, now)).fold(now, u64::max) };
        if self.throttle.run >= rules.disable_after {
            return Some(Answer::Disabled);
        }
        if let Some(until) = self.throttle.locked_until(rules, now) {
            return Some(Answer::Locked { until });
        }
        if let Some(until) = self.accepted.busy_until(now) {
            return Some(Answer::Busy { until });
        }
        let open = open(self.drift, rules, step);
        let right: Vec<u64> = open.into_iter().filter(|step| who.code(*step) == code).collect();
        let fresh = right.iter().copied().filter(|step| self.watermark.is_none_or(|used| *step > used)).max();
        let spent = self.accepted.contains(code, now);
        match fresh {
            Some(matched) if !spent => {
                self.correct(now);
                self.throttle.succeed(rules, now);
                self.drift = learned(self.drift, 0, rules, matched, step);
                self.watermark = Some(matched);
                self.accepted.push(code, now);
                Some(Answer::Accepted { step: matched })
            }
            _ if spent || !right.is_empty() => Some(Answer::Replayed),
            _ => {
                self.correct(now);
                self.throttle.fail(rules, now);
                Some(if expired(who, step, code) { Answer::Expired } else { Answer::Mismatch })
            }
        }
    }
}

impl State {
    fn correct(&mut self, now: Now) {
        self.accepted.correct(now);
        self.throttle.correct(now);
    }
}

/// A clock, and the later of it and the newest time stored: protections begin by this one and end
/// by that one.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub clock: u64,
    pub time: u64,
}

/// A time more than a day ahead of the clock is a mistake.
pub fn is_mistaken(at: u64, clock: u64) -> bool {
    at > clock && at - clock > 86_400
}

impl Now {
    pub fn of(clock: u64, newest: u64) -> Self {
        Self { clock, time: if is_mistaken(newest, clock) { clock } else { clock.max(newest) } }
    }

    pub fn correct(self, at: &mut u64) {
        if is_mistaken(*at, self.clock) {
            *at = self.time;
        }
    }
}

impl Throttle {
    pub fn correct(&mut self, now: Now) {
        now.correct(&mut self.last_failure);
        now.correct(&mut self.leaked_at);
    }

    pub fn at_most(&mut self, time: u64) {
        self.last_failure = self.last_failure.min(time);
        self.leaked_at = self.leaked_at.min(time);
    }

    pub fn succeed(&mut self, rules: &Rules, now: Now) {
        self.leak(rules, now);
        self.run = 0;
    }

    pub fn fail(&mut self, rules: &Rules, now: Now) {
        self.leak(rules, now);
        if self.long_term == 0 {
            self.leaked_at = now.time;
        }
        self.long_term = (self.long_term + 1).min(rules.long_term);
        self.run += 1;
        self.last_failure = now.time;
    }

    pub fn locked_until(&self, rules: &Rules, now: Now) -> Option<u128> {
        let mut ends = Vec::new();
        if self.run >= rules.lock_after {
            let doubled = 2_u128.saturating_pow(self.run - rules.lock_after);
            let secs = u128::from(rules.first_lock).saturating_mul(doubled).min(rules.longest_lock.into());
            ends.push((self.last_failure, secs));
        }
        if self.long_term >= rules.long_term {
            ends.push((self.leaked_at, rules.leak_every.into()));
        }
        ends.into_iter()
            .filter(|(from, secs)| u128::from(now.clock) < u128::from(*from) + secs)
            .filter(|(from, _)| !is_mistaken(*from, now.clock))
            .map(|(from, secs)| (u128::from(from) + secs).min(u64::MAX.into()))
            .max()
    }

    fn leak(&mut self, rules: &Rules, now: Now) {
        now.correct(&mut self.leaked_at);
        let Now { clock: now, time } = now;
        if now >= self.leaked_at && now - self.leaked_at >= rules.leak_every {
            self.long_term = self.long_term.saturating_sub(1);
            let on_time = u128::from(self.leaked_at) + u128::from(rules.leak_every);
            let next = on_time + u128::from(rules.leak_every);
            self.leaked_at = if u128::from(now) < next { u64::try_from(on_time).unwrap() } else { time };
        }
    }
}
