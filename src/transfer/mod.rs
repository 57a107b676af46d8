//! Accounts as files: read leniently from other systems, and written for them.
//!
//! Everything that this library writes is strict, and so are its own parsers. What other systems
//! keep is not: base32 with bits left over, URIs with blanks in them, algorithms spelled in five
//! ways. A [`Reader`] takes that, for imports only. It refuses by name what would change codes and
//! is not understood.
//!
//! Accounts of hundreds of thousands of owners move as JSON Lines: one account a line, as
//! `docs/moving.md` says field by field.
//!
//! ```
//! use sekisho::transfer::Reader;
//!
//! let line = r#"{"account":"4711","apps":[{"secret":"gezdgnbv gy3tqojq gezdgnbv gy3tqojq"}]}"#;
//! let (account, portable) = Reader::new().line(line)?;
//! assert_eq!((account.as_bytes(), portable.apps().len()), (&b"4711"[..], 1));
//! // verifier.import(&account, &portable).await?
//! # Ok::<(), sekisho::transfer::ReadError>(())
//! ```

mod encoding;
mod error;
mod line;
mod loose_uri;
mod pskc;
mod reader;
mod short_secrets;

pub use encoding::Encoding;
pub use error::ReadError;
pub use line::{write_line, write_uris};
pub use loose_uri::LooseUri;
pub use pskc::PskcKey;
pub use reader::Reader;
