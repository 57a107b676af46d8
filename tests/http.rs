//! Answers over HTTP: their shape, their status, and that nothing typed or secret is in them.
#![cfg(feature = "http")]

use http::{Response, StatusCode};
use sekisho::Error;
use sekisho::account::{AccountError, Purpose};
use sekisho::http::Problem;
use sekisho::otp::{
    Advice, CodeKind, CodePolicy, FailureCount, NotAccepted, Rejection, Secret, State, Totp, UnixTime, decide,
};
use sekisho::seal::{KeyId, SealError};
use sekisho::store::StoreError;
use serde_json::{Value, json};

const T: u64 = 1_800_000_000;

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(secs)
}

fn body(problem: &Problem) -> Value {
    serde_json::from_str(&problem.to_json()).unwrap()
}

/// The count after so many wrong codes, as a verifier gives it.
fn failures(count: usize) -> FailureCount {
    let key = Totp::DEFAULT.key(&Secret::new(&[7; 20]).unwrap());
    let mut state = State::new();
    for which in 0.. {
        let code = format!("{which:06}").parse().unwrap();
        let decision = decide(&key, &CodePolicy::DEFAULT, state, at(T), &code).unwrap();
        let mut saved = None;
        let answer = decision.commit(|bytes| {
            saved = Some(*bytes);
            Ok::<_, std::convert::Infallible>(())
        });
        state = State::from_bytes(&saved.unwrap()).unwrap();
        if let Err(NotAccepted::Rejected(Rejection::Mismatch(failed))) = answer
            && failed.failures_in_a_row as usize == count
        {
            return failed;
        }
    }
    unreachable!()
}

#[test]
fn a_wrong_code_is_answered_flat_and_in_full() {
    let problem = Problem::refused(&Rejection::Mismatch(failures(1)), CodeKind::AppCode, at(T));
    let expected = json!({
        "type": "https://docs.rs/sekisho/latest/sekisho/http/index.html#mismatch",
        "title": "The code is wrong.",
        "status": 403,
        "detail": Advice::CheckTheEntry.to_string(),
        "reason": "mismatch",
        "advice": "check_the_entry",
        "attempts_left": 4,
        "retry_in": null,
    });
    assert_eq!(body(&problem), expected);
    let response: Response<String> = problem.into();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(!response.headers().contains_key("retry-after"));
    assert_eq!(serde_json::from_str::<Value>(response.body()).unwrap(), expected);
}

#[test]
fn the_failure_that_locks_is_answered_as_a_lock() {
    let problem = Problem::refused(&Rejection::Mismatch(failures(5)), CodeKind::AppCode, at(T));
    assert_eq!((problem.status(), problem.reason()), (StatusCode::TOO_MANY_REQUESTS, "mismatch"));
    let response: Response<String> = problem.into();
    assert_eq!(response.headers()["retry-after"], "30");
}

#[test]
fn every_refusal_has_the_same_members_and_the_status_of_the_table() {
    let until = at(T + 7);
    let table = [
        (Rejection::Mismatch(failures(1)), 403),
        (Rejection::Expired(failures(2)), 403),
        (Rejection::Replayed { next: until }, 403),
        (Rejection::Malformed, 422),
        (Rejection::Locked { until }, 429),
        (Rejection::Busy { until }, 429),
        (Rejection::SendLimited { until }, 429),
        (Rejection::Disabled, 403),
        (Rejection::Held { until }, 403),
        (Rejection::Frozen, 403),
    ];
    let docs = include_str!("../src/http.rs");
    for (rejection, status) in table {
        let problem = Problem::refused(&rejection, CodeKind::AppCode, at(T));
        let told = body(&problem);
        assert_eq!(told["status"], status, "{rejection:?}");
        assert_eq!(told["reason"], rejection.reason().as_str());
        assert_eq!(told["retry_in"].as_u64(), rejection.retry_at().map(|_| 7), "{rejection:?}");
        is_documented(docs, &told);
    }
}

fn is_documented(docs: &str, told: &Value) {
    let members: Vec<_> = told.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["advice", "attempts_left", "detail", "reason", "retry_in", "status", "title", "type"];
    assert_eq!(members, expected);
    let reason = told["reason"].as_str().unwrap();
    let row = format!("<a id=\"{reason}\"></a>`{reason}` | {}", told["status"]);
    assert!(docs.contains(&row), "{row} is not in the table");
    assert!(told["type"].as_str().unwrap().ends_with(&format!("#{reason}")));
}

#[test]
fn failures_are_for_the_log_and_say_only_what_a_client_can_do() {
    let purpose = Purpose::new("api-key").unwrap();
    let table = [
        (Error::Store(StoreError::Conflict), 503, "unavailable"),
        (Error::Contention, 503, "unavailable"),
        (Error::NoSuchAccount, 500, "failed"),
        (Error::Seal(SealError::UnknownKey { id: KeyId::new(4711) }), 500, "failed"),
        (Error::Account(AccountError::UndeclaredPurpose { purpose }), 500, "failed"),
        (Error::Account(AccountError::IsAct), 500, "failed"),
        (Error::Account(AccountError::NotEnrolled), 409, "not_enrolled"),
        (Error::Account(AccountError::PassNeeded), 403, "pass_needed"),
        (Error::Account(AccountError::StrongerFactorNeeded), 403, "stronger_factor_needed"),
        (Error::Account(AccountError::ProofSpent), 403, "proof_ended"),
        (Error::Account(AccountError::AuthorizationEnded), 403, "proof_ended"),
        (Error::Account(AccountError::TooMany), 409, "conflict"),
        (Error::Account(AccountError::Frozen), 403, "frozen"),
        (Error::Account(AccountError::Held { until: at(T + 9) }), 403, "held"),
        (Error::Rejected(Rejection::Malformed), 422, "malformed"),
    ];
    let docs = include_str!("../src/http.rs");
    for (error, status, reason) in table {
        let problem = Problem::failed(&error, at(T));
        let told = body(&problem);
        assert_eq!((&told["status"], &told["reason"]), (&json!(status), &json!(reason)), "{error}");
        is_documented(docs, &told);
        assert!(!problem.to_json().contains("4711") && !problem.to_json().contains("api-key"), "{error}");
        let response: Response<String> = Problem::of(&NotAccepted::Failed(error), CodeKind::AppCode, at(T)).into();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers().contains_key("retry-after"), matches!(reason, "unavailable" | "held"));
    }
    for problem in [Problem::unreadable(), Problem::unavailable(), Problem::broken()] {
        is_documented(docs, &body(&problem));
    }
}
