//! Codes, as a person types them: numbers of a known length.

use super::algorithm::Digits;
use super::typed::{digit, is_passed_over};
use core::fmt;
use core::str::FromStr;
use subtle::{Choice, ConstantTimeEq};

/// The longest text that is looked at, in bytes. Eight digits take 24 at most; the rest is room for
/// blanks and marks around and between them.
const MAX_TEXT: usize = 128;

/// Value in the low 27 bits (10⁸ < 2²⁷), number of digits above them.
const LENGTH_SHIFT: u32 = 27;

/// A one-time code: six to eight digits.
///
/// Parsed once, so that every spelling of a code is the same value. Decimal digits of one script
/// are read: ASCII, full-width (０–９, as Japanese keyboards give them), Arabic, Persian,
/// Devanagari or Thai. Blanks, line ends, hyphens and dashes of every kind, marks of direction and
/// marks without width are passed over, anywhere. `012345` and `12345` differ; so do a code of six
/// digits and one of seven. `Debug` hides the digits, and there is no `==`: codes are compared in
/// constant time, with [`ConstantTimeEq`].
///
/// ```
/// use sekisho::otp::Code;
/// use subtle::ConstantTimeEq;
///
/// let code: Code = "012 345".parse()?;
/// assert!(bool::from(code.ct_eq(&"０１２－３４５".parse()?)));
/// assert_eq!(format!("{code:?}"), "Code(6 digits)");
/// assert_eq!(code.reveal().to_string(), "012345");
/// # Ok::<(), sekisho::otp::CodeError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Code(u32);

impl Code {
    pub(crate) const fn new(value: u32, digits: Digits) -> Self {
        Self(value | ((digits.count() as u32) << LENGTH_SHIFT))
    }

    /// Reads what a person typed.
    ///
    /// The time this takes depends on the text, which whoever typed it knows already.
    ///
    /// # Errors
    /// [`CodeError`] if the text is anything but six to eight digits of one script, with blanks,
    /// hyphens and unseen marks around and between them.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        if text.len() > MAX_TEXT {
            return Err(CodeError::TooLong);
        }
        let (mut value, mut count, mut script) = (0_u32, 0_u8, None);
        for (position, character) in text.chars().enumerate() {
            if is_passed_over(character) {
                continue;
            }
            let (zero, digit) = digit(character).ok_or(CodeError::Character { position })?;
            if *script.get_or_insert(zero) != zero {
                return Err(CodeError::Scripts { position });
            }
            value = value.wrapping_mul(10).wrapping_add(digit);
            count = count.wrapping_add(1);
            if count > Digits::Eight.count() {
                return Err(CodeError::Length);
            }
        }
        let digits = Digits::from_count(count).ok_or(CodeError::Length)?;
        Ok(Self::new(value, digits))
    }

    /// The number of digits of the code.
    #[must_use]
    pub const fn digits(self) -> Digits {
        match self.0 >> LENGTH_SHIFT {
            6 => Digits::Six,
            7 => Digits::Seven,
            _ => Digits::Eight,
        }
    }

    /// The digits as text, with leading zeros: for those who send codes, and for tests. Whoever
    /// reads it can log in.
    ///
    /// Formatting is not constant-time.
    #[must_use]
    pub const fn reveal(self) -> impl fmt::Display + fmt::Debug {
        RevealedCode(self)
    }

    const fn value(self) -> u32 {
        self.0 & ((1 << LENGTH_SHIFT) - 1)
    }

    /// Value and length in one number, never zero.
    pub(crate) const fn packed(self) -> u32 {
        self.0
    }

    /// The inverse of [`packed`](Self::packed); refuses what no code packs to.
    pub(crate) const fn from_packed(packed: u32) -> Option<Self> {
        let code = Self(packed);
        let length = packed >> LENGTH_SHIFT;
        if length < 6 || length > 8 || code.value() >= code.digits().codes() {
            return None;
        }
        Some(code)
    }
}

impl FromStr for Code {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        Self::parse(text)
    }
}

impl ConstantTimeEq for Code {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({} digits)", self.digits().count())
    }
}

/// A code whose digits may be seen.
#[derive(Clone, Copy)]
struct RevealedCode(Code);

impl fmt::Display for RevealedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$}", self.0.value(), width = usize::from(self.0.digits().count()))
    }
}

impl fmt::Debug for RevealedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Why a text is no code. Nothing of the text is repeated: it may be a password typed into the
/// wrong field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// Fewer than six digits, or more than eight.
    #[error("a code has six to eight digits: type all of them")]
    Length,
    /// A digit of another script than those before it.
    #[error("character {} is a digit of another script than those before it: type all in one", position.saturating_add(1))]
    Scripts {
        /// The number of characters that precede it.
        position: usize,
    },
    /// A character that is neither digit, blank, hyphen nor an unseen mark.
    #[error("character {} is not a digit: type only the digits of the code", position.saturating_add(1))]
    Character {
        /// The number of characters that precede it.
        position: usize,
    },
    /// Over 128 bytes of text.
    #[error("the text is too long for a code: type only its six to eight digits")]
    TooLong,
}
