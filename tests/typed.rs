//! People type and paste these: codes of every keyboard, names that are read as they are written,
//! URIs that went through a page.
#![cfg(feature = "full")] // once: it does not depend on features

use sekisho::account::{Address, NameError, Text};
use sekisho::otp::{Algorithm, Code, CodeError, Digits, OtpauthUri, UriError};
use subtle::ConstantTimeEq;

#[test]
fn the_digits_of_every_script_are_read() {
    let code: Code = "012345".parse().unwrap();
    for text in [
        "０１２３４５",
        "0１2３4５",
        "٠١٢٣٤٥",
        "۰۱۲۳۴۵",
        "०१२३४५",
        "๐๑๒๓๔๕",
        // As they come: in pieces, pasted with what is not seen, from keyboards with hyphens of
        // their own.
        "012 345",
        "012\u{a0}345",
        "012\u{2009}345\u{3000}",
        "\t012345\r\n",
        "012\u{2028}345",
        "012‐345",
        "012‑345",
        "012–345",
        "012—345",
        "012−345",
        "０１２－３４５",
        "０１２ー３４５",
        "012ｰ345",
        "012\u{ad}345",
        "\u{feff}012345",
        "0\u{200b}1\u{200b}2\u{200b}3\u{200b}4\u{200b}5",
        "\u{202a}012345\u{202c}",
        "\u{200f}٠١٢ ٣٤٥\u{200f}",
        "\u{2066}۰۱۲۳۴۵\u{2069}",
        "- 0-1-2-3-4-5 -",
    ] {
        let read: Code = text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert!(bool::from(read.ct_eq(&code)), "{text:?}");
    }
    assert!("0\u{2003}".repeat(8).parse::<Code>().is_ok(), "eight digits, each with a blank");
}

#[test]
fn what_is_no_code_of_one_script_is_refused() {
    for (text, error) in [
        ("012٣45", CodeError::Scripts { position: 3 }),
        ("٠١٢۳۴۵", CodeError::Scripts { position: 3 }),
        ("০১২৩৪৫", CodeError::Character { position: 0 }),
        ("𝟎𝟏𝟐𝟑𝟒𝟓", CodeError::Character { position: 0 }),
        ("①②③④⑤⑥", CodeError::Character { position: 0 }),
        ("01.2345", CodeError::Character { position: 2 }),
        ("01,2345", CodeError::Character { position: 2 }),
        ("+012345", CodeError::Character { position: 0 }),
        ("二〇一九年十", CodeError::Character { position: 0 }),
        ("٠١٢٣٤", CodeError::Length),
        ("\u{200b}\u{feff} - ー", CodeError::Length),
        ("", CodeError::Length),
        ("٠١٢٣٤٥٦٧٨", CodeError::Length),
        (&"\u{200b}".repeat(43), CodeError::TooLong),
    ] {
        assert_eq!(text.parse::<Code>().unwrap_err(), error, "{text:?}");
    }
}

#[test]
fn names_and_reasons_are_read_as_they_are_written() {
    for text in ["Pixel 9", "رقم الهاتف", "عالی‌جناب", "family 👩‍👩‍👧", "ーの電話", "x\u{200b}", "é"]
    {
        assert_eq!(Text::new(text).unwrap().as_str(), text);
    }
    for text in [
        "",
        "  ",
        "\u{3000}\u{a0}",
        "\u{200b}",
        "\u{2800}\u{3164}\u{200d}",
        "\u{e0041}\u{feff}",
        "two\nlines",
        "two\u{2028}lines",
        "two\u{2029}lines",
        "two\u{85}lines",
        "bell\u{7}",
        "ticket \u{202e}0001",
        "\u{2067}Sato",
        "Sato\u{200f}",
        "Sato\u{61c}",
        &"é".repeat(65),
    ] {
        assert_eq!(Text::new(text), Err(NameError::Text), "{text:?}");
    }
}

#[test]
fn a_number_is_compared_as_what_it_is() {
    let [with, without] = ["+610412345678", "+61412345678"].map(|number| Address::sms(number).unwrap());
    assert!(with != without, "whether they ring one phone is the service's to find out");
    assert_eq!(Address::sms("+٨١٩٠١٢٣٤٥"), Err(NameError::PhoneNumber));
}

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

#[test]
fn parameters_that_a_page_has_escaped_are_read() {
    for and in ["&amp;", "&AMP;", "&"] {
        let text =
            format!("otpauth://totp/a?secret={SECRET}{and}algorithm=SHA256{and}digits=8{and}period=60{and}issuer=b");
        let uri = OtpauthUri::parse(&text).unwrap();
        let totp = uri.totp();
        assert_eq!(
            (totp.algorithm, totp.digits, totp.period.as_secs()),
            (Algorithm::Sha256, Digits::Eight, 60),
            "{and}"
        );
        assert_eq!(uri.issuer(), Some("b"));
    }
    let twice = format!("otpauth://totp/a?secret={SECRET}&digits=6&amp;digits=8");
    assert!(matches!(OtpauthUri::parse(&twice), Err(UriError::Duplicate(_))));
}

#[test]
fn a_parameter_that_changes_codes_and_is_not_understood_is_refused_by_name() {
    for (parameter, name) in [
        ("encoder=steam", "encoder"),
        ("Encoder=Steam", "encoder"),
        ("amp;encoder=steam", "encoder"),
        ("t0=100", "t0"),
        ("epoch=100", "epoch"),
        ("offset=30", "offset"),
        ("step=60", "step"),
        ("interval=60", "interval"),
        ("algo=SHA256", "algo"),
        ("hash=sha512", "hash"),
    ] {
        let error = OtpauthUri::parse(&format!("otpauth://totp/a?secret={SECRET}&{parameter}")).unwrap_err();
        assert_eq!(error, UriError::Parameter(name));
        assert!(error.to_string().contains(name) && !error.to_string().contains("steam"));
    }
    for harmless in ["image=https%3A%2F%2Fexample.com", "lock=false", "color=ff0000", "counter=0", "type=totp"] {
        assert!(OtpauthUri::parse(&format!("otpauth://totp/a?secret={SECRET}&{harmless}")).is_ok(), "{harmless}");
    }
}
