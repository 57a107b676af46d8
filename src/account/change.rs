//! What a transition gives: nothing that anybody may know before it has been stored.

use super::Account;
use super::event::Event;
use alloc::vec::Vec;
use core::fmt;

/// A transition of an account, its outcome, and the events it makes; all of it sealed in here until
/// [`Keyring::seal`](crate::seal::Keyring::seal) takes it.
#[must_use = "nothing has happened until the change is sealed and stored"]
pub struct Change<T> {
    pub(crate) account: Account,
    pub(crate) is_written: bool,
    pub(crate) uncommitted: Uncommitted<T>,
}

impl<T> Change<T> {
    /// A change that has to be stored before its outcome may be known.
    pub(super) fn written(mut account: Account, outcome: T) -> Self {
        let events = core::mem::take(&mut account.events);
        Self { account, is_written: true, uncommitted: Uncommitted { outcome, events } }
    }

    /// A refusal that changes nothing. Its event is told but not kept: a flood of them writes nothing.
    pub(super) fn unwritten(account: Account, outcome: T, event: Option<Event>) -> Self {
        Self { account, is_written: false, uncommitted: Uncommitted { outcome, events: event.into_iter().collect() } }
    }
}

impl<T> fmt::Debug for Change<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Change(not stored)")
    }
}

/// An outcome whose record may not have been stored yet, so that it must not be known yet.
#[must_use = "the outcome is inside"]
pub struct Uncommitted<T> {
    outcome: T,
    events: Vec<Event>,
}

impl<T> Uncommitted<T> {
    /// The outcome, and the events for the audit log.
    ///
    /// **The dangerous door**, for services that keep records in a table of their own: call this only after the
    /// [`Write`](crate::seal::Write) that came with it **has been committed**, by a compare-and-swap on the revision that it expects. An
    /// answer that is given before its count is stored can be had again and again, by asking in parallel; an acceptance
    /// that is believed before it is stored is believed twice. If another revision was stored, or if the outcome is
    /// unknown, drop this and begin again from a fresh load. Where there was nothing to write, the record must have been
    /// loaded afresh.
    ///
    /// Do not commit in a transaction that may be rolled back for other reasons: the failure that was counted would be
    /// forgotten.
    #[must_use]
    pub fn assume_committed(self) -> (T, Vec<Event>) {
        (self.outcome, self.events)
    }
}

impl<T> fmt::Debug for Uncommitted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uncommitted(..)")
    }
}
