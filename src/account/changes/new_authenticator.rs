//! New authenticators: apps, and addresses that codes are sent to.

use crate::account::names::address::{Address, Channel};
use crate::account::names::error::NameError;
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::text::Text;
use crate::account::record::authenticator::{App, Kind, Labels};
use crate::account::record::token::EnrollmentHandle;
use crate::otp::{OtpauthUri, Secret, Totp, Tracker, UnixTime, UriError};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;
use rand::CryptoRng;

/// Can be enrolled: an app ([`NewAuthenticator`]), or an address that codes are sent to
/// ([`NewAddress`]). Nobody else can implement it.
pub trait Enrollable: Send + Sync {
    /// The answer that the service needs to have it confirmed.
    type Begun: fmt::Debug + Send;

    #[doc(hidden)]
    type Shown;

    #[doc(hidden)]
    fn draft<R: CryptoRng + ?Sized>(
        &self,
        beside: Option<AuthenticatorId>,
        rng: &mut R,
    ) -> Result<Draft<Self::Shown>, UriError>;

    #[doc(hidden)]
    fn begun(shown: Self::Shown, id: AuthenticatorId, until: UnixTime, handle: EnrollmentHandle) -> Self::Begun;
}

/// A new authenticator before it has a number.
#[doc(hidden)]
pub struct Draft<S> {
    pub(super) name: Option<Text>,
    pub(super) kind: Kind,
    pub(super) is_imported: bool,
    /// The names that an app shows; none for an address.
    pub(super) labels: Option<Labels>,
    /// The part of it that its owner is shown.
    pub(super) shown: S,
}

impl<S> fmt::Debug for Draft<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Draft(..)")
    }
}

/// An address that codes shall be sent to (SMS, voice): a *restricted* authenticator (SP 800-63B-4
/// §3.1.3.3), for those who can have no app.
///
/// Once it has been [enrolled](crate::account::Account::enroll) nothing has been sent yet: ask for
/// the [delivery](crate::account::Account::deliver) of a code for
/// [`Purpose::BINDING`](crate::account::Purpose::BINDING), which confirms it.
///
/// ```
/// use sekisho::account::{Address, NewAddress};
///
/// let new = NewAddress::new(Address::sms("+819012345678")?)?.named("my phone".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NewAddress {
    address: Address,
    name: Option<Text>,
}

impl NewAddress {
    /// The phone `address`.
    ///
    /// # Errors
    /// [`NameError::EmailIsNoFactor`] for e-mail.
    pub fn new(address: Address) -> Result<Self, NameError> {
        if address.channel() == Channel::Email {
            return Err(NameError::EmailIsNoFactor);
        }
        Ok(Self { address, name: None })
    }

    /// Gives it the owner's name, for lists. Without one it is called by its number, masked.
    pub fn named(mut self, name: Text) -> Self {
        self.name = Some(name);
        self
    }
}

impl Enrollable for NewAddress {
    type Begun = AddressEnrollment;
    type Shown = ();

    fn draft<R: CryptoRng + ?Sized>(&self, _: Option<AuthenticatorId>, _: &mut R) -> Result<Draft<()>, UriError> {
        let Self { address, name } = self.clone();
        Ok(Draft { name, kind: Kind::Address(address), is_imported: false, labels: None, shown: () })
    }

    fn begun((): (), id: AuthenticatorId, until: UnixTime, handle: EnrollmentHandle) -> AddressEnrollment {
        AddressEnrollment { id, until, handle }
    }
}

/// An address that waits for its confirming code. Nothing has been sent yet, see [`NewAddress`].
#[derive(Debug)]
#[must_use]
pub struct AddressEnrollment {
    id: AuthenticatorId,
    until: UnixTime,
    handle: EnrollmentHandle,
}

impl AddressEnrollment {
    /// The id that the authenticator will have: the code goes
    /// [there](crate::account::CodeRequest::new).
    #[must_use]
    pub const fn authenticator(&self) -> AuthenticatorId {
        self.id
    }

    /// Until when it can be confirmed.
    #[must_use]
    pub const fn until(&self) -> UnixTime {
        self.until
    }

    /// Names the enrollment in the owner's session.
    pub const fn handle(&self) -> &EnrollmentHandle {
        &self.handle
    }
}

/// An app or a token to be enrolled.
///
/// ```
/// use sekisho::account::NewAuthenticator;
///
/// let new = NewAuthenticator::new("Example Exchange", "alice@example.com")?
///     .named("Pixel 9".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NewAuthenticator {
    issuer: String,
    account: String,
    name: Option<Text>,
    totp: Totp,
    /// `None` for one that is drawn at random.
    secret: Option<Box<Secret>>,
}

impl NewAuthenticator {
    /// With a random secret of the algorithm's length and the parameters that every app knows.
    /// `issuer` and `account` are what the app will show: the service's name, and whatever the
    /// owner knows the account by. Beside another authenticator of the account, the app shows the
    /// new one's number too (`alice@example.com (2)`), since apps overwrite an entry of the
    /// same name.
    ///
    /// # Errors
    /// [`UriError`] for names that apps misread, see [`OtpauthUri::new`].
    pub fn new(issuer: &str, account: &str) -> Result<Self, UriError> {
        let (issuer, account) = (issuer.into(), account.into());
        Self { issuer, account, name: None, totp: Totp::DEFAULT, secret: None }.checked()
    }

    /// An authenticator that another system has issued. All its steps up to the present one count
    /// as used: its owner confirms with the next code.
    ///
    /// A URI that names no issuer, or a bare key in base32, is given names first:
    ///
    /// ```
    /// use sekisho::account::NewAuthenticator;
    /// use sekisho::otp::{OtpauthUri, Secret, Totp};
    ///
    /// let key = Secret::from_base32("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ")?;
    /// let uri = OtpauthUri::new("Example Exchange", "alice@example.com", key, Totp::DEFAULT)?;
    /// let new = NewAuthenticator::imported(&uri)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`UriError`] if the URI names no issuer, or is one that [`OtpauthUri::new`] refuses (a
    /// legacy secret, say).
    pub fn imported(uri: &OtpauthUri) -> Result<Self, UriError> {
        let imported = Self::imported_with_legacy_secret(uri)?;
        OtpauthUri::new(&imported.issuer, &imported.account, uri.secret().clone(), uri.totp())?;
        Ok(imported)
    }

    /// The same for a secret of 80 bits and more; see [`Secret::new_legacy`] for what is risked.
    /// Lists [mark](crate::account::AuthenticatorKind::App) it: have it replaced when its owner
    /// next logs in.
    ///
    /// # Errors
    /// [`UriError`] if the URI names no issuer.
    pub fn imported_with_legacy_secret(uri: &OtpauthUri) -> Result<Self, UriError> {
        let issuer = uri.issuer().unwrap_or_default().into();
        let secret = Some(uri.secret().boxed_copy());
        Self { issuer, account: uri.account().into(), name: None, totp: uri.totp(), secret }.checked()
    }

    /// Gives it the owner's name, for lists. Without one it is called by its number: `authenticator
    /// 1`.
    pub fn named(mut self, name: Text) -> Self {
        self.name = Some(name);
        self
    }

    /// With other parameters. Many apps know no others than the default ones, and ignore what they
    /// do not know.
    ///
    /// # Errors
    /// [`UriError`] for what an otpauth URI cannot say: a T0 other than 1970.
    pub fn with_totp(self, totp: Totp) -> Result<Self, UriError> {
        Self { totp, ..self }.checked()
    }

    /// The label of a new secret where the account has others, `beside` being its own number: apps
    /// overwrite an entry of the same name, and the code of the new one may never come.
    fn label_beside(&self, beside: Option<AuthenticatorId>) -> Cow<'_, str> {
        match beside {
            Some(id) if self.secret.is_none() => Cow::Owned(format!("{} ({id})", self.account)),
            _ => Cow::Borrowed(&self.account),
        }
    }

    fn uri<R: CryptoRng + ?Sized>(&self, account: &str, rng: &mut R) -> Result<OtpauthUri, UriError> {
        let secret = match &self.secret {
            Some(secret) => secret.boxed_copy(),
            None => Secret::generate_boxed(self.totp.algorithm, rng),
        };
        OtpauthUri::with_any_boxed(&self.issuer, account, secret, self.totp)
    }

    fn checked(self) -> Result<Self, UriError> {
        let given = self.secret.as_deref().map(Secret::boxed_copy);
        let secret = given.map_or_else(|| Secret::boxed(&[0; Secret::MIN_LEN]), Ok);
        let secret = secret.map_err(UriError::Secret)?;
        OtpauthUri::with_any_boxed(&self.issuer, &self.account, secret, self.totp)?;
        Ok(self)
    }
}

impl Enrollable for NewAuthenticator {
    type Begun = Enrollment;
    type Shown = Box<OtpauthUri>;

    fn draft<R: CryptoRng + ?Sized>(
        &self,
        beside: Option<AuthenticatorId>,
        rng: &mut R,
    ) -> Result<Draft<Box<OtpauthUri>>, UriError> {
        let account = self.label_beside(beside);
        let uri = Box::new(self.uri(&account, rng)?);
        let app = App { totp: uri.totp(), secret: uri.secret().boxed_copy(), tracker: Tracker::NEW };
        let is_imported = self.secret.is_some();
        let labels = Some(Labels { issuer: self.issuer.as_str().into(), account: account.as_ref().into() });
        Ok(Draft { name: self.name.clone(), kind: Kind::App(app), is_imported, labels, shown: uri })
    }

    fn begun(uri: Box<OtpauthUri>, id: AuthenticatorId, until: UnixTime, handle: EnrollmentHandle) -> Enrollment {
        Enrollment { uri, id, until, handle }
    }
}

/// All that the owner needs to enroll an authenticator. Once it is confirmed, its secret is never
/// shown again; until then whoever has the [handle](Self::handle) can see it.
///
/// Show [`uri`](Self::uri) as a QR code ([`Qr`](../qr/struct.Qr.html), feature `qr`), and beside it
/// the key as text in groups, for those who cannot scan:
/// `enrollment.uri().secret().to_base32_groups()`.
#[derive(Debug)]
#[must_use]
pub struct Enrollment {
    /// In its place on the heap: it is passed on through futures.
    pub(super) uri: Box<OtpauthUri>,
    pub(super) id: AuthenticatorId,
    pub(super) until: UnixTime,
    pub(super) handle: EnrollmentHandle,
}

impl Enrollment {
    /// The URI that goes into the app.
    #[must_use]
    pub const fn uri(&self) -> &OtpauthUri {
        &self.uri
    }

    /// The id that the authenticator will have.
    #[must_use]
    pub const fn authenticator(&self) -> AuthenticatorId {
        self.id
    }

    /// Names the enrollment in the owner's session: it shows the same secret again, and its
    /// confirmation needs it.
    pub const fn handle(&self) -> &EnrollmentHandle {
        &self.handle
    }

    /// Until when it can be confirmed.
    #[must_use]
    pub const fn until(&self) -> UnixTime {
        self.until
    }
}
