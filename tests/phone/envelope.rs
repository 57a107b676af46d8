//! Envelopes of records, opened and made by hand: what the library has no door for.
#![allow(dead_code)] // no test uses all of it

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use rand::Rng;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use sekisho::account::AccountId;
use sekisho::seal::{Revision, Stored};

/// Version 1, and key 1.
const HEAD: [u8; 5] = [1, 0, 0, 0, 1];

/// The lengths of envelopes, up to that of the largest record.
const LENGTHS: [usize; 14] =
    [512, 640, 768, 1_024, 1_536, 2_048, 3_072, 4_096, 6_144, 8_192, 12_288, 16_384, 24_576, 32_768];

/// The record inside an envelope that key 1 has sealed, without the zeros behind it. (A record ends
/// with another byte.)
pub(crate) fn open_record(key: &[u8; 32], account: &AccountId, stored: &Stored) -> Vec<u8> {
    let text = stored.envelope.strip_prefix(&HEAD).unwrap();
    let payload = Payload { msg: text, aad: &associated(account, &stored.revision) };
    let mut record = XChaCha20Poly1305::new(key.into()).decrypt(&nonce(&stored.revision), payload).unwrap();
    record.truncate(record.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    record
}

/// The envelope of a record, under key 1, as long as the library makes it.
pub(crate) fn seal_record(key: &[u8; 32], account: &AccountId, record: &[u8]) -> Stored {
    let mut bytes = [0; 16];
    UnwrapErr(SysRng).fill_bytes(&mut bytes);
    let revision = Revision::from_bytes(bytes);
    let (mut padded, around) = (record.to_vec(), HEAD.len() + 16);
    if let Some(len) = LENGTHS.into_iter().find(|len| record.len() + around <= *len) {
        padded.resize(len - around, 0);
    }
    let payload = Payload { msg: &padded, aad: &associated(account, &revision) };
    let text = XChaCha20Poly1305::new(key.into()).encrypt(&nonce(&revision), payload).unwrap();
    Stored { revision, envelope: [HEAD.as_slice(), &text].concat() }
}

fn nonce(revision: &Revision) -> XNonce {
    let mut nonce = XNonce::default();
    nonce[..16].copy_from_slice(revision.as_bytes());
    nonce
}

fn associated(account: &AccountId, revision: &Revision) -> Vec<u8> {
    [b"sekisho".as_slice(), &HEAD, revision.as_bytes(), account.as_bytes()].concat()
}
