//! The builder of verifiers.

use super::address_check::{AddressCheck, BoxCheck};
use super::clock::{Clock, SystemClock};
use super::handle::{Inner, Verifier};
use super::measured::Measured;
use super::queue::Queue;
use super::sink::{BoxSink, EventSink};
use super::source::{BoxSource, MovingSource};
use crate::account::{HashChecker, Policy};
use crate::otp::UnixTime;
use crate::seal::KeyringHandle;
use crate::store::Store;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

impl<S: Store> Verifier<S> {
    /// Begins a verifier on `store`, whose records `keyring` seals: a [`Keyring`], or a
    /// [`KeyringHandle`], whose ring can be exchanged later.
    ///
    /// [`Keyring`]: crate::seal::Keyring
    pub fn builder(store: S, keyring: impl Into<KeyringHandle>) -> VerifierBuilder<S> {
        VerifierBuilder {
            store,
            keyring: keyring.into(),
            policy: None,
            clock: None,
            restored_at: None,
            address_check: None,
            source: None,
            checker: None,
            notifications: Undecided(()),
        }
    }
}

/// Makes a [`Verifier`].
///
/// It builds one only after the service has said who is told of events: either
/// [`event_sink`](Self::event_sink) or [`without_notifications`](Self::without_notifications).
///
/// ```compile_fail,E0599
/// use sekisho::Verifier;
/// use sekisho::seal::Keyring;
/// use sekisho::store::MemoryStore;
///
/// # let keys = "1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
/// # let keyring = Keyring::parse(keys).unwrap();
/// let verifier = Verifier::builder(MemoryStore::new(), keyring).build();
/// ```
#[must_use]
pub struct VerifierBuilder<S, N = Undecided> {
    store: S,
    keyring: KeyringHandle,
    policy: Option<Policy>,
    clock: Option<Box<dyn Clock>>,
    restored_at: Option<UnixTime>,
    address_check: Option<BoxCheck>,
    source: Option<BoxSource>,
    checker: Option<Arc<dyn HashChecker>>,
    notifications: N,
}

/// Nobody has said yet who is told of events.
#[derive(Debug)]
pub struct Undecided(());

/// It was said who is told of events: a sink, or nobody.
pub struct Decided(Option<BoxSink>);

impl<S: Store, N> VerifierBuilder<S, N> {
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

    /// After the store was restored from a backup: when that was, at the latest. Every record that
    /// was made before is treated with care once, before anything else is done with it: see
    /// [`Account::restored_at`](crate::account::Account::restored_at). Set it on every verifier of
    /// the store before the first one works again, and keep it for as long as records may be left.
    pub fn restored_at(mut self, at: UnixTime) -> Self {
        self.restored_at = Some(at);
        self
    }

    /// Has the service see each address before a code is sent to it, and refuse it
    /// ([`Rejection::AddressRefused`](crate::otp::Rejection::AddressRefused)). Default: every
    /// address is sent to.
    pub fn address_check(mut self, check: impl AddressCheck) -> Self {
        self.address_check = Some(BoxCheck::new(check));
        self
    }

    /// Has accounts move in from another system, each at its first contact: a record that is
    /// missing is asked of `source`. Default: it is an error.
    pub fn moving_from(mut self, source: impl MovingSource) -> Self {
        self.source = Some(BoxSource::new(source));
        self
    }

    /// Has `checker` compare recovery codes with the [hashes that were
    /// imported](crate::account::PortableAccount::with_hashed_recovery_codes). Default: they match
    /// nothing.
    pub fn hash_checker(mut self, checker: impl HashChecker) -> Self {
        self.checker = Some(Arc::new(checker));
        self
    }

    fn decided(self, sink: Option<BoxSink>) -> VerifierBuilder<S, Decided> {
        let Self { store, keyring, policy, clock, restored_at, address_check, source, checker, notifications: _ } =
            self;
        let notifications = Decided(sink);
        VerifierBuilder { store, keyring, policy, clock, restored_at, address_check, source, checker, notifications }
    }
}

impl<S: Store> VerifierBuilder<S> {
    /// Sets the sink that events go to. Those that [notify the
    /// owner](crate::account::Event::notifies_owner) are delivered until it has taken them.
    pub fn event_sink(self, sink: impl EventSink) -> VerifierBuilder<S, Decided> {
        self.decided(Some(BoxSink::new(sink)))
    }

    /// Tells nobody: neither the owner, who would learn of a stranger's change (SP 800-63B-4 §4.6),
    /// nor an audit log. Events are kept in the accounts' histories only, acknowledged in the write
    /// that makes them, so that no other verifier of the store tells of them either: decide the
    /// same for all of them, operators' tools included.
    pub fn without_notifications(self) -> VerifierBuilder<S, Decided> {
        self.decided(None)
    }
}

impl<S: Store> VerifierBuilder<S, Decided> {
    /// The verifier.
    #[must_use]
    pub fn build(self) -> Verifier<S> {
        let Self { store, keyring, policy, clock, restored_at, address_check, source, checker, notifications } = self;
        let Decided(sink) = notifications;
        Verifier(Arc::new(Inner {
            store: Measured(store),
            keyring,
            policy: policy.unwrap_or_default(),
            clock: clock.unwrap_or_else(|| Box::new(SystemClock)),
            sink,
            restored_at,
            address_check,
            source,
            checker,
            queue: Queue::default(),
        }))
    }
}

impl fmt::Debug for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Decided").finish_non_exhaustive()
    }
}

impl<S, N> fmt::Debug for VerifierBuilder<S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder").field("keyring", &self.keyring).finish_non_exhaustive()
    }
}
