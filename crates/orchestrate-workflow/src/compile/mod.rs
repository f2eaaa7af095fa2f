//! From a file's tree to a plan.

mod approve;
mod edges;
mod fields;
mod file;
mod input;
pub(crate) mod json_schema;
mod needs;
mod persona;
mod settings;
mod step;
mod templates;
pub(crate) mod value;

pub use file::{Catalogue, MAX_SOURCE_BYTES, compile, headline};
