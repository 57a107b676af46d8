//! Failovers with two servers at work: a Redis primary with a replica that is waited for, and a
//! PostgreSQL primary with a synchronous standby. One code, submitted on both servers under names
//! of their own, or repeated on the other server under the same name: no two acceptances have
//! different ids.
//!
//! In a failover the standby is promoted while the old primary goes on, as when the network between
//! them fails. One server is led to the new primary at once. The other stays with the old one for a
//! while: whatever it reads there, nobody may be let in by it.
//!
//! The long run: `FAILOVER_ROUNDS=10000 FAILOVERS=50 cargo test --all-features --test servers
//! failover:: -- --nocapture --test-threads 1`.
#![cfg(all(feature = "redis", feature = "postgres", feature = "test-kit"))]

use crate::phone::{Phone, T, at, keyring, new_authenticator};
use crate::servers::{Postgres, Proxy, Redis};
use rand::RngExt;
use sekisho::account::{AccountId, Act, Attempt, Purpose};
use sekisho::otp::NotAccepted;
use sekisho::store::{BoxStore, PostgresStore, RedisStore};
use sekisho::test_kit::TestClock;
use sekisho::{Error, Verifier};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Owners who log in at the same time.
const RACERS: usize = 8;
/// The old primary goes on for so long.
const SPLIT: Duration = Duration::from_millis(1_200);
/// Of the stores: short, so that a server tries several times while the primary is split.
const DEADLINE: Duration = Duration::from_millis(300);
/// A server tries again for so long.
const PATIENCE: Duration = Duration::from_secs(60);

fn number_from_env(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect(name))
}

/// A primary and its standby.
trait Pair: Send + 'static {
    fn start() -> Self;
    /// The primary's port.
    fn port(&self) -> u16;
    fn store(port: u16, deadline: Duration) -> impl Future<Output = BoxStore> + Send;
    fn create_table(store_port: u16) -> impl Future<Output = ()> + Send;
    /// Promotes the standby, which is the primary from now on. The old one goes on.
    fn promote(&mut self);
    /// Ends the old primary, and has a new standby follow.
    fn retire(&mut self);
}

struct Redises {
    primary: Redis,
    standby: Redis,
}

impl Pair for Redises {
    fn start() -> Self {
        let primary = Redis::start();
        Self { standby: Redis::replica_of(&primary), primary }
    }

    fn port(&self) -> u16 {
        self.primary.port
    }

    async fn store(port: u16, deadline: Duration) -> BoxStore {
        let builder = RedisStore::builder().replicas(1).deadline(deadline);
        BoxStore::new(builder.connect(&format!("redis://127.0.0.1:{port}")).await.unwrap())
    }

    async fn create_table(_: u16) {}

    fn promote(&mut self) {
        self.standby.promote();
        std::mem::swap(&mut self.primary, &mut self.standby);
    }

    fn retire(&mut self) {
        self.standby = Redis::replica_of(&self.primary);
    }
}

struct Postgreses {
    primary: Postgres,
    standby: Postgres,
}

impl Pair for Postgreses {
    fn start() -> Self {
        let primary = Postgres::start();
        Self { standby: Postgres::standby_of(&primary), primary }
    }

    fn port(&self) -> u16 {
        self.primary.port
    }

    async fn store(port: u16, deadline: Duration) -> BoxStore {
        let builder = PostgresStore::builder().connections(RACERS).deadline(deadline);
        BoxStore::new(builder.connect(&format!("postgres://postgres@127.0.0.1:{port}/postgres")).unwrap())
    }

    async fn create_table(port: u16) {
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        PostgresStore::builder().connect(&url).unwrap().create_table().await.unwrap();
    }

    fn promote(&mut self) {
        self.standby.promote();
        std::mem::swap(&mut self.primary, &mut self.standby);
    }

    fn retire(&mut self) {
        self.standby.kill();
        self.standby = Postgres::standby_of(&self.primary);
    }
}

/// An owner, and the two servers that know the account.
struct Racer {
    account: AccountId,
    phone: Phone,
    clock: TestClock,
    servers: [Verifier; 2],
}

impl Racer {
    /// Enrolled through a store that is waited for longer.
    async fn enroll(number: usize, set_up: BoxStore, stores: [BoxStore; 2]) -> Self {
        let clock = TestClock::at(at(T));
        let verifier = |store| Verifier::builder(store, keyring()).clock(clock.clone());
        let account = AccountId::new(format!("owner-{number}")).unwrap();
        let owner = verifier(set_up).without_notifications().build();
        owner.create_account(&account).await.unwrap();
        let phone = Phone::of(&owner.enroll_first(&account, new_authenticator()).await.unwrap());
        let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, 0));
        let _proof = owner.confirm(&account, attempt).await.unwrap();
        // The hold after the enrollment is over.
        clock.advance(2 * 86_400);
        let servers = stores.map(|store| verifier(store).without_notifications().build());
        Self { account, phone, clock, servers }
    }

    /// One code, on both servers. Gives the ids of all acceptances.
    async fn round(&self, number: usize, is_failing: bool) -> BTreeSet<Vec<u8>> {
        self.clock.advance(30);
        let now = sekisho::verifier::Clock::now(&self.clock).unwrap().as_secs();
        let code = self.phone.shows(now, 0);
        let mut keys: [[u8; 16]; 2] = rand::rng().random();
        if number.is_multiple_of(4) {
            keys[1] = keys[0]; // the client tries again on the other server
        }
        let is_act = number % 4 >= 2;
        let waits = [(); 2].map(|()| if is_failing { rand::rng().random_range(0..600) } else { 0 });
        let (mut first, second) = tokio::join!(
            self.submit(0, waits[0], keys[0], is_act, &code),
            self.submit(1, waits[1], keys[1], is_act, &code)
        );
        first.extend(second);
        first
    }

    /// Submits a code until there is an answer, and once more.
    async fn submit(&self, server: usize, wait: u64, key: [u8; 16], is_act: bool, code: &str) -> BTreeSet<Vec<u8>> {
        let server = &self.servers[server];
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let mut accepted = BTreeSet::new();
        let begun = Instant::now();
        let mut answers = 0;
        while answers < 2 {
            let answer = if is_act {
                let act = Act::new(Purpose::WITHDRAWAL, &[3; 32], key, code);
                server.authorize(&self.account, act).await.map(|authorization| authorization.id().to_vec())
            } else {
                let attempt = Attempt::new(Purpose::LOGIN, code).with_idempotency_key(key);
                server.verify(&self.account, attempt).await.map(|proof| proof.id().to_be_bytes().to_vec())
            };
            match answer {
                Ok(id) => {
                    accepted.insert(id);
                    answers += 1;
                }
                Err(NotAccepted::Rejected(_)) => answers += 1,
                Err(NotAccepted::Failed(error)) => {
                    assert!(begun.elapsed() < PATIENCE, "{}", describe(&error));
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        accepted
    }
}

fn describe(error: &Error) -> String {
    format!("{error}: {:?}", std::error::Error::source(error).map(ToString::to_string))
}

async fn fail_over_and_over<P: Pair>() {
    let (rounds, failovers) = (number_from_env("FAILOVER_ROUNDS", 240), number_from_env("FAILOVERS", 3));
    let mut pair = P::start();
    let names = [Proxy::to(pair.port()), Proxy::to(pair.port())];
    P::create_table(pair.port()).await;
    let set_up = || P::store(pair.port(), Duration::from_secs(20));
    let mut racers = Vec::new();
    for number in 0..RACERS {
        let stores = [P::store(names[0].port, DEADLINE).await, P::store(names[1].port, DEADLINE).await];
        racers.push(Racer::enroll(number, set_up().await, stores).await);
    }
    let [next, accepted, in_failover] = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
    let is_failing = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = racers
        .into_iter()
        .map(|racer| {
            let (next, accepted, in_failover) = (next.clone(), accepted.clone(), in_failover.clone());
            let is_failing = is_failing.clone();
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= rounds {
                        return;
                    }
                    let failing = is_failing.load(Ordering::SeqCst);
                    let ids = racer.round(number, failing).await;
                    assert!(ids.len() <= 1, "round {number}: accepted under {} ids: {ids:?}", ids.len());
                    accepted.fetch_add(ids.len(), Ordering::SeqCst);
                    in_failover.fetch_add(usize::from(failing), Ordering::SeqCst);
                }
            })
        })
        .collect();
    for failover in 1..=failovers {
        while next.load(Ordering::SeqCst) < failover * rounds / (failovers + 1) {
            assert!(!tasks.iter().all(tokio::task::JoinHandle::is_finished), "a round has failed: see above");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        is_failing.store(true, Ordering::SeqCst);
        pair.promote();
        names[1].lead_to(pair.port());
        names[1].cut();
        tokio::time::sleep(SPLIT).await;
        names[0].lead_to(pair.port());
        names[0].cut();
        pair.retire();
        is_failing.store(false, Ordering::SeqCst);
    }
    for task in tasks {
        task.await.unwrap();
    }
    let [accepted, in_failover] = [accepted, in_failover].map(|count| count.load(Ordering::SeqCst));
    println!(
        "{rounds} rounds, {failovers} failovers: {accepted} codes accepted, each under one id; {in_failover} rounds began in a failover"
    );
    assert!(accepted > rounds * 9 / 10, "{accepted} of {rounds} were accepted");
    assert!(in_failover >= failovers, "{in_failover}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_a_failover_of_redis_no_code_is_accepted_under_two_ids() {
    fail_over_and_over::<Redises>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_a_failover_of_postgresql_no_code_is_accepted_under_two_ids() {
    fail_over_and_over::<Postgreses>().await;
}
