//! The latest events of an account.

use super::capacity::{ACTS, ACTS_KEPT, EVENTS, NOTICES, NOTICES_AND_ACTS, REFUSALS};
use super::encoding::event::{event_from_bytes, write_event};
use super::entries::{Entries, Entry};
use crate::account::event::{Event, EventKind, Importance};
#[cfg(feature = "verifier")]
use crate::otp::Moment;
use crate::otp::UnixTime;

/// An event that a sink has not taken is handed to it again after so many seconds at the earliest.
#[cfg(feature = "verifier")]
const AGAIN_SECS: u64 = 60;

/// The latest events, oldest first, in their stored form. So what newer releases wrote stays as it
/// is, and nothing is decoded that nobody reads.
pub(in crate::account) struct History {
    pub(in crate::account) entries: Entries,
    /// The number of the latest event there was.
    pub(in crate::account) last: u64,
    /// The time when the sink was handed what it had not taken.
    pub(in crate::account) handed_at: UnixTime,
}

/// The room for an event in a history.
enum Room {
    New,
    InPlaceOf(usize),
    None,
}

/// The entries of one importance.
#[derive(Clone, Copy, Default)]
struct Tally {
    count: usize,
    /// Those that are not owed.
    taken: usize,
    oldest: Option<usize>,
    oldest_taken: Option<usize>,
}

/// A tally of each importance, in their order.
struct Tallies([Tally; 4]);

impl Tallies {
    fn of(entries: &Entries) -> Self {
        let mut tallies = [Tally::default(); 4];
        for (importance, is_owed, place) in entries.kinds() {
            let Some(tally) = tallies.get_mut(importance as usize) else { continue };
            tally.count = tally.count.saturating_add(1);
            tally.oldest = tally.oldest.or(Some(place));
            if !is_owed {
                tally.taken = tally.taken.saturating_add(1);
                tally.oldest_taken = tally.oldest_taken.or(Some(place));
            }
        }
        Self(tallies)
    }

    fn count(&self) -> usize {
        self.0.iter().map(|tally| tally.count).sum()
    }
}

impl History {
    pub(in crate::account) const NEW: Self = Self { entries: Entries::NEW, last: 0, handed_at: UnixTime::from_secs(0) };

    /// Goes on with numbers that no event of an earlier record can have had. The record was made,
    /// or restored, at `at`: its numbers begin at that second times 2^20.
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
        if notices == 0 {
            return true;
        }
        let Tallies([.., kept, acts]) = Tallies::of(&self.entries);
        let places = NOTICES_AND_ACTS.saturating_sub(kept.count.saturating_add(acts.count));
        let free = NOTICES.saturating_sub(kept.count).min(places);
        let acts_to_spare = acts.taken.min(acts.count.saturating_sub(ACTS_KEPT));
        free.saturating_add(kept.taken).saturating_add(acts_to_spare) >= notices
    }

    /// Numbers an event, and keeps it if there is room. An operator's act is always kept.
    pub(in crate::account) fn push(&mut self, new: Event) -> Event {
        self.last = self.last.saturating_add(1);
        let event = Event { sequence: Some(self.last), ..new };
        let at = event.at;
        let importance = event.importance();
        self.make_room_for_another(&event);
        match self.room(importance) {
            Room::New => {}
            Room::InPlaceOf(place) => self.entries.remove(place),
            Room::None => return event,
        }
        let kept = (importance, event.notifies_owner());
        self.entries.push(self.last, at, kept, |to| write_event(&event, to));
        event
    }

    /// Of notices that log-ins bring about one is kept, once the sink has taken it: else they would
    /// push out those of changes.
    fn make_room_for_another(&mut self, event: &Event) {
        if !event.kind.is_one_of_many() {
            return;
        }
        let number = event.kind.number();
        let is_such = |entry: &Entry<'_>| {
            let (operator, _, kind) = event_from_bytes(entry.body).unwrap_or((None, None, EventKind::Unknown));
            !entry.is_owed && operator.is_none() && kind.number() == number
        };
        let places = || self.entries.iter().zip(self.entries.kinds());
        let found = places().find(|(entry, _)| is_such(entry)).map(|(_, (.., place))| place);
        if let Some(place) = found {
            self.entries.remove(place);
        }
    }

    /// The room for an event of this importance.
    ///
    /// Small events, which are log-ins and refusals, push out nothing but each other. A notice
    /// makes room for another once the sink has taken it, and so does an operator's act beyond the
    /// few that are kept. Notices and acts leave some places to each other, and to small events;
    /// but an act that the sink has not taken goes last of all.
    fn room(&self, importance: Importance) -> Room {
        use Importance::{Act, Notice, Ordinary, Refusal};
        let tallies = Tallies::of(&self.entries);
        let Tallies([refusals, ordinary, notices, acts]) = tallies;
        let is_crowded = notices.count.saturating_add(acts.count) >= NOTICES_AND_ACTS;
        let small = if refusals.count > REFUSALS { refusals.oldest } else { ordinary.oldest.or(refusals.oldest) };
        let goes = match importance {
            Notice if notices.count >= NOTICES || is_crowded => {
                let may_take_an_act = acts.count > ACTS_KEPT && notices.count < NOTICES;
                notices.oldest_taken.or(acts.oldest_taken.filter(|_| may_take_an_act))
            }
            Act if acts.count >= ACTS && acts.taken > 0 => acts.oldest_taken,
            Act if is_crowded && notices.taken.saturating_add(acts.taken) > 0 => {
                notices.oldest_taken.or(acts.oldest_taken)
            }
            _ if tallies.count() < EVENTS => return Room::New,
            Act => small.or(notices.oldest).or(acts.oldest),
            Refusal if refusals.count >= REFUSALS => refusals.oldest,
            Refusal | Ordinary | Notice => small,
        };
        goes.map_or(Room::None, Room::InPlaceOf)
    }

    pub(in crate::account) fn events(&self) -> impl Iterator<Item = Event> {
        self.entries.iter().map(event)
    }

    /// The notices that the sink has not taken. One that cannot be read stays, for a release that
    /// can.
    pub(in crate::account) fn unacknowledged(&self) -> impl Iterator<Item = Event> {
        let owed = self.entries.iter().filter(|entry| entry.is_owed);
        owed.map(event).filter(|event| event.kind != EventKind::Unknown)
    }

    /// The notices that the sink is to be handed again now.
    #[cfg(feature = "verifier")]
    pub(in crate::account) fn owed(&self, now: Moment) -> impl Iterator<Item = Event> {
        // By the clock, to either side: a wrong one has the owner told too often rather than too
        // late.
        let is_time = now.clock.as_secs().abs_diff(self.handed_at.as_secs()) >= AGAIN_SECS;
        is_time.then(|| self.unacknowledged()).into_iter().flatten()
    }

    /// Marks these as taken; gives whether any of them waited.
    pub(in crate::account) fn acknowledge(&mut self, sequences: &[u64]) -> bool {
        self.entries.acknowledge(sequences)
    }
}

/// The event of an entry. One that cannot be read was written by a newer release.
fn event(entry: Entry<'_>) -> Event {
    let Entry { sequence, at, body, .. } = entry;
    let unknown = (None, None, EventKind::Unknown);
    let (operator, source, kind) = event_from_bytes(body).unwrap_or(unknown);
    Event { sequence: Some(sequence), operator, ..Event::unkept(at, source, kind) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::event::Operator;
    use crate::account::names::ids::{AuthenticatorId, DeviceId};
    use crate::account::names::purpose::Purpose;
    use crate::otp::Reason;
    use alloc::vec::Vec;
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
        let event = Event { operator, ..Event::unkept(UnixTime::from_secs(1), None, kind) };
        history.push(event).sequence.unwrap()
    }

    fn kept(history: &History) -> Vec<(u64, Importance, bool)> {
        let all = history.entries.iter().zip(history.entries.kinds());
        all.map(|(entry, (importance, is_owed, _))| (entry.sequence, importance, is_owed)).collect()
    }

    fn numbers(history: &History, which: Importance) -> Vec<u64> {
        kept(history).into_iter().filter(|(_, importance, _)| *importance == which).map(|(number, ..)| number).collect()
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
                let before = kept(&history);
                let had_room = history.has_room_for(1);
                let number = push(&mut history, importance);
                let is_kept = history.entries.iter().last().is_some_and(|entry| entry.sequence == number);
                let gone = before.iter().find(|(number, ..)| history.entries.iter().all(|one| one.sequence != *number));
                assert!(history.entries.iter().count() <= EVENTS, "seed {seed}");
                assert!(is_kept || importance < Act, "seed {seed}: an act was not kept");
                assert!(importance != Notice || is_kept == had_room, "seed {seed}");
                if let Some((_, what, was_owed)) = gone {
                    let are_small = *what <= Ordinary && importance <= Ordinary;
                    assert!(is_kept && (*what <= importance || are_small || *what == Act), "seed {seed}: {what:?}");
                    // One that the sink has not taken goes only for an operator's act, where no
                    // other is.
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
