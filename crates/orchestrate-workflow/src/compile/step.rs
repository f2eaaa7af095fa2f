//! One step of a workflow.

use std::{ops::Range, rc::Rc};

use indexmap::IndexMap;
use orchestrate_core::plan::{Action, DEFAULT_REPAIRS, PersonaStep};

use super::{
    approve,
    call::{self, Called},
    edges::{self, Edge},
    fields,
    file::Catalogue,
    flow::{self, FlowDraft},
    group::{self, Group},
    needs, persona, review,
    settings::Settings,
    templates::{self, Known, OutputFacts, StepReference},
};
use crate::{
    codes,
    language::{DEFAULTS, STEP},
    template::Form,
    yaml::{Entry, Map, Node, Sink, Text},
};

/// Repairs of one answer at most: a model that has not got it by then will not.
const MOST_REPAIRS: i64 = 5;

/// A step as far as the file says it soundly.
pub(super) struct Draft {
    pub(super) edges: Vec<Edge>,
    pub(super) action: Option<Action>,
    pub(super) optional: bool,
    pub(super) save: Option<Text>,
    pub(super) flow: FlowDraft,
    /// The steps of a group, by id.
    pub(super) inner: IndexMap<String, Draft>,
    /// The workflow that it calls.
    pub(super) called: Option<Rc<Called>>,
    /// Its name in the file.
    pub(super) span: Range<usize>,
    /// What it refers to outside of its group.
    pub(super) outside: Vec<StepReference>,
}

/// Reads a step.
pub(super) fn read(
    sink: &mut Sink<'_>,
    entry: &Entry,
    catalogue: &dyn Catalogue,
    defaults: &Settings,
    known: &Known<'_>,
) -> Draft {
    let id = &entry.key.text;
    let mut draft = Draft {
        edges: Vec::new(),
        action: None,
        optional: false,
        save: None,
        flow: FlowDraft::default(),
        inner: IndexMap::new(),
        called: None,
        span: entry.key.span.clone(),
        outside: Vec::new(),
    };
    let what = format!("step `{id}`");
    let Some(map) = fields::map(sink, &entry.value, &what, &STEP) else { return draft };
    let declared = map.get("needs").map(|entry| needs::read(sink, id, &entry.value, known));
    let optional = map.get("optional");
    draft.optional = optional
        .and_then(|entry| fields::boolean(sink, &entry.value, "`optional`"))
        .unwrap_or_default();
    draft.save = map.get("save").and_then(|entry| save(sink, &entry.value));
    draft.flow = flow::read(sink, map, id, known);
    // From here on, templates know the item.
    let item = flow::item(&entry.value, draft.flow.each.as_ref(), known);
    let known =
        &Known { items: known.items.iter().cloned().chain(item).collect(), ..known.clone() };
    let kinds: Vec<&Entry> = KINDS.iter().filter_map(|kind| map.get(kind)).collect();
    let (action, mut references) = match kinds.as_slice() {
        [kind] => {
            let value = &kind.value;
            match kind.key.text.as_str() {
                "persona" => persona_step(sink, id, map, value, catalogue, defaults, known),
                "approve" => approve::read(sink, map, value, known),
                "steps" => {
                    let read = group::read(sink, id, map, kind, catalogue, defaults, known);
                    let Group { steps, outside } = read.unwrap_or_default();
                    draft.inner = steps;
                    (Some(Action::Group), outside)
                }
                "workflow" => {
                    draft.called = known.own.get(id).and_then(|facts| facts.called.clone());
                    let called = draft.called.as_deref();
                    call::read(sink, map, kind, called, catalogue, known)
                }
                _ => render_step(sink, map, value, known),
            }
        }
        kinds => {
            report_kind(sink, entry, kinds);
            (None, Vec::new())
        }
    };
    references.extend(std::mem::take(&mut draft.flow.references));
    let (own, outside) =
        references.into_iter().partition(|found: &StepReference| known.own.contains_key(&found.id));
    draft.outside = outside;
    draft.edges = edges::with_references(sink, id, declared.unwrap_or_default(), own);
    flow::check_when(sink, map, &draft.edges);
    if map.get("render").is_some() {
        draft.edges.iter_mut().for_each(|edge| edge.without_handoff(sink, "only renders"));
    }
    if map.get("approve").is_some() {
        draft.edges.iter_mut().for_each(|edge| edge.without_handoff(sink, "asks a person"));
    } else {
        approve::report_strays(sink, map);
    }
    if map.get("workflow").is_none() {
        call::report_strays(sink, map);
    }
    if let (Some(each), Some(for_each), Some(action)) =
        (&draft.flow.each, map.get("for_each"), &action)
    {
        call::report_same_calls(sink, for_each, &each.name, action);
    }
    draft.action = action;
    draft
}

/// The keys of which a step has exactly one.
const KINDS: [&str; 5] = ["persona", "render", "approve", "steps", "workflow"];

fn report_kind(sink: &mut Sink<'_>, entry: &Entry, kinds: &[&Entry]) {
    let id = &entry.key.text;
    let mut problem = match kinds {
        [first, second, ..] => sink
            .error(
                codes::STEP_KIND,
                &second.key.span,
                format!("step `{id}` has both `{}` and `{}`", first.key.text, second.key.text),
            )
            .at(sink.source(), first.key.span.clone(), "the other one"),
        _ => sink.error(
            codes::STEP_KIND,
            &entry.key.span,
            format!(
                "step `{id}` has neither `persona` nor `render` nor `approve` nor `steps` nor `workflow`"
            ),
        ),
    };
    problem = problem.help("a step has exactly one: `persona: name` asks a persona, `render: text` fills in a template, `approve: question` asks a person, `steps:` makes a group, `workflow: name` runs another workflow");
    sink.push(problem);
}

fn persona_step(
    sink: &mut Sink<'_>,
    id: &str,
    map: &Map,
    persona: &Node,
    catalogue: &dyn Catalogue,
    defaults: &Settings,
    known: &Known<'_>,
) -> (Option<Action>, Vec<StepReference>) {
    let mut references = Vec::new();
    let choice = persona::read(sink, persona, catalogue, known);
    if let Some(by) = choice.as_ref().and_then(|choice| choice.by)
        && let Some(text) = fields::text(sink, by, "`by`")
    {
        let found = templates::check(sink, by, &text, Form::Expression, known);
        // Looking a persona up by a step's text does not put the text into the prompt.
        references
            .extend(found.into_iter().map(|found| StepReference { prints_text: false, ..found }));
    }
    let prompt = map.get("prompt").and_then(|entry| {
        let text = fields::text(sink, &entry.value, "`prompt`")?;
        let (text, found) = templates::read(sink, &entry.value, &text, known);
        references.extend(found);
        Some(text)
    });
    let output = known.own.get(id).map(|facts| &facts.output);
    let repairs = map.get("repairs").and_then(|entry| {
        if !output.is_some_and(OutputFacts::is_there) && map.get("review").is_none() {
            let message = "`repairs` does nothing in a step without `output` or `review`";
            let problem = sink.error(codes::KEY_NOT_FOR_STEP, &entry.key.span, message);
            sink.push(problem.help("remove it, or say with `output` what the answer has to be"));
        }
        fields::integer(sink, &entry.value, "`repairs`", 0..=MOST_REPAIRS)
    });
    let review = map
        .get("review")
        .and_then(|entry| review::read(sink, &entry.value, id, catalogue, known, &mut references));
    let repairs = repairs.and_then(|repairs| u16::try_from(repairs).ok());
    let settings = Settings::read(sink, map).or(defaults);
    let action = choice.map(|choice| {
        Action::Persona(Box::new(PersonaStep {
            persona: choice.persona,
            prompt,
            model: settings.model,
            parameters: settings.parameters,
            timeouts: settings.timeouts,
            on_unknown: settings.on_unknown.unwrap_or_default(),
            attempts: settings.attempts,
            output: output.and_then(OutputFacts::spec).cloned(),
            review,
            repairs: repairs.unwrap_or(DEFAULT_REPAIRS),
        }))
    });
    (action, references)
}

fn render_step(
    sink: &mut Sink<'_>,
    map: &Map,
    render: &Node,
    known: &Known<'_>,
) -> (Option<Action>, Vec<StepReference>) {
    for key in DEFAULTS.names().chain(["prompt", "output", "review", "repairs"]) {
        if let Some(entry) = map.get(key) {
            let message = format!("`{key}` does nothing in a step that only renders");
            let problem = sink.error(codes::KEY_NOT_FOR_STEP, &entry.key.span, message);
            sink.push(problem.help("remove it: no model is called"));
        }
    }
    let Some(text) = fields::text(sink, render, "`render`") else { return (None, Vec::new()) };
    let (text, references) = templates::read(sink, render, &text, known);
    (Some(Action::Render(text)), references)
}

/// Files that a run writes beside its deliverables.
const RESERVED: &[&str] = &["report.md", "OFFLINE.md", "REPLAY.md"];

/// A path below the output folder: no way out of it, nothing hidden, nothing that terminals or file
/// systems read as something else.
fn save(sink: &mut Sink<'_>, node: &Node) -> Option<Text> {
    let path = fields::text(sink, node, "`save`")?;
    let text = path.text.as_str();
    let wrong = if text.is_empty() || text.ends_with('/') {
        Some("names no file")
    } else if text.len() > 255 {
        Some("is longer than 255 bytes")
    } else if text.starts_with('/') || text.contains(':') {
        Some("is not relative to the output folder")
    } else if text.contains('\\') {
        Some("has a backslash")
    } else if orchestrate_core::neutral::visible(text) != text || text.contains(['\n', '\t']) {
        Some("has characters that cannot be seen")
    } else if text.split('/').any(|part| part == "..") {
        Some("leaves the output folder")
    } else if text.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        Some("has a part that is empty or starts with a dot")
    } else if RESERVED.iter().any(|name| text.eq_ignore_ascii_case(name)) {
        Some("is the name of a file that every run writes")
    } else {
        None
    };
    match wrong {
        None => Some(path),
        Some(wrong) => {
            let message = format!("the path of `save` {wrong}");
            let problem = sink.error(codes::UNSAFE_PATH, &path.span, message);
            sink.push(
                problem.help("write a file name, or folders and a file name: `design/data.md`"),
            );
            None
        }
    }
}
