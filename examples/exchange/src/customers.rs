//! The customers. A real exchange has tables for this; here each is one sealed record,
//! changed by compare-and-swap like Sekisho's own, and found by a second record that an address
//! leads to.

use crate::language::Language;
use crate::stores::Listed;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use sekisho::Verifier;
use sekisho::account::{AccountId, Address};
use sekisho::seal::{Keyring, Revision, SealError, Write};
use sekisho::store::{BoxStore, Store, StoreError, Swap};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Mutex;

/// Withdrawals that are kept to be shown, and to know one that is asked for again: as many as codes
/// are accepted in ten minutes. Those that wait are kept in any case.
const KEPT: usize = 32;
/// Withdrawals of the last day are kept too: no form that one could be sent again from is older, in
/// seconds.
const RECENT_SECS: u64 = 86_400;
/// Nobody takes longer to write a withdrawal that was announced in the queue, in seconds: stores
/// have time-outs.
const ANNOUNCED_SECS: u64 = 120;
/// The queue of withdrawals that may wait.
const WITHDRAWALS: &str = "queue";
/// The queue of recoveries that may wait.
const RECOVERIES: &str = "recoveries";
/// For so long after a mail has set the password, a mail alone recovers nothing, in seconds: longer
/// than a recovery waits.
const MAILED_SECS: u64 = 7 * 86_400;
/// Links that set a new password and are good at a time.
const LINKS: usize = 3;

/// A customer.
#[derive(Clone, Serialize, Deserialize)]
pub struct Customer {
    /// In lower case.
    pub email: String,
    /// The name that Sekisho knows the customer by: not the address, which may change.
    pub account: String,
    /// PHC string.
    pub password: String,
    /// The language that mails are written in.
    pub language: Language,
    /// In yen.
    pub balance: u64,
    /// The latest, newest first.
    pub withdrawals: Vec<Withdrawal>,
    /// The latest links that were mailed, by which a new password is set.
    #[serde(default)]
    pub resets: Vec<PasswordReset>,
    /// The number of times that the password was set: sessions of an earlier one have ended.
    #[serde(default)]
    pub passwords: u32,
    /// The time when the password was last set by a link in a mail, in Unix seconds.
    #[serde(default)]
    pub reset_at: Option<u64>,
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer").field("account", &self.account).finish_non_exhaustive()
    }
}

/// A link that sets a new password.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PasswordReset {
    /// SHA-256 of its token.
    hash: [u8; 32],
    /// In Unix seconds.
    until: u64,
}

/// Money that leaves. It is taken from the balance at once, and paid later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The authorization's id: one withdrawal has one, however often it is asked for.
    pub id: [u8; 32],
    /// In yen.
    pub amount: u64,
    /// The account that it goes to.
    pub to: String,
    /// In Unix seconds.
    pub at: u64,
    /// Its state.
    pub state: WithdrawalState,
}

/// The state of a withdrawal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WithdrawalState {
    /// It waits to be paid.
    Waits {
        /// [`Authorization::to_bytes`](sekisho::account::Authorization::to_bytes).
        authorization: Vec<u8>,
    },
    /// The money has left.
    Paid,
    /// The authorization did not stand any more: the money is back.
    Stopped,
}

impl Withdrawal {
    /// The hash of what a code for a withdrawal confirms.
    #[must_use]
    pub fn context(amount: u64, to: &str) -> [u8; 32] {
        Sha256::digest(format!("withdraw {amount} to {to}")).into()
    }
}

/// A customer with something that may wait, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    account: String,
    at: u64,
}

impl Queued {
    /// The account of the customer.
    ///
    /// # Errors
    /// If the record was tampered with.
    pub fn account(&self) -> Result<AccountId, CustomerError> {
        AccountId::new(&self.account).map_err(|_| CustomerError::Unknown)
    }
}

/// Why customers could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum CustomerError {
    /// The store failed.
    #[error("the customers' store has failed: see its own error")]
    Store(#[from] StoreError),
    /// The record does not open.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The record is not one of a customer.
    #[error("a customer's record cannot be read")]
    Record(#[from] serde_json::Error),
    /// Somebody has signed up with the address before.
    #[error("the address is taken")]
    Taken,
    /// The account could not be created.
    #[error(transparent)]
    Account(#[from] sekisho::Error),
    /// There is no such customer.
    #[error("there is no such customer")]
    Unknown,
    /// No address of e-mail.
    #[error("that is no address")]
    Address,
    /// Not as much is there.
    #[error("the balance does not suffice")]
    Balance,
}

/// All customers.
#[derive(Clone, Debug)]
pub struct Customers(Arc<(BoxStore, Keyring, Mutex<Listed>)>);

impl Customer {
    /// The name that Sekisho knows the customer by.
    ///
    /// # Errors
    /// If the record was tampered with.
    pub fn account(&self) -> Result<AccountId, CustomerError> {
        AccountId::new(&self.account).map_err(|_| CustomerError::Unknown)
    }
}

impl Customer {
    /// Returns whether the password was set by a mail within seven days. A mailbox that gives a new
    /// password and confirms a recovery would be the only factor.
    #[must_use]
    pub fn is_password_new(&self, now: u64) -> bool {
        self.reset_at.is_some_and(|at| now.saturating_sub(at) < MAILED_SECS)
    }

    /// A hash of 256 random bits: comparing it tells nothing.
    fn is_reset_by(&self, hash: [u8; 32], now: u64) -> bool {
        self.resets.iter().any(|reset| reset.hash == hash && now < reset.until)
    }

    /// Sets another password: links that were mailed end, and sessions.
    fn set_password(&mut self, hash: &str) {
        self.password = hash.into();
        self.resets.clear();
        self.passwords = self.passwords.saturating_add(1);
    }
}

impl Customers {
    /// Kept in `store`, sealed by `keyring`, found by the keys that `listed` has.
    #[must_use]
    pub fn new(store: BoxStore, keyring: Keyring, listed: Listed) -> Self {
        Self(Arc::new((store, keyring, Mutex::new(listed))))
    }

    /// The first addresses that contain `part`, which has three characters at least. All keys are
    /// looked through, which is enough for trying: a real exchange asks its tables.
    ///
    /// # Errors
    /// The store's.
    pub async fn addresses_with(&self, part: &str, limit: usize) -> Result<Vec<String>, CustomerError> {
        let part = part.trim().to_lowercase();
        if part.chars().count() < 3 {
            return Ok(Vec::new());
        }
        // One search at a time: each looks through everything.
        let keys = self.0.2.lock().await.keys().await?;
        let addresses = keys.iter().filter_map(|key| std::str::from_utf8(key.as_bytes()).ok()?.strip_prefix("email:"));
        let mut found: Vec<_> = addresses.filter(|address| address.contains(&part)).map(ToOwned::to_owned).collect();
        found.sort_unstable();
        found.truncate(limit);
        Ok(found)
    }

    /// Adds a customer, with a million yen to try with. `verifier` creates the account first:
    /// should this end in between, an account is left that nobody has, and no customer without an
    /// account.
    ///
    /// # Errors
    /// [`CustomerError::Taken`], [`CustomerError::Address`]; the verifier's and the store's.
    pub async fn add(
        &self,
        verifier: &Verifier,
        email: &str,
        password: String,
        language: Language,
    ) -> Result<Customer, CustomerError> {
        let email = normal(email).ok_or(CustomerError::Address)?;
        let by_email = email_key(&email)?;
        if self.read_bytes(&by_email).await?.is_some() {
            return Err(CustomerError::Taken);
        }
        let account = format!("c-{}", base16ct::lower::encode_string(&rand::random::<[u8; 16]>()));
        let customer = Customer {
            email,
            account,
            password,
            language,
            balance: 1_000_000,
            withdrawals: Vec::new(),
            resets: Vec::new(),
            passwords: 0,
            reset_at: None,
        };
        verifier.create_account(&customer.account()?).await?;
        // The address last: until then nobody finds the customer, should this end here.
        let by_account = account_key(&customer.account()?)?;
        if self.write(&by_account, None, &serde_json::to_vec(&customer)?).await? == Swap::Lost {
            return Err(CustomerError::Taken);
        }
        match self.write(&by_email, None, customer.account.as_bytes()).await? {
            Swap::Done => Ok(customer),
            Swap::Lost => Err(CustomerError::Taken),
        }
    }

    /// Finds one by the address of e-mail.
    ///
    /// # Errors
    /// The store's.
    pub async fn find(&self, email: &str) -> Result<Option<Customer>, CustomerError> {
        let Some(email) = normal(email) else { return Ok(None) };
        let Some((_, account)) = self.read_bytes(&email_key(&email)?).await? else { return Ok(None) };
        let account = AccountId::new(account).map_err(|_| CustomerError::Unknown)?;
        self.by_account(&account).await
    }

    /// Finds one by what Sekisho knows the customer by.
    ///
    /// # Errors
    /// The store's.
    pub async fn by_account(&self, account: &AccountId) -> Result<Option<Customer>, CustomerError> {
        Ok(self.read(account).await?.map(|(_, customer)| customer))
    }

    /// Sets another password; a link that was mailed ends.
    ///
    /// # Errors
    /// The store's.
    pub async fn set_password(&self, account: &AccountId, hash: &str) -> Result<Customer, CustomerError> {
        self.change(account, |customer| {
            customer.set_password(hash);
            Ok(())
        })
        .await
    }

    /// Keeps the hash of a link's token. Gives whether the link is to be mailed: three are good at
    /// a time, so that nobody ends another's or fills a mailbox.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin_reset(
        &self,
        account: &AccountId,
        hash: [u8; 32],
        now: u64,
        until: u64,
    ) -> Result<bool, CustomerError> {
        let customer = self
            .change(account, |customer| {
                customer.resets.retain(|reset| now < reset.until);
                if customer.resets.len() < LINKS {
                    customer.resets.push(PasswordReset { hash, until });
                }
                Ok(())
            })
            .await?;
        Ok(customer.is_reset_by(hash, now))
    }

    /// Returns whether a link with this token's hash is good.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_reset_by(&self, account: &AccountId, hash: [u8; 32], now: u64) -> Result<bool, CustomerError> {
        let customer = self.by_account(account).await?;
        Ok(customer.is_some_and(|customer| customer.is_reset_by(hash, now)))
    }

    /// Sets the password of a link that is good; the link ends.
    ///
    /// # Errors
    /// [`CustomerError::Unknown`] if it is not good any more; the store's.
    pub async fn finish_reset(
        &self,
        account: &AccountId,
        hash: [u8; 32],
        now: u64,
        password: &str,
    ) -> Result<(), CustomerError> {
        self.change(account, |customer| {
            if !customer.is_reset_by(hash, now) {
                return Err(CustomerError::Unknown);
            }
            customer.set_password(password);
            customer.reset_at = Some(now);
            Ok(())
        })
        .await
        .map(drop)
    }

    /// Takes an amount from the balance, once for an id: a second time nothing is taken, and all is
    /// well. The withdrawal waits to be paid.
    ///
    /// # Errors
    /// [`CustomerError::Balance`]; the store's.
    pub async fn withdraw(&self, account: &AccountId, withdrawal: &Withdrawal) -> Result<Customer, CustomerError> {
        // First: a withdrawal that is not in the queue would wait for ever.
        self.announce(WITHDRAWALS, account, withdrawal.at).await?;
        self.change(account, |customer| {
            if customer.withdrawals.iter().any(|own| own.id == withdrawal.id) {
                return Ok(());
            }
            customer.balance = customer.balance.checked_sub(withdrawal.amount).ok_or(CustomerError::Balance)?;
            customer.withdrawals.insert(0, withdrawal.clone());
            let mut kept = KEPT;
            customer.withdrawals.retain(|own| {
                let is_new = kept > 0;
                kept = kept.saturating_sub(1);
                let is_recent = withdrawal.at.saturating_sub(own.at) < RECENT_SECS;
                is_new || is_recent || matches!(own.state, WithdrawalState::Waits { .. })
            });
            Ok(())
        })
        .await
    }

    /// Ends the wait of a withdrawal, once: it is paid, or stopped and the money is back. Gives
    /// whether it has waited until now.
    ///
    /// # Errors
    /// The store's.
    pub async fn settle(&self, account: &AccountId, id: &[u8; 32], is_paid: bool) -> Result<bool, CustomerError> {
        let has_waited = AtomicBool::new(false);
        self.change(account, |customer| {
            has_waited.store(false, Ordering::Relaxed);
            let waiting = |own: &&mut Withdrawal| own.id == *id && matches!(own.state, WithdrawalState::Waits { .. });
            if let Some(own) = customer.withdrawals.iter_mut().find(waiting) {
                has_waited.store(true, Ordering::Relaxed);
                own.state = if is_paid { WithdrawalState::Paid } else { WithdrawalState::Stopped };
                customer.balance = customer.balance.saturating_add(if is_paid { 0 } else { own.amount });
            }
            Ok(())
        })
        .await?;
        Ok(has_waited.into_inner())
    }

    /// Customers whose withdrawals may wait.
    ///
    /// # Errors
    /// The store's.
    pub async fn queued(&self) -> Result<Vec<Queued>, CustomerError> {
        Ok(self.queue(WITHDRAWALS).await?.1)
    }

    /// Customers whose recoveries may wait.
    ///
    /// # Errors
    /// The store's.
    pub async fn recoveries(&self) -> Result<Vec<Queued>, CustomerError> {
        Ok(self.queue(RECOVERIES).await?.1)
    }

    /// Puts a customer among those, who is about to begin a recovery.
    ///
    /// # Errors
    /// The store's.
    pub async fn announce_recovery(&self, account: &AccountId, now: u64) -> Result<(), CustomerError> {
        self.announce(RECOVERIES, account, now).await
    }

    /// Takes customers out of whom no recovery waited at `now`.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_recoveries(&self, done: &[Queued], now: u64) -> Result<(), CustomerError> {
        self.take_out(RECOVERIES, done, now).await
    }

    /// Takes customers out of the queue of whom nothing waited at `now`, as they stood there. One
    /// who was put there lately, or again since, stays: the withdrawal may be on its way.
    ///
    /// # Errors
    /// The store's.
    pub async fn dequeue(&self, done: &[Queued], now: u64) -> Result<(), CustomerError> {
        self.take_out(WITHDRAWALS, done, now).await
    }

    async fn take_out(&self, key: &'static str, done: &[Queued], now: u64) -> Result<(), CustomerError> {
        let (revision, mut queue) = self.queue(key).await?;
        let before = queue.len();
        queue.retain(|own| now < own.at.saturating_add(ANNOUNCED_SECS) || !done.contains(own));
        if queue.len() < before {
            // Lost is as good: it is for the next time.
            let _ = self.write(&queue_key(key)?, revision, &serde_json::to_vec(&queue)?).await?;
        }
        Ok(())
    }

    async fn announce(&self, key: &'static str, account: &AccountId, at: u64) -> Result<(), CustomerError> {
        let account = String::from_utf8_lossy(account.as_bytes()).into_owned();
        loop {
            let (revision, mut queue) = self.queue(key).await?;
            queue.retain(|own| own.account != account);
            queue.push(Queued { account: account.clone(), at });
            if self.write(&queue_key(key)?, revision, &serde_json::to_vec(&queue)?).await? == Swap::Done {
                return Ok(());
            }
        }
    }

    async fn queue(&self, key: &'static str) -> Result<(Option<Revision>, Vec<Queued>), CustomerError> {
        Ok(match self.read_bytes(&queue_key(key)?).await? {
            Some((revision, bytes)) => (Some(revision), serde_json::from_slice(&bytes)?),
            None => (None, Vec::new()),
        })
    }

    async fn change(
        &self,
        account: &AccountId,
        change: impl Fn(&mut Customer) -> Result<(), CustomerError> + Send + Sync,
    ) -> Result<Customer, CustomerError> {
        loop {
            let (revision, mut customer) = self.read(account).await?.ok_or(CustomerError::Unknown)?;
            change(&mut customer)?;
            let bytes = serde_json::to_vec(&customer)?;
            if self.write(&account_key(account)?, Some(revision), &bytes).await? == Swap::Done {
                return Ok(customer);
            }
        }
    }

    async fn read(&self, account: &AccountId) -> Result<Option<(Revision, Customer)>, CustomerError> {
        let Some((revision, bytes)) = self.read_bytes(&account_key(account)?).await? else { return Ok(None) };
        Ok(Some((revision, serde_json::from_slice(&bytes)?)))
    }

    async fn read_bytes(&self, key: &AccountId) -> Result<Option<(Revision, Vec<u8>)>, CustomerError> {
        let (store, keyring, _) = &*self.0;
        let Some(stored) = store.load(key).await? else { return Ok(None) };
        let bytes = keyring.open_bytes(key, &stored)?.expose().clone();
        Ok(Some((stored.revision, bytes)))
    }

    async fn write(&self, key: &AccountId, expected: Option<Revision>, bytes: &[u8]) -> Result<Swap, CustomerError> {
        let (store, keyring, _) = &*self.0;
        let new = keyring.seal_bytes(key, bytes, &mut UnwrapErr(SysRng))?;
        Ok(store.swap(key, &Write { expected, new }).await?)
    }
}

/// The key that a customer is found by. No record of these can stand in the place of one of
/// Sekisho's: their keys differ.
fn account_key(account: &AccountId) -> Result<AccountId, CustomerError> {
    AccountId::new([b"customer:", account.as_bytes()].concat()).map_err(|_| CustomerError::Unknown)
}

/// The key of a queue. It is one record, which is enough for trying.
fn queue_key(key: &str) -> Result<AccountId, CustomerError> {
    AccountId::new(key).map_err(|_| CustomerError::Unknown)
}

/// The key of the record that leads from an address to its customer.
fn email_key(email: &str) -> Result<AccountId, CustomerError> {
    AccountId::new(format!("email:{email}")).map_err(|_| CustomerError::Address)
}

/// An address as it is kept: 3 to 100 bytes, an @ within, and nothing that an otpauth URI could not
/// show (a colon).
fn normal(email: &str) -> Option<String> {
    let email = email.trim().to_lowercase();
    let (name, host) = email.split_once('@')?;
    let is_address = !name.is_empty() && !host.is_empty() && (3..=100).contains(&email.len());
    // One address and no list, without marks that nobody sees.
    let is_one = Address::email(&email).is_ok() && !email.contains([':', ',', ';']);
    (is_address && is_one).then_some(email)
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn an_address_is_one_and_shows_all_of_itself() {
        assert_eq!(normal(" Alice@Example.com ").as_deref(), Some("alice@example.com"));
        for text in
            ["", "alice", "@example.com", "a@", "a@x.jp,b@x.jp", "a@x.jp;b@x.jp", "ali\u{200b}ce@x.jp", "a:b@x.jp"]
        {
            assert_eq!(normal(text), None, "{text:?}");
        }
    }
}
