//! Records begin: for a new account, and in the place of a record that is lost.

use super::restore::longest_use_ahead;
use crate::account::error::AccountError;
use crate::account::event::{EventKind, Operator};
use crate::account::names::account_id::AccountId;
use crate::account::names::revision::Revision;
use crate::account::policy::Policy;
use crate::account::record::notice::NoticeKey;
use crate::account::record::token::DeviceToken;
use crate::account::transition::{Account, Change};
use crate::otp::{Moment, UnixTime};
use rand::CryptoRng;

/// Evidence that an account's record is lost, as the store has it now. Only
/// [`Keyring::lost_record`](crate::seal::Keyring::lost_record) gives it, and
/// [`Account::rebuild`] takes it.
#[derive(Debug)]
#[must_use = "the record is still lost"]
pub struct LostRecord {
    pub(crate) account: AccountId,
    /// The write that has to be replaced; `None` if there is no record.
    pub(crate) expected: Option<Revision>,
}

impl Account {
    /// Makes the record of a new account, which has no second factor yet. This is the only change
    /// that expects no record, besides an operator's [`rebuild`](Self::rebuild).
    ///
    /// Call it when somebody signs up, before the service stores its new user: a record without a
    /// user harms nobody. Never call it where somebody logs in. A record that is missing there has
    /// been lost, and a new one would let its finder enroll.
    pub fn create<R: CryptoRng + ?Sized>(id: AccountId, now: UnixTime, rng: &mut R) -> Change<()> {
        Change::written(Self::begun(id, None, now, rng), Ok(()))
    }

    /// Answers as [`create`](Self::create) where the record is there already: it is as that made
    /// it, or waits for the confirmation of a first authenticator. Nothing but the revision
    /// changes. It is a write all the same, since a server that is about to fail over may still
    /// be read.
    ///
    /// # Errors
    /// [`AccountError::NotNew`] if anything was ever bound, or the account was frozen or reset,
    /// or if an operator has recorded a stronger factor, or is erasing it.
    pub fn create_again(self) -> Result<Change<()>, AccountError> {
        let record = &self.record;
        // The confirmation of an authenticator sets `proofs_spent`, and nothing clears it.
        let is_free = record.frozen_at.is_none() && record.stronger.is_none();
        let is_new = record.proofs_spent == 0 && !record.is_reset && is_free;
        if is_new && !self.is_being_erased() { Ok(Change::written(self, Ok(()))) } else { Err(AccountError::NotNew) }
    }

    /// Makes a record in the place of one that is lost, as
    /// [`Keyring::lost_record`](crate::seal::Keyring::lost_record) has shown. The account is as
    /// after a [`reset`](Self::reset): only the pass that this gives enrolls, and withdrawals are
    /// held.
    ///
    /// Nothing of the lost record is known, a [stronger factor](Self::record_stronger_factor)
    /// neither: record that again. An imported secret counts as used for half an hour.
    /// Forgotten are failures, a freeze, longer holds, and events that nobody has been told of; and
    /// authenticators are numbered from one again.
    ///
    /// # Errors
    /// [`AccountError::SecondOperatorNeeded`], where the policy asks for two: see
    /// [`propose_rebuild`](Self::propose_rebuild).
    pub fn rebuild<R: CryptoRng + ?Sized>(
        lost: LostRecord,
        policy: &Policy,
        now: UnixTime,
        operator: &Operator,
        rng: &mut R,
    ) -> Result<Change<DeviceToken>, AccountError> {
        if policy.limits().two_operators {
            return Err(AccountError::SecondOperatorNeeded);
        }
        let (mut account, now) = Self::in_place_of(lost, policy, now, rng);
        let (token, until) = account.take_all(policy, now, rng);
        account.record_act(now, operator, EventKind::Rebuilt { until });
        Ok(Change::written(account, Ok(token)))
    }

    /// A record in the place of one that is lost, of which nothing is known.
    pub(super) fn in_place_of<R: CryptoRng + ?Sized>(
        lost: LostRecord,
        policy: &Policy,
        now: UnixTime,
        rng: &mut R,
    ) -> (Self, Moment) {
        let mut account = Self::begun(lost.account, lost.expected, now, rng);
        let now = account.moment(now);
        account.record.used_until = now.time.saturating_add(longest_use_ahead(policy));
        (account, now)
    }

    fn begun<R: CryptoRng + ?Sized>(id: AccountId, expected: Option<Revision>, now: UnixTime, rng: &mut R) -> Self {
        let mut account = Self::empty(id, expected);
        account.record.made_at = account.moment(now).time;
        account.record.epoch = rng.next_u64();
        account.record.notice_key = NoticeKey::generate(rng);
        account.record.history.begin_anew(now);
        account
    }
}
