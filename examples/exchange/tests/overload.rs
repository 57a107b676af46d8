//! Twice as many log-ins as the exchange can answer, for half a minute: it answers as many as ever,
//! in time, and turns the rest away.
//!
//! `cargo test --release --test overload -- --nocapture` prints the figures.
#![allow(clippy::cast_precision_loss, clippy::cast_sign_loss)] // rates

mod copies;

use copies::{Copy, Cost, Crowd, step};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// It is overloaded for so long.
const LASTS: Duration = Duration::from_secs(30);
/// Its capacity is measured for so long before.
const MEASURED: Duration = Duration::from_secs(6);
/// Customers who log in one right after another, to measure it: enough to keep the processors busy.
const CLOSED: usize = 8;
const CUSTOMERS: usize = 2_000;

/// An answer, and when it came.
struct Answer {
    status: Option<u16>,
    took: Duration,
}

#[tokio::test(flavor = "multi_thread")]
async fn twice_the_capacity_is_answered_in_time_or_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("redb:{}", folder.path().display());
    let crowd = Arc::new(Crowd::gather(&store, CUSTOMERS, Cost::Real).await);
    let exchange = Arc::new(Copy::start(&store));

    let capacity = capacity(&crowd, &exchange).await;
    let (mut answers, memory) = overload(&crowd, &exchange, 2.0 * capacity).await;
    // Right after, somebody who has not tried before.
    let begun = Instant::now();
    assert_eq!(crowd.log_in(&exchange.url, 0, step()).await, Some(200), "a log-in right after");
    let after = begun.elapsed();
    let capacity_after = self::capacity(&crowd, &exchange).await;

    let offered = answers.len();
    let shed = answers.iter().filter(|answer| answer.status == Some(503)).count();
    // 403: the code of this half minute was used, which takes the same work. 429: too many of them.
    let served_all = |answer: &Answer| matches!(answer.status, Some(200 | 403 | 429));
    let amiss: Vec<_> = answers
        .iter()
        .filter(|answer| !served_all(answer) && answer.status != Some(503))
        .map(|one| one.status)
        .collect();
    answers.retain(served_all);
    answers.sort_by_key(|answer| answer.took);
    let quantile = |percent: usize| answers[(answers.len() - 1) * percent / 100].took;
    let per_second = |count: usize| count as f64 / LASTS.as_secs_f64();
    let (early, late) = (memory[memory.len() / 5], *memory.last().unwrap());
    println!(
        "capacity {capacity:.0} log-ins/s; offered {:.0}/s: served {:.0}/s (p50 {:.0?}, p99 {:.0?}), turned away {:.0}/s; \
         memory {} MiB after a fifth, {} MiB at the end; a log-in right after took {after:.0?}",
        per_second(offered),
        per_second(answers.len()),
        quantile(50),
        quantile(99),
        per_second(shed),
        early / 1_024,
        late / 1_024,
    );
    assert_eq!(amiss, [], "served or turned away, nothing else");
    assert!(quantile(99) < Duration::from_secs(1), "p99 {:?}", quantile(99));
    assert!(shed > offered / 10, "it was overloaded: {shed} of {offered}");
    // The machine may have become slower meanwhile.
    let least = capacity.min(capacity_after);
    assert!(per_second(answers.len()) > 0.6 * least, "what it answers does not break down: it can answer {least:.0}/s");
    assert!(late < early + early / 5 + 8 * 1_024, "memory: {memory:?} KiB");
}

/// Log-ins a second, of customers who wait for the answer.
async fn capacity(crowd: &Arc<Crowd>, exchange: &Arc<Copy>) -> f64 {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..CLOSED)
        .map(|task| {
            let (crowd, exchange) = (crowd.clone(), exchange.clone());
            tokio::spawn(async move {
                let (mut tried, mut answered) = (0, 0);
                while begun.elapsed() < MEASURED {
                    let who = 1 + (task + tried * CLOSED) % (CUSTOMERS - 1);
                    let status = crowd.log_in(&exchange.url, who, step()).await;
                    assert!(matches!(status, Some(200 | 403 | 429 | 503)), "{status:?}");
                    tried += 1;
                    answered += usize::from(status != Some(503));
                }
                answered
            })
        })
        .collect();
    let mut answered = 0;
    for task in tasks {
        answered += task.await.unwrap();
    }
    answered as f64 / begun.elapsed().as_secs_f64()
}

/// Log-ins at a rate, whoever waits; and the memory each second.
async fn overload(crowd: &Arc<Crowd>, exchange: &Arc<Copy>, rate: f64) -> (Vec<Answer>, Vec<usize>) {
    let begun = Instant::now();
    let (mut tasks, mut memory) = (Vec::new(), Vec::new());
    while begun.elapsed() < LASTS {
        let due = (begun.elapsed().as_secs_f64() * rate) as usize;
        while tasks.len() < due {
            let (crowd, exchange, which) = (crowd.clone(), exchange.clone(), tasks.len());
            tasks.push(tokio::spawn(async move {
                let begun = Instant::now();
                let status = crowd.log_in(&exchange.url, 1 + which % (CUSTOMERS - 1), step()).await;
                Answer { status, took: begun.elapsed() }
            }));
        }
        if memory.len() < begun.elapsed().as_secs() as usize {
            memory.push(exchange.memory());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    memory.push(exchange.memory());
    (answers, memory)
}
