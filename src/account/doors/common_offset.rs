//! The search for what two wrong codes have in common: for the audit log, never for whoever typed
//! them.

use super::judge::Candidate;
use crate::account::diagnosis::Diagnosis;
use crate::account::names::ids::AuthenticatorId;
use crate::account::record::whole::WrongCode;
use crate::otp::{Code, Moment, RECENT_SECS, Shown};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// The distance from our clock at which a code and an earlier wrong one were both right, as masks.
pub(in crate::account) struct CommonOffset {
    pub(in crate::account) agreed: Choice,
    /// The number of whose it is; of no meaning unless agreed.
    number: u32,
    ahead_secs: i64,
}

/// Looks for the offset that a code has in common with an earlier, different wrong one of the last
/// ten minutes. Without one nothing is computed. Looked up whatever the class of the answer, so its
/// time does not tell the class.
pub(in crate::account) fn common_offset<'a>(
    apps: impl Iterator<Item = (AuthenticatorId, Candidate<'a>)>,
    wrong_code: Option<WrongCode>,
    now: Moment,
    code: Code,
) -> CommonOffset {
    let mut common = CommonOffset { agreed: Choice::from(0), number: 0, ahead_secs: 0 };
    let Some(earlier) = wrong_code.filter(|wrong| now.is_near(wrong.at, RECENT_SECS)) else {
        return common;
    };
    let differs = !earlier.code.ct_eq(&code);
    for (id, Candidate { totp, secret, .. }) in apps {
        let (Ok(first), Ok(second)) = (totp.step_at(earlier.at), totp.step_at(now.clock)) else { continue };
        let first = Shown { code: earlier.code, step: first };
        let (agreed, steps) = totp.key(secret).find_agreement(first, Shown { code, step: second });
        let agreed = agreed & differs & !common.agreed;
        let ahead_secs = steps.wrapping_mul(totp.period.as_secs().cast_signed());
        common.number.conditional_assign(&id.number(), agreed);
        common.ahead_secs.conditional_assign(&ahead_secs, agreed);
        common.agreed |= agreed;
    }
    common
}

impl CommonOffset {
    /// Of no meaning unless agreed.
    #[cfg(sekisho_proofs)]
    pub(in crate::account) const fn ahead_secs(&self) -> i64 {
        self.ahead_secs
    }

    /// In words, once the class of the answer is known.
    pub(in crate::account) fn diagnosis(&self) -> Option<Diagnosis> {
        let Self { agreed, number, ahead_secs } = *self;
        bool::from(agreed).then_some(Diagnosis { authenticator: AuthenticatorId::new(number), ahead_secs })
    }
}
