//! When and how often a step runs, in words.

use std::fmt::Write as _;

use orchestrate_core::{
    flow::{Flow, ForEach, ListSource, When},
    neutral,
    summary::{ItemCounts, StepSummary},
};

use crate::words;

/// What the workflow says of when and how often a step runs, one phrase each; none where it runs once, after
/// its needs.
pub fn flow(flow: &Flow) -> Vec<String> {
    let mut phrases = Vec::new();
    if let Some(condition) = &flow.condition {
        phrases.push(format!("if: {}", neutral::excerpt(&neutral::one_line(condition), 120)));
    }
    if flow.when != When::All {
        phrases.push(format!("when: {}", flow.when.as_str()));
    }
    phrases.extend(flow.each.as_ref().map(for_each));
    phrases
}

fn for_each(each: &ForEach) -> String {
    let list = match &each.list {
        ListSource::Expression(text) => neutral::excerpt(&neutral::one_line(text), 120),
        ListSource::Values(values) => words::counted(values.len() as u64, "value", "values"),
    };
    let most = each.max_parallel.map(|most| format!(", {most} at a time")).unwrap_or_default();
    let join = match each.join.as_str() {
        "all" => String::new(),
        other => format!(", join: {other}"),
    };
    format!("for each {} of {list}{most}{join}", each.name)
}

/// How many instances of a step are at their end: `37/120 items`, and how many of them failed.
pub fn items(step: &StepSummary) -> Option<String> {
    let counts = step.items?;
    Some(counted(&counts))
}

fn counted(counts: &ItemCounts) -> String {
    let ItemCounts { found, failed, skipped, .. } = *counts;
    let mut text =
        format!("{}/{found} {}", counts.ended(), if found == 1 { "item" } else { "items" });
    for (count, word) in [(failed, "failed"), (skipped, "skipped")] {
        if count > 0 {
            // Writing to a String cannot fail.
            let _ = write!(text, ", {count} {word}");
        }
    }
    text
}
