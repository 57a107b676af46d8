//! The most bytes that a record's stored form takes: room is made once. A buffer that grew would
//! leave a copy behind, unwiped.

use super::varint;
use crate::account::names::text::Text;
use crate::account::record::authenticator::{Kind, Labels, Pending};
use crate::account::record::delivered::Recipient;
use crate::account::record::imported_codes::ImportedCode;
use crate::account::record::proposal::Proposal;
use crate::account::record::whole::Record;

/// The head of a short list, text or string of bytes, or a number under 256.
const HEAD: usize = 2;
/// A number of CBOR.
const NUMBER: usize = 9;
/// A number of 32 bits at most, likewise.
const SHORT: usize = 5;
/// A field's number, under 256.
const FIELD: usize = 2;
/// Bytes of a fixed length: a hash, or a key.
const HASH: usize = 2 + 32;
/// A purpose of the service's own.
const PURPOSE: usize = 2 + 24;
/// The record's own map: the numbers of its fields, and heads and numbers that are there once.
const ONCE: usize = 43 * (FIELD + NUMBER) + 4 * (4 * NUMBER) + 3 * HASH + 10 * NUMBER;
/// An authenticator, apart from its name and its secret or address: seven long numbers, and short
/// ones.
const PARTS: usize = 15 * FIELD + 7 * NUMBER + 6 * SHORT;
/// An enrollment that waits has more: two long numbers, one short, two hashes, and labels.
const PENDING: usize = 8 * FIELD + 2 * NUMBER + 3 * SHORT + 2 * HASH;

/// An address, apart from its text, and a time.
const ADDRESS: usize = 3 * HEAD + SHORT + NUMBER;
/// A proposal, apart from its texts.
const PROPOSAL: usize = 3 * HEAD + SHORT + NUMBER;
const WRONG_CODE: usize = HEAD + SHORT + 2 * NUMBER;
const RECENT_CODE: usize = 4 + varint::MAX;
const DEVICE: usize = 2 * HEAD + HASH + 3 * NUMBER + SHORT;
const SENT: usize = 4 * HEAD + PURPOSE + 2 * SHORT + 2 * NUMBER + HASH;
const HOLD: usize = 2 * HEAD + PURPOSE + 2 * NUMBER;
const PASS: usize = 2 * HEAD + HASH + 3 * NUMBER + SHORT;
const REDEEMED: usize = HEAD + 2 * NUMBER;
const REPLY: usize = 2 * HEAD + HASH + 3 * NUMBER + 2 * SHORT;

/// The most bytes that this record takes.
pub(in crate::account) fn bound(record: &Record) -> usize {
    let of_lists = [
        (record.recent_codes.iter().count(), RECENT_CODE),
        (record.passes.0.len(), PASS),
        (record.replies.0.len(), REPLY),
        (record.redeemed.len(), REDEEMED),
        (record.wrong_codes.len(), WRONG_CODE),
        (record.sends.0.len(), NUMBER),
        (record.sends_of_devices.0.len(), NUMBER),
        (record.mailed.0.len(), NUMBER),
        (record.self_recoveries.0.len(), NUMBER),
        (record.recovery.as_ref().map_or(0, |set| set.hashes.len()), HASH),
        (record.imported_codes.as_ref().map_or(0, |codes| codes.codes.len()), 1 + HEAD),
        (record.history.entries.as_bytes().len(), 1),
        (record.unknown.0.len(), 1),
    ];
    let authenticators =
        record.authenticators.iter().map(|one| total([named(&one.name, &one.kind), one.unknown.0.len()]));
    let replaced = record.replaced.iter().map(|one| total([PARTS, one.app.secret.expose().len()]));
    let devices = record.devices.iter().map(|one| total([DEVICE, one.name.as_str().len()]));
    let sent = record.delivered.0.iter().map(|one| total([SENT, address_of(&one.asked.recipient)]));
    let addresses = record
        .bound_before_reset
        .iter()
        .chain(record.emails.iter().map(|email| &email.address))
        .map(|one| total([ADDRESS, one.as_str().len()]));
    let holds =
        record.holds.iter().map(|one| total([HOLD, one.reason.as_ref().map_or(0, |reason| reason.as_str().len())]));
    let imported = record.imported_codes.iter().flat_map(|codes| &codes.codes).map(|code| match code {
        ImportedCode::Hash(hash) => hash.len(),
        ImportedCode::Old(hash) => hash.len(),
    });
    let proposal = record.proposal.as_ref().map(|Proposal { operator, .. }| {
        total([PROPOSAL, operator.name().as_str().len(), operator.reason().as_str().len()])
    });
    let of_lists = of_lists.into_iter().map(|(count, size)| count.saturating_mul(size));
    let rest = authenticators
        .chain(record.pending.as_ref().map(pending))
        .chain(replaced)
        .chain(devices)
        .chain(sent)
        .chain(addresses)
        .chain(holds)
        .chain(imported)
        .chain(proposal);
    total(of_lists.chain(rest).chain([ONCE]))
}

fn pending(pending: &Pending) -> usize {
    let Pending { name, kind, labels, unknown, .. } = pending;
    let labels = labels.as_ref().map_or(0, |Labels { issuer, account }| total([issuer.len(), account.len()]));
    total([named(name, kind), labels, unknown.0.len(), PENDING])
}

fn named(name: &Text, kind: &Kind) -> usize {
    let bytes = match kind {
        Kind::App(app) => app.secret.expose().len(),
        Kind::Address(address) => address.as_str().len(),
    };
    total([PARTS, name.as_str().len(), bytes])
}

fn address_of(recipient: &Recipient) -> usize {
    match recipient {
        Recipient::Bound(..) => 0,
        Recipient::Named(address) => address.as_str().len(),
    }
}

fn total(parts: impl IntoIterator<Item = usize>) -> usize {
    parts.into_iter().fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::event::{Importance, Operator};
    use crate::account::names::address::{Address, Channel};
    use crate::account::names::ids::{AuthenticatorId, DeviceId};
    use crate::account::names::purpose::Purpose;
    use crate::account::proof::Method;
    use crate::account::record::authenticator::{App, Authenticator, AuthenticatorState, Replaced};
    use crate::account::record::capacity::{
        AUTHENTICATORS, BOUND_BEFORE, DELIVERED, DEVICES, EMAILS, EVENTS, HOLDS, PASSES, RECOVERY_CODES, REDEEMED,
        REPLACED, REPLIES, SELF_RECOVERIES, SENDS, WRONG_CODES,
    };
    use crate::account::record::delivered::{Asked, Sent};
    use crate::account::record::device::Device;
    use crate::account::record::encoding::fields::Unknown;
    use crate::account::record::encoding::read::from_bytes;
    use crate::account::record::encoding::write::write_into;
    use crate::account::record::imported_codes::{ImportedCodes, OLD_HASH};
    use crate::account::record::notice::NoticeKey;
    use crate::account::record::proposal::ProposedAct;
    use crate::account::record::recovery::{RecoverySet, Seed, WaitingSet};
    use crate::account::record::replies::{Answer, Reply};
    use crate::account::record::self_recovery::SelfRecovery;
    use crate::account::record::token::{Pass, PassOrigin, TokenHash};
    use crate::account::record::whole::{BoundEmail, Hold, Redeemed, StrongerFactor, WrongCode};
    use crate::otp::{
        Accepted, Algorithm, Code, Digits, FailureCount, LockState, Period, RECENT_CODES, Secret, Step, Throttle, Totp,
        Tracker, UnixTime,
    };
    use alloc::string::String;
    use alloc::vec;
    use alloc::vec::Vec;
    use core::num::NonZeroU32;
    use rand::rngs::StdRng;
    use rand::{Rng, RngExt, SeedableRng};
    use zeroize::Zeroizing;

    /// Draws parts of records: numbers of every size, lists of every length.
    struct Draw {
        rng: StdRng,
        /// Everything as large as it can be.
        is_largest: bool,
    }

    impl Draw {
        fn number(&mut self) -> u64 {
            if self.is_largest {
                return [u64::MAX, u64::MAX / 2 + 1][self.rng.random_range(0..2)];
            }
            let bits = self.rng.random_range(0..64);
            self.rng.random::<u64>() >> bits
        }

        fn small(&mut self) -> u32 {
            (self.number() >> 32) as u32
        }

        fn time(&mut self) -> UnixTime {
            UnixTime::from_secs(self.number())
        }

        fn bool(&mut self) -> bool {
            self.is_largest || self.rng.random()
        }

        fn count(&mut self, most: usize) -> usize {
            if self.is_largest { most } else { self.rng.random_range(0..=most) }
        }

        fn list<T>(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
            (0..self.count(most)).map(|_| one(self)).collect()
        }

        fn letters(&mut self, most: usize) -> String {
            let len = self.count(most - 1) + 1;
            "a".repeat(len)
        }

        fn text(&mut self) -> Text {
            Text::new(&self.letters(128)).unwrap()
        }

        fn hash(&mut self) -> [u8; 32] {
            self.rng.random()
        }

        fn code(&mut self) -> Code {
            Code::new(self.rng.random_range(0..100_000_000), Digits::Eight)
        }

        fn purpose(&mut self) -> Purpose {
            if self.bool() { Purpose::new(&self.letters(24)).unwrap() } else { Purpose::LOGIN }
        }

        fn address(&mut self) -> Address {
            let local = self.letters(64);
            Address::email(&alloc::format!("{local}@{}.example", self.letters(60))).unwrap()
        }

        fn unknown(&mut self) -> Unknown {
            // A field of a newer release, whose number is larger than any of this one.
            let mut field = vec![0x19, 0xff, 0xff, 0x59];
            let len = self.count(500);
            field.extend_from_slice(&(len as u16).to_be_bytes());
            field.resize(field.len() + len, 7);
            if self.bool() { Unknown(Zeroizing::new(field)) } else { Unknown::default() }
        }

        fn app(&mut self) -> App {
            let period = Period::from_secs(if self.is_largest { 86_400 } else { 30 }).unwrap_or(Period::DEFAULT);
            let totp = Totp { algorithm: Algorithm::Sha512, digits: Digits::Eight, period, t0: self.time() };
            let mut bytes = vec![0; self.count(118) + 10];
            self.rng.fill_bytes(&mut bytes);
            let watermark = Step::new(self.number());
            let drift = self.rng.random_range(-500..500);
            let tracker = Tracker::from_stored(Some(watermark), drift, drift).unwrap();
            App { totp, secret: Secret::boxed(&bytes).unwrap(), tracker }
        }

        fn kind(&mut self) -> Kind {
            if self.bool() { Kind::App(self.app()) } else { Kind::Address(self.address()) }
        }

        fn throttle(&mut self) -> Throttle {
            let (run, long_term) = (self.small(), self.small());
            Throttle { run, last_failure: self.time(), long_term, leaked_at: self.time() }
        }

        fn answer(&mut self) -> Answer {
            let serial = self.number();
            let method = match self.rng.random_range(0..5) {
                0 => Method::RecoveryCode { left: 16 },
                1 => Method::Authenticator(AuthenticatorId::new(self.small())),
                2 => Method::DeliveredCode {
                    authenticator: Some(AuthenticatorId::new(self.small() | 1)),
                    channel: Channel::Sms,
                },
                3 => Method::StrongerFactor,
                _ => {
                    let lock_state = match self.rng.random_range(0..3) {
                        0 => LockState::Open { attempts_left: NonZeroU32::MAX },
                        1 => LockState::Locked { until: self.time() },
                        _ => LockState::Disabled,
                    };
                    return Answer::Mismatch(FailureCount { failures_in_a_row: self.small(), lock_state });
                }
            };
            let confirms = !matches!(method, Method::RecoveryCode { .. } | Method::StrongerFactor);
            let with_handle = self.bool() && confirms;
            Answer::Accepted { method, serial, with_handle }
        }

        fn ways_back(&mut self, record: &mut Record) {
            record.stronger = self.bool().then(|| StrongerFactor { since: self.time(), settled_at: self.time() });
            record.imported_codes = self.bool().then(|| ImportedCodes {
                key: self.rng.random(),
                is_used: self.bool(),
                codes: self.list(RECOVERY_CODES, |draw| {
                    if draw.bool() {
                        ImportedCode::Old("x".repeat(OLD_HASH).into())
                    } else {
                        ImportedCode::Hash(draw.hash())
                    }
                }),
            });
            record.source_knows = self.bool();
            record.holds = self.list(HOLDS, |draw| Hold {
                purpose: draw.purpose(),
                from: draw.time(),
                until: draw.time(),
                reason: draw.bool().then(|| draw.text()),
            });
            record.bound_before_reset = self.list(BOUND_BEFORE, Self::address);
            record.emails = self.list(EMAILS, |draw| BoundEmail { address: draw.address(), settled_at: draw.time() });
            record.notices_answered = self.number();
            record.self_recoveries.0 = self.list(SELF_RECOVERIES, Self::time);
            record.self_recovery = self.bool().then(|| SelfRecovery {
                at: self.time(),
                until: self.time(),
                told_at: self.time(),
                told: self.small(),
                is_done: self.bool(),
            });
            record.proposal = self.bool().then(|| Proposal {
                act: ProposedAct::Thaw,
                operator: Operator::of(self.text(), self.text()),
                at: self.time(),
            });
            record.notice_key = NoticeKey::generate(&mut self.rng);
            record.waiting_set = self.bool().then(|| WaitingSet {
                seed: Seed::generate(&mut self.rng),
                count: 16,
                handle: TokenHash(self.hash()),
                until: self.time(),
                lead: self.number(),
            });
        }

        fn history(&mut self, record: &mut Record) {
            let mut last = 0;
            for _ in 0..self.count(EVENTS) {
                last += 1 + (self.number() >> 8);
                let (at, body) = (self.time(), self.letters(400));
                let entries = &mut record.history.entries;
                entries.push(last, at, (Importance::Act, true), |to| to.extend_from_slice(body.as_bytes()));
            }
            (record.history.last, record.history.handed_at) = (last + self.rng.random_range(0..100), self.time());
        }

        fn record(&mut self) -> Record {
            let mut record = Record::new();
            (record.newest, record.made_at, record.restored_at) = (self.time(), self.time(), self.time());
            (record.epoch, record.proofs_spent, record.used_until) = (self.number(), self.number(), self.time());
            let mut id = 0;
            record.authenticators = self.list(AUTHENTICATORS, |draw| {
                id += if draw.is_largest { 1 << 24 } else { 1 };
                let (id, kind, uses) = (AuthenticatorId::new(id), draw.kind(), draw.number());
                let states = [AuthenticatorState::Active, AuthenticatorState::Suspended, AuthenticatorState::Disabled];
                let state = states[draw.rng.random_range(0..3)];
                let (name, unknown) = (draw.text(), draw.unknown());
                Authenticator { id, name, kind, bound_at: draw.time(), last_used: draw.time(), uses, state, unknown }
            });
            record.next_id = AuthenticatorId::new(id + 2);
            if self.bool() {
                record.pending = Some(Pending {
                    id: AuthenticatorId::new(id + 1),
                    name: self.text(),
                    kind: self.kind(),
                    until: self.time(),
                    lead: self.number(),
                    replaces: Some(AuthenticatorId::new(self.small())),
                    pass: Some(TokenHash(self.hash())),
                    handle: Some(TokenHash(self.hash())),
                    labels: Some(Labels { issuer: self.letters(200).into(), account: self.letters(200).into() }),
                    unknown: self.unknown(),
                });
            }
            record.replaced = self.list(REPLACED, |draw| Replaced { app: draw.app(), at: draw.time() });
            for place in 0..self.count(RECENT_CODES) {
                record.recent_codes.put(place, Accepted { code: self.code(), at: self.time() });
            }
            for throttle in [
                &mut record.throttles.common,
                &mut record.throttles.devices,
                &mut record.throttles.mailed_passes,
                &mut record.throttles.enrollment,
            ] {
                *throttle = self.throttle();
            }
            record.throttles.run = self.small();
            record.passes.0 = self.list(PASSES, |draw| Pass {
                hash: TokenHash(draw.hash()),
                origin: PassOrigin::Operator,
                until: draw.time(),
                secs: draw.number(),
                lead: draw.number(),
                failures: draw.small(),
            });
            record.devices = self.list(DEVICES, |draw| Device {
                id: DeviceId::new(draw.number()),
                name: draw.text(),
                hash: TokenHash(draw.hash()),
                proof: draw.number(),
                last_used: draw.time(),
                failures: draw.small(),
            });
            record.delivered.0 = self.list(DELIVERED, |draw| Sent {
                asked: Asked {
                    recipient: if draw.rng.random() {
                        Recipient::Named(draw.address())
                    } else {
                        Recipient::Bound(AuthenticatorId::new(draw.small()), Channel::Voice)
                    },
                    purpose: draw.purpose(),
                    context: draw.bool().then(|| draw.hash()),
                    by_device: draw.bool(),
                },
                code: draw.code(),
                until: draw.time(),
                lead: draw.number(),
            });
            for sends in [&mut record.sends, &mut record.sends_of_devices, &mut record.mailed] {
                sends.0 = self.list(SENDS, Self::time);
            }
            if self.bool() {
                record.recovery = Some(RecoverySet {
                    key: self.rng.random(),
                    hashes: self.list(RECOVERY_CODES, |draw| draw.rng.random()),
                    is_used: self.bool(),
                });
            }
            record.wrong_codes =
                self.list(WRONG_CODES, |draw| WrongCode { code: draw.code(), at: draw.time(), event: draw.number() });
            record.frozen_at = self.bool().then(|| self.time());
            record.is_reset = self.bool();
            self.ways_back(&mut record);
            self.history(&mut record);
            record.replies.0 = self.list(REPLIES, |draw| Reply {
                fingerprint: draw.hash(),
                at: draw.time(),
                lead: draw.number(),
                answer: draw.answer(),
            });
            record.redeemed = self.list(REDEEMED, |draw| Redeemed { serial: draw.number(), at: draw.time() });
            record.unknown = self.unknown();
            record
        }
    }

    fn written(record: &Record) -> Vec<u8> {
        let mut room = vec![0; bound(record)];
        let len = write_into(record, &mut room).expect("a bound that holds");
        room.truncate(len);
        room
    }

    #[test]
    fn every_record_takes_at_most_its_bound_and_is_read_as_it_was_written() {
        for seed in 0..3_000 {
            let mut draw = Draw { rng: StdRng::seed_from_u64(seed), is_largest: seed % 3 == 0 };
            let record = draw.record();
            let bytes = written(&record);
            let again = from_bytes(&bytes).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!(written(&again), bytes, "seed {seed}");
            // And not far more: room is wiped, too.
            assert!(!draw.is_largest || bound(&record) - bytes.len() < bytes.len() / 10, "seed {seed}");
        }
    }

    #[test]
    fn a_record_without_enough_room_is_not_written() {
        let record = Draw { rng: StdRng::seed_from_u64(1), is_largest: false }.record();
        let len = written(&record).len();
        for room in [0, 1, len / 2, len - 1] {
            assert!(write_into(&record, &mut vec![0; room]).is_err(), "{room}");
        }
    }

    #[test]
    fn the_bound_of_a_new_record_is_near_what_it_takes() {
        let record = Record::new();
        assert!(bound(&record) - written(&record).len() < 850);
    }
}
