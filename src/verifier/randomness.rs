//! The operating system's randomness, for transitions that take a generator which cannot fail.

use core::convert::Infallible;
use rand::rngs::{SysError, SysRng};
use rand::{TryCryptoRng, TryRng};

/// Draws from the operating system. Should that fail, what was drawn is not random, and
/// [`check`](Self::check) says so: ask before anything of it is used.
pub(super) struct Randomness(Result<(), SysError>);

impl Randomness {
    pub(super) const fn new() -> Self {
        Self(Ok(()))
    }

    /// Fails if something that was drawn was not random.
    pub(super) const fn check(&self) -> Result<(), SysError> {
        self.0
    }
}

impl TryRng for Randomness {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        if let Err(error) = SysRng.try_fill_bytes(bytes) {
            self.0 = Err(error);
        }
        Ok(())
    }
}

impl TryCryptoRng for Randomness {}
