//! A proof is redeemed: once.

use crate::account::error::AccountError;
use crate::account::names::purpose::Purpose;
use crate::account::proof::Proof;
use crate::account::record::capacity::REDEEMED;
use crate::account::record::whole::Redeemed;
use crate::account::transition::{Account, Change};
use crate::otp::{RECENT_SECS, Rejection, UnixTime};

impl Account {
    /// Uses a proof up for `purpose`, once: a repeated attempt's proof of the same acceptance is
    /// refused after, and so is one from before a freeze, a reset or a restored backup. (Proofs
    /// of [`Purpose::BINDING`] are used up by the changes themselves.)
    ///
    /// # Errors
    /// [what a proof can lack](crate::account::Proof#what-a-proof-can-lack), also where the purpose
    /// was held in between, and after 64 proofs that were redeemed within ten minutes;
    /// [`AccountError::Frozen`]; [`AccountError::Held`] where it is held now.
    pub fn redeem(
        mut self,
        now: UnixTime,
        proof: &Proof,
        purpose: Purpose,
        context: Option<&[u8; 32]>,
    ) -> Result<Change<()>, AccountError> {
        let now = self.moment(now);
        proof.check_all(&self.id, purpose, context, now)?;
        if purpose == Purpose::BINDING {
            return Err(AccountError::ProofForAnotherPurpose);
        }
        match self.blocked(purpose, now) {
            Some(Rejection::Held { until }) => return Err(AccountError::Held { until }),
            Some(_) => return Err(AccountError::Frozen),
            None => {}
        }
        proof.check_epoch(self.record.epoch)?;
        if self.record.was_held_after(purpose, proof.at, now) {
            return Err(AccountError::ProofSpent);
        }
        let redeemed = &mut self.record.redeemed;
        if redeemed.iter().any(|one| one.serial == proof.serial) {
            return Err(AccountError::ProofSpent);
        }
        // Kept past their time until their place is needed: a clock that jumps ahead and back forgets none.
        if redeemed.len() >= REDEEMED {
            redeemed.sort_unstable_by_key(|one| one.at);
            let oldest = redeemed.remove(0);
            if now.is_within_secs_after(oldest.at, RECENT_SECS) {
                return Err(AccountError::ProofSpent);
            }
        }
        redeemed.push(Redeemed { serial: proof.serial, at: proof.at });
        Ok(Change::written(self, Ok(())))
    }
}
