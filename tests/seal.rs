//! Envelopes and keyrings: what was changed, moved, or sealed under another key does not open.
#![cfg(feature = "std")]

use hex_literal::hex;
use proptest::prelude::*;
use sekisho::account::AccountId;
use sekisho::seal::{KeyId, Keyring, Revision, SealError, SealingKey, Stored};
use std::process::Command;

fn rng() -> rand::rngs::StdRng {
    rand::SeedableRng::seed_from_u64(7)
}

fn ring(id: u32, byte: u8) -> Keyring {
    Keyring::new(KeyId::new(id), SealingKey::from_bytes([byte; 32]))
}

fn account(id: &str) -> AccountId {
    AccountId::new(id).unwrap()
}

/// Sealed by libsodium's XChaCha20-Poly1305 from the description of the envelope: what the first
/// release writes, and every later one has to read.
#[test]
fn envelope_of_the_first_release_opens() {
    let key = hex!("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    let ring = Keyring::new(KeyId::new(7), SealingKey::from_bytes(key));
    let stored = Stored {
        revision: Revision::from_bytes(hex!("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf")),
        envelope: hex!("010000000763a4273edf2048ea579a221f7ab72b9145867b6c9d9187a07dd72b09ff032b9fc656582014").to_vec(),
    };
    assert_eq!(ring.open_bytes(&account("alice"), &stored).unwrap().expose(), b"what is kept of alice");
}

proptest! {
    #[test]
    fn what_was_sealed_opens_and_does_not_show(plain in proptest::collection::vec(any::<u8>(), 0..2_000), seed in any::<u64>()) {
        let mut rng: rand::rngs::StdRng = rand::SeedableRng::seed_from_u64(seed);
        let (ring, alice) = (ring(1, 1), account("alice"));
        let stored = ring.seal_bytes(&alice, &plain, &mut rng).unwrap();
        prop_assert_eq!(stored.envelope.len(), plain.len() + 21);
        prop_assert!(plain.len() < 8 || !stored.envelope.windows(8).any(|window| window == &plain[..8]));
        let opened = ring.open_bytes(&alice, &stored).unwrap();
        prop_assert_eq!(opened.expose(), &plain);
        let again = ring.seal_bytes(&alice, &plain, &mut rng).unwrap();
        prop_assert!(again.revision != stored.revision && again.envelope != stored.envelope);
    }
}

#[test]
fn envelope_with_any_bit_flipped_does_not_open() {
    let (ring, alice) = (ring(1, 1), account("alice"));
    let stored = ring.seal_bytes(&alice, b"what is kept", &mut rng()).unwrap();
    for position in 0..stored.envelope.len() {
        for bit in 0..8 {
            let mut flipped = stored.clone();
            flipped.envelope[position] ^= 1 << bit;
            let error = ring.open_bytes(&alice, &flipped).unwrap_err();
            let expected = match position {
                0 => matches!(error, SealError::Version { .. }),
                1..5 => matches!(error, SealError::UnknownKey { .. }),
                _ => matches!(error, SealError::DoesNotOpen),
            };
            assert!(expected, "byte {position}, bit {bit}: {error:?}");
        }
    }
}

#[test]
fn envelope_truncated_at_every_length_or_over_long_does_not_open() {
    let (ring, alice) = (ring(1, 1), account("alice"));
    let stored = ring.seal_bytes(&alice, b"what is kept", &mut rng()).unwrap();
    for length in 0..stored.envelope.len() {
        let cut = Stored { envelope: stored.envelope[..length].to_vec(), ..stored };
        assert!(matches!(ring.open_bytes(&alice, &cut).unwrap_err(), SealError::DoesNotOpen), "{length} bytes");
    }
    let mut long = stored;
    long.envelope.push(0);
    assert!(matches!(ring.open_bytes(&alice, &long).unwrap_err(), SealError::DoesNotOpen));
}

#[test]
fn envelope_moved_to_another_account_or_revision_does_not_open() {
    let (ring, alice) = (ring(1, 1), account("alice"));
    let [first, second] =
        [b"first", b"other"].map(|plain: &[u8; 5]| ring.seal_bytes(&alice, plain, &mut rand_now()).unwrap());
    for other in ["bob", "alic", "alice ", "Alice", "alice\0"] {
        assert!(matches!(ring.open_bytes(&account(other), &first).unwrap_err(), SealError::DoesNotOpen), "{other}");
    }
    let moved = Stored { revision: second.revision, envelope: first.envelope.clone() };
    assert!(matches!(ring.open_bytes(&alice, &moved).unwrap_err(), SealError::DoesNotOpen));
    let mut near = *first.revision.as_bytes();
    for byte in 0..Revision::LEN {
        near[byte] ^= 1;
        let moved = Stored { revision: Revision::from_bytes(near), envelope: first.envelope.clone() };
        assert!(matches!(ring.open_bytes(&alice, &moved).unwrap_err(), SealError::DoesNotOpen), "revision byte {byte}");
        near[byte] ^= 1;
    }
}

fn rand_now() -> impl rand::CryptoRng {
    rand::rand_core::UnwrapErr(rand::rngs::SysRng)
}

#[test]
fn envelope_under_an_unknown_key_or_another_key_of_the_same_id_does_not_open() {
    let alice = account("alice");
    let stored = ring(1, 1).seal_bytes(&alice, b"kept", &mut rng()).unwrap();
    let error = ring(2, 1).open_bytes(&alice, &stored).unwrap_err();
    assert!(matches!(error, SealError::UnknownKey { id } if id.number() == 1));
    assert!(error.to_string().contains("key 1"), "{error}");
    assert!(matches!(ring(1, 2).open_bytes(&alice, &stored).unwrap_err(), SealError::DoesNotOpen));
}

#[test]
fn keys_rotate() {
    let alice = account("alice");
    let old = ring(1, 1);
    let stored = old.seal_bytes(&alice, b"kept", &mut rng()).unwrap();
    // The new key is added everywhere, then made the primary, then the old one goes.
    let added = ring(1, 1).with_older(KeyId::new(2), SealingKey::from_bytes([2; 32])).unwrap();
    let rotated = ring(2, 2).with_older(KeyId::new(1), SealingKey::from_bytes([1; 32])).unwrap();
    assert!(!rotated.is_sealed_under_primary(&stored).unwrap());
    let plain = rotated.open_bytes(&alice, &stored).unwrap();
    let resealed = rotated.seal_bytes(&alice, plain.expose(), &mut rng()).unwrap();
    assert!(rotated.is_sealed_under_primary(&resealed).unwrap());
    for ring in [added, rotated, ring(2, 2)] {
        assert_eq!(ring.open_bytes(&alice, &resealed).unwrap().expose(), b"kept");
    }
}

#[test]
fn the_longest_record_fits_and_a_longer_one_is_refused() {
    let (ring, alice) = (ring(1, 1), account("alice"));
    let plain = vec![7; Keyring::MAX_LEN + 1];
    let stored = ring.seal_bytes(&alice, &plain[1..], &mut rng()).unwrap();
    assert_eq!(stored.envelope.len(), 64 << 10);
    let refused = ring.seal_bytes(&alice, &plain, &mut rng()).unwrap_err();
    assert!(matches!(refused, SealError::TooLong { len } if len == plain.len()));
}

const HEX: &str = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

#[test]
fn keyrings_are_read_from_text_the_primary_first() {
    for text in [format!("2:{HEX},1:{}", "01".repeat(32)), format!("# keys\r\n\n 2:{HEX} \r\n1:{}\n", "01".repeat(32))]
    {
        let ring = Keyring::parse(&text).unwrap();
        assert_eq!(format!("{ring:?}"), "Keyring { primary: 2, older: [1] }");
        let stored = self::ring(1, 1).seal_bytes(&account("alice"), b"kept", &mut rng()).unwrap();
        assert!(ring.open_bytes(&account("alice"), &stored).is_ok());
    }
}

#[test]
fn keyrings_are_read_with_what_editors_and_shells_put_around_them() {
    for text in [
        format!("\u{feff}2:{HEX}\r\n"),
        format!("\"2:{HEX}\""),
        format!("'2:{HEX}'\n"),
        format!("\u{feff}\"2:{HEX}\r\n1:{}\"\r\n", "01".repeat(32)),
    ] {
        assert_eq!(Keyring::parse(&text).unwrap().primary_id().number(), 2, "{text:?}");
    }
    for text in [format!("\"2:{HEX}"), format!("2:{HEX}'"), format!("\"2:{HEX}'"), format!("2:\"{HEX}\"")] {
        assert!(matches!(Keyring::parse(&text).unwrap_err(), SealError::KeyEntry { number: 1 }), "{text:?}");
    }
    assert!(matches!(Keyring::parse("\"").unwrap_err(), SealError::KeyEntry { number: 1 }));
    assert!(matches!(Keyring::parse("\"\"").unwrap_err(), SealError::NoKeys));
}

#[test]
fn keyrings_pass_over_whole_lines_of_comment() {
    let text = format!("# old, and not to be used: 8:{HEX},9:{HEX}\n  #7:{HEX},6:{HEX}\n2:{HEX}");
    assert_eq!(format!("{:?}", Keyring::parse(&text).unwrap()), "Keyring { primary: 2, older: [] }");
}

#[test]
fn keyrings_that_are_wrong_are_refused_by_the_number_of_the_entry() {
    for text in ["", "\n# nothing\n ,", "   "] {
        assert!(matches!(Keyring::parse(text).unwrap_err(), SealError::NoKeys), "{text:?}");
    }
    let short = &HEX[1..];
    let wrong = [
        HEX.to_string(),
        format!(":{HEX}"),
        format!("x:{HEX}"),
        format!("+1:{HEX}"),
        format!("4294967296:{HEX}"),
        format!("1:{short}"),
        format!("1:{HEX}00"),
        format!("1:{short}g"),
        format!("1 :{HEX}"),
        "1:".to_string(),
    ];
    for entry in wrong {
        let error = Keyring::parse(&format!("7:{HEX}\n{entry}")).unwrap_err();
        assert!(matches!(error, SealError::KeyEntry { number: 2 }), "{entry}: {error}");
        assert!(!format!("{error} {error:?}").contains("0011"), "nothing of the key is repeated");
    }
    let twice = Keyring::parse(&format!("7:{HEX},7:{HEX}")).unwrap_err();
    assert!(matches!(twice, SealError::DuplicateKey { id } if id.number() == 7));
}

#[test]
fn keyrings_are_read_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    assert!(matches!(Keyring::from_file(&path).unwrap_err(), SealError::Unreadable { .. }));
    std::fs::write(&path, format!("3:{HEX}\n")).unwrap();
    assert_eq!(Keyring::from_file(&path).unwrap().primary_id().number(), 3);
    std::fs::write(&path, [0xff; 80]).unwrap();
    assert!(matches!(Keyring::from_file(&path).unwrap_err(), SealError::KeyEntry { number: 1 }));
    std::fs::write(&path, format!("3:{HEX}\n{}", "#".repeat(64 << 10))).unwrap();
    assert!(Keyring::from_file(&path).is_err(), "over 64 KiB");
}

#[test]
fn keyrings_are_read_from_the_environment() {
    let child = |value: Option<&str>| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "in_a_child", "--nocapture"]).env("SEKISHO_CHILD", "1").env_remove("SEKISHO_KEYS");
        value.map(|value| child.env("SEKISHO_KEYS", value));
        String::from_utf8(child.output().unwrap().stdout).unwrap()
    };
    assert!(child(Some(&format!("3:{HEX}"))).contains("primary 3"));
    assert!(child(None).contains("SEKISHO_KEYS is not set"));
    assert!(child(Some("3:00")).contains("entry 1 of the keyring"));
}

/// What the child of the test above does; nothing when run by itself.
#[test]
fn in_a_child() {
    if std::env::var_os("SEKISHO_CHILD").is_some() {
        match Keyring::from_env("SEKISHO_KEYS") {
            Ok(ring) => println!("primary {}", ring.primary_id().number()),
            Err(error) => println!("{error}"),
        }
    }
}

#[test]
fn debug_shows_no_key() {
    assert_eq!(format!("{:?}", SealingKey::generate(&mut rng())), "SealingKey(..)");
}
