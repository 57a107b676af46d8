//! Envelopes: sealed and opened.

use super::error::SealError;
use super::key::{Keyring, SealingKey};
use super::key_id::KeyId;
use super::record::{HEAD, MAX_LEN, Stored, TAG, VERSION, Write};
use crate::account::names::revision::Revision;
use crate::account::{Account, AccountId, Change, Uncommitted};
use crate::otp::Sensitive;
use alloc::vec::Vec;
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use rand::CryptoRng;

impl Keyring {
    /// The most bytes that are sealed: with what is added an envelope has 64 KiB.
    pub const MAX_LEN: usize = MAX_LEN;

    /// Opens what a store has for `account`. Where a store has nothing, there is no account: that is
    /// an error of the caller's, and never an account without a second factor.
    ///
    /// # Errors
    /// [`SealError`]: the key is not here, the envelope is not what was sealed for this account and
    /// revision, or what is in it cannot be read.
    #[allow(clippy::needless_pass_by_value)] // used up: what comes after a write has another revision
    pub fn open(&self, account: &AccountId, stored: Stored) -> Result<Account, SealError> {
        let plain = self.open_as(Content::Record, account, &stored)?;
        Ok(Account::stored(account.clone(), stored.revision, plain.expose())?)
    }

    /// Seals a change under the primary key and a new revision. Gives the write that has to be
    /// committed, if any, and the outcome, which must not be known before.
    ///
    /// # Errors
    /// [`SealError::TooLong`]: not for records that this release alone has written.
    pub fn seal<T, R: CryptoRng + ?Sized>(
        &self,
        change: Change<T>,
        rng: &mut R,
    ) -> Result<(Option<Write>, Uncommitted<T>), SealError> {
        let Change { account, is_written, uncommitted } = change;
        if !is_written {
            return Ok((None, uncommitted));
        }
        let new = self.seal_as(Content::Record, account.id(), account.to_bytes().expose(), rng)?;
        Ok((Some(Write { expected: account.revision(), new }), uncommitted))
    }

    /// Seals bytes of the service's own, about `account`, under the primary key and a new revision.
    /// They do not open as the account's record, nor does a record open as bytes.
    ///
    /// The envelope is 21 bytes longer than `plain`.
    ///
    /// # Errors
    /// [`SealError::TooLong`] if `plain` has over [`Keyring::MAX_LEN`] bytes.
    pub fn seal_bytes<R: CryptoRng + ?Sized>(
        &self,
        account: &AccountId,
        plain: &[u8],
        rng: &mut R,
    ) -> Result<Stored, SealError> {
        self.seal_as(Content::Bytes, account, plain, rng)
    }

    fn seal_as<R: CryptoRng + ?Sized>(
        &self,
        content: Content,
        account: &AccountId,
        plain: &[u8],
        rng: &mut R,
    ) -> Result<Stored, SealError> {
        if plain.len() > Self::MAX_LEN {
            return Err(SealError::TooLong { len: plain.len() });
        }
        let (id, key) = self.primary();
        let revision = Revision::random(rng);
        // Large enough for the tag, so that it does not grow while it holds what is to be hidden.
        let mut text = Sensitive::new(Vec::with_capacity(plain.len().saturating_add(TAG)));
        text.expose_mut().extend_from_slice(plain);
        cipher(key)
            .encrypt_in_place(&nonce(&revision), &associated(content, account, &revision, id), text.expose_mut())
            .map_err(|_| SealError::TooLong { len: plain.len() })?;
        let mut envelope = Vec::with_capacity(HEAD.saturating_add(text.expose().len()));
        envelope.push(VERSION);
        envelope.extend_from_slice(&id.number().to_be_bytes());
        envelope.extend_from_slice(text.expose());
        Ok(Stored { revision, envelope })
    }

    /// Opens what [`seal_bytes`](Self::seal_bytes) sealed for this account under any key of this
    /// ring.
    ///
    /// # Errors
    /// [`SealError`]: the key is not here, or the envelope is not what was sealed for this account
    /// and revision.
    pub fn open_bytes(&self, account: &AccountId, stored: &Stored) -> Result<Sensitive<Vec<u8>>, SealError> {
        self.open_as(Content::Bytes, account, stored)
    }

    fn open_as(&self, content: Content, account: &AccountId, stored: &Stored) -> Result<Sensitive<Vec<u8>>, SealError> {
        let (id, text) = split(stored)?;
        let key = self.get(id).ok_or(SealError::UnknownKey { id })?;
        let mut plain = Sensitive::new(text.to_vec());
        cipher(key)
            .decrypt_in_place(
                &nonce(&stored.revision),
                &associated(content, account, &stored.revision, id),
                plain.expose_mut(),
            )
            .map_err(|_| SealError::DoesNotOpen)?;
        Ok(plain)
    }

    /// Returns whether an envelope was sealed under the primary key: once all are, the older keys
    /// can go.
    ///
    /// # Errors
    /// [`SealError`] if it is no envelope.
    pub fn is_sealed_under_primary(&self, stored: &Stored) -> Result<bool, SealError> {
        Ok(split(stored)?.0 == self.primary().0)
    }
}

fn split(stored: &Stored) -> Result<(KeyId, &[u8]), SealError> {
    let (&[version, a, b, c, d], text) = stored.envelope.split_first_chunk().ok_or(SealError::DoesNotOpen)?;
    if version != VERSION {
        return Err(SealError::Version { version });
    }
    Ok((KeyId::new(u32::from_be_bytes([a, b, c, d])), text))
}

fn cipher(key: &SealingKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose().into())
}

/// The revision, 128 random bits: among 2⁴⁰ writes under one key two are alike with a chance of
/// 2⁻⁴⁹.
fn nonce(revision: &Revision) -> XNonce {
    let mut nonce = XNonce::default();
    for (place, byte) in nonce.iter_mut().zip(revision.as_bytes()) {
        *place = *byte;
    }
    nonce
}

/// The kinds of content, none of which opens as another.
#[derive(Clone, Copy)]
enum Content {
    /// An account's record.
    Record,
    /// Bytes of the service's own.
    Bytes,
}

/// Behind the shorter word comes a byte that the longer one does not have there. The fields behind
/// have fixed lengths, and the account comes last. So no two contexts give the same bytes.
fn associated(content: Content, account: &AccountId, revision: &Revision, id: KeyId) -> Vec<u8> {
    let word: &[u8] = match content {
        Content::Record => b"sekisho",
        Content::Bytes => b"sekisho bytes",
    };
    [word, &[VERSION], &id.number().to_be_bytes(), revision.as_bytes(), account.as_bytes()].concat()
}
