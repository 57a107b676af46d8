//! Known devices: browsers whose attempts are counted apart from strangers'.

use super::token::TokenHash;
use crate::account::names::ids::DeviceId;
use crate::account::names::text::Text;
use crate::otp::{Moment, UnixTime};

/// A browser that has been given a token.
pub(in crate::account) struct Device {
    /// The number of the event that tells of it.
    pub(in crate::account) id: DeviceId,
    pub(in crate::account) name: Text,
    pub(in crate::account) hash: TokenHash,
    /// The serial of the proof that it was given for: one proof, one token.
    pub(in crate::account) proof: u64,
    pub(in crate::account) last_used: UnixTime,
    /// Wrong codes that came with it in a row.
    pub(in crate::account) failures: u32,
}

impl Device {
    /// A clock set back does not make it last longer than that from now.
    pub(in crate::account) const fn is_good(&self, secs: u64, now: Moment) -> bool {
        now.is_near(self.last_used, 0, secs)
    }
}
