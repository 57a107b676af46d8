//! The pages of an enrollment, as browsers and owners treat them: loaded again, gone back from, in
//! another language, with wrong codes, and with a token whose clock is minutes off.

mod site;

use site::{ALICE, Browser, PASSWORD, Page, Site, T, refused};

/// Signed up, and at the QR code.
async fn at_the_qr_code(site: &Site) -> (Browser, Page) {
    let mut browser = site.browser();
    site.at(T);
    browser.post("/sign-up", &[("email", ALICE), ("password", PASSWORD)]).await;
    let page = browser.post("/two-step", &[]).await;
    assert_eq!((page.status, &*page.path), (200, "/two-step/scan"));
    (browser, page)
}

fn key(page: &Page) -> String {
    page.between("id=\"key\">", "</code>").to_owned()
}

#[tokio::test]
async fn the_qr_page_shows_the_same_secret_whatever_is_clicked() {
    let site = Site::start().await;
    let (mut browser, first) = at_the_qr_code(&site).await;
    let (shown, phone) = (key(&first), first.phone());
    // Loaded again; gone back from to the page before; the form of that page sent again.
    assert_eq!(key(&browser.get("/two-step/scan").await), shown);
    assert_eq!(key(&browser.get("/two-step").await), shown);
    assert_eq!(key(&browser.post("/two-step", &[]).await), shown);
    // A wrong code, and an answer to it that is loaded again.
    let wrong = browser.post("/two-step/confirm", &[("code", &phone.wrong(T, 0))]).await;
    refused(&wrong);
    assert!(wrong.shows("id=\"qr\""), "{}", wrong.text);
    assert_eq!(key(&wrong), shown);
    assert_eq!(key(&browser.get("/two-step/confirm").await), shown);
    // The other language, from either page.
    for referer in ["https://exchange.example/two-step/scan", "https://exchange.example/two-step/confirm"] {
        let headers = [("sec-fetch-site", "same-origin"), ("referer", referer)];
        let page = browser.post_with("/language", &[("language", "ja")], &headers).await;
        assert!(page.shows("認証アプリを設定"), "{}", page.text);
        assert_eq!(key(&page), shown);
    }
    // And after all that its code confirms.
    assert_eq!(browser.post("/two-step/confirm", &[("code", &phone.shows(T))]).await.recovery_codes().len(), 10);
    assert_eq!(browser.get("/two-step/scan").await.path, "/security");
}

#[tokio::test]
async fn a_change_of_phone_shows_the_same_secret_too() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    let now = T + 86_400;
    site.at(now);
    let page = browser.post("/security/replace", &[("id", "1"), ("code", &phone.shows(now))]).await;
    assert_eq!(page.path, "/two-step/scan");
    let (shown, new) = (key(&page), page.phone());
    assert_eq!(key(&browser.get("/two-step/scan").await), shown);
    let wrong = browser.post("/two-step/confirm", &[("code", &new.wrong(now, 0))]).await;
    refused(&wrong);
    assert_eq!(key(&wrong), shown);
    assert_eq!(browser.post("/two-step/confirm", &[("code", &new.shows(now))]).await.path, "/security");
}

#[tokio::test]
async fn another_browser_is_shown_nothing_and_a_code_of_an_earlier_qr_code_is_said_to_be_that() {
    let site = Site::start().await;
    let (mut browser, first) = at_the_qr_code(&site).await;
    let mut other = site.browser();
    other.password(ALICE).await;
    assert_eq!(other.get("/two-step/scan").await.path, "/two-step");
    let second = other.post("/two-step", &[]).await;
    assert_ne!(key(&first), key(&second));
    for _ in 0..8 {
        let page = browser.post("/two-step/confirm", &[("code", &first.phone().shows(T))]).await;
        refused(&page);
        assert!(page.shows("earlier QR code") && !page.shows("Attempts left"), "{}", page.text);
    }
    assert_eq!(other.post("/two-step/confirm", &[("code", &second.phone().shows(T))]).await.recovery_codes().len(), 10);
}

#[tokio::test]
async fn a_guesser_of_an_enrollment_is_not_let_in_and_gets_no_recovery_codes() {
    let site = Site::start().await;
    let (_, page) = at_the_qr_code(&site).await;
    let mut guesser = site.browser();
    guesser.password(ALICE).await;
    let page = guesser.post("/two-step/confirm", &[("code", &page.phone().shows(T))]).await;
    assert_eq!(page.path, "/log-in");
    assert_eq!(guesser.get("/security").await.path, "/log-in");
}

#[tokio::test]
async fn a_token_minutes_off_is_confirmed_by_two_codes_and_logs_in() {
    let site = Site::start().await;
    let (mut browser, page) = at_the_qr_code(&site).await;
    let token = page.phone();
    let shown = |secs: u64| token.shows(secs + 300);
    refused(&browser.post("/two-step/confirm", &[("code", &shown(T))]).await);
    let pair = |first: u64| [("first", shown(first)), ("second", shown(first + 30))];
    let post = async |browser: &mut Browser, pair: [(&str, String); 2]| {
        let fields = pair.each_ref().map(|(name, code)| (*name, &**code));
        browser.post("/two-step/confirm-two-codes", &fields).await
    };
    let wrong = post(&mut browser, [("first", shown(T)), ("second", shown(T + 60))]).await;
    refused(&wrong);
    assert!(wrong.shows("id=\"qr\"") && wrong.shows("two new codes"), "{}", wrong.text);
    assert_eq!(post(&mut browser, pair(T)).await.recovery_codes().len(), 10);
    browser.log_out().await;
    site.at(T + 60);
    assert_eq!(browser.log_in(ALICE, &shown(T + 60)).await.path, "/wallet");
}
