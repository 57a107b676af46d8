//! The entries of a history as one string of bytes, oldest first: a log-in writes its own entry
//! and reads none of the others.
//!
//! An entry is a head and a body. The head has:
//! - one byte: the importance and whether the entry is owed, in three bits; in the others the
//!   distance of its number from that of the entry before, if it is at most 31, and else zero;
//! - the length of what follows;
//! - a distance of more than 31;
//! - the distance of its time.
//!
//! The first one's distances are from zero. The body is the event itself, which nobody decodes
//! until somebody asks: so what a newer release wrote stays as it is.

use super::capacity::EVENTS;
use super::encoding::fields::Corrupt;
use super::encoding::varint;
use crate::account::event::Importance;
use crate::otp::UnixTime;
use alloc::vec::Vec;

/// Room for one more log-in, so that its entry moves nothing.
const ROOM: usize = 32;
/// The bits that have the importance.
const IMPORTANCE_BITS: u32 = 3;
const IMPORTANCE: u8 = (1 << IMPORTANCE_BITS) - 1;
/// The greatest distance of numbers that stands in the first byte.
const NEAR: u64 = 31;
/// The longest head: the first byte and three numbers.
const HEAD: usize = 1 + 3 * varint::MAX;

/// The entries, oldest first.
pub(in crate::account) struct Entries {
    bytes: Vec<u8>,
    /// The number and the time of the latest.
    latest: (u64, UnixTime),
}

/// An entry that is kept.
#[derive(Clone, Copy)]
pub(in crate::account) struct Entry<'a> {
    pub(in crate::account) sequence: u64,
    pub(in crate::account) at: UnixTime,
    /// A notice that the sink has not taken.
    pub(in crate::account) is_owed: bool,
    pub(in crate::account) body: &'a [u8],
}

/// An entry in its place, with the distances in its head.
#[derive(Clone, Copy)]
struct Placed<'a> {
    start: usize,
    /// The place behind the head.
    body_start: usize,
    end: usize,
    importance: Importance,
    is_owed: bool,
    sequence: u64,
    time: u64,
    body: &'a [u8],
}

impl Entries {
    pub(in crate::account) const NEW: Self = Self { bytes: Vec::new(), latest: (0, UnixTime::from_secs(0)) };

    /// Reads what [`as_bytes`](Self::as_bytes) gave, whatever the bodies are.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Corrupt> {
        let mut entries = Self::NEW;
        let (mut count, mut place) = (0, 0);
        while place < bytes.len() {
            let Placed { end, sequence, time, .. } = placed(bytes, place)?;
            // Numbers rise.
            if sequence == 0 || count == EVENTS {
                return Err(Corrupt);
            }
            let (last, at) = entries.latest;
            let at = varint::at_difference(at.as_secs(), time);
            entries.latest = (last.checked_add(sequence).ok_or(Corrupt)?, UnixTime::from_secs(at));
            (count, place) = (count.wrapping_add(1), end);
        }
        entries.bytes.reserve_exact(bytes.len().saturating_add(ROOM));
        entries.bytes.extend_from_slice(bytes);
        Ok(entries)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of the latest, or zero.
    pub(super) const fn latest(&self) -> u64 {
        self.latest.0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        self.placed().scan((0_u64, 0_u64), |(sequence, at), placed| {
            let Placed { is_owed, body, .. } = placed;
            (*sequence, *at) = (sequence.wrapping_add(placed.sequence), varint::at_difference(*at, placed.time));
            Some(Entry { sequence: *sequence, at: UnixTime::from_secs(*at), is_owed, body })
        })
    }

    /// The importance of each, whether it is owed, and its place: what an entry is besides is not
    /// looked at.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (Importance, bool, usize)> {
        let mut place = 0_usize;
        core::iter::from_fn(move || {
            let start = place;
            let (first, mut rest) = self.bytes.get(start..)?.split_first()?;
            let len = usize::try_from(varint::take(&mut rest).ok()?).ok()?;
            place = self.bytes.len().saturating_sub(rest.len().saturating_sub(len));
            let (importance, is_owed) = importance_of(*first).ok()?;
            Some((importance, is_owed, start))
        })
    }

    fn placed(&self) -> impl Iterator<Item = Placed<'_>> {
        let mut place = 0;
        core::iter::from_fn(move || {
            // All of them were checked when they were read.
            let entry = placed(&self.bytes, place).ok()?;
            place = entry.end;
            Some(entry)
        })
    }

    /// Adds the latest one, whose number is higher than any before. `write` writes its body.
    pub(super) fn push(
        &mut self,
        sequence: u64,
        at: UnixTime,
        (importance, is_owed): (Importance, bool),
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let body_len = self.bytes.len().saturating_sub(start);
        let (last, last_at) = self.latest;
        let time = varint::difference(last_at.as_secs(), at.as_secs());
        let (head, len) = head(number_of(importance, is_owed), sequence.wrapping_sub(last), time, body_len);
        self.bytes.extend_from_slice(head.get(..len).unwrap_or_default());
        if let Some(entry) = self.bytes.get_mut(start..) {
            entry.rotate_right(len);
        }
        self.latest = (sequence, at);
    }

    /// Removes the entry at a place that [`kinds`](Self::kinds) gave. The one behind it takes over
    /// its distances.
    pub(super) fn remove(&mut self, place: usize) {
        let Ok(Placed { start, end, sequence, time, .. }) = placed(&self.bytes, place) else { return };
        let Ok(next) = placed(&self.bytes, end) else {
            let (last, at) = self.latest;
            let at = at.as_secs().wrapping_sub(varint::at_difference(0, time));
            self.latest = (last.wrapping_sub(sequence), UnixTime::from_secs(at));
            self.bytes.truncate(start);
            return;
        };
        let both = varint::at_difference(varint::at_difference(0, time), next.time);
        let (sequence, time) = (sequence.wrapping_add(next.sequence), varint::difference(0, both));
        let (body_start, first) = (next.body_start, number_of(next.importance, next.is_owed));
        let (head, len) = head(first, sequence, time, next.body.len());
        // A head for both is no longer than the two are.
        let behind = start.saturating_add(len);
        if let (Some(place), Some(head)) = (self.bytes.get_mut(start..behind), head.get(..len)) {
            place.copy_from_slice(head);
            self.bytes.copy_within(body_start.., behind);
            self.bytes.truncate(self.bytes.len().saturating_sub(body_start.saturating_sub(behind)));
        }
    }

    /// Marks these as taken; gives whether any of them waited.
    pub(super) fn acknowledge(&mut self, sequences: &[u64]) -> bool {
        let (mut changed, mut place, mut number) = (false, 0, 0_u64);
        while let Ok(Placed { start, end, importance, is_owed, sequence, .. }) = placed(&self.bytes, place) {
            number = number.wrapping_add(sequence);
            if is_owed && sequences.contains(&number) {
                changed = true;
                if let Some(first) = self.bytes.get_mut(start) {
                    *first = (*first & !IMPORTANCE) | number_of(importance, false);
                }
            }
            place = end;
        }
        changed
    }
}

/// The entry at a place.
fn placed(bytes: &[u8], start: usize) -> Result<Placed<'_>, Corrupt> {
    let (first, mut rest) = bytes.get(start..).and_then(<[u8]>::split_first).ok_or(Corrupt)?;
    let (importance, is_owed) = importance_of(*first)?;
    let len = usize::try_from(varint::take(&mut rest)?).map_err(|_| Corrupt)?;
    let mut body = rest.get(..len).ok_or(Corrupt)?;
    let end = bytes.len().saturating_sub(rest.len().saturating_sub(len));
    let near = u64::from(first >> IMPORTANCE_BITS);
    let sequence = if near > 0 { near } else { varint::take(&mut body)? };
    let time = varint::take(&mut body)?;
    let body_start = end.saturating_sub(body.len());
    Ok(Placed { start, body_start, end, importance, is_owed, sequence, time, body })
}

/// A head, and its length.
#[allow(clippy::cast_possible_truncation)] // at most 31
fn head(importance: u8, sequence: u64, time: u64, body_len: usize) -> ([u8; HEAD], usize) {
    let near = if sequence <= NEAR { sequence } else { 0 };
    let far = (near == 0).then_some(sequence);
    let mut head = [importance | ((near as u8) << IMPORTANCE_BITS); HEAD];
    let behind = far.map_or(0, varint::len).saturating_add(varint::len(time)).saturating_add(body_len);
    let mut end = 1_usize;
    for number in [Some(behind as u64), far, Some(time)].into_iter().flatten() {
        let (bytes, len) = varint::bytes(number);
        let place = head.get_mut(end..).unwrap_or_default();
        place.iter_mut().zip(bytes).take(len).for_each(|(place, byte)| *place = byte);
        end = end.wrapping_add(len);
    }
    (head, end)
}

const fn number_of(importance: Importance, is_owed: bool) -> u8 {
    match (importance, is_owed) {
        (Importance::Ordinary, _) => 0,
        (Importance::Notice, true) => 1,
        (Importance::Refusal, _) => 2,
        (Importance::Notice, false) => 3,
        (Importance::Act, true) => 4,
        (Importance::Act, false) => 5,
    }
}

const fn importance_of(first: u8) -> Result<(Importance, bool), Corrupt> {
    Ok(match first & IMPORTANCE {
        0 => (Importance::Ordinary, false),
        1 => (Importance::Notice, true),
        2 => (Importance::Refusal, false),
        3 => (Importance::Notice, false),
        4 => (Importance::Act, true),
        5 => (Importance::Act, false),
        _ => return Err(Corrupt),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    type Known = (u64, u64, Importance, bool, Vec<u8>);

    fn read(entries: &Entries) -> Vec<Known> {
        let known = |(entry, (importance, is_owed, _)): (Entry<'_>, _)| {
            let Entry { sequence, at, is_owed: owed, body } = entry;
            assert_eq!(owed, is_owed);
            (sequence, at.as_secs(), importance, is_owed, body.to_vec())
        };
        entries.iter().zip(entries.kinds()).map(known).collect()
    }

    #[test]
    fn whatever_is_added_removed_and_taken_is_read_as_it_was() {
        for seed in 0..300 {
            let mut rng = StdRng::seed_from_u64(seed);
            let (mut entries, mut expected, mut last) = (Entries::NEW, Vec::<Known>::new(), 0_u64);
            for _ in 0..100 {
                match rng.random_range(0..4) {
                    0 | 1 if expected.len() < EVENTS => {
                        last += 1 + (rng.random::<u64>() >> rng.random_range(8..63));
                        let at = rng.random::<u64>() >> rng.random_range(0..63);
                        let kind = importance_of(rng.random_range(0..6)).unwrap();
                        let body: Vec<u8> = (0..rng.random_range(0..300)).map(|_| rng.random()).collect();
                        entries.push(last, UnixTime::from_secs(at), kind, |to| to.extend_from_slice(&body));
                        expected.push((last, at, kind.0, kind.1, body));
                    }
                    2 if !expected.is_empty() => {
                        let which = rng.random_range(0..expected.len());
                        let place = entries.kinds().nth(which).unwrap().2;
                        entries.remove(place);
                        expected.remove(which);
                    }
                    3 if !expected.is_empty() => {
                        let which = rng.random_range(0..expected.len());
                        let waited = core::mem::replace(&mut expected[which].3, false);
                        assert_eq!(entries.acknowledge(&[expected[which].0]), waited, "seed {seed}");
                    }
                    _ => {}
                }
                assert_eq!(read(&entries), expected, "seed {seed}");
                let again = Entries::from_bytes(entries.as_bytes()).unwrap();
                assert_eq!(again.latest(), expected.last().map_or(0, |entry| entry.0), "seed {seed}");
                assert_eq!(again.latest, entries.latest, "seed {seed}");
                assert_eq!(again.as_bytes(), entries.as_bytes());
            }
        }
    }

    #[test]
    fn cut_entries_and_more_than_there_may_be_are_corrupt() {
        let mut entries = Entries::NEW;
        let mut push = |count: u64| {
            for _ in 0..count {
                let (next, at) = (entries.latest() + 1, UnixTime::from_secs(1_800_000_000));
                entries.push(next, at, (Importance::Ordinary, false), |to| to.push(7));
            }
            entries.as_bytes().to_vec()
        };
        let one = push(1);
        for end in 1..one.len() {
            assert!(Entries::from_bytes(&one[..end]).is_err(), "{end}");
        }
        let most = push(31);
        assert!(Entries::from_bytes(&most).is_ok());
        let more = push(1);
        assert!(Entries::from_bytes(&more).is_err());
        // A number twice: no distance at all, which stands behind the length.
        let twice = [one.as_slice(), &[0, 3, 0, 0, 7]].concat();
        assert!(Entries::from_bytes(&twice).is_err());
        let next = [one.as_slice(), &[0, 3, 1, 0, 7]].concat();
        assert!(Entries::from_bytes(&next).is_ok());
    }
}
