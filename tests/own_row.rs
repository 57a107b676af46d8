//! A service that keeps records in a table of its own: floor 2 and a keyring, in SQLite, no
//! verifier and no store.
//!
//! What it has to do by itself is what a verifier does: load, decide, seal, swap on the revision,
//! and tell the verdict only once the swap is committed.
#![cfg(feature = "alloc")]

use crate::phone::{self, Phone, T, at, keyring, new_authenticator, rng};
use rusqlite::{Connection, TransactionBehavior, params};
use sekisho::account::{Account, AccountError, AccountId, Attempt, Change, Policy, Proof, Purpose};
use sekisho::otp::{Rejection, UnixTime};
use sekisho::seal::{Revision, Stored};
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

/// The service's table: its own columns beside ours.
struct Customers(Connection);

#[derive(Debug)]
enum Outcome<T> {
    Committed(T),
    Lost,
}

impl Customers {
    fn open(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        connection.busy_timeout(Duration::from_secs(20)).unwrap();
        let table = "CREATE TABLE IF NOT EXISTS customers (
            name TEXT PRIMARY KEY, balance INTEGER NOT NULL, revision BLOB, second_factor BLOB)";
        connection.execute(table, []).unwrap();
        Self(connection)
    }

    fn load(&self, customer: &AccountId) -> Account {
        let name = str::from_utf8(customer.as_bytes()).unwrap();
        let query = "SELECT revision, second_factor FROM customers WHERE name = ?1";
        let row = self.0.query_row(query, [name], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get(1)?)));
        // No row is an error, and never an account without a second factor.
        let (revision, envelope) = row.unwrap();
        keyring().open(customer, Stored { revision: Revision::from_bytes(revision), envelope }).unwrap()
    }

    /// In a transaction of its own: nothing that the service rolls back takes a counted failure
    /// along.
    fn commit<T>(&mut self, customer: &AccountId, change: Change<T>) -> Outcome<Result<T, Rejection>> {
        let name = str::from_utf8(customer.as_bytes()).unwrap();
        let (write, uncommitted) = keyring().seal(change, &mut rng()).unwrap();
        if let Some(write) = write {
            let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
            let expected = write.expected.map(|revision| *revision.as_bytes());
            let swap = "UPDATE customers SET revision = ?1, second_factor = ?2 WHERE name = ?3 AND revision IS ?4";
            let new = params![write.new.revision.as_bytes(), write.new.envelope, name, expected];
            if transaction.execute(swap, new).unwrap() == 0 {
                return Outcome::Lost;
            }
            transaction.commit().unwrap();
        }
        Outcome::Committed(uncommitted.assume_committed(&mut Vec::new()))
    }

    fn change<T>(
        &mut self,
        customer: &AccountId,
        transition: impl Fn(Account) -> Result<Change<T>, AccountError>,
    ) -> Result<Result<T, Rejection>, AccountError> {
        loop {
            let change = transition(self.load(customer))?;
            if let Outcome::Committed(outcome) = self.commit(customer, change) {
                return Ok(outcome);
            }
        }
    }

    fn verify(&mut self, customer: &AccountId, now: UnixTime, code: &str) -> Result<Proof, Rejection> {
        let (policy, attempt) = (Policy::default(), Attempt::new(Purpose::LOGIN, code));
        self.change(customer, |account| account.verify(&policy, now, &attempt)).unwrap()
    }
}

fn enrolled(customers: &mut Customers, name: &str) -> (AccountId, Phone) {
    let customer = AccountId::new(name).unwrap();
    let new = phone::created(&customer, T - 120);
    let row = params![name, new.revision.as_bytes(), new.envelope];
    customers.0.execute("INSERT INTO customers VALUES (?1, 100, ?2, ?3)", row).unwrap();
    let policy = Policy::default();
    let begin = |account: Account| account.enroll_first(&policy, at(T - 120), &new_authenticator(), &mut rng());
    let phone = Phone::of(&customers.change(&customer, begin).unwrap().unwrap());
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T - 120, 0));
    let confirmed = customers.change(&customer, |account| account.confirm(&policy, at(T - 120), &attempt)).unwrap();
    assert!(confirmed.is_ok());
    (customer, phone)
}

#[test]
fn a_service_with_a_table_of_its_own_enrolls_and_logs_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut customers = Customers::open(&folder.path().join("service.sqlite"));
    let (alice, phone) = enrolled(&mut customers, "alice");
    assert!(customers.verify(&alice, at(T), &phone.shows(T, 0)).is_ok());
    let again = customers.verify(&alice, at(T), &phone.shows(T, 0));
    assert!(matches!(again, Err(Rejection::Replayed { .. })));
    let balance: i64 = customers.0.query_row("SELECT balance FROM customers", [], |row| row.get(0)).unwrap();
    assert_eq!(balance, 100, "its other columns are its own");
}

#[test]
fn of_connections_that_race_with_one_code_one_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.sqlite");
    let (alice, phone) = enrolled(&mut Customers::open(&path), "alice");
    let (racers, rounds) = (8, 50);
    let barrier = Barrier::new(racers);
    let race = || {
        let mut customers = Customers::open(&path);
        let mut accepted = Vec::new();
        for round in 0..rounds {
            let now = T + round * 30;
            let code = phone.shows(now, 0);
            barrier.wait();
            if customers.verify(&alice, at(now), &code).is_ok() {
                accepted.push(round);
            }
        }
        accepted
    };
    let mut accepted: Vec<_> = thread::scope(|scope| {
        let racers: Vec<_> = (0..racers).map(|_| scope.spawn(race)).collect();
        racers.into_iter().flat_map(|racer| racer.join().unwrap()).collect()
    });
    accepted.sort_unstable();
    // Digits that come again within ten minutes are refused, once in a thousand runs of this test.
    let codes: Vec<_> = (0..rounds).map(|round| phone.shows(T + round * 30, 0)).collect();
    let fresh = (0..rounds).filter(|round| {
        let round = *round as usize;
        !codes[round.saturating_sub(19)..round].contains(&codes[round])
    });
    assert_eq!(accepted, fresh.collect::<Vec<_>>(), "each code by one connection");
}

#[test]
fn of_connections_that_guess_at_once_five_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.sqlite");
    let (alice, phone) = enrolled(&mut Customers::open(&path), "alice");
    let guess = |number| {
        let (path, alice, code) = (&path, &alice, phone.never_shows(T, number));
        move || Customers::open(path).verify(alice, at(T), &code)
    };
    let verdicts: Vec<_> = thread::scope(|scope| {
        let guesses: Vec<_> = (0..24).map(|number| scope.spawn(guess(number))).collect();
        guesses.into_iter().map(|guess| guess.join().unwrap()).collect()
    });
    let wrong = verdicts.iter().filter(|verdict| matches!(verdict, Err(Rejection::Mismatch(_)))).count();
    let locked = verdicts.iter().filter(|verdict| matches!(verdict, Err(Rejection::Locked { .. }))).count();
    assert_eq!((wrong, locked), (5, 19));
}

#[test]
fn a_swap_that_is_lost_tells_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut customers = Customers::open(&folder.path().join("service.sqlite"));
    let (alice, phone) = enrolled(&mut customers, "alice");
    let (policy, attempt) = (Policy::default(), Attempt::new(Purpose::LOGIN, &phone.shows(T, 0)));
    let [first, second] = [(); 2].map(|()| customers.load(&alice).verify(&policy, at(T), &attempt).unwrap());
    assert!(matches!(customers.commit(&alice, first), Outcome::Committed(Ok(_))));
    assert!(matches!(customers.commit(&alice, second), Outcome::Lost));
}
