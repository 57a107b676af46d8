//! Events as counters.

use super::sink::{EventSink, SinkError};
use crate::account::{AccountId, Event, EventKind};

/// Events as counters, by the `metrics` crate. Accounts are not told apart: those would be too
/// many.
///
/// The verifier and the stores count by themselves, whatever the sink. All that is counted:
///
/// | metric | kind | labels |
/// |---|---|---|
/// | `sekisho_events_total` | counter, by this sink | `event`, `reason` |
/// | `sekisho_store_calls_total` | counter | `call`, `outcome` |
/// | `sekisho_store_call_seconds` | histogram, in seconds | `call` |
/// | `sekisho_store_retries_total` | counter: a store sent something again | `store`, `reason` |
/// | `sekisho_change_retries_total` | counter: another change was faster | |
/// | `sekisho_ready` | gauge: 1 if [`Verifier::ready`] was `Ok` last, otherwise 0 | |
///
/// The values of the labels:
///
/// - `event`: [`EventKind::as_str`]; and, where it is a refusal, `reason`: [`Reason::as_str`].
/// - `call`: `load`, `swap`, `delete` or `ready`.
/// - `outcome`: `done`; `lost` (another change was faster); `transient` or `permanent`, the
///   [class](crate::store::StoreError::is_transient) of its error; or `dropped` (the caller stopped
///   waiting).
/// - `reason` of a store's retry: `connection` (it was closed while idle), `script` (the server has
///   forgotten it), or `refused` (the server moves, fails over or is loading).
///
/// Prometheus exporters have to be told the bounds of the histogram's buckets, as
/// `examples/exchange` does, or they show summaries.
///
/// An example dashboard of Grafana and alert rules of Prometheus are in `docs/monitoring`.
///
/// [`Reason::as_str`]: crate::otp::Reason::as_str
/// [`Verifier::ready`]: crate::Verifier::ready
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
