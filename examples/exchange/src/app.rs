//! State and policy, in one place.

use crate::destinations::Destinations;
use crate::opened::OpenedSettings;
use crate::outbox::{Mails, Message, Outbox};
use crate::passwords::Passwords;
use crate::stores::{OpenError, Stores};
use crate::{Customers, guard, pages, trouble};
use axum::Router;
use metrics_exporter_prometheus::PrometheusHandle;
use sekisho::Verifier;
use sekisho::account::{AccountLimits, Policy};
use sekisho::otp::UnixTime;
use sekisho::seal::Keyring;
use sekisho::verifier::{Clock, MetricsSink, SystemClock, TracingSink};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};
use tower_sessions_moka_store::MokaStore;

/// The session store forgets a session that nobody has changed for so long: it has ended by then.
const SESSION: time::Duration = time::Duration::hours(2);

/// An answer about readiness is given again for so long.
const FRESH: Duration = Duration::from_secs(1);

/// The decisions of whoever starts the exchange.
#[derive(Clone)]
pub struct Settings {
    /// The name that apps show beside the code.
    pub issuer: String,
    /// The support desk is closed without one.
    pub support_password: Option<String>,
    /// Requests that are worked on at a time; others are turned away at once, with 503.
    pub at_once: usize,
    /// Requests of one address that are let through in a burst, and how long until one more is.
    pub burst: u32,
    /// See `burst`.
    pub refill: Duration,
    /// Sessions that are kept at the most: beyond, the oldest and the newest may be ended.
    pub sessions: u64,
    /// Whether the address of a request is the last one that `X-Forwarded-For` names, which our own
    /// proxy has put there.
    pub is_behind_proxy: bool,
    /// True if anybody may read `/outbox` and `/metrics`, as only this machine reaches the
    /// exchange.
    pub shows_inside: bool,
    /// The rules about codes and holds.
    pub policy: Policy,
    /// The address by which browsers find the exchange: links in mails begin with it.
    pub origin: String,
    /// A withdrawal waits so long until it is paid, in seconds: as long, a freeze can stop it.
    pub payout_secs: u64,
    /// True if pages guide through what can be tried.
    pub is_demo: bool,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("issuer", &self.issuer).field("is_demo", &self.is_demo).finish_non_exhaustive()
    }
}

impl Settings {
    /// For trying all of it within minutes: holds of one minute, and withdrawals that wait for 20
    /// s.
    ///
    /// # Errors
    /// None, as long as the policy's limits allow that.
    pub fn demo() -> Result<Self, OpenError> {
        let limits = AccountLimits {
            binding_hold_secs: 60,
            recovery_hold_secs: 60,
            resync_hold_secs: 60,
            reset_hold_secs: 60,
            self_recovery_secs: 86_400,
            ..AccountLimits::default()
        };
        Ok(Self { policy: Policy::new(limits)?, payout_secs: 20, is_demo: true, ..Self::default() })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer: pages::NAME.into(),
            support_password: None,
            at_once: 16,
            burst: 120,
            refill: Duration::from_millis(200),
            sessions: 100_000,
            is_behind_proxy: false,
            shows_inside: false,
            // Recovery without support is the one thing that the default policy does not offer.
            policy: Policy::new(AccountLimits { self_recovery_secs: 3 * 86_400, ..AccountLimits::default() })
                .unwrap_or_default(),
            origin: "http://localhost:8080".into(),
            payout_secs: 600,
            is_demo: false,
        }
    }
}

/// The state that handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Judges codes.
    pub verifier: Verifier,
    /// The customers.
    pub customers: Customers,
    /// Judges passwords.
    pub passwords: Passwords,
    /// The messages that were sent.
    pub outbox: Outbox,
    /// The sessions whose security settings are open.
    pub opened: OpenedSettings,
    /// The settings.
    pub settings: Arc<Settings>,
    clock: Arc<dyn Fn() -> UnixTime + Send + Sync>,
    /// The latest answer of [`is_ready`](Self::is_ready), and when it was found out.
    readiness: Arc<Mutex<Option<(Instant, bool)>>>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl App {
    /// On these stores, by the system's clock.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn new(stores: Stores, keyring: Keyring, settings: Settings) -> Result<Self, OpenError> {
        Self::with_clock(stores, keyring, settings, SystemClock)
    }

    /// By another clock.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn with_clock(
        stores: Stores,
        keyring: Keyring,
        settings: Settings,
        clock: impl Clock + Clone,
    ) -> Result<Self, OpenError> {
        let customers = Customers::new(stores.customers, keyring.of("customers")?, stores.listed);
        let outbox = Outbox::default();
        let (own, counting) = (clock.clone(), clock.clone());
        let origin = settings.origin.clone();
        let mails = Mails { customers: customers.clone(), outbox: outbox.clone(), origin };
        let destinations = Destinations::new(move || counting.now().map_or(0, UnixTime::as_secs));
        let verifier = Verifier::builder(stores.accounts, keyring)
            .policy(settings.policy.clone())
            .clock(clock)
            .event_sink(((TracingSink, MetricsSink), mails))
            .address_check(destinations)
            .build();
        let passwords = Passwords::new()?;
        // Only shown, and compared with what the session says: the verifier asks its own.
        let clock = Arc::new(move || own.now().unwrap_or(UnixTime::from_secs(0)));
        Ok(Self {
            verifier,
            customers,
            passwords,
            outbox,
            opened: OpenedSettings::default(),
            settings: Arc::new(settings),
            clock,
            readiness: Arc::default(),
        })
    }

    /// The time, in Unix seconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        (self.clock)().as_secs()
    }

    /// Returns whether log-ins work. It is found out at most once a second, whoever asks.
    pub async fn is_ready(&self) -> bool {
        let mut latest = self.readiness.lock().await;
        if let Some((_, is_ready)) = latest.filter(|(at, _)| at.elapsed() < FRESH) {
            return is_ready;
        }
        let answer = self.verifier.ready().await;
        if let Err(error) = &answer {
            tracing::error!(error = trouble::chain(error), "not ready");
        }
        *latest = Some((Instant::now(), answer.is_ok()));
        answer.is_ok()
    }

    /// Sends a message, to the outbox.
    pub fn send(&self, to: &str, text: String) {
        self.outbox.send(Message { to: to.into(), text, at: self.now(), event: None });
    }

    /// Everything, behind what guards it. In a tokio runtime.
    ///
    /// # Errors
    /// If the settings let nothing through.
    pub fn router(self, metrics: Option<PrometheusHandle>) -> Result<Router, OpenError> {
        let sessions = SessionManagerLayer::new(MokaStore::new(Some(self.settings.sessions)))
            .with_name("__Host-session")
            .with_same_site(SameSite::Lax)
            .with_secure(true)
            .with_expiry(Expiry::OnInactivity(SESSION));
        let routes = pages::routes(&self.settings, metrics).layer(sessions);
        Ok(guard::around(routes, &self.settings)?.with_state(self))
    }
}
