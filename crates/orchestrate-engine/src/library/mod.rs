//! Libraries: the personas and workflows found on disk or built in.
//!
//! A name is looked for in the project (`./personas`, `./.orchestrate/personas`), then in the user's
//! config folder, then among the built-in ones; likewise workflows. Workflows such as
//! `ask:data-engineer+mlops-engineer` are made from their names.

mod built_in;
mod calling;
mod find;
mod generated;
mod personas;
mod read;
mod workflows;

pub(crate) use built_in::tests_of as built_in_tests;
pub use calling::{NotCalled, ReadablePersonas};
pub use find::{Level, LibraryError};
pub use generated::{ASK, CHOOSE, GeneratedName, MAX_PERSONAS, ModelChoice, NotOnTheList};
pub use personas::{FoundPersona, PersonaLibrary};
pub(crate) use read::read_text_within;

pub use read::{ReadError, read_bytes, read_bytes_within, read_text};
pub(crate) use workflows::{Beside, generate, is_path};
pub use workflows::{FoundWorkflow, WorkflowLibrary};
