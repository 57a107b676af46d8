//! The cost of a verification, beside the limit that the hash sets and beside the peers. `cargo
//! bench --bench verify`
//!
//! `limit_of_hmac` is eight compressions that wait for one another as HMAC has them: two pads, an
//! inner and an outer one for each of three steps. `limit_8_compressions` is eight that wait for
//! none. Both are direct calls of the hash's block function, and do nothing else.
//!
//! `*_text_*` goes from the raw key and the typed text to the verdict, as the peers do.
//!
//! The groups `*_window_1` judge a code of six digits against three steps. Everything there begins
//! at the raw key except `sekisho_prepared_wrong` and `sekisho_decision*`, which begin at a kept
//! [`Key`], and is one code a call.

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
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
    let (sha1, sha256, sha512) =
        (sha1::block_api::compress, sha2::block_api::compress256, sha2::block_api::compress512);
    group.bench_function("limit_8_compressions", |b| match case.totp.algorithm {
        Algorithm::Sha1 => b.iter(|| compressions(sha1, [0_u32; 5], [0; 64])),
        Algorithm::Sha256 => b.iter(|| compressions(sha256, [0_u32; 8], [0; 64])),
        Algorithm::Sha512 => b.iter(|| compressions(sha512, [0_u64; 8], [0; 128])),
    });
    group.bench_function("limit_of_hmac", |b| match case.totp.algorithm {
        Algorithm::Sha1 => b.iter(|| hmac(sha1, [0_u32; 5], [0; 64], words)),
        Algorithm::Sha256 => b.iter(|| hmac(sha256, [0_u32; 8], [0; 64], words)),
        Algorithm::Sha512 => b.iter(|| hmac(sha512, [0_u64; 8], [0; 128], long_words)),
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

    peers(&mut group, case);
    group.finish();
}

/// From the raw key and the typed text to the verdict: this library, and those that others use.
fn peers(group: &mut BenchmarkGroup<'_, WallTime>, case: &Case) {
    let texts = [("wrong", case.wrong()), ("right", case.code(0))];
    let texts = texts.map(|(name, code)| (name, code.reveal().to_string()));
    let secret = Secret::new(&case.secret).unwrap();
    let sekisho = |text: &str| {
        let Ok(code) = black_box(text).parse::<Code>() else { return false };
        let step = case.totp.step_at(UnixTime::from_secs(black_box(NOW))).unwrap();
        case.totp.key(black_box(&secret)).find_without_state(&code, Window::DEFAULT.around(step)).is_some()
    };
    let totp_rs = |text: &str| {
        let totp = totp_rs::Builder::new()
            .with_algorithm(case.peer)
            .with_secret(black_box(&case.secret).as_slice())
            .build_noncompliant();
        totp.check(black_box(text), black_box(NOW)).is_some()
    };
    let rfc = totp_rfc::Totp::new(case.other_peer, totp_rfc::Digits::SIX, 30, 0).unwrap();
    let totp_rfc = |text: &str| {
        let secret = totp_rfc::Secret::new(black_box(&case.secret)).unwrap();
        rfc.verify_window(&secret, black_box(NOW), totp_rfc::ValidationWindow::new(1, 1), black_box(text))
            .unwrap()
            .is_some()
    };
    let latchkey_secret = latchkey::totp::TotpSecret::from_bytes(case.secret.clone()).unwrap();
    let latchkey_params = latchkey::totp::TotpParams::new(6, 30, 1).unwrap();
    let latchkey = |text: &str| {
        let now = time::OffsetDateTime::from_unix_timestamp(black_box(NOW).cast_signed()).unwrap();
        latchkey::totp::verify(black_box(&latchkey_secret), black_box(text), None, now, latchkey_params).is_ok()
    };
    for (name, text) in &texts {
        let is_right = *name == "right";
        let mut bench = |peer: &str, check: &dyn Fn(&str) -> bool| {
            assert_eq!(check(text), is_right, "{peer}");
            group.bench_function(format!("{peer}_text_{name}"), |b| b.iter(|| check(text)));
        };
        bench("sekisho", &sekisho);
        bench("totp_rs", &totp_rs);
        bench("totp_rfc", &totp_rfc);
        // It has SHA-1 only.
        if case.totp.algorithm == Algorithm::Sha1 {
            bench("latchkey", &latchkey);
        }
    }
}

/// Eight compressions that do not wait for one another: what three steps and the two pads cost at
/// the least.
fn compressions<S: Copy, B: Copy>(compress: impl Fn(&mut S, &[B]), initial: S, block: B) -> [S; 8] {
    let mut states = black_box([initial; 8]);
    let block = black_box([block]);
    for state in &mut states {
        compress(state, &block);
    }
    black_box(states)
}

/// Eight compressions as HMAC has them for three steps: an inner one begins with the inner pad's
/// state, and an outer one with the outer pad's, on a block that the inner one's state begins.
fn hmac<S: Copy, B: Copy>(compress: impl Fn(&mut S, &[B]), initial: S, block: B, put: impl Fn(&S, &mut B)) -> [S; 3] {
    let (initial, block) = (black_box(initial), black_box(block));
    let [mut inner_pad, mut outer_pad] = [initial; 2];
    compress(&mut inner_pad, &[block]);
    compress(&mut outer_pad, &[block]);
    let mut blocks = [block; 3];
    for block in &mut blocks {
        let mut inner = inner_pad;
        compress(&mut inner, &[*block]);
        put(&inner, block);
    }
    black_box(blocks.map(|block| {
        let mut outer = outer_pad;
        compress(&mut outer, &[block]);
        outer
    }))
}

fn words<const N: usize>(state: &[u32; N], block: &mut [u8; 64]) {
    for (place, word) in block.chunks_exact_mut(4).zip(state) {
        place.copy_from_slice(&word.to_be_bytes());
    }
}

fn long_words(state: &[u64; 8], block: &mut [u8; 128]) {
    for (place, word) in block.chunks_exact_mut(8).zip(state) {
        place.copy_from_slice(&word.to_be_bytes());
    }
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
