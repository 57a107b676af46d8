//! The stored form: CBOR maps of numbered fields, in ascending order.
//!
//! A release passes over the fields that a newer one has added, and writes them back as they were.
//! Where an older release must not pass over a field, the newer one raises the number in the
//! record's field 0, the minimum reader, and the older one refuses the record.

pub(in crate::account) mod event;
pub(in crate::account) mod event_field;
pub(in crate::account) mod fields;
pub(in crate::account) mod read;
pub(in crate::account) mod write;
