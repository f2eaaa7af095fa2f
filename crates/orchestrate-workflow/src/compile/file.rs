//! A whole workflow file.

use std::{ops::Range, sync::Arc};

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::{Diagnostic, Source},
    flow::Flow,
    ids::StepPath,
    persona::Gate,
    plan::{Plan, PlanParts, Step},
};

use super::{
    budget,
    call::{self, Calls, Shared},
    edges, fields, group, input, needs,
    settings::Settings,
    step::{self, Draft},
    templates::{self, Known},
};
use crate::{
    codes,
    language::{DEFAULTS, WORKFLOW},
    schemas::{NoSchemas, Schemas},
    template::Includes,
    yaml::{Holds, Map, Node, Sink, Text, first_level, read},
};

/// The largest file that is compiled: 4 MiB.
pub const MAX_SOURCE_BYTES: usize = 4 << 20;

/// The language version that this compiler knows.
const LANGUAGE: u32 = 1;

/// What a compiler may ask: the names of personas, and about JSON Schemas.
pub trait Catalogue {
    /// Whether a library has the persona.
    fn has_persona(&self, name: &str) -> bool;
    /// Every persona's name, for advice.
    fn persona_names(&self) -> Vec<String>;
    /// A file that a template includes, by its path from the workflow's folder, or why there is none.
    /// Nothing outside that folder is given.
    fn include(&self, path: &str) -> Result<Arc<Source>, String> {
        Err(format!("`{path}` cannot be included: this workflow has no folder"))
    }
    /// What checks JSON Schemas. Without one, workflows that have a schema are refused.
    fn schemas(&self) -> &dyn Schemas {
        &NoSchemas
    }
    /// The workflow that a step calls, with the catalogue that holds for its file: a name of a library, or a
    /// path from this workflow's folder that does not lead out of it.
    fn workflow(&self, _name: &str) -> Result<CalledWorkflow<'_>, NoWorkflow> {
        Err(NoWorkflow::Unknown)
    }
    /// Every workflow's name, for advice.
    fn workflow_names(&self) -> Vec<String> {
        Vec::new()
    }
    /// The gates of a persona; `None` where its file cannot be read here, which is told elsewhere.
    fn gates(&self, _persona: &str) -> Option<Vec<Gate>> {
        None
    }
}

/// A workflow file that another one calls.
pub struct CalledWorkflow<'c> {
    /// Its text. Files of one name are one file.
    pub source: Arc<Source>,
    /// What holds for it: what it includes and calls by paths lies below its own folder.
    pub catalogue: Box<dyn Catalogue + 'c>,
}

/// Why a workflow cannot be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoWorkflow {
    /// No library has the name.
    Unknown,
    /// There is a reason, for people.
    Unreadable(String),
}

/// What a catalogue has to include. Paths that lead elsewhere do not get as far as a disk.
struct Included<'c>(&'c dyn Catalogue);

impl Includes for Included<'_> {
    fn include(&self, path: &str) -> Result<Arc<Source>, String> {
        if leads_elsewhere(path) {
            return Err(format!("`{path}` is no file in the workflow's folder"));
        }
        self.0.include(path)
    }
}

/// Whether a path is none below the folder that it starts from.
pub(super) fn leads_elsewhere(path: &str) -> bool {
    path.is_empty()
        || path.starts_with(['/', '~'])
        || path.contains(['\\', ':', '\0'])
        || path.split('/').any(|part| part == "..")
}

/// Compiles a workflow file, and those that it calls. All mistakes are reported at once, in the order of the file; there is a
/// plan exactly where none of them is an error. Warnings may accompany it.
pub fn compile(source: &Arc<Source>, catalogue: &dyn Catalogue) -> (Option<Plan>, Vec<Diagnostic>) {
    let shared = Shared::default();
    compile_with(source, catalogue, &Calls::of(&shared, source))
}

pub(super) fn compile_with(
    source: &Arc<Source>,
    catalogue: &dyn Catalogue,
    calls: &Calls<'_>,
) -> (Option<Plan>, Vec<Diagnostic>) {
    let mut sink = Sink::new(source);
    let plan = if source.text.len() > MAX_SOURCE_BYTES {
        let message = format!("the file has {} bytes, and 4 MiB are the limit", source.text.len());
        let problem = sink.error(codes::FILE_TOO_LARGE, &(0..0), message);
        sink.push(problem.help("give long texts as inputs of type `file`, or split the workflow"));
        None
    } else {
        let root = read(&mut sink, Holds::WORKFLOW);
        root.and_then(|root| workflow(&mut sink, &root, catalogue, calls))
    };
    let plan = plan.filter(|_| !sink.has_errors());
    (plan, sink.finish())
}

/// Name and summary of a workflow file, for lists: whatever can be read of a broken one, too.
pub fn headline(source: &Source) -> (Option<String>, Option<String>) {
    if source.text.len() > MAX_SOURCE_BYTES {
        return (None, None);
    }
    let [name, summary] = first_level(source, ["workflow", "summary"]);
    (name, summary)
}

fn workflow(
    sink: &mut Sink<'_>,
    root: &Node,
    catalogue: &dyn Catalogue,
    calls: &Calls<'_>,
) -> Option<Plan> {
    let map = fields::any_map(sink, root, "a workflow")?;
    if !language(sink, map) {
        return None;
    }
    let map = fields::map(sink, root, "a workflow", &WORKFLOW)?;
    let start = start_of(sink, root);
    let name = workflow_name(sink, map, &start);
    let summary =
        map.get("summary").and_then(|entry| fields::text(sink, &entry.value, "`summary`"));
    let concurrency = map
        .get("concurrency")
        .and_then(|entry| fields::integer(sink, &entry.value, "`concurrency`", 1..=1000));
    let budget = map.get("budget").and_then(|entry| budget::read(sink, &entry.value));
    let budget = budget.unwrap_or_default();
    let inputs = map
        .get("inputs")
        .map(|entry| input::read(sink, &entry.value, catalogue.schemas()))
        .unwrap_or_default();
    let defaults = map.get("defaults").and_then(|entry| {
        let map = fields::map(sink, &entry.value, "`defaults`", &DEFAULTS)?;
        Some(Settings::read(sink, map))
    });
    let steps = steps(sink, map, &start)?;
    let files = Included(catalogue);
    let facts = group::facts(sink, steps, catalogue, calls);
    let mut owners = IndexMap::new();
    group::item_owners(steps, &mut owners);
    let known = Known {
        inputs: &inputs,
        own: &facts,
        around: None,
        items: Vec::new(),
        owners: &owners,
        group: None,
        depth: 0,
        files: &files,
        calls,
    };
    let drafts = drafts(sink, steps, catalogue, &defaults.unwrap_or_default(), &known);
    let mut saves = Vec::new();
    group::saves(&drafts, "", false, &mut saves);
    edges::report_shared_files(sink, &saves);
    let outputs = outputs(sink, map, &known);
    let mut finished = Vec::new();
    finish(drafts, None, &mut finished);
    let parts = PlanParts {
        workflow: name?.text,
        summary: summary.map(|summary| summary.text),
        steps: finished,
        inputs,
        outputs,
        concurrency,
        budget,
    };
    if sink.has_errors() {
        return None;
    }
    match Plan::build(parts) {
        Ok(plan) => Some(plan),
        // Every reason was looked for and reported with its place before.
        Err(error) => {
            sink.push(Diagnostic::error(codes::CYCLE, error.to_string()));
            None
        }
    }
}

/// The first character of the file's content, where what is missing is reported.
fn start_of(sink: &Sink<'_>, root: &Node) -> Range<usize> {
    let start = root.span.start;
    let first = sink.source().text.get(start..).and_then(|text| text.chars().next());
    start..start + first.map_or(0, char::len_utf8)
}

/// Whether this compiler knows the language of the file. Where it does not, nothing more is said:
/// the rest would be measured by the wrong rules.
fn language(sink: &mut Sink<'_>, map: &Map) -> bool {
    let Some(entry) = map.get("orchestrate") else { return true };
    let range = 1..=i64::from(u32::MAX);
    let version = fields::integer(sink, &entry.value, "`orchestrate`", range);
    let Some(version) = version.filter(|version| *version > LANGUAGE) else { return true };
    let message = format!("the file is written in language version {version}");
    let problem = sink.error(codes::NEWER_LANGUAGE, &entry.value.span, message);
    sink.push(problem.help(format!(
        "this program knows version {LANGUAGE}: use a newer program that knows version {version}"
    )));
    false
}

fn workflow_name(sink: &mut Sink<'_>, map: &Map, start: &Range<usize>) -> Option<Text> {
    let Some(entry) = map.get("workflow") else {
        let help = "add `workflow: a-name` at the top";
        fields::missing_key(sink, start, "the workflow has no name".to_owned(), help);
        return None;
    };
    let name = fields::text(sink, &entry.value, "`workflow`")?;
    if fields::is_name(&name.text) && !name.text.contains('_') {
        return Some(name);
    }
    let alphabet = "small letters, digits and `-`";
    let problem = fields::bad_name(sink, &name, "a workflow's name", alphabet);
    sink.push(problem);
    None
}

fn steps<'n>(sink: &mut Sink<'_>, map: &'n Map, start: &Range<usize>) -> Option<&'n Map> {
    const HELP: &str = "add `steps:` and below it, indented, `name: { persona: …, prompt: … }`";
    let Some(entry) = map.get("steps") else {
        fields::missing_key(sink, start, "the workflow has no steps".to_owned(), HELP);
        return None;
    };
    let steps = fields::any_map(sink, &entry.value, "`steps`")?;
    if steps.entries.is_empty() {
        let span = entry.key.span.clone();
        fields::missing_key(sink, &span, "the workflow has no steps".to_owned(), HELP);
        return None;
    }
    Some(steps)
}

pub(super) fn drafts(
    sink: &mut Sink<'_>,
    steps: &Map,
    catalogue: &dyn Catalogue,
    defaults: &Settings,
    known: &Known<'_>,
) -> IndexMap<String, Draft> {
    let mut drafts = IndexMap::new();
    for entry in steps.entries.values() {
        fields::check_name(sink, &entry.key, "a step's name");
        let draft = step::read(sink, entry, catalogue, defaults, known);
        drafts.insert(entry.key.text.clone(), draft);
    }
    needs::report_missing_briefs(sink, drafts.values().flat_map(|draft| &draft.edges), |step| {
        drafts.get(step).and_then(|draft| draft.action.as_ref())
    });
    let edges = drafts.iter().map(|(id, draft)| (id.clone(), draft.edges.clone())).collect();
    edges::report_cycles(sink, &edges);
    drafts
}

/// The steps of one map and those within them, a group before its steps.
fn finish(drafts: IndexMap<String, Draft>, within: Option<&StepPath>, found: &mut Vec<Step>) {
    let group = within.map(|group| format!("{group}/")).unwrap_or_default();
    for (id, draft) in drafts {
        let id = StepPath::new(format!("{group}{id}"));
        let Some(action) = draft.action else { continue };
        found.push(Step {
            id: id.clone(),
            needs: draft.edges.iter().map(|edge| edge.need(&group)).collect(),
            action,
            optional: draft.optional,
            save: draft.save.map(|path| path.text),
            flow: Flow {
                condition: draft.flow.condition,
                when: draft.flow.when,
                each: draft.flow.each,
                within: within.cloned(),
            },
        });
        if let Some(called) = &draft.called {
            call::within(&id, called, found);
        }
        finish(draft.inner, Some(&id), found);
    }
}

fn outputs(sink: &mut Sink<'_>, map: &Map, known: &Known<'_>) -> IndexMap<String, String> {
    let mut outputs = IndexMap::new();
    let Some(entry) = map.get("outputs") else { return outputs };
    let Some(map) = fields::any_map(sink, &entry.value, "`outputs`") else { return outputs };
    for entry in map.entries.values() {
        fields::check_name(sink, &entry.key, "an output's name");
        let what = format!("output `{}`", entry.key.text);
        if let Some(text) = fields::text(sink, &entry.value, &what) {
            let (text, _) = templates::read(sink, &entry.value, &text, known);
            outputs.insert(entry.key.text.clone(), text);
        }
    }
    outputs
}
