//! The latest events of an account.

use super::capacity::EVENTS;
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
    pub(in crate::account) bytes: Box<[u8]>,
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

    /// Numbers an event and keeps it, if nothing more important takes all places.
    pub(in crate::account) fn push(&mut self, at: UnixTime, operator: Option<Operator>, kind: EventKind) -> Event {
        self.last = self.last.saturating_add(1);
        let event = Event { sequence: Some(self.last), at, operator, kind };
        let importance = event.kind.importance();
        if self.entries.len() >= EVENTS {
            let first_to_go = self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.importance);
            match first_to_go {
                // A notice that waits makes no room for less: that is delivered, and not kept.
                Some((_, entry)) if entry.importance > importance => return event,
                Some((place, _)) => drop(self.entries.remove(place)),
                None => {}
            }
        }
        self.entries.push(Entry { sequence: self.last, importance, bytes: event_to_bytes(&event) });
        event
    }

    pub(in crate::account) fn events(&self) -> impl Iterator<Item = Event> {
        self.entries.iter().map(Entry::event)
    }

    /// The notices that the sink has not taken. One that cannot be read stays, for a release that
    /// can.
    pub(in crate::account) fn unacknowledged(&self) -> impl Iterator<Item = Event> {
        let notices = self.entries.iter().filter(|entry| entry.importance == Importance::Notice);
        notices.map(Entry::event).filter(|event| event.kind != EventKind::Unknown)
    }

    /// The notices that the sink is to be handed again now.
    #[cfg(feature = "verifier")]
    pub(in crate::account) fn owed(&self, now: Moment) -> impl Iterator<Item = Event> {
        let is_time = !now.is_near(self.handed_at, AGAIN_SECS);
        self.unacknowledged().filter(move |_| is_time)
    }

    /// Marks these as taken; gives whether any of them waited.
    pub(in crate::account) fn acknowledge(&mut self, sequences: &[u64]) -> bool {
        let mut changed = false;
        for entry in &mut self.entries {
            if entry.importance == Importance::Notice && sequences.contains(&entry.sequence) {
                entry.importance = Importance::Ordinary;
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
