//! The account as a value: each rule by itself, on floor 2 and a keyring alone.
#![cfg(feature = "alloc")]

use crate::phone::{self, Phone, T, at, created, keyring, new_authenticator, rng};
use sekisho::account::{
    Account, AccountError, AccountId, AccountLimits, Attempt, AuthenticatorId, Change, Enrollment, Event, EventKind,
    NewAuthenticator, Operator, Policy, Proof, Purpose,
};
use sekisho::otp::{Algorithm, Digits, Limits, LockState, Period, Reason, Rejection, TimeError, Totp, UnixTime};
use sekisho::seal::Stored;
use sha1::Digest;

/// An account's row in a table, with every change committed at once.
struct Row {
    id: AccountId,
    stored: Stored,
    policy: Policy,
    events: Vec<Event>,
}

impl Row {
    fn new() -> Self {
        Self::with(phone::limits())
    }

    fn with(limits: AccountLimits) -> Self {
        let policy = Policy::new(limits).unwrap();
        let id = AccountId::new("alice").unwrap();
        Self { stored: created(&id, T - 2 * 86_400), id, policy, events: Vec::new() }
    }

    fn open(&self) -> Account {
        keyring().open(&self.id, self.stored.clone()).unwrap()
    }

    fn commit<T>(&mut self, change: Change<T>) -> T {
        self.answer(change).unwrap()
    }

    fn answer<T>(&mut self, change: Change<T>) -> Result<T, Rejection> {
        let (write, uncommitted) = keyring().seal(change, &mut rng()).unwrap();
        if let Some(write) = write {
            assert_eq!(write.expected, Some(self.stored.revision));
            self.stored = write.new;
        }
        uncommitted.assume_committed(&mut self.events)
    }

    fn history(&self) -> Vec<Event> {
        self.open().history()
    }

    fn begin_first(&mut self, secs: u64, new: &NewAuthenticator) -> Enrollment {
        let change = self.open().enroll_first(&self.policy, at(secs), new, &mut rng()).unwrap();
        self.commit(change)
    }

    fn confirm(&mut self, secs: u64, code: &str) -> Result<Proof, Rejection> {
        let attempt = Attempt::new(Purpose::BINDING, code);
        let change = self.open().confirm(&self.policy, at(secs), &attempt).unwrap();
        self.answer(change)
    }

    fn unconfirmed(&mut self, secs: u64, code: &str) -> Rejection {
        match self.confirm(secs, code) {
            Err(rejection) => rejection,
            Ok(proof) => panic!("{proof:?}"),
        }
    }

    /// Enrolls the first authenticator `secs`, with a code from three minutes before so that the
    /// present ones are not spent.
    fn enroll(&mut self, secs: u64) -> Phone {
        let enrollment = self.begin_first(secs - 180, &new_authenticator());
        let phone = Phone::of(&enrollment);
        assert!(self.confirm(secs - 180, &phone.shows(secs - 180, 0)).is_ok());
        phone
    }

    /// Enrolls another one, with a proof by `by` at `secs - 180` and confirmed then.
    fn enroll_another(&mut self, secs: u64, by: &Phone, new: &NewAuthenticator) -> Phone {
        let proof = self.prove(secs - 180, &by.shows(secs - 180, 0), Purpose::BINDING);
        let change = self.open().enroll(&self.policy, at(secs - 180), &proof, new, &mut rng()).unwrap();
        let phone = Phone::of(&self.commit(change));
        assert!(self.confirm(secs - 180, &phone.shows(secs - 180, 0)).is_ok());
        phone
    }

    fn attempt(&mut self, secs: u64, attempt: &Attempt) -> Result<Proof, Rejection> {
        let change = self.open().verify(&self.policy, at(secs), attempt).unwrap();
        self.answer(change)
    }

    fn log_in(&mut self, secs: u64, code: &str) -> Result<Proof, Rejection> {
        self.attempt(secs, &Attempt::new(Purpose::LOGIN, code))
    }

    fn prove(&mut self, secs: u64, code: &str, purpose: Purpose) -> Proof {
        match self.attempt(secs, &Attempt::new(purpose, code)) {
            Ok(proof) => proof,
            Err(rejection) => panic!("{rejection:?}"),
        }
    }

    fn rejection(&mut self, secs: u64, code: &str) -> Rejection {
        self.refused(secs, &Attempt::new(Purpose::LOGIN, code))
    }

    fn refused(&mut self, secs: u64, attempt: &Attempt) -> Rejection {
        match self.attempt(secs, attempt) {
            Err(rejection) => rejection,
            Ok(proof) => panic!("{proof:?}"),
        }
    }

    fn told(&self, kind: &str) -> usize {
        self.events.iter().filter(|event| event.kind.as_str() == kind).count()
    }
}

#[test]
fn enroll_confirm_log_in() {
    let mut row = Row::new();
    let enrollment = row.begin_first(T, &new_authenticator().named("Pixel 9".parse().unwrap()));
    let phone = Phone::of(&enrollment);
    assert_eq!(enrollment.until(), at(T + 600));
    let Ok(confirmed) = row.confirm(T + 20, &phone.shows(T + 20, 0)) else { panic!() };
    let id = enrollment.authenticator();
    assert_eq!((confirmed.authenticator(), confirmed.purpose()), (Some(id), Purpose::BINDING));
    let proof = row.prove(T + 31, &phone.shows(T + 31, 0), Purpose::LOGIN);
    assert_eq!((proof.account(), proof.authenticator(), proof.at()), (&row.id, Some(id), at(T + 31)));
    let view = row.open().view(&row.policy, at(T + 31));
    let one = &view.authenticators[0];
    assert_eq!((one.name.as_str(), one.bound_at, one.last_used), ("Pixel 9", at(T + 20), at(T + 31)));
    let kinds: Vec<_> = row.history().iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["enrollment_begun", "confirmed", "accepted"]);
    // What the owner is told of carries a handle, which is made for the telling.
    let told = row.events.iter().map(|event| event.freeze_handle.is_some());
    assert_eq!(told.collect::<Vec<_>>(), [false, true, false]);
    row.events.iter_mut().for_each(|event| event.freeze_handle = None);
    assert_eq!(row.history(), row.events);
}

#[test]
fn an_account_without_authenticators_is_an_error_not_an_acceptance() {
    let row = Row::new();
    let attempt = Attempt::new(Purpose::LOGIN, "123456");
    assert_eq!(row.open().verify(&row.policy, at(T), &attempt).unwrap_err(), AccountError::NotEnrolled);
    let mut row = Row::new();
    let _ = row.begin_first(T, &new_authenticator());
    assert_eq!(row.open().verify(&row.policy, at(T), &attempt).unwrap_err(), AccountError::NotEnrolled, "pending");
}

#[test]
fn a_clock_before_t0_is_an_error_not_an_acceptance() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let totp = phone.key.totp();
    assert_eq!(totp.t0, UnixTime::from_secs(0), "otpauth URIs know no other: only a clock before 1970 is before T0");
    let early = Totp { t0: at(T), ..totp }.step_at(at(T - 1));
    assert_eq!(early, Err(TimeError::BeforeT0 { now: at(T - 1), t0: at(T) }));
}

#[test]
fn the_code_that_confirmed_is_spent() {
    let mut row = Row::new();
    let enrollment = row.begin_first(T, &new_authenticator());
    let code = Phone::of(&enrollment).shows(T, 0);
    assert!(row.confirm(T, &code).is_ok());
    assert_eq!(row.rejection(T + 1, &code), Rejection::Replayed { next: at(T + 30) });
}

#[test]
fn an_enrollment_is_confirmed_two_steps_off_and_no_further() {
    for (offset, accepted) in [(-3, false), (-2, true), (2, true), (3, false)] {
        let mut row = Row::new();
        let phone = Phone::of(&row.begin_first(T, &new_authenticator()));
        let verdict = row.confirm(T, &phone.shows(T, offset));
        assert_eq!(verdict.is_ok(), accepted, "{offset}");
        if accepted {
            // And logs in at the same distance, with the next code.
            assert!(row.log_in(T + 30, &phone.shows(T + 30, offset)).is_ok(), "{offset}");
        }
    }
}

#[test]
fn an_enrollment_waits_for_ten_minutes() {
    for (later, waits) in [(599, true), (600, false)] {
        let mut row = Row::new();
        let phone = Phone::of(&row.begin_first(T, &new_authenticator()));
        let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T + later, 0));
        let confirmed = row.open().confirm(&row.policy, at(T + later), &attempt);
        assert_eq!(confirmed.is_ok(), waits);
        if !waits {
            assert_eq!(confirmed.unwrap_err(), AccountError::NothingPending);
        }
    }
}

#[test]
fn a_new_enrollment_takes_the_place_of_one_that_waits() {
    let mut row = Row::new();
    let first = Phone::of(&row.begin_first(T, &new_authenticator()));
    let second = Phone::of(&row.begin_first(T, &new_authenticator()));
    assert_eq!(row.unconfirmed(T, &first.shows(T, 0)), Rejection::ReplacedEnrollment);
    assert!(row.confirm(T, &second.shows(T, 0)).is_ok());
}

#[test]
fn confirmations_are_throttled_over_all_enrollments_and_apart_from_log_ins() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let proof = row.prove(T, &phone.shows(T, 0), Purpose::BINDING);
    let change = row.open().enroll(&row.policy, at(T), &proof, &new_authenticator(), &mut rng()).unwrap();
    let second = Phone::of(&row.commit(change));
    for failure in 1..=5 {
        let Err(Rejection::Mismatch(counted)) = row.confirm(T, &second.never_shows(T, failure)) else { panic!() };
        assert_eq!(counted.failures_in_a_row, failure);
    }
    let locked = Rejection::Locked { until: at(T + 30) };
    assert_eq!(row.unconfirmed(T, &second.shows(T, 0)), locked);
    // A new enrollment does not escape the lock, and a log-in does not meet it.
    let proof = row.prove(T + 1, &phone.shows(T + 1, 1), Purpose::BINDING);
    let change = row.open().enroll(&row.policy, at(T + 1), &proof, &new_authenticator(), &mut rng()).unwrap();
    let third = Phone::of(&row.commit(change));
    assert_eq!(row.unconfirmed(T + 1, &third.shows(T + 1, 0)), locked);
    assert!(row.confirm(T + 30, &third.shows(T + 30, 0)).is_ok());
}

#[test]
fn enrolling_freely_needs_an_account_without_authenticators() {
    let mut row = Row::new();
    row.enroll(T);
    let again = row.open().enroll_first(&row.policy, at(T), &new_authenticator(), &mut rng());
    assert_eq!(again.unwrap_err(), AccountError::AlreadyEnrolled);
}

#[test]
fn several_authenticators_each_with_its_own_parameters() {
    let mut row = Row::new();
    let phone = row.enroll(T - 600);
    let totp = Totp {
        algorithm: Algorithm::Sha256,
        digits: Digits::Eight,
        period: Period::from_secs(60).unwrap(),
        ..Totp::DEFAULT
    };
    let token = row.enroll_another(T - 300, &phone, &new_authenticator().with_totp(totp).unwrap());
    let seven = Totp { algorithm: Algorithm::Sha512, digits: Digits::Seven, ..Totp::DEFAULT };
    let tablet = row.enroll_another(T - 100, &phone, &new_authenticator().with_totp(seven).unwrap());
    for (number, device) in [(1, &phone), (2, &token), (3, &tablet)] {
        let proof = row.prove(T + number, &device.shows(T + number, 0), Purpose::LOGIN);
        assert_eq!(u64::from(proof.authenticator().unwrap().number()), number);
    }
    // Each has its own watermark: all three next codes are good, none of the present ones.
    for device in [&phone, &token, &tablet] {
        assert!(matches!(row.rejection(T + 5, &device.shows(T + 5, 0)), Rejection::Replayed { .. }));
        assert!(row.log_in(T + 5, &device.shows(T + 5, 1)).is_ok());
    }
}

#[test]
fn a_failure_is_charged_once_however_many_authenticators_were_tried() {
    let mut row = Row::new();
    let phone = row.enroll(T - 400);
    row.enroll_another(T - 200, &phone, &new_authenticator());
    row.enroll_another(T, &phone, &new_authenticator());
    for failure in 1..=5_u32 {
        let code = phone.never_shows(T, failure);
        let Rejection::Mismatch(counted) = row.rejection(T, &code) else { panic!() };
        assert_eq!(counted.failures_in_a_row, failure);
    }
    assert_eq!(row.rejection(T, &phone.shows(T, 0)), Rejection::Locked { until: at(T + 30) });
    assert_eq!(row.told("locked"), 1);
}

#[test]
fn a_code_of_another_length_than_any_authenticators_is_a_mismatch() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let eight = format!("00{}", phone.shows(T, 0));
    assert!(matches!(row.rejection(T, &eight), Rejection::Mismatch(_)));
    assert!(row.log_in(T, &phone.shows(T, 0)).is_ok());
}

#[test]
fn the_same_digits_are_not_accepted_from_two_authenticators() {
    // Two authenticators with one code at one moment are rare; two with one secret are not let in.
    // So search.
    let mut row = Row::new();
    let phone = row.enroll(T - 600);
    let other = row.enroll_another(T - 300, &phone, &new_authenticator());
    let meet = (0..30_000_000).map(|step| T + step * 30).find(|now| phone.shows(*now, 0) == other.shows(*now, 0));
    let now = meet.expect("two secrets meet once in a million steps");
    let code = phone.shows(now, 0);
    let proof = row.prove(now, &code, Purpose::LOGIN);
    assert_eq!(proof.authenticator().unwrap().number(), 1, "of several the first");
    assert!(matches!(row.rejection(now, &code), Rejection::Replayed { .. }));
}

#[test]
fn malformed_text_is_refused_uncounted() {
    let mut row = Row::new();
    row.enroll(T);
    let before = row.stored.clone();
    assert_eq!(row.rejection(T, "password"), Rejection::Malformed);
    assert_eq!(row.stored, before, "nothing was written");
}

#[test]
fn refusals_that_change_nothing_write_nothing_but_are_told() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let code = phone.shows(T, 0);
    assert!(row.log_in(T, &code).is_ok());
    let before = row.stored.clone();
    assert!(matches!(row.rejection(T, &code), Rejection::Replayed { .. }));
    assert_eq!(row.stored, before);
    let told = row.events.last().unwrap();
    assert_eq!(told.sequence, None);
    assert_eq!(told.kind, EventKind::Rejected { purpose: Purpose::LOGIN, reason: Reason::Replayed, diagnosis: None });
}

#[test]
fn a_success_ends_the_run_and_leaves_the_long_term_count() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    for which in 0..4 {
        row.rejection(T, &phone.never_shows(T, which));
    }
    assert!(row.log_in(T, &phone.shows(T, 0)).is_ok());
    let view = row.open().view(&row.policy, at(T));
    assert_eq!((view.failures_in_a_row, view.long_term_failures), (0, 4));
}

#[test]
fn a_hundred_failures_in_a_row_over_all_doors_disable_until_rebound() {
    let mut row = Row::with(AccountLimits {
        codes: sekisho::otp::Limits { long_term: 200, leak_every_secs: 604_800, ..Default::default() },
        max_authenticators: 2,
        ..AccountLimits::default()
    });
    let phone = row.enroll(T);
    let proof = row.prove(T, &phone.shows(T, 0), Purpose::BINDING);
    let change = row.open().enroll(&row.policy, at(T), &proof, &new_authenticator(), &mut rng()).unwrap();
    let second = Phone::of(&row.commit(change));
    let mut failures = 0;
    let wrong = |which| second.never_shows(T, which);
    for which in 0..3 {
        assert!(matches!(row.confirm(T, &wrong(which)), Err(Rejection::Mismatch(_))));
        failures += 1;
    }
    let mut now = T;
    let wrong = phone.never_shows(T, 1);
    loop {
        now += 3_600;
        // Not a code of these hours either: it is right with a chance of 3 in a million each time.
        failures += 1;
        match row.rejection(now, &wrong) {
            Rejection::Mismatch(counted) | Rejection::Expired(counted) if counted.lock_state == LockState::Disabled => {
                break;
            }
            Rejection::Mismatch(_) | Rejection::Expired(_) => {}
            rejection => panic!("{rejection:?}"),
        }
    }
    assert_eq!(failures, 100);
    assert_eq!(row.told("disabled"), 1);
    now += 1_000_000;
    assert_eq!(row.rejection(now, &phone.shows(now, 0)), Rejection::Disabled);
    assert_eq!(row.open().view(&row.policy, at(now)).refusal, Some(Rejection::Disabled));
    let device = row.open().unlock(&row.policy, at(now), &operator(), &mut rng()).unwrap();
    let cookie = row.commit(device).to_text();
    let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(now, 0)).with_device(cookie.expose());
    assert_eq!(row.refused(now, &attempt), Rejection::Disabled, "a pass does not rebind");
}

fn operator() -> Operator {
    Operator::new("bob", "ticket 4711").unwrap()
}

#[test]
fn a_pass_goes_past_the_common_lock_once() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    for which in 0..5 {
        row.rejection(T, &phone.never_shows(T, which));
    }
    let change = row.open().unlock(&row.policy, at(T), &operator(), &mut rng()).unwrap();
    let cookie = row.commit(change).to_text();
    let with_pass = |code: &str| Attempt::new(Purpose::LOGIN, code).with_device(cookie.expose());
    assert!(matches!(row.rejection(T + 1, &phone.shows(T, 0)), Rejection::Locked { .. }), "the lock stays for others");
    // A wrong code with it is charged to the devices' throttle, and does not use it up.
    let Err(Rejection::Mismatch(counted)) = row.attempt(T + 1, &with_pass(&phone.never_shows(T, 9))) else { panic!() };
    assert_eq!(counted.failures_in_a_row, 1);
    assert!(row.attempt(T + 1, &with_pass(&phone.shows(T, 0))).is_ok());
    let again = row.attempt(T + 2, &with_pass(&phone.shows(T + 30, 0)));
    assert!(matches!(again, Err(Rejection::Locked { .. })), "good once");
    assert_eq!(row.told("pass_issued"), 1);
}

#[test]
fn a_pass_ends_after_its_day_and_opens_nothing_by_itself() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let change = row.open().unlock(&row.policy, at(T), &operator(), &mut rng()).unwrap();
    let cookie = row.commit(change).to_text();
    let day = T + 86_400;
    for which in 0..5 {
        row.rejection(day, &phone.never_shows(day, which));
    }
    let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(day, 0)).with_device(cookie.expose());
    assert!(matches!(row.attempt(day, &attempt), Err(Rejection::Locked { .. })));
}

#[test]
fn guesses_with_a_stolen_pass_are_bounded_as_others_are() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let change = row.open().unlock(&row.policy, at(T), &operator(), &mut rng()).unwrap();
    let cookie = row.commit(change).to_text();
    for which in 0..5 {
        let attempt = Attempt::new(Purpose::LOGIN, &phone.never_shows(T, which)).with_device(cookie.expose());
        assert!(matches!(row.attempt(T, &attempt), Err(Rejection::Mismatch(_))));
    }
    // It has ended with the fifth: whoever has it is a stranger again, and the others are not
    // locked by him.
    assert_eq!(row.open().view(&row.policy, at(T)).passes, 0);
    for which in 5..10 {
        let attempt = Attempt::new(Purpose::LOGIN, &phone.never_shows(T, which)).with_pass(cookie.expose());
        assert!(matches!(row.attempt(T, &attempt), Err(Rejection::Mismatch(_))));
    }
    let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(T, 0)).with_pass(cookie.expose());
    assert_eq!(row.refused(T, &attempt), Rejection::Locked { until: at(T + 30) });
}

#[test]
fn a_change_of_binding_holds_withdrawals_for_a_day_and_a_held_purpose_spends_no_code() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let bound = T - 180;
    let code = phone.shows(T, 0);
    let withdraw = Attempt::new(Purpose::WITHDRAWAL, &code);
    assert_eq!(row.refused(T, &withdraw), Rejection::Held { until: at(bound + 86_400) });
    assert!(row.log_in(T, &code).is_ok(), "the code was not spent");
    // A later change holds for longer, none for less.
    let policy = Policy::new(AccountLimits { binding_hold_secs: 60, ..AccountLimits::default() }).unwrap();
    let lenient = std::mem::replace(&mut row.policy, policy);
    row.enroll_another(T + 400, &phone, &new_authenticator());
    let until = |row: &Row| row.open().view(&row.policy, at(T)).holds[0].until;
    assert_eq!(until(&row), at(bound + 86_400));
    row.policy = lenient;
    row.enroll_another(T + 600, &phone, &new_authenticator());
    assert_eq!(until(&row), at(T + 420 + 86_400));
    let late = T + 420 + 86_400;
    let withdraw = Attempt::new(Purpose::WITHDRAWAL, &phone.shows(late, 0));
    assert!(row.attempt(late, &withdraw).is_ok());
}

#[test]
fn proofs_bind_account_purpose_context_and_time() {
    let mut row = Row::new();
    let phone = row.enroll(T - 86_400);
    let context = [9; 32];
    let mut prove = |now: u64| {
        let attempt = Attempt::new(Purpose::WITHDRAWAL, &phone.shows(now, 0)).with_context(&context);
        let Ok(proof) = row.attempt(now, &attempt) else { panic!() };
        assert_eq!(proof.context(), Some(&context));
        proof
    };
    let (alice, bob) = (AccountId::new("alice").unwrap(), AccountId::new("bob").unwrap());
    let (purpose, other) = (Purpose::WITHDRAWAL, Purpose::LOGIN);
    let mut times = (0..).map(|n| T + n * 30);
    let mut next = || times.next().unwrap();
    let now = next();
    assert_eq!(prove(now).redeem_without_store(&alice, purpose, Some(&context), at(now)), Ok(()));
    let now = next();
    assert_eq!(
        prove(now).redeem_without_store(&bob, purpose, Some(&context), at(now)),
        Err(AccountError::ProofOfAnotherAccount)
    );
    let now = next();
    assert_eq!(
        prove(now).redeem_without_store(&alice, other, Some(&context), at(now)),
        Err(AccountError::ProofForAnotherPurpose)
    );
    let now = next();
    assert_eq!(
        prove(now).redeem_without_store(&alice, purpose, None, at(now)),
        Err(AccountError::ProofForAnotherContext)
    );
    let now = next();
    assert_eq!(
        prove(now).redeem_without_store(&alice, purpose, Some(&[8; 32]), at(now)),
        Err(AccountError::ProofForAnotherContext)
    );
    let now = next();
    assert_eq!(prove(now).redeem_without_store(&alice, purpose, Some(&context), at(now + 299)), Ok(()));
    let now = next();
    assert_eq!(
        prove(now).redeem_without_store(&alice, purpose, Some(&context), at(now + 300)),
        Err(AccountError::ProofEnded)
    );
    let now = next();
    assert_eq!(
        prove(now).redeem_without_store(&alice, purpose, Some(&context), at(now - 300)),
        Err(AccountError::ProofEnded),
        "clock set back"
    );
}

#[test]
fn binding_takes_a_proof_for_binding_once() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let enroll = |row: &mut Row, now, proof| {
        let change = row.open().enroll(&row.policy, at(now), &proof, &new_authenticator(), &mut rng())?;
        Ok::<_, AccountError>(row.commit(change))
    };
    let login = row.prove(T, &phone.shows(T, 0), Purpose::LOGIN);
    assert_eq!(enroll(&mut row, T, login).unwrap_err(), AccountError::ProofForAnotherPurpose);

    // Asking again by name gives a second proof of the same acceptance: it is used up with the
    // first.
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T + 30, 0)).with_idempotency_key([1; 16]);
    let Ok(first) = row.attempt(T + 30, &attempt) else { panic!() };
    let Ok(second) = row.attempt(T + 31, &attempt) else { panic!() };
    assert!(enroll(&mut row, T + 31, first).is_ok());
    assert_eq!(enroll(&mut row, T + 31, second).unwrap_err(), AccountError::ProofSpent);

    // All that were given before are used up with it.
    let older = row.prove(T + 60, &phone.shows(T + 60, 0), Purpose::BINDING);
    let younger = row.prove(T + 90, &phone.shows(T + 90, 0), Purpose::BINDING);
    assert!(enroll(&mut row, T + 90, younger).is_ok());
    assert_eq!(enroll(&mut row, T + 90, older).unwrap_err(), AccountError::ProofSpent);

    let late = row.prove(T + 120, &phone.shows(T + 120, 0), Purpose::BINDING);
    assert_eq!(enroll(&mut row, T + 420, late).unwrap_err(), AccountError::ProofEnded);
}

#[test]
fn a_proof_from_before_an_account_was_erased_binds_nothing_after() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let old = row.prove(T, &phone.shows(T, 0), Purpose::BINDING);
    row.stored = created(&row.id, T);
    row.enroll(T + 200);
    let refused = row.open().enroll(&row.policy, at(T + 200), &old, &new_authenticator(), &mut rng());
    assert_eq!(refused.unwrap_err(), AccountError::ProofSpent);
}

#[test]
fn at_most_three_authenticators_and_no_secret_twice() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let proof = row.prove(T, &phone.shows(T, 0), Purpose::BINDING);
    let same = row.open().enroll(&row.policy, at(T), &proof, &phone.again(), &mut rng());
    assert_eq!(same.unwrap_err(), AccountError::SameSecret);
    for number in 1..3 {
        row.enroll_another(T + number * 200 + 200, &phone, &new_authenticator());
    }
    let now = T + 2_000;
    let proof = row.prove(now, &phone.shows(now, 0), Purpose::BINDING);
    let fourth = row.open().enroll(&row.policy, at(now), &proof, &new_authenticator(), &mut rng());
    assert_eq!(fourth.unwrap_err(), AccountError::TooMany);
}

#[test]
fn removal_takes_a_proof_and_does_not_take_the_last_by_accident() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let second = row.enroll_another(T + 200, &phone, &new_authenticator());
    let (first_id, second_id) = (AuthenticatorId::new(1), AuthenticatorId::new(2));
    let mut now = T + 300;
    let mut proof = |row: &mut Row, phone: &Phone| {
        now += 30;
        (row.prove(now, &phone.shows(now, 0), Purpose::BINDING), at(now))
    };
    let (given, when) = proof(&mut row, &phone);
    let refused = row.open().remove_last(&row.policy, when, &given, first_id).unwrap_err();
    assert_eq!(refused, AccountError::NotTheLast);
    let (given, when) = proof(&mut row, &phone);
    let refused = row.open().remove(&row.policy, when, &given, AuthenticatorId::new(9)).unwrap_err();
    assert_eq!(refused, AccountError::NoSuchAuthenticator { id: AuthenticatorId::new(9) });
    let (given, when) = proof(&mut row, &second);
    let change = row.open().remove(&row.policy, when, &given, first_id).unwrap();
    row.commit(change);
    let later = when.as_secs() + 30;
    assert!(matches!(row.rejection(later, &phone.shows(later, 0)), Rejection::Mismatch(_)), "the removed one is gone");
    let (given, when) = proof(&mut row, &second);
    let refused = row.open().remove(&row.policy, when, &given, second_id).unwrap_err();
    assert_eq!(refused, AccountError::LastAuthenticator);
    let (given, when) = proof(&mut row, &second);
    let change = row.open().remove_last(&row.policy, when, &given, second_id).unwrap();
    row.commit(change);
    assert_eq!(row.told("removed"), 2);
    let _ = row.begin_first(when.as_secs(), &new_authenticator());
}

#[test]
fn a_secret_removed_and_brought_in_again_has_its_used_steps_used() {
    // Used two steps ahead by a fast phone, removed at once, and brought in again.
    let mut row = Row::new();
    let fast = row.enroll(T);
    let other = row.enroll_another(T + 150, &fast, &new_authenticator());
    let now = T + 180;
    let ahead = fast.shows(now, 1);
    let proof = row.prove(now, &ahead, Purpose::BINDING);
    let change = row.open().remove(&row.policy, at(now), &proof, AuthenticatorId::new(1)).unwrap();
    row.commit(change);
    let proof = row.prove(now, &other.shows(now, 0), Purpose::BINDING);
    let change = row.open().enroll(&row.policy, at(now), &proof, &fast.again(), &mut rng()).unwrap();
    let _ = row.commit(change);
    for later in [0, 29, 30, 59, 60, 89] {
        assert!(matches!(row.confirm(now + later, &ahead), Err(Rejection::Replayed { .. })), "{later}");
    }
    let later = now + 60;
    assert!(row.confirm(later, &fast.shows(later, 0)).is_ok());
}

#[test]
fn an_imported_secrets_present_code_counts_as_used() {
    let mut row = Row::new();
    let elsewhere = Phone::with(&sekisho::otp::Secret::new(&[5; 20]).unwrap(), Totp::DEFAULT);
    let enrollment = row.begin_first(T + 10, &elsewhere.again());
    assert!(enrollment.uri().secret() == elsewhere.secret());
    let present = row.unconfirmed(T + 10, &elsewhere.shows(T + 10, 0));
    assert_eq!(present, Rejection::Replayed { next: at(T + 30) });
    assert!(row.confirm(T + 30, &elsewhere.shows(T + 30, 0)).is_ok());
}

#[test]
fn a_named_attempt_gets_the_same_answer_for_a_minute() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let right = Attempt::new(Purpose::LOGIN, &phone.shows(T, 0)).with_idempotency_key([1; 16]);
    let Ok(first) = row.attempt(T, &right) else { panic!() };
    let Ok(again) = row.attempt(T + 59, &right) else { panic!() };
    assert_eq!((first.authenticator(), first.at()), (again.authenticator(), again.at()));
    assert!(matches!(row.attempt(T + 60, &right), Err(Rejection::Replayed { .. })));
    let wrong = Attempt::new(Purpose::LOGIN, &phone.never_shows(T, 1)).with_idempotency_key([2; 16]);
    let first = row.refused(T + 100, &wrong);
    assert!(matches!(first, Rejection::Mismatch(_)));
    assert_eq!(row.refused(T + 101, &wrong), first, "and is not charged twice");
    assert_eq!(row.open().view(&row.policy, at(T + 101)).failures_in_a_row, 1);
}

#[test]
fn another_name_code_purpose_or_context_is_another_attempt() {
    let own = Purpose::new("api-key").unwrap();
    let mut row = Row::with(AccountLimits { purposes: vec![own], ..AccountLimits::default() });
    let phone = row.enroll(T);
    let code = phone.shows(T, 0);
    let named = Attempt::new(Purpose::LOGIN, &code).with_idempotency_key([1; 16]);
    assert!(row.attempt(T, &named).is_ok());
    for other in [
        Attempt::new(Purpose::LOGIN, &code).with_idempotency_key([2; 16]),
        Attempt::new(own, &code).with_idempotency_key([1; 16]),
        Attempt::new(Purpose::LOGIN, &code).with_idempotency_key([1; 16]).with_context(&[0; 32]),
        Attempt::new(Purpose::LOGIN, &code),
    ] {
        assert!(matches!(row.attempt(T + 1, &other), Err(Rejection::Replayed { .. })), "{other:?}");
    }
    let different = Attempt::new(Purpose::LOGIN, &phone.never_shows(T, 3)).with_idempotency_key([1; 16]);
    assert!(matches!(row.attempt(T + 1, &different), Err(Rejection::Mismatch(_))));
    // Nor is a log-in a confirmation.
    let binding = Attempt::new(Purpose::BINDING, &phone.shows(T + 30, 0)).with_idempotency_key([3; 16]);
    let Ok(proof) = row.attempt(T + 30, &binding) else { panic!() };
    let change = row.open().enroll(&row.policy, at(T + 30), &proof, &new_authenticator(), &mut rng()).unwrap();
    let _ = row.commit(change);
    let change = row.open().confirm(&row.policy, at(T + 31), &binding).unwrap();
    assert!(row.answer(change).is_err());
}

#[test]
fn the_history_is_bounded_and_what_is_owed_stays_longest() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let mut now = T;
    for _ in 0..60 {
        now += 30;
        assert!(row.log_in(now, &phone.shows(now, 0)).is_ok());
    }
    assert_eq!(row.history().len(), 32);
    assert_eq!(row.history().last().unwrap().sequence, Some(((T - 2 * 86_400) << 20) + 62));
    let owed = row.open().unacknowledged();
    assert_eq!(owed.len(), 1, "{owed:?}");
    assert!(matches!(owed[0].kind, EventKind::Confirmed { .. }), "from sixty events ago");
    let change = row.open().acknowledge(&[owed[0].sequence.unwrap()]);
    row.commit(change);
    assert_eq!(row.open().unacknowledged(), []);
}

#[test]
fn what_notifies_the_owner() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    for round in 0..2 {
        for which in 0..5 {
            row.rejection(T + round * 30, &phone.never_shows(T, which));
            if round == 1 {
                break;
            }
        }
    }
    let change = row.open().unlock(&row.policy, at(T), &operator(), &mut rng()).unwrap();
    let _ = row.commit(change);
    let owed = row.open().unacknowledged();
    let kinds: Vec<_> = owed.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["confirmed", "locked", "pass_issued"], "of two locks in a row the first");
    assert_eq!(row.told("locked"), 2);
    assert!(owed.iter().all(Event::notifies_owner));
}

#[test]
fn a_record_from_before_a_restored_backup_is_treated_with_care() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let change = row.open().unlock(&row.policy, at(T), &operator(), &mut rng()).unwrap();
    let cookie = row.commit(change).to_text();
    let proof = row.prove(T, &phone.shows(T, 0), Purpose::BINDING);
    let backup = row.stored.clone();
    // Used after the backup was taken, and forgotten by it.
    let used = phone.shows(T + 30, 0);
    assert!(row.log_in(T + 30, &used).is_ok());
    row.stored = backup;
    let restored = at(T + 45);
    let care = |row: &mut Row, secs: u64| {
        let change = row.open().restored_at(&row.policy, at(secs), restored);
        row.commit(change);
    };
    assert!(row.open().needs_care(at(T + 46), restored));
    care(&mut row, T + 46);
    let once = row.stored.clone();
    assert!(!row.open().needs_care(at(T + 46), restored));
    care(&mut row, T + 46);
    assert_eq!(row.stored, once, "once is enough");
    let verify = |row: &mut Row, secs: u64, attempt: &Attempt| row.attempt(secs, attempt);
    let again = verify(&mut row, T + 46, &Attempt::new(Purpose::LOGIN, &used));
    assert!(matches!(again, Err(Rejection::Replayed { .. })));
    let refused = row.open().enroll(&row.policy, at(T + 46), &proof, &new_authenticator(), &mut rng()).unwrap_err();
    assert_eq!(refused, AccountError::ProofSpent);
    let held = verify(&mut row, T + 60, &Attempt::new(Purpose::WITHDRAWAL, &phone.shows(T + 60, 0)));
    let Err(held) = held else { panic!() };
    assert_eq!(held, Rejection::Held { until: at(T + 45 + 86_400) });
    for which in 0..5 {
        let _ = verify(&mut row, T + 60, &Attempt::new(Purpose::LOGIN, &phone.never_shows(T, which)));
    }
    let with_pass = Attempt::new(Purpose::LOGIN, &phone.shows(T + 61, 0)).with_device(cookie.expose());
    let pass = verify(&mut row, T + 61, &with_pass);
    assert!(matches!(pass, Err(Rejection::Locked { .. })), "passes are void");
    // What a fast phone may have used is used too: one step of the window, four of drift, twenty of
    // a resynchronization.
    let mut first = None;
    for secs in (T + 90..T + 1_000).step_by(30) {
        match row.log_in(secs, &phone.shows(secs, 0)) {
            Ok(_) => first = first.or(Some(secs)),
            Err(Rejection::Replayed { .. }) => assert_eq!(first, None),
            Err(rejection) => panic!("{rejection:?}"),
        }
    }
    assert_eq!(first, Some(T + 30 + 26 * 30));
    assert_eq!(row.told("restored"), 1);
}

#[test]
fn a_code_used_by_a_fast_phone_before_a_restore_is_not_accepted_after_it() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let mut now = T;
    // Four steps ahead, learned.
    for ahead in 1..=5 {
        now += 60;
        assert!(row.log_in(now, &phone.shows(now, ahead)).is_ok(), "{ahead}");
    }
    let backup = row.stored.clone();
    now += 60;
    let used = phone.shows(now, 5);
    assert!(row.log_in(now, &used).is_ok());
    row.stored = backup;
    let change = row.open().restored_at(&row.policy, at(now + 1), at(now + 1));
    row.commit(change);
    for later in 0..600 {
        let again = row.log_in(now + 1 + later, &used);
        assert!(again.is_err(), "{later}: {again:?}");
    }
}

#[test]
fn a_new_record_made_after_a_restore_needs_no_care() {
    let mut row = Row::new();
    row.enroll(T);
    assert!(!row.open().needs_care(at(T), at(T - 172_800)));
    assert!(row.open().needs_care(at(T), at(T - 172_799)));
    assert!(row.open().needs_care(at(T - 180_000), at(T - 179_999)), "made by a clock that was ahead");
}

#[test]
fn what_a_thief_began_with_an_authenticator_ends_with_its_removal() {
    let mut row = Row::new();
    let stolen = row.enroll(T);
    let own = row.enroll_another(T + 200, &stolen, &new_authenticator());
    let now = T + 300;
    // The owner's proof, the thief's, and an enrollment that the thief has begun.
    let owners = row.prove(now, &own.shows(now, 0), Purpose::BINDING);
    let thiefs = row.prove(now + 1, &stolen.shows(now, 0), Purpose::BINDING);
    let change = row.open().enroll(&row.policy, at(now + 1), &thiefs, &new_authenticator(), &mut rng()).unwrap();
    let begun = Phone::of(&row.commit(change));
    let refused = row.open().remove(&row.policy, at(now + 2), &owners, AuthenticatorId::new(1)).unwrap_err();
    assert_eq!(refused, AccountError::ProofSpent, "used up by the thief's");
    let owners = row.prove(now + 30, &own.shows(now + 30, 0), Purpose::BINDING);
    let thiefs = row.prove(now + 31, &stolen.shows(now + 30, 0), Purpose::BINDING);
    let change = row.open().remove(&row.policy, at(now + 32), &owners, AuthenticatorId::new(1)).unwrap();
    row.commit(change);
    let attempt = Attempt::new(Purpose::BINDING, &begun.shows(now + 33, 0));
    let confirmed = row.open().confirm(&row.policy, at(now + 33), &attempt).unwrap_err();
    assert_eq!(confirmed, AccountError::NothingPending);
    let bound = row.open().enroll(&row.policy, at(now + 33), &thiefs, &new_authenticator(), &mut rng()).unwrap_err();
    assert_eq!(bound, AccountError::ProofSpent, "given before the removal");
}

#[test]
fn an_authenticator_that_is_disabled_is_not_what_is_left() {
    let codes = Limits { disable_after: 20, ..Limits::DEFAULT };
    let mut row = Row::with(AccountLimits { codes, pending_secs: 86_400, ..phone::limits() });
    let phone = row.enroll(T);
    let proof = row.prove(T, &phone.shows(T, 0), Purpose::BINDING);
    let change = row.open().enroll(&row.policy, at(T), &proof, &new_authenticator(), &mut rng()).unwrap();
    let second = Phone::of(&row.commit(change));
    // Twenty failures while it waits.
    let (mut now, mut disabled) = (T, false);
    while !disabled {
        now += 30;
        let wrong = phone.never_shows(now, 1);
        disabled = match row.log_in(now, &wrong) {
            Err(Rejection::Mismatch(counted)) => counted.lock_state == LockState::Disabled,
            Err(Rejection::Locked { until }) => {
                now = until.as_secs();
                false
            }
            verdict => panic!("{verdict:?}"),
        };
    }
    assert!(row.confirm(now, &second.shows(now, 0)).is_ok());
    let binding = Attempt::new(Purpose::BINDING, &second.shows(now + 172_800, 0));
    let Ok(proof) = row.attempt(now + 172_800, &binding) else { panic!() };
    let late = at(now + 172_800);
    let refused = row.open().remove(&row.policy, late, &proof, AuthenticatorId::new(2)).unwrap_err();
    assert_eq!(refused, AccountError::LastAuthenticator);
    let change = row.open().remove_last(&row.policy, late, &proof, AuthenticatorId::new(2)).unwrap();
    row.commit(change);
    assert_eq!(row.open().view(&row.policy, late).authenticators, []);
    assert_eq!(row.told("removed"), 2);
}

#[test]
fn a_secret_brought_in_after_a_restore_has_used_what_it_can_have_used() {
    // The backup has only the enrollment that waits; its phone was one step fast.
    let mut row = Row::new();
    let phone = Phone::with(&sekisho::otp::Secret::new(&[5; 20]).unwrap(), Totp::DEFAULT);
    let _ = row.begin_first(T, &phone.again());
    let backup = row.stored.clone();
    assert!(row.confirm(T + 30, &phone.shows(T + 30, 0)).is_ok());
    let used = phone.shows(T + 60, 1);
    assert!(row.log_in(T + 60, &used).is_ok());
    row.stored = backup;
    let change = row.open().restored_at(&row.policy, at(T + 61), at(T + 61));
    row.commit(change);
    let _ = row.begin_first(T + 62, &phone.again());
    for later in 62..180 {
        let verdict = row.confirm(T + later, &used);
        assert!(verdict.is_err(), "{later}");
    }
}

#[test]
fn a_restore_in_the_far_future_locks_nobody_out_for_long_and_shortens_no_hold() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let milliseconds = at(T * 1_000);
    let change = row.open().restored_at(&row.policy, at(T + 1), milliseconds);
    row.commit(change);
    assert!(!row.open().needs_care(at(T + 2), milliseconds));
    assert_eq!(row.open().view(&row.policy, at(T)).holds[0].until, at(T + 601 + 86_400));
    let later = T + 601 + 26 * 30;
    assert!(row.log_in(later, &phone.shows(later, 0)).is_ok());
}

#[test]
fn clocks_at_the_end_of_time_write_records_that_are_read() {
    for now in [1 << 43, 1 << 44, u64::MAX - 100_000, u64::MAX] {
        let mut row = Row::new();
        let phone = Phone::of(&row.begin_first(now, &new_authenticator()));
        let step = phone.step(now);
        let code = phone.key.code_at(step).reveal().to_string();
        let attempt = Attempt::new(Purpose::BINDING, &code);
        // At the very end an enrollment has no time left to wait.
        if let Ok(change) = row.open().confirm(&row.policy, at(now), &attempt) {
            let _ = row.commit(change);
        }
        let change = row.open().restored_at(&row.policy, at(now), at(u64::MAX));
        row.commit(change);
        let _ = row.open().view(&row.policy, at(now));
        assert!(
            row.open().unacknowledged().iter().filter_map(|event| event.sequence).is_sorted_by(|a, b| a < b),
            "{now}"
        );
    }
}

#[test]
fn what_is_owed_is_not_pushed_out_by_what_is_not() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    for _ in 0..31 {
        let change = row.open().unlock(&row.policy, at(T), &operator(), &mut rng()).unwrap();
        let _ = row.commit(change);
    }
    let owed = row.open().unacknowledged();
    assert_eq!(owed.len(), 32);
    assert!(matches!(row.rejection(T, &phone.never_shows(T, 1)), Rejection::Mismatch(_)));
    assert_eq!(row.open().unacknowledged(), owed);
    assert_eq!(row.told("rejected"), 1, "told all the same");
}

#[test]
fn a_confirmation_ends_the_proofs_given_before_it() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let proof = row.prove(T, &phone.shows(T, 0), Purpose::BINDING);
    let change = row.open().enroll(&row.policy, at(T), &proof, &new_authenticator(), &mut rng()).unwrap();
    let second = Phone::of(&row.commit(change));
    let before = row.prove(T + 30, &phone.shows(T + 30, 0), Purpose::BINDING);
    let change = row.open().confirm(&row.policy, at(T + 31), &second.confirming(T + 31)).unwrap();
    let confirmed = row.commit(change);
    let refused = row.open().remove(&row.policy, at(T + 31), &before, AuthenticatorId::new(1)).unwrap_err();
    assert_eq!(refused, AccountError::ProofSpent);
    let change = row.open().remove(&row.policy, at(T + 31), &confirmed, AuthenticatorId::new(1)).unwrap();
    row.commit(change);
}

#[test]
fn a_hold_outlasts_the_last_authenticator() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let proof = row.prove(T, &phone.shows(T, 0), Purpose::BINDING);
    let change = row.open().remove_last(&row.policy, at(T), &proof, AuthenticatorId::new(1)).unwrap();
    row.commit(change);
    let withdraw = Attempt::new(Purpose::WITHDRAWAL, "123456");
    assert_eq!(row.refused(T + 1, &withdraw), Rejection::Held { until: at(T + 86_400) });
    let login = row.open().verify(&row.policy, at(T + 1), &Attempt::new(Purpose::LOGIN, "123456"));
    assert_eq!(login.unwrap_err(), AccountError::NotEnrolled);
}

#[test]
fn a_full_long_term_count_tells_the_owner_whatever_the_run() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let mut now = T;
    let mut failures = 0;
    // A patient guesser: two failures, then the owner logs in and ends the run.
    while failures < 50 {
        for which in 0..2 {
            row.rejection(now, &phone.never_shows(now, which));
            failures += 1;
        }
        now += 30;
        if failures < 50 {
            assert!(row.log_in(now, &phone.shows(now, 0)).is_ok());
        }
    }
    let locked = row.events.iter().find(|event| event.kind.as_str() == "locked").unwrap();
    assert!(locked.notifies_owner(), "{locked:?}");
    assert_eq!(row.told("locked"), 1);
}

#[test]
fn a_secret_in_another_spelling_is_the_same_secret() {
    // HMAC pads keys with zeros, and takes the hash of one that is longer than a block.
    let mut row = Row::new();
    let long = [9_u8; 100];
    let hashed: [u8; 20] = sha1::Sha1::digest(long).into();
    let secret = |bytes: &[u8]| sekisho::otp::Secret::new(bytes).unwrap();
    let phone = Phone::with(&secret(&hashed), Totp { digits: Digits::Eight, ..Totp::DEFAULT });
    let _ = row.begin_first(T - 60, &phone.again());
    assert!(row.confirm(T, &phone.shows(T, 0)).is_ok());
    for (number, other) in [[hashed.as_slice(), &[0]].concat(), long.to_vec()].into_iter().enumerate() {
        let now = T + 30 + number as u64 * 30;
        let proof = row.prove(now, &phone.shows(now, 0), Purpose::BINDING);
        let again = Phone::with(&secret(&other), Totp::DEFAULT).again();
        let refused = row.open().enroll(&row.policy, at(now), &proof, &again, &mut rng()).unwrap_err();
        assert_eq!(refused, AccountError::SameSecret);
    }
}

#[test]
fn guesses_do_not_flush_operators_acts_from_the_history() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let change = row.open().unlock(&row.policy, at(T), &operator(), &mut rng()).unwrap();
    let _ = row.commit(change);
    let owed: Vec<_> = row.open().unacknowledged().iter().filter_map(|event| event.sequence).collect();
    let change = row.open().acknowledge(&owed);
    row.commit(change);
    let mut now = T;
    for _ in 0..40 {
        now += 3_600;
        row.rejection(now, &phone.never_shows(now, 1));
    }
    let history = row.history();
    assert_eq!(history.len(), 32);
    assert!(history.iter().any(|event| matches!(event.kind, EventKind::PassIssued { .. })));
}

#[test]
fn renaming_is_no_change_of_binding() {
    let mut row = Row::new();
    let phone = row.enroll(T);
    let holds = row.open().view(&row.policy, at(T)).holds;
    let proof = row.prove(T + 30, &phone.shows(T + 30, 0), Purpose::LOGIN);
    let change = row.open().rename(at(T + 30), &proof, AuthenticatorId::new(1), "old phone".parse().unwrap()).unwrap();
    row.commit(change);
    let view = row.open().view(&row.policy, at(T));
    assert_eq!((view.authenticators[0].name.as_str(), view.holds), ("old phone", holds));
    let missing = row.open().rename(at(T + 30), &proof, AuthenticatorId::new(7), "x".parse().unwrap()).unwrap_err();
    assert_eq!(missing, AccountError::NoSuchAuthenticator { id: AuthenticatorId::new(7) });
}

#[test]
fn policies_out_of_range_or_above_one_percent_are_refused() {
    let base = AccountLimits::default;
    let refused = |limits: AccountLimits| Policy::new(limits).is_err();
    assert!(Policy::new(base()).is_ok());
    assert_eq!(Policy::new(base()).unwrap(), Policy::default());
    assert!(refused(AccountLimits { max_authenticators: 0, ..base() }));
    assert!(refused(AccountLimits { max_authenticators: 17, ..base() }));
    assert!(refused(AccountLimits { pending_secs: 0, ..base() }));
    assert!(refused(AccountLimits { proof_secs: 601, ..base() }));
    assert!(refused(AccountLimits { pass_secs: 31 * 86_400, ..base() }));
    assert!(refused(AccountLimits { held_purposes: vec![Purpose::LOGIN; 17], ..base() }));
    assert!(refused(AccountLimits { binding_hold_secs: u64::MAX, ..base() }));
    assert!(refused(AccountLimits { recovery_hold_secs: u64::MAX, ..base() }));
    assert!(refused(AccountLimits { held_purposes: vec![Purpose::BINDING], ..base() }), "it would end recoveries");
    assert!(refused(AccountLimits { recovery_codes: 0, ..base() }));
    assert!(refused(AccountLimits { recovery_codes: 17, ..base() }));
    let eager = AccountLimits { max_authenticators: 16, ..base() };
    assert!(refused(eager.clone()), "sixteen authenticators are too good a target");
    assert!(Policy::new_with_risk_above_one_percent_a_year(eager).is_ok());
}

#[test]
fn nothing_secret_is_in_debug() {
    let mut row = Row::new();
    let enrollment = row.begin_first(T, &new_authenticator());
    let phone = Phone::of(&enrollment);
    let code = phone.shows(T, 0);
    let attempt = Attempt::new(Purpose::BINDING, &code).with_idempotency_key([3; 16]).with_device(&"ab".repeat(32));
    let account = row.open();
    let mut text = vec![format!("{enrollment:?} {attempt:?} {account:?} {:?}", phone.again())];
    let change = account.confirm(&row.policy, at(T), &attempt).unwrap();
    text.push(format!("{change:?}"));
    let (_, uncommitted) = keyring().seal(change, &mut rng()).unwrap();
    text.push(format!("{uncommitted:?} {:?}", row.events));
    let text = text.concat();
    for secret in [code.as_str(), enrollment.uri().secret().to_base32().expose(), "abab", "[3, 3"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(!text.contains(&format!("{:?}", &enrollment.uri().secret().expose()[..4])));
}

#[test]
fn a_restore_said_to_be_in_the_future_by_mistake_does_not_stand_for_those_that_follow() {
    let mut row = Row::new();
    let _ = row.enroll(T);
    let change = row.open().restored_at(&row.policy, at(T + 1), at(T * 1_000));
    row.commit(change);
    assert!(!row.open().needs_care(at(T + 2), at(T * 1_000)), "not again and again");
    assert!(row.open().needs_care(at(T + 100), at(T + 90)), "a real one");
    let change = row.open().restored_at(&row.policy, at(T + 100), at(T + 90));
    row.commit(change);
    assert!(!row.open().needs_care(at(T + 101), at(T + 90)));
}
