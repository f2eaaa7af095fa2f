//! Workflows that are made from their names: nobody has to keep a file for them, and a run of one can
//! be resumed, compared and run again like any other.

mod ask;
mod choose;
mod chooser;
mod name;
mod role;

pub use choose::{CHOOSE, ModelChoice, NotOnTheList};
pub(crate) use chooser::chooser;
pub use name::{ASK, GeneratedName, MAX_PERSONAS};
pub(crate) use role::Role;
