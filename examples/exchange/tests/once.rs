//! A code is accepted once: by two copies of the exchange that share a server, and by one that is
//! killed in the middle of its work.

mod copies;
#[path = "../../../tests/servers/mod.rs"]
mod servers;

use copies::{Copy, Cost, Crowd, step};
use servers::{Postgres, Redis};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Two copies are asked so often to accept one code.
const ROUNDS: usize = 10_000;
/// Customers for them: each has three codes that are good now.
const CUSTOMERS: usize = ROUNDS / 3 + 200;
/// Rounds at a time.
const RACERS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn two_copies_on_one_postgresql_accept_each_code_once() {
    let postgres = Postgres::start();
    race(&postgres.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_copies_on_one_redis_accept_each_code_once() {
    let redis = Redis::start();
    race(&redis.url()).await;
}

/// Ten thousand rounds: one code, both copies at once, one winner.
async fn race(store: &str) {
    let crowd = Arc::new(Crowd::gather(store, CUSTOMERS, Cost::Little).await);
    let twins = Arc::new([Copy::start(store), Copy::start(store)]);
    let [next, second, disturbed] = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
    let racers: Vec<_> = (0..RACERS)
        .map(|racer| {
            let (crowd, twins) = (crowd.clone(), twins.clone());
            let (next, second, disturbed) = (next.clone(), second.clone(), disturbed.clone());
            tokio::spawn(async move {
                // Of each customer the codes of one step after another, by one racer: no other round is in its way.
                let own: Vec<_> = (racer..CUSTOMERS).step_by(RACERS).collect();
                let mut used = vec![0; own.len()];
                let mut spent = vec![Vec::new(); own.len()];
                for turn in 0.. {
                    let which = turn % own.len();
                    let code = next_open(used[which]).await;
                    used[which] = code;
                    // Once in a million codes one has the digits of another that is near: it is refused, by rule.
                    let near = [code - 2, code - 1, code + 1, code + 2].map(|step| crowd.code(own[which], step));
                    let digits = crowd.code(own[which], code);
                    if near.contains(&digits) || spent[which].contains(&digits) {
                        continue;
                    }
                    spent[which].push(digits);
                    if next.fetch_add(1, Ordering::Relaxed) >= ROUNDS {
                        return;
                    }
                    let [a, b] = &*twins;
                    let (a, b) =
                        tokio::join!(crowd.log_in(&a.url, own[which], code), crowd.log_in(&b.url, own[which], code));
                    let (a, b) = (a.expect("an answer"), b.expect("an answer"));
                    if [a, b].contains(&503) {
                        // A disk that stands still: what was accepted is not known, and another round takes the place
                        // of this one.
                        next.fetch_sub(1, Ordering::Relaxed);
                        assert!(disturbed.fetch_add(1, Ordering::Relaxed) < ROUNDS / 50, "the server does not answer");
                        continue;
                    }
                    assert!(matches!((a, b), (200, 403) | (403, 200)), "customer {} step {code}: {a} {b}", own[which]);
                    second.fetch_add(usize::from(b == 200), Ordering::Relaxed);
                }
            })
        })
        .collect();
    for racer in racers {
        racer.await.unwrap();
    }
    let second = second.load(Ordering::Relaxed);
    println!("{ROUNDS} rounds, one winner each: {} the first copy, {second} the second", ROUNDS - second);
    assert!((ROUNDS / 50..ROUNDS * 49 / 50).contains(&second), "they did race: {second} of {ROUNDS}");
}

/// The first step after `used` whose code is good, and will be for some seconds.
async fn next_open(used: u64) -> u64 {
    loop {
        // The one before this one is good until this one ends.
        let oldest = if copies::now() % 30 < 20 { step() - 1 } else { step() };
        let next = oldest.max(used + 1);
        if next <= step() + 1 {
            return next;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The number of times that each code was accepted: by customer and step.
type Accepted = BTreeMap<(usize, u64), usize>;

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_and_started_again_nothing_is_accepted_twice() {
    const KILLS: usize = 5;
    /// Customers whose codes are used up before one kill.
    const CUSTOMERS: usize = 600;
    let folder = tempfile::tempdir().unwrap();
    let store = format!("redb:{}", folder.path().display());
    let crowd = Arc::new(Crowd::gather(&store, KILLS * CUSTOMERS, Cost::Little).await);
    let accepted = Arc::new(Mutex::new(Accepted::new()));
    // Answers that did not come.
    let mut lost: Vec<(usize, u64)> = Vec::new();
    let next = Arc::new(AtomicUsize::new(0));
    let mut unanswered = 0;
    for kill in 0..=KILLS {
        let exchange = Copy::start(&store);
        // What was accepted before, and what may have been, once more.
        let known: Vec<_> = accepted.lock().unwrap().keys().rev().take(200).copied().collect();
        for (who, step) in known.into_iter().chain(lost.drain(..)) {
            let status = crowd.log_in(&exchange.url, who, step).await.expect("an answer");
            note(&accepted, who, step, Some(status));
        }
        if kill == KILLS {
            break;
        }
        let before = accepted.lock().unwrap().len();
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let (crowd, accepted, next, url) =
                    (crowd.clone(), accepted.clone(), next.clone(), exchange.url.clone());
                tokio::spawn(async move {
                    // Each code twice at once, until the exchange is gone.
                    loop {
                        let who = kill * CUSTOMERS + next.fetch_add(1, Ordering::Relaxed) % CUSTOMERS;
                        let step = step();
                        let (a, b) = tokio::join!(crowd.log_in(&url, who, step), crowd.log_in(&url, who, step));
                        note(&accepted, who, step, a);
                        note(&accepted, who, step, b);
                        if a.is_none() || b.is_none() {
                            return (who, step);
                        }
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(900)).await;
        drop(exchange);
        for task in tasks {
            lost.push(task.await.unwrap());
        }
        unanswered += lost.len();
        let fresh = accepted.lock().unwrap().len() - before;
        assert!(fresh > 5, "it was at work: {fresh} accepted before kill {kill}");
    }
    let accepted = accepted.lock().unwrap();
    println!("{KILLS} kills, {} codes accepted, {unanswered} without an answer, none twice", accepted.len());
    let twice: Vec<_> = accepted.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "accepted twice: {twice:?}");
}

fn note(accepted: &Mutex<Accepted>, who: usize, step: u64, status: Option<u16>) {
    match status {
        Some(200) => *accepted.lock().unwrap().entry((who, step)).or_default() += 1,
        // 403: it was used, or has run out since. 503: as no answer.
        Some(403 | 429 | 503) | None => {}
        Some(status) => panic!("{status}"),
    }
}
