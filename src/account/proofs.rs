//! The comparisons with an account's secrets, by themselves: for the proof that nothing secret
//! decides, which has to look at its masks before anybody does (`tests/memory`). Built with `--cfg
//! sekisho_proofs` only; no part of the API.

use super::doors::common_offset::common_offset;
use super::doors::judge::{self, Candidate, Confirming, Searched, judge_confirming};
use super::error::AccountError;
use super::names::address::Channel;
use super::names::ids::AuthenticatorId;
use super::names::purpose::Purpose;
use super::record::delivered::{Asked, Delivered, Recipient, Sent};
use super::record::notice::NoticeKey;
use super::record::whole::WrongCode;
use crate::otp::{Code, Limits, Moment, Secret, Step, TimeError, Totp, Tracker, UnixTime};
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
    let judged = judge::judge((0..).zip(candidates(apps)), limits, Choice::from(0), Moment::new(now, now), code)?;
    let [.., place] = judged.place.to_be_bytes();
    Ok([judged.accepted.unwrap_u8(), judged.replayed.unwrap_u8(), judged.expired.unwrap_u8(), place])
}

/// Compares two wrong codes: gives whether they agree on an offset, and the offset.
pub fn diagnose(apps: &[App<'_>], first: (Code, UnixTime), second: (Code, UnixTime)) -> (u8, i64) {
    let numbered = (1..).map(AuthenticatorId::new).zip(candidates(apps));
    let [first, second] = [first, second].map(|(code, at)| WrongCode { code, at, event: 0 });
    let found = common_offset(numbered, first, second);
    (found.agreed.unwrap_u8(), found.ahead_secs())
}

/// The same for the code that confirms an enrollment, and those that this one has replaced.
pub fn confirm(
    waiting: &App<'_>,
    replaced: &[App<'_>],
    limits: &Limits,
    now: UnixTime,
    code: Code,
) -> Result<[u8; 2], TimeError> {
    let [waiting, replaced] = [core::slice::from_ref(waiting), replaced].map(candidates);
    let now = Moment::new(now, now);
    let Confirming { judged, of_replaced } =
        judge_confirming(waiting.into_iter(), replaced.into_iter(), limits, Choice::from(0), now, code)?;
    Ok([judged.accepted.unwrap_u8(), of_replaced.unwrap_u8()])
}

/// The search for two codes in a row, `behind` seconds back: gives whether they were found, and the
/// second one's step.
pub fn search(apps: &[App<'_>], codes: [Code; 2], behind: u64, now: UnixTime) -> Result<(u8, u64), AccountError> {
    let Searched { found, step, place: _ } =
        judge::search((0..).zip(candidates(apps)), codes, behind, Moment::new(now, now))?;
    Ok((found.unwrap_u8(), step))
}

/// A code and a context that it was submitted for, beside codes that were sent for theirs: gives
/// whether one is right, and which.
pub fn sent(kept: &[(Code, [u8; 32])], now: UnixTime, code: Code, context: &[u8; 32]) -> (u8, u32) {
    let now = Moment::new(now, now);
    let sent = |(code, context): &(Code, [u8; 32])| {
        let recipient = Recipient::Bound(AuthenticatorId::new(1), Channel::Sms);
        let asked = Asked { recipient, purpose: Purpose::WITHDRAWAL, context: Some(*context), by_device: false };
        Sent { asked, code: *code, until: now.clock.saturating_add(60), lead: 0 }
    };
    let delivered = Delivered(kept.iter().map(sent).collect());
    let matched = judge::judge_delivered(&delivered, (Purpose::WITHDRAWAL, Some(context)), 60, now, code, |_| true);
    (matched.right.unwrap_u8(), matched.place)
}

/// Compares a text with the handle that it would be under the key of an account's notices.
pub fn is_handle(key: &[u8; 16], text: &str, now: UnixTime) -> u8 {
    NoticeKey(*key).compare(text, Moment::new(now, now)).0.unwrap_u8()
}
