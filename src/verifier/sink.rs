//! Sinks, which take events.

use crate::account::{AccountId, Event};
use alloc::boxed::Box;
use core::error::Error;
use core::pin::Pin;

/// Why a sink has not taken an event.
pub type SinkError = Box<dyn Error + Send + Sync>;

/// Takes events: an audit log, an outbox of notifications, counters.
///
/// The verifier delivers an event after the store has the change that the event reports. Events
/// that [notify the owner](Event::notifies_owner) are delivered again, with the account's next
/// operation or by [`Verifier::deliver_events`](crate::Verifier::deliver_events), until
/// [`deliver`](Self::deliver) returns `Ok`: a crash loses none. So a sink may see one twice, under
/// the same [`Event::sequence`]. All others are delivered once at most.
///
/// The answer waits for the sink, so it should do no more than put the event where it is safe. An
/// error does not change the answer. A sink that takes events and loses them (a log, say) ends them
/// all the same: put it beside the one that notifies, not in its place.
///
/// ```
/// use sekisho::account::{AccountId, Event};
/// use sekisho::verifier::{EventSink, SinkError};
///
/// struct Print;
///
/// impl EventSink for Print {
///     async fn deliver(&self, account: &AccountId, event: &Event) -> Result<(), SinkError> {
///         println!("{account:?} {event:?}");
///         Ok(())
///     }
/// }
/// ```
///
/// Two sinks together are a sink: `(Print, Print)`. What one of them has not taken is delivered to
/// both again.
pub trait EventSink: Send + Sync + 'static {
    /// Takes an event.
    fn deliver(&self, account: &AccountId, event: &Event) -> impl Future<Output = Result<(), SinkError>> + Send;
}

impl<A: EventSink, B: EventSink> EventSink for (A, B) {
    async fn deliver(&self, account: &AccountId, event: &Event) -> Result<(), SinkError> {
        let first = self.0.deliver(account, event).await;
        self.1.deliver(account, event).await.and(first)
    }
}

/// Any sink.
pub(super) struct BoxSink(Box<dyn Erased>);

impl BoxSink {
    pub(super) fn new(sink: impl EventSink) -> Self {
        Self(Box::new(sink))
    }

    pub(super) async fn deliver(&self, account: &AccountId, event: &Event) -> Result<(), SinkError> {
        self.0.deliver(account, event).await
    }
}

trait Erased: Send + Sync {
    fn deliver<'a>(&'a self, account: &'a AccountId, event: &'a Event) -> Delivering<'a>;
}

type Delivering<'a> = Pin<Box<dyn Future<Output = Result<(), SinkError>> + Send + 'a>>;

impl<K: EventSink> Erased for K {
    fn deliver<'a>(&'a self, account: &'a AccountId, event: &'a Event) -> Delivering<'a> {
        Box::pin(EventSink::deliver(self, account, event))
    }
}
