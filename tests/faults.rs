//! The verifier on a store that fails at every call in turn, dropped at every await, and with sinks
//! that fail.
#![cfg(feature = "test-kit")]

use crate::phone::{self, Phone, T, answer, at, keyring, new_authenticator};
use sekisho::account::{AccountId, Attempt, Event, EventKind, Purpose};
use sekisho::otp::{NotAccepted, Rejection};
use sekisho::seal::{Revision, Stored, Write};
use sekisho::store::{MemoryStore, Store, Swap};
use sekisho::test_kit::{FailingStore, Fault, TestClock};
use sekisho::verifier::{EventSink, SinkError};
use sekisho::{Error, Verifier};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// A store one of whose calls fails, and the store that it keeps its records in.
fn failing(fails: Option<(usize, Fault)>) -> (FailingStore<MemoryStore>, MemoryStore) {
    let inner = MemoryStore::new();
    let store = FailingStore::new(inner.clone());
    if let Some((call, fault)) = fails {
        store.fail_after(call, fault);
    }
    (store, inner)
}

/// Keeps what it was handed; refuses while told to.
#[derive(Clone, Default)]
struct Log {
    events: Arc<Mutex<Vec<Event>>>,
    refuses: Arc<AtomicBool>,
}

impl EventSink for Log {
    async fn deliver(&self, _: &AccountId, event: &Event) -> Result<(), SinkError> {
        tokio::task::yield_now().await;
        if self.refuses.load(Ordering::SeqCst) {
            return Err("the outbox is down".into());
        }
        self.events.lock().unwrap().push(event.clone());
        Ok(())
    }
}

impl Log {
    fn sequences(&self, kind: &str) -> Vec<u64> {
        let events = self.events.lock().unwrap();
        events.iter().filter(|event| event.kind.as_str() == kind).filter_map(|event| event.sequence).collect()
    }
}

fn alice() -> AccountId {
    AccountId::new("alice").unwrap()
}

fn verifier<S: Store>(store: S, clock: &TestClock, log: &Log) -> Verifier<S> {
    Verifier::builder(store, keyring()).clock(clock.clone()).event_sink(log.clone()).build()
}

/// Enrolled at `T - 120`, through a store that does not fail.
async fn enrolled(store: &MemoryStore, clock: &TestClock) -> Phone {
    clock.set(at(T - 120));
    let verifier = verifier(store.clone(), clock, &Log::default());
    verifier.create_account(&alice()).await.unwrap();
    let phone = Phone::of(&verifier.enroll_first(&alice(), new_authenticator()).await.unwrap());
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T - 120, 0));
    assert!(verifier.confirm(&alice(), attempt).await.is_ok());
    clock.set(at(T));
    phone
}

/// The answers to a run of attempts.
#[derive(Default)]
struct Answers {
    accepted: Vec<String>,
    unknown: Vec<(usize, String)>,
    failures: u32,
}

/// Right, used, wrong, right, wrong, five times over: through the failing store, each attempt once.
async fn attempts(verifier: &Verifier<FailingStore<MemoryStore>>, phone: &Phone, clock: &TestClock) -> Answers {
    let mut answers = Answers::default();
    let mut number = 0;
    for round in 0..3 {
        let now = T + round * 60;
        clock.set(at(now));
        let (first, second) = (phone.shows(now, -1), phone.shows(now, 0));
        let wrong = [1, 2].map(|which| phone.never_shows(now, which));
        for code in [&first, &first, &wrong[0], &second, &wrong[1], &first] {
            number += 1;
            let attempt = Attempt::new(Purpose::LOGIN, code).with_idempotency_key([u8::try_from(number).unwrap(); 16]);
            match verifier.verify(&alice(), attempt).await {
                Ok(_) => answers.accepted.push(code.clone()),
                Err(NotAccepted::Rejected(Rejection::Mismatch(_))) => answers.failures += 1,
                Err(NotAccepted::Rejected(Rejection::Replayed { .. })) => {}
                Err(NotAccepted::Rejected(rejection)) => panic!("{rejection:?}"),
                Err(NotAccepted::Failed(error)) => {
                    assert!(error.is_transient(), "{error}");
                    answers.unknown.push((number, code.clone()));
                }
            }
        }
    }
    answers
}

#[tokio::test]
async fn a_failure_at_every_store_call_accepts_nothing_and_forgets_nothing() {
    // How many calls there are without a fault.
    let (clock, log) = (TestClock::at(at(T)), Log::default());
    let (store, inner) = failing(None);
    let phone = enrolled(&inner, &clock).await;
    let answers = attempts(&verifier(store.clone(), &clock, &log), &phone, &clock).await;
    assert_eq!((answers.accepted.len(), answers.failures, answers.unknown.len()), (6, 6, 0));
    let calls = store.calls();
    assert!(calls >= 18 + 12, "{calls}");

    for fault in [Fault::NotDone, Fault::DoneButUnknown] {
        for fails in 0..calls {
            let (clock, log) = (TestClock::at(at(T)), Log::default());
            let (store, inner) = failing(Some((fails, fault)));
            let phone = enrolled(&inner, &clock).await;
            let answers = attempts(&verifier(store.clone(), &clock, &log), &phone, &clock).await;
            let what = format!("{fault:?} at call {fails}");
            assert_eq!(answers.unknown.len(), 1, "{what}: one attempt has no answer");

            // No code that was accepted is accepted again, by a verifier that knows nothing of all
            // this.
            let fresh = verifier(inner.clone(), &clock, &log);
            let view = fresh.view(&alice()).await.unwrap();
            assert!(view.long_term_failures >= answers.failures, "{what}: no counted failure is lost");
            assert!(view.long_term_failures <= answers.failures + 1, "{what}: none is counted that was not made");
            for code in &answers.accepted {
                let again = fresh.verify(&alice(), Attempt::new(Purpose::LOGIN, code)).await;
                assert!(matches!(again, Err(NotAccepted::Rejected(_))), "{what}: {again:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_answered_to_the_same_named_attempt() {
    for fault in [Fault::NotDone, Fault::DoneButUnknown] {
        let (clock, log) = (TestClock::at(at(T)), Log::default());
        let (store, inner) = failing(Some((1, fault)));
        let phone = enrolled(&inner, &clock).await;
        let verifier = verifier(store.clone(), &clock, &log);
        let code = phone.shows(T, 0);
        let named = || Attempt::new(Purpose::LOGIN, &code).with_idempotency_key([4; 16]);
        let error = verifier.verify(&alice(), named()).await.unwrap_err();
        assert!(matches!(error, NotAccepted::Failed(Error::OutcomeUnknown(_))) && error.is_transient(), "{error}");
        if fault == Fault::DoneButUnknown {
            let without_key = verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, &code)).await;
            assert!(without_key.is_err(), "the code may be spent: it is never accepted twice");
        }
        clock.advance(20);
        let proof = answer(verifier.verify(&alice(), named()).await).unwrap();
        assert_eq!(proof.at(), at(if fault == Fault::DoneButUnknown { T } else { T + 20 }));
    }
}

#[tokio::test]
async fn a_future_dropped_at_every_await_leaves_the_account_whole() {
    let mut drops = 0;
    for polls in 1.. {
        let (clock, log) = (TestClock::at(at(T)), Log::default());
        let (store, inner) = failing(None);
        let phone = enrolled(&inner, &clock).await;
        let verifier = verifier(store.clone(), &clock, &log);
        let code = phone.shows(T, 0);
        let finished = {
            let account = alice();
            let mut attempt =
                pin!(verifier.verify(&account, Attempt::new(Purpose::LOGIN, &code).with_idempotency_key([5; 16])));
            let context = &mut Context::from_waker(Waker::noop());
            (0..polls).any(|_| matches!(attempt.as_mut().poll(context), Poll::Ready(Ok(_))))
        };
        // Whatever became of it: the line is free, the code is good once.
        let again = Attempt::new(Purpose::LOGIN, &code).with_idempotency_key([5; 16]);
        assert!(verifier.verify(&alice(), again).await.is_ok(), "{polls} polls");
        let third = answer(verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, &code)).await);
        assert!(matches!(third, Err(Rejection::Replayed { .. })), "{polls} polls");
        if finished {
            break;
        }
        drops += 1;
    }
    assert!(drops >= 5, "dropped at {drops} awaits");
}

#[tokio::test]
async fn a_crash_between_swap_and_sink_brings_the_event_again() {
    let clock = TestClock::at(at(T - 120));
    let (store, _) = failing(None);
    let log = Log::default();
    let first = verifier(store.clone(), &clock, &log);
    let second_event = ((T - 120) << 20) + 2;
    first.create_account(&alice()).await.unwrap();
    let phone = Phone::of(&first.enroll_first(&alice(), new_authenticator()).await.unwrap());
    // The process dies when the swap has been done and nobody has been told.
    log.refuses.store(true, Ordering::SeqCst);
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T - 120, 0));
    assert!(first.confirm(&alice(), attempt).await.is_ok(), "the answer stands");
    drop(first);
    assert!(log.sequences("confirmed").is_empty());

    // Another one takes over; the sink is still down, and nobody is kept out by that.
    clock.set(at(T));
    let second = verifier(store.clone(), &clock, &log);
    let wrong = Attempt::new(Purpose::LOGIN, &phone.never_shows(T, 1));
    assert!(second.verify(&alice(), wrong).await.is_err());
    assert_eq!(second.deliver_events(&alice()).await.unwrap(), 1, "still owed");
    log.refuses.store(false, Ordering::SeqCst);
    // Neither a refusal that writes nothing brings it, nor anything within a minute.
    let again = Attempt::new(Purpose::LOGIN, &phone.shows(T - 120, 0));
    assert!(second.verify(&alice(), again).await.is_err());
    assert!(second.verify(&alice(), Attempt::new(Purpose::LOGIN, &phone.never_shows(T, 2))).await.is_err());
    assert!(log.sequences("confirmed").is_empty());
    clock.advance(60);
    let again = Attempt::new(Purpose::LOGIN, &phone.shows(T - 120, 0));
    assert!(matches!(answer(second.verify(&alice(), again).await), Err(Rejection::Replayed { .. })));
    assert!(log.sequences("confirmed").is_empty(), "a refusal has written nothing");
    let right = Attempt::new(Purpose::LOGIN, &phone.shows(T + 60, 0));
    assert!(second.verify(&alice(), right).await.is_ok());
    assert_eq!(log.sequences("confirmed"), [second_event], "it comes with the account's next change");

    // Once taken it does not come again.
    assert_eq!(second.deliver_events(&alice()).await.unwrap(), 0);
    clock.advance(30);
    let next = Attempt::new(Purpose::LOGIN, &phone.shows(T + 90, 0));
    assert!(second.verify(&alice(), next).await.is_ok());
    assert_eq!(log.sequences("confirmed"), [second_event]);
    assert_eq!(log.sequences("accepted").len(), 2);
}

#[tokio::test]
async fn an_acknowledgement_that_fails_brings_the_event_twice_with_one_number() {
    let clock = TestClock::at(at(T));
    let ((store, _), log) = (failing(Some((7, Fault::NotDone))), Log::default());
    let verifier = verifier(store.clone(), &clock, &log);
    verifier.create_account(&alice()).await.unwrap();
    let phone = Phone::of(&verifier.enroll_first(&alice(), new_authenticator()).await.unwrap());
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, 0));
    // Calls 0 and 1 create; 2 and 3 enroll; 4 and 5 confirm; 6 and 7 acknowledge.
    assert!(verifier.confirm(&alice(), attempt).await.is_ok());
    assert_eq!(store.calls(), 8);
    let second_event = (T << 20) + 2;
    assert_eq!(log.sequences("confirmed"), [second_event]);
    assert_eq!(verifier.deliver_events(&alice()).await.unwrap(), 0);
    assert_eq!(log.sequences("confirmed"), [second_event; 2]);
}

#[tokio::test]
async fn without_notifications_nothing_is_owed_and_what_others_owe_stays_owed() {
    let (clock, store) = (TestClock::at(at(T)), MemoryStore::new());
    let silent = Verifier::builder(store.clone(), keyring()).clock(clock.clone()).without_notifications().build();
    silent.create_account(&alice()).await.unwrap();
    let phone = Phone::of(&silent.enroll_first(&alice(), new_authenticator()).await.unwrap());
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, 0));
    assert!(silent.confirm(&alice(), attempt).await.is_ok());
    let log = Log::default();
    let telling = verifier(store, &clock, &log);
    assert_eq!(telling.deliver_events(&alice()).await.unwrap(), 0);
    assert!(log.sequences("confirmed").is_empty());

    log.refuses.store(true, Ordering::SeqCst);
    telling.support(phone::operator("bob", "lost phone")).freeze(&alice()).await.unwrap();
    silent.support(phone::operator("bob", "found")).thaw(&alice()).await.unwrap();
    log.refuses.store(false, Ordering::SeqCst);
    assert_eq!(telling.deliver_events(&alice()).await.unwrap(), 0);
    assert_eq!((log.sequences("frozen").len(), log.sequences("thawed").len()), (1, 0));
    assert!(silent.support(phone::operator("bob", "left")).erase(&alice()).await.unwrap(), "nothing is owed");
}

#[tokio::test]
async fn what_was_committed_is_told_before_the_answer_and_what_was_lost_is_not() {
    let (clock, log) = (TestClock::at(at(T)), Log::default());
    let (store, inner) = failing(Some((1, Fault::NotDone)));
    let phone = enrolled(&inner, &clock).await;
    let verifier = verifier(store.clone(), &clock, &log);
    let wrong = phone.never_shows(T, 1);
    assert!(verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, &wrong)).await.is_err());
    assert_eq!(*log.events.lock().unwrap(), []);
    let refused = answer(verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, &wrong)).await);
    assert!(matches!(refused, Err(Rejection::Mismatch(_))));
    let events = log.events.lock().unwrap();
    assert!(matches!(events.as_slice(), [Event { kind: EventKind::Rejected { .. }, sequence: Some(_), .. }]));
}

/// Loses every swap.
struct Losing(MemoryStore);

impl Store for Losing {
    type Error = std::convert::Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, Self::Error> {
        self.0.load(account).await
    }

    async fn swap(&self, _: &AccountId, _: &Write) -> Result<Swap, Self::Error> {
        Ok(Swap::Lost)
    }

    async fn delete(&self, _: &AccountId, _: Revision) -> Result<Swap, Self::Error> {
        Ok(Swap::Lost)
    }

    async fn ready(&self) -> Result<(), Self::Error> {
        self.0.ready().await
    }
}

#[tokio::test]
async fn swaps_that_are_lost_again_and_again_are_contention() {
    let (clock, log, store) = (TestClock::at(at(T)), Log::default(), MemoryStore::new());
    let phone = enrolled(&store, &clock).await;
    let verifier = verifier(Losing(store), &clock, &log);
    let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(T, 0));
    let error = verifier.verify(&alice(), attempt).await.unwrap_err();
    assert!(matches!(error, NotAccepted::Failed(Error::Contention)) && error.is_transient());
    assert!(verifier.support(phone::operator("bob", "left")).erase(&alice()).await.unwrap_err().is_transient());
}
