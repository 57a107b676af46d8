//! How much one record holds, whatever the policy: what is read beyond it is nonsense, so a record has a largest size.

/// Authenticators.
pub(super) const AUTHENTICATORS: usize = 16;
/// Events kept.
pub(super) const EVENTS: usize = 32;
/// Passes not used yet: five mailed ones an hour, and operators'.
pub(super) const PASSES: usize = 16;
/// Known devices.
pub(super) const DEVICES: usize = 5;
/// Codes that have been sent, alive or ended lately.
pub(super) const DELIVERED: usize = 8;
/// Messages sent at somebody's request within a day.
pub(super) const SENDS: usize = 10;
/// Proofs redeemed within ten minutes: more codes than that are not accepted.
pub(super) const REDEEMED: usize = 64;
/// Purposes that a policy holds.
pub(super) const HELD: usize = 16;
/// The longest hold, in seconds. One that ends later was set by a clock gone wrong.
pub(super) const HOLD_SECS: u64 = 366 * 86_400;
/// Holds, of this policy and of earlier ones.
pub(super) const HOLDS: usize = 64;
/// Answers to named attempts.
pub(super) const ANSWERS: usize = 8;
/// Recovery codes not used yet.
pub(super) const RECOVERY_CODES: usize = 16;
/// What newer releases have added, in bytes.
pub(super) const UNKNOWN: usize = 16 << 10;
