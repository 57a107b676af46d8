//! The answer of a whole decision, and what has to be stored before it is given.

use sekisho::otp::{
    Advice, Algorithm, Code, CodeKind, CodePolicy, Digits, Key, Limits, LockState, Match, NotAccepted, OpenSteps,
    Period, PolicyError, Rejection, Secret, State, Step, TimeError, Totp, UnixTime, Window, decide,
};
use std::convert::Infallible;

const T: u64 = 1_800_000_000; // begins a step of thirty seconds

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(secs)
}

fn key() -> Key {
    Totp::DEFAULT.key(&Secret::new(b"12345678901234567890").unwrap())
}

/// An authenticator with a clock of its own, and the stored state of its verifier.
struct Login {
    key: Key,
    policy: CodePolicy,
    stored: [u8; State::LEN],
}

impl Login {
    fn new() -> Self {
        Self::with(key(), CodePolicy::DEFAULT)
    }

    fn with(key: Key, policy: CodePolicy) -> Self {
        Self { key, policy, stored: State::new().to_bytes() }
    }

    /// The code of an app whose clock is `ahead` seconds ahead of `now`.
    fn shown(&self, now: u64, ahead: i64) -> Code {
        self.key.code_at(self.key.totp().step_at(at(now.saturating_add_signed(ahead))).unwrap())
    }

    fn submit(&mut self, now: u64, code: Code) -> Result<Match, Rejection> {
        let state = State::from_bytes(&self.stored).unwrap();
        let decision = decide(&self.key, &self.policy, state, at(now), &code).unwrap();
        decision
            .commit(|bytes| {
                self.stored = *bytes;
                Ok::<(), Infallible>(())
            })
            .map_err(|NotAccepted::Rejected(rejection)| rejection)
    }

    fn accepts(&mut self, now: u64, code: Code) -> bool {
        self.submit(now, code).is_ok()
    }

    fn rejection(&mut self, now: u64, code: Code) -> Rejection {
        match self.submit(now, code) {
            Err(rejection) => rejection,
            Ok(found) => panic!("accepted {found:?}"),
        }
    }

    fn wrong(&self, now: u64) -> Code {
        let step = self.key.totp().step_at(at(now)).unwrap();
        let near = OpenSteps::range(step.saturating_offset(-100), step.saturating_offset(100));
        let mut codes = (0..1_000_000).map(|value| format!("{value:06}").parse().unwrap());
        codes.find(|code| self.key.find_without_state(code, near).is_none()).unwrap()
    }
}

#[test]
fn once_the_same_code_is_refused_whatever_its_spelling() {
    let mut login = Login::new();
    let text = login.shown(T, 0).reveal().to_string();
    assert!(login.accepts(T, text.parse().unwrap()));
    let full_width: String =
        text.chars().map(|c| char::from_u32(c as u32 - '0' as u32 + '０' as u32).unwrap()).collect();
    for spelling in [text.clone(), format!(" {text}"), format!("{}-{}", &text[..3], &text[3..]), full_width] {
        assert!(matches!(login.rejection(T + 1, spelling.parse().unwrap()), Rejection::Replayed { .. }), "{spelling}");
    }
}

#[test]
fn once_an_older_code_is_refused_after_a_newer_one() {
    let mut login = Login::new();
    let older = login.shown(T - 30, 0);
    let current = login.shown(T, 0);
    assert!(login.accepts(T, current));
    assert_eq!(login.rejection(T, older), Rejection::Replayed { next: at(T + 30) });
}

#[test]
fn once_a_used_code_is_refused_when_the_clock_is_set_back_an_hour() {
    let mut login = Login::new();
    let codes: Vec<_> = (0..4).map(|i| login.shown(T + i * 30, 0)).collect();
    for (i, code) in codes.iter().enumerate() {
        assert!(login.accepts(T + i as u64 * 30, *code));
    }
    for now in [T - 3_600, T - 60, T, T + 60, T + 90, T + 119] {
        for code in &codes {
            assert!(!login.accepts(now, *code), "at {now}");
        }
    }
}

#[test]
fn once_what_is_accepted_at_the_end_of_time_is_not_accepted_again() {
    let totp = Totp { period: Period::from_secs(1).unwrap(), ..Totp::DEFAULT };
    let mut login = Login::with(totp.key(&Secret::new(&[7; 20]).unwrap()), CodePolicy::DEFAULT);
    let code = login.key.code_at(Step::new(u64::MAX));
    assert!(login.accepts(u64::MAX, code));
    assert!(matches!(login.rejection(u64::MAX, code), Rejection::Replayed { .. }));
}

#[test]
fn replayed_names_the_first_moment_at_which_the_authenticator_shows_an_unused_code() {
    for ahead in [-90_i64, -45, -30, 0, 30, 45, 90] {
        let mut login = Login::new();
        // Drift is learned one step at a time.
        let mut now = T;
        for reach in [30, 60, 90] {
            let shown = login.shown(now, ahead.clamp(-reach, reach));
            assert!(login.accepts(now, shown), "learning {ahead} s at {now}");
            now += 60;
        }
        let shown = login.shown(now, ahead);
        assert!(login.accepts(now, shown), "{ahead} s");
        let Rejection::Replayed { next } = login.rejection(now, shown) else { panic!("not replayed") };
        let drift_secs = ahead.div_euclid(30) * 30;
        let before = login.shown(next.as_secs() - 1, drift_secs);
        assert!(!login.accepts(next.as_secs() - 1, before), "{ahead} s: next is too late");
        let fresh = login.shown(next.as_secs(), drift_secs);
        assert!(login.accepts(next.as_secs(), fresh), "{ahead} s: next is too early");
    }
}

#[test]
fn replayed_tells_the_owner_who_set_the_clock_right_when_ours_has_passed_the_watermark() {
    let mut login = Login::new();
    let mut now = T;
    for ahead in [30, 60, 90, 120, 120] {
        let shown = login.shown(now, ahead);
        assert!(login.accepts(now, shown));
        now += 60;
    }
    // The watermark is four steps after that of the last log-in; the phone shows the right time
    // from here on.
    let end = now - 60 + 5 * 30;
    for ask in [now - 29, now, now + 30, now + 59] {
        let shown = login.shown(ask, 0);
        assert_eq!(login.rejection(ask, shown), Rejection::Replayed { next: at(end) }, "at {ask}");
    }
    let shown = login.shown(end, 0);
    assert!(login.accepts(end, shown));
}

#[test]
fn an_imported_secret_accepts_nothing_up_to_the_step_it_was_imported_at() {
    let mut login = Login::new();
    login.stored = State::imported(login.key.totp().step_at(at(T)).unwrap()).to_bytes();
    let current = login.shown(T, 0);
    assert!(matches!(login.rejection(T, current), Rejection::Replayed { .. }));
    let next = login.shown(T + 30, 0);
    assert!(login.accepts(T + 30, next));
}

#[test]
fn binding_anew_ends_the_run_and_wipes_no_slate() {
    let mut login = Login::new();
    let used = login.shown(T, 0);
    assert!(login.accepts(T, used));
    let wrong = login.wrong(T);
    for _ in 0..3 {
        login.rejection(T, wrong);
    }
    let before = login.stored;
    login.stored = State::from_bytes(&before).unwrap().rebound().to_bytes();
    assert_eq!(login.stored[13..25], before[13..25], "the long-term count stays");
    assert_eq!(login.stored[42..], before[42..], "the digits accepted lately stay");
    assert!(matches!(login.rejection(T, used), Rejection::Replayed { .. }));
    assert_eq!(login.rejection(T, wrong).attempts_left(), Some(4), "a new run");
}

#[test]
fn debug_of_a_state_shows_no_digits() {
    let mut login = Login::new();
    let code = login.shown(T, 0);
    assert!(login.accepts(T, code));
    let shown = format!("{:?}", State::from_bytes(&login.stored).unwrap());
    assert!(shown.contains("RecentCodes(1 codes)") && !shown.contains("codes: ["), "{shown}");
}

#[test]
fn a_stale_resubmission_may_be_followed_by_the_code_shown_now() {
    let mut login = Login::new();
    let used = login.shown(T, 0);
    assert!(login.accepts(T, used));
    assert_eq!(login.rejection(T + 300, used), Rejection::Replayed { next: at(T + 300) });
}

#[test]
fn an_expired_code_is_told_apart_up_to_ten_minutes_and_counted() {
    let mut login = Login::new();
    let old = login.shown(T, 0);
    let rejection = login.rejection(T + 60, old);
    assert!(matches!(rejection, Rejection::Expired(charge) if charge.failures_in_a_row == 1));
    assert_eq!(rejection.advice(), Advice::TypeItAsItAppears);
    assert!(matches!(login.rejection(T + 629, old), Rejection::Expired(charge) if charge.failures_in_a_row == 2));
    assert!(matches!(login.rejection(T + 630, old), Rejection::Mismatch(charge) if charge.failures_in_a_row == 3));
}

#[test]
fn whoever_is_late_again_is_told_of_the_clock_and_then_of_the_way_to_adjust_to_it() {
    let mut login = Login::new();
    let mut advice = Vec::new();
    for attempt in 0..5 {
        let now = T + attempt * 60;
        // Four minutes slow.
        let code = login.shown(now - 240, 0);
        let rejection = login.rejection(now, code);
        assert!(matches!(rejection, Rejection::Expired(_)), "{rejection:?}");
        assert_eq!(
            rejection.advice_for(CodeKind::DeliveredCode),
            if attempt < 4 { Advice::AskForAnother } else { Advice::WaitForTheLock },
            "a message has no clock"
        );
        advice.push(rejection.advice());
    }
    let expected = [
        Advice::TypeItAsItAppears,
        Advice::SetTheClockToAutomatic,
        Advice::Resynchronize,
        Advice::Resynchronize,
        Advice::WaitForTheLock,
    ];
    assert_eq!(advice, expected);
}

#[test]
fn a_future_code_is_a_mismatch_like_any_other() {
    let mut login = Login::new();
    let future = login.shown(T + 120, 0);
    let wrong = login.wrong(T);
    assert_eq!(login.rejection(T, future), Login::new().rejection(T, wrong));
}

#[test]
fn five_mistakes_lock_and_the_right_code_is_refused_until_the_lock_ends() {
    let mut login = Login::new();
    let wrong = login.wrong(T);
    for left in (1..=4).rev() {
        let rejection = login.rejection(T, wrong);
        assert_eq!(rejection.attempts_left(), Some(left));
        assert_eq!((rejection.retry_at(), rejection.retry_in(at(T))), (None, None));
        assert!(rejection.is_charged());
        let advice = if left >= 3 { Advice::CheckTheEntry } else { Advice::SetTheClockToAutomatic };
        assert_eq!(rejection.advice(), advice);
    }
    let fifth = login.rejection(T, wrong);
    assert!(
        matches!(fifth, Rejection::Mismatch(charge) if charge.lock_state == LockState::Locked { until: at(T + 30) })
    );
    assert_eq!((fifth.attempts_left(), fifth.retry_at()), (Some(0), Some(at(T + 30))));
    assert_eq!([T, T + 29, T + 30, T + 31].map(|now| fifth.retry_in(at(now))), [30, 1, 0, 0].map(Some));
    assert_eq!(fifth.advice(), Advice::WaitForTheLock);

    let before = login.stored;
    let right = login.shown(T + 29, 0);
    let locked = login.rejection(T + 29, right);
    assert_eq!(locked, Rejection::Locked { until: at(T + 30) });
    assert_eq!((locked.attempts_left(), locked.retry_at(), locked.is_charged()), (Some(0), Some(at(T + 30)), false));
    assert_eq!(login.stored, before, "what is refused by a lock changes nothing");
    assert!(login.accepts(T + 30, right), "a code that a lock refused has not been spent");
}

#[test]
fn a_hundred_failures_disable() {
    let limits = Limits { long_term: 1_000, ..Limits::DEFAULT };
    let mut login = Login::with(key(), CodePolicy::new_with_risk_above_one_percent_a_year(limits).unwrap());
    let mut now = T;
    for _ in 0..99 {
        let wrong = login.wrong(now);
        now = login.rejection(now, wrong).retry_at().map_or(now, UnixTime::as_secs);
    }
    let wrong = login.wrong(now);
    assert!(matches!(login.rejection(now, wrong), Rejection::Mismatch(c) if c.lock_state == LockState::Disabled));
    let later = now + 1_000_000;
    let right = login.shown(later, 0);
    let rejection = login.rejection(later, right);
    assert_eq!(rejection, Rejection::Disabled);
    assert_eq!(rejection.advice(), Advice::UseARecoveryCode);
}

#[test]
fn nothing_is_answered_when_saving_fails_and_nothing_saved_when_nothing_changes() {
    let (key, policy) = (key(), CodePolicy::DEFAULT);
    let right = key.code_at(key.totp().step_at(at(T)).unwrap());
    let decision = decide(&key, &policy, State::new(), at(T), &right).unwrap();
    assert_eq!(format!("{decision:?}"), "Decision(not committed)");
    assert_eq!(decision.commit(|_| Err("disk full")), Err(NotAccepted::Failed("disk full")));

    let mut login = Login::new();
    assert!(login.accepts(T, right));
    let decision = decide(&login.key, &login.policy, State::from_bytes(&login.stored).unwrap(), at(T), &right).unwrap();
    let verdict = decision.commit(|_| -> Result<(), &str> { panic!("a replay must not be saved") });
    assert!(matches!(verdict, Err(NotAccepted::Rejected(Rejection::Replayed { .. }))));
}

#[test]
fn a_phone_that_creeps_stays_in_and_may_be_set_right_again() {
    let mut login = Login::new();
    let mut now = T;
    for ahead in (0..=120).step_by(10) {
        let shown = login.shown(now, ahead);
        assert!(login.accepts(now, shown), "{ahead} s ahead");
        now += 3_600;
    }
    let shown = login.shown(now, 0);
    assert!(login.accepts(now, shown), "set right at once, four steps of drift learned");
}

#[test]
fn a_code_of_another_length_is_a_mismatch() {
    let mut login = Login::new();
    for text in ["1234567", "12345678"] {
        assert!(matches!(login.rejection(T, text.parse().unwrap()), Rejection::Mismatch(_)));
    }
    let padded = format!("0{}", login.shown(T, 0).reveal());
    assert!(matches!(login.rejection(T, padded.parse().unwrap()), Rejection::Mismatch(_)), "012345 is not 12345");
}

#[test]
fn thirty_two_acceptances_in_ten_minutes_have_the_next_one_wait() {
    let totp = Totp { period: Period::from_secs(1).unwrap(), ..Totp::DEFAULT };
    let mut login = Login::with(totp.key(&Secret::new(b"12345678901234567890").unwrap()), CodePolicy::DEFAULT);
    for now in T..T + 32 {
        let code = login.shown(now, 0);
        assert!(login.accepts(now, code), "{now}");
    }
    let code = login.shown(T + 40, 0);
    let busy = login.rejection(T + 40, code);
    assert_eq!((busy, busy.retry_at()), (Rejection::Busy { until: at(T + 600) }, Some(at(T + 600))));
    assert_eq!(busy.advice(), Advice::WaitBeforeTheNextLogIn);
    let code = login.shown(T + 600, 0);
    assert!(login.accepts(T + 600, code));
}

#[test]
fn a_time_before_t0_is_an_error_and_t0_itself_is_not() {
    let totp = Totp { t0: at(T), ..Totp::DEFAULT };
    let key = totp.key(&Secret::new(&[7; 16]).unwrap());
    let code = key.code_at(Step::new(0));
    let policy = CodePolicy::DEFAULT;
    let decided = decide(&key, &policy, State::new(), at(T - 1), &code).map(|_| ());
    assert_eq!(decided, Err(TimeError::BeforeT0 { now: at(T - 1), t0: at(T) }));
    assert!(Login::with(key, policy).accepts(T, code));
}

#[test]
fn every_algorithm_length_and_period_logs_in() {
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
        for digits in [Digits::Six, Digits::Seven, Digits::Eight] {
            for period in [1, 30, 60, 120] {
                let totp = Totp { algorithm, digits, period: Period::from_secs(period).unwrap(), t0: at(17) };
                let secret = Secret::generate(algorithm, &mut rand::rand_core::UnwrapErr(rand::rngs::SysRng));
                let mut login = Login::with(totp.key(&secret), CodePolicy::DEFAULT);
                let code = login.shown(T, 0);
                assert!(login.accepts(T, code) && !login.accepts(T, code), "{totp:?}");
            }
        }
    }
}

#[test]
fn a_policy_refuses_limits_that_cannot_be_meant() {
    let refused = |limits| CodePolicy::new(limits).unwrap_err();
    let default = Limits::DEFAULT;
    let out_of_range = |limit, least, most| PolicyError::OutOfRange { limit, least, most };
    assert_eq!(refused(Limits { max_drift: 61, ..default }), out_of_range("max_drift", 0, 60));
    assert_eq!(refused(Limits { lock_after: 0, ..default }), out_of_range("lock_after", 1, u32::MAX.into()));
    assert_eq!(refused(Limits { long_term: 0, ..default }), out_of_range("long_term", 1, u32::MAX.into()));
    assert_eq!(refused(Limits { disable_after: 0, ..default }), out_of_range("disable_after", 1, 100));
    assert_eq!(refused(Limits { disable_after: 101, ..default }), out_of_range("disable_after", 1, 100));
    assert_eq!(refused(Limits { first_lock_secs: 0, ..default }), out_of_range("first_lock_secs", 1, u64::MAX));
    assert_eq!(refused(Limits { leak_every_secs: 0, ..default }), out_of_range("leak_every_secs", 1, u64::MAX));
    assert_eq!(refused(Limits { longest_lock_secs: 29, ..default }), out_of_range("longest_lock_secs", 30, u64::MAX));
    assert_eq!(refused(Limits { window: Window::new(20, 20), ..default }), PolicyError::Risk);
    assert!(
        CodePolicy::new_with_risk_above_one_percent_a_year(Limits { window: Window::new(20, 20), ..default }).is_ok()
    );
}
