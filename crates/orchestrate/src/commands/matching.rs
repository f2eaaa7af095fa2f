//! `orchestrate personas match`.

use std::fmt::Write as _;

use orchestrate_core::neutral;
use orchestrate_engine::{
    library::ModelChoice,
    selecting,
    session::{RunOptions, Workspace},
};
use orchestrate_persona::{Match, Selection, Term, Verdict};
use serde_json::{Value, json};

use super::{
    choosing::{self, ByModel},
    inputs,
};
use crate::{
    cli::{ListFormat, MatchArguments, Progress},
    exit::{CliError, Exit},
    terminal,
};

/// Terms that are told of one persona.
const TOLD: usize = 6;

/// Ends well also where no persona fits: that is an answer.
pub(super) fn matching(
    workspace: &Workspace,
    arguments: &MatchArguments,
) -> Result<Exit, CliError> {
    let readable = workspace.personas.readable();
    let task = inputs::task(&arguments.task, &readable)?;
    let selection = choosing::by_words(&readable, &task.text);
    let by_model = if arguments.with_model && selection.verdict != Verdict::Named {
        let options = RunOptions { model: arguments.model.clone(), ..RunOptions::default() };
        let progress = Progress::Auto;
        Some(choosing::by_model(workspace, &readable, &selection, &task, &options, progress, None)?)
    } else {
        None
    };
    let chosen = match &by_model {
        Some(ByModel { choice: ModelChoice::Personas(names), .. }) => names.clone(),
        Some(ByModel { choice: ModelChoice::None, .. }) => Vec::new(),
        None => selection.selected.clone(),
    };
    let shown = shown(&selection, &chosen, arguments.top);
    match arguments.format {
        ListFormat::Text => {
            terminal::out(&as_text(&selection, &chosen, &shown, by_model.as_ref()));
        }
        ListFormat::Json => {
            terminal::out_json(&as_json(&selection, &chosen, &shown, by_model.as_ref()));
        }
    }
    Ok(Exit::Ok)
}

/// The best matches and all that are selected.
fn shown<'s>(selection: &'s Selection, chosen: &[String], top: usize) -> Vec<&'s Match> {
    let all = selection.matches.iter().enumerate();
    all.filter(|(at, found)| *at < top || chosen.contains(&found.name))
        .map(|(_, found)| found)
        .collect()
}

fn as_text(
    selection: &Selection,
    chosen: &[String],
    shown: &[&Match],
    by_model: Option<&ByModel>,
) -> String {
    let mut text = format!("{}\n", headline(selection, chosen, by_model));
    // Writing to a String cannot fail.
    if let Some(next) = selection.runner_up.as_ref().filter(|_| by_model.is_none()) {
        let _ = write!(text, "runner-up  {}, {} behind", next.name, next.behind);
        if !next.lacks.is_empty() {
            let _ = write!(text, ": it has less on {}", neutral::one_line(&next.lacks.join(", ")));
        }
        text.push('\n');
    }
    for refused in &selection.refused {
        let words = neutral::excerpt(&refused.text, 60);
        let _ = writeln!(text, "ruled out  {}, by `{words}` in the task", refused.name);
    }
    for note in selecting::notes(selection) {
        let _ = writeln!(text, "shared     {note}");
    }
    if shown.is_empty() {
        text.push_str("\nno persona shares a word with the task\n");
        return text;
    }
    text.push('\n');
    let width = shown.iter().map(|found| found.name.chars().count()).max().unwrap_or_default();
    for found in shown {
        let mark = if chosen.contains(&found.name) { '*' } else { ' ' };
        let name = format!("{mark} {:width$}  {:>7.3}", found.name, found.score);
        let column = name.chars().count();
        text.push_str(&terminal::row(&name, column, &terms(found)));
    }
    let hidden = selection.matches.len() - shown.len();
    if hidden > 0 {
        let _ = writeln!(text, "  and {hidden} more; --top {} lists them", selection.matches.len());
    }
    text
}

/// Who was selected, and how.
fn headline(selection: &Selection, chosen: &[String], by_model: Option<&ByModel>) -> String {
    let names = chosen.join(", ");
    match (by_model, selection.verdict) {
        (Some(found), _) => {
            let names = if chosen.is_empty() { "none" } else { &names };
            let paid = if found.reused { ", paid for earlier" } else { "" };
            let count = found.list.len();
            format!("selected   {names}, by a model out of {count} (run {}{paid})", found.run)
        }
        (None, Verdict::Named) => format!("selected   {names}, named in the task"),
        (None, Verdict::Matched) => format!("selected   {names}"),
        (None, Verdict::Several) => {
            format!("selected   {names}: the task has parts for each of them")
        }
        (None, Verdict::None) if selection.matches.is_empty() => "selected   none".to_owned(),
        (None, Verdict::None) => {
            let nearest: Vec<&str> =
                selection.nearest().iter().map(|found| found.name.as_str()).collect();
            format!("selected   none: no persona fits well enough; nearest {}", nearest.join(", "))
        }
    }
}

fn terms(found: &Match) -> String {
    // What would be shown as nothing is left out.
    let heavy: Vec<&Term> = found.terms.iter().filter(|term| term.weight.abs() >= 0.005).collect();
    let mut told: Vec<String> = heavy.iter().take(TOLD).map(|found| term(found)).collect();
    if heavy.len() > TOLD {
        told.push(format!("{} more", heavy.len() - TOLD));
    }
    told.join(", ")
}

/// The words of the task that speak for a persona, each once.
fn words(found: &Match) -> Vec<&str> {
    let mut words: Vec<&str> = Vec::new();
    for term in found.terms.iter().filter(|term| term.weight > 0.0) {
        if !words.contains(&term.text.as_str()) {
            words.push(&term.text);
        }
    }
    words
}

/// A term with its weight and the field that it was found in.
fn term(term: &Term) -> String {
    let sign = if term.weight < 0.0 { "−" } else { "+" };
    format!("{} {sign}{:.2} {}", neutral::excerpt(&term.text, 40), term.weight.abs(), term.field)
}

fn as_json(
    selection: &Selection,
    chosen: &[String],
    shown: &[&Match],
    by_model: Option<&ByModel>,
) -> Value {
    let verdict = match selection.verdict {
        Verdict::Named => "named",
        Verdict::Matched => "matched",
        Verdict::Several => "several",
        Verdict::None => "none",
    };
    let matches = shown.iter().map(|found| {
        json!({
            "name": found.name,
            "score": found.score,
            "terms": words(found),
            "reasons": found.terms.iter().map(|term| json!({
                "text": term.text,
                "field": term.field,
                "weight": term.weight,
            })).collect::<Vec<_>>(),
        })
    });
    json!({
        "schema": "orchestrate/match/1",
        "selected": chosen,
        "verdict": if by_model.is_some() { "model" } else { verdict },
        "matches": matches.collect::<Vec<_>>(),
        "runner_up": selection.runner_up.as_ref().map(|next| json!({
            "name": next.name,
            "behind": next.behind,
            "lacks": next.lacks,
        })),
        "refused": selection.refused.iter().map(|refused| json!({
            "name": refused.name,
            "text": refused.text,
        })).collect::<Vec<_>>(),
        "ambiguous": selection.ambiguous.iter().map(|shared| json!({
            "text": shared.text,
            "names": shared.names,
        })).collect::<Vec<_>>(),
        "chosen_in": by_model.map(|found| &found.run),
    })
}
