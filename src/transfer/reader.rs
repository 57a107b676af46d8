//! The reader, which decides whether short secrets are taken.

use super::encoding::{self, Encoding};
use super::error::ReadError;
use super::line;
use super::loose_uri::{self, LooseUri};
use super::pskc::{self, PskcKey};
use super::short_secrets::ShortSecrets;
use crate::account::{AccountId, PortableAccount};
use crate::otp::Secret;
use alloc::vec::Vec;

/// Reads secrets, URIs and accounts as other systems keep them.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Reader {
    short: ShortSecrets,
}

impl Reader {
    /// One that takes secrets of 128 bits and more.
    pub const fn new() -> Self {
        Self { short: ShortSecrets::Refused }
    }

    /// One that takes secrets of 80 bits and more; see [`Secret::new_legacy`] for what is risked.
    pub const fn accepting_legacy_secrets(self) -> Self {
        Self { short: ShortSecrets::Taken }
    }

    /// Reads a secret. Blanks, line ends, hyphens, padding, either case and left-over bits are
    /// taken.
    ///
    /// # Errors
    /// [`ReadError::Encoding`]; [`ReadError::Secret`]; [`ReadError::Legacy`].
    pub fn secret(&self, text: &str, encoding: Encoding) -> Result<Secret, ReadError> {
        self.short.check(encoding::secret(text, encoding)?)
    }

    /// Reads an otpauth URI, however carelessly it was written: with an empty issuer or account,
    /// colons and blanks in names, raw `#`, `SHA-256`, a line end, HTML escapes.
    ///
    /// # Errors
    /// [`ReadError::Parameter`] for one that changes codes and is not understood (`encoder=steam`);
    /// other [`ReadError`]s.
    pub fn uri(&self, text: &str) -> Result<LooseUri, ReadError> {
        loose_uri::read(self.short, text)
    }

    /// Reads a line of JSON Lines: an account, and all that it has.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn line(&self, text: &str) -> Result<(AccountId, PortableAccount), ReadError> {
        line::read(self.short, text)
    }

    /// Reads a key container (PSKC, RFC 6030) whose keys are in plain: those of hardware tokens.
    /// Each key is one answer, so that one which is not taken stops no other.
    ///
    /// # Errors
    /// [`ReadError::Pskc`] if it is no such container.
    pub fn pskc(&self, xml: &str) -> Result<Vec<PskcKey>, ReadError> {
        pskc::read(self.short, xml)
    }
}
