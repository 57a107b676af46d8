//! The service sees an address before a code is sent to it.

use crate::account::{AccountId, Address, Purpose};
use alloc::boxed::Box;
use core::pin::Pin;

/// Decides whether a code may be sent to an address, before anything is counted or drawn.
///
/// The account limits its own messages; only the service sees all accounts. Two hundred new
/// accounts that name one number in a premium range are its loss. So is a code to a number that has
/// moved to another SIM since yesterday (SP 800-63B-4 §3.1.3.3): ask the carrier here.
///
/// ```
/// use sekisho::account::{AccountId, Address, Purpose};
/// use sekisho::verifier::AddressCheck;
///
/// struct Domestic;
///
/// impl AddressCheck for Domestic {
///     async fn allows(&self, _: &AccountId, address: &Address, _: Purpose) -> bool {
///         address.as_str().starts_with("+81")
///     }
/// }
/// ```
pub trait AddressCheck: Send + Sync + 'static {
    /// Returns whether a code for this purpose may be sent there. If the check cannot find out, it
    /// answers `false`. One request asks once, however often its swap is lost.
    fn allows(&self, account: &AccountId, address: &Address, purpose: Purpose) -> impl Future<Output = bool> + Send;
}

/// Any check.
pub(super) struct BoxCheck(Box<dyn Erased>);

impl BoxCheck {
    pub(super) fn new(check: impl AddressCheck) -> Self {
        Self(Box::new(check))
    }

    pub(super) async fn allows(&self, account: &AccountId, address: &Address, purpose: Purpose) -> bool {
        self.0.allows(account, address, purpose).await
    }
}

trait Erased: Send + Sync {
    fn allows<'a>(&'a self, account: &'a AccountId, address: &'a Address, purpose: Purpose) -> Allowing<'a>;
}

type Allowing<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

impl<C: AddressCheck> Erased for C {
    fn allows<'a>(&'a self, account: &'a AccountId, address: &'a Address, purpose: Purpose) -> Allowing<'a> {
        Box::pin(AddressCheck::allows(self, account, address, purpose))
    }
}
