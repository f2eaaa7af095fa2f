//! A plan as a text drawing for a terminal.

use orchestrate_core::{
    neutral,
    plan::{Action, Need, Otherwise, PersonaChoice, Plan},
};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::flow::flow;

/// The plan by stages, top to bottom: steps of one stage hang on one branch, and each line names the
/// step, who works in it and, after `←`, what it needs. No line is wider than `width` columns.
pub fn drawing(plan: &Plan, width: usize) -> String {
    let rows = rows(plan);
    let number = plan.stages().len().to_string().len();
    let rail = number + RAIL;
    let columns = Columns::fit(&rows, width.saturating_sub(rail));
    let mut lines = Vec::new();
    for (stage, positions) in plan.stages().iter().enumerate() {
        let last_stage = stage + 1 == plan.stages().len();
        for (at, &position) in positions.iter().enumerate() {
            let last = at + 1 == positions.len();
            let branch = match (positions.len(), at) {
                (1, _) => "───",
                (_, 0) => "─┬─",
                _ if last && last_stage => " └─",
                _ => " ├─",
            };
            let label = if at == 0 { (stage + 1).to_string() } else { String::new() };
            let below = if !last || !last_stage { " │ " } else { "   " };
            for (row, text) in columns.lines(&rows[position]).into_iter().enumerate() {
                let rail = if row == 0 {
                    format!("{label:>number$} {branch} ")
                } else {
                    format!("{:>number$} {below} ", "")
                };
                lines.push(cut(format!("{rail}{text}").trim_end(), width));
            }
        }
        if !last_stage {
            lines.push(cut(&format!("{:>number$}  │", ""), width));
        }
    }
    lines.join("\n") + "\n"
}

/// Columns of ` ─┬─ ` beside the stage's number.
const RAIL: usize = 5;
/// Between two columns.
const GAP: usize = 2;

/// What is said of a step.
struct Row {
    step: String,
    who: String,
    rule: String,
    needs: String,
}

fn rows(plan: &Plan) -> Vec<Row> {
    let row = |at: usize| {
        let step = &plan.steps()[at];
        let (mut who, mut rule) = who(&step.action);
        if let Some(review) = plan.review(at) {
            let gap = if rule.is_empty() { "" } else { "; " };
            rule = format!("{rule}{gap}{}", review.told());
        }
        if step.optional {
            who.push_str(" (optional)");
        }
        let rules: Vec<String> = Some(rule)
            .filter(|rule| !rule.is_empty())
            .into_iter()
            .chain(flow(&step.flow))
            .collect();
        let rule = rules.join("; ");
        let label = |need: usize| {
            let id = &plan.steps()[need].id;
            let edge = step.needs.iter().find(|edge| edge.step == *id);
            edge.map_or_else(|| id.to_string(), Need::label)
        };
        let needs: Vec<String> = plan.drawn_before(at).into_iter().map(label).collect();
        let needs =
            if needs.is_empty() { String::new() } else { format!("← {}", needs.join(", ")) };
        Row {
            step: neutral::one_line(step.id.as_str()),
            who: neutral::one_line(&who),
            rule: neutral::one_line(&rule),
            needs: neutral::one_line(&needs),
        }
    };
    (0..plan.steps().len()).map(row).collect()
}

/// Who works, and how they are chosen where there is a choice.
fn who(action: &Action) -> (String, String) {
    match action {
        Action::Approve(_) => ("a person approves".to_owned(), String::new()),
        Action::Render(_) => ("template".to_owned(), String::new()),
        Action::Group => ("group".to_owned(), String::new()),
        Action::Persona(persona) => match &persona.persona {
            PersonaChoice::Named(name) => (name.clone(), String::new()),
            PersonaChoice::Choose { by, otherwise, .. } => {
                let task = if *otherwise == Otherwise::Match { ", otherwise the task" } else { "" };
                let names = persona.persona.candidates().join(" | ");
                (names, format!("chosen by {by}{task}"))
            }
        },
    }
}

/// The widths of the columns for steps and personas, and of everything right of the rail.
struct Columns {
    step: usize,
    who: usize,
    all: usize,
}

impl Columns {
    /// As wide as the contents ask for, as long as everybody gets a share. A persona text that does
    /// not fit on a line with its step does not widen the column for the others.
    fn fit(rows: &[Row], all: usize) -> Self {
        let step = rows.iter().map(|row| row.step.width()).max().unwrap_or(0).min(all / 2);
        let room = all.saturating_sub(step + GAP);
        let widths = rows.iter().map(|row| row.who.width());
        let who = widths.filter(|&width| width <= room / 2).max().unwrap_or(0);
        Self { step, who, all }
    }

    /// One step's lines.
    fn lines(&self, row: &Row) -> Vec<String> {
        let indent = self.step + GAP;
        let room = self.all.saturating_sub(indent).max(1);
        let mut right = Vec::new();
        let padded = pad(&row.who, self.who);
        let together = format!("{padded}{}{}", " ".repeat(GAP), row.needs);
        if row.needs.is_empty() || together.width() > room {
            right.extend(wrapped(&row.who, room));
            right.extend(wrapped(&row.rule, room));
            right.extend(wrapped(&row.needs, room));
        } else {
            right.push(together);
            right.extend(wrapped(&row.rule, room));
        }
        let mut lines = Vec::with_capacity(right.len() + 1);
        if row.step.width() > self.step {
            lines.push(row.step.clone());
        }
        for (at, text) in right.iter().enumerate() {
            let left = if at == 0 && lines.is_empty() { row.step.as_str() } else { "" };
            lines.push(format!("{}{}{text}", pad(left, self.step), " ".repeat(GAP)));
        }
        lines
    }
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// A text in lines of at most `width` columns, broken at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The text in at most `width` columns, with an ellipsis where something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > width {
            break;
        }
        used += wide;
        kept.push(c);
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}
