//! Random histories of an account, through verifiers, against the plain account; and what always
//! holds, whatever the history.
#![cfg(feature = "test-kit")]

use crate::model::account::{Account as Plain, Answer};
use crate::model::{Authenticator, Hash};
use crate::phone::{self, T, at, keyring};
use proptest::prelude::*;
use sekisho::account::{AccountError, AccountId, Attempt, AuthenticatorId, NewAuthenticator, Proof, Purpose};
use sekisho::otp::{Algorithm, Digits, NotAccepted, OtpauthUri, Period, Rejection, Secret, Totp, UnixTime};
use sekisho::seal::{Revision, Stored, Write};
use sekisho::store::{MemoryStore, Store, Swap};
use sekisho::test_kit::TestClock;
use sekisho::{Error, Verifier};
use std::convert::Infallible;

/// Gives way around each call, so that two verifiers in one thread meet there.
#[derive(Clone, Default)]
struct Yielding(MemoryStore);

impl Store for Yielding {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, Infallible> {
        tokio::task::yield_now().await;
        self.0.load(account).await
    }

    async fn swap(&self, account: &AccountId, write: &Write) -> Result<Swap, Infallible> {
        tokio::task::yield_now().await;
        self.0.swap(account, write).await
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, Infallible> {
        self.0.delete(account, expected).await
    }

    async fn ready(&self) -> Result<(), Infallible> {
        self.0.ready().await
    }
}

/// The secrets there are: few, so that they come again.
fn secrets() -> [Authenticator; 4] {
    let secret = |seed: u8, hash, digits, period| Authenticator { hash, secret: vec![seed; 20], digits, period, t0: 0 };
    [
        secret(1, Hash::Sha1, 6, 30),
        secret(2, Hash::Sha256, 6, 30),
        secret(3, Hash::Sha1, 6, 60),
        secret(4, Hash::Sha512, 8, 30),
    ]
}

fn new_authenticator(who: &Authenticator) -> NewAuthenticator {
    let algorithm = match who.hash {
        Hash::Sha1 => Algorithm::Sha1,
        Hash::Sha256 => Algorithm::Sha256,
        Hash::Sha512 => Algorithm::Sha512,
    };
    let totp = Totp {
        algorithm,
        digits: Digits::from_count(u8::try_from(who.digits).unwrap()).unwrap(),
        period: Period::from_secs(who.period).unwrap(),
        ..Totp::DEFAULT
    };
    let uri = OtpauthUri::new("Example", "alice", Secret::new(&who.secret).unwrap(), totp).unwrap();
    NewAuthenticator::imported(&uri).unwrap()
}

#[derive(Clone, Debug)]
enum CodeKind {
    /// An unused code of what is asked for: the authenticator that waits to be confirmed, or one
    /// that is bound.
    Fresh,
    /// The code of one of the secrets, so many steps from ours.
    Of(usize, i64),
    /// One typed before.
    Again(usize),
    Digits(u32),
}

#[derive(Clone, Debug)]
enum Act {
    Clock(i64),
    Restart,
    LogIn(CodeKind),
    Withdraw(CodeKind),
    /// Two at the same moment, through two verifiers.
    Pair(CodeKind, CodeKind),
    /// Enroll one of the secrets, by a code of another.
    Enroll(usize, CodeKind),
    Confirm(CodeKind),
    /// Remove one of the authenticators, by a code.
    Remove(usize, CodeKind),
    /// Suspend one, or resume it, by a code.
    Turn(usize, bool, CodeKind),
    /// Prove, and keep the proof.
    Prove(CodeKind),
    /// Remove one by the proof that was kept.
    RemoveLater(usize),
}

fn typed() -> impl Strategy<Value = CodeKind> {
    prop_oneof![
        16 => Just(CodeKind::Fresh),
        6 => (0..4_usize, -2..3_i64).prop_map(|(who, offset)| CodeKind::Of(who, offset)),
        2 => (0..4_usize, -30..6_i64).prop_map(|(who, offset)| CodeKind::Of(who, offset)),
        3 => (0..6_usize).prop_map(CodeKind::Again),
        1 => any::<u32>().prop_map(CodeKind::Digits),
    ]
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let clock =
        prop_oneof![8 => 0..100_i64, 2 => -100..0_i64, 1 => -4_000..90_000_i64, 1 => Just(-3_600), 1 => Just(86_400)];
    let act = prop_oneof![
        6 => clock.prop_map(Act::Clock),
        1 => Just(Act::Restart),
        6 => typed().prop_map(Act::LogIn),
        1 => typed().prop_map(Act::Withdraw),
        2 => (typed(), typed()).prop_map(|(a, b)| Act::Pair(a, b)),
        3 => (0..4_usize, typed()).prop_map(|(who, typed)| Act::Enroll(who, typed)),
        3 => typed().prop_map(Act::Confirm),
        2 => (0..3_usize, typed()).prop_map(|(place, typed)| Act::Remove(place, typed)),
        4 => (0..3_usize, any::<bool>(), typed()).prop_map(|(place, suspends, typed)| Act::Turn(place, suspends, typed)),
        2 => typed().prop_map(Act::Prove),
        2 => (0..2_usize).prop_map(Act::RemoveLater),
    ];
    proptest::collection::vec(act, 1..160)
}

/// A history in the making.
struct History {
    store: Yielding,
    clock: TestClock,
    verifiers: [Verifier<Yielding>; 2],
    account: AccountId,
    plain: Plain,
    now: u64,
    typed: Vec<String>,
    /// The number of proofs that have begun an enrollment: those given before are used up.
    begun: u32,
    /// A proof that is kept, with the plain account's epoch, `begun` and the time when it was
    /// given.
    kept: Option<(Proof, (u32, u32), u64)>,
}

impl History {
    async fn new() -> Self {
        let (store, clock) = (Yielding::default(), TestClock::at(at(T)));
        let verifiers = verifiers(&store, &clock);
        let account = AccountId::new("alice").unwrap();
        verifiers[0].create_account(&account).await.unwrap();
        Self { store, clock, verifiers, account, plain: Plain::new(T), now: T, typed: Vec::new(), begun: 0, kept: None }
    }

    fn text(&mut self, typed: &CodeKind) -> String {
        let text = match typed {
            CodeKind::Fresh => self.plain.fresh_code(self.now),
            CodeKind::Of(who, offset) => {
                let who = &secrets()[*who];
                who.code(who.step(self.now).unwrap().saturating_add_signed(*offset))
            }
            CodeKind::Again(back) => self.typed.iter().rev().nth(*back).cloned().unwrap_or_else(|| "000000".into()),
            CodeKind::Digits(value) => format!("{:06}", value % 1_000_000),
        };
        self.typed.push(text.clone());
        text
    }

    async fn act(&mut self, act: &Act) {
        match act {
            Act::Clock(secs) => {
                self.now = self.now.saturating_add_signed(*secs);
                self.clock.set(at(self.now));
            }
            Act::Restart => self.verifiers = verifiers(&self.store, &self.clock),
            Act::LogIn(typed) => drop(self.submit(Purpose::LOGIN, typed).await),
            Act::Withdraw(typed) => drop(self.submit(Purpose::WITHDRAWAL, typed).await),
            Act::Pair(first, second) => self.pair(first, second).await,
            Act::Enroll(who, typed) => self.enroll(&secrets()[*who], typed).await,
            Act::Confirm(typed) => {
                let code = match (typed, self.plain.waiting()) {
                    (CodeKind::Fresh, Some(who)) => who.code(who.step(self.now).unwrap() + 1),
                    _ => self.text(typed),
                };
                self.typed.push(code.clone());
                let attempt = Attempt::new(Purpose::BINDING, &code);
                let verdict = self.verifiers[0].confirm(&self.account, attempt).await;
                let answer = answer(verdict.map(|proof| proof.authenticator().unwrap().number()));
                assert_eq!(answer, self.plain.confirm(self.now, &code));
            }
            Act::Remove(place, typed) => {
                let Some(proof) = self.submit(Purpose::BINDING, typed).await else { return };
                if *place < self.plain.bound.len() {
                    self.remove(*place, proof).await.unwrap();
                    self.plain.remove(self.now, *place);
                }
            }
            Act::Turn(place, suspends, typed) => {
                let Some(proof) = self.submit(Purpose::BINDING, typed).await else { return };
                let Some(one) = self.plain.bound.get(*place) else { return };
                let (verifier, id) = (&self.verifiers[1], AuthenticatorId::new(one.id));
                let turned =
                    if *suspends { verifier.suspend(proof, id).await } else { verifier.resume(proof, id).await };
                assert_eq!(turned.is_ok(), self.plain.turn(self.now, *place, *suspends), "{turned:?}");
            }
            Act::Prove(typed) => {
                let proof = self.submit(Purpose::BINDING, typed).await;
                self.kept = proof.map(|proof| (proof, (self.plain.epoch, self.begun), self.now));
            }
            Act::RemoveLater(place) => {
                let Some((proof, given, at)) = self.kept.take() else { return };
                // How long a proof is good for is no matter of epochs.
                if at != self.now || *place >= self.plain.bound.len() {
                    return;
                }
                let removed = self.remove(*place, proof).await;
                if given == (self.plain.epoch, self.begun) {
                    removed.unwrap();
                    self.plain.remove(self.now, *place);
                } else {
                    assert!(matches!(removed, Err(Error::Account(AccountError::ProofSpent))), "{removed:?}");
                }
            }
        }
    }

    async fn remove(&self, place: usize, proof: Proof) -> Result<u64, Error> {
        let (verifier, id) = (&self.verifiers[1], AuthenticatorId::new(self.plain.bound[place].id));
        if self.plain.is_last(place) { verifier.remove_last(proof, id).await } else { verifier.remove(proof, id).await }
    }

    async fn submit(&mut self, purpose: Purpose, typed: &CodeKind) -> Option<Proof> {
        let code = self.text(typed);
        let verdict = self.verifiers[0].verify(&self.account, Attempt::new(purpose, &code)).await;
        let mut proof = None;
        let verdict = verdict.map(|given| {
            let id = given.authenticator().unwrap().number();
            proof = Some(given);
            id
        });
        assert_eq!(answer(verdict), self.plain.submit(self.now, &code, purpose == Purpose::WITHDRAWAL), "{code}");
        proof
    }

    /// Whichever was first: the answers are those of one order.
    async fn pair(&mut self, first: &CodeKind, second: &CodeKind) {
        let codes = [self.text(first), self.text(second)];
        let [one, other] = &codes;
        let attempt = |code: &str| Attempt::new(Purpose::LOGIN, code);
        let id = |proof: Proof| proof.authenticator().unwrap().number();
        let (first, second) = tokio::join!(
            self.verifiers[0].verify(&self.account, attempt(one)),
            self.verifiers[1].verify(&self.account, attempt(other)),
        );
        let answers = [first, second].map(|verdict| answer(verdict.map(id)));
        let (mut forth, mut back) = (self.plain.clone(), self.plain.clone());
        let in_order = [forth.submit(self.now, one, false), forth.submit(self.now, other, false)];
        let reversed = [back.submit(self.now, other, false), back.submit(self.now, one, false)];
        if answers == in_order {
            self.plain = forth;
        } else {
            assert_eq!([&answers[1], &answers[0]], [&reversed[0], &reversed[1]], "in order: {in_order:?}");
            self.plain = back;
        }
    }

    async fn enroll(&mut self, who: &Authenticator, typed: &CodeKind) {
        let new = new_authenticator(who);
        if self.plain.bound.is_empty() {
            let begun = self.verifiers[0].enroll_first(&self.account, new).await;
            assert_eq!(begun.is_ok(), self.plain.begin(self.now, who.clone()));
            return;
        }
        let free = self.verifiers[0].enroll_first(&self.account, new.clone()).await;
        assert!(matches!(free, Err(Error::Account(AccountError::AlreadyEnrolled))), "only without any method");
        let Some(proof) = self.submit(Purpose::BINDING, typed).await else { return };
        let begun = self.verifiers[1].enroll(proof, new).await;
        self.begun += u32::from(begun.is_ok());
        assert_eq!(begun.is_ok(), self.plain.begin(self.now, who.clone()), "{begun:?}");
    }

    /// Checks what always holds, seen from outside.
    async fn holds(&self, before: &View) -> View {
        let view = self.verifiers[0].view(&self.account).await.unwrap();
        // Once: no step of a secret is accepted twice, and they only rise.
        for (index, (secret, step)) in self.plain.accepted_steps.iter().enumerate() {
            let earlier = self.plain.accepted_steps[..index].iter().filter(|(other, _)| other == secret);
            assert!(
                earlier.into_iter().all(|(_, used)| used < step),
                "step {step} after {:?}",
                self.plain.accepted_steps
            );
        }
        assert_eq!(view.failures_in_a_row, self.plain.run);
        let ids = |view: &sekisho::account::AccountView| {
            view.authenticators.iter().map(|one| one.id.number()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&view), self.plain.bound.iter().map(|one| one.id).collect::<Vec<_>>());
        // An event each, in order, none lost: numbers only rise.
        let history = self.verifiers[0].history(&self.account).await.unwrap();
        let last = history.last().and_then(|event| event.sequence).unwrap_or(0);
        assert!(last >= before.last_event);
        assert!(history.iter().is_sorted_by_key(|event| event.sequence));
        // A hold is never shortened.
        let held_until = view.holds.iter().map(|hold| hold.until).max();
        if let (Some(until), true) = (before.held_until, before.now <= self.now) {
            assert!(held_until >= Some(until) || until.as_secs() <= self.now, "{held_until:?} after {until:?}");
        }
        // Sessions end with every change of what is bound, and with nothing else.
        assert_eq!(view.epoch != before.epoch, self.plain.epoch != before.plain_epoch || before.epoch == 0);
        View { last_event: last, held_until, now: self.now, epoch: view.epoch, plain_epoch: self.plain.epoch }
    }
}

#[derive(Default)]
struct View {
    last_event: u64,
    held_until: Option<UnixTime>,
    now: u64,
    epoch: u64,
    plain_epoch: u32,
}

fn verifiers(store: &Yielding, clock: &TestClock) -> [Verifier<Yielding>; 2] {
    [(); 2].map(|()| {
        Verifier::builder(store.clone(), keyring())
            .clock(clock.clone())
            .policy(phone::policy())
            .without_notifications()
            .build()
    })
}

fn answer(verdict: Result<u32, NotAccepted<Error>>) -> Answer {
    match verdict {
        Ok(id) => Answer::Accepted(id),
        Err(NotAccepted::Rejected(rejection)) => match rejection {
            Rejection::Replayed { .. } => Answer::Replayed,
            Rejection::Expired(_) => Answer::Expired,
            Rejection::Mismatch(_) => Answer::Mismatch,
            Rejection::Locked { until } => Answer::Locked(until.as_secs().into()),
            Rejection::Busy { until } => Answer::Busy(until.as_secs().into()),
            Rejection::Held { until } => Answer::Held(until.as_secs()),
            Rejection::Disabled => Answer::Disabled,
            Rejection::ReplacedEnrollment => Answer::ReplacedEnrollment,
            rejection => panic!("{rejection:?}"),
        },
        Err(NotAccepted::Failed(Error::Account(AccountError::NotEnrolled))) => Answer::NotEnrolled,
        Err(NotAccepted::Failed(Error::Account(AccountError::NothingPending))) => Answer::NothingPending,
        Err(NotAccepted::Failed(error)) => panic!("{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_history_is_answered_as_the_plain_account_answers_it(acts in acts()) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let mut history = History::new().await;
            let mut before = View::default();
            for act in &acts {
                history.act(act).await;
                before = history.holds(&before).await;
            }
        });
    }
}

/// The histories above are random: this counts that they reach what they are meant to.
#[test]
fn the_histories_reach_every_answer() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut enrolled, mut accepted, mut removed, mut again) = (0, 0, 0, 0);
    let (mut turned, mut late) = (0, 0);
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        for _ in 0..200 {
            let acts = acts().new_tree(&mut runner).unwrap().current();
            let mut history = History::new().await;
            let mut had: Vec<Vec<u8>> = Vec::new();
            for act in &acts {
                let (bound, steps) = (history.plain.bound.clone(), history.plain.accepted_steps.len());
                let epoch = history.plain.epoch;
                late += usize::from(
                    matches!(act, Act::RemoveLater(_))
                        && history.kept.as_ref().is_some_and(|kept| kept.2 == history.now),
                );
                history.act(act).await;
                turned += usize::from(matches!(act, Act::Turn(..)) && history.plain.epoch > epoch);
                accepted += history.plain.accepted_steps.len() - steps;
                removed += usize::from(history.plain.bound.len() < bound.len());
                if let Some(one) = history.plain.bound.get(bound.len()) {
                    enrolled += 1;
                    again += usize::from(had.contains(&one.who.secret));
                    had.push(one.who.secret.clone());
                }
            }
        }
    });
    println!("{enrolled} enrolled, {accepted} accepted, {removed} removed, {again} came again, {turned} suspended or");
    println!("resumed, {late} removed by a proof that was kept");
    assert!(turned > 10 && late > 20 && enrolled > 150 && accepted > 1_000 && removed > 50 && again > 8);
}
