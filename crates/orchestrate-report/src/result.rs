//! The result of a run: what goes to standard output.

use orchestrate_core::summary::StepState;

use crate::{
    context::{Context, OFFLINE_NOTICE},
    markdown::nested,
    states,
};

/// The result: the workflow's outputs where it declares any (a single one is its text, several are
/// sections under their names), else every finished deliverable in plan order under the heading of the
/// persona that speaks. Without a model, the first line says so; where steps are left, the next one does.
///
/// The text is as the model wrote it: whoever prints it on a terminal neutralises it.
pub fn result_markdown(context: &Context<'_>) -> String {
    let mut parts = Vec::new();
    if context.summary.offline {
        parts.push(OFFLINE_NOTICE.to_owned());
    }
    let any = context.summary.finished() > 0;
    parts.extend(states::unfinished_notice(context.summary).filter(|_| any));
    match context.outputs.len() {
        0 => parts.extend(deliverables(context)),
        1 => parts.extend(context.outputs.values().map(|text| text.trim().to_owned())),
        _ => {
            let sections = context.outputs.iter();
            parts.extend(sections.map(|(name, text)| format!("## {name}\n\n{}", nested(text, 2))));
        }
    }
    let text = parts.join("\n\n");
    if text.is_empty() { text } else { text + "\n" }
}

fn deliverables(context: &Context<'_>) -> impl Iterator<Item = String> {
    // The documents of the steps of a group are in that of the group.
    let plan = context.summary.plan();
    let top = plan.top().iter().map(|&at| &context.summary.steps[at]);
    let finished = top.filter(|step| step.state == StepState::Succeeded);
    finished.map(|step| format!("## {}\n\n{}", context.heading(step), context.document(step)))
}
