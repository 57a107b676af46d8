//! A proof is redeemed: once.

use super::change::Change;
use super::limits::REDEEMED;
use super::proof::{Proof, ProofError};
use super::purpose::Purpose;
use super::{Account, AccountError};
use crate::otp::{RECENT_SECS, UnixTime};

/// A proof that was redeemed, by its serial.
#[derive(Clone, Copy)]
pub(super) struct Redeemed {
    pub(super) serial: u64,
    pub(super) at: UnixTime,
}

impl Account {
    /// Uses a proof up for `purpose`, once: a repeated attempt's proof of the same acceptance is refused after, and so is one from before a
    /// freeze, a reset or a restored backup. (Proofs of [`Purpose::BINDING`] are used up by the changes themselves.)
    ///
    /// # Errors
    /// [`AccountError::Proof`]; [`AccountError::Frozen`]; [`AccountError::Held`] where the purpose has been held since.
    pub fn redeem(
        mut self,
        now: UnixTime,
        proof: &Proof,
        purpose: Purpose,
        context: Option<&[u8; 32]>,
    ) -> Result<Change<()>, AccountError> {
        proof.check_all(&self.id, purpose, context, now)?;
        if purpose == Purpose::BINDING {
            return Err(ProofError::Purpose.into());
        }
        if self.record.frozen_at.is_some() {
            return Err(AccountError::Frozen);
        }
        if let Some(until) = self.record.held_until(purpose, now) {
            return Err(AccountError::Held { until });
        }
        proof.check_epoch(self.record.epoch)?;
        let redeemed = &mut self.record.redeemed;
        if redeemed.iter().any(|one| one.serial == proof.serial) {
            return Err(ProofError::Spent.into());
        }
        // Kept past their time until their place is needed: a clock that jumps ahead and back forgets none.
        if redeemed.len() >= REDEEMED {
            redeemed.sort_unstable_by_key(|one| one.at);
            let oldest = redeemed.remove(0);
            if now.saturating_since(oldest.at) < RECENT_SECS {
                return Err(ProofError::Spent.into());
            }
        }
        redeemed.push(Redeemed { serial: proof.serial, at: proof.at });
        Ok(Change::written(self, ()))
    }
}
