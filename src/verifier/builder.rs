//! The builder of verifiers.

use super::clock::{Clock, SystemClock};
use super::handle::{Inner, Verifier};
use super::queue::Queue;
use super::sink::{BoxSink, EventSink};
use crate::account::Policy;
use crate::otp::UnixTime;
use crate::seal::Keyring;
use crate::store::Store;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

impl<S: Store> Verifier<S> {
    /// Begins a verifier on `store`, whose records `keyring` seals.
    pub const fn builder(store: S, keyring: Keyring) -> VerifierBuilder<S> {
        VerifierBuilder::new(store, keyring)
    }
}

/// Makes a [`Verifier`].
#[must_use]
pub struct VerifierBuilder<S> {
    store: S,
    keyring: Keyring,
    policy: Option<Policy>,
    clock: Option<Box<dyn Clock>>,
    sink: Option<BoxSink>,
    restored_at: Option<UnixTime>,
}

impl<S: Store> VerifierBuilder<S> {
    const fn new(store: S, keyring: Keyring) -> Self {
        Self { store, keyring, policy: None, clock: None, sink: None, restored_at: None }
    }

    /// Sets the policy. Default: [`Policy::default`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Sets the clock. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// Sets the sink that events go to. Without one they are kept in the accounts' histories only,
    /// and those that notify owners stay unacknowledged until a verifier with one works on the
    /// account.
    pub fn event_sink(mut self, sink: impl EventSink) -> Self {
        self.sink = Some(BoxSink::new(sink));
        self
    }

    /// After the store was restored from a backup: when that was, at the latest. Every record that
    /// was made before is treated with care once, before anything else is done with it: see
    /// [`Account::restored_at`](crate::account::Account::restored_at). Set it on every verifier of
    /// the store before the first one works again, and keep it for as long as records may be left.
    pub const fn restored_at(mut self, at: UnixTime) -> Self {
        self.restored_at = Some(at);
        self
    }

    /// The verifier.
    #[must_use]
    pub fn build(self) -> Verifier<S> {
        let Self { store, keyring, policy, clock, sink, restored_at } = self;
        Verifier(Arc::new(Inner {
            store,
            keyring,
            policy: policy.unwrap_or_default(),
            clock: clock.unwrap_or_else(|| Box::new(SystemClock)),
            sink,
            restored_at,
            queue: Queue::default(),
        }))
    }
}

impl<S> fmt::Debug for VerifierBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder").field("keyring", &self.keyring).finish_non_exhaustive()
    }
}
