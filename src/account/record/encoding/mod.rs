//! The stored form: CBOR maps of numbered fields, in ascending order.
//!
//! Times are written as distances from the record's newest one, and the numbers of events as
//! distances from the latest one's: both are near, and near numbers are short. The history and the
//! recent codes are strings of bytes of their own.
//!
//! A field that a later release adds has no distances in it, and no number for a purpose that this
//! release does not know: this one writes it back as it was, under another newest time.
//!
//! A release passes over the fields that a newer one has added, and writes them back as they were.
//! A release that adds a field which older ones must not pass over raises the number in the
//! record's field 0, the minimum reader. Older ones refuse the record then.

pub(in crate::account) mod bound;
pub(in crate::account) mod event;
pub(in crate::account) mod event_field;
pub(in crate::account) mod fields;
pub(in crate::account) mod read;
pub(in crate::account) mod varint;
pub(in crate::account) mod write;
