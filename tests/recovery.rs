//! Recovery codes: what they open, once, and what they do not.
#![cfg(feature = "test-kit")]

use crate::phone::{self, Phone, T, answer, at, keyring, new_authenticator};
use sekisho::account::{AccountError, AccountId, Attempt, AuthenticatorId, Method, Proof, Purpose, RecoveryCodes};
use sekisho::otp::{LockState, NotAccepted, Rejection};
use sekisho::store::{MemoryStore, Store};
use sekisho::test_kit::TestClock;
use sekisho::{Error, Verifier};

fn alice() -> AccountId {
    AccountId::new("alice").unwrap()
}

struct Service {
    store: MemoryStore,
    clock: TestClock,
    verifier: Verifier<MemoryStore>,
}

impl Service {
    fn new() -> Self {
        let (store, clock) = (MemoryStore::new(), TestClock::at(at(T)));
        let verifier = Verifier::builder(store.clone(), keyring())
            .policy(phone::policy())
            .clock(clock.clone())
            .without_notifications()
            .build();
        Self { store, clock, verifier }
    }

    /// Enrolled at `T`, with a set of codes made by the proof of its confirmation.
    async fn enrolled(&self) -> (Phone, RecoveryCodes) {
        self.verifier.create_account(&alice()).await.unwrap();
        let phone = Phone::of(&self.verifier.enroll_first(&alice(), new_authenticator()).await.unwrap());
        let proof = self.verifier.confirm(&alice(), phone.confirming(T)).await.unwrap();
        (phone, phone::kept_codes(&self.verifier, proof).await.unwrap())
    }

    async fn submit(&self, secs: u64, attempt: Attempt) -> Result<Proof, Rejection> {
        self.clock.set(at(secs));
        answer(self.verifier.verify(&alice(), attempt).await)
    }

    async fn recover(&self, secs: u64, code: &str, purpose: Purpose) -> Proof {
        match self.submit(secs, Attempt::recovery(purpose, code)).await {
            Ok(proof) => proof,
            Err(rejection) => panic!("{rejection:?}"),
        }
    }

    async fn refused(&self, secs: u64, attempt: Attempt) -> Rejection {
        match self.submit(secs, attempt).await {
            Err(rejection) => rejection,
            Ok(proof) => panic!("{proof:?}"),
        }
    }
}

#[tokio::test]
async fn each_code_is_good_once_and_the_count_goes_down() {
    let service = Service::new();
    let (_, codes) = service.enrolled().await;
    assert_eq!(codes.iter().len(), 10);
    for (used, code) in codes.iter().enumerate() {
        let proof = service.recover(T + 60, code, Purpose::LOGIN).await;
        let left = 9 - u8::try_from(used).unwrap();
        assert_eq!((proof.method(), proof.authenticator()), (Method::RecoveryCode { left }, None));
        assert_eq!(service.verifier.view(&alice()).await.unwrap().recovery_codes_left, left);
        if left > 0 {
            let again = service.refused(T + 60, Attempt::recovery(Purpose::LOGIN, code)).await;
            assert_eq!(again, Rejection::UnknownRecoveryCode);
        }
    }
    let none = service.verifier.verify(&alice(), Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap())).await;
    assert!(matches!(none, Err(NotAccepted::Failed(Error::Account(AccountError::NoRecoveryCodes)))));
}

#[tokio::test]
async fn a_new_set_ends_the_one_before() {
    let service = Service::new();
    let (phone, old) = service.enrolled().await;
    let Ok(proof) = service.submit(T + 30, Attempt::new(Purpose::BINDING, &phone.shows(T + 30, 0))).await else {
        panic!()
    };
    let new = phone::kept_codes(&service.verifier, proof).await.unwrap();
    let refused = service.refused(T + 31, Attempt::recovery(Purpose::LOGIN, old.iter().next().unwrap())).await;
    assert_eq!(refused, Rejection::UnknownRecoveryCode);
    service
        .recover(T + 31, new.iter().next().unwrap(), Purpose::LOGIN)
        .await
        .redeem_without_store(&alice(), Purpose::LOGIN, None, at(T + 31))
        .unwrap();
}

#[tokio::test]
async fn a_set_takes_a_proof_for_binding_that_is_used_up() {
    let service = Service::new();
    let (phone, codes) = service.enrolled().await;
    let Ok(login) = service.submit(T + 30, Attempt::new(Purpose::LOGIN, &phone.shows(T + 30, 0))).await else {
        panic!()
    };
    assert!(matches!(
        phone::kept_codes(&service.verifier, login).await,
        Err(Error::Account(AccountError::ProofSpent | AccountError::ProofForAnotherPurpose))
    ));
    // A recovery code's own proof makes a new set, and then nothing more.
    let attempt = || Attempt::recovery(Purpose::BINDING, codes.iter().next().unwrap()).with_idempotency_key([1; 16]);
    let Ok(proof) = service.submit(T + 31, attempt()).await else { panic!() };
    let Ok(again) = service.submit(T + 32, attempt()).await else { panic!() };
    assert_eq!((proof.id(), proof.method()), (again.id(), again.method()), "asked again by name");
    assert!(phone::kept_codes(&service.verifier, proof).await.is_ok());
    assert!(matches!(
        phone::kept_codes(&service.verifier, again).await,
        Err(Error::Account(AccountError::ProofSpent | AccountError::ProofForAnotherPurpose))
    ));
}

#[tokio::test]
async fn a_lost_phone_is_replaced_by_a_recovery_code() {
    let service = Service::new();
    let (lost, codes) = service.enrolled().await;
    let now = T + 100_000;
    let proof = service.recover(now, codes.iter().nth(3).unwrap(), Purpose::BINDING).await;
    let found = Phone::of(&service.verifier.enroll(proof, new_authenticator()).await.unwrap());
    let proof = service.verifier.confirm(&alice(), found.confirming(now)).await.unwrap();
    service.verifier.remove(proof, AuthenticatorId::new(1)).await.unwrap();
    assert!(matches!(
        service.refused(now + 30, Attempt::new(Purpose::LOGIN, &lost.shows(now + 30, 0))).await,
        Rejection::Mismatch(_)
    ));
    assert!(service.submit(now + 30, Attempt::new(Purpose::LOGIN, &found.shows(now + 30, 0))).await.is_ok());
}

#[tokio::test]
async fn a_recovery_holds_withdrawals_for_a_day() {
    let service = Service::new();
    let (phone, codes) = service.enrolled().await;
    let now = T + 100_000;
    let mut codes = codes.iter();
    let _ = service.recover(now, codes.next().unwrap(), Purpose::LOGIN).await;
    let held = service.refused(now + 1, Attempt::new(Purpose::WITHDRAWAL, &phone.shows(now, 0))).await;
    assert_eq!(held, Rejection::Held { until: at(now + 86_400) });
    // A held purpose spends no recovery code either.
    let code = codes.next().unwrap();
    let held = service.refused(now + 1, Attempt::recovery(Purpose::WITHDRAWAL, code)).await;
    assert_eq!(held, Rejection::Held { until: at(now + 86_400) });
    let _ = service.recover(now + 2, code, Purpose::LOGIN).await;
}

#[tokio::test]
async fn a_recovery_code_does_not_withdraw_by_itself() {
    let service = Service::new();
    let (_, codes) = service.enrolled().await;
    let now = T + 100_000; // when no hold is left from the enrollment
    service.clock.set(at(now));
    let code = codes.iter().next().unwrap();
    let refused = service.verifier.verify(&alice(), Attempt::recovery(Purpose::WITHDRAWAL, code)).await;
    assert!(matches!(refused, Err(NotAccepted::Failed(Error::Account(AccountError::NotByRecovery)))), "{refused:?}");
    let _ = service.recover(now, code, Purpose::LOGIN).await;
}

#[tokio::test]
async fn a_new_set_holds_withdrawals_for_a_day() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let now = T + 100_000;
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(now, 0));
    let Ok(proof) = service.submit(now, attempt).await else { panic!() };
    let _ = phone::kept_codes(&service.verifier, proof).await.unwrap();
    let held = service.refused(now, Attempt::new(Purpose::WITHDRAWAL, &phone.shows(now, 1))).await;
    assert_eq!(held, Rejection::Held { until: at(now + 86_400) });
}

#[tokio::test]
async fn recovery_codes_work_while_the_other_doors_are_locked_or_disabled() {
    let service = Service::new();
    let (phone, codes) = service.enrolled().await;
    let mut codes = codes.iter();
    for which in 0..5 {
        service.refused(T + 60, Attempt::new(Purpose::LOGIN, &phone.never_shows(T, which))).await;
    }
    let right = Attempt::new(Purpose::LOGIN, &phone.shows(T + 60, 0));
    assert!(matches!(service.refused(T + 60, right).await, Rejection::Locked { .. }));
    let _ = service.recover(T + 60, codes.next().unwrap(), Purpose::LOGIN).await;
    // Nor does that open the common door before its time.
    let right = Attempt::new(Purpose::LOGIN, &phone.shows(T + 60, 0));
    assert!(matches!(service.refused(T + 60, right).await, Rejection::Locked { .. }));
    let mut now = T + 60;
    loop {
        now += 86_400;
        match service.refused(now, Attempt::new(Purpose::LOGIN, &phone.never_shows(now, 1))).await {
            Rejection::Mismatch(charge) if charge.lock_state == LockState::Disabled => break,
            Rejection::Mismatch(_) | Rejection::Locked { .. } => {}
            rejection => panic!("{rejection:?}"),
        }
    }
    assert_eq!(service.refused(now, Attempt::new(Purpose::LOGIN, &phone.shows(now, 0))).await, Rejection::Disabled);
    let proof = service.recover(now, codes.next().unwrap(), Purpose::BINDING).await;
    let next = Phone::of(&service.verifier.enroll(proof, new_authenticator()).await.unwrap());
    let attempt = Attempt::new(Purpose::BINDING, &next.shows(now, 0));
    assert!(service.verifier.confirm(&alice(), attempt).await.is_ok());
    // The old one stays disabled; the new one logs in once the common lock, whose count is full,
    // admits an attempt.
    now += 2 * 86_400;
    assert!(matches!(
        service.refused(now, Attempt::new(Purpose::LOGIN, &phone.shows(now, 0))).await,
        Rejection::Mismatch(_)
    ));
    now += 2 * 86_400;
    assert!(service.submit(now, Attempt::new(Purpose::LOGIN, &next.shows(now, 0))).await.is_ok());
}

#[tokio::test]
async fn a_stranger_with_the_password_does_not_shut_the_recovery_codes_with_wrong_ones() {
    let service = Service::new();
    let (phone, codes) = service.enrolled().await;
    let Ok(proof) = service.submit(T + 30, Attempt::new(Purpose::LOGIN, &phone.shows(T + 30, 0))).await else {
        panic!()
    };
    let cookie = service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text();
    let before = service.store.load(&alice()).await.unwrap().unwrap();
    // As many as were enough once, and more, also with a stolen token.
    for guess in 0..200_u64 {
        let attempt = Attempt::recovery(Purpose::LOGIN, &format!("{guess:024}"));
        let attempt = if guess % 2 == 0 { attempt.with_device(cookie.expose()) } else { attempt };
        let refused = service.refused(T + 60 + guess * 720, attempt).await;
        assert_eq!(
            (refused, refused.is_charged(), refused.attempts_left()),
            (Rejection::UnknownRecoveryCode, false, None)
        );
    }
    let after = service.store.load(&alice()).await.unwrap().unwrap();
    assert_eq!(after.revision, before.revision, "nothing is written, counted, or ended");
    let now = T + 60 + 200 * 720;
    let _ = service.recover(now, codes.iter().next().unwrap(), Purpose::LOGIN).await;
    let known = Attempt::new(Purpose::LOGIN, &phone.shows(now, 0)).with_device(cookie.expose());
    assert!(service.submit(now, known).await.is_ok());
    assert_eq!(service.verifier.view(&alice()).await.unwrap().devices.len(), 1);
}

#[tokio::test]
async fn what_is_no_recovery_code_is_malformed_and_uncounted() {
    let service = Service::new();
    let (phone, codes) = service.enrolled().await;
    for text in ["", "123456", "not a recovery code at all", &codes.iter().next().unwrap()[1..]] {
        assert_eq!(service.refused(T + 30, Attempt::recovery(Purpose::LOGIN, text)).await, Rejection::Malformed);
    }
    // Nor is one a code of an app, or the other way round.
    let code = codes.iter().next().unwrap();
    assert_eq!(service.refused(T + 30, Attempt::new(Purpose::LOGIN, code)).await, Rejection::Malformed);
    let app = Attempt::recovery(Purpose::LOGIN, &phone.shows(T + 30, 0));
    assert_eq!(service.refused(T + 30, app).await, Rejection::Malformed);
    assert_eq!(service.verifier.view(&alice()).await.unwrap().failures_in_a_row, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_recovery_code_sixty_four_tasks_one_acceptance() {
    let service = Service::new();
    let (_, codes) = service.enrolled().await;
    let other = Verifier::builder(service.store.clone(), keyring())
        .clock(service.clock.clone())
        .without_notifications()
        .build();
    for (used, code) in codes.iter().enumerate().take(9) {
        let tasks = (0..64).map(|task| {
            let verifier = if task % 2 == 0 { service.verifier.clone() } else { other.clone() };
            let attempt = Attempt::recovery(Purpose::LOGIN, code);
            tokio::spawn(async move { verifier.verify(&alice(), attempt).await.unwrap() })
        });
        let mut accepted = 0;
        for task in tasks.collect::<Vec<_>>() {
            accepted += usize::from(task.await.is_ok());
        }
        assert_eq!(accepted, 1, "code {used}");
    }
}

#[tokio::test]
async fn neither_codes_nor_hashes_are_in_the_store_or_the_history() {
    let service = Service::new();
    let (_, codes) = service.enrolled().await;
    let stored = service.store.load(&alice()).await.unwrap().unwrap();
    let plain = phone::record_in(&alice(), &stored);
    let history = format!("{:?} {codes:?}", service.verifier.view(&alice()).await.unwrap());
    for code in codes.iter() {
        let bare = code.replace('-', "");
        for text in [code, bare.as_str()] {
            assert!(!plain.windows(text.len()).any(|bytes| bytes == text.as_bytes()));
            assert!(!history.contains(text));
        }
    }
}

#[tokio::test]
async fn removing_the_last_authenticator_ends_the_recovery_codes_too() {
    let service = Service::new();
    let (phone, codes) = service.enrolled().await;
    let Ok(proof) = service.submit(T + 30, Attempt::new(Purpose::BINDING, &phone.shows(T + 30, 0))).await else {
        panic!()
    };
    service.verifier.remove_last(proof, AuthenticatorId::new(1)).await.unwrap();
    let left = service.verifier.verify(&alice(), Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap())).await;
    assert!(matches!(left, Err(NotAccepted::Failed(Error::Account(AccountError::NoRecoveryCodes)))), "{left:?}");
}

#[tokio::test]
async fn a_known_browser_uses_a_recovery_code_also_while_the_devices_are_locked() {
    let service = Service::new();
    let (phone, codes) = service.enrolled().await;
    let mut cookies = Vec::new();
    for now in [T + 30, T + 60] {
        let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(now, 0));
        let Ok(proof) = service.submit(now, attempt).await else { panic!() };
        cookies.push(service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text());
    }
    for which in 0..5 {
        let wrong = Attempt::new(Purpose::LOGIN, &phone.never_shows(T, which));
        service.refused(T + 61, wrong.with_device(cookies[0].expose())).await;
    }
    let locked = Attempt::new(Purpose::LOGIN, &phone.shows(T + 61, 1)).with_device(cookies[1].expose());
    assert!(matches!(service.refused(T + 61, locked).await, Rejection::Locked { .. }));
    let known = Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap()).with_device(cookies[1].expose());
    assert!(service.submit(T + 62, known).await.is_ok());
}
