//! An authenticator is given another name.

use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::text::Text;
use crate::account::transition::{Account, Change};
use crate::otp::UnixTime;

impl Account {
    /// Gives an authenticator another name. That changes no binding.
    ///
    /// # Errors
    /// [`AccountError::NoSuchAuthenticator`].
    pub fn rename(mut self, now: UnixTime, id: AuthenticatorId, name: Text) -> Result<Change<()>, AccountError> {
        let found = self.record.authenticator_mut(id).ok_or(AccountError::NoSuchAuthenticator { id })?;
        found.name = name;
        self.record_event(now, EventKind::Renamed { authenticator: id });
        Ok(Change::written(self, Ok(())))
    }
}
