//! Texts that people write: names, and reasons of operators' acts.

use super::error::NameError;
use alloc::boxed::Box;
use core::fmt;

/// The longest text, in bytes of UTF-8.
const MAX: usize = 128;

/// A name or a reason: 1 to 128 bytes of UTF-8 on one line, not all blank.
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
    /// [`NameError`] if it is blank, has over 128 bytes, or has control characters.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.trim().is_empty() || text.len() > MAX || text.chars().any(char::is_control) {
            return Err(NameError::Text);
        }
        Ok(Self(text.into()))
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
