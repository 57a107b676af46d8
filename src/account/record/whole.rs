//! The record as a whole.

use super::authenticator::{App, Authenticator, Kind, Pending, Replaced};
use super::capacity::{EMAILS, HOLDS, REPLACED, WRONG_CODES};
use super::delivered::{Delivered, Sends};
use super::device::Device;
use super::encoding::fields::Unknown;
use super::history::History;
use super::imported_codes::ImportedCodes;
use super::notice::NoticeKey;
use super::proposal::Proposal;
use super::recovery::{RecoverySet, WaitingSet};
use super::replies::Replies;
use super::self_recovery::{Begun, SelfRecovery};
use super::throttles::Throttles;
use super::token::Passes;
use crate::account::names::address::Address;
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::purpose::Purpose;
use crate::account::names::text::Text;
use crate::account::policy::Policy;
use crate::otp::{Code, Moment, RecentCodes, Step, TimeError, Totp, UnixTime};
use alloc::vec::Vec;
use rand::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// All that is stored of an account.
pub(in crate::account) struct Record {
    /// The newest time at which it was written: locks, holds and expiries never count from an
    /// earlier one.
    pub(in crate::account) newest: UnixTime,
    pub(in crate::account) made_at: UnixTime,
    /// The restored backup after which the record was last treated with care.
    pub(in crate::account) restored_at: UnixTime,
    /// Proofs of another epoch are void. Drawn at random when the record is made, so that those of
    /// an erased record are void too.
    pub(in crate::account) epoch: u64,
    /// In the order of their ids.
    pub(in crate::account) authenticators: Vec<Authenticator>,
    pub(in crate::account) next_id: AuthenticatorId,
    pub(in crate::account) pending: Option<Pending>,
    /// The latest that were replaced, oldest first.
    pub(in crate::account) replaced: Vec<Replaced>,
    pub(in crate::account) recent_codes: RecentCodes,
    /// When the steps end that removed authenticators have used up: their secrets may come back.
    pub(in crate::account) used_until: UnixTime,
    pub(in crate::account) throttles: Throttles,
    pub(in crate::account) passes: Passes,
    pub(in crate::account) devices: Vec<Device>,
    pub(in crate::account) delivered: Delivered,
    /// The times of messages that were sent at the request of strangers.
    pub(in crate::account) sends: Sends,
    pub(in crate::account) sends_of_devices: Sends,
    /// The times when passes were mailed at the request of strangers.
    pub(in crate::account) mailed: Sends,
    pub(in crate::account) recovery: Option<RecoverySet>,
    pub(in crate::account) waiting_set: Option<WaitingSet>,
    /// Those of the system that the account has moved in from, until a set of ours is in force.
    pub(in crate::account) imported_codes: Option<ImportedCodes>,
    /// The system that accounts move in from knows that this one has a record here.
    pub(in crate::account) source_knows: bool,
    /// The latest two different wrong codes, oldest first: for whoever asks what they have in
    /// common.
    pub(in crate::account) wrong_codes: Vec<WrongCode>,
    pub(in crate::account) holds: Vec<Hold>,
    pub(in crate::account) frozen_at: Option<UnixTime>,
    /// The account is reset: nothing is bound, and only a pass enrolls.
    pub(in crate::account) is_reset: bool,
    /// The owner has a stronger factor, which the service verifies.
    pub(in crate::account) stronger: Option<StrongerFactor>,
    /// The addresses that were bound before: one of them confirms the enrollment after a reset.
    pub(in crate::account) bound_before_reset: Vec<Address>,
    /// The e-mail address that the owner has shown to read, and the one before: they confirm, and
    /// let nobody in.
    pub(in crate::account) emails: Vec<BoundEmail>,
    /// Makes the handles of notices.
    pub(in crate::account) notice_key: NoticeKey,
    /// A recovery without support, which takes effect later.
    pub(in crate::account) self_recovery: Option<SelfRecovery>,
    pub(in crate::account) self_recoveries: Begun,
    /// The act that one operator has proposed.
    pub(in crate::account) proposal: Option<Proposal>,
    /// Notices up to this number freeze nothing any more.
    pub(in crate::account) notices_answered: u64,
    pub(in crate::account) replies: Replies,
    pub(in crate::account) history: History,
    /// Proofs up to this serial were given before the last change of binding.
    pub(in crate::account) proofs_spent: u64,
    pub(in crate::account) redeemed: Vec<Redeemed>,
    /// Fields that a newer release has added.
    pub(in crate::account) unknown: Unknown,
}

/// An e-mail address, and when the hold ends that it was bound with.
pub(in crate::account) struct BoundEmail {
    pub(in crate::account) address: Address,
    pub(in crate::account) settled_at: UnixTime,
}

/// A stronger factor.
#[derive(Clone, Copy)]
pub(in crate::account) struct StrongerFactor {
    pub(in crate::account) since: UnixTime,
    /// The end of the hold that it was recorded with: until then a thief may have done so.
    pub(in crate::account) settled_at: UnixTime,
}

impl BoundEmail {
    pub(in crate::account) fn is_settled(&self, now: Moment) -> bool {
        now.clock >= self.settled_at
    }
}

fn is_among<'a>(addresses: impl Iterator<Item = &'a Address>, address: &Address) -> bool {
    addresses.fold(false, |found, one| found | (one.as_str() == address.as_str()))
}

/// No code for this purpose is judged before its end.
pub(in crate::account) struct Hold {
    pub(in crate::account) purpose: Purpose,
    pub(in crate::account) from: UnixTime,
    pub(in crate::account) until: UnixTime,
    /// The reason that the service gave; `None` for the policy's holds. Only the service's own end
    /// early.
    pub(in crate::account) reason: Option<Text>,
}

/// A wrong code that was submitted, and when.
#[derive(Clone, Copy)]
pub(in crate::account) struct WrongCode {
    pub(in crate::account) code: Code,
    /// By the clock: its steps are counted from there.
    pub(in crate::account) at: UnixTime,
    /// The number of the event that tells of it.
    pub(in crate::account) event: u64,
}

/// A proof that was redeemed, by its serial.
#[derive(Clone, Copy)]
pub(in crate::account) struct Redeemed {
    pub(in crate::account) serial: u64,
    pub(in crate::account) at: UnixTime,
}

impl Hold {
    pub(in crate::account) const fn is_in_force(&self, now: Moment) -> bool {
        now.clock.as_secs() < self.until.as_secs() && !now.is_mistaken(self.from)
    }
}

impl Record {
    pub(in crate::account) fn new() -> Self {
        let never = UnixTime::from_secs(0);
        Self {
            newest: never,
            made_at: never,
            restored_at: never,
            epoch: 0,
            authenticators: Vec::new(),
            next_id: AuthenticatorId::new(1),
            pending: None,
            replaced: Vec::new(),
            recent_codes: RecentCodes::new(),
            used_until: never,
            throttles: Throttles::NEW,
            passes: Passes(Vec::new()),
            devices: Vec::new(),
            delivered: Delivered(Vec::new()),
            sends: Sends(Vec::new()),
            sends_of_devices: Sends(Vec::new()),
            mailed: Sends(Vec::new()),
            recovery: None,
            waiting_set: None,
            imported_codes: None,
            source_knows: false,
            wrong_codes: Vec::new(),
            holds: Vec::new(),
            frozen_at: None,
            is_reset: false,
            stronger: None,
            bound_before_reset: Vec::new(),
            emails: Vec::new(),
            notice_key: NoticeKey([0; NoticeKey::LEN]),
            self_recovery: None,
            self_recoveries: Begun(Vec::new()),
            proposal: None,
            notices_answered: 0,
            replies: Replies(Vec::new()),
            history: History::NEW,
            proofs_spent: 0,
            redeemed: Vec::new(),
            unknown: Unknown::default(),
        }
    }

    /// The moment at which the clock reads `now`.
    pub(in crate::account) const fn moment(&self, now: UnixTime) -> Moment {
        Moment::new(now, self.newest)
    }

    /// Keeps the time of a write. If the newest one was written by a clock gone wrong, no later one
    /// is trusted: protections begin now.
    pub(in crate::account) fn settle(&mut self, now: Moment) {
        let is_wrong = now.is_mistaken(self.newest);
        self.newest = now.time;
        if !is_wrong {
            return;
        }
        let holds = self.holds.iter_mut().map(|hold| (&mut hold.from, &mut hold.until));
        let stronger = self.stronger.iter_mut().map(|one| (&mut one.since, &mut one.settled_at));
        let recovery = self.self_recovery.iter_mut().map(|one| (&mut one.at, &mut one.until));
        for (from, until) in holds.chain(stronger).chain(recovery) {
            let secs = until.saturating_since(*from);
            *from = now.at_most_now(*from);
            *until = from.saturating_add(secs);
        }
        for at in self.times() {
            *at = now.at_most_now(*at);
        }
    }

    /// Ends what lives for minutes, where a clock gone wrong has written the newest time. Passes
    /// that are good now stay.
    pub(in crate::account) fn end_grants(&mut self, now: Moment) {
        self.passes.keep_good(now);
        self.end_waiting();
        self.delivered.0.clear();
        self.replies.0.clear();
        self.proposal = None;
    }

    /// All times at which something has happened, and from which something counts.
    fn times(&mut self) -> impl Iterator<Item = &mut UnixTime> {
        let bound = self.authenticators.iter_mut().flat_map(|one| [&mut one.bound_at, &mut one.last_used]);
        let devices = self.devices.iter_mut().map(|device| &mut device.last_used);
        let sends = [&mut self.sends, &mut self.sends_of_devices, &mut self.mailed];
        let sends = sends.into_iter().flat_map(|sends| &mut sends.0);
        let redeemed = self.redeemed.iter_mut().map(|one| &mut one.at);
        self.throttles
            .times()
            .chain(self.recent_codes.times())
            .chain(bound)
            .chain(devices)
            .chain(sends)
            .chain(redeemed)
            .chain(&mut self.self_recoveries.0)
            .chain(self.self_recovery.iter_mut().map(|one| &mut one.told_at))
            .chain(&mut self.frozen_at)
            .chain([&mut self.history.handed_at])
    }

    pub(in crate::account) fn authenticator(&self, id: AuthenticatorId) -> Option<&Authenticator> {
        self.authenticators.iter().find(|one| one.id == id)
    }

    pub(in crate::account) fn authenticator_mut(&mut self, id: AuthenticatorId) -> Option<&mut Authenticator> {
        self.authenticators.iter_mut().find(|one| one.id == id)
    }

    /// The apps that codes are accepted from, and their places among the authenticators.
    pub(in crate::account) fn apps(&self) -> impl Iterator<Item = (u32, AuthenticatorId, &App)> {
        let enabled = (0..).zip(&self.authenticators).filter(|(_, one)| one.is_active());
        enabled.filter_map(|(place, one)| Some((place, one.id, one.kind.app()?)))
    }

    /// The enrollment that can be confirmed now.
    pub(in crate::account) fn waiting(&self, policy: &Policy, now: Moment) -> Option<&Pending> {
        let limits = policy.limits();
        self.pending.as_ref().filter(|pending| {
            let has_its_pass =
                pending.pass.is_none_or(|hash| self.passes.origin(&hash, limits.pass_secs, now).is_some());
            now.is_before_end(pending.until, pending.lead, limits.pending_secs) && has_its_pass
        })
    }

    /// Puts an enrollment in the place of the one that waits. The codes of that one are recognized
    /// for ten minutes more.
    pub(in crate::account) fn replace_pending(&mut self, new: Pending, now: Moment) {
        // A key that is brought in again is the one that waits.
        self.replaced.retain(|one| one.is_recent(now) && !new.kind.is_app(&one.app));
        let before = self.pending.take().and_then(|old| if let Kind::App(app) = old.kind { Some(app) } else { None });
        if let Some(app) = before.filter(|app| !new.kind.is_app(app)) {
            if self.replaced.len() >= REPLACED {
                self.replaced.remove(0);
            }
            self.replaced.push(Replaced { app, at: now.clock });
        }
        self.pending = Some(new);
    }

    /// The apps of enrollments that were replaced within ten minutes.
    pub(in crate::account) fn lately_replaced(&self, now: Moment) -> impl Iterator<Item = &App> {
        let replaced = self.replaced.iter().filter(move |one| one.is_recent(now));
        replaced.map(|one| &one.app)
    }

    /// Keeps a wrong code beside the one before. The same digits, typed again, say nothing new.
    pub(in crate::account) fn remember_wrong(&mut self, wrong: WrongCode) {
        if self.wrong_codes.last().is_some_and(|last| last.code.ct_eq(&wrong.code).into()) {
            return;
        }
        if self.wrong_codes.len() >= WRONG_CODES {
            self.wrong_codes.remove(0);
        }
        self.wrong_codes.push(wrong);
    }

    /// Returns whether there are as many authenticators as the policy allows, apart from the one
    /// that is replaced.
    pub(in crate::account) fn has_no_room(&self, policy: &Policy, replaces: Option<AuthenticatorId>) -> bool {
        let staying = self.authenticators.iter().filter(|one| Some(one.id) != replaces);
        staying.count() >= usize::from(policy.limits().max_authenticators)
    }

    pub(in crate::account) fn recovery_codes_left(&self) -> u8 {
        let imported = self.imported_codes.as_ref().map_or(0, ImportedCodes::left);
        self.recovery.as_ref().map_or(0, RecoverySet::left).saturating_add(imported)
    }

    pub(in crate::account) fn recovery_codes_due(&self) -> bool {
        let is_imported_used = self.imported_codes.as_ref().is_some_and(|codes| codes.is_used);
        self.recovery.as_ref().is_some_and(|set| set.is_used) || is_imported_used
    }

    pub(in crate::account) fn held_until(&self, purpose: Purpose, now: Moment) -> Option<UnixTime> {
        let in_force = self.holds.iter().filter(|hold| hold.purpose == purpose && hold.is_in_force(now));
        in_force.map(|hold| hold.until).max()
    }

    /// Returns whether a hold on a purpose has ended after `time`. One that has ended is kept until
    /// its place is needed.
    pub(in crate::account) fn was_held_after(&self, purpose: Purpose, time: UnixTime, now: Moment) -> bool {
        self.holds.iter().any(|hold| hold.purpose == purpose && hold.until > time && hold.until <= now.clock)
    }

    /// Holds the purposes that the policy holds, for so long from now on. No hold is
    /// shortened by another. Ended ones are kept until their place is needed, so a clock that
    /// jumps ahead and back ends none.
    pub(in crate::account) fn hold(&mut self, policy: &Policy, secs: u64, now: Moment) {
        self.hold_from(policy, secs, now.time, now);
    }

    /// The same from another time on.
    pub(in crate::account) fn hold_from(&mut self, policy: &Policy, secs: u64, from: UnixTime, now: Moment) {
        if secs == 0 {
            return;
        }
        let until = from.saturating_add(secs);
        for purpose in &policy.limits().held_purposes {
            self.put_hold(Hold { purpose: *purpose, from, until, reason: None }, now);
        }
    }

    /// Adds a hold, or lengthens the one of the same kind: the policy's, or the service's. Gives
    /// whether it is there now.
    pub(in crate::account) fn put_hold(&mut self, new: Hold, now: Moment) -> bool {
        let is_same = |hold: &Hold| hold.purpose == new.purpose && hold.reason.is_some() == new.reason.is_some();
        if let Some(hold) = self.holds.iter_mut().find(|hold| is_same(hold)) {
            // One that a clock gone wrong has set is no hold.
            let is_longer = !hold.is_in_force(now) || hold.until < new.until;
            if is_longer {
                *hold = new;
            }
            return is_longer;
        }
        // Several policies may have held as many as there is room for: the one that ends first
        // goes.
        if self.holds.len() >= HOLDS {
            self.holds.sort_by_key(|hold| hold.until);
            self.holds.remove(0);
        }
        self.holds.push(new);
        true
    }

    /// The step up to which an imported secret counts as used: the present one, and whatever
    /// removed authenticators have used, since the secret may be one of theirs.
    pub(in crate::account) fn used_up(&self, totp: Totp, now: Moment) -> Result<Step, TimeError> {
        let removed = totp.step_at(UnixTime::from_secs(self.used_until.as_secs().saturating_sub(1)));
        Ok(totp.step_at(now.clock)?.max(removed.unwrap_or(Step::new(0))))
    }

    /// The numbers that are the owner's own: active, and bound for longer than the hold that they
    /// were bound with. One that is suspended or disabled may be in other hands, and so may a
    /// new one.
    fn own_numbers(&self, policy: &Policy, now: Moment) -> impl Iterator<Item = &Address> {
        let hold = policy.limits().binding_hold_secs;
        let own = move |one: &&Authenticator| one.is_active() && !now.is_within_secs_after(one.bound_at, hold);
        self.authenticators.iter().filter(own).filter_map(|one| one.kind.address())
    }

    /// The e-mail addresses whose own hold is over.
    fn own_emails(&self, now: Moment) -> impl Iterator<Item = &Address> {
        self.emails.iter().filter(move |email| email.is_settled(now)).map(|email| &email.address)
    }

    /// Takes all authenticators out, and keeps the owner's own numbers among them.
    pub(in crate::account) fn unbind_all(&mut self, policy: &Policy, now: Moment) {
        let addresses: Vec<_> = self.own_numbers(policy, now).cloned().collect();
        // A second reset finds none, and forgets nothing.
        if !self.authenticators.is_empty() {
            self.bound_before_reset = addresses;
        }
        self.unbind(|_| true);
    }

    /// Returns whether this address was the owner's own before the account was reset, by whichever
    /// channel.
    pub(in crate::account) fn was_bound(&self, address: &Address, now: Moment) -> bool {
        is_among(self.bound_before_reset.iter().chain(self.own_emails(now)), address)
    }

    /// Returns whether this address is the owner's own now, by whichever channel.
    pub(in crate::account) fn is_bound(&self, policy: &Policy, address: &Address, now: Moment) -> bool {
        is_among(self.own_numbers(policy, now).chain(self.own_emails(now)), address)
    }

    /// Binds an e-mail address, which is the owner's own once its hold is over. One that is bound
    /// already stays as it is. Gives whether there is room: another one is unbound first.
    pub(in crate::account) fn bind_email(&mut self, policy: &Policy, address: Address, now: Moment) -> bool {
        self.drop_new_emails(now);
        if self.emails.iter().any(|email| email.address == address) {
            return true;
        }
        let has_room = self.emails.len() < EMAILS;
        if has_room {
            let settled_at = now.time.saturating_add(policy.limits().binding_hold_secs);
            self.emails.push(BoundEmail { address, settled_at });
        }
        has_room
    }

    /// Unbinds the e-mail addresses whose hold is not over: a thief may have bound them.
    fn drop_new_emails(&mut self, now: Moment) {
        self.emails.retain(|email| email.is_settled(now));
    }

    /// The same, and a stronger factor whose hold is not over. Where nothing else is bound, the
    /// account is as after a reset.
    pub(in crate::account) fn drop_new_bindings(&mut self, now: Moment) {
        self.drop_new_emails(now);
        if self.stronger.is_some_and(|one| now.clock < one.settled_at) {
            self.end_stronger_factor();
        }
    }

    /// Ends the stronger factor. Where nothing else is bound, the account is as after a reset: no
    /// sheet of recovery codes opens it.
    pub(in crate::account) fn end_stronger_factor(&mut self) {
        self.stronger = None;
        if self.authenticators.is_empty() {
            self.is_reset = true;
            self.recovery = None;
            self.imported_codes = None;
        }
    }

    /// Takes everything away but a stronger factor: only a pass enrolls, and what the policy holds
    /// is held.
    pub(in crate::account) fn take_all<R: CryptoRng + ?Sized>(&mut self, policy: &Policy, now: Moment, rng: &mut R) {
        self.unbind_all(policy, now);
        self.drop_new_bindings(now);
        self.recovery = None;
        self.imported_codes = None;
        self.void(rng.next_u64());
        self.wrong_codes.clear();
        self.throttles.end_runs();
        self.frozen_at = None;
        self.is_reset = true;
        self.hold(policy, policy.limits().reset_hold_secs, now);
    }

    /// Takes authenticators out. With them goes what their holder may have begun, or hold a reply
    /// of. Gives their ids.
    pub(in crate::account) fn unbind(&mut self, goes: impl Fn(&Authenticator) -> bool) -> Vec<AuthenticatorId> {
        let removed: Vec<_> = self.authenticators.extract_if(.., |one| goes(one)).collect();
        self.used_until = removed.iter().map(Authenticator::used_until).fold(self.used_until, UnixTime::max);
        let ids: Vec<_> = removed.iter().map(|one| one.id).collect();
        self.end_of(&ids);
        ids
    }

    /// Ends what holders of these authenticators may have begun, or hold a reply of: codes that
    /// were sent to them, and all that waits.
    pub(in crate::account) fn end_of(&mut self, ids: &[AuthenticatorId]) {
        self.delivered.0.retain(|sent| !ids.iter().any(|id| sent.asked.recipient.is_bound_to(*id)));
        self.end_waiting();
        self.replies.0.clear();
    }

    /// Begins another epoch after a change of binding: sessions that are founded on earlier proofs
    /// end, and replies that would give such proofs again. All else that was handed out stays.
    pub(in crate::account) fn rebound(&mut self, now: Moment) {
        // Also by the clock: two servers that a failover has parted count their events alike.
        self.epoch = epoch_after(epoch_after(self.epoch, self.history.next()), now.clock.as_secs());
        self.replies.0.clear();
    }

    /// Ends what waits: the enrollment, with those that it has replaced, and the set of recovery
    /// codes.
    fn end_waiting(&mut self) {
        self.pending = None;
        self.waiting_set = None;
        self.replaced.clear();
    }

    /// Voids what has been handed out: proofs, replies, tokens, passes, delivered codes, a pending
    /// enrollment.
    pub(in crate::account) fn void(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.end_waiting();
        self.replies.0.clear();
        self.passes.0.clear();
        self.devices.clear();
        self.delivered.0.clear();
        self.self_recovery = None;
        self.proposal = None;
    }
}

/// The epoch that follows `epoch`. `number` is that of the next event, the clock's second, or the
/// second of a restored backup. Numbers of events are larger than seconds, so none collide.
pub(in crate::account) fn epoch_after(epoch: u64, number: u64) -> u64 {
    let hash = Sha256::new().chain_update(epoch.to_be_bytes()).chain_update(number.to_be_bytes());
    let [a, b, c, d, e, f, g, h, ..] = hash.finalize().0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
