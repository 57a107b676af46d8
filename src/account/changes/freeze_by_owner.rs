//! The owner freezes the account.

use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::names::source::Source;
use crate::account::transition::{Account, Change};
use crate::otp::UnixTime;
use alloc::string::String;
use rand::CryptoRng;

/// An owner's word that the account be frozen, and what tells that it is the owner's.
///
/// ```
/// use sekisho::account::{OwnerFreeze, Source};
///
/// let source = Source::new().with_address("203.0.113.7");
/// let by_link = OwnerFreeze::by_notice("the handle in the link").with_source(source);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct OwnerFreeze {
    by: By,
    source: Option<Source>,
}

#[derive(Clone)]
enum By {
    Notice(String),
    Session(u64),
}

impl core::fmt::Debug for By {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Notice(_) => f.write_str("Notice(..)"),
            Self::Session(_) => f.write_str("Session(..)"),
        }
    }
}

impl OwnerFreeze {
    /// By the link of a notice. `handle` is the [handle](crate::account::Event::freeze_handle) of
    /// that notice, as text: nobody guesses its 128 bits, and a wrong one is not counted. It is
    /// good for seven days, and until an operator has thawed or reset the account: whoever has
    /// read an old mail cannot freeze again and again.
    pub fn by_notice(handle: &str) -> Self {
        Self { by: By::Notice(handle.into()), source: None }
    }

    /// By a session of the service's own, which is past the second step of a log-in. `epoch` is
    /// what the session is founded on: the [epoch](crate::account::Proof::epoch) of its
    /// log-in's proof. The freeze begins another epoch, so a session that was stolen freezes
    /// once, and not again after each thaw.
    pub const fn by_session(epoch: u64) -> Self {
        Self { by: By::Session(epoch), source: None }
    }

    /// With the source of the request, for the event that tells of it.
    pub fn with_source(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }
}

impl Account {
    /// Freezes as [`freeze`](Self::freeze) does, at the word of the owner: of one who was told of
    /// something that somebody else has done, or of one who is logged in. An operator
    /// [thaws](Self::thaw). An account that is frozen already stays as it is.
    ///
    /// A thief of a session, or of a mail, can do this too. He gains nothing that he could use.
    /// The owner loses as by any freeze: proofs, known devices, passes (also one that an operator
    /// has just issued), a recovery that waits, and a mailbox or a stronger factor whose own hold
    /// is not over.
    ///
    /// # Errors
    /// [`AccountError::UnknownHandle`] unless the handle is of a notice of this account's, at most
    /// seven days old, and younger than the last thaw or reset; [`AccountError::SessionEnded`] if
    /// the epoch is not the account's, and the account is not frozen.
    pub fn freeze_by_owner<R: CryptoRng + ?Sized>(
        mut self,
        now: UnixTime,
        freeze: &OwnerFreeze,
        rng: &mut R,
    ) -> Result<Change<()>, AccountError> {
        let now = self.moment(now);
        self.source.clone_from(&freeze.source);
        let is_frozen = self.record.frozen_at.is_some();
        match &freeze.by {
            By::Notice(handle) => {
                let number = self.record.notice_key.number_of(handle, now);
                if number.is_none_or(|number| number <= self.record.notices_answered) {
                    return Err(AccountError::UnknownHandle);
                }
            }
            By::Session(epoch) if *epoch != self.record.epoch && !is_frozen => return Err(AccountError::SessionEnded),
            By::Session(_) => {}
        }
        // The button is pressed twice: it is frozen, and told, once.
        if is_frozen {
            return Ok(Change::unwritten(self, Ok(()), None));
        }
        self.record.void(rng.next_u64());
        self.record.drop_new_bindings(now);
        self.record.frozen_at = Some(now.time);
        self.record_anyway(now, EventKind::FrozenByOwner);
        Ok(Change::written(self, Ok(())))
    }
}
