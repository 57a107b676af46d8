//! The verifier: clocks, keys, backups, sinks, errors, and who waits for whom.
#![cfg(feature = "test-kit")]

use crate::phone::{self, Phone, T, answer, at, keyring, new_authenticator};
use sekisho::account::{
    Account, AccountError, AccountId, Act, Attempt, AuthenticatorId, Event, EventKind, NameError, Operator, Purpose,
};
use sekisho::otp::{NotAccepted, Reason, Rejection, TimeError, UnixTime};
use sekisho::seal::{KeyId, Keyring, KeyringHandle, SealError, Stored, Write};
use sekisho::store::{BoxStore, MemoryStore, Store, Swap};
use sekisho::test_kit::{FailingStore, Fault, TestClock};
use sekisho::verifier::{Clock, EventSink, Resealed, SinkError};
use sekisho::{Error, Verifier};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

fn alice() -> AccountId {
    AccountId::new("alice").unwrap()
}

fn verifier(store: &MemoryStore, clock: &TestClock) -> Verifier<MemoryStore> {
    Verifier::builder(store.clone(), keyring()).clock(clock.clone()).without_notifications().build()
}

/// Enrolled at `T - 180`; the clock stands at `T` then.
async fn enrolled<S: Store>(verifier: &Verifier<S>, clock: &TestClock) -> Phone {
    clock.set(at(T - 180));
    verifier.create_account(&alice()).await.unwrap();
    let phone = Phone::of(&verifier.enroll_first(&alice(), new_authenticator()).await.unwrap());
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T - 180, 0));
    assert!(verifier.confirm(&alice(), attempt).await.is_ok());
    clock.set(at(T));
    phone
}

/// Why there is no answer.
#[track_caller]
fn failed<T>(answered: Result<T, NotAccepted<Error>>) -> Error {
    match answered {
        Err(NotAccepted::Failed(error)) => error,
        Err(NotAccepted::Rejected(rejection)) => panic!("{rejection:?}"),
        Ok(_) => panic!("accepted"),
    }
}

fn login(code: &str) -> Attempt {
    Attempt::new(Purpose::LOGIN, code)
}

#[tokio::test]
async fn the_clock_set_back_an_hour_accepts_nothing_used() {
    let clock = TestClock::at(at(T));
    let verifier = verifier(&MemoryStore::new(), &clock);
    let phone = enrolled(&verifier, &clock).await;
    let mut used = Vec::new();
    for step in 0..25 {
        let secs = T + step * 160;
        clock.set(at(secs));
        let code = phone.shows(secs, 0);
        if verifier.verify(&alice(), login(&code)).await.is_ok() {
            used.push((phone.step(secs).number(), code));
        }
    }
    assert!(used.len() >= 20);
    // Back by an hour, then forth again step by step, each used code at each moment.
    for secs in (T + 300..T + 4_400).step_by(25) {
        clock.set(at(secs));
        let step = phone.step(secs).number();
        for (_, code) in used.iter().filter(|(used, _)| used.abs_diff(step) <= 2) {
            let again = answer(verifier.verify(&alice(), login(code)).await);
            assert!(matches!(again, Err(Rejection::Replayed { .. })), "{secs}: {again:?}");
        }
    }
    // Once the clock has passed what was used, the owner is in.
    clock.set(at(T + 4_430));
    assert!(verifier.verify(&alice(), login(&phone.shows(T + 4_430, 0))).await.is_ok());
}

#[tokio::test]
async fn after_a_day_asleep_nothing_used_is_accepted_and_the_next_code_is() {
    let clock = TestClock::at(at(T));
    let verifier = verifier(&MemoryStore::new(), &clock);
    let phone = enrolled(&verifier, &clock).await;
    let used = phone.shows(T, 0);
    assert!(verifier.verify(&alice(), login(&used)).await.is_ok());
    clock.advance(86_400);
    let again = answer(verifier.verify(&alice(), login(&used)).await);
    assert!(matches!(again, Err(Rejection::Mismatch(_))), "{again:?}");
    let next = phone.shows(T + 86_400, 0);
    assert!(verifier.verify(&alice(), login(&next)).await.is_ok());
}

struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> Result<UnixTime, TimeError> {
        Err(TimeError::BeforeUnixEpoch)
    }
}

#[tokio::test]
async fn a_clock_that_cannot_be_right_judges_nothing() {
    let (store, clock) = (MemoryStore::new(), TestClock::at(at(T)));
    let phone = enrolled(&verifier(&store, &clock), &clock).await;
    let broken = Verifier::builder(store.clone(), keyring()).clock(NoClock).without_notifications().build();
    let error = failed(broken.verify(&alice(), login(&phone.shows(T, 0))).await);
    assert!(matches!(error, Error::Time(TimeError::BeforeUnixEpoch)) && !error.is_transient());
}

#[tokio::test]
async fn errors_tell_not_enrolled_from_key_missing_from_try_again() {
    let (store, clock) = (MemoryStore::new(), TestClock::at(at(T)));
    let verifier = verifier(&store, &clock);
    assert_eq!(verifier.now().unwrap(), at(T));
    let error = failed(verifier.verify(&alice(), login("123456")).await);
    assert!(error.is_no_such_account() && !error.is_transient() && !error.is_not_enrolled(), "{error}");
    verifier.create_account(&alice()).await.unwrap();
    let error = failed(verifier.verify(&alice(), login("123456")).await);
    assert!(error.is_not_enrolled() && !error.is_transient() && !error.is_key_missing(), "{error}");
    let phone = enrolled(&verifier, &clock).await;

    let other = Keyring::new(KeyId::new(2), phone::key(2));
    let keyless = Verifier::builder(store.clone(), other).clock(clock.clone()).without_notifications().build();
    let error = failed(keyless.verify(&alice(), login(&phone.shows(T, 0))).await);
    assert!(error.is_key_missing() && !error.is_transient() && !error.is_not_enrolled(), "{error}");

    // Another key under the same id does not open it, and is not taken for a new account.
    let wrong = Keyring::new(KeyId::new(1), phone::key(2));
    let wrong = Verifier::builder(store.clone(), wrong).clock(clock.clone()).without_notifications().build();
    let error = failed(wrong.verify(&alice(), login(&phone.shows(T, 0))).await);
    assert!(matches!(error, Error::Seal(SealError::DoesNotOpen)), "{error}");
    assert!(wrong.create_account(&alice()).await.is_err());
    assert!(wrong.enroll_first(&alice(), new_authenticator()).await.is_err());
}

#[tokio::test]
async fn an_envelope_that_was_changed_or_moved_is_an_error_and_nobody_gets_in() {
    let (store, clock) = (MemoryStore::new(), TestClock::at(at(T)));
    let verifier = verifier(&store, &clock);
    let phone = enrolled(&verifier, &clock).await;
    let stored = store.load(&alice()).await.unwrap().unwrap();
    let put = async |account: &AccountId, new: Stored| {
        let expected = store.load(account).await.unwrap().map(|stored| stored.revision);
        assert_eq!(store.swap(account, &Write { expected, new }).await.unwrap(), Swap::Done);
    };
    for place in 0..stored.envelope.len() {
        let mut changed = stored.clone();
        changed.envelope[place] ^= 0x10;
        put(&alice(), changed).await;
        assert!(
            matches!(
                verifier.verify(&alice(), login(&phone.shows(T, 0))).await,
                Err(NotAccepted::Failed(Error::Seal(_)))
            ),
            "{place}"
        );
    }
    for len in 0..stored.envelope.len() {
        put(&alice(), Stored { envelope: stored.envelope[..len].to_vec(), ..stored.clone() }).await;
        assert!(
            matches!(
                verifier.verify(&alice(), login(&phone.shows(T, 0))).await,
                Err(NotAccepted::Failed(Error::Seal(_)))
            ),
            "{len}"
        );
    }
    let bob = AccountId::new("bob").unwrap();
    put(&bob, stored.clone()).await;
    assert!(matches!(
        verifier.verify(&bob, login(&phone.shows(T, 0))).await,
        Err(NotAccepted::Failed(Error::Seal(SealError::DoesNotOpen)))
    ));
    put(&alice(), stored).await;
    assert!(verifier.verify(&alice(), login(&phone.shows(T, 0))).await.is_ok());
}

#[tokio::test]
async fn keys_rotate_by_writes_and_by_reseal() {
    let (store, clock) = (MemoryStore::new(), TestClock::at(at(T)));
    let phone = enrolled(&verifier(&store, &clock), &clock).await;
    let with_old = || {
        let new = Keyring::new(KeyId::new(2), phone::key(2));
        new.with_older(KeyId::new(1), phone::key(7)).unwrap()
    };
    let rotating = Verifier::builder(store.clone(), with_old()).clock(clock.clone()).without_notifications().build();
    let under_primary =
        async || with_old().is_sealed_under_primary(&store.load(&alice()).await.unwrap().unwrap()).unwrap();
    assert!(!under_primary().await);
    assert_eq!(rotating.reseal(&alice()).await.unwrap(), Resealed::Done);
    assert!(under_primary().await);
    assert_eq!(rotating.reseal(&alice()).await.unwrap(), Resealed::NotNeeded);
    let nobody = AccountId::new("nobody").unwrap();
    assert_eq!(rotating.reseal(&nobody).await.unwrap(), Resealed::Absent);
    assert!(store.load(&nobody).await.unwrap().is_none());
    // The old key can go.
    let new = Keyring::new(KeyId::new(2), phone::key(2));
    let rotated = Verifier::builder(store.clone(), new).clock(clock.clone()).without_notifications().build();
    assert!(rotated.verify(&alice(), login(&phone.shows(T, 0))).await.is_ok());
    // And back, by a write alone.
    let back = keyring().with_older(KeyId::new(2), phone::key(2)).unwrap();
    let back = Verifier::builder(store.clone(), back).clock(clock.clone()).without_notifications().build();
    assert!(back.verify(&alice(), login(&phone.shows(T, 1))).await.is_ok());
    assert!(keyring().is_sealed_under_primary(&store.load(&alice()).await.unwrap().unwrap()).unwrap());
}

#[tokio::test]
async fn a_restored_backup_is_treated_with_care_once_and_told_once() {
    let (store, clock, log) = (MemoryStore::new(), TestClock::at(at(T)), Log::default());
    let phone = enrolled(&verifier(&store, &clock), &clock).await;
    let backup = store.load(&alice()).await.unwrap().unwrap();
    let used = phone.shows(T, 0);
    assert!(verifier(&store, &clock).verify(&alice(), login(&used)).await.is_ok());
    let expected = store.load(&alice()).await.unwrap().map(|stored| stored.revision);
    assert_eq!(store.swap(&alice(), &Write { expected, new: backup }).await.unwrap(), Swap::Done);
    // Set a little late: the operator's clock is ahead of ours.
    let careful = Verifier::builder(store.clone(), keyring()).clock(clock.clone()).event_sink(log.clone());
    let careful = careful.restored_at(at(T + 20)).build();
    // Sessions of the backup's epoch have ended already.
    let before = verifier(&store, &clock).view(&alice()).await.unwrap();
    let seen = careful.view(&alice()).await.unwrap();
    assert_ne!(seen.epoch, before.epoch);
    let again = answer(careful.verify(&alice(), login(&used)).await);
    assert!(matches!(again, Err(Rejection::Replayed { .. })), "{again:?}");
    let withdraw = Act::new(Purpose::WITHDRAWAL, &[3; 32], [7; 16], &used);
    let held = answer(careful.authorize(&alice(), withdraw).await);
    assert!(matches!(held, Err(Rejection::Held { until }) if until == at(T + 20 + 86_400)));
    assert_eq!(log.kinds().iter().filter(|kind| **kind == "restored").count(), 1);
    assert_eq!(careful.view(&alice()).await.unwrap().epoch, seen.epoch);
    clock.advance(810);
    assert!(careful.verify(&alice(), login(&phone.shows(T + 810, 0))).await.is_ok());
    // A new account is new.
    let bob = AccountId::new("bob").unwrap();
    careful.create_account(&bob).await.unwrap();
    let bobs = Phone::of(&careful.enroll_first(&bob, new_authenticator()).await.unwrap());
    let attempt = Attempt::new(Purpose::BINDING, &bobs.shows(T + 810, 0));
    assert!(careful.confirm(&bob, attempt).await.is_ok());
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Event>>>);

impl EventSink for Log {
    async fn deliver(&self, _: &AccountId, event: &Event) -> Result<(), SinkError> {
        self.0.lock().unwrap().push(event.clone());
        Ok(())
    }
}

impl Log {
    fn kinds(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().iter().map(|event| event.kind.as_str()).collect()
    }
}

#[tokio::test]
async fn events_tell_the_whole_story_in_order() {
    let (store, clock, log) = (MemoryStore::new(), TestClock::at(at(T)), Log::default());
    let verifier = Verifier::builder(store.clone(), keyring()).clock(clock.clone()).event_sink(log.clone()).build();
    let phone = enrolled(&verifier, &clock).await;
    assert!(verifier.verify(&alice(), login("no code")).await.is_err());
    for which in 0..6 {
        assert!(verifier.verify(&alice(), login(&phone.never_shows(T, which))).await.is_err());
    }
    let pass = verifier.support(phone::operator("bob", "ticket 1")).unlock(&alice()).await.unwrap().to_text();
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, 0)).with_device(pass.expose());
    let proof = verifier.verify(&alice(), attempt).await.unwrap();
    verifier.rename(&proof, AuthenticatorId::new(1), "old".parse().unwrap()).await.unwrap();
    verifier.remove_last(proof, AuthenticatorId::new(1)).await.unwrap();
    assert!(verifier.support(phone::operator("bob", "left")).erase(&alice()).await.unwrap());
    let expected = "enrollment_begun confirmed rejected rejected rejected rejected rejected rejected locked rejected pass_issued \
        accepted accepted_after_failures renamed removed erased";
    assert_eq!(log.kinds().join(" "), expected);
    assert!(store.load(&alice()).await.unwrap().is_none());
    let events = log.0.lock().unwrap();
    assert_eq!(
        events[2].kind,
        EventKind::Rejected { purpose: Purpose::LOGIN, reason: Reason::Malformed, diagnosis: None }
    );
    assert!(events.iter().filter_map(|event| event.sequence).is_sorted_by(|a, b| a < b), "numbers rise");
    assert_eq!(events[15].kind, EventKind::Erased);
    assert_eq!(events[15].operator, Some(phone::operator("bob", "left")));
}

#[tokio::test]
async fn an_erased_account_is_gone_and_its_numbers_do_not_come_back() {
    let (store, clock, log) = (MemoryStore::new(), TestClock::at(at(T)), Log::default());
    let verifier = Verifier::builder(store.clone(), keyring()).clock(clock.clone()).event_sink(log.clone()).build();
    enrolled(&verifier, &clock).await;
    let support = verifier.support(phone::operator("bob", "left"));
    let account = alice();
    let (one, other) = tokio::join!(support.erase(&account), support.erase(&account));
    assert!(one.unwrap() || other.unwrap());
    assert_eq!(log.kinds().iter().filter(|kind| **kind == "erased").count(), 1);
    assert!(store.load(&alice()).await.unwrap().is_none());
    assert!(!support.erase(&alice()).await.unwrap());
    assert!(failed(verifier.verify(&alice(), login("123456")).await).is_no_such_account());
    let last = log.0.lock().unwrap().iter().filter_map(|event| event.sequence).max();
    verifier.create_account(&alice()).await.unwrap();
    let _ = verifier.enroll_first(&alice(), new_authenticator()).await.unwrap();
    assert!(log.0.lock().unwrap().last().unwrap().sequence > last);
}

#[tokio::test]
async fn a_record_is_not_erased_before_its_owner_has_been_told() {
    struct Down;
    impl EventSink for Down {
        async fn deliver(&self, _: &AccountId, _: &Event) -> Result<(), SinkError> {
            Err("down".into())
        }
    }
    let (store, clock) = (MemoryStore::new(), TestClock::at(at(T)));
    enrolled(&verifier(&store, &clock), &clock).await;
    let down = Verifier::builder(store.clone(), keyring()).clock(clock.clone()).event_sink(Down).build();
    assert!(matches!(
        down.support(phone::operator("bob", "left")).erase(&alice()).await,
        Err(Error::EventsUndelivered)
    ));
    assert!(store.load(&alice()).await.unwrap().is_some());
    // Nor where nobody can be told; but by a call that says so.
    let silent = verifier(&store, &clock);
    assert!(matches!(
        silent.support(phone::operator("bob", "left")).erase(&alice()).await,
        Err(Error::EventsUndelivered)
    ));
    assert!(
        silent.support(phone::operator("bob", "left")).erase_even_if_events_are_undelivered(&alice()).await.unwrap()
    );
    assert!(store.load(&alice()).await.unwrap().is_none());
    assert!(
        !silent.support(phone::operator("bob", "left")).erase_even_if_events_are_undelivered(&alice()).await.unwrap()
    );
    assert!(store.load(&alice()).await.unwrap().is_none(), "nothing is made in its place");
}

#[test]
fn operators_have_names_and_reasons() {
    for (name, reason) in [("", "why"), ("who", " "), ("who", "two\nlines"), (&"x".repeat(129), "why")] {
        assert_eq!(Operator::new(name, reason), Err(NameError::Text), "{name:?} {reason:?}");
    }
}

/// Answers what it is told by issuing a pass, through the verifier that tells it.
#[derive(Clone, Default)]
struct Unlocks(Arc<OnceLock<Verifier<MemoryStore>>>);

impl EventSink for Unlocks {
    async fn deliver(&self, account: &AccountId, event: &Event) -> Result<(), SinkError> {
        if matches!(event.kind, EventKind::Locked { .. }) {
            let _ = self.0.get().unwrap().support(phone::operator("robot", "locked")).unlock(account).await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_sink_may_call_the_verifier_about_the_same_account() {
    let (store, clock, sink) = (MemoryStore::new(), TestClock::at(at(T)), Unlocks::default());
    let verifier = Verifier::builder(store.clone(), keyring()).clock(clock.clone()).event_sink(sink.clone()).build();
    assert!(sink.0.set(verifier.clone()).is_ok());
    let phone = enrolled(&verifier, &clock).await;
    let guesses = async {
        for which in 0..5 {
            assert!(verifier.verify(&alice(), login(&phone.never_shows(T, which))).await.is_err());
        }
    };
    tokio::time::timeout(Duration::from_secs(20), guesses).await.expect("nobody waits for himself");
    let history = verifier.history(&alice()).await.unwrap();
    assert_eq!(history.iter().filter(|event| event.kind.as_str() == "pass_issued").count(), 1);
}

/// Takes its time.
struct Slow;

impl EventSink for Slow {
    async fn deliver(&self, _: &AccountId, event: &Event) -> Result<(), SinkError> {
        if matches!(event.kind, EventKind::Rejected { reason: Reason::Locked, .. }) {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_flood_of_refused_guesses_does_not_keep_a_pass_waiting() {
    let (store, clock) = (MemoryStore::new(), TestClock::at(at(T)));
    let verifier = Verifier::builder(store.clone(), keyring()).clock(clock.clone()).event_sink(Slow).build();
    let phone = enrolled(&verifier, &clock).await;
    for which in 0..5 {
        assert!(verifier.verify(&alice(), login(&phone.never_shows(T, which))).await.is_err());
    }
    let flood: Vec<_> = (0..1_000)
        .map(|_| {
            let (verifier, attempt) = (verifier.clone(), login("123456"));
            tokio::spawn(async move { verifier.verify(&alice(), attempt).await })
        })
        .collect();
    tokio::task::yield_now().await;
    let pass = verifier.support(phone::operator("bob", "flooded")).unlock(&alice()).await.unwrap().to_text();
    let attempt = login(&phone.shows(T, 0)).with_device(pass.expose());
    let verdict = tokio::time::timeout(Duration::from_secs(20), verifier.verify(&alice(), attempt)).await;
    assert!(verdict.expect("in while the flood hangs").is_ok());
    for guess in flood {
        guess.abort();
    }
}

#[derive(Debug, thiserror::Error)]
#[error("down")]
struct Down;
struct Broken;
impl Store for Broken {
    type Error = Down;
    async fn load(&self, _: &AccountId) -> Result<Option<Stored>, Down> {
        Err(Down)
    }
    async fn swap(&self, _: &AccountId, _: &Write) -> Result<Swap, Down> {
        Err(Down)
    }
    async fn delete(&self, _: &AccountId, _: sekisho::seal::Revision) -> Result<Swap, Down> {
        Err(Down)
    }

    async fn ready(&self) -> Result<(), Down> {
        Err(Down)
    }
}

#[tokio::test]
async fn any_store_in_a_box_gives_its_own_error() {
    let (store, clock) = (MemoryStore::new(), TestClock::at(at(T)));
    let boxed: Verifier =
        Verifier::builder(BoxStore::new(store), keyring()).clock(clock.clone()).without_notifications().build();
    let phone = enrolled(&boxed, &clock).await;
    assert!(boxed.verify(&alice(), login(&phone.shows(T, 0))).await.is_ok());

    let broken: Verifier = Verifier::builder(BoxStore::new(Broken), keyring()).without_notifications().build();
    let error = failed(broken.verify(&alice(), login("123456")).await);
    let Error::Store(source) = &error else { panic!("{error}") };
    assert!(source.get().is::<Down>() && error.is_transient());
    assert_eq!(answer(broken.verify(&alice(), login("x")).await).unwrap_err(), Rejection::Malformed, "asks no store");
}

#[tokio::test]
async fn enrolling_needs_a_proof_where_there_is_something_to_prove_with() {
    let (store, clock) = (MemoryStore::new(), TestClock::at(at(T)));
    let verifier = verifier(&store, &clock);
    let phone = enrolled(&verifier, &clock).await;
    let free = verifier.enroll_first(&alice(), new_authenticator()).await.unwrap_err();
    assert!(matches!(free, Error::Account(AccountError::AlreadyEnrolled)));
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, 0));
    let proof = verifier.verify(&alice(), attempt).await.unwrap();
    let second = Phone::of(&verifier.enroll(proof, new_authenticator()).await.unwrap());
    let attempt = Attempt::new(Purpose::BINDING, &second.shows(T, 0));
    assert!(verifier.confirm(&alice(), attempt).await.is_ok());
    assert_eq!(verifier.view(&alice()).await.unwrap().authenticators.len(), 2);
}

#[test]
fn verifiers_can_be_shared_and_their_futures_spawned() {
    fn sent<T: Send + Sync + Clone + 'static>(_: &T) {}
    fn spawned<F: Future + Send>(_: F) {}
    let verifier = verifier(&MemoryStore::new(), &TestClock::at(at(T)));
    sent(&verifier);
    let account = alice();
    spawned(verifier.verify(&account, login("123456")));
    spawned(verifier.enroll_first(&account, new_authenticator()));
    spawned(verifier.support(phone::operator("bob", "why")).unlock(&account));
}

#[tokio::test]
async fn the_ring_is_exchanged_while_the_verifier_runs() {
    let (store, clock) = (MemoryStore::new(), TestClock::at(at(T)));
    let keys = KeyringHandle::new(keyring());
    let running = Verifier::builder(store.clone(), keys.clone()).clock(clock.clone()).without_notifications().build();
    let phone = enrolled(&running, &clock).await;
    let both = || Keyring::new(KeyId::new(2), phone::key(2)).with_older(KeyId::new(1), phone::key(7)).unwrap();
    keys.exchange(both()).unwrap();
    assert!(running.verify(&alice(), login(&phone.shows(T, 0))).await.is_ok());
    assert!(both().is_sealed_under_primary(&store.load(&alice()).await.unwrap().unwrap()).unwrap());
    assert!(matches!(keys.exchange(keyring()), Err(SealError::PrimaryMissing { .. })));
    assert!(running.verify(&alice(), login(&phone.shows(T, 1))).await.is_ok(), "the ring of before is in use");
}

#[tokio::test]
async fn readiness_is_what_a_login_needs() {
    let (store, clock) = (MemoryStore::new(), TestClock::at(at(T)));
    let working = verifier(&store, &clock);
    for _ in 0..3 {
        working.ready().await.unwrap();
        assert!(store.accounts().is_empty(), "nothing is left");
    }
    let (one, other) = tokio::join!(working.ready(), working.ready());
    one.and(other).unwrap();
    // An earlier one was interrupted, under another key that this one has, or has not.
    let probe = AccountId::new(AccountId::READINESS).unwrap();
    let change = Account::create(probe.clone(), at(T), &mut phone::rng());
    let left = Keyring::new(KeyId::new(9), phone::key(9)).seal(change, &mut phone::rng()).unwrap().0.unwrap();
    assert_eq!(store.swap(&probe, &left).await.unwrap(), Swap::Done);
    working.ready().await.unwrap();
    assert!(store.accounts().is_empty());

    let no_clock = Verifier::builder(store.clone(), keyring()).clock(NoClock).without_notifications().build();
    assert!(matches!(no_clock.ready().await, Err(Error::Time(_))));
    let failing = FailingStore::new(store.clone());
    let down = Verifier::builder(failing.clone(), keyring()).clock(clock.clone()).without_notifications().build();
    for call in 0..4 {
        failing.fail_after(call, Fault::NotDone);
        assert!(down.ready().await.unwrap_err().is_transient(), "call {call}");
    }
    down.ready().await.unwrap();
}
