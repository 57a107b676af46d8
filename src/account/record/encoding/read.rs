//! A record is read from its stored form.

use super::fields::{Corrupt, MINIMUM_READER, Unknown, bytes, channel_from_number, fields, list, time, tuple};
use crate::account::event::Importance;
use crate::account::names::address::{Address, Channel};
use crate::account::names::ids::{AuthenticatorId, DeviceId};
use crate::account::names::purpose::Purpose;
use crate::account::names::text::Text;
use crate::account::proof::Method;
use crate::account::record::authenticator::{App, Authenticator, Kind, Labels, Pending, Replaced};
use crate::account::record::capacity::{
    AUTHENTICATORS, DELIVERED, DEVICES, EVENTS, HOLD_SECS, HOLDS, PASSES, RECOVERY_CODES, REDEEMED, REPLACED, REPLIES,
    SENDS, WRONG_CODES,
};
use crate::account::record::delivered::{Delivered, Recipient, Sends, Sent};
use crate::account::record::device::Device;
use crate::account::record::history::Entry;
use crate::account::record::recovery::RecoverySet;
use crate::account::record::replies::{Answer, Replies, Reply};
use crate::account::record::token::{Pass, PassOrigin, Passes, TokenHash};
use crate::account::record::whole::{Hold, Record, Redeemed, WrongCode};
use crate::otp::{
    Accepted, Algorithm, Code, Digits, FailureCount, LockState, Period, RECENT_CODES, Secret, Step, StoredError,
    Throttle, Totp, Tracker, UnixTime,
};
use alloc::boxed::Box;
use core::num::NonZeroU32;
use minicbor::Decoder;
use minicbor::data::Type;

pub(in crate::account) fn from_bytes(bytes: &[u8]) -> Result<Record, StoredError> {
    let version = read_minimum_reader(bytes)?;
    if version != MINIMUM_READER {
        return Err(StoredError::Version { version });
    }
    let mut from = Decoder::new(bytes);
    let record = read(&mut from)?;
    if from.position() != bytes.len() {
        return Err(StoredError::Corrupt);
    }
    Ok(record)
}

/// Field 0, which comes first.
fn read_minimum_reader(bytes: &[u8]) -> Result<u32, Corrupt> {
    let mut from = Decoder::new(bytes);
    from.map()?;
    if from.u32()? == 0 { Ok(from.u32()?) } else { Err(Corrupt) }
}

fn read(from: &mut Decoder<'_>) -> Result<Record, Corrupt> {
    let mut record = Record::new();
    let mut has_newest = false;
    record.unknown = fields(from, |number, from| {
        match number {
            0 => drop(from.u32()?),
            1 => record.made_at = time(from)?,
            2 => record.epoch = from.u64()?,
            3 => record.authenticators = list(from, AUTHENTICATORS, read_authenticator)?,
            4 => record.next_id = AuthenticatorId::new(from.u32()?),
            5 => record.pending = Some(read_pending(from)?),
            6 => {
                for accepted in list(from, RECENT_CODES, read_accepted)? {
                    record.recent_codes.push(accepted);
                }
            }
            7 => record.used_until = time(from)?,
            8 => record.throttles.common = read_throttle(from)?,
            9 => record.throttles.devices = read_throttle(from)?,
            10 => record.throttles.enrollment = read_throttle(from)?,
            11 => record.throttles.run = from.u32()?,
            12 => record.passes = Passes(list(from, PASSES, read_pass)?),
            13 => record.holds = list(from, HOLDS, read_hold)?,
            14 => record.replies = Replies(list(from, REPLIES, read_reply)?),
            15 => record.history.entries = list(from, EVENTS, read_entry)?,
            16 => record.history.last = from.u64()?,
            17 => record.proofs_spent = from.u64()?,
            18 => record.restored_at = time(from)?,
            19 => record.recovery = Some(read_recovery(from)?),
            // Recovery codes had a throttle once.
            20 => drop(read_throttle(from)?),
            21 => record.devices = list(from, DEVICES, read_device)?,
            22 => {
                let Accepted { code, at } = read_accepted(from)?;
                // One was kept once, without its event.
                record.wrong_codes.push(WrongCode { code, at, event: 0 });
            }
            23 => record.delivered = Delivered(list(from, DELIVERED, read_sent)?),
            24 => record.sends = Sends(list(from, SENDS, time)?),
            25 => record.sends_of_devices = Sends(list(from, SENDS, time)?),
            26 => record.frozen_at = Some(time(from)?),
            27 => record.is_reset = from.bool()?,
            28 => record.redeemed = list(from, REDEEMED, read_redeemed)?,
            29 => record.throttles.mailed_passes = read_throttle(from)?,
            30 => record.mailed = Sends(list(from, SENDS, time)?),
            31 => record.history.handed_at = time(from)?,
            32 => (record.newest, has_newest) = (time(from)?, true),
            34 => record.wrong_codes = list(from, WRONG_CODES, read_wrong_code)?,
            33 => record.replaced = list(from, REPLACED, read_replaced)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    for entry in &mut record.history.entries {
        entry.sequence = record.history.last.checked_sub(entry.sequence).ok_or(Corrupt)?;
    }
    // Records did not keep it once.
    if !has_newest {
        record.newest = record.newest_known();
    }
    let ids = || record.authenticators.iter().map(|authenticator| authenticator.id);
    let pending = record.pending.as_ref().map(|pending| pending.id);
    let ordered = ids().is_sorted_by(|a, b| a < b)
        && record.history.entries.is_sorted_by(|a, b| a.sequence < b.sequence)
        && ids().chain(pending).all(|id| id < record.next_id)
        && !ids().any(|id| Some(id) == pending);
    if ordered { Ok(record) } else { Err(Corrupt) }
}

/// The fields that authenticators and pending enrollments have in common, and those that either has
/// beside.
#[derive(Default)]
struct Parts {
    id: Option<AuthenticatorId>,
    name: Option<Text>,
    secret: Option<Box<Secret>>,
    algorithm: Option<Algorithm>,
    digits: Option<Digits>,
    period: Option<Period>,
    t0: UnixTime,
    watermark: Option<Step>,
    drift: i32,
    anchor: i32,
    bound_at: UnixTime,
    last_used: UnixTime,
    disabled: bool,
    until: UnixTime,
    channel: Option<Channel>,
    address: Option<Address>,
    replaces: Option<AuthenticatorId>,
    pass: Option<TokenHash>,
    handle: Option<TokenHash>,
    issuer: Option<Box<str>>,
    account: Option<Box<str>>,
    lead: u64,
    unknown: Unknown,
}

impl Parts {
    fn read(from: &mut Decoder<'_>) -> Result<Self, Corrupt> {
        let mut parts = Self::default();
        parts.unknown = fields(from, |number, from| {
            match number {
                0 => parts.id = Some(AuthenticatorId::new(from.u32()?)),
                1 => parts.name = Some(Text::stored(from.str()?).ok_or(Corrupt)?),
                2 => parts.secret = Some(Secret::boxed(from.bytes()?).map_err(|_| Corrupt)?),
                3 => {
                    parts.algorithm = Some(match from.u8()? {
                        1 => Algorithm::Sha1,
                        2 => Algorithm::Sha256,
                        3 => Algorithm::Sha512,
                        _ => return Err(Corrupt),
                    });
                }
                4 => parts.digits = Some(Digits::from_count(from.u8()?).ok_or(Corrupt)?),
                5 => parts.period = Some(Period::from_secs(from.u64()?).ok_or(Corrupt)?),
                6 => parts.t0 = time(from)?,
                7 => parts.watermark = Some(Step::new(from.u64()?)),
                8 => parts.drift = from.i32()?,
                9 => parts.anchor = from.i32()?,
                10 => parts.bound_at = time(from)?,
                11 => parts.last_used = time(from)?,
                12 => parts.disabled = from.bool()?,
                13 => parts.until = time(from)?,
                14 => parts.channel = channel_from_number(from.u32()?),
                15 => {
                    let channel = parts.channel.ok_or(Corrupt)?;
                    parts.address = Some(Address::stored(channel, from.str()?).ok_or(Corrupt)?);
                }
                16 => parts.replaces = Some(AuthenticatorId::new(from.u32()?)),
                17 => parts.pass = Some(TokenHash(bytes(from)?)),
                18 => parts.handle = Some(TokenHash(bytes(from)?)),
                19 => parts.issuer = Some(from.str()?.into()),
                20 => parts.account = Some(from.str()?.into()),
                21 => parts.lead = from.u64()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(parts)
    }

    fn totp(&self) -> Result<Totp, Corrupt> {
        Ok(Totp {
            algorithm: self.algorithm.ok_or(Corrupt)?,
            digits: self.digits.ok_or(Corrupt)?,
            period: self.period.ok_or(Corrupt)?,
            t0: self.t0,
        })
    }

    fn tracker(&self) -> Result<Tracker, Corrupt> {
        Tracker::from_stored(self.watermark, self.drift, self.anchor).ok_or(Corrupt)
    }

    /// Either an address or a secret, and not both.
    fn kind(&mut self) -> Result<Kind, Corrupt> {
        match (self.address.take(), self.secret.take()) {
            (Some(address), None) => Ok(Kind::Address(address)),
            (None, Some(secret)) => Ok(Kind::App(App { totp: self.totp()?, secret, tracker: self.tracker()? })),
            _ => Err(Corrupt),
        }
    }
}

fn read_authenticator(from: &mut Decoder<'_>) -> Result<Authenticator, Corrupt> {
    let mut parts = Parts::read(from)?;
    Ok(Authenticator {
        kind: parts.kind()?,
        id: parts.id.ok_or(Corrupt)?,
        name: parts.name.ok_or(Corrupt)?,
        bound_at: parts.bound_at,
        last_used: parts.last_used,
        disabled: parts.disabled,
        unknown: parts.unknown,
    })
}

fn read_pending(from: &mut Decoder<'_>) -> Result<Pending, Corrupt> {
    let mut parts = Parts::read(from)?;
    Ok(Pending {
        kind: parts.kind()?,
        id: parts.id.ok_or(Corrupt)?,
        name: parts.name.ok_or(Corrupt)?,
        until: parts.until,
        lead: parts.lead,
        replaces: parts.replaces,
        pass: parts.pass,
        handle: parts.handle,
        labels: parts.issuer.zip(parts.account).map(|(issuer, account)| Labels { issuer, account }),
        unknown: parts.unknown,
    })
}

fn read_replaced(from: &mut Decoder<'_>) -> Result<Replaced, Corrupt> {
    let mut parts = Parts::read(from)?;
    match parts.kind()? {
        Kind::App(app) => Ok(Replaced { app, at: parts.bound_at }),
        Kind::Address(_) => Err(Corrupt),
    }
}

fn read_accepted(from: &mut Decoder<'_>) -> Result<Accepted, Corrupt> {
    tuple(from, 2)?;
    Ok(Accepted { code: Code::from_packed(from.u32()?).ok_or(Corrupt)?, at: time(from)? })
}

fn read_wrong_code(from: &mut Decoder<'_>) -> Result<WrongCode, Corrupt> {
    tuple(from, 3)?;
    Ok(WrongCode { code: Code::from_packed(from.u32()?).ok_or(Corrupt)?, at: time(from)?, event: from.u64()? })
}

fn read_throttle(from: &mut Decoder<'_>) -> Result<Throttle, Corrupt> {
    tuple(from, 4)?;
    Ok(Throttle { run: from.u32()?, last_failure: time(from)?, long_term: from.u32()?, leaked_at: time(from)? })
}

fn read_pass(from: &mut Decoder<'_>) -> Result<Pass, Corrupt> {
    let len = from.array()?;
    let (hash, until, secs, failures) = (TokenHash(bytes(from)?), time(from)?, from.u64()?, from.u32()?);
    // One without an origin was written before passes had one.
    let (is_operators, lead) = match len {
        Some(4) => (false, 0),
        Some(5) => (from.bool()?, 0),
        Some(6) => (from.bool()?, from.u64()?),
        _ => return Err(Corrupt),
    };
    let origin = if is_operators { PassOrigin::Operator } else { PassOrigin::Mailed };
    Ok(Pass { hash, origin, until, secs, lead, failures })
}

fn read_device(from: &mut Decoder<'_>) -> Result<Device, Corrupt> {
    tuple(from, 6)?;
    Ok(Device {
        id: DeviceId::new(from.u64()?),
        name: Text::stored(from.str()?).ok_or(Corrupt)?,
        hash: TokenHash(bytes(from)?),
        proof: from.u64()?,
        last_used: time(from)?,
        failures: from.u32()?,
    })
}

fn read_sent(from: &mut Decoder<'_>) -> Result<Sent, Corrupt> {
    let has_lead = has_one_more(from, 5)?;
    let channel = channel_from_number(from.u32()?).ok_or(Corrupt)?;
    let recipient = match from.datatype()? {
        Type::String => Recipient::Named(Address::stored(channel, from.str()?).ok_or(Corrupt)?),
        _ => Recipient::Bound(AuthenticatorId::new(from.u32()?), channel),
    };
    let purpose = Purpose::new(from.str()?).map_err(|_| Corrupt)?;
    let code = Code::from_packed(from.u32()?).ok_or(Corrupt)?;
    let until = time(from)?;
    let lead = if has_lead { from.u64()? } else { 0 };
    Ok(Sent { recipient, purpose, code, until, lead })
}

fn read_redeemed(from: &mut Decoder<'_>) -> Result<Redeemed, Corrupt> {
    tuple(from, 2)?;
    Ok(Redeemed { serial: from.u64()?, at: time(from)? })
}

fn read_recovery(from: &mut Decoder<'_>) -> Result<RecoverySet, Corrupt> {
    tuple(from, 2)?;
    Ok(RecoverySet { key: bytes(from)?, hashes: list(from, RECOVERY_CODES, bytes)? })
}

fn read_hold(from: &mut Decoder<'_>) -> Result<Hold, Corrupt> {
    let len = from.array()?;
    let (purpose, until) = (Purpose::new(from.str()?).map_err(|_| Corrupt)?, time(from)?);
    // One without its beginning was written before holds had one.
    let from = match len {
        Some(2) => UnixTime::from_secs(until.as_secs().saturating_sub(HOLD_SECS)),
        Some(3) => time(from)?,
        _ => return Err(Corrupt),
    };
    Ok(Hold { purpose, from, until })
}

/// With the distance from the latest event in the place of its number.
fn read_entry(from: &mut Decoder<'_>) -> Result<Entry, Corrupt> {
    tuple(from, 3)?;
    let sequence = from.u64()?;
    let (importance, is_owed) = match from.u8()? {
        0 => (Importance::Ordinary, false),
        1 => (Importance::Notice, true),
        2 => (Importance::Refusal, false),
        3 => (Importance::Notice, false),
        4 => (Importance::Act, true),
        5 => (Importance::Act, false),
        _ => return Err(Corrupt),
    };
    Ok(Entry { sequence, importance, is_owed, bytes: Box::from(from.bytes()?) })
}

fn read_reply(from: &mut Decoder<'_>) -> Result<Reply, Corrupt> {
    let has_lead = has_one_more(from, 6)?;
    let (fingerprint, at) = (bytes(from)?, time(from)?);
    let lead = if has_lead { from.u64()? } else { 0 };
    Ok(Reply { fingerprint, at, lead, answer: read_answer(from)? })
}

/// Returns whether a list has one part more than so many, as newer ones have.
fn has_one_more(from: &mut Decoder<'_>, len: u64) -> Result<bool, Corrupt> {
    match from.array()? {
        Some(found) if found == len => Ok(false),
        Some(found) if found == len.saturating_add(1) => Ok(true),
        _ => Err(Corrupt),
    }
}

fn read_answer(from: &mut Decoder<'_>) -> Result<Answer, Corrupt> {
    let kind = from.u32()?;
    let first = u32::try_from(from.u64()?).map_err(|_| Corrupt)?;
    let method = match kind {
        1 | 6 => Some(Method::Authenticator(AuthenticatorId::new(first))),
        4 => Some(Method::RecoveryCode { left: u8::try_from(first).map_err(|_| Corrupt)? }),
        5 | 7 => {
            let authenticator = Some(AuthenticatorId::new(first)).filter(|id| id.number() > 0);
            let serial = from.u64()?;
            let channel = channel_from_number(from.u32()?).ok_or(Corrupt)?;
            let method = Method::DeliveredCode { authenticator, channel };
            return Ok(Answer::Accepted { method, serial, with_handle: kind == 7 });
        }
        _ => None,
    };
    if let Some(method) = method {
        let answer = Answer::Accepted { method, serial: from.u64()?, with_handle: kind == 6 };
        from.null()?;
        return Ok(answer);
    }
    let lock_state = match from.u64()? {
        1 => {
            let left = u32::try_from(from.u64()?).ok().and_then(NonZeroU32::new);
            LockState::Open { attempts_left: left.ok_or(Corrupt)? }
        }
        2 => LockState::Locked { until: time(from)? },
        3 => {
            from.null()?;
            LockState::Disabled
        }
        _ => return Err(Corrupt),
    };
    let count = FailureCount { failures_in_a_row: first, lock_state };
    match kind {
        2 => Ok(Answer::Mismatch(count)),
        3 => Ok(Answer::Expired(count)),
        _ => Err(Corrupt),
    }
}
