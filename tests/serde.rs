//! The types that go through serde: parameters and policies both ways, answers outwards, checked on
//! the way in.
#![cfg(feature = "serde")]

use sekisho::otp::{
    Advice, Code, CodePolicy, Limits, NotAccepted, OpenSteps, Rejection, Secret, State, Totp, UnixTime, Window, decide,
};
use serde_json::{from_value, json, to_value};
use std::convert::Infallible;

#[test]
fn parameters_read_back_and_impossible_ones_are_refused() {
    let text = json!({"algorithm": "SHA1", "digits": 6, "period": 30, "t0": 0});
    assert_eq!(to_value(Totp::DEFAULT).unwrap(), text);
    assert_eq!(from_value::<Totp>(text.clone()).unwrap(), Totp::DEFAULT);
    for (field, value) in
        [("algorithm", json!("MD5")), ("digits", json!(5)), ("period", json!(0)), ("period", json!(121))]
    {
        let mut wrong = text.clone();
        wrong[field] = value;
        assert!(from_value::<Totp>(wrong).is_err(), "{field}");
    }
}

#[test]
fn a_policy_is_read_with_defaults_and_checked() {
    let policy: CodePolicy = from_value(json!({"window": {"past": 2, "future": 1}})).unwrap();
    assert_eq!(policy, CodePolicy::new(Limits { window: Window::new(2, 1), ..Limits::DEFAULT }).unwrap());
    assert_eq!(from_value::<CodePolicy>(to_value(policy).unwrap()).unwrap(), policy);
    let risky = from_value::<CodePolicy>(json!({"window": {"past": 20, "future": 20}})).unwrap_err();
    assert!(risky.to_string().contains("1 % a year"), "{risky}");
    assert!(from_value::<CodePolicy>(json!({"lock_afer": 3})).is_err(), "a misspelt limit is not passed over");
}

#[test]
fn rejections_and_advice_are_written_for_pages() {
    let key = Totp::DEFAULT.key(&Secret::new(&[7; 20]).unwrap());
    let now = UnixTime::from_secs(1_800_000_000);
    let step = key.totp().step_at(now).unwrap();
    let near = OpenSteps::range(step.saturating_offset(-21), step.saturating_offset(1));
    let mut codes = (0..1_000_000).map(|n| format!("{n:06}").parse::<Code>().unwrap());
    let wrong = codes.find(|code| key.find_without_state(code, near).is_none()).unwrap();
    let decision = decide(&key, &CodePolicy::DEFAULT, State::new(), now, &wrong).unwrap();
    let Err(NotAccepted::Rejected(rejection)) = decision.commit(|_| Ok::<(), Infallible>(())) else {
        panic!("accepted")
    };
    assert_eq!(
        to_value(rejection).unwrap(),
        json!({"reason": "mismatch", "failures_in_a_row": 1, "lock_state": {"open": {"attempts_left": 4}}})
    );
    assert_eq!(
        to_value(Rejection::Replayed { next: now }).unwrap(),
        json!({"reason": "replayed", "next": 1_800_000_000})
    );
    assert_eq!(to_value(Rejection::Disabled).unwrap(), json!({"reason": "disabled"}));
    assert_eq!(to_value(Advice::WaitForTheLock).unwrap(), json!("wait_for_the_lock"));
}

#[cfg(feature = "test-kit")]
mod accounts {
    use super::*;
    use sekisho::Verifier;
    use sekisho::account::{AccountId, Attempt, NewAuthenticator, Purpose};
    use sekisho::seal::{KeyId, Keyring, SealingKey};
    use sekisho::store::MemoryStore;
    use sekisho::test_kit::TestClock;

    #[tokio::test]
    async fn a_view_with_its_history_is_written_without_secrets() {
        let clock = TestClock::at(UnixTime::from_secs(1_800_000_000));
        let keyring =
            Keyring::new(KeyId::new(1), SealingKey::from_bytes(*b"a key for tests, of 32 bytes ...").unwrap());
        let verifier = Verifier::builder(MemoryStore::new(), keyring).clock(clock).without_notifications().build();
        let alice = AccountId::new("alice").unwrap();
        let new = NewAuthenticator::new("Example", "alice").unwrap().named("Pixel 9".parse().unwrap());
        verifier.create_account(&alice).await.unwrap();
        let enrollment = verifier.enroll_first(&alice, new).await.unwrap();
        let key = enrollment.uri().totp().key(enrollment.uri().secret());
        let code = key.code_at(key.totp().step_at(UnixTime::from_secs(1_800_000_000)).unwrap()).reveal().to_string();
        let _ = verifier.confirm(&alice, Attempt::new(Purpose::BINDING, &code)).await.unwrap();
        let view = to_value(verifier.view(&alice).await.unwrap()).unwrap();
        assert_eq!(view["authenticators"][0]["name"], "Pixel 9");
        assert_eq!(view["authenticators"][0]["kind"]["app"]["totp"]["digits"], 6);
        assert_eq!(view["holds"], json!([{"purpose": "withdrawal", "until": 1_800_086_400, "reason": null}]));
        let history = to_value(verifier.history(&alice).await.unwrap()).unwrap();
        assert_eq!(history[1]["kind"], json!({"kind": "confirmed", "authenticator": 1}));
        assert_eq!(history[1]["operator"], json!(null));
        assert_eq!(history[1].get("freeze_handle"), None, "a log that writes events down lets nobody freeze");
        let text = view.to_string() + &history.to_string();
        assert!(!text.contains(enrollment.uri().secret().to_base32().expose()));
    }
}
