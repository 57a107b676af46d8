//! The history of an account and its event sink: nothing that the owner has to be told is lost, and
//! nobody crowds it out.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{self, Phone, T, at, new_authenticator};
use crate::service::{accepted, alice, answer};
use sekisho::account::{
    Account, AccountError, AccountId, Attempt, AuthenticatorId, Event, EventKind, OwnerFreeze, Proof, Purpose,
    RecoveryCodes, Resync,
};
use sekisho::otp::{Rejection, UnixTime};
use sekisho::store::MemoryStore;
use sekisho::test_kit::TestClock;
use sekisho::verifier::{EventSink, SinkError};
use sekisho::{Error, Verifier};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// A sink that can be out of order, and says what it was handed and what it took.
#[derive(Clone, Default)]
struct Sink {
    is_down: Arc<AtomicBool>,
    handed: Arc<Mutex<Vec<Event>>>,
    taken: Arc<Mutex<Vec<Event>>>,
}

impl EventSink for Sink {
    async fn deliver(&self, _: &AccountId, event: &Event) -> Result<(), SinkError> {
        self.handed.lock().unwrap().push(event.clone());
        if self.is_down.load(Ordering::SeqCst) && event.notifies_owner() {
            return Err("the mail server is down".into());
        }
        self.taken.lock().unwrap().push(event.clone());
        Ok(())
    }
}

struct Site {
    verifier: Verifier<MemoryStore>,
    clock: TestClock,
    sink: Sink,
    phone: Phone,
    codes: RecoveryCodes,
    now: u64,
}

impl Site {
    async fn new() -> Self {
        let (clock, sink) = (TestClock::at(at(T)), Sink::default());
        let verifier = Verifier::builder(MemoryStore::new(), phone::keyring())
            .policy(phone::policy())
            .clock(clock.clone())
            .event_sink(sink.clone())
            .build();
        verifier.create_account(&alice()).await.unwrap();
        let phone = Phone::of(&verifier.enroll_first(&alice(), new_authenticator()).await.unwrap());
        let proof = accepted(answer(verifier.confirm(&alice(), phone.confirming(T)).await));
        let codes = phone::kept_codes(&verifier, proof).await.unwrap();
        Self { verifier, clock, sink, phone, codes, now: T }
    }

    /// A code for this purpose, of the next step; times are far enough apart for the sink to be
    /// handed again what it has not taken.
    async fn proof(&mut self, purpose: Purpose) -> Proof {
        self.now += 90;
        self.clock.set(at(self.now));
        let attempt = Attempt::new(purpose, &self.phone.shows(self.now, 0));
        accepted(answer(self.verifier.verify(&alice(), attempt).await))
    }

    async fn remember(&mut self) -> Result<(), Error> {
        let proof = self.proof(Purpose::LOGIN).await;
        self.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.map(drop)
    }

    async fn history(&self, kind: &str) -> usize {
        let history = self.verifier.history(&alice()).await.unwrap();
        history.iter().filter(|event| event.kind.as_str() == kind).count()
    }

    fn is_down(&self, is_down: bool) {
        self.sink.is_down.store(is_down, Ordering::SeqCst);
    }

    fn handed(&self) -> usize {
        self.sink.handed.lock().unwrap().iter().filter(|event| event.notifies_owner()).count()
    }
}

fn is_waiting<T>(answer: Result<T, Error>) -> bool {
    answer.is_err_and(|error| matches!(error, Error::Account(AccountError::EventsWaiting)) && error.is_transient())
}

#[tokio::test]
async fn thirty_two_renames_do_not_empty_the_history() {
    let mut site = Site::new().await;
    for number in 0..40 {
        let proof = site.proof(Purpose::BINDING).await;
        let name = format!("phone {number}").parse().unwrap();
        site.verifier.rename(&proof, AuthenticatorId::new(1), name).await.unwrap();
    }
    // All was acknowledged, and is as important as before.
    assert_eq!((site.history("confirmed").await, site.history("recovery_codes_issued").await), (1, 1));
    assert_eq!(site.verifier.deliver_events(&alice()).await.unwrap(), 0);
    assert_eq!(site.verifier.history(&alice()).await.unwrap().len(), 32);
}

#[tokio::test]
async fn a_stranger_who_fails_a_hundred_times_leaves_the_history_of_log_ins() {
    let mut site = Site::new().await;
    for _ in 0..40 {
        drop(site.proof(Purpose::LOGIN).await);
    }
    let mut now = site.now;
    for _ in 0..60 {
        now += 4_000;
        site.clock.set(at(now));
        let guess = Attempt::new(Purpose::LOGIN, &site.phone.never_shows(now, 1));
        let _ = site.verifier.verify(&alice(), guess).await;
    }
    assert!(site.history("accepted").await >= 20);
    // Four refusals, and the notices of the first lock and of the full long-term count.
    assert_eq!(site.history("rejected").await + site.history("locked").await, 6);
    assert_eq!(site.history("confirmed").await, 1);
}

#[tokio::test]
async fn while_the_sink_is_down_twenty_notices_wait_and_no_binding_changes_unseen() {
    let mut site = Site::new().await;
    site.is_down(true);
    for _ in 0..20 {
        site.remember().await.unwrap();
    }
    // The next one could not be told: nothing changes, and trying again can help.
    assert!(is_waiting(site.remember().await));
    let proof = site.proof(Purpose::BINDING).await;
    assert!(is_waiting(phone::kept_codes(&site.verifier, proof).await));
    let pair = Resync::new(&site.phone.shows(site.now + 30, 5), &site.phone.shows(site.now + 30, 6));
    assert!(is_waiting(site.verifier.resync(&alice(), pair).await.map_err(Error::from)));
    // The owner logs in all the same, and operators act.
    drop(site.proof(Purpose::LOGIN).await);
    let support = site.verifier.support(phone::operator("desk", "phone stolen"));
    support.freeze(&alice()).await.unwrap();
    support.thaw(&alice()).await.unwrap();
    assert_eq!((site.history("frozen").await, site.history("thawed").await), (1, 1));
    assert_eq!(site.history("device_remembered").await, 20);
    let recovery = Attempt::recovery(Purpose::LOGIN, site.codes.iter().next().unwrap());
    assert!(site.verifier.verify(&alice(), recovery).await.is_ok());
    // The sink takes what waits, and then all goes on: by the same call that found it waiting.
    let proof = site.proof(Purpose::LOGIN).await;
    let name = || "Firefox".parse().unwrap();
    assert!(is_waiting(site.verifier.remember_device(&proof, name()).await));
    site.is_down(false);
    assert!(is_waiting(site.verifier.remember_device(&proof, name()).await), "handed a moment ago");
    site.clock.advance(120);
    assert!(site.verifier.remember_device(&proof, name()).await.is_ok());
    let taken: Vec<_> = site.sink.taken.lock().unwrap().iter().filter_map(|event| event.sequence).collect();
    let history = site.verifier.history(&alice()).await.unwrap();
    for event in history.iter().filter(|event| event.notifies_owner()) {
        assert!(taken.contains(&event.sequence.unwrap()), "{event:?}");
    }
    assert!(matches!(history.last().unwrap().kind, EventKind::DeviceRemembered { .. }));
}

#[tokio::test]
async fn freeze_and_reset_are_never_refused_and_what_they_push_out_is_the_oldest() {
    let mut site = Site::new().await;
    site.is_down(true);
    for _ in 0..20 {
        site.remember().await.unwrap();
    }
    for number in 0..30 {
        let support = site.verifier.support(phone::operator("desk", &format!("ticket {number}")));
        support.freeze(&alice()).await.unwrap();
    }
    let pass = site.verifier.support(phone::operator("desk", "lost")).reset(&alice()).await.unwrap();
    let history = site.verifier.history(&alice()).await.unwrap();
    let acts = history.iter().filter(|event| event.operator.is_some()).count();
    assert_eq!((history.len(), acts, site.history("reset").await), (32, 31, 1));
    // Nothing that the owner would have to be told happens meanwhile.
    let begun = site.verifier.enroll_with_pass(&alice(), pass.to_text().expose(), None, new_authenticator()).await;
    let phone = Phone::of(&begun.unwrap());
    let confirmed = site.verifier.confirm(&alice(), phone.confirming(site.now)).await;
    assert!(is_waiting(confirmed.map_err(Error::from)));
    assert!(site.verifier.view(&alice()).await.unwrap().is_reset);
}

#[tokio::test]
async fn a_failing_sink_is_handed_what_waits_once_a_minute_and_not_by_refusals() {
    let mut site = Site::new().await;
    site.is_down(true);
    site.remember().await.unwrap();
    let handed = site.handed();
    // Malformed and replayed codes write nothing, and hand nothing.
    let used = site.phone.shows(site.now, 0);
    for code in ["no code", &used].repeat(25) {
        site.clock.advance(1);
        let refused = answer(site.verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, code)).await);
        assert!(matches!(refused, Err(Rejection::Malformed | Rejection::Replayed { .. })), "{refused:?}");
    }
    site.clock.advance(40);
    let malformed = Attempt::new(Purpose::LOGIN, "no code");
    assert!(site.verifier.verify(&alice(), malformed).await.is_err());
    assert_eq!(site.handed(), handed);
    let handed = site.handed();
    let now = site.clock.clone();
    for _ in 0..50 {
        now.advance(1);
        let _ = site.verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, "000000")).await;
    }
    assert!((1..=4).contains(&(site.handed() - handed)), "{}", site.handed() - handed);
}

#[tokio::test]
async fn calls_that_find_twenty_notices_waiting_hand_them_once_a_minute() {
    let mut site = Site::new().await;
    site.is_down(true);
    for _ in 0..20 {
        site.remember().await.unwrap();
    }
    let proof = site.proof(Purpose::LOGIN).await;
    site.clock.advance(70);
    let handed = site.handed();
    for _ in 0..50 {
        site.clock.advance(1);
        assert!(is_waiting(site.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await));
    }
    assert_eq!(site.handed() - handed, 20, "all of them, once");
}

#[tokio::test]
async fn an_error_for_want_of_room_does_not_tell_a_right_code_from_a_wrong_one() {
    let mut site = Site::new().await;
    site.is_down(true);
    let proof = site.proof(Purpose::BINDING).await;
    let second = Phone::of(&site.verifier.enroll(proof, new_authenticator()).await.unwrap());
    for _ in 0..20 {
        site.remember().await.unwrap();
        site.clock.set(at(site.now));
    }
    let proof = site.proof(Purpose::BINDING).await;
    let third = Phone::of(&site.verifier.enroll(proof, new_authenticator()).await.unwrap());
    for code in [third.shows(site.now, 0), third.never_shows(site.now, 1), second.shows(site.now, 0)] {
        let confirmed = site.verifier.confirm(&alice(), Attempt::new(Purpose::BINDING, &code)).await;
        assert!(is_waiting(confirmed.map_err(Error::from)));
    }
}

#[tokio::test]
async fn a_freeze_by_the_owner_is_kept_while_as_many_notices_wait_as_there_is_room_for() {
    let mut site = Site::new().await;
    site.is_down(true);
    while !is_waiting(site.remember().await) {
        site.clock.set(at(site.now));
    }
    let epoch = site.verifier.view(&alice()).await.unwrap().epoch;
    site.verifier.freeze_by_owner(&alice(), OwnerFreeze::by_session(epoch)).await.unwrap();
    let history = site.verifier.history(&alice()).await.unwrap();
    assert!(history.iter().any(|event| event.kind == EventKind::FrozenByOwner), "{history:?}");
}

#[tokio::test]
async fn without_notifications_changes_go_on() {
    let clock = TestClock::at(at(T));
    let verifier = Verifier::builder(MemoryStore::new(), phone::keyring())
        .policy(phone::policy())
        .clock(clock.clone())
        .without_notifications()
        .build();
    verifier.create_account(&alice()).await.unwrap();
    let phone = Phone::of(&verifier.enroll_first(&alice(), new_authenticator()).await.unwrap());
    drop(accepted(answer(verifier.confirm(&alice(), phone.confirming(T)).await)));
    for login in 1..=40 {
        let now = T + login * 30;
        clock.set(at(now));
        let proof =
            accepted(answer(verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, &phone.shows(now, 0))).await));
        assert!(verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.is_ok(), "{login}");
    }
}

#[test]
fn a_service_with_records_in_a_row_of_its_own_acknowledges_by_itself() {
    let (policy, mut rng) = (phone::policy(), phone::rng());
    let mut stored = phone::created(&alice(), T);
    let open = |stored: &sekisho::seal::Stored| phone::keyring().open(&alice(), stored.clone()).unwrap();
    let begun = open(&stored).enroll_first(&policy, at(T), &new_authenticator(), &mut rng).unwrap();
    let (write, uncommitted) = phone::keyring().seal(begun, &mut rng).unwrap();
    stored = write.unwrap().new;
    let phone = Phone::of(&uncommitted.assume_committed(&mut Vec::new()).unwrap());
    let change = open(&stored).confirm(&policy, at(T), &phone.confirming(T)).unwrap();
    stored = phone::keyring().seal(change, &mut rng).unwrap().0.unwrap().new;
    let remember = |account: Account, now: UnixTime, proof: &Proof| {
        account.remember_device(&policy, now, proof, "Firefox".parse().unwrap(), &mut phone::rng())
    };
    let mut waited = 0;
    for login in 1..=25 {
        let now = T + login * 30;
        let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(now, 0));
        let change = open(&stored).verify(&policy, at(now), &attempt).unwrap();
        let (write, uncommitted) = phone::keyring().seal(change, &mut rng).unwrap();
        stored = write.unwrap().new;
        let proof = uncommitted.assume_committed(&mut Vec::new()).unwrap();
        let change = match remember(open(&stored), at(now), &proof) {
            Ok(change) => change,
            Err(error) => {
                assert_eq!((error, login), (AccountError::EventsWaiting, 20));
                waited += 1;
                let owed: Vec<_> = open(&stored).unacknowledged().iter().filter_map(|event| event.sequence).collect();
                assert_eq!(owed.len(), 20);
                let change = open(&stored).acknowledge(&owed);
                stored = phone::keyring().seal(change, &mut rng).unwrap().0.unwrap().new;
                remember(open(&stored), at(now), &proof).unwrap()
            }
        };
        stored = phone::keyring().seal(change, &mut rng).unwrap().0.unwrap().new;
    }
    assert_eq!(waited, 1);
}
