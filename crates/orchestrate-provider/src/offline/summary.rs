//! The brief of a worksheet: only what is true of a worksheet.

use orchestrate_core::{
    brief::{Brief, Decision, Figure},
    handoff::{Form, Handoff},
    ids::Digest,
    neutral::excerpt,
    request::{Request, Segment},
};

use super::{
    format::{Block, blocks},
    material,
};

/// Characters of a quoted task, remark or text.
const WIDTH: usize = 160;
/// Characters of a quoted decision or figure: room for a decision that quotes a task.
const QUOTE: usize = 300;

/// Scope, headings and what is taken as given, as decisions; the persona's figures, not measured;
/// its questions, open; its gates and metrics, as constraints.
pub(super) fn summary(request: &Request) -> Brief {
    let persona = &request.persona;
    let mut decisions = Decisions::default();
    for segment in &request.segments {
        if let Segment::Task(task) = segment {
            decisions.add(
                format!("Work on task `{}`: “{}”", Digest::of(task).short(), excerpt(task, WIDTH)),
                "it is the task this run was given",
            );
        }
    }
    let titles: Vec<String> =
        material::headings(persona).into_iter().map(|heading| heading.title).collect();
    decisions.add(
        format!("The document will have these headings: {}", titles.join("; ")),
        &format!("they are what the {} delivers", persona.title),
    );
    for segment in &request.segments {
        match segment {
            Segment::Handoff(handoff) => decisions.take_as_given(handoff),
            Segment::Remark(remark) => {
                let (fingerprint, remark) = (Digest::of(remark).short(), excerpt(remark, WIDTH));
                decisions.add(
                    format!(
                        "Answer the remark `{fingerprint}` on the earlier document: “{remark}”"
                    ),
                    "a person asked for it",
                );
            }
            Segment::Prompt(prompt) => {
                for block in blocks(prompt) {
                    decisions.quote(&block);
                }
            }
            Segment::Task(_)
            | Segment::Earlier(_)
            | Segment::Misfit { .. }
            | Segment::Document { .. }
            | Segment::Findings(_)
            | Segment::Judge(_)
            | Segment::Form(_) => {}
        }
    }
    Brief {
        decisions: decisions.list,
        assumptions: vec![
            "No model was called: nothing here was worked out, measured or looked up.".into(),
        ],
        figures: material::figures(persona),
        constraints: material::checks(persona),
        open_questions: material::questions(persona),
        next: material::handing_over(persona),
        ..Brief::default()
    }
}

#[derive(Default)]
struct Decisions {
    list: Vec<Decision>,
}

impl Decisions {
    fn add(&mut self, decision: String, why: &str) {
        let id = format!("D{}", self.list.len() + 1);
        self.list.push(Decision { id, decision, why: why.to_owned() });
    }

    /// Quotes the head of a block that the prompt holds.
    fn quote(&mut self, block: &Block<'_>) {
        let (fingerprint, text) = (Digest::of(block.text).short(), excerpt(block.text, WIDTH));
        self.add(
            format!("Taken as given from {}, fingerprint `{fingerprint}`: “{text}”", block.origin),
            "what is asked of this step holds it",
        );
    }

    /// Quotes the head of what came in, so that whoever reads this brief sees what it rests on.
    fn take_as_given(&mut self, handoff: &Handoff) {
        let from = source(handoff);
        if let Form::Unavailable(reason) = &handoff.form {
            let reason = excerpt(reason, WIDTH);
            self.add(format!("Work without {from}: {reason}"), "it is not available");
            return;
        }
        let fingerprint = Digest::of(&handoff.text).short();
        let ids: Vec<&str> = handoff
            .brief
            .iter()
            .flat_map(|brief| &brief.decisions)
            .map(|decision| decision.id.as_str())
            .filter(|id| !id.is_empty())
            .collect();
        let with = if ids.is_empty() {
            essentials(handoff, 1, 1).join("; ")
        } else {
            format!("its decisions {}", ids.join(", "))
        };
        self.add(
            format!("Build on {from}, fingerprint `{fingerprint}`, with {with}"),
            "it was handed over to this step",
        );
    }
}

/// Who gave a handoff, for people.
pub(super) fn source(handoff: &Handoff) -> String {
    match &handoff.persona {
        Some(persona) => format!("{persona} (step `{}`)", handoff.step),
        None => format!("step `{}`", handoff.step),
    }
}

/// So many decisions and figures of a handoff's brief, or what comes closest; never nothing.
pub(super) fn essentials(handoff: &Handoff, decisions: usize, figures: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(brief) = &handoff.brief {
        lines.extend(brief.decisions.iter().take(decisions).map(|decision| {
            let id = if decision.id.is_empty() { "" } else { &format!(" {}", decision.id) };
            format!("Decision{id}: {}", excerpt(&decision.decision, QUOTE))
        }));
        lines.extend(brief.figures.iter().take(figures).map(figure));
        if lines.is_empty() {
            let others = brief.constraints.iter().chain(&brief.next).chain(&brief.risks);
            lines.extend(others.take(1).map(|line| excerpt(line, QUOTE)));
        }
    }
    if lines.is_empty() {
        lines.push(format!("“{}”", excerpt(&handoff.text, WIDTH)));
    }
    lines
}

fn figure(figure: &Figure) -> String {
    if figure.value != material::NOT_MEASURED {
        return format!("Figure {}", excerpt(&figure.to_line(), QUOTE));
    }
    let unit = if figure.unit.is_empty() { "" } else { &format!(" ({})", figure.unit) };
    format!("Figure {}: not measured yet", excerpt(&format!("{}{unit}", figure.name), QUOTE))
}
