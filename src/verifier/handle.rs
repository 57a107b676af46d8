//! The verifier itself.

use super::address_check::BoxCheck;
use super::clock::Clock;
use super::measured::Measured;
use super::queue::Queue;
use super::sink::BoxSink;
use super::source::BoxSource;
use crate::account::{HashChecker, Policy};
use crate::otp::UnixTime;
use crate::seal::KeyringHandle;
use crate::store::BoxStore;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

/// Verifies codes for the accounts of one store. Cheap to clone; clones are the same verifier.
///
/// It starts no threads and no timers, and works in any runtime that its store works in. Its
/// futures can be dropped at any time: a change that was on its way to the store may happen or not,
/// as with [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown). (A future that is kept and not
/// polled keeps later changes of its account waiting.)
///
/// Several verifiers, in as many processes and on as many machines as the store serves, may work on
/// one account at the same time. Within one verifier, changes of one account wait their turn, first
/// come first served. A refusal that changes nothing waits for nobody, so a locked-out guesser
/// keeps nobody waiting.
///
/// A verification costs one load and one swap, and another load if it had to wait. A refusal that
/// changes nothing costs the load only. An event that [notifies the
/// owner](crate::account::Event::notifies_owner) costs one more of each, to acknowledge it.
pub struct Verifier<S = BoxStore>(pub(super) Arc<Inner<S>>);

pub(super) struct Inner<S> {
    pub(super) store: Measured<S>,
    pub(super) keyring: KeyringHandle,
    pub(super) policy: Policy,
    pub(super) clock: Box<dyn Clock>,
    pub(super) sink: Option<BoxSink>,
    pub(super) restored_at: Option<UnixTime>,
    pub(super) address_check: Option<BoxCheck>,
    pub(super) source: Option<BoxSource>,
    pub(super) checker: Option<Arc<dyn HashChecker>>,
    pub(super) queue: Queue,
}

impl<S> Clone for Verifier<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for Verifier<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keyring", &self.0.keyring).finish_non_exhaustive()
    }
}
