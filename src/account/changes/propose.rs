//! One operator proposes what another has to do.

use super::create::LostRecord;
use crate::account::error::AccountError;
use crate::account::event::{EventKind, Operator};
use crate::account::policy::Policy;
use crate::account::record::proposal::{Proposal, ProposedAct};
use crate::account::transition::{Account, Change};
use crate::otp::{Moment, UnixTime};
use rand::CryptoRng;

impl Account {
    /// Proposes an act that takes two operators: another one does it within a day, by
    /// [`reset`](Self::reset), [`thaw`](Self::thaw) or
    /// [`end_stronger_factor`](Self::end_stronger_factor). It takes the place of an earlier
    /// proposal, and a freeze ends it. Operators are told apart by their names, as the service
    /// gives them.
    ///
    /// # Errors
    /// [`AccountError::NotFrozen`] for the end of a freeze where there is none;
    /// [`AccountError::NoStrongerFactor`].
    pub fn propose(mut self, now: UnixTime, act: ProposedAct, operator: &Operator) -> Result<Change<()>, AccountError> {
        let now = self.moment(now);
        if act == ProposedAct::Thaw && self.record.frozen_at.is_none() {
            return Err(AccountError::NotFrozen);
        }
        if act == ProposedAct::EndStrongerFactor && self.record.stronger.is_none() {
            return Err(AccountError::NoStrongerFactor);
        }
        self.record.proposal = Some(Proposal { act, operator: operator.clone(), at: now.time });
        let event = match act {
            ProposedAct::Reset => EventKind::ResetProposed,
            ProposedAct::Thaw => EventKind::ThawProposed,
            ProposedAct::EndStrongerFactor => EventKind::StrongerFactorEndProposed,
        };
        self.record_act(now, operator, event);
        Ok(Change::written(self, Ok(())))
    }

    /// Proposes to make a record in the place of one that is lost, where that takes two operators.
    /// The record is made, as reset and held; another operator's [`reset`](Self::reset) within
    /// a day gives the pass that enrolls. Until then nothing does.
    pub fn propose_rebuild<R: CryptoRng + ?Sized>(
        lost: LostRecord,
        policy: &Policy,
        now: UnixTime,
        operator: &Operator,
        rng: &mut R,
    ) -> Change<()> {
        let (mut account, now) = Self::in_place_of(lost, policy, now, rng);
        account.record.take_all(policy, now, rng);
        account.record.proposal = Some(Proposal { act: ProposedAct::Reset, operator: operator.clone(), at: now.time });
        account.record_act(now, operator, EventKind::RebuildProposed);
        Change::written(account, Ok(()))
    }

    /// Fails if the policy asks for two operators, and no other one has proposed this. A proposal
    /// is used up.
    pub(super) fn check_seconded(
        &mut self,
        policy: &Policy,
        act: ProposedAct,
        operator: &Operator,
        now: Moment,
    ) -> Result<(), AccountError> {
        if !policy.limits().two_operators {
            return Ok(());
        }
        let is_anothers = |proposal: &mut Proposal| {
            proposal.act == act && proposal.operator.name() != operator.name() && proposal.stands(now)
        };
        match self.record.proposal.take_if(is_anothers) {
            Some(_) => Ok(()),
            None => Err(AccountError::SecondOperatorNeeded),
        }
    }
}
