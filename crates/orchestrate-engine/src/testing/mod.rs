//! Tests of workflows: what the personas answer is scripted, all else is as in a run.
//!
//! A test is compiled, cast, prepared and driven by the same code as a run; only the provider answers from
//! the test file, and the journal is kept in memory. So it takes milliseconds, and nothing of it is left.

mod find;
mod judge;
mod open;
mod people;
mod record;
mod run;
mod scripted;

pub use find::{FoundTests, find_tests, is_test_file};
pub use judge::Mismatch;
pub use open::{OpenTests, open_tests};
pub use record::{Recording, record_test};
pub use run::TestOutcome;
