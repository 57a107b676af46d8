//! Events as structured logs.

use super::sink::{EventSink, SinkError};
use crate::account::{AccountId, Event, FieldValue, Source};

/// Events as structured logs, by the `tracing` crate: target `sekisho`, one record an event, with
/// the fields `account`, `event`, `at` (Unix time in seconds), `sequence`, and, where the event has
/// them, `authenticator`, `replaced`, `device`, `purpose`, `channel`, `address` (masked), `reason`,
/// `operator`, `until` (of a lock, a pass, a hold or a recovery; of a restored backup its time),
/// `failures_in_a_row`, `offset` (in steps), `left` (recovery codes that are left or issued),
/// `source_address`, `source_agent` and `correlation_id`. At level WARN what the owner should be
/// told of, otherwise INFO. The handle of a notice is not logged.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingSink;

impl EventSink for TracingSink {
    async fn deliver(&self, account: &AccountId, event: &Event) -> Result<(), SinkError> {
        let (fields, source) = (Fields::of(event), event.source.as_ref());
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
                    source_address = source.and_then(Source::address),
                    source_agent = source.and_then(Source::agent),
                    correlation_id = source.and_then(Source::correlation_id),
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

/// The fields of an event as a log shows them.
#[derive(Default)]
struct Fields<'a> {
    authenticator: Option<i64>,
    replaced: Option<i64>,
    device: Option<i64>,
    purpose: Option<&'a str>,
    channel: Option<&'a str>,
    address: Option<&'a str>,
    reason: Option<&'a str>,
    operator: Option<&'a str>,
    until: Option<i64>,
    failures_in_a_row: Option<i64>,
    offset: Option<i64>,
    left: Option<i64>,
}

impl<'a> Fields<'a> {
    fn of(event: &'a Event) -> Self {
        let operator = event.operator.as_ref();
        let mut fields = Self {
            operator: operator.map(|one| one.name().as_str()),
            // No refusal, which has a reason of its own, is an operator's act.
            reason: operator.map(|one| one.reason().as_str()),
            ..Self::default()
        };
        event.kind.visit(|name, value| fields.set(name, value));
        fields
    }

    fn set(&mut self, name: &'static str, value: FieldValue<'a>) {
        match value {
            FieldValue::Number(number) => match name {
                "authenticator" => self.authenticator = Some(number),
                "replaced" => self.replaced = Some(number),
                "device" => self.device = Some(number),
                "until" | "restored_at" => self.until = Some(number),
                "failures_in_a_row" => self.failures_in_a_row = Some(number),
                "offset" => self.offset = Some(number),
                "left" | "count" => self.left = Some(number),
                _ => {}
            },
            FieldValue::Word(word) => match name {
                "purpose" => self.purpose = Some(word),
                "channel" => self.channel = Some(word),
                "address" => self.address = Some(word),
                "reason" => self.reason = Some(word),
                _ => {}
            },
            FieldValue::Absent => {}
        }
    }
}
