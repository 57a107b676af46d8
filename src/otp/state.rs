//! The state of one authenticator, which has to be kept between two codes.

use super::code::Code;
use super::moment::Moment;
use super::recent_codes::{Accepted, RECENT_CODES, RecentCodes};
use super::stored_error::StoredError;
use super::throttle::Throttle;
use super::time::{Step, UnixTime};
use super::tracker::Tracker;

/// The first byte of the stored form.
const VERSION: u8 = 1;

/// The state of one authenticator, which has to be kept between two codes: failures and locks,
/// watermark and drift, digits accepted lately.
///
/// Neither `Copy`, `Clone` nor `Default`: deciding consumes it, so that nobody decides twice on
/// one. Where several threads, processes or machines verify for one authenticator, store
/// [`to_bytes`](Self::to_bytes) by compare-and-swap on what was read.
#[derive(Debug)]
pub struct State {
    pub(super) throttle: Throttle,
    pub(super) tracker: Tracker,
    pub(super) recent_codes: RecentCodes,
}

impl State {
    /// The length of the stored form in bytes: 426.
    ///
    /// In order, numbers big-endian: version (1 byte); failures in a row (4), last failure (8),
    /// long-term count (4), its last leak (8); watermark present (1), watermark (8), drift (4),
    /// its anchor (4); thirty-two times an accepted code (4) and when that was (8), unused
    /// places zero and last.
    pub const LEN: usize = 42 + RECENT_CODES * 12;

    /// The state of a new authenticator.
    #[must_use]
    #[allow(clippy::new_without_default)] // `unwrap_or_default` on a damaged state would forget what has been used
    pub const fn new() -> Self {
        Self { throttle: Throttle::NEW, tracker: Tracker::NEW, recent_codes: RecentCodes::new() }
    }

    /// The state of an imported secret, or of one that was verified elsewhere until now: all steps
    /// up to `used_up` count as used. Pass the present step
    /// ([`Totp::step_at`](super::Totp::step_at)).
    #[must_use]
    pub const fn imported(used_up: Step) -> Self {
        Self { throttle: Throttle::NEW, tracker: Tracker::imported(used_up), recent_codes: RecentCodes::new() }
    }

    /// The state to keep when the secret is replaced: the way out of
    /// [`Rejection::Disabled`](super::Rejection::Disabled). The run of failures ends; the long-term
    /// count and the digits accepted lately stay, so that binding anew wipes no slate.
    #[must_use]
    pub const fn rebound(mut self) -> Self {
        self.throttle.run = 0;
        self.tracker = Tracker::NEW;
        self
    }

    /// The highest step used up, if any.
    #[must_use]
    pub const fn watermark(&self) -> Option<Step> {
        self.tracker.watermark()
    }

    /// The moment at which the clock reads `now`.
    pub(super) fn moment(&self, now: UnixTime) -> Moment {
        let clock = Moment::new(now, now);
        let Throttle { last_failure, leaked_at, .. } = self.throttle;
        let accepted = self.recent_codes.iter().map(|accepted| accepted.at);
        let known = [last_failure, leaked_at].into_iter().chain(accepted).filter(|at| !clock.is_mistaken(*at));
        Moment::new(now, known.fold(now, UnixTime::max))
    }

    /// Puts the present time in the place of those that a clock gone wrong has written.
    pub(super) fn correct(&mut self, now: Moment) {
        self.throttle.times().into_iter().for_each(|at| *at = now.corrected(*at));
        self.recent_codes.correct(now);
    }

    /// The stored form.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let mut rest = bytes.as_mut_slice();
        let mut put = |field: &[u8]| {
            if let Some((place, behind)) = core::mem::take(&mut rest).split_at_mut_checked(field.len()) {
                place.copy_from_slice(field);
                rest = behind;
            }
        };
        put(&[VERSION]);
        put(&self.throttle.run.to_be_bytes());
        put(&self.throttle.last_failure.as_secs().to_be_bytes());
        put(&self.throttle.long_term.to_be_bytes());
        put(&self.throttle.leaked_at.as_secs().to_be_bytes());
        put(&[u8::from(self.tracker.watermark().is_some())]);
        put(&self.tracker.watermark().map_or(0, Step::number).to_be_bytes());
        put(&self.tracker.stored_drift().to_be_bytes());
        put(&self.tracker.anchor().to_be_bytes());
        for accepted in self.recent_codes.iter() {
            put(&accepted.code.packed().to_be_bytes());
            put(&accepted.at.as_secs().to_be_bytes());
        }
        bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`StoredError`] if the bytes are not what [`to_bytes`](Self::to_bytes) of this or an earlier
    /// release wrote. Treat that as an incident: a new state in place of a damaged one forgets
    /// what has been used.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoredError> {
        if bytes.len() != Self::LEN {
            return Err(StoredError::Length { len: bytes.len() });
        }
        let mut reader = Reader(bytes);
        let [version] = reader.take()?;
        if version != VERSION {
            return Err(StoredError::Version { version: version.into() });
        }
        let throttle = Throttle {
            run: u32::from_be_bytes(reader.take()?),
            last_failure: reader.time()?,
            long_term: u32::from_be_bytes(reader.take()?),
            leaked_at: reader.time()?,
        };
        let watermark = match (reader.take()?, u64::from_be_bytes(reader.take()?)) {
            ([0], 0) => None,
            ([1], step) => Some(Step::new(step)),
            _ => return Err(StoredError::Corrupt),
        };
        let (drift, anchor) = (i32::from_be_bytes(reader.take()?), i32::from_be_bytes(reader.take()?));
        let tracker = Tracker::from_stored(watermark, drift, anchor).ok_or(StoredError::Corrupt)?;
        let mut recent_codes = RecentCodes::new();
        let mut ended = false;
        for _ in 0..RECENT_CODES {
            match (u32::from_be_bytes(reader.take()?), reader.time()?) {
                (0, at) if at.as_secs() == 0 => ended = true,
                (packed, at) if !ended => {
                    recent_codes.push(Accepted { code: Code::from_packed(packed).ok_or(StoredError::Corrupt)?, at });
                }
                _ => return Err(StoredError::Corrupt),
            }
        }
        Ok(Self { throttle, tracker, recent_codes })
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], StoredError> {
        let (field, behind) = self.0.split_first_chunk().ok_or(StoredError::Corrupt)?;
        self.0 = behind;
        Ok(*field)
    }

    fn time(&mut self) -> Result<UnixTime, StoredError> {
        Ok(UnixTime::from_secs(u64::from_be_bytes(self.take()?)))
    }
}
