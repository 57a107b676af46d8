//! The doors: where a code comes in.
//!
//! There is one way in and one way out. `gate` decides whether an attempt is looked at, `judge`
//! compares it in constant time, and `outcome` accepts, charges or refuses it. A door's own file
//! holds only what differs from the other doors.

mod assertion;
pub(super) mod attempt;
pub(super) mod authorize;
pub(super) mod common_offset;
mod confirm;
pub(super) mod gate;
pub(super) mod judge;
pub(super) mod outcome;
mod recover;
mod recover_imported;
mod resync;
pub(super) mod two_codes;
mod verify;
