//! A limit of messages by destination, over all customers: two hundred new accounts that name one
//! number get no more messages than one.

use sekisho::account::{AccountId, Address, Purpose};
use sekisho::verifier::AddressCheck;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Messages that one destination is asked for within an hour, whoever asks.
const AN_HOUR: usize = 10;
const HOUR_SECS: u64 = 3_600;
/// Destinations that are remembered for an hour. While there are as many, nothing is sent to
/// others.
const REMEMBERED: usize = 10_000;

/// Counts what is asked for. Each copy of the exchange counts its own.
#[derive(Clone)]
pub struct Destinations {
    asked: Arc<Mutex<HashMap<String, Vec<u64>>>>,
    now: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Destinations {
    /// By this clock, in Unix seconds.
    pub fn new(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { asked: Arc::default(), now: Arc::new(now) }
    }

    fn count(&self, destination: &str) -> bool {
        let now = (self.now)();
        let is_recent = |at: &u64| now.saturating_sub(*at) < HOUR_SECS;
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= REMEMBERED {
            asked.retain(|_, times| times.iter().any(is_recent));
        }
        // Somebody pumps: known destinations go on, new ones wait.
        if asked.len() >= REMEMBERED && !asked.contains_key(destination) {
            return false;
        }
        let times = asked.entry(destination.to_owned()).or_default();
        times.retain(is_recent);
        let is_allowed = times.len() < AN_HOUR;
        if is_allowed {
            times.push(now);
        }
        is_allowed
    }
}

impl std::fmt::Debug for Destinations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Destinations").finish_non_exhaustive()
    }
}

impl AddressCheck for Destinations {
    async fn allows(&self, _: &AccountId, address: &Address, purpose: Purpose) -> bool {
        // Codes that confirm a number are counted apart: a stranger who names it does not shut its
        // owner out of logging in.
        let confirms = if purpose == Purpose::BINDING { "confirm " } else { "" };
        self.count(&format!("{confirms}{}", address.as_str()))
    }
}
