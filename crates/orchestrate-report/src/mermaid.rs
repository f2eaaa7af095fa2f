//! A plan as a Mermaid flowchart.

use std::fmt::Write as _;

use orchestrate_core::plan::{Action, Need, Otherwise, PersonaChoice, PersonaStep, Plan, Step};

/// The plan as a Mermaid flowchart: a box per persona step, a hexagon where the persona is chosen, a
/// slanted box for a template, a rounded one where a person approves or the steps of a group come together.
/// Optional steps are dashed; conditions and fans-out stand on their nodes.
pub fn mermaid(plan: &Plan) -> String {
    let mut text = String::from("flowchart TD\n");
    // Writing to a String cannot fail.
    for (at, step) in plan.steps().iter().enumerate() {
        let _ = writeln!(text, "    {}", node(at, step));
    }
    for (at, step) in plan.steps().iter().enumerate() {
        for need in plan.drawn_before(at) {
            let edge = step.needs.iter().find(|edge| edge.step == plan.steps()[need].id);
            let arrow = if plan.steps()[need].optional { "-.->" } else { "-->" };
            let terms = edge.and_then(Need::terms).map(|terms| format!("|{}|", label(&terms)));
            let _ = writeln!(text, "    s{need} {arrow}{} s{at}", terms.unwrap_or_default());
        }
    }
    let optional: Vec<String> = plan
        .steps()
        .iter()
        .enumerate()
        .filter(|(_, step)| step.optional)
        .map(|(at, _)| format!("s{at}"))
        .collect();
    if !optional.is_empty() {
        text.push_str("    classDef optional stroke-dasharray: 5 5\n");
        let _ = writeln!(text, "    class {} optional", optional.join(","));
    }
    text
}

/// Nodes are named by position: whatever a step is called, its node's name is safe.
fn node(at: usize, step: &Step) -> String {
    let mut flow = String::new();
    for line in crate::flow::flow(&step.flow) {
        // Writing to a String cannot fail.
        let _ = write!(flow, "<br/>{}", label(&line));
    }
    let id = label(step.id.as_str());
    match &step.action {
        Action::Approve(_) => format!("s{at}([\"{id}<br/>a person approves{flow}\"])"),
        Action::Render(_) => format!("s{at}[/\"{id}<br/>template{flow}\"/]"),
        Action::Group => format!("s{at}([\"{id}<br/>group{flow}\"])"),
        Action::Persona(persona) => match &persona.persona {
            PersonaChoice::Named(name) => {
                format!("s{at}[\"{id}<br/>{}{}{flow}\"]", label(name), reviewed(persona))
            }
            PersonaChoice::Choose { by, otherwise, .. } => {
                let mut lines = vec![id, format!("one of, by {}:", label(by))];
                lines.extend(persona.persona.candidates().into_iter().map(label));
                if *otherwise == Otherwise::Match {
                    lines.push("otherwise by the task".to_owned());
                }
                let lines = lines.join("<br/>");
                format!("s{at}{{{{\"{lines}{}{flow}\"}}}}", reviewed(persona))
            }
        },
    }
}

/// The line of a reviewed step, with the break before it.
fn reviewed(step: &PersonaStep) -> String {
    let Some(review) = &step.review else { return String::new() };
    format!("<br/>{}", label(&review.told()))
}

/// A text as it may stand in a quoted label: everything but plain characters becomes an entity.
fn label(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '/' | ',' | '(' | ')') {
            safe.push(c);
        } else {
            let _ = write!(safe, "#{};", u32::from(c));
        }
    }
    safe
}
