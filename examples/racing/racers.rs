//! The tasks of one process.

use super::{Answer, Order, Run, Setup};
use crate::stores::{self, Failure, Watched};
use sekisho::Verifier;
use sekisho::account::{AccountId, Attempt, NewAuthenticator, Purpose};
use sekisho::otp::{Key, NotAccepted, OtpauthUri, Rejection, Secret, Totp, UnixTime};
use sekisho::seal::{KeyId, Keyring, SealingKey};
use sekisho::test_kit::TestClock;
use std::time::{Duration, Instant};

/// Raced at the same time, so that a store that commits groups is not waited for one by one.
pub(crate) const ACCOUNTS: usize = 16;

const START: u64 = 1_800_000_000;
/// Further apart than digits are remembered, so that no code is refused for one that happens to be
/// alike.
const ROUND_SECS: u64 = 630;

pub(crate) fn account(run: Run, number: u64) -> Result<AccountId, Failure> {
    Ok(AccountId::new(format!("race {} {number}", run.name))?)
}

pub(crate) fn at(round: u64) -> UnixTime {
    UnixTime::from_secs(START + round * ROUND_SECS)
}

fn secret(number: u64) -> Result<Secret, Failure> {
    let mut bytes = [1; 20];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Ok(Secret::new(&bytes)?)
}

fn code(key: &Key, time: UnixTime) -> Result<String, Failure> {
    Ok(key.code_at(key.totp().step_at(time)?).reveal().to_string())
}

/// The tasks of one process, each with a verifier of its own: those of one verifier would take
/// turns.
#[derive(Clone)]
pub(crate) struct Racers {
    verifiers: Vec<Verifier<Watched>>,
    pub(crate) clock: TestClock,
    pub(crate) store: Watched,
    run: Run,
}

impl Racers {
    /// On a store that may be away for so long.
    pub(crate) async fn new(setup: &Setup, run: Run, patience: Duration) -> Result<Self, Failure> {
        let begun = Instant::now();
        let store = loop {
            match stores::open(&setup.store, setup.deadline).await {
                Ok(store) => break Watched::new(store),
                Err(error) if begun.elapsed() >= patience => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        let keyring = || Keyring::new(KeyId::new(1), SealingKey::from_bytes(run.key).unwrap());
        let clock = TestClock::at(at(0));
        let verifier =
            || Verifier::builder(store.clone(), keyring()).clock(clock.clone()).without_notifications().build();
        let verifiers = (0..setup.tasks).map(|_| verifier()).collect();
        Ok(Self { verifiers, clock, store, run })
    }

    pub(crate) fn verifier(&self) -> &Verifier<Watched> {
        &self.verifiers[0]
    }

    pub(crate) async fn enroll(&self, number: u64) -> Result<(), Failure> {
        let uri = OtpauthUri::new("Race", "race", secret(number)?, Totp::DEFAULT)?;
        let (id, key) = (account(self.run, number)?, uri.totp().key(uri.secret()));
        self.clock.set(at(0));
        self.verifier().create_account(&id).await?;
        let _ = self.verifier().enroll_first(&id, NewAuthenticator::imported(&uri)?).await?;
        let later = UnixTime::from_secs(START + 30);
        self.clock.set(later);
        let _proof = self.verifier().confirm(&id, Attempt::new(Purpose::BINDING, &code(&key, later)?)).await?;
        Ok(())
    }

    /// Does what is ordered; gives the submissions that were not answered. `process` tells apart
    /// what the processes guess.
    pub(crate) async fn obey(
        &self,
        order: Order,
        process: u64,
        tell: impl Fn(Answer) + Clone + Send + 'static,
    ) -> Result<u64, Failure> {
        let mut tasks = Vec::new();
        let submissions = self.submissions(order, process)?;
        for ((number, id, code), verifier) in submissions.into_iter().zip(self.verifiers.iter().cycle()) {
            let (verifier, tell, attempt) = (verifier.clone(), tell.clone(), Attempt::new(Purpose::LOGIN, &code));
            tasks.push(tokio::spawn(async move {
                match verifier.verify(&id, attempt).await {
                    Ok(_) => tell(Answer::Accepted(number)),
                    Err(NotAccepted::Rejected(Rejection::Mismatch(_))) => tell(Answer::Mismatch),
                    Err(NotAccepted::Rejected(_)) => {}
                    Err(NotAccepted::Failed(error)) if error.is_transient() => return Ok(1),
                    Err(NotAccepted::Failed(error)) => return Err(error),
                }
                Ok(0)
            }));
        }
        let mut unanswered = 0;
        for task in tasks {
            unanswered += task.await??;
        }
        Ok(unanswered)
    }

    fn submissions(&self, order: Order, process: u64) -> Result<Vec<(usize, AccountId, String)>, Failure> {
        let mut submissions = Vec::new();
        match order {
            Order::Round(round) => {
                self.clock.set(at(round));
                for number in 0..ACCOUNTS {
                    let (id, secret) = (account(self.run, number as u64)?, secret(number as u64)?);
                    let code = code(&Totp::DEFAULT.key(&secret), at(round))?;
                    submissions.extend(std::iter::repeat_n((number, id, code), self.verifiers.len()));
                }
            }
            Order::Guess { round, number, guesses } => {
                self.clock.set(at(round));
                let (id, key) = (account(self.run, number)?, Totp::DEFAULT.key(&secret(number)?));
                let present = key.totp().step_at(at(round))?;
                let shown = (-30..5).map(|offset| key.code_at(present.saturating_offset(offset)).reveal().to_string());
                let shown: Vec<_> = shown.collect();
                let wrong = (process * 100_000..).map(|which| format!("{:06}", which % 1_000_000));
                let wrong = wrong.filter(|code| !shown.contains(code)).take(usize::try_from(guesses)?);
                submissions.extend(wrong.map(|code| (0, id.clone(), code)));
            }
        }
        Ok(submissions)
    }
}
