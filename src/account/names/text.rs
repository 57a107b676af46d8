//! Texts that people write: names, and reasons of operators' acts.

use super::error::NameError;
use crate::otp::typed::{is_direction, is_unseen};
use alloc::boxed::Box;
use core::fmt;

/// The longest text, in bytes of UTF-8.
const MAX: usize = 128;

/// A name or a reason: 1 to 128 bytes of UTF-8 on one line, something of which is seen.
///
/// Control characters, line separators and marks of direction are refused: the latter would have
/// what follows the name on a page read otherwise.
///
/// It is kept in the record, shown on settings pages, and handed to event sinks; escape it where it
/// is shown.
///
/// ```
/// use sekisho::account::Text;
///
/// let name: Text = "Pixel 9".parse()?;
/// assert_eq!(name.as_str(), "Pixel 9");
/// assert!("two\nlines".parse::<Text>().is_err());
/// # Ok::<(), sekisho::account::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct Text(Box<str>);

impl Text {
    /// The text `text`.
    ///
    /// # Errors
    /// [`NameError`] if nothing of it is seen, if it has over 128 bytes, or if it has control
    /// characters, line separators or marks of direction.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let is_seen = text.chars().any(|character| !character.is_whitespace() && !is_unseen(character));
        if !is_seen || text.chars().any(breaks_the_line) {
            return Err(NameError::Text);
        }
        Self::stored(text).ok_or(NameError::Text)
    }

    /// A text that was stored: earlier releases took more.
    pub(in crate::account) fn stored(text: &str) -> Option<Self> {
        (1..=MAX).contains(&text.len()).then(|| Self(text.into()))
    }

    /// As much of a text as fits; a dash if that is none.
    pub(in crate::account) fn cut(text: &str) -> Self {
        let end = (0..=MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
        Self::new(text.get(..end.unwrap_or(0)).unwrap_or_default()).unwrap_or_else(|_| Self("-".into()))
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether a character ends the line, or changes how the rest of it is read.
pub(super) fn breaks_the_line(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') || is_direction(character)
}

impl core::str::FromStr for Text {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}
