//! The tables of the RFCs over every path that makes or judges a code.

use hex_literal::hex;
use sekisho::otp::{
    Algorithm, Code, CodePolicy, Digits, OpenSteps, Secret, State, Step, Totp, UnixTime, Window, decide,
};
use std::convert::Infallible;
use subtle::ConstantTimeEq;

use crate::model;

/// RFC 4226 appendix D: counter and code.
const RFC_4226: [(u64, &str); 10] = [
    (0, "755224"),
    (1, "287082"),
    (2, "359152"),
    (3, "969429"),
    (4, "338314"),
    (5, "254676"),
    (6, "287922"),
    (7, "162583"),
    (8, "399871"),
    (9, "520489"),
];

/// RFC 6238 appendix B: time, and the codes by SHA-1, SHA-256, SHA-512.
const RFC_6238: [(u64, [&str; 3]); 6] = [
    (59, ["94287082", "46119246", "90693936"]),
    (1_111_111_109, ["07081804", "68084774", "25091201"]),
    (1_111_111_111, ["14050471", "67062674", "99943326"]),
    (1_234_567_890, ["89005924", "91819424", "93441116"]),
    (2_000_000_000, ["69279037", "90698825", "38618901"]),
    (20_000_000_000, ["65353130", "77737706", "47863826"]),
];

/// The secrets of appendix B: the ASCII digits repeated to the hash's length.
const SECRETS: [(Algorithm, model::Hash, &[u8]); 3] = [
    (Algorithm::Sha1, model::Hash::Sha1, &hex!("3132333435363738393031323334353637383930")),
    (Algorithm::Sha256, model::Hash::Sha256, &hex!("3132333435363738393031323334353637383930313233343536373839303132")),
    (
        Algorithm::Sha512,
        model::Hash::Sha512,
        &hex!(
            "31323334353637383930313233343536373839303132333435363738393031323334353637383930313233343536373839303132333435"
            "363738393031323334"
        ),
    ),
];

struct Vector {
    source: String,
    totp: Totp,
    hash: model::Hash,
    secret: &'static [u8],
    now: UnixTime,
    code: &'static str,
}

impl Vector {
    fn step(&self) -> Step {
        self.totp.step_at(self.now).unwrap()
    }

    fn parsed(&self) -> Code {
        self.code.parse().unwrap()
    }
}

fn vectors() -> Vec<Vector> {
    let (algorithm, hash, secret) = SECRETS[0];
    let mut vectors: Vec<_> = RFC_4226
        .iter()
        .map(|(counter, code)| Vector {
            source: format!("RFC 4226 D, counter {counter}"),
            totp: Totp { algorithm, ..Totp::DEFAULT },
            hash,
            secret,
            now: UnixTime::from_secs(counter * 30 + 29),
            code,
        })
        .collect();
    for (now, codes) in RFC_6238 {
        for ((algorithm, hash, secret), code) in SECRETS.into_iter().zip(codes) {
            vectors.push(Vector {
                source: format!("RFC 6238 B, time {now}, {algorithm}"),
                totp: Totp { algorithm, digits: Digits::Eight, ..Totp::DEFAULT },
                hash,
                secret,
                now: UnixTime::from_secs(now),
                code,
            });
        }
    }
    vectors
}

/// Runs a path over all vectors; a failure prints path, index and vector.
macro_rules! over_every_vector {
    ($($path:ident: |$vector:ident| $check:expr;)+) => {$(
        #[test]
        fn $path() {
            for (index, $vector) in vectors().iter().enumerate() {
                assert!($check, "{}: vector {index}, {}", stringify!($path), $vector.source);
            }
        }
    )+};
}

over_every_vector! {
    plain_model: |v| {
        let secret = v.secret.to_vec();
        let digits = usize::from(v.totp.digits.count());
        let plain = model::Authenticator { hash: v.hash, secret, digits, period: 30, t0: 0 };
        plain.code(v.step().number()) == v.code
    };
    code_at_a_step: |v| {
        let key = v.totp.key(&Secret::new(v.secret).unwrap());
        key.code_at(v.step()).reveal().to_string() == v.code && bool::from(key.code_at(v.step()).ct_eq(&v.parsed()))
    };
    window_finds_the_current_step: |v| found_at(v, 0);
    window_finds_the_previous_step: |v| found_at(v, 1);
    window_finds_the_next_step: |v| v.step().number() == 0 || found_at(v, -1);
    long_scan_finds_the_step: |v| {
        let key = v.totp.key(&Secret::new(v.secret).unwrap());
        let steps = OpenSteps::range(v.step().saturating_offset(-9), v.step().saturating_offset(5));
        key.find_without_state(&v.parsed(), steps) == Some(v.step())
    };
    whole_decision_accepts_once: |v| {
        let key = v.totp.key(&Secret::new(v.secret).unwrap());
        let mut stored = State::new().to_bytes();
        let mut log_in = || {
            let state = State::from_bytes(&stored).unwrap();
            let decision = decide(&key, &CodePolicy::DEFAULT, state, v.now, &v.parsed()).unwrap();
            decision.commit(|bytes| { stored = *bytes; Ok::<(), Infallible>(()) })
        };
        matches!(log_in(), Ok(found) if found.step == v.step() && found.offset == 0)
            && log_in().is_err()
    };
    whole_decision_refuses_the_neighbouring_digits: |v| {
        let key = v.totp.key(&Secret::new(v.secret).unwrap());
        let wrong = format!("{}{}", &v.code[..v.code.len() - 1], (v.code.as_bytes()[v.code.len() - 1] - b'0' + 1) % 10);
        let decision = decide(&key, &CodePolicy::DEFAULT, State::new(), v.now, &wrong.parse().unwrap()).unwrap();
        decision.commit(|_| Ok::<(), Infallible>(())).is_err()
    };
}

fn found_at(vector: &Vector, our_distance: i64) -> bool {
    let key = vector.totp.key(&Secret::new(vector.secret).unwrap());
    let open = Window::DEFAULT.around(vector.step().saturating_offset(our_distance));
    key.find_without_state(&vector.parsed(), open) == Some(vector.step())
}
