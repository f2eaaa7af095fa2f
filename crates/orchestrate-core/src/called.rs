//! A step that runs another workflow: what it gives it, and what comes back.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::plan::{InputSpec, InputValue, OutputSpec};

/// How deep workflows may call each other.
pub const MOST_CALLS: usize = 8;
/// The most steps that a workflow has together with those of the workflows it calls.
pub const MOST_STEPS: usize = 10_000;
/// The most that the steps of the workflows which one workflow calls come to, as JSON: 64 MiB. Each call
/// stands in the plan, and in the journal, with its own copy of what it calls.
pub const MOST_CALLED_BYTES: usize = 64 << 20;

/// A step that runs the steps of another workflow, which stand within it in the plan. They see the inputs
/// of that workflow and each other, and nothing of what stands around.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkflowStep {
    /// The name of the workflow.
    pub workflow: String,
    /// The inputs it takes.
    pub inputs: IndexMap<String, InputSpec>,
    /// What they are given, by name; where one is left out, its default holds.
    pub with: IndexMap<String, Passed>,
    /// Named templates that make up its document; where there are none, its last steps do.
    pub outputs: IndexMap<String, String>,
    /// What its value fits: a text for each output. None where there are no outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputSpec>,
}

/// What one input is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Passed {
    /// A value that stands in the file.
    Value(InputValue),
    /// The value of an expression, as it is.
    Expression(String),
    /// The text that a template makes.
    Template(String),
    /// The task of the workflow around it.
    Task,
}

impl WorkflowStep {
    /// The schema of the value of a workflow with these outputs.
    pub fn schema_of<'n>(outputs: impl Iterator<Item = &'n str> + Clone) -> serde_json::Value {
        let properties: serde_json::Map<String, serde_json::Value> = outputs
            .clone()
            .map(|name| (name.to_owned(), serde_json::json!({ "type": "string" })))
            .collect();
        let required: Vec<&str> = outputs.collect();
        serde_json::json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    }
}
