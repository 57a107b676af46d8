//! The site's answers, whoever comes: the door, what others must not do, languages, JSON, overload.

mod site;

use exchange::outbox::{Message, Outbox};
use sekisho::test_kit::Fault;
use site::{ALICE, Browser, DESK, PASSWORD, Site, T, at_the_desk, refused};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

#[tokio::test]
async fn a_customer_signs_up_enrolls_and_logs_in_and_a_code_is_good_once() {
    let (site, mut browser, phone, codes) = Site::with_alice().await;
    assert_eq!(codes.len(), 10);
    browser.log_out().await;
    assert_eq!(browser.get("/wallet").await.path, "/log-in");
    site.at(T + 60);
    let page = browser.log_in(ALICE, &phone.shows(T + 60)).await;
    assert_eq!((page.status, &*page.path), (200, "/wallet"));
    assert!(page.shows("<span id=\"balance\">1,000,000</span>"));

    // Somebody has looked over the shoulder.
    let mut thief = site.browser();
    let page = thief.log_in(ALICE, &phone.shows(T + 60)).await;
    assert_eq!(page.status, 403);
    assert!(page.shows("cannot be used again") && page.headers.contains_key("retry-after"));
    assert_eq!(thief.get("/wallet").await.path, "/log-in/code");
    // Nor the code that has confirmed.
    site.at(T + 90);
    refused(&thief.log_in(ALICE, &phone.shows(T)).await);
    // The half-open door shuts by itself.
    site.at(T + 90 + 599);
    assert_eq!(thief.get("/log-in/code").await.path, "/log-in/code");
    site.at(T + 90 + 600);
    for path in ["/log-in/code", "/resync"] {
        assert_eq!(thief.get(path).await.path, "/log-in");
    }
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
async fn an_enrollment_that_the_owner_has_begun_is_no_door_for_whoever_has_the_password() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    site.at(T + 600);
    let tablet = browser.post("/security/add", &[("code", &phone.shows(T + 600))]).await.phone();
    let mut thief = site.browser();
    thief.password(ALICE).await;
    let page = thief.post("/two-step/confirm", &[("code", &tablet.shows(T + 600))]).await;
    assert_eq!(page.path, "/log-in/code");
    assert_eq!(thief.get("/wallet").await.path, "/log-in/code");
    let page = browser.post("/two-step/confirm", &[("code", &tablet.shows(T + 600))]).await;
    assert_eq!(page.path, "/security");
    assert!(page.text.matches("class=\"authenticator card\"").count() == 2, "{}", page.text);
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
    let refused = program.json("/api/log-in", &body(&format!(",\"code\":\"{}\"", phone.wrong(T + 60, 0)))).await;
    let problem = |page: &site::Page| {
        assert_eq!(page.headers["content-type"], "application/problem+json");
        let problem: serde_json::Value = serde_json::from_str(&page.text).unwrap();
        assert_eq!((problem["status"].as_u64(), problem.as_object().unwrap().len()), (Some(page.status.into()), 8));
        problem
    };
    let told = problem(&refused);
    assert_eq!(
        (refused.status, &told["reason"], &told["advice"]),
        (403, &"mismatch".into(), &"check_the_entry".into())
    );
    assert_eq!((&told["attempts_left"], &told["retry_in"]), (&4.into(), &serde_json::Value::Null));
    let accepted = program.json("/api/log-in", &body(&format!(",\"code\":\"{}\"", phone.shows(T + 60)))).await;
    assert_eq!((accepted.status, &*accepted.text), (200, "{\"answer\":\"logged_in\"}"));
    assert_eq!(program.get("/wallet").await.path, "/wallet");
    let replayed = program.json("/api/log-in", &body(&format!(",\"code\":\"{}\"", phone.shows(T + 60)))).await;
    let told = problem(&replayed);
    assert_eq!((replayed.status, &told["reason"], &told["retry_in"]), (403, &"replayed".into(), &30.into()));
    assert_eq!(replayed.headers["retry-after"], "30");
    let recovered = program.json("/api/log-in", &body(&format!(",\"recovery\":\"{}\"", codes[0]))).await;
    assert_eq!(recovered.status, 200);
    for body in ["no json", "{\"email\":\"the secret of alice\"}", "{\"email\":1,\"password\":\"the secret of alice\"}"]
    {
        let unreadable = program.json("/api/log-in", body).await;
        assert_eq!((unreadable.status, &problem(&unreadable)["reason"]), (400, &"unreadable".into()));
        assert!(!unreadable.text.contains("secret") && !unreadable.text.contains("email"), "{}", unreadable.text);
    }
    let nothing = program.json("/api/log-in", &body(",\"code\":\"ninety-nine red\"")).await;
    assert_eq!((nothing.status, &problem(&nothing)["reason"]), (422, &"malformed".into()));
    assert!(!nothing.text.contains("ninety"), "{}", nothing.text);
}

#[tokio::test]
async fn other_sites_cannot_act_for_a_customer_and_pages_keep_to_themselves() {
    let (_, mut browser, _, _) = Site::with_alice().await;
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

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_slowly_takes_nobodys_place() {
    let site = Site::with(exchange::Settings { at_once: 2, ..exchange::Settings::default() }).await;
    let head = "POST /log-in HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n";
    let mut slow: Vec<_> = (0..8).map(|_| TcpStream::connect(site.address).unwrap()).collect();
    for connection in &mut slow {
        connection.write_all(head.as_bytes()).unwrap();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..4 {
        assert_eq!(site.browser().get("/log-in").await.status, 200);
    }
    // Nor for long.
    let mut answer = String::new();
    slow[0].set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    BufReader::new(&mut slow[0]).read_line(&mut answer).unwrap();
    assert!(answer.contains("408"), "{answer}");
}

#[tokio::test]
async fn an_address_has_so_many_requests_and_a_network_of_ipv6_is_one_address() {
    let settings = exchange::Settings { is_behind_proxy: true, ..exchange::Settings::default() };
    let site = Site::exactly(exchange::Settings { burst: 3, refill: Duration::from_secs(3_600), ..settings }).await;
    let mut browser = site.browser();
    for (forwarded, status) in [
        ("198.51.100.7", [200, 200, 200, 429]),
        ("6.6.6.6, 198.51.100.8", [200, 200, 200, 429]),
        ("7.7.7.7, 198.51.100.8", [429; 4]),
        ("2001:db8:1:1::1", [200, 200, 200, 429]),
        ("2001:db8:1:1:ffff::2", [429; 4]),
        ("2001:db8:1:2::1", [200, 200, 200, 429]),
        ("::ffff:198.51.100.7", [429; 4]),
        ("198.51.100.7:4711", [429; 4]),
        ("unknown", [500; 4]),
    ] {
        assert_eq!(browser.get("/health").await.status, 200, "whoever asks");
        for status in status {
            // What the sender has put there itself does not count.
            let forged = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", forwarded)];
            assert!(status != 429 || browser.get_with("/log-in", &forged).await.status == 429);
            let page = browser.get_with("/log-in", &[("x-forwarded-for", forwarded)]).await;
            assert_eq!(page.status, status, "{forwarded}");
            assert!(status != 429 || page.headers.contains_key("retry-after"));
        }
    }
}

#[tokio::test]
async fn what_is_for_those_who_run_it_is_not_shown_to_all() {
    let site = Site::exactly(exchange::Settings::default()).await;
    assert_eq!(site.browser().get("/outbox").await.status, 404);
    assert_eq!(site.browser().get("/metrics").await.status, 404);
    // Nor through a proxy that nobody has told us of, nor under a name that leads here.
    let open = Site::start().await;
    for path in ["/outbox", "/metrics"] {
        assert_eq!(open.browser().get(path).await.status, 200);
        for headers in [("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=_x"), ("host", "evil.example")] {
            assert_eq!(open.browser().get_with(path, &[headers]).await.status, 404, "{headers:?}");
        }
    }
    // Without a password nobody comes to the desk.
    let page = site.browser().post("/support/log-in", &[("name", "Sato"), ("password", "")]).await;
    assert_eq!(page.status, 401);
    let site = Site::start().await;
    site.browser().sign_up(&site, ALICE, T).await;
    assert!(site.browser().get("/outbox").await.shows("Recovery codes were issued"));
}

#[tokio::test]
async fn an_answer_that_is_reloaded_leads_to_its_form() {
    let (_, mut browser, _, _) = Site::with_alice().await;
    for (typed, shown) in [
        ("/wallet/withdraw", "/wallet/withdraw"),
        ("/wallet/review", "/wallet"),
        ("/security/add", "/security/add"),
        ("/security/open", "/security"),
        ("/two-step/confirm", "/security"),
        ("/log-in/send", "/wallet"),
        ("/support/act", "/support/log-in"),
    ] {
        assert_eq!(browser.get(typed).await.path, shown, "{typed}");
    }
    // The language is switched where one is.
    let headers = [("sec-fetch-site", "same-origin"), ("referer", "https://exchange.example/security?a=b")];
    assert_eq!(browser.post_with("/language", &[("language", "ja")], &headers).await.path, "/security?a=b");
    let headers = [("sec-fetch-site", "same-origin"), ("referer", "https://exchange.example//evil.example")];
    assert_eq!(browser.post_with("/language", &[("language", "ja")], &headers).await.path, "/wallet");
}

#[test]
fn an_event_that_is_told_twice_is_mailed_once() {
    let outbox = Outbox::default();
    let message = |to: &str, event| Message { to: to.into(), text: String::new(), at: T, event };
    for (to, event, kept) in [("a", Some(1), 1), ("a", Some(1), 1), ("b", Some(1), 2), ("a", Some(2), 3)] {
        outbox.send(message(to, event));
        assert_eq!(outbox.messages().len(), kept);
    }
    // Codes are no events.
    outbox.send(message("a", None));
    outbox.send(message("a", None));
    assert_eq!(outbox.messages().len(), 5);
}

#[tokio::test]
async fn a_session_that_others_may_know_is_worth_nothing_after_the_log_in() {
    let site = Site::start().await;
    let session = |browser: &Browser| browser.cookies.get("__Host-session").cloned();
    let mut browser = site.browser();
    // Planted by somebody else, and known to the server or not.
    let mut seen = vec![Some("AAAAAAAAAAAAAAAAAAAAAA".to_owned())];
    browser.cookies.insert("__Host-session".into(), seen[0].clone().unwrap());
    let (phone, _) = browser.sign_up(&site, ALICE, T).await;
    let mut changed = |browser: &Browser| {
        let now = session(browser);
        assert!(now.is_some() && !seen.contains(&now), "{now:?} was known before");
        seen.push(now);
    };
    changed(&browser);
    site.at(T + 60);
    browser.password(ALICE).await;
    changed(&browser);
    browser.post("/log-in/code", &[("code", &phone.shows(T + 60))]).await;
    changed(&browser);
    browser.post("/support/log-in", &[("name", "Sato"), ("password", DESK)]).await;
    changed(&browser);
    // What was before leads nowhere.
    for old in seen.iter().rev().skip(1).flatten() {
        let mut thief = site.browser();
        thief.cookies.insert("__Host-session".into(), old.clone());
        assert_eq!(thief.get("/wallet").await.path, "/log-in");
        assert_eq!(thief.get("/support").await.path, "/support/log-in");
    }
}

#[tokio::test]
async fn a_session_by_password_alone_ends_when_a_second_factor_is_there() {
    let site = Site::start().await;
    let mut browser = site.browser();
    browser.post("/sign-up", &[("email", ALICE), ("password", PASSWORD)]).await;
    let phone = browser.post("/two-step", &[]).await.phone();
    // Before it is confirmed a password is enough, for anybody.
    let mut thief = site.browser();
    assert_eq!(thief.password(ALICE).await.path, "/two-step");
    assert_eq!(thief.get("/wallet").await.path, "/wallet");
    assert_eq!(browser.post("/two-step/confirm", &[("code", &phone.shows(T))]).await.recovery_codes().len(), 10);
    assert_eq!(thief.get("/wallet").await.path, "/log-in");
    assert_eq!(browser.get("/wallet").await.path, "/wallet");
}

#[tokio::test]
async fn it_is_healthy_while_log_ins_work_and_not_otherwise() {
    let site = Site::start().await;
    assert_eq!(site.browser().get("/health").await.status, 200);
    site.accounts.fail_all(Fault::NotDone);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let page = site.browser().get("/health").await;
    assert_eq!((page.status, &*page.text), (503, "not ready: see the log\n"));
    site.accounts.recover();
    assert_eq!(site.browser().get("/health").await.status, 503, "asked at most once a second");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(site.browser().get("/health").await.status, 200);
}
