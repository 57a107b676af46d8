//! The source of an attempt, as the service tells it.

use super::text::breaks_the_line;
use alloc::boxed::Box;
use alloc::string::String;

/// The longest address, in bytes: an IPv6 address that maps an IPv4 one.
const ADDRESS: usize = 45;
const AGENT: usize = 96;
const CORRELATION: usize = 36;

/// The source of an attempt, in the service's words. Events keep it, so that the owner, who is
/// told of them, and support can tell one stranger from another. Nothing is decided by it.
///
/// Each part is cut to what fits (45 bytes for the address, 96 for the agent, 36 for the id) and
/// control characters are left out, since clients send what they like: this never fails. Escape
/// it where it is shown. A source adds up to 177 bytes, and a few of encoding, to each kept event.
///
/// ```
/// use sekisho::account::{Attempt, Purpose, Source};
///
/// let source = Source::new().with_address("203.0.113.7").with_agent("Firefox 140 on Linux");
/// assert_eq!(source.address(), Some("203.0.113.7"));
/// let attempt = Attempt::new(Purpose::LOGIN, "123 456").with_source(source);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Source {
    address: Option<Box<str>>,
    agent: Option<Box<str>>,
    correlation_id: Option<Box<str>>,
}

impl Source {
    /// A source of which nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With the network address of the client: the one that the service trusts, not the one that a
    /// header claims.
    #[must_use]
    pub fn with_address(self, address: &str) -> Self {
        Self { address: cut(address, ADDRESS), ..self }
    }

    /// With the program that sent it: browser and system, say.
    #[must_use]
    pub fn with_agent(self, agent: &str) -> Self {
        Self { agent: cut(agent, AGENT), ..self }
    }

    /// With the id that the service's own logs have for the request.
    #[must_use]
    pub fn with_correlation_id(self, id: &str) -> Self {
        Self { correlation_id: cut(id, CORRELATION), ..self }
    }

    /// The network address.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// The program.
    #[must_use]
    pub fn agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }

    /// The id in the service's own logs.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }

    /// Address, agent and id, in this order: as they are stored.
    pub(in crate::account) fn parts(&self) -> [Option<&str>; 3] {
        [self.address(), self.agent(), self.correlation_id()]
    }

    pub(in crate::account) fn of_parts([address, agent, id]: [Option<&str>; 3]) -> Self {
        let part = |text: Option<&str>, most| text.and_then(|text| cut(text, most));
        Self { address: part(address, ADDRESS), agent: part(agent, AGENT), correlation_id: part(id, CORRELATION) }
    }
}

/// As many whole characters as fit; `None` if nothing is left.
fn cut(text: &str, most: usize) -> Option<Box<str>> {
    let mut kept = String::with_capacity(most.min(text.len()));
    for character in text.chars().filter(|character| !breaks_the_line(*character)) {
        if kept.len().saturating_add(character.len_utf8()) > most {
            break;
        }
        kept.push(character);
    }
    (!kept.is_empty()).then(|| kept.into_boxed_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn whatever_a_client_sends_is_cut_to_whole_characters_on_one_line() {
        let hostile = format!("a\r\nSet-Cookie: x\u{202e}{}", "東".repeat(100));
        let source = Source::new().with_address(&hostile).with_agent(&hostile).with_correlation_id("\n\0");
        assert_eq!(source.address().unwrap().len(), 14 + 30);
        assert!(source.agent().unwrap().len() <= AGENT && source.agent().unwrap().ends_with('東'));
        assert_eq!(source.correlation_id(), None);
        assert!(!source.agent().unwrap().contains(breaks_the_line));
        assert_eq!(Source::of_parts(source.parts()), source);
    }
}
