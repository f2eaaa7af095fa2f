//! The coverage report: per edge, what the next document says of its predecessor's brief.

use orchestrate_core::{
    coverage::{CoverageEntry, EntryKind, Evidence, Finding},
    neutral,
    summary::RunStatus,
};
use serde_json::{Value, json};

use crate::{
    context::Context,
    handed::{Edge, HandedOn, edges},
    words,
};

/// Entries that one edge tells of in the report; the JSON has all.
const MOST_LINES: usize = 12;
/// Entries that each of several handoffs of an edge tells of.
const MOST_LINES_EACH: usize = 4;
/// Characters of an entry in the report.
const WIDTH: usize = 160;

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
        lines.extend(edge_lines(edge));
    }
    Some(lines.join("\n"))
}

/// An edge in the report: its totals, and what was not found; of many handoffs in the worst of them.
fn edge_lines(edge: &Edge) -> Vec<String> {
    let found = &edge.found;
    let mut line =
        format!("- `{}` → `{}`: {} of {} found", edge.from, edge.to, found.kept, found.checked());
    if edge.handoffs + edge.unread > 1 {
        let handoffs = words::counted(edge.handoffs as u64, "handoff", "handoffs");
        line = format!("{line} in {handoffs}");
    }
    let mut lines = vec![line];
    match edge.worst.as_slice() {
        [only] if edge.handoffs == 1 => lines.extend(missing(only, MOST_LINES, "  ")),
        worst => {
            for handed in worst.iter().filter(|handed| handed.found.lost() > 0) {
                let (found, all) = (handed.found.kept, handed.found.checked());
                lines.push(format!("  - `{}` → `{}`: {found} of {all}", handed.from, handed.to));
                lines.extend(missing(handed, MOST_LINES_EACH, "    "));
            }
            let told: usize = worst.iter().map(|handed| handed.found.lost()).sum();
            if found.lost() > told {
                let more = words::count((found.lost() - told) as u64);
                lines.push(format!("  - and {more} more in other handoffs"));
            }
        }
    }
    if found.unchecked > 0 {
        lines.push(format!("  - {} more were not checked", found.unchecked));
    }
    if edge.unread > 0 {
        let unread = words::counted(edge.unread as u64, "handoff", "handoffs");
        lines.push(format!("  - {unread} more not looked at: there are too many"));
    }
    lines
}

/// What of one brief does not stand in the document as it was.
fn missing(handed: &HandedOn, most: usize, indent: &str) -> Vec<String> {
    let told: Vec<String> = handed.entries.iter().filter_map(line).collect();
    let mut lines: Vec<String> =
        told.iter().take(most).map(|line| format!("{indent}- {line}")).collect();
    if told.len() > most {
        lines.push(format!("{indent}- and {} more", told.len() - most));
    }
    lines
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
    let dropped = sum(&|edge| edge.found.not_mentioned);
    let mut places: Vec<String> = edges
        .iter()
        .filter(|edge| edge.found.not_mentioned > 0)
        .map(|edge| format!("{} → {}", edge.from, edge.to))
        .collect();
    let more = places.len().saturating_sub(3);
    places.truncate(3);
    if more > 0 {
        places.push(format!("{more} more"));
    }
    let changed = match sum(&|edge| edge.found.changed) {
        0 => String::new(),
        changed => format!("{} changed, ", words::count(changed)),
    };
    (dropped > 0).then(|| {
        format!(
            "handed  {changed}{} of {} not mentioned: {}",
            words::count(dropped),
            words::counted(sum(&|edge| edge.found.checked()), "brief entry", "brief entries"),
            places.join(", ")
        )
    })
}

/// Every edge with its totals. Of one handoff there is every entry; of several, those of the worst, each with
/// the instances that it went between.
pub(crate) fn as_json(context: &Context<'_>) -> Vec<Value> {
    edges(context).iter().map(edge_json).collect()
}

fn edge_json(edge: &Edge) -> Value {
    let mut entries: Vec<Value> = Vec::new();
    for handed in &edge.worst {
        for told in handed.entries.iter().map(entry_json) {
            let mut told = told;
            if edge.handoffs > 1 {
                told["from"] = handed.from.as_str().into();
                told["to"] = handed.to.as_str().into();
            }
            entries.push(told);
        }
    }
    json!({
        "from": edge.from,
        "to": edge.to,
        "handoffs": edge.handoffs,
        "unread": edge.unread,
        "kept": edge.found.kept,
        "changed": edge.found.changed,
        "not_mentioned": edge.found.not_mentioned,
        "unchecked": edge.found.unchecked,
        "entries": entries,
    })
}

fn entry_json(entry: &CoverageEntry) -> Value {
    let mut told = json!({ "kind": kind(entry.kind), "id": entry.id, "text": entry.text });
    match &entry.finding {
        Finding::Kept(evidence) => {
            told["finding"] = "kept".into();
            told["by"] = match evidence {
                Evidence::Id => "id".into(),
                Evidence::Words => "words".into(),
                Evidence::Value => "value".into(),
            }
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
}
