//! A record is read from its stored form.

use super::fields::{
    Base, Corrupt, MINIMUM_READER, Unknown, bytes, channel_from_number, fields, list, read_purpose, tuple,
};
use super::varint;
use crate::account::event::Operator;
use crate::account::names::address::{Address, Channel};
use crate::account::names::ids::{AuthenticatorId, DeviceId};
use crate::account::names::text::Text;
use crate::account::proof::Method;
use crate::account::record::authenticator::{App, Authenticator, AuthenticatorState, Kind, Labels, Pending, Replaced};
use crate::account::record::capacity::{
    AUTHENTICATORS, BOUND_BEFORE, DELIVERED, DEVICES, EMAILS, HOLDS, PASSES, RECOVERY_CODES, REDEEMED, REPLACED,
    REPLIES, SELF_RECOVERIES, SENDS, WRONG_CODES,
};
use crate::account::record::delivered::{Asked, Delivered, Recipient, Sends, Sent};
use crate::account::record::device::Device;
use crate::account::record::entries::Entries;
use crate::account::record::imported_codes::{ImportedCode, ImportedCodes, OLD_HASH};
use crate::account::record::notice::NoticeKey;
use crate::account::record::proposal::{Proposal, ProposedAct};
use crate::account::record::recovery::{RecoverySet, Seed, WaitingSet};
use crate::account::record::replies::{Answer, Replies, Reply};
use crate::account::record::self_recovery::{Begun, SelfRecovery};
use crate::account::record::token::{Pass, PassOrigin, Passes, TokenHash};
use crate::account::record::whole::{BoundEmail, Hold, Record, Redeemed, StrongerFactor, WrongCode};
use crate::otp::{
    Accepted, Algorithm, Code, Digits, FailureCount, LockState, Period, RECENT_CODES, RecentCodes, Secret, Step,
    StoredError, Throttle, Totp, Tracker, UnixTime,
};
use alloc::boxed::Box;
use core::num::NonZeroU32;
use minicbor::Decoder;
use minicbor::data::Type;

pub(in crate::account) fn from_bytes(bytes: &[u8]) -> Result<Box<Record>, StoredError> {
    let version = read_minimum_reader(bytes)?;
    if version != MINIMUM_READER {
        return Err(StoredError::Version { version });
    }
    let mut from = Decoder::new(bytes);
    let record = read(&mut from)?;
    // An envelope is padded with zeros.
    let padding = bytes.get(from.position()..).unwrap_or_default();
    if padding.iter().any(|byte| *byte != 0) {
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

fn read(from: &mut Decoder<'_>) -> Result<Box<Record>, Corrupt> {
    let mut record = Box::new(Record::new());
    let mut base = Base::default();
    record.unknown = fields(from, |number, from| {
        match number {
            0 => drop(from.u32()?),
            1 => base.newest = from.u64()?,
            2 => base.last = from.u64()?,
            3 => record.made_at = base.time(from)?,
            4 => record.epoch = from.u64()?,
            5 => record.authenticators = list(from, AUTHENTICATORS, |from| read_authenticator(base, from))?,
            6 => record.next_id = AuthenticatorId::new(from.u32()?),
            7 => record.pending = Some(read_pending(base, from)?),
            8 => read_recent_codes(from.bytes()?, &mut record.recent_codes)?,
            9 => record.used_until = base.time(from)?,
            10 => record.throttles.common = read_throttle(base, from)?,
            11 => record.throttles.devices = read_throttle(base, from)?,
            12 => record.throttles.enrollment = read_throttle(base, from)?,
            13 => record.throttles.mailed_passes = read_throttle(base, from)?,
            14 => record.throttles.run = from.u32()?,
            15 => record.history.entries = Entries::from_bytes(from.bytes()?)?,
            16 => record.history.handed_at = base.time(from)?,
            17 => record.proofs_spent = base.serial(from)?,
            18 => record.holds = list(from, HOLDS, |from| read_hold(base, from))?,
            19 => record.passes = Passes(list(from, PASSES, |from| read_pass(base, from))?),
            20 => record.devices = list(from, DEVICES, |from| read_device(base, from))?,
            21 => record.delivered = Delivered(list(from, DELIVERED, |from| read_sent(base, from))?),
            22 => record.replies = Replies(list(from, REPLIES, |from| read_reply(base, from))?),
            23 => record.redeemed = list(from, REDEEMED, |from| read_redeemed(base, from))?,
            24 => record.recovery = Some(read_recovery(from)?),
            25 => record.sends = Sends(list(from, SENDS, |from| base.time(from))?),
            26 => record.sends_of_devices = Sends(list(from, SENDS, |from| base.time(from))?),
            27 => record.mailed = Sends(list(from, SENDS, |from| base.time(from))?),
            28 => record.frozen_at = Some(base.time(from)?),
            29 => record.is_reset = from.bool()?,
            30 => record.restored_at = base.time(from)?,
            31 => record.replaced = list(from, REPLACED, |from| read_replaced(base, from))?,
            32 => record.wrong_codes = list(from, WRONG_CODES, |from| read_wrong_code(base, from))?,
            33 => record.bound_before_reset = list(from, BOUND_BEFORE, read_address)?,
            34 => record.emails = list(from, EMAILS, |from| read_email(base, from))?,
            35 => record.notice_key = NoticeKey(bytes(from)?),
            36 => record.waiting_set = Some(read_waiting_set(base, from)?),
            37 => record.notices_answered = base.serial(from)?,
            38 => record.proposal = read_proposal(base, from)?,
            39 => record.self_recovery = Some(read_self_recovery(base, from)?),
            40 => record.self_recoveries = Begun(list(from, SELF_RECOVERIES, |from| base.time(from))?),
            41 => record.stronger = Some(read_stronger_factor(base, from)?),
            42 => record.imported_codes = Some(read_imported_codes(from)?),
            43 => record.source_knows = from.bool()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    record.newest = UnixTime::from_secs(base.newest);
    record.history.last = base.last;
    let ids = || record.authenticators.iter().map(|authenticator| authenticator.id);
    let pending = record.pending.as_ref().map(|pending| pending.id);
    let ordered = ids().is_sorted_by(|a, b| a < b)
        && record.history.entries.latest() <= record.history.last
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
    state: AuthenticatorState,
    uses: u64,
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
    fn read(base: Base, from: &mut Decoder<'_>) -> Result<Self, Corrupt> {
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
                6 => parts.t0 = UnixTime::from_secs(from.u64()?),
                7 => parts.watermark = Some(Step::new(from.u64()?)),
                8 => parts.drift = from.i32()?,
                9 => parts.anchor = from.i32()?,
                10 => parts.bound_at = base.time(from)?,
                11 => parts.last_used = base.time(from)?,
                12 => {
                    parts.state = match from.u64()? {
                        1 => AuthenticatorState::Suspended,
                        2 => AuthenticatorState::Disabled,
                        _ => return Err(Corrupt),
                    };
                }
                13 => parts.until = base.time(from)?,
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
                22 => parts.uses = from.u64()?,
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

fn read_authenticator(base: Base, from: &mut Decoder<'_>) -> Result<Authenticator, Corrupt> {
    let mut parts = Parts::read(base, from)?;
    Ok(Authenticator {
        kind: parts.kind()?,
        id: parts.id.ok_or(Corrupt)?,
        name: parts.name.ok_or(Corrupt)?,
        bound_at: parts.bound_at,
        last_used: parts.last_used,
        uses: parts.uses,
        state: parts.state,
        unknown: parts.unknown,
    })
}

fn read_pending(base: Base, from: &mut Decoder<'_>) -> Result<Pending, Corrupt> {
    let mut parts = Parts::read(base, from)?;
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

fn read_replaced(base: Base, from: &mut Decoder<'_>) -> Result<Replaced, Corrupt> {
    let mut parts = Parts::read(base, from)?;
    match parts.kind()? {
        Kind::App(app) => Ok(Replaced { app, at: parts.bound_at }),
        Kind::Address(_) => Err(Corrupt),
    }
}

fn read_recent_codes(mut from: &[u8], codes: &mut RecentCodes) -> Result<(), Corrupt> {
    let mut at = 0;
    for place in 0..RECENT_CODES {
        let Some((packed, rest)) = from.split_first_chunk() else { break };
        from = rest;
        at = varint::at_difference(at, varint::take(&mut from)?);
        let code = Code::from_packed(u32::from_be_bytes(*packed)).ok_or(Corrupt)?;
        codes.put(place, Accepted { code, at: UnixTime::from_secs(at) });
    }
    if from.is_empty() { Ok(()) } else { Err(Corrupt) }
}

fn read_wrong_code(base: Base, from: &mut Decoder<'_>) -> Result<WrongCode, Corrupt> {
    tuple(from, 3)?;
    let code = Code::from_packed(from.u32()?).ok_or(Corrupt)?;
    Ok(WrongCode { code, at: base.time(from)?, event: base.serial(from)? })
}

fn read_throttle(base: Base, from: &mut Decoder<'_>) -> Result<Throttle, Corrupt> {
    tuple(from, 4)?;
    let (run, last_failure) = (from.u32()?, base.time(from)?);
    Ok(Throttle { run, last_failure, long_term: from.u32()?, leaked_at: base.time(from)? })
}

fn read_pass(base: Base, from: &mut Decoder<'_>) -> Result<Pass, Corrupt> {
    tuple(from, 6)?;
    let (hash, until) = (TokenHash(bytes(from)?), base.time(from)?);
    let (secs, failures) = (from.u64()?, from.u32()?);
    let origin = if from.bool()? { PassOrigin::Operator } else { PassOrigin::Mailed };
    Ok(Pass { hash, origin, until, secs, lead: from.u64()?, failures })
}

fn read_device(base: Base, from: &mut Decoder<'_>) -> Result<Device, Corrupt> {
    tuple(from, 6)?;
    Ok(Device {
        id: DeviceId::new(base.serial(from)?),
        name: Text::stored(from.str()?).ok_or(Corrupt)?,
        hash: TokenHash(bytes(from)?),
        proof: base.serial(from)?,
        last_used: base.time(from)?,
        failures: from.u32()?,
    })
}

fn read_sent(base: Base, from: &mut Decoder<'_>) -> Result<Sent, Corrupt> {
    tuple(from, 8)?;
    let channel = channel_from_number(from.u32()?).ok_or(Corrupt)?;
    let recipient = match from.datatype()? {
        Type::String => Recipient::Named(Address::stored(channel, from.str()?).ok_or(Corrupt)?),
        _ => Recipient::Bound(AuthenticatorId::new(from.u32()?), channel),
    };
    let purpose = read_purpose(from)?;
    let code = Code::from_packed(from.u32()?).ok_or(Corrupt)?;
    let (until, lead, by_device) = (base.time(from)?, from.u64()?, from.bool()?);
    let context = match from.datatype()? {
        Type::Null => {
            from.null()?;
            None
        }
        _ => Some(bytes(from)?),
    };
    Ok(Sent { asked: Asked { recipient, purpose, context, by_device }, code, until, lead })
}

fn read_address(from: &mut Decoder<'_>) -> Result<Address, Corrupt> {
    tuple(from, 2)?;
    let channel = channel_from_number(from.u32()?).ok_or(Corrupt)?;
    Address::stored(channel, from.str()?).ok_or(Corrupt)
}

fn read_email(base: Base, from: &mut Decoder<'_>) -> Result<BoundEmail, Corrupt> {
    tuple(from, 2)?;
    Ok(BoundEmail { address: read_address(from)?, settled_at: base.time(from)? })
}

fn read_redeemed(base: Base, from: &mut Decoder<'_>) -> Result<Redeemed, Corrupt> {
    tuple(from, 2)?;
    Ok(Redeemed { serial: base.serial(from)?, at: base.time(from)? })
}

fn read_recovery(from: &mut Decoder<'_>) -> Result<RecoverySet, Corrupt> {
    tuple(from, 3)?;
    let (key, is_used) = (bytes(from)?, from.bool()?);
    Ok(RecoverySet { key, hashes: list(from, RECOVERY_CODES, bytes)?, is_used })
}

fn read_self_recovery(base: Base, from: &mut Decoder<'_>) -> Result<SelfRecovery, Corrupt> {
    tuple(from, 5)?;
    let (at, until, told_at) = (base.time(from)?, base.time(from)?, base.time(from)?);
    Ok(SelfRecovery { at, until, told_at, told: from.u32()?, is_done: from.bool()? })
}

/// A proposal; one of an act that a newer release has added is none here.
fn read_proposal(base: Base, from: &mut Decoder<'_>) -> Result<Option<Proposal>, Corrupt> {
    tuple(from, 4)?;
    let act = match from.u32()? {
        1 => Some(ProposedAct::Reset),
        2 => Some(ProposedAct::Thaw),
        3 => Some(ProposedAct::EndStrongerFactor),
        _ => None,
    };
    let mut text = || Text::stored(from.str()?).ok_or(Corrupt);
    let operator = Operator::of(text()?, text()?);
    let at = base.time(from)?;
    Ok(act.map(|act| Proposal { act, operator, at }))
}

fn read_waiting_set(base: Base, from: &mut Decoder<'_>) -> Result<WaitingSet, Corrupt> {
    tuple(from, 5)?;
    // Straight into its place on the heap: a seed that moves leaves a copy behind.
    let mut seed = Seed(Box::new([0; Seed::LEN]));
    let stored = from.bytes()?;
    if stored.len() != Seed::LEN {
        return Err(Corrupt);
    }
    seed.0.copy_from_slice(stored);
    let (count, handle) = (from.u8()?, TokenHash(bytes(from)?));
    Ok(WaitingSet { seed, count, handle, until: base.time(from)?, lead: from.u64()? })
}

fn read_hold(base: Base, from: &mut Decoder<'_>) -> Result<Hold, Corrupt> {
    tuple(from, 4)?;
    let (purpose, until) = (read_purpose(from)?, base.time(from)?);
    let start = base.time(from)?;
    let reason = match from.datatype()? {
        Type::Null => {
            from.null()?;
            None
        }
        _ => Some(Text::stored(from.str()?).ok_or(Corrupt)?),
    };
    Ok(Hold { purpose, from: start, until, reason })
}

fn read_reply(base: Base, from: &mut Decoder<'_>) -> Result<Reply, Corrupt> {
    tuple(from, 7)?;
    let (fingerprint, at, lead) = (bytes(from)?, base.time(from)?, from.u64()?);
    Ok(Reply { fingerprint, at, lead, answer: read_answer(base, from)? })
}

fn read_stronger_factor(base: Base, from: &mut Decoder<'_>) -> Result<StrongerFactor, Corrupt> {
    tuple(from, 2)?;
    Ok(StrongerFactor { since: base.time(from)?, settled_at: base.time(from)? })
}

fn read_imported_codes(from: &mut Decoder<'_>) -> Result<ImportedCodes, Corrupt> {
    tuple(from, 3)?;
    let (key, is_used) = (bytes(from)?, from.bool()?);
    let codes = list(from, RECOVERY_CODES, |from| {
        if from.datatype()? == Type::String {
            let hash = Some(from.str()?).filter(|hash| hash.len() <= OLD_HASH);
            return Ok(ImportedCode::Old(hash.ok_or(Corrupt)?.into()));
        }
        bytes(from).map(ImportedCode::Hash)
    })?;
    Ok(ImportedCodes { key, codes, is_used })
}

fn read_answer(base: Base, from: &mut Decoder<'_>) -> Result<Answer, Corrupt> {
    let kind = from.u32()?;
    let first = u32::try_from(from.u64()?).map_err(|_| Corrupt)?;
    let method = match kind {
        1 | 6 => Some(Method::Authenticator(AuthenticatorId::new(first))),
        4 => Some(Method::RecoveryCode { left: u8::try_from(first).map_err(|_| Corrupt)? }),
        8 => Some(Method::StrongerFactor),
        5 | 7 => {
            let authenticator = Some(AuthenticatorId::new(first)).filter(|id| id.number() > 0);
            let serial = base.serial(from)?;
            let channel = channel_from_number(from.u32()?).ok_or(Corrupt)?;
            let method = Method::DeliveredCode { authenticator, channel };
            return Ok(Answer::Accepted { method, serial, with_handle: kind == 7 });
        }
        _ => None,
    };
    if let Some(method) = method {
        let answer = Answer::Accepted { method, serial: base.serial(from)?, with_handle: kind == 6 };
        from.null()?;
        return Ok(answer);
    }
    let lock_state = match from.u64()? {
        1 => {
            let left = u32::try_from(from.u64()?).ok().and_then(NonZeroU32::new);
            LockState::Open { attempts_left: left.ok_or(Corrupt)? }
        }
        2 => LockState::Locked { until: base.time(from)? },
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
