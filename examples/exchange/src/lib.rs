//! An exchange's sign-up, log-in and withdrawals, on Sekisho: how a service embeds it.
//!
//! Handlers translate between forms and [`sekisho::Verifier`]; every rule about codes, locks and
//! holds is the verifier's. What is the exchange's own: who its customers are ([`Customers`]), who
//! a browser belongs to ([`session`]), and what is said in which language ([`language`]).

pub mod api;
pub mod app;
pub mod customers;
pub mod destinations;
pub mod guard;
pub mod language;
pub mod opened;
pub mod outbox;
pub mod pages;
pub mod passwords;
pub mod payouts;
pub mod reminders;
pub mod session;
pub mod stores;
pub mod trouble;
pub mod words;

pub use app::{App, Settings};
pub use customers::Customers;
