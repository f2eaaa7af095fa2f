//! From a file's tree to a plan.

mod approve;
mod budget;
mod call;
mod edges;
mod fields;
mod file;
mod flow;
mod group;
mod input;
pub(crate) mod json_schema;
mod needs;
mod output;
mod persona;
mod review;
mod settings;
mod step;
mod templates;
mod test_file;
pub(crate) mod value;

pub use file::{CalledWorkflow, Catalogue, MAX_SOURCE_BYTES, NoWorkflow, compile, headline};
pub use test_file::{
    Amount, DecisionScript, Expectation, Failing, InputFile, Judged, Measure, Placed, Reply,
    RunEnd, STATES, Script, ScriptedDecision, ScriptedText, ScriptedVerdict, StepExpectation,
    TestCase, TestFile, check_against, read_tests,
};
