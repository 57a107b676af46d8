//! Sentences for the people whose codes are judged, in Japanese and English.
//!
//! A service shows them as they are, or takes them as the source of its own translation:
//!
//! | what was answered | its sentence |
//! |---|---|
//! | a refusal | [`Advice::text`]: what to do now |
//! | an event of the history, a notice | [`EventKind::text`]: what has happened |
//! | the reason of a refusal, in a history | [`Reason::text`] |
//! | what an account does not allow | [`AccountError::text`] |
//!
//! [`Advice::text`]: crate::otp::Advice::text
//! [`EventKind::text`]: crate::account::EventKind::text
//! [`Reason::text`]: crate::otp::Reason::text
//! [`AccountError::text`]: crate::account::AccountError::text
//!
//! Every sentence is plain text without markup, in the polite style of each language. A refusal
//! says no more to whoever types codes than its [`Rejection`](crate::otp::Rejection) does. The
//! sentences of [`AccountError`](crate::account::AccountError) say how the account is set up: show
//! them to somebody who has given the right password, and to nobody else. A version that adds a
//! kind of answer adds its sentences.
//!
//! ```
//! use sekisho::otp::{Advice, CodeKind, Rejection, UnixTime};
//! use sekisho::text::Language;
//!
//! let refused = Rejection::Replayed { next: UnixTime::from_secs(1_800_000_030) };
//! let advice = refused.advice_for(CodeKind::AppCode);
//! assert_eq!(
//!     advice.text(Language::English),
//!     "This code cannot be used again: wait for the next one."
//! );
//! assert_eq!(
//!     advice.text(Language::Japanese),
//!     "このコードはもう使えません。次のコードをお待ちください。"
//! );
//! ```

mod account_errors;
mod advice;
mod events;
mod reasons;
#[cfg(test)]
mod tests;

/// A language that the sentences are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    /// 日本語 (`ja`)
    Japanese,
    /// English (`en`)
    English,
}

impl Language {
    const fn choose(self, japanese: &'static str, english: &'static str) -> &'static str {
        match self {
            Self::Japanese => japanese,
            Self::English => english,
        }
    }
}
