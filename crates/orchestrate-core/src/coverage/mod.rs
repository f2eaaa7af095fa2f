//! Coverage: what a dependent's document says of its predecessor's decisions, figures and constraints.
//!
//! Nothing here understands a text. Numbers are compared with their units, identifiers and words by their
//! normal form, and every finding says what was compared: a thing that is not found is "not mentioned", which
//! is less than "dropped on purpose" and more than nothing.
//!
//! - [`Document`] is a deliverable with its brief, read once; it tells the [`Coverage`] of any brief (`check`).
//! - Texts become blocks of words and numbers (`text`).

mod check;
mod text;

pub use check::{Coverage, CoverageEntry, Document, EntryKind, Evidence, Finding};
