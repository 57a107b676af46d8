//! What a verification costs on each store, beside what the store does by itself.
//! `cargo bench --bench stores --features full`
//!
//! - `ceiling/N`: a load and a swap of an envelope as long as a record's, by N tasks, each on an account of its own. No verifier.
//! - `verify/N`: a right code verified, in the same way.
//! - `accounts_1e3`, `accounts_1e6`: the same by 64 tasks on accounts drawn at random among so many.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::rand_core::UnwrapErr;
use rand::rngs::{StdRng, SysRng};
use rand::{RngExt, SeedableRng};
use sekisho::Verifier;
use sekisho::account::{AccountId, Attempt, NewAuthenticator, Purpose};
use sekisho::otp::{Key, OtpauthUri, Secret, Totp, UnixTime};
use sekisho::seal::{KeyId, Keyring, SealingKey};
use sekisho::store::{MemoryStore, RedbStore, Revision, Store, Stored, Swap, Write};
use sekisho::verifier::TestClock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const T: u64 = 1_800_000_000;

fn stores(c: &mut Criterion) {
    let template = Template::new();
    println!("an envelope has {} bytes", template.envelope_len());
    bench(c, "memory", &template, MemoryStore::new);
    let folder = tempfile::tempdir().unwrap();
    let mut files = (0..).map(|number| folder.path().join(format!("records {number}")));
    bench(c, "redb", &template, || RedbStore::open(files.next().unwrap()).unwrap());
}

fn bench<S: Store + Clone>(c: &mut Criterion, name: &str, template: &Template, mut new: impl FnMut() -> S) {
    let runtime = Runtime::new().unwrap();
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(4));
    let store = new();
    for tasks in [1, 16, 64] {
        let envelope = template.envelope_len();
        run(&mut group, &runtime, BenchmarkId::new("ceiling", tasks), tasks, |task, share| {
            load_and_swap(store.clone(), task, share, envelope)
        });
    }
    let store = new();
    runtime.block_on(template.fill(&store, 64));
    let mut worker = template.worker(&store);
    for tasks in [1, 16, 64] {
        run(&mut group, &runtime, BenchmarkId::new("verify", tasks), tasks, |task, share| {
            worker().verify(share, move |_| task)
        });
    }
    // `cargo bench -- --test` only asks whether it runs.
    let million = if std::env::args().any(|argument| argument == "--test") { 10_000 } else { 1_000_000 };
    for (name, accounts) in [("accounts_1e3", 1_000), ("accounts_1e6", million)] {
        let store = new();
        runtime.block_on(template.fill(&store, accounts));
        let mut worker = template.worker(&store);
        run(&mut group, &runtime, BenchmarkId::from_parameter(name), 64, |_, share| {
            worker().verify(share, move |rng| rng.random_range(0..accounts))
        });
    }
    group.finish();
}

/// So many iterations by so many tasks, each with its share.
fn run<F: Future<Output = ()> + Send + 'static>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    id: BenchmarkId,
    tasks: u64,
    mut task: impl FnMut(u64, u64) -> F,
) {
    group.bench_function(id, |b| {
        b.iter_custom(|iterations| {
            let shares = (0..tasks).map(|number| (number, iterations / tasks + u64::from(number < iterations % tasks)));
            let futures: Vec<_> = shares.map(|(number, share)| task(number, share)).collect();
            runtime.block_on(async {
                let begin = Instant::now();
                let spawned: Vec<_> = futures.into_iter().map(tokio::spawn).collect();
                for task in spawned {
                    task.await.unwrap();
                }
                begin.elapsed()
            })
        });
    });
}

async fn load_and_swap<S: Store>(store: S, task: u64, times: u64, envelope: usize) {
    let account = account(task);
    let mut rng = StdRng::from_rng(&mut UnwrapErr(SysRng));
    for _ in 0..times {
        let found = store.load(&account).await.unwrap();
        let new = Stored { revision: Revision::random(&mut rng), envelope: vec![7; envelope] };
        let write = Write { expected: found.map(|found| found.revision), new };
        assert_eq!(store.swap(&account, &write).await.unwrap(), Swap::Done);
    }
}

fn account(number: u64) -> AccountId {
    AccountId::new(number.to_be_bytes()).unwrap()
}

fn keyring() -> Keyring {
    Keyring::new(KeyId::new(1), SealingKey::from_bytes([7; 32]))
}

/// The record of an account that has been used for a while, to be sealed for as many accounts as are wanted.
struct Template {
    plain: Vec<u8>,
    /// Since when its codes have not been used.
    unused: u64,
}

impl Template {
    fn new() -> Self {
        let (store, clock) = (MemoryStore::new(), TestClock::at(UnixTime::from_secs(T)));
        let verifier = Verifier::builder(store.clone(), keyring()).clock(clock.clone()).build();
        let account = account(0);
        Runtime::new().unwrap().block_on(async {
            let _ = verifier.enroll_first(&account, NewAuthenticator::imported(&uri()).unwrap()).await.unwrap();
            clock.set(UnixTime::from_secs(T + 30));
            let key = key();
            let code = |secs| code(&key, secs);
            let _ = verifier.confirm(&account, Attempt::new(Purpose::BINDING, &code(T + 30))).await.unwrap();
            for number in 2..40 {
                let secs = T + number * 30;
                clock.set(UnixTime::from_secs(secs));
                let _ = verifier.verify(&account, Attempt::new(Purpose::LOGIN, &code(secs))).await.unwrap();
            }
            let stored = store.load(&account).await.unwrap().unwrap();
            let plain = keyring().open_bytes(&account, &stored).unwrap().expose().clone();
            Self { plain, unused: T + 40 * 30 }
        })
    }

    fn envelope_len(&self) -> usize {
        keyring().seal_bytes(&account(0), &self.plain, &mut UnwrapErr(SysRng)).unwrap().envelope.len()
    }

    /// By many tasks, so that they share commits.
    async fn fill<S: Store + Clone>(&self, store: &S, accounts: u64) {
        let tasks = (0..256_u64).map(|task| {
            let (store, plain) = (store.clone(), self.plain.clone());
            tokio::spawn(async move {
                let (keyring, mut rng) = (keyring(), StdRng::from_rng(&mut UnwrapErr(SysRng)));
                for number in (task..accounts).step_by(256) {
                    let new = keyring.seal_bytes(&account(number), &plain, &mut rng).unwrap();
                    let write = Write { expected: None, new };
                    assert_eq!(store.swap(&account(number), &write).await.unwrap(), Swap::Done);
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    }

    /// Makes workers, which share the store and nothing else but the time.
    fn worker<S: Store + Clone>(&self, store: &S) -> impl FnMut() -> Worker<S> {
        let (store, now) = (store.clone(), Arc::new(AtomicU64::new(self.unused)));
        move || {
            let clock = TestClock::at(UnixTime::from_secs(T));
            let verifier = Verifier::builder(store.clone(), keyring()).clock(clock.clone()).build();
            Worker { verifier, clock, now: Arc::clone(&now) }
        }
    }
}

struct Worker<S> {
    verifier: Verifier<S>,
    clock: TestClock,
    /// Each verification is one step after the one before it, whoever's it was, so that no code has been used.
    now: Arc<AtomicU64>,
}

impl<S: Store> Worker<S> {
    async fn verify(self, times: u64, mut which: impl FnMut(&mut StdRng) -> u64 + Send) {
        let mut rng = StdRng::from_rng(&mut UnwrapErr(SysRng));
        let key = key();
        for _ in 0..times {
            let now = self.now.fetch_add(30, Ordering::Relaxed);
            self.clock.set(UnixTime::from_secs(now));
            let attempt = Attempt::new(Purpose::LOGIN, &code(&key, now));
            // Refused only where digits come again within ten minutes.
            let _ = self.verifier.verify(&account(which(&mut rng)), attempt).await.unwrap();
        }
    }
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

criterion_group!(benches, stores);
criterion_main!(benches);
