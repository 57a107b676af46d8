//! Secrets as other systems write them.

use super::error::ReadError;
use crate::otp::{Algorithm, Secret};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use base32::Alphabet;
use base64ct::{Base64Unpadded, Encoding as _};
use zeroize::Zeroizing;

/// The longest text of a secret that is looked at, in bytes.
const MAX_TEXT: usize = 1_024;

/// The way in which a secret is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// RFC 4648 §6, as apps show it.
    #[default]
    Base32,
    /// Two digits a byte.
    Hex,
    /// RFC 4648 §4 or §5.
    Base64,
}

/// Reads a secret of 80 bits and more. Passed over are blanks, line ends, hyphens (but in base64)
/// and padding; either case is taken (but in base64), and bits that are left over at the end are
/// dropped.
pub(super) fn secret(text: &str, encoding: Encoding) -> Result<Secret, ReadError> {
    if text.len() > MAX_TEXT {
        return Err(ReadError::Secret(crate::otp::SecretError::TooLong));
    }
    let is_between = |character: &char| {
        character.is_whitespace() || *character == '=' || (encoding != Encoding::Base64 && *character == '-')
    };
    // Large enough never to grow, which would leave copies unwiped.
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    for character in text.chars().filter(|character| !is_between(character)) {
        plain.push(match (encoding, character) {
            (Encoding::Base32, character) => character.to_ascii_uppercase(),
            (Encoding::Hex, character) => character.to_ascii_lowercase(),
            (Encoding::Base64, '-') => '+',
            (Encoding::Base64, '_') => '/',
            (Encoding::Base64, character) => character,
        });
    }
    let bytes = match encoding {
        Encoding::Base32 => from_base32(&plain),
        Encoding::Hex => from_hex(&plain),
        Encoding::Base64 => Base64Unpadded::decode_vec(&plain).ok().map(Zeroizing::new),
    };
    let name = match encoding {
        Encoding::Base32 => "base32",
        Encoding::Hex => "hexadecimal digits",
        Encoding::Base64 => "base64",
    };
    Ok(Secret::new_legacy(&bytes.ok_or(ReadError::Encoding(name))?)?)
}

/// Characters that end within a byte give none, and neither do the bits behind the last byte.
fn from_base32(plain: &str) -> Option<Zeroizing<Vec<u8>>> {
    let alphabet = Alphabet::Rfc4648 { padding: false };
    let mut bytes = Zeroizing::new(Vec::with_capacity(plain.len()));
    let is_of_it = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
    if !plain.as_bytes().iter().all(is_of_it) {
        return None;
    }
    for group in plain.as_bytes().chunks(8) {
        let whole = match group.len() {
            8 => 8,
            5 | 6 => 5,
            7 => 7,
            4 => 4,
            2 | 3 => 2,
            _ => 0,
        };
        let group = str::from_utf8(group.get(..whole)?).ok()?;
        let decoded = Zeroizing::new(base32::decode(alphabet, group)?);
        bytes.extend_from_slice(&decoded);
    }
    Some(bytes)
}

fn from_hex(plain: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; plain.len().checked_div(2)?]);
    base16ct::lower::decode(plain, &mut bytes).ok()?;
    Some(bytes)
}

/// Reads the name of a hash function: `SHA1`, `sha-256`, `HmacSHA512`, `HMAC-SHA-1`.
pub(super) fn algorithm(text: &str) -> Option<Algorithm> {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    let name = plain.strip_prefix("HMAC").unwrap_or(&plain);
    [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512].into_iter().find(|algorithm| algorithm.as_str() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_as_other_systems_keep_them() {
        let bytes = b"12345678901234567890";
        for (text, encoding) in [
            ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", Encoding::Base32),
            ("gezd gnbv-gy3t qojq gezd gnbv gy3t qojq\r\n", Encoding::Base32),
            ("GEZDGNBVGY3TQOJQ\tGEZDGNBVGY3TQOJQ====", Encoding::Base32),
            ("3132333435363738393031323334353637383930", Encoding::Hex),
            ("31 32 33 34 35 36 37 38 39 30 31 32 33 34 35 36 37 38 39 30", Encoding::Hex),
            ("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", Encoding::Base64),
            ("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA", Encoding::Base64),
        ] {
            assert_eq!(secret(text, encoding).unwrap().expose(), bytes, "{text}");
        }
        // 26 characters are 130 bits: two are left over, whatever they say.
        for text in ["GEZDGNBVGY3TQOJQGEZDGNBVGY", "GEZDGNBVGY3TQOJQGEZDGNBVG3", "GEZDGNBVGY3TQOJQGEZDGNBVGYA"] {
            assert_eq!(secret(text, Encoding::Base32).unwrap().expose().len(), 16, "{text}");
        }
        assert_eq!(secret("-_-_-_-_-_-_-_-_-_-_", Encoding::Base64).unwrap().expose(), [0xfb, 0xff, 0xbf].repeat(5));
    }

    #[test]
    fn what_is_no_secret_of_its_encoding_is_refused() {
        for (text, encoding) in [
            ("GEZDGNBVGY3TQOJ0", Encoding::Base32),
            ("GEZDGNBVGY3TQOJQé", Encoding::Base32),
            ("313", Encoding::Hex),
            ("3132333435363738393g", Encoding::Hex),
            ("MTIzNDU2Nzg5MDEyMzQ1Njc4OT*", Encoding::Base64),
        ] {
            assert!(matches!(secret(text, encoding), Err(ReadError::Encoding(_))), "{text}");
        }
        assert!(matches!(secret("GEZDGNBV", Encoding::Base32), Err(ReadError::Secret(_))));
        assert!(matches!(secret(&"A".repeat(2_000), Encoding::Base32), Err(ReadError::Secret(_))));
    }

    #[test]
    fn algorithms_are_read_in_any_spelling() {
        for text in ["SHA256", "sha-256", "HmacSHA256", "HMAC-SHA-256", "hmac_sha256"] {
            assert_eq!(algorithm(text), Some(Algorithm::Sha256), "{text}");
        }
        for text in ["", "SHA", "SHA3-256", "MD5", "SHA224"] {
            assert_eq!(algorithm(text), None, "{text}");
        }
    }
}
