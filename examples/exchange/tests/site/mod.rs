//! The exchange as a test sees it: a server on a port, a clock that the test sets, browsers that
//! keep cookies, and phones.
#![allow(dead_code)] // no test uses all of it

use exchange::outbox::Outbox;
use exchange::stores::Stores;
use exchange::{App, Settings, payouts};
use metrics_exporter_prometheus::PrometheusBuilder;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use sekisho::otp::{Key, Secret, Totp, UnixTime};
use sekisho::seal::{KeyId, Keyring, SealingKey};
use sekisho::store::{BoxStore, MemoryStore};
use sekisho::test_kit::{FailingStore, TestClock};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// A moment in 2027, at the beginning of a step of thirty seconds.
pub(crate) const T: u64 = 1_800_000_000;
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const DESK: &str = "the desk's password";
pub(crate) const ALICE: &str = "alice@example.com";

pub(crate) fn refused(page: &Page) {
    assert!(page.shows("role=\"alert\""), "{}", page.text);
}

pub(crate) async fn withdraw(browser: &mut Browser, code: &str) -> Page {
    let review = browser.post("/wallet/review", &[("amount", "250,000"), ("to", "0001-1234567")]).await;
    let id = review.between("name=\"id\" value=\"", "\"").to_owned();
    let fields = [("id", &*id), ("amount", "250,000"), ("to", "0001-1234567"), ("code", code)];
    browser.post("/wallet/withdraw", &fields).await
}

pub(crate) async fn at_the_desk(site: &Site) -> Browser {
    let mut desk = site.browser();
    let page = desk.post("/support/log-in", &[("name", "Sato"), ("password", "guessed")]).await;
    assert_eq!(page.status, 401);
    assert_eq!(desk.get("/support").await.path, "/support/log-in");
    let page = desk.post("/support/log-in", &[("name", "Sato"), ("password", DESK)]).await;
    assert_eq!(page.path, "/support");
    desk
}

pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) clock: TestClock,
    pub(crate) outbox: Outbox,
    pub(crate) app: App,
    /// The store of the second factors.
    pub(crate) accounts: FailingStore<MemoryStore>,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    /// With a customer who has just enrolled: the browser, logged in, the phone, and the sheet.
    pub(crate) async fn with_alice() -> (Self, Browser, Phone, Vec<String>) {
        let site = Self::start().await;
        let mut browser = site.browser();
        let (phone, codes) = browser.sign_up(&site, ALICE, T).await;
        (site, browser, phone, codes)
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let settings =
            Settings { support_password: Some(DESK.into()), burst: 1_000_000, shows_inside: true, ..settings };
        Self::exactly(settings).await
    }

    pub(crate) async fn exactly(settings: Settings) -> Self {
        let clock = TestClock::at(UnixTime::from_secs(T));
        let accounts = FailingStore::new(MemoryStore::new());
        let stores = Stores::in_memory(BoxStore::new(accounts.clone()));
        let keyring =
            Keyring::new(KeyId::new(1), SealingKey::from_bytes(*b"the keys of a site in tests only").unwrap());
        let app = App::with_clock(stores, keyring, settings, clock.clone()).unwrap();
        let outbox = app.outbox.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let own = app.clone();
        let service = app
            .router(Some(PrometheusBuilder::new().build_recorder().handle()))
            .unwrap()
            .into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { address, clock, outbox, app: own, accounts }
    }

    /// Pays the withdrawals that are due.
    pub(crate) async fn pay(&self) {
        payouts::pay_due(&self.app).await.unwrap();
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::at(&format!("http://{}", self.address))
    }

    pub(crate) fn at(&self, secs: u64) {
        self.clock.set(UnixTime::from_secs(secs));
    }

    /// The messages to that address, latest first.
    pub(crate) fn mails_to(&self, to: &str) -> Vec<String> {
        self.outbox.messages().into_iter().filter(|message| message.to == to).map(|message| message.text).collect()
    }

    /// The pass in the last mail.
    pub(crate) fn pass_for(&self, to: &str) -> String {
        let mails = self.mails_to(to);
        let mut passes = mails.iter().filter(|text| text.starts_with("A link from support"));
        passes.next().expect("a pass").rsplit_once("token=").expect("a link").1.to_owned()
    }

    /// The code in the last message to that number.
    pub(crate) fn code_for(&self, number: &str) -> String {
        self.mails_to(number)[0].rsplit_once('#').expect("a line to fill in from").1.to_owned()
    }
}

pub(crate) struct Browser {
    client: reqwest::Client,
    base: String,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) language: &'static str,
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    /// Gives what is between two texts.
    pub(crate) fn between(&self, start: &str, end: &str) -> &str {
        let from = self.text.split_once(start).unwrap_or_else(|| panic!("{start} is not in {}", self.text)).1;
        from.split_once(end).unwrap().0
    }

    /// The phone that has scanned the QR code of the page, or been given its key.
    pub(crate) fn phone(&self) -> Phone {
        let key = self.between("<code id=\"key\">", "</code>").replace(' ', "");
        Phone(Totp::DEFAULT.key(&Secret::from_base32(&key).unwrap()))
    }

    pub(crate) fn recovery_codes(&self) -> Vec<String> {
        let list = self.between("id=\"recovery-codes\">", "</ol>");
        list.split("<code>").skip(1).map(|rest| rest.split_once("</code>").unwrap().0.to_owned()).collect()
    }
}

pub(crate) struct Phone(Key);

impl Phone {
    pub(crate) fn shows(&self, secs: u64) -> String {
        let step = self.0.totp().step_at(UnixTime::from_secs(secs)).unwrap();
        self.0.code_at(step).reveal().to_string()
    }

    /// A code that it does not show around then: another one for another `which`.
    pub(crate) fn wrong(&self, secs: u64, which: usize) -> String {
        let shown: Vec<_> = (0..60).map(|step| self.shows(secs - 900 + step * 30)).collect();
        (0..1_000).map(|number| format!("{number:06}")).filter(|code| !shown.contains(code)).nth(which).unwrap()
    }
}

impl Browser {
    pub(crate) fn at(base: &str) -> Self {
        let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        Self { client, base: base.into(), cookies: BTreeMap::new(), language: "en" }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.request("GET", path, None, &[]).await
    }

    pub(crate) async fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Page {
        self.request("GET", path, None, headers).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_with(path, fields, &[("sec-fetch-site", "same-origin")]).await
    }

    pub(crate) async fn post_with(&mut self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let body = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        let form = ("application/x-www-form-urlencoded", body.collect::<Vec<_>>().join("&"));
        self.request("POST", path, Some(form), headers).await
    }

    pub(crate) async fn json(&mut self, path: &str, body: &str) -> Page {
        self.request("POST", path, Some(("application/json", body.to_owned())), &[]).await
    }

    /// As browsers do: with cookies, and to where it is redirected.
    async fn request(
        &mut self,
        method: &str,
        path: &str,
        mut body: Option<(&str, String)>,
        headers: &[(&str, &str)],
    ) -> Page {
        let (mut method, mut path) = (method, path.to_owned());
        for _ in 0..6 {
            let mut request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.base));
            let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, cookies.join("; ")).header("accept-language", self.language);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            if let Some((kind, body)) = body.take() {
                request = request.header("content-type", kind).body(body);
            }
            let answer = request.send().await.unwrap();
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let cookie = cookie.to_str().unwrap();
                let is_ended = cookie.contains("Max-Age=0");
                assert!(is_ended || (cookie.contains("Secure") && cookie.contains("Path=/")), "{cookie}");
                let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
                if is_ended {
                    self.cookies.remove(name);
                } else {
                    self.cookies.insert(name.into(), value.into());
                }
            }
            if answer.status().is_redirection() {
                path = answer.headers()[LOCATION].to_str().unwrap().split('#').next().unwrap().to_owned();
                method = "GET";
                continue;
            }
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            return Page { path, status, headers, text: answer.text().await.unwrap() };
        }
        panic!("it is redirected on and on");
    }

    /// A new customer, with a phone that has confirmed at the beginning of the step `secs`, and a
    /// sheet of recovery codes.
    pub(crate) async fn sign_up(&mut self, site: &Site, email: &str, secs: u64) -> (Phone, Vec<String>) {
        site.at(secs);
        let page = self.post("/sign-up", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!((page.status, &*page.path), (200, "/two-step"));
        let phone = self.post("/two-step", &[]).await.phone();
        let page = self.post("/two-step/confirm", &[("code", &phone.shows(secs))]).await;
        assert_eq!((page.status, &*page.path), (200, "/security/sheet"), "{}", page.text);
        assert_eq!(self.post("/security/sheet", &[]).await.path, "/wallet");
        (phone, page.recovery_codes())
    }

    pub(crate) async fn log_out(&mut self) {
        assert_eq!(self.post("/log-out", &[]).await.path, "/log-in");
    }

    /// At the desk, on the customer's account.
    pub(crate) async fn act(&mut self, act: &str, reason: &str) -> Page {
        let fields = [("email", ALICE), ("reason", reason), ("act", act), ("confirmed", "yes")];
        self.post("/support/act", &fields).await
    }

    /// The first step.
    pub(crate) async fn password(&mut self, email: &str) -> Page {
        self.post("/log-in", &[("email", email), ("password", PASSWORD)]).await
    }

    /// The security settings, opened by a code.
    pub(crate) async fn settings(&mut self, code: &str) -> Page {
        let page = self.post("/security/open", &[("code", code)]).await;
        assert_eq!((page.status, &*page.path), (200, "/security"), "{}", page.text);
        page
    }

    /// Both steps.
    pub(crate) async fn log_in(&mut self, email: &str, code: &str) -> Page {
        assert_eq!(self.password(email).await.path, "/log-in/code");
        self.post("/log-in/code", &[("code", code)]).await
    }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
