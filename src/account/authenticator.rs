//! The authenticators of an account.

use super::encoding::Unknown;
use super::text::Text;
use crate::otp::{OtpauthUri, Secret, Step, Totp, Tracker, UnixTime, UriError};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use rand::CryptoRng;

/// Names an authenticator within its account. Never used twice there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct AuthenticatorId(u32);

impl AuthenticatorId {
    /// The authenticator with this number, as a page has sent it back.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    pub(super) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for AuthenticatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// An authenticator that codes are accepted from.
pub(super) struct Authenticator {
    pub(super) id: AuthenticatorId,
    pub(super) name: Text,
    pub(super) totp: Totp,
    /// In its place on the heap: lists of authenticators grow, and move what they hold.
    pub(super) secret: Box<Secret>,
    pub(super) tracker: Tracker,
    pub(super) bound_at: UnixTime,
    pub(super) last_used: UnixTime,
    /// After too many failures in a row: no code is evaluated any more.
    pub(super) disabled: bool,
    pub(super) unknown: Unknown,
}

impl Authenticator {
    /// When the steps that were used up end.
    pub(super) fn used_until(&self) -> UnixTime {
        let after = |step: Step| self.totp.start_of(step.saturating_offset(1));
        self.tracker.watermark().map_or(UnixTime::from_secs(0), after)
    }
}

/// An enrolment that waits for its confirming code.
pub(super) struct Pending {
    pub(super) id: AuthenticatorId,
    pub(super) name: Text,
    pub(super) totp: Totp,
    pub(super) secret: Box<Secret>,
    pub(super) tracker: Tracker,
    pub(super) until: UnixTime,
    pub(super) unknown: Unknown,
}

/// An authenticator to be enrolled.
///
/// ```
/// use sekisho::account::NewAuthenticator;
///
/// let new = NewAuthenticator::new("Example Exchange", "alice@example.com")?.named("Pixel 9".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NewAuthenticator {
    issuer: String,
    account: String,
    pub(super) name: Option<Text>,
    totp: Totp,
    /// `None` for one that is drawn at random.
    secret: Option<Box<Secret>>,
}

impl NewAuthenticator {
    /// With a random secret of the algorithm's length and the parameters that every app knows. `issuer` and `account` are what the
    /// app will show: the service's name, and whatever the owner knows the account by.
    ///
    /// # Errors
    /// [`UriError`] for names that apps misread, see [`OtpauthUri::new`].
    pub fn new(issuer: &str, account: &str) -> Result<Self, UriError> {
        let (issuer, account) = (issuer.into(), account.into());
        Self { issuer, account, name: None, totp: Totp::DEFAULT, secret: None }.checked()
    }

    /// What another system has issued. All its steps up to the present one count as used: its owner confirms with the
    /// next code.
    ///
    /// # Errors
    /// [`UriError`] if the URI names no issuer, or is one that [`OtpauthUri::new`] refuses (a legacy secret, say).
    pub fn imported(uri: &OtpauthUri) -> Result<Self, UriError> {
        let issuer = uri.issuer().or(uri.label_issuer()).unwrap_or_default().into();
        let secret = Some(uri.secret().boxed_copy());
        Self { issuer, account: uri.account().into(), name: None, totp: uri.totp(), secret }.checked()
    }

    /// What the owner calls it, for lists. Without one it is called by its number: `authenticator 1`.
    pub fn named(mut self, name: Text) -> Self {
        self.name = Some(name);
        self
    }

    /// With other parameters. Many apps know no others than the default ones, and ignore what they do not know.
    ///
    /// # Errors
    /// [`UriError`] for what an otpauth URI cannot say: a T0 other than 1970.
    pub fn with_totp(self, totp: Totp) -> Result<Self, UriError> {
        Self { totp, ..self }.checked()
    }

    pub(super) const fn is_imported(&self) -> bool {
        self.secret.is_some()
    }

    pub(super) fn uri<R: CryptoRng + ?Sized>(&self, rng: &mut R) -> Result<OtpauthUri, UriError> {
        let secret = match &self.secret {
            Some(secret) => secret.boxed_copy(),
            None => Secret::generate_boxed(self.totp.algorithm, rng),
        };
        OtpauthUri::with_boxed(&self.issuer, &self.account, secret, self.totp)
    }

    fn checked(self) -> Result<Self, UriError> {
        let given = self.secret.as_deref().map(Secret::boxed_copy);
        let secret = given.map_or_else(|| Secret::boxed(&[0; Secret::MIN_LEN]), Ok);
        let secret = secret.map_err(|error| UriError::Secret(error.into()))?;
        OtpauthUri::with_boxed(&self.issuer, &self.account, secret, self.totp)?;
        Ok(self)
    }
}

/// What the owner needs to enrol an authenticator: shown once, never again.
///
/// Show [`uri`](Self::uri) as a QR code ([`Qr`](../qr/struct.Qr.html), feature `qr`), and beside it the key as text in groups,
/// for those who cannot scan: `enrolment.uri().secret().to_base32_groups()`.
#[derive(Debug)]
#[must_use]
pub struct Enrolment {
    /// In its place on the heap: it is passed on through futures.
    pub(super) uri: Box<OtpauthUri>,
    pub(super) id: AuthenticatorId,
    pub(super) until: UnixTime,
}

impl Enrolment {
    /// What goes into the app.
    #[must_use]
    pub const fn uri(&self) -> &OtpauthUri {
        &self.uri
    }

    /// What the authenticator will be known by.
    #[must_use]
    pub const fn authenticator(&self) -> AuthenticatorId {
        self.id
    }

    /// Until when it can be confirmed.
    #[must_use]
    pub const fn until(&self) -> UnixTime {
        self.until
    }
}
