//! Sinks for logs and counters.

use super::sink::{EventSink, SinkError};
use crate::account::{AccountId, Event, EventKind};

/// Events as structured logs, by the `tracing` crate: target `sekisho`, one record an event, with the fields `account`, `event`,
/// `at` (Unix time in seconds), `sequence`, and, where the event has them, `authenticator`, `purpose`, `reason`, `operator`, `until`
/// (of a lock, a pass, or a restored backup), `failures_in_a_row`, `offset`. At level WARN what the owner should be told of,
/// otherwise INFO.
#[cfg(feature = "tracing")]
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingSink;

#[cfg(feature = "tracing")]
impl EventSink for TracingSink {
    async fn hand(&self, account: &AccountId, event: &Event) -> Result<(), SinkError> {
        // Names of fields and levels are fixed when compiled: one macro call for each level.
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    target: "sekisho",
                    account = ?account,
                    event = event.kind.as_str(),
                    at = event.at.as_secs(),
                    sequence = event.sequence,
                    authenticator = authenticator(&event.kind),
                    purpose = purpose(&event.kind),
                    reason = reason(&event.kind),
                    operator = operator(&event.kind),
                    until = until(&event.kind),
                    failures_in_a_row = failures_in_a_row(&event.kind),
                    offset = offset(&event.kind),
                )
            };
        }
        if event.notifies_owner() {
            log!(warn);
        } else {
            log!(info);
        }
        Ok(())
    }
}

#[cfg(feature = "tracing")]
const fn authenticator(kind: &EventKind) -> Option<u32> {
    match kind {
        EventKind::EnrolmentBegun { authenticator }
        | EventKind::Confirmed { authenticator }
        | EventKind::Accepted { authenticator, .. }
        | EventKind::Renamed { authenticator }
        | EventKind::Removed { authenticator } => Some(authenticator.number()),
        _ => None,
    }
}

#[cfg(feature = "tracing")]
fn purpose(kind: &EventKind) -> Option<&str> {
    match kind {
        EventKind::Accepted { purpose, .. }
        | EventKind::Rejected { purpose, .. }
        | EventKind::Recovered { purpose, .. } => Some(purpose.as_str()),
        _ => None,
    }
}

/// Why: a refusal's reason, or the operator's.
#[cfg(feature = "tracing")]
fn reason(kind: &EventKind) -> Option<&str> {
    match kind {
        EventKind::Rejected { reason, .. } => Some(reason.as_str()),
        EventKind::PassIssued { reason, .. } | EventKind::Erased { reason, .. } => Some(reason.as_str()),
        _ => None,
    }
}

#[cfg(feature = "tracing")]
fn operator(kind: &EventKind) -> Option<&str> {
    match kind {
        EventKind::PassIssued { operator, .. } | EventKind::Erased { operator, .. } => Some(operator.as_str()),
        _ => None,
    }
}

#[cfg(feature = "tracing")]
const fn until(kind: &EventKind) -> Option<u64> {
    match kind {
        EventKind::Locked { until, .. }
        | EventKind::PassIssued { until, .. }
        | EventKind::Restored { restored_at: until } => Some(until.as_secs()),
        _ => None,
    }
}

#[cfg(feature = "tracing")]
const fn failures_in_a_row(kind: &EventKind) -> Option<u32> {
    match kind {
        EventKind::Locked { failures_in_a_row, .. } => Some(*failures_in_a_row),
        _ => None,
    }
}

#[cfg(feature = "tracing")]
const fn offset(kind: &EventKind) -> Option<i64> {
    match kind {
        EventKind::Accepted { offset, .. } => Some(*offset),
        _ => None,
    }
}

/// Events as counters, by the `metrics` crate: `sekisho_events_total`, by `event` and, for refusals, `reason`. No
/// accounts: those would be too many.
#[cfg(feature = "metrics")]
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricsSink;

#[cfg(feature = "metrics")]
impl EventSink for MetricsSink {
    async fn hand(&self, _: &AccountId, event: &Event) -> Result<(), SinkError> {
        let reason = match &event.kind {
            EventKind::Rejected { reason, .. } => reason.as_str(),
            _ => "",
        };
        metrics::counter!("sekisho_events_total", "event" => event.kind.as_str(), "reason" => reason).increment(1);
        Ok(())
    }
}
