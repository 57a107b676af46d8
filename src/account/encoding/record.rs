//! A whole record in its stored form.

use super::{
    Count, NEEDS, Nonsense, RecordError, Unknown, Written, bytes, fields, list, put_list, put_time, put_u64, time,
    tuple,
};
use crate::account::answers::{Answer, Answered, Answers};
use crate::account::authenticator::{Authenticator, AuthenticatorId, Pending};
use crate::account::event::{Entry, Keeping};
use crate::account::limits::{ANSWERS, AUTHENTICATORS, EVENTS, HOLDS, PASSES, RECOVERY_CODES};
use crate::account::proof::Means;
use crate::account::purpose::Purpose;
use crate::account::recovery::RecoverySet;
use crate::account::text::Text;
use crate::account::throttles::Throttles;
use crate::account::token::{Pass, Passes, TokenHash};
use crate::account::{Hold, Record};
use crate::otp::{
    Accepted, Algorithm, Charge, Code, Digits, Period, REMEMBERED, Secret, Sensitive, Standing, Step, Throttle, Totp,
    Tracker, UnixTime,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU32;
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
    to.begin_map()?.u32(0)?.u32(NEEDS)?;
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
    let Throttles { common, devices, enrolment, recovery, run } = &record.throttles;
    for (number, throttle) in [(8, common), (9, devices), (10, enrolment)] {
        put_throttle(to, number, throttle)?;
    }
    put_u64(to, 11, u64::from(*run))?;
    put_list(to, 12, record.passes.0.len())?;
    for Pass { hash, until } in &record.passes.0 {
        to.array(2)?.bytes(&hash.0)?.u64(until.as_secs())?;
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
            Keeping::Owed => 1,
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
    to.writer_mut().write_all(&record.unknown.0).map_err(minicbor::encode::Error::write)?;
    to.end()?;
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
    let Authenticator { id, name, totp, secret, tracker, bound_at, last_used, disabled, unknown } = authenticator;
    to.begin_map()?;
    write_common(*id, name, *totp, secret, *tracker, to)?;
    put_time(to, 10, *bound_at)?;
    put_time(to, 11, *last_used)?;
    if *disabled {
        to.u32(12)?.bool(true)?;
    }
    to.writer_mut().write_all(&unknown.0).map_err(minicbor::encode::Error::write)?;
    to.end()?;
    Ok(())
}

fn write_pending<W: Write>(pending: &Pending, to: &mut Encoder<W>) -> Written<W> {
    let Pending { id, name, totp, secret, tracker, until, unknown } = pending;
    to.begin_map()?;
    write_common(*id, name, *totp, secret, *tracker, to)?;
    put_time(to, 13, *until)?;
    to.writer_mut().write_all(&unknown.0).map_err(minicbor::encode::Error::write)?;
    to.end()?;
    Ok(())
}

fn write_common<W: Write>(
    id: AuthenticatorId,
    name: &Text,
    totp: Totp,
    secret: &Secret,
    tracker: Tracker,
    to: &mut Encoder<W>,
) -> Written<W> {
    to.u32(0)?.u32(id.number())?.u32(1)?.str(name.as_str())?.u32(2)?.bytes(secret.expose())?;
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
        Answered::Accepted { means: Means::Authenticator(id), serial } => {
            to.u32(1)?.u64(u64::from(id.number()))?.u64(*serial)?.null()?;
            return Ok(());
        }
        Answered::Accepted { means: Means::RecoveryCode { left }, serial } => {
            to.u32(4)?.u64(u64::from(*left))?.u64(*serial)?.null()?;
            return Ok(());
        }
        Answered::Mismatch(charge) => (2, charge),
        Answered::Expired(charge) => (3, charge),
    };
    to.u32(kind)?.u64(u64::from(charge.failures_in_a_row))?;
    match charge.standing {
        Standing::Open { attempts_left } => to.u64(1)?.u64(u64::from(attempts_left.get()))?,
        Standing::Locked { until } => to.u64(2)?.u64(until.as_secs())?,
        Standing::Disabled => to.u64(3)?.null()?,
    };
    Ok(())
}

pub(in crate::account) fn from_bytes(bytes: &[u8]) -> Result<Record, RecordError> {
    let needs = read_needs(bytes)?;
    if needs != NEEDS {
        return Err(RecordError::Version { needs });
    }
    let mut from = Decoder::new(bytes);
    let record = read(&mut from)?;
    if from.position() != bytes.len() {
        return Err(RecordError::Nonsense);
    }
    Ok(record)
}

/// Field 0, which comes first.
fn read_needs(bytes: &[u8]) -> Result<u32, Nonsense> {
    let mut from = Decoder::new(bytes);
    from.map()?;
    if from.u32()? == 0 { Ok(from.u32()?) } else { Err(Nonsense) }
}

fn read(from: &mut Decoder<'_>) -> Result<Record, Nonsense> {
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
                for accepted in list(from, REMEMBERED, read_accepted)? {
                    record.lately.push(accepted);
                }
            }
            7 => record.used_until = time(from)?,
            8 => record.throttles.common = read_throttle(from)?,
            9 => record.throttles.devices = read_throttle(from)?,
            10 => record.throttles.enrolment = read_throttle(from)?,
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
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    for entry in &mut record.history.entries {
        entry.sequence = record.history.last.checked_sub(entry.sequence).ok_or(Nonsense)?;
    }
    let ids = || record.authenticators.iter().map(|authenticator| authenticator.id);
    let pending = record.pending.as_ref().map(|pending| pending.id);
    let ordered = ids().is_sorted_by(|a, b| a < b)
        && record.history.entries.is_sorted_by(|a, b| a.sequence < b.sequence)
        && ids().chain(pending).all(|id| id < record.next_id)
        && !ids().any(|id| Some(id) == pending);
    if ordered { Ok(record) } else { Err(Nonsense) }
}

/// What authenticators and pending enrolments have in common, and what either has beside it.
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
    unknown: Unknown,
}

impl Parts {
    fn read(from: &mut Decoder<'_>) -> Result<Self, Nonsense> {
        let mut parts = Self::default();
        parts.unknown = fields(from, |number, from| {
            match number {
                0 => parts.id = Some(AuthenticatorId::new(from.u32()?)),
                1 => parts.name = Some(Text::new(from.str()?).map_err(|_| Nonsense)?),
                2 => parts.secret = Some(Secret::boxed(from.bytes()?).map_err(|_| Nonsense)?),
                3 => {
                    parts.algorithm = Some(match from.u8()? {
                        1 => Algorithm::Sha1,
                        2 => Algorithm::Sha256,
                        3 => Algorithm::Sha512,
                        _ => return Err(Nonsense),
                    });
                }
                4 => parts.digits = Some(Digits::from_count(from.u8()?).ok_or(Nonsense)?),
                5 => parts.period = Some(Period::from_secs(from.u64()?).map_err(|_| Nonsense)?),
                6 => parts.t0 = time(from)?,
                7 => parts.watermark = Some(Step::new(from.u64()?)),
                8 => parts.drift = from.i32()?,
                9 => parts.anchor = from.i32()?,
                10 => parts.bound_at = time(from)?,
                11 => parts.last_used = time(from)?,
                12 => parts.disabled = from.bool()?,
                13 => parts.until = time(from)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(parts)
    }

    fn totp(&self) -> Result<Totp, Nonsense> {
        Ok(Totp {
            algorithm: self.algorithm.ok_or(Nonsense)?,
            digits: self.digits.ok_or(Nonsense)?,
            period: self.period.ok_or(Nonsense)?,
            t0: self.t0,
        })
    }

    fn tracker(&self) -> Result<Tracker, Nonsense> {
        Tracker::from_stored(self.watermark, self.drift, self.anchor).ok_or(Nonsense)
    }
}

fn read_authenticator(from: &mut Decoder<'_>) -> Result<Authenticator, Nonsense> {
    let parts = Parts::read(from)?;
    Ok(Authenticator {
        totp: parts.totp()?,
        tracker: parts.tracker()?,
        id: parts.id.ok_or(Nonsense)?,
        name: parts.name.ok_or(Nonsense)?,
        secret: parts.secret.ok_or(Nonsense)?,
        bound_at: parts.bound_at,
        last_used: parts.last_used,
        disabled: parts.disabled,
        unknown: parts.unknown,
    })
}

fn read_pending(from: &mut Decoder<'_>) -> Result<Pending, Nonsense> {
    let parts = Parts::read(from)?;
    Ok(Pending {
        totp: parts.totp()?,
        tracker: parts.tracker()?,
        id: parts.id.ok_or(Nonsense)?,
        name: parts.name.ok_or(Nonsense)?,
        secret: parts.secret.ok_or(Nonsense)?,
        until: parts.until,
        unknown: parts.unknown,
    })
}

fn read_accepted(from: &mut Decoder<'_>) -> Result<Accepted, Nonsense> {
    tuple(from, 2)?;
    Ok(Accepted { code: Code::from_packed(from.u32()?).ok_or(Nonsense)?, at: time(from)? })
}

fn read_throttle(from: &mut Decoder<'_>) -> Result<Throttle, Nonsense> {
    tuple(from, 4)?;
    Ok(Throttle { run: from.u32()?, last_failure: time(from)?, long_term: from.u32()?, leaked_at: time(from)? })
}

fn read_pass(from: &mut Decoder<'_>) -> Result<Pass, Nonsense> {
    tuple(from, 2)?;
    Ok(Pass { hash: TokenHash(bytes(from)?), until: time(from)? })
}

fn read_recovery(from: &mut Decoder<'_>) -> Result<RecoverySet, Nonsense> {
    tuple(from, 2)?;
    Ok(RecoverySet { key: bytes(from)?, hashes: list(from, RECOVERY_CODES, bytes)? })
}

fn read_hold(from: &mut Decoder<'_>) -> Result<Hold, Nonsense> {
    tuple(from, 2)?;
    Ok(Hold { purpose: Purpose::new(from.str()?).map_err(|_| Nonsense)?, until: time(from)? })
}

/// With the distance from the latest event in the place of its number.
fn read_entry(from: &mut Decoder<'_>) -> Result<Entry, Nonsense> {
    tuple(from, 3)?;
    let sequence = from.u64()?;
    let keeping = match from.u8()? {
        0 => Keeping::Ordinary,
        1 => Keeping::Owed,
        2 => Keeping::Refusal,
        _ => return Err(Nonsense),
    };
    Ok(Entry { sequence, keeping, bytes: Box::from(from.bytes()?) })
}

fn read_answer(from: &mut Decoder<'_>) -> Result<Answer, Nonsense> {
    tuple(from, 6)?;
    let (fingerprint, at) = (bytes(from)?, time(from)?);
    let kind = from.u32()?;
    let first = u32::try_from(from.u64()?).map_err(|_| Nonsense)?;
    let means = match kind {
        1 => Some(Means::Authenticator(AuthenticatorId::new(first))),
        4 => Some(Means::RecoveryCode { left: u8::try_from(first).map_err(|_| Nonsense)? }),
        _ => None,
    };
    if let Some(means) = means {
        let answered = Answered::Accepted { means, serial: from.u64()? };
        from.null()?;
        return Ok(Answer { fingerprint, at, answered });
    }
    let standing = match from.u64()? {
        1 => {
            let left = u32::try_from(from.u64()?).ok().and_then(NonZeroU32::new);
            Standing::Open { attempts_left: left.ok_or(Nonsense)? }
        }
        2 => Standing::Locked { until: time(from)? },
        3 => {
            from.null()?;
            Standing::Disabled
        }
        _ => return Err(Nonsense),
    };
    let charge = Charge { failures_in_a_row: first, standing };
    let answered = match kind {
        2 => Answered::Mismatch(charge),
        3 => Answered::Expired(charge),
        _ => return Err(Nonsense),
    };
    Ok(Answer { fingerprint, at, answered })
}
