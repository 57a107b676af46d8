//! A headless Chromium, as a customer uses it: it types, clicks, and looks.
#![allow(dead_code)] // no test uses all of it

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A page leads to another one within this time.
const LONGEST: Duration = Duration::from_secs(20);

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

/// The device that a customer looks at the pages with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Device {
    pub(crate) language: &'static str,
    pub(crate) is_phone: bool,
    pub(crate) is_dark: bool,
    pub(crate) has_scripts: bool,
}

impl Device {
    pub(crate) fn desktop(language: &'static str) -> Self {
        Self { language, is_phone: false, is_dark: false, has_scripts: true }
    }

    pub(crate) fn phone(language: &'static str) -> Self {
        Self { is_phone: true, is_dark: true, ..Self::desktop(language) }
    }

    pub(crate) fn without_scripts(self) -> Self {
        Self { has_scripts: false, ..self }
    }

    pub(crate) fn name(self) -> String {
        let shape = if self.is_phone { "phone" } else { "desktop" };
        let scripts = if self.has_scripts { "" } else { "-no-scripts" };
        format!("{}-{shape}{scripts}", self.language)
    }

    fn options(self) -> Value {
        let mut options = json!({
            "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1280,900",
                format!("--accept-lang={}", self.language), format!("--lang={}", self.language),
                format!("--blink-settings=preferredColorScheme={}", u8::from(!self.is_dark))],
        });
        if self.is_phone {
            // Without scripts the driver does not find out where to tap: it clicks then.
            let taps = self.has_scripts;
            let metrics = json!({ "width": 390, "height": 844, "pixelRatio": 1.0, "touch": taps, "mobile": taps });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        if !self.has_scripts {
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        options
    }
}

pub(crate) struct Window {
    client: Client,
    base: String,
    device: Device,
    pictures: usize,
    /// Clicks, and texts typed.
    pub(crate) actions: usize,
    axe: String,
    _driver: Driver,
}

impl Window {
    /// A new browser on that device.
    pub(crate) async fn open(site: SocketAddr, device: Device) -> Self {
        let driver = Driver::start();
        // We wait for pages ourselves: the driver's own wait does not end where scripts are off.
        let capabilities = Capabilities::from_iter([
            ("goog:chromeOptions".to_owned(), device.options()),
            ("pageLoadStrategy".to_owned(), json!("none")),
        ]);
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
        Self { client, base, device, pictures: 0, actions: 0, axe: axe(), _driver: driver }
    }

    pub(crate) async fn close(self) {
        self.client.close().await.unwrap();
    }

    pub(crate) async fn go(&mut self, path: &str, picture: &str) {
        self.mark().await;
        self.client.goto(&format!("{}{path}", self.base)).await.unwrap();
        self.arrive(path).await;
        self.look(picture).await;
    }

    pub(crate) async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// Fills in fields, and submits: by the button of the form they are in, unless the last digit
    /// of a code has done so.
    pub(crate) async fn submit(&mut self, form: &str, fields: &[(&str, &str)], picture: &str) {
        self.unfold(form).await;
        self.mark().await;
        let mut is_sent = false;
        for (name, value) in fields {
            let field = self.find(&format!("{form} [name={name}]")).await;
            self.actions += 1;
            match field.tag_name().await.unwrap().as_str() {
                "select" => field.select_by_value(value).await.unwrap(),
                _ if field.attr("type").await.unwrap().as_deref() == Some("checkbox") => field.click().await.unwrap(),
                _ => {
                    let digits = field.attr("data-digits").await.unwrap().and_then(|digits| digits.parse().ok());
                    field.clear().await.unwrap();
                    field.send_keys(value).await.unwrap();
                    is_sent = self.device.has_scripts && digits == Some(value.chars().count());
                }
            }
        }
        if !is_sent {
            self.actions += 1;
            self.find(&format!("{form} button[type=submit]")).await.click().await.unwrap();
        }
        self.arrive(form).await;
        self.look(picture).await;
    }

    /// Clicks what leads to another page.
    pub(crate) async fn click(&mut self, what: &str, picture: &str) {
        self.unfold(what).await;
        self.mark().await;
        self.actions += 1;
        self.find(what).await.click().await.unwrap();
        self.arrive(what).await;
        self.look(picture).await;
    }

    /// Clicks what stays on the page.
    pub(crate) async fn press(&mut self, what: &str) {
        self.unfold(what).await;
        self.find(what).await.click().await.unwrap();
    }

    async fn find(&self, what: &str) -> fantoccini::elements::Element {
        let found = self.client.find(Locator::Css(what)).await;
        found.unwrap_or_else(|error| panic!("{what} on {}: {error}", self.device.name()))
    }

    /// Opens what is folded around an element, and in it.
    async fn unfold(&mut self, what: &str) {
        for summary in self.client.find_all(Locator::Css("details:not([open]) > summary")).await.unwrap() {
            let details = summary.find(Locator::XPath("..")).await.unwrap();
            let is_around = details.find(Locator::Css(what)).await.is_ok();
            let is_inside = match self.client.find(Locator::Css(&format!("{what} details:not([open])"))).await {
                Ok(inside) => inside.element_id() == details.element_id(),
                Err(_) => false,
            };
            if (is_around || is_inside) && summary.is_displayed().await.unwrap_or(false) {
                self.actions += usize::from(is_around);
                summary.click().await.unwrap();
            }
        }
    }

    /// Marks the page that is left.
    async fn mark(&self) {
        self.client.execute("document.body.dataset.before = 'yes'", vec![]).await.unwrap();
    }

    async fn arrive(&self, what: &str) {
        let begun = Instant::now();
        let arrived = "return document.readyState === 'complete' && !document.body.dataset.before";
        while self.client.execute(arrived, vec![]).await.ok() != Some(Value::Bool(true)) {
            assert!(begun.elapsed() < LONGEST, "{what} leads nowhere on {}", self.device.name());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn text(&self, what: &str) -> String {
        self.find(what).await.text().await.unwrap()
    }

    pub(crate) async fn texts(&self, what: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for found in self.client.find_all(Locator::Css(what)).await.unwrap() {
            texts.push(found.text().await.unwrap());
        }
        texts
    }

    /// Runs a script of the test on the page.
    pub(crate) async fn says(&self, script: &str) -> Value {
        self.client.execute(script, vec![]).await.unwrap()
    }

    pub(crate) async fn back(&mut self, picture: &str) {
        let (from, begun) = (self.path().await, Instant::now());
        self.client.back().await.unwrap();
        while self.path().await == from {
            assert!(begun.elapsed() < LONGEST, "back leads nowhere on {}", self.device.name());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // A browser may have kept the page as it was left, with the mark.
        self.says("delete document.body.dataset.before").await;
        self.arrive("back").await;
        self.look(picture).await;
    }

    pub(crate) async fn reload(&mut self, picture: &str) {
        self.mark().await;
        self.client.refresh().await.unwrap();
        self.arrive("reload").await;
        self.look(picture).await;
    }

    /// Reads the QR code on the screen.
    pub(crate) async fn qr(&self) -> String {
        self.says("document.querySelector('#qr').scrollIntoView({ block: 'center', behavior: 'instant' })").await;
        let shown = self.find("#qr").await.screenshot().await.unwrap();
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
    /// to be is checked, by axe and by our own list.
    async fn look(&mut self, picture: &str) {
        self.pictures += 1;
        let name = self.device.name();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pictures");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}-{:02}-{picture}.png", self.pictures));
        std::fs::write(file, self.client.screenshot().await.unwrap()).unwrap();
        let amiss = self.client.execute(include_str!("amiss.js"), vec![]).await.unwrap();
        assert_eq!(amiss, json!([]), "{picture} on {name}");
        if self.device.has_scripts {
            self.client.execute(&self.axe, vec![]).await.unwrap();
            let run = "const done = arguments[arguments.length - 1]; \
                axe.run().then((found) => done(found.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).join(' ')}`)), \
                (error) => done([String(error)]))";
            let found = self.client.execute_async(run, vec![]).await.unwrap();
            assert_eq!(found, json!([]), "axe: {picture} on {name}");
        }
    }
}

/// axe-core, as the package axe-playwright-python brings it.
fn axe() -> String {
    let find = "from importlib.util import find_spec; \
        print(find_spec('axe_playwright_python').submodule_search_locations[0] + '/axe.min.js')";
    let output = Command::new("python3").args(["-c", find]).output().unwrap();
    assert!(
        output.status.success(),
        "axe-playwright-python is missing: `bash tests/run.sh` installs it, and says in which PATH"
    );
    let path = String::from_utf8(output.stdout).unwrap();
    std::fs::read_to_string(path.trim()).unwrap()
}
