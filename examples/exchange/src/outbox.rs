//! Messages that a real service would send: kept in memory, for the page that shows them. What the
//! owner of an account has to be told comes here by itself, as the [`Mails`] are one of the
//! verifier's sinks.

use crate::{Customers, words};
use sekisho::account::{AccountId, Event, EventKind};
use sekisho::verifier::{EventSink, SinkError};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

const KEPT: usize = 200;

/// A message.
#[derive(Clone)]
pub struct Message {
    /// An address or a number.
    pub to: String,
    /// Its text.
    pub text: String,
    /// In Unix seconds.
    pub at: u64,
    /// Of an event, its number on the account.
    pub event: Option<u64>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("to", &self.to).finish_non_exhaustive()
    }
}

/// The latest messages.
#[derive(Clone, Debug, Default)]
pub struct Outbox(Arc<Mutex<VecDeque<Message>>>);

impl Outbox {
    /// Sends one. An event that is told again is not.
    pub fn send(&self, message: Message) {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |own: &Message| own.event.is_some() && own.event == message.event && own.to == message.to;
        if !messages.iter().any(is_same) {
            messages.push_front(message);
            messages.truncate(KEPT);
        }
    }

    /// Newest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Mails owners what has happened on their accounts. While the customers cannot be read an event is
/// not taken, and so handed again.
#[derive(Clone, Debug)]
pub struct Mails {
    /// The customers, by whom owners are found.
    pub customers: Customers,
    /// The outbox that mails go to.
    pub outbox: Outbox,
    /// The address by which browsers find the exchange.
    pub origin: String,
}

impl EventSink for Mails {
    async fn deliver(&self, account: &AccountId, event: &Event) -> Result<(), SinkError> {
        if !event.notifies_owner() {
            return Ok(());
        }
        if let Some(customer) = self.customers.by_account(account).await? {
            let (at, what) = (event.at.as_secs(), words::happened(customer.language, &event.kind));
            let mut lines = vec![what, words::moment(customer.language, at), words::source(event)];
            lines.retain(|line| !line.is_empty());
            let advice = customer.language.say(
                "お心当たりがない場合は、すぐにこちらで凍結してください: ",
                "If this was not you, freeze the account here at once: ",
            );
            if matches!(event.kind, EventKind::Frozen | EventKind::FrozenByOwner) {
                let ended = customer
                    .language
                    .say("解除するには、サポートにご連絡ください: ", "To have it ended, contact support: ");
                lines.push(format!("{ended}{}/help", self.origin));
            } else if let Some(handle) = &event.freeze_handle {
                let handle = handle.to_text();
                let query = [("account", customer.account.as_str()), ("handle", handle.expose())];
                lines.push(format!("{advice}{}/freeze?{}", self.origin, serde_urlencoded::to_string(query)?));
            }
            let text = lines.join("\n");
            self.outbox.send(Message { to: customer.email, text, at, event: event.sequence });
        }
        Ok(())
    }
}
