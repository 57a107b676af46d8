//! Who the customers are. A real exchange has tables for this; here each is one sealed record, changed by compare-and-swap like Sekisho's own, and
//! found by a second record that an address leads to.

use crate::language::Language;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use sekisho::Verifier;
use sekisho::account::AccountId;
use sekisho::seal::{Keyring, Revision, SealError, Write};
use sekisho::store::{BoxStore, Store, StoreError, Swap};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Withdrawals that are kept to be shown, and to know one that is asked for again: as many as codes are accepted in ten minutes.
const KEPT: usize = 32;

/// A customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Customer {
    /// In lower case.
    pub email: String,
    /// What Sekisho knows the customer by: not the address, which may change.
    pub account: String,
    /// PHC string.
    pub password: String,
    /// What mails are written in.
    pub language: Language,
    /// In yen.
    pub balance: u64,
    /// The latest, newest first.
    pub withdrawals: Vec<Withdrawal>,
}

/// Money that has left.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Which one it is, however often it is asked for.
    pub name: [u8; 16],
    /// In yen.
    pub amount: u64,
    /// The account that it went to.
    pub to: String,
    /// In Unix seconds.
    pub at: u64,
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
pub struct Customers(Arc<(BoxStore, Keyring)>);

impl Customer {
    /// What Sekisho knows the customer by.
    ///
    /// # Errors
    /// If the record was tampered with.
    pub fn account(&self) -> Result<AccountId, CustomerError> {
        AccountId::new(&self.account).map_err(|_| CustomerError::Unknown)
    }
}

impl Customers {
    /// Kept in `store`, sealed by `keyring`.
    #[must_use]
    pub fn new(store: BoxStore, keyring: Keyring) -> Self {
        Self(Arc::new((store, keyring)))
    }

    /// Adds a customer, with a million yen to try with. `verifier` creates the account first: should
    /// this end in between, an account is left that nobody has, and no customer without an account.
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
        let customer = Customer { email, account, password, language, balance: 1_000_000, withdrawals: Vec::new() };
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

    /// Takes an amount from the balance, once for a name: a second time nothing is taken, and all is well.
    ///
    /// # Errors
    /// [`CustomerError::Balance`]; the store's.
    pub async fn withdraw(&self, account: &AccountId, withdrawal: &Withdrawal) -> Result<Customer, CustomerError> {
        loop {
            let (revision, mut customer) = self.read(account).await?.ok_or(CustomerError::Unknown)?;
            if customer.withdrawals.iter().any(|own| own.name == withdrawal.name) {
                return Ok(customer);
            }
            customer.balance = customer.balance.checked_sub(withdrawal.amount).ok_or(CustomerError::Balance)?;
            customer.withdrawals.insert(0, withdrawal.clone());
            customer.withdrawals.truncate(KEPT);
            if self.write(&account_key(account)?, Some(revision), &serde_json::to_vec(&customer)?).await? == Swap::Done
            {
                return Ok(customer);
            }
        }
    }

    async fn read(&self, account: &AccountId) -> Result<Option<(Revision, Customer)>, CustomerError> {
        let Some((revision, bytes)) = self.read_bytes(&account_key(account)?).await? else { return Ok(None) };
        Ok(Some((revision, serde_json::from_slice(&bytes)?)))
    }

    async fn read_bytes(&self, key: &AccountId) -> Result<Option<(Revision, Vec<u8>)>, CustomerError> {
        let (store, keyring) = &*self.0;
        let Some(stored) = store.load(key).await? else { return Ok(None) };
        let bytes = keyring.open_bytes(key, &stored)?.expose().clone();
        Ok(Some((stored.revision, bytes)))
    }

    async fn write(&self, key: &AccountId, expected: Option<Revision>, bytes: &[u8]) -> Result<Swap, CustomerError> {
        let (store, keyring) = &*self.0;
        let new = keyring.seal_bytes(key, bytes, &mut UnwrapErr(SysRng))?;
        Ok(store.swap(key, &Write { expected, new }).await?)
    }
}

/// What a customer is found by. No record of these can stand in the place of one of Sekisho's: their keys differ.
fn account_key(account: &AccountId) -> Result<AccountId, CustomerError> {
    AccountId::new([b"customer:", account.as_bytes()].concat()).map_err(|_| CustomerError::Unknown)
}

/// What leads from an address to its customer.
fn email_key(email: &str) -> Result<AccountId, CustomerError> {
    AccountId::new(format!("email:{email}")).map_err(|_| CustomerError::Address)
}

/// An address as it is kept: 3 to 100 bytes, an @ within, and nothing that an otpauth URI could not show (a colon).
fn normal(email: &str) -> Option<String> {
    let email = email.trim().to_lowercase();
    let (name, host) = email.split_once('@')?;
    let is_address = !name.is_empty() && !host.is_empty() && (3..=100).contains(&email.len());
    (is_address && !email.chars().any(|c| c == ':' || c.is_control() || c.is_whitespace())).then_some(email)
}
