//! The system that accounts move in from.

use crate::account::{AccountId, PortableAccount};
use alloc::boxed::Box;
use core::pin::Pin;

/// Why a source has no answer.
pub type SourceError = Box<dyn core::error::Error + Send + Sync>;

/// The account, as the system that it moves in from knows it.
#[derive(Debug)]
#[must_use]
pub enum OldAccount {
    /// It has a second factor there.
    SecondFactor(PortableAccount),
    /// It is known there, and has none.
    KnownWithoutOne,
    /// It has moved: [`moved`](MovingSource::moved) was called for it. A record that is missing
    /// here is lost.
    Moved,
    /// It is not known there.
    Unknown,
}

/// The system that accounts move in from, each at its first contact.
///
/// While the store has no record of an account, every call asks the source. The account's first
/// attempt makes its record. From then on the verifier calls [`moved`](Self::moved), until the
/// source has acknowledged it: for every account with a record here, also if the source never had
/// the account. The source answers [`OldAccount::Moved`] from then on, for ever: it is what tells
/// a record that was lost from one that was never made. Else what was removed, reset or frozen here
/// would come back as it was there.
///
/// Stop the old system's own judging of codes before the first verifier starts with a source: a
/// code that it accepts later is good here once more.
///
/// ```
/// use sekisho::account::{AccountId, PortableAccount, PortableApp};
/// use sekisho::otp::{Secret, Totp};
/// use sekisho::verifier::{MovingSource, OldAccount, SourceError};
///
/// struct OldTable; // a real one asks its database
///
/// impl MovingSource for OldTable {
///     async fn second_factor(
///         &self,
///         account: &AccountId,
///     ) -> Result<OldAccount, SourceError> {
///         // SELECT secret, last_step, moved FROM second_factors WHERE user = $1
///         let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
///         let app = PortableApp::new(&secret, Totp::DEFAULT)?;
///         Ok(OldAccount::SecondFactor(PortableAccount::new().with_app(app)))
///     }
///
///     async fn moved(&self, account: &AccountId) -> Result<(), SourceError> {
///         // UPDATE second_factors SET moved = true WHERE user = $1
///         Ok(())
///     }
/// }
/// ```
pub trait MovingSource: Send + Sync + 'static {
    /// Answers what the old system knows of an account. In doubt answer an error: nobody is let in.
    fn second_factor(&self, account: &AccountId) -> impl Future<Output = Result<OldAccount, SourceError>> + Send;

    /// The account has a record here, or was erased here. Remember it for good, also where the old
    /// system has no such account, and accept none of its codes there any more. May be called
    /// again.
    fn moved(&self, account: &AccountId) -> impl Future<Output = Result<(), SourceError>> + Send;
}

/// Any source.
pub(super) struct BoxSource(Box<dyn Erased>);

impl BoxSource {
    pub(super) fn new(source: impl MovingSource) -> Self {
        Self(Box::new(source))
    }

    pub(super) async fn second_factor(&self, account: &AccountId) -> Result<OldAccount, SourceError> {
        self.0.second_factor(account).await
    }

    pub(super) async fn moved(&self, account: &AccountId) -> Result<(), SourceError> {
        self.0.moved(account).await
    }
}

trait Erased: Send + Sync {
    fn second_factor<'a>(&'a self, account: &'a AccountId) -> Asking<'a, OldAccount>;
    fn moved<'a>(&'a self, account: &'a AccountId) -> Asking<'a, ()>;
}

type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, SourceError>> + Send + 'a>>;

impl<M: MovingSource> Erased for M {
    fn second_factor<'a>(&'a self, account: &'a AccountId) -> Asking<'a, OldAccount> {
        Box::pin(MovingSource::second_factor(self, account))
    }

    fn moved<'a>(&'a self, account: &'a AccountId) -> Asking<'a, ()> {
        Box::pin(MovingSource::moved(self, account))
    }
}
