//! Messages that a real service would send: kept in memory, for the page that shows them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

const KEPT: usize = 100;

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// An address or a number.
    pub to: String,
    /// What it says.
    pub text: String,
    /// In Unix seconds.
    pub at: u64,
}

/// The latest messages.
#[derive(Clone, Debug, Default)]
pub struct Outbox(Arc<Mutex<VecDeque<Message>>>);

impl Outbox {
    /// Sends one.
    pub fn send(&self, message: Message) {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        messages.push_front(message);
        messages.truncate(KEPT);
    }

    /// Newest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
