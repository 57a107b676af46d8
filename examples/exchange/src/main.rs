//! Starts the exchange. `cargo run --manifest-path examples/exchange/Cargo.toml` and open <http://localhost:8080>.
//!
//! - `--store`: `redb:FOLDER` (the default, in `exchange-data`), `redis://…`, `postgres://…`
//! - `--listen`: an address and a port. Default: `127.0.0.1:8080`
//! - `SEKISHO_KEYS`: the sealing keys, as [`Keyring::from_env`] reads them. Without it one is made and kept in `exchange-data/keys`, for trying.
//! - `SUPPORT_PASSWORD`: opens the support desk at `/support`. Without it one is made, and said.

use exchange::stores::{self, OpenError};
use exchange::{App, Keyrings, Settings};
use metrics_exporter_prometheus::PrometheusBuilder;
use sekisho::seal::Keyring;
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

struct Options {
    store: String,
    listen: SocketAddr,
}

fn options() -> Result<Options, OpenError> {
    use lexopt::prelude::*;
    let mut options = Options { store: "redb:exchange-data".into(), listen: ([127, 0, 0, 1], 8080).into() };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("store") => options.store = arguments.value()?.string()?,
            Long("listen") => options.listen = arguments.value()?.parse()?,
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
    let metrics = PrometheusBuilder::new().install_recorder()?;
    let support_password = std::env::var("SUPPORT_PASSWORD").unwrap_or_else(|_| {
        let made = base16ct::lower::encode_string(&rand::random::<[u8; 8]>());
        println!("the support desk's password, this time: {made}");
        made
    });
    let keyrings = Keyrings { accounts: keyring()?, customers: keyring()? };
    let settings = Settings { support_password: Some(support_password), ..Settings::default() };
    let app = App::new(stores::open(&options.store).await?, keyrings, settings)?;
    let listener = TcpListener::bind(options.listen).await?;
    println!("open http://localhost:{}", listener.local_addr()?.port());
    let service = app.router(Some(metrics)).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(asked_to_stop()).await?;
    Ok(())
}

/// The service's keys; for trying, keys of this folder.
fn keyring() -> Result<Keyring, OpenError> {
    if std::env::var_os("SEKISHO_KEYS").is_some() {
        return Ok(Keyring::from_env("SEKISHO_KEYS")?);
    }
    let file = Path::new("exchange-data/keys");
    if !file.exists() {
        std::fs::create_dir_all("exchange-data")?;
        let key = base16ct::lower::encode_string(&rand::random::<[u8; 32]>());
        std::fs::write(file, format!("1:{key}\n"))?;
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
