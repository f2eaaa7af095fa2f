//! The run header: the one part of a report that differs between two runs with the same answers.

use std::{fmt::Write as _, time::Duration};

use orchestrate_core::{
    money::Money,
    neutral,
    summary::{RunSummary, StepSummary},
};

use crate::{
    context::{self, Context},
    states, words,
};

/// The line before the header.
pub(crate) const BEGIN: &str = "<!-- run -->";
/// The line after the header.
pub(crate) const END: &str = "<!-- /run -->";

/// Identity, times, calls, tokens and where each answer comes from.
pub(crate) fn header(context: &Context<'_>) -> String {
    let summary = context.summary;
    let mut lines = vec![BEGIN.to_owned(), String::new()];
    let mut item = |name: &str, text: String| lines.push(format!("- {name}: {text}"));
    if let Some(run) = &summary.run {
        item("Run", format!("`{run}`"));
    }
    if let Some(from) = &summary.forked_from {
        item("Made from run", format!("`{from}`"));
    }
    if let Some(selection) = &summary.selection {
        item("Personas", crate::selection(selection));
    }
    item("Created", words::time(summary.created_at));
    item("Last event", words::time(summary.updated_at));
    item("Status", states::status(summary));
    if let Some(model) = &summary.model {
        let at = summary.endpoint.as_ref().map(|endpoint| format!(" at {}", endpoint.origin));
        item("Model", neutral::one_line(&format!("{model}{}", at.unwrap_or_default())));
    }
    item("Active time", words::duration(Duration::from_millis(summary.active_ms)));
    item("Calls", calls(summary));
    if summary.asks_models() {
        item("Tokens", tokens(summary));
    }
    if let Some(cost) = cost(summary) {
        item("Cost", cost);
    }
    for line in states::slowed(summary) {
        item("Slowed down", line);
    }
    let steps: Vec<String> =
        summary.steps.iter().filter_map(|step| origin(summary, step)).collect();
    lines.extend(steps);
    lines.push(String::new());
    lines.push(END.to_owned());
    lines.join("\n")
}

/// Calls sent, and answers that were not paid for again.
pub(crate) fn calls(summary: &RunSummary) -> String {
    if summary.offline {
        return "none: offline, no model was called".to_owned();
    }
    if let Some(name) = summary.cassette() {
        let name = context::cassette_name(name);
        return format!("none: replayed from the cassette {name}, no model was called");
    }
    let sent = words::count(summary.calls);
    match summary.reused {
        0 => format!("{sent} sent"),
        reused => {
            format!("{sent} sent, {} used again", words::counted(reused, "answer", "answers"))
        }
    }
}

/// Tokens of this run's own calls, the worst case of attempts whose usage is not known told apart.
pub(crate) fn tokens(summary: &RunSummary) -> String {
    let tokens = states::tokens(&summary.usage);
    match summary.lost_tokens {
        0 => tokens,
        lost => format!(
            "{tokens}; up to {} more in attempts whose usage is not known",
            words::count(lost)
        ),
    }
}

/// What this run's own calls cost, with what is not certain about it; none where nothing is known of it and
/// nobody capped it.
pub(crate) fn cost(summary: &RunSummary) -> Option<String> {
    let none_known = summary.cost == Money::ZERO;
    if summary.offline || (none_known && summary.limits.max_cost.is_none()) {
        return None;
    }
    let about = if summary.usage.estimated { "≈" } else { "" };
    let of = summary.limits.max_cost.map(|cap| format!(" of {cap}")).unwrap_or_default();
    let mut text = format!("{about}{}{of}", summary.cost);
    if summary.lost_cost > Money::ZERO {
        // Writing to a String cannot fail, here and below.
        let _ = write!(
            text,
            "; up to {} of it for attempts whose usage is not known",
            summary.lost_cost
        );
    }
    if summary.unpriced > 0 {
        let calls = words::counted(summary.unpriced, "call", "calls");
        let _ = write!(text, "; without {calls} whose price is not known");
    }
    Some(text)
}

/// Where a step's answer comes from, as far as that differs from a single plain call.
fn origin(summary: &RunSummary, step: &StepSummary) -> Option<String> {
    let mut parts = Vec::new();
    if let Some((run, at)) = &step.reused_from {
        let age = words::duration(summary.updated_at.since(*at));
        parts.push(format!("answer of run `{run}`, {age} old"));
    }
    if let (Some(served), Some(asked)) = (&step.served_model, &step.model)
        && *served != asked.model
    {
        parts.push(format!("answered by `{}`", neutral::one_line(served)));
    }
    parts.extend(states::fallbacks(step));
    parts.extend(crate::approval(step));
    if step.attempts > 1 {
        let word = if step.items.is_some() { "calls" } else { "attempts" };
        parts.push(format!("{} {word}", step.attempts));
    }
    parts.extend(states::lost_attempts(step));
    (!parts.is_empty()).then(|| format!("- Step `{}`: {}", step.step, parts.join("; ")))
}
