//! Persona files to personas, and personas to system prompts.
//!
//! Everything here is pure: a file's text comes in as a [`Source`](orchestrate_core::diagnostic::Source),
//! and what is wrong with it goes out as diagnostics that point into that text.

mod body;
mod compose;
mod diff;
mod fields;
mod formats;
mod front_matter;
mod hidden;
pub mod lint;
pub mod lockfile;
mod read;
mod select;
mod windows_1252;
mod yaml;

pub use compose::{Colleague, Contract, Relation, Setting, compose};
pub use diff::diff;
pub use formats::{
    Dropped, ExportFormat, Exported, ForeignFile, Format, Imported, ImportedPersona,
    MAX_PICTURE_BYTES, Mapped, Pattern, PatternStep, UnknownFormat, UnreadLine, export, import,
    workflow_skeleton, write_canonical,
};
pub use front_matter::MAX_FRONT_MATTER_BYTES;
pub use read::{MAX_FILE_BYTES, read};
pub use select::{
    Ambiguous, MAX_TASK_BYTES, Match, Refused, RunnerUp, Selection, Selector, Term, Verdict,
};
