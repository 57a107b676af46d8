//! Strangers and thieves, and that they keep the owner from nothing: locks and passes,
//! freezes and resets.

mod site;

use site::{ALICE, Site, T, at_the_desk, refused};

/// The warning that so many wrong codes are left.
fn attempts(left: usize) -> String {
    if left == 1 { "One more wrong code locks".into() } else { format!("{left} more wrong codes lock") }
}

#[tokio::test]
async fn five_wrong_codes_lock_and_close_the_field_until_the_lock_ends() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    browser.log_out().await;
    site.at(T + 60);
    browser.password(ALICE).await;
    for left in (1..5).rev() {
        let code = phone.wrong(T + 60, left);
        let page = browser.post("/log-in/code", &[("code", &code)]).await;
        assert_eq!(page.status, 403);
        assert!(page.shows(&attempts(left)), "{}", page.text);
        // The same one once more is the same answer.
        assert!(browser.post("/log-in/code", &[("code", &code)]).await.shows(&attempts(left)));
    }
    let page = browser.post("/log-in/code", &[("code", &phone.wrong(T + 60, 0))]).await;
    assert_eq!((page.status, &page.headers["retry-after"]), (429, &"30".parse().unwrap()));
    assert!(page.shows("data-until") && page.shows("30 s"), "{}", page.text);
    // The field is closed, the recovery code's is open, and the page opens when the time is over.
    for page in [page, browser.get("/log-in/code").await] {
        assert!(page.shows("<input id=\"code\"") && page.shows("data-locked disabled"), "{}", page.text);
        assert!(page.shows("href=\"#other-ways\"") && page.shows("<details open>"), "{}", page.text);
        assert!(page.shows("data-lock=\"The lock has ended: try again.\""), "{}", page.text);
    }
    let page = browser.post("/log-in/code", &[("code", &phone.shows(T + 60))]).await;
    assert_eq!(page.status, 429, "also a right code is not looked at");
    site.at(T + 91);
    assert!(!browser.get("/log-in/code").await.shows("disabled"));
    assert_eq!(browser.post("/log-in/code", &[("code", &phone.shows(T + 91))]).await.path, "/wallet");
}

#[tokio::test]
async fn a_known_browser_goes_on_while_strangers_lock_the_account_and_a_pass_lets_others_in() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    browser.log_out().await;
    site.at(T + 60);
    browser.password(ALICE).await;
    let code = phone.shows(T + 60);
    assert_eq!(browser.post("/log-in/code", &[("code", &code), ("remember", "yes")]).await.path, "/wallet");
    assert!(browser.cookies.keys().any(|name| name.starts_with("__Host-device-")));
    browser.log_out().await;
    site.at(T + 120);
    let mut stranger = site.browser();
    stranger.password(ALICE).await;
    for which in 0..5 {
        stranger.post("/log-in/code", &[("code", &phone.wrong(T + 120, which))]).await;
    }
    // Elsewhere the owner is locked out too; not here.
    assert_eq!(site.browser().log_in(ALICE, &phone.shows(T + 120)).await.status, 429);
    assert_eq!(browser.log_in(ALICE, &phone.shows(T + 120)).await.path, "/wallet");

    // At an internet café, with support on the line.
    let mut desk = at_the_desk(&site).await;
    let page = desk.act("unlock", "rang, number known").await;
    assert!(page.shows("rang, number known"), "{}", page.text);
    let pass = site.pass_for(ALICE);
    site.at(T + 130);
    let mut elsewhere = site.browser();
    elsewhere.password(ALICE).await;
    site.at(T + 150);
    let page = elsewhere.post("/log-in/code", &[("code", &phone.shows(T + 150)), ("pass", &pass)]).await;
    assert_eq!(page.path, "/wallet", "{}", page.text);
}

#[tokio::test]
async fn a_freeze_and_a_reset_end_sessions_that_are_open() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    let mut thief = site.browser();
    site.at(T + 60);
    assert_eq!(thief.log_in(ALICE, &phone.shows(T + 60)).await.path, "/wallet");
    let mut desk = at_the_desk(&site).await;
    for (act, mail) in [("freeze", "frozen"), ("thaw", "ended the freeze")] {
        let page = desk.act(act, "phone stolen").await;
        assert!(page.path.starts_with("/support?") && page.shows("Sato: phone stolen"), "{}", page.text);
        assert!(site.mails_to(ALICE)[0].contains(mail));
        // Nor do they come back with the thaw.
        for browser in [&mut browser, &mut thief] {
            assert_eq!(browser.get("/wallet").await.path, "/log-in", "{act}");
        }
    }
    site.at(T + 120);
    assert_eq!(browser.log_in(ALICE, &phone.shows(T + 120)).await.path, "/wallet");
    desk.act("reset", "all lost").await;
    assert_eq!(browser.get("/security").await.path, "/log-in");
    assert_eq!(site.mails_to(ALICE).iter().filter(|text| text.contains("A link from support")).count(), 1);
}

#[tokio::test]
async fn after_a_reset_whoever_has_the_password_keeps_the_owner_from_nothing() {
    let (site, mut browser, _, _) = Site::with_alice().await;
    site.at(T + 86_400);
    let mut desk = at_the_desk(&site).await;
    desk.act("reset", "all lost").await;
    browser.password(ALICE).await;
    let phone = browser.post("/two-step/pass", &[("pass", &site.pass_for(ALICE))]).await.phone();
    let mut thief = site.browser();
    thief.password(ALICE).await;
    for which in 0..10 {
        let page = thief.post("/two-step/confirm", &[("code", &phone.wrong(T + 86_400, which))]).await;
        assert_eq!(page.path, "/log-in/code", "not without the pass");
    }
    let page = browser.post("/two-step/confirm", &[("code", &phone.shows(T + 86_400))]).await;
    assert_eq!(page.recovery_codes().len(), 10, "{}", page.text);
}

#[tokio::test]
async fn after_a_reset_a_lock_of_before_is_not_in_the_way_of_the_pass() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    let now = T + 86_400;
    site.at(now);
    browser.log_out().await;
    browser.log_in(ALICE, &phone.shows(now)).await;
    site.at(now + 30);
    browser.post("/security/add", &[("code", &phone.shows(now + 30))]).await;
    for which in 0..5 {
        refused(&browser.post("/two-step/confirm", &[("code", &phone.wrong(now, which))]).await);
    }
    let mut desk = at_the_desk(&site).await;
    desk.act("reset", "all lost").await;
    browser.password(ALICE).await;
    let new = browser.post("/two-step/pass", &[("pass", &site.pass_for(ALICE))]).await.phone();
    let page = browser.post("/two-step/confirm", &[("code", &new.shows(now + 30))]).await;
    assert_eq!(page.recovery_codes().len(), 10, "{}", page.text);
}

#[tokio::test]
async fn a_thief_of_a_session_forgets_no_browser() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    browser.log_out().await;
    site.at(T + 60);
    browser.password(ALICE).await;
    browser.post("/log-in/code", &[("code", &phone.shows(T + 60)), ("remember", "yes")]).await;
    // Not even the settings are shown without a code.
    assert!(browser.get("/security").await.shows("Open the security settings"));
    refused(&browser.post("/security/open", &[("code", &phone.wrong(T, 0))]).await);
    assert!(!browser.get("/security").await.shows("/security/forget"));
    refused(&browser.post("/security/forget", &[("id", "1"), ("code", &phone.wrong(T, 1))]).await);
    site.at(T + 90);
    let page = browser.settings(&phone.shows(T + 90)).await;
    let id = page.between("/security/forget?id=", "\"").to_owned();
    let page = browser.post("/security/forget", &[("id", &id)]).await;
    assert!(page.shows("The browser is forgotten.") && !page.shows("/security/forget?id="), "{}", page.text);
}

#[tokio::test]
async fn a_frozen_account_is_not_entered_by_a_password_alone() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    site.at(T + 60);
    let fields = [("id", "1"), ("last", "yes"), ("code", &*phone.shows(T + 60))];
    assert!(browser.post("/security/remove", &fields).await.shows("Set up two-step login"));
    assert_eq!(site.browser().password(ALICE).await.path, "/two-step");
    let mut desk = at_the_desk(&site).await;
    desk.act("freeze", "password stolen").await;
    let mut thief = site.browser();
    assert!(thief.password(ALICE).await.shows("The account is frozen."));
    assert_eq!(thief.get("/wallet").await.path, "/log-in/code");
}

#[tokio::test]
async fn a_pass_helps_whoever_has_no_app_at_hand() {
    let (site, mut browser, phone, codes) = Site::with_alice().await;
    site.at(T + 60);
    let fields = [("number", "+819012345678"), ("code", &*phone.shows(T + 60))];
    browser.post("/security/add-phone", &fields).await;
    let sent = || site.mails_to("+819012345678")[0].rsplit_once('#').unwrap().1.to_owned();
    browser.post("/two-step/confirm", &[("code", &sent()), ("sent", "yes")]).await;
    let now = T + 86_400;
    site.at(now);
    let mut stranger = site.browser();
    for (field, codes) in
        [("code", ["000001", "000002", "000003", "000004", "000005"]), ("recovery", ["A", "B", "C", "D", "E"])]
    {
        for code in codes {
            stranger.password(ALICE).await;
            let code = if field == "code" { code.to_owned() } else { code.repeat(24) };
            stranger.post("/log-in/code", &[(field, &code)]).await;
        }
    }
    let mut desk = at_the_desk(&site).await;
    desk.act("unlock", "locked out").await;
    let mut elsewhere = site.browser();
    let page = elsewhere.password(ALICE).await;
    assert!(page.shows("The link that support has mailed"), "{}", page.text);
    let to = page.between("name=\"to\" value=\"", "\"").to_owned();
    assert_eq!(elsewhere.post("/log-in/send", &[("to", &to)]).await.status, 429);
    let pass = site.pass_for(ALICE);
    let page = elsewhere.post("/log-in/send", &[("to", &to), ("pass", &pass)]).await;
    assert!(page.shows("A code was sent"), "{}", page.text);
    assert_eq!(elsewhere.post("/log-in/code", &[("code", &sent()), ("pass", &pass)]).await.path, "/wallet");
    // The sheet helps without one: nobody shuts it.
    let mut elsewhere = site.browser();
    elsewhere.password(ALICE).await;
    assert_eq!(elsewhere.post("/log-in/code", &[("recovery", &codes[0])]).await.path, "/recovered");
}

#[tokio::test]
async fn a_lock_shuts_the_door_also_where_a_clock_is_set_and_a_pass_confirms_its_own_enrollment() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    site.at(T + 86_400);
    let mut other = site.browser();
    other.password(ALICE).await;
    for which in 0..5 {
        assert_eq!(other.get("/resync").await.path, "/resync");
        let (first, second) = (phone.wrong(T + 86_400, which), phone.wrong(T + 86_400, which + 1));
        refused(&other.post("/resync", &[("first", &first), ("second", &second)]).await);
    }
    assert_eq!(other.get("/resync").await.path, "/log-in/code", "which says how long");
    at_the_desk(&site).await.act("reset", "all lost").await;
    browser.password(ALICE).await;
    let new = browser.post("/two-step/pass", &[("pass", &site.pass_for(ALICE))]).await.phone();
    // The pass's holder has made the secret, and guesses nothing.
    for which in 0..7 {
        assert_eq!(browser.get("/log-in/code").await.path, "/log-in/code");
        refused(&browser.post("/two-step/confirm", &[("code", &new.wrong(T + 86_400, which))]).await);
    }
    let page = browser.post("/two-step/confirm", &[("code", &new.shows(T + 86_400))]).await;
    assert_eq!(page.recovery_codes().len(), 10);
}
