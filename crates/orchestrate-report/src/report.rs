//! The report: everything a run has produced, as one document.

use orchestrate_core::{
    neutral,
    plan::Plan,
    review::Stop,
    summary::{StepState, StepSummary},
};

use crate::{
    approval,
    context::{Context, notice},
    coverage, flow,
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
    parts.extend(notice(context.summary));
    parts.extend(states::unfinished_notice(context.summary));
    parts.push(format!("# {}", context.summary.workflow));
    parts.push(header(context));
    if !context.task.trim().is_empty() {
        parts.push(format!("## Task\n\n{}", quoted(context.task)));
    }
    parts.push(format!("## Steps\n\n{}", stages(context)));
    for (at, step) in context.summary.steps.iter().enumerate() {
        parts.extend(documents(context, at, step));
    }
    parts.extend(coverage::section(context));
    parts.extend(unfinished(context));
    parts.extend(skipped(context));
    parts.extend(failed_items(context));
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
    let needs: Vec<String> = plan
        .drawn_before(at)
        .into_iter()
        .map(|need| format!("`{}`", plan.steps()[need].id))
        .collect();
    let after =
        if needs.is_empty() { String::new() } else { format!(", after {}", needs.join(", ")) };
    let who = step_name(context, step);
    let items = flow::items(step).map(|items| format!(", {items}")).unwrap_or_default();
    let state = match step.state {
        StepState::Succeeded => "",
        StepState::Skipped => " (skipped)",
        _ => " (not finished)",
    };
    format!("{who}{after}{items}{state}")
}

/// The documents of one step of the plan. Those of a group are the documents of its steps, and those of
/// the last steps of a group that runs for each item are part of the fan-out's.
fn documents(context: &Context<'_>, at: usize, step: &StepSummary) -> Vec<String> {
    let plan = context.summary.plan();
    let fans_out = plan.steps()[at].flow.each.is_some();
    if plan.group(at).is_some_and(|group| plan.repeats(group)) {
        if plan.dependents(at).is_empty() {
            return Vec::new();
        }
        let told = context.summary.instances_of(at);
        return told.filter_map(|told| document(context, told)).collect();
    }
    if plan.steps()[at].action.only_gathers() && !fans_out {
        return Vec::new();
    }
    let reviews = reviews_inside(context, at).filter(|_| step.state == StepState::Succeeded);
    let reviews = reviews.map(|text| format!("### Reviews\n\n{text}"));
    document(context, step).into_iter().chain(reviews).collect()
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

/// How the reviews of what is in a fan-out or group ended: a line each, and those that did not pass in full.
fn reviews_inside(context: &Context<'_>, at: usize) -> Option<String> {
    let plan = context.summary.plan();
    let mut reviewed = Vec::new();
    let mut work = vec![at];
    while let Some(at) = work.pop() {
        work.extend(plan.members(at).iter().rev());
        if plan.review(at).is_some() && plan.repeats(at) {
            reviewed.extend(context.summary.instances_of(at));
        }
    }
    let told = |step: &StepSummary| {
        let review = step.review.as_ref()?;
        let passed = review.stop.is_some_and(Stop::passes);
        let text = match crate::review::review_outcome(review).filter(|_| passed) {
            Some(outcome) => format!("The review {outcome}."),
            None => crate::review::as_markdown(context, review)?,
        };
        Some(format!("#### {}\n\n{}", step.step, nested(&text, 4)))
    };
    let mut parts: Vec<String> = reviewed.into_iter().filter_map(told).collect();
    let more = parts.len().saturating_sub(MOST_ITEMS);
    parts.truncate(MOST_ITEMS);
    if more > 0 {
        parts.push(format!("And {more} more."));
    }
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// The steps that are not finished, each with the reason.
fn unfinished(context: &Context<'_>) -> Option<String> {
    let plan = context.summary.plan();
    let ended =
        |step: &&StepSummary| matches!(step.state, StepState::Succeeded | StepState::Skipped);
    let open = context.summary.steps.iter().filter(|step| !ended(step));
    let lines: Vec<String> = open
        .map(|step| {
            let why = states::unfinished(context.summary, plan, step);
            let line = format!("- {}: {why}", step_name(context, step));
            let inside = || {
                let at = plan.position(&step.step)?;
                let shown = !plan.group(at).is_some_and(|group| plan.repeats(group));
                reviews_inside(context, at).filter(|_| shown && plan.repeats(at))
            };
            match review(context, step).or_else(inside) {
                Some(review) => format!("{line}\n\n  {}\n", review.replace('\n', "\n  ")),
                None => line,
            }
        })
        .collect();
    (!lines.is_empty()).then(|| format!("## Not finished\n\n{}", lines.join("\n")))
}

/// The steps that were not run, each with the reason.
fn skipped(context: &Context<'_>) -> Option<String> {
    let skipped = context.summary.steps.iter().filter_map(|step| {
        let why = step.skipped.as_deref().filter(|_| step.state == StepState::Skipped)?;
        Some(format!("- {}: {}", step_name(context, step), neutral::one_line(why)))
    });
    let lines: Vec<String> = skipped.collect();
    (!lines.is_empty()).then(|| format!("## Skipped\n\n{}", lines.join("\n")))
}

/// Items that are told one by one.
const MOST_ITEMS: usize = 50;

/// The items of finished fans-out that failed, each with the reason.
fn failed_items(context: &Context<'_>) -> Option<String> {
    let plan = context.summary.plan();
    let mut lines = Vec::new();
    for step in context.summary.with_failed_items() {
        let told = plan.position(&step.step).map(|at| context.summary.instances_of(at));
        let failed = told.into_iter().flatten().filter(|told| told.state == StepState::Failed);
        let failed: Vec<&StepSummary> = failed.collect();
        lines.extend(failed.iter().take(MOST_ITEMS).map(|told| {
            let why = told.failure.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("- `{}`: {}", told.step, neutral::one_line(&why))
        }));
        if failed.len() > MOST_ITEMS {
            lines.push(format!("- and {} more of `{}`", failed.len() - MOST_ITEMS, step.step));
        }
    }
    (!lines.is_empty()).then(|| format!("## Items that failed\n\n{}", lines.join("\n")))
}

fn step_name(context: &Context<'_>, step: &StepSummary) -> String {
    match &step.persona {
        Some(persona) => format!("{} — `{}`", context.title(persona), step.step),
        None => format!("`{}`", step.step),
    }
}
