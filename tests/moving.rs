//! Accounts move in from another system: in bulk, or each at its first contact.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{Phone, T, app, at, held, keyring, new_authenticator, operator};
use crate::service::{DAY, Service, Told, accepted, alice, answer, kept_codes, mail, rejected};
use sekisho::account::{
    AccountError, AccountId, Address, Attempt, AuthenticatorState, BlockedBy, CodeRequest, EventKind, HashChecker,
    ImportError, Method, Policy, PortableAccount, PortableAddress, PortableApp, PortableHold, PortableState, Purpose,
    Resync, SecondStep,
};
use sekisho::otp::{Algorithm, Digits, NotAccepted, Rejection, Secret, SecretError, Step, Totp};
use sekisho::seal::{RecordLoss, SealError};
use sekisho::store::{MemoryStore, RedbStore, Store, Swap};
use sekisho::test_kit::{FailingStore, Fault, TestClock};
use sekisho::verifier::{Imported, MovingSource, OldAccount, SourceError};
use sekisho::{Error, Verifier};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

fn secret(byte: u8) -> Secret {
    Secret::new(&[byte; 20]).unwrap()
}

fn imported_app(byte: u8) -> PortableApp {
    PortableApp::new(&secret(byte), Totp::DEFAULT).unwrap()
}

fn phone(byte: u8) -> Phone {
    Phone::with(&secret(byte), Totp::DEFAULT)
}

fn service() -> Service {
    Service::with(Policy::default())
}

#[track_caller]
fn import_fails<T: std::fmt::Debug>(answered: Result<T, Error>, expected: &ImportError) {
    match answered {
        Err(Error::Import(error)) => assert_eq!(error, *expected),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_account_is_imported_confirmed_in_one_write_without_hold_or_notice() {
    let service = service();
    let totp = Totp { algorithm: Algorithm::Sha256, digits: Digits::Eight, ..Totp::DEFAULT };
    let token = Secret::new(&[9; 32]).unwrap();
    let account = PortableAccount::new()
        .with_app(imported_app(1).named("Pixel".parse().unwrap()).bound_at(at(T - 400 * DAY)))
        .with_app(PortableApp::new(&token, totp).unwrap().with_state(AuthenticatorState::Disabled))
        .with_address(Address::sms("+819012345678").unwrap())
        .with_address(mail());
    assert_eq!(service.verifier.import(&alice(), &account).await.unwrap(), Imported::Done);
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!(view.second_step, SecondStep::Required);
    assert!(held(&view).is_empty() && view.passes == 0 && view.recovery_codes_left == 0);
    let names: Vec<_> = view.authenticators.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["Pixel", "authenticator 2", "+81*******678"]);
    assert_eq!(view.authenticators[0].bound_at, at(T - 400 * DAY));
    assert_eq!(app(&view.authenticators[1]).0, totp);
    assert_eq!(view.authenticators[1].state, AuthenticatorState::Disabled);
    assert_eq!(view.emails.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a***@example.com"]);
    let told = service.told();
    assert_eq!(told.iter().map(|event| &event.kind).collect::<Vec<_>>(), [&EventKind::Imported { authenticators: 3 }]);
    assert!(!told[0].notifies_owner());
    // Nothing is known of what was used: whatever is open counts as used, and the owner waits once.
    let phone = phone(1);
    for offset in [-1, 0, 1] {
        assert!(matches!(service.log_in_refused(T, &phone.shows(T, offset)).await, Rejection::Replayed { .. }));
    }
    drop(service.log_in(T + 60, &phone.shows(T + 60, 0)).await);
    // Nobody enrolls freely, and the addresses are the owner's own at once.
    let free = service.verifier.enroll_first(&alice(), new_authenticator()).await;
    assert!(matches!(free, Err(Error::Account(AccountError::AlreadyEnrolled))));
    let created = service.verifier.create_account(&alice()).await;
    assert!(matches!(created, Err(Error::Account(AccountError::NotNew))));
    let code = service.message(T + 90, CodeRequest::new(view.authenticators[2].id, Purpose::LOGIN)).await;
    drop(service.log_in(T + 91, &code).await);
}

#[tokio::test]
async fn what_the_old_system_knows_of_used_steps_and_clocks_is_kept() {
    let service = service();
    let phone = phone(1);
    let ten_behind = phone.step(T).number() - 10;
    // The owner logged in there with the step before, by a clock that is ten steps behind.
    let app = imported_app(1).last_used(Step::new(ten_behind - 1)).with_drift(-10);
    service.verifier.import(&alice(), &PortableAccount::new().with_app(app)).await.unwrap();
    assert!(matches!(service.log_in_refused(T, &phone.shows(T, -11)).await, Rejection::Replayed { .. }));
    drop(service.log_in(T, &phone.shows(T, -10)).await);
    assert!(matches!(service.log_in_refused(T, &phone.shows(T, -10)).await, Rejection::Replayed { .. }));
    drop(service.log_in(T + 30, &phone.shows(T + 30, 0)).await);
}

#[tokio::test]
async fn an_account_that_cannot_be_imported_is_refused_with_its_reason_and_nothing_is_written() {
    let service = service();
    let import = async |account: PortableAccount| service.verifier.import(&alice(), &account).await;
    let app = || PortableAccount::new().with_app(imported_app(1));
    import_fails(import(app().with_app(imported_app(1))).await, &ImportError::SameSecret);
    let many = (1..5).fold(PortableAccount::new(), |account, byte| account.with_app(imported_app(byte)));
    import_fails(import(many).await, &ImportError::TooMany("authenticators"));
    let ahead = imported_app(1).last_used(Step::new(phone(1).step(T).number() + 22));
    import_fails(import(PortableAccount::new().with_app(ahead)).await, &ImportError::UsedAhead);
    let drift = imported_app(1).with_drift(21);
    import_fails(import(PortableAccount::new().with_app(drift)).await, &ImportError::Drift);
    let mails = ["a@example.com", "b@example.com", "c@example.com"].map(|mail| Address::email(mail).unwrap());
    let many = mails.iter().fold(app(), |account, mail| account.with_address(mail.clone()));
    import_fails(import(many).await, &ImportError::TooMany("e-mail addresses"));
    let twice = app().with_address(mails[0].clone()).with_address(mails[0].clone());
    import_fails(import(twice).await, &ImportError::SameSecret);
    let codes = ["12345678"; 17];
    import_fails(import(app().with_recovery_codes(codes).unwrap()).await, &ImportError::TooMany("recovery codes"));
    assert_eq!(app().with_recovery_codes(["1234567"]).unwrap_err(), ImportError::RecoveryCode);
    assert_eq!(app().with_hashed_recovery_codes([""]).unwrap_err(), ImportError::RecoveryCode);
    let short = Secret::new_legacy(&[1; 10]).unwrap();
    let refused = PortableApp::new(&short, Totp::DEFAULT).unwrap_err();
    assert_eq!(refused, ImportError::Secret(SecretError::TooShort { len: 10 }));
    assert!(matches!(service.verifier.view(&alice()).await, Err(Error::NoSuchAccount)));
    // The loud call takes it.
    let legacy = PortableApp::with_legacy_secret(&short, Totp::DEFAULT);
    assert_eq!(import(PortableAccount::new().with_app(legacy)).await.unwrap(), Imported::Done);
}

#[tokio::test]
async fn importing_again_changes_nothing_and_an_account_that_lives_here_is_never_touched() {
    let service = service();
    let account = PortableAccount::new().with_app(imported_app(1));
    assert_eq!(service.verifier.import(&alice(), &account).await.unwrap(), Imported::Done);
    let code = phone(1).shows(T + 60, 0);
    drop(service.log_in(T + 60, &code).await);
    let before = service.verifier.history(&alice()).await.unwrap();
    service.clock.set(at(T + DAY));
    assert_eq!(service.verifier.import(&alice(), &account).await.unwrap(), Imported::LivesHere);
    let other = PortableAccount::new().with_app(imported_app(2));
    assert_eq!(service.verifier.import(&alice(), &other).await.unwrap(), Imported::LivesHere);
    assert_eq!(service.verifier.history(&alice()).await.unwrap(), before);
    service.clock.set(at(T + 61));
    assert!(matches!(service.log_in_refused(T + 61, &code).await, Rejection::Replayed { .. }));
    // Also where it was signed up and has nothing yet.
    let bob = AccountId::new("bob").unwrap();
    service.verifier.create_account(&bob).await.unwrap();
    assert_eq!(service.verifier.import(&bob, &account).await.unwrap(), Imported::LivesHere);
    assert!(service.verifier.view(&bob).await.unwrap().authenticators.is_empty());
}

#[tokio::test]
async fn recovery_codes_of_the_old_system_are_good_once_counted_and_replaced_by_ours() {
    let service = service();
    let account =
        PortableAccount::new().with_app(imported_app(1)).with_recovery_codes(["a1b2c-d3e4f", "0f9e8-d7c6b"]).unwrap();
    service.verifier.import(&alice(), &account).await.unwrap();
    let recover = async |secs: u64, text: &str| service.submit(secs, Attempt::recovery(Purpose::LOGIN, text)).await;
    assert_eq!(service.verifier.view(&alice()).await.unwrap().recovery_codes_left, 2);
    assert!(matches!(rejected(recover(T, "a1b2c-d3e4e").await), Rejection::Mismatch(_)));
    // One that is written as ours are is compared too.
    assert!(matches!(rejected(recover(T, "0123-4567-89AB-CDEF-GHJK-MNPQ").await), Rejection::Mismatch(_)));
    let proof = accepted(recover(T + 1, " A1B2C D3E4F ").await);
    assert_eq!(proof.method(), Method::RecoveryCode { left: 1 });
    let view = service.verifier.view(&alice()).await.unwrap();
    assert!(view.recovery_codes_due && held(&view) == [(Purpose::WITHDRAWAL, at(T + 1 + DAY))]);
    assert!(matches!(rejected(recover(T + 2, "a1b2c-d3e4f").await), Rejection::Mismatch(_)), "used");
    // They may be short, so guesses are counted at the common door, and locked with it.
    for which in 0..4 {
        let _ = rejected(recover(T + 3, &format!("guess-no-{which}")).await);
    }
    assert!(matches!(rejected(recover(T + 3, "0f9e8-d7c6b").await), Rejection::Locked { .. }));
    let view = service.verifier.view(&alice()).await.unwrap();
    assert!(matches!(view.refusal_for_recovery_codes, Some(Rejection::Locked { .. })), "and a page says so");
    // A set of ours takes their place.
    let later = T + DAY;
    let proof = service.prove(later, &phone(1).shows(later, 0)).await;
    let ours = kept_codes(&service.verifier, proof).await.unwrap();
    assert_eq!(service.verifier.view(&alice()).await.unwrap().recovery_codes_left, 10);
    assert_eq!(rejected(recover(later + 1, "0f9e8-d7c6b").await), Rejection::Malformed);
    drop(accepted(recover(later + 2, ours.iter().next().unwrap()).await));
}

#[tokio::test]
async fn a_code_of_the_old_system_and_one_that_is_made_up_widen_no_resynchronization() {
    for own in [PortableAccount::new(), PortableAccount::new().with_recovery_codes(["a1b2c-d3e4f"]).unwrap()] {
        let service = service();
        service.verifier.import(&alice(), &own.with_app(imported_app(1))).await.unwrap();
        let (phone, later) = (phone(1), T + DAY);
        for sheet in ["0000-0000-0000-0000-0000-0000", "0123-4567-89AB-CDEF-GHJK-MNPQ"] {
            let two = Resync::new(&phone.shows(later, -241), &phone.shows(later, -240)).with_recovery_code(sheet);
            service.clock.set(at(later));
            let answered = service.verifier.resync(&alice(), two).await;
            let refused = matches!(answered, Err(NotAccepted::Failed(Error::Account(AccountError::NoRecoveryCodes))));
            assert!(refused, "{answered:?}");
        }
        // A set of ours does, by a code that is on it.
        let proof = service.prove(later + 30, &phone.shows(later + 30, 0)).await;
        let ours = kept_codes(&service.verifier, proof).await.unwrap();
        let then = later + 30 + DAY;
        let two =
            |sheet: &str| Resync::new(&phone.shows(then, -241), &phone.shows(then, -240)).with_recovery_code(sheet);
        let made_up = service.resync(then, two("0000-0000-0000-0000-0000-0000")).await;
        assert!(matches!(rejected(made_up), Rejection::Mismatch(_)));
        let _ = accepted(service.resync(then, two(ours.iter().next().unwrap())).await);
    }
}

#[tokio::test]
async fn a_recovery_code_that_is_there_twice_is_refused_since_it_would_be_good_twice() {
    let service = service();
    let app = || PortableAccount::new().with_app(imported_app(1));
    let spelled = app().with_recovery_codes(["ABCD-EFG0", "abcdefgo"]).unwrap();
    let hashed = app().with_hashed_recovery_codes(["$2b$12$a", "$2b$12$b", "$2b$12$a"]).unwrap();
    let both = app().with_recovery_codes(["abcdefgh"]).unwrap().with_hashed_recovery_codes(["$2b$12$a"]).unwrap();
    for repeated in [spelled, hashed, both] {
        import_fails(service.verifier.import(&alice(), &repeated).await, &ImportError::RepeatedRecoveryCode);
    }
}

#[tokio::test]
async fn a_mailbox_that_was_bound_lately_in_the_old_system_confirms_nothing_until_its_hold_is_over() {
    for (bound_at, confirms) in [(None, true), (Some(T - DAY), true), (Some(T - DAY + 60), false), (Some(T + 9), false)]
    {
        let service = service();
        let mailbox = PortableAddress::from(mail());
        let mailbox = bound_at.map_or(mailbox.clone(), |secs| mailbox.bound_at(at(secs)));
        let account = PortableAccount::new().with_app(imported_app(1)).with_address(mailbox);
        service.verifier.import(&alice(), &account).await.unwrap();
        let desk = service.verifier.support(operator("desk", "moves"));
        assert_eq!(desk.export_with_secrets(&alice()).await.unwrap().emails().len(), usize::from(confirms));
        drop(desk.reset(&alice()).await.unwrap());
        assert_eq!(service.verifier.view(&alice()).await.unwrap().emails.len(), usize::from(confirms), "{bound_at:?}");
    }
    // One that is suspended there is none.
    let suspended = PortableAddress::from(mail()).with_state(AuthenticatorState::Suspended);
    assert!(PortableAccount::new().with_address(suspended).emails().is_empty());
}

#[tokio::test]
async fn a_code_of_the_old_system_that_is_written_as_ours_are_reaches_its_checker_as_it_was_typed() {
    use sha2::Digest;
    let code = "a1b2c3d4e5f60718293a4bol";
    let hash = format!("x${}", hex::encode(sha2::Sha256::digest(format!("x{code}"))));
    let account = PortableAccount::new().with_app(imported_app(1)).with_hashed_recovery_codes([&*hash]).unwrap();
    let clock = TestClock::at(at(T));
    let verifier = Verifier::builder(MemoryStore::new(), keyring())
        .clock(clock)
        .hash_checker(SaltedHex(AtomicUsize::new(0)))
        .without_notifications()
        .build();
    verifier.import(&alice(), &account).await.unwrap();
    let proof = accepted(answer(verifier.verify(&alice(), Attempt::recovery(Purpose::LOGIN, code)).await));
    assert_eq!(proof.method(), Method::RecoveryCode { left: 0 });
}

/// As an old system might have hashed: SHA-256 of salt and code, in hex.
struct SaltedHex(AtomicUsize);

impl HashChecker for SaltedHex {
    fn matches(&self, hash: &str, typed: &str) -> bool {
        use sha2::Digest;
        self.0.fetch_add(1, Ordering::Relaxed);
        let Some((salt, digest)) = hash.split_once('$') else { return false };
        hex::encode(sha2::Sha256::digest(format!("{salt}{typed}"))) == digest
    }
}

#[tokio::test]
async fn hashes_of_the_old_system_are_compared_by_its_checker_behind_the_throttle() {
    use sha2::Digest;
    let hash =
        |salt: &str, code: &str| format!("{salt}${}", hex::encode(sha2::Sha256::digest(format!("{salt}{code}"))));
    let hashes = [hash("x", "11112222"), hash("y", "33334444")];
    let account = PortableAccount::new()
        .with_app(imported_app(1))
        .with_hashed_recovery_codes(hashes.iter().map(String::as_str))
        .unwrap();
    let (store, clock) = (MemoryStore::new(), TestClock::at(at(T)));
    let verifier = Verifier::builder(store.clone(), keyring())
        .clock(clock.clone())
        .hash_checker(SaltedHex(AtomicUsize::new(0)))
        .without_notifications()
        .build();
    verifier.import(&alice(), &account).await.unwrap();
    let without = Verifier::builder(store, keyring()).clock(clock).without_notifications().build();
    let attempt = |text: &str| Attempt::recovery(Purpose::LOGIN, text);
    assert!(matches!(answer(without.verify(&alice(), attempt("11112222")).await), Err(Rejection::Mismatch(_))));
    let proof = accepted(answer(verifier.verify(&alice(), attempt("33334444")).await));
    assert_eq!(proof.method(), Method::RecoveryCode { left: 1 });
    assert!(matches!(answer(verifier.verify(&alice(), attempt("33334444")).await), Err(Rejection::Mismatch(_))));
    drop(accepted(answer(verifier.verify(&alice(), attempt("11112222")).await)));
}

/// Hashes as devise-two-factor (bcrypt) and others (argon2) keep them.
struct Crypt;

impl HashChecker for Crypt {
    fn matches(&self, hash: &str, typed: &str) -> bool {
        use argon2::password_hash::{PasswordHash, PasswordVerifier};
        if hash.starts_with("$argon2") {
            let parsed = PasswordHash::new(hash);
            return parsed.is_ok_and(|hash| argon2::Argon2::default().verify_password(typed.as_bytes(), &hash).is_ok());
        }
        bcrypt::verify(typed, hash).unwrap_or(false)
    }
}

#[tokio::test]
async fn hashes_of_bcrypt_and_argon2_are_compared_by_their_own_crates() {
    use argon2::password_hash::{PasswordHasher, SaltString};
    let salt = SaltString::encode_b64(b"sixteen bytes...").unwrap();
    let argon2 = argon2::Argon2::default().hash_password(b"argon2-code", &salt).unwrap().to_string();
    let bcrypt = bcrypt::hash("bcrypt-code", 4).unwrap();
    let account = PortableAccount::new()
        .with_app(imported_app(1))
        .with_hashed_recovery_codes([argon2.as_str(), &bcrypt, "$2b$12$broken"])
        .unwrap();
    let verifier = Verifier::builder(MemoryStore::new(), keyring())
        .clock(TestClock::at(at(T)))
        .hash_checker(Crypt)
        .without_notifications()
        .build();
    verifier.import(&alice(), &account).await.unwrap();
    for (code, is_good) in
        [("argon2-code", true), ("argon2-code", false), ("bcrypt-code", true), ("bcrypt-codf", false)]
    {
        let answered = answer(verifier.verify(&alice(), Attempt::recovery(Purpose::LOGIN, code)).await);
        assert_eq!(answered.is_ok(), is_good, "{code}: {answered:?}");
    }
}

/// An old system: whoever is known there, who has moved, and whether it is down.
#[derive(Clone, Default)]
struct Old(Arc<Mutex<OldState>>);

#[derive(Default)]
struct OldState {
    moved: Vec<AccountId>,
    is_down: bool,
    forgets_moved: bool,
    asked: usize,
}

impl Old {
    fn with<T>(&self, change: impl FnOnce(&mut OldState) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    fn has_moved(&self, account: &AccountId) -> bool {
        self.with(|old| old.moved.contains(account))
    }
}

impl MovingSource for Old {
    async fn second_factor(&self, account: &AccountId) -> Result<OldAccount, SourceError> {
        tokio::task::yield_now().await;
        self.with(|old| {
            old.asked += 1;
            if old.is_down {
                return Err("the old database is down".into());
            }
            Ok(match account.as_bytes() {
                _ if old.moved.contains(account) => OldAccount::Moved,
                b"alice" => {
                    let used = Step::new(phone(1).step(T).number() - 1);
                    OldAccount::SecondFactor(PortableAccount::new().with_app(imported_app(1).last_used(used)))
                }
                b"bob" => OldAccount::KnownWithoutOne,
                _ => OldAccount::Unknown,
            })
        })
    }

    async fn moved(&self, account: &AccountId) -> Result<(), SourceError> {
        self.with(|old| {
            if old.is_down || old.forgets_moved {
                return Err("the old database is down".into());
            }
            if !old.moved.contains(account) {
                old.moved.push(account.clone());
            }
            Ok(())
        })
    }
}

fn moving<S: Store>(store: S, old: &Old, clock: &TestClock, told: &Told) -> Verifier<S> {
    Verifier::builder(store, keyring()).clock(clock.clone()).moving_from(old.clone()).event_sink(told.clone()).build()
}

struct Move {
    old: Old,
    clock: TestClock,
    told: Told,
    store: RedbStore,
    verifier: Verifier<RedbStore>,
    _folder: tempfile::TempDir,
}

fn start() -> Move {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path().join("accounts.redb")).unwrap();
    let (old, clock, told) = (Old::default(), TestClock::at(at(T)), Told::default());
    let verifier = moving(store.clone(), &old, &clock, &told);
    Move { old, clock, told, store, verifier, _folder: folder }
}

impl Move {
    async fn log_in(&self, code: &str) -> Result<sekisho::account::Proof, NotAccepted<Error>> {
        self.verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, code)).await
    }

    async fn lose(&self, account: &AccountId) {
        let revision = self.store.load(account).await.unwrap().unwrap().revision;
        assert_eq!(self.store.delete(account, revision).await.unwrap(), Swap::Done);
    }
}

#[tokio::test]
async fn an_owner_logs_in_and_has_moved_by_that_and_the_old_systems_last_code_is_refused() {
    let moving = start();
    // A page asks first: it sees the second factor, and nothing is written.
    let view = moving.verifier.view(&alice()).await.unwrap();
    assert_eq!((view.second_step, view.authenticators.len()), (SecondStep::Required, 1));
    assert!(moving.store.load(&alice()).await.unwrap().is_none() && !moving.old.has_moved(&alice()));
    let last = answer(moving.log_in(&phone(1).shows(T, -1)).await);
    assert!(matches!(last, Err(Rejection::Replayed { .. })));
    let proof = accepted(answer(moving.log_in(&phone(1).shows(T, 0)).await));
    assert!(moving.old.has_moved(&alice()));
    let view = moving.verifier.view(&alice()).await.unwrap();
    assert!(held(&view).is_empty() && view.epoch == proof.epoch(), "no hold");
    let told: Vec<_> = moving.told.all().iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(told, ["imported", "rejected", "accepted"]);
    assert!(matches!(answer(moving.log_in(&phone(1).shows(T, 0)).await), Err(Rejection::Replayed { .. })));
    let asked = moving.old.with(|old| old.asked);
    moving.clock.set(at(T + 30));
    drop(accepted(answer(moving.log_in(&phone(1).shows(T + 30, 0)).await)));
    assert_eq!(moving.old.with(|old| old.asked), asked, "the old system is not asked any more");
}

#[tokio::test]
async fn a_wrong_first_code_is_counted_here_and_the_account_has_moved() {
    let moving = start();
    assert!(matches!(answer(moving.log_in(&phone(1).never_shows(T, 1)).await), Err(Rejection::Mismatch(_))));
    assert!(moving.old.has_moved(&alice()));
    assert_eq!(moving.verifier.view(&alice()).await.unwrap().failures_in_a_row, 1);
}

#[tokio::test]
async fn two_servers_at_once_import_once_and_accept_once() {
    for _ in 0..50 {
        let (store, old) = (MemoryStore::new(), Old::default());
        let (clock, told) = (TestClock::at(at(T)), Told::default());
        let servers = [(); 2].map(|()| moving(store.clone(), &old, &clock, &told));
        let code = phone(1).shows(T, 0);
        let attempt = || Attempt::new(Purpose::LOGIN, &code);
        let account = alice();
        let (one, other) = tokio::join!(servers[0].verify(&account, attempt()), servers[1].verify(&account, attempt()));
        let accepted = usize::from(one.is_ok()) + usize::from(other.is_ok());
        assert_eq!(accepted, 1, "{one:?} {other:?}");
        let imported = told.all().iter().filter(|event| event.kind.as_str() == "imported").count();
        assert_eq!((imported, servers[0].view(&account).await.unwrap().authenticators.len()), (1, 1));
    }
}

#[tokio::test]
async fn once_it_has_moved_a_lost_record_is_an_error_and_nothing_comes_back() {
    let moving = start();
    drop(accepted(answer(moving.log_in(&phone(1).shows(T, 0)).await)));
    moving.lose(&alice()).await;
    moving.clock.set(at(T + 60));
    let code = phone(1).shows(T + 60, 0);
    assert!(moving.log_in(&code).await.unwrap_err().is_no_such_account());
    assert!(moving.verifier.view(&alice()).await.unwrap_err().is_no_such_account());
    let free = moving.verifier.enroll_first(&alice(), new_authenticator()).await;
    assert!(free.unwrap_err().is_no_such_account());
    let created = moving.verifier.create_account(&alice()).await;
    assert!(matches!(created, Err(Error::Account(AccountError::NotNew))));
    // Only an operator makes it again, and as a reset.
    let desk = moving.verifier.support(operator("desk", "evicted"));
    drop(desk.rebuild(&alice(), RecordLoss::Missing).await.unwrap());
    let view = moving.verifier.view(&alice()).await.unwrap();
    assert_eq!((view.second_step, view.authenticators.len()), (SecondStep::Blocked(BlockedBy::Reset), 0));
    // Erased, by its owner's wish: it is gone for good.
    assert!(desk.erase(&alice()).await.unwrap());
    assert!(moving.log_in(&code).await.unwrap_err().is_no_such_account());
}

#[tokio::test]
async fn an_account_that_was_erased_before_its_first_contact_never_moves_in() {
    let moving = start();
    let desk = moving.verifier.support(operator("desk", "has left"));
    assert!(!desk.erase(&alice()).await.unwrap(), "there was nothing here");
    assert!(moving.old.has_moved(&alice()));
    assert!(moving.log_in(&phone(1).shows(T, 0)).await.unwrap_err().is_no_such_account());
}

#[tokio::test]
async fn a_source_that_is_down_lets_nobody_in_and_is_told_of_a_move_when_it_is_up() {
    let moving = start();
    moving.old.with(|old| old.is_down = true);
    let down = moving.log_in(&phone(1).shows(T, 0)).await.unwrap_err();
    assert!(matches!(&down, NotAccepted::Failed(Error::Source(_))) && down.is_transient());
    let created = moving.verifier.create_account(&AccountId::new("carol").unwrap()).await;
    assert!(matches!(created, Err(Error::Source(_))), "she may be known there");
    assert!(moving.store.load(&alice()).await.unwrap().is_none());
    moving.old.with(|old| (old.is_down, old.forgets_moved) = (false, true));
    drop(accepted(answer(moving.log_in(&phone(1).shows(T, 0)).await)));
    assert!(!moving.old.has_moved(&alice()), "it was not taken");
    // Erasing would have it come back, so it is refused until the source knows.
    let desk = moving.verifier.support(operator("desk", "has left"));
    assert!(matches!(desk.erase(&alice()).await, Err(Error::Source(_))));
    assert!(matches!(moving.verifier.deliver_events(&alice()).await, Err(Error::Source(_))));
    moving.old.with(|old| old.forgets_moved = false);
    moving.clock.set(at(T + 30));
    drop(accepted(answer(moving.log_in(&phone(1).shows(T + 30, 0)).await)));
    assert!(moving.old.has_moved(&alice()), "with its next change");
    moving.old.with(|old| old.moved.clear());
    moving.clock.set(at(T + 60));
    drop(accepted(answer(moving.log_in(&phone(1).shows(T + 60, 0)).await)));
    assert!(!moving.old.has_moved(&alice()), "it was told once, and has acknowledged it");
}

#[tokio::test]
async fn somebody_who_is_known_without_a_second_factor_moves_in_when_enrolling() {
    let moving = start();
    let bob = AccountId::new("bob").unwrap();
    let first = moving.verifier.view(&bob).await.unwrap();
    assert_eq!(first.second_step, SecondStep::NotSetUp);
    let again = moving.verifier.view(&bob).await.unwrap();
    assert_eq!(first.epoch, again.epoch, "a session that is founded on it goes on");
    let created = moving.verifier.create_account(&bob).await;
    assert!(matches!(created, Err(Error::Account(AccountError::NotNew))), "he signs up for the second time");
    let phone = Phone::of(&moving.verifier.enroll_first(&bob, new_authenticator()).await.unwrap());
    assert!(moving.old.has_moved(&bob));
    drop(accepted(answer(moving.verifier.confirm(&bob, phone.confirming(T)).await)));
    // Somebody unknown signs up as always.
    let carol = AccountId::new("carol").unwrap();
    assert!(moving.verifier.view(&carol).await.unwrap_err().is_no_such_account());
    moving.verifier.create_account(&carol).await.unwrap();
    assert!(moving.old.has_moved(&carol), "so that a lost record of hers is an error too");
    moving.lose(&carol).await;
    assert!(moving.verifier.view(&carol).await.unwrap_err().is_no_such_account());
}

/// An old system that knows no last steps, and knows every user: also those who have signed up
/// here.
#[derive(Clone, Default)]
struct Careless(Arc<Mutex<Vec<AccountId>>>);

impl MovingSource for Careless {
    async fn second_factor(&self, account: &AccountId) -> Result<OldAccount, SourceError> {
        if self.0.lock().unwrap().contains(account) {
            return Ok(OldAccount::Moved);
        }
        Ok(match account.as_bytes() {
            b"alice" => OldAccount::SecondFactor(PortableAccount::new().with_app(imported_app(1))),
            b"empty" => OldAccount::SecondFactor(PortableAccount::new()),
            _ => OldAccount::KnownWithoutOne,
        })
    }

    async fn moved(&self, account: &AccountId) -> Result<(), SourceError> {
        self.0.lock().unwrap().push(account.clone());
        Ok(())
    }
}

fn careless() -> (Verifier<MemoryStore>, MemoryStore, Careless, TestClock) {
    let (store, clock) = (MemoryStore::new(), TestClock::at(at(T)));
    let old = Careless::default();
    let verifier = Verifier::builder(store.clone(), keyring())
        .clock(clock.clone())
        .moving_from(old.clone())
        .without_notifications()
        .build();
    (verifier, store, old, clock)
}

#[tokio::test]
async fn where_the_last_step_is_unknown_the_owner_waits_once_and_not_for_ever() {
    let (verifier, _, old, clock) = careless();
    let log_in = async |secs: u64| {
        clock.set(at(secs));
        answer(verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, &phone(1).shows(secs, 0))).await)
    };
    assert!(matches!(log_in(T).await, Err(Rejection::Replayed { .. })));
    assert_eq!(*old.0.lock().unwrap(), [alice()], "the refusal has made the record");
    assert!(matches!(log_in(T + 30).await, Err(Rejection::Replayed { .. })));
    drop(accepted(log_in(T + 60).await));
}

#[tokio::test]
async fn an_account_that_has_not_moved_yet_is_neither_told_of_nor_rebuilt() {
    let (verifier, store, old, _) = careless();
    assert_eq!(verifier.deliver_events(&alice()).await.unwrap(), 0);
    assert!(old.0.lock().unwrap().is_empty() && store.accounts().is_empty());
    let rebuilt = verifier.support(operator("desk", "a list")).rebuild(&alice(), RecordLoss::Missing).await;
    assert!(matches!(rebuilt, Err(Error::Seal(SealError::NotLost))), "{rebuilt:?}");
    assert_eq!(verifier.view(&alice()).await.unwrap().second_step, SecondStep::Required);
}

#[tokio::test]
async fn a_source_that_says_too_little_makes_nobody_one_without_a_second_factor() {
    let (verifier, ..) = careless();
    import_fails(verifier.view(&AccountId::new("empty").unwrap()).await, &ImportError::NoFactor);
    let codes = PortableAccount::new().with_recovery_codes(["12345678"]).unwrap();
    import_fails(verifier.import(&AccountId::new("codes").unwrap(), &codes).await, &ImportError::NoFactor);
    // A freeze ends, and is no factor either.
    let frozen = codes.with_state(PortableState::Frozen);
    import_fails(verifier.import(&AccountId::new("frozen").unwrap(), &frozen).await, &ImportError::NoFactor);
    let reset = PortableAccount::new().with_app(imported_app(1)).with_state(PortableState::Reset);
    import_fails(verifier.import(&AccountId::new("reset").unwrap(), &reset).await, &ImportError::ResetWithFactors);
}

#[tokio::test]
async fn what_was_here_and_is_gone_comes_back_by_no_import() {
    let (verifier, _, _, _) = careless();
    let account = PortableAccount::new().with_app(imported_app(1));
    assert_eq!(verifier.import(&alice(), &account).await.unwrap(), Imported::Done);
    assert_eq!(verifier.import(&alice(), &account).await.unwrap(), Imported::LivesHere);
    assert!(verifier.support(operator("desk", "has left")).erase(&alice()).await.unwrap());
    assert!(verifier.import(&alice(), &account).await.unwrap_err().is_no_such_account());
    // Without a source nothing stands in the way of erasing what has come from one.
    let (verifier, store, _, _) = careless();
    verifier.import(&alice(), &account).await.unwrap();
    let plain = Verifier::builder(store, keyring()).clock(TestClock::at(at(T))).without_notifications().build();
    assert!(plain.support(operator("desk", "has left")).erase(&alice()).await.unwrap());
}

#[tokio::test]
async fn a_hold_of_a_clock_gone_wrong_ends_as_long_after_its_beginning_as_it_was_to_last() {
    let service = service();
    let hold = PortableHold { purpose: Purpose::LOGIN, from: at(T * 1_000), until: at(T * 1_000 + 3_600) };
    let account = PortableAccount::new().with_app(imported_app(1)).with_hold(hold);
    service.verifier.import(&alice(), &account).await.unwrap();
    assert_eq!(held(&service.verifier.view(&alice()).await.unwrap()), [(Purpose::LOGIN, at(T + 3_600))]);
}

#[tokio::test]
async fn a_first_contact_whose_write_has_an_unknown_outcome_accepts_nothing_twice() {
    let (store, old) = (FailingStore::new(MemoryStore::new()), Old::default());
    let (clock, told) = (TestClock::at(at(T)), Told::default());
    let verifier = moving(store.clone(), &old, &clock, &told);
    let code = phone(1).shows(T, 0);
    let log_in = async || verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, &code)).await;
    // Nothing was stored, but nobody knows.
    store.fail_after(1, Fault::NotDone);
    assert!(matches!(log_in().await, Err(NotAccepted::Failed(Error::OutcomeUnknown(_)))));
    // It was stored, and the answer got lost.
    store.fail_after(1, Fault::DoneButUnknown);
    assert!(matches!(log_in().await, Err(NotAccepted::Failed(Error::OutcomeUnknown(_)))));
    assert!(matches!(answer(log_in().await), Err(Rejection::Replayed { .. })));
    assert_eq!(verifier.view(&alice()).await.unwrap().authenticators[0].uses, 1);
    // The source is told with the next change.
    assert!(!old.has_moved(&alice()));
    clock.set(at(T + 30));
    drop(accepted(answer(verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, &phone(1).shows(T + 30, 0))).await)));
    assert!(old.has_moved(&alice()));
}
