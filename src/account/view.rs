//! The view of an account for settings pages and support. It has no secrets.

use super::event::Operator;
use super::names::address::Channel;
use super::names::ids::{AuthenticatorId, DeviceId};
use super::names::purpose::Purpose;
use super::names::text::Text;
use super::policy::Policy;
use super::record::authenticator::{App, Authenticator, AuthenticatorState, Kind};
use super::record::proposal::{Proposal, ProposedAct};
use super::record::throttles::{Door, Sender};
use super::transition::Account;
use crate::otp::{Rejection, Totp, UnixTime};
use alloc::vec::Vec;

/// The state of an account, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AccountView {
    /// The second step of a log-in, as it is now. Never let the password alone in but for
    /// [`SecondStep::NotSetUp`].
    pub second_step: SecondStep,
    /// The authenticators, oldest first.
    pub authenticators: Vec<AuthenticatorView>,
    /// The enrollment that waits for its confirming code, and until when it does.
    pub pending: Option<(AuthenticatorId, UnixTime)>,
    /// Why every code for [`Purpose::LOGIN`] would be refused now, if so: for attempts without a
    /// token.
    pub refusal: Option<Rejection>,
    /// The same for attempts with a known device's token.
    pub refusal_for_devices: Option<Rejection>,
    /// The same for recovery codes. Our own are never locked; imported ones can be.
    pub refusal_for_recovery_codes: Option<Rejection>,
    /// The number of passes that have been issued and not used.
    pub passes: usize,
    /// Failures in a row over all doors.
    pub failures_in_a_row: u32,
    /// Failures of strangers that have not leaked away.
    pub long_term_failures: u32,
    /// The number of recovery codes that have not been used.
    pub recovery_codes_left: u8,
    /// True if one of the set was used: ask the owner to have the next set made (SP 800-63B-4
    /// §4.2).
    pub recovery_codes_due: bool,
    /// The holds in force: by the policy, and by the service.
    pub holds: Vec<HoldView>,
    /// The time when the account was frozen, by an operator or by its owner.
    pub frozen_at: Option<UnixTime>,
    /// True if nothing is bound any more and only a pass enrolls: after a reset by an operator,
    /// after a recovery, or after the only factor, a stronger one, has ended.
    pub is_reset: bool,
    /// Since when the owner has a [stronger factor](Account::set_stronger_factor), if so.
    pub stronger_since: Option<UnixTime>,
    /// The [e-mail addresses](Account::bind_email) that are bound, masked.
    pub emails: Vec<Text>,
    /// The moment from which a [recovery without support](Account::begin_self_recovery) can take
    /// effect, if one waits: say so on every known device.
    pub self_recovery: Option<UnixTime>,
    /// The act that one operator has proposed, and another may do.
    pub proposal: Option<ProposalView>,
    /// Another one after every change of what is bound, a freeze, a reset, a restored backup, and
    /// where the record is made anew: what was founded on
    /// [proofs](crate::account::Proof::epoch) of an earlier one, sessions above all, has ended.
    pub epoch: u64,
    /// The devices that are known, in the order they came.
    pub devices: Vec<DeviceView>,
}

/// The second step of a log-in, behind the right password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum SecondStep {
    /// The owner has none: it was never set up, or the owner has removed the last authenticator. The
    /// password alone lets in, unless [`AccountView::refusal`] says that log-ins are held.
    NotSetUp,
    /// Ask for a code. (Whether one would be looked at now: [`AccountView::refusal`].)
    Required,
    /// No code can be right, and the password alone is not enough.
    Blocked(BlockedBy),
}

/// The reason why no code can be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum BlockedBy {
    /// An operator has frozen the account, or its owner has, and an operator has to thaw it.
    Frozen,
    /// An operator has reset or rebuilt the account, or its owner has recovered it without support.
    /// The pass enrolls the next authenticator. (An assertion still logs in where
    /// [`AccountView::stronger_since`] says that there is a stronger factor. So it does in the two
    /// states below.)
    Reset,
    /// Too many failures in a row, or an operator, have disabled all authenticators. Recovery codes
    /// work.
    Disabled,
    /// The owner has a stronger factor, and no authenticator, or none whose codes the policy takes
    /// for log-ins beside it. Ask for its
    /// [assertion](crate::account::Attempt::assertion_verified_by_service).
    StrongerFactor,
    /// The owner has suspended all authenticators that are not disabled. Recovery codes work, if
    /// any are left; else an operator resets the account.
    Suspended,
}

/// An act that takes two operators, and that one has proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ProposalView {
    /// The act.
    pub act: ProposedAct,
    /// The operator who has proposed it, and why.
    pub operator: Operator,
    /// The end of the proposal.
    pub until: UnixTime,
}

impl ProposalView {
    fn of(proposal: &Proposal) -> Self {
        Self { act: proposal.act, operator: proposal.operator.clone(), until: proposal.until() }
    }
}

/// A purpose for which no code is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct HoldView {
    /// The purpose.
    pub purpose: Purpose,
    /// The end of the hold.
    pub until: UnixTime,
    /// The reason, if the [service](Account::hold) has set it; `None` for the policy's, which
    /// nobody ends early.
    pub reason: Option<Text>,
}

/// An authenticator without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AuthenticatorView {
    /// Names it in calls.
    pub id: AuthenticatorId,
    /// The owner's name for it.
    pub name: Text,
    /// An app, or an address.
    pub kind: AuthenticatorKind,
    /// The time when it was confirmed.
    pub bound_at: UnixTime,
    /// The time when a code of its was accepted last.
    pub last_used: UnixTime,
    /// The codes of its that were accepted, the confirming one apart.
    pub uses: u64,
    /// The state, which says whether its codes are accepted.
    pub state: AuthenticatorState,
}

/// The kinds of authenticators.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum AuthenticatorKind {
    /// An app or a token.
    #[non_exhaustive]
    App {
        /// Its parameters.
        totp: Totp,
        /// The learned drift: its clock is so many steps ahead (or, negative, behind).
        drift: i32,
        /// True if its secret has fewer than 128 bits: have it replaced.
        is_legacy: bool,
    },
    /// An address that codes are sent to.
    #[non_exhaustive]
    Address {
        /// How.
        channel: Channel,
        /// The part of it that may be shown.
        masked: Text,
    },
}

/// A known device, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DeviceView {
    /// Names it in calls.
    pub id: DeviceId,
    /// The service's name for it: browser and system, say.
    pub name: Text,
    /// The time when a code came with its token last.
    pub last_used: UnixTime,
}

impl Account {
    /// Gives the view of the account at `now`.
    ///
    /// The view has no events, since a log-in page does not need them: see
    /// [`history`](Self::history).
    #[must_use]
    pub fn view(&self, policy: &Policy, now: UnixTime) -> AccountView {
        let (record, limits) = (&self.record, policy.limits());
        let now = record.moment(now);
        let devices = record.devices.iter().filter(|device| device.is_good(limits.device_secs, now));
        let holds = record.holds.iter().filter(|hold| hold.is_in_force(now));
        let max_drift = policy.codes().max_drift;
        AccountView {
            second_step: self.second_step(policy),
            authenticators: record.authenticators.iter().map(|one| AuthenticatorView::of(one, max_drift)).collect(),
            pending: record.waiting(policy, now).map(|one| (one.id, one.until)),
            refusal: self.refusal_at(policy, now, Door::Code, Sender::Stranger),
            refusal_for_devices: self.refusal_at(policy, now, Door::Code, Sender::Device),
            refusal_for_recovery_codes: self.refusal_at(policy, now, self.door_for_recovery(), Sender::Stranger),
            passes: record.passes.count(limits.pass_secs, now),
            failures_in_a_row: record.throttles.run,
            long_term_failures: record.throttles.common.long_term,
            recovery_codes_left: record.recovery_codes_left(),
            recovery_codes_due: record.recovery_codes_due(),
            holds: holds
                .map(|hold| HoldView { purpose: hold.purpose, until: hold.until, reason: hold.reason.clone() })
                .collect(),
            frozen_at: record.frozen_at,
            is_reset: record.is_reset,
            stronger_since: record.stronger.map(|one| one.since),
            emails: record.emails.iter().map(|email| email.address.masked()).collect(),
            self_recovery: record.self_recovery.filter(|one| !one.is_done).map(|waiting| waiting.until),
            proposal: record.proposal.as_ref().filter(|proposal| proposal.stands(now)).map(ProposalView::of),
            epoch: record.epoch,
            devices: devices
                .map(|device| DeviceView { id: device.id, name: device.name.clone(), last_used: device.last_used })
                .collect(),
        }
    }

    /// The door of the recovery codes that are left.
    fn door_for_recovery(&self) -> Door {
        let has_ours = self.record.recovery.as_ref().is_some_and(|set| set.left() > 0);
        if self.record.imported_codes.is_some() && !has_ours { Door::ImportedRecoveryCode } else { Door::RecoveryCode }
    }

    fn second_step(&self, policy: &Policy) -> SecondStep {
        let record = &self.record;
        if record.frozen_at.is_some() {
            SecondStep::Blocked(BlockedBy::Frozen)
        } else if record.is_reset {
            SecondStep::Blocked(BlockedBy::Reset)
        } else if record.authenticators.is_empty() && record.stronger.is_none() {
            SecondStep::NotSetUp
        } else if record.authenticators.is_empty() || self.check_enough(policy, Purpose::LOGIN, None).is_err() {
            SecondStep::Blocked(BlockedBy::StrongerFactor)
        } else if record.authenticators.iter().any(Authenticator::is_active) {
            SecondStep::Required
        } else if record.authenticators.iter().any(|one| one.state == AuthenticatorState::Suspended) {
            SecondStep::Blocked(BlockedBy::Suspended)
        } else {
            SecondStep::Blocked(BlockedBy::Disabled)
        }
    }
}

impl AuthenticatorView {
    fn of(one: &Authenticator, max_drift: u8) -> Self {
        Self {
            id: one.id,
            name: one.name.clone(),
            kind: match &one.kind {
                Kind::App(App { totp, secret, tracker }) => AuthenticatorKind::App {
                    totp: *totp,
                    drift: tracker.drift(max_drift),
                    is_legacy: secret.is_legacy(),
                },
                Kind::Address(address) => {
                    AuthenticatorKind::Address { channel: address.channel(), masked: address.masked() }
                }
            },
            bound_at: one.bound_at,
            last_used: one.last_used,
            uses: one.uses,
            state: one.state,
        }
    }
}
