//! The way of a customer through the pages in a real browser, in both languages: Debian's Chromium,
//! oathtool as the phone.
//!
//! Pictures of the pages on the way are left in the folder that cargo has for files of tests, under
//! `pictures`.

mod site;
mod window;

use site::{ALICE, DESK, PASSWORD, Site, T};
use std::process::Command;
use window::Window;

/// What the pages say, in one of the languages.
struct Words {
    language: &'static str,
    used: &'static str,
    wrong: &'static str,
    locked: &'static str,
    left: &'static str,
    secs: &'static str,
    held: &'static str,
    done: &'static str,
    other: &'static str,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_way_in_english() {
    way(Words {
        language: "en",
        used: "cannot be used again",
        wrong: "The code is wrong",
        locked: "until the lock ends",
        left: "Attempts left: 4",
        secs: "s",
        held: "held",
        done: "on its way",
        other: "ログイン",
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_way_in_japanese() {
    way(Words {
        language: "ja",
        used: "もう使えません",
        wrong: "コードが違います",
        locked: "ロックされています",
        left: "残りの試行回数: 4",
        secs: "秒",
        held: "停止",
        done: "受け付けました",
        other: "Log in",
    })
    .await;
}

/// oathtool's code for the secret of an otpauth URI.
fn code(uri: &str, secs: u64) -> String {
    let secret = uri.split_once("secret=").expect("a secret").1.split('&').next().unwrap();
    let mut command = Command::new("oathtool");
    command.args(["--totp", "--base32", "--now", &format!("@{secs}"), secret]);
    let output = command.output().unwrap_or_else(|error| panic!("oathtool: {error}; `bash tests/run.sh` installs it"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// One that is not shown around then.
fn wrong(uri: &str, secs: u64, which: usize) -> String {
    let shown: Vec<_> = (0..60).map(|step| code(uri, secs - 900 + step * 30)).collect();
    (0..1_000).map(|number| format!("{number:06}")).filter(|code| !shown.contains(code)).nth(which).unwrap()
}

async fn log_in(window: &mut Window, code: &str, picture: &str) {
    window.go("/log-in", "password").await;
    window.submit("main form", &[("email", ALICE), ("password", PASSWORD)], "code").await;
    assert_eq!(window.path().await, "/log-in/code");
    window.submit("main form", &[("code", code)], picture).await;
}

async fn way(words: Words) {
    let site = Site::start().await;
    let mut window = Window::open(site.address, words.language).await;

    // Sign up, and enroll by the QR code that is on the screen.
    window.go("/sign-up", "sign-up").await;
    window.submit("main form", &[("email", ALICE), ("password", PASSWORD)], "two-step").await;
    assert_eq!(window.path().await, "/two-step");
    window.click("#begin", "qr").await;
    let phone = window.qr().await;
    assert!(phone.starts_with("otpauth://totp/Example%20Exchange:alice%40example.com?"), "{phone}");
    let key = window.text("#key").await.replace(' ', "");
    assert!(phone.contains(&format!("secret={key}")), "the key to type is that of the QR code");
    window.submit("main form", &[("code", &code(&phone, T))], "recovery-codes").await;
    let sheet = window.texts("#recovery-codes code").await;
    assert_eq!(sheet.len(), 10);
    window.click("#kept", "wallet").await;
    window.click("#log-out", "logged-out").await;
    assert_eq!(window.path().await, "/log-in");

    // Log in; the same code is no good to anybody after that.
    site.at(T + 60);
    log_in(&mut window, &code(&phone, T + 60), "logged-in").await;
    assert_eq!(window.path().await, "/wallet");
    window.click("#log-out", "logged-out").await;
    log_in(&mut window, &code(&phone, T + 60), "replayed").await;
    assert!(window.text("[role=alert]").await.contains(words.used));

    // Five wrong codes: a lock that counts down.
    site.at(T + 120);
    window.submit("main form", &[("code", &wrong(&phone, T + 120, 0))], "wrong").await;
    let said = window.text("[role=alert]").await;
    assert!(said.contains(words.wrong) && said.contains(words.left), "{said}");
    for which in 1..5 {
        window.submit("main form", &[("code", &wrong(&phone, T + 120, which))], "wrong-again").await;
    }
    assert!(window.text("[role=alert]").await.contains(words.locked));
    let counted = window.text("time.countdown").await;
    assert!(counted.ends_with(words.secs), "{counted}");
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    assert_ne!(window.text("time.countdown").await, counted, "it counts down");

    // The recovery code works all the same, and holds withdrawals.
    site.at(T + 130);
    window.submit("main form", &[("email", ALICE), ("password", PASSWORD)], "locked").await;
    assert!(window.text("[role=alert]").await.contains(words.locked));
    window.submit("#by-recovery", &[("recovery", &sheet[0])], "recovered").await;
    assert_eq!((window.path().await.as_str(), window.text("#recovery-left").await.as_str()), ("/security", "9"));
    window.go("/wallet", "held").await;
    assert!(window.text("#hold").await.contains(words.held));
    site.at(T + 300);
    let fields = [("amount", "250000"), ("to", "0001-1234567"), ("code", &*code(&phone, T + 300))];
    window.submit("#withdraw", &fields, "withdrawal-held").await;
    assert!(window.text("[role=alert]").await.contains(words.held));
    assert_eq!(window.text("#balance").await, "1,000,000");
    // After the hold it goes.
    let later = T + 3 * 86_400;
    site.at(later);
    window.click("#log-out", "logged-out").await;
    log_in(&mut window, &code(&phone, later), "logged-in").await;
    site.at(later + 30);
    let fields = [("amount", "250,000"), ("to", "0001-1234567"), ("code", &*code(&phone, later + 30))];
    window.submit("#withdraw", &fields, "withdrawn").await;
    assert!(window.text("[role=status]").await.contains(words.done));
    assert_eq!(window.text("#balance").await, "750,000");
    window.go("/security", "security").await;
    site.at(later + 60);
    let fields = [("number", "+819012345678"), ("code", &*code(&phone, later + 60))];
    window.submit("form[action='/security/add-phone']", &fields, "number").await;
    assert_eq!(site.mails_to("+819012345678").len(), 1);
    window.go("/resync", "resync").await;

    // All is lost: support resets, the pass enrolls anew.
    let mut desk = Window::open(site.address, words.language).await;
    desk.go("/support", "desk-door").await;
    desk.submit("main form", &[("name", "佐藤"), ("password", DESK)], "desk").await;
    desk.submit("main form[role=search]", &[("email", ALICE)], "desk-found").await;
    desk.submit("#acts", &[("act", "reset"), ("reason", "すべて紛失、旅券を確認")], "desk-reset").await;
    assert!(desk.text("#history").await.contains("佐藤: すべて紛失、旅券を確認"));
    desk.go("/outbox", "outbox").await;
    let pass = site.mails_to(ALICE).iter().find_map(|text| Some(text.split_once(": ")?.1.to_owned())).unwrap();
    desk.close().await;

    window.go("/wallet", "session-ended").await;
    assert_eq!(window.path().await, "/log-in", "the session has ended");
    window.submit("main form", &[("email", ALICE), ("password", PASSWORD)], "pass-wanted").await;
    window.submit("main form", &[("pass", &pass)], "qr-anew").await;
    let new = window.qr().await;
    assert_ne!(new, phone);
    window.submit("main form", &[("code", &code(&new, later + 60))], "recovery-codes-anew").await;
    window.go("/wallet", "held-after-reset").await;
    assert!(window.text("#hold").await.contains(words.held));
    window.click("#log-out", "logged-out").await;
    site.at(later + 120);
    log_in(&mut window, &code(&new, later + 120), "logged-in-anew").await;
    assert_eq!(window.path().await, "/wallet");

    // The other language is a click away.
    window.click("#log-out", "logged-out").await;
    window.click("nav button[name=language]", "other-language").await;
    assert_eq!(window.path().await, "/log-in");
    assert!(window.text("h1").await.contains(words.other));
    window.close().await;
}
