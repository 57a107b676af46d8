//! Records that are lost: in which way, and the evidence for it.

use super::error::SealError;
use super::key::Keyring;
use super::key_id::KeyId;
use super::record::Stored;
use crate::account::{AccountId, LostRecord};
use crate::otp::StoredError;

/// The way in which a record was lost, as the operator has found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordLoss {
    /// The store has none: it was evicted, deleted, or is not in the backup that was restored.
    Missing,
    /// It does not open, or cannot be read: it was changed, or belongs to another account.
    Damaged,
    /// It is sealed under this key, which nobody has any more.
    LostKey(KeyId),
}

impl SealError {
    /// The loss that a failure to open means, if it means one. A record that a newer release has
    /// written is not lost, since that release reads it.
    #[must_use]
    pub const fn record_loss(&self) -> Option<RecordLoss> {
        match self {
            Self::DoesNotOpen | Self::Record(StoredError::Corrupt | StoredError::Length { .. }) => {
                Some(RecordLoss::Damaged)
            }
            Self::UnknownKey { id } => Some(RecordLoss::LostKey(*id)),
            _ => None,
        }
    }
}

impl Keyring {
    /// Shows that a record is lost in the way that was named: what the store has for `account` is
    /// nothing, or cannot be opened by this ring.
    ///
    /// # Errors
    /// [`SealError::NotLost`] if it opens, or is lost in another way.
    pub fn lost_record(
        &self,
        account: &AccountId,
        stored: Option<Stored>,
        loss: RecordLoss,
    ) -> Result<LostRecord, SealError> {
        let expected = stored.as_ref().map(|stored| stored.revision);
        let seen = match stored.map(|stored| self.open(account, stored)) {
            None => Some(RecordLoss::Missing),
            Some(Ok(_)) => None,
            Some(Err(error)) => error.record_loss(),
        };
        if seen == Some(loss) { Ok(LostRecord { account: account.clone(), expected }) } else { Err(SealError::NotLost) }
    }
}
