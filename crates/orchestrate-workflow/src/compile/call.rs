//! A step that calls another workflow: finding that, compiling it once, and what it is given.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io,
    ops::Range,
    rc::Rc,
    sync::Arc,
};

use indexmap::IndexMap;
use orchestrate_core::{
    budget::Budget,
    called::{MOST_CALLED_BYTES, MOST_CALLS, MOST_STEPS, Passed, WorkflowStep},
    diagnostic::{Diagnostic, Source},
    flow::Flow,
    ids::StepPath,
    neutral::excerpt,
    plan::{Action, InputKind, InputSpec, Need, OutputSpec, Plan, Step},
};

use super::{
    fields,
    file::{self, CalledWorkflow, Catalogue, NoWorkflow},
    templates::{self, Known, StepReference},
    value::{self, Purpose},
};
use crate::{
    codes,
    language::DEFAULTS,
    template::{mentions_item, plain_input, single_expression},
    yaml::{Entry, Kind, Map, Node, Sink, Text, with_help},
};

/// Files that one workflow calls, itself or through others.
const MOST_FILES: usize = 200;

/// A workflow that steps call, compiled.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) plan: Plan,
    /// How deep calls stand within it.
    height: usize,
    size: Size,
    /// The value of a step that calls it.
    pub(super) output: Option<OutputSpec>,
}

/// Every workflow that was called so far; those that cannot be used are known as such.
#[derive(Debug, Default)]
pub(super) struct Shared {
    known: RefCell<BTreeMap<String, Option<Rc<Called>>>>,
    /// Bytes of what calls have copied, in all of them.
    bytes: Cell<usize>,
}

/// What all calls may copy together: some files are compiled that come into the plan only through others.
const MOST_COPIED_BYTES: usize = 2 * MOST_CALLED_BYTES;

/// How long everything is that a call copies of the workflow it calls, as JSON.
#[derive(Debug, Clone, Copy)]
struct Size {
    bytes: usize,
    /// Paths of steps in it, each of which a call makes longer by its own.
    paths: usize,
}

impl Size {
    fn of(plan: &Plan) -> Self {
        let mut bytes = ByteCount(0);
        // Neither what a plan is made of nor counting can fail.
        let _ = serde_json::to_writer(&mut bytes, &(plan.steps(), plan.inputs(), plan.outputs()));
        let paths = plan.steps().iter().map(|step| step.needs.len() + 3);
        Self { bytes: bytes.0, paths: paths.sum() }
    }

    /// The bytes that a call by the step `id` adds to a plan.
    fn within(self, id: &str) -> usize {
        self.bytes.saturating_add(self.paths.saturating_mul(id.len() + 1))
    }
}

/// Counts what is written to it.
struct ByteCount(usize);

impl io::Write for ByteCount {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A workflow on the way from the one that is compiled to the one that is being read.
#[derive(Debug, Clone)]
struct Link {
    name: String,
    source: Arc<Source>,
}

/// The calls of one file.
#[derive(Debug)]
pub(super) struct Calls<'c> {
    shared: &'c Shared,
    /// From the workflow that is compiled to this one.
    chain: Vec<Link>,
    /// Steps of the workflows that it calls.
    steps: Cell<usize>,
    /// Bytes of those steps.
    bytes: Cell<usize>,
    /// Whether it was told that they are too many.
    is_full: Cell<bool>,
    height: Cell<usize>,
}

impl<'c> Calls<'c> {
    /// The calls of the file that is compiled.
    pub(super) fn of(shared: &'c Shared, source: &Arc<Source>) -> Self {
        let (name, _) = file::headline(source);
        let name = name.unwrap_or_else(|| source.name.clone());
        let chain = vec![Link { name, source: Arc::clone(source) }];
        Self::below(shared, chain)
    }

    fn below(shared: &'c Shared, chain: Vec<Link>) -> Self {
        Self {
            shared,
            chain,
            steps: Cell::new(0),
            bytes: Cell::new(0),
            is_full: Cell::new(false),
            height: Cell::new(0),
        }
    }

    /// The workflow that `workflow:` of the step `id` names; none where it cannot be used, which is reported
    /// once.
    pub(super) fn find(
        &self,
        sink: &mut Sink<'_>,
        id: &str,
        node: &Node,
        catalogue: &dyn Catalogue,
    ) -> Option<Rc<Called>> {
        let name = fields::text(sink, node, "`workflow`")?;
        let found = locate(sink, &name, catalogue)?;
        let is_same = |link: &Link| link.source.text == found.source.text;
        if let Some(at) = self.chain.iter().position(is_same) {
            let chain = names(&self.chain, &self.chain[at].name);
            let message = format!("workflows call each other in a circle: {chain}");
            let problem = sink.error(codes::RECURSIVE_WORKFLOW, &name.span, message);
            sink.push(problem.help(
                "a workflow cannot run itself, not through others either: leave one of these calls out",
            ));
            return None;
        }
        let known = self.shared.known.borrow().get(&found.source.name).cloned();
        let called = match known {
            Some(known) => known?,
            None => self.compile(sink, &name, &found)?,
        };
        if self.chain.len() + called.height > MOST_CALLS {
            self.report_depth(sink, &name);
            return None;
        }
        let steps = self.steps.get() + 1 + called.plan.steps().len();
        if steps > MOST_STEPS {
            let message = format!(
                "a workflow has at most {MOST_STEPS} steps together with those of the workflows it calls"
            );
            sink.push(sink.error(codes::TOO_MANY_STEPS, &name.span, message));
            return None;
        }
        let added = called.size.within(id);
        let bytes = self.bytes.get().saturating_add(added);
        let copied = self.shared.bytes.get().saturating_add(added);
        if bytes > MOST_CALLED_BYTES || copied > MOST_COPIED_BYTES {
            self.report_size(sink, &name);
            return None;
        }
        self.bytes.set(bytes);
        self.shared.bytes.set(copied);
        self.steps.set(steps);
        self.height.set(self.height.get().max(called.height + 1));
        Some(called)
    }

    fn report_size(&self, sink: &mut Sink<'_>, name: &Text) {
        // The calls behind the first are too many for the same reason.
        if self.is_full.replace(true) {
            return;
        }
        let message = format!(
            "the steps of the called workflows come to more than {} MiB, which is the limit",
            MOST_CALLED_BYTES >> 20
        );
        let problem = sink.error(codes::TOO_MANY_STEPS, &name.span, message);
        sink.push(problem.help(
            "each call has its own copy of them: give long texts as inputs of type `file`, or call the workflow once with `for_each`",
        ));
    }

    fn report_depth(&self, sink: &mut Sink<'_>, name: &Text) {
        let chain = names(&self.chain, &name.text);
        let message = format!("workflows call each other at most {MOST_CALLS} deep: {chain}");
        let problem = sink.error(codes::NESTED_TOO_DEEP, &name.span, message);
        sink.push_new(
            problem.help("write the steps of one of them into the workflow that calls it"),
        );
    }

    fn compile(
        &self,
        sink: &mut Sink<'_>,
        name: &Text,
        found: &CalledWorkflow<'_>,
    ) -> Option<Rc<Called>> {
        if self.chain.len() > MOST_CALLS {
            self.report_depth(sink, name);
            return None;
        }
        if self.shared.known.borrow().len() >= MOST_FILES {
            let message =
                format!("a workflow calls at most {MOST_FILES} files, itself or through others");
            sink.push(sink.error(codes::TOO_MANY_STEPS, &name.span, message));
            return None;
        }
        let own = Link {
            name: file::headline(&found.source).0.unwrap_or_else(|| name.text.clone()),
            source: Arc::clone(&found.source),
        };
        let below = Calls::below(self.shared, self.chain.iter().cloned().chain([own]).collect());
        let (plan, problems) = file::compile_with(&found.source, &*found.catalogue, &below);
        for problem in problems {
            sink.push(problem.at(sink.source(), name.span.clone(), "called here"));
        }
        let called = plan.map(|plan| {
            let outputs = plan.outputs();
            let output = (!outputs.is_empty()).then(|| OutputSpec {
                schema: Arc::new(WorkflowStep::schema_of(outputs.keys().map(String::as_str))),
                findings: false,
            });
            let size = Size::of(&plan);
            Rc::new(Called { plan, height: below.height.get(), size, output })
        });
        self.shared.known.borrow_mut().insert(found.source.name.clone(), called.clone());
        called
    }
}

/// `a → b → c`.
fn names(chain: &[Link], last: &str) -> String {
    let names = chain.iter().map(|link| link.name.as_str()).chain([last]);
    names.collect::<Vec<_>>().join(" → ")
}

/// The file of a called workflow.
fn locate<'c>(
    sink: &mut Sink<'_>,
    name: &Text,
    catalogue: &'c dyn Catalogue,
) -> Option<CalledWorkflow<'c>> {
    let text = name.text.as_str();
    let path = is_path(text);
    if path && file::leads_elsewhere(text) {
        let message = "the called workflow does not lie below the folder of this one";
        let problem = sink.error(codes::UNSAFE_PATH, &name.span, message);
        sink.push(problem.help("write a path from there, `./parts/review.yaml`, or a name"));
        return None;
    }
    match catalogue.workflow(text) {
        Ok(found) => Some(found),
        Err(NoWorkflow::Unknown) => {
            let known = catalogue.workflow_names();
            let help = sink.advice(text, known.iter().map(String::as_str));
            let message = format!("there is no workflow `{}`", excerpt(text, 120));
            let problem = sink.error(codes::UNKNOWN_WORKFLOW, &name.span, message);
            let usual = "write a name that `orchestrate workflows list` shows, or a path below the folder of this file";
            sink.push(with_help(problem, help.or_else(|| Some(usual.to_owned()))));
            None
        }
        Err(NoWorkflow::Unreadable(why)) => {
            let message = format!("the workflow `{}` cannot be read", excerpt(text, 120));
            let problem = sink.error(codes::UNREADABLE_FILE, &name.span, message);
            sink.push(problem.help(why));
            None
        }
    }
}

fn is_path(text: &str) -> bool {
    text.contains('/') || [".yaml", ".yml"].iter().any(|end| text.ends_with(end))
}

/// Reads what goes with `workflow:` of a step.
pub(super) fn read(
    sink: &mut Sink<'_>,
    map: &Map,
    kind: &Entry,
    called: Option<&Called>,
    catalogue: &dyn Catalogue,
    known: &Known<'_>,
) -> (Option<Action>, Vec<StepReference>) {
    for key in DEFAULTS.names().chain(["prompt", "output", "review", "repairs"]) {
        if let Some(entry) = map.get(key) {
            let message = format!("`{key}` does nothing in a step that calls a workflow");
            let problem = sink.error(codes::KEY_NOT_FOR_STEP, &entry.key.span, message);
            sink.push(problem.help(
                "it is said in the file of that workflow, and passed as an input where it differs",
            ));
        }
    }
    // Why there is none was reported.
    let Some(called) = called else { return (None, Vec::new()) };
    if *called.plan.budget() != Budget::default() {
        let name = called.plan.workflow();
        let message = format!("the budget of `{name}` does not hold here");
        let problem = Diagnostic::warning(codes::USELESS_KEY, message)
            .at(sink.source(), kind.value.span.clone(), "called here")
            .help("the budget of the workflow that is run holds for everything it calls: write the cap there");
        sink.push_new(problem);
    }
    let mut references = Vec::new();
    let with = with(sink, map, kind, &called.plan, catalogue, known, &mut references);
    let action = Action::Workflow(Box::new(WorkflowStep {
        workflow: called.plan.workflow().to_owned(),
        inputs: called.plan.inputs().clone(),
        with,
        outputs: called.plan.outputs().clone(),
        output: called.output.clone(),
    }));
    (Some(action), references)
}

/// Reports `with` where no workflow is called.
pub(super) fn report_strays(sink: &mut Sink<'_>, map: &Map) {
    if let Some(entry) = map.get("with") {
        let message = "`with` does nothing in a step that calls no workflow";
        let problem = sink.error(codes::KEY_NOT_FOR_STEP, &entry.key.span, message);
        sink.push(problem.help("it gives inputs to what `workflow:` names"));
    }
}

fn with(
    sink: &mut Sink<'_>,
    map: &Map,
    kind: &Entry,
    called: &Plan,
    catalogue: &dyn Catalogue,
    known: &Known<'_>,
    references: &mut Vec<StepReference>,
) -> IndexMap<String, Passed> {
    let name = called.workflow();
    let mut passed = IndexMap::new();
    let mut named: Vec<&str> = Vec::new();
    let entry = map.get("with");
    let given = entry.and_then(|entry| fields::any_map(sink, &entry.value, "`with`"));
    for entry in given.iter().flat_map(|given| given.entries.values()) {
        let input = entry.key.text.as_str();
        let Some(spec) = called.inputs().get(input) else {
            let message = format!("the workflow `{name}` has no input `{}`", excerpt(input, 80));
            let help = sink.advice(input, called.inputs().keys().map(String::as_str));
            let help = help.or_else(|| Some("it takes no inputs".to_owned()));
            let problem = sink.error(codes::UNKNOWN_INPUT, &entry.key.span, message);
            sink.push(with_help(problem, help));
            continue;
        };
        named.push(input);
        if let Some(value) = value(sink, entry, spec, catalogue, known, references) {
            passed.insert(input.to_owned(), value);
        }
    }
    for (input, spec) in called.inputs() {
        if named.contains(&input.as_str()) {
            continue;
        }
        if input == "task" && known.inputs.contains_key("task") {
            passed.insert(input.clone(), Passed::Task);
        } else if spec.required {
            let span = entry.map_or(&kind.value.span, |entry| &entry.key.span);
            report_missing(sink, span, name, input, spec);
        }
    }
    passed
}

fn report_missing(
    sink: &mut Sink<'_>,
    span: &Range<usize>,
    workflow: &str,
    input: &str,
    spec: &InputSpec,
) {
    let message = format!("the input `{input}` of the workflow `{workflow}` is missing");
    let how = format!("add `{input}:` below `with:`");
    let help = match &spec.help {
        Some(help) => format!("{help}: {how}"),
        None => how,
    };
    let problem = sink.error(codes::MISSING_INPUT, span, message);
    sink.push(problem.help(help));
}

/// What one input is given.
fn value(
    sink: &mut Sink<'_>,
    entry: &Entry,
    spec: &InputSpec,
    catalogue: &dyn Catalogue,
    known: &Known<'_>,
    references: &mut Vec<StepReference>,
) -> Option<Passed> {
    let (input, node) = (entry.key.text.as_str(), &entry.value);
    let what = format!("input `{input}`");
    let text = match &node.kind {
        Kind::Scalar(scalar) if node.describe() == "a text" && is_template(&scalar.text) => {
            Text { text: scalar.text.clone(), span: node.span.clone() }
        }
        _ => {
            if let Some(inner) = hidden_template(node) {
                let message = format!("{what}: a text in a list or map is no template");
                let problem = sink.error(codes::TEMPLATE_UNSUPPORTED, &inner.span, message);
                sink.push(problem.help(
                    "pass a whole list or map, `\"{{ inputs.files }}\"` or `\"{{ steps.data.output }}\"`",
                ));
                return None;
            }
            if matches!(spec.kind, InputKind::File) {
                let message = format!("{what} is a file, and no file is named here");
                let problem = sink.error(codes::BAD_INPUT, &node.span, message);
                sink.push(problem.help(
                    "pass a text that is known, `\"{{ inputs.document }}\"` or `\"{{ steps.data.text }}\"`",
                ));
                return None;
            }
            let purpose = Purpose { code: codes::BAD_INPUT, what: &what };
            let value = value::read(sink, node, &spec.kind, purpose, catalogue.schemas());
            return value.map(Passed::Value);
        }
    };
    let (text, found) = templates::read(sink, node, &text, known);
    let single = single_expression(&text);
    let is_text = matches!(spec.kind, InputKind::String | InputKind::File | InputKind::Enum(_));
    let Some(expression) = single else {
        if !is_text {
            let message = format!("{what} is of type {}, and this is a text", spec.kind.as_str());
            let problem = sink.error(codes::BAD_INPUT, &node.span, message);
            sink.push(problem.help("write one `{{ … }}` and nothing around it to pass its value"));
        }
        references.extend(found);
        return Some(Passed::Template(text));
    };
    check_kind(sink, node, &what, &expression, &spec.kind, known);
    if let [only] = found.as_slice()
        && !is_text
        && only.attribute == "text"
        && expression.strip_suffix("text").is_some_and(|rest| rest.ends_with('.'))
    {
        let message = format!(
            "{what} is of type {}, and the document of `{}` is a text",
            spec.kind.as_str(),
            only.id
        );
        let problem = sink.error(codes::BAD_INPUT, &node.span, message);
        sink.push(problem.help(
            "make a list of it with `| lines`, or pass a value that the step says with `output:`",
        ));
    }
    references.extend(found);
    if input == "task" && plain_input(&expression).as_deref() == Some("task") {
        return Some(Passed::Task);
    }
    Some(Passed::Expression(expression))
}

/// Whether a text is more than itself.
fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|tag| text.contains(tag))
}

/// A text within a list or map that looks like a template.
fn hidden_template(node: &Node) -> Option<&Node> {
    match &node.kind {
        Kind::List(items) => items.iter().find_map(|item| match &item.kind {
            Kind::Scalar(scalar) => is_template(&scalar.text).then_some(item),
            _ => hidden_template(item),
        }),
        Kind::Map(map) => map.entries.values().find_map(|entry| match &entry.value.kind {
            Kind::Scalar(scalar) => is_template(&scalar.text).then_some(&entry.value),
            _ => hidden_template(&entry.value),
        }),
        Kind::Scalar(_) | Kind::Broken => None,
    }
}

/// Reports an input of the calling workflow whose kind can never be that of the called one's.
fn check_kind(
    sink: &mut Sink<'_>,
    node: &Node,
    what: &str,
    expression: &str,
    kind: &InputKind,
    known: &Known<'_>,
) {
    use InputKind as K;
    let Some(outer) = plain_input(expression) else { return };
    let Some(given) = known.inputs.get(&outer).map(|spec| &spec.kind) else { return };
    let fits = match (kind, given) {
        (K::String | K::File, given) => !matches!(given, K::List(_) | K::Object(_)),
        (K::Enum(_), given) => matches!(given, K::String | K::Enum(_) | K::File),
        (K::Number, K::Integer | K::Number)
        | (K::Integer, K::Integer)
        | (K::Boolean, K::Boolean)
        | (K::List(_), K::List(_))
        | (K::Object(_), K::Object(_)) => true,
        _ => false,
    };
    if !fits {
        let message = format!(
            "{what} is of type {}, and `inputs.{outer}` is of type {}",
            kind.as_str(),
            given.as_str()
        );
        sink.push(sink.error(codes::BAD_INPUT, &node.span, message));
    }
}

/// Warns where a workflow is called for each item and is never told which.
pub(super) fn report_same_calls(sink: &mut Sink<'_>, each: &Entry, item: &str, action: &Action) {
    let Action::Workflow(call) = action else { return };
    let tells = |passed: &Passed| match passed {
        Passed::Value(_) | Passed::Task => false,
        Passed::Template(text) => mentions_item(text, item),
        Passed::Expression(text) => mentions_item(&format!("{{{{ {text} }}}}"), item),
    };
    if !call.with.values().any(tells) {
        let message = format!("nothing in `with` speaks of `{item}`: every call is the same");
        let problem = Diagnostic::warning(codes::USELESS_KEY, message)
            .at(sink.source(), each.key.span.clone(), "")
            .help(format!("the called workflow does not see it by itself: pass `{{{{ {item} }}}}` to one of its inputs"));
        sink.push(problem);
    }
}

/// The steps of a called workflow as part of the step `id` that calls it: their paths start with its own,
/// and so do the files they save.
pub(super) fn within(id: &StepPath, called: &Called, found: &mut Vec<Step>) {
    let inside = |path: &StepPath| StepPath::new(format!("{id}/{path}"));
    for step in called.plan.steps() {
        let needs = step.needs.iter();
        found.push(Step {
            id: inside(&step.id),
            needs: needs.map(|need| Need { step: inside(&need.step), ..need.clone() }).collect(),
            action: step.action.clone(),
            optional: step.optional,
            save: step.save.as_ref().map(|save| format!("{id}/{save}")),
            flow: Flow {
                within: Some(step.flow.within.as_ref().map_or_else(|| id.clone(), inside)),
                ..step.flow.clone()
            },
        });
    }
}

/// The files that the steps of a called workflow save, and whether several come of one.
pub(super) fn saves(path: &str, called: &Called, repeated: bool) -> Vec<(String, bool)> {
    let plan = &called.plan;
    let saved = |(at, step): (usize, &Step)| {
        let save = step.save.as_ref()?;
        Some((format!("{path}/{save}"), repeated || plan.repeats(at)))
    };
    plan.steps().iter().enumerate().filter_map(saved).collect()
}
