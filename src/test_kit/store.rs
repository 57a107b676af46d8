//! A store that fails on demand.

use crate::account::AccountId;
use crate::seal::{Revision, Stored, Write};
use crate::store::{Store, Swap};
use alloc::sync::Arc;
use core::future::poll_fn;
use core::task::Poll;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A store whose calls fail when a test says so. Clones are the same store. See the [module](super)
/// for an example.
#[derive(Clone, Debug)]
pub struct FailingStore<S> {
    inner: S,
    plan: Arc<Mutex<Plan>>,
}

/// The effect of a call that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: the server was not reached.
    NotDone,
    /// The call is done, and its answer is lost.
    DoneButUnknown,
}

/// The error of a [`FailingStore`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FailingStoreError<E: core::error::Error> {
    /// The test has made it fail.
    #[error("the test has made this call fail")]
    OnDemand,
    /// The store inside has failed.
    #[error(transparent)]
    Inner(E),
}

#[derive(Debug, Default)]
struct Plan {
    /// Calls so far.
    calls: usize,
    /// The call that fails, by its number, and how.
    one: Option<(usize, Fault)>,
    /// All calls fail so.
    all: Option<Fault>,
}

impl<S: Store> FailingStore<S> {
    /// A store that keeps its records in `inner`, and does not fail yet.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// Makes the next call fail.
    pub fn fail_next(&self, fault: Fault) {
        self.fail_after(0, fault);
    }

    /// Makes one call fail, after so many that do not.
    pub fn fail_after(&self, calls: usize, fault: Fault) {
        let mut plan = self.plan();
        plan.one = Some((plan.calls.saturating_add(calls), fault));
    }

    /// Makes all calls fail until [`recover`](Self::recover).
    pub fn fail_all(&self, fault: Fault) {
        self.plan().all = Some(fault);
    }

    /// Makes no call fail any more.
    pub fn recover(&self) {
        let mut plan = self.plan();
        (plan.one, plan.all) = (None, None);
    }

    /// The number of calls so far, failed ones included.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.plan().calls
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault of the call that begins now.
    fn fault(&self) -> Option<Fault> {
        let mut plan = self.plan();
        let call = plan.calls;
        plan.calls = call.saturating_add(1);
        plan.all.or(plan.one.filter(|(number, _)| *number == call).map(|(_, fault)| fault))
    }

    async fn run<T>(&self, call: impl Future<Output = Result<T, S::Error>>) -> Result<T, FailingStoreError<S::Error>> {
        let fault = self.fault();
        // Somewhere to be dropped at, before the call and after it.
        pause().await;
        if fault == Some(Fault::NotDone) {
            return Err(FailingStoreError::OnDemand);
        }
        let done = call.await.map_err(FailingStoreError::Inner)?;
        pause().await;
        if fault.is_some() { Err(FailingStoreError::OnDemand) } else { Ok(done) }
    }
}

impl<S: Store> Store for FailingStore<S> {
    type Error = FailingStoreError<S::Error>;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, Self::Error> {
        self.run(self.inner.load(account)).await
    }

    async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, Self::Error> {
        self.run(self.inner.swap(account, write)).await
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, Self::Error> {
        self.run(self.inner.delete(account, expected)).await
    }

    async fn ready(&self) -> Result<(), Self::Error> {
        self.run(self.inner.ready()).await
    }
}

/// Lets others go on once.
async fn pause() {
    let mut is_next = false;
    poll_fn(|context| {
        if core::mem::replace(&mut is_next, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
