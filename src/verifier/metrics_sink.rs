//! Events as counters.

use super::sink::{EventSink, SinkError};
use crate::account::{AccountId, Event, EventKind};

/// Events as counters, by the `metrics` crate: `sekisho_events_total`, by `event` and, for
/// refusals, `reason`. No accounts: those would be too many.
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
