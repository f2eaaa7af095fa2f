//! How the personas of a run were chosen, in words and as JSON.

use std::fmt::Write as _;

use orchestrate_core::{
    event::{PersonaSelection, SelectedBy, SelectedPersona},
    neutral,
};
use serde_json::{Value, json};

/// The personas and why they were chosen, and the runner-up, on one line.
pub fn selection(selection: &PersonaSelection) -> String {
    let names: Vec<&str> = selection.selected.iter().map(|persona| persona.name.as_str()).collect();
    let mut line = match selection.by {
        SelectedBy::Terms => selection.selected.iter().map(by_terms).collect::<Vec<_>>().join(", "),
        SelectedBy::User => format!("{} (named by you)", names.join(", ")),
        SelectedBy::Task => format!("{} (named in the task)", names.join(", ")),
        SelectedBy::Model => match &selection.chosen_in {
            Some(run) => format!("{} (chosen by a model in run {run})", names.join(", ")),
            None => format!("{} (chosen by a model)", names.join(", ")),
        },
    };
    // Writing to a String cannot fail.
    if let Some(next) = &selection.runner_up {
        let _ = write!(line, "; runner-up {}, {} behind", next.name, next.behind);
        if !next.lacks.is_empty() {
            let _ = write!(line, ": it has less on {}", next.lacks.join(", "));
        }
    }
    if !selection.refused.is_empty() {
        let _ = write!(line, "; ruled out by the task: {}", selection.refused.join(", "));
    }
    for note in &selection.notes {
        let _ = write!(line, "; {note}");
    }
    neutral::one_line(&line)
}

fn by_terms(persona: &SelectedPersona) -> String {
    let SelectedPersona { name, score, terms } = persona;
    let score = score.map(|score| format!("score {score}"));
    let terms = (!terms.is_empty()).then(|| format!("the task speaks of {}", terms.join(", ")));
    let reasons: Vec<String> = terms.into_iter().chain(score).collect();
    if reasons.is_empty() { name.clone() } else { format!("{name} ({})", reasons.join("; ")) }
}

/// The same as JSON.
pub(crate) fn as_json(selection: &PersonaSelection) -> Value {
    json!({
        "selected": selection.selected.iter().map(|persona| json!({
            "name": persona.name,
            "score": persona.score,
            "terms": persona.terms,
        })).collect::<Vec<_>>(),
        "by": match selection.by {
            SelectedBy::User => "user",
            SelectedBy::Task => "task",
            SelectedBy::Terms => "terms",
            SelectedBy::Model => "model",
        },
        "runner_up": selection.runner_up.as_ref().map(|next| json!({
            "name": next.name,
            "behind": next.behind,
            "lacks": next.lacks,
        })),
        "refused": selection.refused,
        "notes": selection.notes,
        "chosen_in": selection.chosen_in,
    })
}

#[cfg(test)]
mod tests {
    use orchestrate_core::event::NotSelected;

    use super::*;

    fn chosen(name: &str, terms: &[&str]) -> SelectedPersona {
        let terms = terms.iter().map(|term| (*term).to_owned()).collect();
        SelectedPersona { name: name.into(), score: Some(4.25), terms }
    }

    #[test]
    fn a_choice_is_told_on_one_line_with_its_reason_and_the_runner_up() {
        let mut choice = PersonaSelection {
            selected: vec![chosen("data-engineer", &["Postgres", "pipeline\n\u{1b}[2J"])],
            by: SelectedBy::Terms,
            runner_up: Some(NotSelected {
                name: "mlops-engineer".into(),
                behind: 1.5,
                lacks: vec!["Postgres".into()],
            }),
            refused: vec!["redis-caching".into()],
            notes: Vec::new(),
            chosen_in: None,
        };
        insta::assert_snapshot!(selection(&choice), @r"data-engineer (the task speaks of Postgres, pipeline \u{1b}[2J; score 4.25); runner-up mlops-engineer, 1.5 behind: it has less on Postgres; ruled out by the task: redis-caching");
        choice.selected.push(chosen("ml-engineer", &["model"]));
        choice.notes = vec!["`Engineer` may be any of `a`, `b`: name the one that is meant".into()];
        assert!(selection(&choice).ends_with(
            "redis-caching; `Engineer` may be any of `a`, `b`: name the one that is meant"
        ));
        choice.notes.clear();
        choice.runner_up = None;
        choice.refused.clear();
        insta::assert_snapshot!(selection(&choice), @r"data-engineer (the task speaks of Postgres, pipeline \u{1b}[2J; score 4.25), ml-engineer (the task speaks of model; score 4.25)");
        for (by, told) in [
            (SelectedBy::User, "named by you"),
            (SelectedBy::Task, "named in the task"),
            (SelectedBy::Model, "chosen by a model"),
        ] {
            choice.by = by;
            assert_eq!(selection(&choice), format!("data-engineer, ml-engineer ({told})"));
        }
    }
}
