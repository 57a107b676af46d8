//! The store as a verifier asks it: with the feature `metrics`, every call is counted and timed.

use crate::account::AccountId;
use crate::seal::{Revision, Stored, Write};
use crate::store::{Store, Swap};
use core::error::Error;

/// A store whose calls are counted and timed.
pub(super) struct Measured<S>(pub(super) S);

impl<S: Store> Store for Measured<S> {
    type Error = S::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, S::Error> {
        measured("load", self.0.load(account), |_| "done").await
    }

    async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, S::Error> {
        measured("swap", self.0.swap(account, write), |swap| outcome(*swap)).await
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, S::Error> {
        measured("delete", self.0.delete(account, expected), |swap| outcome(*swap)).await
    }

    async fn ready(&self) -> Result<(), S::Error> {
        measured("ready", self.0.ready(), |()| "done").await
    }
}

const fn outcome(swap: Swap) -> &'static str {
    match swap {
        Swap::Done => "done",
        Swap::Lost => "lost",
    }
}

#[cfg(not(feature = "metrics"))]
async fn measured<T, E: Error + 'static>(
    _: &'static str,
    call: impl Future<Output = Result<T, E>>,
    _: fn(&T) -> &'static str,
) -> Result<T, E> {
    call.await
}

#[cfg(feature = "metrics")]
async fn measured<T, E: Error + 'static>(
    name: &'static str,
    call: impl Future<Output = Result<T, E>>,
    outcome: fn(&T) -> &'static str,
) -> Result<T, E> {
    let mut measurement = Measurement { name, begun: std::time::Instant::now(), outcome: "dropped" };
    let answer = call.await;
    measurement.outcome = match &answer {
        Ok(done) => outcome(done),
        Err(error) if is_transient(error) => "transient",
        Err(_) => "permanent",
    };
    answer
}

/// A store that is not this library's is given the benefit of the doubt.
#[cfg(feature = "metrics")]
fn is_transient(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref().is_none_or(crate::store::StoreError::is_transient)
}

/// One call. It is counted when it ends, or when whoever waited for it has gone.
#[cfg(feature = "metrics")]
struct Measurement {
    name: &'static str,
    begun: std::time::Instant,
    outcome: &'static str,
}

#[cfg(feature = "metrics")]
impl Drop for Measurement {
    fn drop(&mut self) {
        let Self { name, begun, outcome } = self;
        metrics::counter!("sekisho_store_calls_total", "call" => *name, "outcome" => *outcome).increment(1);
        metrics::histogram!("sekisho_store_call_seconds", "call" => *name).record(begun.elapsed());
    }
}

/// A change is made again from the beginning, as another one was faster.
pub(super) fn retried() {
    #[cfg(feature = "metrics")]
    metrics::counter!("sekisho_change_retries_total").increment(1);
}

/// A readiness check has answered this.
pub(super) fn checked(is_ready: bool) {
    #[cfg(feature = "metrics")]
    metrics::gauge!("sekisho_ready").set(f64::from(u8::from(is_ready)));
    #[cfg(not(feature = "metrics"))]
    let _ = is_ready;
}
