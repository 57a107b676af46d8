//! The sinks for logs and counters write all that happened, and nothing that could be used. The
//! verifier and the stores count and time the calls. The example dashboard and alert rules are
//! about metrics that there are.
#![cfg(all(feature = "tracing", feature = "metrics", feature = "test-kit", feature = "redis"))]

use crate::phone::{self, Phone, T, at, keyring, new_authenticator};
use crate::servers::Redis;
use crate::servers::records::{account, write};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshot};
use sekisho::Verifier;
use sekisho::account::{AccountId, Address, Attempt, AuthenticatorId, CodeRequest, EventKind, Purpose};
use sekisho::seal::{Revision, Stored, Write as Change};
use sekisho::store::{MemoryStore, RedisStore, Store, StoreError, Swap};
use sekisho::test_kit::TestClock;
use sekisho::verifier::{EventSink, MetricsSink, TracingSink};
use std::collections::{BTreeMap, BTreeSet};
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

/// The counters of this name, by the values of their labels.
fn counters(snapshot: Snapshot, name: &str) -> Vec<(String, u64)> {
    let mut counters = Vec::new();
    for (key, _, _, value) in snapshot.into_vec() {
        let labels: Vec<_> = key.key().labels().map(|label| label.value().to_string()).collect();
        match value {
            DebugValue::Counter(count) if key.key().name() == name => counters.push((labels.join(" "), count)),
            _ => {}
        }
    }
    counters.sort();
    counters
}

#[test]
fn events_are_counted_by_kind_and_reason() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || story(MetricsSink));
    let counted = counters(snapshotter.snapshot(), "sekisho_events_total");
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

/// The answer that the next swap is to get.
enum Wish {
    Lost,
    Stopped,
    Unreachable,
    None,
}

/// A store that answers the next swap as it is told.
#[derive(Clone)]
struct Told(MemoryStore, Arc<Mutex<Option<Wish>>>);

impl Store for Told {
    type Error = StoreError;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, StoreError> {
        Ok(self.0.load(account).await.unwrap())
    }

    async fn swap(&self, account: &AccountId, change: &Change) -> Result<Swap, StoreError> {
        let wish = self.1.lock().unwrap().take();
        match wish {
            Some(Wish::Lost) => Ok(Swap::Lost),
            Some(Wish::Stopped) => Err(StoreError::Stopped),
            Some(Wish::Unreachable) => Err(StoreError::Busy),
            Some(Wish::None) => std::future::pending().await,
            None => Ok(self.0.swap(account, change).await.unwrap()),
        }
    }

    async fn delete(&self, account: &AccountId, expected: Revision) -> Result<Swap, StoreError> {
        Ok(self.0.delete(account, expected).await.unwrap())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Has every outcome of a call happen once, and then a readiness check.
async fn outcomes() {
    let store = Told(MemoryStore::new(), Arc::default());
    let verifier = Verifier::builder(store.clone(), keyring()).without_notifications().build();
    let alice = account("alice");
    verifier.create_account(&alice).await.unwrap();
    for wish in [Wish::Lost, Wish::Stopped, Wish::Unreachable, Wish::None] {
        *store.1.lock().unwrap() = Some(wish);
        let enrolling = verifier.enroll_first(&alice, new_authenticator());
        let _ = tokio::time::timeout(std::time::Duration::from_millis(20), enrolling).await;
    }
    *store.1.lock().unwrap() = Some(Wish::Stopped);
    assert!(verifier.ready().await.is_err());
    verifier.ready().await.unwrap();
}

fn recorded(what: impl Future<Output = ()>) -> Snapshot {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(what));
    snapshotter.snapshot()
}

#[test]
fn calls_of_the_store_are_counted_by_their_outcome_and_timed() {
    let expected = [
        ("delete done", 1),
        ("load done", 1 + 5 + 1 + 2),
        ("ready done", 2),
        ("swap done", 3),
        ("swap dropped", 1),
        ("swap lost", 1),
        ("swap permanent", 2),
        ("swap transient", 1),
    ];
    let counted = counters(recorded(outcomes()), "sekisho_store_calls_total");
    assert_eq!(counted, expected.map(|(labels, count)| (labels.to_string(), count)));
    assert_eq!(counters(recorded(outcomes()), "sekisho_change_retries_total"), [(String::new(), 1)]);
    let mut ready = Vec::new();
    let mut timed = BTreeMap::new();
    for (key, _, _, value) in recorded(outcomes()).into_vec() {
        let label = key.key().labels().next().map(|label| label.value().to_string()).unwrap_or_default();
        match value {
            DebugValue::Histogram(seconds) => {
                assert!(seconds.iter().all(|one| (0.0..60.0).contains(&one.into_inner())), "{seconds:?}");
                timed.insert(label, seconds.len());
            }
            DebugValue::Gauge(value) => ready.push(value.into_inner()),
            DebugValue::Counter(_) => {}
        }
    }
    assert_eq!(ready, [1.0], "the last check");
    let calls = ["delete", "load", "ready", "swap"].map(ToOwned::to_owned);
    assert_eq!(timed.into_iter().collect::<Vec<_>>(), calls.into_iter().zip([1, 9, 2, 8]).collect::<Vec<_>>());
}

/// A script that the server has forgotten, and a connection that it has closed.
async fn asked_again() {
    let redis = Redis::start();
    let store = RedisStore::connect(&redis.url()).await.unwrap();
    redis.ask(&["SCRIPT", "FLUSH"]);
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    redis.ask(&["CLIENT", "KILL", "TYPE", "normal"]);
    assert!(store.load(&account("alice")).await.unwrap().is_some());
}

#[test]
fn what_a_store_sends_again_is_counted() {
    let counted = counters(recorded(asked_again()), "sekisho_store_retries_total");
    // A new server knows neither of the two scripts, and one of them was forgotten.
    let expected = [("Redis connection", 1), ("Redis script", 3)].map(|(labels, count)| (labels.to_string(), count));
    assert_eq!(counted, expected);
}

/// A metric that a query asks for, and its conditions: label and values.
type Asked = (String, Vec<(String, Vec<String>)>);

/// Each of them.
fn asked(query: &str) -> Vec<Asked> {
    let mut asked = Vec::new();
    let mut rest = query;
    while let Some(begin) = rest.find("sekisho_") {
        rest = &rest[begin..];
        let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let name = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
        let mut conditions = Vec::new();
        if let Some(inner) = after.strip_prefix('{').and_then(|after| after.split('}').next()) {
            for condition in inner.split("\",") {
                let (label, values) = condition.split_once('=').unwrap();
                let values = values.trim_matches(['~', '"']).split('|').map(ToOwned::to_owned).collect();
                conditions.push((label.to_owned(), values));
            }
        }
        asked.push((name.to_owned(), conditions));
        rest = after;
    }
    asked
}

/// The texts of these keys, anywhere in it.
fn texts(value: &serde_json::Value, key: &str) -> Vec<String> {
    match value {
        serde_json::Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value {
                serde_json::Value::String(text) if name == key => vec![text.clone()],
                other => texts(other, key),
            })
            .collect(),
        serde_json::Value::Array(values) => values.iter().flat_map(|value| texts(value, key)).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn the_dashboard_and_the_alert_rules_are_about_metrics_that_there_are() {
    // The code emits these names, labels and values.
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || story(MetricsSink));
    let told = [snapshotter.snapshot(), recorded(outcomes()), recorded(asked_again())];
    let mut emitted = BTreeMap::<String, BTreeMap<String, BTreeSet<String>>>::new();
    for (key, ..) in told.into_iter().flat_map(Snapshot::into_vec) {
        let labels = emitted.entry(key.key().name().to_owned()).or_default();
        for label in key.key().labels() {
            labels.entry(label.key().to_owned()).or_default().insert(label.value().to_owned());
        }
    }
    let events = emitted.get_mut("sekisho_events_total").unwrap().get_mut("event").unwrap();
    let (until, left) = (at(T), 9);
    let others = [
        EventKind::Disabled,
        EventKind::Erased,
        EventKind::Rebuilt { until },
        EventKind::TimesReplaced { newest: until },
        EventKind::PassMailed { until },
        EventKind::Recovered { purpose: Purpose::LOGIN, left },
        EventKind::Resynchronized { authenticator: AuthenticatorId::new(1), offset: 4 },
    ];
    events.extend(others.iter().map(|kind| kind.as_str().to_owned()));

    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/monitoring");
    let dashboard = std::fs::read_to_string(format!("{folder}/grafana.json")).unwrap();
    let dashboard = texts(&serde_json::from_str(&dashboard).unwrap(), "expr").join("\n");
    let alerts = std::fs::read_to_string(format!("{folder}/alerts.yml")).unwrap();
    for (file, text) in [("grafana.json", &dashboard), ("alerts.yml", &alerts)] {
        let asked = asked(text);
        assert!(asked.len() > 10, "{file}: {asked:?}");
        for (name, conditions) in &asked {
            let labels = emitted.get(name).unwrap_or_else(|| panic!("{file}: there is no {name}"));
            for (label, values) in conditions {
                let known = labels.get(label).unwrap_or_else(|| panic!("{file}: {name} has no {label}"));
                let unknown: Vec<_> = values.iter().filter(|value| !known.contains(*value)).collect();
                assert!(unknown.is_empty(), "{file}: {name} has no {label} of {unknown:?}");
            }
        }
    }
    let shown: BTreeSet<_> = asked(&dashboard).into_iter().map(|(name, _)| name).collect();
    assert_eq!(shown, emitted.into_keys().collect(), "each is on the dashboard");
}
