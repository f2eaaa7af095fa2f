//! Templates of a file: their problems at the place in the file, and the references they make.

use std::{cell::LazyCell, ops::Range};

use indexmap::IndexMap;
use orchestrate_core::plan::{InputKind, InputSpec};

use crate::{
    codes,
    template::{Form, Names, Target, analyse},
    yaml::{Node, Places, Sink, Text, with_help},
};

/// What there is to refer to.
#[derive(Clone)]
pub(super) struct Known<'k> {
    pub(super) inputs: &'k IndexMap<String, InputSpec>,
    /// The steps of the same group, which a step can need, and what is known of them before they are read.
    pub(super) own: &'k IndexMap<String, StepFacts>,
    /// What is known around the group: templates can speak of those steps, too.
    pub(super) around: Option<&'k Known<'k>>,
    /// The items that templates can speak of, outermost first.
    pub(super) items: Vec<String>,
    /// The steps of the whole file that have items, by the item's name.
    pub(super) owners: &'k IndexMap<String, String>,
    /// The group around the steps, and how deep it stands.
    pub(super) group: Option<&'k str>,
    pub(super) depth: usize,
}

/// What is known of a step before it is read.
#[derive(Debug, Clone)]
pub(super) struct StepFacts {
    pub(super) optional: bool,
    /// The name of its items, where it is a fan-out.
    pub(super) item: Option<String>,
}

impl Known<'_> {
    /// What is known of a step that templates can speak of.
    pub(super) fn facts(&self, id: &str) -> Option<&StepFacts> {
        self.own.get(id).or_else(|| self.around.and_then(|around| around.facts(id)))
    }

    /// The steps that templates can speak of, the nearest first.
    fn steps(&self) -> Vec<&str> {
        let around = self.around.map(Known::steps).unwrap_or_default();
        self.own.keys().map(String::as_str).chain(around).collect()
    }
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
        self.facts(id).is_some()
    }

    fn items(&self) -> Vec<String> {
        self.items.clone()
    }

    fn item_of(&self, name: &str) -> Option<&str> {
        self.owners.get(name).map(String::as_str)
    }

    fn fans_out(&self, id: &str) -> bool {
        self.facts(id).is_none_or(|facts| facts.item.is_some())
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
    /// What of the step is meant.
    pub(super) attribute: String,
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
                prints_text: reference.printed && matches!(attribute.as_str(), "text" | "items"),
                attribute,
            }),
            Target::Item(_) => {}
            Target::Step { id, .. } => {
                let span = places.range(&reference.span);
                unknown_step(sink, &Text { text: id, span }, &known.steps());
            }
        }
    }
    steps
}

/// Reports a step that does not exist.
pub(super) fn unknown_step(sink: &mut Sink<'_>, id: &Text, steps: &[&str]) {
    let help = sink.advice(&id.text, steps.iter().copied());
    let message = format!("there is no step `{}`", id.text);
    let found = sink.error(codes::UNKNOWN_STEP, &id.span, message);
    sink.push(with_help(found, help));
}
