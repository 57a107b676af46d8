//! Records as they are stored: they are read as they were made, additions of newer releases are
//! kept, corrupt ones are refused.
#![cfg(feature = "alloc")]

use crate::phone::{self, Phone, T, app, at, keyring};
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sekisho::account::{
    AccountId, AccountLimits, Address, Attempt, AuthenticatorId, AuthenticatorKind, Change, Channel, CodeRequest,
    EventKind, Method, NewAddress, NewAuthenticator, Operator, Policy, ProposedAct, Purpose, Resync, Source, Text,
};
use sekisho::otp::{Algorithm, Digits, OtpauthUri, Period, Rejection, Secret, StoredError, Totp};
use sekisho::seal::{KeyId, Keyring, Revision, SealError, Stored};

fn alice() -> AccountId {
    AccountId::new("alice").unwrap()
}

fn secret(seed: u8) -> Secret {
    Secret::new(&[seed; 20]).unwrap()
}

fn imported(seed: u8, totp: Totp) -> NewAuthenticator {
    NewAuthenticator::imported(&OtpauthUri::new("Example", "alice", secret(seed), totp).unwrap()).unwrap()
}

const TOKEN: Totp = Totp { algorithm: Algorithm::Sha256, digits: Digits::Eight, ..Totp::DEFAULT };

fn commit<T>(stored: &mut Option<Stored>, change: Change<T>, rng: &mut StdRng) -> T {
    answer(stored, change, rng).unwrap()
}

fn answer<T>(stored: &mut Option<Stored>, change: Change<T>, rng: &mut StdRng) -> Result<T, Rejection> {
    let (write, uncommitted) = keyring().seal(change, rng).unwrap();
    *stored = write.map(|write| write.new).or(stored.take());
    uncommitted.assume_committed(&mut Vec::new())
}

/// An account with everything in it that this release writes, the same each time.
fn full_account() -> Stored {
    let mut rng = StdRng::seed_from_u64(1);
    let (policy, mut stored) = (Policy::default(), Some(phone::created(&alice(), T)));
    let open = |stored: &Option<Stored>| keyring().open(&alice(), stored.clone().unwrap()).unwrap();
    let phone = Phone::with(&secret(1), Totp::DEFAULT);
    let totp = Totp { period: Period::from_secs(60).unwrap(), ..TOKEN };
    let token = Phone::with(&secret(2), totp);
    let tablet = Phone::with(&secret(3), Totp { algorithm: Algorithm::Sha512, digits: Digits::Seven, ..Totp::DEFAULT });

    let new = imported(1, Totp::DEFAULT).named("phone".parse().unwrap());
    let change = open(&stored).enroll_first(&policy, at(T), &new, &mut rng).unwrap();
    let _ = commit(&mut stored, change, &mut rng);
    let bind = |stored: &mut Option<Stored>, secs: u64, phone: &Phone, rng: &mut StdRng| {
        let attempt = Attempt::new(Purpose::BINDING, &phone.shows(secs, 0));
        let change = open(stored).confirm(&policy, at(secs), &attempt).unwrap();
        let _ = commit(stored, change, rng);
    };
    bind(&mut stored, T + 30, &phone, &mut rng);
    let begin = |stored: &mut Option<Stored>, secs: u64, by: &Phone, new: &NewAuthenticator, rng: &mut StdRng| {
        let attempt = Attempt::new(Purpose::BINDING, &by.shows(secs, 0));
        let change = open(stored).verify(&policy, at(secs), &attempt).unwrap();
        let proof = commit(stored, change, rng);
        let change = open(stored).enroll(&policy, at(secs), &proof, new, rng).unwrap();
        let _ = commit(stored, change, rng);
    };
    begin(&mut stored, T + 60, &phone, &imported(2, totp), &mut rng);
    bind(&mut stored, T + 120, &token, &mut rng);
    begin(&mut stored, T + 150, &phone, &imported(3, tablet.key.totp()), &mut rng);
    bind(&mut stored, T + 180, &tablet, &mut rng);
    // Removed again: what it used stays known.
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T + 210, 0));
    let change = open(&stored).verify(&policy, at(T + 210), &attempt).unwrap();
    let proof = commit(&mut stored, change, &mut rng);
    let change =
        open(&stored).rename(at(T + 210), &proof, AuthenticatorId::new(2), "トークン".parse().unwrap()).unwrap();
    commit(&mut stored, change, &mut rng);
    let change = open(&stored).remove(&policy, at(T + 210), &proof, AuthenticatorId::new(3)).unwrap();
    commit(&mut stored, change, &mut rng);
    let operator = Operator::new("bob", "ticket 4711").unwrap();
    let change = open(&stored).unlock(&policy, at(T + 212), &operator, &mut rng).unwrap();
    let pass = commit(&mut stored, change, &mut rng);
    // One waits, with drift learned by the phone meanwhile.
    begin(&mut stored, T + 240, &phone, &imported(3, tablet.key.totp()), &mut rng);
    for (secs, name) in [(T + 270, 1), (T + 300, 2)] {
        let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(secs, 1)).with_idempotency_key([name; 16]);
        let change = open(&stored).verify(&policy, at(secs), &attempt).unwrap();
        let _ = commit(&mut stored, change, &mut rng);
    }
    // Failures at every door, five at the common one.
    let wrong = phone.never_shows(T, 1);
    let with_pass = Attempt::new(Purpose::LOGIN, &wrong).with_device(pass.to_text().expose());
    let change = open(&stored).verify(&policy, at(T + 310), &with_pass).unwrap();
    let _ = answer(&mut stored, change, &mut rng);
    let change = open(&stored).confirm(&policy, at(T + 310), &Attempt::new(Purpose::BINDING, &wrong)).unwrap();
    let _ = answer(&mut stored, change, &mut rng);
    for failure in 0..5 {
        let code = if failure == 3 { phone.shows(T - 90, 0) } else { wrong.clone() };
        let attempt = Attempt::new(Purpose::LOGIN, &code).with_idempotency_key([10 + failure; 16]);
        let change = open(&stored).verify(&policy, at(T + 315), &attempt).unwrap();
        let _ = answer(&mut stored, change, &mut rng);
    }
    stored.unwrap()
}

/// The same with whatever else an account can have: everything at once, frozen, and reset.
fn accounts_of_every_state() -> [Stored; 3] {
    let mut rng = StdRng::seed_from_u64(2);
    let (policy, mut stored) = (Policy::default(), Some(full_account()));
    let open = |stored: &Option<Stored>| keyring().open(&alice(), stored.clone().unwrap()).unwrap();
    let phone = Phone::with(&secret(1), Totp::DEFAULT);
    let verify = |stored: &mut Option<Stored>, secs: u64, attempt: Attempt, rng: &mut StdRng| {
        let change = open(stored).verify(&policy, at(secs), &attempt).unwrap();
        answer(stored, change, rng)
    };
    let prove = |stored: &mut Option<Stored>, secs: u64, purpose: Purpose, rng: &mut StdRng| {
        verify(stored, secs, Attempt::new(purpose, &phone.shows(secs, 0)), rng).unwrap()
    };
    let deliver = |stored: &mut Option<Stored>, secs: u64, request: &CodeRequest, rng: &mut StdRng| {
        let change = open(stored).deliver(&policy, at(secs), request, rng).unwrap();
        let delivery = commit(stored, change, rng);
        delivery.code.reveal().to_string()
    };

    let now = T + 1_000;
    let proof = prove(&mut stored, now, Purpose::BINDING, &mut rng);
    let change = open(&stored).issue_recovery_codes(&policy, at(now), &proof, &mut rng).unwrap();
    let handle = commit(&mut stored, change, &mut rng).handle().to_text();
    let change = open(&stored).keep_recovery_codes(&policy, at(now), handle.expose()).unwrap();
    commit(&mut stored, change, &mut rng);
    let proof = prove(&mut stored, now + 30, Purpose::LOGIN, &mut rng);
    let name = "Firefox".parse().unwrap();
    let change = open(&stored).remember_device(&policy, at(now + 30), &proof, name, &mut rng).unwrap();
    let cookie = commit(&mut stored, change, &mut rng).to_text();
    let change = open(&stored).redeem(at(now + 31), &proof, Purpose::LOGIN, None).unwrap();
    commit(&mut stored, change, &mut rng);
    let proof = prove(&mut stored, now + 60, Purpose::BINDING, &mut rng);
    let new = NewAddress::new(Address::sms("+819012345678").unwrap()).unwrap();
    let change = open(&stored).enroll(&policy, at(now + 60), &proof, &new, &mut rng).unwrap();
    let sms = commit(&mut stored, change, &mut rng).authenticator();
    let code = deliver(&mut stored, now + 61, &CodeRequest::new(sms, Purpose::BINDING), &mut rng);
    let attempt = Attempt::new(Purpose::BINDING, &code);
    let change = open(&stored).confirm(&policy, at(now + 62), &attempt).unwrap();
    let _ = commit(&mut stored, change, &mut rng);
    let resync = Resync::new(&phone.shows(now + 120, 5), &phone.shows(now + 120, 6)).with_idempotency_key([7; 16]);
    let change = open(&stored).resync(&policy, at(now + 120), &resync).unwrap();
    let _ = commit(&mut stored, change, &mut rng);
    let request = CodeRequest::new(sms, Purpose::LOGIN).with_device(cookie.expose());
    let code = deliver(&mut stored, now + 130, &request, &mut rng);
    let named = Attempt::new(Purpose::LOGIN, &code).with_device(cookie.expose()).with_idempotency_key([8; 16]);
    let by_message = verify(&mut stored, now + 131, named, &mut rng).unwrap();
    let _ = deliver(&mut stored, now + 170, &CodeRequest::new(sms, Purpose::LOGIN), &mut rng);
    let mail = CodeRequest::confirmation(Address::email("alice@example.com").unwrap());
    let _ = deliver(&mut stored, now + 210, &mail, &mut rng);
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(now + 240, 6));
    let proof = verify(&mut stored, now + 240, attempt, &mut rng).unwrap();
    let old = AuthenticatorId::new(2);
    let change = open(&stored).replace(&policy, at(now + 240), &proof, old, &imported(4, TOKEN), &mut rng).unwrap();
    let _ = commit(&mut stored, change, &mut rng);
    for late in [30, 60] {
        // Two hours behind.
        let code = phone.shows(now + 240 + late, -240);
        let wrong = verify(&mut stored, now + 240 + late, Attempt::new(Purpose::LOGIN, &code), &mut rng);
        assert!(matches!(wrong, Err(Rejection::Mismatch(_))));
    }
    let everything = stored.clone().unwrap();

    let operator = Operator::new("bob", "ticket 4712").unwrap();
    let change = open(&stored).clear_drift(at(now + 310), AuthenticatorId::new(1), &operator).unwrap();
    commit(&mut stored, change, &mut rng);
    let change = open(&stored).mail_pass(&policy, at(now + 311), None, &mut rng).unwrap();
    let _ = commit(&mut stored, change, &mut rng);
    let device = open(&stored).view(&policy, at(now + 311)).devices[0].id;
    let change = open(&stored).forget_device(at(now + 312), &by_message, device).unwrap();
    commit(&mut stored, change, &mut rng);
    let change = open(&stored).freeze(at(now + 320), &operator, &mut rng);
    commit(&mut stored, change, &mut rng);
    let change = open(&stored).thaw(&policy, at(now + 321), &operator).unwrap();
    commit(&mut stored, change, &mut rng);
    let change = open(&stored).freeze(at(now + 322), &operator, &mut rng);
    commit(&mut stored, change, &mut rng);
    let frozen = stored.clone().unwrap();

    let change = open(&stored).reset(&policy, at(now + 330), &operator, &mut rng).unwrap();
    let pass = commit(&mut stored, change, &mut rng).to_text();
    let (now, new) = (at(now + 331), imported(5, TOKEN));
    let change = open(&stored).enroll_with_pass(&policy, now, pass.expose(), None, &new, &mut rng).unwrap();
    let _ = commit(&mut stored, change, &mut rng);
    [everything, frozen, stored.unwrap()]
}

/// One with what helps owners and operators: an e-mail address, a hold of the service's, a sheet
/// that waits, a code for a context, events with sources, a proposal, and a recovery without
/// support.
fn account_with_ways_back() -> (Stored, Policy) {
    let mut rng = StdRng::seed_from_u64(3);
    let limits = AccountLimits { self_recovery_secs: 3 * 86_400, ..AccountLimits::default() };
    let [mut stored, ..] = accounts_of_every_state().map(Some);
    let policy = Policy::new(limits).unwrap();
    let open = |stored: &Option<Stored>| keyring().open(&alice(), stored.clone().unwrap()).unwrap();
    let phone = Phone::with(&secret(1), Totp::DEFAULT);
    let mail = Address::email("alice@example.com").unwrap();
    let source = Source::new().with_address("2001:db8::7").with_agent("Firefox – Linux").with_correlation_id("r-1");
    let now = T + 90_000;
    let prove = |stored: &mut Option<Stored>, secs: u64, rng: &mut StdRng| {
        let attempt = Attempt::new(Purpose::BINDING, &phone.shows(secs, 6)).with_source(source.clone());
        let change = open(stored).verify(&policy, at(secs), &attempt).unwrap();
        commit(stored, change, rng)
    };
    let confirm = |stored: &mut Option<Stored>, secs: u64, rng: &mut StdRng| {
        let request = CodeRequest::confirmation(mail.clone()).with_source(source.clone());
        let change = open(stored).deliver(&policy, at(secs), &request, rng).unwrap();
        let code = commit(stored, change, rng).code.reveal().to_string();
        let change = open(stored).verify(&policy, at(secs), &Attempt::confirmation(&mail, &code)).unwrap();
        commit(stored, change, rng)
    };
    let (confirmation, proof) = (confirm(&mut stored, now, &mut rng), prove(&mut stored, now, &mut rng));
    let change = open(&stored).bind_email(&policy, at(now), &proof, &confirmation).unwrap();
    let _ = commit(&mut stored, change, &mut rng);
    let proof = prove(&mut stored, now + 60, &mut rng);
    let change = open(&stored).set_stronger_factor(&policy, at(now + 60), &proof).unwrap();
    let _ = commit(&mut stored, change, &mut rng);
    let now = now + 2 * 86_400;
    let asserted = Attempt::assertion_verified_by_service(Purpose::BINDING).with_source(source.clone());
    let change = open(&stored).verify(&policy, at(now), &asserted).unwrap();
    let proof = commit(&mut stored, change, &mut rng);
    let change = open(&stored).issue_recovery_codes(&policy, at(now), &proof, &mut rng).unwrap();
    let _ = commit(&mut stored, change, &mut rng);
    let reason = "mailbox changed".parse().unwrap();
    let change = open(&stored).hold(&policy, at(now + 1), &[Purpose::LOGIN], 3_600, &reason).unwrap();
    commit(&mut stored, change, &mut rng);
    let confirmation = confirm(&mut stored, now + 60, &mut rng);
    let change = open(&stored).begin_self_recovery(&policy, at(now + 61), &confirmation).unwrap();
    let _ = commit(&mut stored, change, &mut rng);
    let request = CodeRequest::confirmation(mail.clone()).with_context(&[7; 32]);
    let change = open(&stored).deliver(&policy, at(now + 100), &request, &mut rng).unwrap();
    let _ = commit(&mut stored, change, &mut rng);
    let operator = Operator::new("bob", "ticket 4713").unwrap();
    let change = open(&stored).propose(at(now + 110), ProposedAct::Reset, &operator).unwrap();
    commit(&mut stored, change, &mut rng);
    (stored.unwrap(), policy)
}

#[test]
fn what_helps_owners_and_operators_is_read_as_it_was_made() {
    let (stored, policy) = account_with_ways_back();
    let now = T + 90_000 + 2 * 86_400;
    let opened = keyring().open(&alice(), stored.clone()).unwrap();
    let view = opened.view(&policy, at(now + 120));
    assert_eq!(view.emails.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a***@example.com"]);
    let held: Vec<_> = view.holds.iter().map(|hold| (hold.purpose, hold.reason.as_ref().map(Text::as_str))).collect();
    assert!(held.contains(&(Purpose::LOGIN, Some("mailbox changed"))), "{held:?}");
    assert_eq!(view.self_recovery, Some(at(now + 61 + 3 * 86_400)));
    assert_eq!(view.stronger_since, Some(at(T + 90_060)));
    // The reply to an assertion was stored: it is given again, and nothing else is.
    let mut kept = Some(stored);
    let mut assert = |key: u8, secs: u64| {
        let asserted = Attempt::assertion_verified_by_service(Purpose::BINDING).with_idempotency_key([key; 16]);
        let opened = keyring().open(&alice(), kept.clone().unwrap()).unwrap();
        let proof =
            commit(&mut kept, opened.verify(&policy, at(secs), &asserted).unwrap(), &mut StdRng::seed_from_u64(secs));
        (proof.method(), proof.at())
    };
    for (key, secs) in [(9, now + 112), (9, now + 113), (8, now + 114)] {
        let expected = if key == 9 { now + 112 } else { secs };
        assert_eq!(assert(key, secs), (Method::StrongerFactor, at(expected)));
    }
    let proposal = view.proposal.unwrap();
    assert_eq!((proposal.act, proposal.operator.reason().as_str()), (ProposedAct::Reset, "ticket 4713"));
    let history = opened.history();
    let from = history.iter().rfind(|event| event.kind.as_str() == "self_recovery_waits").unwrap();
    assert_eq!(from.source, None, "the confirming attempt had none");
    let from = history.iter().rfind(|event| event.kind.as_str() == "recovery_codes_shown").unwrap().source.as_ref();
    let from = from.map(|source| (source.address(), source.agent(), source.correlation_id()));
    assert_eq!(from, Some((Some("2001:db8::7"), Some("Firefox – Linux"), Some("r-1"))));
}

#[test]
fn a_stored_record_is_read_as_it_was_made() {
    let (policy, stored) = (Policy::default(), full_account());
    let history = keyring().open(&alice(), stored.clone()).unwrap().history();
    let view = keyring().open(&alice(), stored.clone()).unwrap().view(&policy, at(T + 320));
    let names: Vec<_> =
        view.authenticators.iter().map(|one| (one.id.number(), one.name.as_str(), app(one).0)).collect();
    let totp = Totp { period: Period::from_secs(60).unwrap(), ..TOKEN };
    assert_eq!(names, [(1, "phone", Totp::DEFAULT), (2, "トークン", totp)]);
    assert_eq!(view.authenticators[0].bound_at, at(T + 30));
    assert_eq!((view.authenticators[0].last_used, app(&view.authenticators[0]).1), (at(T + 300), 1));
    assert_eq!(view.pending, Some((AuthenticatorId::new(4), at(T + 240 + 600))));
    assert_eq!(view.refusal, Some(Rejection::Locked { until: at(T + 345) }));
    assert_eq!((view.failures_in_a_row, view.long_term_failures), (7, 5));
    assert_eq!(phone::held(&view), [(Purpose::WITHDRAWAL, at(T + 210 + 86_400))]);
    let kinds: Vec<_> = history.iter().map(|event| event.kind.as_str()).collect();
    let expected = "enrollment_begun confirmed accepted enrollment_begun confirmed accepted enrollment_begun confirmed accepted \
        renamed removed pass_issued accepted enrollment_begun accepted accepted rejected rejected rejected rejected rejected \
        rejected rejected locked";
    assert_eq!(kinds.join(" "), expected);
    let issued = history.iter().find(|event| matches!(event.kind, EventKind::PassIssued { .. })).unwrap();
    assert_eq!(issued.operator, Some(Operator::new("bob", "ticket 4711").unwrap()));

    // And what is not in the view: used codes, named answers, the removed one's steps, the
    // authenticators' codes.
    let verify = |secs: u64, attempt: &Attempt| {
        let change = keyring().open(&alice(), stored.clone()).unwrap().verify(&policy, at(secs), attempt).unwrap();
        keyring().seal(change, &mut phone::rng()).unwrap().1.assume_committed(&mut Vec::new())
    };
    let (phone, token) = (Phone::with(&secret(1), Totp::DEFAULT), Phone::with(&secret(2), totp));
    let answered =
        verify(T + 320, &Attempt::new(Purpose::LOGIN, &phone.shows(T + 300, 1)).with_idempotency_key([2; 16]));
    assert!(matches!(answered, Ok(proof) if proof.at() == at(T + 300)));
    let used = verify(T + 350, &Attempt::new(Purpose::LOGIN, &phone.shows(T + 300, 1)));
    assert!(matches!(used, Err(Rejection::Replayed { .. })));
    for (phone, offset) in [(&phone, 1), (&token, 0)] {
        let verdict = verify(T + 360, &Attempt::new(Purpose::LOGIN, &phone.shows(T + 360, offset)));
        assert!(verdict.is_ok());
    }
}

#[test]
fn a_record_is_written_as_it_was_read() {
    for stored in accounts_of_every_state().into_iter().chain([full_account(), account_with_ways_back().0]) {
        let plain = phone::record_in(&alice(), &stored);
        assert_eq!(plain[..3], [0xbf, 0x00, 0x01], "the minimum reader is the first release");
        assert_eq!(written(&plain), plain);
    }
}

#[test]
fn records_of_every_state_are_read_as_they_were_made() {
    let policy = Policy::default();
    let stored = accounts_of_every_state();
    let open = |stored: &Stored| keyring().open(&alice(), stored.clone()).unwrap();
    let [everything, frozen, reset] = stored.each_ref().map(|stored| open(stored).view(&policy, at(T + 1_335)));
    let [told, told_frozen, _] = stored.each_ref().map(|stored| open(stored).history());
    assert_eq!(everything.authenticators.len(), 3);
    assert_eq!(app(&everything.authenticators[0]), (Totp::DEFAULT, 6));
    let AuthenticatorKind::Address { channel, masked, .. } = &everything.authenticators[2].kind else { panic!() };
    assert_eq!((*channel, masked.as_str()), (Channel::Sms, "+81*******678"));
    assert_eq!(everything.devices[0].name.as_str(), "Firefox");
    assert_eq!(everything.devices[0].last_used, at(T + 1_131));
    assert_eq!(everything.recovery_codes_left, 10);
    assert_eq!(everything.pending, Some((AuthenticatorId::new(6), at(T + 1_840))));
    let said = told.iter().rev().find_map(|event| match event.kind {
        EventKind::Rejected { diagnosis, .. } => diagnosis,
        _ => None,
    });
    assert_eq!(said.unwrap().to_string(), "clock 2 h behind: time zone");
    assert_eq!((frozen.frozen_at, frozen.refusal), (Some(at(T + 1_322)), Some(Rejection::Frozen)));
    assert!(frozen.devices.is_empty() && !frozen.is_reset);
    let kinds: Vec<_> = told_frozen.iter().map(|event| event.kind.as_str()).collect();
    assert!(kinds.join(" ").ends_with("drift_cleared pass_mailed device_forgotten frozen thawed frozen"), "{kinds:?}");
    assert_eq!((reset.frozen_at, reset.is_reset, reset.authenticators.len()), (None, true, 0));
    assert!(reset.pending.is_some());
    assert_eq!(phone::held(&reset), [(Purpose::WITHDRAWAL, at(T + 1_330 + 172_800))]);
    assert!(!told.iter().chain(&told_frozen).any(|event| event.kind == EventKind::Unknown));
    // And what is not in the view: the proof that was redeemed, the messages that were counted, the
    // codes that are alive.
    let again = open(&stored[0]);
    let request = CodeRequest::new(AuthenticatorId::new(5), Purpose::LOGIN);
    let change = again.deliver(&policy, at(T + 1_239), &request, &mut phone::rng()).unwrap();
    let soon = keyring().seal(change, &mut phone::rng()).unwrap().1.assume_committed(&mut Vec::new());
    assert!(matches!(soon, Err(Rejection::SendLimited { until }) if until == at(T + 1_240)));
}

type To<'a> = &'a mut Encoder<Vec<u8>>;

fn opened(plain: &[u8]) -> Result<sekisho::account::Account, SealError> {
    keyring().open(&alice(), phone::with_record(&alice(), plain))
}

fn written(plain: &[u8]) -> Vec<u8> {
    let (write, _) = keyring().seal(opened(plain).unwrap().reseal(), &mut phone::rng()).unwrap();
    phone::record_in(&alice(), &write.unwrap().new)
}

fn full_account_plain() -> Vec<u8> {
    phone::record_in(&alice(), &full_account())
}

#[test]
fn what_a_newer_release_adds_is_passed_over_and_kept() {
    // A field at the end of the record, of any shape.
    let mut newer = full_account_plain();
    assert_eq!(newer.pop(), Some(0xff), "the end of the map");
    let mut field = Encoder::new(Vec::new());
    field.u32(900).unwrap().array(2).unwrap().str("recovery codes").unwrap().begin_map().unwrap();
    field.u32(1).unwrap().bytes(&[1, 2, 3]).unwrap().end().unwrap();
    let field = field.into_writer();
    newer.extend_from_slice(&field);
    newer.push(0xff);
    assert_eq!(written(&newer), newer);

    // And one in each authenticator.
    let mut nested = full_account_plain();
    let mut from = Decoder::new(&nested);
    from.map().unwrap();
    let ends = loop {
        let number = from.u32().unwrap();
        if number == 5 {
            let count = from.array().unwrap().unwrap();
            break (0..count)
                .map(|_| {
                    from.skip().unwrap();
                    from.position() - 1
                })
                .collect::<Vec<_>>();
        }
        from.skip().unwrap();
    };
    assert_eq!(ends.len(), 2);
    for end in ends.into_iter().rev() {
        nested.splice(end..end, field.clone());
    }
    assert_eq!(written(&nested), nested);
}

#[test]
fn an_event_of_a_newer_release_is_unknown_and_kept() {
    let mut newer = full_account_plain();
    // The last event: a notice that waits (1), one number on (8), nine bytes long, in the same
    // second; a lock (5) and its end.
    let lock = [1 + 8, 9, 0, 5, 0x1a];
    let place = newer.windows(lock.len()).rposition(|bytes| bytes == lock).unwrap();
    // A kind of which nobody has heard; what follows has no meaning to this release.
    newer[place + 3..place + 5].copy_from_slice(&[0x18, 0xff]);
    let history = opened(&newer).unwrap().history();
    assert!(history.iter().any(|event| event.kind == EventKind::Unknown));
    assert_eq!(written(&newer), newer);
}

#[test]
fn a_record_that_needs_a_newer_release_is_refused() {
    let mut newer = full_account_plain();
    assert_eq!(newer[..3], [0xbf, 0x00, 0x01]);
    newer[2] = 0x02;
    assert!(matches!(opened(&newer).unwrap_err(), SealError::Record(StoredError::Version { version: 2 })));
    assert!(opened(&newer).unwrap_err().to_string().contains("upgrade sekisho"));
}

#[test]
fn nonsense_is_refused_without_panic() {
    let plain = full_account_plain();
    for len in 0..plain.len() {
        assert!(opened(&plain[..len]).is_err(), "cut off at {len}");
    }
    let longer = [plain.as_slice(), &[0, 0, 1]].concat();
    assert!(matches!(opened(&longer).unwrap_err(), SealError::Record(StoredError::Corrupt)));
    // Each byte changed: an error, or a record that is written as it was read.
    for place in 0..plain.len() {
        for change in [1, 0x20, 0x80, 0xff] {
            let mut changed = plain.clone();
            changed[place] ^= change;
            if let Ok(account) = opened(&changed) {
                let _ = account.view(&Policy::default(), at(T));
                let _ = account.verify(&Policy::default(), at(T), &Attempt::new(Purpose::LOGIN, "123456"));
            }
        }
    }
}

#[test]
fn fields_twice_or_out_of_order_and_lists_without_bound_are_refused() {
    let record = |write: &dyn Fn(&mut Encoder<Vec<u8>>)| {
        let mut to = Encoder::new(Vec::new());
        to.begin_map().unwrap().u32(0).unwrap().u32(1).unwrap();
        write(&mut to);
        to.end().unwrap();
        to.into_writer()
    };
    assert!(opened(&record(&|_| ())).is_ok(), "an empty record");
    let twice = |to: To<'_>| {
        to.u32(4).unwrap().u32(5).unwrap().u32(4).unwrap().u32(5).unwrap();
    };
    let backwards = |to: To<'_>| {
        to.u32(4).unwrap().u32(5).unwrap().u32(1).unwrap().u32(5).unwrap();
    };
    let endless = |to: To<'_>| {
        to.u32(5).unwrap().array(u64::MAX).unwrap();
    };
    let many = |to: To<'_>| {
        to.u32(18).unwrap().array(65).unwrap();
        for _ in 0..65 {
            to.array(3).unwrap().u32(1).unwrap().u64(1).unwrap().u64(1).unwrap();
        }
    };
    let large = |to: To<'_>| {
        to.u32(99).unwrap().bytes(&vec![0; 17 << 10]).unwrap();
    };
    for nonsense in [record(&twice), record(&backwards), record(&endless), record(&many), record(&large)] {
        assert!(matches!(opened(&nonsense).unwrap_err(), SealError::Record(StoredError::Corrupt)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes_are_no_record(plain in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(opened(&plain).is_err());
    }
}

#[test]
fn the_largest_record_fits_into_an_envelope() {
    // Sixteen authenticators with the longest secrets and names, and a history of the longest
    // events.
    let limits = sekisho::account::AccountLimits { max_authenticators: 16, ..Default::default() };
    let policy = Policy::new_with_risk_above_one_percent_a_year(limits).unwrap();
    let mut rng = StdRng::seed_from_u64(1);
    let mut stored = Some(phone::created(&alice(), T));
    let mut first: Option<Phone> = None;
    let open = |stored: &Option<Stored>| keyring().open(&alice(), stored.clone().unwrap()).unwrap();
    let commit =
        |stored: &mut Option<Stored>, write: Option<sekisho::seal::Write>| *stored = write.map(|write| write.new);
    for number in 0..16_u8 {
        let now = T + u64::from(number) * 600;
        let secret = Secret::new(&[number + 1; 128]).unwrap();
        let uri = OtpauthUri::new("Example", "alice", secret, Totp::DEFAULT).unwrap();
        let new = NewAuthenticator::imported(&uri).unwrap().named("名".repeat(42).parse().unwrap());
        let change = match &first {
            None => open(&stored).enroll_first(&policy, at(now), &new, &mut rng).unwrap(),
            Some(phone) => {
                let attempt = Attempt::new(Purpose::BINDING, &phone.shows(now, 0));
                let change = open(&stored).verify(&policy, at(now), &attempt).unwrap();
                let (write, uncommitted) = keyring().seal(change, &mut rng).unwrap();
                commit(&mut stored, write);
                let proof = uncommitted.assume_committed(&mut Vec::new()).unwrap();
                open(&stored).enroll(&policy, at(now), &proof, &new, &mut rng).unwrap()
            }
        };
        let (write, uncommitted) = keyring().seal(change, &mut rng).unwrap();
        commit(&mut stored, write);
        let phone = Phone::of(&uncommitted.assume_committed(&mut Vec::new()).unwrap());
        let attempt = Attempt::new(Purpose::BINDING, &phone.shows(now + 60, 0));
        let change = open(&stored).confirm(&policy, at(now + 60), &attempt).unwrap();
        let (write, _) = keyring().seal(change, &mut rng).unwrap();
        commit(&mut stored, write);
        first = first.or(Some(phone));
    }
    let operator = Operator::new(&"名".repeat(42), &"由".repeat(42)).unwrap();
    for number in 0..40 {
        let change = open(&stored).unlock(&policy, at(T + 20_000 + number), &operator, &mut rng).unwrap();
        let (write, _) = keyring().seal(change, &mut rng).unwrap();
        commit(&mut stored, write);
    }
    let len = stored.unwrap().envelope.len();
    println!("{len} bytes");
    assert!((10_000..40_000).contains(&len), "{len}");
}

/// A record with so many bytes: fields of a newer release fill it up, in both authenticators, in
/// the enrollment that waits, and in the record itself.
fn record_of(len: usize) -> Vec<u8> {
    let mut plain = full_account_plain();
    let mut ends = Vec::new();
    let mut from = Decoder::new(&plain);
    from.map().unwrap();
    while let Ok(number) = from.u32() {
        if number == 5 {
            for _ in 0..from.array().unwrap().unwrap() {
                from.skip().unwrap();
                ends.push(from.position() - 1);
            }
            continue;
        }
        from.skip().unwrap();
        if number == 7 {
            ends.push(from.position() - 1);
        }
    }
    ends.push(plain.len() - 1);
    assert_eq!(ends.len(), 4);
    let mut left = len - plain.len();
    for (end, places) in ends.into_iter().zip([4, 3, 2, 1]).rev() {
        // Number, head, and bytes.
        let field = (left / (5 - places)).min(16 << 10);
        left -= field;
        let mut to = Encoder::new(Vec::new());
        to.u32(900).unwrap().bytes(&vec![7; field - 6]).unwrap();
        plain.splice(end..end, to.into_writer());
    }
    assert_eq!(plain.len(), len);
    plain
}

#[test]
fn a_record_that_is_too_long_for_an_envelope_is_an_error_and_not_one_that_does_not_open() {
    // An envelope of 64 KiB, less its head of 5 bytes and its tag of 16.
    let most = (64 << 10) - 21;
    for len in [60_000, most - 1, most] {
        let plain = record_of(len);
        let (write, _) = keyring().seal(opened(&plain).unwrap().reseal(), &mut phone::rng()).unwrap();
        let new = write.unwrap().new;
        assert_eq!((new.envelope.len(), phone::record_in(&alice(), &new)), (64 << 10, plain));
    }
    for len in [most + 1, most + 15, most + 16, most + 17] {
        let refused = keyring().seal(opened(&record_of(len)).unwrap().reseal(), &mut phone::rng());
        assert!(matches!(refused, Err(SealError::TooLong { .. })), "{len}");
    }
}

#[test]
fn envelopes_moved_cut_off_changed_or_under_an_unknown_key_are_errors() {
    let stored = full_account();
    let open = |id: &AccountId, stored: Stored| keyring().open(id, stored).unwrap_err();
    assert!(matches!(open(&AccountId::new("bob").unwrap(), stored.clone()), SealError::DoesNotOpen), "another account");
    let revision = Revision::from_bytes([1; 16]);
    assert!(
        matches!(open(&alice(), Stored { revision, ..stored.clone() }), SealError::DoesNotOpen),
        "another revision"
    );
    for len in 0..stored.envelope.len() {
        open(&alice(), Stored { envelope: stored.envelope[..len].to_vec(), ..stored.clone() });
    }
    for place in 0..stored.envelope.len() {
        let mut changed = stored.clone();
        changed.envelope[place] ^= 1 << (place % 8);
        open(&alice(), changed);
    }
    let other = Keyring::new(KeyId::new(2), phone::key(8));
    let unknown = other.open(&alice(), stored).unwrap_err();
    assert!(matches!(unknown, SealError::UnknownKey { id } if id.number() == 1));
    assert!(unknown.to_string().contains("add it as an older key"));
}

#[test]
fn a_stored_record_says_nothing_in_plain() {
    let Stored { envelope, .. } = full_account();
    for plain in [b"phone".as_slice(), b"ticket", b"login", &[1; 8], &[2; 8]] {
        assert!(!envelope.windows(plain.len()).any(|bytes| bytes == plain));
    }
    assert_eq!(Decoder::new(&full_account_plain()).datatype().unwrap(), Type::MapIndef);
}
