//! Mishaps that bring owners to support, one a test, through the verifier on redb. Each ends with
//! the owner in by himself, or by the operators' acts that it took; the test counts them.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{self, Phone, T, app, at, new_authenticator};
use crate::service::{self, Service, accepted, alice, rejected, sms};
use sekisho::Error;
use sekisho::account::{AccountError, Attempt, AuthenticatorId, CodeRequest, EventKind, Method, Purpose, Resync};
use sekisho::otp::{Advice, CodeKind, Limits, LockState, NotAccepted, Rejection, Secret, Totp};

const DAY: u64 = 86_400;

fn login(code: &str) -> Attempt {
    Attempt::new(Purpose::LOGIN, code)
}

#[tokio::test]
async fn a_clock_90_seconds_slow_creeps_there_and_stays_in() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    // It loses a second a day, and its owner logs in each day.
    for day in 0..90_u64 {
        let now = T + day * DAY;
        let _ = service.log_in(now, &phone.shows(now - day, 0)).await;
    }
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!(app(&view.authenticators[0]).1, -3, "the drift has been learned");
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_clock_90_seconds_slow_at_once_is_resynchronized() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    // Three steps behind is more than the window: two codes in a row show it.
    let refused = service.log_in_refused(T, &phone.shows(T, -3)).await;
    assert!(matches!(refused, Rejection::Expired(_)) && refused.advice() == Advice::TypeItAsItAppears, "{refused:?}");
    let resync = Resync::new(&phone.shows(T + 30, -3), &phone.shows(T + 60, -3));
    assert_eq!(accepted(service.resync(T + 60, resync).await), AuthenticatorId::new(1));
    let _ = service.log_in(T + 90, &phone.shows(T + 90, -3)).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_clock_4_minutes_slow_is_resynchronized() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let refused = service.log_in_refused(T, &phone.shows(T, -8)).await;
    assert!(matches!(refused, Rejection::Expired(_)), "{refused:?}");
    assert!(matches!(service.log_in_refused(T + 30, &phone.shows(T + 30, -8)).await, Rejection::Expired(_)));
    // Two codes agree: support can read it, the answer does not tell.
    assert_eq!(service.diagnosis().await.unwrap().to_string(), "clock 4 min behind");
    let pair = |secs: u64| Resync::new(&phone.shows(secs - 30, -8), &phone.shows(secs, -8));
    assert_eq!(accepted(service.resync(T + 90, pair(T + 90)).await), AuthenticatorId::new(1));
    // It answers no proof, and both codes are spent: the next one logs in.
    for ago in [0, 30] {
        let used = service.log_in_refused(T + 91, &phone.shows(T + 90 - ago, -8)).await;
        assert_eq!(used, Rejection::Replayed { next: at(T + 120) });
    }
    let _ = service.log_in(T + 120, &phone.shows(T + 120, -8)).await;
    let _ = service.log_in(T + DAY, &phone.shows(T + DAY, -8)).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_clock_5_hours_slow_is_resynchronized_from_the_usual_browser_and_not_from_another() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let proof = service.log_in(T, &phone.shows(T, 0)).await;
    let cookie = service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text();
    let (now, behind) = (T + DAY, -600);
    let pair = |secs: u64| Resync::new(&phone.shows(secs - 30, behind), &phone.shows(secs, behind));
    assert!(matches!(rejected(service.resync(now, pair(now)).await), Rejection::Mismatch(_)));
    accepted(service.resync(now, pair(now).with_device(cookie.expose())).await);
    let _ = service.log_in(now + 30, &phone.shows(now + 30, behind)).await;
    // Once the clock has been set right, codes of five hours ago are codes of five hours ago.
    let _ = service.log_in(now + 3_600, &phone.shows(now + 3_600, 0)).await;
    let old = service.log_in_refused(now + 12 * 3_600, &phone.shows(now + 12 * 3_600, behind)).await;
    assert!(matches!(old, Rejection::Mismatch(_)), "{old:?}");
    let _ = service.log_in(now + 13 * 3_600, &phone.shows(now + 13 * 3_600, 0)).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_clock_9_hours_ahead_by_time_zone_is_diagnosed_and_in_once_set_right() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let ahead = 9 * 120;
    let first = service.log_in_refused(T, &phone.shows(T, ahead)).await;
    assert!(matches!(first, Rejection::Mismatch(_)), "{first:?}");
    assert_eq!(service.diagnosis().await, None, "one code says nothing");
    let second = service.log_in_refused(T + 40, &phone.shows(T + 40, ahead)).await;
    let diagnosis = service.diagnosis().await.unwrap();
    assert_eq!((diagnosis.to_string().as_str(), diagnosis.is_time_zone()), ("clock 9 h ahead: time zone", true));
    assert_eq!(diagnosis.authenticator, AuthenticatorId::new(1));
    // Nothing of it is in the answer: it is that of any wrong code.
    let stranger = Service::new();
    let (other, _) = stranger.enrolled().await;
    let _ = stranger.log_in_refused(T, &other.never_shows(T, 1)).await;
    assert_eq!(stranger.log_in_refused(T + 40, &other.never_shows(T, 2)).await, second);
    // Nor do two such codes resynchronize.
    let pair = Resync::new(&phone.shows(T + 60, ahead), &phone.shows(T + 90, ahead));
    let refused = rejected(service.resync(T + 90, pair).await);
    assert_eq!(refused.advice_for(CodeKind::TwoCodes), Advice::TypeTwoCodesInARow);
    let _ = service.log_in(T + 120, &phone.shows(T + 120, 0)).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_clock_set_right_after_its_drift_was_learnt_is_in() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    // Four steps ahead, learned one by one.
    for day in 0..8 {
        let now = T + day * DAY;
        let _ = service.log_in(now, &phone.shows(now, i64::try_from(day.min(4)).unwrap())).await;
    }
    assert_eq!(app(&service.verifier.view(&alice()).await.unwrap().authenticators[0]).1, 4);
    // Set right, and tried at once: told until when the used steps last.
    let now = T + 7 * DAY;
    let next = match service.log_in_refused(now + 30, &phone.shows(now + 30, 0)).await {
        Rejection::Replayed { next } => next,
        rejection => panic!("{rejection:?}"),
    };
    assert!(next <= at(now + 150), "{next:?}");
    let _ = service.log_in(next.as_secs(), &phone.shows(next.as_secs(), 0)).await;
    let _ = service.log_in(now + DAY, &phone.shows(now + DAY, 0)).await;
    // And wrong again, as before.
    let _ = service.log_in(now + 2 * DAY, &phone.shows(now + 2 * DAY, 3)).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_clock_set_right_after_a_resynchronization_ahead_is_in_when_told() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let pair = Resync::new(&phone.shows(T, 19), &phone.shows(T, 20));
    accepted(service.resync(T, pair).await);
    let refused = service.log_in_refused(T + 60, &phone.shows(T + 60, 0)).await;
    let Rejection::Replayed { next } = refused else { panic!("{refused:?}") };
    // At the latest when our clock passes what was used; its owner is told by the learned clock, and
    // then by ours.
    assert!(next <= at(T + 660), "bounded by what is found ahead: {next:?}");
    let _ = service.log_in(T + 630, &phone.shows(T + 630, 0)).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_code_typed_as_it_turned_over_is_in() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let _ = service.log_in(T + 30, &phone.shows(T + 29, 0)).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_code_typed_a_minute_late_is_told_so_and_the_next_one_is_in() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let late = service.log_in_refused(T + 89, &phone.shows(T + 29, 0)).await;
    assert!(matches!(late, Rejection::Expired(_)), "{late:?}");
    assert_eq!(late.advice(), Advice::TypeItAsItAppears);
    let _ = service.log_in(T + 95, &phone.shows(T + 95, 0)).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn yesterdays_code_is_wrong_and_todays_is_in() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let used = phone.shows(T, 0);
    let _ = service.log_in(T, &used).await;
    for old in [used, phone.shows(T + 60, 0)] {
        assert!(matches!(service.log_in_refused(T + DAY, &old).await, Rejection::Mismatch(_)));
    }
    let _ = service.log_in(T + DAY, &phone.shows(T + DAY, 0)).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn another_services_code_is_wrong_and_the_right_entrys_is_in() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let other = Phone::with(&Secret::new(&[9; 20]).unwrap(), Totp::DEFAULT);
    let refused = service.log_in_refused(T, &other.shows(T, 0)).await;
    assert_eq!(refused.advice(), Advice::CheckTheEntry);
    let _ = service.log_in_refused(T + 30, &other.shows(T + 30, 0)).await;
    assert_eq!(service.diagnosis().await, None, "another secret's codes agree on nothing");
    let _ = service.log_in(T + 40, &phone.shows(T + 40, 0)).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn full_width_digits_are_in() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let wide: String = phone.shows(T, 0).chars().map(|digit| char::from_u32(digit as u32 + 0xfee0).unwrap()).collect();
    let _ = service.log_in(T, &format!("　{wide}　")).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_double_click_is_one_log_in() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    // With a named attempt both get the same answer.
    let attempt = || login(&phone.shows(T, 0)).with_idempotency_key([1; 16]);
    let (one, other) = tokio::join!(service.submit(T, attempt()), service.submit(T, attempt()));
    assert_eq!(accepted(one).id(), accepted(other).id());
    // Without, the second one is told that the first was accepted, and nothing is counted.
    let code = phone.shows(T + 30, 0);
    let (one, other) = tokio::join!(service.submit(T + 30, login(&code)), service.submit(T + 30, login(&code)));
    let (accepted, refused): (Vec<_>, Vec<_>) = [one, other].into_iter().partition(std::result::Result::is_ok);
    assert_eq!((accepted.len(), refused.len()), (1, 1));
    assert!(matches!(refused[0], Err(Rejection::Replayed { .. })));
    assert_eq!(service.verifier.view(&alice()).await.unwrap().failures_in_a_row, 0);
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_log_in_and_a_withdrawal_within_one_step_take_two_codes() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let _ = service.log_in(T, &phone.shows(T, 0)).await;
    let withdraw = |code: &str| Attempt::new(Purpose::WITHDRAWAL, code).with_context(&[7; 32]);
    let refused = service.refused(T + 5, withdraw(&phone.shows(T, 0))).await;
    assert_eq!(refused, Rejection::Replayed { next: at(T + 30) });
    let proof = accepted(service.submit(T + 30, withdraw(&phone.shows(T + 30, 0))).await);
    service.verifier.redeem(&alice(), proof, Purpose::WITHDRAWAL, Some(&[7; 32])).await.unwrap();
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn five_mistakes_then_the_right_code_after_the_lock() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    for which in 0..5 {
        let _ = service.log_in_refused(T, &phone.never_shows(T, which)).await;
    }
    let lock = Limits::DEFAULT.first_lock_secs;
    let locked = service.log_in_refused(T + lock - 1, &phone.shows(T, 0)).await;
    assert_eq!((locked, locked.retry_at()), (Rejection::Locked { until: at(T + lock) }, Some(at(T + lock))));
    let _ = service.log_in(T + lock, &phone.shows(T + lock, 0)).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_phone_is_replaced_with_the_old_one_at_hand() {
    let service = Service::new();
    let (old, _) = service.enrolled().await;
    let proof = service.prove(T, &old.shows(T, 0)).await;
    let enrollment = service.verifier.replace(proof, AuthenticatorId::new(1), new_authenticator()).await.unwrap();
    let new = Phone::of(&enrollment);
    // Until the new one is confirmed the old one is in force.
    let _ = service.log_in(T + 30, &old.shows(T + 30, 0)).await;
    drop(service.confirmed(T + 60, &new).await);
    assert!(matches!(service.log_in_refused(T + 90, &old.shows(T + 90, 0)).await, Rejection::Mismatch(_)));
    let _ = service.log_in(T + 90, &new.shows(T + 90, 0)).await;
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!(view.authenticators.iter().map(|one| one.id.number()).collect::<Vec<_>>(), [2]);
    assert_eq!(phone::held(&view), [(Purpose::WITHDRAWAL, at(T + 60 + DAY))]);
    let replaced = EventKind::Replaced { authenticator: AuthenticatorId::new(2), replaced: AuthenticatorId::new(1) };
    assert!(service.told().iter().any(|event| event.kind == replaced && event.notifies_owner()));
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_replacement_that_is_not_confirmed_in_time_leaves_all_as_it_was() {
    let service = Service::new();
    let (old, _) = service.enrolled().await;
    let proof = service.prove(T, &old.shows(T, 0)).await;
    let begun = service.verifier.replace(proof, AuthenticatorId::new(1), new_authenticator()).await;
    let new = Phone::of(&begun.unwrap());
    service.clock.set(at(T + 600));
    let late = service.verifier.confirm(&alice(), Attempt::new(Purpose::BINDING, &new.shows(T + 600, 0))).await;
    assert!(matches!(late, Err(NotAccepted::Failed(Error::Account(AccountError::NothingPending)))));
    let _ = service.log_in(T + 600, &old.shows(T + 600, 0)).await;
    assert_eq!(service.verifier.view(&alice()).await.unwrap().authenticators.len(), 1);
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_phone_wiped_is_made_up_for_by_a_recovery_code() {
    let service = Service::new();
    let (_, codes) = service.enrolled().await;
    let code = codes.iter().next().unwrap().to_lowercase().replace('-', " ");
    let proof = accepted(service.submit(T, Attempt::recovery(Purpose::BINDING, &code)).await);
    assert!(proof.method() == Method::RecoveryCode { left: 9 } && proof.method().asks_for_new_recovery_codes());
    let held = phone::held(&service.verifier.view(&alice()).await.unwrap());
    assert_eq!(held, [(Purpose::WITHDRAWAL, at(T + DAY))]);
    let enrollment = service.verifier.replace(proof, AuthenticatorId::new(1), new_authenticator()).await.unwrap();
    let new = Phone::of(&enrollment);
    let proof = service.confirmed(T + 60, &new).await;
    assert_eq!(service::kept_codes(&service.verifier, proof).await.unwrap().iter().len(), 10);
    let _ = service.log_in(T + 90, &new.shows(T + 90, 0)).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_phone_wiped_with_the_qr_code_kept_on_paper_has_the_same_secret_again() {
    let service = Service::new();
    let (wiped, _) = service.enrolled().await;
    let _ = service.log_in(T, &wiped.shows(T, 0)).await;
    let again = Phone::with(wiped.secret(), Totp::DEFAULT);
    assert!(matches!(service.log_in_refused(T + 5, &again.shows(T, 0)).await, Rejection::Replayed { .. }));
    let _ = service.log_in(T + 30, &again.shows(T + 30, 0)).await;
    // Whoever enrolls the paper's secret as another authenticator is told that it is there.
    let proof = service.prove(T + 60, &again.shows(T + 60, 0)).await;
    let same = service.verifier.enroll(proof, again.again()).await;
    assert!(matches!(same, Err(Error::Account(AccountError::SameSecret))));
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn a_phone_wiped_with_nothing_kept_takes_a_reset_a_hold_and_a_new_enrollment() {
    let service = Service::new();
    let (wiped, codes) = service.enrolled().await;
    let pass = service
        .verifier
        .support(phone::operator("desk-3", "ticket 4711: passport seen"))
        .reset(&alice())
        .await
        .unwrap()
        .to_text();
    // Whoever has only the password enrolls nothing, the old phone and the sheet open nothing.
    let free = service.verifier.enroll_first(&alice(), new_authenticator()).await;
    assert!(matches!(free, Err(Error::Account(AccountError::PassNeeded))));
    let login = service.verifier.verify(&alice(), login(&wiped.shows(T, 0))).await;
    assert!(
        matches!(login, Err(NotAccepted::Failed(Error::Account(AccountError::PassNeeded)))),
        "not as if it had never had a second factor"
    );
    let sheet = Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap());
    assert!(matches!(
        service.verifier.verify(&alice(), sheet).await,
        Err(NotAccepted::Failed(Error::Account(AccountError::PassNeeded)))
    ));
    let enrollment =
        service.verifier.enroll_with_pass(&alice(), pass.expose(), None, new_authenticator()).await.unwrap();
    let new = Phone::of(&enrollment);
    drop(service.confirmed(T + 60, &new).await);
    let _ = service.log_in(T + 90, &new.shows(T + 90, 0)).await;
    let withdraw = |secs: u64| Attempt::new(Purpose::WITHDRAWAL, &new.shows(secs, 0));
    let held = service.refused(T + 120, withdraw(T + 120)).await;
    assert_eq!(held, Rejection::Held { until: at(T + 2 * DAY) });
    accepted(service.submit(T + 2 * DAY, withdraw(T + 2 * DAY)).await)
        .redeem_without_store(&alice(), Purpose::WITHDRAWAL, None, at(T + 2 * DAY))
        .unwrap();
    assert_eq!(service.operators_acts(), 1);
}

#[tokio::test]
async fn a_phone_stolen_is_frozen_at_once_and_reset_after() {
    let service = Service::new();
    let (stolen, codes) = service.enrolled().await;
    // The thief has a proof in his hands, and a token.
    let proof = accepted(service.submit(T, Attempt::new(Purpose::WITHDRAWAL, &stolen.shows(T, 0))).await);
    let cookie = service.verifier.remember_device(&proof, "thief".parse().unwrap()).await.unwrap().to_text();
    let support = service.verifier.support(phone::operator("desk-3", "stolen, says the owner by phone"));
    // The service has founded a session on it.
    let session = proof.epoch();
    let epoch = async || service.verifier.view(&alice()).await.unwrap().epoch;
    assert_eq!(epoch().await, session);
    support.freeze(&alice()).await.unwrap();
    let frozen = epoch().await;
    assert_ne!(frozen, session);
    let redeemed = service.verifier.redeem(&alice(), proof, Purpose::WITHDRAWAL, None).await;
    assert!(matches!(redeemed, Err(Error::Account(AccountError::Frozen))));
    let right = login(&stolen.shows(T + 30, 0)).with_device(cookie.expose());
    assert_eq!(service.refused(T + 30, right).await, Rejection::Frozen);
    let sheet = Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap());
    assert_eq!(service.refused(T + 30, sheet).await, Rejection::Frozen);
    // What he had is void, not only frozen.
    support.thaw(&alice()).await.unwrap();
    assert_eq!(epoch().await, frozen);
    for which in 0..5 {
        let _ = service.log_in_refused(T + 31, &stolen.never_shows(T, which)).await;
    }
    let with_cookie = login(&stolen.shows(T + 31, 0)).with_device(cookie.expose());
    assert!(matches!(service.refused(T + 31, with_cookie).await, Rejection::Locked { .. }), "a stranger's");
    support.freeze(&alice()).await.unwrap();
    // The owner comes to the desk.
    service.clock.set(at(T + 3_500));
    let pass = support.reset(&alice()).await.unwrap().to_text();
    assert!(![session, frozen].contains(&epoch().await));
    let enrollment = service.verifier.enroll_with_pass(&alice(), pass.expose(), None, new_authenticator()).await;
    let new = Phone::of(&enrollment.unwrap());
    drop(service.confirmed(T + 3_600, &new).await);
    let _ = service.log_in(T + 3_630, &new.shows(T + 3_630, 0)).await;
    assert!(matches!(service.log_in_refused(T + 3_660, &stolen.shows(T + 3_660, 0)).await, Rejection::Mismatch(_)));
    assert_eq!(service.operators_acts(), 4);
}

#[tokio::test]
async fn a_phone_found_again_is_thawed() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let support = service.verifier.support(phone::operator("desk-3", "lost, and found under the bed"));
    support.freeze(&alice()).await.unwrap();
    assert_eq!(service.log_in_refused(T, &phone.shows(T, 0)).await, Rejection::Frozen);
    support.thaw(&alice()).await.unwrap();
    // The code that was refused has not been spent.
    let _ = service.log_in(T, &phone.shows(T, 0)).await;
    assert!(matches!(support.thaw(&alice()).await, Err(Error::Account(AccountError::NotFrozen))));
    assert_eq!(service.operators_acts(), 2);
}

#[tokio::test]
async fn a_qr_code_scanned_on_two_phones_is_one_authenticator() {
    let service = Service::new();
    let (one, _) = service.enrolled().await;
    let other = Phone::with(one.secret(), Totp::DEFAULT);
    let _ = service.log_in(T, &one.shows(T, 0)).await;
    // Both show the same code, and it is good once.
    assert!(matches!(service.log_in_refused(T + 10, &other.shows(T + 10, 0)).await, Rejection::Replayed { .. }));
    let _ = service.log_in(T + 30, &other.shows(T + 30, 0)).await;
    // One of them is slow by half a minute: what it shows was used by the other one, until it is not.
    let slow = service.log_in_refused(T + 60, &one.shows(T + 60, -1)).await;
    assert_eq!(slow, Rejection::Replayed { next: at(T + 60) });
    let _ = service.log_in(T + 90, &one.shows(T + 90, -1)).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn recovery_codes_used_up_are_replaced_by_a_new_set() {
    let service = Service::new();
    let (phone, codes) = service.enrolled().await;
    for (used, code) in codes.iter().enumerate() {
        let proof = accepted(service.submit(T, Attempt::recovery(Purpose::LOGIN, code)).await);
        let left = 9 - u8::try_from(used).unwrap();
        assert_eq!(proof.method(), Method::RecoveryCode { left });
    }
    let none = service.verifier.verify(&alice(), Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap())).await;
    assert!(matches!(none, Err(NotAccepted::Failed(Error::Account(AccountError::NoRecoveryCodes)))));
    let proof = service.prove(T + 30, &phone.shows(T + 30, 0)).await;
    let new = service::kept_codes(&service.verifier, proof).await.unwrap();
    drop(accepted(service.submit(T + 31, Attempt::recovery(Purpose::LOGIN, new.iter().next().unwrap())).await));
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn an_sms_number_is_changed_with_the_old_one_at_hand() {
    let service = Service::new();
    let old = service.enrolled_by_sms("+819012345678").await;
    let _ = service.log_in(T, &service.message(T, CodeRequest::new(old, Purpose::LOGIN)).await).await;
    let code = service.message(T + 60, CodeRequest::new(old, Purpose::BINDING)).await;
    let proof = service.prove(T + 70, &code).await;
    let new = service.verifier.replace(proof, old, sms("+818087654321")).await.unwrap().authenticator();
    let code = service.message(T + 120, CodeRequest::new(new, Purpose::BINDING)).await;
    drop(service.confirm(T + 130, &code).await);
    let gone = service.verifier.deliver(&alice(), CodeRequest::new(old, Purpose::LOGIN)).await;
    assert!(matches!(gone, Err(NotAccepted::Failed(Error::Account(AccountError::NoSuchAuthenticator { .. })))));
    let code = service.message(T + 180, CodeRequest::new(new, Purpose::LOGIN)).await;
    assert!(
        matches!(service.log_in(T + 190, &code).await.method(), Method::DeliveredCode { authenticator: Some(id), .. } if id == new)
    );
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn an_sms_number_that_is_gone_is_changed_by_a_recovery_code() {
    let service = Service::new();
    let old = service.enrolled_by_sms("+819012345678").await;
    let proof = service.prove(T, &service.message(T, CodeRequest::new(old, Purpose::BINDING)).await).await;
    let codes = service::kept_codes(&service.verifier, proof).await.unwrap();
    let now = T + 30 * DAY;
    let code = Attempt::recovery(Purpose::BINDING, codes.iter().next().unwrap());
    let proof = accepted(service.submit(now, code).await);
    let new = service.verifier.replace(proof, old, sms("+818087654321")).await.unwrap().authenticator();
    let code = service.message(now + 30, CodeRequest::new(new, Purpose::BINDING)).await;
    drop(service.confirm(now + 40, &code).await);
    let code = service.message(now + 60, CodeRequest::new(new, Purpose::LOGIN)).await;
    let _ = service.log_in(now + 70, &code).await;
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn locked_by_a_strangers_guesses_the_owner_is_in_on_the_usual_browser() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let proof = service.log_in(T, &phone.shows(T, 0)).await;
    let cookie = service.verifier.remember_device(&proof, "Firefox on Linux".parse().unwrap()).await.unwrap().to_text();
    let mut now = T + 60;
    for which in 0..12 {
        if let Rejection::Mismatch(charge) = service.log_in_refused(now, &phone.never_shows(now, which)).await
            && let LockState::Locked { until } = charge.lock_state
        {
            now = until.as_secs();
        }
    }
    let _ = service.log_in_refused(now, &phone.never_shows(now, 99)).await;
    let locked = service.log_in_refused(now, &phone.shows(now, 0)).await;
    assert!(matches!(locked, Rejection::Locked { .. }), "{locked:?}");
    let proof = accepted(service.submit(now, login(&phone.shows(now, 0)).with_device(cookie.expose())).await);
    assert_eq!(proof.authenticator(), Some(AuthenticatorId::new(1)));
    assert_eq!(service.operators_acts(), 0);
}

#[tokio::test]
async fn locked_by_a_strangers_guesses_on_a_new_browser_takes_a_pass() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    for which in 0..5 {
        let _ = service.log_in_refused(T, &phone.never_shows(T, which)).await;
    }
    assert!(matches!(service.log_in_refused(T, &phone.shows(T, 0)).await, Rejection::Locked { .. }));
    let pass =
        service.verifier.support(phone::operator("desk-3", "ticket 4712")).unlock(&alice()).await.unwrap().to_text();
    drop(accepted(service.submit(T, login(&phone.shows(T, 0)).with_pass(pass.expose())).await));
    // It is good once.
    let again = service.refused(T, login(&phone.shows(T, 1)).with_pass(pass.expose())).await;
    assert!(matches!(again, Rejection::Locked { .. }), "{again:?}");
    assert_eq!(service.operators_acts(), 1);
}
