//! A stronger factor of the service's own (a passkey, say): a code does less beside it, and no
//! recovery is a way around it.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{self, Phone, T, at, held, new_authenticator, operator};
use crate::service::{DAY, Service, accepted, alice, answer, kept_codes, mail, sms};
use sekisho::account::{
    Account, AccountError, AccountLimits, Act, Attempt, AuthenticatorId, Authorization, BlockedBy, CodeRequest, Method,
    Policy, Proof, ProposedAct, Purpose, SecondStep,
};
use sekisho::otp::{NotAccepted, PolicyError, Rejection};
use sekisho::seal::RecordLoss;
use sekisho::store::Store;
use sekisho::{Error, Verifier};

const CONTEXT: [u8; 32] = [1; 32];
const KEY: [u8; 16] = [2; 16];

fn desk<S: Store>(verifier: &Verifier<S>) -> sekisho::verifier::Support<'_, S> {
    verifier.support(operator("desk", "a test"))
}

fn asserted(purpose: Purpose) -> Attempt {
    Attempt::assertion_verified_by_service(purpose)
}

#[track_caller]
fn fails<T: std::fmt::Debug>(answered: Result<T, impl Into<NotAccepted<Error>>>, expected: &AccountError) {
    match answered.map_err(Into::into) {
        Err(NotAccepted::Failed(Error::Account(error))) => assert_eq!(error, *expected),
        other => panic!("{other:?}"),
    }
}

/// The same for calls that cannot refuse.
#[track_caller]
fn change_fails<T: std::fmt::Debug>(answered: Result<T, Error>, expected: &AccountError) {
    fails(answered.map_err(NotAccepted::Failed), expected);
}

/// An owner with an app and a sheet, who has recorded a passkey two days before `T`.
async fn with_passkey(service: &Service) -> (Phone, Vec<String>) {
    let (phone, codes) = service.enrolled().await;
    let then = T - 2 * DAY;
    let proof = service.prove(then, &phone.shows(then, 0)).await;
    let before = proof.epoch();
    let epoch = service.verifier.set_stronger_factor(proof).await.unwrap();
    let view = service.verifier.view(&alice()).await.unwrap();
    assert!(epoch != before && view.epoch == epoch, "other sessions end");
    assert_eq!(view.stronger_since, Some(at(then)));
    assert_eq!(held(&view), [(Purpose::WITHDRAWAL, at(then + DAY))]);
    assert!(service.told().last().is_some_and(|event| event.kind.as_str() == "stronger_factor_set"));
    service.clock.set(at(T));
    (phone, codes.iter().map(String::from).collect())
}

async fn assertion(service: &Service, secs: u64, purpose: Purpose) -> Proof {
    accepted(service.submit(secs, asserted(purpose)).await)
}

#[tokio::test]
async fn beside_a_stronger_factor_a_code_logs_in_and_does_nothing_else() {
    let service = Service::with(Policy::default());
    let (phone, codes) = with_passkey(&service).await;
    let verifier = &service.verifier;
    let needed = AccountError::StrongerFactorNeeded;
    let code = phone.shows(T, 0);
    fails(verifier.verify(&alice(), Attempt::new(Purpose::BINDING, &code)).await, &needed);
    fails(verifier.authorize(&alice(), Act::new(Purpose::WITHDRAWAL, &CONTEXT, KEY, &code)).await, &needed);
    fails(verifier.verify(&alice(), Attempt::recovery(Purpose::BINDING, &codes[0])).await, &needed);
    // Nothing was spent or counted by these.
    let view = verifier.view(&alice()).await.unwrap();
    assert_eq!((view.failures_in_a_row, view.recovery_codes_left), (0, 10));
    assert_eq!(view.second_step, SecondStep::Required);
    drop(service.log_in(T, &code).await);
    // The assertion does all of it, and is told like a code.
    let act = Act::assertion_verified_by_service(Purpose::WITHDRAWAL, &CONTEXT, KEY);
    let authorization = accepted(answer(verifier.authorize(&alice(), act.clone()).await));
    assert_eq!((authorization.method(), authorization.method().amr()), (Method::StrongerFactor, "pop"));
    verifier.still_stands(&authorization).await.unwrap();
    assert_eq!(Authorization::assume_authorized(&authorization.to_bytes()).unwrap(), authorization);
    let again = accepted(answer(verifier.authorize(&alice(), act).await));
    assert_eq!(again.id(), authorization.id(), "a repetition, whose reply was stored");
    let proof = assertion(&service, T + 1, Purpose::BINDING).await;
    assert_eq!((proof.method(), proof.authenticator()), (Method::StrongerFactor, None));
    drop(verifier.enroll(proof, sms("+819012345678")).await.unwrap());
    // A message for what no code is good for is not sent.
    let code = service.message(T + 2, CodeRequest::new(AuthenticatorId::new(2), Purpose::BINDING)).await;
    service.clock.set(at(T + 3));
    let unbound = verifier.confirm(&alice(), Attempt::new(Purpose::BINDING, &code)).await;
    drop(accepted(answer(unbound)));
    let request = CodeRequest::new(AuthenticatorId::new(2), Purpose::WITHDRAWAL).with_context(&CONTEXT);
    fails(verifier.deliver(&alice(), request).await, &needed);
}

#[tokio::test]
async fn an_assertion_is_nothing_to_an_account_that_has_no_stronger_factor() {
    let service = Service::with(Policy::default());
    let (phone, _) = service.enrolled().await;
    let missing = AccountError::NoStrongerFactor;
    fails(service.verifier.verify(&alice(), asserted(Purpose::LOGIN)).await, &missing);
    fails(service.verifier.verify(&alice(), asserted(Purpose::CONFIRMATION)).await, &AccountError::Purpose);
    let proof = service.prove(T, &phone.shows(T, 0)).await;
    change_fails(service.verifier.unset_stronger_factor(proof).await, &missing);
    change_fails(desk(&service.verifier).end_stronger_factor(&alice()).await, &missing);
    change_fails(desk(&service.verifier).propose(&alice(), ProposedAct::EndStrongerFactor).await, &missing);
    // It confirms no enrollment either.
    let proof = service.prove(T + 30, &phone.shows(T + 30, 0)).await;
    drop(service.verifier.enroll(proof, new_authenticator()).await.unwrap());
    let confirmed = service.verifier.confirm(&alice(), asserted(Purpose::BINDING)).await;
    assert_eq!(answer(confirmed).unwrap_err(), Rejection::Malformed);
}

#[tokio::test]
async fn holds_and_freezes_stop_an_assertion_and_locks_do_not() {
    let service = Service::with(Policy::default());
    let (phone, codes) = with_passkey(&service).await;
    for which in 0..5 {
        let _ = service.log_in_refused(T, &phone.never_shows(T, which)).await;
    }
    assert!(matches!(service.log_in_refused(T, &phone.shows(T, 0)).await, Rejection::Locked { .. }));
    drop(assertion(&service, T + 1, Purpose::LOGIN).await);
    // A recovery code logs in, and holds withdrawals, whatever proves them.
    drop(accepted(service.submit(T + 2, Attempt::recovery(Purpose::LOGIN, &codes[0])).await));
    let act = Act::assertion_verified_by_service(Purpose::WITHDRAWAL, &CONTEXT, KEY);
    let refused = answer(service.verifier.authorize(&alice(), act.clone()).await).unwrap_err();
    assert_eq!(refused, Rejection::Held { until: at(T + 2 + DAY) });
    let proof = assertion(&service, T + 3, Purpose::BINDING).await;
    desk(&service.verifier).freeze(&alice()).await.unwrap();
    assert_eq!(service.refused(T + 4, asserted(Purpose::LOGIN)).await, Rejection::Frozen);
    desk(&service.verifier).thaw(&alice()).await.unwrap();
    change_fails(service.verifier.enroll(proof, new_authenticator()).await, &AccountError::ProofSpent);
}

#[tokio::test]
async fn a_reset_gives_codes_back_and_nothing_that_takes_the_stronger_factor() {
    let service = Service::with(Policy::default());
    with_passkey(&service).await;
    let verifier = &service.verifier;
    let pass = desk(verifier).reset(&alice()).await.unwrap().to_text();
    let begun = verifier.enroll_with_pass(&alice(), pass.expose(), None, new_authenticator()).await.unwrap();
    let new = Phone::of(&begun);
    let proof = service.confirmed(T + 60, &new).await;
    // By the code that confirmed, by another, by a message: not one change, and no withdrawal, ever.
    let needed = AccountError::StrongerFactorNeeded;
    change_fails(kept_codes(verifier, proof).await, &needed);
    let later = T + 30 * DAY;
    service.clock.set(at(later));
    let code = new.shows(later, 0);
    fails(verifier.verify(&alice(), Attempt::new(Purpose::BINDING, &code)).await, &needed);
    fails(verifier.authorize(&alice(), Act::new(Purpose::WITHDRAWAL, &CONTEXT, KEY, &code)).await, &needed);
    drop(service.log_in(later, &code).await);
    let proof = assertion(&service, later + 1, Purpose::BINDING).await;
    drop(kept_codes(verifier, proof).await.unwrap());
}

#[tokio::test]
async fn neither_does_a_recovery_without_support() {
    let limits = AccountLimits { self_recovery_secs: DAY, ..AccountLimits::default() };
    let service = Service::with(Policy::new(limits).unwrap());
    let (phone, _) = service.enrolled().await;
    let verifier = &service.verifier;
    let confirmed = async |secs: u64| {
        let code = service.message(secs, CodeRequest::confirmation(mail())).await;
        accepted(service.submit(secs, Attempt::confirmation(&mail(), &code)).await)
    };
    let then = T - 10 * DAY;
    let confirmation = confirmed(then).await;
    let proof = service.prove(then, &phone.shows(then, 0)).await;
    verifier.bind_email(proof, confirmation).await.unwrap();
    let proof = service.prove(then + 60, &phone.shows(then + 60, 0)).await;
    verifier.set_stronger_factor(proof).await.unwrap();
    let until = verifier.begin_self_recovery(&confirmed(T).await).await.unwrap().as_secs();
    let pass = verifier.finish_self_recovery(&confirmed(until).await).await.unwrap().to_text();
    let begun = verifier.enroll_with_pass(&alice(), pass.expose(), None, new_authenticator()).await.unwrap();
    let new = Phone::of(&begun);
    drop(service.confirmed(until + 60, &new).await);
    let later = until + 30 * DAY;
    service.clock.set(at(later));
    let code = new.shows(later, 0);
    let act = Act::new(Purpose::WITHDRAWAL, &CONTEXT, KEY, &code);
    fails(verifier.authorize(&alice(), act).await, &AccountError::StrongerFactorNeeded);
    // And an assertion ends one that waits, as a code does.
    let _ = verifier.begin_self_recovery(&confirmed(later + 60).await).await.unwrap();
    drop(assertion(&service, later + 120, Purpose::LOGIN).await);
    assert_eq!(verifier.view(&alice()).await.unwrap().self_recovery, None);
}

#[tokio::test]
async fn its_owner_ends_it_by_its_own_assertion_and_with_a_way_in_left() {
    let service = Service::with(Policy::default());
    let (phone, _) = with_passkey(&service).await;
    let verifier = &service.verifier;
    let change = async |secs| assertion(&service, secs, Purpose::BINDING).await;
    change_fails(verifier.set_stronger_factor(change(T).await).await, &AccountError::HasStrongerFactor);
    // The only app goes: from now on nothing but the assertion logs in, and the password alone never.
    verifier.remove_last(change(T + 1).await, AuthenticatorId::new(1)).await.unwrap();
    let view = verifier.view(&alice()).await.unwrap();
    assert_eq!(view.second_step, SecondStep::Blocked(BlockedBy::StrongerFactor));
    let needed = AccountError::StrongerFactorNeeded;
    fails(verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, &phone.shows(T, 0))).await, &needed);
    change_fails(verifier.enroll_first(&alice(), new_authenticator()).await, &AccountError::AlreadyEnrolled);
    change_fails(verifier.unset_stronger_factor(change(T + 2).await).await, &AccountError::LastAuthenticator);
    let new = Phone::of(&verifier.enroll(change(T + 3).await, new_authenticator()).await.unwrap());
    let confirmed = service.confirmed(T + 60, &new).await;
    change_fails(verifier.unset_stronger_factor(confirmed).await, &needed);
    verifier.unset_stronger_factor(change(T + 61).await).await.unwrap();
    let view = verifier.view(&alice()).await.unwrap();
    assert_eq!((view.stronger_since, view.second_step), (None, SecondStep::Required));
    assert!(service.told().last().is_some_and(|event| event.kind.as_str() == "stronger_factor_ended"));
    drop(service.prove(T + 90, &new.shows(T + 90, 0)).await);
    fails(verifier.verify(&alice(), asserted(Purpose::LOGIN)).await, &AccountError::NoStrongerFactor);
}

#[tokio::test]
async fn an_operator_ends_it_with_a_hold_and_by_policy_with_another_one() {
    let limits = AccountLimits { two_operators: true, ..AccountLimits::default() };
    let service = Service::with(Policy::new(limits).unwrap());
    let (phone, _) = with_passkey(&service).await;
    let verifier = &service.verifier;
    let needed = AccountError::SecondOperatorNeeded;
    change_fails(desk(verifier).end_stronger_factor(&alice()).await, &needed);
    desk(verifier).propose(&alice(), ProposedAct::EndStrongerFactor).await.unwrap();
    change_fails(desk(verifier).end_stronger_factor(&alice()).await, &needed);
    let other = verifier.support(operator("Suzuki", "seen with a passport"));
    change_fails(other.reset(&alice()).await, &needed);
    other.end_stronger_factor(&alice()).await.unwrap();
    let view = verifier.view(&alice()).await.unwrap();
    assert_eq!(held(&view), [(Purpose::WITHDRAWAL, at(T + 2 * DAY))]);
    drop(service.prove(T, &phone.shows(T, 0)).await);
    // Where nothing else is bound, the password alone does not get in after that either.
    change_fails(desk(verifier).record_stronger_factor(&alice()).await, &AccountError::AlreadyEnrolled);
    let proof = service.prove(T + 29, &phone.shows(T + 30, 0)).await;
    verifier.set_stronger_factor(proof).await.unwrap();
    let proof = assertion(&service, T + 30, Purpose::BINDING).await;
    verifier.remove_last(proof, AuthenticatorId::new(1)).await.unwrap();
    desk(verifier).propose(&alice(), ProposedAct::EndStrongerFactor).await.unwrap();
    other.end_stronger_factor(&alice()).await.unwrap();
    let view = verifier.view(&alice()).await.unwrap();
    assert_eq!(view.second_step, SecondStep::Blocked(BlockedBy::Reset));
    change_fails(verifier.enroll_first(&alice(), new_authenticator()).await, &AccountError::PassNeeded);
}

#[tokio::test]
async fn where_nothing_else_is_bound_its_end_takes_the_sheet_along_and_nothing_binds_it_again() {
    for by_a_freeze in [false, true] {
        let service = Service::with(Policy::default());
        let verifier = &service.verifier;
        verifier.create_account(&alice()).await.unwrap();
        desk(verifier).record_stronger_factor(&alice()).await.unwrap();
        let proof = assertion(&service, T + 1, Purpose::BINDING).await;
        let sheet = kept_codes(verifier, proof).await.unwrap();
        let late = assertion(&service, T + 2, Purpose::BINDING).await;
        if by_a_freeze {
            desk(verifier).freeze(&alice()).await.unwrap();
            desk(verifier).thaw(&alice()).await.unwrap();
        } else {
            desk(verifier).end_stronger_factor(&alice()).await.unwrap();
        }
        let view = verifier.view(&alice()).await.unwrap();
        assert_eq!((view.second_step, view.recovery_codes_left), (SecondStep::Blocked(BlockedBy::Reset), 0));
        for purpose in [Purpose::LOGIN, Purpose::BINDING] {
            let attempt = Attempt::recovery(purpose, sheet.iter().next().unwrap());
            fails(verifier.verify(&alice(), attempt).await, &AccountError::PassNeeded);
        }
        change_fails(verifier.set_stronger_factor(late).await, &AccountError::PassNeeded);
    }
}

#[tokio::test]
async fn one_operator_of_two_does_not_disable_the_owners_app_and_record_a_passkey_in_its_place() {
    for (two_operators, is_recorded) in [(false, true), (true, false)] {
        let service = Service::with(Policy::new(AccountLimits { two_operators, ..AccountLimits::default() }).unwrap());
        let _ = service.enrolled().await;
        desk(&service.verifier).disable(&alice(), AuthenticatorId::new(1)).await.unwrap();
        let recorded = desk(&service.verifier).record_stronger_factor(&alice()).await;
        assert_eq!(recorded.is_ok(), is_recorded);
        if !is_recorded {
            change_fails(recorded, &AccountError::AlreadyEnrolled);
        }
    }
}

#[tokio::test]
async fn an_account_that_has_only_a_passkey_is_not_one_without_a_second_factor() {
    let service = Service::with(Policy::default());
    let verifier = &service.verifier;
    verifier.create_account(&alice()).await.unwrap();
    desk(verifier).record_stronger_factor(&alice()).await.unwrap();
    change_fails(verifier.create_account(&alice()).await, &AccountError::NotNew);
    change_fails(desk(verifier).record_stronger_factor(&alice()).await, &AccountError::HasStrongerFactor);
    let view = verifier.view(&alice()).await.unwrap();
    assert_eq!(view.second_step, SecondStep::Blocked(BlockedBy::StrongerFactor));
    fails(verifier.verify(&alice(), Attempt::new(Purpose::LOGIN, "123456")).await, &AccountError::StrongerFactorNeeded);
    drop(assertion(&service, T, Purpose::LOGIN).await);
    assert_eq!(held(&view), [(Purpose::WITHDRAWAL, at(T + DAY))], "as for any first binding");
    // It gets a way back: a mailbox, and a sheet.
    let code = service.message(T + 1, CodeRequest::confirmation(mail())).await;
    let confirmation = accepted(service.submit(T + 1, Attempt::confirmation(&mail(), &code)).await);
    let proof = assertion(&service, T + 2, Purpose::BINDING).await;
    verifier.bind_email(proof, confirmation).await.unwrap();
    let proof = assertion(&service, T + 3, Purpose::BINDING).await;
    let sheet = kept_codes(verifier, proof).await.unwrap();
    drop(accepted(service.submit(T + 4, Attempt::recovery(Purpose::LOGIN, sheet.iter().next().unwrap())).await));
    // A record that is lost has forgotten it: it is recorded again.
    assert!(desk(verifier).erase(&alice()).await.unwrap());
    drop(desk(verifier).rebuild(&alice(), RecordLoss::Missing).await.unwrap());
    assert_eq!(verifier.view(&alice()).await.unwrap().stronger_since, None);
    desk(verifier).record_stronger_factor(&alice()).await.unwrap();
}

#[test]
fn a_policy_says_what_a_code_still_does_and_names_only_purposes_that_it_has() {
    let with = |codes_beside_stronger_factor: Vec<Purpose>| {
        Policy::new(AccountLimits { codes_beside_stronger_factor, ..AccountLimits::default() })
    };
    let misspelled = Purpose::new("withdrawl").unwrap();
    assert_eq!(with(vec![misspelled]).unwrap_err(), PolicyError::HeldUndeclared);
    assert!(matches!(with(vec![Purpose::LOGIN; 17]).unwrap_err(), PolicyError::OutOfRange { .. }));
    // On floor 2: a policy without LOGIN asks for the assertion at the first door too.
    let keyring = phone::keyring();
    let mut rng = phone::rng();
    let open = |write: sekisho::seal::Write| keyring.open(&alice(), write.new).unwrap();
    let (write, _) = keyring.seal(Account::create(alice(), at(T), &mut rng), &mut rng).unwrap();
    let account = open(write.unwrap());
    let change =
        account.record_stronger_factor(&Policy::default(), at(T), &operator("service", "sign-up by passkey")).unwrap();
    let (write, _) = keyring.seal(change, &mut rng).unwrap();
    let account = open(write.unwrap());
    let strict = with(vec![]).unwrap();
    assert_eq!(account.view(&strict, at(T)).second_step, SecondStep::Blocked(BlockedBy::StrongerFactor));
    let generous = with(vec![Purpose::LOGIN, Purpose::BINDING, Purpose::WITHDRAWAL]).unwrap();
    let attempt = Attempt::assertion_verified_by_service(Purpose::WITHDRAWAL);
    assert_eq!(account.verify(&generous, at(T), &attempt).unwrap_err(), AccountError::IsAct);
}

#[tokio::test]
async fn what_waits_when_it_is_set_or_ended_ends_with_that() {
    let service = Service::with(Policy::default());
    let (phone, _) = service.enrolled().await;
    let verifier = &service.verifier;
    // A thief with one code has begun an enrollment and a sheet.
    let proof = service.prove(T, &phone.shows(T, 0)).await;
    let thiefs = Phone::of(&verifier.enroll(proof, new_authenticator()).await.unwrap());
    let proof = service.prove(T + 30, &phone.shows(T + 30, 0)).await;
    let sheet = verifier.issue_recovery_codes(proof).await.unwrap().handle().to_text();
    let proof = service.prove(T + 60, &phone.shows(T + 60, 0)).await;
    verifier.set_stronger_factor(proof).await.unwrap();
    let gone = AccountError::NothingPending;
    fails(verifier.confirm(&alice(), thiefs.confirming(T + 60)).await, &gone);
    change_fails(verifier.keep_recovery_codes(&alice(), sheet.expose()).await, &gone);
    // A thief with the passkey, when an operator ends it: an enrollment, a sheet, a pass, a browser.
    let later = T + 2 * DAY;
    let proof = assertion(&service, later, Purpose::BINDING).await;
    let thiefs = Phone::of(&verifier.enroll(proof, new_authenticator()).await.unwrap());
    let proof = assertion(&service, later + 1, Purpose::BINDING).await;
    let sheet = verifier.issue_recovery_codes(proof).await.unwrap().handle().to_text();
    let proof = assertion(&service, later + 2, Purpose::LOGIN).await;
    drop(verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap());
    drop(desk(verifier).unlock(&alice()).await.unwrap());
    desk(verifier).end_stronger_factor(&alice()).await.unwrap();
    fails(verifier.confirm(&alice(), thiefs.confirming(later + 2)).await, &gone);
    change_fails(verifier.keep_recovery_codes(&alice(), sheet.expose()).await, &gone);
    let view = verifier.view(&alice()).await.unwrap();
    assert!(view.devices.is_empty() && view.passes == 0);
}

#[tokio::test]
async fn a_pass_of_before_enrolls_nothing_on_an_account_that_has_only_a_passkey() {
    let service = Service::with(Policy::default());
    with_passkey(&service).await;
    let verifier = &service.verifier;
    let pass = desk(verifier).unlock(&alice()).await.unwrap().to_text();
    let mailed = accepted(answer(verifier.mail_pass(&alice(), None).await)).to_text();
    let proof = assertion(&service, T, Purpose::BINDING).await;
    verifier.remove_last(proof, AuthenticatorId::new(1)).await.unwrap();
    for pass in [pass, mailed] {
        let begun = verifier.enroll_with_pass(&alice(), pass.expose(), None, new_authenticator()).await;
        change_fails(begun, &AccountError::PassNeeded);
    }
}

#[tokio::test]
async fn a_passkey_that_a_thief_has_had_recorded_ends_with_a_freeze_or_a_reset_within_its_hold() {
    for resets in [false, true] {
        let service = Service::with(Policy::default());
        let (phone, _) = service.enrolled().await;
        let verifier = &service.verifier;
        let proof = service.prove(T, &phone.shows(T, 0)).await;
        verifier.set_stronger_factor(proof).await.unwrap();
        service.clock.set(at(T + DAY - 1));
        if resets {
            drop(desk(verifier).reset(&alice()).await.unwrap());
        } else {
            desk(verifier).freeze(&alice()).await.unwrap();
            desk(verifier).thaw(&alice()).await.unwrap();
        }
        fails(verifier.verify(&alice(), asserted(Purpose::LOGIN)).await, &AccountError::NoStrongerFactor);
        assert_eq!(verifier.view(&alice()).await.unwrap().stronger_since, None);
    }
}

#[tokio::test]
async fn an_assertion_after_a_recovery_leaves_the_pass_to_be_asked_for_again() {
    let limits = AccountLimits { self_recovery_secs: DAY, ..AccountLimits::default() };
    let service = Service::with(Policy::new(limits).unwrap());
    let (phone, _) = service.enrolled().await;
    let verifier = &service.verifier;
    let confirmed = async |secs: u64| {
        let code = service.message(secs, CodeRequest::confirmation(mail())).await;
        accepted(service.submit(secs, Attempt::confirmation(&mail(), &code)).await)
    };
    let then = T - 10 * DAY;
    let confirmation = confirmed(then).await;
    let proof = service.prove(then, &phone.shows(then, 0)).await;
    verifier.bind_email(proof, confirmation).await.unwrap();
    let proof = service.prove(then + 60, &phone.shows(then + 60, 0)).await;
    verifier.set_stronger_factor(proof).await.unwrap();
    let until = verifier.begin_self_recovery(&confirmed(T).await).await.unwrap().as_secs();
    drop(verifier.finish_self_recovery(&confirmed(until).await).await.unwrap());
    drop(assertion(&service, until + 30, Purpose::LOGIN).await);
    let pass = verifier.finish_self_recovery(&confirmed(until + 60).await).await.unwrap().to_text();
    drop(verifier.enroll_with_pass(&alice(), pass.expose(), None, new_authenticator()).await.unwrap());
}
