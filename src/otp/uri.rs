//! otpauth URIs: how a secret gets into an app (Key URI format).

use super::algorithm::{Algorithm, Digits};
use super::secret::{Secret, SecretError};
use super::sensitive::Sensitive;
use super::time::UnixTime;
use super::totp::{Period, Totp};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::str::FromStr;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters is encoded; a blank becomes `%20`, as some apps
/// show a `+`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The content of an otpauth URI: whose codes these are, the secret, and the parameters.
///
/// The format is the one that Google Authenticator introduced and all apps read. It has no T0: what
/// differs from 1970 is refused.
///
/// ```
/// use sekisho::otp::{OtpauthUri, Secret, Totp};
///
/// let secret = Secret::new(b"12345678901234567890")?;
/// let uri = OtpauthUri::new("日本語の取引所", "alice@example.com", secret, Totp::DEFAULT)?;
/// let text = uri.to_text();
/// assert!(text.expose().starts_with("otpauth://totp/%E6%97%A5"));
/// assert_eq!(OtpauthUri::parse(text.expose())?.account(), "alice@example.com");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OtpauthUri {
    label_issuer: Option<String>,
    issuer: Option<String>,
    account: String,
    /// In its place on the heap: moves leave copies.
    secret: Box<Secret>,
    totp: Totp,
}

impl OtpauthUri {
    /// The longest issuer, in bytes of UTF-8.
    pub const MAX_ISSUER_LEN: usize = 96;
    /// The longest account, in bytes of UTF-8: the longest e-mail address (RFC 5321 §4.5.3.1).
    pub const MAX_ACCOUNT_LEN: usize = 254;
    /// The longest URI that is parsed, in bytes.
    pub const MAX_LEN: usize = 4096;

    /// A URI for `account` (whatever the owner knows it by, such as an e-mail address) at `issuer`
    /// (the service).
    ///
    /// # Errors
    /// [`UriError`] for names that apps misread (empty, over-long, with a colon, a control
    /// character, or a blank at an end), for a T0 other than 1970, and for secrets under 128
    /// bits.
    #[allow(clippy::needless_pass_by_value)] // wiped here
    pub fn new(issuer: &str, account: &str, secret: Secret, totp: Totp) -> Result<Self, UriError> {
        Self::with_boxed(issuer, account, secret.boxed_copy(), totp)
    }

    /// The same for a secret of 80 bits and more that another system issued; see
    /// [`Secret::new_legacy`] for what is risked.
    ///
    /// # Errors
    /// As [`OtpauthUri::new`], secrets apart.
    #[allow(clippy::needless_pass_by_value)] // wiped here
    pub fn new_with_legacy_secret(issuer: &str, account: &str, secret: Secret, totp: Totp) -> Result<Self, UriError> {
        Self::with_any_boxed(issuer, account, secret.boxed_copy(), totp)
    }

    fn with_boxed(issuer: &str, account: &str, secret: Box<Secret>, totp: Totp) -> Result<Self, UriError> {
        if secret.is_legacy() {
            let len = secret.expose().len();
            return Err(UriError::Secret(SecretError::TooShort { len }));
        }
        Self::with_any_boxed(issuer, account, secret, totp)
    }

    pub(crate) fn with_any_boxed(
        issuer: &str,
        account: &str,
        secret: Box<Secret>,
        totp: Totp,
    ) -> Result<Self, UriError> {
        check_name(issuer, Field::Issuer, Self::MAX_ISSUER_LEN)?;
        check_name(account, Field::Account, Self::MAX_ACCOUNT_LEN)?;
        if totp.t0 != UnixTime::default() {
            return Err(UriError::T0);
        }
        Ok(Self {
            label_issuer: Some(issuer.into()),
            issuer: Some(issuer.into()),
            account: account.into(),
            secret,
            totp,
        })
    }

    /// With a label as apps have it: the account, or the service, a colon and the account.
    pub(crate) fn labeled(
        label: &str,
        issuer: Option<&str>,
        secret: Box<Secret>,
        totp: Totp,
    ) -> Result<Self, UriError> {
        let (label_issuer, account) = match label.split_once(':') {
            Some((issuer, account)) => (Some(issuer), account.trim_start_matches(' ')),
            None => (None, label),
        };
        for issuer in [issuer, label_issuer].into_iter().flatten() {
            check_name(issuer, Field::Issuer, Self::MAX_ISSUER_LEN)?;
        }
        check_name(account, Field::Account, Self::MAX_ACCOUNT_LEN)?;
        let (label_issuer, issuer) = (label_issuer.map(String::from), issuer.map(String::from));
        Ok(Self { label_issuer, issuer, account: account.into(), secret, totp })
    }

    /// Reads a URI.
    ///
    /// Total: any text gives a result or an error, in time linear in its length. Unknown parameters
    /// are ignored, unless they are known to change codes in other systems; a `+` in a parameter is
    /// a blank, in the label a plus. Where a page has escaped the `&` between parameters (`&amp;`),
    /// they are read as what they are.
    ///
    /// # Errors
    /// [`UriError`] for everything else that is not such a URI, secrets under 128 bits included.
    pub fn parse(uri: &str) -> Result<Self, UriError> {
        parse(uri, Secret::from_base32)
    }

    /// The same for URIs whose secret another system issued with 80 bits and more; see
    /// [`Secret::new_legacy`] for what is risked.
    ///
    /// # Errors
    /// As [`OtpauthUri::parse`].
    pub fn parse_with_legacy_secret(uri: &str) -> Result<Self, UriError> {
        parse(uri, Secret::from_legacy_base32)
    }

    /// The service, as the `issuer` parameter has it, else as the label does.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref().or(self.label_issuer.as_deref())
    }

    /// The service as the label has it. URIs of careless services may name another one here than in
    /// the parameter.
    #[must_use]
    pub fn label_issuer(&self) -> Option<&str> {
        self.label_issuer.as_deref()
    }

    /// The account that the codes are of.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The secret.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The parameters.
    #[must_use]
    pub const fn totp(&self) -> Totp {
        self.totp
    }

    /// The URI, without the parameters that have their default (SHA1, 6 digits, 30 seconds).
    #[must_use]
    pub fn to_text(&self) -> Sensitive<String> {
        self.write(false)
    }

    /// The URI with all parameters, for apps that insist on them.
    #[must_use]
    pub fn to_text_with_defaults(&self) -> Sensitive<String> {
        self.write(true)
    }

    fn write(&self, defaults: bool) -> Sensitive<String> {
        let encode = |name| utf8_percent_encode(name, ENCODED);
        // Large enough never to grow, which would leave a copy of the secret unwiped.
        let mut text = Sensitive::new(String::with_capacity(Self::MAX_LEN));
        let uri = text.expose_mut();
        let secret = self.secret.to_base32();
        // Writing to a String does not fail.
        let _ = uri.write_str("otpauth://totp/");
        if let Some(issuer) = &self.label_issuer {
            let _ = write!(uri, "{}:", encode(issuer));
        }
        let _ = write!(uri, "{}?secret={}", encode(&self.account), secret.expose());
        if let Some(issuer) = &self.issuer {
            let _ = write!(uri, "&issuer={}", encode(issuer));
        }
        let Totp { algorithm, digits, period, .. } = self.totp;
        if defaults || algorithm != Algorithm::default() {
            let _ = write!(uri, "&algorithm={algorithm}");
        }
        if defaults || digits != Digits::default() {
            let _ = write!(uri, "&digits={}", digits.count());
        }
        if defaults || period != Period::DEFAULT {
            let _ = write!(uri, "&period={}", period.as_secs());
        }
        text
    }
}

impl FromStr for OtpauthUri {
    type Err = UriError;

    fn from_str(uri: &str) -> Result<Self, UriError> {
        Self::parse(uri)
    }
}

fn parse(uri: &str, read_secret: impl Fn(&str) -> Result<Secret, SecretError>) -> Result<OtpauthUri, UriError> {
    if uri.len() > OtpauthUri::MAX_LEN {
        return Err(UriError::TooLong(Field::Uri));
    }
    let rest = strip_prefix_ignoring_case(uri, "otpauth://").ok_or(UriError::NotOtpauth)?;
    if strip_prefix_ignoring_case(rest, "hotp/").is_some() {
        return Err(UriError::Hotp);
    }
    let rest = strip_prefix_ignoring_case(rest, "totp/").ok_or(UriError::NotOtpauth)?;
    if rest.contains('#') {
        return Err(UriError::NotOtpauth);
    }
    let (label, query) = rest.split_once('?').ok_or(UriError::Missing(Field::Secret))?;

    let (mut secret, mut issuer, mut algorithm, mut digits, mut period) = (None, None, None, None, None);
    for parameter in query.split('&') {
        // A page's escape of the `&` before it.
        let parameter = strip_prefix_ignoring_case(parameter, "amp;").unwrap_or(parameter);
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name.to_ascii_lowercase().as_str() {
            "secret" => {
                let value = decode_secret(value)?;
                let text = core::str::from_utf8(value.expose()).map_err(|_| UriError::Encoding(Field::Secret))?;
                set(&mut secret, Field::Secret, read_secret(text)?)?;
            }
            "issuer" => {
                let value = value.replace('+', " ");
                let value = decode(&value, Field::Issuer)?.into_owned();
                set(&mut issuer, Field::Issuer, value)?;
            }
            "algorithm" => set(&mut algorithm, Field::Algorithm, read_algorithm(value)?)?,
            "digits" => {
                let read = number(value).and_then(|count| Digits::from_count(u8::try_from(count).ok()?));
                set(&mut digits, Field::Digits, read.ok_or(UriError::OutOfRange(Field::Digits))?)?;
            }
            "period" => {
                let read = number(value).and_then(Period::from_secs);
                set(&mut period, Field::Period, read.ok_or(UriError::OutOfRange(Field::Period))?)?;
            }
            other => {
                if let Some(name) = CHANGING_CODES.into_iter().find(|name| *name == other) {
                    return Err(UriError::Parameter(name));
                }
            }
        }
    }

    let label = decode(label, Field::Account)?;
    let secret = secret.ok_or(UriError::Missing(Field::Secret))?.boxed_copy();
    let totp = Totp {
        algorithm: algorithm.unwrap_or_default(),
        digits: digits.unwrap_or_default(),
        period: period.unwrap_or_default(),
        t0: UnixTime::default(),
    };
    OtpauthUri::labeled(&label, issuer.as_deref(), secret, totp)
}

/// Parameters that change codes where other systems write them. Read without them, an app would
/// show others.
const CHANGING_CODES: [&str; 10] =
    ["algo", "encoder", "encoding", "epoch", "hash", "interval", "offset", "step", "t0", "timestep"];

fn set<T>(place: &mut Option<T>, field: Field, value: T) -> Result<(), UriError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(UriError::Duplicate(field)),
    }
}

fn read_algorithm(value: &str) -> Result<Algorithm, UriError> {
    [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]
        .into_iter()
        .find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(value))
        .ok_or(UriError::OutOfRange(Field::Algorithm))
}

/// A decimal number of at most three digits, without sign or leading zero.
fn number(value: &str) -> Option<u64> {
    let plain = value.len() <= 3 && !value.starts_with('0') && value.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| value.parse().ok()).flatten()
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn decode(text: &str, field: Field) -> Result<Cow<'_, str>, UriError> {
    check_escapes(text, field)?;
    percent_decode_str(text).decode_utf8().map_err(|_| UriError::Encoding(field))
}

/// Into a buffer that is wiped and never grows.
fn decode_secret(text: &str) -> Result<Sensitive<Vec<u8>>, UriError> {
    check_escapes(text, Field::Secret)?;
    let mut bytes = Sensitive::new(Vec::with_capacity(text.len()));
    bytes.expose_mut().extend(percent_decode_str(text));
    Ok(bytes)
}

/// The `percent-encoding` crate passes through a `%` that two hex digits do not follow.
fn check_escapes(text: &str, field: Field) -> Result<(), UriError> {
    let whole = |escape: &str| escape.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    if text.split('%').skip(1).all(whole) { Ok(()) } else { Err(UriError::Encoding(field)) }
}

fn check_name(name: &str, field: Field, max_len: usize) -> Result<(), UriError> {
    if name.len() > max_len {
        return Err(UriError::TooLong(field));
    }
    if name.is_empty() {
        return Err(UriError::Missing(field));
    }
    if name.contains(|c: char| c == ':' || c.is_control()) || name.trim() != name {
        return Err(UriError::Ambiguous(field));
    }
    Ok(())
}

/// A part of an otpauth URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// The whole.
    Uri,
    /// The account in the label.
    Account,
    /// The issuer in the label or the parameter.
    Issuer,
    /// The secret.
    Secret,
    /// The hash.
    Algorithm,
    /// The number of digits.
    Digits,
    /// The period.
    Period,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uri => "URI",
            Self::Account => "account",
            Self::Issuer => "issuer",
            Self::Secret => "secret",
            Self::Algorithm => "algorithm",
            Self::Digits => "digits",
            Self::Period => "period",
        })
    }
}

/// Why an otpauth URI, an app's export, or a QR code cannot be made or read. Nothing of its text is
/// repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// Not `otpauth://totp/…`.
    #[error("not an otpauth://totp/ URI: scan or paste the whole of it")]
    NotOtpauth,
    /// A URI of counter-based codes.
    #[error("this is a URI for counter-based codes (HOTP): only time-based ones are verified here")]
    Hotp,
    /// Another kind of text than an app's export.
    #[error("this is no `otpauth-migration://offline?data=` URI: scan the QR code that the app exports")]
    NotMigration,
    /// An app's export whose content cannot be read.
    #[error("the export cannot be read: scan its QR code again")]
    Corrupt,
    /// The batches are not of one export.
    #[error("the batch is of another export: begin anew, and scan all QR codes of one")]
    OtherExport,
    /// A part that has to be there is not, or is empty.
    #[error("the {0} is missing or empty: give one")]
    Missing(Field),
    /// A parameter is there more than once: apps differ in which they take.
    #[error("the {0} is there more than once: leave one")]
    Duplicate(Field),
    /// More bytes than allowed.
    #[error("the {0} is too long: shorten it")]
    TooLong(Field),
    /// A name that apps misread.
    #[error("the {0} has a colon, a control character, or a blank at an end, which apps misread: remove it")]
    Ambiguous(Field),
    /// Broken percent-encoding, or not UTF-8.
    #[error("the {0} is not percent-encoded UTF-8: scan or paste the URI again")]
    Encoding(Field),
    /// A value that is not supported: SHA1, SHA256 or SHA512; 6 to 8 digits; a period of 1 to 120
    /// seconds.
    #[error("the {0} is not one that is supported (SHA1, SHA256, SHA512; 6 to 8 digits; 1 to 120 seconds)")]
    OutOfRange(Field),
    /// A parameter that changes codes, and that is not understood here.
    #[error("the parameter `{0}` changes codes, and is not supported here: make the URI without it")]
    Parameter(&'static str),
    /// The secret is no base32 secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// otpauth URIs have no T0.
    #[error("otpauth URIs have no T0: use 1970 (T0 = 0)")]
    T0,
}
