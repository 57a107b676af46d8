//! The authorization that an act leaves behind.

use super::names::account_id::AccountId;
use super::names::ids::AuthenticatorId;
use super::names::purpose::Purpose;
use super::proof::Method;
use super::record::encoding::fields::{Corrupt, Written, bytes, channel_from_number, number_of, time};
use crate::otp::{StoredError, UnixTime};
use alloc::vec::Vec;
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};
use sha2::{Digest, Sha256};

/// The form that [`Authorization::to_bytes`] gives.
const VERSION: u32 = 1;
const FIELDS: u64 = 10;

/// An act was authorized: a code for it was accepted and used up, and that is stored.
///
/// It may wait in a queue until the act happens, as [bytes](Self::to_bytes). Keep it under its
/// [`id`](Self::id), with a unique constraint: then an act that is authorized twice happens once.
/// Before the act happens, ask whether the authorization
/// [still stands](crate::account::Account::still_stands).
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an authorization that nobody looks at authorizes nothing"]
pub struct Authorization {
    pub(super) id: [u8; 32],
    pub(super) account: AccountId,
    pub(super) purpose: Purpose,
    pub(super) context: [u8; 32],
    pub(super) method: Method,
    pub(super) at: UnixTime,
    /// The record's epoch at the time.
    pub(super) epoch: u64,
}

impl Authorization {
    /// SHA-256 over account, idempotency key, purpose and context: the same for every
    /// authorization of one act, whatever the store has lost, and no other act's.
    #[must_use]
    pub const fn id(&self) -> &[u8; 32] {
        &self.id
    }

    /// The account whose act it is.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// The purpose that the code was submitted for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The hash of what was authorized. Compare it with that of what is about to happen.
    #[must_use]
    pub const fn context(&self) -> &[u8; 32] {
        &self.context
    }

    /// The method that it was proved by.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The time when the code was accepted.
    #[must_use]
    pub const fn at(&self) -> UnixTime {
        self.at
    }

    pub(super) fn id_of(account: &AccountId, key: &[u8; 16], purpose: Purpose, context: &[u8; 32]) -> [u8; 32] {
        // All parts but the account have a fixed length, and it comes last.
        let parts = [b"sekisho act".as_slice(), key, purpose.bytes(), context, account.as_bytes()];
        parts.iter().fold(Sha256::new(), Digest::chain_update).finalize().into()
    }

    /// The authorization as bytes, for a queue of the service's own: at most 300.
    ///
    /// They are neither secret nor protected. Whoever can write to the queue can authorize acts, as
    /// whoever can write to the service's ledger can.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, number, channel) = match self.method {
            Method::Authenticator(id) => (1, id.number(), 0),
            // No authenticator has the number zero.
            Method::DeliveredCode { authenticator, channel } => {
                (2, authenticator.map_or(0, AuthenticatorId::number), number_of(channel))
            }
            Method::RecoveryCode { left } => (3, u32::from(left), 0),
            Method::StrongerFactor => (4, 0, 0),
        };
        let mut to = Encoder::new(Vec::new());
        let _ = self.write(kind, number, channel, &mut to); // a vector does not fail
        to.into_writer()
    }

    fn write<W: Write>(&self, kind: u32, number: u32, channel: u32, to: &mut Encoder<W>) -> Written<W> {
        to.array(FIELDS)?.u32(VERSION)?.bytes(&self.id)?.bytes(self.account.as_bytes())?;
        to.str(self.purpose.as_str())?.bytes(&self.context)?.u64(self.at.as_secs())?.u64(self.epoch)?;
        to.u32(kind)?.u32(number)?.u32(channel)?;
        Ok(())
    }

    /// The authorization that [`to_bytes`](Self::to_bytes) gave these bytes of.
    ///
    /// **Dangerous: this asks nobody.** Give it only bytes that the service itself has stored, from
    /// a queue that nobody else writes to. [`still_stands`](crate::account::Account::still_stands)
    /// finds out what has changed since, and cannot find out whether a code was ever accepted.
    ///
    /// # Errors
    /// [`StoredError::Version`]; [`StoredError::Corrupt`].
    pub fn assume_authorized(stored: &[u8]) -> Result<Self, StoredError> {
        let mut from = Decoder::new(stored);
        let (fields, version) = read_head(&mut from)?;
        if version != VERSION {
            return Err(StoredError::Version { version });
        }
        let authorization = read(&mut from)?;
        let is_whole = fields == FIELDS && from.position() == stored.len();
        if is_whole { Ok(authorization) } else { Err(StoredError::Corrupt) }
    }
}

fn read_head(from: &mut Decoder<'_>) -> Result<(u64, u32), Corrupt> {
    let fields = from.array()?.ok_or(Corrupt)?;
    Ok((fields, from.u32()?))
}

fn read(from: &mut Decoder<'_>) -> Result<Authorization, Corrupt> {
    let id = bytes(from)?;
    let account = AccountId::new(from.bytes()?).map_err(|_| Corrupt)?;
    let purpose = Purpose::new(from.str()?).map_err(|_| Corrupt)?;
    let (context, at, epoch) = (bytes(from)?, time(from)?, from.u64()?);
    let (kind, number, channel) = (from.u32()?, from.u32()?, from.u32()?);
    let method = match kind {
        1 => Method::Authenticator(AuthenticatorId::new(number)),
        2 => {
            let authenticator = Some(AuthenticatorId::new(number)).filter(|id| id.number() > 0);
            Method::DeliveredCode { authenticator, channel: channel_from_number(channel).ok_or(Corrupt)? }
        }
        3 => Method::RecoveryCode { left: u8::try_from(number).map_err(|_| Corrupt)? },
        4 => Method::StrongerFactor,
        _ => return Err(Corrupt),
    };
    Ok(Authorization { id, account, purpose, context, method, at, epoch })
}
