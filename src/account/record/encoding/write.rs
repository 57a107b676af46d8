//! A record is written in its stored form.

use super::event_field::EventField;
use super::fields::{Base, MINIMUM_READER, Unknown, Written, number_of, put_list, put_purpose, put_u64};
use super::varint;
use crate::account::names::address::Address;
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::text::Text;
use crate::account::proof::Method;
use crate::account::record::authenticator::{App, Authenticator, Kind, Labels, Pending, Replaced};
use crate::account::record::delivered::{Asked, Recipient, Sends, Sent};
use crate::account::record::device::Device;
use crate::account::record::imported_codes::{ImportedCode, ImportedCodes};
use crate::account::record::proposal::Proposal;
use crate::account::record::recovery::{RecoverySet, WaitingSet};
use crate::account::record::replies::{Answer, Reply};
use crate::account::record::self_recovery::SelfRecovery;
use crate::account::record::throttles::Throttles;
use crate::account::record::token::{Pass, PassOrigin, TokenHash};
use crate::account::record::whole::{BoundEmail, Hold, Record, Redeemed, StrongerFactor, WrongCode};
use crate::otp::{Accepted, Algorithm, LockState, RecentCodes, Throttle};
use minicbor::Encoder;
use minicbor::encode::Write;

/// There is less room than [`bound`](super::bound::bound) asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoRoom;

/// Writes a record into `room`; gives the number of bytes that it takes.
pub(in crate::account) fn write_into(record: &Record, room: &mut [u8]) -> Result<usize, NoRoom> {
    let mut to = Encoder::new(Room { place: room, len: 0 });
    write(record, &mut to).map_err(|_| NoRoom)?;
    Ok(to.writer().len)
}

/// A place that is written from its beginning on.
struct Room<'a> {
    place: &'a mut [u8],
    len: usize,
}

impl Write for Room<'_> {
    type Error = NoRoom;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), NoRoom> {
        let end = self.len.checked_add(bytes.len()).ok_or(NoRoom)?;
        let place = self.place.get_mut(self.len..end).ok_or(NoRoom)?;
        if bytes.len() > SHORT {
            place.copy_from_slice(bytes);
        } else {
            // Most are a byte or two: a call that copies memory would take longer.
            place.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        }
        self.len = end;
        Ok(())
    }
}

/// Not longer than a number of CBOR.
const SHORT: usize = 9;

fn write<W: Write>(record: &Record, to: &mut Encoder<W>) -> Written<W> {
    let base = Base { newest: record.newest.as_secs(), last: record.history.last };
    to.begin_map()?.u32(0)?.u32(MINIMUM_READER)?;
    // First these two: others are distances from them.
    put_u64(to, 1, base.newest)?;
    put_u64(to, 2, base.last)?;
    base.put_time_as(3, to, record.made_at)?;
    put_u64(to, 4, record.epoch)?;
    if !record.authenticators.is_empty() {
        put_list(to, 5, record.authenticators.len())?;
        for authenticator in &record.authenticators {
            write_authenticator(authenticator, base, to)?;
        }
    }
    to.u32(6)?.u32(record.next_id.number())?;
    if let Some(pending) = &record.pending {
        to.u32(7)?;
        write_pending(pending, base, to)?;
    }
    write_recent_codes(&record.recent_codes, to)?;
    base.put_time_as(9, to, record.used_until)?;
    let Throttles { common, devices, mailed_passes, enrollment, run } = &record.throttles;
    for (number, throttle) in [(10, common), (11, devices), (12, enrollment), (13, mailed_passes)] {
        put_throttle(number, throttle, base, to)?;
    }
    put_u64(to, 14, u64::from(*run))?;
    let history = record.history.entries.as_bytes();
    if !history.is_empty() {
        to.u32(15)?.bytes(history)?;
    }
    base.put_time_as(16, to, record.history.handed_at)?;
    if record.proofs_spent != 0 {
        base.put_serial(to.u32(17)?, record.proofs_spent)?;
    }
    write_holds_and_hand_outs(record, base, to)?;
    if let Some(RecoverySet { key, hashes, is_used }) = &record.recovery {
        to.u32(24)?.array(3)?.bytes(key)?.bool(*is_used)?.array(hashes.len() as u64)?;
        for hash in hashes {
            to.bytes(hash)?;
        }
    }
    for (number, sends) in [(25, &record.sends), (26, &record.sends_of_devices), (27, &record.mailed)] {
        put_sends(number, sends, base, to)?;
    }
    if let Some(at) = record.frozen_at {
        base.put_time(to.u32(28)?, at)?;
    }
    if record.is_reset {
        to.u32(29)?.bool(true)?;
    }
    base.put_time_as(30, to, record.restored_at)?;
    if !record.replaced.is_empty() {
        put_list(to, 31, record.replaced.len())?;
        for Replaced { app, at } in &record.replaced {
            to.begin_map()?;
            write_app(app, to)?;
            base.put_time_as(10, to, *at)?;
            to.end()?;
        }
    }
    if !record.wrong_codes.is_empty() {
        put_list(to, 32, record.wrong_codes.len())?;
        for WrongCode { code, at, event } in &record.wrong_codes {
            base.put_time(to.array(3)?.u32(code.packed())?, *at)?;
            base.put_serial(to, *event)?;
        }
    }
    write_ways_back(record, base, to)?;
    put_unknown(&record.unknown, to)?;
    to.end()?;
    Ok(())
}

/// Fields 33 to 43: what helps owners and operators.
fn write_ways_back<W: Write>(record: &Record, base: Base, to: &mut Encoder<W>) -> Written<W> {
    if !record.bound_before_reset.is_empty() {
        put_list(to, 33, record.bound_before_reset.len())?;
        for address in &record.bound_before_reset {
            put_address(address, to)?;
        }
    }
    if !record.emails.is_empty() {
        put_list(to, 34, record.emails.len())?;
        for BoundEmail { address, settled_at } in &record.emails {
            put_address(address, to.array(2)?)?;
            base.put_time(to, *settled_at)?;
        }
    }
    to.u32(35)?.bytes(&record.notice_key.0)?;
    if let Some(WaitingSet { seed, count, handle, until, lead }) = &record.waiting_set {
        to.u32(36)?.array(5)?.bytes(&*seed.0)?.u8(*count)?.bytes(&handle.0)?;
        base.put_time(to, *until)?;
        to.u64(*lead)?;
    }
    if record.notices_answered != 0 {
        base.put_serial(to.u32(37)?, record.notices_answered)?;
    }
    if let Some(Proposal { act, operator, at }) = &record.proposal {
        to.u32(38)?.array(4)?.u32(*act as u32)?.str(operator.name().as_str())?.str(operator.reason().as_str())?;
        base.put_time(to, *at)?;
    }
    if let Some(SelfRecovery { at, until, told_at, told, is_done }) = &record.self_recovery {
        to.u32(39)?.array(5)?;
        for time in [at, until, told_at] {
            base.put_time(to, *time)?;
        }
        to.u32(*told)?.bool(*is_done)?;
    }
    if !record.self_recoveries.0.is_empty() {
        put_list(to, 40, record.self_recoveries.0.len())?;
        for at in &record.self_recoveries.0 {
            base.put_time(to, *at)?;
        }
    }
    if let Some(StrongerFactor { since, settled_at }) = record.stronger {
        base.put_time(to.u32(41)?.array(2)?, since)?;
        base.put_time(to, settled_at)?;
    }
    if let Some(ImportedCodes { key, codes, is_used }) = &record.imported_codes {
        to.u32(42)?.array(3)?.bytes(key)?.bool(*is_used)?.array(codes.len() as u64)?;
        for code in codes {
            match code {
                ImportedCode::Hash(hash) => to.bytes(hash)?,
                ImportedCode::Old(hash) => to.str(hash)?,
            };
        }
    }
    if record.source_knows {
        to.u32(43)?.bool(true)?;
    }
    Ok(())
}

fn put_address<W: Write>(address: &Address, to: &mut Encoder<W>) -> Written<W> {
    to.array(2)?.u32(number_of(address.channel()))?.str(address.as_str())?;
    Ok(())
}

/// Each code in four bytes, and the distance of its time from the one before.
fn write_recent_codes<W: Write>(codes: &RecentCodes, to: &mut Encoder<W>) -> Written<W> {
    let differences = || {
        codes.iter().scan(0, |before, Accepted { code, at }| {
            let at = at.as_secs();
            Some((code, varint::difference(core::mem::replace(before, at), at)))
        })
    };
    let len = differences().map(|(_, difference)| varint::len(difference).saturating_add(4)).sum::<usize>();
    if len == 0 {
        return Ok(());
    }
    to.u32(8)?.bytes_len(len as u64)?;
    for (code, difference) in differences() {
        let (time, len) = varint::bytes(difference);
        for part in [&code.packed().to_be_bytes(), time.get(..len).unwrap_or_default()] {
            to.writer_mut().write_all(part).map_err(minicbor::encode::Error::write)?;
        }
    }
    Ok(())
}

/// Fields 18 to 23: holds, and what has been handed out.
fn write_holds_and_hand_outs<W: Write>(record: &Record, base: Base, to: &mut Encoder<W>) -> Written<W> {
    if !record.holds.is_empty() {
        put_list(to, 18, record.holds.len())?;
        for Hold { purpose, from, until, reason } in &record.holds {
            put_purpose(*purpose, to.array(4)?)?;
            base.put_time(to, *until)?;
            base.put_time(to, *from)?;
            reason.write(to)?;
        }
    }
    if !record.passes.0.is_empty() {
        put_list(to, 19, record.passes.0.len())?;
        for Pass { hash, origin, until, secs, lead, failures } in &record.passes.0 {
            base.put_time(to.array(6)?.bytes(&hash.0)?, *until)?;
            to.u64(*secs)?.u32(*failures)?.bool(*origin == PassOrigin::Operator)?.u64(*lead)?;
        }
    }
    if !record.devices.is_empty() {
        put_list(to, 20, record.devices.len())?;
        for Device { id, name, hash, proof, last_used, failures } in &record.devices {
            base.put_serial(to.array(6)?, id.number())?;
            base.put_serial(to.str(name.as_str())?.bytes(&hash.0)?, *proof)?;
            base.put_time(to, *last_used)?;
            to.u32(*failures)?;
        }
    }
    if !record.delivered.0.is_empty() {
        put_list(to, 21, record.delivered.0.len())?;
        for Sent { asked, code, until, lead } in &record.delivered.0 {
            let Asked { recipient, purpose, context, by_device } = asked;
            to.array(8)?.u32(number_of(recipient.channel()))?;
            match recipient {
                Recipient::Bound(id, _) => to.u32(id.number())?,
                Recipient::Named(address) => to.str(address.as_str())?,
            };
            put_purpose(*purpose, to)?;
            base.put_time(to.u32(code.packed())?, *until)?;
            to.u64(*lead)?.bool(*by_device)?;
            match context {
                Some(context) => to.bytes(context)?,
                None => to.null()?,
            };
        }
    }
    if !record.replies.0.is_empty() {
        put_list(to, 22, record.replies.0.len())?;
        for reply in &record.replies.0 {
            write_reply(reply, base, to)?;
        }
    }
    if !record.redeemed.is_empty() {
        put_list(to, 23, record.redeemed.len())?;
        for Redeemed { serial, at } in &record.redeemed {
            base.put_serial(to.array(2)?, *serial)?;
            base.put_time(to, *at)?;
        }
    }
    Ok(())
}

fn put_sends<W: Write>(number: u32, sends: &Sends, base: Base, to: &mut Encoder<W>) -> Written<W> {
    if !sends.0.is_empty() {
        put_list(to, number, sends.0.len())?;
        for at in &sends.0 {
            base.put_time(to, *at)?;
        }
    }
    Ok(())
}

/// One that counts nothing is left out: without a count its times have no meaning.
fn put_throttle<W: Write>(number: u32, throttle: &Throttle, base: Base, to: &mut Encoder<W>) -> Written<W> {
    if throttle.run != 0 || throttle.long_term != 0 {
        base.put_time(to.u32(number)?.array(4)?.u32(throttle.run)?, throttle.last_failure)?;
        base.put_time(to.u32(throttle.long_term)?, throttle.leaked_at)?;
    }
    Ok(())
}

fn put_unknown<W: Write>(unknown: &Unknown, to: &mut Encoder<W>) -> Written<W> {
    to.writer_mut().write_all(&unknown.0).map_err(minicbor::encode::Error::write)
}

fn write_authenticator<W: Write>(authenticator: &Authenticator, base: Base, to: &mut Encoder<W>) -> Written<W> {
    let Authenticator { id, name, kind, bound_at, last_used, uses, state, unknown } = authenticator;
    to.begin_map()?;
    write_common(*id, name, kind, to)?;
    base.put_time_as(10, to, *bound_at)?;
    base.put_time_as(11, to, *last_used)?;
    put_u64(to, 12, *state as u64)?;
    write_address(kind, to)?;
    put_u64(to, 22, *uses)?;
    put_unknown(unknown, to)?;
    to.end()?;
    Ok(())
}

fn write_pending<W: Write>(pending: &Pending, base: Base, to: &mut Encoder<W>) -> Written<W> {
    let Pending { id, name, kind, until, lead, replaces, pass, handle, labels, unknown } = pending;
    to.begin_map()?;
    write_common(*id, name, kind, to)?;
    base.put_time_as(13, to, *until)?;
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
    put_unknown(unknown, to)?;
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
    put_u64(to, 6, totp.t0.as_secs())?;
    if let Some(watermark) = tracker.watermark() {
        to.u32(7)?.u64(watermark.number())?;
        for (number, steps) in [(8, tracker.stored_drift()), (9, tracker.anchor())] {
            if steps != 0 {
                to.u32(number)?.i32(steps)?;
            }
        }
    }
    Ok(())
}

fn write_reply<W: Write>(reply: &Reply, base: Base, to: &mut Encoder<W>) -> Written<W> {
    let Reply { fingerprint, at, lead, answer } = reply;
    base.put_time(to.array(7)?.bytes(fingerprint)?, *at)?;
    to.u64(*lead)?;
    let (kind, count) = match answer {
        Answer::Accepted { method: Method::Authenticator(id), serial, with_handle } => {
            to.u32(if *with_handle { 6 } else { 1 })?.u64(u64::from(id.number()))?;
            base.put_serial(to, *serial)?;
            to.null()?;
            return Ok(());
        }
        Answer::Accepted { method: Method::RecoveryCode { left }, serial, with_handle: _ } => {
            base.put_serial(to.u32(4)?.u64(u64::from(*left))?, *serial)?;
            to.null()?;
            return Ok(());
        }
        Answer::Accepted { method: Method::DeliveredCode { authenticator, channel }, serial, with_handle } => {
            // No authenticator has the number zero.
            let id = authenticator.map_or(0, AuthenticatorId::number);
            base.put_serial(to.u32(if *with_handle { 7 } else { 5 })?.u64(u64::from(id))?, *serial)?;
            to.u32(number_of(*channel))?;
            return Ok(());
        }
        Answer::Accepted { method: Method::StrongerFactor, serial, with_handle: _ } => {
            base.put_serial(to.u32(8)?.u64(0)?, *serial)?;
            to.null()?;
            return Ok(());
        }
        Answer::Mismatch(count) => (2, count),
        Answer::Expired(count) => (3, count),
    };
    to.u32(kind)?.u64(u64::from(count.failures_in_a_row))?;
    match count.lock_state {
        LockState::Open { attempts_left } => to.u64(1)?.u64(u64::from(attempts_left.get()))?,
        LockState::Locked { until } => return base.put_time(to.u64(2)?, until),
        LockState::Disabled => to.u64(3)?.null()?,
    };
    Ok(())
}
