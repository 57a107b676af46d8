//! The capacity of one record, whatever the policy. A stored record with more is corrupt, so every
//! record has a largest size.

/// Authenticators.
pub(in crate::account) const AUTHENTICATORS: usize = 16;
/// Addresses that were bound before a reset.
pub(in crate::account) const BOUND_BEFORE: usize = AUTHENTICATORS;
/// E-mail addresses that confirm: the latest, and the one before.
pub(in crate::account) const EMAILS: usize = 2;
/// Recoveries without support that are begun within a year.
pub(in crate::account) const SELF_RECOVERIES: usize = 3;
/// Events kept.
pub(in crate::account) const EVENTS: usize = 32;
/// In a full history, refusals may take this many places from log-ins.
pub(in crate::account) const REFUSALS: usize = 4;
/// The most notices and acts together, as long as the sink takes them.
pub(in crate::account) const NOTICES_AND_ACTS: usize = 24;
/// The most notices: the places that are left are for operators' acts.
pub(in crate::account) const NOTICES: usize = 20;
/// The most operators' acts, likewise.
pub(in crate::account) const ACTS: usize = 12;
/// The latest acts: this many are never pushed out by notices.
pub(in crate::account) const ACTS_KEPT: usize = 4;
/// Passes not used yet: five mailed ones an hour, and those of operators.
pub(in crate::account) const PASSES: usize = 16;
/// Known devices.
pub(in crate::account) const DEVICES: usize = 5;
/// Codes that are alive at a time at the request of strangers, and as many of known devices.
pub(in crate::account) const ALIVE: usize = 3;
/// Codes that have been sent, alive or ended lately.
pub(in crate::account) const DELIVERED: usize = 8;
/// Messages sent at somebody's request within a day.
pub(in crate::account) const SENDS: usize = 10;
/// Proofs redeemed within ten minutes. Fewer codes than that are accepted; assertions may be
/// more, and are refused then.
pub(in crate::account) const REDEEMED: usize = 64;
/// Purposes that a policy holds.
pub(in crate::account) const HELD: usize = 16;
/// Wrong codes that are kept.
pub(in crate::account) const WRONG_CODES: usize = 2;
/// Enrollments replaced before they were confirmed, whose codes are recognized.
pub(in crate::account) const REPLACED: usize = 2;
/// The longest that a policy lets an enrollment wait, in seconds.
pub(in crate::account) const PENDING_SECS: u64 = 86_400;
/// The longest that a policy lets a delivered code live, in seconds.
pub(in crate::account) const DELIVERED_SECS: u64 = 600;
/// The longest hold that a policy sets, in seconds.
pub(in crate::account) const HOLD_SECS: u64 = 366 * 86_400;
/// The longest hold that a service sets, in seconds.
pub(in crate::account) const SERVICE_HOLD_SECS: u64 = 7 * 86_400;
/// Holds, of this policy and of earlier ones, and the service's own.
pub(in crate::account) const HOLDS: usize = 64;
/// Replies to attempts with an idempotency key.
pub(in crate::account) const REPLIES: usize = 8;
/// Recovery codes not used yet.
pub(in crate::account) const RECOVERY_CODES: usize = 16;
/// Fields that newer releases have added, in bytes.
pub(in crate::account) const UNKNOWN: usize = 16 << 10;
