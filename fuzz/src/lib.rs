//! The properties that the fuzz targets check, one function each. `tests/corpus.rs` runs them over
//! the seeds on stable.

#[path = "../../tests/phone/envelope.rs"]
mod envelope;
#[path = "../../tests/model/mod.rs"]
mod model;
pub mod properties;
