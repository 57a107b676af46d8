//! The promises of `risk()`, against a simulated guesser.
#![cfg(feature = "full")] // once: it does not depend on features

use crate::examples;

use sekisho::otp::{
    Code, CodePolicy, Digits, Key, Limits, NotAccepted, Rejection, Secret, State, Totp, UnixTime, Window, decide,
};
use std::convert::Infallible;

const START: u64 = 1_800_000_000;
const DAY: u64 = 86_400;

struct Year {
    guesses: u64,
    hits: u64,
}

/// A year of guesses, each made as soon as it would be answered. The owner, if there, logs in
/// whenever one more failure would lead to a lock, and so serves the guesser as best he can.
fn year(key: &Key, policy: &CodePolicy, owner: bool, guess: &mut impl FnMut() -> u32) -> Year {
    let mut stored = State::new().to_bytes();
    let mut year = Year { guesses: 0, hits: 0 };
    let mut submit = |now: u64, code: &Code| {
        let decision =
            decide(key, policy, State::from_bytes(&stored).unwrap(), UnixTime::from_secs(now), code).unwrap();
        let verdict = decision.commit(|bytes| {
            stored = *bytes;
            Ok::<(), Infallible>(())
        });
        verdict.map_err(|NotAccepted::Rejected(rejection)| rejection)
    };
    let mut now = START;
    let mut failures = 0;
    while now < START + 365 * DAY {
        if owner && failures == policy.limits().lock_after - 1 {
            let right = key.code_at(key.totp().step_at(UnixTime::from_secs(now + 300)).unwrap());
            match submit(now + 300, &right) {
                Ok(_) => (now, failures) = (now + 300, 0),
                Err(Rejection::Locked { until }) => {
                    now = until.as_secs();
                    continue;
                }
                // A guess has used the digits up.
                Err(_) => {
                    now += 300;
                    continue;
                }
            }
        }
        let code = format!("{:06}", guess()).parse().unwrap();
        match submit(now, &code) {
            Ok(_) => {
                year.guesses += 1;
                year.hits += 1;
                return year;
            }
            Err(Rejection::Mismatch(_) | Rejection::Expired(_)) => {
                year.guesses += 1;
                failures += 1;
            }
            Err(Rejection::Replayed { .. }) => {}
            Err(Rejection::Locked { until }) => now = until.as_secs(),
            Err(Rejection::Disabled) => return year,
            Err(other) => panic!("{other:?}"),
        }
    }
    year
}

fn key(n: u64) -> Key {
    let mut secret = [0; 20];
    secret[..8].copy_from_slice(&n.to_be_bytes());
    Totp::DEFAULT.key(&Secret::new(&secret).unwrap())
}

/// A generator that is good enough to guess with.
fn guesser(seed: u64) -> impl FnMut() -> u32 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u32::try_from(state % 1_000_000).unwrap()
    }
}

fn policies() -> [CodePolicy; 4] {
    let limits = Limits::DEFAULT;
    [
        limits,
        Limits { lock_after: 3, long_term: 20, ..limits },
        Limits { disable_after: 30, leak_every_secs: DAY / 2, ..limits },
        Limits { long_term: 200, longest_lock_secs: 30 * DAY, first_lock_secs: DAY, ..limits },
    ]
    .map(|limits| CodePolicy::new_with_risk_above_one_percent_a_year(limits).unwrap())
}

#[test]
fn no_guesser_gets_more_answers_in_a_year_than_risk_says_and_the_best_one_nearly_as_many() {
    for policy in policies() {
        let risk = policy.risk(Digits::Six);
        for (owner, bound) in [(true, risk.guesses_with_owner_logging_in), (false, risk.guesses_without_owner)] {
            // The rare year that ends with a hit says nothing about the count.
            let years = (0..20).map(|n| year(&key(n), &policy, owner, &mut guesser(n + 1)));
            let most = years.filter(|year| year.hits == 0).map(|year| year.guesses).max().unwrap();
            assert!(most <= bound, "{most} answered, {bound} promised, owner: {owner}, {:?}", policy.limits());
            assert!(
                most * 100 >= bound * 95,
                "{most} answered, {bound} promised, owner: {owner}, {:?}",
                policy.limits()
            );
        }
    }
}

#[test]
fn guesses_hit_as_often_as_risk_says() {
    // A wide window, so that hits are many enough to count: 41 steps, about 1.7 % a year.
    let limits = Limits { window: Window::new(20, 20), max_drift: 0, ..Limits::DEFAULT };
    let policy = CodePolicy::new_with_risk_above_one_percent_a_year(limits).unwrap();
    let years = 4_000_u32;
    let hits: u64 = (0..years).map(|n| year(&key(n.into()), &policy, true, &mut guesser(u64::from(n) + 1)).hits).sum();
    let expected = policy.risk(Digits::Six).chance_at_most * f64::from(years);
    let deviation = expected.sqrt();
    #[allow(clippy::cast_precision_loss)]
    let distance = (hits as f64 - expected).abs();
    assert!(distance < 4.0 * deviation, "{hits} hits, {expected:.1} expected");
}

#[test]
fn the_default_risk_is_what_the_docs_say() {
    let risk = CodePolicy::DEFAULT.risk(Digits::Six);
    assert_eq!((risk.guesses_with_owner_logging_in, risk.guesses_without_owner), (415, 100));
    assert!((0.001_244..0.001_245).contains(&risk.chance_without_drift), "{risk:?}");
    assert!((0.002_486..0.002_488).contains(&risk.chance_at_most), "{risk:?}");
    let eight = CodePolicy::DEFAULT.risk(Digits::Eight);
    assert!((eight.chance_at_most - risk.chance_at_most / 100.0).abs() < 1e-6);
}

/// The text that the example prints with these arguments.
fn policy_example(arguments: &[&str]) -> String {
    let output = std::process::Command::new(examples::example("policy")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_page_on_the_policy_has_what_the_example_prints() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policy.md")).unwrap();
    for line in policy_example(&[]).lines() {
        assert!(page.lines().any(|own| own == line), "docs/policy.md lacks: {line}");
    }
}

#[test]
fn the_example_says_what_other_numbers_would_give() {
    let all = |arguments: &[&str]| {
        let said = policy_example(arguments);
        let line = said.lines().find(|line| line.starts_with("| **all together")).unwrap();
        let percent: f64 = line
            .trim_matches(['|', ' ', '*', '%'])
            .rsplit(' ')
            .find_map(|word| word.trim_matches('*').parse().ok())
            .unwrap();
        (percent, said.contains("`Policy::new` takes it"))
    };
    let (usual, is_taken) = all(&[]);
    assert!(is_taken && (0.98..1.0).contains(&usual), "{usual}");
    let (wider, is_taken) = all(&["--window", "2,2"]);
    assert!(!is_taken && (1.6..1.7).contains(&(wider / usual)), "{wider}");
    let (more, is_taken) = all(&["--authenticators", "5"]);
    assert!(!is_taken && (1.6..1.7).contains(&(more / usual)), "{more}");
    let (longer, _) = all(&["--digits", "8"]);
    assert!((0.009..0.011).contains(&(longer / usual)), "{longer}");
}
