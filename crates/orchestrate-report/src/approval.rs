//! Approvals: what is asked, who decided, and how to decide.

use orchestrate_core::{
    neutral,
    summary::{ApprovalSummary, RunSummary, StepState, StepSummary},
};
use serde_json::{Value, json};

use crate::{context::Context, states::named, words};

/// What became of an approval, on one line: `approved by ada on 2026-01-31T12:00:00Z: fine`. None for a step
/// that asks nobody.
pub fn approval(step: &StepSummary) -> Option<String> {
    let told = step.approval.as_ref()?;
    let Some((decision, at)) = &told.decision else {
        let until = told.request.expires_at.map(|at| format!(" until {}", words::time(at)));
        return Some(match step.state {
            StepState::Failed => "nobody decided in time".to_owned(),
            _ => format!("waits for a person{}", until.unwrap_or_default()),
        });
    };
    let verdict = if decision.approved { "approved" } else { "refused" };
    let by = neutral::one_line(&decision.by);
    let note = decision.note.as_ref().map(|note| format!(": {}", neutral::excerpt(note, 400)));
    let note = note.unwrap_or_default();
    Some(match &decision.origin {
        Some(origin) => format!(
            "{verdict} by {by} on {} in run `{}`, and nothing has changed since{note}",
            words::time(origin.at),
            origin.run
        ),
        None => format!("{verdict} by {by} on {}{note}", words::time(*at)),
    })
}

/// The question of an approval, in full.
pub(crate) fn question(context: &Context<'_>, told: &ApprovalSummary) -> String {
    context
        .blobs
        .text(&told.request.question)
        .unwrap_or_else(|| "The question is missing from the journal.".to_owned())
}

/// The commands by which a waiting run goes on.
pub fn how_to_decide(summary: &RunSummary) -> Vec<String> {
    let id = summary.run.as_ref().map(ToString::to_string).unwrap_or_default();
    let asking: Vec<&StepSummary> = summary.awaiting_approval().collect();
    if asking.is_empty() {
        return vec![format!("orchestrate resume {id}")];
    }
    let decide = |step: &&StepSummary| {
        // A shell would look for files that fit the brackets of an item.
        let quote = if step.step.as_str().contains('[') { "'" } else { "" };
        format!("orchestrate approve {id} {quote}{}{quote} --yes|--no", step.step)
    };
    asking.iter().map(decide).collect()
}

/// The steps that wait for a person, in words.
pub(crate) fn waiting(summary: &RunSummary) -> String {
    let asking: Vec<String> =
        summary.awaiting_approval().map(|step| format!("`{}`", step.step)).collect();
    if asking.is_empty() {
        "approved, to be resumed".to_owned()
    } else {
        format!("waiting for a person to approve {}", named("step", &asking))
    }
}

pub(crate) fn as_json(context: &Context<'_>, told: &ApprovalSummary) -> Value {
    let decision = told.decision.as_ref().map(|(decision, at)| {
        let origin = decision.origin.as_ref();
        json!({
            "approved": decision.approved,
            "by": decision.by,
            "at": words::time(*at),
            "note": decision.note,
            "decided_in": origin.map(|origin| json!({ "run": origin.run, "at": words::time(origin.at) })),
        })
    });
    json!({
        "question": question(context, told),
        "subject": told.request.subject,
        "asked_at": words::time(told.asked_at),
        "expires_at": told.request.expires_at.map(words::time),
        "decision": decision,
    })
}
