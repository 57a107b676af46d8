//! The stored form: CBOR maps of numbered fields, in ascending order.
//!
//! A release passes over the fields that a newer one has added, and writes them back as they were.
//! A release that adds a field which older ones must not pass over raises the number in the record's
//! field 0, the minimum reader. Older ones refuse the record then.

pub(in crate::account) mod event;
pub(in crate::account) mod event_field;
pub(in crate::account) mod fields;
pub(in crate::account) mod read;
pub(in crate::account) mod write;
