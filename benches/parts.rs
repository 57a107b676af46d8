//! Where the time of a log-in goes. `cargo bench --bench parts --features test-kit`
//!
//! The account has one authenticator and a full history of log-ins; its store is this process's
//! memory.
//! - `log_in/*`: everything, by a `Verifier`: a right code, and a wrong one.
//! - `parts/*`: the steps of it. `open` decrypts and decodes, `seal` encodes and encrypts; beside
//!   them `aead_open` and `aead_seal`, the cipher alone on as many bytes. What is left of either is
//!   decoding or encoding.
//! - `attempt/*`: opened, decided and sealed, each time from the same record: one without a
//!   failure, and one in the ten minutes after a wrong code.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use sekisho::Verifier;
use sekisho::account::{Account, AccountId, Attempt, NewAuthenticator, Policy, Proof, Purpose};
use sekisho::otp::{Key, OtpauthUri, Secret, Totp, UnixTime};
use sekisho::seal::{KeyId, Keyring, SealingKey, Stored};
use sekisho::store::{MemoryStore, Store};
use sekisho::test_kit::TestClock;
use std::hint::black_box;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

const T: u64 = 1_900_000_000;

fn keyring() -> Keyring {
    Keyring::new(KeyId::new(1), SealingKey::from_bytes(core::array::from_fn(|place| place as u8)).unwrap())
}

/// An account, its phone, and the verifier that it logs in at.
struct Customer {
    runtime: Runtime,
    verifier: Verifier<MemoryStore>,
    store: MemoryStore,
    clock: TestClock,
    account: AccountId,
    key: Key,
    now: u64,
}

impl Customer {
    /// After forty log-ins, half an hour apart.
    fn new() -> Self {
        let (store, clock) = (MemoryStore::new(), TestClock::at(UnixTime::from_secs(T)));
        let verifier = Verifier::builder(store.clone(), keyring()).clock(clock.clone()).without_notifications().build();
        let runtime = Builder::new_current_thread().build().unwrap();
        let uri = OtpauthUri::new("Example", "alice", Secret::new(&[7; 20]).unwrap(), Totp::DEFAULT).unwrap();
        let (account, key) = (AccountId::new("alice").unwrap(), uri.totp().key(uri.secret()));
        let mut customer = Self { runtime, verifier, store, clock, account, key, now: T };
        let Self { runtime, verifier, account, .. } = &customer;
        runtime.block_on(async {
            verifier.create_account(account).await.unwrap();
            let _ = verifier.enroll_first(account, NewAuthenticator::imported(&uri).unwrap()).await.unwrap();
        });
        let (_, code) = customer.next(30);
        let Self { runtime, verifier, account, .. } = &customer;
        let confirmed = runtime.block_on(verifier.confirm(account, Attempt::new(Purpose::BINDING, &code)));
        assert!(confirmed.is_ok());
        for _ in 0..40 {
            let (_, code) = customer.next(1_800);
            assert!(customer.log_in(&code));
        }
        customer
    }

    /// Lets time pass, and reads the phone.
    fn next(&mut self, secs: u64) -> (u64, String) {
        self.now += secs;
        self.clock.set(UnixTime::from_secs(self.now));
        (self.now, self.code(0))
    }

    fn code(&self, offset: i64) -> String {
        let step = self.key.totp().step_at(UnixTime::from_secs(self.now)).unwrap();
        self.key.code_at(step.saturating_offset(offset)).reveal().to_string()
    }

    fn log_in(&self, code: &str) -> bool {
        let attempt = Attempt::new(Purpose::LOGIN, code);
        self.runtime.block_on(self.verifier.verify(&self.account, attempt)).is_ok()
    }

    fn stored(&self) -> Stored {
        self.runtime.block_on(self.store.load(&self.account)).unwrap().unwrap()
    }
}

fn log_in(c: &mut Criterion) {
    let mut group = c.benchmark_group("log_in");
    let mut customer = Customer::new();
    group.bench_function("right", |b| {
        b.iter_custom(|times| {
            let mut spent = Duration::ZERO;
            for _ in 0..times {
                let (_, code) = customer.next(1_800);
                let begin = Instant::now();
                let is_in = customer.log_in(&code);
                spent += begin.elapsed();
                // Digits that come again within ten minutes would be refused: these are half an
                // hour apart.
                assert!(is_in);
            }
            spent
        });
    });
    // Each in its own hour, so that none is locked.
    group.bench_function("wrong", |b| {
        b.iter_custom(|times| {
            let mut spent = Duration::ZERO;
            for _ in 0..times {
                customer.next(86_400);
                let wrong = customer.code(5_000);
                let begin = Instant::now();
                let is_in = customer.log_in(&wrong);
                spent += begin.elapsed();
                // One in a hundred thousand is right by chance.
                black_box(is_in);
                let (_, code) = customer.next(43_200);
                customer.log_in(&code);
            }
            spent
        });
    });
    group.finish();
}

fn parts(c: &mut Criterion) {
    let mut customer = Customer::new();
    let (now, code) = customer.next(1_800);
    let (account, stored, policy, ring) = (customer.account.clone(), customer.stored(), Policy::default(), keyring());
    println!("an envelope of {} bytes", stored.envelope.len());
    let open = || ring.open(&account, stored.clone()).unwrap();
    let now = UnixTime::from_secs(now);
    let verify =
        |opened: Account, code: &str| opened.verify(&policy, now, &Attempt::new(Purpose::LOGIN, code)).unwrap();
    let seal = |change| ring.seal::<Proof, _>(change, &mut UnwrapErr(SysRng)).unwrap();

    let mut group = c.benchmark_group("parts");
    group.bench_function("load", |b| b.iter(|| customer.runtime.block_on(customer.store.load(&account))));
    group.bench_function("open", |b| {
        b.iter_batched(|| stored.clone(), |stored| ring.open(&account, stored).unwrap(), BatchSize::SmallInput);
    });
    let bytes = vec![7; stored.envelope.len() - 21];
    let sealed = ring.seal_bytes(&account, &bytes, &mut UnwrapErr(SysRng)).unwrap();
    group.bench_function("aead_open", |b| b.iter(|| ring.open_bytes(&account, &sealed).unwrap()));
    group.bench_function("decide", |b| {
        b.iter_batched(open, |opened| verify(opened, &code), BatchSize::SmallInput);
    });
    group.bench_function("seal", |b| b.iter_batched(|| verify(open(), &code), seal, BatchSize::SmallInput));
    group.bench_function("aead_seal", |b| {
        b.iter(|| ring.seal_bytes(&account, &bytes, &mut UnwrapErr(SysRng)).unwrap());
    });
    let mut write = seal(verify(open(), &code)).0.unwrap();
    group.bench_function("swap", |b| {
        b.iter(|| {
            let swapped = customer.runtime.block_on(customer.store.swap(&account, &write));
            write.expected = Some(write.new.revision);
            swapped
        });
    });
    group.finish();
}

fn attempts(c: &mut Criterion) {
    let mut group = c.benchmark_group("attempt");
    for (name, wrong_before) in [("without_a_failure", false), ("after_a_wrong_code", true)] {
        let mut customer = Customer::new();
        customer.next(86_400);
        if wrong_before {
            customer.log_in(&customer.code(5_000));
        }
        let (now, code) = customer.next(300);
        let (account, stored, policy, ring) =
            (customer.account.clone(), customer.stored(), Policy::default(), keyring());
        for (verdict, code) in [("right", code), ("wrong", customer.code(6_000))] {
            let attempt = Attempt::new(Purpose::LOGIN, &code);
            group.bench_function(format!("{name}_{verdict}"), |b| {
                b.iter_batched(
                    || stored.clone(),
                    |stored| {
                        let opened = ring.open(&account, stored).unwrap();
                        let change = opened.verify(&policy, UnixTime::from_secs(now), &attempt).unwrap();
                        ring.seal(change, &mut UnwrapErr(SysRng)).unwrap()
                    },
                    BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, log_in, parts, attempts);
criterion_main!(benches);
