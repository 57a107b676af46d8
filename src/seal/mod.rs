//! Envelopes: what a store keeps is encrypted, and bound to its account and its revision.
//!
//! XChaCha20-Poly1305 with the record's [`Revision`] as nonce; account, revision, key id and
//! version are authenticated with it. So an envelope that was changed, or moved to another account
//! or revision, does not open. (A whole old row, put back with its revision, does: see
//! `SECURITY.md`.)
//!
//! ```
//! use sekisho::account::AccountId;
//! use sekisho::seal::{KeyId, Keyring, SealingKey};
//!
//! # let mut rng = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
//! let keyring = Keyring::new(KeyId::new(1), SealingKey::generate(&mut rng));
//! let alice = AccountId::new("alice")?;
//! let stored = keyring.seal_bytes(&alice, b"a secret", &mut rng)?;
//! assert_eq!(keyring.open_bytes(&alice, &stored)?.expose(), b"a secret");
//! assert!(keyring.open_bytes(&AccountId::new("bob")?, &stored).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod envelope;
mod error;
#[cfg(feature = "std")]
mod handle;
mod key;
mod key_id;
mod lost;
mod record;

pub use crate::account::names::revision::Revision;
pub use error::SealError;
#[cfg(feature = "std")]
pub use handle::KeyringHandle;
pub use key::{Keyring, SealingKey};
pub use key_id::KeyId;
pub use lost::RecordLoss;
pub use record::{Stored, Write};
