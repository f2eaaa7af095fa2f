//! From a file's tree to a plan.

mod edges;
mod fields;
mod file;
mod input;
mod persona;
mod settings;
mod step;
mod templates;

pub use file::{Catalogue, MAX_SOURCE_BYTES, compile, headline};
