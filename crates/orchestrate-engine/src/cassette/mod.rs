//! Cassettes on disk: opening one for a replay, and writing a run's calls into one.

mod folder;
mod record;
mod survey;

pub use folder::{Cassette, CassetteFault};
pub use record::{Recorded, Recorder};
pub use survey::missing_calls;
