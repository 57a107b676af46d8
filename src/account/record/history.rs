//! The latest events of an account.

use super::capacity::{ACTS, ACTS_KEPT, EVENTS, NOTICES, NOTICES_AND_ACTS, REFUSALS};
use super::encoding::event::{event_from_bytes, event_to_bytes};
use super::encoding::fields::Corrupt;
use crate::account::event::{Event, EventKind, Importance, Operator};
#[cfg(feature = "verifier")]
use crate::otp::Moment;
use crate::otp::UnixTime;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// An event that a sink has not taken is handed to it again after so many seconds at the earliest.
#[cfg(feature = "verifier")]
const AGAIN_SECS: u64 = 60;

/// The latest events, oldest first, in their stored form. So what newer releases wrote stays as it
/// is, and nothing is decoded that nobody reads.
pub(in crate::account) struct History {
    pub(in crate::account) entries: Vec<Entry>,
    /// The number of the latest event there was.
    pub(in crate::account) last: u64,
    /// The time when the sink was handed what it had not taken.
    pub(in crate::account) handed_at: UnixTime,
}

pub(in crate::account) struct Entry {
    pub(in crate::account) sequence: u64,
    pub(in crate::account) importance: Importance,
    /// A notice that the sink has not taken.
    pub(in crate::account) is_owed: bool,
    pub(in crate::account) bytes: Box<[u8]>,
}

/// The place that an event takes in a history.
enum Room {
    New,
    InPlaceOf(usize),
    None,
}

impl History {
    pub(in crate::account) const NEW: Self = Self { entries: Vec::new(), last: 0, handed_at: UnixTime::from_secs(0) };

    /// Numbers that no event of this account has had: it was made, or restored, at this time.
    pub(in crate::account) fn begin_anew(&mut self, at: UnixTime) {
        // However late it is, there are numbers left.
        self.last = self.last.max(at.as_secs().min(1 << 43) << 20);
    }

    /// The number of the next event.
    pub(in crate::account) const fn next(&self) -> u64 {
        self.last.saturating_add(1)
    }

    /// Returns whether there is room for so many more notices.
    pub(in crate::account) fn has_room_for(&self, notices: usize) -> bool {
        let [kept, acts] = [Importance::Notice, Importance::Act].map(|one| self.count(one));
        let free = NOTICES.saturating_sub(kept).min(NOTICES_AND_ACTS.saturating_sub(kept.saturating_add(acts)));
        let taken = |which| self.entries.iter().filter(|entry| entry.importance == which && !entry.is_owed).count();
        let acts_to_spare = taken(Importance::Act).min(acts.saturating_sub(ACTS_KEPT));
        free.saturating_add(taken(Importance::Notice)).saturating_add(acts_to_spare) >= notices
    }

    /// Numbers an event, and keeps it if there is room. An operator's act is always kept.
    pub(in crate::account) fn push(&mut self, at: UnixTime, operator: Option<Operator>, kind: EventKind) -> Event {
        self.last = self.last.saturating_add(1);
        let event = Event { sequence: Some(self.last), at, operator, kind };
        let importance = event.importance();
        match self.room(importance) {
            Room::New => {}
            Room::InPlaceOf(place) => drop(self.entries.remove(place)),
            Room::None => return event,
        }
        let is_owed = event.notifies_owner();
        self.entries.push(Entry { sequence: self.last, importance, is_owed, bytes: event_to_bytes(&event) });
        event
    }

    /// The room for an event of this importance.
    ///
    /// Small events, which are log-ins and refusals, push out nothing but each other. A notice makes
    /// room for another once the sink has taken it, and so does an operator's act beyond the few that
    /// are kept. Notices and acts leave some places to each other, and to small events; but an act that
    /// the sink has not taken goes last of all.
    fn room(&self, importance: Importance) -> Room {
        use Importance::{Act, Notice, Ordinary, Refusal};
        let [refusals, notices, acts] = [Refusal, Notice, Act].map(|one| self.count(one));
        let is_crowded = notices.saturating_add(acts) >= NOTICES_AND_ACTS;
        let taken = |which| self.oldest(|entry| entry.importance == which && !entry.is_owed);
        let oldest = |which| self.oldest(|entry| entry.importance == which);
        let small = || {
            let ordinary = || oldest(Ordinary);
            if refusals > REFUSALS { oldest(Refusal) } else { ordinary().or_else(|| oldest(Refusal)) }
        };
        let goes = match importance {
            Notice if notices >= NOTICES || is_crowded => {
                let act = || if acts > ACTS_KEPT && notices < NOTICES { taken(Act) } else { None };
                taken(Notice).or_else(act)
            }
            Act if acts >= ACTS && taken(Act).is_some() => taken(Act),
            Act if is_crowded && (taken(Notice).is_some() || taken(Act).is_some()) => {
                taken(Notice).or_else(|| taken(Act))
            }
            _ if self.entries.len() < EVENTS => return Room::New,
            Act => small().or_else(|| oldest(Notice)).or_else(|| oldest(Act)),
            Refusal if refusals >= REFUSALS => oldest(Refusal),
            Refusal | Ordinary | Notice => small(),
        };
        goes.map_or(Room::None, Room::InPlaceOf)
    }

    fn oldest(&self, which: impl Fn(&Entry) -> bool) -> Option<usize> {
        self.entries.iter().position(which)
    }

    fn count(&self, importance: Importance) -> usize {
        self.entries.iter().filter(|entry| entry.importance == importance).count()
    }

    pub(in crate::account) fn events(&self) -> impl Iterator<Item = Event> {
        self.entries.iter().map(Entry::event)
    }

    /// The notices that the sink has not taken. One that cannot be read stays, for a release that
    /// can.
    pub(in crate::account) fn unacknowledged(&self) -> impl Iterator<Item = Event> {
        let owed = self.entries.iter().filter(|entry| entry.is_owed);
        owed.map(Entry::event).filter(|event| event.kind != EventKind::Unknown)
    }

    /// The notices that the sink is to be handed again now.
    #[cfg(feature = "verifier")]
    pub(in crate::account) fn owed(&self, now: Moment) -> impl Iterator<Item = Event> {
        // By the clock, to either side: a wrong one has the owner told too often rather than too late.
        let is_time = now.clock.as_secs().abs_diff(self.handed_at.as_secs()) >= AGAIN_SECS;
        self.unacknowledged().filter(move |_| is_time)
    }

    /// Marks these as taken; gives whether any of them waited.
    pub(in crate::account) fn acknowledge(&mut self, sequences: &[u64]) -> bool {
        let mut changed = false;
        for entry in &mut self.entries {
            if entry.is_owed && sequences.contains(&entry.sequence) {
                entry.is_owed = false;
                changed = true;
            }
        }
        changed
    }
}

impl Entry {
    /// Decodes the event. One that cannot be read was written by a newer release.
    fn event(&self) -> Event {
        let unknown = |Corrupt| {
            let (at, kind) = (UnixTime::from_secs(0), EventKind::Unknown);
            Event { sequence: Some(self.sequence), at, operator: None, kind }
        };
        event_from_bytes(self.sequence, &self.bytes).unwrap_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::names::ids::{AuthenticatorId, DeviceId};
    use crate::account::names::purpose::Purpose;
    use crate::otp::Reason;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    const IDS: AuthenticatorId = AuthenticatorId::new(1);

    fn push(history: &mut History, importance: Importance) -> u64 {
        let operator = Operator::new("alice", "ticket").unwrap();
        let (operator, kind) = match importance {
            Importance::Refusal => {
                let (purpose, reason, diagnosis) = (Purpose::LOGIN, Reason::Mismatch, None);
                (None, EventKind::Rejected { purpose, reason, diagnosis })
            }
            Importance::Ordinary => (None, EventKind::Renamed { authenticator: IDS }),
            Importance::Notice => (None, EventKind::DeviceRemembered { device: DeviceId::new(1) }),
            Importance::Act => (Some(operator), EventKind::Frozen),
        };
        history.push(UnixTime::from_secs(1), operator, kind).sequence.unwrap()
    }

    fn numbers(history: &History, which: Importance) -> Vec<u64> {
        let found = history.entries.iter().filter(|entry| entry.importance == which);
        found.map(|entry| entry.sequence).collect()
    }

    #[test]
    fn whatever_happens_small_events_push_out_none_but_each_other_and_acts_are_kept() {
        use Importance::{Act, Notice, Ordinary, Refusal};
        for seed in 0..200 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut history = History::NEW;
            // Some sinks take nothing for a while, some everything at once.
            let takes = rng.random_range(0..=10);
            for _ in 0..300 {
                let importance = [Refusal, Ordinary, Notice, Act][rng.random_range(0..4)];
                let before: Vec<_> =
                    history.entries.iter().map(|entry| (entry.sequence, entry.importance, entry.is_owed)).collect();
                let had_room = history.has_room_for(1);
                let number = push(&mut history, importance);
                let is_kept = history.entries.last().is_some_and(|entry| entry.sequence == number);
                let gone = before.iter().find(|(number, ..)| history.entries.iter().all(|one| one.sequence != *number));
                assert!(history.entries.len() <= EVENTS, "seed {seed}");
                assert!(is_kept || importance < Act, "seed {seed}: an act was not kept");
                assert!(importance != Notice || is_kept == had_room, "seed {seed}");
                if let Some((_, what, was_owed)) = gone {
                    let are_small = *what <= Ordinary && importance <= Ordinary;
                    assert!(is_kept && (*what <= importance || are_small || *what == Act), "seed {seed}: {what:?}");
                    // One that the sink has not taken goes only for an operator's act, where no other is.
                    let all_owed = before.iter().all(|(_, _, is_owed)| *is_owed);
                    assert!(!was_owed || (importance == Act && all_owed), "seed {seed}: {what:?} was owed");
                    // An act goes only for another, or where it has more than its places.
                    let acts = before.iter().filter(|(_, what, _)| *what == Act).count();
                    assert!(*what != Act || importance == Act || acts > ACTS_KEPT, "seed {seed}");
                }
                if rng.random_range(0..10) < takes {
                    let owed: Vec<_> = history.entries.iter().map(|entry| entry.sequence).collect();
                    history.acknowledge(&owed);
                }
            }
        }
    }

    #[test]
    fn each_importance_has_places_that_the_others_leave() {
        use Importance::{Act, Notice, Ordinary, Refusal};
        let mut history = History::NEW;
        let mut filled = |importance: Importance| {
            for _ in 0..100 {
                let number = push(&mut history, importance);
                history.acknowledge(&[number]);
            }
            [Refusal, Ordinary, Notice, Act].map(|which| numbers(&history, which).len())
        };
        assert_eq!(filled(Ordinary), [0, 32, 0, 0]);
        assert_eq!(filled(Refusal), [4, 28, 0, 0]);
        assert_eq!(filled(Notice), [4, 8, 20, 0]);
        assert_eq!(filled(Act), [4, 4, 12, 12]);
        assert_eq!(filled(Notice), [4, 4, 12, 12]);
        assert_eq!(filled(Ordinary), [4, 4, 12, 12]);
        assert_eq!(filled(Refusal), [4, 4, 12, 12]);
    }
}
