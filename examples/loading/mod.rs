//! Accounts that have been used for a while, all alike, and log-ins of theirs.

use envelope::{open_record, seal_record};
use rand::SeedableRng;
use rand::rand_core::UnwrapErr;
use rand::rngs::{StdRng, SysRng};
use sekisho::account::{AccountId, Attempt, NewAuthenticator, Proof, Purpose};
use sekisho::otp::{Key, NotAccepted, OtpauthUri, Secret, Totp, UnixTime};
use sekisho::seal::{KeyId, Keyring, SealingKey, Stored, Write};
use sekisho::store::{MemoryStore, Store, Swap};
use sekisho::test_kit::TestClock;
use sekisho::{Error, Verifier};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[path = "../../tests/phone/envelope.rs"]
mod envelope;

const T: u64 = 1_800_000_000;
const KEY: [u8; 32] = *b"a key for measurements, not more";

pub(crate) fn account(number: u64) -> AccountId {
    // In no order, as ids of services are: a multiplication by an odd number gives each its own.
    AccountId::new(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()).unwrap()
}

fn keyring() -> Keyring {
    Keyring::new(KeyId::new(1), SealingKey::from_bytes(KEY).expect("no weak key"))
}

pub(crate) fn rng() -> StdRng {
    StdRng::from_rng(&mut UnwrapErr(SysRng))
}

/// All accounts have one secret.
fn uri() -> OtpauthUri {
    OtpauthUri::new("Example", "alice@example.com", Secret::new(&[9; 20]).unwrap(), Totp::DEFAULT).unwrap()
}

fn key() -> Key {
    uri().totp().key(uri().secret())
}

fn code(key: &Key, secs: u64) -> String {
    key.code_at(key.totp().step_at(UnixTime::from_secs(secs)).unwrap()).reveal().to_string()
}

/// The record of an account whose history is full, to be sealed for as many accounts as are wanted.
pub(crate) struct Template {
    plain: Vec<u8>,
    /// Since when its codes have not been used.
    unused: u64,
}

impl Template {
    pub(crate) async fn new() -> Self {
        let (store, clock) = (MemoryStore::new(), TestClock::at(UnixTime::from_secs(T)));
        let verifier = Verifier::builder(store.clone(), keyring()).clock(clock.clone()).without_notifications().build();
        let (account, key) = (account(0), key());
        verifier.create_account(&account).await.unwrap();
        let _ = verifier.enroll_first(&account, NewAuthenticator::imported(&uri()).unwrap()).await.unwrap();
        clock.set(UnixTime::from_secs(T + 30));
        let _ = verifier.confirm(&account, Attempt::new(Purpose::BINDING, &code(&key, T + 30))).await.unwrap();
        for number in 2..40 {
            let secs = T + number * 30;
            clock.set(UnixTime::from_secs(secs));
            judged(verifier.verify(&account, Attempt::new(Purpose::LOGIN, &code(&key, secs))).await);
        }
        let stored = store.load(&account).await.unwrap().unwrap();
        let plain = open_record(&KEY, &account, &stored);
        Self { plain, unused: T + 40 * 30 }
    }

    pub(crate) fn sealed(&self, account: &AccountId) -> Stored {
        seal_record(&KEY, account, &self.plain)
    }

    pub(crate) fn envelope_len(&self) -> usize {
        self.sealed(&account(0)).envelope.len()
    }

    /// By so many tasks, so that they share commits. What is there is written over.
    pub(crate) async fn fill<S: Store + Clone>(self: &Arc<Self>, store: &S, accounts: Range<u64>, tasks: usize) {
        let tasks = accounts.clone().take(tasks).map(|first| {
            let (store, template) = (store.clone(), Arc::clone(self));
            let numbers = (first..accounts.end).step_by(tasks);
            tokio::spawn(async move {
                for number in numbers {
                    let account = account(number);
                    let mut write = Write { expected: None, new: template.sealed(&account) };
                    while store.swap(&account, &write).await.unwrap() == Swap::Lost {
                        let found = store.load(&account).await.unwrap();
                        write.expected = found.map(|found| found.revision);
                    }
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    }

    /// Makes workers, which share the store and nothing else but the time.
    pub(crate) fn worker<S: Store + Clone>(&self, store: &S) -> impl FnMut() -> Worker<S> {
        let (store, now) = (store.clone(), Arc::new(AtomicU64::new(self.unused)));
        move || {
            let clock = TestClock::at(UnixTime::from_secs(T));
            let verifier =
                Verifier::builder(store.clone(), keyring()).clock(clock.clone()).without_notifications().build();
            Worker { verifier, clock, key: key(), now: Arc::clone(&now) }
        }
    }
}

pub(crate) struct Worker<S> {
    verifier: Verifier<S>,
    clock: TestClock,
    key: Key,
    /// Each verification is one step after the one before it, whoever's it was, so that no code has
    /// been used.
    now: Arc<AtomicU64>,
}

impl<S: Store> Worker<S> {
    /// Logs an account in. Refused only where digits come again within ten minutes.
    pub(crate) async fn verify(&self, number: u64) {
        let now = self.now.fetch_add(30, Ordering::Relaxed);
        self.clock.set(UnixTime::from_secs(now));
        let attempt = Attempt::new(Purpose::LOGIN, &code(&self.key, now));
        judged(self.verifier.verify(&account(number), attempt).await);
    }

    /// Submits a code that is most likely wrong.
    #[allow(dead_code)] // not every example guesses
    pub(crate) async fn guess(&self, number: u64) {
        self.clock.set(UnixTime::from_secs(self.now.load(Ordering::Relaxed)));
        judged(self.verifier.verify(&account(number), Attempt::new(Purpose::LOGIN, "123456")).await);
    }
}

/// Accepted, or refused since a nearby step happens to have the same digits: judged and stored all
/// the same.
fn judged(answer: Result<Proof, NotAccepted<Error>>) {
    if let Err(NotAccepted::Failed(error)) = answer {
        panic!("{error}");
    }
}
