//! The comparison of a code with an account's authenticators by itself: for the proof that nothing secret decides, which has to
//! look at its masks before anybody does (`tests/memory`). Built with `--cfg sekisho_proofs` only; no part of the API.

use super::verify::{Candidate, judge};
use crate::otp::{Code, Limits, Secret, Step, TimeError, Totp, Tracker, UnixTime};
use subtle::Choice;

/// Everything that is computed before a verdict's class is known, as bytes that say it.
pub fn compare(
    authenticators: &[(Totp, &Secret, Option<Step>)],
    limits: &Limits,
    now: UnixTime,
    code: Code,
) -> Result<[u8; 4], TimeError> {
    let candidates = (0..).zip(authenticators).map(|(place, (totp, secret, used_up))| {
        let tracker = used_up.map_or(Tracker::NEW, Tracker::imported);
        (place, Candidate { totp: *totp, secret, tracker })
    });
    let judged = judge(candidates, limits, Choice::from(0), now, code)?;
    let [.., place] = judged.place.to_be_bytes();
    Ok([judged.accepted.unwrap_u8(), judged.replayed.unwrap_u8(), judged.expired.unwrap_u8(), place])
}
