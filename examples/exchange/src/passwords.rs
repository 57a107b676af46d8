//! Passwords: Argon2id with the crate's defaults. Demo-grade: no check against leaked ones, no
//! rehashing when the cost is raised.

use crate::stores::OpenError;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, PasswordHash};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::Arc;
use tokio::sync::{Semaphore, oneshot};

/// Characters that a password has at least, and bytes at the most.
pub const LENGTHS: std::ops::RangeInclusive<usize> = 8..=256;

/// Hashes as many at a time as there are processors, on threads of their own: each takes one for
/// about 20 ms, and 19 MiB, which stay with the thread.
#[derive(Clone, Debug)]
pub struct Passwords {
    threads: Arc<ThreadPool>,
    turns: Arc<Semaphore>,
    /// Checked where there is no customer, so that the time does not tell.
    nobodys: Arc<str>,
}

impl Passwords {
    /// For this machine.
    ///
    /// # Errors
    /// If the operating system gives no randomness, or no threads.
    pub fn new() -> Result<Self, OpenError> {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let nobodys = hash("nobody's").map_err(|error| error.to_string())?;
        let threads = Arc::new(ThreadPoolBuilder::new().num_threads(processors).build()?);
        Ok(Self { threads, turns: Arc::new(Semaphore::new(processors)), nobodys: nobodys.into() })
    }

    /// The hash to keep.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub async fn hash(&self, password: String) -> Result<String, argon2::password_hash::Error> {
        self.in_turn(move || hash(&password)).await.unwrap_or(Err(argon2::password_hash::Error::Crypto))
    }

    /// Whether it is the password of that hash; never, if there is none.
    pub async fn is_right(&self, password: String, kept: Option<String>) -> bool {
        let (is_somebodys, kept) = (kept.is_some(), kept.unwrap_or_else(|| self.nobodys.to_string()));
        let check = move || {
            let kept = PasswordHash::new(&kept).ok()?;
            Argon2::default().verify_password(password.as_bytes(), &kept).ok()
        };
        self.in_turn(check).await.flatten().is_some() && is_somebodys
    }

    /// The turn goes with the work: whoever asks and goes away does not get more of it done at a
    /// time.
    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let turn = self.turns.clone().acquire_owned().await.ok()?;
        let (answer, answered) = oneshot::channel();
        self.threads.spawn(move || {
            let done = work();
            drop(turn);
            let _nobody_waits = answer.send(done);
        });
        answered.await.ok()
    }
}

fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())
}
