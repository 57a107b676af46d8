//! The cost of a verification on each store, beside what the store does by itself.
//! `cargo bench --bench stores --features full`
//!
//! - `ceiling/N`: a load and a swap of an envelope as long as a record's, by N tasks, each on an
//!   account of its own. No verifier.
//! - `verify/N`: a right code verified, in the same way.
//! - `accounts_1e3`, `accounts_1e6`: the same by 64 tasks on accounts drawn at random among so
//!   many.

#[path = "../examples/loading/mod.rs"]
mod loading;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use loading::{Template, Worker, account, rng};
use rand::RngExt;
use rand::rngs::StdRng;
use sekisho::seal::{Revision, Stored, Write};
use sekisho::store::{MemoryStore, RedbStore, Store, Swap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

fn stores(c: &mut Criterion) {
    let template = Arc::new(Runtime::new().unwrap().block_on(Template::new()));
    println!("an envelope has {} bytes", template.envelope_len());
    bench(c, "memory", &template, MemoryStore::new);
    let folder = tempfile::tempdir().unwrap();
    let mut files = (0..).map(|number| folder.path().join(format!("records {number}")));
    bench(c, "redb", &template, || RedbStore::open(files.next().unwrap()).unwrap());
}

fn bench<S: Store + Clone>(c: &mut Criterion, name: &str, template: &Arc<Template>, mut new: impl FnMut() -> S) {
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
    runtime.block_on(template.fill(&store, 0..64, 256));
    let mut worker = template.worker(&store);
    for tasks in [1, 16, 64] {
        run(&mut group, &runtime, BenchmarkId::new("verify", tasks), tasks, |task, share| {
            log_in(worker(), share, move |_| task)
        });
    }
    // `cargo bench -- --test` only asks whether it runs.
    let million = if std::env::args().any(|argument| argument == "--test") { 10_000 } else { 1_000_000 };
    for (name, accounts) in [("accounts_1e3", 1_000), ("accounts_1e6", million)] {
        let store = new();
        runtime.block_on(template.fill(&store, 0..accounts, 256));
        let mut worker = template.worker(&store);
        run(&mut group, &runtime, BenchmarkId::from_parameter(name), 64, |_, share| {
            log_in(worker(), share, move |rng| rng.random_range(0..accounts))
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
    let mut rng = rng();
    for _ in 0..times {
        let found = store.load(&account).await.unwrap();
        let new = Stored { revision: Revision::random(&mut rng), envelope: vec![7; envelope] };
        let write = Write { expected: found.map(|found| found.revision), new };
        assert_eq!(store.swap(&account, &write).await.unwrap(), Swap::Done);
    }
}

async fn log_in<S: Store>(worker: Worker<S>, times: u64, mut which: impl FnMut(&mut StdRng) -> u64 + Send) {
    let mut rng = rng();
    for _ in 0..times {
        worker.verify(which(&mut rng)).await;
    }
}

criterion_group!(benches, stores);
criterion_main!(benches);
