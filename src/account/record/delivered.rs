//! Codes that are delivered: what the record keeps of them.

use super::capacity::{ALIVE, DELIVERED, SENDS};
use crate::account::names::address::{Address, Channel};
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::purpose::Purpose;
use crate::otp::{Code, Digits, Moment, RECENT_SECS, RecentCodes, UnixTime};
use alloc::vec::Vec;
use rand::{CryptoRng, RngExt};
use subtle::{Choice, ConstantTimeEq};

/// The least time between two messages, in seconds.
const AGAIN_SECS: u64 = 30;
const HOUR_SECS: u64 = 3_600;
const PER_HOUR: usize = 5;
const DAY_SECS: u64 = 86_400;

/// The recipient of a code.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::account) enum Recipient {
    /// An address that the account is, or is about to be, bound to.
    Bound(AuthenticatorId, Channel),
    /// One that the service knows: for confirmations.
    Named(Address),
}

impl Recipient {
    pub(in crate::account) fn is_bound_to(&self, id: AuthenticatorId) -> bool {
        self.bound() == Some(id)
    }

    /// The address that the account is bound to; `None` for a confirmation.
    pub(in crate::account) const fn bound(&self) -> Option<AuthenticatorId> {
        match self {
            Self::Bound(id, _) => Some(*id),
            Self::Named(_) => None,
        }
    }

    pub(in crate::account) const fn channel(&self) -> Channel {
        match self {
            Self::Bound(_, channel) => *channel,
            Self::Named(address) => address.channel(),
        }
    }
}

/// A request for a code: to whom, what for, and whether a known device asks.
#[derive(Clone)]
pub(in crate::account) struct Asked {
    pub(in crate::account) recipient: Recipient,
    pub(in crate::account) purpose: Purpose,
    /// A hash of what the code confirms.
    pub(in crate::account) context: Option<[u8; 32]>,
    /// A known device has asked for it: those have places of their own.
    pub(in crate::account) by_device: bool,
}

impl Asked {
    /// Returns whether both are answered by the same code, whoever asks.
    fn is_same(&self, other: &Self) -> bool {
        self.recipient == other.recipient
            && self.purpose == other.purpose
            && self.has_context(other.context.as_ref()).into()
    }

    /// Compares the contexts. Only whether there is one shows in the time that it takes.
    pub(in crate::account) fn has_context(&self, context: Option<&[u8; 32]>) -> Choice {
        match (&self.context, context) {
            (Some(one), Some(other)) => one.ct_eq(other),
            (None, None) => Choice::from(1),
            _ => Choice::from(0),
        }
    }
}

/// A code that has been sent.
pub(in crate::account) struct Sent {
    pub(in crate::account) asked: Asked,
    pub(in crate::account) code: Code,
    pub(in crate::account) until: UnixTime,
    /// The [lead](Moment::lead) when it was drawn.
    pub(in crate::account) lead: u64,
}

impl Sent {
    pub(in crate::account) const fn is_alive(&self, secs: u64, now: Moment) -> bool {
        now.is_before_end(self.until, self.lead, secs)
    }

    pub(in crate::account) fn is_remembered(&self, now: Moment) -> bool {
        now.is_within_secs_after(self.until, RECENT_SECS)
    }
}

/// The codes that have been sent lately: one at a time for each recipient, purpose and context.
pub(in crate::account) struct Delivered(pub(in crate::account) Vec<Sent>);

impl Delivered {
    fn alive(&self, secs: u64, now: Moment) -> impl Iterator<Item = &Sent> {
        self.0.iter().filter(move |sent| sent.is_alive(secs, now))
    }

    /// Says when there is room for a code, if there is none now: as many are alive as may be, or
    /// the one to be sent again would run out on its way.
    pub(in crate::account) fn full_until(&self, asked: &Asked, secs: u64, now: Moment) -> Option<UnixTime> {
        if let Some(same) = self.alive(secs, now).find(|sent| sent.asked.is_same(asked)) {
            return Some(same.until).filter(|until| until.saturating_since(now.clock) < AGAIN_SECS);
        }
        let alive = || self.alive(secs, now).filter(|sent| sent.asked.by_device == asked.by_device);
        let first = alive().map(|sent| sent.until).min();
        first.filter(|_| alive().count() >= ALIVE)
    }

    /// The code to send: the one that is alive, so that nobody ends it by asking for another; else
    /// a new one, whose digits have not been accepted lately. `Err` is when there is room for
    /// one: strangers and known devices have places of their own.
    pub(in crate::account) fn code<R: CryptoRng + ?Sized>(
        &mut self,
        asked: Asked,
        secs: u64,
        recent: &RecentCodes,
        now: Moment,
        rng: &mut R,
    ) -> Result<(Code, UnixTime), UnixTime> {
        self.0.retain(|sent| sent.is_remembered(now));
        if let Some(end) = self.full_until(&asked, secs, now) {
            return Err(end);
        }
        if let Some(sent) = self.alive(secs, now).find(|sent| sent.asked.is_same(&asked)) {
            return Ok((sent.code, sent.until));
        }
        self.0.retain(|sent| !sent.asked.is_same(&asked));
        if self.0.len() >= DELIVERED {
            // Those that have ended are kept only to be called expired.
            self.0.retain(|sent| sent.is_alive(secs, now));
        }
        let mut draw = || Code::new(rng.random_range(0..Digits::Six.codes()), Digits::Six);
        let mut code = draw();
        // A few times at the most: randomness that has failed draws the same again and again.
        for _ in 0..8 {
            if bool::from(recent.contains(code, now)) {
                code = draw();
            }
        }
        let until = now.clock.saturating_add(secs);
        self.0.push(Sent { asked, code, until, lead: now.lead() });
        Ok((code, until))
    }
}

/// When messages were sent at somebody's request, oldest first: at most so many an hour and a day.
pub(in crate::account) struct Sends(pub(in crate::account) Vec<UnixTime>);

impl Sends {
    /// Says when there is room for one more, if there is none now.
    pub(in crate::account) fn full_until(&self, now: Moment) -> Option<UnixTime> {
        let mut counted: Vec<_> = self.0.iter().filter(|at| now.protected_until(**at, DAY_SECS).is_some()).collect();
        counted.sort_unstable();
        let latest = |count: usize| counted.iter().rev().nth(count.saturating_sub(1));
        let waits = [(1, AGAIN_SECS), (PER_HOUR, HOUR_SECS), (SENDS, DAY_SECS)];
        waits.iter().filter_map(|(count, secs)| now.protected_until(**latest(*count)?, *secs)).max()
    }

    /// Counts one more, or says when there is room for it.
    pub(in crate::account) fn count(&mut self, now: Moment) -> Result<(), UnixTime> {
        if let Some(end) = self.full_until(now) {
            return Err(end);
        }
        self.0.retain(|at| now.protected_until(*at, DAY_SECS).is_some());
        self.0.push(now.time);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use subtle::ConstantTimeEq;

    fn now(secs: u64) -> Moment {
        Moment::new(at(secs), at(0))
    }

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    #[test]
    fn thirty_seconds_apart_five_an_hour_ten_a_day() {
        let (mut sends, start) = (Sends(Vec::new()), 1_000_000);
        for count in 0..5 {
            let time = start + count * 30;
            assert_eq!(sends.count(now(time)), Ok(()));
            let wait = if count < 4 { time + 30 } else { start + 3_600 };
            assert_eq!(sends.count(now(time + 29)), Err(at(wait)));
        }
        assert_eq!(sends.count(now(start + 3_599)), Err(at(start + 3_600)));
        for count in 0..5 {
            assert_eq!(sends.count(now(start + 3_600 + count * 900)), Ok(()));
        }
        assert_eq!(sends.count(now(start + 80_000)), Err(at(start + 86_400)));
        assert_eq!(sends.count(now(start + 86_400)), Ok(()));
        assert_eq!(sends.0.len(), 10);
    }

    #[test]
    fn at_the_end_of_time_there_are_no_more_than_a_record_holds() {
        let mut sends = Sends(Vec::new());
        for _ in 0..20 {
            let _ = sends.count(now(u64::MAX));
        }
        assert!(sends.0.len() <= SENDS);
    }

    #[test]
    fn a_clock_set_back_by_days_does_not_stop_messages() {
        let mut sends = Sends(vec![at(9_000_000); 10]);
        assert_eq!(sends.count(now(1_000_000)), Ok(()));
    }

    fn asked(purpose: Purpose, context: u8, by_device: bool) -> Asked {
        let recipient = Recipient::Bound(AuthenticatorId::new(1), Channel::Sms);
        Asked { recipient, purpose, context: Some([context; 32]), by_device }
    }

    #[test]
    fn strangers_and_devices_have_three_codes_alive_each() {
        use rand::SeedableRng;
        use rand::rngs::StdRng;
        let (mut delivered, mut rng) = (Delivered(Vec::new()), StdRng::seed_from_u64(1));
        let mut ask = |context: u8, by_device: bool, secs: u64| {
            let asked = asked(Purpose::WITHDRAWAL, context, by_device);
            delivered
                .code(asked, 300, &RecentCodes::new(), now(secs), &mut rng)
                .map(|(code, until)| (code.packed(), until))
        };
        let first = ask(0, false, 1_000);
        for context in 1..3 {
            assert!(ask(context, false, 1_010).is_ok());
        }
        assert_eq!(ask(3, false, 1_020), Err(at(1_300)));
        assert_eq!(ask(0, false, 1_030), first, "the same one again takes no place");
        assert_eq!(ask(0, true, 1_030), first, "whoever asks");
        for context in 10..13 {
            assert!(ask(context, true, 1_040).is_ok());
        }
        assert_eq!(ask(13, true, 1_050), Err(at(1_340)));
        assert!(ask(3, false, 1_300).is_ok(), "one has ended");
        assert_eq!(ask(4, false, 1_301), Err(at(1_310)));
    }

    #[test]
    fn codes_are_drawn_from_all_there_are_and_not_those_accepted_lately() {
        use rand::SeedableRng;
        use rand::rngs::StdRng;
        let mut recent = RecentCodes::new();
        let draw = |recent: &RecentCodes, rng: &mut StdRng| {
            let mut delivered = Delivered(Vec::new());
            delivered.code(asked(Purpose::LOGIN, 0, false), 300, recent, now(1_000), rng).unwrap().0
        };
        let mut digits = [[0_u32; 10]; 6];
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..10_000 {
            let text = alloc::format!("{}", draw(&recent, &mut rng).reveal());
            for (place, digit) in digits.iter_mut().zip(text.bytes()) {
                place[usize::from(digit - b'0')] += 1;
            }
        }
        assert!(digits.iter().flatten().all(|count| (850..1_150).contains(count)), "{digits:?}");
        let first = draw(&recent, &mut StdRng::seed_from_u64(2));
        recent.push(crate::otp::Accepted { code: first, at: at(990) });
        let second = draw(&recent, &mut StdRng::seed_from_u64(2));
        assert!(!bool::from(first.ct_eq(&second)));
    }
}
