//! The library's side of a comparison with the plain model.

use super::{Answer, Authenticator, Hash};
use sekisho::otp::{
    Algorithm, CodePolicy, Digits, Key, NotAccepted, Period, Rejection, Secret, State, Totp, UnixTime, decide,
};
use std::convert::Infallible;

/// The key of the same authenticator.
pub fn key(plain: &Authenticator) -> Key {
    let algorithm = match plain.hash {
        Hash::Sha1 => Algorithm::Sha1,
        Hash::Sha256 => Algorithm::Sha256,
        Hash::Sha512 => Algorithm::Sha512,
    };
    let totp = Totp {
        algorithm,
        digits: Digits::from_count(u8::try_from(plain.digits).unwrap()).unwrap(),
        period: Period::from_secs(plain.period).unwrap(),
        t0: UnixTime::from_secs(plain.t0),
    };
    totp.key(&Secret::new_legacy(&plain.secret).unwrap())
}

/// Gives the library's answer to `text`, its new state stored; `None` for a time before T0.
pub fn answer(key: &Key, policy: &CodePolicy, stored: &mut [u8; State::LEN], now: u64, text: &str) -> Option<Answer> {
    let state = State::from_bytes(stored).unwrap();
    let decision = decide(key, policy, state, UnixTime::from_secs(now), &text.parse().unwrap()).ok()?;
    let verdict = decision.commit(|bytes| {
        *stored = *bytes;
        Ok::<(), Infallible>(())
    });
    Some(match verdict.map_err(|NotAccepted::Rejected(rejection)| rejection) {
        Ok(found) => Answer::Accepted { step: found.step.number() },
        Err(Rejection::Mismatch(_)) => Answer::Mismatch,
        Err(Rejection::Expired(_)) => Answer::Expired,
        Err(Rejection::Replayed { .. }) => Answer::Replayed,
        Err(Rejection::Locked { until }) => Answer::Locked { until: until.as_secs().into() },
        Err(Rejection::Busy { until }) => Answer::Busy { until: until.as_secs().into() },
        Err(Rejection::Disabled) => Answer::Disabled,
        Err(other) => panic!("floor 1 does not answer {other:?}"),
    })
}
