//! otpauth URIs as apps and other services write and read them.
#![cfg(feature = "alloc")]

use sekisho::otp::{Algorithm, Digits, Field, OtpauthUri, Period, Secret, Totp, UnixTime, UriError};

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn secret() -> Secret {
    Secret::from_base32(SECRET).unwrap()
}

fn build(issuer: &str, account: &str) -> Result<String, UriError> {
    Ok(OtpauthUri::new(issuer, account, secret(), Totp::DEFAULT)?.to_text().expose().clone())
}

#[test]
fn defaults_are_left_out_unless_asked_for() {
    let uri = OtpauthUri::new("Example", "alice", secret(), Totp::DEFAULT).unwrap();
    let short = format!("otpauth://totp/Example:alice?secret={SECRET}&issuer=Example");
    assert_eq!(uri.to_text().expose(), &short);
    assert_eq!(uri.to_text_with_defaults().expose(), &format!("{short}&algorithm=SHA1&digits=6&period=30"));
}

#[test]
fn other_parameters_are_written() {
    let totp = Totp {
        algorithm: Algorithm::Sha512,
        digits: Digits::Eight,
        period: Period::from_secs(60).unwrap(),
        ..Totp::DEFAULT
    };
    let uri = OtpauthUri::new("Example", "alice", secret(), totp).unwrap();
    assert!(uri.to_text().expose().ends_with("&issuer=Example&algorithm=SHA512&digits=8&period=60"));
    assert_eq!(OtpauthUri::parse(uri.to_text().expose()).unwrap().totp(), totp);
}

#[test]
fn names_of_all_kinds_survive() {
    let names = ["日本語の取引所", "A & B = C?", "100 %", "a+b@例え.jp", "Ünïcödé 🎉", "a/b\\c#d\"e'f", "~-._"];
    for issuer in names {
        for account in names {
            let text = build(issuer, account).unwrap();
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && !b"+\"#\\".contains(&byte)), "{text}");
            let read = OtpauthUri::parse(&text).unwrap();
            assert_eq!((read.issuer(), read.label_issuer(), read.account()), (Some(issuer), Some(issuer), account));
            assert!(*read.secret() == secret());
        }
    }
}

#[test]
fn names_that_apps_misread_are_refused() {
    assert_eq!(build("A:B", "alice"), Err(UriError::Ambiguous(Field::Issuer)));
    assert_eq!(build("A", "al:ice"), Err(UriError::Ambiguous(Field::Account)));
    assert_eq!(build("A", ""), Err(UriError::Missing(Field::Account)));
    assert_eq!(build("", "alice"), Err(UriError::Missing(Field::Issuer)));
    assert_eq!(build(" A", "alice"), Err(UriError::Ambiguous(Field::Issuer)));
    assert_eq!(build("A", "alice\n"), Err(UriError::Ambiguous(Field::Account)));
    assert_eq!(build("A", &"a".repeat(255)), Err(UriError::TooLong(Field::Account)));
    assert_eq!(build(&"語".repeat(33), "a"), Err(UriError::TooLong(Field::Issuer)));
    let late = Totp { t0: UnixTime::from_secs(1), ..Totp::DEFAULT };
    assert_eq!(OtpauthUri::new("A", "a", secret(), late).unwrap_err(), UriError::T0);
}

#[test]
fn a_differing_label_issuer_stays_readable() {
    let uri =
        OtpauthUri::parse(&format!("otpauth://totp/Old%20name:%20alice?secret={SECRET}&issuer=New+name")).unwrap();
    assert_eq!((uri.issuer(), uri.label_issuer(), uri.account()), (Some("New name"), Some("Old name"), "alice"));
    let again = uri.to_text().expose().parse::<OtpauthUri>().unwrap();
    assert_eq!((again.issuer(), again.label_issuer()), (Some("New name"), Some("Old name")));
}

#[test]
fn an_issuer_in_one_place_only_is_enough_and_none_is_allowed() {
    let in_label = OtpauthUri::parse(&format!("otpauth://totp/A:alice?secret={SECRET}")).unwrap();
    assert_eq!((in_label.issuer(), in_label.account()), (Some("A"), "alice"));
    let encoded_colon = OtpauthUri::parse(&format!("otpauth://totp/A%3Aalice?secret={SECRET}")).unwrap();
    assert_eq!((encoded_colon.issuer(), encoded_colon.account()), (Some("A"), "alice"));
    let none = OtpauthUri::parse(&format!("otpauth://totp/a+b@example.com?secret={SECRET}")).unwrap();
    assert_eq!((none.issuer(), none.account()), (None, "a+b@example.com"));
}

#[test]
fn foreign_spellings_are_read() {
    let uri = format!(
        "OTPAUTH://TOTP/alice?image=https%3A%2F%2Fa&secret={}&Algorithm=sha256&lock&&DIGITS=8",
        SECRET.to_lowercase()
    );
    let read = OtpauthUri::parse(&uri).unwrap();
    assert_eq!((read.totp().algorithm, read.totp().digits), (Algorithm::Sha256, Digits::Eight));
    assert!(*read.secret() == secret());
}

#[test]
fn a_legacy_secret_is_read_by_its_own_call_only() {
    let uri = "otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQ";
    assert!(OtpauthUri::parse(uri).is_err());
    let read = OtpauthUri::parse_with_legacy_secret(uri).unwrap();
    assert!(read.secret().is_legacy());
    assert!(OtpauthUri::new("Example", "alice", read.secret().clone(), Totp::DEFAULT).is_err());
}

#[test]
fn debug_shows_no_secret() {
    let uri = OtpauthUri::new("Example", "alice", secret(), Totp::DEFAULT).unwrap();
    assert!(!format!("{uri:?} {:?}", uri.to_text()).contains(SECRET));
}
