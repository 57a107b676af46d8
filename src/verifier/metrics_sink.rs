//! Events as counters.

use super::sink::{EventSink, SinkError};
use crate::account::{AccountId, Event, EventKind};

/// Events as counters, by the `metrics` crate. Accounts are not told apart: those would be too
/// many.
///
/// The verifier and the stores count by themselves, whatever the sink. All that is counted:
///
/// | metric | labels | |
/// |---|---|---|
/// | `sekisho_events_total` | `event`: [`EventKind::as_str`]; `reason`, of refusals: [`Reason::as_str`] | a counter, by this sink |
/// | `sekisho_store_calls_total` | `call`: `load`, `swap`, `delete` or `ready`; `outcome`: `done`, `lost` (another change was faster), `transient`, `permanent` (the [class](crate::store::StoreError::is_transient) of its error), or `dropped` (whoever waited has gone) | a counter |
/// | `sekisho_store_call_seconds` | `call` | a histogram, in seconds |
/// | `sekisho_store_retries_total` | `store`; `reason`: `connection` (closed while idle), `script` (forgotten by the server), or `refused` (the server moves, fails over or is loading) | a counter of what a store has sent again |
/// | `sekisho_change_retries_total` | | a counter of changes that were made again, as another one was faster |
/// | `sekisho_ready` | | a gauge: 1 if [`Verifier::ready`](crate::Verifier::ready) was `Ok` last, and otherwise 0 |
///
/// Prometheus exporters have to be told the bounds of the histogram's buckets, as
/// `examples/exchange` does, or they show summaries.
///
/// An example dashboard of Grafana and alert rules of Prometheus are in `docs/monitoring`.
///
/// [`Reason::as_str`]: crate::otp::Reason::as_str
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricsSink;

impl EventSink for MetricsSink {
    async fn deliver(&self, _: &AccountId, event: &Event) -> Result<(), SinkError> {
        let reason = match &event.kind {
            EventKind::Rejected { reason, .. } => reason.as_str(),
            _ => "",
        };
        metrics::counter!("sekisho_events_total", "event" => event.kind.as_str(), "reason" => reason).increment(1);
        Ok(())
    }
}
