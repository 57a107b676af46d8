//! The search for what two wrong codes have in common: for support, never for whoever typed them.

use super::judge::Candidate;
use crate::account::diagnosis::Diagnosis;
use crate::account::names::ids::AuthenticatorId;
use crate::account::record::whole::WrongCode;
use crate::account::transition::Account;
use crate::otp::{RECENT_SECS, Shown};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// The distance from our clock at which two wrong codes were both right, as masks.
pub(in crate::account) struct CommonOffset {
    pub(in crate::account) agreed: Choice,
    /// The number of whose it is; of no meaning unless agreed.
    number: u32,
    ahead_secs: i64,
}

/// Looks for the offset that two different wrong codes have in common.
pub(in crate::account) fn common_offset<'a>(
    apps: impl Iterator<Item = (AuthenticatorId, Candidate<'a>)>,
    earlier: WrongCode,
    later: WrongCode,
) -> CommonOffset {
    let mut common = CommonOffset { agreed: Choice::from(0), number: 0, ahead_secs: 0 };
    let differs = !earlier.code.ct_eq(&later.code);
    for (id, Candidate { totp, secret, .. }) in apps {
        let (Ok(first), Ok(second)) = (totp.step_at(earlier.at), totp.step_at(later.at)) else { continue };
        let [first, second] = [(earlier.code, first), (later.code, second)].map(|(code, step)| Shown { code, step });
        let (agreed, steps) = totp.key(secret).find_agreement(first, second);
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

    fn diagnosis(&self) -> Option<Diagnosis> {
        let Self { agreed, number, ahead_secs } = *self;
        bool::from(agreed).then_some(Diagnosis { authenticator: AuthenticatorId::new(number), ahead_secs })
    }
}

impl Account {
    /// The diagnosis that the latest two wrong codes give, if they were typed within ten minutes,
    /// and the number of the event that tells of the second one.
    ///
    /// It takes as long as some thirty log-ins. So it is searched when somebody asks, and never
    /// while a code is judged: neither does its owner wait for it, nor can a guesser time it.
    pub(in crate::account) fn latest_diagnosis(&self) -> Option<(u64, Diagnosis)> {
        let [earlier, later] = self.record.wrong_codes[..] else { return None };
        if later.at.saturating_since(earlier.at) >= RECENT_SECS {
            return None;
        }
        let pending = self.record.pending.as_ref().and_then(|one| Some((one.id, one.kind.app()?)));
        let apps = self.record.apps().map(|(_, id, app)| (id, app)).chain(pending);
        let found = common_offset(apps.map(|(id, app)| (id, Candidate::of(app))), earlier, later);
        Some((later.event, found.diagnosis()?))
    }
}
