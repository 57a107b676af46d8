//! What two wrong codes have in common: for the audit log, never for whoever typed them.

use super::authenticator::AuthenticatorId;
use super::verify::Candidate;
use crate::otp::{Code, RECENT_SECS, Shown, UnixTime};
use core::fmt;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// A wrong code that was submitted, and when.
#[derive(Clone, Copy)]
pub(super) struct Miss {
    pub(super) code: Code,
    pub(super) at: UnixTime,
}

/// Two different wrong codes were right at the same distance from our clock: the authenticator's is off by that.
///
/// `Display` says it in words: `clock 9 h ahead: time zone`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Diagnosis {
    /// Whose clock.
    pub authenticator: AuthenticatorId,
    /// How far it is ahead (or, negative, behind), in seconds, to a step or two.
    pub ahead_secs: i64,
}

impl Diagnosis {
    /// Whether it looks like a wrong time zone: off by more than 13 minutes, and within four of a multiple of a quarter of an hour.
    #[must_use]
    pub const fn is_time_zone(&self) -> bool {
        let off = self.ahead_secs.unsigned_abs();
        let past = off % 900;
        off > 780 && (past <= 240 || past >= 660)
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let off = self.ahead_secs.unsigned_abs();
        // Two steps to either side are the same zone.
        let off = if self.is_time_zone() { off.saturating_add(450).div_euclid(900).saturating_mul(900) } else { off };
        f.write_str("clock")?;
        for (number, unit) in [(off / 3_600, "h"), (off % 3_600 / 60, "min"), (off % 60, "s")] {
            if number > 0 {
                write!(f, " {number} {unit}")?;
            }
        }
        f.write_str(if off == 0 {
            " right"
        } else if self.ahead_secs < 0 {
            " behind"
        } else {
            " ahead"
        })?;
        f.write_str(if self.is_time_zone() { ": time zone" } else { "" })
    }
}

/// What a code and an earlier miss have in common, as masks.
pub(super) struct Agreement {
    pub(super) agreed: Choice,
    /// The number of whose it is; of no meaning unless agreed.
    number: u32,
    ahead_secs: i64,
}

/// Looks what a code has in common with an earlier, different miss of the last ten minutes; without one nothing is computed. Looked up whatever
/// the verdict's class, so that its time does not tell the class.
pub(super) fn agreement<'a>(
    apps: impl Iterator<Item = (AuthenticatorId, Candidate<'a>)>,
    miss: Option<Miss>,
    now: UnixTime,
    code: Code,
) -> Agreement {
    let mut agreement = Agreement { agreed: Choice::from(0), number: 0, ahead_secs: 0 };
    let Some(miss) = miss.filter(|miss| now.as_secs().abs_diff(miss.at.as_secs()) < RECENT_SECS) else {
        return agreement;
    };
    let differs = !miss.code.ct_eq(&code);
    for (id, Candidate { totp, secret, .. }) in apps {
        let (Ok(first), Ok(second)) = (totp.step_at(miss.at), totp.step_at(now)) else { continue };
        let first = Shown { code: miss.code, step: first };
        let (agreed, steps) = totp.key(secret).find_agreement(first, Shown { code, step: second });
        let agreed = agreed & differs & !agreement.agreed;
        let ahead_secs = steps.wrapping_mul(totp.period.as_secs().cast_signed());
        agreement.number.conditional_assign(&id.number(), agreed);
        agreement.ahead_secs.conditional_assign(&ahead_secs, agreed);
        agreement.agreed |= agreed;
    }
    agreement
}

impl Agreement {
    /// Of no meaning unless agreed.
    #[cfg(sekisho_proofs)]
    pub(super) const fn ahead_secs(&self) -> i64 {
        self.ahead_secs
    }

    /// In words, once the verdict's class is known.
    pub(super) fn diagnosis(&self) -> Option<Diagnosis> {
        let Self { agreed, number, ahead_secs } = *self;
        bool::from(agreed).then_some(Diagnosis { authenticator: AuthenticatorId::new(number), ahead_secs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn in_words() {
        let said = |ahead_secs| Diagnosis { authenticator: AuthenticatorId::new(1), ahead_secs }.to_string();
        for (secs, words) in [
            (32_400, "clock 9 h ahead: time zone"),
            (32_430, "clock 9 h ahead: time zone"),
            (-19_830, "clock 5 h 30 min behind: time zone"),
            (-240, "clock 4 min behind"),
            (90, "clock 1 min 30 s ahead"),
            (600, "clock 10 min ahead"),
            (870, "clock 15 min ahead: time zone"),
            (0, "clock right"),
        ] {
            assert_eq!(said(secs), words);
        }
    }
}
