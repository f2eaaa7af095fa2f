//! Choosing personas by the task, and the words in which the choice is recorded.

use orchestrate_core::{
    event::{NotSelected, PersonaSelection, SelectedBy, SelectedPersona},
    neutral,
};

pub use stand_in::{Match, Refused, RunnerUp, Selection, Selector, Term, Verdict};

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
        chosen_in: None,
    })
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

/// Takes the place of the selection until it is there.
mod stand_in {
    #![expect(missing_docs, reason = "it goes away")]

    use orchestrate_core::persona::Persona;

    #[derive(Debug, Clone, PartialEq)]
    pub struct Selection {
        pub selected: Vec<String>,
        pub matches: Vec<Match>,
        pub verdict: Verdict,
        pub runner_up: Option<RunnerUp>,
        pub refused: Vec<Refused>,
    }

    impl Selection {
        pub fn find(&self, name: &str) -> Option<&Match> {
            self.matches.iter().find(|found| found.name == name)
        }

        pub fn nearest(&self) -> &[Match] {
            &self.matches[..self.matches.len().min(3)]
        }
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Verdict {
        Named,
        Matched,
        Several,
        None,
    }

    #[derive(Debug, Clone, PartialEq)]
    pub struct Match {
        pub name: String,
        pub score: f64,
        pub terms: Vec<Term>,
    }

    #[derive(Debug, Clone, PartialEq)]
    pub struct Term {
        pub text: String,
        pub field: &'static str,
        pub weight: f64,
    }

    #[derive(Debug, Clone, PartialEq)]
    pub struct RunnerUp {
        pub name: String,
        pub behind: f64,
        pub lacks: Vec<String>,
    }

    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Refused {
        pub name: String,
        pub text: String,
    }

    #[derive(Debug)]
    pub struct Selector(Vec<Persona>);

    impl Selector {
        pub fn new<'p>(personas: impl IntoIterator<Item = &'p Persona>) -> Self {
            Self(personas.into_iter().cloned().collect())
        }

        pub fn select(&self, task: &str) -> Selection {
            let mut matches: Vec<Match> = Vec::new();
            for persona in &self.0 {
                let Some(found) = orchestrate_persona::best_match(task, &[persona]) else {
                    continue;
                };
                let terms = found.terms.into_iter();
                matches.push(Match {
                    name: persona.name.clone(),
                    score: f64::from(u32::try_from(found.score).unwrap_or_default()),
                    terms: terms
                        .map(|text| Term { text, field: "description", weight: 1.0 })
                        .collect(),
                });
            }
            matches.sort_by(|a, b| b.score.total_cmp(&a.score));
            let selected: Vec<String> = matches
                .first()
                .filter(|best| best.score >= 2.0)
                .map(|best| best.name.clone())
                .into_iter()
                .collect();
            let runner_up = matches.get(1).filter(|_| !selected.is_empty()).map(|next| RunnerUp {
                name: next.name.clone(),
                behind: matches[0].score - next.score,
                lacks: vec![],
            });
            let verdict = if selected.is_empty() { Verdict::None } else { Verdict::Matched };
            Selection { selected, matches, verdict, runner_up, refused: vec![] }
        }
    }
}
