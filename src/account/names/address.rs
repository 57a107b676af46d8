//! Addresses that codes are delivered to.

use super::error::NameError;
use super::text::{Text, breaks_the_line};
use crate::otp::typed::is_unseen;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// The ways in which a code reaches its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Channel {
    /// A text message.
    Sms,
    /// A call that reads the code out.
    Voice,
    /// E-mail: for confirmations, not a factor (SP 800-63B-4 §3.1.3.1).
    Email,
}

impl Channel {
    /// Returns whether SP 800-63B-4 §3.1.3.3 calls it a *restricted* authenticator: offer another,
    /// and tell the owner of the risk.
    #[must_use]
    pub const fn is_restricted(self) -> bool {
        matches!(self, Self::Sms | Self::Voice)
    }

    /// The channel as one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Email => "email",
        }
    }
}

/// A phone number or an e-mail address. `Debug` shows it masked.
///
/// ```
/// use sekisho::account::Address;
///
/// let address = Address::sms("+819012345678")?;
/// assert_eq!(address.masked().as_str(), "+81*******678");
/// # Ok::<(), sekisho::account::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    channel: Channel,
    to: Box<str>,
}

impl Address {
    /// The longest e-mail address, in bytes (RFC 5321 §4.5.3.1).
    pub const MAX_LEN: usize = 254;

    /// A phone that takes text messages, its number as ITU-T E.164 has it: `+` and 7 to 15 digits.
    ///
    /// Only that form is checked here. Whether there can be such a number, and which other
    /// spellings are the same one (`+610412345678` and `+61412345678` ring one phone, and are two
    /// addresses here), is the service's to find out before: by the crate
    /// [`phonenumber`](https://docs.rs/phonenumber), as `examples/exchange` does, or by a look-up
    /// at its carrier.
    ///
    /// # Errors
    /// [`NameError::PhoneNumber`].
    pub fn sms(number: &str) -> Result<Self, NameError> {
        Self::new(Channel::Sms, number)
    }

    /// A phone that is called, its number as for [`sms`](Self::sms).
    ///
    /// # Errors
    /// [`NameError::PhoneNumber`].
    pub fn voice(number: &str) -> Result<Self, NameError> {
        Self::new(Channel::Voice, number)
    }

    /// An e-mail address: something, `@`, something, without blanks and unseen marks, at most 254
    /// bytes. Whether it exists is the mailer's to find out.
    ///
    /// # Errors
    /// [`NameError::Email`].
    pub fn email(address: &str) -> Result<Self, NameError> {
        Self::new(Channel::Email, address)
    }

    pub(in crate::account) fn new(channel: Channel, to: &str) -> Result<Self, NameError> {
        match channel {
            Channel::Sms | Channel::Voice => {
                let digits = to.strip_prefix('+').unwrap_or_default();
                let is_number = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
                if !is_number {
                    return Err(NameError::PhoneNumber);
                }
            }
            Channel::Email => {
                let parts = to.rsplit_once('@').filter(|(name, domain)| !name.is_empty() && !domain.is_empty());
                let is_odd =
                    |character: char| character.is_whitespace() || breaks_the_line(character) || is_unseen(character);
                if parts.is_none() || to.chars().any(is_odd) || to.len() > Self::MAX_LEN {
                    return Err(NameError::Email);
                }
            }
        }
        Ok(Self { channel, to: to.into() })
    }

    /// An address that was stored: earlier releases took more.
    pub(in crate::account) fn stored(channel: Channel, to: &str) -> Option<Self> {
        (1..=Self::MAX_LEN).contains(&to.len()).then(|| Self { channel, to: to.into() })
    }

    /// The way in which codes reach it.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        self.channel
    }

    /// The number or address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.to
    }

    /// The part of it that may be shown, to tell it from others: the first three and the last three
    /// characters of a number; the first character of an e-mail address, and its domain as far
    /// as there is room.
    #[must_use]
    pub fn masked(&self) -> Text {
        let (shown, hidden, rest) = match self.channel {
            Channel::Sms | Channel::Voice => {
                let hidden = self.to.len().saturating_sub(6);
                (self.to.get(..3), hidden, self.to.get(3_usize.saturating_add(hidden)..))
            }
            Channel::Email => {
                let first = self.to.chars().next().map_or(0, char::len_utf8);
                (self.to.get(..first), 3, self.to.rfind('@').and_then(|at| self.to.get(at..)))
            }
        };
        let stars = core::iter::repeat_n('*', hidden);
        let masked: String =
            shown.unwrap_or_default().chars().chain(stars).chain(rest.unwrap_or_default().chars()).collect();
        Text::cut(&masked)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({} {})", self.channel.as_str(), self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn addresses_are_checked() {
        for number in ["+8190", "819012345678", "+81-90-1234-5678", "+8190123456789012", "+", "", "+８１９０１２３４５"]
        {
            assert_eq!(Address::sms(number), Err(NameError::PhoneNumber), "{number}");
        }
        for address in [
            "a\u{200b}b@c",
            "a\u{202e}b@c",
            "a@b\u{2028}c",
            "",
            "@",
            "a@",
            "@b",
            "a b@c",
            "a@b\n",
            "plain",
            &format!("{}@b", "a".repeat(254)),
        ] {
            assert_eq!(Address::email(address), Err(NameError::Email), "{address}");
        }
        assert_eq!(Address::voice("+4930901820").unwrap().as_str(), "+4930901820");
    }

    #[test]
    fn masks_show_little() {
        let masked = |address: Result<Address, NameError>| format!("{:?}", address.unwrap());
        assert_eq!(masked(Address::sms("+819012345678")), "Address(sms +81*******678)");
        assert_eq!(masked(Address::voice("+1234567")), "Address(voice +12**567)");
        assert_eq!(masked(Address::email("alice@example.com")), "Address(email a***@example.com)");
        assert_eq!(masked(Address::email("ä@b")), "Address(email ä***@b)");
        let long = Address::email(&format!("a@{}", "日".repeat(80))).unwrap();
        assert!(long.masked().as_str().len() <= 128 && long.masked().as_str().starts_with("a***@日"));
    }
}
