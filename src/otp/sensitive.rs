//! Text and images that carry a secret.

use core::fmt;
use zeroize::Zeroize;

/// A value that carries a secret: base32 text, an otpauth URI, a QR code. Redacted in `Debug`,
/// without `Display`, wiped on drop.
///
/// ```
/// use sekisho::otp::Secret;
///
/// let text = Secret::new(b"12345678901234567890")?.to_base32();
/// assert_eq!(text.expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
/// assert_eq!(format!("{text:?}"), "Sensitive(..)");
/// # Ok::<(), sekisho::otp::SecretError>(())
/// ```
pub struct Sensitive<T: Zeroize>(T);

impl<T: Zeroize> Sensitive<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    pub(crate) const fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }

    /// The value itself: for the owner's eyes, once.
    #[must_use]
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Sensitive<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sensitive(..)")
    }
}
