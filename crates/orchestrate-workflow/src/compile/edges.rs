//! The edges between steps: what `needs` says, what templates refer to, and circles.

use std::{collections::BTreeMap, ops::Range};

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::Diagnostic,
    flow::Flow,
    ids::StepPath,
    plan::{Action, Need, Plan, PlanError, PlanParts, Step},
};

use super::{
    fields, templates,
    templates::{Known, StepReference},
};
use crate::{
    codes,
    yaml::{Kind, Node, Sink, Text},
};

/// Circles that are reported at once.
const MOST_CYCLES: usize = 8;

/// An edge and the place that says it.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub(super) step: String,
    pub(super) span: Range<usize>,
    /// Whether its handoff goes into the prompt by itself.
    pub(super) handoff: bool,
}

impl Edge {
    /// The need of a step whose group has this path, with a `/` behind it.
    pub(super) fn need(&self, group: &str) -> Need {
        Need { step: StepPath::new(format!("{group}{}", self.step)), handoff: self.handoff }
    }
}

/// Reads `needs:`. Edges to steps that do not exist, and of a step to itself, are reported and left out.
pub(super) fn declared(
    sink: &mut Sink<'_>,
    owner: &str,
    node: &Node,
    known: &Known<'_>,
) -> Vec<Edge> {
    const HELP: &str = "write `needs: data` or `needs: [data, analysis]`";
    let steps = known.own;
    let nodes = match &node.kind {
        Kind::List(items) => items.as_slice(),
        Kind::Scalar(_) => std::slice::from_ref(node),
        Kind::Map(_) | Kind::Broken => {
            let wanted = "a step's name or a list of names";
            fields::wrong_type(sink, node, "`needs`", wanted, Some(HELP.to_owned()));
            return Vec::new();
        }
    };
    let mut edges: IndexMap<String, Edge> = IndexMap::new();
    for node in nodes {
        let Some(id) = fields::text(sink, node, "a need") else { continue };
        if id.text == owner {
            report_self(sink, &id);
        } else if let Some(group) = known.group
            && !steps.contains_key(&id.text)
            && known.facts(&id.text).is_some()
        {
            let message = format!("`{}` stands outside of the group `{group}`", id.text);
            let problem = sink.error(codes::UNKNOWN_STEP, &id.span, message);
            sink.push(problem.help(format!(
                "put it into the `needs` of `{group}`; what that group needs is handed to its first steps"
            )));
        } else if !steps.contains_key(&id.text) {
            let names: Vec<&str> = steps.keys().map(String::as_str).collect();
            templates::unknown_step(sink, &id, &names);
        } else if let Some(first) = edges.get(&id.text) {
            let message = format!("`{}` is needed twice", id.text);
            let problem = sink
                .error(codes::DUPLICATE_NEED, &id.span, message)
                .at(sink.source(), first.span.clone(), "first here")
                .help("remove one of them");
            sink.push(problem);
        } else {
            let edge = Edge { step: id.text.clone(), span: id.span, handoff: true };
            edges.insert(id.text, edge);
        }
    }
    edges.into_values().collect()
}

fn report_self(sink: &mut Sink<'_>, id: &Text) {
    let message = format!("step `{}` needs itself", id.text);
    let problem = sink.error(codes::SELF_NEED, &id.span, message);
    sink.push(problem.help("name the step that comes before it"));
}

/// Adds the edges that references make; a step whose text the template prints hands nothing over
/// by itself.
pub(super) fn with_references(
    sink: &mut Sink<'_>,
    owner: &str,
    declared: Vec<Edge>,
    references: Vec<StepReference>,
) -> Vec<Edge> {
    let mut edges: IndexMap<String, Edge> =
        declared.into_iter().map(|edge| (edge.step.clone(), edge)).collect();
    for reference in references {
        let StepReference { id, span, prints_text, .. } = reference;
        if id == owner {
            report_self(sink, &Text { text: id, span });
        } else if let Some(edge) = edges.get_mut(&id) {
            edge.handoff &= !prints_text;
        } else {
            let message =
                format!("step `{owner}` refers to `{id}` and does not say that it needs it");
            let problem = Diagnostic::warning(codes::UNDECLARED_NEED, message)
                .at(sink.source(), span.clone(), "")
                .help(format!("add `{id}` to its `needs`; until then it is added for you"));
            sink.push(problem);
            edges.insert(id.clone(), Edge { step: id, span, handoff: false });
        }
    }
    edges.into_values().collect()
}

/// Reports circles, each with every need that is part of it.
pub(super) fn report_cycles(sink: &mut Sink<'_>, edges: &IndexMap<String, Vec<Edge>>) {
    let mut edges = edges.clone();
    for _ in 0..MOST_CYCLES {
        let Err(PlanError::Cycle(cycle)) = skeleton(&edges) else { return };
        let ids: Vec<&str> = cycle.iter().map(StepPath::as_str).collect();
        report_cycle(sink, &edges, &ids);
        // Without one of its needs the circle is open, and the next one shows.
        let (Some(last), Some(first)) = (ids.last(), ids.first()) else { return };
        if let Some(needs) = edges.get_mut(*last) {
            needs.retain(|edge| edge.step != *first);
        }
    }
}

fn report_cycle(sink: &mut Sink<'_>, edges: &IndexMap<String, Vec<Edge>>, ids: &[&str]) {
    let path = ids.iter().chain(ids.first()).copied().collect::<Vec<_>>().join(" → ");
    let mut problem =
        Diagnostic::error(codes::CYCLE, format!("steps need each other in a circle: {path}"));
    for (at, id) in ids.iter().enumerate() {
        let next = ids[(at + 1) % ids.len()];
        let edge = edges.get(*id).and_then(|needs| needs.iter().find(|edge| edge.step == next));
        if let Some(edge) = edge {
            let text = format!("`{id}` needs `{next}`");
            problem = problem.at(sink.source(), edge.span.clone(), text);
        }
    }
    sink.push(problem.help("remove one of these needs"));
}

/// The plan of these edges alone.
fn skeleton(edges: &IndexMap<String, Vec<Edge>>) -> Result<Plan, PlanError> {
    let steps = edges.iter().map(|(id, needs)| Step {
        id: StepPath::from(id.as_str()),
        needs: needs.iter().map(|edge| edge.need("")).collect(),
        action: Action::Render(String::new()),
        optional: false,
        save: None,
        flow: Flow::default(),
    });
    Plan::build(PlanParts {
        workflow: String::new(),
        summary: None,
        inputs: IndexMap::new(),
        steps: steps.collect(),
        outputs: IndexMap::new(),
        concurrency: None,
    })
}

/// Reports steps that save the same file; upper and lower case do not count, since many file
/// systems do not tell them apart. The items of a fan-out save files with numbers.
pub(super) fn report_shared_files(sink: &mut Sink<'_>, saves: Vec<(&str, Range<usize>, bool)>) {
    let mut seen: BTreeMap<String, Range<usize>> = BTreeMap::new();
    let mut numbered: BTreeMap<String, Range<usize>> = BTreeMap::new();
    for (path, span, repeated) in &saves {
        if *repeated {
            numbered.entry(path.to_lowercase()).or_insert_with(|| span.clone());
        }
    }
    for (path, span, _) in saves {
        let low = path.to_lowercase();
        let other = unnumbered(&low).and_then(|name| numbered.get(&name));
        let (message, first) = match (seen.get(&low), other) {
            (Some(first), _) => (format!("two steps save `{path}`"), first.clone()),
            (None, Some(other)) => (format!("`{path}` may be the file of an item"), other.clone()),
            (None, None) => {
                seen.insert(low, span);
                continue;
            }
        };
        let problem = sink
            .error(codes::DUPLICATE_SAVE, &span, message)
            .at(sink.source(), first, "first here")
            .help("give each step a file of its own");
        sink.push(problem);
    }
}

/// The name that a file with the number of an item is made from: `part.md` of `part-3.md`.
fn unnumbered(path: &str) -> Option<String> {
    let (stem, ending) = match path.rsplit_once('.') {
        Some((stem, ending)) if !ending.contains('/') => (stem, format!(".{ending}")),
        _ => (path, String::new()),
    };
    let bare = stem.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    let rest = &stem[bare.len()..];
    let number = rest.starts_with('-') && rest.ends_with(|c: char| c.is_ascii_digit());
    number.then(|| format!("{bare}{ending}"))
}
