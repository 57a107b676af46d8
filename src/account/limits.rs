//! How much one record holds, whatever the policy: what is read beyond it is nonsense, so a record has a largest size.

/// Authenticators.
pub(super) const AUTHENTICATORS: usize = 16;
/// Events kept.
pub(super) const EVENTS: usize = 32;
/// Passes not used yet.
pub(super) const PASSES: usize = 4;
/// Purposes that a policy holds.
pub(super) const HELD: usize = 16;
/// Holds, of this policy and of earlier ones.
pub(super) const HOLDS: usize = 64;
/// Answers to named attempts.
pub(super) const ANSWERS: usize = 8;
/// Recovery codes not used yet.
pub(super) const RECOVERY_CODES: usize = 16;
/// What newer releases have added, in bytes.
pub(super) const UNKNOWN: usize = 16 << 10;
