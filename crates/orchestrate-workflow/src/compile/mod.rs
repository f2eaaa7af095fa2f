//! From a file's tree to a plan.

mod edges;
mod fields;
mod file;
mod flow;
mod group;
mod input;
pub(crate) mod json_schema;
mod persona;
mod settings;
mod step;
mod templates;
pub(crate) mod value;

pub use file::{Catalogue, MAX_SOURCE_BYTES, compile, headline};
