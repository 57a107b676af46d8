//! The exchange as it is run: how it starts, what it logs and counts, how it stops.

mod copies;
mod site;

use copies::{Copy, now};
use site::{ALICE, Browser, PASSWORD};
use std::fs::File;
use std::process::{Command, Stdio};
use std::time::Duration;

const DESK: &str = "the password of the desk";

#[tokio::test(flavor = "multi_thread")]
async fn its_log_and_its_counters_tell_what_happened_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let (store, log) = (format!("redb:{}", folder.path().display()), folder.path().join("log"));
    let exchange = Copy::with(&store, File::create(&log).unwrap(), |command| {
        command.env("SUPPORT_PASSWORD", DESK).env("RUST_LOG", "trace");
    });
    let base = format!("http://127.0.0.1:{}", exchange.port);
    let mut browser = Browser::at(&base);
    browser.post("/sign-up", &[("email", ALICE), ("password", PASSWORD)]).await;
    let page = browser.post("/two-step", &[]).await;
    let (key, phone) = (page.between("id=\"key\">", "</code>").to_owned(), page.phone());
    let first = phone.shows(now());
    let codes = browser.post("/two-step/confirm", &[("code", &first)]).await.recovery_codes();
    assert_eq!(codes.len(), 10);
    browser.log_out().await;
    browser.password(ALICE).await;
    let (wrong, second) = (phone.wrong(now(), 0), phone.shows(now() + 30));
    browser.post("/log-in/code", &[("code", &wrong)]).await;
    let page = browser.post("/log-in/code", &[("code", &second), ("remember", "yes")]).await;
    assert_eq!(page.path, "/wallet", "{}", page.text);
    let mut desk = Browser::at(&base);
    desk.post("/support/log-in", &[("name", "Sato"), ("password", DESK)]).await;
    desk.act("unlock", "rang").await;
    let outbox = desk.get("/outbox").await;
    let pass = outbox.between("/pass?token=", "\"").to_owned();
    let metrics = desk.get("/metrics").await.text;
    for counted in [
        "sekisho_events_total{event=\"accepted\"",
        "sekisho_store_calls_total{call=\"swap\",outcome=\"done\"}",
        "sekisho_store_call_seconds_bucket{call=\"load\",le=\"0.005\"}",
    ] {
        assert!(metrics.contains(counted), "{counted} is not in {metrics}");
    }
    let secrets: Vec<_> = [&*key, &*key.replace(' ', ""), PASSWORD, DESK, &*first, &*second, &*wrong, &*pass]
        .into_iter()
        .chain(codes.iter().map(String::as_str))
        .chain(browser.cookies.values().chain(desk.cookies.values()).map(String::as_str))
        .map(ToOwned::to_owned)
        .collect();
    assert!(exchange.stop(), "it stops when it is asked to");

    let log = std::fs::read_to_string(log).unwrap();
    let mut kinds = Vec::new();
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        kinds.extend(line["fields"]["event"].as_str().map(ToOwned::to_owned));
    }
    for kind in ["confirmed", "rejected", "accepted", "device_remembered", "pass_issued"] {
        assert!(kinds.iter().any(|own| own == kind), "{kind} is not among {kinds:?}");
    }
    for secret in secrets {
        // Six digits stand in times and sizes, too: a code would be a value of its own.
        let places =
            if secret.len() > 6 { log.matches(&secret).count() } else { log.matches(&format!("\"{secret}\"")).count() };
        assert_eq!(places, 0, "{secret} is in the log");
        assert!(!metrics.contains(&secret) || secret.len() <= 6, "{secret} is in the metrics");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_answered_when_it_stops_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let exchange = Copy::start(&format!("redb:{}", folder.path().display()));
    let base = format!("http://127.0.0.1:{}", exchange.port);
    // Each takes a processor for a while.
    let fields = [("email", "nobody@example.com"), ("password", PASSWORD)];
    let asked: Vec<_> = (0..6)
        .map(|_| {
            let mut browser = Browser::at(&base);
            tokio::spawn(async move { browser.post("/log-in", &fields).await.status })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(40)).await;
    let stopped = tokio::task::spawn_blocking(move || exchange.stop());
    for answer in asked {
        assert_eq!(answer.await.unwrap(), 401);
    }
    assert!(stopped.await.unwrap());
}

#[test]
fn it_does_not_start_with_keys_that_cannot_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("redb:{}", folder.path().display());
    let start = |store: &str, keys: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exchange"));
        command.args(["--store", store, "--listen", "192.0.2.1:8080"]).env_remove("SEKISHO_KEYS");
        let output = command.envs(keys.map(|keys| ("SEKISHO_KEYS", keys))).stdin(Stdio::null()).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(start("redis://127.0.0.1:1", None).contains("set SEKISHO_KEYS"));
    // Keys are made, before it finds that it may not listen there.
    assert!(!start(&store, None).contains("SEKISHO_KEYS"));
    let keys = folder.path().join("keys");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&keys).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "nobody else reads them");
    let own_keys = std::fs::read_to_string(&keys).unwrap();
    assert!(start(&store, Some(own_keys.trim())).contains("unset SEKISHO_KEYS"));
    let other = folder.path().join("other");
    assert!(start(&format!("redb:{}", other.display()), Some("nonsense")).contains("Error"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_more_turns_it_unready_for_good_and_started_again_it_works() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("redb:{}", folder.path().display());
    let exchange = Copy::with_program("env", &["--ignore-signal=XFSZ"], &store);
    let mut browser = Browser::at(&format!("http://127.0.0.1:{}", exchange.port));
    browser.post("/sign-up", &[("email", ALICE), ("password", PASSWORD)]).await;
    assert_eq!(browser.get("/health").await.status, 200);
    let limit = |bytes: &str| {
        let set = Command::new("prlimit").args(["--pid", &exchange.pid(), &format!("--fsize={bytes}:")]).status();
        assert!(set.expect("prlimit").success());
    };
    limit("4096");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(browser.get("/health").await.status, 503);
    limit("unlimited");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(browser.get("/health").await.status, 503, "it has stopped: whoever looks after it starts it again");
    drop(exchange);
    let again = Copy::start(&store);
    let mut browser = Browser::at(&format!("http://127.0.0.1:{}", again.port));
    assert_eq!(browser.get("/health").await.status, 200);
    browser.password(ALICE).await;
    assert_eq!(browser.get("/wallet").await.path, "/wallet", "nothing is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn as_a_demo_it_holds_withdrawals_for_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("redb:{}", folder.path().display());
    let exchange = Copy::with(&store, Stdio::null(), |command| {
        command.arg("--demo");
    });
    let mut browser = Browser::at(&format!("http://127.0.0.1:{}", exchange.port));
    browser.post("/sign-up", &[("email", ALICE), ("password", PASSWORD)]).await;
    let phone = browser.post("/two-step", &[]).await.phone();
    browser.post("/two-step/confirm", &[("code", &phone.shows(now()))]).await;
    let page = browser.get("/wallet").await;
    let until: u64 = page.between("data-until=\"", "\"").parse().unwrap();
    assert!((1..=61).contains(&(until - now())), "{until}");
}
