//! Recovery codes that another system has issued: kept until their owner has a set of ours.

use super::capacity::RECOVERY_CODES;
use super::recovery::without_marks_of_a_list;
use crate::otp::Sensitive;
use crate::otp::typed::is_passed_over;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use rand::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// The longest text that is looked at, in bytes.
const MAX_TEXT: usize = 192;
/// The characters of a code: a shorter one could be guessed, a longer one is none.
const LENGTHS: core::ops::RangeInclusive<usize> = 8..=64;
/// The longest hash of another system's, in bytes.
pub(in crate::account) const OLD_HASH: usize = 256;

/// Compares a code with the hash that another system has kept of it.
///
/// The service brings it, since every system hashes in its own way (bcrypt, argon2, PBKDF2). It is
/// asked for each hash that is left, after the attempt was admitted by its throttle, and before the
/// failure is counted. So it takes as long as that many hashes do: run the verifier's call where
/// that keeps nobody waiting.
///
/// ```
/// use sekisho::account::HashChecker;
///
/// struct Bcrypt; // by the crate `bcrypt`
///
/// impl HashChecker for Bcrypt {
///     fn matches(&self, hash: &str, typed: &str) -> bool {
///         bcrypt::verify(typed, hash).unwrap_or(false)
///     }
/// }
///
/// let hash = bcrypt::hash("a1b2c-d3e4f", 4)?;
/// assert!(
///     Bcrypt.matches(&hash, "a1b2c-d3e4f") && !Bcrypt.matches("no hash", "a1b2c-d3e4f")
/// );
/// # Ok::<(), bcrypt::BcryptError>(())
/// ```
pub trait HashChecker: Send + Sync + 'static {
    /// Returns whether `hash`, as it was imported, is one of `typed`: the code as somebody typed
    /// it, without blanks around it and the marks of a list. A hash that cannot be read matches
    /// nothing.
    fn matches(&self, hash: &str, typed: &str) -> bool;
}

/// A code as it was typed that is none of ours. Wiped on drop.
pub(crate) struct TypedCode(Box<Sensitive<String>>);

impl TypedCode {
    /// Reads what a person typed, if it can be a code of another system.
    pub(in crate::account) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let plain = without_marks_of_a_list(text).trim();
        let typed = Self(Box::new(Sensitive::new(String::from(plain))));
        LENGTHS.contains(&typed.normal()?.expose().len()).then_some(typed)
    }

    pub(in crate::account) fn as_str(&self) -> &str {
        self.0.expose()
    }

    /// Its characters in one spelling: upper case, without blanks and hyphens, `0` for `O` and `1`
    /// for `I` and `L`. `None` if there are others than those of ASCII.
    pub(in crate::account) fn normal(&self) -> Option<Sensitive<String>> {
        // Large enough never to grow, which would leave copies unwiped.
        let mut normal = Sensitive::new(String::with_capacity(self.as_str().len()));
        for character in self.as_str().chars().filter(|character| !is_passed_over(*character)) {
            let character = match character {
                '！'..='～' => char::from_u32(u32::from(character).wrapping_sub(0xfee0))?,
                character => character,
            };
            normal.expose_mut().push(match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                character if character.is_ascii_graphic() => character,
                _ => return None,
            });
        }
        Some(normal)
    }
}

impl Clone for TypedCode {
    fn clone(&self) -> Self {
        Self(Box::new(Sensitive::new(self.0.expose().clone())))
    }
}

/// The codes that have not been used.
pub(in crate::account) struct ImportedCodes {
    /// Of the hashes that we have made.
    pub(in crate::account) key: [u8; 16],
    pub(in crate::account) codes: Vec<ImportedCode>,
    /// A code of it was used: a set of ours is due.
    pub(in crate::account) is_used: bool,
}

/// A code of another system.
pub(in crate::account) enum ImportedCode {
    /// It came in clear: SHA-256 over the key and its normal text.
    Hash([u8; 32]),
    /// Its hash, as the other system keeps it.
    Old(Box<str>),
}

impl ImportedCodes {
    pub(in crate::account) fn new<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut key = [0; 16];
        rng.fill_bytes(&mut key);
        Self { key, codes: Vec::new(), is_used: false }
    }

    /// Keeps a code that came in clear.
    pub(in crate::account) fn keep(&mut self, normal: &str) {
        let hash = self.hash(normal);
        self.codes.push(ImportedCode::Hash(hash));
    }

    pub(in crate::account) fn left(&self) -> u8 {
        u8::try_from(self.codes.len().min(RECOVERY_CODES)).unwrap_or(u8::MAX)
    }

    pub(in crate::account) fn spend(&mut self, place: u32) {
        if (place as usize) < self.codes.len() {
            self.codes.remove(place as usize);
            self.is_used = true;
        }
    }

    /// Finds this code among those that are left, and its place. All are compared. Our hashes are
    /// chosen by mask, and the checker answers for the others.
    pub(in crate::account) fn find(&self, typed: &TypedCode, checker: Option<&dyn HashChecker>) -> Option<u32> {
        let hash = typed.normal().map(|normal| self.hash(normal.expose()));
        let (mut found, mut place) = (Choice::from(0), 0_u32);
        for (number, code) in (0..).zip(&self.codes) {
            let same = match code {
                ImportedCode::Hash(kept) => hash.map_or(Choice::from(0), |hash| kept.ct_eq(&hash)),
                ImportedCode::Old(old) => {
                    let matches = |checker: &dyn HashChecker| checker.matches(old, typed.as_str());
                    Choice::from(u8::from(checker.is_some_and(matches)))
                }
            };
            place.conditional_assign(&number, same);
            found |= same;
        }
        bool::from(found).then_some(place)
    }

    /// The length of the text shows in the time that this takes, and whoever typed it knows it.
    fn hash(&self, normal: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.key.as_slice());
        hash.update(normal);
        hash.finalize_reset().into()
    }
}

/// A hash of a recovery code of ours, as an export writes it: `$sekisho$`, the set's key, `$`, and
/// the hash, both in hexadecimal digits.
pub(in crate::account) struct ExportedHash {
    pub(in crate::account) key: [u8; 16],
    pub(in crate::account) hash: [u8; 32],
}

impl ExportedHash {
    const PREFIX: &str = "$sekisho$";

    pub(in crate::account) fn parse(text: &str) -> Option<Self> {
        let (key, hash) = text.strip_prefix(Self::PREFIX)?.split_once('$')?;
        let mut own = Self { key: [0; 16], hash: [0; 32] };
        let is_whole = base16ct::lower::decode(key, &mut own.key).ok()?.len() == own.key.len()
            && base16ct::lower::decode(hash, &mut own.hash).ok()?.len() == own.hash.len();
        is_whole.then_some(own)
    }

    pub(in crate::account) fn to_text(&self) -> String {
        let (mut key, mut hash) = ([0; 32], [0; 64]);
        let key = base16ct::lower::encode_str(&self.key, &mut key).unwrap_or_default(); // it has room
        let hash = base16ct::lower::encode_str(&self.hash, &mut hash).unwrap_or_default();
        [Self::PREFIX, key, "$", hash].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_another_system_is_read_in_any_spelling() {
        for (text, normal) in [
            ("a1b2c-d3e4f", "A1B2CD3E4F"),
            (" [ ] ABCD EFGH\r\n", "ABCDEFGH"),
            ("1. o0il-xyzw", "0011XYZW"),
            ("１２３４　５６７８", "12345678"),
            ("aB3_dE/+=9", "AB3_DE/+=9"),
        ] {
            let typed = TypedCode::parse(text).unwrap();
            assert_eq!(typed.normal().unwrap().expose(), normal, "{text}");
        }
        for text in ["", "1234567", "123456", "été-étéé", &"a".repeat(65), &" ".repeat(200)] {
            assert!(TypedCode::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn each_is_found_at_its_place_whoever_has_hashed_it() {
        struct Reversed;
        impl HashChecker for Reversed {
            fn matches(&self, hash: &str, typed: &str) -> bool {
                hash.bytes().eq(typed.bytes().rev())
            }
        }
        let mut codes = ImportedCodes::new(&mut rand::rand_core::UnwrapErr(rand::rngs::SysRng));
        codes.keep("ABCDEFGH");
        codes.codes.push(ImportedCode::Old("87654321".into()));
        codes.keep("12345678X");
        let find = |codes: &ImportedCodes, text: &str, checker: Option<&dyn HashChecker>| {
            codes.find(&TypedCode::parse(text).unwrap(), checker)
        };
        assert_eq!(find(&codes, "abcd-efgh", None), Some(0));
        assert_eq!(find(&codes, "12345678x", None), Some(2));
        assert_eq!(find(&codes, "12345678", Some(&Reversed)), Some(1));
        assert_eq!(find(&codes, "12345678", None), None, "nobody answers for it");
        assert_eq!(find(&codes, "abcdefgx", Some(&Reversed)), None);
        codes.spend(0);
        assert_eq!((find(&codes, "abcdefgh", None), codes.left()), (None, 2));
    }
}
