//! Starts the exchange. `cargo run --manifest-path examples/exchange/Cargo.toml` and open
//! <http://localhost:8080>.
//!
//! - `--store`: `redb:FOLDER` (the default, in `exchange-data`), `redis://…`, `postgres://…`
//! - `--listen`: an address and a port. Default: `127.0.0.1:8080`. Where others than this machine
//!   reach it, `/outbox` and `/metrics` are not served.
//! - `--metrics`: another address and port, for `/metrics` alone
//! - `--behind-proxy`: a proxy of ours speaks TLS, and puts the sender's address last in
//!   `X-Forwarded-For`
//! - `--demo`: holds of one minute, and withdrawals that are paid after 20 s, for trying
//! - `SEKISHO_KEYS`: the sealing keys, as [`Keyring::from_env`] reads them. Without it one is made
//!   and kept beside the redb files, for trying.
//! - `SUPPORT_PASSWORD`: opens the support desk at `/support`. Without it one is made, and said.

use axum::Router;
use axum::routing::get;
use exchange::stores::{self, OpenError};
use exchange::{App, Settings, payouts, reminders};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use sekisho::seal::Keyring;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// The times of the store's calls are counted up to each of these, in seconds.
const BUCKETS: [f64; 12] = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5];
/// Metrics are summed up so often, so that what they have gathered does not grow.
const SUMMING_UP: Duration = Duration::from_secs(5);

struct Options {
    store: String,
    listen: SocketAddr,
    metrics: Option<SocketAddr>,
    is_behind_proxy: bool,
    is_demo: bool,
    origin: Option<String>,
}

fn options() -> Result<Options, OpenError> {
    use lexopt::prelude::*;
    let mut options = Options {
        store: "redb:exchange-data".into(),
        listen: ([127, 0, 0, 1], 8080).into(),
        metrics: None,
        is_behind_proxy: false,
        is_demo: false,
        origin: None,
    };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("store") => options.store = arguments.value()?.string()?,
            Long("listen") => options.listen = arguments.value()?.parse()?,
            Long("metrics") => options.metrics = Some(arguments.value()?.parse()?),
            Long("behind-proxy") => options.is_behind_proxy = true,
            Long("demo") => options.is_demo = true,
            Long("origin") => options.origin = Some(arguments.value()?.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    Ok(options)
}

#[tokio::main]
async fn main() -> Result<(), OpenError> {
    let options = options()?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    let metrics = gathered()?;
    let support_password = std::env::var("SUPPORT_PASSWORD").unwrap_or_else(|_| {
        let made = base16ct::lower::encode_string(&rand::random::<[u8; 8]>());
        println!("the support desk's password, this time: {made}");
        made
    });
    let keyring = keyring(&options.store)?;
    let settings = Settings {
        support_password: Some(support_password),
        is_behind_proxy: options.is_behind_proxy,
        shows_inside: options.listen.ip().is_loopback() && !options.is_behind_proxy,
        origin: options.origin.unwrap_or_else(|| format!("http://localhost:{}", options.listen.port())),
        ..if options.is_demo { Settings::demo()? } else { Settings::default() }
    };
    let app = App::new(stores::open(&options.store).await?, keyring, settings)?;
    tokio::spawn(payouts::run(app.clone()));
    tokio::spawn(reminders::run(app.clone()));
    if let Some(address) = options.metrics {
        let listener = TcpListener::bind(address).await?;
        let metrics = metrics.clone();
        let router = Router::new().route("/metrics", get(async move || metrics.render()));
        tokio::spawn(async move { axum::serve(listener, router).await });
    }
    let listener = TcpListener::bind(options.listen).await?;
    let service = app.router(Some(metrics))?.into_make_service_with_connect_info::<SocketAddr>();
    println!("open http://localhost:{}", listener.local_addr()?.port());
    axum::serve(listener, service).with_graceful_shutdown(asked_to_stop()).await?;
    Ok(())
}

/// Gathers metrics from now on.
fn gathered() -> Result<PrometheusHandle, OpenError> {
    let store_calls = Matcher::Full("sekisho_store_call_seconds".into());
    let metrics = PrometheusBuilder::new().set_buckets_for_metric(store_calls, &BUCKETS)?.install_recorder()?;
    let own = metrics.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(SUMMING_UP).await;
            own.run_upkeep();
        }
    });
    Ok(metrics)
}

/// The service's keys; for trying on this machine, keys beside the files that they seal.
fn keyring(store: &str) -> Result<Keyring, OpenError> {
    let given = std::env::var_os("SEKISHO_KEYS").is_some();
    let Some(folder) = store.strip_prefix("redb:") else {
        if !given {
            return Err(
                "set SEKISHO_KEYS to the sealing keys, the same for every copy: 1:$(openssl rand -hex 32)".into()
            );
        }
        return Ok(Keyring::from_env("SEKISHO_KEYS")?);
    };
    std::fs::create_dir_all(folder)?;
    let file = Path::new(folder).join("keys");
    if given && file.exists() {
        return Err(format!("{folder} was sealed under the keys in {folder}/keys: unset SEKISHO_KEYS").into());
    }
    if given {
        return Ok(Keyring::from_env("SEKISHO_KEYS")?);
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(&file) {
        Ok(mut new) => writeln!(new, "1:{}", base16ct::lower::encode_string(&rand::random::<[u8; 32]>()))?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    Ok(Keyring::from_file(file)?)
}

/// Ctrl-C, or SIGTERM: what is being answered is answered first.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
