//! Acts: verified and used up in one write, under an id that no loss of the store changes.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{self, T, at, operator};
use crate::service::{self, DAY, Service, alice, answer, in_memory, sms, stored};
use sekisho::Error;
use sekisho::account::{
    AccountError, AccountId, AccountLimits, Act, Attempt, Authorization, CodeRequest, EventKind, Method, Policy,
    Purpose, Resync,
};
use sekisho::otp::{NotAccepted, PolicyError, Rejection, StoredError};
use sekisho::store::{MemoryStore, Store, Swap};

const CONTEXT: [u8; 32] = [3; 32];
const KEY: [u8; 16] = [7; 16];

fn withdraw(code: &str) -> Act {
    Act::new(Purpose::WITHDRAWAL, &CONTEXT, KEY, code)
}

async fn authorized<S: Store>(service: &Service<S>, secs: u64, act: Act) -> Authorization {
    service.clock.set(at(secs));
    answer(service.verifier.authorize(&alice(), act).await).unwrap()
}

async fn refused<S: Store>(service: &Service<S>, secs: u64, act: Act) -> Rejection {
    service.clock.set(at(secs));
    answer(service.verifier.authorize(&alice(), act).await).unwrap_err()
}

fn account_error<T: std::fmt::Debug>(answered: Result<T, NotAccepted<Error>>) -> AccountError {
    match answered {
        Err(NotAccepted::Failed(Error::Account(error))) => error,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn ended(stands: Result<(), Error>) -> AccountError {
    match stands {
        Err(Error::Account(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn acts() -> (Service<MemoryStore>, MemoryStore) {
    in_memory(Policy::default())
}

#[tokio::test]
async fn a_misspelled_purpose_is_an_error_and_passes_no_hold() {
    let (service, _) = acts();
    let (phone, _) = service.enrolled().await;
    let misspelled = Purpose::new("withdrawl").unwrap();
    let code = phone.shows(T, 0);
    for text in [code.as_str(), "no code"] {
        let error = account_error(service.verifier.verify(&alice(), Attempt::new(misspelled, text)).await);
        assert_eq!(error, AccountError::UndeclaredPurpose { purpose: misspelled });
        let act = Act::new(misspelled, &CONTEXT, KEY, text);
        assert_eq!(account_error(service.verifier.authorize(&alice(), act).await), error);
    }
    let request = CodeRequest::new(sekisho::account::AuthenticatorId::new(1), misspelled);
    let sent = service.verifier.deliver(&alice(), request).await;
    assert_eq!(account_error(sent), AccountError::UndeclaredPurpose { purpose: misspelled });
    assert!(service.submit(T, Attempt::new(Purpose::LOGIN, &code)).await.is_ok(), "the code was not spent");
}

#[tokio::test]
async fn the_code_of_an_act_gives_no_proof_and_a_login_is_no_act() {
    let (service, _) = acts();
    let (phone, _) = service.enrolled().await;
    let code = phone.shows(T, 0);
    let plain = service.verifier.verify(&alice(), Attempt::new(Purpose::WITHDRAWAL, &code)).await;
    assert_eq!(account_error(plain), AccountError::IsAct);
    for purpose in [Purpose::LOGIN, Purpose::BINDING, Purpose::CONFIRMATION] {
        let act = Act::new(purpose, &CONTEXT, KEY, &code);
        assert_eq!(account_error(service.verifier.authorize(&alice(), act).await), AccountError::NotAnAct);
    }
    let malformed = service.verifier.authorize(&alice(), withdraw("no code")).await;
    assert_eq!(answer(malformed).unwrap_err(), Rejection::Malformed);
    let authorization = authorized(&service, T, withdraw(&code)).await;
    assert_eq!((authorization.account(), authorization.purpose()), (&alice(), Purpose::WITHDRAWAL));
    assert_eq!((authorization.context(), authorization.at()), (&CONTEXT, at(T)));
    assert!(matches!(authorization.method(), Method::Authenticator(_)));
}

#[test]
fn purposes_are_declared_once_and_what_is_held_is_declared() {
    let own = Purpose::new("api-key").unwrap();
    let new = |purposes: &[Purpose], acts: &[Purpose], held: &[Purpose]| {
        let (purposes, acts, held_purposes) = (purposes.to_vec(), acts.to_vec(), held.to_vec());
        Policy::new(AccountLimits { purposes, acts, held_purposes, ..AccountLimits::default() })
    };
    assert!(new(&[own], &[Purpose::WITHDRAWAL], &[own, Purpose::LOGIN]).is_ok());
    assert!(new(&[], &[], &[]).is_ok());
    assert_eq!(new(&[], &[own], &[Purpose::WITHDRAWAL]).unwrap_err(), PolicyError::HeldUndeclared);
    assert_eq!(new(&[own], &[own], &[]).unwrap_err(), PolicyError::DeclaredTwice);
    assert_eq!(new(&[own, own], &[], &[]).unwrap_err(), PolicyError::DeclaredTwice);
    for always in [Purpose::LOGIN, Purpose::BINDING, Purpose::CONFIRMATION, Purpose::RESYNC] {
        assert_eq!(new(&[always], &[], &[]).unwrap_err(), PolicyError::DeclaredAlways);
        assert_eq!(new(&[], &[always], &[]).unwrap_err(), PolicyError::DeclaredAlways);
    }
    let many: Vec<_> = (0..17).map(|number| Purpose::new(&format!("purpose-{number}")).unwrap()).collect();
    assert!(new(&many[..16], &[], &[]).is_ok() && new(&many, &[], &[]).is_err() && new(&[], &many, &[]).is_err());
}

#[tokio::test]
async fn an_act_that_is_repeated_is_the_same_act_and_each_time_it_is_written() {
    let (service, store) = acts();
    let (phone, _) = service.enrolled().await;
    let code = phone.shows(T, 0);
    let first = authorized(&service, T, withdraw(&code)).await;
    let before = stored(&store).await.revision;
    let again = authorized(&service, T + 20, withdraw(&code)).await;
    assert_eq!(first, again, "also its time");
    assert_ne!(stored(&store).await.revision, before, "a write of its own");
    // Without the key, with another context, and after a minute it is a used code.
    let other_key = Act::new(Purpose::WITHDRAWAL, &CONTEXT, [8; 16], &code);
    let other_context = Act::new(Purpose::WITHDRAWAL, &[4; 32], KEY, &code);
    for act in [other_key, other_context] {
        assert!(matches!(refused(&service, T + 20, act).await, Rejection::Replayed { .. }));
    }
    assert!(matches!(refused(&service, T + 61, withdraw(&code)).await, Rejection::Replayed { .. }));
    // A further code for the same act authorizes the same act.
    let further = authorized(&service, T + 90, withdraw(&phone.shows(T + 90, 0))).await;
    assert_eq!(further.id(), first.id());
    let accepted =
        |kind: &EventKind| matches!(kind, EventKind::Accepted { purpose, .. } if *purpose == Purpose::WITHDRAWAL);
    assert_eq!(service.told().iter().filter(|event| accepted(&event.kind)).count(), 2, "two codes were used");
}

#[tokio::test]
async fn the_id_is_the_same_whatever_the_store_has_lost() {
    let (service, store) = acts();
    let (phone, _) = service.enrolled().await;
    let backup = stored(&store).await;
    let code = phone.shows(T, 0);
    let first = authorized(&service, T, withdraw(&code)).await;
    assert_eq!(&withdraw("").authorization_id(&alice()), first.id());
    // A failover forgets the acceptance, and the same request comes again.
    let lost = stored(&store).await.revision;
    let write = sekisho::seal::Write { expected: Some(lost), new: backup };
    assert_eq!(store.swap(&alice(), &write).await.unwrap(), Swap::Done);
    let again = authorized(&service, T + 5, withdraw(&code)).await;
    assert_eq!(again.id(), first.id());

    let bob = AccountId::new("bob").unwrap();
    let ids = [
        withdraw("").authorization_id(&alice()),
        withdraw("").authorization_id(&bob),
        Act::new(Purpose::WITHDRAWAL, &[4; 32], KEY, "").authorization_id(&alice()),
        Act::new(Purpose::WITHDRAWAL, &CONTEXT, [8; 16], "").authorization_id(&alice()),
        Act::new(Purpose::new("api-key").unwrap(), &CONTEXT, KEY, "").authorization_id(&alice()),
    ];
    assert!((0..ids.len()).all(|one| (0..one).all(|other| ids[one] != ids[other])));
}

#[test]
fn an_act_shows_neither_its_key_nor_its_context() {
    let shown = format!("{:?}", withdraw("123456"));
    assert_eq!(shown, "Act { purpose: Purpose(withdrawal), .. }");
}

/// SHA-256 by Python's `hashlib` over the parts in their order.
#[test]
fn the_id_is_sha_256_over_key_purpose_context_and_account() {
    let id = withdraw("").authorization_id(&alice());
    assert_eq!(hex::encode(id), "b3c9c3f4c1b5ded7c50c4b13a6751091aafeb6ffe01af7e0c6a6a8f8e27a4afd");
}

#[tokio::test]
async fn a_held_or_frozen_act_is_refused_before_its_repetition() {
    let (service, _) = acts();
    let (phone, _) = service.enrolled().await;
    let code = phone.shows(T, 0);
    let _ = authorized(&service, T, withdraw(&code)).await;
    service.verifier.support(operator("desk", "stolen phone")).freeze(&alice()).await.unwrap();
    assert_eq!(refused(&service, T + 1, withdraw(&code)).await, Rejection::Frozen);
    service.verifier.support(operator("desk", "found")).thaw(&alice()).await.unwrap();
    let proof = service.prove(T + 60, &phone.shows(T + 60, 0)).await;
    let _ = service::kept_codes(&service.verifier, proof).await.unwrap();
    let held = refused(&service, T + 61, withdraw(&phone.shows(T + 90, 0))).await;
    assert_eq!(held, Rejection::Held { until: at(T + 60 + DAY) });
}

#[tokio::test]
async fn an_authorization_stands_until_a_freeze_a_hold_or_a_reset() {
    let (service, _) = acts();
    let (phone, codes) = service.enrolled().await;
    let verifier = &service.verifier;
    let first = authorized(&service, T, withdraw(&phone.shows(T, 0))).await;
    verifier.still_stands(&first).await.unwrap();
    drop(service.log_in(T + 60, &phone.shows(T + 60, 0)).await);
    verifier.still_stands(&first).await.unwrap();

    // A recovery holds withdrawals. When the hold is over, what was authorized before stays stopped.
    let recovery = Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap());
    drop(service.submit(T + 90, recovery).await.unwrap());
    let until = at(T + 90 + DAY);
    assert_eq!(ended(verifier.still_stands(&first).await), AccountError::Held { until });
    let later = T + 90 + DAY;
    service.clock.set(at(later));
    assert_eq!(ended(verifier.still_stands(&first).await), AccountError::AuthorizationEnded);

    let second = authorized(&service, later, withdraw(&phone.shows(later, 0))).await;
    verifier.still_stands(&second).await.unwrap();
    verifier.support(operator("desk", "a call")).freeze(&alice()).await.unwrap();
    assert_eq!(ended(verifier.still_stands(&second).await), AccountError::Frozen);
    verifier.support(operator("desk", "a call")).thaw(&alice()).await.unwrap();
    let held = AccountError::Held { until: at(later + DAY) };
    assert_eq!(ended(verifier.still_stands(&second).await), held, "the end of a freeze holds");
    let later = later + DAY;
    service.clock.set(at(later));
    assert_eq!(ended(verifier.still_stands(&second).await), AccountError::AuthorizationEnded, "frozen in between");

    let later = later + 60;
    let third = authorized(&service, later, withdraw(&phone.shows(later, 0))).await;
    verifier.still_stands(&third).await.unwrap();
    let _pass = verifier.support(operator("desk", "a call")).reset(&alice()).await.unwrap();
    assert!(matches!(ended(verifier.still_stands(&third).await), AccountError::Held { .. }));
    let bob = AccountId::new("bob").unwrap();
    verifier.create_account(&bob).await.unwrap();
}

#[tokio::test]
async fn an_authorization_does_not_stand_where_the_account_is_gone_or_restored() {
    let (service, store) = acts();
    let (phone, _) = service.enrolled().await;
    let authorization = authorized(&service, T, withdraw(&phone.shows(T, 0))).await;
    let clock = service.clock.clone();
    let careful = sekisho::Verifier::builder(store.clone(), phone::keyring())
        .clock(clock)
        .restored_at(at(T + 10))
        .without_notifications()
        .build();
    service.clock.set(at(T + 20));
    assert_eq!(ended(careful.still_stands(&authorization).await), AccountError::AuthorizationEnded);
    let revision = stored(&store).await.revision;
    assert_eq!(store.delete(&alice(), revision).await.unwrap(), Swap::Done);
    assert!(service.verifier.still_stands(&authorization).await.unwrap_err().is_no_such_account());
}

#[tokio::test]
async fn an_authorization_waits_as_bytes_and_damaged_ones_are_errors() {
    let service = Service::with(Policy::default());
    let (phone, _) = service.enrolled().await;
    let proof = service.prove(T, &phone.shows(T, 0)).await;
    let id = service.verifier.enroll(proof, sms("+819012345678")).await.unwrap().authenticator();
    let code = service.message(T + 1, CodeRequest::new(id, Purpose::BINDING)).await;
    drop(service.confirm(T + 2, &code).await);
    let later = T + 2 * DAY;
    let sent = service.message(later, CodeRequest::new(id, Purpose::WITHDRAWAL).with_context(&CONTEXT)).await;
    for (secs, code) in [(later, sent), (later + 30, phone.shows(later + 30, 0))] {
        let authorization = authorized(&service, secs, withdraw(&code)).await;
        let bytes = authorization.to_bytes();
        assert!(bytes.len() <= 300);
        assert_eq!(Authorization::assume_authorized(&bytes).unwrap(), authorization);
        for cut in 0..bytes.len() {
            assert!(Authorization::assume_authorized(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(Authorization::assume_authorized(&[bytes.as_slice(), &[0]].concat()).is_err());
        let mut newer = bytes.clone();
        newer[1] = 2;
        let version = Authorization::assume_authorized(&newer).unwrap_err();
        assert_eq!(version, StoredError::Version { version: 2 });
    }
}

#[tokio::test]
async fn a_recovery_code_authorizes_only_what_a_recovery_does_not_hold() {
    let (service, _) = acts();
    let (_, codes) = service.enrolled().await;
    let code = codes.iter().next().unwrap();
    let held = Act::recovery(Purpose::WITHDRAWAL, &CONTEXT, KEY, code);
    assert_eq!(account_error(service.verifier.authorize(&alice(), held).await), AccountError::NotByRecovery);
    drop(service);

    let acts = vec![Purpose::new("address-book").unwrap()];
    let policy = Policy::new(AccountLimits { acts: acts.clone(), held_purposes: vec![], ..AccountLimits::default() });
    let (service, _) = in_memory(policy.unwrap());
    let (_, codes) = service.enrolled().await;
    let act = || Act::recovery(acts[0], &CONTEXT, KEY, codes.iter().next().unwrap());
    let first = authorized(&service, T, act()).await;
    assert!(matches!(first.method(), Method::RecoveryCode { left: 9 }));
    assert_eq!(authorized(&service, T, act()).await, first);
    assert_eq!(service.verifier.view(&alice()).await.unwrap().recovery_codes_left, 9, "used once");
}

#[tokio::test]
async fn guesses_at_acts_and_at_logins_are_counted_together() {
    let (service, _) = acts();
    let (phone, _) = service.enrolled().await;
    for which in 0..4 {
        assert!(refused(&service, T, withdraw(&phone.never_shows(T, which))).await.is_charged());
    }
    assert!(service.log_in_refused(T, &phone.never_shows(T, 9)).await.is_charged());
    let locked = refused(&service, T + 1, withdraw(&phone.shows(T, 0))).await;
    assert_eq!(locked, Rejection::Locked { until: at(T + 30) });
    // A known browser's attempts are counted apart, as at the other doors.
    let proof = service.log_in(T + 60, &phone.shows(T + 60, 0)).await;
    let cookie = service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text();
    for which in 0..5 {
        let _ = refused(&service, T + 61, withdraw(&phone.never_shows(T, which))).await;
    }
    let act = withdraw(&phone.shows(T + 90, 0)).with_device(cookie.expose());
    let _ = authorized(&service, T + 90, act).await;
    let two = Resync::new(&phone.shows(T + 90, 1), &phone.shows(T + 90, 2));
    assert!(service.resync(T + 91, two.with_device(cookie.expose())).await.is_ok());
}

#[tokio::test]
async fn servers_with_another_policy_do_not_make_a_proof_of_an_act_or_an_act_of_a_proof() {
    let (service, store) = acts();
    let (phone, _) = service.enrolled().await;
    // One that has not been restarted yet, by whose policy a withdrawal is no act.
    let old = sekisho::Verifier::builder(store.clone(), phone::keyring())
        .policy(phone::policy())
        .clock(service.clock.clone())
        .without_notifications()
        .build();
    let named = |code: &str| Attempt::new(Purpose::WITHDRAWAL, code).with_context(&CONTEXT).with_idempotency_key(KEY);
    let code = phone.shows(T, 0);
    let _ = authorized(&service, T, withdraw(&code)).await;
    let proof = answer(old.verify(&alice(), named(&code)).await);
    assert!(matches!(proof, Err(Rejection::Replayed { .. })), "{proof:?}");
    service.clock.set(at(T + 60));
    let code = phone.shows(T + 60, 0);
    assert!(old.verify(&alice(), named(&code)).await.is_ok());
    assert!(matches!(refused(&service, T + 60, withdraw(&code)).await, Rejection::Replayed { .. }));
}

#[tokio::test]
async fn an_authorization_stands_for_its_own_account_only() {
    let (service, store) = acts();
    let (phone, _) = service.enrolled().await;
    let authorization = authorized(&service, T, withdraw(&phone.shows(T, 0))).await;
    let bob = AccountId::new("bob").unwrap();
    let bobs = phone::keyring().open(&bob, phone::created(&bob, T)).unwrap();
    assert_eq!(bobs.still_stands(at(T), &authorization), Err(AccountError::ProofOfAnotherAccount));
    let own = phone::keyring().open(&alice(), stored(&store).await).unwrap();
    assert_eq!(own.still_stands(at(T), &authorization), Ok(()));
}
