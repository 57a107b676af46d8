//! Envelopes: sealed and opened.

use super::error::SealError;
use super::key::{Keyring, SealingKey};
use super::key_id::KeyId;
use super::record::{HEAD, MAX_LEN, Stored, TAG, VERSION, Write, padded};
use crate::account::names::revision::Revision;
use crate::account::{Account, AccountId, Change, Uncommitted};
use crate::otp::Sensitive;
use alloc::vec;
use alloc::vec::Vec;
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use rand::CryptoRng;
use zeroize::Zeroize;

impl Keyring {
    /// The most bytes that are sealed: with what is added an envelope has 64 KiB.
    pub const MAX_LEN: usize = MAX_LEN;

    /// Opens what a store has for `account`. Where a store has nothing, there is no account: that
    /// is an error of the caller's, and never an account without a second factor.
    ///
    /// # Errors
    /// [`SealError`]: the key is not here, the envelope is not what was sealed for this account and
    /// revision, or what is in it cannot be read.
    pub fn open(&self, account: &AccountId, stored: Stored) -> Result<Account, SealError> {
        let Stored { revision, mut envelope } = stored;
        // In place: nothing to copy, and only one buffer to wipe.
        let plain = self.decrypt(Content::Record, account, &revision, &mut envelope)?;
        let opened = Account::stored(account.clone(), revision, plain);
        plain.zeroize();
        Ok(opened?)
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
        let bound = account.bound().min(MAX_LEN);
        let mut new = self.blank(padded(HEAD.saturating_add(bound).saturating_add(TAG)), rng);
        // The tag has a place of its own behind.
        let end = new.envelope.len().saturating_sub(TAG);
        let place = new.envelope.get_mut(HEAD..end).unwrap_or_default();
        let Ok(len) = account.write_into(place) else {
            new.envelope.zeroize();
            return Err(SealError::TooLong { len: account.bound() });
        };
        new.envelope.truncate(padded(HEAD.saturating_add(len).saturating_add(TAG)));
        self.encrypt(Content::Record, account.id(), &mut new)?;
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
        if plain.len() > Self::MAX_LEN {
            return Err(SealError::TooLong { len: plain.len() });
        }
        let mut new = self.blank(HEAD.saturating_add(plain.len()).saturating_add(TAG), rng);
        let room = new.envelope.get_mut(HEAD..).unwrap_or_default();
        for (place, byte) in room.iter_mut().zip(plain) {
            *place = *byte;
        }
        self.encrypt(Content::Bytes, account, &mut new)?;
        Ok(new)
    }

    /// A new revision, and an envelope of so many bytes in which only the head is written.
    fn blank<R: CryptoRng + ?Sized>(&self, len: usize, rng: &mut R) -> Stored {
        let mut envelope = vec![0; len];
        let head = [[VERSION].as_slice(), &self.primary_id().number().to_be_bytes()];
        for (place, byte) in envelope.iter_mut().zip(head.into_iter().flatten()) {
            *place = *byte;
        }
        Stored { revision: Revision::random(rng), envelope }
    }

    /// Encrypts what stands between the head and the tag, in place, and writes the tag.
    fn encrypt(&self, content: Content, account: &AccountId, new: &mut Stored) -> Result<(), SealError> {
        let (id, key) = self.primary();
        let len = new.envelope.len();
        let associated = Associated::of(content, account, &new.revision, id);
        let body = new.envelope.get_mut(HEAD..).unwrap_or_default();
        let sealed = body.split_last_chunk_mut::<TAG>().and_then(|(text, place)| {
            let cipher = cipher(key);
            let tag = cipher.encrypt_inout_detached(&nonce(&new.revision), associated.bytes(), text.into()).ok()?;
            place.copy_from_slice(&tag);
            Some(())
        });
        if sealed.is_none() {
            new.envelope.zeroize();
            return Err(SealError::TooLong { len });
        }
        Ok(())
    }

    /// Opens what [`seal_bytes`](Self::seal_bytes) sealed for this account under any key of this
    /// ring.
    ///
    /// # Errors
    /// [`SealError`]: the key is not here, or the envelope is not what was sealed for this account
    /// and revision.
    pub fn open_bytes(&self, account: &AccountId, stored: &Stored) -> Result<Sensitive<Vec<u8>>, SealError> {
        let mut plain = Sensitive::new(stored.envelope.clone());
        let len = self.decrypt(Content::Bytes, account, &stored.revision, plain.expose_mut())?.len();
        let bytes = plain.expose_mut();
        bytes.copy_within(HEAD..HEAD.saturating_add(len), 0);
        bytes.get_mut(len..).unwrap_or_default().zeroize();
        bytes.truncate(len);
        Ok(plain)
    }

    /// Decrypts an envelope in place; gives what was sealed. Nothing is decrypted whose tag is
    /// wrong.
    fn decrypt<'a>(
        &self,
        content: Content,
        account: &AccountId,
        revision: &Revision,
        envelope: &'a mut [u8],
    ) -> Result<&'a mut [u8], SealError> {
        let id = key_of(envelope)?;
        let key = self.get(id).ok_or(SealError::UnknownKey { id })?;
        let associated = Associated::of(content, account, revision, id);
        let body = envelope.get_mut(HEAD..).ok_or(SealError::DoesNotOpen)?;
        let (text, tag) = body.split_last_chunk_mut::<TAG>().ok_or(SealError::DoesNotOpen)?;
        cipher(key)
            .decrypt_inout_detached(&nonce(revision), associated.bytes(), (&mut *text).into(), &(*tag).into())
            .map_err(|_| SealError::DoesNotOpen)?;
        Ok(text)
    }

    /// Returns whether an envelope was sealed under the primary key: once all are, the older keys
    /// can go.
    ///
    /// # Errors
    /// [`SealError`] if it is no envelope.
    pub fn is_sealed_under_primary(&self, stored: &Stored) -> Result<bool, SealError> {
        Ok(key_of(&stored.envelope)? == self.primary().0)
    }
}

/// The id of the key that an envelope was sealed under.
fn key_of(envelope: &[u8]) -> Result<KeyId, SealError> {
    let (&[version, a, b, c, d], _) = envelope.split_first_chunk().ok_or(SealError::DoesNotOpen)?;
    if version != VERSION {
        return Err(SealError::Version { version });
    }
    Ok(KeyId::new(u32::from_be_bytes([a, b, c, d])))
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

/// The longest word that tells contents apart.
const MAX_WORD: usize = 13;

/// The bytes that an envelope is bound to besides its text, on the stack.
struct Associated {
    bytes: [u8; MAX_WORD + HEAD + Revision::LEN + AccountId::MAX_LEN],
    len: usize,
}

impl Associated {
    /// Behind the shorter word comes a byte that the longer one does not have there. The fields
    /// behind have fixed lengths, and the account comes last. So no two contexts give the same
    /// bytes.
    fn of(content: Content, account: &AccountId, revision: &Revision, id: KeyId) -> Self {
        let word: &[u8] = match content {
            Content::Record => b"sekisho",
            Content::Bytes => b"sekisho bytes",
        };
        let mut associated = Self { bytes: [0; _], len: 0 };
        let parts = [word, &[VERSION], &id.number().to_be_bytes(), revision.as_bytes(), account.as_bytes()];
        for (place, byte) in associated.bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *place = *byte;
            associated.len = associated.len.wrapping_add(1);
        }
        associated
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
