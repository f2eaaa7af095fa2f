//! Templates of a file: their problems at the place in the file, and the references they make.

use std::{cell::LazyCell, ops::Range};

use indexmap::{IndexMap, IndexSet};
use orchestrate_core::plan::{InputKind, InputSpec};
use serde_json::Value;

use super::output::Outputs;
use crate::{
    codes,
    template::{Form, Names, Target, analyse},
    yaml::{Node, Places, Sink, Text, with_help},
};

/// What there is to refer to.
pub(super) struct Known<'k> {
    pub(super) inputs: &'k IndexMap<String, InputSpec>,
    pub(super) steps: &'k IndexSet<String>,
    pub(super) outputs: &'k Outputs,
}

impl Names for Known<'_> {
    fn has_input(&self, name: &str) -> bool {
        self.inputs.contains_key(name)
    }

    fn is_number(&self, name: &str) -> bool {
        let kind = self.inputs.get(name).map(|spec| &spec.kind);
        matches!(kind, Some(InputKind::Integer | InputKind::Number))
    }

    fn input_kind(&self, name: &str) -> Option<&InputKind> {
        self.inputs.get(name).map(|spec| &spec.kind)
    }

    fn has_step(&self, id: &str) -> bool {
        self.steps.contains(id)
    }

    fn has_output(&self, id: &str) -> bool {
        self.outputs.contains_key(id) || !self.steps.contains(id)
    }

    fn output_schema(&self, id: &str) -> Option<&Value> {
        self.outputs.get(id)?.as_ref().map(|output| &*output.schema)
    }
}

/// A step that a template refers to.
#[derive(Debug)]
pub(super) struct StepReference {
    pub(super) id: String,
    /// Where the file says it.
    pub(super) span: Range<usize>,
    /// Whether the step's deliverable is printed.
    pub(super) prints_text: bool,
}

/// Checks a template; gives the existing steps that it refers to, in order.
pub(super) fn check(
    sink: &mut Sink<'_>,
    node: &Node,
    text: &Text,
    form: Form,
    known: &Known<'_>,
) -> Vec<StepReference> {
    let analysis = analyse(&text.text, form, known);
    let source = sink.source().clone();
    let places = LazyCell::new(|| Places::of(&source.text, node));
    for problem in analysis.problems {
        let span = places.range(&problem.span);
        let found = sink.error(problem.code, &span, problem.message);
        sink.push(with_help(found, problem.help));
    }
    let mut steps = Vec::new();
    for reference in analysis.references {
        match reference.target {
            Target::Input(name) if known.has_input(&name) => {}
            Target::Input(name) => {
                let help = sink.advice(&name, known.inputs.keys().map(String::as_str));
                let message = format!("there is no input `{name}`");
                let span = places.range(&reference.span);
                let found = sink.error(codes::UNKNOWN_INPUT, &span, message);
                sink.push(with_help(found, help.or_else(|| Some("add it to `inputs`".to_owned()))));
            }
            Target::Step { id, attribute } if known.has_step(&id) => steps.push(StepReference {
                id,
                span: places.range(&reference.span),
                prints_text: reference.printed && matches!(attribute.as_str(), "text" | "output"),
            }),
            Target::Step { id, .. } => {
                let span = places.range(&reference.span);
                unknown_step(sink, &Text { text: id, span }, known.steps);
            }
        }
    }
    steps
}

/// Reports a step that does not exist.
pub(super) fn unknown_step(sink: &mut Sink<'_>, id: &Text, steps: &IndexSet<String>) {
    let help = sink.advice(&id.text, steps.iter().map(String::as_str));
    let message = format!("there is no step `{}`", id.text);
    let found = sink.error(codes::UNKNOWN_STEP, &id.span, message);
    sink.push(with_help(found, help));
}
