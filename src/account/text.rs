//! What people write: names, and reasons of operators' acts.

use alloc::boxed::Box;
use core::fmt;

/// The longest text, in bytes of UTF-8.
const MAX: usize = 128;

/// A name or a reason: 1 to 128 bytes of UTF-8 on one line, not all blank.
///
/// It is kept in the record, shown on settings pages, and handed to event sinks; escape it where it is shown.
///
/// ```
/// use sekisho::account::Text;
///
/// let name: Text = "Pixel 9".parse()?;
/// assert_eq!(name.as_str(), "Pixel 9");
/// assert!("two\nlines".parse::<Text>().is_err());
/// # Ok::<(), sekisho::account::TextError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct Text(Box<str>);

impl Text {
    /// The text `text`.
    ///
    /// # Errors
    /// [`TextError`] if it is blank, has over 128 bytes, or has control characters.
    pub fn new(text: &str) -> Result<Self, TextError> {
        if text.trim().is_empty() || text.len() > MAX || text.chars().any(char::is_control) {
            return Err(TextError);
        }
        Ok(Self(text.into()))
    }

    /// As much of a text as fits; a dash if that is none.
    pub(super) fn cut(text: &str) -> Self {
        let end = (0..=MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
        Self::new(text.get(..end.unwrap_or(0)).unwrap_or_default()).unwrap_or_else(|_| Self("-".into()))
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::str::FromStr for Text {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
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

/// A text that is blank, over 128 bytes long, or of several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name or a reason is one line of 1 to 128 bytes: shorten it, and leave out control characters")]
pub struct TextError;
