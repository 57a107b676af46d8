//! A headless Chromium, as a customer uses it: it types, clicks, and looks.

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Debian's chromedriver, ended with the test.
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("chromedriver");
        // With the browsers that it starts, a group of their own.
        command.arg(format!("--port={port}")).process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        let child =
            command.spawn().unwrap_or_else(|error| panic!("chromedriver: {error}; `bash tests/run.sh` installs it"));
        Self { child, port }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).status();
        let _ = self.child.wait();
    }
}

pub(crate) struct Window {
    client: Client,
    base: String,
    language: &'static str,
    pictures: usize,
    _driver: Driver,
}

impl Window {
    /// A new browser of somebody who prefers `language`.
    pub(crate) async fn open(site: SocketAddr, language: &'static str) -> Self {
        let driver = Driver::start();
        // One of the two prefers dark pages.
        let scheme = format!("--blink-settings=preferredColorScheme={}", u8::from(language != "ja"));
        let options = json!({
            "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=500,900",
                format!("--accept-lang={language}"), format!("--lang={language}"), scheme],
        });
        let capabilities = Capabilities::from_iter([("goog:chromeOptions".to_owned(), options)]);
        let address = format!("http://127.0.0.1:{}", driver.port);
        let begun = Instant::now();
        let client = loop {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            match builder.capabilities(capabilities.clone()).connect(&address).await {
                Ok(client) => break client,
                Err(error) if begun.elapsed() > Duration::from_secs(60) => panic!("no browser: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        let base = format!("http://localhost:{}", site.port());
        Self { client, base, language, pictures: 0, _driver: driver }
    }

    pub(crate) async fn close(self) {
        self.client.close().await.unwrap();
    }

    pub(crate) async fn go(&mut self, path: &str, picture: &str) {
        self.client.goto(&format!("{}{path}", self.base)).await.unwrap();
        self.look(picture).await;
    }

    pub(crate) async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// Fills in fields, and clicks the button of the form they are in, which is shown if it is
    /// folded.
    pub(crate) async fn submit(&mut self, form: &str, fields: &[(&str, &str)], picture: &str) {
        let unfold = "const form = document.querySelector(arguments[0]); \
            for (let up = form; up; up = up.parentElement) if (up.tagName === 'DETAILS' && !up.open) up.querySelector('summary').click(); \
            for (const name of arguments[1]) { const own = form.querySelector(`[name=${name}]`).closest('details'); if (own && !own.open) own.querySelector('summary').click(); }";
        let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        self.client.execute(unfold, vec![json!(form), json!(names)]).await.unwrap();
        for (name, value) in fields {
            let field = self.client.find(Locator::Css(&format!("{form} [name={name}]"))).await.unwrap();
            match field.tag_name().await.unwrap().as_str() {
                "select" => field.select_by_value(value).await.unwrap(),
                _ if field.attr("type").await.unwrap().as_deref() == Some("checkbox") => field.click().await.unwrap(),
                _ => {
                    field.clear().await.unwrap();
                    field.send_keys(value).await.unwrap();
                }
            }
        }
        self.click(&format!("{form} button[type=submit]"), picture).await;
    }

    /// Clicks what leads to another page.
    pub(crate) async fn click(&mut self, what: &str, picture: &str) {
        let found = self.client.find(Locator::Css(what)).await;
        let found = found.unwrap_or_else(|error| panic!("{what}: {error}"));
        self.client.execute("document.body.dataset.before = 'yes'", vec![]).await.unwrap();
        found.click().await.unwrap();
        let begun = Instant::now();
        let arrived = "return document.readyState === 'complete' && !document.body.dataset.before";
        while self.client.execute(arrived, vec![]).await.ok() != Some(Value::Bool(true)) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{what} leads nowhere");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.look(picture).await;
    }

    pub(crate) async fn text(&self, what: &str) -> String {
        let found = self.client.find(Locator::Css(what)).await;
        found.unwrap_or_else(|error| panic!("{what}: {error}")).text().await.unwrap()
    }

    pub(crate) async fn texts(&self, what: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for found in self.client.find_all(Locator::Css(what)).await.unwrap() {
            texts.push(found.text().await.unwrap());
        }
        texts
    }

    /// What the QR code on the screen says.
    pub(crate) async fn qr(&self) -> String {
        let shown = self.client.find(Locator::Css("#qr")).await.unwrap().screenshot().await.unwrap();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(shown));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let (width, samples) = (info.width as usize, info.color_type.samples());
        // Black and white: one color is enough.
        let grey = |x: usize, y: usize| pixels[(y * width + x) * samples];
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, info.height as usize, grey);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1, "one QR code is on the screen");
        grids[0].decode().unwrap().1
    }

    /// Looks at the page: a picture of it goes to the folder of pictures, and what every page has
    /// to be is checked.
    async fn look(&mut self, picture: &str) {
        self.pictures += 1;
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pictures");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{}-{:02}-{picture}.png", self.language, self.pictures));
        std::fs::write(file, self.client.screenshot().await.unwrap()).unwrap();
        let amiss = self.client.execute(include_str!("amiss.js"), vec![]).await.unwrap();
        assert_eq!(amiss, json!([]), "{picture} in {}", self.language);
    }
}
