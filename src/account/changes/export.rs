//! An account moves out, with its secrets.

use crate::account::event::{EventKind, Operator};
use crate::account::policy::Policy;
use crate::account::portable::{
    MOST_DRIFT, PortableAccount, PortableAddress, PortableApp, PortableHold, PortableState,
};
use crate::account::record::authenticator::Kind;
use crate::account::record::imported_codes::{ExportedHash, ImportedCode};
use crate::account::record::whole::Hold;
use crate::account::transition::{Account, Change};
use crate::otp::UnixTime;
use alloc::vec::Vec;

impl Account {
    /// Gives the account with **all its secrets**, as an operator's act: whoever has them makes
    /// every code. Its owner is told. Keep what this gives in a file that only its owner reads,
    /// and erase it once it was imported elsewhere. Nothing changes here: freeze or erase the
    /// account if it moves.
    ///
    /// Recovery codes move as hashes. Codes that came from another system in clear do not move,
    /// since their hashes are under a key of the record's own.
    pub fn export_with_secrets(
        mut self,
        policy: &Policy,
        now: UnixTime,
        operator: &Operator,
    ) -> Change<PortableAccount> {
        let now = self.moment(now);
        let mut exported = PortableAccount::new();
        for one in &self.record.authenticators {
            match &one.kind {
                Kind::App(app) => exported.apps.push(PortableApp {
                    secret: app.secret.boxed_copy(),
                    totp: app.totp,
                    name: Some(one.name.clone()),
                    last_used: app.tracker.watermark(),
                    drift: portable_drift(app.tracker.drift(policy.codes().max_drift)),
                    bound_at: Some(one.bound_at),
                    state: one.state,
                }),
                Kind::Address(address) => exported.numbers.push(PortableAddress {
                    address: address.clone(),
                    name: Some(one.name.clone()),
                    bound_at: Some(one.bound_at),
                    state: one.state,
                }),
            }
        }
        let settled = self.record.emails.iter().filter(|email| email.is_settled(now));
        exported.emails = settled.map(|email| PortableAddress::from(email.address.clone())).collect();
        if let Some(set) = &self.record.recovery {
            let own = set.hashes.iter().map(|hash| ExportedHash { key: set.key, hash: *hash });
            exported.hashes.extend(own.map(|hash| hash.to_text().into()));
        }
        for code in self.record.imported_codes.iter().flat_map(|codes| &codes.codes) {
            if let ImportedCode::Old(hash) = code {
                exported.hashes.push(hash.clone());
            }
        }
        exported.has_stronger_factor = self.record.stronger.is_some_and(|one| now.clock >= one.settled_at);
        // Without the factor that is left out there may be none: the password alone shall not get in.
        let is_bare =
            self.record.stronger.is_some() && !exported.has_stronger_factor && self.record.authenticators.is_empty();
        if is_bare {
            exported.hashes.clear();
        }
        exported.state = match (self.record.frozen_at, self.record.is_reset || is_bare) {
            (Some(_), true) => PortableState::FrozenAndReset,
            (Some(_), false) => PortableState::Frozen,
            (None, true) => PortableState::Reset,
            (None, false) => PortableState::Open,
        };
        let in_force = self.record.holds.iter().filter(|hold| hold.is_in_force(now));
        let hold = |hold: &Hold| PortableHold { purpose: hold.purpose, from: hold.from, until: hold.until };
        exported.holds = in_force.map(hold).collect::<Vec<_>>();
        self.record_act(now, operator, EventKind::Exported);
        Change::written(self, Ok(exported))
    }
}

/// A drift of more than 20 steps is given as zero, since no import takes it: its owner
/// resynchronizes.
const fn portable_drift(drift: i32) -> i32 {
    if drift.unsigned_abs() > MOST_DRIFT { 0 } else { drift }
}
