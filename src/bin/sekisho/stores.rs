//! The store and the keys that the options name.

use crate::options::Options;
use crate::out::Failed;
use sekisho::Verifier;
use sekisho::account::{AccountId, Event, Text};
use sekisho::otp::UnixTime;
use sekisho::seal::Keyring;
use sekisho::store::{BoxStore, PostgresStore, RedbStore, RedisStore};
use sekisho::verifier::{EventSink, SinkError};

/// A store, and what it can list.
pub(crate) enum AnyStore {
    Redb(RedbStore),
    Redis(RedisStore),
    Postgres(PostgresStore),
}

impl AnyStore {
    /// One that is there already: a name that was mistyped makes no new store.
    async fn open_existing(url: &str) -> Result<Self, Failed> {
        if let Some(file) = url.strip_prefix("redb:")
            && !std::path::Path::new(file).exists()
        {
            return Err(format!("there is no {file}: `sekisho init` makes it").into());
        }
        Self::open(url).await
    }

    pub(crate) async fn open(url: &str) -> Result<Self, Failed> {
        if let Some(file) = url.strip_prefix("redb:") {
            return Ok(Self::Redb(RedbStore::open(file)?));
        }
        // TLS takes a provider of its primitives, of which a process has one; an earlier one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if url.starts_with("redis://") || url.starts_with("rediss://") {
            return Ok(Self::Redis(RedisStore::connect(url).await?));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(PostgresStore::builder().connections(24).connect(url)?));
        }
        Err("a store is redb:FILE, redis://…, rediss://… or postgres://…: give one by --store".into())
    }

    /// Makes what it keeps records in, where that is not there yet.
    pub(crate) async fn create(&self) -> Result<(), Failed> {
        if let Self::Postgres(store) = self {
            store.create_table().await?;
        }
        Ok(())
    }

    pub(crate) async fn accounts(&self) -> Result<Vec<AccountId>, Failed> {
        let mut accounts = match self {
            Self::Redb(store) => store.accounts()?,
            Self::Redis(store) => store.accounts().await?,
            Self::Postgres(store) => store.accounts().await?,
        };
        accounts.retain(|account| account.as_bytes() != AccountId::READINESS);
        Ok(accounts)
    }

    pub(crate) fn boxed(&self) -> BoxStore {
        match self {
            Self::Redb(store) => BoxStore::new(store.clone()),
            Self::Redis(store) => BoxStore::new(store.clone()),
            Self::Postgres(store) => BoxStore::new(store.clone()),
        }
    }
}

pub(crate) fn keyring(options: &Options) -> Result<Keyring, Failed> {
    Ok(match &options.keys {
        Some(file) => Keyring::from_file(file)?,
        None => Keyring::from_env("SEKISHO_KEYS")?,
    })
}

/// Takes nothing: owners are told by the service's own verifiers, which deliver again what waits.
struct LeftToTheService;

impl EventSink for LeftToTheService {
    async fn deliver(&self, _: &AccountId, _: &Event) -> Result<(), SinkError> {
        Err("the service tells".into())
    }
}

pub(crate) fn verifier(options: &Options, store: &AnyStore, keyring: Keyring) -> Verifier {
    let mut builder = Verifier::builder(store.boxed(), keyring);
    if let Some(secs) = options.restored_at {
        builder = builder.restored_at(UnixTime::from_secs(secs));
    }
    if options.without_notifications {
        builder.without_notifications().build()
    } else {
        builder.event_sink(LeftToTheService).build()
    }
}

pub(crate) async fn open(options: &Options) -> Result<(AnyStore, Verifier), Failed> {
    let keyring = keyring(options)?;
    let store = AnyStore::open_existing(&options.store).await?;
    let verifier = verifier(options, &store, keyring);
    Ok((store, verifier))
}

/// An account's id as somebody types it: its text, or `hex:` and its bytes.
pub(crate) fn account(text: &str) -> Result<AccountId, Failed> {
    match text.strip_prefix("hex:") {
        Some(digits) => {
            Ok(AccountId::new(base16ct::mixed::decode_vec(digits).map_err(|_| "hex: takes two digits a byte")?)?)
        }
        None => Ok(AccountId::new(text)?),
    }
}

/// The same, to be shown.
pub(crate) fn shown(account: &AccountId) -> String {
    // A text that would be read as another account's, or turns the line that it stands in, is none.
    let is_plain = |text: &&str| !text.starts_with("hex:") && Text::new(text).is_ok();
    match core::str::from_utf8(account.as_bytes()).ok().filter(is_plain) {
        Some(text) => text.into(),
        None => format!("hex:{}", base16ct::lower::encode_string(account.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::{account, shown};

    #[test]
    fn what_is_shown_of_an_account_is_read_as_that_account() {
        for (text, expected) in [
            ("alice", "alice"),
            ("alice@example.com", "alice@example.com"),
            ("hex:616c696365", "hex:6865783a363136633639363336 35"),
            ("two\nlines", "hex:74776f0a6c696e6573"),
            ("\u{202e}ecila", "hex:e280ae6563696c61"),
        ] {
            let id = sekisho::account::AccountId::new(text).unwrap();
            assert_eq!(shown(&id), expected.replace(' ', ""), "{text}");
            assert_eq!(account(&shown(&id)).unwrap(), id);
        }
        assert_eq!(shown(&account("hex:ff00").unwrap()), "hex:ff00");
    }
}
