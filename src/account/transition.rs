//! An account as a value, and what a transition makes of it: nothing that anybody may know before
//! it has been stored.

use super::error::AccountError;
use super::event::{Event, EventKind, Importance, Operator};
use super::names::account_id::AccountId;
use super::names::revision::Revision;
use super::names::source::Source;
use super::record::encoding::bound::bound;
use super::record::encoding::read::from_bytes;
use super::record::encoding::write::{NoRoom, write_into};
use super::record::imported_codes::HashChecker;
use super::record::whole::Record;
use crate::otp::{Moment, Rejection, StoredError, UnixTime};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// One account's whole second factor, as it was loaded. Redacted in `Debug`; its secrets are wiped
/// on drop.
///
/// It comes from [`Keyring::open`](crate::seal::Keyring::open); a new one is made by
/// [`create`](Self::create). Transitions consume it, so nobody
/// decides twice on one.
#[must_use]
pub struct Account {
    pub(super) id: AccountId,
    /// The write that it was loaded from, and that the next one expects; `None` if there is none.
    pub(super) revision: Option<Revision>,
    /// In its place on the heap: transitions hand the account on, and would copy it each time.
    pub(super) record: Box<Record>,
    /// The events of this transition so far.
    events: Vec<Event>,
    /// The moment of this transition.
    moment: Option<Moment>,
    /// The source of the attempt, or of the attempt that the proof came from.
    pub(super) source: Option<Source>,
    /// Compares recovery codes with the hashes of another system.
    pub(super) checker: Option<Arc<dyn HashChecker>>,
}

impl Account {
    /// An account whose record begins, in the place of the one that `expected` wrote.
    pub(super) fn empty(id: AccountId, expected: Option<Revision>) -> Self {
        let record = Box::new(Record::new());
        Self { id, revision: expected, record, events: Vec::new(), moment: None, source: None, checker: None }
    }

    /// An account whose record, as [`write_into`](Self::write_into) wrote it, was stored by the
    /// write `revision`. Zeros may stand behind it.
    pub(crate) fn stored(id: AccountId, revision: Revision, bytes: &[u8]) -> Result<Self, StoredError> {
        Ok(Self {
            id,
            revision: Some(revision),
            record: from_bytes(bytes)?,
            events: Vec::new(),
            moment: None,
            source: None,
            checker: None,
        })
    }

    /// The same account, whose imported [hashes of recovery
    /// codes](crate::account::PortableAccount::with_hashed_recovery_codes) are compared by
    /// `checker` in this transition.
    pub fn with_hash_checker(self, checker: Arc<dyn HashChecker>) -> Self {
        Self { checker: Some(checker), ..self }
    }

    /// The account's name.
    #[must_use]
    pub const fn id(&self) -> &AccountId {
        &self.id
    }

    /// The most bytes that the record takes when it is written.
    pub(crate) fn bound(&self) -> usize {
        bound(&self.record)
    }

    /// Writes the record as it is sealed; gives its length, which is within the bound.
    pub(crate) fn write_into(&self, room: &mut [u8]) -> Result<usize, NoRoom> {
        write_into(&self.record, room)
    }

    pub(crate) const fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// The moment of this transition, which happens when the clock reads `now`. If the record's
    /// newest time was written by a clock gone wrong, the transition says so.
    pub(super) fn moment(&mut self, now: UnixTime) -> Moment {
        let newest = self.record.newest;
        let moment = Moment::new(now, newest);
        if moment.is_mistaken(newest) {
            self.record.end_grants(moment);
            self.record_anyway(moment, EventKind::TimesReplaced { newest });
        }
        self.moment = Some(moment);
        moment
    }

    /// Keeps an event in the history, to be delivered after the write. Gives its number.
    ///
    /// # Errors
    /// [`AccountError::EventsWaiting`] if it is a notice, and there is no room for it.
    pub(super) fn record_event(&mut self, now: Moment, kind: EventKind) -> Result<u64, AccountError> {
        if kind.importance() == Importance::Notice && !self.record.history.has_room_for(1) {
            return Err(AccountError::EventsWaiting);
        }
        self.push_event(now, None, kind);
        Ok(self.record.history.last)
    }

    /// The same for events that keep nothing from happening: a code was accepted or refused, or a
    /// backup restored. Each is delivered, and kept if there is room.
    pub(super) fn record_anyway(&mut self, now: Moment, kind: EventKind) -> u64 {
        self.push_event(now, None, kind);
        self.record.history.last
    }

    /// The same for an operator's act, which is always kept.
    pub(super) fn record_act(&mut self, now: Moment, operator: &Operator, kind: EventKind) {
        self.push_event(now, Some(operator.clone()), kind);
    }

    fn push_event(&mut self, now: Moment, operator: Option<Operator>, kind: EventKind) {
        let event = Event { operator, ..Event::unkept(now.clock, self.source.clone(), kind) };
        let event = self.record.history.push(event);
        let event = self.to_be_told(event);
        self.events.push(event);
    }

    /// The event with the handle of its notice, if the owner is told of it.
    pub(super) fn to_be_told(&self, event: Event) -> Event {
        let number = event.sequence.filter(|_| event.notifies_owner());
        let freeze_handle = number.and_then(|number| self.record.notice_key.handle_of(number, event.at));
        Event { freeze_handle, ..event }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A transition of an account, its outcome, and the events it makes. All of it is closed in here
/// until [`Keyring::seal`](crate::seal::Keyring::seal) takes it.
#[must_use = "nothing has happened until the change is sealed and stored"]
pub struct Change<T> {
    pub(crate) account: Account,
    pub(crate) is_written: bool,
    pub(crate) uncommitted: Uncommitted<T>,
}

impl<T> Change<T> {
    /// A change that has to be stored before its outcome may be known.
    pub(super) fn written(mut account: Account, outcome: Result<T, Rejection>) -> Self {
        let events = core::mem::take(&mut account.events);
        if let Some(moment) = account.moment {
            account.record.settle(moment);
        }
        Self { account, is_written: true, uncommitted: Uncommitted { outcome, events } }
    }

    /// An outcome that changes nothing. Its event, if it has one, is delivered but not kept, so a
    /// flood of them writes nothing.
    pub(super) fn unwritten(account: Account, outcome: Result<T, Rejection>, event: Option<Event>) -> Self {
        Self { account, is_written: false, uncommitted: Uncommitted { outcome, events: event.into_iter().collect() } }
    }
}

#[cfg(feature = "verifier")]
impl<T> Change<T> {
    /// The same change, which hands the sink `owed` beside its own events.
    pub(crate) fn handing(mut self, owed: &[Event]) -> Self {
        let hands_notices = !owed.is_empty() || self.uncommitted.events.iter().any(Event::notifies_owner);
        if let Some(moment) = self.account.moment.filter(|_| hands_notices) {
            self.account.record.history.handed_at = moment.clock;
        }
        self
    }

    /// The same change, with its events marked as taken: for services without notifications.
    pub(crate) fn with_events_acknowledged(mut self) -> Self {
        let notices = self.uncommitted.events.iter().filter(|event| event.notifies_owner());
        let sequences: Vec<_> = notices.filter_map(|event| event.sequence).collect();
        if !sequences.is_empty() {
            self.account.record.history.acknowledge(&sequences);
        }
        self
    }
}

impl<T> fmt::Debug for Change<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Change(not stored)")
    }
}

/// An outcome whose record may not have been stored yet, so nobody may know it yet.
#[must_use = "the outcome is inside"]
pub struct Uncommitted<T> {
    outcome: Result<T, Rejection>,
    events: Vec<Event>,
}

impl<T> Uncommitted<T> {
    /// The outcome. The events for the audit log are added to `events`, whatever the outcome.
    ///
    /// **The dangerous door**, for services that keep records in a table of their own. Call it only
    /// after the [`Write`](crate::seal::Write) that came with it **has been committed**, by a
    /// compare-and-swap on the revision that the write expects. An answer that is given before
    /// its count is stored can be had again and again, by asking in parallel. An acceptance
    /// that is believed before it is stored is believed twice. If another revision was stored,
    /// or if the outcome of the write is unknown, drop this and begin again from a fresh load.
    /// If there was nothing to write, the record must have been loaded afresh.
    ///
    /// Do not commit in a transaction that may be rolled back for other reasons: the failure that
    /// was counted would be forgotten.
    ///
    /// # Errors
    /// The [`Rejection`], where a code was refused. Only transitions that judge or send a code can
    /// have one.
    pub fn assume_committed(self, events: &mut impl Extend<Event>) -> Result<T, Rejection> {
        events.extend(self.events);
        self.outcome
    }
}

#[cfg(feature = "verifier")]
impl<T> Uncommitted<T> {
    /// The outcome and the events, once the write is committed.
    pub(crate) fn committed(self) -> (Result<T, Rejection>, Vec<Event>) {
        (self.outcome, self.events)
    }
}

impl<T> fmt::Debug for Uncommitted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uncommitted(..)")
    }
}
