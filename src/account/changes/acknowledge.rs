//! Events are acknowledged, and records sealed anew.

use crate::account::event::{Event, EventKind};
use crate::account::transition::{Account, Change};
#[cfg(feature = "verifier")]
use crate::otp::UnixTime;
use alloc::vec::Vec;

impl Account {
    /// The events that the record keeps, oldest first: at most 32. Not for the owner's eyes without
    /// choice, see [`Event`].
    ///
    /// If the latest two wrong codes were right at the same distance from our clock, the second
    /// one's event [says so](EventKind::Rejected). That is searched here, which takes as long as
    /// some thirty log-ins.
    #[must_use]
    pub fn history(&self) -> Vec<Event> {
        let mut events: Vec<_> = self.record.history.events().collect();
        if let Some((number, found)) = self.latest_diagnosis()
            && let Some(event) = events.iter_mut().find(|event| event.sequence == Some(number))
            && let EventKind::Rejected { diagnosis, .. } = &mut event.kind
        {
            *diagnosis = Some(found);
        }
        events
    }

    /// The events that have not been acknowledged, oldest first: those that
    /// [notify the owner](Event::notifies_owner).
    #[must_use]
    pub fn unacknowledged(&self) -> Vec<Event> {
        self.record.history.unacknowledged().map(|event| self.to_be_told(event)).collect()
    }

    /// The notices that the sink is to get again. It gets them once a minute at most: a stranger
    /// cannot flood a sink that is failing.
    #[cfg(feature = "verifier")]
    pub(crate) fn owed(&self, now: UnixTime) -> Vec<Event> {
        self.record.history.owed(self.record.moment(now)).map(|event| self.to_be_told(event)).collect()
    }

    /// Notes that the sink is handed again what it has not taken.
    #[cfg(feature = "verifier")]
    pub(crate) fn handing_again(mut self, now: UnixTime) -> Change<()> {
        self.record.history.handed_at = self.moment(now).clock;
        Change::written(self, Ok(()))
    }

    /// Marks the events with these numbers as taken by the sink.
    pub fn acknowledge(mut self, sequences: &[u64]) -> Change<()> {
        if self.record.history.acknowledge(sequences) {
            Change::written(self, Ok(()))
        } else {
            Change::unwritten(self, Ok(()), None)
        }
    }

    /// Writes the record anew as it is, so that it is sealed under the primary key.
    pub fn reseal(self) -> Change<()> {
        Change::written(self, Ok(()))
    }
}
