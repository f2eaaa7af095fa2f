//! Structured output: reading a JSON value out of an answer, and showing it to people.

mod contract;
mod markdown;
mod read;

pub use contract::{BRIEF_KEY, OUTPUT_KEY, answer_schema, with_brief};
pub use markdown::{findings_to_markdown, to_markdown};
pub use read::{NoValue, read_values};
