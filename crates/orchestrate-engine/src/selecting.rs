//! Choosing personas by the task, and the words in which the choice is recorded.

use orchestrate_core::{
    event::{NotSelected, PersonaSelection, SelectedBy, SelectedPersona},
    neutral,
};
use orchestrate_persona::{Match, Selection, Verdict};

/// So many words are told of what speaks for a persona.
const TOLD: usize = 5;

/// A selection as a run records it; none where no persona fits.
pub fn recorded(selection: &Selection) -> Option<PersonaSelection> {
    let by = match selection.verdict {
        Verdict::Named => SelectedBy::Task,
        Verdict::Matched | Verdict::Several => SelectedBy::Terms,
        Verdict::None => return None,
    };
    let selected = selection.selected.iter().map(|name| {
        let found = selection.find(name).filter(|_| by == SelectedBy::Terms);
        SelectedPersona {
            name: name.clone(),
            score: found.map(|found| found.score),
            terms: found.map(told).unwrap_or_default(),
        }
    });
    Some(PersonaSelection {
        selected: selected.collect(),
        by,
        runner_up: selection.runner_up.as_ref().map(|next| NotSelected {
            name: next.name.clone(),
            behind: next.behind,
            lacks: next.lacks.iter().map(|text| neutral::excerpt(text, 40)).collect(),
        }),
        refused: selection.refused.iter().map(|refused| refused.name.clone()).collect(),
        notes: notes(selection),
        chosen_in: None,
    })
}

/// What a reader should know of a selection: titles and other names in the task that several personas have.
pub fn notes(selection: &Selection) -> Vec<String> {
    let shared = selection.ambiguous.iter().map(|shared| {
        let names: Vec<String> = shared.names.iter().map(|name| format!("`{name}`")).collect();
        let text = neutral::excerpt(&shared.text, 60).replace('`', "'");
        format!("`{text}` may be any of {}: name the one that is meant", names.join(", "))
    });
    shared.collect()
}

/// The words of the task that speak for a persona, the heaviest first, each once.
pub fn told(found: &Match) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for term in found.terms.iter().filter(|term| term.weight > 0.0) {
        let text = neutral::excerpt(&term.text, 40);
        if !texts.contains(&text) && texts.len() < TOLD {
            texts.push(text);
        }
    }
    texts
}
