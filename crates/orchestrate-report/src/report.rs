//! The report: everything a run has produced, as one document.

use orchestrate_core::{
    neutral,
    plan::Plan,
    summary::{StepState, StepSummary},
};

use crate::{
    approval,
    context::{Context, OFFLINE_NOTICE},
    coverage,
    header::header,
    markdown::{nested, quoted},
    states,
};

/// The report as Markdown: title, run header, task, stages, every deliverable with its brief in plan
/// order, and what was not finished and why. Where anything was not, a line at the top says so. Control and other hidden characters are shown as
/// `\u{…}`.
///
/// Identity, times, cost and the sources of reused answers stand between `<!-- run -->` and
/// `<!-- /run -->` only: without that part, two runs with the same answers give the same bytes.
pub fn report_markdown(context: &Context<'_>) -> String {
    let mut parts = Vec::new();
    if context.summary.offline {
        parts.push(OFFLINE_NOTICE.to_owned());
    }
    parts.extend(states::unfinished_notice(context.summary));
    parts.push(format!("# {}", context.summary.workflow));
    parts.push(header(context));
    if !context.task.trim().is_empty() {
        parts.push(format!("## Task\n\n{}", quoted(context.task)));
    }
    parts.push(format!("## Steps\n\n{}", stages(context)));
    parts.extend(context.summary.steps.iter().filter_map(|step| document(context, step)));
    parts.extend(coverage::section(context));
    parts.extend(unfinished(context));
    let text = parts.join("\n\n") + "\n";
    neutral::visible(&text.replace("\r\n", "\n")).into_owned()
}

/// The stages as a list; steps of one stage work beside each other.
fn stages(context: &Context<'_>) -> String {
    let plan = context.summary.plan();
    let mut lines = Vec::new();
    for (stage, positions) in plan.stages().iter().enumerate() {
        let number = format!("{}. ", stage + 1);
        match positions.as_slice() {
            [one] => lines.push(format!("{number}{}", step_line(context, plan, *one))),
            many => {
                lines.push(format!("{number}Beside each other:"));
                let indent = " ".repeat(number.len());
                lines.extend(
                    many.iter().map(|&at| format!("{indent}- {}", step_line(context, plan, at))),
                );
            }
        }
    }
    lines.join("\n")
}

fn step_line(context: &Context<'_>, plan: &Plan, at: usize) -> String {
    let step = &context.summary.steps[at];
    let needs: Vec<String> =
        plan.needs(at).iter().map(|&need| format!("`{}`", plan.steps()[need].id)).collect();
    let after =
        if needs.is_empty() { String::new() } else { format!(", after {}", needs.join(", ")) };
    let who = step_name(context, step);
    let state = if step.state == StepState::Succeeded { "" } else { " (not finished)" };
    format!("{who}{after}{state}")
}

/// A finished step's document under the heading of the persona that speaks, and its brief.
fn document(context: &Context<'_>, step: &StepSummary) -> Option<String> {
    if step.state != StepState::Succeeded {
        return None;
    }
    let mut parts = vec![format!("## {}", context.heading(step))];
    parts.extend(
        step.choice.as_ref().map(|choice| format!("Chosen: {}", neutral::one_line(choice))),
    );
    // Who decided and when stands in the header.
    parts.extend(step.approval.as_ref().map(|told| quoted(&approval::question(context, told))));
    parts.push(context.document(step));
    if let Some(brief) = context.brief(step) {
        parts.push("### Brief".to_owned());
        parts.push(nested(&brief.to_markdown(), 3));
    }
    if let Some(review) = review(context, step) {
        parts.push("### Review".to_owned());
        parts.push(review);
    }
    let notes: Vec<String> =
        step.notes.iter().map(|note| format!("- {}", neutral::one_line(note))).collect();
    if !notes.is_empty() {
        parts.push("### Notes".to_owned());
        parts.push(notes.join("\n"));
    }
    Some(parts.join("\n\n"))
}

fn review(context: &Context<'_>, step: &StepSummary) -> Option<String> {
    let text = crate::review::as_markdown(context, step.review.as_ref()?)?;
    Some(nested(&text, 3))
}

/// The steps that are not finished, each with the reason.
fn unfinished(context: &Context<'_>) -> Option<String> {
    let plan = context.summary.plan();
    let open = context.summary.steps.iter().filter(|step| step.state != StepState::Succeeded);
    let lines: Vec<String> = open
        .map(|step| {
            let why = states::unfinished(context.summary, plan, step);
            let line = format!("- {}: {why}", step_name(context, step));
            match review(context, step) {
                Some(review) => format!("{line}\n\n  {}\n", review.replace('\n', "\n  ")),
                None => line,
            }
        })
        .collect();
    (!lines.is_empty()).then(|| format!("## Not finished\n\n{}", lines.join("\n")))
}

fn step_name(context: &Context<'_>, step: &StepSummary) -> String {
    match &step.persona {
        Some(persona) => format!("{} — `{}`", context.title(persona), step.step),
        None => format!("`{}`", step.step),
    }
}
