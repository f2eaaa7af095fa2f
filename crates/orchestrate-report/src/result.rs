//! The result of a run: what goes to standard output.

use orchestrate_core::summary::StepState;

use crate::{
    context::{Context, notice},
    markdown::nested,
    states,
};

/// The result: the workflow's outputs where it declares any (a single one is its text, several are
/// sections under their names), else every finished deliverable in plan order under the heading of the
/// persona that speaks. Without a model, the first line says so; where steps are left, the next one does.
///
/// The text is as the model wrote it: whoever prints it on a terminal neutralises it.
pub fn result_markdown(context: &Context<'_>) -> String {
    let body: Vec<String> = match context.outputs.len() {
        0 => deliverables(context).collect(),
        1 => context.outputs.values().map(|text| text.trim().to_owned()).collect(),
        _ => {
            let sections = context.outputs.iter();
            sections.map(|(name, text)| format!("## {name}\n\n{}", nested(text, 2))).collect()
        }
    };
    // A notice about nothing would pass for a result.
    if body.is_empty() {
        return String::new();
    }
    let any = context.summary.finished() > 0;
    let unfinished = states::unfinished_notice(context.summary).filter(|_| any);
    let parts: Vec<String> =
        notice(context.summary).into_iter().chain(unfinished).chain(body).collect();
    parts.join("\n\n") + "\n"
}

fn deliverables(context: &Context<'_>) -> impl Iterator<Item = String> {
    // The documents of the steps of a group are in that of the group.
    let plan = context.summary.plan();
    let top = plan.top().iter().map(|&at| &context.summary.steps[at]);
    let finished = top.filter(|step| step.state == StepState::Succeeded);
    finished.map(|step| format!("## {}\n\n{}", context.heading(step), context.document(step)))
}
