//! Bringing personas in from elsewhere: which files are meant, what becomes of each, and where they and
//! their originals are kept.

mod gather;
mod intake;
mod store;
mod write;

pub use gather::{GatherError, Gathered, MAX_FILES, Skip, Skipped, gather};
pub use intake::{Entry, Fate, ImportOptions, Intake, Kind, Taken};
pub use store::{ORIGINALS, PersonaFolder};
pub use write::{Existing, WriteError, write_whole};
