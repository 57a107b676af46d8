//! Envelopes and keyrings: what was changed, moved, or sealed under another key does not open.
#![cfg(feature = "std")]

use hex_literal::hex;
use proptest::prelude::*;
use sekisho::account::{Account, AccountId};
use sekisho::otp::UnixTime;
use sekisho::seal::{KeyId, Keyring, KeyringHandle, Revision, SealError, SealingKey, Stored};
use std::process::Command;

/// The test that a child process runs, by its whole name.
const IN_A_CHILD: &str = "seal::in_a_child";

fn rng() -> rand::rngs::StdRng {
    rand::SeedableRng::seed_from_u64(7)
}

fn ring(id: u32, byte: u8) -> Keyring {
    Keyring::new(KeyId::new(id), key(byte))
}

fn key_bytes(byte: u8) -> [u8; 32] {
    core::array::from_fn(|place| byte ^ u8::try_from(place).unwrap())
}

fn key(byte: u8) -> SealingKey {
    SealingKey::from_bytes(key_bytes(byte)).unwrap()
}

fn account(id: &str) -> AccountId {
    AccountId::new(id).unwrap()
}

const KEY: [u8; 32] = hex!("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");

/// Sealed by libsodium's XChaCha20-Poly1305 from the description of the envelope: what the first
/// release writes, and every later one has to read.
#[test]
fn envelopes_of_the_first_release_open() {
    let ring = Keyring::new(KeyId::new(7), SealingKey::from_bytes(KEY).unwrap());
    let revision = Revision::from_bytes(hex!("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"));
    let stored = |envelope: &[u8]| Stored { revision, envelope: envelope.to_vec() };
    let bytes = hex!("010000000763a4273edf2048ea579a221f7ab72b9145867b6c9dbc2140d876f033ef52fcb087ab43587a");
    assert_eq!(ring.open_bytes(&account("alice"), &stored(&bytes)).unwrap().expose(), b"what is kept of alice");
    let record = hex!("0100000007abcc4748e64adcce3d006de10bceedb514bb7ef06580d3d1968e");
    assert!(ring.open(&account("alice"), stored(&record)).is_ok());
}

#[test]
fn neither_a_record_nor_bytes_open_in_the_place_of_the_other() {
    let (ring, alice) = (ring(1, 1), account("alice"));
    let change = Account::create(alice.clone(), UnixTime::from_secs(1_800_000_000), &mut rng());
    let record = ring.seal(change, &mut rng()).unwrap().0.unwrap().new;
    assert!(ring.open(&alice, record.clone()).is_ok());
    assert!(matches!(ring.open_bytes(&alice, &record).unwrap_err(), SealError::DoesNotOpen));
    let bytes = ring.seal_bytes(&alice, &[0xbf, 0x00, 0x01, 0xff], &mut rng()).unwrap();
    assert!(matches!(ring.open(&alice, bytes).unwrap_err(), SealError::DoesNotOpen));
}

#[test]
fn a_label_has_keys_of_its_own_and_one_tenants_record_is_no_others() {
    let (ring, alice) = (ring(1, 1).with_older(KeyId::new(2), key(2)).unwrap(), account("alice"));
    let labels = ["notes", "tenant 7", "tenant 77"].map(|label| ring.of(label).unwrap());
    let rings = [&ring, &labels[0], &labels[1], &labels[2]];
    for (place, sealing) in rings.iter().enumerate() {
        let stored = sealing.seal_bytes(&alice, b"kept", &mut rng()).unwrap();
        for (other, opening) in rings.iter().enumerate() {
            assert_eq!(opening.open_bytes(&alice, &stored).is_ok(), place == other, "{place} in {other}");
        }
    }
    // A rotation carries the labels along.
    let old = self::ring(2, 2).of("notes").unwrap().seal_bytes(&alice, b"kept", &mut rng()).unwrap();
    assert!(labels[0].open_bytes(&alice, &old).is_ok());
    for label in ["", &"a".repeat(65)] {
        assert!(matches!(ring.of(label).unwrap_err(), SealError::Label { len } if len == label.len()));
    }
}

/// HMAC-SHA256 by Python's `hmac` over `sekisho label notes` and 0x01 (RFC 5869 §2.3).
#[test]
fn the_key_of_a_label_is_hkdf_expand() {
    let derived = hex!("e1b41130b38df1c49bb2a9e3366acdeb500640a3b837b973d25434366884305a");
    let alone = Keyring::new(KeyId::new(7), SealingKey::from_bytes(derived).unwrap());
    let ring = Keyring::new(KeyId::new(7), SealingKey::from_bytes(KEY).unwrap()).of("notes").unwrap();
    let stored = ring.seal_bytes(&account("alice"), b"kept", &mut rng()).unwrap();
    assert_eq!(alone.open_bytes(&account("alice"), &stored).unwrap().expose(), b"kept");
}

#[test]
fn a_key_of_one_repeated_byte_is_refused() {
    for byte in 0..=255 {
        assert!(matches!(SealingKey::from_bytes([byte; 32]), Err(SealError::WeakKey)));
        let text = format!("1:{}", hex::encode([byte; 32]));
        assert!(matches!(Keyring::parse(&text), Err(SealError::WeakKey)), "{text}");
    }
    for place in 0..32 {
        let mut key = [7; 32];
        key[place] = 8;
        assert!(SealingKey::from_bytes(key).is_ok(), "{place}");
    }
}

#[test]
fn a_ring_is_exchanged_only_for_one_that_opens_what_was_written() {
    let handle = KeyringHandle::new(ring(1, 1));
    let same = handle.clone();
    let rotated = || ring(2, 2).with_older(KeyId::new(1), key(1)).unwrap();
    // Without the primary key, and with another one under its id.
    for wrong in [ring(2, 2), ring(1, 3), ring(2, 2).with_older(KeyId::new(1), key(3)).unwrap()] {
        let refused = handle.exchange(wrong).unwrap_err();
        assert!(matches!(refused, SealError::PrimaryMissing { id } if id.number() == 1), "{refused}");
    }
    assert_eq!(same.get().primary_id().number(), 1);
    handle.exchange(rotated()).unwrap();
    assert_eq!(same.get().primary_id().number(), 2);
    handle.exchange(ring(2, 2)).unwrap();
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
    let added = ring(1, 1).with_older(KeyId::new(2), key(2)).unwrap();
    let rotated = ring(2, 2).with_older(KeyId::new(1), key(1)).unwrap();
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
    let older = hex::encode(key_bytes(1));
    for text in [format!("2:{HEX},1:{older}"), format!("# keys\r\n\n 2:{HEX} \r\n1:{older}\n")] {
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
        format!("\u{feff}\"2:{HEX}\r\n1:{}\"\r\n", "0123".repeat(16)),
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
        child.args(["--exact", IN_A_CHILD, "--nocapture"]).env("SEKISHO_CHILD", "1").env_remove("SEKISHO_KEYS");
        value.map(|value| child.env("SEKISHO_KEYS", value));
        String::from_utf8(child.output().unwrap().stdout).unwrap()
    };
    assert!(child(Some(&format!("3:{HEX}"))).contains("primary 3"));
    assert!(child(None).contains("SEKISHO_KEYS is not set"));
    assert!(child(Some("3:00")).contains("entry 1 of the keyring"));
}

/// Does what the child of the test above does; nothing when run by itself.
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
