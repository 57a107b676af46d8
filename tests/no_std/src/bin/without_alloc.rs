//! The RFC 6238 vectors and whole decisions, with no heap: linking an allocator in would fail.
#![no_std]
#![no_main]

use core::convert::Infallible;
use sekisho::otp::{
    Algorithm, Code, CodePolicy, Digits, NotAccepted, Rejection, Secret, State, Totp, UnixTime, decide,
};
use sekisho_no_std as _;
use subtle::ConstantTimeEq;

const SECRET: &[u8; 64] = b"1234567890123456789012345678901234567890123456789012345678901234";

/// RFC 6238 appendix B: time, and the codes by SHA-1, SHA-256, SHA-512.
const VECTORS: [(u64, [&str; 3]); 6] = [
    (59, ["94287082", "46119246", "90693936"]),
    (1_111_111_109, ["07081804", "68084774", "25091201"]),
    (1_111_111_111, ["14050471", "67062674", "99943326"]),
    (1_234_567_890, ["89005924", "91819424", "93441116"]),
    (2_000_000_000, ["69279037", "90698825", "38618901"]),
    (20_000_000_000, ["65353130", "77737706", "47863826"]),
];

#[unsafe(no_mangle)]
fn program() {
    for (now, codes) in VECTORS {
        for (algorithm, code) in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512].into_iter().zip(codes) {
            let secret = Secret::new(&SECRET[..algorithm.secret_len()]).unwrap();
            let key = Totp { algorithm, digits: Digits::Eight, ..Totp::DEFAULT }.key(&secret);
            let (now, code) = (UnixTime::from_secs(now), Code::parse(code).unwrap());
            let step = key.totp().step_at(now).unwrap();
            assert!(bool::from(key.code_at(step).ct_eq(&code)));

            let mut stored = State::new().to_bytes();
            let mut log_in = || {
                let decision = decide(&key, &CodePolicy::DEFAULT, State::from_bytes(&stored).unwrap(), now, &code);
                decision.unwrap().commit(|bytes| {
                    stored = *bytes;
                    Ok::<(), Infallible>(())
                })
            };
            assert!(matches!(log_in(), Ok(found) if found.step == step));
            assert!(matches!(log_in(), Err(NotAccepted::Rejected(Rejection::Replayed { .. }))));
        }
    }
}
