//! Judges codes with a key whose memory valgrind holds for undefined: a branch or an address that
//! depends on it is reported. Run by `tests/memory.rs`.
//!
//! `constant_time` judges; `constant_time planted` also branches on a byte of the secret, and has
//! to be reported. Without valgrind nothing would be checked: then it exits with 2.

use sekisho::account::proofs::{compare, confirm, diagnose, is_handle, search, sent};
use sekisho::otp::{
    Algorithm, CodePolicy, Digits, Key, OpenSteps, Secret, State, Step, Totp, UnixTime, Window, decide,
};
use std::arch::asm;
use std::convert::Infallible;
use std::hint::black_box;

const NOW: u64 = 1_800_000_015;

/// A request to valgrind; `default` where there is none. (The sequence is documented in
/// valgrind.h.)
fn request(number: u64, address: u64, length: u64, default: u64) -> u64 {
    let arguments = [number, address, length, 0, 0, 0];
    let result;
    // SAFETY: the rotations add up to two whole turns and the exchange is with itself: without valgrind
    // nothing happens.
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") arguments.as_ptr(), inout("rdx") default => result, options(nostack),
        );
    }
    result
}

fn mark_undefined<T: ?Sized>(value: &T) {
    request(0x4d43_0001, std::ptr::from_ref(value).cast::<u8>() as u64, size_of_val(value) as u64, 0);
}

fn mark_defined<T: ?Sized>(value: &T) {
    request(0x4d43_0002, std::ptr::from_ref(value).cast::<u8>() as u64, size_of_val(value) as u64, 0);
}

fn main() {
    if request(0x1001, 0, 0, 0) == 0 {
        eprintln!("not running under valgrind: nothing would be checked");
        std::process::exit(2);
    }
    let planted = std::env::args().nth(1).is_some_and(|argument| argument == "planted");

    for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
        for digits in [Digits::Six, Digits::Seven, Digits::Eight] {
            for secret_len in [20, 64, 65, 128] {
                judge(Totp { algorithm, digits, ..Totp::DEFAULT }, secret_len);
            }
        }
    }
    accounts();
    sent_codes();
    handles();
    if planted {
        let secret = Secret::new(&[7; 20]).unwrap();
        mark_undefined(secret.expose());
        if secret.expose()[3] & 1 == 1 {
            black_box(println!("odd"));
        }
        mark_defined(&secret);
    }
}

fn judge(totp: Totp, secret_len: usize) {
    let bytes: Vec<u8> = (0..secret_len).map(|i| (i * 89 + 5) as u8).collect();
    let secret = Secret::new(&bytes).unwrap();
    let now = UnixTime::from_secs(NOW);
    let step = totp.step_at(now).unwrap();
    let policy = CodePolicy::DEFAULT;

    // The codes are made while everything is still known.
    let known = totp.key(&secret);
    let codes: Vec<_> = (-25..4).map(|offset| known.code_at(step.saturating_offset(offset))).collect();
    let wrong = format!("{:0width$}", 271_828, width = usize::from(totp.digits.count())).parse().unwrap();

    mark_undefined(secret.expose());
    for code in codes.iter().chain([&wrong]) {
        // The window, and the longer look-back for expired codes.
        for steps in [Window::DEFAULT.around(step), OpenSteps::range(step.saturating_offset(-20), step)] {
            let found = totp.key(&secret).find_without_state(code, steps);
            mark_defined(&found);
            black_box(found);
        }
        // The whole decision: on a new state, and on one that has a watermark, drift, used digits and
        // failures.
        for state in [State::new(), used_state(&known)] {
            let key = totp.key(&secret);
            let decision = decide(&key, &policy, state, now, code).unwrap();
            // Its outcome is the class of the verdict, which may be known; what the commit looks up is covered
            // above.
            mark_defined(&decision);
            mark_defined(&key);
            let answer = decision.commit(|state| {
                black_box(state);
                Ok::<(), Infallible>(())
            });
            black_box(answer.is_ok());
        }
    }
    let code = totp.key(&secret).code_at(Step::new(1));
    mark_defined(&code);
    black_box(code);
    let equal = secret == Secret::new(&bytes).unwrap();
    mark_defined(&equal);
    black_box(equal);
    mark_defined(&secret);
}

/// Codes that were sent, for one context and for another.
fn sent_codes() {
    let now = UnixTime::from_secs(NOW);
    let code = |text: &str| text.parse().unwrap();
    let kept = [(code("271828"), [1; 32]), (code("314159"), [2; 32])];
    let [mut first, mut second] = kept;
    mark_undefined(&first);
    mark_undefined(&second);
    let mut seen = [0; 2];
    for (typed, context) in [("271828", 1), ("271828", 2), ("314159", 2), ("000000", 1)] {
        let matched = sent(&[first, second], now, code(typed), &[context; 32]);
        mark_defined(&matched);
        seen[usize::from(matched.0)] += 1;
        assert_eq!(matched.1, u32::from(typed == "314159") & u32::from(matched.0));
    }
    assert_eq!(seen, [2; 2]);
    mark_defined(&mut first);
    mark_defined(&mut second);
}

/// The handles of notices, under a key that nobody knows.
fn handles() {
    let now = UnixTime::from_secs(NOW);
    let key = [9; 16];
    mark_undefined(&key);
    let is_good = is_handle(&key, &format!("{:016x}{NOW:016x}{}", 7, "0".repeat(32)), now);
    mark_defined(&is_good);
    assert_eq!(is_good, 0);
    mark_defined(&key);
}

/// An account's three authenticators, of which one, another, or none has the code.
fn accounts() {
    let secrets: [Secret; 3] = std::array::from_fn(|i| Secret::new(&[i as u8 + 1; 20]).unwrap());
    let totps = [
        Totp::DEFAULT,
        Totp { algorithm: Algorithm::Sha256, ..Totp::DEFAULT },
        Totp { algorithm: Algorithm::Sha512, digits: Digits::Eight, ..Totp::DEFAULT },
    ];
    let now = UnixTime::from_secs(NOW);
    let step = Totp::DEFAULT.step_at(now).unwrap();
    let keys: Vec<_> = totps.iter().zip(&secrets).map(|(totp, secret)| totp.key(secret)).collect();
    let codes = keys.iter().flat_map(|key| (-25..4).map(|offset| key.code_at(step.saturating_offset(offset))));
    let codes: Vec<_> = codes.chain(["271828".parse().unwrap()]).collect();
    // The first one's codes half an hour ahead, now and two steps later; and two in a row of five hours
    // ago.
    let far = [60, 62, -600, -599].map(|offset| keys[0].code_at(step.saturating_offset(offset)));
    for secret in &secrets {
        mark_undefined(secret.expose());
    }
    let used_up = [None, Some(step), Some(step.saturating_offset(-3))];
    let authenticators: Vec<_> =
        totps.iter().zip(&secrets).zip(used_up).map(|((totp, secret), used)| (*totp, secret, used)).collect();
    let mut seen = [0; 4];
    for code in codes.clone() {
        let compared = compare(&authenticators, CodePolicy::DEFAULT.limits(), now, code).unwrap();
        mark_defined(&compared);
        seen.iter_mut().zip(compared).for_each(|(seen, compared)| *seen |= compared);
    }
    assert_eq!(seen[..3], [1; 3], "every class was seen");
    assert!(seen[3] >= 2, "several authenticators matched");
    // Two wrong codes, half an hour ahead, and of which one is another's.
    let later = UnixTime::from_secs(NOW + 60);
    let mut seen = [false; 2];
    for (first, second) in [(&far[0], &far[1]), (&far[0], &codes[3])] {
        let diagnosed = diagnose(&authenticators, (*first, now), (*second, later));
        mark_defined(&diagnosed);
        seen[usize::from(diagnosed.0)] = true;
        assert_eq!(diagnosed.1, i64::from(diagnosed.0) * 1_800);
    }
    assert_eq!(seen, [true; 2]);
    // Two codes in a row, or not, a day back and ten minutes ahead.
    let mut seen = [false; 2];
    for pair in [[far[2], far[3]], [far[3], far[2]]] {
        let mut authenticators = authenticators.clone();
        authenticators[0].2 = Some(step.saturating_offset(-1_000));
        let found = search(&authenticators, pair, 86_400, now).unwrap();
        mark_defined(&found);
        seen[usize::from(found.0)] = true;
    }
    assert_eq!(seen, [true; 2]);
    // The code that confirms an enrollment: of the one that waits, of one that it has replaced, and of
    // none. (Two in a row are searched as above.)
    let (waiting, replaced) = authenticators.split_first().unwrap();
    let mut seen = [[false; 2]; 2];
    for code in codes {
        let confirmed = confirm(waiting, replaced, CodePolicy::DEFAULT.limits(), now, code).unwrap();
        mark_defined(&confirmed);
        seen.iter_mut().zip(confirmed).for_each(|(seen, confirmed)| seen[usize::from(confirmed)] = true);
    }
    assert_eq!(seen, [[true; 2]; 2]);
    secrets.iter().for_each(mark_defined);
}

/// With a watermark, drift, digits used lately, and failures.
fn used_state(key: &Key) -> State {
    let mut stored = State::new().to_bytes();
    for (ago, offset) in [(300, 1), (240, 1), (200, 20), (150, 1), (90, 9)] {
        let now = UnixTime::from_secs(NOW - ago);
        let code = key.code_at(key.totp().step_at(now).unwrap().saturating_offset(offset));
        let decision = decide(key, &CodePolicy::DEFAULT, State::from_bytes(&stored).unwrap(), now, &code).unwrap();
        let _ = decision.commit(|bytes| {
            stored = *bytes;
            Ok::<(), Infallible>(())
        });
    }
    let state = State::from_bytes(&stored).unwrap();
    assert!(state.watermark().is_some());
    state
}
