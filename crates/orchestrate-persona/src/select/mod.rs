//! Choosing personas by the task, without a model: names first, then weighed terms.

mod analysis;
mod fold;
mod fuzzy;
mod index;
mod language;
mod names;
mod negation;
mod resolve;
mod selection;
mod selector;
mod tokens;
mod vocabulary;
mod weights;

pub use selection::{Ambiguous, Match, Refused, RunnerUp, Selection, Term, Verdict};
pub use selector::{MAX_TASK_BYTES, Selector};
