//! The workflow language: YAML files to [`Plan`](orchestrate_core::plan::Plan)s with diagnostics,
//! given texts to input values, and templates to text.
//!
//! Nothing here performs I/O: a file's text, the names of personas, the values of steps all come in
//! as arguments, so the same file always compiles to the same plan and the same diagnostics.
//!
//! Limits: a file has at most [`MAX_SOURCE_BYTES`], nests at most 64 deep and expands aliases at most
//! 100,000-fold; a rendered text has at most [`MAX_RENDERED_BYTES`]. The value of an input has at most
//! 10,000 items in a list and 100,000 values in all, 32 deep.

pub mod codes;
pub mod language;
pub mod test_language;

mod compile;
mod editor_schema;
mod inputs;
mod schemas;
mod template;
mod yaml;

pub use compile::{
    Amount, DecisionScript, Expectation, Failing, InputFile, Judged, Measure, Placed, Reply,
    RunEnd, STATES, Script, ScriptedDecision, ScriptedText, ScriptedVerdict, StepExpectation,
    TestCase, TestFile, check_against, read_tests,
};
pub use compile::{Catalogue, MAX_SOURCE_BYTES, compile, headline};
pub use editor_schema::{editor_schema, test_schema};
pub use inputs::{Given, InputProblem, Written, read_inputs, resolve_inputs};
pub use schemas::{Misfit, NoSchemas, Schemas};
pub use template::{
    ItemValue, MAX_RENDERED_BYTES, PartValue, Scope, StepEnding, StepValue, StepValues,
    TemplateError, evaluate, evaluate_condition, evaluate_list, item_block, mentions_item,
    prints_task, render_prompt, render_text,
};
