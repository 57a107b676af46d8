//! An account moves in from another system, as it was there.

use super::restore::longest_use_ahead;
use crate::account::event::EventKind;
use crate::account::names::account_id::AccountId;
use crate::account::names::text::Text;
use crate::account::policy::Policy;
use crate::account::portable::{ImportError, PortableAccount, PortableAddress, PortableHold};
use crate::account::record::authenticator::{App, Authenticator, AuthenticatorState, Kind};
use crate::account::record::encoding::fields::Unknown;
use crate::account::record::imported_codes::{ExportedHash, ImportedCode, ImportedCodes};
use crate::account::record::notice::NoticeKey;
use crate::account::record::recovery::RecoverySet;
use crate::account::record::whole::{BoundEmail, Hold, StrongerFactor};
use crate::account::transition::{Account, Change};
use crate::otp::UnixTime;
use alloc::format;
use alloc::vec::Vec;
use rand::CryptoRng;
use sha2::{Digest, Sha256};

impl Account {
    /// Makes the record of an account that moves in from another system, with its authenticators
    /// confirmed. It sets no hold but those that were given, and nobody is told but the audit log,
    /// by one event. As
    /// [`create`](Self::create), this expects no record.
    ///
    /// # Errors
    /// [`ImportError`] says what does not fit.
    pub fn import<R: CryptoRng + ?Sized>(
        id: AccountId,
        imported: &PortableAccount,
        policy: &Policy,
        now: UnixTime,
        rng: &mut R,
    ) -> Result<Change<()>, ImportError> {
        let mut account = Self::imported(id, imported, policy, now, rng)?;
        account.record.epoch = rng.next_u64();
        Ok(Change::written(account, Ok(())))
    }

    /// The account that moves in, before its first write.
    pub(crate) fn imported<R: CryptoRng + ?Sized>(
        id: AccountId,
        imported: &PortableAccount,
        policy: &Policy,
        now: UnixTime,
        rng: &mut R,
    ) -> Result<Self, ImportError> {
        imported.check(policy)?;
        let mut account = Self::empty(id, None);
        let now = account.moment(now);
        account.record.made_at = now.time;
        account.record.epoch = first_epoch(&account.id);
        account.record.notice_key = NoticeKey::generate(rng);
        account.record.history.begin_anew(now.clock);
        for app in &imported.apps {
            let kind =
                Kind::App(App { totp: app.totp, secret: app.secret.boxed_copy(), tracker: app.tracker(policy, now)? });
            let bound_at = app.bound_at.map_or(now.clock, |at| at.min(now.clock));
            account.bind_imported(app.name.clone(), kind, bound_at, app.state)?;
        }
        for number in &imported.numbers {
            let kind = Kind::Address(number.address.clone());
            let bound_at = number.bound_at.map_or(now.clock, |at| at.min(now.clock));
            account.bind_imported(number.name.clone(), kind, bound_at, number.state)?;
        }
        for PortableAddress { address, bound_at, .. } in &imported.emails {
            if account.record.emails.iter().any(|email| email.address == *address) {
                return Err(ImportError::SameSecret);
            }
            let hold = policy.limits().binding_hold_secs;
            let settled_at = bound_at.map_or(now.time, |at| at.min(now.time).saturating_add(hold));
            account.record.emails.push(BoundEmail { address: address.clone(), settled_at });
        }
        account.keep_codes(imported, rng)?;
        account.record.frozen_at = imported.state.is_frozen().then_some(now.time);
        account.record.is_reset = imported.state.is_reset();
        // An authenticator that was removed there may come back, and has used steps that nobody knows.
        account.record.used_until = now.time.saturating_add(longest_use_ahead(policy));
        for PortableHold { purpose, from, until } in &imported.holds {
            let secs = until.saturating_since(*from);
            let from = (*from).min(now.time);
            let until = from.saturating_add(secs);
            account.record.put_hold(Hold { purpose: *purpose, from, until, reason: None }, now);
        }
        let stronger = StrongerFactor { since: now.time, settled_at: now.time };
        account.record.stronger = imported.has_stronger_factor.then_some(stronger);
        let authenticators = u8::try_from(account.record.authenticators.len()).unwrap_or(u8::MAX);
        let event = account.record_anyway(now, EventKind::Imported { authenticators });
        if authenticators > 0 {
            // It is no new account: nobody enrolls freely.
            account.record.proofs_spent = event;
        }
        Ok(account)
    }

    /// Our own hashes of an export are a set of ours again. All others are compared by the service.
    fn keep_codes<R: CryptoRng + ?Sized>(
        &mut self,
        imported: &PortableAccount,
        rng: &mut R,
    ) -> Result<(), ImportError> {
        let mut foreign = ImportedCodes::new(rng);
        imported.codes.iter().for_each(|code| foreign.keep(code.expose()));
        for hash in &imported.hashes {
            let Some(own) = ExportedHash::parse(hash) else {
                foreign.codes.push(ImportedCode::Old(hash.clone()));
                continue;
            };
            let empty = || RecoverySet { key: own.key, hashes: Vec::new(), is_used: false };
            let set = self.record.recovery.get_or_insert_with(empty);
            if set.key != own.key {
                return Err(ImportError::RecoveryCode);
            }
            set.hashes.push(own.hash);
        }
        self.record.imported_codes = (!foreign.codes.is_empty()).then_some(foreign);
        Ok(())
    }

    fn bind_imported(
        &mut self,
        name: Option<Text>,
        kind: Kind,
        bound_at: UnixTime,
        state: AuthenticatorState,
    ) -> Result<(), ImportError> {
        let record = &mut self.record;
        if record.authenticators.iter().fold(false, |found, one| found | one.kind.is_same(&kind)) {
            return Err(ImportError::SameSecret);
        }
        let id = record.next_id;
        record.next_id = id.next();
        let by_number = || match &kind {
            Kind::App(_) => Text::cut(&format!("authenticator {id}")),
            Kind::Address(address) => address.masked(),
        };
        let name = name.unwrap_or_else(by_number);
        let (last_used, unknown) = (bound_at, Unknown::default());
        record.authenticators.push(Authenticator { id, name, kind, bound_at, last_used, uses: 0, state, unknown });
        Ok(())
    }
}

#[cfg(feature = "verifier")]
impl Account {
    /// Returns whether the system that accounts move in from has acknowledged that this account
    /// has a record here.
    pub(crate) const fn source_knows(&self) -> bool {
        self.record.source_knows
    }

    /// Notes that it has acknowledged that.
    pub(crate) fn moved(mut self) -> Change<()> {
        self.record.source_knows = true;
        Change::written(self, Ok(()))
    }

    /// Returns whether the account is moving in, and has no record yet.
    pub(crate) const fn is_arriving(&self) -> bool {
        self.revision.is_none()
    }

    /// Makes the record of an account that is moving in, and changes nothing else.
    pub(crate) fn arrived(self) -> Change<()> {
        Change::written(self, Ok(()))
    }

    /// Returns whether a wrong recovery code takes as long as the hashes of another system do.
    pub(crate) fn has_old_hashes(&self) -> bool {
        let is_old = |code: &ImportedCode| matches!(code, ImportedCode::Old(_));
        self.checker.is_some() && self.record.imported_codes.as_ref().is_some_and(|own| own.codes.iter().any(is_old))
    }
}

/// The first epoch of an account that moves in. Until its first write it is made anew at each load,
/// and a session that is founded on its view has to see the same.
fn first_epoch(id: &AccountId) -> u64 {
    let hash = Sha256::new().chain_update(b"sekisho moved in").chain_update(id.as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = hash.finalize().0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
