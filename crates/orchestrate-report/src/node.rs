//! What a drawing says of a step.

use orchestrate_core::{
    neutral,
    plan::{Action, Otherwise, PersonaChoice, Step},
};

use crate::flow::flow;

/// The step's name, then who works in it and how they are chosen, when and how often; each line is safe to show.
pub(crate) fn lines(step: &Step) -> Vec<String> {
    let mut lines = vec![step.id.as_str().to_owned()];
    match &step.action {
        Action::Render(_) => lines.push("template".to_owned()),
        Action::Group => lines.push("group".to_owned()),
        Action::Approve(_) => lines.push("a person approves".to_owned()),
        Action::Persona(persona) => match &persona.persona {
            PersonaChoice::Named(name) => lines.push(name.clone()),
            PersonaChoice::Choose { by, otherwise, .. } => {
                lines.push(format!("one of, by {by}:"));
                lines.extend(persona.persona.candidates().into_iter().map(str::to_owned));
                if *otherwise == Otherwise::Match {
                    lines.push("otherwise by the task".to_owned());
                }
            }
        },
    }
    if let Action::Persona(persona) = &step.action
        && let Some(review) = &persona.review
    {
        lines.push(review.told());
    }
    lines.extend(flow(&step.flow));
    if step.optional {
        lines.push("(optional)".to_owned());
    }
    lines.iter().map(|line| neutral::excerpt(&neutral::one_line(line), LONGEST)).collect()
}

/// Characters of a line that are shown.
const LONGEST: usize = 60;
