//! Known devices: browsers whose attempts are counted apart from strangers'.

use super::change::Change;
use super::event::EventKind;
use super::limits::DEVICES;
use super::policy::Policy;
use super::proof::{Proof, ProofError};
use super::purpose::Purpose;
use super::text::Text;
use super::token::{DeviceToken, Presented, TokenHash};
use super::{Account, AccountError};
use crate::otp::UnixTime;
use alloc::vec::Vec;
use core::fmt;
use rand::CryptoRng;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// Names a known device within its account. Never used twice there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct DeviceId(u64);

impl DeviceId {
    /// The device with this number, as a page has sent it back.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A browser that has been given a token.
pub(super) struct Device {
    /// The number of the event that tells of it.
    pub(super) id: DeviceId,
    pub(super) name: Text,
    pub(super) hash: TokenHash,
    /// The serial of the proof that it was given for: one proof, one token.
    pub(super) proof: u64,
    pub(super) last_used: UnixTime,
    /// Wrong codes that came with it in a row.
    pub(super) failures: u32,
}

impl Device {
    /// A clock set back does not make it last longer than that from now.
    pub(super) const fn is_good(&self, secs: u64, now: UnixTime) -> bool {
        now.as_secs().abs_diff(self.last_used.as_secs()) < secs
    }
}

/// What a token has been recognized as.
#[derive(Clone, Copy)]
pub(super) enum Known {
    Pass(TokenHash),
    /// By its place.
    Device(usize),
}

impl Account {
    /// Gives the browser that `proof` came from a token, to be kept as a cookie (`Secure`, `HttpOnly`, for the log-in page only).
    /// Whoever presents it with a code ([`Attempt::with_device`](super::Attempt::with_device)) is counted apart: guesses from elsewhere
    /// do not lock this browser out. By itself it opens nothing, and it ends with the failure in a row that locks
    /// ([`Limits::lock_after`](crate::otp::Limits::lock_after)): a stolen one is worth no more guesses than that.
    ///
    /// One proof, of any purpose but [`Purpose::CONFIRMATION`], gives one token at a time; it may be used for something else as well. At most five devices are known: the one that was not
    /// used for longest makes room. A device is forgotten when it was not used for [`AccountLimits::device_secs`](super::AccountLimits::device_secs).
    ///
    /// # Errors
    /// [`AccountError::Proof`].
    pub fn remember_device<R: CryptoRng + ?Sized>(
        mut self,
        policy: &Policy,
        now: UnixTime,
        proof: &Proof,
        name: Text,
        rng: &mut R,
    ) -> Result<Change<DeviceToken>, AccountError> {
        // Whoever only reads what is sent to an address is not the owner.
        if proof.purpose == Purpose::CONFIRMATION {
            return Err(ProofError::Purpose.into());
        }
        proof.check(&self.id, proof.purpose, now)?;
        let secs = policy.limits().device_secs;
        let devices = &mut self.record.devices;
        if proof.epoch != self.record.epoch || devices.iter().any(|device| device.proof == proof.serial) {
            return Err(ProofError::Spent.into());
        }
        devices.retain(|device| device.is_good(secs, now));
        if devices.len() >= DEVICES {
            let unused = devices.iter().enumerate().min_by_key(|(_, device)| device.last_used);
            if let Some((place, _)) = unused {
                devices.remove(place);
            }
        }
        let token = DeviceToken::generate(rng);
        let id = DeviceId(self.record.history.next());
        self.record.devices.push(Device {
            id,
            name,
            hash: token.hash(),
            proof: proof.serial,
            last_used: now,
            failures: 0,
        });
        self.tell(now, EventKind::DeviceRemembered { device: id });
        Ok(Change::written(self, token))
    }

    /// Ends a device's token.
    ///
    /// # Errors
    /// [`AccountError::NoSuchDevice`].
    pub fn forget_device(mut self, now: UnixTime, id: DeviceId) -> Result<Change<()>, AccountError> {
        let devices = &mut self.record.devices;
        let place = devices.iter().position(|device| device.id == id).ok_or(AccountError::NoSuchDevice { id })?;
        devices.remove(place);
        self.tell(now, EventKind::DeviceForgotten { device: id });
        Ok(Change::written(self, ()))
    }

    /// What has been presented with a code: a pass, if one is good, else a known device. All are compared.
    pub(super) fn known(&self, policy: &Policy, presented: Presented, now: UnixTime) -> Option<Known> {
        let limits = policy.limits();
        let mut known = None;
        for hash in presented.iter() {
            let (mut found, mut found_at) = (Choice::from(0), 0_u32);
            for (place, device) in (0..).zip(&self.record.devices) {
                let same = device.hash.ct_eq(&hash) & Choice::from(u8::from(device.is_good(limits.device_secs, now)));
                found_at.conditional_assign(&place, same);
                found |= same;
            }
            if self.record.passes.knows(&hash, limits.pass_secs, now) {
                return Some(Known::Pass(hash));
            }
            known = known.or_else(|| bool::from(found).then_some(Known::Device(found_at as usize)));
        }
        known
    }

    /// A code was accepted that a token came with: a pass has been used, a device stays known.
    pub(super) fn used(&mut self, known: Option<Known>, now: UnixTime) {
        match known {
            Some(Known::Pass(hash)) => self.record.passes.spend(&hash),
            Some(Known::Device(place)) => {
                if let Some(device) = self.record.devices.get_mut(place) {
                    (device.last_used, device.failures) = (now, 0);
                }
            }
            None => {}
        }
    }

    /// A wrong code came with a token. After as many in a row as lock, the token ends: a stolen one is worth no more guesses than that, and
    /// soon leaves the devices' throttle to the owner. (He is asked for a code without it then, and may get another.)
    pub(super) fn failed_with(&mut self, policy: &Policy, known: Option<Known>, now: UnixTime) {
        let most = policy.codes().lock_after;
        match known {
            Some(Known::Pass(hash)) => self.record.passes.fail(&hash, most),
            Some(Known::Device(place)) => {
                let Some(device) = self.record.devices.get_mut(place) else { return };
                device.failures = device.failures.saturating_add(1);
                if device.failures >= most {
                    let device = self.record.devices.remove(place).id;
                    self.tell(now, EventKind::DeviceForgotten { device });
                }
            }
            None => {}
        }
    }
}

/// A known device, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DeviceView {
    /// Names it in calls.
    pub id: DeviceId,
    /// What the service has called it: browser and system, say.
    pub name: Text,
    /// When a code came with its token last.
    pub last_used: UnixTime,
}

pub(super) fn views(devices: &[Device], secs: u64, now: UnixTime) -> Vec<DeviceView> {
    let good = devices.iter().filter(|device| device.is_good(secs, now));
    good.map(|device| DeviceView { id: device.id, name: device.name.clone(), last_used: device.last_used }).collect()
}
