//! What customers and operators do, over HTTP, without scripts: the ways in, the ways to be refused, and the ways back.

mod site;

use site::{Browser, DESK, PASSWORD, Page, Site, T};

const ALICE: &str = "alice@example.com";

fn refused(page: &Page) {
    assert!(page.shows("role=\"alert\""), "{}", page.text);
}

#[tokio::test]
async fn a_customer_signs_up_enrols_and_logs_in_and_a_code_is_good_once() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let (phone, codes) = browser.sign_up(&site, ALICE, T).await;
    assert_eq!(codes.len(), 10);
    browser.log_out().await;
    assert_eq!(browser.get("/wallet").await.path, "/log-in");
    site.at(T + 60);
    let page = browser.log_in(ALICE, &phone.shows(T + 60)).await;
    assert_eq!((page.status, &*page.path), (200, "/wallet"));
    assert!(page.shows("<span id=\"balance\">1000000</span>"));

    // Somebody has looked over the shoulder.
    let mut thief = site.browser();
    let page = thief.log_in(ALICE, &phone.shows(T + 60)).await;
    assert_eq!(page.status, 429);
    assert!(page.shows("cannot be used again") && page.headers.contains_key("retry-after"));
    assert_eq!(thief.get("/wallet").await.path, "/log-in/code");
    // Nor the code that has confirmed.
    site.at(T + 90);
    refused(&thief.log_in(ALICE, &phone.shows(T)).await);
}

#[tokio::test]
async fn a_wrong_password_tells_nothing_of_who_has_signed_up() {
    let site = Site::start().await;
    site.browser().sign_up(&site, ALICE, T).await;
    let mut texts = Vec::new();
    for email in [ALICE, "nobody@example.com", "no address"] {
        let page = site.browser().post("/log-in", &[("email", email), ("password", "wrong password")]).await;
        assert_eq!(page.status, 401);
        texts.push(page.text);
    }
    assert!(texts.iter().all(|text| *text == texts[0]));
    let short = site.browser().post("/sign-up", &[("email", "bob@example.com"), ("password", "short")]).await;
    assert_eq!(short.status, 422);
    let again = site.browser().post("/sign-up", &[("email", "ALICE@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(again.status, 422);
}

#[tokio::test]
async fn five_wrong_codes_lock_and_end_the_open_door_and_the_lock_ends() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let (phone, _) = browser.sign_up(&site, ALICE, T).await;
    browser.log_out().await;
    site.at(T + 60);
    browser.password(ALICE).await;
    for left in (1..5).rev() {
        let page = browser.post("/log-in/code", &[("code", &phone.wrong(T + 60))]).await;
        assert_eq!(page.status, 401);
        assert!(page.shows(&format!("Attempts left: {left}")), "{}", page.text);
    }
    let page = browser.post("/log-in/code", &[("code", &phone.wrong(T + 60))]).await;
    assert_eq!((page.status, &page.headers["retry-after"]), (429, &"30".parse().unwrap()));
    assert!(page.shows("data-until") && page.shows("30 s"), "{}", page.text);
    // The password is asked for again.
    assert_eq!(browser.get("/log-in/code").await.path, "/log-in");
    let page = browser.log_in(ALICE, &phone.shows(T + 60)).await;
    assert_eq!(page.status, 429, "also a right code is not looked at");
    site.at(T + 91);
    assert_eq!(browser.log_in(ALICE, &phone.shows(T + 91)).await.path, "/wallet");
}

#[tokio::test]
async fn without_the_phone_a_recovery_code_lets_in_once_and_holds_withdrawals() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let (phone, codes) = browser.sign_up(&site, ALICE, T).await;
    browser.log_out().await;
    let then = T + 3 * 86_400;
    site.at(then);
    browser.password(ALICE).await;
    let page = browser.post("/log-in/code", &[("recovery", &codes[3].to_lowercase())]).await;
    assert_eq!(page.path, "/security");
    assert!(page.shows("<span id=\"recovery-left\">9</span>"));
    let page = browser.get("/wallet").await;
    assert!(page.shows("id=\"hold\"") && page.shows("24 h 0 min"), "{}", page.text);
    // The phone was in the other coat.
    site.at(then + 60);
    let page = withdraw(&mut browser, &phone.shows(then + 60)).await;
    assert_eq!(page.status, 429);
    assert!(page.shows("This is held for a while") && page.shows("<span id=\"balance\">1000000</span>"));
    browser.log_out().await;
    browser.password(ALICE).await;
    refused(&browser.post("/log-in/code", &[("recovery", &codes[3])]).await);

    let later = then + 86_400 + 300;
    site.at(later);
    assert_eq!(browser.log_in(ALICE, &phone.shows(later)).await.path, "/wallet");
    site.at(later + 30);
    let page = withdraw(&mut browser, &phone.shows(later + 30)).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.shows("<span id=\"balance\">750000</span>") && page.shows("0001-1234567"));
    let page = withdraw(&mut browser, &phone.shows(later + 30)).await;
    assert!(page.shows("cannot be used again") && page.shows("<span id=\"balance\">750000</span>"), "once");
}

async fn withdraw(browser: &mut Browser, code: &str) -> Page {
    browser.post("/wallet/withdraw", &[("amount", "250000"), ("to", "0001-1234567"), ("code", code)]).await
}

#[tokio::test]
async fn a_phone_that_is_four_minutes_off_is_resynchronised_by_two_codes() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let (phone, _) = browser.sign_up(&site, ALICE, T).await;
    site.at(T + 86_400);
    // Half an hour of a session is over.
    let shown = |secs: u64| phone.shows(secs + 240);
    browser.log_out().await;
    refused(&browser.log_in(ALICE, &shown(T + 86_400)).await);
    // From a session that another way in has opened.
    site.at(T + 86_430);
    assert_eq!(browser.log_in(ALICE, &phone.shows(T + 86_430)).await.path, "/wallet");
    site.at(T + 86_520);
    let (first, second) = (shown(T + 86_490), shown(T + 86_520));
    let page = browser.post("/security/resync", &[("first", &first), ("second", &second)]).await;
    assert!(page.shows("clock is known now"), "{}", page.text);
    browser.log_out().await;
    site.at(T + 86_580);
    assert_eq!(browser.log_in(ALICE, &shown(T + 86_580)).await.path, "/wallet");
}

#[tokio::test]
async fn a_known_browser_goes_on_while_strangers_lock_the_account_and_a_pass_lets_others_in() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let (phone, _) = browser.sign_up(&site, ALICE, T).await;
    browser.log_out().await;
    site.at(T + 60);
    browser.password(ALICE).await;
    let code = phone.shows(T + 60);
    assert_eq!(browser.post("/log-in/code", &[("code", &code), ("remember", "yes")]).await.path, "/wallet");
    assert!(browser.cookies.contains_key("__Host-device"));
    browser.log_out().await;
    site.at(T + 120);
    let mut stranger = site.browser();
    stranger.password(ALICE).await;
    for _ in 0..5 {
        stranger.post("/log-in/code", &[("code", &phone.wrong(T + 120))]).await;
    }
    // Elsewhere the owner is locked out too; not here.
    assert_eq!(site.browser().log_in(ALICE, &phone.shows(T + 120)).await.status, 429);
    assert_eq!(browser.log_in(ALICE, &phone.shows(T + 120)).await.path, "/wallet");

    // At an internet café, with support on the line.
    let mut desk = at_the_desk(&site).await;
    let page =
        desk.post("/support/act", &[("email", ALICE), ("reason", "rang, number known"), ("act", "unlock")]).await;
    assert!(page.shows("rang, number known"), "{}", page.text);
    let pass = site.pass_for(ALICE);
    site.at(T + 130);
    let mut elsewhere = site.browser();
    elsewhere.password(ALICE).await;
    site.at(T + 150);
    let page = elsewhere.post("/log-in/code", &[("code", &phone.shows(T + 150)), ("pass", &pass)]).await;
    assert_eq!(page.path, "/wallet", "{}", page.text);
}

async fn at_the_desk(site: &Site) -> Browser {
    let mut desk = site.browser();
    let page = desk.post("/support/log-in", &[("name", "Sato"), ("password", "guessed")]).await;
    assert_eq!(page.status, 401);
    assert_eq!(desk.get("/support").await.path, "/support/log-in");
    let page = desk.post("/support/log-in", &[("name", "Sato"), ("password", DESK)]).await;
    assert_eq!(page.path, "/support");
    desk
}

#[tokio::test]
async fn after_a_reset_only_the_pass_enrols_and_withdrawals_are_held_for_two_days() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let (old, codes) = browser.sign_up(&site, ALICE, T).await;
    browser.log_out().await;
    site.at(T + 86_400);
    let mut desk = at_the_desk(&site).await;
    let page = desk.get("/support?email=alice%40example.com").await;
    assert!(page.shows("authenticator app") && page.shows("confirmed"), "{}", page.text);
    let page =
        desk.post("/support/act", &[("email", ALICE), ("reason", "all lost, passport seen"), ("act", "reset")]).await;
    assert_eq!(page.status, 200, "{}", page.text);

    let page = browser.password(ALICE).await;
    assert!(page.shows("Type the pass"), "{}", page.text);
    assert_eq!(browser.get("/wallet").await.path, "/log-in/code", "the password alone lets nobody in");
    refused(&browser.post("/two-step/pass", &[("pass", "guessed")]).await);
    // No code is any use now, which is nobody's mistake.
    assert_eq!(browser.post("/log-in/code", &[("code", &old.shows(T + 86_400))]).await.status, 409);
    assert_eq!(browser.post("/log-in/code", &[("recovery", &codes[1])]).await.status, 409);
    let body = format!("{{\"email\":\"{ALICE}\",\"password\":\"{PASSWORD}\",\"code\":\"123456\"}}");
    assert_eq!(site.browser().json("/api/log-in", &body).await.status, 409);
    let phone = browser.post("/two-step/pass", &[("pass", &site.pass_for(ALICE))]).await.phone();
    let page = browser.post("/two-step/confirm", &[("code", &phone.shows(T + 86_400))]).await;
    assert_eq!(page.recovery_codes().len(), 10, "{}", page.text);
    let page = browser.get("/wallet").await;
    assert!(page.shows("id=\"hold\"") && page.shows("48 h 0 min"), "{}", page.text);
    // What there was before is of no use.
    site.at(T + 86_460);
    refused(&site.browser().log_in(ALICE, &old.shows(T + 86_460)).await);
    let mut thief = site.browser();
    thief.password(ALICE).await;
    refused(&thief.post("/log-in/code", &[("recovery", &codes[0])]).await);
}

#[tokio::test]
async fn a_new_phone_takes_the_place_of_the_old_one_and_a_stolen_account_is_frozen() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let (old, _) = browser.sign_up(&site, ALICE, T).await;
    site.at(T + 600);
    let page = browser.post("/security/replace", &[("id", "1"), ("code", &old.shows(T + 600))]).await;
    let new = page.phone();
    assert_eq!(browser.post("/two-step/confirm", &[("code", &new.shows(T + 600))]).await.path, "/security");
    browser.log_out().await;
    site.at(T + 690);
    refused(&browser.log_in(ALICE, &old.shows(T + 690)).await);
    assert_eq!(browser.log_in(ALICE, &new.shows(T + 690)).await.path, "/wallet");

    let mut desk = at_the_desk(&site).await;
    desk.post("/support/act", &[("email", ALICE), ("reason", "phone stolen"), ("act", "freeze")]).await;
    site.at(T + 720);
    refused(&site.browser().log_in(ALICE, &new.shows(T + 720)).await);
    let page = desk.post("/support/act", &[("email", ALICE), ("reason", "found again"), ("act", "thaw")]).await;
    assert!(page.shows("Sato: found again"));
    site.at(T + 780);
    assert_eq!(site.browser().log_in(ALICE, &new.shows(T + 780)).await.path, "/wallet");
}

#[tokio::test]
async fn an_enrolment_that_the_owner_has_begun_is_no_door_for_whoever_has_the_password() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let (phone, _) = browser.sign_up(&site, ALICE, T).await;
    site.at(T + 600);
    let tablet = browser.post("/security/add", &[("code", &phone.shows(T + 600))]).await.phone();
    let mut thief = site.browser();
    thief.password(ALICE).await;
    let page = thief.post("/two-step/confirm", &[("code", &tablet.shows(T + 600))]).await;
    assert_eq!(page.path, "/log-in/code");
    assert_eq!(thief.get("/wallet").await.path, "/log-in/code");
    let page = browser.post("/two-step/confirm", &[("code", &tablet.shows(T + 600))]).await;
    assert_eq!(page.path, "/security");
    assert!(page.text.matches("class=\"authenticator\"").count() == 2, "{}", page.text);
}

#[tokio::test]
async fn a_code_comes_by_message_to_a_number_that_was_confirmed() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let (phone, _) = browser.sign_up(&site, ALICE, T).await;
    site.at(T + 600);
    let fields = [("number", "+81 90-1234-5678"), ("code", &*phone.shows(T + 600))];
    let page = browser.post("/security/add-phone", &fields).await;
    assert!(page.shows("Confirm the number"), "{}", page.text);
    let number = site.outbox.messages()[0].to.clone();
    let sent = |text: String| text.rsplit(' ').next().unwrap().to_owned();
    let page = browser.post("/two-step/confirm", &[("code", &sent(site.mail_to(&number)))]).await;
    assert_eq!(page.path, "/security", "{}", page.text);
    assert!(page.shows("text message"));
    browser.log_out().await;
    site.at(T + 1_200);
    let page = browser.password(ALICE).await;
    let id = page.between("name=\"to\" value=\"", "\"").to_owned();
    assert!(!page.shows("1234-5678") && !page.shows("12345678"), "the number is not shown to whoever has the password");
    let page = browser.post("/log-in/send", &[("to", &id)]).await;
    assert!(page.shows("A code was sent"), "{}", page.text);
    assert_eq!(browser.post("/log-in/send", &[("to", &id)]).await.status, 429);
    let page = browser.post("/log-in/code", &[("code", &sent(site.mail_to(&number)))]).await;
    assert_eq!(page.path, "/wallet", "{}", page.text);
}

#[tokio::test]
async fn two_wrong_codes_of_another_time_zone_are_explained_to_support() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let (phone, _) = browser.sign_up(&site, ALICE, T).await;
    browser.log_out().await;
    for secs in [T + 600, T + 660] {
        site.at(secs);
        refused(&browser.log_in(ALICE, &phone.shows(secs + 9 * 3_600)).await);
    }
    let page = at_the_desk(&site).await.get("/support?email=alice@example.com").await;
    assert!(page.shows("9 h ahead"), "{}", page.text);
}

#[tokio::test]
async fn programs_log_in_by_json() {
    let site = Site::start().await;
    let (phone, codes) = site.browser().sign_up(&site, ALICE, T).await;
    site.at(T + 60);
    let mut program = site.browser();
    let body = |more: &str| format!("{{\"email\":\"{ALICE}\",\"password\":\"{PASSWORD}\"{more}}}");
    let wrong = program.json("/api/log-in", "{\"email\":\"x@y\",\"password\":\"z\"}").await;
    assert_eq!((wrong.status, &*wrong.text), (401, "{\"answer\":\"wrong_password\"}"));
    let wanted = program.json("/api/log-in", &body("")).await;
    assert_eq!((wanted.status, &*wanted.text), (401, "{\"answer\":\"code_wanted\"}"));
    let refused = program.json("/api/log-in", &body(&format!(",\"code\":\"{}\"", phone.wrong(T + 60)))).await;
    let text = "{\"answer\":\"refused\",\"advice\":\"check_the_entry\",\"attempts_left\":4}";
    assert_eq!((refused.status, &*refused.text), (401, text));
    let accepted = program.json("/api/log-in", &body(&format!(",\"code\":\"{}\"", phone.shows(T + 60)))).await;
    assert_eq!((accepted.status, &*accepted.text), (200, "{\"answer\":\"logged_in\"}"));
    assert_eq!(program.get("/wallet").await.path, "/wallet");
    let replayed = program.json("/api/log-in", &body(&format!(",\"code\":\"{}\"", phone.shows(T + 60)))).await;
    assert_eq!(replayed.status, 429);
    assert!(replayed.text.contains("\"advice\":\"wait_for_the_next_code\"") && replayed.text.contains("retry_at"));
    let recovered = program.json("/api/log-in", &body(&format!(",\"recovery\":\"{}\"", codes[0]))).await;
    assert_eq!(recovered.status, 200);
    assert_eq!(program.json("/api/log-in", "no json").await.status, 400);
}

#[tokio::test]
async fn other_sites_cannot_act_for_a_customer_and_pages_keep_to_themselves() {
    let site = Site::start().await;
    let mut browser = site.browser();
    browser.sign_up(&site, ALICE, T).await;
    for headers in
        [[("sec-fetch-site", "cross-site")], [("sec-fetch-site", "same-site")], [("origin", "https://evil.example")]]
    {
        assert_eq!(browser.post_with("/log-out", &[], &headers).await.status, 403, "{headers:?}");
    }
    let page = browser.get("/wallet").await;
    assert_eq!(page.path, "/wallet", "still logged in");
    for name in ["content-security-policy", "x-frame-options", "strict-transport-security", "referrer-policy"] {
        assert!(page.headers.contains_key(name), "{name}");
    }
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(browser.get("/nowhere").await.status, 404);
    // A form with a body beyond all forms.
    let long = "x".repeat(40_000);
    assert_eq!(browser.post("/log-in", &[("email", &long), ("password", "x")]).await.status, 413);
}

#[tokio::test]
async fn pages_are_in_the_browsers_language_until_it_is_switched() {
    let site = Site::start().await;
    let mut browser = site.browser();
    browser.language = "ja,en;q=0.8";
    let page = browser.get("/log-in").await;
    assert!(page.shows("<html lang=\"ja\">") && page.shows("ログイン"));
    let page = browser.post("/language", &[("language", "en")]).await;
    assert!(page.shows("<html lang=\"en\">") && page.shows("Log in"));
    browser.language = "fr";
    browser.cookies.clear();
    assert!(browser.get("/log-in").await.shows("<html lang=\"en\">"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shed_is_told_so_and_is_no_failure() {
    let site = Site::with(exchange::Settings { at_once: 2, ..exchange::Settings::default() }).await;
    let (phone, _) = site.browser().sign_up(&site, ALICE, T).await;
    site.at(T + 60);
    let tasks = (0..60).map(|_| {
        let mut browser = site.browser();
        tokio::spawn(async move { browser.post("/log-in", &[("email", ALICE), ("password", PASSWORD)]).await })
    });
    let (mut served, mut shed) = (0, 0);
    for task in tasks.collect::<Vec<_>>() {
        let page = task.await.unwrap();
        match page.status {
            200 => served += 1,
            503 => {
                assert_eq!(page.headers["retry-after"], "1");
                shed += 1;
            }
            status => panic!("{status}: {}", page.text),
        }
    }
    assert!(served > 0 && shed > 10, "{served} served, {shed} shed");
    let page = at_the_desk(&site).await.get("/support?email=alice@example.com").await;
    assert!(page.shows("<dd id=\"failures\">0</dd>"));
    assert_eq!(site.browser().log_in(ALICE, &phone.shows(T + 60)).await.path, "/wallet");
}
