//! Personas in other people's formats: reading them, writing ours, and giving theirs back.
//!
//! Every reader turns a [`Document`](toolkit::document::Document) into
//! [`Draft`](toolkit::draft::Draft)s; everything else is shared.

mod export;
mod format;
mod import;
mod patterns;
mod readers;
mod toolkit;
mod write;

pub use export::{ExportFormat, Exported, export};
pub use format::{Format, UnknownFormat};
pub use import::{Imported, ImportedPersona, import};
pub use patterns::{Pattern, PatternStep, UnreadLine, workflow_skeleton};
pub use toolkit::{
    document::{ForeignFile, MAX_PICTURE_BYTES},
    draft::{Dropped, Mapped},
};
pub use write::write_canonical;
