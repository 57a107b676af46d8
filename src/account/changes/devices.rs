//! Browsers become known, and are forgotten.

use crate::account::error::AccountError;
use crate::account::event::EventKind;
use crate::account::names::ids::DeviceId;
#[cfg(doc)]
use crate::account::names::purpose::Purpose;
use crate::account::names::text::Text;
use crate::account::policy::Policy;
use crate::account::proof::Proof;
use crate::account::record::capacity::DEVICES;
use crate::account::record::device::Device;
use crate::account::record::token::DeviceToken;
use crate::account::transition::{Account, Change};
use crate::otp::UnixTime;
use rand::CryptoRng;

impl Account {
    /// Gives the browser that `proof` came from a token, to be kept as a cookie (`Secure`,
    /// `HttpOnly`, for the log-in page only). Whoever presents it with a code
    /// ([`Attempt::with_device`](crate::account::Attempt::with_device)) is counted apart: guesses
    /// from elsewhere do not lock this browser out. By itself it opens nothing, and it ends
    /// with the failure in a row that locks
    /// ([`Limits::lock_after`](crate::otp::Limits::lock_after)): a stolen one is worth no more
    /// guesses than that.
    ///
    /// One proof, of any purpose but [`Purpose::CONFIRMATION`], gives one token at a time; it may
    /// be used for something else as well. At most five devices are known: the one that was not
    /// used for longest makes room. A device is forgotten when it was not used for
    /// [`AccountLimits::device_secs`](crate::account::AccountLimits::device_secs).
    ///
    /// # Errors
    /// [`AccountError::Frozen`]; [what a proof can
    /// lack](crate::account::Proof#what-a-proof-can-lack); [`AccountError::EventsWaiting`].
    pub fn remember_device<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        name: Text,
        rng: &mut R,
    ) -> Result<Change<DeviceToken>, AccountError> {
        let now = self.moment(now);
        self.check_live(proof, now)?;
        let secs = policy.limits().device_secs;
        let devices = &mut self.record.devices;
        if devices.iter().any(|device| device.proof == proof.serial) {
            return Err(AccountError::ProofSpent);
        }
        devices.retain(|device| device.is_good(secs, now));
        if devices.len() >= DEVICES {
            let unused = devices.iter().enumerate().min_by_key(|(_, device)| device.last_used);
            if let Some((place, _)) = unused {
                devices.remove(place);
            }
        }
        let token = DeviceToken::generate(rng);
        let id = DeviceId::new(self.record.history.next());
        self.record.devices.push(Device {
            id,
            name,
            hash: token.hash(),
            proof: proof.serial,
            last_used: now.clock,
            failures: 0,
        });
        self.record_event(now, EventKind::DeviceRemembered { device: id })?;
        Ok(Change::written(self, Ok(token)))
    }

    /// Ends a device's token. `proof` is a live one, of any purpose but [`Purpose::CONFIRMATION`];
    /// it is not used up.
    ///
    /// # Errors
    /// [`AccountError::NoSuchDevice`]; [what a proof can
    /// lack](crate::account::Proof#what-a-proof-can-lack).
    pub fn forget_device(mut self, now: UnixTime, proof: &Proof, id: DeviceId) -> Result<Change<()>, AccountError> {
        let now = self.moment(now);
        self.check_live(proof, now)?;
        let devices = &mut self.record.devices;
        let place = devices.iter().position(|device| device.id == id).ok_or(AccountError::NoSuchDevice { id })?;
        devices.remove(place);
        self.record_event(now, EventKind::DeviceForgotten { device: id })?;
        Ok(Change::written(self, Ok(())))
    }
}
