//! Resynchronization and diagnosis: how far they reach, what they tell, and what they spend.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{self, Phone, T, app, at, new_authenticator};
use crate::service::{DAY, accepted, alice, answer, everything, in_memory, rejected};
use sekisho::account::{AccountLimits, Attempt, AuthenticatorId, Policy, Purpose, Resync};
use sekisho::otp::{Advice, CodeKind, Rejection, Secret, Step, Totp, Window};

#[tokio::test]
async fn a_resynchronization_tells_nothing_of_which_code_was_wrong() {
    let (service, _) = in_memory(Policy::default());
    let owner = everything(&service).await;
    let (right, next, wrong) = (owner.phone.shows(T, -9), owner.phone.shows(T, -8), owner.phone.never_shows(T, 1));
    let mut answers = Vec::new();
    for (first, second) in
        [(&right, &wrong), (&wrong, &next), (&next, &right), (&wrong, &owner.phone.never_shows(T, 2))]
    {
        let (service, _) = in_memory(Policy::default());
        let then = T - 30 * DAY;
        service.clock.set(at(then));
        service.verifier.create_account(&alice()).await.unwrap();
        let _ = service.verifier.enroll_first(&alice(), owner.phone.again()).await.unwrap();
        drop(service.confirm(then + 30, &owner.phone.shows(then + 30, 0)).await);
        answers.push(rejected(service.resync(T, Resync::new(first, second)).await));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.is_charged()), "{answers:?}");
    assert_eq!(answers[0].advice_for(CodeKind::TwoCodes), Advice::TypeTwoCodesInARow);
    // The same code twice, or something that is none, is not looked at.
    for (first, second) in [(&right, &right), (&right, &"12345".to_string())] {
        assert_eq!(rejected(service.resync(T, Resync::new(first, second)).await), Rejection::Malformed);
    }
    let no_sheet = Resync::new(&right, &next).with_recovery_code("no recovery code");
    assert_eq!(rejected(service.resync(T, no_sheet).await), Rejection::Malformed);
}

#[tokio::test]
async fn a_resynchronization_with_a_recovery_code_uses_it_up_only_if_all_is_right() {
    let (service, _) = in_memory(Policy::default());
    let (phone, codes) = service.enrolled().await;
    let sheet = codes.iter().next().unwrap();
    let pair = |secs: u64| Resync::new(&phone.shows(secs - 30, -240), &phone.shows(secs, -240));
    assert!(matches!(rejected(service.resync(T, pair(T)).await), Rejection::Mismatch(_)), "two hours behind");
    let half = Resync::new(&phone.shows(T, -240), &phone.never_shows(T, 1)).with_recovery_code(sheet);
    assert!(matches!(rejected(service.resync(T, half).await), Rejection::Mismatch(_)));
    let other = pair(T).with_recovery_code("0000-0000-0000-0000-0000-0000");
    assert!(matches!(rejected(service.resync(T, other).await), Rejection::Mismatch(_)));
    assert_eq!(service.verifier.view(&alice()).await.unwrap().recovery_codes_left, 10);
    let named = || pair(T).with_recovery_code(sheet).with_idempotency_key([5; 16]);
    assert_eq!(accepted(service.resync(T, named()).await), AuthenticatorId::new(1));
    assert_eq!(accepted(service.resync(T + 1, named()).await), AuthenticatorId::new(1), "asked again by name");
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!((view.recovery_codes_left, phone::held(&view)), (9, vec![(Purpose::WITHDRAWAL, at(T + DAY))]));
    let kinds: Vec<_> = service.told().iter().rev().take(2).map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["resynchronized", "recovered"]);
}

#[tokio::test]
async fn codes_played_again_in_their_old_pace_hours_later_resynchronize_nothing() {
    let (service, _) = in_memory(Policy::default());
    let (phone, _) = service.enrolled().await;
    let proof = service.log_in(T - 60, &phone.shows(T - 60, 0)).await;
    let cookie = service.verifier.remember_device(&proof, "stolen later".parse().unwrap()).await.unwrap().to_text();
    // Somebody has seen all codes of ten minutes, of which each second one was used.
    let seen: Vec<String> = (0..20).map(|step| phone.shows(T + step * 30, 0)).collect();
    for step in (1..20).step_by(2) {
        let _ = service.log_in(T + step * 30, &seen[usize::try_from(step).unwrap()]).await;
    }
    for hours in [1, 5, 12, 23] {
        for (place, pair) in seen.windows(2).enumerate() {
            let now = T + hours * 3_600 + u64::try_from(place).unwrap() * 30;
            let resync = Resync::new(&pair[0], &pair[1]).with_device(cookie.expose());
            let answer = rejected(service.resync(now, resync).await);
            assert!(matches!(answer, Rejection::Mismatch(_) | Rejection::Locked { .. }), "{answer:?}");
        }
        let now = T + hours * 3_600 + 1_200;
        let _ = service.log_in(now, &phone.shows(now, 0)).await;
    }
}

#[tokio::test]
async fn both_codes_of_a_resynchronization_are_spent_and_it_answers_no_proof() {
    let (service, _) = in_memory(Policy::default());
    let (phone, _) = service.enrolled().await;
    for offset in [-19_i64, -3, 0, 7, 19] {
        let (service, _) = in_memory(Policy::default());
        let then = T - DAY;
        service.clock.set(at(then));
        service.verifier.create_account(&alice()).await.unwrap();
        let _ = service.verifier.enroll_first(&alice(), phone.again()).await.unwrap();
        drop(service.confirmed(then + 30, &phone).await);
        let pair = || Resync::new(&phone.shows(T - 30, offset), &phone.shows(T, offset));
        accepted(service.resync(T, pair()).await);
        assert!(matches!(rejected(service.resync(T, pair()).await), Rejection::Mismatch(_)));
        for step in [offset - 1, offset] {
            let again = service.log_in_refused(T, &phone.shows(T, step)).await;
            assert!(matches!(again, Rejection::Replayed { .. }), "{offset}: {again:?}");
        }
        let _ = service.log_in(T + 30, &phone.shows(T + 30, offset)).await;
    }
}

#[tokio::test]
async fn resynchronization_reaches_as_far_as_it_says() {
    let (template, _) = in_memory(Policy::default());
    let (phone, _) = template.enrolled().await;
    for (with_device, offset, found) in [
        (false, 20, true),
        (false, 21, false),
        (false, -19, true),
        (false, -20, false),
        (true, 20, true),
        (true, 21, false),
        (true, -2_879, true),
        (true, -2_880, false),
    ] {
        let (service, _) = in_memory(Policy::default());
        let then = T - 3 * DAY;
        service.clock.set(at(then));
        service.verifier.create_account(&alice()).await.unwrap();
        let begun = service.verifier.enroll_first(&alice(), phone.again()).await.unwrap();
        let proof = service.confirmed(then + 30, &Phone::of(&begun)).await;
        let cookie = service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text();
        let pair = Resync::new(&phone.shows(T, offset - 1), &phone.shows(T, offset));
        let pair = if with_device { pair.with_device(cookie.expose()) } else { pair };
        let answer = service.resync(T, pair).await;
        assert_eq!(answer.is_ok(), found, "{offset}, device: {with_device}");
    }
}

#[tokio::test]
async fn an_operator_clears_drift_and_used_codes_stay_used() {
    let (service, _) = in_memory(Policy::default());
    let (phone, _) = service.enrolled().await;
    accepted(service.resync(T, Resync::new(&phone.shows(T, 11), &phone.shows(T, 12))).await);
    assert_eq!(app(&service.verifier.view(&alice()).await.unwrap().authenticators[0]).1, 12);
    service
        .verifier
        .support(phone::operator("desk", "new phone, same secret"))
        .clear_drift(&alice(), AuthenticatorId::new(1))
        .await
        .unwrap();
    assert_eq!(app(&service.verifier.view(&alice()).await.unwrap().authenticators[0]).1, 0);
    assert!(service.log_in_refused(T + 30, &phone.shows(T + 30, 12)).await.is_charged());
    let used = service.log_in_refused(T + 60, &phone.shows(T + 60, 0)).await;
    assert!(matches!(used, Rejection::Replayed { .. }), "{used:?}");
    let _ = service.log_in(T + 390, &phone.shows(T + 390, 0)).await;
}

#[tokio::test]
async fn two_different_wrong_codes_within_ten_minutes_make_a_diagnosis() {
    let (service, _) = in_memory(Policy::default());
    let (phone, _) = service.enrolled().await;
    let ahead = 9 * 120;
    for late in 0..5 {
        let now = T + late * 30;
        let _ = service.log_in_refused(now, &phone.shows(now, ahead)).await;
        assert_eq!(service.diagnosis().await.is_some(), late > 0, "from the second on");
    }
    let locked = service.log_in_refused(T + 121, &phone.shows(T + 121, ahead)).await;
    assert!(matches!(locked, Rejection::Locked { .. }));
    // The same digits again say nothing, nor do two that are more than ten minutes apart.
    let (service, _) = in_memory(Policy::default());
    let (phone, _) = service.enrolled().await;
    let code = phone.shows(T, ahead);
    for now in [T, T + 1, T + 29] {
        let _ = service.log_in_refused(now, &code).await;
    }
    let _ = service.log_in_refused(T + 700, &phone.shows(T + 700, ahead)).await;
    assert_eq!(service.diagnosis().await, None);
}

#[tokio::test]
async fn a_wrong_clock_is_diagnosed_while_enrolling_too() {
    let (service, _) = in_memory(Policy::default());
    service.verifier.create_account(&alice()).await.unwrap();
    let new = Phone::of(&service.verifier.enroll_first(&alice(), new_authenticator()).await.unwrap());
    for now in [T, T + 40] {
        service.clock.set(at(now));
        let attempt = Attempt::new(Purpose::BINDING, &new.shows(now, -14));
        assert!(rejected(answer(service.verifier.confirm(&alice(), attempt).await)).is_charged());
    }
    assert_eq!(service.diagnosis().await.unwrap().to_string(), "clock 7 min behind");
}

/// A step, and a later one within ten minutes that shows the same digits.
fn same_digits(phone: &Phone) -> (u64, u64) {
    let mut shown = std::collections::HashMap::new();
    let first = phone.step(T).number();
    for step in first.. {
        let code = phone.key.code_at(Step::new(step)).reveal().to_string();
        match shown.insert(code, step) {
            Some(earlier) if (4..19).contains(&(step - earlier)) => return (earlier, step),
            _ => {}
        }
    }
    unreachable!()
}

#[tokio::test]
async fn digits_of_a_resynchronization_are_not_accepted_again_where_a_nearby_step_shares_them() {
    let phone = Phone::with(&Secret::new(&[3; 20]).unwrap(), Totp::DEFAULT);
    let (earlier, later) = same_digits(&phone);
    let secs = |step: u64| step * 30;
    let code = |step: u64| phone.key.code_at(Step::new(step)).reveal().to_string();
    let enrolled = async || {
        let (service, _) = in_memory(Policy::default());
        let then = secs(earlier) - DAY;
        service.clock.set(at(then));
        service.verifier.create_account(&alice()).await.unwrap();
        let _ = service.verifier.enroll_first(&alice(), phone.again()).await.unwrap();
        drop(service.confirmed(then + 30, &phone).await);
        service
    };
    // As the first of two, or the second.
    for first in [earlier, earlier - 1] {
        let service = enrolled().await;
        accepted(service.resync(secs(first + 1), Resync::new(&code(first), &code(first + 1))).await);
        let again = service.log_in_refused(secs(later), &code(later)).await;
        assert!(matches!(again, Rejection::Replayed { .. }), "{again:?}");
    }
    // Nor are digits that a log-in has used part of one.
    for first in [later, later - 1] {
        let service = enrolled().await;
        let _ = service.log_in(secs(earlier), &code(earlier)).await;
        let resync = Resync::new(&code(first), &code(first + 1));
        assert!(matches!(rejected(service.resync(secs(first + 1), resync).await), Rejection::Mismatch(_)));
    }
}

#[tokio::test]
async fn the_confirming_code_shows_where_the_next_ones_are_expected() {
    // Enrollment looks further than a log-in does.
    let limits = AccountLimits { enrollment_window: Window::new(5, 5), max_authenticators: 2, ..phone::limits() };
    let policy = Policy::new(limits).unwrap();
    for ahead in [-5, -3, 0, 3, 5] {
        let (service, _) = in_memory(policy.clone());
        service.clock.set(at(T));
        service.verifier.create_account(&alice()).await.unwrap();
        let enrollment = service.verifier.enroll_first(&alice(), new_authenticator()).await.unwrap();
        let phone = Phone::of(&enrollment);
        drop(service.confirm(T, &phone.shows(T, ahead)).await);
        let view = service.verifier.view(&alice()).await.unwrap();
        assert_eq!(i64::from(app(&view.authenticators[0]).1), ahead, "drift");
        // Codes of that clock are taken, and of one that is a step off by now.
        for (step, off) in [(2, 0), (4, 1), (8, 0)] {
            let now = T + step * 30;
            drop(service.log_in(now, &phone.shows(now, ahead + off)).await);
        }
        // And so are those of a clock that has been set right.
        let now = T + 30 * 20;
        drop(service.log_in(now, &phone.shows(now, 0)).await);
    }
}

#[tokio::test]
async fn every_resynchronization_holds_but_one_of_ten_minutes_with_a_known_device() {
    // Steps of 30 s, how far the app is behind, whether a known device asks: and whether it holds.
    for (behind, with_device, holds) in [(10, false, true), (20, true, false), (40, true, true), (2_000, true, true)] {
        let (service, _) = in_memory(phone::policy());
        let (app, _) = service.enrolled().await;
        let proof = service.log_in(T - 2 * DAY, &app.shows(T - 2 * DAY, 0)).await;
        let cookie = service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text();
        let resync = Resync::new(&app.shows(T, -behind - 1), &app.shows(T, -behind));
        let resync = if with_device { resync.with_device(cookie.expose()) } else { resync };
        let _ = accepted(service.resync(T, resync).await);
        let held = phone::held(&service.verifier.view(&alice()).await.unwrap());
        let expected = if holds { vec![(Purpose::WITHDRAWAL, at(T + DAY))] } else { vec![] };
        let held: Vec<_> = held.into_iter().filter(|(_, until)| *until > at(T)).collect();
        assert_eq!(held, expected, "{behind} steps behind, with a device: {with_device}");
    }
}
