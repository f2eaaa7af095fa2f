//! Persona files to personas, and personas to system prompts.
//!
//! Everything here is pure: a file's text comes in as a [`Source`](orchestrate_core::diagnostic::Source),
//! and what is wrong with it goes out as diagnostics that point into that text.

mod body;
mod compose;
mod fields;
mod front_matter;
mod read;
mod select;
mod yaml;

pub use compose::{Colleague, Contract, Relation, Setting, compose};
pub use front_matter::MAX_FRONT_MATTER_BYTES;
pub use read::{MAX_FILE_BYTES, read};
pub use select::{MAX_TASK_BYTES, Match, Refused, RunnerUp, Selection, Selector, Term, Verdict};
