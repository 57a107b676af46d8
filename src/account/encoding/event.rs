//! Events in their stored form.

use super::{Corrupt, Unknown, Written, channel_from_number, channel_number, fields, put_time, time};
use crate::account::address::Channel;
use crate::account::authenticator::AuthenticatorId;
use crate::account::device::DeviceId;
use crate::account::diagnosis::Diagnosis;
use crate::account::event::{Event, EventKind, Reason};
use crate::account::purpose::Purpose;
use crate::account::text::Text;
use crate::otp::UnixTime;
use alloc::boxed::Box;
use alloc::vec::Vec;
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

pub(in crate::account) fn event_to_bytes(event: &Event) -> Box<[u8]> {
    let mut to = Encoder::new(Vec::with_capacity(32));
    // A vector takes everything.
    let _ = write(event, &mut to);
    to.into_writer().into()
}

fn write<W: Write>(event: &Event, to: &mut Encoder<W>) -> Written<W> {
    let kind = match &event.kind {
        EventKind::Unknown => 0,
        EventKind::EnrollmentBegun { .. } => 1,
        EventKind::Confirmed { .. } => 2,
        EventKind::Accepted { .. } => 3,
        EventKind::Rejected { .. } => 4,
        EventKind::Locked { .. } => 5,
        EventKind::Disabled => 6,
        EventKind::Renamed { .. } => 7,
        EventKind::Removed { .. } => 8,
        EventKind::PassIssued { .. } => 9,
        EventKind::Restored { .. } => 10,
        EventKind::Erased { .. } => 11,
        EventKind::RecoveryCodesIssued { .. } => 12,
        EventKind::Recovered { .. } => 13,
        EventKind::DeliveredCodeAccepted { .. } => 14,
        EventKind::CodeSent { .. } => 15,
        EventKind::Resynchronized { .. } => 16,
        EventKind::Replaced { .. } => 17,
        EventKind::DeviceRemembered { .. } => 18,
        EventKind::DeviceForgotten { .. } => 19,
        EventKind::PassMailed { .. } => 20,
        EventKind::Reset { .. } => 21,
        EventKind::Frozen { .. } => 22,
        EventKind::Thawed { .. } => 23,
        EventKind::DriftCleared { .. } => 24,
    };
    to.begin_map()?.u32(0)?.u32(kind)?;
    put_time(to, 1, event.at)?;
    match &event.kind {
        EventKind::EnrollmentBegun { authenticator }
        | EventKind::Confirmed { authenticator }
        | EventKind::Renamed { authenticator }
        | EventKind::Removed { authenticator } => {
            to.u32(2)?.u32(authenticator.number())?;
        }
        EventKind::Accepted { authenticator, purpose, offset } => {
            to.u32(2)?.u32(authenticator.number())?;
            to.u32(3)?.str(purpose.as_str())?.u32(4)?.i64(*offset)?;
        }
        EventKind::Rejected { purpose, reason, diagnosis } => {
            if let Some(Diagnosis { authenticator, .. }) = diagnosis {
                to.u32(2)?.u32(authenticator.number())?;
            }
            to.u32(3)?.str(purpose.as_str())?.u32(5)?.u32(reason_number(*reason))?;
            if let Some(Diagnosis { ahead_secs, .. }) = diagnosis {
                to.u32(12)?.i64(*ahead_secs)?;
            }
        }
        EventKind::DeliveredCodeAccepted { authenticator, channel, purpose } => {
            put_id(to, *authenticator)?;
            to.u32(3)?.str(purpose.as_str())?.u32(13)?.u32(channel_number(*channel))?;
        }
        EventKind::CodeSent { authenticator, channel, address, purpose } => {
            put_id(to, *authenticator)?;
            to.u32(3)?.str(purpose.as_str())?.u32(13)?.u32(channel_number(*channel))?;
            to.u32(14)?.str(address.as_str())?;
        }
        EventKind::Resynchronized { authenticator, offset } => {
            to.u32(2)?.u32(authenticator.number())?.u32(4)?.i64(*offset)?;
        }
        EventKind::Replaced { authenticator, replaced } => {
            to.u32(2)?.u32(authenticator.number())?.u32(15)?.u32(replaced.number())?;
        }
        EventKind::DeviceRemembered { device } | EventKind::DeviceForgotten { device } => {
            to.u32(16)?.u64(device.number())?;
        }
        EventKind::DriftCleared { authenticator, operator, reason } => {
            to.u32(2)?.u32(authenticator.number())?;
            to.u32(9)?.str(operator.as_str())?.u32(10)?.str(reason.as_str())?;
        }
        EventKind::Locked { until, failures_in_a_row, is_first } => {
            put_time(to, 6, *until)?;
            to.u32(7)?.u32(*failures_in_a_row)?.u32(8)?.bool(*is_first)?;
        }
        EventKind::PassIssued { operator, reason, until } | EventKind::Reset { operator, reason, until } => {
            put_time(to, 6, *until)?;
            to.u32(9)?.str(operator.as_str())?.u32(10)?.str(reason.as_str())?;
        }
        EventKind::Erased { operator, reason }
        | EventKind::Frozen { operator, reason }
        | EventKind::Thawed { operator, reason } => {
            to.u32(9)?.str(operator.as_str())?.u32(10)?.str(reason.as_str())?;
        }
        EventKind::RecoveryCodesIssued { count } => {
            to.u32(11)?.u8(*count)?;
        }
        EventKind::Recovered { purpose, left } => {
            to.u32(3)?.str(purpose.as_str())?.u32(11)?.u8(*left)?;
        }
        EventKind::Restored { restored_at: at } | EventKind::PassMailed { until: at } => put_time(to, 6, *at)?,
        EventKind::Disabled | EventKind::Unknown => {}
    }
    to.end()?;
    Ok(())
}

fn put_id<W: Write>(to: &mut Encoder<W>, id: Option<AuthenticatorId>) -> Written<W> {
    if let Some(id) = id {
        to.u32(2)?.u32(id.number())?;
    }
    Ok(())
}

/// The fields that any kind has.
#[derive(Default)]
struct Parts {
    kind: u32,
    at: UnixTime,
    authenticator: Option<AuthenticatorId>,
    purpose: Option<Purpose>,
    offset: i64,
    reason: u32,
    until: UnixTime,
    failures: u32,
    is_first: bool,
    operator: Option<Text>,
    why: Option<Text>,
    count: u8,
    ahead_secs: i64,
    channel: Option<Channel>,
    address: Option<Text>,
    replaced: Option<AuthenticatorId>,
    device: Option<DeviceId>,
}

pub(in crate::account) fn event_from_bytes(sequence: u64, bytes: &[u8]) -> Result<Event, Corrupt> {
    let mut from = Decoder::new(bytes);
    let mut parts = Parts::default();
    let _: Unknown = fields(&mut from, |number, from| {
        match number {
            0 => parts.kind = from.u32()?,
            1 => parts.at = time(from)?,
            2 => parts.authenticator = Some(AuthenticatorId::new(from.u32()?)),
            3 => parts.purpose = Some(Purpose::new(from.str()?).map_err(|_| Corrupt)?),
            4 => parts.offset = from.i64()?,
            5 => parts.reason = from.u32()?,
            6 => parts.until = time(from)?,
            7 => parts.failures = from.u32()?,
            8 => parts.is_first = from.bool()?,
            9 => parts.operator = Some(Text::new(from.str()?).map_err(|_| Corrupt)?),
            10 => parts.why = Some(Text::new(from.str()?).map_err(|_| Corrupt)?),
            11 => parts.count = from.u8()?,
            12 => parts.ahead_secs = from.i64()?,
            13 => parts.channel = channel_from_number(from.u32()?),
            14 => parts.address = Some(Text::new(from.str()?).map_err(|_| Corrupt)?),
            15 => parts.replaced = Some(AuthenticatorId::new(from.u32()?)),
            16 => parts.device = Some(DeviceId::new(from.u64()?)),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let at = parts.at;
    Ok(Event { sequence: Some(sequence), at, kind: parts.kind()? })
}

impl Parts {
    fn kind(self) -> Result<EventKind, Corrupt> {
        let maybe = self.authenticator;
        let authenticator = maybe.ok_or(Corrupt);
        let (channel, device) = (self.channel.ok_or(Corrupt), self.device.ok_or(Corrupt));
        let purpose = self.purpose.ok_or(Corrupt);
        let (operator, reason) = (self.operator.ok_or(Corrupt), self.why.ok_or(Corrupt));
        Ok(match self.kind {
            1 => EventKind::EnrollmentBegun { authenticator: authenticator? },
            2 => EventKind::Confirmed { authenticator: authenticator? },
            3 => EventKind::Accepted { authenticator: authenticator?, purpose: purpose?, offset: self.offset },
            4 => match reason_from_number(self.reason) {
                Some(reason) => {
                    let ahead_secs = self.ahead_secs;
                    let diagnosis = maybe.map(|authenticator| Diagnosis { authenticator, ahead_secs });
                    EventKind::Rejected { purpose: purpose?, reason, diagnosis }
                }
                None => EventKind::Unknown,
            },
            5 => EventKind::Locked { until: self.until, failures_in_a_row: self.failures, is_first: self.is_first },
            6 => EventKind::Disabled,
            7 => EventKind::Renamed { authenticator: authenticator? },
            8 => EventKind::Removed { authenticator: authenticator? },
            9 => EventKind::PassIssued { operator: operator?, reason: reason?, until: self.until },
            10 => EventKind::Restored { restored_at: self.until },
            11 => EventKind::Erased { operator: operator?, reason: reason? },
            12 => EventKind::RecoveryCodesIssued { count: self.count },
            13 => EventKind::Recovered { purpose: purpose?, left: self.count },
            14 => EventKind::DeliveredCodeAccepted { authenticator: maybe, channel: channel?, purpose: purpose? },
            15 => EventKind::CodeSent {
                authenticator: maybe,
                channel: channel?,
                address: self.address.ok_or(Corrupt)?,
                purpose: purpose?,
            },
            16 => EventKind::Resynchronized { authenticator: authenticator?, offset: self.offset },
            17 => EventKind::Replaced { authenticator: authenticator?, replaced: self.replaced.ok_or(Corrupt)? },
            18 => EventKind::DeviceRemembered { device: device? },
            19 => EventKind::DeviceForgotten { device: device? },
            20 => EventKind::PassMailed { until: self.until },
            21 => EventKind::Reset { operator: operator?, reason: reason?, until: self.until },
            22 => EventKind::Frozen { operator: operator?, reason: reason? },
            23 => EventKind::Thawed { operator: operator?, reason: reason? },
            24 => EventKind::DriftCleared { authenticator: authenticator?, operator: operator?, reason: reason? },
            _ => EventKind::Unknown,
        })
    }
}

const REASONS: [(u32, Reason); 10] = [
    (1, Reason::Mismatch),
    (2, Reason::Expired),
    (3, Reason::Replayed),
    (4, Reason::Malformed),
    (5, Reason::Locked),
    (6, Reason::Busy),
    (7, Reason::Disabled),
    (8, Reason::Held),
    (9, Reason::Frozen),
    (10, Reason::SendLimited),
];

fn reason_number(reason: Reason) -> u32 {
    REASONS.iter().find(|(_, other)| *other == reason).map_or(0, |(number, _)| *number)
}

fn reason_from_number(number: u32) -> Option<Reason> {
    REASONS.iter().find(|(other, _)| *other == number).map(|(_, reason)| *reason)
}
