//! Libraries: the personas and workflows found on disk or built in.
//!
//! A name is looked for in the project (`./personas`, `./.orchestrate/personas`), then in the user's
//! config folder, then among the built-in ones; likewise workflows.

mod built_in;
mod find;
mod personas;
mod read;
mod workflows;

pub use find::{Level, LibraryError};
pub use personas::{FoundPersona, PersonaLibrary};
pub(crate) use read::read_text_within;
pub use read::{ReadError, read_bytes, read_bytes_within, read_text};
pub(crate) use workflows::is_path;
pub use workflows::{FoundWorkflow, WorkflowLibrary};
