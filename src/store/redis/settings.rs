//! The server's settings: whether it keeps what it has answered, and never evicts a record.

use super::error::NAME;
use crate::store::error::StoreError;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use redis::{FromRedisValue, Value};

/// The settings that decide it.
pub(super) const ASKED: [&str; 4] = ["maxmemory", "maxmemory-policy", "appendonly", "appendfsync"];

/// The service's own word about its server, where that cannot be read, or is less than is asked
/// for.
#[derive(Clone, Debug, Default)]
pub(super) struct Vouched {
    /// Changes of up to a second may be lost in a crash.
    pub(super) loses_up_to_a_second: bool,
    /// The reason why the server keeps what it has answered all the same.
    pub(super) durability: Option<String>,
    /// The reason why the server evicts no record all the same.
    pub(super) eviction: Option<String>,
}

/// The settings of one server, by name; of those that it does not tell none is there.
pub(super) type Settings = BTreeMap<String, String>;

impl Vouched {
    /// Returns whether no setting is of interest.
    pub(super) const fn for_all(&self) -> bool {
        self.durability.is_some() && self.eviction.is_some()
    }

    /// Fails unless the servers are set up to keep every record and every change, as far as the
    /// service has not vouched for it.
    pub(super) fn check(&self, servers: &[Settings]) -> Result<(), StoreError> {
        // A cluster that tells nothing is as one server that tells nothing.
        let silent = [Settings::new()];
        for server in if servers.is_empty() { &silent } else { servers } {
            if self.eviction.is_none() {
                never_evicts(server)?;
            }
            if self.durability.is_none() {
                self.is_durable(server)?;
            }
        }
        Ok(())
    }

    fn is_durable(&self, server: &Settings) -> Result<(), StoreError> {
        const VOUCH: &str = "or vouch for it by `durability_vouched_for`";
        match (server.get("appendonly").map(String::as_str), server.get("appendfsync").map(String::as_str)) {
            (Some("yes"), Some("always")) => Ok(()),
            (Some("yes"), Some("everysec")) if self.loses_up_to_a_second => Ok(()),
            (Some("yes"), Some("everysec")) => Err(unsafe_server(&format!(
                "`appendfsync everysec` loses the last second in a crash, and with it the codes used in it: set \
                 `always`, accept it by `losing_up_to_a_second`, {VOUCH}"
            ))),
            (Some("yes"), Some(other)) => {
                Err(unsafe_server(&format!("`appendfsync {other}` loses changes in a crash: set `always`, {VOUCH}")))
            }
            (Some(other), _) => Err(unsafe_server(&format!(
                "`appendonly {other}` loses changes in a crash: set `appendonly yes` and `appendfsync always`, {VOUCH}"
            ))),
            (None, _) => Err(unsafe_server(&format!(
                "whether it keeps its changes cannot be read: allow this user `CONFIG GET`, {VOUCH}"
            ))),
        }
    }
}

fn never_evicts(server: &Settings) -> Result<(), StoreError> {
    const VOUCH: &str = "or vouch for it by `eviction_vouched_for`";
    match (server.get("maxmemory").map(String::as_str), server.get("maxmemory-policy").map(String::as_str)) {
        (Some("0"), Some(_)) => Ok(()),
        // Records have no end of life, which `volatile-…` looks for. Other servers have other
        // policies.
        (Some(_), Some(policy)) if policy == "noeviction" || policy.starts_with("volatile-") => Ok(()),
        (Some(_), Some(policy)) => Err(unsafe_server(&format!(
            "`maxmemory-policy {policy}` evicts records, and their owners are without an account then: set \
             `noeviction`, {VOUCH}"
        ))),
        _ => Err(unsafe_server(&format!(
            "whether it evicts records cannot be read: allow this user `CONFIG GET`, {VOUCH}"
        ))),
    }
}

fn unsafe_server(what: &str) -> StoreError {
    StoreError::Settings { store: NAME, what: what.into() }
}

/// The settings of each server, from the answers to `CONFIG GET` for each of [`ASKED`]. An answer
/// that is an error tells nothing.
pub(super) fn of_one(answers: Vec<Value>) -> Settings {
    let mut settings = Settings::new();
    for answer in answers {
        settings.extend(pairs(answer));
    }
    settings
}

/// The same of several servers: each answer has those of all, by address.
pub(super) fn of_all(answers: Vec<Value>) -> Vec<Settings> {
    let mut servers = BTreeMap::<String, Settings>::new();
    for answer in answers {
        let Value::Map(of_servers) = answer else { continue };
        for (address, answer) in of_servers {
            let address = String::from_redis_value(address).unwrap_or_default();
            servers.entry(address).or_default().extend(pairs(answer));
        }
    }
    servers.into_values().collect()
}

fn pairs(answer: Value) -> BTreeMap<String, String> {
    BTreeMap::from_redis_value(answer)
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value): (String, String)| (name.to_ascii_lowercase(), value))
        .collect()
}
