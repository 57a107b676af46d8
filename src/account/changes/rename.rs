//! An authenticator is given another name.

use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::text::Text;
use crate::account::proof::Proof;
use crate::account::transition::{Account, Change};
use crate::otp::UnixTime;

impl Account {
    /// Gives an authenticator another name. That changes no binding, but the owner trusts the names
    /// when one of several is to be removed. `proof` is a live one, of any purpose but
    /// [`Purpose::CONFIRMATION`](crate::account::Purpose::CONFIRMATION); it is not used up.
    ///
    /// # Errors
    /// [`AccountError::NoSuchAuthenticator`]; [what a proof can
    /// lack](crate::account::Proof#what-a-proof-can-lack).
    pub fn rename(
        mut self,
        now: UnixTime,
        proof: &Proof,
        id: AuthenticatorId,
        name: Text,
    ) -> Result<Change<()>, AccountError> {
        let now = self.moment(now);
        self.check_live(proof, now)?;
        let found = self.record.authenticator_mut(id).ok_or(AccountError::NoSuchAuthenticator { id })?;
        found.name = name;
        self.record_event(now, EventKind::Renamed { authenticator: id })?;
        Ok(Change::written(self, Ok(())))
    }
}
