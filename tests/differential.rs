//! The library against the plain model, over everything that can be chosen.

use crate::model::{self, Authenticator, Hash, Rules, compare};
use proptest::prelude::*;
use sekisho::otp::{CodePolicy, Limits, State, Window};

fn authenticators() -> impl Strategy<Value = Authenticator> {
    let hash = prop_oneof![Just(Hash::Sha1), Just(Hash::Sha256), Just(Hash::Sha512)];
    let secret = proptest::collection::vec(any::<u8>(), 10..=128);
    let t0 = prop_oneof![3 => Just(0), 1 => 0..2_000_000_000_u64, 1 => any::<u64>()];
    (hash, secret, 6..=8_usize, 1..=120_u64, t0).prop_map(|(hash, secret, digits, period, t0)| Authenticator {
        hash,
        secret,
        digits,
        period,
        t0,
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    (0..6_u64, 0..6_u64, 0..8_i128, 1..7_u32, 1..100_u64, 2..60_u32, 1..40_u32).prop_map(
        |(past, future, max_drift, lock_after, first_lock, long_term, disable_after)| Rules {
            past,
            future,
            max_drift,
            lock_after,
            first_lock,
            longest_lock: first_lock * 9,
            long_term,
            disable_after,
            leak_every: 1_000,
        },
    )
}

/// One submission: how far the clock moves first, and which code is typed.
#[derive(Clone, Debug)]
enum CodeKind {
    /// The code of the step this far from ours, by the authenticator's clock.
    AtOffset(i64),
    /// The one typed so many submissions before.
    Again(usize),
    Digits(u32),
}

fn submissions() -> impl Strategy<Value = Vec<(i64, CodeKind)>> {
    let clock = prop_oneof![6 => 0..200_i64, 1 => -300..0_i64, 1 => -100_000..100_000_i64];
    let typed = prop_oneof![
        8 => (-9..9_i64).prop_map(CodeKind::AtOffset),
        1 => (-700..20_i64).prop_map(CodeKind::AtOffset),
        2 => (0..4_usize).prop_map(CodeKind::Again),
        1 => any::<u32>().prop_map(CodeKind::Digits),
    ];
    proptest::collection::vec((clock, typed), 1..60)
}

fn policy_of(rules: &Rules) -> CodePolicy {
    CodePolicy::new_with_risk_above_one_percent_a_year(Limits {
        window: Window::new(u8::try_from(rules.past).unwrap(), u8::try_from(rules.future).unwrap()),
        max_drift: u8::try_from(rules.max_drift).unwrap(),
        lock_after: rules.lock_after,
        first_lock_secs: rules.first_lock,
        longest_lock_secs: rules.longest_lock,
        long_term: rules.long_term,
        leak_every_secs: rules.leak_every,
        disable_after: rules.disable_after,
    })
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn codes_agree_at_any_step(plain in authenticators(), steps in proptest::collection::vec(any::<u64>(), 8)) {
        let key = compare::key(&plain);
        for step in steps.into_iter().chain([0, u64::MAX]) {
            let code = key.code_at(sekisho::otp::Step::new(step)).reveal().to_string();
            prop_assert_eq!(code, plain.code(step), "step {}", step);
        }
    }

    #[test]
    fn decisions_agree_over_a_history(
        plain in authenticators(),
        rules in rules(),
        start in prop_oneof![4 => 1_700_000_000..1_900_000_000_u64, 1 => 0..4_000_u64, 1 => any::<u64>(), 1 => Just(u64::MAX)],
        submissions in submissions(),
    ) {
        let (key, policy) = (compare::key(&plain), policy_of(&rules));
        let mut expected = model::State::default();
        let mut stored = State::new().to_bytes();
        let mut now = start;
        let mut typed_before = Vec::new();
        for (clock, typed) in submissions {
            now = now.saturating_add_signed(clock);
            let text = match typed {
                CodeKind::AtOffset(offset) => plain.code(plain.step(now).unwrap_or(0).saturating_add_signed(offset)),
                CodeKind::Again(back) => typed_before.iter().rev().nth(back).cloned().unwrap_or_else(|| "000000".to_string()),
                CodeKind::Digits(value) => format!("{:0width$}", value % 1_000_000, width = plain.digits),
            };
            let answer = compare::answer(&key, &policy, &mut stored, now, &text);
            prop_assert_eq!(answer, expected.submit(&plain, &rules, now, &text), "at {}: {:?}", now, expected);
            typed_before.push(text);
        }
    }
}
