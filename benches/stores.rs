//! What the stores can do: a load and a swap of an envelope of 600 bytes, by so many tasks at once, each on an account of
//! its own. `cargo bench --bench stores --features redb`

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::SeedableRng;
use rand::rand_core::UnwrapErr;
use rand::rngs::{StdRng, SysRng};
use sekisho::account::AccountId;
use sekisho::store::{MemoryStore, RedbStore, Revision, Store, Stored, Swap, Write};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const ENVELOPE: usize = 600;

fn stores(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    ceiling(c, "memory", &MemoryStore::new());
    ceiling(c, "redb", &RedbStore::open(folder.path().join("records")).unwrap());
}

/// The ceiling of whatever is built on a store: what it does by itself.
fn ceiling<S: Store + Clone>(c: &mut Criterion, name: &str, store: &S) {
    let runtime = Runtime::new().unwrap();
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(4));
    for tasks in [1_u64, 16, 64] {
        group.bench_function(BenchmarkId::new("ceiling", tasks), |b| {
            b.iter_custom(|iterations| {
                runtime.block_on(async {
                    let begin = Instant::now();
                    let tasks = (0..tasks).map(|task| {
                        let share = iterations / tasks + u64::from(task < iterations % tasks);
                        tokio::spawn(load_and_swap(store.clone(), task, share))
                    });
                    for task in tasks.collect::<Vec<_>>() {
                        task.await.unwrap();
                    }
                    begin.elapsed()
                })
            });
        });
    }
    group.finish();
}

async fn load_and_swap<S: Store>(store: S, task: u64, times: u64) {
    let account = AccountId::new(task.to_be_bytes()).unwrap();
    let mut rng = StdRng::from_rng(&mut UnwrapErr(SysRng));
    for _ in 0..times {
        let found = store.load(&account).await.unwrap();
        let new = Stored { revision: Revision::random(&mut rng), envelope: vec![7; ENVELOPE] };
        let write = Write { expected: found.map(|found| found.revision), new };
        assert_eq!(store.swap(&account, &write).await.unwrap(), Swap::Done);
    }
}

criterion_group!(benches, stores);
criterion_main!(benches);
