//! Random histories of codes that are sent, each for a purpose and a context, against the plain
//! account of a phone number.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::model::messages::{Account as Plain, Answer, For, Sending};
use crate::phone::{self, T, at};
use crate::service::{Service, alice, answer, in_memory};
use proptest::prelude::*;
use sekisho::account::{Attempt, AuthenticatorId, CodeRequest, Purpose};
use sekisho::otp::Rejection;
use sekisho::store::MemoryStore;

const NUMBER: &str = "+819012345678";

#[derive(Clone, Debug)]
enum Act {
    Clock(i64),
    Send(For),
    /// The latest code that was sent for the second, for the first.
    Submit(For, For),
    /// A code that nobody was sent.
    Guess(For, u32),
    /// One typed before, for this.
    Again(For, usize),
}

fn what() -> impl Strategy<Value = For> {
    (0..2_u8, proptest::option::of(0..3_u8))
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let clock = prop_oneof![
        8 => 20..90_i64, 4 => 200..1_500_i64, 1 => -100..0_i64, 1 => 3_000..90_000_i64, 1 => Just(-200_000),
        1 => Just(200_000)
    ];
    let act = prop_oneof![
        6 => clock.prop_map(Act::Clock),
        6 => what().prop_map(Act::Send),
        5 => what().prop_map(|what| Act::Submit(what, what)),
        3 => (what(), what()).prop_map(|(what, sent_for)| Act::Submit(what, sent_for)),
        1 => (what(), any::<u32>()).prop_map(|(what, number)| Act::Guess(what, number % 1_000_000)),
        1 => (what(), 0..4_usize).prop_map(|(what, back)| Act::Again(what, back)),
    ];
    proptest::collection::vec(act, 1..120)
}

const fn purpose(what: For) -> Purpose {
    if what.0 == 0 { Purpose::LOGIN } else { Purpose::BINDING }
}

/// A history in the making.
struct History {
    service: Service<MemoryStore>,
    id: AuthenticatorId,
    plain: Plain,
    now: u64,
    typed: Vec<String>,
    /// The most codes that were alive at a time, acceptances, and codes refused for another
    /// context.
    reached: [usize; 3],
}

impl History {
    async fn new() -> Self {
        let (service, _) = in_memory(phone::policy());
        let id = service.enrolled_by_sms(NUMBER).await;
        Self { service, id, plain: Plain::new(T), now: T, typed: Vec::new(), reached: [0; 3] }
    }

    async fn act(&mut self, act: &Act) {
        match act {
            Act::Clock(secs) => {
                self.now = self.now.saturating_add_signed(*secs).max(T);
                self.service.clock.set(at(self.now));
            }
            Act::Send(what) => self.send(*what).await,
            Act::Submit(what, sent_for) => {
                let code = self.plain.latest(*sent_for).unwrap_or_else(|| "000000".into());
                self.submit(*what, code).await;
            }
            Act::Guess(what, number) => self.submit(*what, format!("{number:06}")).await,
            Act::Again(what, back) => {
                let code = self.typed.iter().rev().nth(*back).cloned().unwrap_or_else(|| "000000".into());
                self.submit(*what, code).await;
            }
        }
    }

    async fn send(&mut self, what: For) {
        let mut request = CodeRequest::new(self.id, purpose(what));
        if let Some(context) = what.1 {
            request = request.with_context(&[context; 32]);
        }
        let expected = self.plain.send(self.now, what);
        match (answer(self.service.verifier.deliver(&alice(), request).await), expected) {
            (Ok(delivery), Sending::Sent(before, until)) => {
                let code = delivery.code.reveal().to_string();
                assert_eq!(delivery.until.as_secs(), until);
                match before {
                    Some(before) => assert_eq!(code, before, "the same is sent again"),
                    None => self.plain.drawn(self.now, what, &code),
                }
                let alive = self.plain.alive(self.now);
                assert!(alive <= 3);
                self.reached[0] = self.reached[0].max(alive);
            }
            (Err(Rejection::SendLimited { until }), expected) => {
                assert_eq!(expected, Sending::Limited(until.as_secs()));
            }
            (Err(Rejection::Locked { until }), expected) => {
                assert_eq!(expected, Sending::Locked(until.as_secs().into()));
            }
            (Err(Rejection::Busy { until }), expected) => assert_eq!(expected, Sending::Busy(until.as_secs().into())),
            (Err(Rejection::Disabled), expected) => assert_eq!(expected, Sending::Disabled),
            (sent, expected) => panic!("{sent:?} for {expected:?}"),
        }
    }

    async fn submit(&mut self, what: For, code: String) {
        let mut attempt = Attempt::new(purpose(what), &code);
        if let Some(context) = what.1 {
            attempt = attempt.with_context(&[context; 32]);
        }
        let answered = match answer(self.service.verifier.verify(&alice(), attempt).await) {
            Ok(proof) => {
                assert_eq!(proof.context().map(|hash| hash[0]), what.1);
                self.reached[1] += 1;
                Answer::Accepted
            }
            Err(Rejection::Replayed { .. }) => Answer::Replayed,
            Err(Rejection::Expired(_)) => Answer::Expired,
            Err(Rejection::Mismatch(_)) => Answer::Mismatch,
            Err(Rejection::Locked { until }) => Answer::Locked(until.as_secs().into()),
            Err(Rejection::Busy { until }) => Answer::Busy(until.as_secs().into()),
            Err(Rejection::Disabled) => Answer::Disabled,
            Err(rejection) => panic!("{rejection:?}"),
        };
        let is_for_another = self.plain.is_alive_for_another(self.now, what, &code);
        let expected = self.plain.submit(self.now, what, &code);
        assert_eq!(answered, expected, "{code} for {what:?}");
        self.reached[2] += usize::from(is_for_another && answered == Answer::Mismatch);
        self.typed.push(code);
    }
}

fn run(acts: &[Act]) -> [usize; 3] {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        let mut history = History::new().await;
        for act in acts {
            history.act(act).await;
        }
        history.reached
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_history_of_messages_is_answered_as_the_plain_account_answers_it(acts in acts()) {
        run(&acts);
    }
}

/// The histories above are random: this counts that they reach what they are meant to.
#[test]
fn the_histories_of_messages_reach_what_they_are_for() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut all = [0; 3];
    for _ in 0..300 {
        let [alive, accepted, elsewhere] = run(&acts().new_tree(&mut runner).unwrap().current());
        all = [all[0].max(alive), all[1] + accepted, all[2] + elsewhere];
    }
    println!("{all:?}: alive at a time, accepted, refused for what they were not sent for");
    assert!(all[0] == 3 && all[1] > 100 && all[2] > 30, "{all:?}");
}
