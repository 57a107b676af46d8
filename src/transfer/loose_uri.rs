//! otpauth URIs as other systems write them.

use super::encoding::{self, Encoding};
use super::error::ReadError;
use super::short_secrets::ShortSecrets;
use crate::account::{PortableApp, Text};
use crate::otp::{Digits, OtpauthUri, Period, Totp};
use alloc::borrow::ToOwned;
use alloc::string::String;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// Parameters that say nothing of codes. Any other that is not read is refused by its name.
const PASSED_OVER: [&str; 8] = ["image", "icon", "color", "lock", "name", "type", "counter", "user"];
/// Parameters that change codes.
const CHANGING: [&str; 11] =
    ["algo", "encoder", "encoding", "epoch", "hash", "interval", "offset", "step", "t0", "timestep", "pin"];

/// A URI that was read leniently. Redacted in `Debug`.
#[derive(Debug)]
#[must_use]
pub struct LooseUri {
    issuer: Option<String>,
    account: String,
    app: PortableApp,
}

impl LooseUri {
    /// The service, if the URI names one.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The account that the codes are of; may be empty.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The app, to be imported.
    pub fn into_app(self) -> PortableApp {
        self.app
    }
}

pub(super) fn read(short: ShortSecrets, text: &str) -> Result<LooseUri, ReadError> {
    let text = text.trim();
    if text.len() > OtpauthUri::MAX_LEN {
        return Err(ReadError::NotOtpauth);
    }
    let text = unescaped(text);
    let rest = strip_prefix(&text, "otpauth://totp").ok_or(ReadError::NotOtpauth)?;
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let (label, query) = rest.split_once('?').ok_or(ReadError::Missing("the secret"))?;
    let (mut secret, mut issuer, mut totp) = (None, None, Totp::DEFAULT);
    let (mut algorithm, mut digits, mut period) = (None, None, None);
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let blanks = Zeroizing::new(value.replace('+', " "));
        let value = Zeroizing::new(decoded(&blanks));
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "secret" => set(&mut secret, "the secret", encoding::secret(value, Encoding::Base32)?)?,
            "issuer" => set(&mut issuer, "the issuer", value.to_owned())?,
            "algorithm" => {
                let read = encoding::algorithm(value).ok_or(ReadError::Value("the algorithm"))?;
                set(&mut algorithm, "the algorithm", read)?;
            }
            "digits" => set(&mut digits, "the number of digits", digits_of(value)?)?,
            "period" => set(&mut period, "the period", period_of(value)?)?,
            other => {
                if let Some(name) = CHANGING.into_iter().find(|name| *name == other) {
                    return Err(ReadError::Parameter(name));
                }
                if !PASSED_OVER.contains(&other) {
                    return Err(ReadError::Value("a parameter that is not known"));
                }
            }
        }
    }
    totp.algorithm = algorithm.unwrap_or(totp.algorithm);
    totp.digits = digits.unwrap_or(totp.digits);
    totp.period = period.unwrap_or(totp.period);
    let secret = secret.ok_or(ReadError::Missing("the secret"))?;
    let label = decoded(label);
    let (label_issuer, account) = label.split_once(':').map_or((None, &*label), |(issuer, rest)| (Some(issuer), rest));
    let is_given = |name: &&str| !name.trim().is_empty();
    let issuer = issuer.as_deref().or(label_issuer).filter(is_given).map(|name| name.trim().to_owned());
    let app = short.app(secret, totp)?;
    let app = match Text::new(account.trim()) {
        Ok(name) => app.named(name),
        Err(_) => app,
    };
    Ok(LooseUri { issuer, account: account.trim().to_owned(), app })
}

pub(super) fn digits_of(value: &str) -> Result<Digits, ReadError> {
    let count = value.parse().ok().and_then(Digits::from_count);
    count.ok_or(ReadError::Value("the number of digits"))
}

pub(super) fn period_of(value: &str) -> Result<Period, ReadError> {
    value.parse().ok().and_then(Period::from_secs).ok_or(ReadError::Value("the period"))
}

fn set<T>(place: &mut Option<T>, name: &'static str, value: T) -> Result<(), ReadError> {
    if place.replace(value).is_some() { Err(ReadError::Twice(name)) } else { Ok(()) }
}

/// Without the escapes of a page.
fn unescaped(text: &str) -> Zeroizing<String> {
    let escapes = [("&amp;", "&"), ("&#38;", "&"), ("&#x26;", "&"), ("&#61;", "="), ("&#x3D;", "="), ("&quot;", "\"")];
    let replaced =
        |text: Zeroizing<String>, (escape, plain): &(&str, &str)| Zeroizing::new(text.replace(escape, plain));
    escapes.iter().fold(Zeroizing::new(text.to_owned()), replaced)
}

/// A `%` that two digits do not follow stays as it is.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::Algorithm;
    use crate::transfer::Reader;

    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn read_one(text: &str) -> Result<LooseUri, ReadError> {
        Reader::new().uri(&text.replace("SECRET", SECRET))
    }

    #[test]
    fn careless_uris_are_read() {
        for (text, issuer, account) in [
            ("otpauth://totp/Example:alice?secret=SECRET&issuer=Example", Some("Example"), "alice"),
            ("otpauth://totp/alice?secret=SECRET&issuer=", None, "alice"),
            ("otpauth://totp/?secret=SECRET&issuer=Example", Some("Example"), ""),
            ("otpauth://totp?secret=SECRET", None, ""),
            ("otpauth://totp/A: B:alice@example.com?secret=SECRET", Some("A"), "B:alice@example.com"),
            ("otpauth://totp/My Shop:alice smith?secret=SECRET&issuer=My Shop", Some("My Shop"), "alice smith"),
            ("otpauth://totp/Shop#1:alice?secret=SECRET&issuer=Shop#1", Some("Shop#1"), "alice"),
            ("OTPAUTH://TOTP/alice?Secret=SECRET&amp;issuer=Caf%C3%A9+M\r\n", Some("Café M"), "alice"),
            ("otpauth://totp/100%?secret=SECRET&image=https%3A%2F%2Fexample.com%2Fi.png", None, "100%"),
        ] {
            let uri = read_one(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((uri.issuer(), uri.account()), (issuer, account), "{text}");
            let app = uri.into_app();
            assert_eq!((app.secret().expose(), app.totp()), (&b"12345678901234567890"[..], Totp::DEFAULT), "{text}");
        }
        let uri = read_one("otpauth://totp/a?secret=SECRET&algorithm=HMAC-SHA-256&digits=8&period=60").unwrap();
        let Totp { algorithm, digits, period, .. } = uri.into_app().totp();
        assert_eq!((algorithm, digits, period.as_secs()), (Algorithm::Sha256, Digits::Eight, 60));
    }

    #[test]
    fn what_changes_codes_and_is_not_understood_is_refused_by_name() {
        let fails = |text: &str| read_one(text).unwrap_err();
        assert_eq!(fails("otpauth://totp/a?secret=SECRET&encoder=steam"), ReadError::Parameter("encoder"));
        assert_eq!(fails("otpauth://totp/a?secret=SECRET&t0=30"), ReadError::Parameter("t0"));
        assert_eq!(fails("otpauth://totp/a?secret=SECRET&digits=5"), ReadError::Value("the number of digits"));
        assert_eq!(fails("otpauth://totp/a?secret=SECRET&period=0"), ReadError::Value("the period"));
        assert_eq!(fails("otpauth://totp/a?secret=SECRET&algorithm=MD5"), ReadError::Value("the algorithm"));
        assert_eq!(fails("otpauth://totp/a?secret=SECRET&secret=SECRET"), ReadError::Twice("the secret"));
        assert_eq!(fails("otpauth://totp/a?issuer=x"), ReadError::Missing("the secret"));
        assert_eq!(fails("otpauth://hotp/a?secret=SECRET&counter=1"), ReadError::NotOtpauth);
        assert_eq!(fails("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ"), ReadError::Legacy);
        let legacy = Reader::new().accepting_legacy_secrets().uri("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ").unwrap();
        assert!(legacy.into_app().secret().is_legacy());
    }
}
