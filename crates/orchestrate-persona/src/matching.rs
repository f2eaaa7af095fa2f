//! Which persona fits a task, by the terms that its routing text shares with the task.

use std::collections::{BTreeMap, BTreeSet};

use orchestrate_core::persona::Persona;

/// A persona that fits a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Match<'a> {
    /// The persona.
    pub persona: &'a Persona,
    /// The weight of the shared terms: 3 for each in the persona's name, title, abbreviation, aliases
    /// or tags, 1 for each that stands in its other routing text only.
    pub score: usize,
    /// The shared terms in the order of the task.
    pub terms: Vec<String>,
}

/// A term by which a persona is called weighs more than one it merely mentions.
const NAMED: usize = 3;
const MENTIONED: usize = 1;

/// The candidate whose routing text (name, title, aliases, tags, description, capabilities, uses and
/// examples) shares most with the task; the first of equals; `None` where none shares a term.
pub fn best_match<'a>(task: &str, candidates: &[&'a Persona]) -> Option<Match<'a>> {
    let wanted = terms(task);
    let mut best: Option<Match<'a>> = None;
    for persona in candidates {
        let weights = weights(persona);
        let mut seen = BTreeSet::new();
        let shared = wanted.iter().filter(|term| weights.contains_key(*term) && seen.insert(*term));
        let shared: Vec<String> = shared.cloned().collect();
        let score = shared.iter().map(|term| weights[term]).sum();
        if score > best.as_ref().map_or(0, |best| best.score) {
            best = Some(Match { persona, score, terms: shared });
        }
    }
    best
}

fn weights(persona: &Persona) -> BTreeMap<String, usize> {
    let mentions = [&persona.capabilities, &persona.when_to_use, &persona.examples];
    let names = [&persona.aliases, &persona.tags];
    let mut weights = BTreeMap::new();
    for text in mentions.into_iter().flatten().chain([&persona.description]) {
        weights.extend(terms(text).into_iter().map(|term| (term, MENTIONED)));
    }
    let called = names.into_iter().flatten().chain([&persona.name, &persona.title]);
    for text in called.chain(&persona.abbreviation) {
        weights.extend(terms(text).into_iter().map(|term| (term, NAMED)));
    }
    weights
}

/// The words of a text in small letters, without those that say nothing of its subject; a plural `s`
/// is dropped.
fn terms(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 1 && !STOP_WORDS.contains(word))
        .map(singular)
        .collect()
}

fn singular(word: &str) -> String {
    let plural = word.len() > 3 && word.ends_with('s') && !word.ends_with("ss");
    if plural { word[..word.len() - 1].to_owned() } else { word.to_owned() }
}

/// Frequent words that say nothing of a task's subject, in alphabetical order.
const STOP_WORDS: &[&str] = &[
    "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "because",
    "been", "before", "but", "by", "can", "could", "do", "does", "for", "from", "get", "has",
    "have", "help", "how", "if", "in", "into", "is", "it", "its", "like", "make", "may", "me",
    "more", "most", "must", "my", "need", "no", "not", "of", "on", "one", "or", "our", "out",
    "over", "please", "should", "so", "some", "than", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "to", "too", "up", "us", "use", "using", "want", "was", "we",
    "what", "when", "where", "which", "who", "why", "will", "with", "without", "would", "you",
    "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_fold_case_and_plural_and_leave_out_what_says_nothing() {
        assert_eq!(terms("Train the Models, of class 3D"), ["train", "model", "class", "3d"]);
        assert!(terms("and what would you do").is_empty());
        assert!(STOP_WORDS.is_sorted());
    }
}
