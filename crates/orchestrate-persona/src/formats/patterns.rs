//! Collaboration patterns, and the workflow that one of them becomes.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{toolkit::words, write::scalar};

/// How personas work together, as a document describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// A slug for the workflow.
    pub name: String,
    /// The heading.
    pub title: String,
    /// What is told around the lines.
    pub about: Vec<String>,
    /// One step for each line that says who does what, in order.
    pub steps: Vec<PatternStep>,
    /// The other lines of the list.
    pub unread: Vec<UnreadLine>,
}

/// A line of a pattern that does not say who does what, so that its author has to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadLine {
    /// How many steps stand in front of it.
    pub steps_before: usize,
    /// The line.
    pub text: String,
}

/// One line of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternStep {
    /// Who works, as it was written.
    pub who: String,
    /// What is done.
    pub text: String,
    /// The personas meant: one, or several to choose from; none where nobody of that name was found.
    pub personas: Vec<String>,
    /// The word by which each of several is chosen, in the same order; empty for one.
    pub choice: Vec<String>,
}

/// A workflow for a pattern, with one step for each line; its author fills in what each produces. What is
/// no step stands in comments.
pub fn workflow_skeleton(pattern: &Pattern) -> String {
    let mut out = String::new();
    for line in &pattern.about {
        let _ = writeln!(out, "# {}", words::one_line(line));
    }
    let _ = write!(
        out,
        "workflow: {}\nsummary: {}\n\ninputs:\n  task:\n    type: string\n    required: true\n    help: What is to be done\n",
        pattern.name,
        scalar(&pattern.title, 2)
    );
    let mut inputs = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let mut steps = String::new();
    let mut before: Option<String> = None;
    let to_do = |steps: &mut String, index: usize| {
        for line in pattern.unread.iter().filter(|line| line.steps_before == index) {
            let _ = write!(steps, "\n  # To do: {}\n", words::one_line(&line.text));
        }
    };
    for (index, step) in pattern.steps.iter().enumerate() {
        to_do(&mut steps, index);
        let id = step_id(step, index, &mut ids);
        let _ = write!(steps, "\n  {id}:\n");
        match step.personas.as_slice() {
            [] => {
                let slug = words::slug(&step.who).unwrap_or_else(|| "unknown-persona".to_owned());
                let _ = writeln!(
                    steps,
                    "    # No persona of this name was found: {}",
                    words::one_line(&step.who)
                );
                let _ = writeln!(steps, "    persona: {slug}");
            }
            [persona] => {
                let _ = writeln!(steps, "    persona: {persona}");
            }
            several => {
                let input = format!("{}_choice", id.replace('-', "_"));
                let _ = write!(steps, "    persona:\n      choose:\n");
                for (word, persona) in step.choice.iter().zip(several) {
                    let _ = writeln!(steps, "        {word}: {persona}");
                }
                let _ = write!(steps, "      by: inputs.{input}\n      otherwise: match\n");
                let _ = write!(
                    out,
                    "  {input}:\n    type: enum\n    enum: [auto, {}]\n    default: auto\n    help: {}\n",
                    step.choice.join(", "),
                    scalar(&format!("Who works on {id}; auto lets the task decide"), 4)
                );
                inputs.insert(input);
            }
        }
        if let Some(before) = &before {
            let _ = writeln!(steps, "    needs: {before}");
        }
        let _ = write!(steps, "    prompt: |\n{}", prompt(step));
        before = Some(id);
    }
    to_do(&mut steps, pattern.steps.len());
    out.push_str("\nsteps:");
    out.push_str(&steps);
    out
}

fn prompt(step: &PatternStep) -> String {
    // Braces would be taken for a template.
    let text =
        words::one_line(&step.text).replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #");
    let text = if text.is_empty() { words::one_line(&step.who) } else { text };
    let full_stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("      {text}{full_stop}\n")
}

/// A short id out of the step's persona, unique in the workflow, beginning with a letter.
fn step_id(step: &PatternStep, index: usize, taken: &mut BTreeSet<String>) -> String {
    let who = if let [persona] = step.personas.as_slice() {
        persona.clone()
    } else {
        words::slug(step.who.split('(').next().unwrap_or_default()).unwrap_or_default()
    };
    let short: String = who.chars().take(56).collect();
    let sound = short.starts_with(|c: char| c.is_ascii_lowercase());
    let base =
        if sound { short.trim_end_matches('-').to_owned() } else { format!("step-{}", index + 1) };
    let mut id = base.clone();
    let mut number = 2;
    while !taken.insert(id.clone()) {
        id = format!("{base}-{number}");
        number += 1;
    }
    id
}
