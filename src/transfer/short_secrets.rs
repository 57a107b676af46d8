//! The rule for secrets of fewer than 128 bits.

use super::error::ReadError;
use crate::account::PortableApp;
use crate::otp::{Secret, Totp};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ShortSecrets {
    #[default]
    Refused,
    /// By a call whose name says so.
    Taken,
}

impl ShortSecrets {
    pub(super) fn check(self, secret: Secret) -> Result<Secret, ReadError> {
        if secret.is_legacy() && self == Self::Refused { Err(ReadError::Legacy) } else { Ok(secret) }
    }

    /// An app with a secret, if it is taken.
    pub(super) fn app(self, secret: Secret, totp: Totp) -> Result<PortableApp, ReadError> {
        Ok(PortableApp::with_legacy_secret(&self.check(secret)?, totp))
    }
}
