//! Sinks for logs and counters.

use super::sink::{EventSink, SinkError};
use crate::account::{AccountId, Event, EventKind};
#[cfg(feature = "tracing")]
use crate::account::{AuthenticatorId, Channel, Diagnosis, Purpose, Text};

/// Events as structured logs, by the `tracing` crate: target `sekisho`, one record an event, with the fields `account`, `event`,
/// `at` (Unix time in seconds), `sequence`, and, where the event has them, `authenticator`, `replaced`, `device`, `purpose`, `channel`,
/// `address` (masked), `reason`, `operator`, `until` (of a lock, a pass, or a restored backup), `failures_in_a_row`, `offset` (in steps), `left` (recovery
/// codes), `diagnosis`. At level WARN what the owner should be told of, otherwise INFO.
#[cfg(feature = "tracing")]
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingSink;

#[cfg(feature = "tracing")]
impl EventSink for TracingSink {
    async fn deliver(&self, account: &AccountId, event: &Event) -> Result<(), SinkError> {
        let fields = Fields::of(&event.kind);
        let diagnosis = fields.diagnosis.as_ref().map(tracing::field::display);
        // Names of fields and levels are fixed when compiled: one macro call for each level.
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    target: "sekisho",
                    account = ?account,
                    event = event.kind.as_str(),
                    at = event.at.as_secs(),
                    sequence = event.sequence,
                    authenticator = fields.authenticator,
                    replaced = fields.replaced,
                    device = fields.device,
                    purpose = fields.purpose,
                    channel = fields.channel,
                    address = fields.address,
                    reason = fields.reason,
                    operator = fields.operator,
                    until = fields.until,
                    failures_in_a_row = fields.failures_in_a_row,
                    offset = fields.offset,
                    left = fields.left,
                    diagnosis,
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

/// What an event has to say, field by field.
#[cfg(feature = "tracing")]
#[derive(Default)]
struct Fields<'a> {
    authenticator: Option<u32>,
    replaced: Option<u32>,
    device: Option<u64>,
    purpose: Option<&'a str>,
    channel: Option<&'a str>,
    address: Option<&'a str>,
    reason: Option<&'a str>,
    operator: Option<&'a str>,
    until: Option<u64>,
    failures_in_a_row: Option<u32>,
    offset: Option<i64>,
    left: Option<u8>,
    diagnosis: Option<Diagnosis>,
}

#[cfg(feature = "tracing")]
impl<'a> Fields<'a> {
    /// Without a catch-all: a new kind of event has to say what it has.
    fn of(kind: &'a EventKind) -> Self {
        let by = |operator: &'a Text, reason: &'a Text| Self {
            operator: Some(operator.as_str()),
            reason: Some(reason.as_str()),
            ..Self::default()
        };
        let of =
            |authenticator: &AuthenticatorId| Self { authenticator: Some(authenticator.number()), ..Self::default() };
        let sent = |authenticator: &Option<AuthenticatorId>, channel: &Channel, purpose: &'a Purpose| Self {
            authenticator: authenticator.map(AuthenticatorId::number),
            channel: Some(channel.as_str()),
            purpose: Some(purpose.as_str()),
            ..Self::default()
        };
        match kind {
            EventKind::EnrollmentBegun { authenticator }
            | EventKind::Confirmed { authenticator }
            | EventKind::Renamed { authenticator }
            | EventKind::Removed { authenticator } => of(authenticator),
            EventKind::Accepted { authenticator, purpose, offset } => {
                Self { purpose: Some(purpose.as_str()), offset: Some(*offset), ..of(authenticator) }
            }
            EventKind::DeliveredCodeAccepted { authenticator, channel, purpose } => {
                sent(authenticator, channel, purpose)
            }
            EventKind::CodeSent { authenticator, channel, address, purpose } => {
                Self { address: Some(address.as_str()), ..sent(authenticator, channel, purpose) }
            }
            EventKind::Rejected { purpose, reason, diagnosis } => Self {
                purpose: Some(purpose.as_str()),
                reason: Some(reason.as_str()),
                authenticator: diagnosis.map(|diagnosis| diagnosis.authenticator.number()),
                diagnosis: *diagnosis,
                ..Self::default()
            },
            EventKind::Locked { until, failures_in_a_row, is_first: _ } => {
                Self { until: Some(until.as_secs()), failures_in_a_row: Some(*failures_in_a_row), ..Self::default() }
            }
            EventKind::Resynchronized { authenticator, offset } => Self { offset: Some(*offset), ..of(authenticator) },
            EventKind::Replaced { authenticator, replaced } => {
                Self { replaced: Some(replaced.number()), ..of(authenticator) }
            }
            EventKind::DeviceRemembered { device } | EventKind::DeviceForgotten { device } => {
                Self { device: Some(device.number()), ..Self::default() }
            }
            EventKind::PassMailed { until } | EventKind::Restored { restored_at: until } => {
                Self { until: Some(until.as_secs()), ..Self::default() }
            }
            EventKind::PassIssued { operator, reason, until } | EventKind::Reset { operator, reason, until } => {
                Self { until: Some(until.as_secs()), ..by(operator, reason) }
            }
            EventKind::Frozen { operator, reason }
            | EventKind::Thawed { operator, reason }
            | EventKind::Erased { operator, reason } => by(operator, reason),
            EventKind::DriftCleared { authenticator, operator, reason } => {
                Self { authenticator: Some(authenticator.number()), ..by(operator, reason) }
            }
            EventKind::RecoveryCodesIssued { count } => Self { left: Some(*count), ..Self::default() },
            EventKind::Recovered { purpose, left } => {
                Self { purpose: Some(purpose.as_str()), left: Some(*left), ..Self::default() }
            }
            EventKind::Disabled | EventKind::Unknown => Self::default(),
        }
    }
}

/// Events as counters, by the `metrics` crate: `sekisho_events_total`, by `event` and, for refusals, `reason`. No
/// accounts: those would be too many.
#[cfg(feature = "metrics")]
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricsSink;

#[cfg(feature = "metrics")]
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
