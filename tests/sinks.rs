//! What the sinks for logs and counters write: all that happened, and nothing that could be used.
#![cfg(all(feature = "tracing", feature = "metrics", feature = "test-kit"))]

mod phone;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use phone::{Phone, T, at, keyring, new_authenticator};
use sekisho::Verifier;
use sekisho::account::{AccountId, Address, Attempt, AuthenticatorId, CodeRequest, Purpose};
use sekisho::store::MemoryStore;
use sekisho::test_kit::TestClock;
use sekisho::verifier::{EventSink, MetricsSink, TracingSink};
use std::io::Write;
use std::sync::{Arc, Mutex};

/// An enrollment, a log-in, its code again, six wrong codes and a pass; gives all that must not be
/// told.
fn story(sink: impl EventSink) -> Vec<String> {
    let (clock, account) = (TestClock::at(at(T)), AccountId::new("alice").unwrap());
    let verifier = Verifier::builder(MemoryStore::new(), keyring()).clock(clock.clone()).event_sink(sink).build();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        verifier.create_account(&account).await.unwrap();
        let enrollment = verifier.enroll_first(&account, new_authenticator()).await.unwrap();
        let phone = Phone::of(&enrollment);
        let codes = [phone.shows(T, 0), phone.shows(T, 1)];
        let _ = verifier.confirm(&account, Attempt::new(Purpose::BINDING, &codes[0])).await.unwrap();
        for _ in 0..2 {
            let _ = verifier.verify(&account, Attempt::new(Purpose::LOGIN, &codes[1])).await;
        }
        let wrong: Vec<_> = (0..6).map(|which| phone.never_shows(T, which)).collect();
        for code in &wrong {
            let _ = verifier.verify(&account, Attempt::new(Purpose::LOGIN, code)).await;
        }
        let support = verifier.support(phone::operator("bob", "ticket 4711"));
        let pass = support.unlock(&account).await.unwrap();
        support.clear_drift(&account, AuthenticatorId::new(1)).await.unwrap();
        let mail = CodeRequest::confirmation(Address::email("alice@example.com").unwrap());
        clock.set(at(T + 30)); // when the lock has ended
        let delivery = verifier.deliver(&account, mail).await.unwrap();
        support.freeze(&account).await.unwrap();
        support.thaw(&account).await.unwrap();
        let reset = support.reset(&account).await.unwrap();
        let tokens = [pass, reset].map(|token| token.to_text().expose().clone());
        let sent = delivery.code.reveal().to_string();
        let secrets = [enrollment.uri().secret().to_base32().expose().clone(), sent, "alice@example.com".into()];
        secrets.into_iter().chain(tokens).chain(codes).chain(wrong).collect()
    })
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn events_are_logged_with_their_fields_and_without_secrets() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).without_time().finish();
    let secrets = tracing::subscriber::with_default(subscriber, || story(TracingSink));
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let count = |what: &str| text.lines().filter(|line| line.contains(what)).count();
    assert_eq!(count("sekisho:"), 1 + 1 + 1 + 1 + 6 + 1 + 1 + 5, "{text}");
    assert_eq!(count("event=\"accepted\""), 1);
    assert_eq!(count("reason=\"replayed\""), 1);
    assert_eq!(count("reason=\"mismatch\""), 5);
    assert_eq!(count("reason=\"locked\""), 1);
    let accepted = text.lines().find(|line| line.contains("accepted")).unwrap();
    for field in
        ["INFO", "account=AccountId(alice)", "authenticator=1", "purpose=\"login\"", "offset=1", "at=1800000000"]
    {
        assert!(accepted.contains(field), "{field} in {accepted}");
    }
    let locked = text.lines().find(|line| line.contains("event=\"locked\"")).unwrap();
    assert!(locked.contains("WARN") && locked.contains("until=1800000030"), "{locked}");
    let pass = text.lines().find(|line| line.contains("pass_issued")).unwrap();
    assert!(pass.contains("operator=\"bob\"") && pass.contains("reason=\"ticket 4711\""), "{pass}");
    // Who and why, with each act.
    for act in ["pass_issued", "drift_cleared", "frozen", "thawed", "reset"] {
        let line = text.lines().find(|line| line.contains(&format!("event=\"{act}\""))).unwrap();
        assert!(line.contains("WARN") && line.contains("operator=\"bob\"") && line.contains("4711"), "{line}");
    }
    let sent = text.lines().find(|line| line.contains("code_sent")).unwrap();
    assert!(sent.contains("channel=\"email\"") && sent.contains("address=\"a***@example.com\""), "{sent}");
    // Times and numbers may have a code's digits in them.
    let is_number = |word: &&str| ["at=", "until=", "sequence="].iter().any(|field| word.starts_with(field));
    let words: Vec<_> = text.split_whitespace().filter(|word| !is_number(word)).collect();
    for secret in secrets {
        assert!(!words.iter().any(|word| word.contains(&secret)), "{secret} in {text}");
    }
}

#[test]
fn events_are_counted_by_kind_and_reason() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || story(MetricsSink));
    let mut counted: Vec<_> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| {
            let labels: Vec<_> = key.key().labels().map(|label| label.value().to_string()).collect();
            assert_eq!(key.key().name(), "sekisho_events_total");
            let DebugValue::Counter(count) = value else { panic!("a counter") };
            (labels.join(" "), count)
        })
        .collect();
    counted.sort();
    let expected = [
        ("accepted ", 1),
        ("code_sent ", 1),
        ("confirmed ", 1),
        ("drift_cleared ", 1),
        ("enrollment_begun ", 1),
        ("frozen ", 1),
        ("locked ", 1),
        ("pass_issued ", 1),
        ("rejected locked", 1),
        ("rejected mismatch", 5),
        ("rejected replayed", 1),
        ("reset ", 1),
        ("thawed ", 1),
    ];
    assert_eq!(counted, expected.map(|(labels, count)| (labels.to_string(), count)));
}
