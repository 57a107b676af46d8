//! Random histories of resynchronizations, replacements and resets: no step is accepted twice.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{self, Phone, T, at, keyring};
use crate::service::{Service, accepted, alice, answer, in_memory, refusal, stored};
use proptest::prelude::*;
use sekisho::account::{AccountError, Attempt, NewAuthenticator, Proof, Purpose, Resync};
use sekisho::otp::{NotAccepted, OtpauthUri, Rejection, Secret, Totp};
use sekisho::store::MemoryStore;
use sekisho::{Error, Verifier};

/// The secrets there are.
fn phones() -> [Phone; 2] {
    [1, 2].map(|seed| Phone::with(&Secret::new(&[seed; 20]).unwrap(), Totp::DEFAULT))
}

fn imported(phone: &Phone) -> NewAuthenticator {
    let uri = OtpauthUri::new("Example", "alice", phone.secret().clone(), Totp::DEFAULT).unwrap();
    NewAuthenticator::imported(&uri).unwrap()
}

#[derive(Clone, Debug)]
enum Act {
    Clock(i64),
    /// The code of one of the secrets, so many steps from ours; from the known device or not.
    LogIn(usize, i64, bool),
    Withdraw(usize, i64),
    /// One that was submitted before.
    Again(usize),
    Resync(usize, i64, bool),
    /// Two that were submitted before, one after the other.
    ResyncAgain(usize, usize),
    /// Another secret in the place of the one that is bound.
    Replace(usize, i64),
    Reset(usize),
    Freeze,
    ClearDrift,
}

fn offset() -> impl Strategy<Value = i64> {
    prop_oneof![6 => -1..2_i64, 2 => -20..21_i64, 1 => -2_880..0_i64, 1 => Just(-600_i64)]
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let clock = prop_oneof![8 => 10..100_i64, 2 => -100..0_i64, 1 => -4_000..90_000_i64, 1 => Just(18_000_i64)];
    let act = prop_oneof![
        6 => clock.prop_map(Act::Clock),
        6 => (0..2_usize, offset(), any::<bool>()).prop_map(|(who, offset, known)| Act::LogIn(who, offset, known)),
        1 => (0..2_usize, offset()).prop_map(|(who, offset)| Act::Withdraw(who, offset)),
        3 => (0..8_usize).prop_map(Act::Again),
        4 => (0..2_usize, offset(), any::<bool>()).prop_map(|(who, offset, known)| Act::Resync(who, offset, known)),
        2 => (0..8_usize, 0..8_usize).prop_map(|(first, second)| Act::ResyncAgain(first, second)),
        1 => (0..2_usize, offset()).prop_map(|(who, offset)| Act::Replace(who, offset)),
        1 => (0..2_usize).prop_map(Act::Reset),
        1 => Just(Act::Freeze),
        1 => Just(Act::ClearDrift),
    ];
    proptest::collection::vec(act, 1..80)
}

/// A code that was submitted: whose, and of which step.
#[derive(Clone)]
struct Submitted {
    who: usize,
    step: u64,
    text: String,
}

struct History {
    verifier: Verifier<MemoryStore>,
    service: Service<MemoryStore>,
    store: MemoryStore,
    phones: [Phone; 2],
    now: u64,
    cookie: Option<String>,
    submitted: Vec<Submitted>,
    /// Every step accepted, of which secret.
    used: Vec<(usize, u64)>,
    /// The digits accepted, and when.
    digits: Vec<(String, u64)>,
    resynchronized: u32,
    bound: usize,
}

impl History {
    async fn new() -> Self {
        let (service, store) = in_memory(phone::policy());
        let phones = phones();
        service.clock.set(at(T));
        service.verifier.create_account(&alice()).await.unwrap();
        let begun = service.verifier.enroll_first(&alice(), imported(&phones[0])).await.unwrap();
        let verifier = Verifier::builder(store.clone(), keyring())
            .policy(phone::policy())
            .clock(service.clock.clone())
            .without_notifications()
            .build();
        let mut history = Self {
            verifier,
            service,
            store,
            phones,
            now: T + 30,
            cookie: None,
            submitted: Vec::new(),
            used: Vec::new(),
            digits: Vec::new(),
            resynchronized: 0,
            bound: 0,
        };
        let code = history.code(0, 0);
        let confirming = Phone::of(&begun).confirming(T + 30);
        history.service.clock.set(at(T + 30));
        let proof = accepted(answer(history.service.verifier.confirm(&alice(), confirming).await));
        let cookie = history.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap();
        history.cookie = Some(cookie.to_text().expose().clone());
        history.accept(&code);
        history
    }

    fn code(&mut self, who: usize, offset: i64) -> Submitted {
        let phone = &self.phones[who];
        let step = phone.step(self.now).number().saturating_add_signed(offset);
        let code = Submitted { who, step, text: phone.shows(self.now, offset) };
        self.submitted.push(code.clone());
        code
    }

    fn again(&self, back: usize) -> Option<Submitted> {
        self.submitted.iter().rev().nth(back).cloned()
    }

    /// Once, and upwards only. (Where another step of a secret has the same digits it may have been
    /// that one: this is looked up, and the history goes no further.)
    fn accept(&mut self, code: &Submitted) {
        let recent = |at: u64| self.now.abs_diff(at) < 600 || at > self.now;
        assert!(
            !self.digits.iter().any(|(text, at)| *text == code.text && recent(*at)),
            "the same digits within ten minutes"
        );
        let highest = self.used.iter().filter(|(who, _)| *who == code.who).map(|(_, step)| *step).max();
        assert!(highest.is_none_or(|used| code.step > used), "step {} after {highest:?}", code.step);
        self.used.push((code.who, code.step));
        self.digits.push((code.text.clone(), self.now));
    }

    /// Returns whether only one step within reach has these digits.
    fn is_unique(&self, code: &Submitted) -> bool {
        let reach = -2_900..=60;
        let count = |phone: &Phone| reach.clone().filter(|offset| phone.shows(self.now, *offset) == code.text).count();
        self.phones.iter().map(count).sum::<usize>() == 1
    }

    async fn submit(&mut self, code: Submitted, purpose: Purpose, known: bool) -> Option<Proof> {
        if !self.is_unique(&code) {
            return None;
        }
        let mut attempt = Attempt::new(purpose, &code.text);
        if let (Some(cookie), true) = (&self.cookie, known) {
            attempt = attempt.with_device(cookie);
        }
        let before = stored(&self.store).await;
        match self.verifier.verify(&alice(), attempt).await {
            Ok(proof) => {
                self.accept(&code);
                Some(proof)
            }
            Err(NotAccepted::Rejected(rejection)) => {
                let is_written = stored(&self.store).await.revision != before.revision;
                assert_eq!(is_written, rejection.is_charged(), "what is not counted writes nothing: {rejection:?}");
                None
            }
            Err(NotAccepted::Failed(error)) => {
                assert!(matches!(error, Error::Account(AccountError::PassNeeded)), "after a reset: {error}");
                None
            }
        }
    }

    async fn resync(&mut self, first: Submitted, second: Submitted, known: bool) {
        if !self.is_unique(&first) || !self.is_unique(&second) {
            return;
        }
        let mut resync = Resync::new(&first.text, &second.text);
        if let (Some(cookie), true) = (&self.cookie, known) {
            resync = resync.with_device(cookie);
        }
        let view = async || self.verifier.view(&alice()).await.unwrap();
        let until = async || phone::held(&view().await).first().map(|(_, until)| *until);
        let (before, is_known) = (until().await, known && self.cookie.is_some() && !view().await.devices.is_empty());
        if self.verifier.resync(&alice(), resync).await.is_ok() {
            // Only a clock that is ten minutes off at most, and a browser that is known, go without a hold.
            let off = second.step.abs_diff(self.phones[second.who].step(self.now).number()) * 30;
            if off <= 600 && is_known {
                assert_eq!(until().await, before);
            } else {
                assert!(until().await >= Some(at(self.now + 86_400)), "{off} s off, known: {is_known}");
            }
            assert_eq!((first.who, first.step + 1), (second.who, second.step), "two in a row");
            self.accept(&first);
            self.accept(&second);
            self.resynchronized += 1;
        }
    }

    async fn act(&mut self, act: &Act) {
        self.service.clock.set(at(self.now));
        match act {
            Act::Clock(secs) => self.now = self.now.saturating_add_signed(*secs),
            Act::LogIn(who, offset, known) => {
                let code = self.code(*who, *offset);
                drop(self.submit(code, Purpose::LOGIN, *known).await);
            }
            Act::Withdraw(who, offset) => {
                let code = self.code(*who, *offset);
                drop(self.submit(code, Purpose::WITHDRAWAL, false).await);
            }
            Act::Again(back) => {
                let Some(code) = self.again(*back) else { return };
                drop(self.submit(code, Purpose::LOGIN, true).await);
            }
            Act::Resync(who, offset, known) => {
                let (first, second) = (self.code(*who, *offset - 1), self.code(*who, *offset));
                self.resync(first, second, *known).await;
            }
            Act::ResyncAgain(first, second) => {
                let (Some(first), Some(second)) = (self.again(*first), self.again(*second)) else { return };
                self.resync(first, second, true).await;
            }
            Act::Replace(who, offset) => {
                let code = self.code(self.bound, *offset);
                let Some(proof) = self.submit(code, Purpose::BINDING, true).await else { return };
                let old = self.verifier.view(&alice()).await.unwrap().authenticators[0].id;
                let Ok(_) = self.verifier.replace(proof, old, imported(&self.phones[*who])).await else { return };
                self.confirm(*who).await;
            }
            Act::Reset(who) => {
                let pass =
                    self.verifier.support(phone::operator("desk", "a test")).reset(&alice()).await.unwrap().to_text();
                self.cookie = None;
                let new = imported(&self.phones[*who]);
                let _ = self.verifier.enroll_with_pass(&alice(), pass.expose(), None, new).await.unwrap();
                self.confirm(*who).await;
            }
            Act::Freeze => {
                let support = self.verifier.support(phone::operator("desk", "a test"));
                support.freeze(&alice()).await.unwrap();
                self.cookie = None;
                let code = self.phones[self.bound].shows(self.now, 0);
                let refused = self.verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, &code)).await;
                assert_eq!(refusal(refused), Some(Rejection::Frozen));
                support.thaw(&alice()).await.unwrap();
            }
            Act::ClearDrift => {
                let Some(id) = self.verifier.view(&alice()).await.unwrap().authenticators.first().map(|one| one.id)
                else {
                    return;
                };
                self.verifier.support(phone::operator("desk", "a test")).clear_drift(&alice(), id).await.unwrap();
            }
        }
    }

    /// With the next code, which may come within the enrollment's window.
    async fn confirm(&mut self, who: usize) {
        let code = self.code(who, 1);
        if !self.is_unique(&code) {
            return;
        }
        let attempt = Attempt::new(Purpose::BINDING, &code.text);
        if self.verifier.confirm(&alice(), attempt).await.is_ok() {
            self.accept(&code);
            self.bound = who;
        }
    }
}

fn run(acts: &[Act]) -> History {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        let mut history = History::new().await;
        for act in acts {
            history.act(act).await;
        }
        history
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_sequence_of_resynchronizations_replacements_and_resets_accepts_a_step_twice(acts in acts()) {
        let _ = run(&acts);
    }
}

/// The histories above are random: this counts that they reach what they are meant to.
#[test]
fn the_histories_resynchronize_in_both_directions() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut resynchronized, mut accepted) = (0, 0);
    for _ in 0..60 {
        let history = run(&acts().new_tree(&mut runner).unwrap().current());
        resynchronized += history.resynchronized;
        accepted += history.used.len();
    }
    println!("{resynchronized} resynchronized, {accepted} accepted");
    assert!(resynchronized > 30 && accepted > 200, "{resynchronized}, {accepted}");
}
