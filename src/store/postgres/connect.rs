//! One connection, to the first of several hosts that will do.

use alloc::boxed::Box;
use core::future::pending;
use core::pin::Pin;
use core::time::Duration;
use deadpool_postgres::Connect;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Error, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Tries one host after another, each for its share of the time: a host that accepts a connection
/// and says nothing more must not keep the others from being tried.
pub(super) struct Hosts {
    pub(super) tls: MakeRustlsConnect,
    /// For all of them together. Whoever waits gives up then.
    pub(super) time: Duration,
}

type Connecting<'a> = Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl Connect for Hosts {
    fn connect(&self, config: &Config) -> Connecting<'_> {
        let config = config.clone();
        Box::pin(async move {
            let count = config.get_hosts().len().max(config.get_hostaddrs().len()).max(1);
            let share = self.time.checked_div(u32::try_from(count).unwrap_or(u32::MAX)).unwrap_or(self.time);
            let mut failure = None;
            for index in 0..count {
                match timeout(share, self.try_one(&config, index)).await {
                    Ok(Ok(connected)) => return Ok(connected),
                    Ok(Err(error)) => failure = Some(error),
                    Err(_) => {}
                }
            }
            match failure {
                Some(error) => Err(error),
                // All of the time is over, as whoever waits finds out by himself.
                None => pending().await,
            }
        })
    }
}

impl Hosts {
    async fn try_one(&self, config: &Config, index: usize) -> Result<(Client, JoinHandle<()>), Error> {
        let config = only(config, index);
        // A certificate is of a name.
        let is_named = matches!(config.get_hosts(), [Host::Tcp(_)]);
        if is_named || config.get_ssl_mode() == SslMode::Require {
            connect(&config, self.tls.clone()).await
        } else {
            connect(&config, NoTls).await
        }
    }
}

async fn connect<T>(config: &Config, tls: T) -> Result<(Client, JoinHandle<()>), Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await?;
    // Its end is told to those who ask something on it.
    let driving = tokio::spawn(async move { drop(connection.await) });
    Ok((client, driving))
}

/// The same, for one of its hosts.
fn only(all: &Config, index: usize) -> Config {
    let mut one = Config::new();
    match all.get_hosts().get(index) {
        Some(Host::Tcp(name)) => drop(one.host(name)),
        #[cfg(unix)]
        Some(Host::Unix(folder)) => drop(one.host_path(folder)),
        None => {}
    }
    if let Some(address) = all.get_hostaddrs().get(index) {
        one.hostaddr(*address);
    }
    // One for all, or one for each.
    if let Some(port) = all.get_ports().get(index).or_else(|| all.get_ports().first()) {
        one.port(*port);
    }
    if let Some(user) = all.get_user() {
        one.user(user);
    }
    if let Some(password) = all.get_password() {
        one.password(password);
    }
    if let Some(database) = all.get_dbname() {
        one.dbname(database);
    }
    if let Some(options) = all.get_options() {
        one.options(options);
    }
    if let Some(name) = all.get_application_name() {
        one.application_name(name);
    }
    if let Some(timeout) = all.get_connect_timeout() {
        one.connect_timeout(*timeout);
    }
    if let Some(timeout) = all.get_tcp_user_timeout() {
        one.tcp_user_timeout(*timeout);
    }
    if let Some(interval) = all.get_keepalives_interval() {
        one.keepalives_interval(interval);
    }
    if let Some(retries) = all.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    one.keepalives(all.get_keepalives())
        .keepalives_idle(all.get_keepalives_idle())
        .ssl_mode(all.get_ssl_mode())
        .ssl_negotiation(all.get_ssl_negotiation())
        .target_session_attrs(all.get_target_session_attrs())
        .channel_binding(all.get_channel_binding())
        .load_balance_hosts(all.get_load_balance_hosts());
    one
}
