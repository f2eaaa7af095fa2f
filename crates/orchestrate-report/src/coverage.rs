//! The coverage report: per edge, what the next document says of its predecessor's brief.

use orchestrate_core::{
    coverage::{CoverageEntry, Document, EntryKind, Evidence, Finding},
    handoff::Pass,
    ids::StepPath,
    neutral,
    plan::Action,
    summary::{RunStatus, StepState},
};
use serde_json::{Value, json};

use crate::{context::Context, words};

/// Entries that one edge tells of in the report; the JSON has all.
const MOST_LINES: usize = 12;
/// Characters of an entry in the report.
const WIDTH: usize = 160;

/// What one document says of one brief.
pub(crate) struct Edge {
    from: StepPath,
    to: StepPath,
    entries: Vec<CoverageEntry>,
    unchecked: usize,
}

/// Every edge on which a brief with something to check was handed on and both ends are finished, in plan
/// order. None without a model: a worksheet keeps and drops nothing.
pub(crate) fn edges(context: &Context<'_>) -> Vec<Edge> {
    let summary = context.summary;
    let plan = summary.plan();
    let mut edges = Vec::new();
    if summary.offline {
        return edges;
    }
    for (at, step) in plan.steps().iter().enumerate() {
        let told = &summary.steps[at];
        if !matches!(step.action, Action::Persona(_)) || told.state != StepState::Succeeded {
            continue;
        }
        // Read when the first need has a brief to hold against it.
        let mut document = None;
        for (&position, need) in plan.needs(at).iter().zip(&step.needs) {
            let asks = matches!(plan.steps()[position].action, Action::Persona(_));
            if !asks || need.pass == Pass::None {
                continue;
            }
            let Some(brief) = context.brief(&summary.steps[position]) else { continue };
            let document = document.get_or_insert_with(|| {
                let text = context.deliverable(told).unwrap_or_default();
                Document::new(&text, context.brief(told).as_ref())
            });
            let found = document.coverage_of(&brief);
            if !found.entries.is_empty() {
                edges.push(Edge {
                    from: need.step.clone(),
                    to: step.id.clone(),
                    entries: found.entries,
                    unchecked: found.unchecked,
                });
            }
        }
    }
    edges
}

impl Edge {
    fn count(&self, which: impl Fn(&Finding) -> bool) -> usize {
        self.entries.iter().filter(|entry| which(&entry.finding)).count()
    }

    fn kept(&self) -> usize {
        self.count(|finding| matches!(finding, Finding::Kept(_)))
    }
}

/// The section of the report; none where nothing was handed on.
pub(crate) fn section(context: &Context<'_>) -> Option<String> {
    let edges = edges(context);
    if edges.is_empty() {
        return None;
    }
    let mut lines = vec![
        "## Handed on".to_owned(),
        String::new(),
        "What each document says of the decisions, figures and constraints it was given. Words, identifiers \
         and numbers were compared, and nothing else: \"not mentioned\" may stand there in other words."
            .to_owned(),
        String::new(),
    ];
    for edge in &edges {
        let all = edge.entries.len();
        lines.push(format!("- `{}` → `{}`: {} of {all} found", edge.from, edge.to, edge.kept()));
        let told: Vec<String> = edge.entries.iter().filter_map(line).collect();
        lines.extend(told.iter().take(MOST_LINES).map(|line| format!("  - {line}")));
        if told.len() > MOST_LINES {
            lines.push(format!("  - and {} more", told.len() - MOST_LINES));
        }
        if edge.unchecked > 0 {
            lines.push(format!("  - {} more were not checked", edge.unchecked));
        }
    }
    Some(lines.join("\n"))
}

/// What is to be said of an entry; nothing of one that was kept.
fn line(entry: &CoverageEntry) -> Option<String> {
    let kind = kind(entry.kind);
    let id = entry.id.as_ref().map(|id| format!(" {}", plain(id))).unwrap_or_default();
    let text = plain(&entry.text);
    Some(match &entry.finding {
        Finding::Kept(_) => return None,
        Finding::Changed { was, now } => {
            format!("changed {kind}{id}: was {}, now {} ({text})", plain(was), plain(now))
        }
        Finding::NamedOnly => format!("{kind}{id} named without its number: {text}"),
        Finding::NotMentioned => format!("{kind}{id} not mentioned: {text}"),
    })
}

fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Decision => "decision",
        EntryKind::Figure => "figure",
        EntryKind::Constraint => "constraint",
    }
}

/// A model's text on one line, in which Markdown finds nothing to do.
fn plain(text: &str) -> String {
    let mut safe = String::new();
    for c in neutral::excerpt(text, WIDTH).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '~' | '&')
        {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

/// One line for the end of a complete run, where something that was handed on was not found again.
pub fn coverage_line(context: &Context<'_>) -> Option<String> {
    if context.summary.status != RunStatus::Succeeded {
        return None;
    }
    let edges = edges(context);
    let sum = |of: &dyn Fn(&Edge) -> usize| edges.iter().map(of).sum::<usize>() as u64;
    let missing = |edge: &Edge| edge.count(|finding| *finding == Finding::NotMentioned);
    let dropped = sum(&missing);
    let mut places: Vec<String> = edges
        .iter()
        .filter(|edge| missing(edge) > 0)
        .map(|edge| format!("{} → {}", edge.from, edge.to))
        .collect();
    let more = places.len().saturating_sub(3);
    places.truncate(3);
    if more > 0 {
        places.push(format!("{more} more"));
    }
    let changed =
        match sum(&|edge| edge.count(|finding| matches!(finding, Finding::Changed { .. }))) {
            0 => String::new(),
            changed => format!("{} changed, ", words::count(changed)),
        };
    (dropped > 0).then(|| {
        format!(
            "handed  {changed}{} of {} not mentioned: {}",
            words::count(dropped),
            words::counted(sum(&|edge| edge.entries.len()), "brief entry", "brief entries"),
            places.join(", ")
        )
    })
}

/// Every edge with every entry.
pub(crate) fn as_json(context: &Context<'_>) -> Vec<Value> {
    let entry = |entry: &CoverageEntry| {
        let mut told = json!({ "kind": kind(entry.kind), "id": entry.id, "text": entry.text });
        match &entry.finding {
            Finding::Kept(evidence) => {
                told["finding"] = "kept".into();
                told["by"] = match evidence {
                    Evidence::Id => "id".into(),
                    Evidence::Words => "words".into(),
                    Evidence::Value => "value".into(),
                };
            }
            Finding::Changed { was, now } => {
                told["finding"] = "changed".into();
                told["was"] = was.as_str().into();
                told["now"] = now.as_str().into();
            }
            Finding::NamedOnly => told["finding"] = "named_only".into(),
            Finding::NotMentioned => told["finding"] = "not_mentioned".into(),
        }
        told
    };
    let edges = edges(context);
    edges
        .iter()
        .map(|edge| {
            json!({
                "from": edge.from,
                "to": edge.to,
                "kept": edge.kept(),
                "changed": edge.count(|finding| matches!(finding, Finding::Changed { .. })),
                "not_mentioned": edge.count(|finding| *finding == Finding::NotMentioned),
                "unchecked": edge.unchecked,
                "entries": edge.entries.iter().map(entry).collect::<Vec<_>>(),
            })
        })
        .collect()
}
