//! Security settings that a code has opened. The code's proof is kept for the first change, so that
//! an owner who came for one thing types one code. Each further change takes a code of its own.

use moka::sync::Cache;
use sekisho::account::{Policy, Proof};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Settings stay open for so long, in seconds.
const OPEN_SECS: u64 = 600;
/// Sessions with open settings that are kept at the most, by each copy of the exchange.
const KEPT: u64 = 100_000;

/// The sessions whose settings are open, each by the name that was drawn when a code was typed.
#[derive(Clone, Debug)]
pub struct OpenedSettings(Cache<[u8; 16], Arc<Opened>>);

#[derive(Debug)]
struct Opened {
    at: u64,
    /// And the moment from which it is good no more.
    proof: Mutex<Option<(Proof, u64)>>,
}

impl Default for OpenedSettings {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(KEPT).time_to_live(Duration::from_secs(OPEN_SECS)).build())
    }
}

impl OpenedSettings {
    /// Opens the settings of a session, and keeps the proof for the first change, if it is not used
    /// up yet, for as long as the policy takes one.
    pub fn open(&self, session: [u8; 16], now: u64, proof: Option<Proof>, policy: &Policy) {
        let secs = policy.limits().proof_secs;
        let proof = proof.map(|proof| {
            let until = proof.at().as_secs().saturating_add(secs);
            (proof, until)
        });
        self.0.insert(session, Arc::new(Opened { at: now, proof: Mutex::new(proof) }));
    }

    /// Returns whether they are open.
    #[must_use]
    pub fn is_open(&self, session: &[u8; 16], now: u64) -> bool {
        self.opened(session, now).is_some()
    }

    /// Returns whether a proof waits for the first change.
    #[must_use]
    pub fn has_proof(&self, session: &[u8; 16], now: u64) -> bool {
        self.opened(session, now)
            .is_some_and(|opened| lock(&opened.proof).as_ref().is_some_and(|(_, until)| now < *until))
    }

    /// Takes the proof out: a second change finds none.
    #[must_use]
    pub fn take_proof(&self, session: &[u8; 16], now: u64) -> Option<Proof> {
        lock(&self.opened(session, now)?.proof).take_if(|(_, until)| now < *until).map(|(proof, _)| proof)
    }

    fn opened(&self, session: &[u8; 16], now: u64) -> Option<Arc<Opened>> {
        self.0.get(session).filter(|opened| now.saturating_sub(opened.at) < OPEN_SECS)
    }
}

fn lock(proof: &Mutex<Option<(Proof, u64)>>) -> MutexGuard<'_, Option<(Proof, u64)>> {
    proof.lock().unwrap_or_else(PoisonError::into_inner)
}
