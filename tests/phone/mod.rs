//! Parts that tests of accounts have in common: the owner's app, and the keys records are sealed
//! under.
#![allow(dead_code)] // no test uses all of it

pub(crate) mod envelope;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use sekisho::account::{
    Account, AccountId, AccountLimits, AccountView, Attempt, AuthenticatorKind, AuthenticatorView, Enrollment,
    NewAuthenticator, Operator, Policy, Purpose,
};
use sekisho::otp::{Key, NotAccepted, OtpauthUri, Rejection, Secret, Step, Totp, UnixTime};
use sekisho::seal::{KeyId, Keyring, SealingKey, Stored};

/// A moment in 2027, at the beginning of a step of thirty seconds.
pub(crate) const T: u64 = 1_800_000_000;

pub(crate) fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(secs)
}

pub(crate) fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// The same keys each time, another for every byte.
pub(crate) fn key(byte: u8) -> SealingKey {
    SealingKey::from_bytes(key_bytes(byte)).unwrap()
}

fn key_bytes(byte: u8) -> [u8; 32] {
    core::array::from_fn(|place| byte ^ u8::try_from(place).unwrap())
}

/// The same keys each time.
pub(crate) fn keyring() -> Keyring {
    Keyring::new(KeyId::new(1), key(7))
}

/// The record inside an envelope that [`keyring`] has sealed.
pub(crate) fn record_in(account: &AccountId, stored: &Stored) -> Vec<u8> {
    envelope::open_record(&key_bytes(7), account, stored)
}

/// An envelope as [`keyring`] would make it, around any bytes in the place of a record.
pub(crate) fn with_record(account: &AccountId, record: &[u8]) -> Stored {
    envelope::seal_record(&key_bytes(7), account, record)
}

/// The policy of tests that withdraw by plain proofs. (With the default one, withdrawals are acts:
/// see `acts.rs`.)
pub(crate) fn policy() -> Policy {
    Policy::new(limits()).unwrap()
}

pub(crate) fn limits() -> AccountLimits {
    AccountLimits { purposes: vec![Purpose::WITHDRAWAL], acts: Vec::new(), ..AccountLimits::default() }
}

/// The record of a new account, as it is stored.
pub(crate) fn created(id: &AccountId, secs: u64) -> Stored {
    let change = Account::create(id.clone(), at(secs), &mut rng());
    keyring().seal(change, &mut rng()).unwrap().0.unwrap().new
}

pub(crate) fn new_authenticator() -> NewAuthenticator {
    NewAuthenticator::new("Example", "alice@example.com").unwrap()
}

/// Parameters and drift of an app.
pub(crate) fn app(view: &AuthenticatorView) -> (Totp, i32) {
    match &view.kind {
        AuthenticatorKind::App { totp, drift, .. } => (*totp, *drift),
        kind => panic!("{kind:?}"),
    }
}

/// An authenticator app.
pub(crate) struct Phone {
    pub(crate) key: Key,
    secret: Secret,
    /// Of its enrollment, as the owner's session has it; empty where there was none.
    handle: String,
}

impl Phone {
    pub(crate) fn of(enrollment: &Enrollment) -> Self {
        let handle = enrollment.handle().to_text().expose().clone();
        Self { handle, ..Self::with(enrollment.uri().secret(), enrollment.uri().totp()) }
    }

    pub(crate) fn with(secret: &Secret, totp: Totp) -> Self {
        Self { key: totp.key(secret), secret: secret.clone(), handle: String::new() }
    }

    /// The attempt that confirms its enrollment, with what it shows at `secs`.
    pub(crate) fn confirming(&self, secs: u64) -> Attempt {
        Attempt::new(Purpose::BINDING, &self.shows(secs, 0)).with_enrollment(&self.handle)
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The code that it shows at `secs` by our clock, `offset` steps off.
    pub(crate) fn shows(&self, secs: u64, offset: i64) -> String {
        self.key.code_at(self.step(secs).saturating_offset(offset)).reveal().to_string()
    }

    pub(crate) fn step(&self, secs: u64) -> Step {
        self.key.totp().step_at(at(secs)).unwrap()
    }

    /// A code that it does not show within a day of `secs`: `which` tells several apart.
    pub(crate) fn never_shows(&self, secs: u64, which: u32) -> String {
        let codes = (0..).map(|number: u32| format!("{:06}", (number * 7_919 + which * 104_729) % 1_000_000));
        let shown = |code: &String| (-2_880..=2_880).any(|offset| self.shows(secs, offset) == *code);
        codes.into_iter().find(|code| !shown(code)).unwrap()
    }

    /// The same secret, to be brought in again.
    pub(crate) fn again(&self) -> NewAuthenticator {
        let uri = OtpauthUri::new("Example", "alice@example.com", self.secret.clone(), self.key.totp()).unwrap();
        NewAuthenticator::imported(&uri).unwrap()
    }
}

pub(crate) fn operator(name: &str, reason: &str) -> Operator {
    Operator::new(name, reason).unwrap()
}

/// The answer to a code, where there is one.
#[track_caller]
pub(crate) fn answer<T, E: std::fmt::Display>(answered: Result<T, NotAccepted<E>>) -> Result<T, Rejection> {
    match answered {
        Ok(accepted) => Ok(accepted),
        Err(NotAccepted::Rejected(rejection)) => Err(rejection),
        Err(NotAccepted::Failed(error)) => panic!("{error}"),
    }
}

/// The purposes that are held, and until when.
pub(crate) fn held(view: &AccountView) -> Vec<(Purpose, UnixTime)> {
    view.holds.iter().map(|hold| (hold.purpose, hold.until)).collect()
}

/// A set of recovery codes, made and kept.
#[cfg(feature = "verifier")]
pub(crate) async fn kept_codes<S: sekisho::store::Store>(
    verifier: &sekisho::Verifier<S>,
    proof: sekisho::account::Proof,
) -> Result<sekisho::account::RecoveryCodes, sekisho::Error> {
    let account = proof.account().clone();
    let sheet = verifier.issue_recovery_codes(proof).await?;
    verifier.keep_recovery_codes(&account, sheet.handle().to_text().expose()).await?;
    Ok(sheet.into_codes())
}
