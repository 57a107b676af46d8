//! Accounts move in from real files of other systems, and out: JSON Lines, PSKC, django-otp.
#![cfg(all(feature = "test-kit", feature = "redb", feature = "transfer"))]

use crate::phone::{Phone, T, at, keyring, new_authenticator, operator};
use crate::service::{DAY, Service, accepted, alice, answer, kept_codes};
use proptest::prelude::*;
use rusqlite::{Connection, OptionalExtension};
use sekisho::account::{
    AccountError, AccountId, Address, Attempt, AuthenticatorId, AuthenticatorState, BlockedBy, Policy, PortableAccount,
    PortableAddress, PortableApp, PortableHold, PortableState, Purpose, SecondStep,
};
use sekisho::otp::{Algorithm, Digits, NotAccepted, Period, Rejection, Secret, SecretError, Step, Totp};
use sekisho::seal::RecordLoss;
use sekisho::store::{MemoryStore, RedbStore, Store, Swap};
use sekisho::test_kit::TestClock;
use sekisho::transfer::{Encoding, ReadError, Reader, write_line};
use sekisho::verifier::{Imported, MovingSource, OldAccount, SourceError};
use sekisho::{Error, Verifier};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Gives what a script of `tests/python` prints.
fn python(script: &str, arguments: &[&str]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
    let output = Command::new("python3").arg(path).args(arguments).output().expect("python3");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}; `bash tests/run.sh` installs what it needs");
    String::from_utf8(output.stdout).unwrap()
}

fn line(text: &str) -> Result<(AccountId, PortableAccount), ReadError> {
    Reader::new().line(&text.replace('\'', "\"").replace("SECRET", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"))
}

#[test]
fn a_line_is_read_field_by_field() {
    let text = "{'account':'user-4711','apps':[{'secret':'SECRET','algorithm':'HMAC-SHA-256','digits':8,'period':60,\
        'name':'Pixel','last_used_at':1800000030,'drift':-2,'bound_at':1700000000,'state':'suspended'},\
        {'uri':'otpauth://totp/Shop:alice?secret=MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43UOV3HO6DZPI&issuer=Shop'},\
        {'secret':'3132333435363738393031323334353637383931','encoding':'hex','last_used_step':59999999}],\
        'addresses':[{'channel':'sms','to':'+819012345678'},{'channel':'email','to':'alice@example.com'}],\
        'recovery_codes':['a1b2c3d4e5'],'hashed_recovery_codes':['$2b$12$abc'],'stronger_factor':true,\
        'state':'frozen','holds':[{'purpose':'withdrawal','from':1799990000,'until':1800090000}]}";
    let (account, portable) = line(text).unwrap();
    assert_eq!(account.as_bytes(), b"user-4711");
    let [first, second, third] = portable.apps() else { panic!("{portable:?}") };
    let totp = Totp {
        algorithm: Algorithm::Sha256,
        digits: Digits::Eight,
        period: Period::from_secs(60).unwrap(),
        ..Totp::DEFAULT
    };
    assert_eq!((first.totp(), first.secret().expose()), (totp, &b"12345678901234567890"[..]));
    assert_eq!((first.name().unwrap().as_str(), first.drift()), ("Pixel", -2));
    assert_eq!(first.last_used_step(), Some(Step::new(30_000_001)));
    assert_eq!((first.bound(), first.state()), (Some(at(1_700_000_000)), AuthenticatorState::Suspended));
    assert_eq!((second.name().unwrap().as_str(), second.totp()), ("alice", Totp::DEFAULT));
    assert_eq!(third.secret().expose(), b"12345678901234567891");
    assert_eq!(third.last_used_step(), Some(Step::new(59_999_999)));
    let [number] = portable.numbers() else { panic!("one number") };
    assert_eq!((number.state(), number.bound()), (AuthenticatorState::Active, None));
    assert_eq!(portable.emails().len(), 1);
    // A number that was suspended stays so; a mailbox has no state.
    let suspended_at = |channel: &str, to: &str| {
        format!(r#"{{"account":"a","addresses":[{{"channel":"{channel}","to":"{to}","state":"suspended"}}]}}"#)
    };
    let (_, suspended) = Reader::new().line(&suspended_at("sms", "+819012345678")).unwrap();
    assert_eq!(suspended.numbers()[0].state(), AuthenticatorState::Suspended);
    let mailbox = r#"{"account":"a","addresses":[{"channel":"email","to":"a@example.com","bound_at":1800000000}]}"#;
    assert_eq!(Reader::new().line(mailbox).unwrap().1.emails()[0].bound(), Some(at(1_800_000_000)));
    let refused = Reader::new().line(&suspended_at("email", "alice@example.com")).unwrap_err();
    assert!(matches!(refused, ReadError::Value("the state of an e-mail address")), "{refused:?}");
    assert!(portable.has_stronger_factor() && portable.state() == PortableState::Frozen);
    assert_eq!(portable.holds()[0].until, at(1_800_090_000));
    // Nothing of it is in `Debug`.
    assert!(!format!("{portable:?}").contains("a1b2c3d4e5"));
    let (_, none) = line("{'account':'bob'}").unwrap();
    assert!(none.apps().is_empty());
}

#[test]
fn a_line_that_is_not_taken_is_refused_with_its_reason_and_without_its_content() {
    for (text, expected) in [
        ("{'apps':[]}", ReadError::Missing("the account")),
        ("{'account':'a','account_hex':'61'}", ReadError::Twice("the account")),
        ("{'account':'a','apps':[{}]}", ReadError::Missing("the secret")),
        (
            "{'account':'a','apps':[{'secret':'SECRET','uri':'otpauth://totp/a?secret=SECRET'}]}",
            ReadError::Twice("the secret"),
        ),
        (
            "{'account':'a','apps':[{'uri':'otpauth://totp/a?secret=SECRET','digits':8}]}",
            ReadError::Twice("a parameter of the URI"),
        ),
        (
            "{'account':'a','apps':[{'uri':'otpauth://totp/a?secret=SECRET&encoder=steam'}]}",
            ReadError::Parameter("encoder"),
        ),
        ("{'account':'a','apps':[{'secret':'GEZDGNBVGY3TQOJQ'}]}", ReadError::Legacy),
        ("{'account':'a','apps':[{'secret':'zz','encoding':'hex'}]}", ReadError::Encoding("hexadecimal digits")),
        ("{'account':'a','apps':[{'secret':'GEZA'}]}", ReadError::Secret(SecretError::TooShort { len: 2 })),
        ("{'account':'a','apps':[{'secret':'SECRET','algorithm':'MD5'}]}", ReadError::Value("the algorithm")),
        ("{'account':'a','apps':[{'secret':'SECRET','digits':5}]}", ReadError::Value("the number of digits")),
        ("{'account':'a','apps':[{'secret':'SECRET','period':0}]}", ReadError::Value("the period")),
        (
            "{'account':'a','apps':[{'secret':'SECRET','last_used_step':1,'last_used_at':1}]}",
            ReadError::Twice("the last used step"),
        ),
    ] {
        assert_eq!(line(text).unwrap_err(), expected, "{text}");
    }
    for text in ["", "{", "{'account':7}", "{'account':'a','secret':'SECRET'}", "{'account':'a'} {'account':'b'}"] {
        let error = line(text).unwrap_err();
        assert!(matches!(error, ReadError::Json { .. }), "{text}: {error}");
        assert!(!error.to_string().contains("GEZD"));
    }
    assert!(matches!(line(&format!("{{'account':'{}'}}", "a".repeat(70_000))), Err(ReadError::Json { .. })));
}

#[test]
fn tokens_come_in_the_container_of_their_vendor() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.pskc");
    python("pskc_tokens.py", &[file.to_str().unwrap()]);
    let xml = std::fs::read_to_string(&file).unwrap();
    let keys = Reader::new().pskc(&xml).unwrap();
    let [first, second, third] = &keys[..] else { panic!("{keys:?}") };
    assert_eq!(
        (&*first.id, first.serial.as_deref(), first.user.as_deref()),
        ("key-1", Some("76541"), Some("UID=user-1"))
    );
    let app = first.app.as_ref().unwrap();
    assert_eq!((app.secret().expose(), app.totp()), (&[1; 20][..], Totp::DEFAULT));
    assert_eq!(app.name().unwrap().as_str(), "76541");
    let app = second.app.as_ref().unwrap();
    let totp = Totp {
        algorithm: Algorithm::Sha256,
        digits: Digits::Eight,
        period: Period::from_secs(60).unwrap(),
        ..Totp::DEFAULT
    };
    assert_eq!((app.secret().expose(), app.totp(), app.drift()), (&[2; 32][..], totp, -2));
    // One that is not taken is named, and stops no other.
    assert_eq!(third.app.as_ref().unwrap_err(), &ReadError::Value("the algorithm of the key"));
    let written = xml.lines().position(|line| line.contains("key-3")).unwrap() + 1;
    assert_eq!((&*third.id, third.line as usize), ("key-3", written));

    let refused = |change: (&str, &str)| {
        Reader::new().pskc(&xml.replace(change.0, change.1)).unwrap()[0].app.as_ref().err().cloned()
    };
    assert_eq!(refused(("Encoding=\"DECIMAL\"", "Encoding=\"HEXADECIMAL\"")), Some(ReadError::Parameter("Encoding")));
    assert_eq!(
        refused(("Length=\"6\"", "Length=\"6\" CheckDigits=\"true\"")),
        Some(ReadError::Parameter("CheckDigits"))
    );
    assert_eq!(refused(("PlainValue", "EncryptedValue")), Some(ReadError::Encrypted));
    for text in
        ["", "<a/>", &xml.replacen("<pskc:KeyContainer", "<!DOCTYPE a [<!ENTITY b \"c\">]><pskc:KeyContainer", 1)]
    {
        assert!(matches!(Reader::new().pskc(text), Err(ReadError::Pskc(_))), "{text}");
    }
}

/// An account as any system could have it.
fn portable() -> impl Strategy<Value = PortableAccount> {
    let totp = (0..3_usize, prop_oneof![Just(6_u8), Just(7), Just(8)], prop_oneof![Just(30_u64), Just(60)]);
    let app = (
        proptest::collection::vec(any::<u8>(), 16..40),
        totp,
        proptest::option::of("[a-z]{1,12}"),
        0..=20_i32,
        any::<bool>(),
        0..3_usize,
    );
    let apps = proptest::collection::vec(app, 0..3).prop_map(|apps| {
        let mut account = PortableAccount::new();
        for (number, (mut secret, (algorithm, digits, period), name, drift, is_used, state)) in (0..).zip(apps) {
            secret.push(number);
            let totp = Totp {
                algorithm: [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512][algorithm],
                digits: Digits::from_count(digits).unwrap(),
                period: Period::from_secs(period).unwrap(),
                ..Totp::DEFAULT
            };
            let mut app = PortableApp::new(&Secret::new(&secret).unwrap(), totp).unwrap().with_drift(drift - 10);
            if let Some(name) = name {
                app = app.named(name.parse().unwrap());
            }
            if is_used {
                app = app.last_used(Step::new(T / period - 3)).bound_at(at(T - 1_000_000));
            }
            let states = [AuthenticatorState::Active, AuthenticatorState::Suspended, AuthenticatorState::Disabled];
            account = account.with_app(app.with_state(states[state]));
        }
        account
    });
    let number = prop::option::of((0..3_usize, any::<bool>()));
    let rest = (number, any::<bool>(), any::<bool>(), any::<bool>(), 0..4_usize, 0..5_usize);
    (apps, rest).prop_map(|(mut account, (number, has_mail, is_strong, is_held, state, hashes))| {
        let has_number = number.is_some();
        if let Some((state, is_named)) = number {
            let states = [AuthenticatorState::Active, AuthenticatorState::Suspended, AuthenticatorState::Disabled];
            let mut number = PortableAddress::from(Address::sms("+819012345678").unwrap()).with_state(states[state]);
            if is_named {
                number = number.named("work".parse().unwrap()).bound_at(at(T - 2_000_000));
            }
            account = account.with_address(number);
        }
        if has_mail {
            account = account.with_address(Address::email("alice@example.com").unwrap());
        }
        if is_strong {
            account = account.with_stronger_factor();
        }
        if is_held {
            account = account.with_hold(PortableHold {
                purpose: Purpose::WITHDRAWAL,
                from: at(T - 100),
                until: at(T + 5_000),
            });
        }
        let states = [PortableState::Open, PortableState::Frozen, PortableState::Reset, PortableState::FrozenAndReset];
        let state = states[state];
        let has_factor = !account.apps().is_empty() || has_number || is_strong;
        if matches!(state, PortableState::Reset | PortableState::FrozenAndReset) {
            // A reset has taken all else.
            return PortableAccount::new().with_state(state);
        }
        let hashes = if has_factor { hashes } else { 0 };
        let hashes: Vec<_> = (0..hashes).map(|number| format!("$2b$12${number}")).collect();
        account.with_hashed_recovery_codes(hashes.iter().map(String::as_str)).unwrap().with_state(state)
    })
}

fn verifier() -> Verifier<MemoryStore> {
    Verifier::builder(MemoryStore::new(), keyring()).clock(TestClock::at(at(T))).without_notifications().build()
}

async fn exported<S: Store>(verifier: &Verifier<S>) -> String {
    let portable = verifier.support(operator("desk", "moves")).export_with_secrets(&alice()).await.unwrap();
    write_line(&alice(), &portable).expose().clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_was_exported_imports_again_to_an_equal_record(portable in portable()) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let (here, there) = (verifier(), verifier());
            here.import(&alice(), &portable).await.unwrap();
            let line = exported(&here).await;
            let (account, again) = Reader::new().line(&line).unwrap();
            assert_eq!(account, alice());
            let states = |of: &PortableAccount| {
                let apps = of.apps().iter().map(PortableApp::state);
                apps.chain(of.numbers().iter().map(PortableAddress::state)).collect::<Vec<_>>()
            };
            assert_eq!((states(&again), again.state()), (states(&portable), portable.state()));
            there.import(&alice(), &again).await.unwrap();
            assert_eq!(exported(&there).await, line);
            // What pages show of it is the same, but what was counted.
            let views = [here.view(&alice()).await.unwrap(), there.view(&alice()).await.unwrap()];
            let [here, there] = views.map(|view| (view.second_step, view.authenticators, view.holds, view.emails, view.recovery_codes_left));
            assert_eq!(here, there);
        });
    }
}

/// Moves alice by a line to another verifier.
async fn moved<S: Store>(from: &Verifier<S>) -> Verifier<MemoryStore> {
    let (_, portable) = Reader::new().line(&exported(from).await).unwrap();
    let there = verifier();
    there.import(&alice(), &portable).await.unwrap();
    there
}

#[tokio::test]
async fn an_account_that_was_reset_and_frozen_is_so_there_and_a_thaw_opens_nothing() {
    for freezes_first in [false, true] {
        let here = Service::with(Policy::default());
        let _ = here.enrolled().await;
        let desk = here.verifier.support(operator("desk", "lost all"));
        if freezes_first {
            // A reset ends the freeze, and the owner freezes once more.
            desk.freeze(&alice()).await.unwrap();
        }
        drop(desk.reset(&alice()).await.unwrap());
        desk.freeze(&alice()).await.unwrap();
        let there = moved(&here.verifier).await;
        assert_eq!(there.view(&alice()).await.unwrap().second_step, SecondStep::Blocked(BlockedBy::Frozen));
        there.support(operator("desk", "back")).thaw(&alice()).await.unwrap();
        assert_eq!(there.view(&alice()).await.unwrap().second_step, SecondStep::Blocked(BlockedBy::Reset));
        let free = there.enroll_first(&alice(), new_authenticator()).await;
        assert!(matches!(free, Err(Error::Account(AccountError::PassNeeded))), "{free:?}");
    }
}

#[tokio::test]
async fn an_account_whose_only_factor_does_not_move_is_reset_there() {
    let here = Service::with(Policy::default());
    here.verifier.create_account(&alice()).await.unwrap();
    let desk = || here.verifier.support(operator("desk", "a passkey"));
    desk().record_stronger_factor(&alice()).await.unwrap();
    let assertion = Attempt::assertion_verified_by_service(Purpose::BINDING);
    let proof = accepted(here.submit(T + 1, assertion).await);
    let _ = kept_codes(&here.verifier, proof).await.unwrap();
    here.clock.set(at(T + DAY - 1));
    let there = moved(&here.verifier).await;
    let view = there.view(&alice()).await.unwrap();
    assert_eq!((view.second_step, view.recovery_codes_left), (SecondStep::Blocked(BlockedBy::Reset), 0));
    // Once its hold is over, it moves.
    here.clock.set(at(T + DAY));
    let there = moved(&here.verifier).await;
    let view = there.view(&alice()).await.unwrap();
    assert_eq!((view.second_step, view.recovery_codes_left), (SecondStep::Blocked(BlockedBy::StrongerFactor), 10));
}

#[tokio::test]
async fn what_an_authenticator_has_used_that_was_removed_before_the_move_is_used_there_too() {
    let here = Service::with(Policy::default());
    let (phone, _) = here.enrolled().await;
    here.clock.set(at(T));
    let proof = here.prove(T, &phone.shows(T, 0)).await;
    let _ = here.verifier.remove_last(proof, AuthenticatorId::new(1)).await.unwrap();
    let there = moved(&here.verifier).await;
    let _ = there.enroll_first(&alice(), phone.again()).await.unwrap();
    for offset in [0, 1] {
        let again = Attempt::new(Purpose::BINDING, &phone.shows(T, offset));
        assert!(answer(there.confirm(&alice(), again).await).is_err(), "{offset}");
    }
}

#[tokio::test]
async fn our_own_sheet_moves_with_the_account_and_is_good_there_once() {
    let (here, there) = (Service::with(Policy::default()), verifier());
    let (_, codes) = here.enrolled().await;
    let line = exported(&here.verifier).await;
    assert!(here.told().last().is_some_and(|event| event.kind.as_str() == "exported" && event.notifies_owner()));
    let (_, portable) = Reader::new().line(&line).unwrap();
    there.import(&alice(), &portable).await.unwrap();
    assert_eq!(there.view(&alice()).await.unwrap().recovery_codes_left, 10);
    let attempt = || Attempt::recovery(Purpose::LOGIN, codes.iter().nth(3).unwrap());
    drop(accepted(answer(there.verify(&alice(), attempt()).await)));
    assert_eq!(answer(there.verify(&alice(), attempt()).await).unwrap_err(), Rejection::UnknownRecoveryCode);
}

/// The tables of django-otp, and which users have moved.
#[derive(Clone)]
struct Django(PathBuf);

impl Django {
    fn open(&self) -> Connection {
        let database = Connection::open(&self.0).unwrap();
        database.execute_batch("CREATE TABLE IF NOT EXISTS moved (username TEXT PRIMARY KEY)").unwrap();
        database
    }

    fn read(&self, username: &str) -> rusqlite::Result<OldAccount> {
        let database = self.open();
        let moved = database.query_row("SELECT 1 FROM moved WHERE username = ?1", [username], |_| Ok(())).optional()?;
        if moved.is_some() {
            return Ok(OldAccount::Moved);
        }
        let user = database
            .query_row("SELECT id FROM auth_user WHERE username = ?1", [username], |row| row.get::<_, i64>(0))
            .optional()?;
        let Some(user) = user else { return Ok(OldAccount::Unknown) };
        // The recipe of docs/moving.md.
        let mut devices = database.prepare(
            "SELECT key, step, t0, digits, drift, last_t, name FROM otp_totp_totpdevice WHERE user_id = ?1 AND confirmed",
        )?;
        let mut rows = devices.query([user])?;
        let mut account = PortableAccount::new();
        let mut is_there = false;
        while let Some(row) = rows.next()? {
            is_there = true;
            let secret = Reader::new().secret(&row.get::<_, String>(0)?, Encoding::Hex).unwrap();
            let totp = Totp {
                period: Period::from_secs(row.get::<_, u32>(1)?.into()).unwrap(),
                t0: at(row.get::<_, u32>(2)?.into()),
                digits: Digits::from_count(row.get(3)?).unwrap(),
                ..Totp::DEFAULT
            };
            let app = PortableApp::new(&secret, totp).unwrap().with_drift(row.get(4)?);
            let app = app.named(row.get::<_, String>(6)?.parse().unwrap());
            let last: i64 = row.get(5)?;
            account = account.with_app(if last < 0 { app } else { app.last_used(Step::new(last.unsigned_abs())) });
        }
        let mut tokens = database.prepare(
            "SELECT token FROM otp_static_statictoken JOIN otp_static_staticdevice device ON device.id = device_id \
             WHERE user_id = ?1",
        )?;
        let tokens: Vec<String> = tokens.query_map([user], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let account = account.with_recovery_codes(tokens.iter().map(String::as_str)).unwrap();
        Ok(if is_there { OldAccount::SecondFactor(account) } else { OldAccount::KnownWithoutOne })
    }
}

impl MovingSource for Django {
    async fn second_factor(&self, account: &AccountId) -> Result<OldAccount, SourceError> {
        Ok(self.read(std::str::from_utf8(account.as_bytes())?)?)
    }

    async fn moved(&self, account: &AccountId) -> Result<(), SourceError> {
        let username = std::str::from_utf8(account.as_bytes())?;
        self.open().execute("INSERT OR IGNORE INTO moved VALUES (?1)", [username])?;
        Ok(())
    }
}

#[tokio::test]
async fn users_of_django_otp_move_at_their_first_log_in_and_none_of_them_notices() {
    let folder = tempfile::tempdir().unwrap();
    let django = Django(folder.path().join("django.sqlite"));
    let users = python("django_users.py", &[django.0.to_str().unwrap(), &T.to_string()]);
    let store = RedbStore::open(folder.path().join("accounts.redb")).unwrap();
    let clock = TestClock::at(at(T));
    let verifier = Verifier::builder(store.clone(), keyring())
        .clock(clock.clone())
        .moving_from(django.clone())
        .without_notifications()
        .build();
    let log_in =
        async |account: &AccountId, code: &str| verifier.verify(account, Attempt::new(Purpose::LOGIN, code)).await;
    let mut count = 0;
    for line in users.lines() {
        let [name, key, last] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let account = AccountId::new(name).unwrap();
        let digits = if last.len() == 8 { Digits::Eight } else { Digits::Six };
        let phone = Phone::with(&Reader::new().secret(key, Encoding::Hex).unwrap(), Totp { digits, ..Totp::DEFAULT });
        let refused = answer(log_in(&account, last).await).unwrap_err();
        assert!(matches!(refused, Rejection::Replayed { .. } | Rejection::Expired(_)), "{name}: {refused:?}");
        // The app's next code, also where its clock is a step behind.
        let number: i64 = name.rsplit('-').next().unwrap().parse().unwrap();
        let behind = i64::from(number % 3 == 0);
        let proof = accepted(answer(log_in(&account, &phone.shows(T, -behind)).await));
        assert_eq!(proof.authenticator().unwrap().number(), 1);
        let view = verifier.view(&account).await.unwrap();
        assert!(view.holds.is_empty() && view.authenticators[0].name.as_str() == "default");
        assert_eq!(view.recovery_codes_left, if number % 4 == 1 { 3 } else { 0 });
        if number == 5 {
            let attempt = Attempt::recovery(Purpose::LOGIN, "backup051");
            drop(accepted(answer(verifier.verify(&account, attempt).await)));
        }
        count += 1;
    }
    assert_eq!(count, 20);
    let plain = verifier.view(&AccountId::new("plain").unwrap()).await.unwrap();
    let waiting = verifier.view(&AccountId::new("waiting").unwrap()).await.unwrap();
    assert_eq!((plain.second_step, waiting.second_step), (SecondStep::NotSetUp, SecondStep::NotSetUp));

    // Then records go: evicted, erased, deleted from the table. None of them comes back.
    clock.set(at(T + DAY));
    let desk = verifier.support(operator("desk", "a test"));
    let [evicted, erased, deleted] = ["user-1", "user-2", "user-3"].map(|name| AccountId::new(name).unwrap());
    for account in [&evicted, &deleted] {
        let revision = store.load(account).await.unwrap().unwrap().revision;
        assert_eq!(store.delete(account, revision).await.unwrap(), Swap::Done);
    }
    assert!(desk.erase(&erased).await.unwrap());
    for account in [&evicted, &erased, &deleted] {
        assert!(log_in(account, "123456").await.unwrap_err().is_no_such_account());
        assert!(verifier.enroll_first(account, new_authenticator()).await.unwrap_err().is_no_such_account());
        assert!(verifier.create_account(account).await.is_err());
    }
    drop(desk.rebuild(&evicted, RecordLoss::Missing).await.unwrap());
    assert_eq!(verifier.view(&evicted).await.unwrap().authenticators, []);
    let unknown = log_in(&AccountId::new("nobody").unwrap(), "123456").await;
    assert!(matches!(unknown, Err(NotAccepted::Failed(Error::NoSuchAccount))));
}

#[tokio::test]
async fn the_same_users_move_in_bulk_and_again_and_nobody_is_there_twice() {
    let folder = tempfile::tempdir().unwrap();
    let django = Django(folder.path().join("django.sqlite"));
    let users = python("django_users.py", &[django.0.to_str().unwrap(), &T.to_string()]);
    let verifier = verifier();
    for expected in [Imported::Done, Imported::LivesHere] {
        for line in users.lines() {
            let name = line.split(' ').next().unwrap();
            let OldAccount::SecondFactor(account) = django.read(name).unwrap() else { panic!("{name}") };
            assert_eq!(verifier.import(&AccountId::new(name).unwrap(), &account).await.unwrap(), expected);
        }
    }
    // A set of ours takes the place of django's tokens.
    let account = AccountId::new("user-5").unwrap();
    let OldAccount::SecondFactor(old) = django.read("user-5").unwrap() else { panic!() };
    let phone = Phone::with(old.apps()[0].secret(), old.apps()[0].totp());
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, 0));
    let proof = accepted(answer(verifier.verify(&account, attempt).await));
    drop(kept_codes(&verifier, proof).await.unwrap());
    let attempt = Attempt::recovery(Purpose::LOGIN, "backup050");
    assert_eq!(answer(verifier.verify(&account, attempt).await).unwrap_err(), Rejection::Malformed);
}
