//! What a verification costs, beside the limit that the hash sets and beside the peers. `cargo
//! bench --bench verify`
//!
//! The groups `*_window_1` judge a code of six digits against three steps. Everything there begins
//! at the raw key except `sekisho_prepared_wrong` and `sekisho_decision*`, which begin at a kept
//! [`Key`], and is one code a call.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sekisho::otp::{Algorithm, Code, CodePolicy, Key, OpenSteps, Secret, State, Step, Totp, UnixTime, Window, decide};
use std::hint::black_box;

const NOW: u64 = 1_800_000_015;

struct Case {
    name: &'static str,
    totp: Totp,
    secret: Vec<u8>,
    peer: totp_rs::Algorithm,
    other_peer: totp_rfc::Algorithm,
}

impl Case {
    fn code(&self, offset: i64) -> Code {
        let step = self.totp.step_at(UnixTime::from_secs(NOW)).unwrap();
        self.key().code_at(step.saturating_offset(offset))
    }

    fn key(&self) -> Key {
        self.totp.key(&Secret::new(&self.secret).unwrap())
    }

    /// A code that is right nowhere near.
    fn wrong(&self) -> Code {
        let step = self.totp.step_at(UnixTime::from_secs(NOW)).unwrap();
        let near = OpenSteps::range(step.saturating_offset(-3_000), step.saturating_offset(3_000));
        let key = self.key();
        let mut candidates = (0..1_000_000).map(|value| format!("{value:06}").parse().unwrap());
        candidates.find(|code| key.find_without_state(code, near).is_none()).unwrap()
    }
}

fn windows(c: &mut Criterion) {
    let cases = [
        ("sha1", Algorithm::Sha1, totp_rs::Algorithm::SHA1, totp_rfc::Algorithm::Sha1),
        ("sha256", Algorithm::Sha256, totp_rs::Algorithm::SHA256, totp_rfc::Algorithm::Sha256),
        ("sha512", Algorithm::Sha512, totp_rs::Algorithm::SHA512, totp_rfc::Algorithm::Sha512),
    ];
    for (name, algorithm, peer, other_peer) in cases {
        let secret = (1..=20).collect();
        window(c, &Case { name, totp: Totp { algorithm, ..Totp::DEFAULT }, secret, peer, other_peer });
    }
}

fn window(c: &mut Criterion, case: &Case) {
    let mut group = c.benchmark_group(format!("{}_window_1", case.name));
    group.bench_function("limit_8_compressions", |b| match case.totp.algorithm {
        Algorithm::Sha1 => b.iter(|| compressions(sha1::block_api::compress, [0_u32; 5], [0; 64])),
        Algorithm::Sha256 => b.iter(|| compressions(sha2::block_api::compress256, [0_u32; 8], [0; 64])),
        Algorithm::Sha512 => b.iter(|| compressions(sha2::block_api::compress512, [0_u64; 8], [0; 128])),
    });

    let secret = Secret::new(&case.secret).unwrap();
    let from_raw_key = |code: &Code| {
        let key = case.totp.key(black_box(&secret));
        let step = case.totp.step_at(UnixTime::from_secs(black_box(NOW))).unwrap();
        key.find_without_state(black_box(code), Window::DEFAULT.around(step))
    };
    for (name, code, found) in [
        ("sekisho_wrong", case.wrong(), false),
        ("sekisho_match_previous", case.code(-1), true),
        ("sekisho_match_current", case.code(0), true),
        ("sekisho_match_next", case.code(1), true),
    ] {
        assert_eq!(from_raw_key(&code).is_some(), found);
        group.bench_function(name, |b| b.iter(|| from_raw_key(&code)));
    }

    let key = case.key();
    let wrong = case.wrong();
    group.bench_function("sekisho_prepared_wrong", |b| {
        b.iter(|| {
            let step = case.totp.step_at(UnixTime::from_secs(black_box(NOW))).unwrap();
            key.find_without_state(black_box(&wrong), Window::DEFAULT.around(step))
        });
    });

    let decision = |state: State, code: &Code| {
        let decision =
            decide(&key, &CodePolicy::DEFAULT, state, UnixTime::from_secs(black_box(NOW)), black_box(code)).unwrap();
        decision.commit(|bytes| {
            black_box(bytes);
            Ok::<(), std::convert::Infallible>(())
        })
    };
    for (name, code) in [("sekisho_decision", case.code(0)), ("sekisho_decision_wrong", wrong)] {
        group.bench_function(name, |b| {
            b.iter_batched(State::new, |state| decision(state, &code), BatchSize::SmallInput);
        });
    }

    let wrong_text = case.wrong().reveal().to_string();
    let current_text = case.code(0).reveal().to_string();
    let totp_rs = |text: &str| {
        let totp = totp_rs::Builder::new()
            .with_algorithm(case.peer)
            .with_secret(black_box(&case.secret).as_slice())
            .build_noncompliant();
        totp.check(black_box(text), black_box(NOW)).is_some()
    };
    for (name, text, found) in [("totp_rs_wrong", &wrong_text, false), ("totp_rs_match_current", &current_text, true)] {
        assert_eq!(totp_rs(text), found);
        group.bench_function(name, |b| b.iter(|| totp_rs(text)));
    }
    let totp_rfc = totp_rfc::Totp::new(case.other_peer, totp_rfc::Digits::SIX, 30, 0).unwrap();
    group.bench_function("totp_rfc_wrong", |b| {
        b.iter(|| {
            let secret = totp_rfc::Secret::new(black_box(&case.secret)).unwrap();
            let window = totp_rfc::ValidationWindow::new(1, 1);
            totp_rfc.verify_window(&secret, black_box(NOW), window, black_box(&wrong_text)).unwrap()
        });
    });
    group.finish();
}

/// Eight compressions that do not wait for one another: what three steps and the two pads cost at
/// the least.
fn compressions<S: Copy, B: Copy>(compress: fn(&mut S, &[B]), initial: S, block: B) -> [S; 8] {
    let mut states = black_box([initial; 8]);
    let block = black_box([block]);
    for state in &mut states {
        compress(state, &block);
    }
    black_box(states)
}

fn scan(c: &mut Criterion) {
    let key = Totp::DEFAULT.key(&Secret::new(&[7; 20]).unwrap());
    let code = key.code_at(Step::new(1));
    let mut group = c.benchmark_group("scan");
    group.throughput(Throughput::Elements(2_880));
    group.bench_function("scan_2880_steps", |b| {
        b.iter(|| {
            let steps = OpenSteps::range(Step::new(60_000_000), Step::new(60_002_879));
            key.find_without_state(black_box(&code), black_box(steps))
        });
    });
    group.finish();
}

criterion_group!(benches, windows, scan);
criterion_main!(benches);
