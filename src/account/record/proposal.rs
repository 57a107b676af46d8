//! The act that one operator has proposed, and another has to do.

use crate::account::event::Operator;
use crate::otp::{Moment, UnixTime};

/// A proposal stands for so long, in seconds: a day.
pub(in crate::account) const PROPOSAL_SECS: u64 = 86_400;

/// An act that takes two operators, where the policy asks for it
/// ([`AccountLimits::two_operators`](crate::account::AccountLimits::two_operators)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum ProposedAct {
    /// [`Account::reset`](crate::account::Account::reset).
    Reset = 1,
    /// [`Account::thaw`](crate::account::Account::thaw).
    Thaw = 2,
    /// [`Account::end_stronger_factor`](crate::account::Account::end_stronger_factor).
    EndStrongerFactor = 3,
}

/// An act that an operator has proposed.
pub(in crate::account) struct Proposal {
    pub(in crate::account) act: ProposedAct,
    pub(in crate::account) operator: Operator,
    pub(in crate::account) at: UnixTime,
}

impl Proposal {
    pub(in crate::account) const fn stands(&self, now: Moment) -> bool {
        now.time.saturating_since(self.at) < PROPOSAL_SECS && !now.is_mistaken(self.at)
    }

    /// The end of the proposal.
    pub(in crate::account) const fn until(&self) -> UnixTime {
        self.at.saturating_add(PROPOSAL_SECS)
    }
}
