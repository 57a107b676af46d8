//! The comparisons with an account's secrets, by themselves: for the proof that nothing secret
//! decides, which has to look at its masks before anybody does (`tests/memory`). Built with `--cfg
//! sekisho_proofs` only; no part of the API.

use super::doors::common_offset::common_offset;
use super::doors::judge::{Candidate, judge};
use super::names::ids::AuthenticatorId;
use super::record::whole::WrongCode;
use crate::otp::{Code, Limits, OpenSteps, Secret, Step, TimeError, Totp, Tracker, UnixTime};
use alloc::vec::Vec;
use subtle::Choice;

/// An app: its parameters, its secret, and the last step used.
pub type App<'a> = (Totp, &'a Secret, Option<Step>);

fn candidates<'a>(apps: &[App<'a>]) -> Vec<Candidate<'a>> {
    let candidate = |(totp, secret, used_up): &App<'a>| Candidate {
        totp: *totp,
        secret,
        tracker: used_up.map_or(Tracker::NEW, Tracker::imported),
    };
    apps.iter().map(candidate).collect()
}

/// Everything that is computed before a verdict's class is known, as bytes that say it.
pub fn compare(apps: &[App<'_>], limits: &Limits, now: UnixTime, code: Code) -> Result<[u8; 4], TimeError> {
    let judged = judge((0..).zip(candidates(apps)), limits, Choice::from(0), now, code)?;
    let [.., place] = judged.place.to_be_bytes();
    Ok([judged.accepted.unwrap_u8(), judged.replayed.unwrap_u8(), judged.expired.unwrap_u8(), place])
}

/// Compares two wrong codes: gives whether they agree on an offset, and the offset.
pub fn diagnose(apps: &[App<'_>], first: (Code, UnixTime), second: (Code, UnixTime)) -> (u8, i64) {
    let numbered = (1..).map(AuthenticatorId::new).zip(candidates(apps));
    let (code, at) = first;
    let found = common_offset(numbered, Some(WrongCode { code, at }), second.1, second.0);
    (found.agreed.unwrap_u8(), found.ahead_secs())
}

/// The search for two codes in a row.
pub fn search(totp: Totp, secret: &Secret, codes: [Code; 2], steps: OpenSteps, used_up: Option<Step>) -> (u8, u64) {
    let (found, step) = totp.key(secret).find_pair(codes, steps, used_up);
    (found.unwrap_u8(), step)
}
