//! Secrets as base32 text (RFC 4648 §6).
//!
//! The `base32` crate codes; this checks what it lets pass. It is used in pieces of one group, five
//! bytes or eight characters, so that its buffers never grow and leave an unwiped copy behind.

use super::secret::{Secret, SecretError};
use super::sensitive::Sensitive;
use alloc::string::String;
use alloc::vec::Vec;
use base32::Alphabet;

const ALPHABET: Alphabet = Alphabet::Rfc4648 { padding: false };
const GROUP_BYTES: usize = 5;
const GROUP_CHARACTERS: usize = 8;

/// Characters that stand for the longest secret: 205.
const MAX_CHARACTERS: usize = (Secret::MAX_LEN * 8).div_ceil(5);

impl Secret {
    /// Reads a secret of 16 to 128 bytes from base32, as apps and other services print it.
    ///
    /// Case, blanks, hyphens and trailing padding are forgiven; nothing else is. Not constant-time:
    /// for enrollment and import.
    ///
    /// ```
    /// use sekisho::otp::Secret;
    ///
    /// let secret = Secret::from_base32("gezd gnbv-gy3t qojq gezd gnbv gy")?;
    /// assert_eq!(secret.to_base32_groups().expose(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY");
    /// # Ok::<(), sekisho::otp::SecretError>(())
    /// ```
    ///
    /// # Errors
    /// [`SecretError`], with the position of what is wrong.
    pub fn from_base32(text: &str) -> Result<Self, SecretError> {
        Self::new(decode(text)?.expose())
    }

    /// The same for secrets of 10 bytes and more that another system issued; see
    /// [`Secret::new_legacy`] for what is risked.
    ///
    /// # Errors
    /// [`SecretError`], with the position of what is wrong.
    pub fn from_legacy_base32(text: &str) -> Result<Self, SecretError> {
        Self::new_legacy(decode(text)?.expose())
    }

    /// The secret in base32: upper case, without padding.
    #[must_use]
    pub fn to_base32(&self) -> Sensitive<String> {
        let mut text = Sensitive::new(String::with_capacity(MAX_CHARACTERS));
        for group in self.expose().chunks(GROUP_BYTES) {
            let group = Sensitive::new(base32::encode(ALPHABET, group));
            text.expose_mut().push_str(group.expose());
        }
        text
    }

    /// The secret in base32 in groups of four characters, for people to copy.
    #[must_use]
    pub fn to_base32_groups(&self) -> Sensitive<String> {
        let plain = self.to_base32();
        let mut text = Sensitive::new(String::with_capacity(MAX_CHARACTERS.saturating_mul(2)));
        for (i, character) in plain.expose().chars().enumerate() {
            if i > 0 && i.is_multiple_of(4) {
                text.expose_mut().push(' ');
            }
            text.expose_mut().push(character);
        }
        text
    }
}

fn decode(text: &str) -> Result<Sensitive<Vec<u8>>, SecretError> {
    let mut characters = Sensitive::new(String::with_capacity(MAX_CHARACTERS));
    let (mut padded, mut last) = (false, 0);
    for (position, character) in text.chars().enumerate() {
        match character {
            ' ' | '-' => {}
            '=' => padded = true,
            'A'..='Z' | 'a'..='z' | '2'..='7' if !padded => {
                if characters.expose().len() == MAX_CHARACTERS {
                    return Err(SecretError::TooLong);
                }
                characters.expose_mut().push(character.to_ascii_uppercase());
                last = position;
            }
            _ => return Err(SecretError::Character { position }),
        }
    }
    let mut bytes = Sensitive::new(Vec::with_capacity(Secret::MAX_LEN));
    let mut rest = characters.expose().as_str();
    while let Some((group, behind)) =
        rest.split_at_checked(GROUP_CHARACTERS.min(rest.len())).filter(|_| !rest.is_empty())
    {
        rest = behind;
        // One, three and six characters do not end on a byte.
        if matches!(group.len(), 1 | 3 | 6) {
            return Err(SecretError::Base32Length { characters: characters.expose().len() });
        }
        let decoded = Sensitive::new(base32::decode(ALPHABET, group).unwrap_or_default());
        let canonical = Sensitive::new(base32::encode(ALPHABET, decoded.expose()));
        if canonical.expose() != group {
            return Err(SecretError::TrailingBits { position: last });
        }
        bytes.expose_mut().extend_from_slice(decoded.expose());
    }
    Ok(bytes)
}
