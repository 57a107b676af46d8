//! Copies of the exchange as processes of their own, and a crowd of customers who log in to them.
#![allow(dead_code)] // no test uses all of it

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use exchange::language::Language;
use exchange::stores::{self, OpenError};
use exchange::{App, Settings};
use sekisho::account::{Attempt, NewAuthenticator, Purpose};
use sekisho::otp::{Key, Step, Totp, UnixTime};
use sekisho::seal::Keyring;
use sekisho::test_kit::TestClock;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

const KEYS: &str = "1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const PASSWORD: &str = "correct horse battery";
/// Addresses that the crowd comes from: one has so many requests.
const ADDRESSES: usize = 100;
/// Tasks that gather the crowd.
const GATHERERS: usize = 32;
/// Longer than any answer takes.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One copy, ended with the test.
pub(crate) struct Copy {
    child: Child,
    pub(crate) port: u16,
    /// The address where programs log in.
    pub(crate) url: String,
}

impl Copy {
    pub(crate) fn start(store: &str) -> Self {
        // Where the disk stands still for longer than the store waits, once more.
        (0..5).find_map(|_| Self::launch(own(), store, Stdio::null())).expect("the exchange says where it listens")
    }

    /// With its log, and other options.
    pub(crate) fn with(store: &str, log: impl Into<Stdio>, set_up: impl FnOnce(&mut Command)) -> Self {
        let mut command = own();
        set_up(&mut command);
        Self::launch(command, store, log).expect("the exchange says where it listens")
    }

    /// Run by another program.
    pub(crate) fn with_program(program: &str, arguments: &[&str], store: &str) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).arg(env!("CARGO_BIN_EXE_exchange"));
        Self::launch(command, store, Stdio::null()).expect("the exchange says where it listens")
    }

    fn launch(mut command: Command, store: &str, log: impl Into<Stdio>) -> Option<Self> {
        command.args(["--store", store, "--listen", "127.0.0.1:0"]).env("SEKISHO_KEYS", KEYS);
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| line.rsplit_once("localhost:")?.1.parse::<u16>().ok());
        let Some(port) = port else {
            let _ = child.wait();
            return None;
        };
        Some(Self { child, port, url: format!("http://127.0.0.1:{port}/api/log-in") })
    }

    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// Asks it to stop, and gives whether it ended well.
    pub(crate) fn stop(mut self) -> bool {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        asked.success() && self.child.wait().unwrap().success()
    }

    /// Memory that it takes now, in KiB.
    pub(crate) fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Copy {
    /// SIGKILL.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exchange that was built with the tests.
fn own() -> Command {
    Command::new(env!("CARGO_BIN_EXE_exchange"))
}

struct Customer {
    email: String,
    phone: Key,
}

/// Customers, with their phones.
pub(crate) struct Crowd {
    customers: Vec<Customer>,
    clients: Vec<reqwest::Client>,
    next: AtomicUsize,
}

/// The cost of checking a password.
#[derive(Clone, Copy)]
pub(crate) enum Cost {
    /// As the exchange has it.
    Real,
    /// Next to nothing, where passwords are not the matter.
    Little,
}

impl Crowd {
    /// So many who have signed up and enrolled an hour ago.
    pub(crate) async fn gather(store: &str, count: usize, cost: Cost) -> Self {
        let hasher = match cost {
            Cost::Real => Argon2::default(),
            Cost::Little => Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap()),
        };
        let hash = hasher.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
        let keyring = Keyring::parse(KEYS).unwrap();
        let then = UnixTime::from_secs(now() - 3_600);
        let stores = stores::open(store).await.unwrap();
        let app = App::with_clock(stores, keyring, Settings::default(), TestClock::at(then)).unwrap();
        let gatherers: Vec<_> = (0..GATHERERS)
            .map(|gatherer| tokio::spawn(gather(app.clone(), (gatherer..count).step_by(GATHERERS), hash.clone(), then)))
            .collect();
        let mut customers = Vec::new();
        for gatherer in gatherers {
            customers.extend(gatherer.await.unwrap());
        }
        customers.sort_by_key(|(which, _)| *which);
        let clients = (0..ADDRESSES).map(|which| {
            let address = IpAddr::V4(Ipv4Addr::new(127, 0, 1, u8::try_from(which).unwrap()));
            reqwest::Client::builder()
                .local_address(address)
                .timeout(TIMEOUT)
                .pool_max_idle_per_host(1)
                .build()
                .unwrap()
        });
        let customers = customers.into_iter().map(|(_, customer)| customer).collect();
        Self { customers, clients: clients.collect(), next: AtomicUsize::new(0) }
    }

    /// The code that somebody's phone shows in a step.
    pub(crate) fn code(&self, who: usize, step: u64) -> String {
        self.customers[who].phone.code_at(Step::new(step)).reveal().to_string()
    }

    /// Has somebody log in with the code of a step. Gives the status; none, if the answer did not
    /// come.
    pub(crate) async fn log_in(&self, copy: &str, who: usize, step: u64) -> Option<u16> {
        let code = self.code(who, step);
        let body =
            serde_json::json!({ "email": self.customers[who].email, "password": PASSWORD, "code": code }).to_string();
        let client = &self.clients[self.next.fetch_add(1, Ordering::Relaxed) % ADDRESSES];
        let request = client.post(copy).header("content-type", "application/json").body(body);
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        assert!(
            status != 429 || kind.starts_with("application/problem+json"),
            "one address has asked too often: give the crowd more"
        );
        answer.bytes().await.ok()?;
        Some(status)
    }
}

async fn gather(
    app: App,
    which: impl Iterator<Item = usize> + Send,
    hash: String,
    then: UnixTime,
) -> Vec<(usize, Customer)> {
    let mut customers = Vec::new();
    for which in which {
        let mut tries = 0..20;
        // A disk that stands still for longer than the store waits: somebody else then, as what has
        // happened is not known.
        let customer = loop {
            let email = format!("customer-{which}-{}@example.com", tries.next().expect("the server answers"));
            if let Ok(phone) = enroll(&app, &email, hash.clone(), then).await {
                break Customer { email, phone };
            }
        };
        customers.push((which, customer));
    }
    customers
}

async fn enroll(app: &App, email: &str, hash: String, then: UnixTime) -> Result<Key, OpenError> {
    let customer = app.customers.add(&app.verifier, email, hash, Language::English).await?;
    let account = customer.account()?;
    let new = NewAuthenticator::new("Example Exchange", &customer.email)?;
    let enrollment = app.verifier.enroll_first(&account, new).await?;
    let key = Totp::DEFAULT.key(enrollment.uri().secret());
    let code = key.code_at(Totp::DEFAULT.step_at(then)?).reveal().to_string();
    let _proof = app.verifier.confirm(&account, Attempt::new(Purpose::BINDING, &code)).await?;
    Ok(key)
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// The step of now.
pub(crate) fn step() -> u64 {
    now() / Totp::DEFAULT.period.as_secs()
}
