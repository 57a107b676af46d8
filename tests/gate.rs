//! One way in and one way out: what used to differ between the doors does not any more.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{self, T, answer, at, keyring};
use crate::service::{self, alice, in_memory, refusal, stored};
use sekisho::account::{
    AccountError, AccountId, AccountLimits, AccountView, Attempt, AuthenticatorId, BlockedBy, Policy, Purpose, Resync,
    SecondStep,
};
use sekisho::otp::{NotAccepted, Rejection};
use sekisho::seal::RecordLoss;
use sekisho::store::{Store, Swap};
use sekisho::{Error, Verifier};

#[tokio::test]
async fn a_resynchronization_ends_the_run_of_failures_of_the_device_that_it_came_from() {
    let (service, _) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    let proof = service.log_in(T, &phone.shows(T, 0)).await;
    let cookie = service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text();
    let now = T + 60;
    for which in 0..4 {
        let wrong = Attempt::new(Purpose::LOGIN, &phone.never_shows(now, which)).with_device(cookie.expose());
        assert!(service.refused(now, wrong).await.is_charged());
    }
    let resync = Resync::new(&phone.shows(now, 4), &phone.shows(now, 5)).with_device(cookie.expose());
    assert!(service.resync(now, resync).await.is_ok());
    // One more would be the fifth in a row, and end the token.
    let wrong = Attempt::new(Purpose::LOGIN, &phone.never_shows(now, 9)).with_device(cookie.expose());
    assert!(service.refused(now + 1, wrong).await.is_charged());
    assert_eq!(service.verifier.view(&alice()).await.unwrap().devices.len(), 1, "still known");
}

#[tokio::test]
async fn a_wrong_purpose_is_told_before_a_malformed_code_on_both_floors() {
    let (service, store) = in_memory(phone::policy());
    let _ = service.enrolled().await;
    for text in ["no code", "123456"] {
        let attempt = || Attempt::new(Purpose::LOGIN, text);
        let on_floor_3 = service.verifier.confirm(&alice(), attempt()).await;
        assert!(matches!(on_floor_3, Err(NotAccepted::Failed(Error::Account(AccountError::Purpose)))), "{text}");
        let account = keyring().open(&alice(), stored(&store).await).unwrap();
        let on_floor_2 = account.confirm(&phone::policy(), at(T), &attempt());
        assert!(matches!(on_floor_2, Err(AccountError::Purpose)), "{text}");
    }
    let malformed = service.verifier.confirm(&alice(), Attempt::new(Purpose::BINDING, "no code")).await;
    assert_eq!(refusal(malformed), Some(Rejection::Malformed));
}

#[tokio::test]
async fn changes_by_proof_of_a_frozen_account_are_refused_as_frozen() {
    let (service, _) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    let mut proofs = Vec::new();
    for secs in [T, T + 60, T + 120, T + 180, T + 210] {
        proofs.push(service.prove(secs, &phone.shows(secs, 0)).await);
    }
    service.verifier.support(phone::operator("desk", "stolen")).freeze(&alice()).await.unwrap();
    let (verifier, first) = (&service.verifier, AuthenticatorId::new(1));
    let mut proof = || proofs.pop().unwrap();
    let changes = [
        verifier.enroll(proof(), phone::new_authenticator()).await.map(drop),
        verifier.replace(proof(), first, phone::new_authenticator()).await.map(drop),
        service::kept_codes(verifier, proof()).await.map(drop),
        verifier.remove_last(proof(), first).await.map(|_| ()),
        verifier.redeem(&alice(), proof(), Purpose::BINDING, None).await,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let is_frozen = matches!(change, Err(Error::Account(AccountError::Frozen)));
        // A proof for a change of binding is not redeemed, frozen or not.
        assert!(is_frozen || number == 4, "change {number}: {change:?}");
    }
}

#[tokio::test]
async fn a_hold_is_asked_before_a_repeated_attempt_is_answered() {
    let (service, _) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    let withdraw =
        || Attempt::new(Purpose::WITHDRAWAL, &phone.shows(T, 0)).with_idempotency_key([1; 16]).with_context(&[2; 32]);
    let first = service.submit(T, withdraw()).await.unwrap();
    let again = service.submit(T + 10, withdraw()).await.unwrap();
    assert_eq!(first.id(), again.id());
    // A change of binding holds withdrawals; what was accepted before is not accepted again.
    let proof = service.prove(T + 30, &phone.shows(T + 30, 0)).await;
    let _ = service::kept_codes(&service.verifier, proof).await.unwrap();
    assert!(matches!(service.refused(T + 40, withdraw()).await, Rejection::Held { .. }));
}

#[tokio::test]
async fn a_repeated_acceptance_is_answered_after_a_write_of_its_own() {
    let (service, store) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    let named = |code: &str| Attempt::new(Purpose::LOGIN, code).with_idempotency_key([1; 16]);
    let first = service.submit(T, named(&phone.shows(T, 0))).await.unwrap();
    let before = stored(&store).await.revision;
    let again = service.submit(T + 5, named(&phone.shows(T, 0))).await.unwrap();
    assert_eq!(first.id(), again.id());
    let after = stored(&store).await.revision;
    assert_ne!(before, after, "the answer would rest on what a server said that may lose it");

    // A refusal lets nobody in, and writes nothing when it is repeated.
    let wrong = || named(&phone.never_shows(T + 10, 1)).with_idempotency_key([2; 16]);
    let refused = service.refused(T + 10, wrong()).await;
    let before = stored(&store).await.revision;
    assert_eq!(service.refused(T + 11, wrong()).await, refused);
    assert_eq!(stored(&store).await.revision, before);
}

#[tokio::test]
async fn a_page_never_shows_as_open_what_is_held() {
    let held_purposes = vec![Purpose::LOGIN, Purpose::WITHDRAWAL];
    let policy = Policy::new(AccountLimits { held_purposes, ..phone::limits() }).unwrap();
    let (service, _) = in_memory(policy);
    let alice = AccountId::new("alice").unwrap();
    service.verifier.create_account(&alice).await.unwrap();
    let phone = phone::Phone::of(&service.verifier.enroll_first(&alice, phone::new_authenticator()).await.unwrap());
    drop(service.confirmed(T, &phone).await);
    let verifier: &Verifier<_> = &service.verifier;
    let view = verifier.view(&alice).await.unwrap();
    let refused = answer(verifier.verify(&alice, Attempt::new(Purpose::LOGIN, &phone.shows(T, 1))).await).unwrap_err();
    assert!(matches!(refused, Rejection::Held { .. }));
    assert_eq!((view.refusal, view.refusal_for_devices), (Some(refused), Some(refused)));
}

/// A page that asks the view whether the password alone is enough, and reads no more.
fn lets_in_by_password(view: &AccountView) -> bool {
    view.second_step == SecondStep::NotSetUp
}

#[tokio::test]
async fn a_careless_page_lets_the_password_in_only_where_nothing_is_set_up() {
    let (service, store) = in_memory(phone::policy());
    let verifier = &service.verifier;
    let seen = async || {
        let view = verifier.view(&alice()).await.unwrap();
        assert_eq!(lets_in_by_password(&view), view.second_step == SecondStep::NotSetUp);
        view.second_step
    };
    let support = || verifier.support(phone::operator("desk", "a test"));
    verifier.create_account(&alice()).await.unwrap();
    assert_eq!(seen().await, SecondStep::NotSetUp);
    let phone = phone::Phone::of(&verifier.enroll_first(&alice(), phone::new_authenticator()).await.unwrap());
    assert_eq!(seen().await, SecondStep::NotSetUp, "nothing is bound yet");
    drop(service.confirmed(T, &phone).await);
    assert_eq!(seen().await, SecondStep::Required);
    support().freeze(&alice()).await.unwrap();
    assert_eq!(seen().await, SecondStep::Blocked(BlockedBy::Frozen));
    support().thaw(&alice()).await.unwrap();
    assert_eq!(seen().await, SecondStep::Required);

    let pass = support().reset(&alice()).await.unwrap().to_text();
    assert_eq!(seen().await, SecondStep::Blocked(BlockedBy::Reset));
    let new = verifier.enroll_with_pass(&alice(), pass.expose(), None, phone::new_authenticator()).await.unwrap();
    let phone = phone::Phone::of(&new);
    assert_eq!(seen().await, SecondStep::Blocked(BlockedBy::Reset), "nothing is bound yet");
    support().freeze(&alice()).await.unwrap();
    assert_eq!(seen().await, SecondStep::Blocked(BlockedBy::Frozen), "frozen and reset");
    support().thaw(&alice()).await.unwrap();
    let pass = support().reset(&alice()).await.unwrap().to_text();
    let new = verifier.enroll_with_pass(&alice(), pass.expose(), None, phone.again()).await.unwrap();
    let later = T + 3_000;
    service.clock.set(at(later));
    drop(new);
    let new = verifier.enroll_with_pass(&alice(), pass.expose(), None, phone::new_authenticator()).await.unwrap();
    let phone = phone::Phone::of(&new);
    drop(service.confirmed(later, &phone).await);
    assert_eq!(seen().await, SecondStep::Required);

    let mut now = later;
    while seen().await == SecondStep::Required {
        now += 2 * 86_400;
        let _ = service.log_in_refused(now, &phone.never_shows(now, 1)).await;
    }
    assert_eq!(seen().await, SecondStep::Blocked(BlockedBy::Disabled));

    let revision = stored(&store).await.revision;
    assert_eq!(store.delete(&alice(), revision).await.unwrap(), Swap::Done);
    assert!(verifier.view(&alice()).await.is_err(), "a lost record has no view");
    let _pass = support().rebuild(&alice(), RecordLoss::Missing).await.unwrap();
    assert_eq!(seen().await, SecondStep::Blocked(BlockedBy::Reset));
}
