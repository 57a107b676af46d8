//! Codes that are delivered: what the record keeps of them.

use super::capacity::{DELIVERED, SENDS};
use crate::account::names::address::{Address, Channel};
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::purpose::Purpose;
use crate::otp::{Code, Digits, Moment, RECENT_SECS, RecentCodes, UnixTime};
use alloc::vec::Vec;
use rand::{CryptoRng, RngExt};

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

/// A code that has been sent.
pub(in crate::account) struct Sent {
    pub(in crate::account) recipient: Recipient,
    pub(in crate::account) purpose: Purpose,
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

/// The codes that have been sent lately: one at a time for each recipient and purpose.
pub(in crate::account) struct Delivered(pub(in crate::account) Vec<Sent>);

impl Delivered {
    /// The code to send: the one that is alive, so that nobody ends it by asking for another; else
    /// a new one, whose digits have not been accepted lately. `Err` is when there is room for
    /// one.
    pub(in crate::account) fn code<R: CryptoRng + ?Sized>(
        &mut self,
        recipient: &Recipient,
        purpose: Purpose,
        secs: u64,
        recent: &RecentCodes,
        now: Moment,
        rng: &mut R,
    ) -> Result<(Code, UnixTime), UnixTime> {
        self.0.retain(|sent| sent.is_remembered(now));
        let same = |sent: &Sent| sent.recipient == *recipient && sent.purpose == purpose;
        if let Some(sent) = self.0.iter().find(|sent| same(sent) && sent.is_alive(secs, now)) {
            // It would have run out on its way.
            let soon = sent.until.saturating_since(now.clock) < AGAIN_SECS;
            return if soon { Err(sent.until) } else { Ok((sent.code, sent.until)) };
        }
        self.0.retain(|sent| !same(sent));
        if self.0.len() >= DELIVERED {
            // Those that have ended are kept only to be called expired.
            self.0.retain(|sent| sent.is_alive(secs, now));
        }
        if self.0.len() >= DELIVERED {
            return Err(self.0.iter().map(|sent| sent.until).min().unwrap_or(now.clock));
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
        self.0.push(Sent { recipient: recipient.clone(), purpose, code, until, lead: now.lead() });
        Ok((code, until))
    }
}

/// When messages were sent at somebody's request, oldest first: at most so many an hour and a day.
pub(in crate::account) struct Sends(pub(in crate::account) Vec<UnixTime>);

impl Sends {
    /// Counts one more, or says when there is room for it.
    pub(in crate::account) fn count(&mut self, now: Moment) -> Result<(), UnixTime> {
        self.0.retain(|at| now.protected_until(*at, DAY_SECS).is_some());
        self.0.sort_unstable();
        let latest = |count: usize| self.0.iter().rev().nth(count.saturating_sub(1));
        let waits = [(1, AGAIN_SECS), (PER_HOUR, HOUR_SECS), (SENDS, DAY_SECS)];
        let ends = waits.iter().filter_map(|(count, secs)| now.protected_until(*latest(*count)?, *secs));
        if let Some(end) = ends.max() {
            return Err(end);
        }
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

    #[test]
    fn codes_are_drawn_from_all_there_are_and_not_those_accepted_lately() {
        use rand::SeedableRng;
        use rand::rngs::StdRng;
        let mut recent = RecentCodes::new();
        let draw = |recent: &RecentCodes, rng: &mut StdRng| {
            let recipient = Recipient::Bound(AuthenticatorId::new(1), Channel::Sms);
            let mut delivered = Delivered(Vec::new());
            delivered.code(&recipient, Purpose::LOGIN, 300, recent, now(1_000), rng).unwrap().0
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
