//! The ways of a customer through the pages in a real browser: Debian's Chromium, oathtool as the
//! phone. In both languages, on a desktop and on a phone, with scripts and without. axe-core looks
//! at every page on the way.
//!
//! Pictures of the pages are left in the folder that cargo has for files of tests, under
//! `pictures`.

mod site;
mod window;

use serde_json::json;
use site::{ALICE, DESK, PASSWORD, Site, T};
use std::process::Command;
use std::time::Duration;
use window::{Device, Window};

const DAY: u64 = 86_400;

/// Words of the pages, in one of the languages.
struct Words {
    used: &'static str,
    wrong: &'static str,
    locked: &'static str,
    left: &'static str,
    open_again: &'static str,
    held: &'static str,
    on_its_way: &'static str,
    frozen: &'static str,
    other: &'static str,
}

const ENGLISH: Words = Words {
    used: "cannot be used again",
    wrong: "The code is wrong",
    locked: "until the lock ends",
    left: "4 more wrong codes lock log-ins",
    open_again: "The lock has ended",
    held: "held",
    on_its_way: "on its way",
    frozen: "The account is frozen",
    other: "ログイン",
};

const JAPANESE: Words = Words {
    used: "もう使えません",
    wrong: "コードが違います",
    locked: "ロックされています",
    left: "あと4回間違えるとロックされます",
    open_again: "ロックが解除されました",
    held: "停止",
    on_its_way: "受け付けました",
    frozen: "凍結されています",
    other: "Log in",
};

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_ways_in_english_on_a_desktop() {
    ways(Device::desktop("en"), &ENGLISH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_ways_in_japanese_on_a_phone() {
    ways(Device::phone("ja"), &JAPANESE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_ways_in_japanese_on_a_desktop_without_scripts() {
    ways(Device::desktop("ja").without_scripts(), &JAPANESE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_ways_in_english_on_a_phone_without_scripts() {
    ways(Device::phone("en").without_scripts(), &ENGLISH).await;
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

async fn password(window: &mut Window) {
    window.go("/log-in", "password").await;
    window.submit("main form", &[("email", ALICE), ("password", PASSWORD)], "code").await;
    assert_eq!(window.path().await, "/log-in/code");
}

async fn log_in(window: &mut Window, code: &str, picture: &str) {
    password(window).await;
    window.submit("#by-code", &[("code", code)], picture).await;
}

/// All of them take less than this.
const LONGEST: Duration = Duration::from_secs(180);

async fn ways(device: Device, words: &Words) {
    tokio::time::timeout(LONGEST, all_ways(device, words)).await.expect("the browser answers");
}

async fn all_ways(device: Device, words: &Words) {
    let site = Site::start().await;
    let mut window = Window::open(site.address, device).await;
    let (phone, sheet) = signs_up(&site, &mut window).await;
    locked_out_and_in(&site, &mut window, words, &phone, &sheet).await;
    let later = T + 4 * DAY;
    withdraws(&site, &mut window, words, &phone, later).await;
    settings(&site, &mut window, &phone, later).await;
    freezes(&site, &mut window, words, &phone, later).await;
    all_is_lost(&site, &mut window, words, &phone, later + DAY).await;
    around(&site, &mut window, words).await;
    window.close().await;
}

/// Sign-up, enrollment, the sheet, and the first log-in.
async fn signs_up(site: &Site, window: &mut Window) -> (String, Vec<String>) {
    window.go("/sign-up", "sign-up").await;
    window.actions = 0;
    window.submit("main form", &[("email", ALICE), ("password", PASSWORD)], "two-step").await;
    assert_eq!(window.path().await, "/two-step");
    window.click("#begin", "qr").await;
    let phone = window.qr().await;
    assert!(phone.starts_with("otpauth://totp/Tsubame%20Exchange:alice%40example.com?"), "{phone}");
    let enough = window.actions;

    // Whatever is clicked, it is the same secret on the same page.
    window.submit("#confirm", &[("code", &wrong(&phone, T, 0))], "qr-wrong").await;
    assert_eq!(window.qr().await, phone);
    window.go("/two-step/scan", "qr-again").await;
    window.reload("qr-reloaded").await;
    assert_eq!(window.qr().await, phone);
    window.click("nav button[name=language]", "qr-other-language").await;
    assert_eq!(window.qr().await, phone);
    window.click("nav button[name=language]", "qr-this-language").await;
    window.go("/wallet", "wallet-without-second-step").await;
    window.back("qr-gone-back-to").await;
    assert_eq!((window.path().await.as_str(), window.qr().await), ("/two-step/scan", phone.clone()));
    window.press("ol.steps details:has(#key) summary").await;
    let key = window.text("#key").await.replace(' ', "");
    assert!(phone.contains(&format!("secret={key}")), "the key to type is that of the QR code");

    window.actions = enough;
    window.submit("#confirm", &[("code", &code(&phone, T))], "sheet").await;
    let sheet = window.texts("#recovery-codes code").await;
    assert_eq!(sheet.len(), 10);
    let enough = window.actions;
    window.reload("sheet-reloaded").await;
    assert_eq!(window.texts("#recovery-codes code").await, sheet);
    window.actions = enough;
    window.click("#kept", "wallet").await;
    let enough = window.actions;
    window.click("#log-out", "logged-out").await;
    assert_eq!(window.path().await, "/log-in");
    site.at(T + 60);
    window.actions = enough;
    window.submit("main form", &[("email", ALICE), ("password", PASSWORD)], "code").await;
    window.submit("#by-code", &[("code", &code(&phone, T + 60))], "logged-in").await;
    assert_eq!(window.path().await, "/wallet");
    assert!(window.actions <= 12, "{} actions from the sign-up to the first log-in", window.actions);
    (phone, sheet)
}

/// A code that was used, wrong ones, a lock; in with a recovery code, and with the code when the
/// lock has ended.
async fn locked_out_and_in(site: &Site, window: &mut Window, words: &Words, phone: &str, sheet: &[String]) {
    window.click("#log-out", "logged-out").await;
    log_in(window, &code(phone, T + 60), "replayed").await;
    assert!(window.text("[role=alert]").await.contains(words.used));
    site.at(T + 120);
    window.submit("#by-code", &[("code", &wrong(phone, T + 120, 0))], "wrong").await;
    let said = window.text("[role=alert]").await;
    assert!(said.contains(words.wrong) && said.contains(words.left), "{said}");
    for which in 1..5 {
        window.submit("#by-code", &[("code", &wrong(phone, T + 120, which))], "wrong-again").await;
    }
    assert!(window.text("[role=alert]").await.contains(words.locked));
    assert_eq!(window.says("return document.querySelector('#code').disabled").await, json!(true));

    // The lock's time goes by, and the field opens: by itself where scripts run.
    site.at(T + 148);
    window.go("/log-in/code", "lock-nearly-over").await;
    assert_eq!(window.says("return document.querySelector('#code').disabled").await, json!(true));
    if window.says("return !document.querySelector('noscript')?.checkVisibility()").await == json!(true) {
        tokio::time::sleep(Duration::from_millis(3_200)).await;
        assert!(window.text("#main .notice").await.contains(words.open_again));
        assert_eq!(window.says("return document.querySelector('#code').disabled").await, json!(false));
    }
    site.at(T + 152);
    window.go("/log-in/code", "lock-over").await;
    assert_eq!(window.says("return document.querySelector('#code').disabled").await, json!(false));

    // The phone is lost: from the log-in page in with a recovery code, and what then.
    window.go("/log-in", "phone-lost").await;
    window.actions = 0;
    window.submit("main form", &[("email", ALICE), ("password", PASSWORD)], "phone-lost-code").await;
    window.submit("#by-recovery", &[("recovery", &sheet[0])], "recovered").await;
    assert!(window.actions <= 6, "{} actions from the lost phone to being in", window.actions);
    assert_eq!((window.path().await.as_str(), window.text("#recovery-left").await.as_str()), ("/recovered", "9"));
    assert!(window.text("#hold").await.contains(words.held));
    window.click("a[href='/security/recovery-codes']", "new-codes").await;
    window.go("/recovered", "recovered-again").await;
    window.click("a[href^='/security/replace']", "replace").await;
    window.submit("#change", &[("recovery", &sheet[1])], "replace-scan").await;
    assert_ne!(window.qr().await, phone, "the new phone has a secret of its own");
}

/// Held at first; later what, then a review, then the code.
async fn withdraws(site: &Site, window: &mut Window, words: &Words, phone: &str, later: u64) {
    window.go("/wallet", "wallet-held").await;
    assert!(window.text("#hold").await.contains(words.held));
    assert_eq!(window.texts("#withdraw").await.len(), 0, "there is nothing to press in vain");
    window.go("/wallet/withdraw", "withdraw-held").await;
    assert!(window.text("#hold").await.contains(words.held));
    site.at(later);
    window.click("#log-out", "logged-out").await;
    log_in(window, &code(phone, later), "logged-in").await;
    window.click("#withdraw", "withdraw").await;
    window.submit("#withdrawal", &[("amount", "0"), ("to", "0001-1234567")], "withdraw-nothing").await;
    window.submit("#withdrawal", &[("amount", "250,000"), ("to", "0001-1234567")], "review").await;
    site.at(later + 30);
    window.submit("#review", &[("code", &code(phone, later + 30))], "withdrawn").await;
    assert!(window.text("[role=status]").await.contains(words.on_its_way));
    assert_eq!((window.path().await.as_str(), window.text("#balance").await.as_str()), ("/wallet", "750,000"));
}

/// One code opens the settings and counts for the first change.
async fn settings(site: &Site, window: &mut Window, phone: &str, later: u64) {
    window.go("/security", "settings-shut").await;
    site.at(later + 60);
    window.submit("#open", &[("code", &code(phone, later + 60))], "settings").await;
    window.click("a[href^='/security/rename']", "rename").await;
    assert_eq!(window.texts("#change #code").await.len(), 0, "no second code is asked for");
    window.submit("#change", &[("name", "Pixel 9")], "renamed").await;
    assert!(window.text("article h3").await.contains("Pixel 9"));
    window.click("a[href='/security/add-phone']", "add-number").await;
    site.at(later + 90);
    let fields = [("country", "JP"), ("number", "090-1234-5678"), ("code", &*code(phone, later + 90))];
    window.submit("#change", &fields, "number").await;
    let sent = site.code_for("+819012345678");
    window.submit("#confirm-number", &[("code", &sent)], "number-added").await;
    assert_eq!(window.texts("article.authenticator").await.len(), 2);
    // Each change has a page of its own.
    for which in [
        "add",
        "replace?id=1",
        "suspend?id=1",
        "remove?id=2",
        "recovery-codes",
        "void-recovery-codes",
        "mailbox",
        "activity",
    ] {
        window.go(&format!("/security/{which}"), &which.replace("?id=", "-")).await;
        assert_eq!(window.texts("h1").await.len(), 1);
    }
    window.go("/password", "change-password").await;
    window.go("/resync", "resync").await;
}

/// The owner freezes the account, and support ends it.
async fn freezes(site: &Site, window: &mut Window, words: &Words, phone: &str, later: u64) {
    window.go("/security/freeze", "freeze").await;
    window.click("#freeze", "frozen").await;
    window.go("/wallet", "frozen-out").await;
    assert_eq!(window.path().await, "/log-in");
    window.submit("main form", &[("email", ALICE), ("password", PASSWORD)], "frozen-code").await;
    assert!(window.text("#blocked").await.contains(words.frozen));
    assert_eq!(window.texts("#by-code").await.len(), 0, "there is nothing to type");
    window.click("a[href='/help']", "help").await;

    window.go("/support", "desk-door").await;
    window.submit("main form", &[("name", "佐藤"), ("password", DESK)], "desk").await;
    window.submit("main form[role=search]", &[("email", "lice@exam")], "desk-found").await;
    window.submit("#acts", &[("act", "thaw"), ("reason", "旅券を確認")], "desk-thaw").await;
    window.click("#sure button", "desk-thawed").await;
    assert!(window.text("#history").await.contains("佐藤: 旅券を確認"));
    window.click("#log-out", "desk-left").await;
    site.at(later + 180);
    log_in(window, &code(phone, later + 180), "thawed").await;
    assert_eq!(window.path().await, "/wallet");
}

/// Support resets; the link sets two-step login up anew.
async fn all_is_lost(site: &Site, window: &mut Window, words: &Words, phone: &str, later: u64) {
    site.at(later);
    window.go("/support", "desk-door-again").await;
    window.submit("main form", &[("name", "佐藤"), ("password", DESK)], "desk-again").await;
    window.submit("main form[role=search]", &[("email", ALICE)], "desk-found-again").await;
    window.submit("#acts", &[("act", "reset"), ("reason", "すべて紛失、旅券を確認")], "desk-sure").await;
    assert_eq!(window.texts("#history").await.len(), 0, "it is asked twice");
    window.click("#sure button", "desk-reset").await;
    assert!(window.text("#history").await.contains("佐藤: すべて紛失、旅券を確認"));
    window.go("/outbox", "outbox").await;
    let mails = site.mails_to(ALICE);
    let link = mails.iter().find_map(|text| text.split_once("/pass?token=")).expect("a link").1.to_owned();

    window.go("/log-in", "log-in-after-reset").await;
    window.submit("main form", &[("email", ALICE), ("password", PASSWORD)], "link-wanted").await;
    window.submit("#anew", &[("pass", "guessed")], "link-wrong").await;
    window.go(&format!("/pass?token={link}"), "link-opened").await;
    window.click("#anew button", "qr-anew").await;
    let new = window.qr().await;
    assert_ne!(new, phone);
    window.submit("#confirm", &[("code", &code(&new, later))], "sheet-anew").await;
    window.click("#kept", "wallet-anew").await;
    assert!(window.text("#hold").await.contains(words.held));
    window.click("#log-out", "logged-out").await;
    site.at(later + 60);
    log_in(window, &code(&new, later + 60), "logged-in-anew").await;
    assert_eq!(window.path().await, "/wallet");
    window.click("#log-out", "logged-out").await;
}

/// The rest: the recovery without support, forgotten passwords, what does not exist, and the
/// other language.
async fn around(site: &Site, window: &mut Window, words: &Words) {
    password(window).await;
    window.go("/lost", "lost").await;
    window.go("/password/forgot", "forgot").await;
    window.submit("main form", &[("email", ALICE)], "forgot-mailed").await;
    let mail = site.mails_to(ALICE).remove(0);
    let link = mail.split_once("/password/reset").expect("a link").1.to_owned();
    window.go(&format!("/password/reset{link}"), "reset-password").await;
    window.go("/nowhere", "nowhere").await;
    window.go("/log-in", "log-in").await;
    window.click("nav button[name=language]", "other-language").await;
    assert_eq!(window.path().await, "/log-in");
    assert!(window.text("h1").await.contains(words.other));
}
