//! The diagnosis of an authenticator's clock from two wrong codes.

use super::names::ids::AuthenticatorId;
use core::fmt;

/// Two different wrong codes were right at the same distance from our clock: the authenticator's is
/// off by that.
///
/// `Display` says it in words: `clock 9 h ahead: time zone`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Diagnosis {
    /// The authenticator whose clock it is.
    pub authenticator: AuthenticatorId,
    /// The clock is so many seconds ahead (or, negative, behind), to a step or two.
    pub ahead_secs: i64,
}

impl Diagnosis {
    /// Returns whether it looks like a wrong time zone: off by more than 13 minutes, and within
    /// four of a multiple of a quarter of an hour.
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
