//! The pages: what they keep, say and lead to, over HTTP without scripts: the code that opens the
//! settings, links of support, the owner's freeze, the desk's search, pages for what was turned
//! away.

mod site;

use exchange::Settings;
use exchange::language::Language;
use site::{ALICE, Page, Site, T, at_the_desk, refused, withdraw};
use std::time::Duration;

fn has_code_field(page: &Page) -> bool {
    page.shows("name=\"code\"")
}

#[tokio::test]
async fn the_code_that_opens_the_settings_counts_for_the_first_change_and_for_no_other() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    site.at(T + 60);
    assert!(browser.get("/security").await.shows("Open the security settings"));
    assert!(has_code_field(&browser.get("/security/rename?id=1").await));
    // Nothing is changed without any code.
    refused(&browser.post("/security/rename", &[("id", "1"), ("name", "mine")]).await);
    browser.settings(&phone.shows(T + 60)).await;
    for _reload in 0..2 {
        let page = browser.get("/security/rename?id=1").await;
        assert!(!has_code_field(&page) && page.shows("counts for this"), "{}", page.text);
    }
    let page = browser.post("/security/rename", &[("id", "1"), ("name", "Pixel 9")]).await;
    assert!(page.path == "/security" && page.shows("Renamed.") && page.shows("Pixel 9"), "{}", page.text);
    assert!(!browser.get("/security").await.shows("Renamed."), "it is said once");
    // The second asks for its own, and keeps what was typed.
    let page = browser.get("/security/rename?id=1").await;
    assert!(has_code_field(&page), "{}", page.text);
    let page = browser.post("/security/rename", &[("id", "1"), ("name", "another")]).await;
    refused(&page);
    assert!(page.shows("value=\"another\"") && has_code_field(&page), "{}", page.text);
    // They stay open for ten minutes.
    site.at(T + 60 + 599);
    assert!(browser.get("/security").await.shows("Pixel 9"));
    site.at(T + 60 + 600);
    assert!(browser.get("/security").await.shows("Open the security settings"));
}

#[tokio::test]
async fn a_kept_code_is_good_for_five_minutes_in_the_session_that_typed_it() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    site.at(T + 60);
    let mut elsewhere = site.browser();
    assert_eq!(elsewhere.log_in(ALICE, &phone.shows(T + 60)).await.path, "/wallet");
    site.at(T + 90);
    let mut thief = site.browser();
    thief.cookies.clone_from(&browser.cookies);
    assert_eq!(thief.get("/wallet").await.path, "/wallet", "a stolen cookie is a session");
    browser.settings(&phone.shows(T + 90)).await;
    // The cookie of before, which somebody has stolen, is worth nothing now.
    assert_eq!(thief.post("/security/add", &[]).await.path, "/log-in");
    // Another session of the same customer has none of it.
    assert!(elsewhere.get("/security").await.shows("Open the security settings"));
    refused(&elsewhere.post("/security/add", &[]).await);
    // Nor has the next session of this browser.
    let mut copy = site.browser();
    copy.cookies.clone_from(&browser.cookies);
    browser.log_out().await;
    assert_eq!(copy.post("/security/add", &[]).await.path, "/log-in");
    site.at(T + 120);
    drop(browser.log_in(ALICE, &phone.shows(T + 120)).await);
    refused(&browser.post("/security/add", &[]).await);
    // And it runs out.
    site.at(T + 150);
    browser.settings(&phone.shows(T + 150)).await;
    site.at(T + 150 + 301);
    let page = browser.post("/security/add", &[]).await;
    refused(&page);
    assert!(has_code_field(&page), "{}", page.text);
    let page = browser.post("/security/add", &[("code", &phone.shows(T + 450))]).await;
    assert_eq!(page.path, "/two-step/scan", "{}", page.text);
}

#[tokio::test]
async fn without_a_code_a_session_sees_nothing_of_the_settings() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    site.at(T + 60);
    browser.settings(&phone.shows(T + 60)).await;
    drop(browser.post("/security/rename", &[("id", "1"), ("name", "Pixel 9")]).await);
    browser.log_out().await;
    site.at(T + 90);
    drop(browser.log_in(ALICE, &phone.shows(T + 90)).await);
    assert!(browser.get("/security/activity").await.shows("Open the security settings"));
    for change in ["rename?id=1", "remove?id=1", "replace?id=1"] {
        let page = browser.get(&format!("/security/{change}")).await;
        assert!(!page.shows("Pixel 9") && !page.shows("This is the last one."), "{}", page.text);
    }
}

#[tokio::test]
async fn to_look_at_pages_prolongs_no_session() {
    let (_, mut browser, _, _) = Site::with_alice().await;
    drop(browser.get("/wallet").await);
    for path in ["/wallet", "/security", "/wallet/withdraw"] {
        assert!(!browser.get(path).await.headers.contains_key("set-cookie"), "{path}");
    }
}

#[tokio::test]
async fn every_change_has_a_page_that_says_what_will_happen_and_until_when() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    site.at(T + 60);
    let settings = browser.settings(&phone.shows(T + 60)).await;
    for change in [
        "add",
        "add-phone",
        "replace?id=1",
        "rename?id=1",
        "suspend?id=1",
        "remove?id=1",
        "recovery-codes",
        "void-recovery-codes",
        "mailbox",
    ] {
        assert!(settings.shows(&format!("href=\"/security/{change}\"")), "{change}");
        let page = browser.get(&format!("/security/{change}")).await;
        assert_eq!((page.status, page.text.matches("<h1>").count()), (200, 1), "{change}");
        assert!(page.shows("Back, without a change"), "{change}");
        let holds = !["rename?id=1", "suspend?id=1", "void-recovery-codes"].contains(&change);
        // A day from now.
        assert_eq!(page.shows("Withdrawals are then held until <strong>16 Jan 2027, 08:01 UTC"), holds, "{change}");
    }
    assert!(browser.get("/security/remove?id=1").await.shows("This is the last one."));
    assert_eq!(browser.get("/security/sheet").await.path, "/security");
}

#[tokio::test]
async fn the_sheet_is_also_a_file_with_whose_it_is() {
    let site = Site::start().await;
    let mut browser = site.browser();
    drop(browser.post("/sign-up", &[("email", ALICE), ("password", site::PASSWORD)]).await);
    let phone = browser.post("/two-step", &[]).await.phone();
    let sheet = browser.post("/two-step/confirm", &[("code", &phone.shows(T))]).await;
    let codes = sheet.recovery_codes();
    assert!(sheet.shows("Tsubame Exchange") && sheet.shows(ALICE) && sheet.shows("data-print"), "{}", sheet.text);
    let file = browser.get("/security/recovery-codes.txt").await;
    assert!(file.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    assert_eq!(file.headers["cache-control"], "no-store");
    assert!(file.shows("Tsubame Exchange") && file.shows(ALICE) && file.shows("15 Jan 2027"), "{}", file.text);
    assert!(codes.iter().all(|code| file.shows(code)), "{}", file.text);
    assert_eq!(browser.post("/security/sheet", &[]).await.path, "/wallet");
    assert_eq!(browser.get("/security/recovery-codes.txt").await.path, "/security", "once kept, it is gone");
    assert_eq!(site.browser().get("/security/recovery-codes.txt").await.path, "/log-in");
}

#[tokio::test]
async fn a_link_of_support_lets_in_while_locked_in_the_browser_that_opens_it() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    browser.log_out().await;
    site.at(T + 60);
    drop(browser.password(ALICE).await);
    for which in 0..5 {
        drop(browser.post("/log-in/code", &[("code", &phone.wrong(T + 60, which))]).await);
    }
    drop(at_the_desk(&site).await.act("unlock", "rang, number known").await);
    let mail = site.mails_to(ALICE).into_iter().find(|mail| mail.starts_with("A link from support")).unwrap();
    let link = mail.split_once("http://localhost:8080").expect("a link").1.to_owned();
    // A scanner of mail opens it, and nothing is used up.
    for _ in 0..3 {
        assert_eq!(site.browser().get(&link).await.path, "/log-in");
    }
    // Opened before the password, or after it.
    let mut before = site.browser();
    drop(before.get(&link).await);
    let page = before.password(ALICE).await;
    assert!(page.shows("A link from support was opened in this browser."), "{}", page.text);
    assert!(!page.shows("disabled"), "the field is open: {}", page.text);
    let page = browser.get(&link).await;
    assert_eq!(page.path, "/log-in/code");
    let page = browser.post("/log-in/code", &[("code", &phone.shows(T + 60))]).await;
    assert_eq!(page.path, "/wallet", "{}", page.text);
    // Somebody else's link is of no use, and of no harm.
    let mut bob = site.browser();
    let (bobs, _) = bob.sign_up(&site, "bob@example.com", T + 120).await;
    bob.log_out().await;
    drop(bob.get(&link).await);
    site.at(T + 180);
    assert_eq!(bob.log_in("bob@example.com", &bobs.shows(T + 180)).await.path, "/wallet");
}

#[tokio::test]
async fn an_owner_freezes_without_a_code_and_every_browser_is_out() {
    let (site, mut browser, phone, codes) = Site::with_alice().await;
    let mut thief = site.browser();
    site.at(T + 60);
    drop(thief.log_in(ALICE, &phone.shows(T + 60)).await);
    assert!(
        browser.get("/security/freeze").await.shows("no code")
            || browser.get("/security/freeze").await.shows("No code")
    );
    assert_eq!(thief.get("/wallet").await.path, "/wallet", "to look at the page changes nothing");
    let cross = [("sec-fetch-site", "cross-site")];
    assert_eq!(browser.post_with("/security/freeze", &[], &cross).await.status, 403);
    let page = browser.post("/security/freeze", &[]).await;
    assert!(page.shows("The account is frozen") && page.shows("href=\"/help\""), "{}", page.text);
    for browser in [&mut browser, &mut thief] {
        assert_eq!(browser.get("/wallet").await.path, "/log-in");
    }
    // The page of the log-in says what it is, since when, and whom to ask; there is nothing to type.
    site.at(T + 600);
    let page = thief.password(ALICE).await;
    assert!(page.shows("The account is frozen.") && page.shows("Since 15 Jan 2027, 08:01 UTC"), "{}", page.text);
    assert!(page.shows("href=\"/help\"") && !has_code_field(&page), "{}", page.text);
    refused(&thief.post("/log-in/code", &[("recovery", &codes[0])]).await);
    assert!(site.mails_to(ALICE)[0].starts_with("The account was frozen at its owner's word."));
    let page = at_the_desk(&site).await.act("thaw", "passport seen").await;
    assert!(page.shows("frozen_by_owner"), "{}", page.text);
}

#[tokio::test]
async fn the_desk_finds_by_a_part_shows_what_is_open_and_asks_twice_before_a_reset() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    drop(site.browser().sign_up(&site, "alicia@example.org", T).await);
    browser.log_out().await;
    site.at(T + 60);
    drop(browser.password(ALICE).await);
    drop(browser.post("/log-in/code", &[("code", &phone.shows(T + 60)), ("remember", "yes")]).await);
    let mut desk = at_the_desk(&site).await;
    let page = desk.get("/support?email=ALIC").await;
    assert!(page.shows("id=\"found\"") && page.shows(ALICE) && page.shows("alicia@example.org"), "{}", page.text);
    assert!(!page.shows("id=\"state\"") && !page.shows("id=\"acts\""), "{}", page.text);
    assert!(desk.get("/support?email=al").await.shows("from three characters on"));
    assert!(desk.get("/support?email=customer").await.shows("Nobody has that address"), "keys are not searched");
    let page = desk.get("/support?email=alice@ex").await;
    assert!(
        page.shows("id=\"acts\"") && page.between("<dd id=\"known\">", "</dd>").contains("127.0.0.1"),
        "{}",
        page.text
    );
    assert_eq!(page.between("<dd id=\"passes\">", "</dd>"), "0");
    drop(desk.act("unlock", "rang").await);
    let page = desk.get("/support?email=alice@ex").await;
    assert_eq!(page.between("<dd id=\"passes\">", "</dd>"), "1");
    assert!(page.between("<dd id=\"holds\">", "</dd>").contains("withdrawal"), "{}", page.text);
    for act in ["unlock", "thaw", "end-holds", "disable 1", "rebuild missing", "propose-rebuild missing"] {
        let page = desk.post("/support/act", &[("email", ALICE), ("reason", "asked-once"), ("act", act)]).await;
        assert!(page.shows("Are you sure?") && page.shows(&format!("value=\"{act}\"")), "{act}: {}", page.text);
    }
    assert!(!desk.get("/support?email=alice@ex").await.shows("asked-once"), "nothing of it was done");
    let once = [("email", ALICE), ("reason", "all lost"), ("act", "reset")];
    let page = desk.post("/support/act", &once).await;
    assert!(page.shows("Are you sure?") && page.shows("Withdrawals are held for a while after it"), "{}", page.text);
    assert_eq!(browser.get("/wallet").await.path, "/wallet", "nothing has happened yet");
    assert!(desk.act("reset", "all lost").await.shows("all lost"));
    assert_eq!(browser.get("/wallet").await.path, "/log-in");
}

#[tokio::test]
async fn a_search_that_finds_more_than_it_shows_says_so() {
    let site = Site::start().await;
    let mut desk = at_the_desk(&site).await;
    for number in 10..31 {
        let (email, hash) = (format!("u{number}@example.com"), "no password has this hash".to_owned());
        drop(site.app.customers.add(&site.app.verifier, &email, hash, Language::English).await.unwrap());
        let page = desk.get("/support?email=example.com").await;
        assert_eq!(page.shows("type more of the address"), number == 30, "{}", page.text);
        assert!(!page.shows("u30@"), "{}", page.text);
    }
}

#[tokio::test]
async fn pages_of_what_was_turned_away_say_how_long_to_wait_and_lead_on() {
    let settings = Settings { burst: 4, refill: Duration::from_secs(30), ..Settings::default() };
    let site = Site::exactly(settings).await;
    let mut browser = site.browser();
    // Style sheet, script and mark count against nothing.
    for _ in 0..40 {
        for asset in ["/style.css", "/script.js", "/mark.svg"] {
            assert_eq!(browser.get(asset).await.status, 200);
        }
    }
    for _ in 0..4 {
        assert_eq!(browser.get("/log-in").await.status, 200);
    }
    let page = browser.get("/log-in").await;
    let wait: u64 = page.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(page.status == 429 && (1..=30).contains(&wait), "{}", page.text);
    assert!(page.shows(&format!("Wait for {wait} s")) && page.shows("href=\"/style.css\""), "{}", page.text);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    browser.language = "ja";
    let page = browser.get("/log-in").await;
    assert!(
        page.shows("秒ほど待って") && page.shows("<html lang=\"ja\">") && page.shows("もう一度試す"),
        "{}",
        page.text
    );
    // A program is told in plain text.
    let page = browser.json("/api/log-in", "{}").await;
    assert!(page.status == 429 && page.text.starts_with("Too many requests"), "{}", page.text);

    let site = Site::start().await;
    let mut browser = site.browser();
    let page = browser.get("/nowhere").await;
    assert!(page.status == 404 && page.shows("href=\"/wallet\""), "{}", page.text);
    let page =
        browser.post_with("/log-in", &[("email", "x"), ("password", "y")], &[("sec-fetch-site", "cross-site")]).await;
    assert!(page.status == 403 && page.shows("That came from another site"), "{}", page.text);
    drop(browser.sign_up(&site, ALICE, T).await);
    site.accounts.fail_all(sekisho::test_kit::Fault::NotDone);
    let page = browser.get("/wallet").await;
    assert_eq!((page.status, &page.headers["retry-after"]), (503, &"2".parse().unwrap()));
    assert!(page.shows("it may have been done") && page.shows("href=\"/\""), "{}", page.text);
}

#[tokio::test]
async fn a_message_ends_with_the_line_that_phones_fill_in_from() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    site.at(T + 60);
    let fields = [("country", "GB"), ("number", "07400 123456"), ("code", &*phone.shows(T + 60))];
    let page = browser.post("/security/add-phone", &fields).await;
    assert!(page.shows("Confirm the number"), "{}", page.text);
    let text = site.mails_to("+447400123456").remove(0);
    let (message, line) = text.split_once("\n\n").expect("a line of its own");
    let code = line.strip_prefix("@localhost #").expect("our name, and the code");
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{text}");
    assert!(message.contains(code) && message.contains("Never give it to anybody"), "{text}");
}

#[tokio::test]
async fn the_tour_is_shown_with_demo_and_not_otherwise() {
    let site = Site::start().await;
    assert!(!site.browser().get("/sign-up").await.shows("class=\"tour\""));
    let site = Site::with(Settings::demo().unwrap()).await;
    let mut browser = site.browser();
    assert!(browser.get("/sign-up").await.shows("<strong>1/8</strong>"));
    let (phone, _) = browser.sign_up(&site, ALICE, T).await;
    let page = browser.get("/wallet").await;
    assert!(page.shows("<strong>4/8</strong>") && page.shows("BTC/JPY") && page.shows("id=\"hold\""), "{}", page.text);
    // Within minutes, a withdrawal.
    site.at(T + 61);
    assert!(withdraw(&mut browser, &phone.shows(T + 61)).await.shows("on its way"));
}
