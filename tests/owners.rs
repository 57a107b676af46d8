//! Owners and services stop a thief: holds, sources, notices that freeze, authenticators
//! that are suspended, and recovery codes that wait until they are kept.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{self, Phone, T, at, held, new_authenticator, operator};
use crate::service::{self, DAY, Service, Told, accepted, alice, answer, mail, on_redb, rejected, sms};
use sekisho::account::{
    AccountError, AccountId, AccountLimits, Act, Address, Attempt, AuthenticatorId, AuthenticatorState, BlockedBy,
    CodeRequest, Event, EventKind, OwnerFreeze, Policy, Proof, ProposedAct, Purpose, Resync, SecondStep, Source, Text,
};
use sekisho::otp::{NotAccepted, Rejection};
use sekisho::seal::RecordLoss;
use sekisho::store::{Store, Swap};
use sekisho::verifier::{EventSink, SinkError};
use sekisho::{Error, Verifier};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn text(text: &str) -> Text {
    text.parse().unwrap()
}

#[track_caller]
fn refused_with<T: std::fmt::Debug>(answered: Result<T, Error>, expected: &AccountError) {
    match answered {
        Err(Error::Account(error)) => assert_eq!(error, *expected),
        other => panic!("{other:?}"),
    }
}

fn latest(service_told: &[Event], word: &str) -> Event {
    let found = service_told.iter().rfind(|event| event.kind.as_str() == word);
    found.unwrap_or_else(|| panic!("nobody was told of {word}")).clone()
}

#[tokio::test]
async fn a_service_holds_for_seven_days_at_most_and_an_operator_ends_its_holds_and_no_others() {
    let service = Service::new();
    let (phone, codes) = service.enrolled().await;
    let verifier = &service.verifier;
    // A hold of the policy's, which nobody ends.
    drop(accepted(service.submit(T, Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap())).await));
    let why = text("password reset");
    let hold = async |purposes: &[Purpose], secs: u64| verifier.hold(&alice(), purposes, secs, &why).await;
    refused_with(hold(&[Purpose::WITHDRAWAL], 7 * DAY + 1).await, &AccountError::HoldLength);
    refused_with(hold(&[Purpose::WITHDRAWAL], 0).await, &AccountError::HoldLength);
    refused_with(hold(&[Purpose::BINDING], DAY).await, &AccountError::NeverHeld);
    let misspelled = Purpose::new("withdrawl").unwrap();
    refused_with(hold(&[misspelled], DAY).await, &AccountError::UndeclaredPurpose { purpose: misspelled });
    let before = held(&verifier.view(&alice()).await.unwrap());
    assert_eq!(before, [(Purpose::WITHDRAWAL, at(T + DAY))]);

    hold(&[Purpose::WITHDRAWAL, Purpose::LOGIN], 2 * DAY).await.unwrap();
    let view = verifier.view(&alice()).await.unwrap();
    let own: Vec<_> = view.holds.iter().filter(|hold| hold.reason.is_some()).collect();
    assert_eq!(own.iter().map(|hold| hold.purpose).collect::<Vec<_>>(), [Purpose::WITHDRAWAL, Purpose::LOGIN]);
    assert!(own.iter().all(|hold| hold.until == at(T + 2 * DAY) && hold.reason.as_ref() == Some(&why)));
    let told = latest(&service.told(), "held");
    assert!(told.notifies_owner());
    let refused = service.log_in_refused(T + 30, &phone.shows(T + 30, 0)).await;
    assert_eq!(refused, Rejection::Held { until: at(T + 2 * DAY) });
    // A shorter one changes nothing, and is not told again.
    let count = service.told().len();
    hold(&[Purpose::LOGIN], DAY).await.unwrap();
    assert_eq!(service.told().len(), count);
    // The policy's holds stay.
    verifier.support(operator("desk", "it was him")).end_holds(&alice()).await.unwrap();
    assert_eq!(held(&verifier.view(&alice()).await.unwrap()), before);
    drop(service.log_in(T + 60, &phone.shows(T + 60, 0)).await);
    refused_with(verifier.support(operator("desk", "again")).end_holds(&alice()).await, &AccountError::NothingHeld);
}

#[tokio::test]
async fn what_was_authorized_before_a_hold_of_the_services_does_not_stand_after_it() {
    let acts = AccountLimits { held_purposes: vec![], ..AccountLimits::default() };
    let service = Service::with(Policy::new(acts).unwrap());
    let (phone, _) = service.enrolled().await;
    service.clock.set(at(T));
    let act = Act::new(Purpose::WITHDRAWAL, &[1; 32], [2; 16], &phone.shows(T, 0));
    let authorization = accepted(answer(service.verifier.authorize(&alice(), act).await));
    service.verifier.still_stands(&authorization).await.unwrap();
    service.verifier.hold(&alice(), &[Purpose::WITHDRAWAL], DAY, &text("mailbox changed")).await.unwrap();
    let held = service.verifier.still_stands(&authorization).await;
    refused_with(held, &AccountError::Held { until: at(T + DAY) });
    service.clock.set(at(T + 60));
    service.verifier.support(operator("desk", "known")).end_holds(&alice()).await.unwrap();
    refused_with(service.verifier.still_stands(&authorization).await, &AccountError::AuthorizationEnded);
}

#[tokio::test]
async fn events_say_where_an_attempt_came_from_and_so_do_the_changes_that_follow() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let source = |address: &str| Source::new().with_address(address).with_agent("Firefox").with_correlation_id("r-7");
    let (owner, thief) = (source("203.0.113.7"), source("198.51.100.66"));
    let wrong = Attempt::new(Purpose::LOGIN, &phone.never_shows(T, 1)).with_source(thief.clone());
    let _ = service.refused(T, wrong).await;
    let malformed = Attempt::new(Purpose::LOGIN, "no code").with_source(thief.clone());
    assert_eq!(service.refused(T, malformed).await, Rejection::Malformed);
    assert_eq!(service.told().last().unwrap().source, Some(thief.clone()), "also where nothing was looked at");
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, 0)).with_source(owner.clone());
    let proof = accepted(service.submit(T, attempt).await);
    drop(service.verifier.enroll(proof, sms("+819012345678")).await.unwrap());
    let request = CodeRequest::new(AuthenticatorId::new(2), Purpose::BINDING).with_source(owner.clone());
    let _ = service.message(T + 1, request).await;
    let resync = Resync::new(&phone.never_shows(T, 1), &phone.never_shows(T, 2)).with_source(thief.clone());
    let _ = rejected(service.resync(T + 2, resync).await);
    // Kept in the record, and told.
    for events in [service.verifier.history(&alice()).await.unwrap(), service.told()] {
        let from = |word: &str| latest(&events, word).source;
        assert_eq!(from("accepted"), Some(owner.clone()));
        assert_eq!(from("enrollment_begun"), Some(owner.clone()), "by the proof");
        assert_eq!(from("code_sent"), Some(owner.clone()));
        assert_eq!(from("rejected"), Some(thief.clone()));
        assert_eq!(from("confirmed"), None);
    }
    let (address, agent) = (thief.address().unwrap(), thief.agent().unwrap());
    assert_eq!((address, agent, thief.correlation_id()), ("198.51.100.66", "Firefox", Some("r-7")));
}

#[tokio::test]
async fn the_link_of_a_notice_freezes_at_once_and_for_seven_days_and_nothing_else_does() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let proof = service.prove(T, &phone.shows(T, 0)).await;
    let thief = Phone::of(&service.verifier.enroll(proof, new_authenticator()).await.unwrap());
    drop(service.confirmed(T + 1, &thief).await);
    let told = latest(&service.told(), "confirmed");
    assert!(told.notifies_owner());
    let handle = told.freeze_handle.as_ref().unwrap().to_text().expose().clone();
    let handles: Vec<_> = service.told().iter().filter_map(|event| event.freeze_handle.clone()).collect();
    assert!(handles.len() >= 2 && handles.iter().all(|one| handles.iter().filter(|other| one == *other).count() == 1));
    assert!(service.told().iter().all(|event| event.freeze_handle.is_some() == event.notifies_owner()));
    let shown = format!("{told:?}");
    assert!(!shown.contains(&handle[32..]) && shown.contains("FreezeHandle(..)"), "{shown}");

    let freeze = async |handle: &str| service.verifier.freeze_by_owner(&alice(), OwnerFreeze::by_notice(handle)).await;
    let mut flipped = handle.clone();
    flipped.replace_range(63..64, if handle.ends_with('0') { "1" } else { "0" });
    let other_time = format!("{}{}{}", &handle[..31], "0", &handle[32..]);
    for wrong in ["", "no handle", &handle[..62], &"00".repeat(32), &flipped, &other_time, &format!("{handle}00")] {
        refused_with(freeze(wrong).await, &AccountError::UnknownHandle);
    }
    let session = service.log_in(T + 30, &phone.shows(T + 30, 0)).await;
    let before = service.told().len();
    freeze(&handle).await.unwrap();
    freeze(&handle.to_uppercase()).await.unwrap();
    assert_eq!(service.told().len(), before + 1, "pressed twice, told once");
    assert_eq!(latest(&service.told(), "frozen_by_owner").operator, None);
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!(view.second_step, SecondStep::Blocked(BlockedBy::Frozen));
    assert_ne!(view.epoch, session.epoch(), "sessions have ended");
    assert_eq!(service.log_in_refused(T + 60, &thief.shows(T + 60, 0)).await, Rejection::Frozen);
    service.verifier.support(operator("desk", "called")).thaw(&alice()).await.unwrap();
    drop(service.log_in(T + 90, &phone.shows(T + 90, 0)).await);
    // Whoever has read that mail freezes no second time; the notice of the thaw does, for a week.
    refused_with(freeze(&handle).await, &AccountError::UnknownHandle);
    let thawed = latest(&service.told(), "thawed").freeze_handle.unwrap().to_text();
    service.clock.set(at(T + 60 + 7 * DAY));
    refused_with(freeze(thawed.expose()).await, &AccountError::UnknownHandle);
    service.clock.set(at(T + 60 + 7 * DAY - 1));
    freeze(thawed.expose()).await.unwrap();
    drop(service.verifier.support(operator("desk", "lost all")).reset(&alice()).await.unwrap());
    refused_with(freeze(thawed.expose()).await, &AccountError::UnknownHandle);
}

#[tokio::test]
async fn an_owner_who_is_logged_in_freezes_without_a_notice_and_an_operator_thaws() {
    let service = Service::new();
    let (phone, codes) = service.enrolled().await;
    let session = service.log_in(T + 30, &phone.shows(T + 30, 0)).await;
    let before = service.told().len();
    let source = Source::new().with_address("203.0.113.7");
    let freeze = || OwnerFreeze::by_session(session.epoch()).with_source(source.clone());
    for _twice in 0..2 {
        service.verifier.freeze_by_owner(&alice(), freeze()).await.unwrap();
    }
    assert_eq!(service.told().len(), before + 1, "pressed twice, told once");
    let told = latest(&service.told(), "frozen_by_owner");
    assert!(told.operator.is_none() && told.notifies_owner());
    assert_eq!(told.source.as_ref(), Some(&source));
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!((view.second_step, view.frozen_at), (SecondStep::Blocked(BlockedBy::Frozen), Some(at(T + 30))));
    assert_ne!(view.epoch, session.epoch(), "sessions have ended");
    // Nothing gets in, and no proof of before does anything.
    assert_eq!(service.log_in_refused(T + 60, &phone.shows(T + 60, 0)).await, Rejection::Frozen);
    let recovery = Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap());
    assert_eq!(rejected(service.submit(T + 60, recovery).await), Rejection::Frozen);
    service.verifier.support(operator("desk", "called")).thaw(&alice()).await.unwrap();
    // A session of before, which may have been stolen, freezes no second time.
    refused_with(service.verifier.freeze_by_owner(&alice(), freeze()).await, &AccountError::SessionEnded);
    drop(service.log_in(T + 90, &phone.shows(T + 90, 0)).await);
    // Nobody's account is frozen by it but the one that is named.
    let bob = AccountId::new("bob").unwrap();
    assert!(matches!(service.verifier.freeze_by_owner(&bob, freeze()).await, Err(Error::NoSuchAccount)));
}

#[tokio::test]
async fn a_thief_who_has_bound_an_app_does_not_wait_for_the_hold_to_end_in_a_freeze() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let proof = service.prove(T, &phone.shows(T, 0)).await;
    let thief = Phone::of(&service.verifier.enroll(proof, new_authenticator()).await.unwrap());
    drop(service.confirmed(T + 1, &thief).await);
    service.verifier.support(operator("desk", "called")).freeze(&alice()).await.unwrap();
    let later = T + 3 * DAY;
    service.clock.set(at(later));
    service.verifier.support(operator("desk", "back")).thaw(&alice()).await.unwrap();
    let refused = service.refused(later, Attempt::new(Purpose::WITHDRAWAL, &thief.shows(later, 0))).await;
    assert_eq!(refused, Rejection::Held { until: at(later + DAY) });
}

#[tokio::test]
async fn a_handle_is_for_its_own_account() {
    let service = Service::new();
    let _ = service.enrolled().await;
    let bob = sekisho::account::AccountId::new("bob").unwrap();
    service.verifier.create_account(&bob).await.unwrap();
    let handle = latest(&service.told(), "confirmed").freeze_handle.unwrap().to_text();
    refused_with(
        service.verifier.freeze_by_owner(&bob, OwnerFreeze::by_notice(handle.expose())).await,
        &AccountError::UnknownHandle,
    );
}

#[tokio::test]
async fn a_success_after_many_failures_and_one_from_an_unknown_browser_are_told() {
    let limits = AccountLimits { tell_unknown_browsers: true, tell_after_failures: 3, ..phone::limits() };
    let service = Service::with(Policy::new(limits).unwrap());
    let (phone, codes) = service.enrolled().await;
    let count = |word: &str| service.told().iter().filter(|event| event.kind.as_str() == word).count();
    let proof = service.log_in(T, &phone.shows(T, 0)).await;
    assert_eq!((count("unknown_browser"), count("accepted_after_failures")), (1, 0));
    let cookie = service.verifier.remember_device(&proof, text("Firefox")).await.unwrap().to_text();
    let known = |code: &str| Attempt::new(Purpose::LOGIN, code).with_device(cookie.expose());
    for which in 0..2 {
        let _ = service.refused(T + 30, known(&phone.never_shows(T + 30, which))).await;
    }
    drop(accepted(service.submit(T + 30, known(&phone.shows(T + 30, 0))).await));
    assert_eq!((count("unknown_browser"), count("accepted_after_failures")), (1, 0));
    for which in 0..3 {
        let _ = service.log_in_refused(T + 60, &phone.never_shows(T + 60, which)).await;
    }
    drop(accepted(service.submit(T + 60, known(&phone.shows(T + 60, 0))).await));
    let told = latest(&service.told(), "accepted_after_failures");
    let expected = EventKind::AcceptedAfterFailures { purpose: Purpose::LOGIN, failures_in_a_row: 3 };
    assert_eq!((told.kind.clone(), told.notifies_owner(), count("unknown_browser")), (expected, true, 1));
    // A recovery code is told as that.
    drop(accepted(service.submit(T + 90, Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap())).await));
    assert_eq!((count("unknown_browser"), count("recovered")), (1, 1));
    // A pass is no browser that is known. And however many log-ins there are, one such notice is kept:
    // those of changes stay.
    for number in 4..40 {
        let secs = T + number * 600;
        service.clock.set(at(secs));
        let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(secs, 0));
        let attempt = if number == 4 {
            let pass = service.verifier.mail_pass(&alice(), None).await.unwrap().to_text();
            attempt.with_pass(pass.expose())
        } else {
            attempt
        };
        drop(accepted(service.submit(secs, attempt).await));
    }
    assert_eq!(count("unknown_browser"), 1 + 36);
    let kept = service.verifier.history(&alice()).await.unwrap();
    let kept = |word: &str| kept.iter().filter(|event| event.kind.as_str() == word).count();
    assert_eq!((kept("unknown_browser"), kept("confirmed"), kept("recovery_codes_issued")), (1, 1, 1));
}

#[tokio::test]
async fn an_owner_suspends_a_phone_that_is_lost_and_resumes_it_with_another_code() {
    let service = Service::new();
    let (phone, codes) = service.enrolled().await;
    let id = AuthenticatorId::new(1);
    let state = async || service.verifier.view(&alice()).await.unwrap().authenticators[0].state;
    let mut unused = codes.iter();
    let mut by_sheet = async |secs: u64| {
        let code = unused.next().unwrap();
        accepted(service.submit(secs, Attempt::recovery(Purpose::BINDING, code)).await)
    };
    let session = service.log_in(T, &phone.shows(T, 0)).await;
    let proof = by_sheet(T + 1).await;
    let epoch = service.verifier.suspend(proof, id).await.unwrap();
    assert_ne!(epoch, session.epoch());
    assert_eq!(state().await, AuthenticatorState::Suspended);
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!((view.epoch, view.second_step), (epoch, SecondStep::Blocked(BlockedBy::Suspended)));
    assert!(latest(&service.told(), "suspended").notifies_owner());
    assert_eq!(service.log_in_refused(T + 30, &phone.shows(T + 30, 0)).await, Rejection::Disabled);
    let found = Resync::new(&phone.shows(T + 30, -20), &phone.shows(T + 30, -19));
    assert_eq!(rejected(service.resync(T + 30, found).await), Rejection::Disabled);
    let proof = by_sheet(T + 31).await;
    refused_with(service.verifier.suspend(proof, id).await, &AccountError::NoSuchAuthenticator { id });
    let proof = by_sheet(T + 32).await;
    let resumed = service.verifier.resume(proof, id).await.unwrap();
    assert_ne!(resumed, epoch);
    assert_eq!(held(&service.verifier.view(&alice()).await.unwrap()), [(Purpose::WITHDRAWAL, at(T + 32 + DAY))]);
    drop(service.log_in(T + 60, &phone.shows(T + 60, 0)).await);
    let proof = by_sheet(T + 61).await;
    refused_with(service.verifier.resume(proof, id).await, &AccountError::NoSuchAuthenticator { id });
}

#[tokio::test]
async fn the_last_way_in_is_not_suspended() {
    let service = Service::new();
    service.verifier.create_account(&alice()).await.unwrap();
    service.clock.set(at(T));
    let first = service.verifier.enroll_first(&alice(), new_authenticator()).await.unwrap();
    let phone = Phone::of(&first);
    drop(service.confirmed(T, &phone).await);
    let id = first.authenticator();
    let proof = service.prove(T + 60, &phone.shows(T + 60, 0)).await;
    refused_with(service.verifier.suspend(proof, id).await, &AccountError::LastAuthenticator);
    let proof = service.prove(T + 90, &phone.shows(T + 90, 0)).await;
    let second = service.verifier.enroll(proof, new_authenticator()).await.unwrap();
    drop(service.confirmed(T + 91, &Phone::of(&second)).await);
    let proof = service.prove(T + 120, &phone.shows(T + 120, 0)).await;
    service.verifier.suspend(proof, id).await.unwrap();
    assert!(service.log_in_refused(T + 150, &phone.shows(T + 150, 0)).await.is_charged());
    let proof = service.prove(T + 150, &Phone::of(&second).shows(T + 150, 0)).await;
    let last = service.verifier.suspend(proof, second.authenticator()).await;
    refused_with(last, &AccountError::LastAuthenticator);
}

#[tokio::test]
async fn an_operator_disables_one_authenticator_and_the_view_counts_and_dates_each() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let proof = service.prove(T, &phone.shows(T, 0)).await;
    let second = service.verifier.enroll(proof, new_authenticator()).await.unwrap();
    let other = Phone::of(&second);
    drop(service.confirmed(T + 1, &other).await);
    for secs in [T + 60, T + 90, T + 120] {
        drop(service.log_in(secs, &other.shows(secs, 0)).await);
    }
    let view = service.verifier.view(&alice()).await.unwrap();
    let of = |place: usize| {
        let one = &view.authenticators[place];
        (one.uses, one.last_used, one.bound_at)
    };
    assert_eq!(of(1), (3, at(T + 120), at(T + 1)));
    assert_eq!((of(0).0, of(0).1), (1, at(T)));
    let begun = service.prove(T + 121, &other.shows(T + 150, 0)).await;
    let third = Phone::of(&service.verifier.enroll(begun, new_authenticator()).await.unwrap());
    let proof = accepted(service.submit(T + 140, Attempt::new(Purpose::LOGIN, &other.shows(T + 120, 2))).await);
    service.verifier.support(operator("desk", "sold phone")).disable(&alice(), second.authenticator()).await.unwrap();
    let told = latest(&service.told(), "authenticator_disabled");
    assert_eq!(told.operator.unwrap().name().as_str(), "desk");
    // What its holder has begun, or was given, is over.
    refused_with(
        service.verifier.rename(&proof, second.authenticator(), text("mine")).await,
        &AccountError::ProofSpent,
    );
    let confirmed = service.verifier.confirm(&alice(), Attempt::new(Purpose::BINDING, &third.shows(T + 141, 0))).await;
    assert!(matches!(confirmed, Err(NotAccepted::Failed(Error::Account(AccountError::NothingPending)))));
    assert!(service.log_in_refused(T + 240, &other.shows(T + 240, 0)).await.is_charged());
    drop(service.log_in(T + 240, &phone.shows(T + 240, 0)).await);
    let states = service.verifier.view(&alice()).await.unwrap().authenticators;
    let states: Vec<_> = states.iter().map(|one| one.state).collect();
    assert_eq!(states, [AuthenticatorState::Active, AuthenticatorState::Disabled]);
}

#[tokio::test]
async fn an_attempt_that_names_an_authenticator_is_judged_by_that_one_only() {
    let service = Service::new();
    let (phone, _) = service.enrolled().await;
    let proof = service.prove(T, &phone.shows(T, 0)).await;
    let second = service.verifier.enroll(proof, new_authenticator()).await.unwrap();
    let other = Phone::of(&second);
    drop(service.confirmed(T + 1, &other).await);
    let named = |code: String, id: AuthenticatorId| Attempt::new(Purpose::LOGIN, &code).with_authenticator(id);
    let first = AuthenticatorId::new(1);
    let wrong = service.refused(T + 60, named(other.shows(T + 60, 0), first)).await;
    assert!(matches!(wrong, Rejection::Mismatch(_)), "{wrong:?}");
    let proof = accepted(service.submit(T + 60, named(other.shows(T + 60, 0), second.authenticator())).await);
    assert_eq!(proof.authenticator(), Some(second.authenticator()));
    let nobodys = AuthenticatorId::new(99);
    let answered = service.verifier.verify(&alice(), named(phone.shows(T + 60, 0), nobodys)).await;
    let expected = AccountError::NoSuchAuthenticator { id: nobodys };
    assert!(matches!(answered, Err(NotAccepted::Failed(Error::Account(error))) if error == expected));
}

#[tokio::test]
async fn a_new_sheet_replaces_the_old_one_when_its_owner_says_that_it_is_kept() {
    let service = Service::new();
    let (phone, old) = service.enrolled().await;
    let proof = service.prove(T, &phone.shows(T, 0)).await;
    let sheet = service.verifier.issue_recovery_codes(proof).await.unwrap();
    let handle = sheet.handle().to_text();
    assert_eq!(sheet.until(), at(T + 600));
    let texts = |codes: &sekisho::account::RecoveryCodes| codes.iter().map(str::to_owned).collect::<Vec<_>>();
    let new = texts(sheet.codes());
    // Not in force yet; the old one is.
    let early = service.refused(T + 1, Attempt::recovery(Purpose::LOGIN, &new[0])).await;
    assert_eq!(early, Rejection::UnknownRecoveryCode);
    drop(accepted(service.submit(T + 2, Attempt::recovery(Purpose::LOGIN, old.iter().next().unwrap())).await));
    // A page that is loaded again shows the same codes, for ten minutes, to whoever has the handle.
    service.clock.set(at(T + 599));
    let again = service.verifier.waiting_recovery_codes(&alice(), handle.expose()).await.unwrap();
    assert_eq!(texts(again.codes()), new);
    for wrong in ["", "no handle", &"00".repeat(32)] {
        let shown = service.verifier.waiting_recovery_codes(&alice(), wrong).await;
        refused_with(shown, &AccountError::NothingPending);
        refused_with(service.verifier.keep_recovery_codes(&alice(), wrong).await, &AccountError::NothingPending);
    }
    service.verifier.keep_recovery_codes(&alice(), handle.expose()).await.unwrap();
    refused_with(service.verifier.keep_recovery_codes(&alice(), handle.expose()).await, &AccountError::NothingPending);
    let gone = service.refused(T + 600, Attempt::recovery(Purpose::LOGIN, old.iter().nth(1).unwrap())).await;
    assert_eq!(gone, Rejection::UnknownRecoveryCode);
    drop(accepted(service.submit(T + 600, Attempt::recovery(Purpose::LOGIN, &new[0])).await));
    // Never said to be kept: the one before stays.
    let proof = accepted(service.submit(T + 630, Attempt::new(Purpose::BINDING, &phone.shows(T + 630, 0))).await);
    let lost = service.verifier.issue_recovery_codes(proof).await.unwrap().handle().to_text();
    service.clock.set(at(T + 1_230));
    refused_with(service.verifier.keep_recovery_codes(&alice(), lost.expose()).await, &AccountError::NothingPending);
    drop(accepted(service.submit(T + 1_230, Attempt::recovery(Purpose::LOGIN, &new[1])).await));
}

#[tokio::test]
async fn what_a_thief_has_begun_by_the_sheet_ends_with_it() {
    let service = Service::new();
    let (phone, stolen) = service.enrolled().await;
    let mut codes = stolen.iter();
    let mut by_sheet = async |secs: u64| {
        accepted(service.submit(secs, Attempt::recovery(Purpose::BINDING, codes.next().unwrap())).await)
    };
    let proof = by_sheet(T).await;
    let thief = Phone::of(&service.verifier.enroll(proof, new_authenticator()).await.unwrap());
    let kept = by_sheet(T + 1).await;
    let proof = service.prove(T + 30, &phone.shows(T + 30, 0)).await;
    service.verifier.void_recovery_codes(&proof).await.unwrap();
    refused_with(service.verifier.enroll(kept, new_authenticator()).await, &AccountError::ProofSpent);
    let confirmed = service.verifier.confirm(&alice(), thief.confirming(T + 31)).await;
    refused_with(confirmed.map_err(Error::from), &AccountError::NothingPending);
    let _ = service::kept_codes(&service.verifier, proof).await.unwrap();
}

#[tokio::test]
async fn a_stolen_sheet_is_void_at_once_and_the_same_proof_makes_the_next() {
    let service = Service::new();
    let (phone, stolen) = service.enrolled().await;
    let login = service.log_in(T, &phone.shows(T, 0)).await;
    let by_log_in = service.verifier.void_recovery_codes(&login).await;
    refused_with(by_log_in, &AccountError::ProofForAnotherPurpose);
    let proof = service.prove(T + 30, &phone.shows(T + 30, 0)).await;
    service.verifier.void_recovery_codes(&proof).await.unwrap();
    assert!(latest(&service.told(), "recovery_codes_voided").notifies_owner());
    let code = Attempt::recovery(Purpose::LOGIN, stolen.iter().next().unwrap());
    let answered = service.verifier.verify(&alice(), code).await;
    assert!(matches!(answered, Err(NotAccepted::Failed(Error::Account(AccountError::NoRecoveryCodes)))));
    refused_with(service.verifier.void_recovery_codes(&proof).await, &AccountError::NoRecoveryCodes);
    assert!(service.verifier.view(&alice()).await.unwrap().recovery_codes_due, "the next set is due");
    assert_eq!(service::kept_codes(&service.verifier, proof).await.unwrap().iter().len(), 10);
}

#[tokio::test]
async fn after_a_use_the_next_set_is_due_and_the_policy_may_ask_for_it_before_acts() {
    let limits =
        AccountLimits { new_recovery_codes_before_acts: true, held_purposes: vec![], ..AccountLimits::default() };
    let service = Service::with(Policy::new(limits).unwrap());
    let (phone, codes) = service.enrolled().await;
    let due = async || service.verifier.view(&alice()).await.unwrap().recovery_codes_due;
    assert!(!due().await);
    drop(accepted(service.submit(T, Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap())).await));
    assert!(due().await);
    let act = |secs: u64| Act::new(Purpose::WITHDRAWAL, &[1; 32], [2; 16], &phone.shows(secs, 0));
    let answered = service.verifier.authorize(&alice(), act(T)).await;
    assert!(matches!(answered, Err(NotAccepted::Failed(Error::Account(AccountError::RecoveryCodesDue)))));
    let proof = service.prove(T + 30, &phone.shows(T + 30, 0)).await;
    let _ = service::kept_codes(&service.verifier, proof).await.unwrap();
    assert!(!due().await);
    service.clock.set(at(T + 60));
    drop(accepted(answer(service.verifier.authorize(&alice(), act(T + 60)).await)));
}

#[tokio::test]
async fn a_replacement_has_a_label_of_its_own_in_the_app() {
    let service = Service::new();
    service.verifier.create_account(&alice()).await.unwrap();
    service.clock.set(at(T));
    let label = |begun: &sekisho::account::Enrollment| begun.uri().account().to_owned();
    let first = service.verifier.enroll_first(&alice(), new_authenticator()).await.unwrap();
    let plain = label(&first);
    // Begun again before anything is bound: the app may overwrite that one.
    let first = service.verifier.enroll_first(&alice(), new_authenticator()).await.unwrap();
    assert_eq!(label(&first), plain);
    let phone = Phone::of(&first);
    drop(service.confirmed(T, &phone).await);
    let proof = service.prove(T + 60, &phone.shows(T + 60, 0)).await;
    let new = service.verifier.replace(proof, first.authenticator(), new_authenticator()).await.unwrap();
    assert_eq!(label(&new), format!("{plain} (3)"));
    let again = service.verifier.pending_enrollment(&alice(), new.handle().to_text().expose()).await.unwrap();
    assert_eq!(label(&again), label(&new), "shown again, it is the same");
}

#[tokio::test]
async fn where_two_operators_are_asked_for_one_alone_resets_and_thaws_nothing() {
    let limits = AccountLimits { two_operators: true, ..phone::limits() };
    let (service, store) = on_redb(Policy::new(limits).unwrap());
    let (phone, _) = service.enrolled().await;
    let desk = |name: &str| service.verifier.support(operator(name, "ticket 4711"));
    let needed = AccountError::SecondOperatorNeeded;
    service.clock.set(at(T));
    refused_with(desk("thief").reset(&alice()).await, &needed);
    desk("thief").propose(&alice(), ProposedAct::Reset).await.unwrap();
    refused_with(desk("thief").reset(&alice()).await, &needed);
    refused_with(desk("thief").thaw(&alice()).await, &AccountError::NotFrozen);
    refused_with(desk("thief").propose(&alice(), ProposedAct::Thaw).await, &AccountError::NotFrozen);
    let view = service.verifier.view(&alice()).await.unwrap().proposal.unwrap();
    let said = (view.act, view.operator.name().as_str(), view.until);
    assert_eq!(said, (ProposedAct::Reset, "thief", at(T + DAY)));
    let told = latest(&service.told(), "reset_proposed");
    assert!(told.notifies_owner() && told.operator.unwrap().name().as_str() == "thief");
    // A freeze takes one, ending it two; and a proposal for something else is none.
    desk("Sato").freeze(&alice()).await.unwrap();
    refused_with(desk("Suzuki").reset(&alice()).await, &needed);
    refused_with(desk("Suzuki").thaw(&alice()).await, &needed);
    desk("Suzuki").propose(&alice(), ProposedAct::Thaw).await.unwrap();
    refused_with(desk("Suzuki").thaw(&alice()).await, &needed);
    service.clock.set(at(T + DAY));
    refused_with(desk("Sato").thaw(&alice()).await, &needed);
    desk("Suzuki").propose(&alice(), ProposedAct::Thaw).await.unwrap();
    desk("Sato").thaw(&alice()).await.unwrap();
    let thawed = latest(&service.told(), "thawed").operator.unwrap();
    let proposed = latest(&service.told(), "thaw_proposed").operator.unwrap();
    assert_eq!((thawed.name().as_str(), proposed.name().as_str()), ("Sato", "Suzuki"), "the history has both");
    drop(service.log_in(T + DAY + 30, &phone.shows(T + DAY + 30, 0)).await);
    // Used up: another reset takes another proposal.
    desk("Sato").propose(&alice(), ProposedAct::Reset).await.unwrap();
    drop(desk("Suzuki").reset(&alice()).await.unwrap());
    refused_with(desk("Sato").reset(&alice()).await, &needed);
    refused_with(desk("Suzuki").reset(&alice()).await, &needed);

    // A lost record: made anew by one, opened by another.
    let revision = service::stored(&store).await.revision;
    assert_eq!(store.delete(&alice(), revision).await.unwrap(), Swap::Done);
    refused_with(desk("Sato").rebuild(&alice(), RecordLoss::Missing).await, &needed);
    desk("Sato").propose_rebuild(&alice(), RecordLoss::Missing).await.unwrap();
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!((view.second_step, view.passes), (SecondStep::Blocked(BlockedBy::Reset), 0));
    refused_with(service.verifier.enroll_first(&alice(), new_authenticator()).await, &AccountError::PassNeeded);
    refused_with(desk("Sato").reset(&alice()).await, &needed);
    let pass = desk("Suzuki").reset(&alice()).await.unwrap().to_text();
    drop(service.verifier.enroll_with_pass(&alice(), pass.expose(), None, new_authenticator()).await.unwrap());
}

/// An owner with an e-mail address that was bound long ago, where recoveries take three days.
async fn who_may_recover() -> (Service, Phone) {
    let limits = AccountLimits { self_recovery_secs: 3 * DAY, ..phone::limits() };
    let service = Service::with(Policy::new(limits).unwrap());
    let (phone, _) = service.enrolled().await;
    let start = T - 10 * DAY;
    let confirmation = confirmed(&service, start, &mail()).await;
    let proof = service.prove(start, &phone.shows(start, 0)).await;
    service.verifier.bind_email(proof, confirmation).await.unwrap();
    (service, phone)
}

async fn confirmed(service: &Service, secs: u64, address: &Address) -> Proof {
    let code = service.message(secs, CodeRequest::confirmation(address.clone())).await;
    accepted(service.submit(secs, Attempt::confirmation(address, &code)).await)
}

#[tokio::test]
async fn an_owner_recovers_without_support_after_three_days_of_being_told() {
    let (service, _) = who_may_recover().await;
    let verifier = &service.verifier;
    let waits = || service.told().iter().filter(|event| event.kind.as_str() == "self_recovery_waits").count();
    let elsewhere = confirmed(&service, T, &Address::email("mallory@example.com").unwrap()).await;
    refused_with(verifier.begin_self_recovery(&elsewhere).await, &AccountError::AddressNotBound);
    let until = verifier.begin_self_recovery(&confirmed(&service, T + 60, &mail()).await).await.unwrap();
    assert_eq!((until, waits()), (at(T + 60 + 3 * DAY), 1));
    assert_eq!(verifier.view(&alice()).await.unwrap().self_recovery, Some(until));
    let again = confirmed(&service, T + 120, &mail()).await;
    refused_with(verifier.begin_self_recovery(&again).await, &AccountError::RecoveryWaits);
    // A job runs each hour: the owner is told once a day.
    for hour in 1..72 {
        service.clock.set(at(T + 60 + hour * 3_600));
        verifier.remind(&alice()).await.unwrap();
    }
    assert_eq!(waits(), 3);
    let early = confirmed(&service, T + 60 + 3 * DAY - 60, &mail()).await;
    refused_with(verifier.finish_self_recovery(&early).await, &AccountError::RecoveryWaits);
    let now = T + 60 + 3 * DAY;
    let pass = verifier.finish_self_recovery(&confirmed(&service, now, &mail()).await).await.unwrap().to_text();
    assert!(latest(&service.told(), "self_recovered").notifies_owner());
    // The answer got lost: another confirmation gives another pass, and the first is void.
    let lost = pass;
    let again = confirmed(&service, now + 40, &mail()).await;
    let pass = verifier.finish_self_recovery(&again).await.unwrap().to_text();
    refused_with(verifier.finish_self_recovery(&again).await, &AccountError::ProofSpent);
    let by_lost = verifier.enroll_with_pass(&alice(), lost.expose(), None, new_authenticator()).await;
    refused_with(by_lost, &AccountError::PassNeeded);
    let view = verifier.view(&alice()).await.unwrap();
    assert_eq!((view.second_step, view.self_recovery), (SecondStep::Blocked(BlockedBy::Reset), None));
    assert_eq!(held(&view), [(Purpose::WITHDRAWAL, at(now + 2 * DAY))]);
    let new = Phone::of(&verifier.enroll_with_pass(&alice(), pass.expose(), None, new_authenticator()).await.unwrap());
    drop(service.confirmed(now + 60, &new).await);
    drop(service.log_in(now + 90, &new.shows(now + 90, 0)).await);
    let over = confirmed(&service, now + 120, &mail()).await;
    refused_with(verifier.finish_self_recovery(&over).await, &AccountError::NothingPending);
}

#[tokio::test]
async fn a_recovery_whose_owner_was_told_on_the_last_day_only_takes_no_effect() {
    let (service, _) = who_may_recover().await;
    let verifier = &service.verifier;
    let until = verifier.begin_self_recovery(&confirmed(&service, T, &mail()).await).await.unwrap().as_secs();
    service.clock.set(at(until - 60));
    verifier.remind(&alice()).await.unwrap();
    let early = confirmed(&service, until, &mail()).await;
    refused_with(verifier.finish_self_recovery(&early).await, &AccountError::RecoveryWaits);
    // The third notice, a day later, makes it whole.
    service.clock.set(at(until + DAY));
    verifier.remind(&alice()).await.unwrap();
    let late = confirmed(&service, until + DAY + 60, &mail()).await;
    drop(verifier.finish_self_recovery(&late).await.unwrap());
}

/// Takes events, or not.
#[derive(Clone, Default)]
struct Sink(Told, Arc<AtomicBool>);

impl EventSink for Sink {
    async fn deliver(&self, account: &AccountId, event: &Event) -> Result<(), SinkError> {
        if self.1.load(Ordering::Relaxed) { Err("down".into()) } else { self.0.deliver(account, event).await }
    }
}

#[tokio::test]
async fn while_the_sink_is_down_the_owner_learns_nothing_and_the_wait_begins_anew() {
    let (service, store) = {
        let limits = AccountLimits { self_recovery_secs: 3 * DAY, ..phone::limits() };
        on_redb(Policy::new(limits).unwrap())
    };
    let (phone, _) = service.enrolled().await;
    let start = T - 10 * DAY;
    let confirmation = confirmed(&service, start, &mail()).await;
    let proof = service.prove(start, &phone.shows(start, 0)).await;
    service.verifier.bind_email(proof, confirmation).await.unwrap();
    let sink = Sink::default();
    let limits = AccountLimits { self_recovery_secs: 3 * DAY, ..phone::limits() };
    let verifier = Verifier::builder(store, phone::keyring())
        .policy(Policy::new(limits).unwrap())
        .clock(service.clock.clone())
        .event_sink(sink.clone())
        .build();
    let confirmed = async |secs: u64| {
        service.clock.set(at(secs));
        let delivery = accepted(answer(verifier.deliver(&alice(), CodeRequest::confirmation(mail())).await));
        let attempt = Attempt::confirmation(&mail(), &delivery.code.reveal().to_string());
        accepted(answer(verifier.verify(&alice(), attempt).await))
    };
    sink.1.store(true, Ordering::Relaxed);
    verifier.begin_self_recovery(&confirmed(T).await).await.unwrap();
    for hour in 1..72 {
        service.clock.set(at(T + hour * 3_600));
        verifier.remind(&alice()).await.unwrap();
    }
    // The sink is back, and the thief at once there.
    sink.1.store(false, Ordering::Relaxed);
    service.clock.set(at(T + 3 * DAY));
    verifier.remind(&alice()).await.unwrap();
    assert!(sink.0.all().iter().any(|event| event.kind.as_str() == "self_recovery_waits"));
    let early = confirmed(T + 3 * DAY + 60).await;
    refused_with(verifier.finish_self_recovery(&early).await, &AccountError::RecoveryWaits);
    let until = verifier.view(&alice()).await.unwrap().self_recovery.unwrap();
    assert!(until >= at(T + 5 * DAY), "three days from when the owner could learn of it: {until:?}");
}

#[tokio::test]
async fn whoever_reads_the_mail_recovers_nothing_if_the_owner_is_there() {
    let (service, phone) = who_may_recover().await;
    let verifier = &service.verifier;
    let begin = async |secs: u64| {
        let confirmation = confirmed(&service, secs, &mail()).await;
        verifier.begin_self_recovery(&confirmation).await
    };
    // Any code ends it, a wrong one does not.
    begin(T).await.unwrap();
    let _ = service.log_in_refused(T + 30, &phone.never_shows(T + 30, 1)).await;
    assert!(verifier.view(&alice()).await.unwrap().self_recovery.is_some());
    drop(service.log_in(T + 60, &phone.shows(T + 60, 0)).await);
    assert!(latest(&service.told(), "self_recovery_ended").notifies_owner());
    let ended = confirmed(&service, T + 4 * DAY, &mail()).await;
    refused_with(verifier.finish_self_recovery(&ended).await, &AccountError::NothingPending);
    // The link of the notice ends it, too.
    begin(T + 4 * DAY + 60).await.unwrap();
    let handle = latest(&service.told(), "self_recovery_waits").freeze_handle.unwrap().to_text();
    verifier.freeze_by_owner(&alice(), OwnerFreeze::by_notice(handle.expose())).await.unwrap();
    assert_eq!(verifier.view(&alice()).await.unwrap().self_recovery, None);
    verifier.support(operator("desk", "called")).thaw(&alice()).await.unwrap();
    // Three a year.
    begin(T + 5 * DAY).await.unwrap();
    drop(service.log_in(T + 5 * DAY + 30, &phone.shows(T + 5 * DAY + 30, 0)).await);
    refused_with(begin(T + 6 * DAY).await, &AccountError::TooMany);
    refused_with(begin(T + 364 * DAY).await, &AccountError::TooMany);
    begin(T + 366 * DAY).await.unwrap();
    // Nobody was told after the first day: it takes no effect, however late.
    let late = confirmed(&service, T + 380 * DAY, &mail()).await;
    refused_with(verifier.finish_self_recovery(&late).await, &AccountError::RecoveryWaits);
}

#[tokio::test]
async fn recovery_without_support_is_offered_only_by_choice_and_where_owners_are_told() {
    let service = Service::with(phone::policy());
    let _ = service.enrolled().await;
    let confirmation = confirmed(&service, T, &mail()).await;
    refused_with(service.verifier.begin_self_recovery(&confirmation).await, &AccountError::NotOffered);
    for secs in [1, 3_600, 86_399, 31 * DAY] {
        let limits = AccountLimits { self_recovery_secs: secs, ..phone::limits() };
        assert!(Policy::new(limits).is_err(), "{secs}");
    }
    let (service, store) = {
        let limits = AccountLimits { self_recovery_secs: DAY, ..phone::limits() };
        on_redb(Policy::new(limits).unwrap())
    };
    let _ = service.enrolled().await;
    let confirmation = confirmed(&service, T, &mail()).await;
    let untold = Verifier::builder(store, phone::keyring())
        .policy(Policy::new(AccountLimits { self_recovery_secs: DAY, ..phone::limits() }).unwrap())
        .clock(service.clock.clone())
        .without_notifications()
        .build();
    refused_with(untold.begin_self_recovery(&confirmation).await, &AccountError::NotOffered);
}
