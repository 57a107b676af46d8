//! Sealing keys, and where they come from.

use super::error::SealError;
use super::key_id::KeyId;
use super::record::MAX_LABEL;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use hkdf::Hkdf;
use rand::CryptoRng;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// 256 bits under which records are sealed. Wiped on drop, redacted in `Debug`.
pub struct SealingKey([u8; Self::LEN]);

impl SealingKey {
    /// The length of a key in bytes.
    pub const LEN: usize = 32;

    /// The key with these bytes: what a key management service has answered, say.
    ///
    /// # Errors
    /// [`SealError::WeakKey`] if all of them are the same: a buffer that nobody has filled, or a
    /// placeholder. No random key is like that.
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Result<Self, SealError> {
        let key = Self(bytes);
        let differences = key.0.iter().fold(0, |any, byte| any | (byte ^ key.0[0]));
        if bool::from(differences.ct_eq(&0)) { Err(SealError::WeakKey) } else { Ok(key) }
    }

    /// A new key.
    #[must_use]
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut key = Self([0; Self::LEN]);
        rng.fill_bytes(&mut key.0);
        key
    }

    /// The key that this one gives for a label: HKDF-Expand with SHA-256 (RFC 5869 §2.3), to which
    /// a key of 256 random bits needs no extraction (§3.3).
    fn derived(&self, label: &str) -> Result<Self, SealError> {
        let mut key = Self([0; Self::LEN]);
        let expander = Hkdf::<Sha256>::from_prk(&self.0).map_err(|_| SealError::WeakKey)?;
        let info = [b"sekisho label ", label.as_bytes()];
        // It refuses keys of more than 255 hashes only.
        expander.expand_multi_info(&info, &mut key.0).map_err(|_| SealError::WeakKey)?;
        Ok(key)
    }

    #[cfg(feature = "std")]
    fn is_same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    pub(super) const fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl Drop for SealingKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

/// The keys that records are sealed under: one primary, for whatever is written, and older ones,
/// for what still has to be read.
///
/// # Rotation
/// Add the new key as an older one on every machine first; then make it the primary everywhere; the
/// old one can go once every record has been written again.
///
/// # From outside
/// As text a ring is a list of `id:key` entries, the primary first, apart by commas or line ends:
/// the id in decimal, the key as 64 hexadecimal digits. `openssl rand -hex 32` makes one. Blank
/// lines are passed over, and lines that begin with `#`, whatever is on them. So are a byte order
/// mark at the beginning, and a pair of quotes around the whole, which some tools leave there.
///
/// ```
/// use sekisho::seal::Keyring;
///
/// let keyring = Keyring::parse(
///     "# made in 2026
///      2:5b3a9d1c7e0f2846b1d3957a60ce84f2135790bdf2468ace0123456789abcdef
///      1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
/// )?;
/// assert_eq!(keyring.primary_id().number(), 2);
/// # Ok::<(), sekisho::seal::SealError>(())
/// ```
pub struct Keyring {
    primary: (KeyId, SealingKey),
    /// Each in its place on the heap: the list grows, and would leave copies.
    older: Vec<(KeyId, Box<SealingKey>)>,
}

impl Keyring {
    /// The longest label of [`of`](Self::of), in bytes.
    pub const MAX_LABEL: usize = MAX_LABEL;

    /// A ring with this one key.
    #[must_use]
    pub const fn new(id: KeyId, key: SealingKey) -> Self {
        Self { primary: (id, key), older: Vec::new() }
    }

    /// The same ring with one more key to open records with.
    ///
    /// # Errors
    /// [`SealError::DuplicateKey`] if the ring has a key of this id.
    pub fn with_older(mut self, id: KeyId, key: SealingKey) -> Result<Self, SealError> {
        if self.get(id).is_some() {
            return Err(SealError::DuplicateKey { id });
        }
        self.older.push((id, Box::new(key)));
        Ok(self)
    }

    /// The ring of another use: it has a key of its own for every key of this one, under the same
    /// id. What was sealed under one label opens under no other, and not under this ring itself.
    ///
    /// Take one label for each tenant whose accounts have the same ids as another's, and one for
    /// each kind of bytes that the service seals for itself. Rotate this ring, and derive again.
    ///
    /// ```
    /// use sekisho::account::AccountId;
    /// use sekisho::seal::{KeyId, Keyring, SealingKey};
    ///
    /// # let mut rng = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
    /// let keyring = Keyring::new(KeyId::new(1), SealingKey::generate(&mut rng));
    /// let (notes, tenant) = (keyring.of("notes")?, keyring.of("tenant 7")?);
    /// let alice = AccountId::new("alice")?;
    /// let stored = notes.seal_bytes(&alice, b"a note", &mut rng)?;
    /// assert!(keyring.of("notes")?.open_bytes(&alice, &stored).is_ok());
    /// assert!(tenant.open_bytes(&alice, &stored).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SealError::Label`] unless the label has 1 to 64 bytes.
    pub fn of(&self, label: &str) -> Result<Self, SealError> {
        if label.is_empty() || label.len() > Self::MAX_LABEL {
            return Err(SealError::Label { len: label.len() });
        }
        let (id, key) = &self.primary;
        let mut ring = Self::new(*id, key.derived(label)?);
        for (id, key) in &self.older {
            ring = ring.with_older(*id, key.derived(label)?)?;
        }
        Ok(ring)
    }

    /// Reads a ring from text, as described above.
    ///
    /// # Errors
    /// [`SealError`], with the number of the entry that is wrong. Nothing of the text is repeated.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let text = text.trim_start_matches('\u{feff}').trim();
        let lines = unquoted(text).lines().filter(|line| !line.trim_start().starts_with('#'));
        let entries = lines.flat_map(|line| line.split(',')).map(str::trim).filter(|entry| !entry.is_empty());
        let mut ring: Option<Self> = None;
        for (index, entry) in entries.enumerate() {
            let (id, bytes) = parse_entry(entry).ok_or(SealError::KeyEntry { number: index.saturating_add(1) })?;
            let key = SealingKey::from_bytes(*bytes)?;
            ring = Some(match ring {
                None => Self::new(id, key),
                Some(ring) => ring.with_older(id, key)?,
            });
        }
        ring.ok_or(SealError::NoKeys)
    }

    /// Reads a ring from an environment variable.
    ///
    /// Everybody who may read the process's environment may read the keys: a file, or a key
    /// management service, is safer.
    ///
    /// # Errors
    /// [`SealError`] if the variable is not set, or is no ring.
    #[cfg(feature = "std")]
    pub fn from_env(name: &str) -> Result<Self, SealError> {
        use std::env::VarError;
        match std::env::var(name) {
            Ok(text) => Self::parse(&Zeroizing::new(text)),
            Err(VarError::NotPresent) => Err(SealError::NotSet { name: name.into() }),
            Err(VarError::NotUnicode(_)) => Err(SealError::KeyEntry { number: 1 }),
        }
    }

    /// Reads a ring from a file of at most 64 KiB, which nobody but this service should be able to
    /// read.
    ///
    /// # Errors
    /// [`SealError`] if the file cannot be read, or is no ring.
    #[cfg(feature = "std")]
    pub fn from_file(path: impl AsRef<std::path::Path>) -> Result<Self, SealError> {
        use std::io::Read;
        const MAX: usize = 64 << 10;
        let path = path.as_ref();
        let unreadable = |source| SealError::Unreadable { path: path.into(), source: alloc::sync::Arc::new(source) };
        // Never grows, which would leave a copy unwiped; one byte more tells a longer file.
        let mut bytes = Zeroizing::new(alloc::vec![0; MAX.saturating_add(1)]);
        let mut file = std::fs::File::open(path).map_err(unreadable)?;
        let mut len = 0_usize;
        loop {
            let place = bytes.get_mut(len..).unwrap_or_default();
            match file.read(place) {
                Ok(0) => break,
                Ok(read) => len = len.saturating_add(read),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error)),
            }
        }
        let text = bytes.get(..len).filter(|_| len <= MAX).and_then(|bytes| str::from_utf8(bytes).ok());
        Self::parse(text.ok_or(SealError::KeyEntry { number: 1 })?)
    }

    /// The id of the key that whatever is written is sealed under.
    #[must_use]
    pub const fn primary_id(&self) -> KeyId {
        self.primary.0
    }

    pub(super) const fn primary(&self) -> (KeyId, &SealingKey) {
        (self.primary.0, &self.primary.1)
    }

    /// Returns whether the other ring has this one's primary key.
    #[cfg(feature = "std")]
    pub(super) fn hands_over_to(&self, other: &Self) -> bool {
        let (id, key) = self.primary();
        other.get(id).is_some_and(|same| same.is_same(key))
    }

    pub(super) fn get(&self, id: KeyId) -> Option<&SealingKey> {
        if self.primary.0 == id {
            return Some(&self.primary.1);
        }
        self.older.iter().find(|(other, _)| *other == id).map(|(_, key)| &**key)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let older = self.older.iter().map(|(id, _)| id.number()).collect::<Vec<_>>();
        f.debug_struct("Keyring").field("primary", &self.primary.0.number()).field("older", &older).finish()
    }
}

/// A text without the pair of quotes that `docker --env-file`, say, leaves around it.
fn unquoted(text: &str) -> &str {
    let inside = |quote| text.strip_prefix(quote).and_then(|text: &str| text.strip_suffix(quote));
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

fn parse_entry(entry: &str) -> Option<(KeyId, Zeroizing<[u8; SealingKey::LEN]>)> {
    let (id, hex) = entry.split_once(':')?;
    let id = id.bytes().all(|byte| byte.is_ascii_digit()).then(|| id.parse().ok())??;
    let mut key = Zeroizing::new([0; SealingKey::LEN]);
    // Decodes in constant time; a text of another length fails.
    let len = base16ct::mixed::decode(hex, &mut *key).ok()?.len();
    (len == SealingKey::LEN).then_some((KeyId::new(id), key))
}
