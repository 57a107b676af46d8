//! One property a function; each holds for every input.

#![allow(unreachable_pub)]

use super::envelope::{open_record, seal_record};
use super::model::compare;
use super::model::{Authenticator, Hash, Rules, State as PlainState};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use sekisho::account::{
    Account, AccountError, AccountId, Address, Attempt, Change, CodeRequest, NewAuthenticator, Operator, OwnerFreeze,
    Policy, PortableAccount, ProposedAct, Purpose, Resync,
};
use sekisho::otp::{self, Code, CodePolicy, Migration, OtpauthUri, Secret, State, Totp, UnixTime};
use sekisho::seal::{KeyId, Keyring, SealingKey};
use sekisho::transfer::{Encoding, Reader, write_line};
use std::convert::Infallible;

const KEY: [u8; 32] = *b"a key for fuzzing, and no other!";

/// A text that parses stands for the same code as its digits alone.
pub fn code(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let Ok(code) = text.parse::<Code>() else { return };
    let digits = code.reveal().to_string();
    // Whatever else is passed over, these are its digits, in their order.
    let rows = ["0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "๐๑๒๓๔๕๖๗๘๙", "０１２３４５６７８９"];
    let value = |c| rows.iter().find_map(|row| row.chars().position(|digit| digit == c));
    let plain: String = text.chars().filter_map(value).map(|value| value.to_string()).collect();
    assert_eq!(digits, plain);
    assert!(
        !text
            .chars()
            .any(|c| c.is_alphabetic() && !matches!(c, 'ー' | 'ｰ' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'))
    );
}

/// A base32 text that is read is written again as its characters alone.
pub fn base32(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let Ok(secret) = Secret::from_legacy_base32(text) else { return };
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    assert_eq!(secret.to_base32().expose(), &plain);
    assert_eq!(secret.to_base32_groups().expose().replace(' ', ""), plain);
}

/// A URI that is read is written as one that reads the same.
pub fn uri(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let Ok(uri) = OtpauthUri::parse_with_legacy_secret(text) else { return };
    for written in [uri.to_text(), uri.to_text_with_defaults()] {
        assert!(written.expose().len() <= OtpauthUri::MAX_LEN);
        let again = OtpauthUri::parse_with_legacy_secret(written.expose()).unwrap();
        assert_eq!((again.issuer(), again.label_issuer()), (uri.issuer(), uri.label_issuer()));
        assert_eq!((again.account(), again.totp()), (uri.account(), uri.totp()));
        assert!(again.secret() == uri.secret());
    }
    assert!(sekisho::qr::Qr::new(&uri).is_ok());
}

/// A line that is imported is exported as one that imports to the same. Nothing of another system's
/// panics.
pub fn transfer(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let reader = Reader::new().accepting_legacy_secrets();
    for encoding in [Encoding::Base32, Encoding::Hex, Encoding::Base64] {
        let _ = reader.secret(text, encoding);
    }
    let _ = (reader.uri(text), reader.pskc(text));
    let Ok((account, portable)) = reader.line(text) else { return };
    let Some(line) = moved(&account, &portable) else { return };
    let (again, portable) = reader.line(&line).unwrap();
    assert_eq!(again, account);
    assert_eq!(moved(&again, &portable).unwrap(), line);
}

/// The line of an account that was imported and exported, if it can be.
fn moved(account: &AccountId, portable: &PortableAccount) -> Option<String> {
    let (policy, now, rng) = (Policy::default(), UnixTime::from_secs(1_800_000_000), &mut UnwrapErr(SysRng));
    let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(KEY).unwrap());
    let change = Account::import(account.clone(), portable, &policy, now, rng).ok()?;
    let write = keyring.seal(change, rng).unwrap().0.unwrap();
    let opened = keyring.open(account, write.new).unwrap();
    let operator = Operator::new("bob", "a reason").unwrap();
    let (_, exported) = keyring.seal(opened.export_with_secrets(&policy, now, &operator), rng).unwrap();
    let exported = exported.assume_committed(&mut Vec::new()).unwrap();
    Some(write_line(account, &exported).expose().clone())
}

/// An export gives entries whose URIs are read again, and says which of its batches there are.
pub fn migration(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let Ok(migration) = Migration::parse_with_legacy_secrets(text) else { return };
    assert!(migration.missing().count() < Migration::MAX_BATCHES);
    for uri in migration.entries().filter_map(|entry| entry.taken.as_ref().ok()) {
        let again = OtpauthUri::parse_with_legacy_secret(uri.to_text().expose()).unwrap();
        assert_eq!((again.issuer(), again.account(), again.totp()), (uri.issuer(), uri.account(), uri.totp()));
        assert!(again.secret() == uri.secret());
    }
    let count = migration.entries().count();
    let joined = migration.join(Migration::parse_with_legacy_secrets(text).unwrap()).unwrap();
    assert_eq!(joined.entries().count(), count);
}

/// Bytes that are read as an account's record are written as bytes that read and write the same; a
/// code can be verified on it at any time.
pub fn account(input: &[u8]) {
    let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(KEY).unwrap());
    let (alice, policy) = (AccountId::new("alice").unwrap(), Policy::default());
    let open = |plain: &[u8]| keyring.open(&alice, seal_record(&KEY, &alice, plain)).ok();
    let written = |change: sekisho::account::Change<()>| {
        let (write, _) = keyring.seal(change, &mut UnwrapErr(SysRng)).unwrap();
        open_record(&KEY, &alice, &write.unwrap().new)
    };
    let Some(account) = open(input) else { return };
    let plain = written(account.reseal());
    assert_eq!(written(open(&plain).unwrap().reseal()), plain);
    for now in [0, 1_800_000_000, u64::MAX].map(UnixTime::from_secs) {
        let (before, told) = (open(&plain).unwrap().view(&policy, now), open(&plain).unwrap().history());
        let Ok(change) = open(&plain).unwrap().verify(&policy, now, &Attempt::new(Purpose::LOGIN, "123456")) else {
            continue;
        };
        let (write, uncommitted) = keyring.seal(change, &mut UnwrapErr(SysRng)).unwrap();
        let answer = uncommitted.assume_committed(&mut Vec::new());
        let is_counted = answer.as_ref().map_or_else(sekisho::otp::Rejection::is_charged, |_| true);
        assert_eq!(write.is_some(), is_counted, "what changes nothing writes nothing");
        let Some(write) = write else { continue };
        let after = keyring.open(&alice, write.new).unwrap();
        let (after, told_since) = (after.view(&policy, now), after.history());
        assert_eq!(after.authenticators.len(), before.authenticators.len());
        assert!(told_since.last().unwrap().sequence >= told.last().and_then(|event| event.sequence));
    }
    for now in [1_800_000_000, u64::MAX].map(UnixTime::from_secs) {
        extensions(&|| open_again(&keyring, &alice, &plain), &keyring, &policy, now);
    }
}

fn open_again(keyring: &Keyring, alice: &AccountId, plain: &[u8]) -> Account {
    keyring.open(alice, seal_record(&KEY, alice, plain)).unwrap()
}

/// Does what is possible without a code that is right: whatever it writes is read again.
fn extensions(open: &dyn Fn() -> Account, keyring: &Keyring, policy: &Policy, now: UnixTime) {
    fn reads<T>(keyring: &Keyring, change: Result<Change<T>, AccountError>) {
        let Ok(change) = change else { return };
        let alice = AccountId::new("alice").unwrap();
        let (write, _) = keyring.seal(change, &mut UnwrapErr(SysRng)).unwrap();
        if let Some(write) = write {
            let _ = keyring.open(&alice, write.new).unwrap().view(&Policy::default(), UnixTime::from_secs(0));
        }
    }
    let (rng, operator) = (&mut UnwrapErr(SysRng), Operator::new("bob", "a reason").unwrap());
    let new = NewAuthenticator::new("Example", "alice").unwrap();
    let mail = CodeRequest::confirmation(Address::email("alice@example.com").unwrap());
    reads(keyring, open().enroll_first(policy, now, &new, rng));
    reads(keyring, open().confirm(policy, now, &Attempt::new(Purpose::BINDING, "123456")));
    reads(keyring, open().resync(policy, now, &Resync::new("123456", "654321")));
    reads(keyring, open().deliver(policy, now, &mail, rng));
    for view in open().view(policy, now).authenticators {
        reads(keyring, open().deliver(policy, now, &CodeRequest::new(view.id, Purpose::LOGIN), rng));
        reads(keyring, open().clear_drift(now, view.id, &operator));
    }
    reads(keyring, open().mail_pass(policy, now, None, rng));
    reads(keyring, open().unlock(policy, now, &operator, rng));
    reads(keyring, Ok(open().freeze(now, &operator, rng)));
    reads(keyring, open().thaw(policy, now, &operator));
    reads(keyring, open().reset(policy, now, &operator, rng));
    reads(keyring, open().propose(now, ProposedAct::Reset, &operator));
    reads(keyring, open().record_stronger_factor(policy, now, &operator));
    reads(keyring, open().end_stronger_factor(policy, now, &operator, rng));
    reads(keyring, open().verify(policy, now, &Attempt::assertion_verified_by_service(Purpose::LOGIN)));
    reads(keyring, open().remind(policy, now));
    reads(keyring, open().freeze_by_owner(now, &OwnerFreeze::by_notice(""), rng));
    reads(keyring, open().end_holds(now, &operator));
    reads(keyring, Ok(open().restored_at(policy, now, now)));
}

/// Bytes that are read as a state are what that state is written as, and it can be decided on at
/// any time.
pub fn state(input: &[u8]) {
    let Ok(state) = State::from_bytes(input) else { return };
    assert_eq!(state.to_bytes().as_slice(), input);
    let key = Totp::DEFAULT.key(&Secret::new(&[7; 20]).unwrap());
    for now in [0, 1_800_000_000, u64::MAX] {
        let state = State::from_bytes(input).unwrap();
        let watermark = state.watermark();
        let code = key.code_at(key.totp().step_at(UnixTime::from_secs(now)).unwrap());
        let decision = otp::decide(&key, &CodePolicy::DEFAULT, state, UnixTime::from_secs(now), &code).unwrap();
        // Accepted or refused: both are answers.
        let _ = decision.commit(|bytes| {
            assert!(State::from_bytes(bytes).unwrap().watermark() >= watermark);
            Ok::<(), Infallible>(())
        });
    }
}

/// A history of submissions gets the answers that the plain model gives.
pub fn decide(input: &[u8]) {
    let Some((&[hash, digits, period, len, t0, start], mut rest)) = input.split_first_chunk() else { return };
    let plain = Authenticator {
        hash: [Hash::Sha1, Hash::Sha256, Hash::Sha512][usize::from(hash % 3)],
        secret: (0..10 + usize::from(len) % 119).map(|i| (i as u8).wrapping_mul(period)).collect(),
        digits: 6 + usize::from(digits % 3),
        // Shorter ones cost the plain model hundreds of codes a submission.
        period: 15 + u64::from(period) % 106,
        t0: u64::from(t0) * 1_000,
    };
    let key = compare::key(&plain);
    let mut now = u64::from(start) << (start % 57);
    let (mut expected, mut stored) = (PlainState::default(), State::new().to_bytes());
    // Three bytes a submission: how the clock moves, by how much, and the code of which step is
    // typed.
    while let Some((&[unit, amount, offset], behind)) = rest.split_first_chunk() {
        rest = behind;
        let moved = i64::from(amount.cast_signed()) << (unit % 16);
        now = now.saturating_add_signed(moved);
        let step = plain.step(now).unwrap_or(0).saturating_add_signed(i64::from(offset.cast_signed()));
        let text = plain.code(step);
        let answer = compare::answer(&key, &CodePolicy::DEFAULT, &mut stored, now, &text);
        assert_eq!(answer, expected.submit(&plain, &Rules::DEFAULT, now, &text));
    }
}
