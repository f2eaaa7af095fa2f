//! The edges between steps: what templates refer to beside what `needs` says, and circles.

use std::{collections::BTreeMap, ops::Range};

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::Diagnostic,
    flow::Flow,
    handoff::Pass,
    ids::StepPath,
    plan::{Action, Need, Plan, PlanError, PlanParts, Step},
};

use super::templates::StepReference;
use crate::{
    codes,
    yaml::{Sink, Text},
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
    /// What the handoff consists of, and the place that says it.
    pub(super) pass: Option<(Pass, Range<usize>)>,
    /// Tokens that it may bring, and the place that says it.
    pub(super) max_tokens: Option<(u32, Range<usize>)>,
}

impl Edge {
    /// The need of a step whose group has this path, with a `/` behind it.
    pub(super) fn need(&self, group: &str) -> Need {
        Need {
            step: StepPath::new(format!("{group}{}", self.step)),
            handoff: self.handoff,
            pass: self.pass.as_ref().map(|(pass, _)| *pass).unwrap_or_default(),
            max_tokens: self.max_tokens.as_ref().map(|(most, _)| *most),
        }
    }

    /// An edge that only a reference makes, which hands nothing over by itself.
    fn of_reference(step: String, span: Range<usize>) -> Self {
        Self { step, span, handoff: false, pass: None, max_tokens: None }
    }
}

pub(super) fn report_self(sink: &mut Sink<'_>, id: &Text) {
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
            edge.refer(sink, &span, prints_text);
        } else {
            let message =
                format!("step `{owner}` refers to `{id}` and does not say that it needs it");
            let problem = Diagnostic::warning(codes::UNDECLARED_NEED, message)
                .at(sink.source(), span.clone(), "")
                .help(format!("add `{id}` to its `needs`; until then it is added for you"));
            sink.push(problem);
            edges.insert(id.clone(), Edge::of_reference(id, span));
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
        budget: orchestrate_core::budget::Budget::default(),
    })
}

/// Reports steps that save the same file; upper and lower case do not count, since many file
/// systems do not tell them apart. The items of a fan-out save files with numbers.
pub(super) fn report_shared_files(sink: &mut Sink<'_>, saves: &[(String, Range<usize>, bool)]) {
    let mut seen: BTreeMap<String, Range<usize>> = BTreeMap::new();
    let mut numbered: BTreeMap<String, Range<usize>> = BTreeMap::new();
    for (path, span, repeated) in saves {
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
                seen.insert(low, span.clone());
                continue;
            }
        };
        let problem = sink
            .error(codes::DUPLICATE_SAVE, span, message)
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
