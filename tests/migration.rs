//! Exports of Google Authenticator, and what can be imported of them.
#![cfg(all(feature = "migration", feature = "test-kit"))]

use crate::phone::{Phone, T, at, keyring};
use base64ct::{Base64, Encoding};
use proptest::prelude::*;
use sekisho::Verifier;
use sekisho::account::{AccountId, Attempt, AuthenticatorKind, NewAuthenticator, Purpose};
use sekisho::otp::{Algorithm, Digits, Field, Migration, OtpauthUri, Secret, SecretError, Totp, UriError};
use sekisho::store::MemoryStore;
use sekisho::test_kit::TestClock;

/// A field of a protocol buffer: a number, or bytes.
fn number(field: u8, mut value: u64) -> Vec<u8> {
    let mut bytes = vec![field << 3];
    while value > 0x7f {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

fn bytes(field: u8, value: &[u8]) -> Vec<u8> {
    let mut all = number(field, u64::try_from(value.len()).unwrap());
    all[0] |= 2;
    all.extend_from_slice(value);
    all
}

struct Entry<'a> {
    secret: &'a [u8],
    name: &'a str,
    issuer: &'a str,
    numbers: [u64; 3],
}

const PLAIN: Entry = Entry { secret: &[7; 20], name: "alice@example.com", issuer: "Example", numbers: [1, 1, 2] };

fn export(entries: &[Entry], batch: [u64; 3]) -> String {
    let mut payload = Vec::new();
    for Entry { secret, name, issuer, numbers: [algorithm, digits, kind] } in entries {
        let fields = [bytes(1, secret), bytes(2, name.as_bytes()), bytes(3, issuer.as_bytes())].concat();
        let numbers = [number(4, *algorithm), number(5, *digits), number(6, *kind), number(7, 0)].concat();
        payload.extend(bytes(1, &[fields, numbers].concat()));
    }
    let [size, index, id] = batch;
    payload.extend([number(2, 1), number(3, size), number(4, index), number(5, id)].concat());
    let text = Base64::encode_string(&payload).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("otpauth-migration://offline?data={text}")
}

fn one(entry: Entry) -> Result<OtpauthUri, UriError> {
    let migration = Migration::parse(&export(&[entry], [1, 0, 0])).unwrap();
    assert_eq!(migration.entries().count(), 1);
    let text = format!("{migration:?}");
    assert!(!text.contains("7, 7, 7"), "no secret is shown");
    match &migration.entries().next().unwrap().taken {
        Ok(uri) => Ok(OtpauthUri::parse(uri.to_text().expose()).unwrap()),
        Err(why) => Err(*why),
    }
}

#[test]
fn what_the_app_exports_is_read() {
    // An export that is quoted all over the web.
    let uri = "otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8SGEV4YW1wbGU6YWxpY2VAZ29vZ2xlLmNvbRoHRXhhbXBsZTAC";
    let migration = Migration::parse_with_legacy_secrets(uri).unwrap();
    let entry = migration.entries().next().unwrap();
    let taken = entry.taken.as_ref().unwrap();
    assert_eq!(taken.secret().expose(), b"Hello!\xde\xad\xbe\xef");
    assert_eq!((taken.issuer(), taken.account(), taken.totp()), (Some("Example"), "alice@google.com", Totp::DEFAULT));
    let strict = Migration::parse(uri).unwrap();
    assert!(matches!(strict.entries().next().unwrap().taken, Err(UriError::Secret(SecretError::TooShort { len: 10 }))));
    assert_eq!(strict.entries().next().unwrap().label, "Example:alice@google.com");
}

#[test]
fn what_mails_and_forms_make_of_it_is_read() {
    let with_plus = Entry { secret: &[0xfb; 20], ..PLAIN };
    let uri = export(&[with_plus], [1, 0, 0]);
    let broken = uri.replace("%2B", " ");
    assert!(uri.contains("%2B") && broken.contains(' '));
    for text in [broken, format!("{uri}\r\n"), format!(" {}\n{}", &uri[..80], &uri[80..])] {
        let migration = Migration::parse(&text).unwrap();
        let taken = migration.entries().next().unwrap().taken.as_ref().unwrap();
        assert_eq!(taken.secret().expose(), [0xfb; 20], "{text}");
    }
}

#[test]
fn parameters_are_read() {
    let uri = one(PLAIN).unwrap();
    assert_eq!(
        (uri.issuer(), uri.account(), uri.secret().expose()),
        (Some("Example"), "alice@example.com", [7; 20].as_slice())
    );
    let totp = |numbers| one(Entry { numbers, ..PLAIN }).map(|uri| uri.totp());
    assert_eq!(totp([0, 0, 0]), Ok(Totp::DEFAULT), "what is not said");
    assert_eq!(totp([2, 2, 2]), Ok(Totp { algorithm: Algorithm::Sha256, digits: Digits::Eight, ..Totp::DEFAULT }));
    assert_eq!(totp([3, 1, 2]), Ok(Totp { algorithm: Algorithm::Sha512, ..Totp::DEFAULT }));
    let labeled = one(Entry { name: "日本語の取引所: bob", issuer: "", ..PLAIN }).unwrap();
    assert_eq!((labeled.issuer(), labeled.account()), (Some("日本語の取引所"), "bob"));
}

#[test]
fn what_cannot_be_taken_is_reported_one_by_one() {
    let why = |entry| one(entry).unwrap_err();
    assert_eq!(why(Entry { numbers: [1, 1, 1], ..PLAIN }), UriError::Hotp);
    assert_eq!(why(Entry { numbers: [4, 1, 2], ..PLAIN }), UriError::OutOfRange(Field::Algorithm));
    assert_eq!(why(Entry { numbers: [1, 3, 2], ..PLAIN }), UriError::OutOfRange(Field::Digits));
    assert_eq!(why(Entry { secret: &[7; 129], ..PLAIN }), UriError::Secret(SecretError::TooLong));
    assert_eq!(why(Entry { secret: &[], ..PLAIN }), UriError::Secret(SecretError::TooShort { len: 0 }));
    assert!(matches!(why(Entry { name: "", issuer: "", ..PLAIN }), UriError::Missing(_)));
    let hotp = Entry { numbers: [1, 1, 1], name: "counter", ..PLAIN };
    let migration = Migration::parse(&export(&[PLAIN, hotp, Entry { name: "bob", ..PLAIN }], [1, 0, 0])).unwrap();
    let taken: Vec<_> = migration.entries().map(|entry| (entry.label.as_str(), entry.taken.is_ok())).collect();
    assert_eq!(
        taken,
        [("alice@example.com", true), ("counter", false), ("bob", true)],
        "one does not spoil the others"
    );
}

#[test]
fn batches_are_joined_in_any_order_and_the_missing_ones_named() {
    let batch = |index: u64, id| {
        Migration::parse(&export(
            &[Entry { name: ["a", "b", "c"][usize::try_from(index).unwrap()], ..PLAIN }],
            [3, index, id],
        ))
        .unwrap()
    };
    let joined = batch(2, 77).join(batch(0, 77)).unwrap();
    assert_eq!(joined.missing().collect::<Vec<_>>(), [1]);
    // Scanned again: nothing is there twice.
    let joined = joined.join(batch(0, 77)).unwrap();
    assert_eq!(joined.entries().count(), 2);
    assert_eq!(joined.join(batch(1, 78)).unwrap_err(), UriError::OtherExport);
    let all = batch(0, 77).join(batch(1, 77)).unwrap().join(batch(2, 77)).unwrap();
    assert_eq!((all.missing().count(), all.entries().count()), (0, 3));
}

#[test]
fn what_is_no_export_is_refused() {
    let refused = |text: &str| Migration::parse(text).unwrap_err();
    for text in
        ["", "otpauth://totp/a?secret=b", "otpauth-migration://online?data=", "otpauth-migration://offline?date=x"]
    {
        assert_eq!(refused(text), UriError::NotMigration, "{text}");
    }
    let whole = export(&[PLAIN], [1, 0, 0]);
    assert!(Migration::parse(&whole.replacen("otpauth", "OTPAUTH", 1)).is_ok());
    let start = whole.find("data=").unwrap() + 5;
    for text in ["*", "AAAA", &whole[start..start + 20], "%ff%fe"] {
        assert_eq!(refused(&format!("otpauth-migration://offline?data={text}")), UriError::Corrupt, "{text}");
    }
    for batch in [[1, 1, 0], [0, 1, 0], [129, 0, 0], [u64::MAX, 0, 0]] {
        assert_eq!(refused(&export(&[PLAIN], batch)), UriError::Corrupt, "{batch:?}");
    }
    assert_eq!(
        refused(&format!("otpauth-migration://offline?data={}", "A".repeat(8 << 10))),
        UriError::TooLong(Field::Uri)
    );
}

proptest! {
    #[test]
    fn nothing_panics(text in ".{0,80}", data in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Migration::parse(&text);
        let _ = Migration::parse(&format!("otpauth-migration://offline?data={text}"));
        let _ = Migration::parse(&format!("otpauth-migration://offline?data={}", Base64::encode_string(&data)));
    }
}

#[tokio::test]
async fn an_entry_is_imported_its_steps_so_far_count_as_used_and_a_legacy_one_is_marked() {
    let clock = TestClock::at(at(T));
    let verifier =
        Verifier::builder(MemoryStore::new(), keyring()).clock(clock.clone()).without_notifications().build();
    let alice = AccountId::new("alice").unwrap();
    let short = Entry { secret: &[9; 10], ..PLAIN };
    let migration = Migration::parse_with_legacy_secrets(&export(&[short], [1, 0, 0])).unwrap();
    let uri = migration.entries().next().unwrap().taken.as_ref().unwrap();
    assert!(NewAuthenticator::imported(uri).is_err(), "not without saying so");
    let new = NewAuthenticator::imported_with_legacy_secret(uri).unwrap();
    verifier.create_account(&alice).await.unwrap();
    let _ = verifier.enroll_first(&alice, new).await.unwrap();
    let phone = Phone::with(&Secret::new_legacy(&[9; 10]).unwrap(), Totp::DEFAULT);
    let confirm = async |code: &str| verifier.confirm(&alice, Attempt::new(Purpose::BINDING, code)).await;
    assert!(confirm(&phone.shows(T, 0)).await.is_err(), "may have been used there");
    clock.advance(30);
    assert!(confirm(&phone.shows(T + 30, 0)).await.is_ok());
    let view = verifier.view(&alice).await.unwrap();
    assert!(matches!(view.authenticators[0].kind, AuthenticatorKind::App { is_legacy: true, .. }));
    // A base32 key of 80 bits comes the same way; one of 160 is not marked.
    let key = Secret::from_legacy_base32("GEZDGNBVGY3TQOJQ").unwrap();
    let uri = OtpauthUri::new_with_legacy_secret("Example", "bob", key, Totp::DEFAULT).unwrap();
    assert!(NewAuthenticator::imported(&uri).is_err() && NewAuthenticator::imported_with_legacy_secret(&uri).is_ok());
    let key = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
    let bob = AccountId::new("bob").unwrap();
    let new = NewAuthenticator::imported(&OtpauthUri::new("Example", "bob", key.clone(), Totp::DEFAULT).unwrap());
    verifier.create_account(&bob).await.unwrap();
    let _ = verifier.enroll_first(&bob, new.unwrap()).await.unwrap();
    clock.advance(30);
    let code = Phone::with(&key, Totp::DEFAULT).shows(T + 60, 0);
    assert!(verifier.confirm(&bob, Attempt::new(Purpose::BINDING, &code)).await.is_ok());
    let view = verifier.view(&bob).await.unwrap();
    assert!(matches!(view.authenticators[0].kind, AuthenticatorKind::App { is_legacy: false, .. }));
}
