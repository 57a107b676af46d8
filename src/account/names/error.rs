//! Why a text is no name.

/// Why a text is no id, purpose, name or address. Nothing of the text is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// An account id is empty, or has over 128 bytes.
    #[error(
        "an account id has 1 to 128 bytes, this one {len}: use a shorter one that never changes, such as a number or a \
         UUID"
    )]
    AccountId {
        /// The number of bytes that it has.
        len: usize,
    },
    /// A purpose is not 1 to 24 lower-case ASCII letters, digits and hyphens.
    #[error("a purpose is 1 to 24 lower-case letters, digits and hyphens, such as `login` or `api-key`: correct it")]
    Purpose,
    /// Nothing of a name or a reason is seen, or it has over 128 bytes, control characters, line
    /// separators, or marks of direction.
    #[error(
        "a name or a reason is one line of 1 to 128 bytes, something of which is seen: shorten it, and leave out control \
         characters and marks of direction"
    )]
    Text,
    /// A phone number is not a `+` and 7 to 15 digits (ITU-T E.164).
    #[error("a phone number is a + and 7 to 15 digits, such as +819012345678: leave out blanks and hyphens")]
    PhoneNumber,
    /// An e-mail address lacks a part, has blanks, or has over 254 bytes.
    #[error("an e-mail address has an @ between two parts, no blanks, and at most 254 bytes: correct it")]
    Email,
    /// E-mail was given where a factor is asked for.
    #[error(
        "e-mail is not a factor (SP 800-63B-4 §3.1.3.1): enroll a phone or an app; e-mail serves for confirmations"
    )]
    EmailIsNoFactor,
}
