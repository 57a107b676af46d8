//! The store and the keys are set up, and checked.

use crate::options::Options;
use crate::out::{Failed, Out};
use crate::stores::{AnyStore, open, verifier};
use sekisho::account::Policy;
use sekisho::otp::Digits;
use sekisho::seal::Keyring;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

pub(crate) async fn init(options: &Options, out: Out) -> Result<(), Failed> {
    let file = options.keys.as_deref().ok_or("name the file of the sealing keys: --keys FILE")?;
    let is_new = make_key(file)?;
    let ring = Keyring::from_file(file)?;
    let store = AnyStore::open(&options.store).await?;
    store.create().await?;
    verifier(options, &store, ring).ready().await?;
    let key = if is_new { "made" } else { "there already" };
    let text = format!(
        "the key is {key}, in {}: back it up apart from the store, since without it no record opens\n\
         the store is ready: next, `sekisho import`, or start the service",
        file.display()
    );
    out.say(&text, &json!({ "key": key, "ready": true }));
    Ok(())
}

/// Makes a key that only the file's owner can read. Gives whether there was none.
fn make_key(file: &Path) -> Result<bool, Failed> {
    let mut new = OpenOptions::new();
    new.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
    match new.open(file) {
        Ok(mut file) => {
            let mut bytes = zeroize::Zeroizing::new([0; 32]);
            rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut *bytes)?;
            writeln!(file, "1:{}", *zeroize::Zeroizing::new(base16ct::lower::encode_string(&*bytes)))?;
            file.sync_all()?;
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn check(options: &Options, out: Out) -> Result<(), Failed> {
    let (store, verifier) = open(options).await?;
    verifier.ready().await?;
    let (now, accounts) = (verifier.now()?, store.accounts().await?);
    // One of them tells whether these are its keys.
    if let Some(account) = accounts.first() {
        verifier.view(account).await?;
    }
    let text = format!("ready: {} accounts, the clock reads {} (Unix time)", accounts.len(), now.as_secs());
    out.say(&text, &json!({ "ready": true, "accounts": accounts.len(), "now": now.as_secs() }));
    Ok(())
}

pub(crate) fn policy(out: Out) {
    let policy = Policy::default();
    let limits = policy.limits();
    let risk = policy.risk(limits.max_authenticators, Digits::Six);
    let text = format!(
        "authenticators: {} at most\nholds: {} s after a change of binding, {} s after a reset\na pass waits: {} s\n\
         a guesser's chance in a year, all doors together: {:.3} %",
        limits.max_authenticators,
        limits.binding_hold_secs,
        limits.reset_hold_secs,
        limits.pass_secs,
        risk.chance * 100.0
    );
    let value = json!({
        "max_authenticators": limits.max_authenticators,
        "binding_hold_secs": limits.binding_hold_secs,
        "reset_hold_secs": limits.reset_hold_secs,
        "pass_secs": limits.pass_secs,
        "chance_in_a_year": risk.chance,
    });
    out.say(&text, &value);
}
