//! The handles by which owners answer the notices that they are sent.

use crate::otp::{Moment, Sensitive, UnixTime};
use alloc::string::String;
use core::fmt;
use rand::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// A notice can be answered for so long, in seconds: seven days.
const HANDLE_SECS: u64 = 7 * 86_400;

/// Freezes the account at its owner's word: the part of a link in a notice that nobody else has.
///
/// Every event that [is told to the owner](crate::account::Event::notifies_owner) carries one.
/// Write it into the mail as a link to a page with a button, and call
/// [`freeze_by_owner`](crate::account::Account::freeze_by_owner) when the button's form is posted:
/// scanners of mail follow links, and post no forms. It is good for seven days.
///
/// It is the event's number and time, and 128 bits of a hash of them and a key of the account's
/// record. So it is the same when an event is handed again, and no later notice pushes it out.
/// Redacted in `Debug`, left out by `serde`, wiped on drop.
#[derive(Clone)]
pub struct FreezeHandle([u8; Self::LEN]);

impl FreezeHandle {
    const LEN: usize = 32;

    /// For a link: 64 hexadecimal digits.
    #[must_use]
    pub fn to_text(&self) -> Sensitive<String> {
        let mut digits = Zeroizing::new([0; 2 * Self::LEN]);
        // There is room for two digits a byte.
        Sensitive::new(base16ct::lower::encode_str(&self.0, &mut *digits).unwrap_or_default().into())
    }
}

impl Drop for FreezeHandle {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for FreezeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FreezeHandle(..)")
    }
}

impl PartialEq for FreezeHandle {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for FreezeHandle {}

/// The key of an account's handles, drawn with its record. Wiped on drop.
pub(in crate::account) struct NoticeKey(pub(in crate::account) [u8; Self::LEN]);

impl NoticeKey {
    pub(in crate::account) const LEN: usize = 16;

    pub(in crate::account) fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut key = Self([0; Self::LEN]);
        rng.fill_bytes(&mut key.0);
        key
    }

    /// Returns whether the record has a key. Under one of zeros anybody would make handles.
    fn is_drawn(&self) -> Choice {
        !self.0.ct_eq(&[0; Self::LEN])
    }

    /// The handle of the notice with this number and time.
    pub(in crate::account) fn handle_of(&self, number: u64, at: UnixTime) -> Option<FreezeHandle> {
        let handle = || self.handle(number.to_be_bytes(), at.as_secs().to_be_bytes());
        bool::from(self.is_drawn()).then(handle)
    }

    /// The number of the notice whose handle this is the text of, if it is one of this account's
    /// and not too old. All 128 bits are compared, whatever they are.
    pub(in crate::account) fn number_of(&self, text: &str, now: Moment) -> Option<u64> {
        let (is_good, number) = self.compare(text, now);
        bool::from(is_good).then_some(number)
    }

    /// The same, still as a mask.
    pub(in crate::account) fn compare(&self, text: &str, now: Moment) -> (Choice, u64) {
        let none = (Choice::from(0), 0);
        let mut handle = FreezeHandle([0; FreezeHandle::LEN]);
        let decoded = base16ct::mixed::decode(text, &mut handle.0).map(<[u8]>::len);
        if decoded != Ok(FreezeHandle::LEN) {
            return none;
        }
        let [number, at, _, _] = *handle.0.as_chunks::<8>().0 else { return none };
        let time = UnixTime::from_secs(u64::from_be_bytes(at));
        // Neither a clock that was set back nor one that ran ahead makes it last longer.
        let is_recent = now.time.saturating_since(time) < HANDLE_SECS && !now.is_mistaken(time);
        let is_its = self.handle(number, at).0.ct_eq(&handle.0) & self.is_drawn();
        let is_good = is_its & Choice::from(u8::from(is_recent));
        (is_good, u64::from_be_bytes(number))
    }

    fn handle(&self, number: [u8; 8], at: [u8; 8]) -> FreezeHandle {
        let mut handle = FreezeHandle([0; FreezeHandle::LEN]);
        // All parts have fixed lengths, and half of the hash is left out: nobody goes on from there. In
        // one place, which is wiped: a hash that moves leaves the key behind.
        let mut hash = Sha256::new();
        hash.update(self.0.as_slice());
        hash.update(number);
        hash.update(at);
        let whole = number.into_iter().chain(at).chain(hash.finalize_reset());
        handle.0.iter_mut().zip(whole).for_each(|(place, byte)| *place = byte);
        handle
    }
}

impl Drop for NoticeKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
