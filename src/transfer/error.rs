//! The reasons for which something of another system is not taken.

use crate::account::{ImportError, NameError};
use crate::otp::SecretError;

/// The reason why something of another system is not taken. It repeats nothing of the input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The secret cannot be one.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The secret has fewer than 128 bits.
    #[error(
        "the secret has fewer than 128 bits: take such secrets only by `accepting_legacy_secrets` (the tool: `--accept-legacy-secrets`)"
    )]
    Legacy,
    /// The text is not of its encoding.
    #[error("the secret is not written in {0}: name the encoding that the other system uses")]
    Encoding(&'static str),
    /// No otpauth URI.
    #[error("this is no otpauth URI of a TOTP secret")]
    NotOtpauth,
    /// A part is missing; the text names it, "the secret" for example.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A part is there twice; the text names it.
    #[error("{0} is there twice: which one is meant?")]
    Twice(&'static str),
    /// A part has none of the values that are taken; the text names it.
    #[error("{0} has a value that is not taken")]
    Value(&'static str),
    /// A parameter that changes codes, and that no code of ours would follow.
    #[error("the parameter {0} changes codes, and is not understood: such an authenticator has to be enrolled anew")]
    Parameter(&'static str),
    /// Not JSON, or not of the schema.
    #[error("at column {column} this is no JSON of the schema in docs/moving.md")]
    Json {
        /// The place, in bytes from 1.
        column: usize,
    },
    /// Not XML, or not of RFC 6030.
    #[error("this is no key container of RFC 6030: {0}")]
    Pskc(&'static str),
    /// The key is encrypted.
    #[error("the key is encrypted: have the vendor or the other system write it in plain, over a safe way")]
    Encrypted,
    /// An account id, a name or an address cannot be one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The account cannot be imported as it is given.
    #[error(transparent)]
    Import(#[from] ImportError),
}
