//! The owner's e-mail address is bound: not as a factor, but to confirm.

use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::names::address::{Address, Channel};
use crate::account::names::purpose::Purpose;
use crate::account::policy::Policy;
use crate::account::proof::Proof;
use crate::account::transition::{Account, Change};
use crate::otp::UnixTime;

impl Account {
    /// Binds the e-mail address of a confirmation: it may confirm the enrollment after a reset
    /// ([`enroll_with_pass`](Self::enroll_with_pass)), once the hold that it is bound with is over.
    /// The address that was bound before stays good, so that a thief who binds another shuts nobody
    /// out; where there are two, one is [unbound first](Self::unbind_email). An address whose hold
    /// is not over is dropped by a freeze, by a reset, or when another one is bound. It lets nobody
    /// in, since mail is no factor (SP 800-63B-4 §3.1.3.1). Answers the account's new
    /// [epoch](Proof::epoch).
    ///
    /// `proof`, of [`Purpose::BINDING`], shows that the owner asks for it, and is used up when the
    /// change is stored. `confirmation`, of [`Purpose::CONFIRMATION`], shows that the owner reads
    /// what is sent there. The policy's purposes are held as after any change of binding. Tell the
    /// owner by the address that was known before.
    ///
    /// # Errors
    /// [`AccountError::NotEnrolled`]; [`AccountError::AddressNotBound`] unless the confirmation is
    /// by e-mail; [`AccountError::TooMany`]; [`AccountError::Frozen`];
    /// [what a proof can lack](crate::account::Proof#what-a-proof-can-lack);
    /// [`AccountError::EventsWaiting`].
    pub fn bind_email(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        confirmation: &Proof,
    ) -> Result<Change<u64>, AccountError> {
        let now = self.moment(now);
        self.check_bound()?;
        confirmation.check_all(&self.id, Purpose::CONFIRMATION, None, now)?;
        confirmation.check_epoch(self.record.epoch)?;
        let address = confirmation.address.as_ref().filter(|address| address.channel() == Channel::Email);
        let address = address.ok_or(AccountError::AddressNotBound)?.clone();
        self.spend_proof_with_pass(policy, proof, now)?;
        let masked = address.masked();
        if !self.record.bind_email(policy, address, now) {
            return Err(AccountError::TooMany);
        }
        self.record.rebound(now);
        self.record.hold(policy, policy.limits().binding_hold_secs, now);
        self.record_event(now, EventKind::EmailBound { address: masked })?;
        let epoch = self.record.epoch;
        Ok(Change::written(self, Ok(epoch)))
    }

    /// Unbinds an e-mail address: its mailbox was given up, or is in other hands. `proof`, of
    /// [`Purpose::BINDING`], is used up. The policy's purposes are held, and the answer is the
    /// account's new [epoch](Proof::epoch).
    ///
    /// # Errors
    /// [`AccountError::AddressNotBound`]; [`AccountError::Frozen`]; [what a proof can
    /// lack](crate::account::Proof#what-a-proof-can-lack); [`AccountError::EventsWaiting`].
    pub fn unbind_email(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        address: &Address,
    ) -> Result<Change<u64>, AccountError> {
        let now = self.moment(now);
        self.spend_proof_with_pass(policy, proof, now)?;
        let before = self.record.emails.len();
        self.record.emails.retain(|email| email.address != *address);
        if self.record.emails.len() == before {
            return Err(AccountError::AddressNotBound);
        }
        self.record.rebound(now);
        self.record.hold(policy, policy.limits().binding_hold_secs, now);
        self.record_event(now, EventKind::EmailUnbound { address: address.masked() })?;
        let epoch = self.record.epoch;
        Ok(Change::written(self, Ok(epoch)))
    }
}
