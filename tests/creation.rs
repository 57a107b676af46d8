//! An account exists or it is an error: a record that is lost opens nothing.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{self, Phone, T, at, keyring, new_authenticator, operator};
use crate::service::{self, alice, in_memory, sms, stored};
use sekisho::account::{
    AccountError, AccountId, Attempt, AuthenticatorId, CodeRequest, Event, EventKind, Policy, Purpose, Resync,
};
use sekisho::otp::{NotAccepted, Rejection, StoredError};
use sekisho::seal::{KeyId, Keyring, RecordLoss, Revision, SealError, Stored, Write};
use sekisho::store::{MemoryStore, Store, Swap};
use sekisho::test_kit::TestClock;
use sekisho::verifier::{EventSink, SinkError};
use sekisho::{Error, Verifier};

async fn lose(store: &MemoryStore) {
    let revision = stored(store).await.revision;
    assert_eq!(store.delete(&alice(), revision).await.unwrap(), Swap::Done);
}

async fn replace(store: &MemoryStore, envelope: Vec<u8>) {
    let expected = Some(stored(store).await.revision);
    let new = Stored { revision: Revision::from_bytes([9; 16]), envelope };
    assert_eq!(store.swap(&alice(), &Write { expected, new }).await.unwrap(), Swap::Done);
}

fn is_missing<T>(answered: Result<T, NotAccepted<Error>>) -> bool {
    let Err(NotAccepted::Failed(error)) = answered else { return false };
    error.is_no_such_account() && !error.is_not_enrolled() && !error.is_transient()
}

#[tokio::test]
async fn a_record_that_was_evicted_lets_nobody_in_and_nobody_enroll() {
    let (service, store) = in_memory(Policy::default());
    let (phone, codes) = service.enrolled().await;
    let proof = service.prove(T, &phone.shows(T, 0)).await;
    lose(&store).await;
    let verifier = &service.verifier;
    let code = phone.shows(T, 1);
    assert!(is_missing(verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, &code)).await));
    let recovery = Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap());
    assert!(is_missing(verifier.verify(&alice(), recovery).await));
    assert!(is_missing(verifier.confirm(&alice(), Attempt::new(Purpose::BINDING, &code)).await));
    assert!(is_missing(verifier.resync(&alice(), Resync::new(&code, &phone.shows(T, 2))).await));
    assert!(is_missing(verifier.deliver(&alice(), CodeRequest::confirmation(service::mail())).await));
    assert!(is_missing(verifier.mail_pass(&alice(), None).await));
    let support = verifier.support(operator("desk", "a test"));
    let calls = [
        verifier.enroll_first(&alice(), new_authenticator()).await.map(drop),
        verifier.enroll_first(&alice(), sms("+819012345678")).await.map(drop),
        verifier.enroll(proof, new_authenticator()).await.map(drop),
        verifier.enroll_with_pass(&alice(), "a pass", None, new_authenticator()).await.map(drop),
        verifier.view(&alice()).await.map(drop),
        verifier.history(&alice()).await.map(drop),
        verifier.deliver_events(&alice()).await.map(drop),
        support.unlock(&alice()).await.map(drop),
        support.reset(&alice()).await.map(drop),
        support.freeze(&alice()).await,
        support.thaw(&alice()).await,
    ];
    for (number, call) in calls.into_iter().enumerate() {
        let error = call.unwrap_err();
        assert!(error.is_no_such_account() && !error.is_transient(), "call {number}: {error}");
    }
    assert!(store.load(&alice()).await.unwrap().is_none(), "no call has made a record");
    assert!(!support.erase(&alice()).await.unwrap(), "it was not there");
}

#[tokio::test]
async fn an_id_that_is_spelled_another_way_is_no_account() {
    let (service, _) = in_memory(Policy::default());
    let (phone, _) = service.enrolled().await;
    let other = AccountId::new("Alice").unwrap();
    assert!(is_missing(service.verifier.verify(&other, Attempt::new(Purpose::LOGIN, &phone.shows(T, 0))).await));
    assert!(service.verifier.enroll_first(&other, new_authenticator()).await.unwrap_err().is_no_such_account());
}

#[tokio::test]
async fn creating_an_account_again_answers_the_same_until_something_was_bound() {
    let (service, store) = in_memory(Policy::default());
    let verifier = &service.verifier;
    verifier.create_account(&alice()).await.unwrap();
    let first = stored(&store).await;
    let view = verifier.view(&alice()).await.unwrap();
    verifier.create_account(&alice()).await.unwrap();
    assert_ne!(stored(&store).await.revision, first.revision, "a write of its own");
    assert_eq!(verifier.view(&alice()).await.unwrap(), view, "of the same record");
    let waiting = Phone::of(&verifier.enroll_first(&alice(), new_authenticator()).await.unwrap());
    verifier.create_account(&alice()).await.unwrap();
    let proof = service.confirmed(T, &waiting).await;

    let is_not_new = async || {
        let error = verifier.create_account(&alice()).await.unwrap_err();
        assert!(matches!(error, Error::Account(AccountError::NotNew)), "{error}");
    };
    is_not_new().await;
    verifier.remove_last(proof, AuthenticatorId::new(1)).await.unwrap();
    is_not_new().await;
    let held: Vec<_> = verifier.view(&alice()).await.unwrap().holds.iter().map(|hold| hold.purpose).collect();
    assert_eq!(held, [Purpose::WITHDRAWAL], "a hold, as after every change of binding");
    assert!(verifier.enroll_first(&alice(), new_authenticator()).await.is_ok(), "its owner has removed the last one");
    let _pass = verifier.support(operator("desk", "a test")).reset(&alice()).await.unwrap();
    is_not_new().await;

    let bob = AccountId::new("bob").unwrap();
    verifier.create_account(&bob).await.unwrap();
    verifier.support(operator("desk", "a test")).freeze(&bob).await.unwrap();
    assert!(verifier.create_account(&bob).await.is_err(), "frozen");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ups_that_race_make_one_record() {
    for _ in 0..200 {
        let (service, store) = in_memory(Policy::default());
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let verifier = Verifier::builder(store.clone(), keyring())
                    .clock(TestClock::at(at(T)))
                    .without_notifications()
                    .build();
                tokio::spawn(async move { verifier.create_account(&alice()).await })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert!(service.verifier.history(&alice()).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_missing_record_is_rebuilt_as_a_reset_and_what_was_given_before_is_void() {
    let (service, store) = in_memory(Policy::default());
    let (phone, _) = service.enrolled().await;
    let old = service.prove(T, &phone.shows(T, 0)).await;
    lose(&store).await;
    let (verifier, support) = (&service.verifier, service.verifier.support(operator("carol", "ticket 7: evicted")));
    let pass = support.rebuild(&alice(), RecordLoss::Missing).await.unwrap().to_text();

    let view = verifier.view(&alice()).await.unwrap();
    assert!(view.is_reset && view.authenticators.is_empty());
    assert!(view.holds.iter().any(|hold| hold.purpose == Purpose::WITHDRAWAL && hold.until > at(T + 86_400)));
    let told = service.told();
    let rebuilt = told.iter().find(|event| matches!(event.kind, EventKind::Rebuilt { .. })).unwrap();
    assert!(rebuilt.notifies_owner());
    assert_eq!(rebuilt.operator.as_ref().unwrap().name().as_str(), "carol");

    let free = verifier.enroll_first(&alice(), new_authenticator()).await.unwrap_err();
    assert!(matches!(free, Error::Account(AccountError::PassNeeded)), "{free}");
    assert!(matches!(verifier.enroll(old, new_authenticator()).await, Err(Error::Account(_))));
    // The same secret comes back, and with it codes that may have been used.
    let again = verifier.enroll_with_pass(&alice(), pass.expose(), None, phone.again()).await;
    assert!(again.is_ok());
    for offset in 0..=2 {
        let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, offset));
        let seen = verifier.confirm(&alice(), attempt).await;
        assert!(matches!(seen, Err(NotAccepted::Rejected(Rejection::Replayed { .. }))), "{offset}: {seen:?}");
    }
    let later = T + 2_400;
    verifier.create_account(&alice()).await.unwrap_err();
    service.clock.set(at(later));
    let again = verifier.enroll_with_pass(&alice(), pass.expose(), None, phone.again()).await;
    assert!(again.is_ok());
    let _proof = service.confirm(later, &phone.shows(later, 1)).await;
}

#[tokio::test]
async fn a_damaged_record_is_rebuilt_and_one_that_opens_is_not_touched() {
    let (service, store) = in_memory(Policy::default());
    let _ = service.enrolled().await;
    let support = service.verifier.support(operator("carol", "ticket 8"));
    let good = stored(&store).await;
    for loss in [RecordLoss::Missing, RecordLoss::Damaged, RecordLoss::LostKey(KeyId::new(1))] {
        assert!(matches!(support.rebuild(&alice(), loss).await, Err(Error::Seal(SealError::NotLost))), "{loss:?}");
    }
    assert_eq!(stored(&store).await, good);
    let mut envelope = good.envelope.clone();
    *envelope.last_mut().unwrap() ^= 1;
    replace(&store, envelope).await;
    assert!(matches!(service.verifier.view(&alice()).await, Err(Error::Seal(_))));
    for loss in [RecordLoss::Missing, RecordLoss::LostKey(KeyId::new(1))] {
        assert!(matches!(support.rebuild(&alice(), loss).await, Err(Error::Seal(SealError::NotLost))), "{loss:?}");
    }
    let _pass = support.rebuild(&alice(), RecordLoss::Damaged).await.unwrap();
    assert!(service.verifier.view(&alice()).await.unwrap().is_reset);
    assert!(
        matches!(support.rebuild(&alice(), RecordLoss::Damaged).await, Err(Error::Seal(SealError::NotLost))),
        "once"
    );
}

#[tokio::test]
async fn a_record_of_a_newer_release_is_not_damaged() {
    let (service, store) = in_memory(Policy::default());
    let _ = service.enrolled().await;
    let good = stored(&store).await;
    let mut plain = phone::record_in(&alice(), &good);
    // Field 0, which comes first, is the least version that reads the rest.
    let place = plain.windows(2).position(|field| field == [0, 1]).unwrap();
    plain[place + 1] = 2;
    let new = phone::with_record(&alice(), &plain);
    let write = Write { expected: Some(good.revision), new };
    assert_eq!(store.swap(&alice(), &write).await.unwrap(), Swap::Done);
    let unreadable = service.verifier.view(&alice()).await.unwrap_err();
    let is_newer = matches!(unreadable, Error::Seal(SealError::Record(StoredError::Version { .. })));
    assert!(is_newer, "{unreadable:?}");
    let support = service.verifier.support(operator("carol", "ticket 10"));
    assert!(matches!(support.rebuild(&alice(), RecordLoss::Damaged).await, Err(Error::Seal(SealError::NotLost))));
}

#[tokio::test]
async fn a_record_under_a_lost_key_is_rebuilt_only_while_nobody_has_the_key() {
    let (service, store) = in_memory(Policy::default());
    let _ = service.enrolled().await;
    let key = phone::key;
    let with =
        |keyring| Verifier::builder(store.clone(), keyring).clock(TestClock::at(at(T))).without_notifications().build();
    let without = with(Keyring::new(KeyId::new(2), key(8)));
    let both = with(Keyring::new(KeyId::new(2), key(8)).with_older(KeyId::new(1), key(7)).unwrap());
    let rebuild = async |verifier: &Verifier<MemoryStore>, loss| {
        verifier.support(operator("carol", "ticket 9")).rebuild(&alice(), loss).await
    };
    let lost = RecordLoss::LostKey(KeyId::new(1));
    assert!(matches!(rebuild(&both, lost).await, Err(Error::Seal(SealError::NotLost))), "the ring has it");
    for other in [RecordLoss::LostKey(KeyId::new(3)), RecordLoss::Damaged, RecordLoss::Missing] {
        assert!(matches!(rebuild(&without, other).await, Err(Error::Seal(SealError::NotLost))), "{other:?}");
    }
    let _pass = rebuild(&without, lost).await.unwrap();
    assert!(without.view(&alice()).await.unwrap().is_reset);
}

#[tokio::test]
async fn a_list_of_accounts_is_rebuilt_and_one_that_is_there_is_left_alone() {
    let (service, store) = in_memory(Policy::default());
    let _ = service.enrolled().await;
    let kept = stored(&store).await;
    let [bob, carol] = ["bob", "carol"].map(|name| AccountId::new(name).unwrap());
    let support = service.verifier.support(operator("desk", "evicted, ticket 12"));
    let list = [bob.clone(), alice(), carol.clone()];
    let answers = support.rebuild_all(&list, RecordLoss::Missing).await;
    assert_eq!(answers.iter().map(|(account, _)| (*account).clone()).collect::<Vec<_>>(), list);
    let is_rebuilt: Vec<_> = answers.iter().map(|(_, answer)| answer.is_ok()).collect();
    assert_eq!(is_rebuilt, [true, false, true]);
    assert!(matches!(answers[1].1, Err(Error::Seal(SealError::NotLost))));
    assert_eq!(stored(&store).await, kept);
    for account in [bob, carol] {
        assert!(service.verifier.view(&account).await.unwrap().is_reset);
    }
}

#[tokio::test]
async fn an_account_that_is_being_erased_is_not_new() {
    let (service, store) = in_memory(Policy::default());
    let verifier = &service.verifier;
    verifier.create_account(&alice()).await.unwrap();
    // The erasure is written down, and then the process dies.
    let down = Verifier::builder(store.clone(), keyring()).clock(service.clock.clone()).event_sink(Down).build();
    let erasing = down.support(operator("desk", "left")).erase(&alice()).await;
    assert!(matches!(erasing, Err(Error::EventsUndelivered)));
    let again = verifier.create_account(&alice()).await.unwrap_err();
    assert!(matches!(again, Error::Account(AccountError::NotNew)), "{again}");
    assert!(verifier.support(operator("desk", "left")).erase(&alice()).await.unwrap());
    verifier.create_account(&alice()).await.unwrap();
}

/// Takes no event.
struct Down;

impl EventSink for Down {
    async fn deliver(&self, _: &AccountId, _: &Event) -> Result<(), SinkError> {
        Err("down".into())
    }
}

#[tokio::test]
async fn an_error_says_in_which_way_the_record_is_lost() {
    let (service, store) = in_memory(Policy::default());
    let (phone, _) = service.enrolled().await;
    let loss = async |verifier: &Verifier<MemoryStore>| verifier.view(&alice()).await.unwrap_err().record_loss();
    let other = Keyring::new(KeyId::new(2), phone::key(8));
    let other = Verifier::builder(store.clone(), other).clock(TestClock::at(at(T))).without_notifications().build();
    assert_eq!(loss(&other).await, Some(RecordLoss::LostKey(KeyId::new(1))));
    let mut envelope = stored(&store).await.envelope;
    envelope.truncate(40);
    replace(&store, envelope).await;
    assert_eq!(loss(&service.verifier).await, Some(RecordLoss::Damaged));
    lose(&store).await;
    assert_eq!(loss(&service.verifier).await, Some(RecordLoss::Missing));
    service.verifier.create_account(&alice()).await.unwrap();
    let free = service.verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, &phone.shows(T, 0))).await;
    let Err(NotAccepted::Failed(error)) = free else { panic!("{free:?}") };
    assert_eq!(error.record_loss(), None);
}
