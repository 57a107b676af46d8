//! Enrollments as pages and owners have them: loaded again, begun twice, guessed at, and of tokens
//! whose clocks are minutes off.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{self, Phone, T, at, new_authenticator};
use crate::service::{self, Service, accepted, alice, answer, in_memory, rejected, sms};
use sekisho::Error;
use sekisho::account::{
    AccountError, Attempt, AuthenticatorId, CodeRequest, Enrollment, Method, Proof, Purpose, Resync,
};
use sekisho::otp::{Advice, NotAccepted, Rejection, Secret, Step, Totp};
use sekisho::store::MemoryStore;
use subtle::ConstantTimeEq;

/// An account that has nothing yet.
async fn new_account() -> Service<MemoryStore> {
    let (service, _) = in_memory(phone::policy());
    service.verifier.create_account(&alice()).await.unwrap();
    service
}

async fn begun(service: &Service<MemoryStore>) -> Enrollment {
    service.verifier.enroll_first(&alice(), new_authenticator()).await.unwrap()
}

fn handle(enrollment: &Enrollment) -> String {
    enrollment.handle().to_text().expose().clone()
}

async fn unconfirmed(service: &Service<MemoryStore>, secs: u64, code: &str) -> Rejection {
    service.clock.set(at(secs));
    rejected(answer(service.verifier.confirm(&alice(), Attempt::new(Purpose::BINDING, code)).await))
}

async fn confirm_with_two(service: &Service<MemoryStore>, secs: u64, codes: Resync) -> Result<Proof, Rejection> {
    service.clock.set(at(secs));
    answer(service.verifier.confirm_with_two_codes(&alice(), codes).await)
}

fn is_account_error<T>(answer: Result<T, Error>, expected: &AccountError) -> bool {
    matches!(answer, Err(Error::Account(error)) if error == *expected)
}

#[tokio::test]
async fn a_page_that_is_loaded_again_shows_the_same_secret() {
    let service = new_account().await;
    let first = begun(&service).await;
    let handle = handle(&first);
    let phone = Phone::of(&first);
    for later in [0, 60, 599] {
        // A wrong code, the back button and another language change nothing.
        if later < 599 {
            assert!(unconfirmed(&service, T + later, &phone.never_shows(T, 1)).await.is_charged());
        }
        service.clock.set(at(T + later));
        let again = service.verifier.pending_enrollment(&alice(), &handle).await.unwrap();
        assert_eq!(again.uri().to_text().expose(), first.uri().to_text().expose());
        assert_eq!((again.authenticator(), again.until()), (first.authenticator(), first.until()));
        assert_eq!(self::handle(&again), handle);
    }
    service.clock.set(at(T + 600));
    let late = service.verifier.pending_enrollment(&alice(), &handle).await;
    assert!(is_account_error(late, &AccountError::NothingPending));
}

#[tokio::test]
async fn nobody_else_is_shown_the_secret_and_nobody_once_it_is_bound() {
    let service = new_account().await;
    let shown = async |handle: &str| service.verifier.pending_enrollment(&alice(), handle).await;
    let first = begun(&service).await;
    for other in ["", "no handle", &"00".repeat(32)] {
        assert!(is_account_error(shown(other).await, &AccountError::NothingPending));
    }
    let second = begun(&service).await;
    assert!(is_account_error(shown(&handle(&first)).await, &AccountError::NothingPending), "replaced");
    let support = service.verifier.support(phone::operator("desk", "stolen"));
    let phone = Phone::of(&second);
    drop(service.confirmed(T, &phone).await);
    assert!(is_account_error(shown(&handle(&second)).await, &AccountError::NothingPending), "bound");
    // Of an address there is nothing to show.
    let proof = service.prove(T + 30, &phone.shows(T + 30, 0)).await;
    let address = service.verifier.enroll(proof, sms("+819012345678")).await.unwrap();
    let of_address = address.handle().to_text().expose().clone();
    assert!(is_account_error(shown(&of_address).await, &AccountError::NothingPending));
    let proof = service.prove(T + 60, &phone.shows(T + 60, 0)).await;
    let third = service.verifier.enroll(proof, new_authenticator()).await.unwrap();
    assert!(shown(&handle(&third)).await.is_ok());
    support.freeze(&alice()).await.unwrap();
    assert!(is_account_error(shown(&handle(&third)).await, &AccountError::Frozen));
    support.thaw(&alice()).await.unwrap();
    assert!(is_account_error(shown(&handle(&third)).await, &AccountError::NothingPending), "ended by the freeze");
}

#[tokio::test]
async fn codes_of_the_last_two_replaced_secrets_are_said_to_be_that_and_not_counted() {
    let service = new_account().await;
    let mut phones = Vec::new();
    for _ in 0..4 {
        phones.push(Phone::of(&begun(&service).await));
    }
    let [oldest, older, old, present] = &phones[..] else { panic!() };
    for which in 0..20 {
        let secs = T + which * 10;
        for replaced in [older, old] {
            // Also one that has just turned over.
            for offset in [0, -1, -4] {
                let refused = unconfirmed(&service, secs, &replaced.shows(secs, offset)).await;
                assert_eq!(refused, Rejection::ReplacedEnrollment);
                assert!(!refused.is_charged() && refused.advice() == Advice::ScanTheNewestCode);
            }
        }
    }
    assert_eq!(service.verifier.view(&alice()).await.unwrap().failures_in_a_row, 0);
    assert!(matches!(unconfirmed(&service, T + 200, &oldest.shows(T + 200, 0)).await, Rejection::Mismatch(_)));
    assert!(service.verifier.confirm(&alice(), present.confirming(T + 200)).await.is_ok());
    let none = service.verifier.confirm(&alice(), old.confirming(T + 200)).await;
    assert!(is_account_error(none.map(drop).map_err(Error::from), &AccountError::NothingPending));
}

#[tokio::test]
async fn the_codes_of_a_replaced_secret_are_no_free_guesses_at_the_present_one() {
    // Two secrets, and a moment at which they show the same code.
    let [theirs, owners] = [1, 2].map(|byte| Phone::with(&Secret::new(&[byte; 20]).unwrap(), Totp::DEFAULT));
    let coincide = |step: &u64| {
        let [one, other] = [&theirs, &owners].map(|phone| phone.key.code_at(Step::new(*step)));
        bool::from(one.ct_eq(&other))
    };
    let now = (T / 30..T).find(coincide).unwrap() * 30;
    for with_handle in [false, true] {
        let service = new_account().await;
        service.clock.set(at(now - 60));
        let _ = service.verifier.enroll_first(&alice(), theirs.again()).await.unwrap();
        let present = service.verifier.enroll_first(&alice(), owners.again()).await.unwrap();
        service.clock.set(at(now));
        let attempt = Attempt::new(Purpose::BINDING, &owners.shows(now, 0));
        let attempt = if with_handle { attempt.with_enrollment(&handle(&present)) } else { attempt };
        let confirmed = answer(service.verifier.confirm(&alice(), attempt).await);
        // The one who brought the other key learns nothing of this one.
        let refused = confirmed.err();
        assert_eq!(refused, (!with_handle).then_some(Rejection::ReplacedEnrollment));
    }
}

#[tokio::test]
async fn they_are_for_ten_minutes() {
    let service = new_account().await;
    let old = Phone::of(&begun(&service).await);
    service.clock.set(at(T + 300));
    let _present = begun(&service).await;
    let at_899 = unconfirmed(&service, T + 899, &old.shows(T + 899, 0)).await;
    assert_eq!(at_899, Rejection::ReplacedEnrollment);
    service.clock.set(at(T + 899));
    // Another one begins, and the first is older than ten minutes.
    let _next = begun(&service).await;
    assert!(unconfirmed(&service, T + 900, &old.shows(T + 900, 0)).await.is_charged());
}

#[tokio::test]
async fn a_guessed_enrollment_buys_no_recovery_codes_nor_anything_else() {
    let verdicts = async |handle: Option<&str>| {
        let mut denied = Vec::new();
        for change in 0..7 {
            let service = new_account().await;
            let first = begun(&service).await;
            let phone = Phone::of(&first);
            let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, 0));
            let own = self::handle(&first);
            let attempt = match handle {
                Some("own") => attempt.with_enrollment(&own),
                Some(other) => attempt.with_enrollment(other),
                None => attempt,
            };
            let proof = accepted(answer(service.verifier.confirm(&alice(), attempt).await));
            assert_eq!(proof.may_be_guessed(), handle != Some("own"));
            let (verifier, id) = (&service.verifier, first.authenticator());
            let name = || "Firefox".parse().unwrap();
            denied.push(match change {
                0 => service::kept_codes(verifier, proof).await.map(drop),
                1 => verifier.enroll(proof, new_authenticator()).await.map(drop),
                2 => verifier.replace(proof, id, new_authenticator()).await.map(drop),
                3 => verifier.remove_last(proof, id).await.map(|_| ()),
                4 => verifier.remember_device(&proof, name()).await.map(drop),
                5 => verifier.rename(&proof, id, name()).await,
                _ => proof.redeem_without_store(&alice(), Purpose::BINDING, None, at(T)).map_err(Error::from),
            });
        }
        denied
    };
    for handle in [None, Some("no handle"), Some(&*"00".repeat(32))] {
        let answers = verdicts(handle).await;
        for (change, answer) in answers.into_iter().enumerate() {
            assert!(is_account_error(answer, &AccountError::HandleNeeded), "{change}");
        }
    }
    assert!(verdicts(Some("own")).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_confirmation_that_is_repeated_is_as_good_as_the_first() {
    let service = new_account().await;
    let phone = Phone::of(&begun(&service).await);
    let attempt = || phone.confirming(T).with_idempotency_key([5; 16]);
    drop(accepted(answer(service.verifier.confirm(&alice(), attempt()).await)));
    let again = accepted(answer(service.verifier.confirm(&alice(), attempt()).await));
    assert!(service::kept_codes(&service.verifier, again).await.is_ok());
    // The same code and key without the handle is another attempt, and nothing waits any more.
    let bare = Attempt::new(Purpose::BINDING, &phone.shows(T, 0)).with_idempotency_key([5; 16]);
    assert!(matches!(service.verifier.confirm(&alice(), bare).await, Err(NotAccepted::Failed(_))));
}

#[tokio::test]
async fn an_address_is_confirmed_by_its_handle_too() {
    for with_handle in [true, false] {
        let service = new_account().await;
        let begun = service.verifier.enroll_first(&alice(), sms("+819012345678")).await.unwrap();
        assert_eq!(begun.until(), at(T + 600));
        let code = service.message(T, CodeRequest::new(begun.authenticator(), Purpose::BINDING)).await;
        let attempt = Attempt::new(Purpose::BINDING, &code).with_idempotency_key([5; 16]);
        let handle = begun.handle().to_text();
        let attempt = if with_handle { attempt.with_enrollment(handle.expose()) } else { attempt };
        drop(accepted(answer(service.verifier.confirm(&alice(), attempt.clone()).await)));
        let proof = accepted(answer(service.verifier.confirm(&alice(), attempt).await));
        assert!(matches!(proof.method(), Method::DeliveredCode { authenticator: Some(_), .. }));
        let codes = service::kept_codes(&service.verifier, proof).await;
        assert_eq!(codes.is_ok(), with_handle);
        assert!(with_handle || is_account_error(codes, &AccountError::HandleNeeded));
    }
}

#[tokio::test]
async fn a_token_minutes_off_is_confirmed_by_two_codes_in_a_row_and_logs_in() {
    for offset in [-18, -7, 9, 19_i64] {
        let service = new_account().await;
        let enrollment = begun(&service).await;
        let token = Phone::of(&enrollment);
        let one = unconfirmed(&service, T, &token.shows(T, offset)).await;
        assert!(one.is_charged(), "{offset}: one code is not enough");
        let pair =
            Resync::new(&token.shows(T, offset), &token.shows(T, offset + 1)).with_enrollment(&handle(&enrollment));
        let proof = accepted(confirm_with_two(&service, T, pair).await);
        assert_eq!(proof.method(), Method::Authenticator(AuthenticatorId::new(1)));
        assert!(service::kept_codes(&service.verifier, proof).await.is_ok());
        // Both codes are spent, and the next one is expected where they were.
        for used in [offset, offset + 1] {
            let again = service.log_in_refused(T, &token.shows(T, used)).await;
            assert!(matches!(again, Rejection::Replayed { .. }), "{offset}: {again:?}");
        }
        drop(service.log_in(T + 30, &token.shows(T + 30, offset + 1)).await);
    }
}

#[tokio::test]
async fn two_codes_confirm_only_in_a_row_of_the_present_secret_and_within_ten_minutes() {
    let service = new_account().await;
    let old = Phone::of(&begun(&service).await);
    let present = Phone::of(&begun(&service).await);
    let pair = |phone: &Phone, first: i64, second: i64| Resync::new(&phone.shows(T, first), &phone.shows(T, second));
    let of_old = rejected(confirm_with_two(&service, T, pair(&old, 5, 6)).await);
    assert_eq!(of_old, Rejection::ReplacedEnrollment);
    for wrong in [pair(&present, 6, 5), pair(&present, 5, 7), pair(&present, -22, -21), pair(&present, 20, 21)] {
        assert!(rejected(confirm_with_two(&service, T, wrong).await).is_charged());
    }
    let malformed = [
        pair(&present, 5, 5),
        Resync::new("no code", &present.shows(T, 6)),
        pair(&present, 5, 6).with_recovery_code("XXXX-XXXX-XXXX-XXXX-XXXX-XXXX"),
    ];
    for codes in malformed {
        assert_eq!(rejected(confirm_with_two(&service, T, codes).await), Rejection::Malformed);
    }
    // The four failures were counted where one code's are: the next one locks, at both doors.
    assert!(rejected(confirm_with_two(&service, T, pair(&present, 1, 3)).await).retry_at().is_some());
    assert!(matches!(rejected(confirm_with_two(&service, T, pair(&present, 5, 6)).await), Rejection::Locked { .. }));
    assert!(matches!(unconfirmed(&service, T, &present.shows(T, 0)).await, Rejection::Locked { .. }));
    let named = || pair(&present, 6, 7).with_idempotency_key([5; 16]);
    let first = accepted(confirm_with_two(&service, T + 30, named()).await);
    let again = accepted(confirm_with_two(&service, T + 31, named()).await);
    assert_eq!(first.id(), again.id());
}

#[tokio::test]
async fn two_codes_confirm_no_address() {
    let service = new_account().await;
    let _begun = service.verifier.enroll_first(&alice(), sms("+819012345678")).await.unwrap();
    let none = service.verifier.confirm_with_two_codes(&alice(), Resync::new("123456", "654321")).await;
    assert!(is_account_error(none.map(drop).map_err(Error::from), &AccountError::NoApp));
}

#[tokio::test]
async fn a_change_of_what_is_bound_ends_every_session_but_the_one_that_it_came_from() {
    let (service, _) = in_memory(phone::policy());
    let (app, _) = service.enrolled().await;
    let epoch = async || service.verifier.view(&alice()).await.unwrap().epoch;
    let elsewhere = service.log_in(T, &app.shows(T, 0)).await;
    let cookie = service.verifier.remember_device(&elsewhere, "Firefox".parse().unwrap()).await.unwrap().to_text();
    assert_eq!(elsewhere.epoch(), epoch().await);
    let own = |secs: u64, app: &Phone| Attempt::new(Purpose::LOGIN, &app.shows(secs, 0)).with_idempotency_key([3; 16]);
    drop(accepted(service.submit(T + 30, own(T + 30, &app)).await));

    // Begun, nothing has changed yet; bound, only the proof of the confirmation has the new epoch.
    let proof = service.prove(T + 60, &app.shows(T + 60, 0)).await;
    let second = service.verifier.enroll(proof, new_authenticator()).await.unwrap();
    assert_eq!(elsewhere.epoch(), epoch().await);
    let handle = second.handle().to_text();
    let new = Phone::of(&second);
    let confirm = || {
        let attempt = Attempt::new(Purpose::BINDING, &new.shows(T + 61, 0)).with_enrollment(handle.expose());
        attempt.with_idempotency_key([4; 16])
    };
    service.clock.set(at(T + 61));
    let confirmed = service.verifier.confirm(&alice(), confirm()).await.unwrap();
    let bound = epoch().await;
    assert_ne!(elsewhere.epoch(), bound);
    assert_eq!(confirmed.epoch(), bound);
    // Asked again, it is answered again, with the same epoch; what was answered before is forgotten.
    assert_eq!(service.verifier.confirm(&alice(), confirm()).await.unwrap().epoch(), bound);
    let forgotten = rejected(service.submit(T + 62, own(T + 30, &app)).await);
    assert!(matches!(forgotten, Rejection::Replayed { .. }), "{forgotten:?}");
    // A known browser stays known.
    let attempt = Attempt::new(Purpose::LOGIN, &app.shows(T + 90, 0)).with_device(cookie.expose());
    let again = accepted(service.submit(T + 90, attempt).await);
    assert_eq!((again.epoch(), service.verifier.view(&alice()).await.unwrap().devices.len()), (bound, 1));
    // The answer of a removal is the epoch that goes on.
    let proof = service.prove(T + 120, &app.shows(T + 120, 0)).await;
    let removed = service.verifier.remove(proof, second.authenticator()).await.unwrap();
    assert_eq!(removed, epoch().await);
    assert_ne!(removed, bound);
}
