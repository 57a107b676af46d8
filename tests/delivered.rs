//! Delivered codes: sent, sent again, and good for what they are for.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{self, Phone, T, at};
use crate::service::{self, DAY, accepted, alice, answer, in_memory, mail, rejected};
use sekisho::account::{
    AccountError, AccountId, AccountLimits, Act, Address, Attempt, AuthenticatorKind, Channel, CodeRequest, EventKind,
    Method, NewAddress, Policy, Purpose,
};
use sekisho::otp::{Advice, Code, CodeKind, LockState, NotAccepted, Rejection, Secret, Step, Totp, UnixTime};
use sekisho::store::MemoryStore;
use sekisho::test_kit::TestClock;
use sekisho::verifier::AddressCheck;
use sekisho::{Error, Verifier};
use std::sync::{Arc, Mutex};
use subtle::ConstantTimeEq;

#[tokio::test]
async fn a_stranger_cannot_end_the_owners_code_that_was_sent() {
    let (service, _) = in_memory(phone::policy());
    let id = service.enrolled_by_sms("+819012345678").await;
    let request = || CodeRequest::new(id, Purpose::LOGIN);
    let first = service.message(T, request()).await;
    // Asked for again by anybody: too soon, or the same code with the same end.
    let soon = rejected(answer(service.verifier.deliver(&alice(), request()).await));
    assert_eq!((soon, soon.advice()), (Rejection::SendLimited { until: at(T + 30) }, Advice::WaitForTheMessage));
    assert_eq!(service.message(T + 30, request()).await, first);
    // Three wrong guesses, and a code for something else.
    for which in 0..3 {
        let wrong = format!("{:06}", (first.parse::<u32>().unwrap() + 1 + which) % 1_000_000);
        let refused = service.log_in_refused(T + 40, &wrong).await;
        assert_eq!(refused.advice_for(CodeKind::DeliveredCode), Advice::CheckTheMessage);
    }
    let binding = service.message(T + 60, CodeRequest::new(id, Purpose::BINDING)).await;
    assert!(first == binding || service.refused(T + 61, Attempt::new(Purpose::BINDING, &first)).await.is_charged());
    let proof = service.log_in(T + 62, &first).await;
    assert_eq!(proof.method(), Method::DeliveredCode { authenticator: Some(id), channel: Channel::Sms });
    assert_eq!(service.log_in_refused(T + 63, &first).await, Rejection::Replayed { next: at(T + 63) });
}

#[tokio::test]
async fn a_delivered_code_is_for_its_purpose_and_a_few_minutes() {
    let (service, _) = in_memory(phone::policy());
    let id = service.enrolled_by_sms("+819012345678").await;
    service.clock.set(at(T));
    let delivery = service.verifier.deliver(&alice(), CodeRequest::new(id, Purpose::LOGIN)).await.unwrap();
    assert_eq!((delivery.until, delivery.purpose), (at(T + 300), Purpose::LOGIN));
    assert_eq!(delivery.address.as_str(), "+819012345678");
    let code = delivery.code.reveal().to_string();
    let shown = format!("{delivery:?}");
    assert!(!shown.contains(&code) && !shown.contains("9012345"), "{shown}");
    assert!(service.refused(T + 1, Attempt::new(Purpose::WITHDRAWAL, &code)).await.is_charged());
    let late = service.log_in_refused(T + 300, &code).await;
    assert!(matches!(late, Rejection::Expired(_)), "{late:?}");
    assert_eq!(late.advice_for(CodeKind::DeliveredCode), Advice::AskForAnother);
    let next = service.message(T + 301, CodeRequest::new(id, Purpose::LOGIN)).await;
    assert!(next == code || service.log_in_refused(T + 302, &code).await.is_charged());
    let _ = service.log_in(T + 303, &next).await;
    let sent = service.told().into_iter().find_map(|event| match event.kind {
        EventKind::CodeSent { channel, address, authenticator, purpose: Purpose::LOGIN } => {
            Some((channel, address.to_string(), authenticator))
        }
        _ => None,
    });
    assert_eq!(sent, Some((Channel::Sms, "+81*******678".into(), Some(id))));
    let view = service.verifier.view(&alice()).await.unwrap();
    let AuthenticatorKind::Address { channel, masked, .. } = &view.authenticators[0].kind else { panic!() };
    assert!(channel.is_restricted() && masked.as_str() == "+81*******678");
}

#[tokio::test]
async fn five_messages_an_hour_and_ten_a_day_and_known_devices_apart() {
    let (service, _) = in_memory(phone::policy());
    let id = service.enrolled_by_sms("+819012345678").await;
    let code = service.message(T, CodeRequest::new(id, Purpose::LOGIN)).await;
    let proof = service.log_in(T, &code).await;
    let cookie = service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text();
    let mut sent = 1;
    for minute in 1..24 * 60 {
        service.clock.set(at(T + minute * 60));
        let answer = service.verifier.deliver(&alice(), CodeRequest::new(id, Purpose::LOGIN)).await;
        sent += u32::from(answer.is_ok());
        assert!(sent <= if minute < 60 { 5 } else { 10 }, "minute {minute}");
    }
    assert_eq!(sent, 10);
    let request = CodeRequest::new(id, Purpose::LOGIN).with_device(cookie.expose());
    let now = T + DAY - 1;
    let code = service.message(now, request).await;
    drop(accepted(service.submit(now, Attempt::new(Purpose::LOGIN, &code).with_device(cookie.expose())).await));
}

#[tokio::test]
async fn e_mail_confirms_and_lets_nobody_in() {
    assert!(NewAddress::new(Address::email("alice@example.com").unwrap()).is_err());
    let (service, _) = in_memory(phone::policy());
    let (phone, codes) = service.enrolled().await;
    let mail = || CodeRequest::confirmation(mail());
    let submit = |purpose, code: &str| Attempt::new(purpose, code);
    let confirm = |code: &str| Attempt::confirmation(&service::mail(), code);
    let none = service.verifier.verify(&alice(), confirm("123456")).await;
    assert!(matches!(none, Err(NotAccepted::Failed(Error::Account(AccountError::NothingSent)))));
    let code = service.message(T, mail()).await;
    for purpose in [Purpose::LOGIN, Purpose::BINDING, Purpose::WITHDRAWAL] {
        assert!(service.refused(T, submit(purpose, &code)).await.is_charged(), "{purpose}");
    }
    // Nor is the code of an app a confirmation, or one of the sheet.
    assert!(service.refused(T, confirm(&phone.shows(T, 0))).await.is_charged());
    let sheet = Attempt::recovery(Purpose::CONFIRMATION, codes.iter().next().unwrap());
    assert!(matches!(
        service.verifier.verify(&alice(), sheet).await,
        Err(NotAccepted::Failed(Error::Account(AccountError::Purpose)))
    ));
    let proof = accepted(service.submit(T, confirm(&code)).await);
    assert_eq!(proof.method(), Method::DeliveredCode { authenticator: None, channel: Channel::Email });
    let login = service.verifier.redeem(&alice(), proof, Purpose::LOGIN, None).await;
    assert!(matches!(login, Err(Error::Account(AccountError::ProofForAnotherPurpose))));
    // A code that went to one address is none for another.
    let one = service.message(T + 40, mail()).await;
    let mallory = |domain: &str| CodeRequest::confirmation(Address::email(&format!("mallory@{domain}")).unwrap());
    let others =
        [service.message(T + 80, mallory("a.example")).await, service.message(T + 120, mallory("b.example")).await];
    assert!(others.iter().any(|other| *other != one), "two of three may be equal by chance");
}

#[tokio::test]
async fn whoever_reads_the_mail_confirms_and_gains_nothing_else() {
    let (service, _) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    for which in 0..4 {
        let _ = service.log_in_refused(T, &phone.never_shows(T, which)).await;
    }
    let pass = service.verifier.support(phone::operator("desk", "a test")).unlock(&alice()).await.unwrap().to_text();
    let code = service.message(T, CodeRequest::confirmation(mail())).await;
    let attempt = Attempt::confirmation(&mail(), &code).with_pass(pass.expose());
    let proof = accepted(service.submit(T, attempt).await);
    assert_eq!(proof.address(), Some(&mail()));
    // No device token, no end to the run of failures; and the pass is still there.
    let token = service.verifier.remember_device(&proof, "mail reader".parse().unwrap()).await;
    assert!(matches!(token, Err(Error::Account(AccountError::ProofForAnotherPurpose))));
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!((view.failures_in_a_row, view.passes, view.devices.len()), (4, 1, 0));
    let locking = service.log_in_refused(T + 1, &phone.never_shows(T, 9)).await;
    assert_eq!(locking.retry_at(), Some(at(T + 31)), "the fifth in a row locks");
    // What went to one address is nothing to another.
    let code = service.message(T + 60, CodeRequest::confirmation(mail())).await;
    let mallory = Address::email("mallory@example.com").unwrap();
    assert!(service.refused(T + 61, Attempt::confirmation(&mallory, &code)).await.is_charged());
    let unnamed = service.refused(T + 200, Attempt::new(Purpose::CONFIRMATION, &code)).await;
    assert!(unnamed.is_charged(), "{unnamed:?}");
}

#[tokio::test]
async fn a_code_that_would_run_out_on_its_way_is_not_sent_again() {
    let (service, _) = in_memory(phone::policy());
    let id = service.enrolled_by_sms("+819012345678").await;
    let request = || CodeRequest::new(id, Purpose::LOGIN);
    let first = service.message(T, request()).await;
    assert_eq!(service.message(T + 270, request()).await, first);
    service.clock.set(at(T + 271));
    let late = rejected(answer(service.verifier.deliver(&alice(), request()).await));
    assert_eq!(late, Rejection::SendLimited { until: at(T + 300) });
    let _ = service.log_in(T + 299, &first).await;
    let _ = service.message(T + 301, request()).await;
}

#[tokio::test]
async fn a_disabled_address_is_sent_nothing_and_said_to_be_disabled() {
    let (service, _) = in_memory(phone::policy());
    let id = service.enrolled_by_sms("+819012345678").await;
    let mut now = T;
    loop {
        match service.log_in_refused(now, "000000").await {
            Rejection::Mismatch(charge) if charge.lock_state == LockState::Disabled => break,
            rejection => now = rejection.retry_at().map_or(now, UnixTime::as_secs),
        }
    }
    service.clock.set(at(now));
    let asked = service.verifier.deliver(&alice(), CodeRequest::new(id, Purpose::LOGIN)).await;
    assert_eq!(rejected(answer(asked)), Rejection::Disabled);
}

/// A secret whose code at `step` is `code`.
fn secret_showing(code: &str, step: Step) -> Secret {
    let code: Code = code.parse().unwrap();
    let secrets = (0_u64..).map(|seed| {
        let mut bytes = [9; 20];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        Secret::new(&bytes).unwrap()
    });
    let shows = |secret: &Secret| bool::from(Totp::DEFAULT.key(secret).code_at(step).ct_eq(&code));
    secrets.into_iter().find(shows).unwrap()
}

#[tokio::test]
async fn the_same_digits_are_not_accepted_from_an_app_and_from_a_message() {
    let (service, _) = in_memory(phone::policy());
    let id = service.enrolled_by_sms("+819012345678").await;
    let sent = service.message(T, CodeRequest::new(id, Purpose::LOGIN)).await;
    // An app that will show the digits that were sent.
    let then = T + 150;
    let secret = secret_showing(&sent, Step::new(then / 30));
    let app = Phone::with(&secret, Totp::DEFAULT);
    let code = service.message(T + 30, CodeRequest::new(id, Purpose::BINDING)).await;
    let proof = service.prove(T + 31, &code).await;
    let _ = service.verifier.enroll(proof, app.again()).await.unwrap();
    drop(service.confirmed(T + 60, &app).await);
    let proof = service.log_in(then, &sent).await;
    assert!(matches!(proof.method(), Method::Authenticator(_)), "it is the app's");
    let again = service.log_in_refused(then + 1, &sent).await;
    assert!(matches!(again, Rejection::Replayed { .. }), "{again:?}");
}

#[tokio::test]
async fn a_server_that_is_a_little_behind_sends_the_same_code_and_takes_it() {
    let (service, _) = in_memory(phone::policy());
    let id = service.enrolled_by_sms("+819012345678").await;
    let code = service.message(T, CodeRequest::new(id, Purpose::LOGIN)).await;
    let proof = service.log_in(T - 20, &code).await;
    let cookie = service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text();
    // The owner's browser has one sent, and a stranger asks at a server that is behind.
    let own = service.message(T + 60, CodeRequest::new(id, Purpose::LOGIN).with_device(cookie.expose())).await;
    assert_eq!(service.message(T + 59, CodeRequest::new(id, Purpose::LOGIN)).await, own);
    let _ = service.log_in(T + 70, &own).await;
}

#[tokio::test]
async fn a_code_that_was_sent_for_one_withdrawal_confirms_no_other() {
    let acts = AccountLimits { held_purposes: vec![], ..AccountLimits::default() };
    let (service, _) = in_memory(Policy::new(acts).unwrap());
    let id = service.enrolled_by_sms("+819012345678").await;
    let (to_exchange, to_thief) = ([1; 32], [2; 32]);
    let request = |context: &[u8; 32]| CodeRequest::new(id, Purpose::WITHDRAWAL).with_context(context);
    service.clock.set(at(T));
    let delivery = service.verifier.deliver(&alice(), request(&to_exchange)).await.unwrap();
    assert_eq!((delivery.purpose, delivery.context), (Purpose::WITHDRAWAL, Some(to_exchange)));
    let code = delivery.code.reveal().to_string();
    let act = |context: &[u8; 32], code: &str| Act::new(Purpose::WITHDRAWAL, context, [7; 16], code);
    let stolen = rejected(answer(service.verifier.authorize(&alice(), act(&to_thief, &code)).await));
    assert!(stolen.is_charged(), "{stolen:?}");
    // Sent again for the same one, it is the same; for another, another.
    assert_eq!(service.message(T + 30, request(&to_exchange)).await, code);
    let other = service.message(T + 60, request(&to_thief)).await;
    let crossed = answer(service.verifier.authorize(&alice(), act(&to_exchange, &other)).await);
    assert!(code == other || rejected(crossed).is_charged());
    let authorization = accepted(answer(service.verifier.authorize(&alice(), act(&to_exchange, &code)).await));
    assert_eq!(authorization.context(), &to_exchange);
    // Nobody sends a code for a withdrawal without saying for which.
    let unnamed = service.verifier.deliver(&alice(), CodeRequest::new(id, Purpose::WITHDRAWAL)).await;
    assert!(matches!(unnamed, Err(NotAccepted::Failed(Error::Account(AccountError::ContextNeeded)))));
    // A log-in may have a context, too; without it the code is wrong, and with it right.
    let code = service.message(T + 120, CodeRequest::new(id, Purpose::LOGIN).with_context(&[3; 32])).await;
    assert!(service.log_in_refused(T + 121, &code).await.is_charged());
    drop(accepted(service.submit(T + 122, Attempt::new(Purpose::LOGIN, &code).with_context(&[3; 32])).await));
}

#[tokio::test]
async fn a_fourth_code_is_refused_until_one_of_three_ends_and_devices_have_three_of_their_own() {
    let acts = AccountLimits { held_purposes: vec![], ..AccountLimits::default() };
    let (service, _) = in_memory(Policy::new(acts).unwrap());
    let id = service.enrolled_by_sms("+819012345678").await;
    let proof = service.log_in(T, &service.message(T, CodeRequest::new(id, Purpose::LOGIN)).await).await;
    let cookie = service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text();
    let request = |context: u8| CodeRequest::new(id, Purpose::WITHDRAWAL).with_context(&[context; 32]);
    let mut codes = Vec::new();
    for (count, context) in (1..).zip(0..3) {
        codes.push(service.message(T + count * 30, request(context)).await);
    }
    service.clock.set(at(T + 120));
    let fourth = rejected(answer(service.verifier.deliver(&alice(), request(3)).await));
    assert_eq!(fourth, Rejection::SendLimited { until: at(T + 330) });
    for (count, context) in (5..).zip(3..6) {
        let _ = service.message(T + count * 30, request(context).with_device(cookie.expose())).await;
    }
    service.clock.set(at(T + 240));
    let fourth = rejected(answer(service.verifier.deliver(&alice(), request(6).with_device(cookie.expose())).await));
    assert_eq!(fourth, Rejection::SendLimited { until: at(T + 450) });
    // One that is used makes room at once. Guesses are charged to the door, however many are sent.
    let act = Act::new(Purpose::WITHDRAWAL, &[1; 32], [7; 16], &codes[1]);
    drop(accepted(answer(service.verifier.authorize(&alice(), act).await)));
    let _ = service.message(T + 3_600, request(3)).await;
    for count in 1..=5 {
        let wrong = Act::new(Purpose::WITHDRAWAL, &[40 + count; 32], [7; 16], "000000");
        let left = rejected(answer(service.verifier.authorize(&alice(), wrong).await)).attempts_left();
        assert_eq!(left, Some(5 - u32::from(count)));
    }
    let locked = rejected(answer(service.verifier.deliver(&alice(), request(9)).await));
    assert!(matches!(locked, Rejection::Locked { .. }), "nothing is sent while the door is locked: {locked:?}");
}

/// Refuses one number, and keeps which were asked for.
#[derive(Clone, Default)]
struct Carrier(Arc<Mutex<Vec<(String, Purpose)>>>);

impl AddressCheck for Carrier {
    async fn allows(&self, _: &AccountId, address: &Address, purpose: Purpose) -> bool {
        self.0.lock().unwrap().push((address.as_str().to_owned(), purpose));
        address.as_str() != "+819000000000"
    }
}

#[tokio::test]
async fn an_address_that_the_service_refuses_is_sent_nothing_and_nothing_counts() {
    let (carrier, told) = (Carrier::default(), service::Told::default());
    let clock = TestClock::at(at(T));
    let verifier = Verifier::builder(MemoryStore::new(), phone::keyring())
        .clock(clock.clone())
        .event_sink(told.clone())
        .address_check(carrier.clone())
        .build();
    verifier.create_account(&alice()).await.unwrap();
    let moved = verifier.enroll_first(&alice(), service::sms("+819000000000")).await.unwrap().authenticator();
    let before = verifier.view(&alice()).await.unwrap();
    for _ in 0..20 {
        let refused = answer(verifier.deliver(&alice(), CodeRequest::new(moved, Purpose::BINDING)).await);
        let refused = rejected(refused);
        assert_eq!((refused, refused.advice()), (Rejection::AddressRefused, Advice::UseAnotherWay));
        assert!(!refused.is_charged() && refused.retry_at().is_none());
    }
    assert_eq!(verifier.view(&alice()).await.unwrap(), before);
    assert_eq!(told.all().iter().filter(|event| matches!(event.kind, EventKind::CodeSent { .. })).count(), 0);
    // An address that is named is seen as well; the limits of the account have counted nothing.
    let mail = CodeRequest::confirmation(mail());
    drop(accepted(answer(verifier.deliver(&alice(), mail).await)));
    let seen = carrier.0.lock().unwrap();
    assert_eq!((seen.len(), &seen[20]), (21, &("alice@example.com".to_owned(), Purpose::CONFIRMATION)));
}
