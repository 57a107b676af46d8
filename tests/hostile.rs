//! Inputs that nobody means well with: each gets a clear error, none panics, none is repeated in an
//! error.
#![cfg(feature = "alloc")]

use sekisho::otp::{Code, CodeError, Field, OtpauthUri, Secret, SecretError, State, Step, StoredError, UriError};

fn code(text: &str) -> Result<String, CodeError> {
    text.parse::<Code>().map(|code| code.reveal().to_string())
}

/// A test for each code: its name says what is typed.
macro_rules! codes {
    ($($name:ident: $text:expr => $expected:expr;)+) => {$(
        #[test]
        fn $name() {
            assert_eq!(code($text), $expected.map(str::to_string));
        }
    )+};
}

codes! {
    code_empty: "" => Err(CodeError::Length);
    code_of_blanks_only: "  - \u{3000}" => Err(CodeError::Length);
    code_of_5_digits: "12345" => Err(CodeError::Length);
    code_of_9_digits: "123456789" => Err(CodeError::Length);
    code_of_6_digits: "000000" => Ok::<_, CodeError>("000000");
    code_of_7_digits: "0123456" => Ok::<_, CodeError>("0123456");
    code_of_8_digits: "99999999" => Ok::<_, CodeError>("99999999");
    code_in_groups: " 123-456 " => Ok::<_, CodeError>("123456");
    code_with_full_width_digits: "１２３\u{3000}４５６" => Ok::<_, CodeError>("123456");
    code_in_mixed_widths: "１2３4５6" => Ok::<_, CodeError>("123456");
    code_with_letters: "12345a" => Err(CodeError::Character { position: 5 });
    code_in_hexadecimal: "0x1234" => Err(CodeError::Character { position: 1 });
    code_with_emoji: "12345🎉" => Err(CodeError::Character { position: 5 });
    code_with_keycap_emoji: "1️⃣23456" => Err(CodeError::Character { position: 2 });
    code_with_nul: "123456\0" => Err(CodeError::Character { position: 6 });
    code_with_newline: "123456\n" => Ok::<_, CodeError>("123456");
    code_with_plus_sign: "+123456" => Err(CodeError::Character { position: 0 });
    code_with_minus_sign_of_mathematics: "−123456" => Ok::<_, CodeError>("123456");
    code_with_decimal_point: "1234.56" => Err(CodeError::Character { position: 4 });
    code_in_arabic_indic_digits: "١٢٣٤٥٦" => Ok::<_, CodeError>("123456");
    code_in_two_scripts: "123٤٥٦" => Err(CodeError::Scripts { position: 3 });
    code_in_devanagari_digits: "१२३४५६" => Ok::<_, CodeError>("123456");
    code_in_mathematical_digits: "𝟏𝟐𝟑𝟒𝟓𝟔" => Err(CodeError::Character { position: 0 });
    code_in_superscript_digits: "¹²³⁴⁵⁶" => Err(CodeError::Character { position: 0 });
    code_in_kanji_digits: "一二三四五六" => Err(CodeError::Character { position: 0 });
    code_with_zero_width_space: "123\u{200b}456" => Ok::<_, CodeError>("123456");
    code_with_right_to_left_override: "\u{202e}123456" => Ok::<_, CodeError>("123456");
    code_of_a_million_digits: &"1".repeat(1_000_000) => Err(CodeError::TooLong);
    code_of_a_million_blanks: &" ".repeat(1_000_000) => Err(CodeError::TooLong);
    code_of_128_bytes: &format!("{}123456", " ".repeat(122)) => Ok::<_, CodeError>("123456");
    code_of_129_bytes: &format!("{}123456", " ".repeat(123)) => Err(CodeError::TooLong);
}

#[test]
fn code_errors_and_debug_repeat_nothing() {
    let error = "hunter2".parse::<Code>().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter"));
    let code: Code = "271828".parse().unwrap();
    assert!(!format!("{code:?} {:?}", code.reveal()).contains("271828"));
}

fn base32(text: &str) -> Result<usize, SecretError> {
    Secret::from_base32(text).map(|secret| secret.expose().len())
}

/// Sixteen bytes: 26 characters, the last of which carries two spare bits.
const SIXTEEN: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY";

#[test]
fn base32_forgives_case_blanks_hyphens_and_padding() {
    for text in [SIXTEEN, &SIXTEEN.to_lowercase(), " gezd-gnbv gy3t QOJQ gezd gnbv gy ", &format!("{SIXTEEN}======")] {
        assert_eq!(base32(text), Ok(16), "{text}");
    }
}

#[test]
fn base32_of_every_length_reads_back() {
    let bytes: Vec<u8> = (0..128_u8).map(|i| i.wrapping_mul(151).wrapping_add(13)).collect();
    for len in 10..=128 {
        let secret = Secret::new_legacy(&bytes[..len]).unwrap();
        let read =
            [secret.to_base32(), secret.to_base32_groups()].map(|text| Secret::from_legacy_base32(text.expose()));
        assert!(read.iter().all(|read| read.as_ref() == Ok(&secret)), "{len} bytes");
    }
}

#[test]
fn base32_with_foreign_characters_names_the_position() {
    for (text, position) in [("GEZD0NBV", 4), ("GEZD1NBV", 4), ("8", 0), ("GEZDGNB🎉", 7), ("GEZ\0", 3), ("ＧEZD", 0)]
    {
        assert_eq!(base32(text), Err(SecretError::Character { position }), "{text}");
    }
}

#[test]
fn base32_behind_padding_is_refused() {
    assert_eq!(base32("GEZDGNBV=GY3TQOJQ"), Err(SecretError::Character { position: 9 }));
}

#[test]
fn base32_of_impossible_lengths_is_refused() {
    for cut in [1, 3, 6] {
        let text = &SIXTEEN[..24][..16 + cut];
        assert_eq!(base32(text), Err(SecretError::Base32Length { characters: 16 + cut }), "{text}");
    }
}

#[test]
fn base32_with_trailing_bits_is_refused_with_the_position() {
    assert_eq!(base32("GEZDGNBVGY3TQOJQGEZDGNBVGZ"), Err(SecretError::TrailingBits { position: 25 }));
    assert_eq!(base32("GEZD GNBV GY3T QOJQ GEZD GNBV GZ=="), Err(SecretError::TrailingBits { position: 31 }));
}

#[test]
fn base32_too_short_too_long_and_empty_is_refused() {
    assert_eq!(base32(""), Err(SecretError::TooShort { len: 0 }));
    assert_eq!(base32("GEZDGNBVGY3TQOJQ"), Err(SecretError::TooShort { len: 10 }));
    assert_eq!(base32(&"A".repeat(1_000_000)), Err(SecretError::TooLong));
    assert!(Secret::from_legacy_base32("GEZDGNBVGY3TQOJQ").unwrap().is_legacy());
    assert_eq!(Secret::from_legacy_base32("GEZDGNBV"), Err(SecretError::TooShort { len: 5 }));
    assert_eq!(Secret::new(&[0; 15]), Err(SecretError::TooShort { len: 15 }));
    assert_eq!(Secret::new(&[0; 129]), Err(SecretError::TooLong));
    assert!(Secret::new(&[0; 16]).is_ok() && Secret::new(&[0; 128]).is_ok());
}

#[test]
fn secrets_are_redacted_and_equal_only_to_themselves() {
    let secret = Secret::new(&[0xab; 20]).unwrap();
    assert_eq!(format!("{secret:?} {:?}", secret.to_base32()), "Secret(20 bytes) Sensitive(..)");
    assert_eq!(secret, secret.clone());
    assert_ne!(secret, Secret::new(&[0xab; 21]).unwrap());
    assert_ne!(Secret::new(&[0; 20]).unwrap(), Secret::new(&[0; 21]).unwrap(), "padding does not count");
}

/// A code as it is stored: its length above the lowest 27 bits.
fn stored(value: u32, digits: u32) -> [u8; 4] {
    (value + (digits << 27)).to_be_bytes()
}

fn state() -> [u8; State::LEN] {
    let mut bytes = State::imported(Step::new(60_000_000)).to_bytes();
    bytes[42..46].copy_from_slice(&stored(123_456, 6));
    bytes[46..54].copy_from_slice(&1_800_000_000_u64.to_be_bytes());
    bytes
}

fn read(bytes: &[u8]) -> Result<[u8; State::LEN], StoredError> {
    State::from_bytes(bytes).map(|state| state.to_bytes())
}

#[test]
fn state_reads_back_what_was_written() {
    assert_eq!(read(&state()), Ok(state()));
    assert_eq!(read(&State::new().to_bytes()), Ok(State::new().to_bytes()));
}

#[test]
fn state_truncated_at_every_length_is_refused() {
    for len in 0..State::LEN {
        assert_eq!(read(&state()[..len]), Err(StoredError::Length { len }));
    }
}

#[test]
fn state_over_long_is_refused() {
    let long = [state().as_slice(), &[0]].concat();
    assert_eq!(read(&long), Err(StoredError::Length { len: State::LEN + 1 }));
    assert_eq!(read(&vec![1; 1_000_000]), Err(StoredError::Length { len: 1_000_000 }));
}

#[test]
fn state_of_all_ones_all_noughts_or_another_version_is_refused() {
    assert_eq!(read(&[0xff; State::LEN]), Err(StoredError::Version { version: 255 }));
    assert_eq!(read(&[0; State::LEN]), Err(StoredError::Version { version: 0 }));
    let mut ones = [0xff; State::LEN];
    ones[0] = 1;
    assert_eq!(read(&ones), Err(StoredError::Corrupt));
}

#[test]
fn state_with_numbers_that_cannot_be_is_refused() {
    let cases: [(&str, usize, &[u8]); 10] = [
        ("watermark flag of two", 25, &[2]),
        ("watermark without its flag", 25, &[0]),
        ("anchor of over ten minutes ahead", 34, &[0, 0, 2, 89, 0, 0, 2, 89]),
        ("drift far from its anchor", 34, &61_i32.to_be_bytes()),
        ("drift of the lowest number", 34, &i32::MIN.to_be_bytes()),
        ("anchor of over a day", 38, &86_401_i32.to_be_bytes()),
        ("code of five digits", 42, &stored(12_345, 5)),
        ("code of seven digits' value in six", 42, &stored(1_234_567, 6)),
        ("time without a code", 42, &[0; 4]),
        ("code behind an unused place", 66, &stored(123_456, 6)),
    ];
    for (what, position, field) in cases {
        let mut bytes = state();
        bytes[position..position + field.len()].copy_from_slice(field);
        assert_eq!(read(&bytes), Err(StoredError::Corrupt), "{what}");
    }
}

#[test]
fn state_with_any_byte_changed_gives_an_error_or_the_same_bytes_back() {
    for position in 0..State::LEN {
        for value in 0..=255 {
            let mut bytes = state();
            bytes[position] = value;
            assert!(read(&bytes).is_err() || read(&bytes) == Ok(bytes), "byte {position}: {value}");
        }
    }
}

fn uri(text: &str) -> Result<OtpauthUri, UriError> {
    OtpauthUri::parse(text)
}

/// A test for each refused URI: its name says what is wrong.
macro_rules! refused_uris {
    ($($name:ident: $text:expr => $expected:expr;)+) => {$(
        #[test]
        fn $name() {
            let error = uri(&$text.replace("{S}", SIXTEEN)).unwrap_err();
            assert_eq!(error, $expected);
            assert!(!error.to_string().contains("GEZD"), "the secret is not repeated");
        }
    )+};
}

refused_uris! {
    uri_empty: "" => UriError::NotOtpauth;
    uri_of_1_mb: format!("otpauth://totp/a?secret={{S}}&x={}", "x".repeat(1_000_000)) => UriError::TooLong(Field::Uri);
    uri_of_another_scheme: "https://totp/a?secret={S}" => UriError::NotOtpauth;
    uri_of_another_type: "otpauth://xotp/a?secret={S}" => UriError::NotOtpauth;
    uri_hotp: "otpauth://hotp/a?secret={S}&counter=0" => UriError::Hotp;
    uri_with_port: "otpauth://totp:80/a?secret={S}" => UriError::NotOtpauth;
    uri_with_fragment: "otpauth://totp/a?secret={S}#b" => UriError::NotOtpauth;
    uri_cut_within_a_character: "otpauth://tot🎉" => UriError::NotOtpauth;
    uri_without_label: "otpauth://totp/?secret={S}" => UriError::Missing(Field::Account);
    uri_without_query: "otpauth://totp/a" => UriError::Missing(Field::Secret);
    uri_without_secret: "otpauth://totp/a?issuer=b" => UriError::Missing(Field::Secret);
    uri_with_empty_secret: "otpauth://totp/a?secret=" => UriError::Secret(SecretError::TooShort { len: 0 });
    uri_with_legacy_secret: "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ" => UriError::Secret(SecretError::TooShort { len: 10 });
    uri_with_non_canonical_secret: "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGZ" => UriError::Secret(SecretError::TrailingBits { position: 25 });
    uri_with_foreign_secret: "otpauth://totp/a?secret=01" => UriError::Secret(SecretError::Character { position: 0 });
    uri_with_two_secrets: "otpauth://totp/a?secret={S}&secret={S}" => UriError::Duplicate(Field::Secret);
    uri_with_two_issuers: "otpauth://totp/a?secret={S}&issuer=b&issuer=b" => UriError::Duplicate(Field::Issuer);
    uri_with_two_periods: "otpauth://totp/a?secret={S}&period=30&period=30" => UriError::Duplicate(Field::Period);
    uri_with_two_digits: "otpauth://totp/a?secret={S}&digits=6&digits=6" => UriError::Duplicate(Field::Digits);
    uri_with_two_algorithms: "otpauth://totp/a?secret={S}&algorithm=SHA1&algorithm=SHA1" => UriError::Duplicate(Field::Algorithm);
    uri_with_unknown_algorithm: "otpauth://totp/a?secret={S}&algorithm=MD5" => UriError::OutOfRange(Field::Algorithm);
    uri_with_empty_algorithm: "otpauth://totp/a?secret={S}&algorithm" => UriError::OutOfRange(Field::Algorithm);
    uri_with_period_0: "otpauth://totp/a?secret={S}&period=0" => UriError::OutOfRange(Field::Period);
    uri_with_period_121: "otpauth://totp/a?secret={S}&period=121" => UriError::OutOfRange(Field::Period);
    uri_with_negative_period: "otpauth://totp/a?secret={S}&period=-30" => UriError::OutOfRange(Field::Period);
    uri_with_signed_period: "otpauth://totp/a?secret={S}&period=%2B30" => UriError::OutOfRange(Field::Period);
    uri_with_huge_period: "otpauth://totp/a?secret={S}&period=99999999999999999999999" => UriError::OutOfRange(Field::Period);
    uri_with_digits_5: "otpauth://totp/a?secret={S}&digits=5" => UriError::OutOfRange(Field::Digits);
    uri_with_digits_200: "otpauth://totp/a?secret={S}&digits=200" => UriError::OutOfRange(Field::Digits);
    uri_with_digits_262: "otpauth://totp/a?secret={S}&digits=262" => UriError::OutOfRange(Field::Digits);
    uri_with_digits_of_a_leading_zero: "otpauth://totp/a?secret={S}&digits=06" => UriError::OutOfRange(Field::Digits);
    uri_with_broken_escape_in_label: "otpauth://totp/a%?secret={S}" => UriError::Encoding(Field::Account);
    uri_with_half_an_escape_in_label: "otpauth://totp/a%4?secret={S}" => UriError::Encoding(Field::Account);
    uri_with_foreign_escape_in_issuer: "otpauth://totp/a?secret={S}&issuer=%zz" => UriError::Encoding(Field::Issuer);
    uri_with_escaped_bytes_that_are_no_utf8: "otpauth://totp/%ff?secret={S}" => UriError::Encoding(Field::Account);
    uri_with_escaped_bytes_in_secret: "otpauth://totp/a?secret=%ff" => UriError::Encoding(Field::Secret);
    uri_with_nul_in_label: "otpauth://totp/a%00?secret={S}" => UriError::Ambiguous(Field::Account);
    uri_with_newline_in_issuer: "otpauth://totp/a?secret={S}&issuer=b%0Ac" => UriError::Ambiguous(Field::Issuer);
    uri_with_two_colons_in_label: "otpauth://totp/a:b:c?secret={S}" => UriError::Ambiguous(Field::Account);
    uri_with_colon_in_issuer: "otpauth://totp/a?secret={S}&issuer=b:c" => UriError::Ambiguous(Field::Issuer);
    uri_with_empty_issuer_in_label: "otpauth://totp/:a?secret={S}" => UriError::Missing(Field::Issuer);
    uri_with_over_long_account: format!("otpauth://totp/{}?secret={{S}}", "a".repeat(255)) => UriError::TooLong(Field::Account);
    uri_with_over_long_issuer: format!("otpauth://totp/a?secret={{S}}&issuer={}", "b".repeat(97)) => UriError::TooLong(Field::Issuer);
}
