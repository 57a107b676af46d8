//! Who the customers are. A real exchange has tables for this; here each is one sealed record, changed by compare-and-swap like Sekisho's own.

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use sekisho::account::AccountId;
use sekisho::seal::{Keyring, SealError};
use sekisho::store::{BoxStore, Store, StoreError, Swap, Write};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Withdrawals that are kept to be shown.
const KEPT: usize = 20;

/// A customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Customer {
    /// In lower case.
    pub email: String,
    /// What Sekisho knows the customer by: not the address, which may change.
    pub id: String,
    /// PHC string.
    pub password: String,
    /// In yen.
    pub balance: u64,
    /// The latest, newest first.
    pub withdrawals: Vec<Withdrawal>,
}

/// Money that has left.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Withdrawal {
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
        AccountId::new(&self.id).map_err(|_| CustomerError::Unknown)
    }
}

impl Customers {
    /// Kept in `store`, sealed by `keyring`.
    #[must_use]
    pub fn new(store: BoxStore, keyring: Keyring) -> Self {
        Self(Arc::new((store, keyring)))
    }

    /// Adds a customer, with a million yen to try with.
    ///
    /// # Errors
    /// [`CustomerError::Taken`], [`CustomerError::Address`]; the store's.
    pub async fn add(&self, email: &str, password: String) -> Result<Customer, CustomerError> {
        let number: [u8; 12] = rand::random();
        let id = format!("customer-{}", base16ct::lower::encode_string(&number));
        let email = normal(email).ok_or(CustomerError::Address)?;
        let customer = Customer { email, id, password, balance: 1_000_000, withdrawals: Vec::new() };
        match self.write(None, &customer).await? {
            Swap::Done => Ok(customer),
            Swap::Lost => Err(CustomerError::Taken),
        }
    }

    /// Finds one by address.
    ///
    /// # Errors
    /// The store's.
    pub async fn find(&self, email: &str) -> Result<Option<Customer>, CustomerError> {
        let Some(email) = normal(email) else { return Ok(None) };
        Ok(self.read(&email).await?.map(|(_, customer)| customer))
    }

    /// Takes an amount from the balance, once.
    ///
    /// # Errors
    /// [`CustomerError::Balance`]; the store's.
    pub async fn withdraw(&self, email: &str, withdrawal: Withdrawal) -> Result<(), CustomerError> {
        loop {
            let (revision, mut customer) = self.read(email).await?.ok_or(CustomerError::Unknown)?;
            customer.balance = customer.balance.checked_sub(withdrawal.amount).ok_or(CustomerError::Balance)?;
            customer.withdrawals.insert(0, withdrawal.clone());
            customer.withdrawals.truncate(KEPT);
            if self.write(Some(revision), &customer).await? == Swap::Done {
                return Ok(());
            }
        }
    }

    async fn read(&self, email: &str) -> Result<Option<(sekisho::seal::Revision, Customer)>, CustomerError> {
        let (store, keyring) = &*self.0;
        let key = key(email)?;
        let Some(stored) = store.load(&key).await? else { return Ok(None) };
        let customer = serde_json::from_slice(keyring.open_bytes(&key, &stored)?.expose())?;
        Ok(Some((stored.revision, customer)))
    }

    async fn write(
        &self,
        expected: Option<sekisho::seal::Revision>,
        customer: &Customer,
    ) -> Result<Swap, CustomerError> {
        let (store, keyring) = &*self.0;
        let key = key(&customer.email)?;
        let new = keyring.seal_bytes(&key, &serde_json::to_vec(customer)?, &mut UnwrapErr(SysRng))?;
        Ok(store.swap(&key, &Write { expected, new }).await?)
    }
}

/// No customer's record can stand in the place of an account's: their keys begin differently.
fn key(email: &str) -> Result<AccountId, CustomerError> {
    AccountId::new(format!("email:{email}")).map_err(|_| CustomerError::Address)
}

/// An address as it is kept: 3 to 100 bytes, an @ within.
fn normal(email: &str) -> Option<String> {
    let email = email.trim().to_lowercase();
    let (name, host) = email.split_once('@')?;
    let is_address = !name.is_empty() && !host.is_empty() && (3..=100).contains(&email.len());
    (is_address && !email.chars().any(|c| c.is_control() || c.is_whitespace())).then_some(email)
}
