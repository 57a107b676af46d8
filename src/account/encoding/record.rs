//! A whole record in its stored form.

use super::{
    Corrupt, Count, MINIMUM_READER, RecordError, Unknown, Written, bytes, channel_from_number, channel_number, fields,
    list, put_list, put_time, put_u64, time, tuple,
};
use crate::account::address::{Address, Channel};
use crate::account::answers::{Answer, Answered, Answers};
use crate::account::authenticator::{App, Authenticator, AuthenticatorId, Kind, Pending};
use crate::account::delivered::{Delivered, Recipient, Sends, Sent};
use crate::account::device::{Device, DeviceId};
use crate::account::diagnosis::Miss;
use crate::account::event::{Entry, Keeping};
use crate::account::limits::{
    ANSWERS, AUTHENTICATORS, DELIVERED, DEVICES, EVENTS, HOLDS, PASSES, RECOVERY_CODES, REDEEMED, SENDS,
};
use crate::account::proof::Method;
use crate::account::purpose::Purpose;
use crate::account::recovery::RecoverySet;
use crate::account::redeem::Redeemed;
use crate::account::text::Text;
use crate::account::throttles::Throttles;
use crate::account::token::{Pass, Passes, TokenHash};
use crate::account::{Hold, Record};
use crate::otp::{
    Accepted, Algorithm, Code, Digits, FailureCount, LockState, Period, RECENT_CODES, Secret, Sensitive, Step,
    Throttle, Totp, Tracker, UnixTime,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use minicbor::data::Type;
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

pub(in crate::account) fn to_bytes(record: &Record) -> Sensitive<Vec<u8>> {
    // Neither counting nor a vector fails.
    let mut count = Encoder::new(Count(0));
    let _ = write(record, &mut count);
    let mut to = Encoder::new(Vec::with_capacity(count.writer().0));
    let _ = write(record, &mut to);
    Sensitive::new(to.into_writer())
}

fn write<W: Write>(record: &Record, to: &mut Encoder<W>) -> Written<W> {
    to.begin_map()?.u32(0)?.u32(needs(record))?;
    put_time(to, 1, record.made_at)?;
    put_u64(to, 2, record.epoch)?;
    put_list(to, 3, record.authenticators.len())?;
    for authenticator in &record.authenticators {
        write_authenticator(authenticator, to)?;
    }
    to.u32(4)?.u32(record.next_id.number())?;
    if let Some(pending) = &record.pending {
        to.u32(5)?;
        write_pending(pending, to)?;
    }
    put_list(to, 6, record.lately.iter().count())?;
    for Accepted { code, at } in record.lately.iter() {
        to.array(2)?.u32(code.packed())?.u64(at.as_secs())?;
    }
    put_time(to, 7, record.used_until)?;
    let Throttles { common, devices, enrollment, recovery, run } = &record.throttles;
    for (number, throttle) in [(8, common), (9, devices), (10, enrollment)] {
        put_throttle(to, number, throttle)?;
    }
    put_u64(to, 11, u64::from(*run))?;
    put_list(to, 12, record.passes.0.len())?;
    for Pass { hash, until, secs, failures } in &record.passes.0 {
        // The first records had no more, and are written as they were.
        let is_first = *secs == u64::MAX && *failures == 0;
        to.array(if is_first { 2 } else { 4 })?.bytes(&hash.0)?.u64(until.as_secs())?;
        if !is_first {
            to.u64(*secs)?.u32(*failures)?;
        }
    }
    put_list(to, 13, record.holds.len())?;
    for Hold { purpose, until } in &record.holds {
        to.array(2)?.str(purpose.as_str())?.u64(until.as_secs())?;
    }
    put_list(to, 14, record.answers.0.len())?;
    for answer in &record.answers.0 {
        write_answer(answer, to)?;
    }
    put_list(to, 15, record.history.entries.len())?;
    for Entry { sequence, keeping, bytes } in &record.history.entries {
        let keeping = match keeping {
            Keeping::Ordinary => 0,
            Keeping::Unacknowledged => 1,
            Keeping::Refusal => 2,
        };
        to.array(3)?.u64(record.history.last.saturating_sub(*sequence))?.u8(keeping)?.bytes(bytes)?;
    }
    put_u64(to, 16, record.history.last)?;
    put_u64(to, 17, record.proofs_spent)?;
    put_time(to, 18, record.restored_at)?;
    if let Some(RecoverySet { key, hashes }) = &record.recovery {
        to.u32(19)?.array(2)?.bytes(key)?.array(hashes.len() as u64)?;
        for hash in hashes {
            to.bytes(hash)?;
        }
    }
    put_throttle(to, 20, recovery)?;
    write_ways_back(record, to)?;
    to.writer_mut().write_all(&record.unknown.0).map_err(minicbor::encode::Error::write)?;
    to.end()?;
    Ok(())
}

/// What a release has to know to read this record: the first one must not pass over freezes and resets, over what a pending
/// enrollment replaces or is begun with, nor over what a restored backup voids; and it knows apps only, and short passes.
fn needs(record: &Record) -> u32 {
    let is_address = |kind: &Kind| kind.app().is_none();
    let pending = record.pending.as_ref();
    let is_second = record.frozen_at.is_some()
        || record.is_reset
        || record.authenticators.iter().any(|one| is_address(&one.kind))
        || pending.is_some_and(|one| one.replaces.is_some() || one.pass.is_some() || is_address(&one.kind));
    let is_long = |pass: &Pass| pass.secs != u64::MAX || pass.failures > 0;
    let is_delivered =
        |answer: &Answer| matches!(answer.answered, Answered::Accepted { method: Method::DeliveredCode { .. }, .. });
    let is_second = is_second
        || record.passes.0.iter().any(is_long)
        || record.answers.0.iter().any(is_delivered)
        || !(record.devices.is_empty() && record.delivered.0.is_empty() && record.redeemed.is_empty());
    if is_second { MINIMUM_READER } else { 1 }
}

/// Fields 21 and on; empty lists are left out.
fn write_ways_back<W: Write>(record: &Record, to: &mut Encoder<W>) -> Written<W> {
    if !record.devices.is_empty() {
        put_list(to, 21, record.devices.len())?;
        for Device { id, name, hash, proof, last_used, failures } in &record.devices {
            to.array(6)?.u64(id.number())?.str(name.as_str())?.bytes(&hash.0)?.u64(*proof)?;
            to.u64(last_used.as_secs())?.u32(*failures)?;
        }
    }
    if let Some(Miss { code, at }) = record.miss {
        to.u32(22)?.array(2)?.u32(code.packed())?.u64(at.as_secs())?;
    }
    if !record.delivered.0.is_empty() {
        put_list(to, 23, record.delivered.0.len())?;
        for Sent { recipient, purpose, code, until } in &record.delivered.0 {
            to.array(5)?.u32(channel_number(recipient.channel()))?;
            match recipient {
                Recipient::Bound(id, _) => to.u32(id.number())?,
                Recipient::Named(address) => to.str(address.as_str())?,
            };
            to.str(purpose.as_str())?.u32(code.packed())?.u64(until.as_secs())?;
        }
    }
    for (number, sends) in [(24, &record.sends), (25, &record.sends_of_devices)] {
        if !sends.0.is_empty() {
            put_list(to, number, sends.0.len())?;
            for at in &sends.0 {
                to.u64(at.as_secs())?;
            }
        }
    }
    if let Some(at) = record.frozen_at {
        to.u32(26)?.u64(at.as_secs())?;
    }
    if record.is_reset {
        to.u32(27)?.bool(true)?;
    }
    if !record.redeemed.is_empty() {
        put_list(to, 28, record.redeemed.len())?;
        for Redeemed { serial, at } in &record.redeemed {
            to.array(2)?.u64(*serial)?.u64(at.as_secs())?;
        }
    }
    Ok(())
}

/// One that has counted nothing is left out.
fn put_throttle<W: Write>(to: &mut Encoder<W>, number: u32, throttle: &Throttle) -> Written<W> {
    if *throttle != Throttle::NEW {
        to.u32(number)?.array(4)?.u32(throttle.run)?.u64(throttle.last_failure.as_secs())?;
        to.u32(throttle.long_term)?.u64(throttle.leaked_at.as_secs())?;
    }
    Ok(())
}

fn write_authenticator<W: Write>(authenticator: &Authenticator, to: &mut Encoder<W>) -> Written<W> {
    let Authenticator { id, name, kind, bound_at, last_used, disabled, unknown } = authenticator;
    to.begin_map()?;
    write_common(*id, name, kind, to)?;
    put_time(to, 10, *bound_at)?;
    put_time(to, 11, *last_used)?;
    if *disabled {
        to.u32(12)?.bool(true)?;
    }
    write_address(kind, to)?;
    to.writer_mut().write_all(&unknown.0).map_err(minicbor::encode::Error::write)?;
    to.end()?;
    Ok(())
}

fn write_pending<W: Write>(pending: &Pending, to: &mut Encoder<W>) -> Written<W> {
    let Pending { id, name, kind, until, replaces, pass, unknown } = pending;
    to.begin_map()?;
    write_common(*id, name, kind, to)?;
    put_time(to, 13, *until)?;
    write_address(kind, to)?;
    if let Some(id) = replaces {
        to.u32(16)?.u32(id.number())?;
    }
    if let Some(TokenHash(hash)) = pass {
        to.u32(17)?.bytes(hash)?;
    }
    to.writer_mut().write_all(&unknown.0).map_err(minicbor::encode::Error::write)?;
    to.end()?;
    Ok(())
}

fn write_address<W: Write>(kind: &Kind, to: &mut Encoder<W>) -> Written<W> {
    if let Kind::Address(address) = kind {
        to.u32(14)?.u32(channel_number(address.channel()))?.u32(15)?.str(address.as_str())?;
    }
    Ok(())
}

fn write_common<W: Write>(id: AuthenticatorId, name: &Text, kind: &Kind, to: &mut Encoder<W>) -> Written<W> {
    to.u32(0)?.u32(id.number())?.u32(1)?.str(name.as_str())?;
    let Kind::App(App { totp, secret, tracker }) = kind else { return Ok(()) };
    to.u32(2)?.bytes(secret.expose())?;
    let algorithm = match totp.algorithm {
        Algorithm::Sha1 => 1,
        Algorithm::Sha256 => 2,
        Algorithm::Sha512 => 3,
    };
    to.u32(3)?.u8(algorithm)?.u32(4)?.u8(totp.digits.count())?.u32(5)?.u64(totp.period.as_secs())?;
    put_time(to, 6, totp.t0)?;
    if let Some(watermark) = tracker.watermark() {
        to.u32(7)?.u64(watermark.number())?.u32(8)?.i32(tracker.stored_drift())?.u32(9)?.i32(tracker.anchor())?;
    }
    Ok(())
}

fn write_answer<W: Write>(answer: &Answer, to: &mut Encoder<W>) -> Written<W> {
    let Answer { fingerprint, at, answered } = answer;
    to.array(6)?.bytes(fingerprint)?.u64(at.as_secs())?;
    let (kind, charge) = match answered {
        Answered::Accepted { method: Method::Authenticator(id), serial } => {
            to.u32(1)?.u64(u64::from(id.number()))?.u64(*serial)?.null()?;
            return Ok(());
        }
        Answered::Accepted { method: Method::RecoveryCode { left }, serial } => {
            to.u32(4)?.u64(u64::from(*left))?.u64(*serial)?.null()?;
            return Ok(());
        }
        Answered::Accepted { method: Method::DeliveredCode { authenticator, channel }, serial } => {
            // No authenticator has the number zero.
            let id = authenticator.map_or(0, AuthenticatorId::number);
            to.u32(5)?.u64(u64::from(id))?.u64(*serial)?.u32(channel_number(*channel))?;
            return Ok(());
        }
        Answered::Mismatch(charge) => (2, charge),
        Answered::Expired(charge) => (3, charge),
    };
    to.u32(kind)?.u64(u64::from(charge.failures_in_a_row))?;
    match charge.lock_state {
        LockState::Open { attempts_left } => to.u64(1)?.u64(u64::from(attempts_left.get()))?,
        LockState::Locked { until } => to.u64(2)?.u64(until.as_secs())?,
        LockState::Disabled => to.u64(3)?.null()?,
    };
    Ok(())
}

pub(in crate::account) fn from_bytes(bytes: &[u8]) -> Result<Record, RecordError> {
    let needs = read_needs(bytes)?;
    if !(1..=MINIMUM_READER).contains(&needs) {
        return Err(RecordError::Version { needs });
    }
    let mut from = Decoder::new(bytes);
    let record = read(&mut from)?;
    if from.position() != bytes.len() {
        return Err(RecordError::Corrupt);
    }
    Ok(record)
}

/// Field 0, which comes first.
fn read_needs(bytes: &[u8]) -> Result<u32, Corrupt> {
    let mut from = Decoder::new(bytes);
    from.map()?;
    if from.u32()? == 0 { Ok(from.u32()?) } else { Err(Corrupt) }
}

fn read(from: &mut Decoder<'_>) -> Result<Record, Corrupt> {
    let mut record = Record::new();
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
                    record.lately.push(accepted);
                }
            }
            7 => record.used_until = time(from)?,
            8 => record.throttles.common = read_throttle(from)?,
            9 => record.throttles.devices = read_throttle(from)?,
            10 => record.throttles.enrollment = read_throttle(from)?,
            11 => record.throttles.run = from.u32()?,
            12 => record.passes = Passes(list(from, PASSES, read_pass)?),
            13 => record.holds = list(from, HOLDS, read_hold)?,
            14 => record.answers = Answers(list(from, ANSWERS, read_answer)?),
            15 => record.history.entries = list(from, EVENTS, read_entry)?,
            16 => record.history.last = from.u64()?,
            17 => record.proofs_spent = from.u64()?,
            18 => record.restored_at = time(from)?,
            19 => record.recovery = Some(read_recovery(from)?),
            20 => record.throttles.recovery = read_throttle(from)?,
            21 => record.devices = list(from, DEVICES, read_device)?,
            22 => {
                let Accepted { code, at } = read_accepted(from)?;
                record.miss = Some(Miss { code, at });
            }
            23 => record.delivered = Delivered(list(from, DELIVERED, read_sent)?),
            24 => record.sends = Sends(list(from, SENDS, time)?),
            25 => record.sends_of_devices = Sends(list(from, SENDS, time)?),
            26 => record.frozen_at = Some(time(from)?),
            27 => record.is_reset = from.bool()?,
            28 => record.redeemed = list(from, REDEEMED, read_redeemed)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    for entry in &mut record.history.entries {
        entry.sequence = record.history.last.checked_sub(entry.sequence).ok_or(Corrupt)?;
    }
    let ids = || record.authenticators.iter().map(|authenticator| authenticator.id);
    let pending = record.pending.as_ref().map(|pending| pending.id);
    let ordered = ids().is_sorted_by(|a, b| a < b)
        && record.history.entries.is_sorted_by(|a, b| a.sequence < b.sequence)
        && ids().chain(pending).all(|id| id < record.next_id)
        && !ids().any(|id| Some(id) == pending);
    if ordered { Ok(record) } else { Err(Corrupt) }
}

/// What authenticators and pending enrollments have in common, and what either has beside it.
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
    unknown: Unknown,
}

impl Parts {
    fn read(from: &mut Decoder<'_>) -> Result<Self, Corrupt> {
        let mut parts = Self::default();
        parts.unknown = fields(from, |number, from| {
            match number {
                0 => parts.id = Some(AuthenticatorId::new(from.u32()?)),
                1 => parts.name = Some(Text::new(from.str()?).map_err(|_| Corrupt)?),
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
                5 => parts.period = Some(Period::from_secs(from.u64()?).map_err(|_| Corrupt)?),
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
                    parts.address = Some(Address::new(channel, from.str()?).map_err(|_| Corrupt)?);
                }
                16 => parts.replaces = Some(AuthenticatorId::new(from.u32()?)),
                17 => parts.pass = Some(TokenHash(bytes(from)?)),
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
        replaces: parts.replaces,
        pass: parts.pass,
        unknown: parts.unknown,
    })
}

fn read_accepted(from: &mut Decoder<'_>) -> Result<Accepted, Corrupt> {
    tuple(from, 2)?;
    Ok(Accepted { code: Code::from_packed(from.u32()?).ok_or(Corrupt)?, at: time(from)? })
}

fn read_throttle(from: &mut Decoder<'_>) -> Result<Throttle, Corrupt> {
    tuple(from, 4)?;
    Ok(Throttle { run: from.u32()?, last_failure: time(from)?, long_term: from.u32()?, leaked_at: time(from)? })
}

fn read_pass(from: &mut Decoder<'_>) -> Result<Pass, Corrupt> {
    let len = from.array()?.filter(|len| matches!(len, 2 | 4)).ok_or(Corrupt)?;
    let (hash, until) = (TokenHash(bytes(from)?), time(from)?);
    let (secs, failures) = if len == 4 { (from.u64()?, from.u32()?) } else { (u64::MAX, 0) };
    Ok(Pass { hash, until, secs, failures })
}

fn read_device(from: &mut Decoder<'_>) -> Result<Device, Corrupt> {
    tuple(from, 6)?;
    Ok(Device {
        id: DeviceId::new(from.u64()?),
        name: Text::new(from.str()?).map_err(|_| Corrupt)?,
        hash: TokenHash(bytes(from)?),
        proof: from.u64()?,
        last_used: time(from)?,
        failures: from.u32()?,
    })
}

fn read_sent(from: &mut Decoder<'_>) -> Result<Sent, Corrupt> {
    tuple(from, 5)?;
    let channel = channel_from_number(from.u32()?).ok_or(Corrupt)?;
    let recipient = match from.datatype()? {
        Type::String => Recipient::Named(Address::new(channel, from.str()?).map_err(|_| Corrupt)?),
        _ => Recipient::Bound(AuthenticatorId::new(from.u32()?), channel),
    };
    let purpose = Purpose::new(from.str()?).map_err(|_| Corrupt)?;
    let code = Code::from_packed(from.u32()?).ok_or(Corrupt)?;
    Ok(Sent { recipient, purpose, code, until: time(from)? })
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
    tuple(from, 2)?;
    Ok(Hold { purpose: Purpose::new(from.str()?).map_err(|_| Corrupt)?, until: time(from)? })
}

/// With the distance from the latest event in the place of its number.
fn read_entry(from: &mut Decoder<'_>) -> Result<Entry, Corrupt> {
    tuple(from, 3)?;
    let sequence = from.u64()?;
    let keeping = match from.u8()? {
        0 => Keeping::Ordinary,
        1 => Keeping::Unacknowledged,
        2 => Keeping::Refusal,
        _ => return Err(Corrupt),
    };
    Ok(Entry { sequence, keeping, bytes: Box::from(from.bytes()?) })
}

fn read_answer(from: &mut Decoder<'_>) -> Result<Answer, Corrupt> {
    tuple(from, 6)?;
    let (fingerprint, at) = (bytes(from)?, time(from)?);
    let kind = from.u32()?;
    let first = u32::try_from(from.u64()?).map_err(|_| Corrupt)?;
    let method = match kind {
        1 => Some(Method::Authenticator(AuthenticatorId::new(first))),
        4 => Some(Method::RecoveryCode { left: u8::try_from(first).map_err(|_| Corrupt)? }),
        5 => {
            let authenticator = Some(AuthenticatorId::new(first)).filter(|id| id.number() > 0);
            let serial = from.u64()?;
            let channel = channel_from_number(from.u32()?).ok_or(Corrupt)?;
            let method = Method::DeliveredCode { authenticator, channel };
            return Ok(Answer { fingerprint, at, answered: Answered::Accepted { method, serial } });
        }
        _ => None,
    };
    if let Some(method) = method {
        let answered = Answered::Accepted { method, serial: from.u64()? };
        from.null()?;
        return Ok(Answer { fingerprint, at, answered });
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
    let charge = FailureCount { failures_in_a_row: first, lock_state };
    let answered = match kind {
        2 => Answered::Mismatch(charge),
        3 => Answered::Expired(charge),
        _ => return Err(Corrupt),
    };
    Ok(Answer { fingerprint, at, answered })
}
