//! A proof is used up for a change of binding.

use crate::account::error::AccountError;
use crate::account::names::purpose::Purpose;
use crate::account::policy::Policy;
use crate::account::proof::{Origin, Proof};
use crate::account::transition::Account;
use crate::otp::Moment;

impl Account {
    /// Uses up a proof for a change of binding, and with it all that were given so far.
    pub(super) fn spend_proof(&mut self, policy: &Policy, proof: &Proof, now: Moment) -> Result<(), AccountError> {
        self.check_not_frozen()?;
        // The code that confirmed a new authenticator has passed another door.
        self.check_enough(policy, Purpose::BINDING, Some(proof.method))?;
        proof.check(&self.id, Purpose::BINDING, now)?;
        proof.check_origin()?;
        proof.check_epoch(self.record.epoch)?;
        if proof.serial <= self.record.proofs_spent {
            return Err(AccountError::ProofSpent);
        }
        self.record.proofs_spent = self.record.history.last;
        self.source.clone_from(&proof.source);
        Ok(())
    }

    /// As `spend_proof`. Where the policy asks for a pass, a proof from confirming an enrollment is
    /// refused: that code came without a pass.
    pub(super) fn spend_proof_with_pass(
        &mut self,
        policy: &Policy,
        proof: &Proof,
        now: Moment,
    ) -> Result<(), AccountError> {
        if proof.origin != Origin::Code && policy.limits().binding_takes_pass {
            return Err(AccountError::PassNeeded);
        }
        self.spend_proof(policy, proof, now)
    }

    /// Fails unless the proof is a live one of the owner's: it has not ended, no change of binding
    /// has used it up, and nothing has voided it. It is not used up here. Its purpose may be any
    /// but [`Purpose::CONFIRMATION`], which shows only that somebody reads an address, who need
    /// not be the owner.
    pub(super) fn check_live(&mut self, proof: &Proof, now: Moment) -> Result<(), AccountError> {
        if proof.purpose == Purpose::CONFIRMATION {
            return Err(AccountError::ProofForAnotherPurpose);
        }
        self.check_not_frozen()?;
        proof.check(&self.id, proof.purpose, now)?;
        proof.check_origin()?;
        proof.check_epoch(self.record.epoch)?;
        let is_used_up = proof.purpose == Purpose::BINDING && proof.serial <= self.record.proofs_spent;
        if is_used_up {
            return Err(AccountError::ProofSpent);
        }
        self.source.clone_from(&proof.source);
        Ok(())
    }

    /// Everything of a frozen account is held until an operator thaws it, changes with a proof
    /// included.
    pub(super) const fn check_not_frozen(&self) -> Result<(), AccountError> {
        if self.record.frozen_at.is_some() { Err(AccountError::Frozen) } else { Ok(()) }
    }
}
