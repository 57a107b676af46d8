//! Google Authenticator's export: `otpauth-migration` URIs, as its QR codes hold them.

use super::algorithm::{Algorithm, Digits};
use super::secret::{Secret, SecretError};
use super::totp::Totp;
use super::uri::{Field, OtpauthUri, UriError};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use base64ct::{Base64Unpadded, Encoding};
use core::fmt;
use percent_encoding::percent_decode_str;
use prost::Message;
use zeroize::{Zeroize, Zeroizing};

/// The content of one or several `otpauth-migration` URIs: entries of apps that cannot export
/// otherwise.
///
/// A large export comes as several QR codes, its batches. Read each, and [`join`](Self::join) them.
///
/// ```
/// use sekisho::otp::Migration;
///
/// let uri = "otpauth-migration://offline?data=\
///     CjEKCkhlbGxvId6tvu8SGEV4YW1wbGU6YWxpY2VAZ29vZ2xlLmNvbRoHRXhhbXBsZTAC";
/// let migration = Migration::parse_with_legacy_secrets(uri)?;
/// for entry in migration.entries() {
///     match &entry.taken {
///         Ok(uri) => println!("{} at {:?}", uri.account(), uri.issuer()),
///         Err(why) => println!("{} is not taken: {why}", entry.label),
///     }
/// }
/// assert!(migration.missing().next().is_none());
/// # Ok::<(), sekisho::otp::UriError>(())
/// ```
#[derive(Debug)]
pub struct Migration {
    export: i32,
    /// By index; `None` where it has not been read yet.
    batches: Vec<Option<Vec<MigrationEntry>>>,
}

/// One entry of an export.
#[derive(Debug)]
#[non_exhaustive]
pub struct MigrationEntry {
    /// The app's name for it.
    pub label: String,
    /// The URI that can be [imported](crate::account::NewAuthenticator::imported), or why it
    /// cannot.
    pub taken: Result<OtpauthUri, UriError>,
}

impl Migration {
    /// The longest URI that is parsed, in bytes: more than a QR code holds.
    pub const MAX_LEN: usize = 8 << 10;
    /// The most batches of one export.
    pub const MAX_BATCHES: usize = 128;

    /// Reads a URI. Entries whose secret has fewer than 128 bits are not taken.
    ///
    /// Total: any text gives a result or an error, in time linear in its length. Blanks that a page
    /// has put in the place of `+` are taken, and so are line ends.
    ///
    /// # Errors
    /// [`UriError`] if the URI is no export, too long, or damaged. An entry that cannot be taken is
    /// no error: its own result says why.
    pub fn parse(uri: &str) -> Result<Self, UriError> {
        parse(uri, Secret::MIN_LEN)
    }

    /// The same, with secrets of 80 bits and more; see [`Secret::new_legacy`] for what is risked.
    ///
    /// # Errors
    /// [`UriError`].
    pub fn parse_with_legacy_secrets(uri: &str) -> Result<Self, UriError> {
        parse(uri, Secret::MIN_LEGACY_LEN)
    }

    /// Adds another batch of the same export. One that is there already changes nothing.
    ///
    /// # Errors
    /// [`UriError::OtherExport`].
    pub fn join(mut self, other: Self) -> Result<Self, UriError> {
        if self.export != other.export || self.batches.len() != other.batches.len() {
            return Err(UriError::OtherExport);
        }
        for (mine, theirs) in self.batches.iter_mut().zip(other.batches) {
            *mine = mine.take().or(theirs);
        }
        Ok(self)
    }

    /// The batches that are still to be read, counted from zero.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        self.batches.iter().enumerate().filter(|(_, batch)| batch.is_none()).map(|(index, _)| index)
    }

    /// The entries of the batches that were read, each taken or not.
    pub fn entries(&self) -> impl Iterator<Item = &MigrationEntry> {
        self.batches.iter().flatten().flatten()
    }
}

fn parse(uri: &str, min_len: usize) -> Result<Migration, UriError> {
    if uri.len() > Migration::MAX_LEN {
        return Err(UriError::TooLong(Field::Uri));
    }
    let (scheme, query) = uri.trim().split_once('?').ok_or(UriError::NotMigration)?;
    if !scheme.eq_ignore_ascii_case("otpauth-migration://offline") {
        return Err(UriError::NotMigration);
    }
    let data = query.split('&').find_map(|parameter| parameter.strip_prefix("data="));
    let mut text = Zeroizing::new(Vec::with_capacity(uri.len()));
    let decoded = percent_decode_str(data.ok_or(UriError::NotMigration)?);
    let plus = |byte| if byte == b' ' { b'+' } else { byte };
    text.extend(decoded.filter(|byte| !matches!(byte, b'\r' | b'\n')).map(plus));
    let padded = core::str::from_utf8(&text).map_err(|_| UriError::Corrupt)?;
    let mut bytes = Zeroizing::new([0; Migration::MAX_LEN]);
    let bytes = Base64Unpadded::decode(padded.trim_end_matches('='), &mut *bytes).map_err(|_| UriError::Corrupt)?;
    let payload = Payload::decode(bytes).map_err(|_| UriError::Corrupt)?;

    // Exports of one batch leave both numbers out, or say one of one.
    let size = usize::try_from(payload.batch_size).map_err(|_| UriError::Corrupt)?.max(1);
    let index = usize::try_from(payload.batch_index).map_err(|_| UriError::Corrupt)?;
    if size > Migration::MAX_BATCHES || index >= size {
        return Err(UriError::Corrupt);
    }
    let mut entries = Some(payload.parameters.iter().map(|parameters| parameters.entry(min_len)).collect());
    let batches = (0..size).map(|batch| if batch == index { entries.take() } else { None }).collect();
    Ok(Migration { export: payload.batch_id, batches })
}

/// Google Authenticator's message, in protocol buffers.
#[derive(Message)]
#[prost(skip_debug)]
struct Payload {
    #[prost(message, repeated, tag = "1")]
    parameters: Vec<Parameters>,
    #[prost(int32, tag = "3")]
    batch_size: i32,
    #[prost(int32, tag = "4")]
    batch_index: i32,
    #[prost(int32, tag = "5")]
    batch_id: i32,
}

#[derive(Message)]
#[prost(skip_debug)]
struct Parameters {
    #[prost(bytes = "vec", tag = "1")]
    secret: Vec<u8>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    issuer: String,
    #[prost(int32, tag = "4")]
    algorithm: i32,
    #[prost(int32, tag = "5")]
    digits: i32,
    #[prost(int32, tag = "6")]
    kind: i32,
}

impl Drop for Parameters {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl Parameters {
    fn entry(&self, min_len: usize) -> MigrationEntry {
        let label = if self.name.is_empty() { &self.issuer } else { &self.name };
        MigrationEntry { label: label.clone(), taken: self.taken(min_len) }
    }

    /// Zero stands for what was not said, and has the app's default.
    fn taken(&self, min_len: usize) -> Result<OtpauthUri, UriError> {
        if !matches!(self.kind, 0 | 2) {
            return Err(UriError::Hotp);
        }
        let algorithm = match self.algorithm {
            0 | 1 => Algorithm::Sha1,
            2 => Algorithm::Sha256,
            3 => Algorithm::Sha512,
            _ => return Err(UriError::OutOfRange(Field::Algorithm)),
        };
        let digits = match self.digits {
            0 | 1 => Digits::Six,
            2 => Digits::Eight,
            _ => return Err(UriError::OutOfRange(Field::Digits)),
        };
        if self.secret.len() < min_len {
            return Err(UriError::Secret(SecretError::TooShort { len: self.secret.len() }));
        }
        let secret: Box<Secret> = Secret::boxed(&self.secret)?;
        let issuer = Some(self.issuer.as_str()).filter(|issuer| !issuer.is_empty());
        OtpauthUri::labeled(&self.name, issuer, secret, Totp { algorithm, digits, ..Totp::DEFAULT })
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payload(..)")
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parameters(..)")
    }
}
