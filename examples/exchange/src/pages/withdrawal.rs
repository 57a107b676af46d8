//! A withdrawal as the code for it confirms it, and as it is kept: for the pages and for programs.

use crate::customers::{Withdrawal, WithdrawalState};
use sekisho::account::{Act, Authorization, Purpose, Text};
use sha2::{Digest, Sha256};

/// Characters of the account that money goes to.
pub(crate) const LONGEST: usize = 64;

pub(crate) fn is_destination(to: &str) -> bool {
    // Messages show it: one line, without marks that turn its direction, and no link.
    to.chars().count() <= LONGEST && Text::new(to).is_ok() && !to.contains("://")
}

/// The act: its code is for this withdrawal and no other. `of` says whose the name `form` is: a
/// log-in's, which nobody else has, or an account's.
pub(crate) fn act(of: &[u8], form: &str, amount: u64, to: &str, code: &str) -> Act {
    let context = Withdrawal::context(amount, to);
    Act::new(Purpose::WITHDRAWAL, &context, key(of, form, &context), code)
}

/// The withdrawal that was authorized: it waits to be paid.
pub(crate) fn of(authorization: &Authorization, amount: u64, to: &str, now: u64) -> Withdrawal {
    // Once, whatever has become of an earlier answer: the id says which one it is.
    let state = WithdrawalState::Waits { authorization: authorization.to_bytes() };
    Withdrawal { id: *authorization.id(), amount, to: to.into(), at: now, state }
}

/// The idempotency key of a withdrawal: which form it was on, what for, and whose.
fn key(of: &[u8], form: &str, context: &[u8; 32]) -> [u8; 16] {
    let hash = Sha256::new().chain_update(Sha256::digest(of)).chain_update(context).chain_update(form).finalize();
    let mut key = [0; 16];
    key.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    key
}
