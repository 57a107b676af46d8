//! A record is treated with care after a backup was restored.

use crate::account::doors::judge::AHEAD_SECS;
use crate::account::event::EventKind;
use crate::account::policy::Policy;
use crate::account::record::whole::epoch_after;
use crate::account::transition::{Account, Change};
use crate::otp::{Period, RECENT_SECS, Step, UnixTime};

impl Account {
    /// Returns whether the record may be older than what was used since: it was made before the
    /// store was restored from a backup `at` a certain time (or by a clock that was ahead), and
    /// has not been treated with care since ([`restored_at`](Self::restored_at)).
    #[must_use]
    pub fn needs_care(&self, now: UnixTime, at: UnixTime) -> bool {
        let is_of_the_future = |time: UnixTime| time.saturating_since(now) > RECENT_SECS;
        // A restore that was said to be in the future by mistake does not stand for those that
        // follow.
        let mistaken = is_of_the_future(self.record.restored_at) && !is_of_the_future(at);
        let is_treated = self.record.restored_at >= at && !mistaken;
        !is_treated && (self.record.made_at < at || is_of_the_future(self.record.made_at))
    }

    /// Treats a record with care that may be older than what was used since, see
    /// [`needs_care`](Self::needs_care). To be stored before anything else is done with the
    /// account.
    ///
    /// All steps that can have been accepted until `at` count as used, those that a fast clock may
    /// have brought included. Under the default policy, codes of an app of 30 s are accepted again
    /// a quarter of an hour later, and a secret can be brought in again half an hour later.
    /// Recovery codes, passes, device tokens, delivered codes and proofs are void, an
    /// enrollment that waited is ended, and what the policy holds after a change of binding is
    /// held from `at` on. Forgotten is what happened since the backup: failures, freezes,
    /// resets, longer holds, a [stronger factor](Self::set_stronger_factor); what was removed
    /// since is there again. (An `at` more than ten minutes ahead of `now` is taken for ten
    /// minutes ahead: nothing was used later.)
    pub fn restored_at(mut self, policy: &Policy, now: UnixTime, at: UnixTime) -> Change<()> {
        if !self.needs_care(now, at) {
            return Change::unwritten(self, Ok(()), None);
        }
        let until = at.min(now.saturating_add(RECENT_SECS));
        let now = self.moment(now);
        let ahead = steps_ahead(policy);
        let record = &mut self.record;
        for app in record.authenticators.iter_mut().filter_map(|one| one.kind.app_mut()) {
            if let Ok(step) = app.totp.step_at(until) {
                // Also by a resynchronization that the backup does not have.
                let period = app.totp.period.as_secs();
                // The drift is measured from there, or from where the confirming code was.
                let resynchronized = AHEAD_SECS.checked_div(period).unwrap_or(0);
                let center = resynchronized.max(policy.enrollment().window.future.into());
                let furthest = step.number().saturating_add(ahead).saturating_add(center);
                app.tracker = app.tracker.used_up(Step::new(furthest));
            }
        }
        record.used_until = record.used_until.max(until.saturating_add(longest_use_ahead(policy)));
        record.recovery = None;
        record.imported_codes = None;
        record.void(epoch_after(record.epoch, at.as_secs()));
        record.hold_from(policy, policy.limits().binding_hold_secs, until, now);
        record.restored_at = at;
        record.history.begin_anew(until);
        self.record_anyway(now, EventKind::Restored { restored_at: at });
        Change::written(self, Ok(()))
    }
}

/// The most steps ahead of the clock at which a code is accepted, a resynchronization apart.
fn steps_ahead(policy: &Policy) -> u64 {
    let limits = policy.codes();
    u64::from(limits.window.future).saturating_add(u64::from(limits.max_drift))
}

/// A secret that is not known any more can have used steps that end so many seconds ahead of the
/// clock, of whatever period it was.
pub(super) fn longest_use_ahead(policy: &Policy) -> u64 {
    let confirmed = u64::from(policy.enrollment().window.future).saturating_mul(Period::MAX_SECS);
    steps_ahead(policy).saturating_add(1).saturating_mul(Period::MAX_SECS).saturating_add(AHEAD_SECS.max(confirmed))
}
