//! Templates of a file: their problems at the place in the file, and the references they make.

use std::{cell::OnceCell, collections::BTreeSet, ops::Range, rc::Rc};

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::Diagnostic,
    plan::{InputKind, InputSpec, OutputSpec},
};
use serde_json::Value;

use super::call::{Called, Calls};
use crate::{
    codes,
    template::{
        Expanded, Form, Includes, ItemSchema, Names, Problem, Reference, Spot, Target, analyse,
        expand,
    },
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
    pub(super) items: Vec<Item>,
    /// The steps of the whole file that have items, by the item's name.
    pub(super) owners: &'k IndexMap<String, String>,
    /// The group around the steps, and how deep it stands.
    pub(super) group: Option<&'k str>,
    pub(super) depth: usize,
    /// The files that templates may include.
    pub(super) files: &'k dyn Includes,
    /// The workflows that steps call.
    pub(super) calls: &'k Calls<'k>,
}

/// An item that templates can speak of.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) name: String,
    /// What it fits, where its list tells.
    pub(super) schema: Option<Rc<ItemSchema>>,
}

/// What is known of a step before it is read.
#[derive(Debug, Clone)]
pub(super) struct StepFacts {
    pub(super) optional: bool,
    /// The name of its items, where it is a fan-out.
    pub(super) item: Option<String>,
    /// The value that its answer has to be, or for a fan-out that of each item.
    pub(super) output: OutputFacts,
    /// The workflow that it calls, where it calls one that can be used.
    pub(super) called: Option<Rc<Called>>,
}

/// What is known of a step's `output:` before the step is read.
#[derive(Debug, Clone)]
pub(super) enum OutputFacts {
    /// It has none.
    None,
    /// It has one that cannot be used, which is reported.
    Broken,
    /// It has this one.
    Known(OutputSpec),
}

impl OutputFacts {
    /// The value, where it is known.
    pub(super) fn spec(&self) -> Option<&OutputSpec> {
        match self {
            Self::Known(spec) => Some(spec),
            Self::None | Self::Broken => None,
        }
    }

    /// Whether the step has an output, usable or not.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self, Self::None)
    }
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
        self.items.iter().map(|item| item.name.clone()).collect()
    }

    fn item_schema(&self, name: &str) -> Option<&ItemSchema> {
        self.items.iter().rev().find(|item| item.name == name)?.schema.as_deref()
    }

    fn item_of(&self, name: &str) -> Option<&str> {
        self.owners.get(name).map(String::as_str)
    }

    fn fans_out(&self, id: &str) -> bool {
        self.facts(id).is_none_or(|facts| facts.item.is_some())
    }

    fn has_output(&self, id: &str) -> bool {
        self.facts(id).is_none_or(|facts| facts.output.is_there())
    }

    fn output_schema(&self, id: &str) -> Option<&Value> {
        self.facts(id)?.output.spec().map(|output| &*output.schema)
    }

    fn lists_output(&self, id: &str) -> bool {
        self.facts(id).is_some_and(|facts| facts.item.is_some())
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
    let whole = Expanded::plain(&text.text);
    let mut checked = Checked::new(sink, node, known);
    checked.template(&whole, form);
    checked.steps
}

/// Reads a template: with its includes and macros written out, and checked like any other.
pub(super) fn read(
    sink: &mut Sink<'_>,
    node: &Node,
    text: &Text,
    known: &Known<'_>,
) -> (String, Vec<StepReference>) {
    let expansion = expand(&text.text, known.files);
    let mut checked = Checked::new(sink, node, known);
    for (spot, problem) in expansion.problems {
        checked.report(&spot, problem);
    }
    checked.template(&expansion.main, Form::Template);
    let steps = std::mem::take(&mut checked.steps);
    for body in &expansion.bodies {
        // Also of a macro that is never called; what it refers to counts where it is.
        checked.template(body, Form::Template);
    }
    (expansion.main.text, steps)
}

/// A template that is being checked.
struct Checked<'c, 's, 'k> {
    sink: &'c mut Sink<'s>,
    node: &'c Node,
    places: OnceCell<Places>,
    known: &'c Known<'k>,
    /// What was reported: a macro says the same wherever it is called.
    reported: BTreeSet<(&'static str, Option<String>, usize)>,
    steps: Vec<StepReference>,
}

impl<'c, 's, 'k> Checked<'c, 's, 'k> {
    fn new(sink: &'c mut Sink<'s>, node: &'c Node, known: &'c Known<'k>) -> Self {
        let (reported, steps) = (BTreeSet::new(), Vec::new());
        Self { sink, node, places: OnceCell::new(), known, reported, steps }
    }

    /// The place in the workflow of a range of the template.
    fn place(&self, range: &Range<usize>) -> Range<usize> {
        let source = self.sink.source();
        self.places.get_or_init(|| Places::of(&source.text, self.node)).range(range)
    }

    fn template(&mut self, expanded: &Expanded, form: Form) {
        let analysis = analyse(&expanded.text, form, self.known);
        for problem in analysis.problems {
            let spot = expanded.spot(&problem.span);
            self.report(&spot, problem);
        }
        for reference in analysis.references {
            let spot = expanded.spot(&reference.span);
            self.reference(&spot, reference);
        }
    }

    fn reference(&mut self, spot: &Spot, reference: Reference) {
        let known = self.known;
        match reference.target {
            Target::Input(name) if known.has_input(&name) => {}
            Target::Input(name) => {
                let help = self.sink.advice(&name, known.inputs.keys().map(String::as_str));
                let message = format!("there is no input `{name}`");
                let help = help.or_else(|| Some("add it to `inputs`".to_owned()));
                self.report(spot, unknown(codes::UNKNOWN_INPUT, message, help));
            }
            Target::Step { id, attribute } if known.has_step(&id) => {
                let span = self.place(&spot.by);
                let whole = matches!(attribute.as_str(), "text" | "output" | "items");
                let prints_text = reference.printed && whole;
                self.steps.push(StepReference { id, span, prints_text, attribute });
            }
            Target::Item(_) => {}
            Target::Step { id, .. } => {
                let help = self.sink.advice(&id, known.steps());
                let message = format!("there is no step `{id}`");
                self.report(spot, unknown(codes::UNKNOWN_STEP, message, help));
            }
        }
    }

    /// Reports a problem where it stands: in the workflow, or in a file that it includes.
    fn report(&mut self, spot: &Spot, problem: Problem) {
        let name = spot.file.as_ref().map(|file| file.name.clone());
        if !self.reported.insert((problem.code, name, spot.span.start)) {
            return;
        }
        let found = Diagnostic::error(problem.code, problem.message);
        let by = self.place(&spot.by);
        let source = self.sink.source();
        let found = match &spot.file {
            None => found.at(source, self.place(&spot.span), ""),
            Some(file) => found.at(file, spot.span.clone(), "").at(source, by, "included here"),
        };
        self.sink.push(with_help(found, problem.help));
    }
}

fn unknown(code: &'static str, message: String, help: Option<String>) -> Problem {
    Problem { code, message, help, span: 0..0 }
}

/// Reports a step that does not exist.
pub(super) fn unknown_step(sink: &mut Sink<'_>, id: &Text, steps: &[&str]) {
    let help = sink.advice(&id.text, steps.iter().copied());
    let message = format!("there is no step `{}`", id.text);
    let found = sink.error(codes::UNKNOWN_STEP, &id.span, message);
    sink.push(with_help(found, help));
}
