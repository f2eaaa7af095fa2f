//! Test files: what the personas of a workflow answer, and what must come of it.

mod check;
mod decision;
mod expect;
mod file;
mod reply;

pub use check::check_against;
pub use decision::{DecisionScript, ScriptedDecision};
pub use expect::{Amount, Expectation, Judged, Measure, RunEnd, STATES, StepExpectation};
pub use file::{InputFile, Placed, TestCase, TestFile, read_tests};
pub use reply::{Failing, Reply, Script, ScriptedText, ScriptedVerdict};
