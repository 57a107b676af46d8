//! Two nearby steps with the same digits: the used digits stay used. (Schemes that remember the
//! last step only accept them twice.)
#![cfg(feature = "full")] // once: it does not depend on features

use sekisho::otp::{CodePolicy, Key, Match, NotAccepted, Rejection, Secret, State, Step, Totp, UnixTime, decide};
use std::convert::Infallible;
use subtle::ConstantTimeEq;

/// A key whose codes at `step` and `step + distance` are the same digits: one in a million has.
fn colliding_key(step: Step, distance: i64) -> Key {
    (0..u64::MAX)
        .map(|n| {
            let mut secret = [0; 20];
            secret[..8].copy_from_slice(&n.to_be_bytes());
            secret[8..16].copy_from_slice(&distance.to_be_bytes());
            Totp::DEFAULT.key(&Secret::new(&secret).unwrap())
        })
        .find(|key| key.code_at(step).ct_eq(&key.code_at(step.saturating_offset(distance))).into())
        .unwrap()
}

fn submit(key: &Key, stored: &mut [u8; State::LEN], now: UnixTime, step: Step) -> Result<Match, Rejection> {
    let state = State::from_bytes(stored).unwrap();
    let decision = decide(key, &CodePolicy::DEFAULT, state, now, &key.code_at(step)).unwrap();
    decision
        .commit(|bytes| {
            *stored = *bytes;
            Ok::<(), Infallible>(())
        })
        .map_err(|NotAccepted::Rejected(rejection)| rejection)
}

#[test]
fn used_digits_are_refused_at_a_nearby_step_that_shares_them() {
    let first = Step::new(60_000_000);
    for distance in 1..=20 {
        let key = colliding_key(first, distance);
        let second = first.saturating_offset(distance);
        let [first_at, second_at] = [first, second].map(|step| key.totp().start_of(step));
        let mut stored = State::new().to_bytes();
        assert!(submit(&key, &mut stored, first_at, first).is_ok(), "distance {distance}");

        // Accepted at 0 s, remembered until 600 s: a step at distance 20 begins just then.
        let again_at = if distance < 20 { second_at } else { UnixTime::from_secs(second_at.as_secs() - 1) };
        let Err(Rejection::Replayed { next }) = submit(&key, &mut stored, again_at, second) else {
            panic!("distance {distance}: the same digits were accepted twice");
        };

        let following = second.saturating_offset(1);
        assert!(next <= key.totp().start_of(following), "distance {distance}");
        let verdict = submit(&key, &mut stored, key.totp().start_of(following), following);
        assert!(verdict.is_ok(), "distance {distance}: a fresh code of a following step");
    }
}

#[test]
fn of_several_matches_in_the_window_the_highest_is_taken() {
    for distance in [1, 2] {
        let first = Step::new(60_000_000);
        let key = colliding_key(first, distance);
        let second = first.saturating_offset(distance);
        let mut stored = State::new().to_bytes();
        let now = key.totp().start_of(first.saturating_offset(1));
        let verdict = submit(&key, &mut stored, now, first);
        assert!(matches!(verdict, Ok(found) if found.step == second), "distance {distance}");
        assert_eq!(State::from_bytes(&stored).unwrap().watermark(), Some(second));
    }
}
