//! A record is written in its stored form.

use super::fields::{Count, MINIMUM_READER, Written, number_of, put_list, put_time, put_u64};
use crate::account::event::Importance;
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::text::Text;
use crate::account::proof::Method;
use crate::account::record::authenticator::{App, Authenticator, Kind, Labels, Pending, Replaced};
use crate::account::record::delivered::{Recipient, Sends, Sent};
use crate::account::record::device::Device;
use crate::account::record::history::Entry;
use crate::account::record::recovery::RecoverySet;
use crate::account::record::replies::{Answer, Reply};
use crate::account::record::throttles::Throttles;
use crate::account::record::token::{Pass, PassOrigin, TokenHash};
use crate::account::record::whole::{Hold, Record, Redeemed, WrongCode};
use crate::otp::{Accepted, Algorithm, LockState, Sensitive, Throttle};
use alloc::vec::Vec;
use minicbor::Encoder;
use minicbor::encode::Write;

pub(in crate::account) fn to_bytes(record: &Record) -> Sensitive<Vec<u8>> {
    // Neither counting nor a vector fails.
    let mut count = Encoder::new(Count(0));
    let _ = write(record, &mut count);
    let mut to = Encoder::new(Vec::with_capacity(count.writer().0));
    let _ = write(record, &mut to);
    Sensitive::new(to.into_writer())
}

fn write<W: Write>(record: &Record, to: &mut Encoder<W>) -> Written<W> {
    to.begin_map()?.u32(0)?.u32(MINIMUM_READER)?;
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
    put_list(to, 6, record.recent_codes.iter().count())?;
    for Accepted { code, at } in record.recent_codes.iter() {
        to.array(2)?.u32(code.packed())?.u64(at.as_secs())?;
    }
    put_time(to, 7, record.used_until)?;
    let Throttles { common, devices, mailed_passes, enrollment, run } = &record.throttles;
    for (number, throttle) in [(8, common), (9, devices), (10, enrollment)] {
        put_throttle(to, number, throttle)?;
    }
    put_u64(to, 11, u64::from(*run))?;
    put_list(to, 12, record.passes.0.len())?;
    for Pass { hash, origin, until, secs, lead, failures } in &record.passes.0 {
        to.array(6)?.bytes(&hash.0)?.u64(until.as_secs())?.u64(*secs)?.u32(*failures)?;
        to.bool(*origin == PassOrigin::Operator)?.u64(*lead)?;
    }
    put_list(to, 13, record.holds.len())?;
    for Hold { purpose, from, until } in &record.holds {
        to.array(3)?.str(purpose.as_str())?.u64(until.as_secs())?.u64(from.as_secs())?;
    }
    put_list(to, 14, record.replies.0.len())?;
    for reply in &record.replies.0 {
        write_reply(reply, to)?;
    }
    put_list(to, 15, record.history.entries.len())?;
    for Entry { sequence, importance, is_owed, bytes } in &record.history.entries {
        let importance = match (importance, is_owed) {
            (Importance::Ordinary, _) => 0,
            (Importance::Notice, true) => 1,
            (Importance::Refusal, _) => 2,
            (Importance::Notice, false) => 3,
            (Importance::Act, true) => 4,
            (Importance::Act, false) => 5,
        };
        to.array(3)?.u64(record.history.last.saturating_sub(*sequence))?.u8(importance)?.bytes(bytes)?;
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
    write_optional_back(record, to)?;
    put_throttle(to, 29, mailed_passes)?;
    put_sends(to, 30, &record.mailed)?;
    put_time(to, 31, record.history.handed_at)?;
    put_time(to, 32, record.newest)?;
    if !record.replaced.is_empty() {
        put_list(to, 33, record.replaced.len())?;
        for Replaced { app, at } in &record.replaced {
            to.begin_map()?;
            write_app(app, to)?;
            put_time(to, 10, *at)?;
            to.end()?;
        }
    }
    if !record.wrong_codes.is_empty() {
        put_list(to, 34, record.wrong_codes.len())?;
        for WrongCode { code, at, event } in &record.wrong_codes {
            to.array(3)?.u32(code.packed())?.u64(at.as_secs())?.u64(*event)?;
        }
    }
    to.writer_mut().write_all(&record.unknown.0).map_err(minicbor::encode::Error::write)?;
    to.end()?;
    Ok(())
}

/// Fields 21 to 28. Empty lists are left out.
fn write_optional_back<W: Write>(record: &Record, to: &mut Encoder<W>) -> Written<W> {
    if !record.devices.is_empty() {
        put_list(to, 21, record.devices.len())?;
        for Device { id, name, hash, proof, last_used, failures } in &record.devices {
            to.array(6)?.u64(id.number())?.str(name.as_str())?.bytes(&hash.0)?.u64(*proof)?;
            to.u64(last_used.as_secs())?.u32(*failures)?;
        }
    }
    if !record.delivered.0.is_empty() {
        put_list(to, 23, record.delivered.0.len())?;
        for Sent { recipient, purpose, code, until, lead } in &record.delivered.0 {
            to.array(6)?.u32(number_of(recipient.channel()))?;
            match recipient {
                Recipient::Bound(id, _) => to.u32(id.number())?,
                Recipient::Named(address) => to.str(address.as_str())?,
            };
            to.str(purpose.as_str())?.u32(code.packed())?.u64(until.as_secs())?.u64(*lead)?;
        }
    }
    put_sends(to, 24, &record.sends)?;
    put_sends(to, 25, &record.sends_of_devices)?;
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

fn put_sends<W: Write>(to: &mut Encoder<W>, number: u32, sends: &Sends) -> Written<W> {
    if !sends.0.is_empty() {
        put_list(to, number, sends.0.len())?;
        for at in &sends.0 {
            to.u64(at.as_secs())?;
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
    let Pending { id, name, kind, until, lead, replaces, pass, handle, labels, unknown } = pending;
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
    if let Some(TokenHash(hash)) = handle {
        to.u32(18)?.bytes(hash)?;
    }
    if let Some(Labels { issuer, account }) = labels {
        to.u32(19)?.str(issuer)?.u32(20)?.str(account)?;
    }
    put_u64(to, 21, *lead)?;
    to.writer_mut().write_all(&unknown.0).map_err(minicbor::encode::Error::write)?;
    to.end()?;
    Ok(())
}

fn write_address<W: Write>(kind: &Kind, to: &mut Encoder<W>) -> Written<W> {
    if let Kind::Address(address) = kind {
        to.u32(14)?.u32(number_of(address.channel()))?.u32(15)?.str(address.as_str())?;
    }
    Ok(())
}

fn write_common<W: Write>(id: AuthenticatorId, name: &Text, kind: &Kind, to: &mut Encoder<W>) -> Written<W> {
    to.u32(0)?.u32(id.number())?.u32(1)?.str(name.as_str())?;
    match kind {
        Kind::App(app) => write_app(app, to),
        Kind::Address(_) => Ok(()),
    }
}

fn write_app<W: Write>(app: &App, to: &mut Encoder<W>) -> Written<W> {
    let App { totp, secret, tracker } = app;
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

fn write_reply<W: Write>(reply: &Reply, to: &mut Encoder<W>) -> Written<W> {
    let Reply { fingerprint, at, lead, answer } = reply;
    to.array(7)?.bytes(fingerprint)?.u64(at.as_secs())?.u64(*lead)?;
    let (kind, count) = match answer {
        Answer::Accepted { method: Method::Authenticator(id), serial, with_handle } => {
            to.u32(if *with_handle { 6 } else { 1 })?.u64(u64::from(id.number()))?.u64(*serial)?.null()?;
            return Ok(());
        }
        Answer::Accepted { method: Method::RecoveryCode { left }, serial, with_handle: _ } => {
            to.u32(4)?.u64(u64::from(*left))?.u64(*serial)?.null()?;
            return Ok(());
        }
        Answer::Accepted { method: Method::DeliveredCode { authenticator, channel }, serial, with_handle } => {
            // No authenticator has the number zero.
            let id = authenticator.map_or(0, AuthenticatorId::number);
            to.u32(if *with_handle { 7 } else { 5 })?.u64(u64::from(id))?.u64(*serial)?.u32(number_of(*channel))?;
            return Ok(());
        }
        Answer::Mismatch(count) => (2, count),
        Answer::Expired(count) => (3, count),
    };
    to.u32(kind)?.u64(u64::from(count.failures_in_a_row))?;
    match count.lock_state {
        LockState::Open { attempts_left } => to.u64(1)?.u64(u64::from(attempts_left.get()))?,
        LockState::Locked { until } => to.u64(2)?.u64(until.as_secs())?,
        LockState::Disabled => to.u64(3)?.null()?,
    };
    Ok(())
}
