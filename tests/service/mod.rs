//! A service as tests see it: a verifier on a redb file, a clock that they set, and what its sink
//! was told.
#![allow(dead_code)] // no test uses all of it

use super::phone::{Phone, T, at, keyring, new_authenticator, policy};
pub(crate) use super::phone::{answer, kept_codes};
use sekisho::account::{
    AccountId, Address, Attempt, AuthenticatorId, CodeRequest, Diagnosis, Event, EventKind, NewAddress, Policy, Proof,
    Purpose, RecoveryCodes, Resync,
};
use sekisho::otp::{NotAccepted, Rejection};
use sekisho::seal::Stored;
use sekisho::store::{MemoryStore, RedbStore, Store};
use sekisho::test_kit::TestClock;
use sekisho::verifier::{EventSink, SinkError};
use sekisho::{Error, Verifier};
use std::sync::{Arc, Mutex};

pub(crate) fn alice() -> AccountId {
    AccountId::new("alice").unwrap()
}

/// The events that the sink was told, of all accounts.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<Event>>>);

impl Told {
    pub(crate) fn all(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }
}

impl EventSink for Told {
    async fn deliver(&self, _: &AccountId, event: &Event) -> Result<(), SinkError> {
        self.0.lock().unwrap().push(event.clone());
        Ok(())
    }
}

pub(crate) struct Service<S = RedbStore> {
    pub(crate) verifier: Verifier<S>,
    pub(crate) clock: TestClock,
    told: Told,
    _folder: tempfile::TempDir,
}

impl Service {
    pub(crate) fn new() -> Self {
        Self::with(policy())
    }

    pub(crate) fn with(policy: Policy) -> Self {
        on_redb(policy).0
    }
}

impl<S: Store> Service<S> {
    pub(crate) fn on(store: S, policy: Policy, folder: tempfile::TempDir) -> Self {
        let (clock, told) = (TestClock::at(at(T)), Told::default());
        let verifier =
            Verifier::builder(store, keyring()).policy(policy).clock(clock.clone()).event_sink(told.clone()).build();
        Self { verifier, clock, told, _folder: folder }
    }

    /// An owner with a phone, enrolled a month before `T`, with a sheet of recovery codes.
    pub(crate) async fn enrolled(&self) -> (Phone, RecoveryCodes) {
        let then = T - 30 * 86_400;
        self.clock.set(at(then));
        self.verifier.create_account(&alice()).await.unwrap();
        let phone = Phone::of(&self.verifier.enroll_first(&alice(), new_authenticator()).await.unwrap());
        let proof = self.confirmed(then, &phone).await;
        let codes = kept_codes(&self.verifier, proof).await.unwrap();
        self.clock.set(at(T));
        (phone, codes)
    }

    /// An owner with a phone that takes text messages and nothing else, enrolled a month before
    /// `T`.
    pub(crate) async fn enrolled_by_sms(&self, number: &str) -> AuthenticatorId {
        let then = T - 30 * 86_400;
        self.clock.set(at(then));
        self.verifier.create_account(&alice()).await.unwrap();
        let id = self.verifier.enroll_first(&alice(), sms(number)).await.unwrap().authenticator();
        let code = self.message(then, CodeRequest::new(id, Purpose::BINDING)).await;
        drop(self.confirm(then, &code).await);
        self.clock.set(at(T));
        id
    }

    pub(crate) async fn confirm(&self, secs: u64, code: &str) -> Proof {
        self.clock.set(at(secs));
        accepted(answer(self.verifier.confirm(&alice(), Attempt::new(Purpose::BINDING, code)).await))
    }

    /// Confirms the enrollment of a phone, as the one who was shown its secret.
    pub(crate) async fn confirmed(&self, secs: u64, phone: &Phone) -> Proof {
        self.clock.set(at(secs));
        accepted(answer(self.verifier.confirm(&alice(), phone.confirming(secs)).await))
    }

    pub(crate) async fn submit(&self, secs: u64, attempt: Attempt) -> Result<Proof, Rejection> {
        self.clock.set(at(secs));
        answer(self.verifier.verify(&alice(), attempt).await)
    }

    /// Logs in, by a code that is right.
    pub(crate) async fn log_in(&self, secs: u64, code: &str) -> Proof {
        accepted(self.submit(secs, Attempt::new(Purpose::LOGIN, code)).await)
    }

    /// Proves for a change of binding.
    pub(crate) async fn prove(&self, secs: u64, code: &str) -> Proof {
        accepted(self.submit(secs, Attempt::new(Purpose::BINDING, code)).await)
    }

    pub(crate) async fn refused(&self, secs: u64, attempt: Attempt) -> Rejection {
        rejected(self.submit(secs, attempt).await)
    }

    pub(crate) async fn log_in_refused(&self, secs: u64, code: &str) -> Rejection {
        self.refused(secs, Attempt::new(Purpose::LOGIN, code)).await
    }

    pub(crate) async fn resync(&self, secs: u64, resync: Resync) -> Result<AuthenticatorId, Rejection> {
        self.clock.set(at(secs));
        answer(self.verifier.resync(&alice(), resync).await)
    }

    /// The code that is sent.
    pub(crate) async fn message(&self, secs: u64, request: CodeRequest) -> String {
        self.clock.set(at(secs));
        accepted(answer(self.verifier.deliver(&alice(), request).await)).code.reveal().to_string()
    }

    /// Gives what support reads of the latest two wrong codes.
    pub(crate) async fn diagnosis(&self) -> Option<Diagnosis> {
        let history = self.verifier.history(&alice()).await.unwrap();
        let mut found = history.iter().filter_map(|event| match &event.kind {
            EventKind::Rejected { diagnosis, .. } => *diagnosis,
            _ => None,
        });
        // Nobody was told of it.
        let told = |event: &Event| matches!(event.kind, EventKind::Rejected { diagnosis: Some(_), .. });
        assert!(!self.told().iter().any(told));
        found.next_back()
    }

    pub(crate) fn told(&self) -> Vec<Event> {
        self.told.all()
    }

    /// The number of operators' acts.
    pub(crate) fn operators_acts(&self) -> usize {
        let is_act = |event: &&Event| {
            matches!(
                event.kind,
                EventKind::PassIssued { .. }
                    | EventKind::Reset { .. }
                    | EventKind::Frozen
                    | EventKind::Thawed
                    | EventKind::DriftCleared { .. }
            )
        };
        self.told().iter().filter(is_act).count()
    }
}

pub(crate) fn sms(number: &str) -> NewAddress {
    NewAddress::new(Address::sms(number).unwrap()).unwrap()
}

#[track_caller]
pub(crate) fn accepted<T>(verdict: Result<T, Rejection>) -> T {
    match verdict {
        Ok(accepted) => accepted,
        Err(rejection) => panic!("{rejection:?}"),
    }
}

#[track_caller]
pub(crate) fn rejected<T: std::fmt::Debug>(verdict: Result<T, Rejection>) -> Rejection {
    match verdict {
        Err(rejection) => rejection,
        Ok(accepted) => panic!("{accepted:?}"),
    }
}

pub(crate) const DAY: u64 = 86_400;

pub(crate) fn in_memory(policy: Policy) -> (Service<MemoryStore>, MemoryStore) {
    let store = MemoryStore::new();
    (Service::on(store.clone(), policy, tempfile::tempdir().unwrap()), store)
}

/// A service on a redb file, and the file's store.
pub(crate) fn on_redb(policy: Policy) -> (Service, RedbStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path().join("accounts.redb")).unwrap();
    (Service::on(store.clone(), policy, folder), store)
}

pub(crate) async fn stored(store: &impl Store) -> Stored {
    store.load(&alice()).await.unwrap().unwrap()
}

pub(crate) fn refusal<T>(answered: Result<T, NotAccepted<Error>>) -> Option<Rejection> {
    answer(answered).err()
}

/// The address that confirmations go to.
pub(crate) fn mail() -> Address {
    Address::email("alice@example.com").unwrap()
}

/// An owner with everything: an app, a phone that takes messages, a known browser, a pass, a sheet,
/// codes that were sent, an enrollment that waits.
pub(crate) struct Everything {
    pub(crate) phone: Phone,
    pub(crate) sms: AuthenticatorId,
    pub(crate) message: String,
    pub(crate) confirmation: String,
    pub(crate) cookie: String,
    pub(crate) other_cookie: String,
    /// By an operator.
    pub(crate) pass: String,
    pub(crate) mailed: [String; 2],
    pub(crate) codes: RecoveryCodes,
    pub(crate) waiting: Phone,
}

pub(crate) async fn everything(service: &Service<MemoryStore>) -> Everything {
    let (phone, codes) = service.enrolled().await;
    let start = T - 600;
    let proof = service.log_in(start, &phone.shows(start, 0)).await;
    let cookie = service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text();
    let proof = service.log_in(start + 30, &phone.shows(start + 30, 0)).await;
    let other_cookie = service.verifier.remember_device(&proof, "Chromium".parse().unwrap()).await.unwrap().to_text();
    let proof = service.prove(start + 60, &phone.shows(start + 60, 0)).await;
    let id = service.verifier.enroll(proof, sms("+819012345678")).await.unwrap().authenticator();
    let code = service.message(start + 90, CodeRequest::new(id, Purpose::BINDING)).await;
    drop(service.confirm(start + 100, &code).await);
    let pass =
        service.verifier.support(super::phone::operator("desk", "a test")).unlock(&alice()).await.unwrap().to_text();
    let mut mailed = Vec::new();
    for secs in [start + 110, start + 145] {
        service.clock.set(at(secs));
        mailed.push(service.verifier.mail_pass(&alice(), None).await.unwrap().to_text().expose().clone());
    }
    let proof = service.prove(start + 150, &phone.shows(start + 150, 0)).await;
    let waiting = Phone::of(&service.verifier.enroll(proof, new_authenticator()).await.unwrap());
    let message = service.message(T - 60, CodeRequest::new(id, Purpose::LOGIN)).await;
    let confirmation = service.message(T - 20, CodeRequest::confirmation(mail())).await;
    let [cookie, other_cookie, pass] = [cookie, other_cookie, pass].map(|token| token.expose().clone());
    let mailed = mailed.try_into().unwrap();
    Everything { phone, sms: id, message, confirmation, cookie, other_cookie, pass, mailed, codes, waiting }
}
