//! The exchange for programs: a customer's way over JSON, and the document of it checked against
//! the running server by schemathesis.

mod site;

use sekisho::otp::{Key, Secret, Totp, UnixTime};
use serde_json::{Value, json};
use site::{ALICE, Browser, PASSWORD, Page, Site, T};
use std::process::Command;
use std::time::Duration;

/// schemathesis takes less, on a machine of any speed: it takes a few seconds on ours.
const LONGEST: Duration = Duration::from_secs(180);

fn body(page: &Page) -> Value {
    serde_json::from_str(&page.text).unwrap_or_else(|error| panic!("{error}: {}", page.text))
}

async fn post(browser: &mut Browser, path: &str, body: &Value) -> Page {
    browser.json(path, &body.to_string()).await
}

/// A program's customer, enrolled at `T`: what the app shows at a time.
async fn enrolled(browser: &mut Browser) -> impl Fn(u64) -> String + use<> {
    let page = post(browser, "/api/sign-up", &json!({ "email": ALICE, "password": PASSWORD })).await;
    assert_eq!((page.status, body(&page)), (201, json!({ "answer": "signed_up" })));
    let page = post(browser, "/api/enrollments", &json!({})).await;
    assert_eq!(page.status, 201, "{}", page.text);
    let begun = body(&page);
    let key: Key = Totp::DEFAULT.key(&Secret::from_base32(begun["key"].as_str().unwrap()).unwrap());
    let uri = begun["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/") && begun["until"].as_u64() == Some(T + 600), "{begun}");
    let shows =
        move |secs: u64| key.code_at(Totp::DEFAULT.step_at(UnixTime::from_secs(secs)).unwrap()).reveal().to_string();
    let page = post(browser, "/api/enrollments/confirm", &json!({ "code": shows(T) })).await;
    assert_eq!(body(&page)["recovery_codes"].as_array().unwrap().len(), 10, "{}", page.text);
    let page = post(browser, "/api/recovery-codes/keep", &json!({})).await;
    assert_eq!((page.status, body(&page)), (200, json!({ "answer": "done" })));
    shows
}

#[tokio::test]
async fn a_program_signs_up_enrolls_logs_in_changes_and_withdraws() {
    let site = Site::start().await;
    let mut app = site.browser();
    assert_eq!(body(&app.get("/api/account").await), json!({ "answer": "log_in_first" }));
    let phone = enrolled(&mut app).await;
    assert_eq!(app.post("/api/log-out", &[]).await.status, 204);
    assert_eq!(app.get("/api/account").await.status, 401);

    let now = T + 3 * 86_400;
    site.at(now);
    let with = |code: String| json!({ "email": ALICE, "password": PASSWORD, "code": code });
    assert_eq!(post(&mut app, "/api/log-in", &with(phone(now))).await.status, 200);
    let page = app.get("/api/account").await;
    let account = body(&page);
    assert_eq!((&account["email"], &account["balance"]), (&json!(ALICE), &json!(1_000_000)));
    assert_eq!(account["security"]["recovery_codes_left"], json!(10), "{account}");

    // A change takes a code of its own, and a withdrawal another, once.
    let name = json!({ "id": 1, "name": "Pixel 9" });
    assert_eq!(post(&mut app, "/api/authenticators/name", &name).await.status, 400, "not by a session alone");
    site.at(now + 30);
    let name = json!({ "id": 1, "name": "Pixel 9", "code": phone(now + 30) });
    assert_eq!(post(&mut app, "/api/authenticators/name", &name).await.status, 200);
    assert_eq!(body(&app.get("/api/account").await)["security"]["authenticators"][0]["name"], json!("Pixel 9"));
    site.at(now + 60);
    let asked = json!({ "amount": 250_000, "to": "0001-1234567", "id": "one", "code": phone(now + 60) });
    for _ in 0..2 {
        let page = post(&mut app, "/api/withdrawals", &asked).await;
        assert_eq!((page.status, body(&page)), (201, json!({ "balance": 750_000 })), "made once");
    }
    // The answer was lost, and the program comes again: later, in another session, with another code.
    site.at(now + 150);
    let mut again = site.browser();
    assert_eq!(post(&mut again, "/api/log-in", &with(phone(now + 150))).await.status, 200);
    site.at(now + 180);
    let anew = json!({ "amount": 250_000, "to": "0001-1234567", "id": "one", "code": phone(now + 180) });
    // Also with the code of before, which is used.
    for asked in [&asked, &anew] {
        let page = post(&mut again, "/api/withdrawals", asked).await;
        assert_eq!((page.status, body(&page)), (201, json!({ "balance": 750_000 })), "made once");
    }
    let elsewhere = json!({ "amount": 250_000, "to": "0009-7654321", "id": "one", "code": phone(now + 60) });
    let page = post(&mut app, "/api/withdrawals", &elsewhere).await;
    assert_eq!((page.status, &body(&page)["reason"]), (403, &json!("replayed")));
    let nothing = json!({ "amount": 0, "to": "0001-1234567", "id": "two", "code": "123456" });
    assert_eq!(body(&post(&mut app, "/api/withdrawals", &nothing).await), json!({ "answer": "amount_or_destination" }));

    // The owner freezes: no session is left, and nobody logs in.
    assert_eq!(post(&mut app, "/api/freeze", &json!({})).await.status, 200);
    assert_eq!(app.get("/api/account").await.status, 401);
    site.at(now + 210);
    let page = post(&mut app, "/api/log-in", &with(phone(now + 210))).await;
    assert_eq!((page.status, &body(&page)["reason"]), (403, &json!("frozen")));
    assert!(site.mails_to(ALICE)[0].starts_with("The account was frozen at its owner's word."));
}

#[tokio::test]
async fn a_session_of_before_the_second_factor_changes_nothing() {
    let site = Site::start().await;
    let mut thief = site.browser();
    let mut app = site.browser();
    let page = post(&mut app, "/api/sign-up", &json!({ "email": ALICE, "password": PASSWORD })).await;
    assert_eq!(page.status, 201);
    let log_in = json!({ "email": ALICE, "password": PASSWORD });
    assert_eq!(post(&mut thief, "/api/log-in", &log_in).await.status, 200);
    drop(post(&mut app, "/api/log-out", &json!({})).await);
    assert_eq!(body(&post(&mut app, "/api/sign-up", &log_in).await), json!({ "answer": "address_taken" }));
    drop(post(&mut app, "/api/log-in", &log_in).await);
    let begun = body(&post(&mut app, "/api/enrollments", &json!({})).await);
    let key = Totp::DEFAULT.key(&Secret::from_base32(begun["key"].as_str().unwrap()).unwrap());
    let code = key.code_at(Totp::DEFAULT.step_at(UnixTime::from_secs(T)).unwrap()).reveal().to_string();
    assert_eq!(post(&mut app, "/api/enrollments/confirm", &json!({ "code": code })).await.status, 200);
    assert_eq!(thief.get("/api/account").await.status, 401);
    assert_eq!(post(&mut thief, "/api/freeze", &json!({})).await.status, 401);
}

/// schemathesis makes requests from the document, right ones and wrong ones, and compares every
/// answer with it: status, type, body.
#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_says_what_the_server_does() {
    let site = Site::start().await;
    let mut app = site.browser();
    drop(enrolled(&mut app).await);
    let base = format!("http://{}", site.address);
    let session = format!("Cookie: __Host-session={}", app.cookies["__Host-session"]);
    // Operations that end the session are tried without one.
    for (header, selected) in [
        (session.as_str(), ["--exclude-path", "/api/freeze", "--exclude-path", "/api/log-out"]),
        ("Accept-Language: en", ["--include-path", "/api/freeze", "--include-path", "/api/log-out"]),
    ] {
        let mut command = Command::new("schemathesis");
        // It keeps a folder of its own where it is.
        command.current_dir(env!("CARGO_TARGET_TMPDIR"));
        command.args(["run", &format!("{base}/api/openapi.json"), "--url", &base, "--header", header]);
        command.args(selected).args(["--seed", "20261126", "--max-examples", "25", "--no-color", "--checks"]);
        command.arg("not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance");
        let mut command = tokio::process::Command::from(command);
        let output = tokio::time::timeout(LONGEST, command.kill_on_drop(true).output()).await.expect("an end");
        let output = output.unwrap_or_else(|error| panic!("schemathesis: {error}; `bash tests/run.sh` installs it"));
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains(" passed") && !said.contains("Rate limited"), "{said}");
    }
}
