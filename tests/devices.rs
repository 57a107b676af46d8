//! Device tokens, passes, resets and proofs: each is good for what it is for, and as often.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{self, Phone, T, app, at, new_authenticator, operator};
use crate::service::{
    self, DAY, Everything, Service, accepted, alice, answer, everything, in_memory, mail, rejected, stored,
};
use sekisho::Error;
use sekisho::account::{
    AccountError, AccountLimits, Address, Attempt, AuthenticatorId, Channel, CodeRequest, Method, Policy, Proof,
    Purpose, Resync,
};
use sekisho::otp::{Limits, NotAccepted, Rejection};
use sekisho::store::MemoryStore;

#[tokio::test]
async fn a_pass_is_good_for_one_log_in_and_a_resynchronization_leaves_it() {
    let (service, _) = in_memory(phone::policy());
    let owner = everything(&service).await;
    let behind = -600;
    let pair = Resync::new(&owner.phone.shows(T + DAY - 30, behind), &owner.phone.shows(T + DAY, behind));
    // Passes live a day: another one.
    service.clock.set(at(T + DAY));
    let pass =
        service.verifier.support(phone::operator("desk", "clock wrong")).unlock(&alice()).await.unwrap().to_text();
    accepted(service.resync(T + DAY, pair.with_pass(pass.expose())).await);
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!(phone::held(&view), [(Purpose::WITHDRAWAL, at(T + 2 * DAY))], "a resynchronization by pass holds");
    assert_eq!(app(&view.authenticators[0]).1, -600);
    let now = T + DAY + 30;
    let code = Attempt::new(Purpose::LOGIN, &owner.phone.shows(now, behind)).with_pass(pass.expose());
    drop(accepted(service.submit(now, code).await));
    for failure in 0..5 {
        let wrong = owner.phone.never_shows(now, failure);
        let _ = service.log_in_refused(now + 1, &wrong).await;
    }
    let again = Attempt::new(Purpose::LOGIN, &owner.phone.shows(now + 30, behind)).with_pass(pass.expose());
    assert!(matches!(service.refused(now + 2, again).await, Rejection::Locked { .. }), "it has been used");
}

#[tokio::test]
async fn the_policy_asks_for_a_pass_before_a_change_of_binding() {
    let policy = Policy::new(AccountLimits { binding_takes_pass: true, ..phone::limits() }).unwrap();
    let (service, store) = in_memory(policy);
    let (old, codes) = service.enrolled().await;
    let binding = |secs: u64| Attempt::new(Purpose::BINDING, &old.shows(secs, 0));
    let before = stored(&store).await;
    for attempt in [binding(T), Attempt::recovery(Purpose::BINDING, codes.iter().next().unwrap())] {
        let refused = service.verifier.verify(&alice(), attempt).await;
        assert!(matches!(refused, Err(NotAccepted::Failed(Error::Account(AccountError::PassNeeded)))));
    }
    assert_eq!(stored(&store).await.revision, before.revision, "no code is spent");
    // A device token is no pass.
    let proof = service.log_in(T, &old.shows(T, 0)).await;
    let cookie = service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text();
    let refused = service.verifier.verify(&alice(), binding(T + 30).with_device(cookie.expose())).await;
    assert!(matches!(refused, Err(NotAccepted::Failed(Error::Account(AccountError::PassNeeded)))));
    // The mailed link, then the old code, then the new one.
    let link = accepted(answer(service.verifier.mail_pass(&alice(), None).await)).to_text();
    let proof = accepted(service.submit(T + 30, binding(T + 30).with_pass(link.expose())).await);
    let new = Phone::of(&service.verifier.replace(proof, AuthenticatorId::new(1), new_authenticator()).await.unwrap());
    drop(service.confirmed(T + 60, &new).await);
    let _ = service.log_in(T + 90, &new.shows(T + 90, 0)).await;
    // The link is used up.
    let again = Attempt::new(Purpose::BINDING, &new.shows(T + 120, 0)).with_pass(link.expose());
    service.clock.set(at(T + 120));
    let again = service.verifier.verify(&alice(), again).await;
    assert!(matches!(again, Err(NotAccepted::Failed(Error::Account(AccountError::PassNeeded)))));
    // And lives an hour.
    let link = accepted(answer(service.verifier.mail_pass(&alice(), None).await)).to_text();
    let late = T + 120 + 3_600;
    let attempt = Attempt::new(Purpose::BINDING, &new.shows(late, 0)).with_pass(link.expose());
    service.clock.set(at(late));
    assert!(matches!(
        service.verifier.verify(&alice(), attempt).await,
        Err(NotAccepted::Failed(Error::Account(AccountError::PassNeeded)))
    ));
}

#[tokio::test]
async fn the_policy_asks_for_a_confirmation_after_a_reset() {
    let policy = || Policy::new(AccountLimits { confirmation_after_reset: true, ..phone::limits() }).unwrap();
    let (service, _) = in_memory(policy());
    let _ = service.enrolled().await;
    let support = service.verifier.support(phone::operator("desk", "nothing kept"));
    let pass = support.reset(&alice()).await.unwrap().to_text();
    let enroll = async |proof: Option<Proof>| {
        service.verifier.enroll_with_pass(&alice(), pass.expose(), proof, new_authenticator()).await
    };
    assert!(matches!(enroll(None).await, Err(Error::Account(AccountError::ConfirmationNeeded))));
    let to_owner = || CodeRequest::confirmation(Address::sms("+819012345678").unwrap());
    let code = service.message(T + 30, to_owner()).await;
    let phone = Address::sms("+819012345678").unwrap();
    let confirmed = |code: String| Attempt::confirmation(&phone, &code);
    let proof = accepted(service.submit(T + 40, confirmed(code)).await);
    assert_eq!(proof.address(), Some(&phone));
    // That number was not bound before: whoever has the pass may have named it.
    assert!(matches!(enroll(Some(proof)).await, Err(Error::Account(AccountError::AddressNotBound))));

    let (service, _) = in_memory(policy());
    let (app, _) = service.enrolled().await;
    let bound_at = T - 2 * DAY;
    let proof = service.prove(bound_at, &app.shows(bound_at, 0)).await;
    let id = service.verifier.enroll(proof, service::sms("+819012345678")).await.unwrap().authenticator();
    let code = service.message(bound_at + 30, CodeRequest::new(id, Purpose::BINDING)).await;
    drop(service.confirm(bound_at + 30, &code).await);
    // One that a thief has bound within the hold is not the owner's own.
    let proof = service.prove(T - 300, &app.shows(T - 300, 0)).await;
    let id = service.verifier.enroll(proof, service::sms("+819000000666")).await.unwrap().authenticator();
    let code = service.message(T - 270, CodeRequest::new(id, Purpose::BINDING)).await;
    drop(service.confirm(T - 270, &code).await);
    service.clock.set(at(T));
    let support = service.verifier.support(phone::operator("desk", "nothing kept"));
    // A second reset, before anybody has enrolled, forgets no address.
    drop(support.reset(&alice()).await.unwrap());
    let pass = support.reset(&alice()).await.unwrap().to_text();
    let enroll = async |proof: Option<Proof>| {
        service.verifier.enroll_with_pass(&alice(), pass.expose(), proof, new_authenticator()).await
    };
    let thief = Address::sms("+819000000666").unwrap();
    let code = service.message(T, CodeRequest::confirmation(thief.clone())).await;
    let proof = accepted(service.submit(T, Attempt::confirmation(&thief, &code)).await);
    assert!(matches!(enroll(Some(proof)).await, Err(Error::Account(AccountError::AddressNotBound))));
    let code = service.message(T + 30, to_owner()).await;
    let proof = accepted(service.submit(T + 40, confirmed(code)).await);
    let new = Phone::of(&enroll(Some(proof)).await.unwrap());
    // Of before another reset it proves nothing.
    let code = service.message(T + 80, to_owner()).await;
    let proof = accepted(service.submit(T + 90, confirmed(code)).await);
    let pass = support.reset(&alice()).await.unwrap().to_text();
    let old = service.verifier.enroll_with_pass(&alice(), pass.expose(), Some(proof), new_authenticator()).await;
    assert!(matches!(old, Err(Error::Account(AccountError::ProofSpent))));
    let ended = service.verifier.confirm(&alice(), Attempt::new(Purpose::BINDING, &new.shows(T + 90, 0))).await;
    assert!(
        matches!(ended, Err(NotAccepted::Failed(Error::Account(AccountError::NothingPending)))),
        "what the first pass began is over"
    );
}

#[tokio::test]
async fn after_a_reset_the_pass_and_nothing_else_enrolls_and_once() {
    let (service, _) = in_memory(phone::policy());
    let owner = everything(&service).await;
    let pass =
        service.verifier.support(phone::operator("desk", "nothing kept")).reset(&alice()).await.unwrap().to_text();
    let random = "ab".repeat(32);
    for other in [&owner.cookie, &owner.pass, &random, "", "no token"] {
        let refused = service.verifier.enroll_with_pass(&alice(), other, None, new_authenticator()).await;
        assert!(matches!(refused, Err(Error::Account(AccountError::PassNeeded))), "{other}");
    }
    let new = service.verifier.enroll_with_pass(&alice(), pass.expose(), None, new_authenticator()).await.unwrap();
    let new = Phone::of(&new);
    // Not confirmed yet: the pass begins another.
    let other = service.verifier.enroll_with_pass(&alice(), pass.expose(), None, new_authenticator()).await.unwrap();
    let other = Phone::of(&other);
    let replaced = service.verifier.confirm(&alice(), Attempt::new(Purpose::BINDING, &new.shows(T, 0))).await;
    assert_eq!(rejected(answer(replaced)), Rejection::ReplacedEnrollment);
    drop(service.confirmed(T, &other).await);
    assert!(!service.verifier.view(&alice()).await.unwrap().is_reset);
    let again = service.verifier.enroll_with_pass(&alice(), pass.expose(), None, new_authenticator()).await;
    assert!(matches!(again, Err(Error::Account(AccountError::AlreadyEnrolled))));
    // Removed by himself: he is as free as anybody without a method, and the pass is gone.
    let proof = service.prove(T + 30, &other.shows(T + 30, 0)).await;
    let id = service.verifier.view(&alice()).await.unwrap().authenticators[0].id;
    service.verifier.remove_last(proof, id).await.unwrap();
    let again = service.verifier.enroll_with_pass(&alice(), pass.expose(), None, new_authenticator()).await;
    assert!(matches!(again, Err(Error::Account(AccountError::PassNeeded))));
    assert!(service.verifier.enroll_first(&alice(), new_authenticator()).await.is_ok());
}

#[tokio::test]
async fn a_reset_keeps_the_long_term_count_and_what_was_used() {
    let (service, _) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    for which in 0..5 {
        let _ = service.log_in_refused(T, &phone.never_shows(T, which)).await;
    }
    let used = phone.shows(T + 60, 1);
    let _ = service.log_in(T + 60, &used).await;
    let pass =
        service.verifier.support(phone::operator("desk", "nothing kept")).reset(&alice()).await.unwrap().to_text();
    assert_eq!(service.verifier.view(&alice()).await.unwrap().long_term_failures, 5);
    // The same secret comes back from paper: its used code does not.
    let new = service.verifier.enroll_with_pass(&alice(), pass.expose(), None, phone.again()).await.unwrap();
    for later in 61..=90 {
        service.clock.set(at(T + later));
        let again = service.verifier.confirm(&alice(), Attempt::new(Purpose::BINDING, &used)).await;
        assert!(again.is_err(), "{later}");
    }
    drop(service.confirm(T + 120, &Phone::of(&new).shows(T + 120, 0)).await);
    assert_eq!(
        phone::held(&service.verifier.view(&alice()).await.unwrap()),
        [(Purpose::WITHDRAWAL, at(T + 60 + 2 * DAY))]
    );
}

#[tokio::test]
async fn five_devices_are_known_and_each_can_be_forgotten() {
    let (service, _) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    let mut cookies = Vec::new();
    for number in 0..6 {
        let now = T + number * 60;
        let proof = service.log_in(now, &phone.shows(now, 0)).await;
        let name = format!("browser {number}").parse().unwrap();
        cookies.push(service.verifier.remember_device(&proof, name).await.unwrap().to_text());
        let again = service.verifier.remember_device(&proof, "another".parse().unwrap()).await;
        assert!(matches!(again, Err(Error::Account(AccountError::ProofSpent))), "one proof, one token");
    }
    let names = |view: &sekisho::account::AccountView| {
        view.devices.iter().map(|device| device.name.to_string()).collect::<Vec<_>>()
    };
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!(
        names(&view),
        (1..6).map(|number| format!("browser {number}")).collect::<Vec<_>>(),
        "the oldest made room"
    );
    let now = T + 6 * 60;
    let proof = service.log_in(now, &phone.shows(now, 0)).await;
    service.verifier.forget_device(&proof, view.devices[1].id).await.unwrap();
    let gone = service.verifier.forget_device(&proof, view.devices[1].id).await;
    assert!(matches!(gone, Err(Error::Account(AccountError::NoSuchDevice { .. }))));
    // Which of them are known shows while the common door is locked.
    let now = T + 600;
    for which in 0..5 {
        let _ = service.log_in_refused(now, &phone.never_shows(now, which)).await;
    }
    for (number, offset, known) in [(0, -1, false), (1, -1, true), (2, 0, false), (3, 0, true), (5, 1, true)] {
        let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(now, offset)).with_device(cookies[number].expose());
        let verdict = service.submit(now + 1, attempt).await;
        assert_eq!(verdict.is_ok(), known, "{number}: {verdict:?}");
    }
    // One that was not used for half a year is forgotten.
    let later = now + 180 * DAY + 30;
    service.clock.set(at(later));
    let view = service.verifier.view(&alice()).await.unwrap();
    assert!(view.devices.is_empty());
}

#[tokio::test]
async fn a_stolen_token_is_worth_its_own_few_guesses_and_the_owners_browser_goes_on() {
    let (service, _) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    let mut cookies = Vec::new();
    for now in [T - 120, T - 60] {
        let proof = service.log_in(now, &phone.shows(now, 0)).await;
        cookies.push(service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text());
    }
    let (stolen, kept) = (&cookies[0], &cookies[1]);
    let wrong = |which| Attempt::new(Purpose::LOGIN, &phone.never_shows(T, which)).with_device(stolen.expose());
    for which in 0..5 {
        let refused = service.refused(T, wrong(which)).await;
        assert!(matches!(refused, Rejection::Mismatch(_)), "{which}: {refused:?}");
    }
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!(view.devices.len(), 1, "the stolen one is known no more");
    // Its holder is a stranger now, and locks the strangers' door at most.
    for which in 5..10 {
        assert!(service.refused(T + 1, wrong(which)).await.is_charged());
    }
    assert!(matches!(service.refused(T + 1, wrong(10)).await, Rejection::Locked { .. }));
    let right = Attempt::new(Purpose::LOGIN, &phone.shows(T + 30, 0)).with_device(kept.expose());
    drop(accepted(service.submit(T + 30, right).await));
}

#[tokio::test]
async fn a_proof_is_redeemed_once_and_not_after_a_reset() {
    let (service, _) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    let context = [7; 32];
    let attempt = |secs: u64| {
        let code = phone.shows(secs, 0);
        Attempt::new(Purpose::WITHDRAWAL, &code).with_context(&context).with_idempotency_key([9; 16])
    };
    let proof = accepted(service.submit(T, attempt(T)).await);
    let again = accepted(service.submit(T + 1, attempt(T)).await);
    let other = accepted(service.submit(T + 1, attempt(T)).await);
    let redeem = async |proof, purpose, context| service.verifier.redeem(&alice(), proof, purpose, context).await;
    let spent = |answer| matches!(answer, Err(Error::Account(AccountError::ProofSpent)));
    assert!(matches!(
        redeem(other, Purpose::WITHDRAWAL, Some(&[8; 32])).await,
        Err(Error::Account(AccountError::ProofForAnotherContext))
    ));
    redeem(proof, Purpose::WITHDRAWAL, Some(&context)).await.unwrap();
    assert!(spent(redeem(again, Purpose::WITHDRAWAL, Some(&context)).await));
    let proof = accepted(service.submit(T + 30, attempt(T + 30)).await);
    service.verifier.support(phone::operator("desk", "stolen")).freeze(&alice()).await.unwrap();
    service.verifier.support(phone::operator("desk", "found")).thaw(&alice()).await.unwrap();
    let held = redeem(proof, Purpose::WITHDRAWAL, Some(&context)).await;
    assert!(matches!(held, Err(Error::Account(AccountError::Held { .. }))), "the end of a freeze holds");
    let before = service.log_in(T + 60, &phone.shows(T + 60, 0)).await;
    service.verifier.support(phone::operator("desk", "stolen")).freeze(&alice()).await.unwrap();
    service.verifier.support(phone::operator("desk", "found")).thaw(&alice()).await.unwrap();
    assert!(spent(redeem(before, Purpose::LOGIN, None).await), "from before the freeze");
    // A hold of the service's own that an operator has ended: what was proved before it is void.
    let now = T + 2 * DAY;
    let proof = accepted(service.submit(now, attempt(now)).await);
    let reason = "mailbox changed".parse().unwrap();
    service.clock.set(at(now + 1));
    service.verifier.hold(&alice(), &[Purpose::WITHDRAWAL], 60, &reason).await.unwrap();
    service.verifier.support(phone::operator("desk", "known")).end_holds(&alice()).await.unwrap();
    assert!(spent(redeem(proof, Purpose::WITHDRAWAL, Some(&context)).await), "from before the hold");
    // Held since: a proof of before withdraws nothing.
    let proof = accepted(service.submit(now + 60, attempt(now + 60)).await);
    let log_in = service.log_in(now + 90, &phone.shows(now + 90, 0)).await;
    let _ = service.verifier.support(phone::operator("desk", "lost")).reset(&alice()).await.unwrap();
    let held = redeem(proof, Purpose::WITHDRAWAL, Some(&context)).await;
    assert!(matches!(held, Err(Error::Account(AccountError::Held { until })) if until == at(now + 90 + 2 * DAY)));
    assert!(spent(redeem(log_in, Purpose::LOGIN, None).await), "from before the reset");
}

#[tokio::test]
async fn a_proof_is_redeemed_once_also_across_a_server_whose_clock_is_ahead() {
    let (service, _) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    let attempt = || Attempt::new(Purpose::LOGIN, &phone.shows(T, 0)).with_idempotency_key([9; 16]);
    let proof = accepted(service.submit(T, attempt()).await);
    let again = accepted(service.submit(T + 1, attempt()).await);
    service.verifier.redeem(&alice(), proof, Purpose::LOGIN, None).await.unwrap();
    let other = service.log_in(T + 1_000, &phone.shows(T + 1_000, 0)).await;
    service.verifier.redeem(&alice(), other, Purpose::LOGIN, None).await.unwrap();
    service.clock.set(at(T + 40));
    let again = service.verifier.redeem(&alice(), again, Purpose::LOGIN, None).await;
    // It has ended by the newest time of the record; it would be spent, too.
    assert!(matches!(again, Err(Error::Account(AccountError::ProofEnded))));
}

#[tokio::test]
async fn a_mailed_pass_lives_an_hour_by_the_newest_time_of_the_record() {
    let (service, _) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    let pass = accepted(answer(service.verifier.mail_pass(&alice(), None).await)).to_text();
    for which in 0..5 {
        let _ = service.log_in_refused(T, &phone.never_shows(T, which)).await;
    }
    let with = |secs: u64| Attempt::new(Purpose::LOGIN, &phone.shows(secs, 0)).with_pass(pass.expose());
    // The record was written an hour later: a clock set back does not make the pass good again.
    let _ = service.log_in_refused(T + 3_600, &phone.never_shows(T, 5)).await;
    assert!(matches!(service.refused(T + 60, with(T + 60)).await, Rejection::Locked { .. }));
}

#[tokio::test]
async fn a_mailed_pass_is_good_on_a_server_whose_clock_is_behind() {
    let (service, _) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    let pass = accepted(answer(service.verifier.mail_pass(&alice(), None).await)).to_text();
    for which in 0..5 {
        let _ = service.log_in_refused(T + 600, &phone.never_shows(T, which)).await;
    }
    drop(accepted(service.submit(T, Attempt::new(Purpose::LOGIN, &phone.shows(T, 0)).with_pass(pass.expose())).await));
}

#[tokio::test]
async fn where_a_pass_is_asked_for_one_is_good_for_one_change() {
    let policy = Policy::new(AccountLimits { binding_takes_pass: true, ..phone::limits() }).unwrap();
    let (service, _) = in_memory(policy);
    let (phone, _) = service.enrolled().await;
    let pass = accepted(answer(service.verifier.mail_pass(&alice(), None).await)).to_text();
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, 0)).with_pass(pass.expose());
    let proof = accepted(service.submit(T, attempt).await);
    let second = Phone::of(&service.verifier.enroll(proof, new_authenticator()).await.unwrap());
    // The proof that its code leaves removes nothing and enrolls nothing; it makes recovery codes.
    let (one, two) = (AuthenticatorId::new(1), AuthenticatorId::new(2));
    let named = |secs: u64| second.confirming(secs).with_idempotency_key([4; 16]);
    service.clock.set(at(T + 30));
    let proof = || async { accepted(answer(service.verifier.confirm(&alice(), named(T + 30)).await)) };
    let removed = service.verifier.remove(proof().await, one).await;
    assert!(matches!(removed, Err(Error::Account(AccountError::PassNeeded))));
    let enrolled = service.verifier.enroll(proof().await, new_authenticator()).await;
    assert!(matches!(enrolled, Err(Error::Account(AccountError::PassNeeded))));
    let replaced = service.verifier.replace(proof().await, two, new_authenticator()).await;
    assert!(matches!(replaced, Err(Error::Account(AccountError::PassNeeded))));
    assert!(service::kept_codes(&service.verifier, proof().await).await.is_ok());
}

#[tokio::test]
async fn a_stranger_who_uses_up_the_messages_does_not_keep_a_known_browser_from_its_pass() {
    let (service, _) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    let proof = service.log_in(T, &phone.shows(T, 0)).await;
    let cookie = service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text();
    for message in 0..5 {
        service.clock.set(at(T + message * 30));
        drop(accepted(answer(service.verifier.mail_pass(&alice(), None).await)));
    }
    service.clock.set(at(T + 200));
    let stranger = rejected(answer(service.verifier.mail_pass(&alice(), None).await));
    assert_eq!(stranger, Rejection::SendLimited { until: at(T + 3_600) });
    drop(accepted(answer(service.verifier.mail_pass(&alice(), Some(cookie.expose())).await)));
}

#[tokio::test]
async fn a_stranger_who_guesses_at_an_enrollment_does_not_keep_a_known_browser_from_confirming_it() {
    let (service, _) = in_memory(phone::policy());
    let owner = everything(&service).await;
    let confirm = |code: String| Attempt::new(Purpose::BINDING, &code);
    for which in 0..5 {
        let wrong = service.verifier.confirm(&alice(), confirm(owner.waiting.never_shows(T, which))).await;
        assert!(rejected(answer(wrong)).is_charged());
    }
    service.clock.set(at(T + 1));
    let right = || confirm(owner.waiting.shows(T, 0));
    assert!(matches!(rejected(answer(service.verifier.confirm(&alice(), right()).await)), Rejection::Locked { .. }));
    drop(accepted(answer(service.verifier.confirm(&alice(), right().with_device(&owner.cookie)).await)));
}

#[tokio::test]
async fn a_freeze_that_has_ended_leaves_nothing_of_what_was_handed_out_before() {
    let (service, _) = in_memory(phone::policy());
    let owner = everything(&service).await;
    let support = service.verifier.support(phone::operator("desk", "lost, and found"));
    support.freeze(&alice()).await.unwrap();
    support.thaw(&alice()).await.unwrap();
    assert!(service.log_in_refused(T, &owner.message).await.is_charged(), "a code that was sent");
    let confirmation = service.verifier.verify(&alice(), Attempt::confirmation(&mail(), &owner.confirmation)).await;
    assert!(matches!(confirmation, Err(NotAccepted::Failed(Error::Account(AccountError::NothingSent)))));
    let waiting = service.verifier.confirm(&alice(), Attempt::new(Purpose::BINDING, &owner.waiting.shows(T, 0))).await;
    assert!(
        matches!(waiting, Err(NotAccepted::Failed(Error::Account(AccountError::NothingPending)))),
        "an enrollment that waited"
    );
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!((view.devices.len(), view.passes), (0, 0));
    // What was bound is bound, the sheet included.
    let _ = service.log_in(T, &owner.phone.shows(T, 0)).await;
    assert_eq!((view.authenticators.len(), view.recovery_codes_left), (2, 10));
}

#[tokio::test]
async fn a_reset_ends_the_run_of_failures_and_its_lock() {
    let (service, _) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    for which in 0..5 {
        let _ = service.log_in_refused(T, &phone.never_shows(T, which)).await;
    }
    assert!(matches!(service.verifier.view(&alice()).await.unwrap().refusal, Some(Rejection::Locked { .. })));
    let _ = service.verifier.support(phone::operator("desk", "nothing kept")).reset(&alice()).await.unwrap();
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!((view.refusal, view.failures_in_a_row, view.long_term_failures), (None, 0, 5));
}

#[tokio::test]
async fn the_pass_that_begins_an_enrollment_outlasts_mistakes_at_its_confirmation() {
    let (service, _) = in_memory(phone::policy());
    let (old, _) = service.enrolled().await;
    let pass =
        service.verifier.support(phone::operator("desk", "nothing kept")).reset(&alice()).await.unwrap().to_text();
    let new = service.verifier.enroll_with_pass(&alice(), pass.expose(), None, new_authenticator()).await.unwrap();
    let new = Phone::of(&new);
    for which in 0..5 {
        let wrong = Attempt::new(Purpose::BINDING, &old.never_shows(T, which)).with_pass(pass.expose());
        assert!(rejected(answer(service.verifier.confirm(&alice(), wrong).await)).is_charged());
    }
    service.clock.set(at(T + 30));
    let right = Attempt::new(Purpose::BINDING, &new.shows(T + 30, 0)).with_pass(pass.expose());
    drop(accepted(answer(service.verifier.confirm(&alice(), right).await)));
}

#[tokio::test]
async fn a_hold_of_a_clock_gone_wrong_ends_when_the_clock_is_right() {
    let (service, _) = in_memory(phone::policy());
    let (phone, codes) = service.enrolled().await;
    let far = T + 70 * 365 * DAY;
    drop(accepted(service.submit(far, Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap())).await));
    service.clock.set(at(T));
    assert!(service.verifier.view(&alice()).await.unwrap().holds.is_empty());
    drop(accepted(service.submit(T, Attempt::new(Purpose::WITHDRAWAL, &phone.shows(T, 0))).await));
    // And the next one holds from now.
    drop(accepted(service.submit(T, Attempt::recovery(Purpose::LOGIN, codes.iter().nth(1).unwrap())).await));
    assert_eq!(phone::held(&service.verifier.view(&alice()).await.unwrap()), [(Purpose::WITHDRAWAL, at(T + DAY))]);
}

#[tokio::test]
async fn names_and_known_browsers_change_only_with_a_live_proof_of_the_owner() {
    let (service, _) = in_memory(phone::policy());
    let (phone, _) = service.enrolled().await;
    let verifier = &service.verifier;
    let proof = service.log_in(T, &phone.shows(T, 0)).await;
    let _cookie = verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap();
    let device = verifier.view(&alice()).await.unwrap().devices[0].id;
    let id = AuthenticatorId::new(1);
    let refused = async |proof: &Proof, expected: fn(&AccountError) -> bool| {
        let renamed = verifier.rename(proof, id, "mine now".parse().unwrap()).await;
        let forgotten = verifier.forget_device(proof, device).await;
        for answer in [renamed, forgotten] {
            assert!(matches!(&answer, Err(Error::Account(error)) if expected(error)), "{answer:?}");
        }
    };
    // A confirmation shows only that somebody reads an address.
    let code = service.message(T + 1, CodeRequest::confirmation(mail())).await;
    let confirmation = accepted(service.submit(T + 2, Attempt::confirmation(&mail(), &code)).await);
    refused(&confirmation, |error| matches!(error, AccountError::ProofForAnotherPurpose)).await;
    // Time is over.
    service.clock.set(at(T + 301));
    refused(&proof, |error| matches!(error, AccountError::ProofEnded)).await;
    // One proof renames twice, and is good for something else.
    let proof = service.prove(T + 330, &phone.shows(T + 330, 0)).await;
    for name in ["Pixel", "Pixel 9"] {
        verifier.rename(&proof, id, name.parse().unwrap()).await.unwrap();
    }
    verifier.forget_device(&proof, device).await.unwrap();
    let view = verifier.view(&alice()).await.unwrap();
    assert_eq!((view.authenticators[0].name.as_str(), view.devices.len()), ("Pixel 9", 0));
    let _codes = service::kept_codes(verifier, proof).await.unwrap();
    // Used up by a change, also where an answer was had twice.
    let named = |secs: u64| Attempt::new(Purpose::BINDING, &phone.shows(secs, 0)).with_idempotency_key([9; 16]);
    let proof = accepted(service.submit(T + 360, named(T + 360)).await);
    let again = accepted(service.submit(T + 361, named(T + 360)).await);
    let _codes = service::kept_codes(verifier, proof).await.unwrap();
    refused(&again, |error| matches!(error, AccountError::ProofSpent)).await;
    // Frozen, and after it.
    let proof = service.log_in(T + 390, &phone.shows(T + 390, 0)).await;
    verifier.support(operator("desk", "stolen")).freeze(&alice()).await.unwrap();
    refused(&proof, |error| matches!(error, AccountError::Frozen)).await;
    verifier.support(operator("desk", "found")).thaw(&alice()).await.unwrap();
    refused(&proof, |error| matches!(error, AccountError::ProofSpent)).await;
}

#[tokio::test]
async fn a_proof_says_by_which_method_for_an_id_token() {
    let (service, _) = in_memory(phone::policy());
    let (phone, codes) = service.enrolled().await;
    assert_eq!(service.log_in(T, &phone.shows(T, 0)).await.method().amr(), "otp");
    let recovery = Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap());
    assert_eq!(accepted(service.submit(T + 1, recovery).await).method().amr(), "otp");
    let (service, _) = in_memory(phone::policy());
    let id = service.enrolled_by_sms("+819012345678").await;
    let code = service.message(T, CodeRequest::new(id, Purpose::LOGIN)).await;
    assert_eq!(service.log_in(T + 1, &code).await.method().amr(), "sms");
    let voice = Method::DeliveredCode { authenticator: None, channel: Channel::Voice };
    assert_eq!(voice.amr(), "tel");
}

/// Has strangers, and a thief with two browsers and the mailbox, fill what they can within an hour;
/// gives the time when they stop.
async fn everything_is_locked_and_full(service: &Service<MemoryStore>, owner: &Everything) -> u64 {
    let mut now = T;
    for which in 0..40 {
        now = T + which * 90;
        service.clock.set(at(now));
        let wrong = owner.phone.never_shows(now, 1);
        for attempt in [
            Attempt::new(Purpose::LOGIN, &wrong),
            Attempt::new(Purpose::LOGIN, &wrong).with_device(&owner.cookie),
            Attempt::new(Purpose::LOGIN, &wrong).with_device(&owner.other_cookie),
            Attempt::new(Purpose::LOGIN, &wrong).with_pass(&owner.mailed[0]),
            Attempt::new(Purpose::LOGIN, &wrong).with_pass(&owner.mailed[1]),
        ] {
            let _ = service.verifier.verify(&alice(), attempt).await;
        }
    }
    let plain = Attempt::new(Purpose::LOGIN, &owner.phone.shows(now, 0));
    assert!(matches!(rejected(answer(service.verifier.verify(&alice(), plain).await)), Rejection::Locked { .. }));
    now
}

/// Long-term counts are full after ten, before the authenticators are disabled.
fn soon_full() -> Policy {
    let codes = Limits { long_term: 10, ..Limits::DEFAULT };
    Policy::new(AccountLimits { codes, ..phone::limits() }).unwrap()
}

#[tokio::test]
async fn an_operators_pass_has_five_attempts_whatever_is_locked_or_full() {
    let (service, _) = in_memory(soon_full());
    let owner = everything(&service).await;
    let now = everything_is_locked_and_full(&service, &owner).await;
    let unlock = || async {
        let operator = service.verifier.support(phone::operator("desk", "rang"));
        operator.unlock(&alice()).await.unwrap().to_text().expose().clone()
    };
    let pass = unlock().await;
    let with = |code: &str, pass: &str| Attempt::new(Purpose::LOGIN, code).with_pass(pass);
    for failure in 1..=5 {
        let wrong = owner.phone.never_shows(now, failure);
        let refused = rejected(answer(service.verifier.verify(&alice(), with(&wrong, &pass)).await));
        assert!(matches!(refused, Rejection::Mismatch(_)), "{refused:?}");
        // With the fifth it ends, and its holder is a stranger again.
        let left = refused.attempts_left();
        assert_eq!(left, Some(5_u32.saturating_sub(failure)), "{refused:?}");
    }
    let right = owner.phone.shows(now, 0);
    let ended = rejected(answer(service.verifier.verify(&alice(), with(&right, &pass)).await));
    assert!(matches!(ended, Rejection::Locked { .. }), "{ended:?}");
    let another = unlock().await;
    assert!(answer(service.verifier.verify(&alice(), with(&right, &another)).await).is_ok());
    let again = with(&owner.phone.shows(now, 1), &another);
    let once = rejected(answer(service.verifier.verify(&alice(), again).await));
    assert!(matches!(once, Rejection::Locked { .. }), "it is good for one right code: {once:?}");
}

#[tokio::test]
async fn after_a_reset_the_pass_confirms_whatever_is_locked_or_full() {
    let (service, _) = in_memory(soon_full());
    let owner = everything(&service).await;
    let now = everything_is_locked_and_full(&service, &owner).await;
    let pass = service.verifier.support(phone::operator("desk", "lost it all")).reset(&alice()).await.unwrap();
    let pass = pass.to_text();
    let enrolled = service.verifier.enroll_with_pass(&alice(), pass.expose(), None, new_authenticator()).await;
    let next = Phone::of(&enrolled.unwrap());
    let confirm = |code: &str| Attempt::new(Purpose::BINDING, code);
    // A stranger shuts the enrollment's own door.
    for which in 0..5 {
        let wrong = service.verifier.confirm(&alice(), confirm(&next.never_shows(now, which))).await;
        assert!(rejected(answer(wrong)).is_charged());
    }
    let right = confirm(&next.shows(now, 0));
    let plain = rejected(answer(service.verifier.confirm(&alice(), right.clone()).await));
    assert!(matches!(plain, Rejection::Locked { .. }), "{plain:?}");
    // Nor is the pass used up by the wrong codes of its own holder, who has made the secret.
    for which in 0..7 {
        let wrong = confirm(&next.never_shows(now, which)).with_pass(pass.expose());
        assert!(rejected(answer(service.verifier.confirm(&alice(), wrong).await)).is_charged());
    }
    assert!(answer(service.verifier.confirm(&alice(), right.with_pass(pass.expose())).await).is_ok());
}

#[tokio::test]
async fn messages_to_strangers_and_to_devices_and_mailed_passes_have_three_allowances() {
    let (service, _) = in_memory(phone::policy());
    let owner = everything(&service).await;
    let start = T + 86_400;
    let stranger = || CodeRequest::new(owner.sms, Purpose::LOGIN);
    let (mut live, mut now) = (String::new(), start);
    for hour in [0, 3_600] {
        for message in 0..5 {
            now = start + hour + message * 30;
            live = service.message(now, stranger()).await;
        }
    }
    let silenced = |refused| assert!(matches!(refused, Rejection::SendLimited { .. }), "{refused:?}");
    service.clock.set(at(now + 31));
    silenced(rejected(answer(service.verifier.deliver(&alice(), stranger()).await)));
    // Mailed passes and known browsers are not concerned.
    drop(accepted(answer(service.verifier.mail_pass(&alice(), None).await)));
    let code = service.message(now + 31, stranger().with_device(&owner.cookie)).await;
    assert_eq!(code, live, "the live code outlasts the allowance");
    assert!(answer(service.verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, &live)).await).is_ok());
    // Nor are those that use up the passes.
    for message in 1..5 {
        service.clock.set(at(now + 31 + message * 30));
        drop(accepted(answer(service.verifier.mail_pass(&alice(), None).await)));
    }
    service.clock.set(at(now + 181));
    silenced(rejected(answer(service.verifier.mail_pass(&alice(), None).await)));
    drop(service.message(now + 181, stranger().with_device(&owner.cookie)).await);
}

#[tokio::test]
async fn an_operators_pass_is_good_for_five_wrong_codes_also_where_the_policy_locks_later() {
    let policy = Policy::new(AccountLimits {
        purposes: vec![Purpose::WITHDRAWAL],
        acts: Vec::new(),
        ..AccountLimits::pci_dss()
    });
    let policy = policy.unwrap();
    assert_eq!(policy.limits().codes.lock_after, 10);
    let (service, _) = in_memory(policy);
    let (phone, _) = service.enrolled().await;
    let desk = phone::operator("desk", "locked out");
    for (wrong, is_good) in [(4, true), (5, false)] {
        let now = T + u64::from(wrong) * 86_400;
        service.clock.set(at(now));
        for which in 0..10 {
            let _ = service.log_in_refused(now, &phone.never_shows(now, which)).await;
        }
        let pass = service.verifier.support(desk.clone()).unlock(&alice()).await.unwrap().to_text();
        let with = |code: &str| Attempt::new(Purpose::LOGIN, code).with_pass(pass.expose());
        for which in 0..wrong {
            let refused = service.refused(now, with(&phone.never_shows(now, which))).await;
            assert!(refused.is_charged(), "{which}: {refused:?}");
            assert_eq!(refused.attempts_left(), Some(4_u32.saturating_sub(which)));
        }
        let right = service.submit(now, with(&phone.shows(now, 0))).await;
        assert_eq!(right.is_ok(), is_good, "after {wrong}: {right:?}");
    }
}

#[tokio::test]
async fn an_e_mail_address_that_was_bound_confirms_after_a_reset_and_another_does_not() {
    let policy = Policy::new(AccountLimits { confirmation_after_reset: true, ..phone::limits() }).unwrap();
    let (service, _) = in_memory(policy);
    let (app, _) = service.enrolled().await;
    let confirmed = async |secs: u64, address: &Address| {
        let code = service.message(secs, CodeRequest::confirmation(address.clone())).await;
        accepted(service.submit(secs, Attempt::confirmation(address, &code)).await)
    };
    let confirmation = confirmed(T, &mail()).await;
    let proof = service.log_in(T, &app.shows(T, 0)).await;
    let by_log_in = service.verifier.bind_email(proof, confirmation).await;
    assert!(matches!(by_log_in, Err(Error::Account(AccountError::ProofForAnotherPurpose))));
    let number = confirmed(T + 60, &Address::sms("+819012345678").unwrap()).await;
    let proof = service.prove(T + 60, &app.shows(T + 60, 0)).await;
    let by_number = service.verifier.bind_email(proof, number).await;
    assert!(matches!(by_number, Err(Error::Account(AccountError::AddressNotBound))));
    let confirmation = confirmed(T + 120, &mail()).await;
    let proof = service.prove(T + 120, &app.shows(T + 120, 0)).await;
    service.verifier.bind_email(proof, confirmation).await.unwrap();
    let view = service.verifier.view(&alice()).await.unwrap();
    assert_eq!(view.emails.iter().map(ToString::to_string).collect::<Vec<_>>(), [mail().masked().to_string()]);
    assert_eq!(phone::held(&view), [(Purpose::WITHDRAWAL, at(T + 120 + DAY))]);
    let is_told = service.told().iter().any(|one| one.notifies_owner() && one.kind.as_str() == "email_bound");
    assert!(is_told);

    // A thief binds another one, with a phished code, and has the account reset within the hold: only
    // the one before counts.
    let now = T + 2 * DAY;
    let thief = Address::email("mallory@example.com").unwrap();
    let confirmation = confirmed(now, &thief).await;
    let proof = service.prove(now, &app.shows(now, 0)).await;
    service.verifier.bind_email(proof, confirmation).await.unwrap();
    let pass = service.verifier.support(operator("desk", "nothing kept")).reset(&alice()).await.unwrap().to_text();
    let enroll = async |proof: Proof| {
        service.verifier.enroll_with_pass(&alice(), pass.expose(), Some(proof), new_authenticator()).await
    };
    let another = confirmed(now + 180, &thief).await;
    assert!(matches!(enroll(another).await, Err(Error::Account(AccountError::AddressNotBound))));
    let code = service.message(now + 240, CodeRequest::confirmation(mail()).with_context(&[1; 32])).await;
    let for_else = Attempt::confirmation(&mail(), &code).with_context(&[1; 32]);
    let for_else = accepted(service.submit(now + 240, for_else).await);
    assert!(matches!(enroll(for_else).await, Err(Error::Account(AccountError::ProofForAnotherContext))));
    let own = confirmed(now + 300, &mail()).await;
    drop(enroll(own).await.unwrap());
}

#[tokio::test]
async fn two_e_mail_addresses_are_bound_and_a_thiefs_ends_with_a_freeze_or_by_the_owner() {
    let (service, _) = in_memory(phone::policy());
    let (app, _) = service.enrolled().await;
    let bind = async |secs: u64, name: &str| {
        let address = Address::email(&format!("{name}@example.com")).unwrap();
        let code = service.message(secs, CodeRequest::confirmation(address.clone())).await;
        let confirmation = accepted(service.submit(secs, Attempt::confirmation(&address, &code)).await);
        let proof = service.prove(secs, &app.shows(secs, 0)).await;
        service.verifier.bind_email(proof, confirmation).await
    };
    let bound = async || service.verifier.view(&alice()).await.unwrap().emails.len();
    let first = bind(T, "alice").await.unwrap();
    assert_eq!(first, service.verifier.view(&alice()).await.unwrap().epoch);
    let _ = bind(T + 2 * DAY, "mallory").await.unwrap();
    service.verifier.support(operator("desk", "called")).freeze(&alice()).await.unwrap();
    service.verifier.support(operator("desk", "back")).thaw(&alice()).await.unwrap();
    assert_eq!(bound().await, 1, "its hold was not over");
    // Settled, two fill the places: a third takes nobody's, and one that is there stays.
    let _ = bind(T + 3 * DAY, "work").await.unwrap();
    let _ = bind(T + 5 * DAY, "alice").await.unwrap();
    assert_eq!(bound().await, 2);
    assert!(matches!(bind(T + 6 * DAY, "mallory").await, Err(Error::Account(AccountError::TooMany))));
    let proof = service.prove(T + 7 * DAY, &app.shows(T + 7 * DAY, 0)).await;
    let work = Address::email("work@example.com").unwrap();
    let _ = service.verifier.unbind_email(proof, &work).await.unwrap();
    assert!(service.told().iter().any(|one| one.notifies_owner() && one.kind.as_str() == "email_unbound"));
    let proof = service.prove(T + 8 * DAY, &app.shows(T + 8 * DAY, 0)).await;
    let again = service.verifier.unbind_email(proof, &work).await;
    assert!(matches!(again, Err(Error::Account(AccountError::AddressNotBound))));
}
