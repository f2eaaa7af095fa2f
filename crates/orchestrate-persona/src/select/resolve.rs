//! The words of a task as terms of the library: corrected, taken apart, or found to be unknown.

use std::sync::LazyLock;

use indexmap::IndexMap;

use super::{
    analysis::{Analysis, Sense, Unit, compound, units},
    fuzzy::Spelling,
    index::{Index, Key, spelt_keys, word_keys},
    language::{Language, SmallWords},
    negation::Stance,
    tokens::{Token, tokenise},
    vocabulary::Vocabulary,
    weights::Weights,
};

/// A term of a task.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// The words of the task.
    pub(crate) text: String,
    /// The share of a full term that it counts.
    pub(crate) share: f64,
}

/// The terms of a task.
#[derive(Debug, Default)]
pub(crate) struct Query {
    /// Those that some persona has, in the order of the task.
    pub(crate) terms: IndexMap<Key, Wanted>,
    /// Those that the task rules out, with its words.
    pub(crate) ruled_out: Vec<(Key, String)>,
    /// How much of the task is about what no persona knows.
    pub(crate) unknown: f64,
    /// The tokens at which each term stands first, in step with `terms`.
    pub(crate) places: Vec<usize>,
    /// The places of words that join one part of a task to the next.
    joints: Vec<usize>,
}

/// Words that join one part of a task to the next.
const JOINTS: &[&str] = &[
    "and",
    "then",
    "plus",
    "with",
    "afterwards",
    "also",
    "und",
    "dann",
    "anschliessend",
    "sowie",
    "mit",
    "et",
    "puis",
    "ensuite",
    "avec",
    "y",
    "e",
    "luego",
    "despues",
    "con",
    "ed",
    "poi",
    "depois",
    "com",
    "en",
    "daarna",
    "met",
    "och",
    "sedan",
    "i",
    "oraz",
    "potem",
    "и",
    "затем",
    "ve",
    "sonra",
];

/// Words of the vocabulary and small words, by their spelling.
static KNOWN: LazyLock<Known> = LazyLock::new(Known::new);

#[derive(Debug)]
struct Known {
    spelling: Spelling,
    words: Vec<(String, Language)>,
}

impl Known {
    fn new() -> Self {
        let mut known = Self { spelling: Spelling::default(), words: Vec::new() };
        for language in Language::ALL {
            let of = [language];
            let ideas = Vocabulary::built_in().words(&of).map(|(word, _)| word);
            let small = SmallWords::built_in();
            for word in ideas.chain(small.of(&of)) {
                known.spelling.learn(word);
                known.words.push((word.to_owned(), language));
            }
        }
        known
    }
}

/// So many words of a task are looked up by their spelling: it is the slowest look-up.
const MOST_CORRECTIONS: usize = 100;

/// What at most the unknown words of a task can take from its confidence.
const MOST_UNKNOWN_WORDS: f64 = 5.0;

impl Query {
    pub(crate) fn new(
        analysis: &Analysis,
        stance: &Stance,
        index: &Index,
        weights: &Weights,
    ) -> Self {
        let mut query = Self::default();
        let joints = analysis.tokens.iter().enumerate();
        query.joints = joints
            .filter(|(_, token)| JOINTS.contains(&token.folded.as_str()))
            .map(|(at, _)| at)
            .collect();
        let lacking = weights.undeclared + (1.0 - weights.undeclared) * index.declared;
        let mut unknown_words = 0.0;
        let mut corrections = MOST_CORRECTIONS;
        for unit in &analysis.units {
            let share = stance.share[unit.at] * if unit.weak { weights.weak } else { 1.0 };
            let found = resolve(unit, analysis, index, weights, &mut corrections);
            if stance.ruled_out[unit.at].is_some() {
                for (key, _) in &found {
                    query.ruled_out.push((key.clone(), unit.text.clone()));
                }
            }
            for (key, part) in &found {
                query.want(key, &unit.text, share * part, unit.at);
            }
            if found.is_empty() && !unit.weak {
                match unit.sense {
                    Sense::Idea(_) => query.unknown += share * lacking * weights.unknown_concept,
                    Sense::Word(_) => unknown_words += share,
                }
            }
        }
        query.unknown += weights.unknown_word * f64::min(unknown_words, MOST_UNKNOWN_WORDS);
        query
    }

    /// Whether a joint stands between two places.
    pub(crate) fn joined(&self, one: usize, other: usize) -> bool {
        let between = one.min(other)..one.max(other);
        self.joints.iter().any(|joint| between.contains(joint))
    }

    fn want(&mut self, key: &Key, text: &str, share: f64, at: usize) {
        if let Some(wanted) = self.terms.get_mut(key) {
            wanted.share = wanted.share.max(share);
        } else {
            self.terms.insert(key.clone(), Wanted { text: text.to_owned(), share });
            self.places.push(at);
        }
    }
}

/// The keys of the library that a unit stands for, each with the share of its weight that is left.
fn resolve(
    unit: &Unit,
    analysis: &Analysis,
    index: &Index,
    weights: &Weights,
    corrections: &mut usize,
) -> Vec<(Key, f64)> {
    let keys = word_keys(&unit.sense);
    if let Some(key) = keys.iter().find(|key| index.find(key).is_some()) {
        return vec![(key.clone(), 1.0)];
    }
    let Sense::Word(_) = unit.sense else { return Vec::new() };
    let token = &analysis.tokens[unit.at];
    if !token.humps.is_empty() {
        let parts = of_parts(&token.humps.join(" "), &analysis.languages, index);
        return parts.into_iter().map(|key| (key, weights.part)).collect();
    }
    if unit.weak {
        return Vec::new();
    }
    let halves = compound(&token.lower, &analysis.languages);
    if !halves.is_empty() {
        let halves = halves.into_iter().map(Key::Idea).filter(|key| index.find(key).is_some());
        return halves.map(|key| (key, weights.part)).collect();
    }
    let Some(left) = corrections.checked_sub(1) else { return Vec::new() };
    *corrections = left;
    corrected(token, &analysis.languages, index)
        .map(|key| vec![(key, weights.fuzzy)])
        .unwrap_or_default()
}

/// The known keys of an identifier's parts.
fn of_parts(text: &str, languages: &[Language], index: &Index) -> Vec<Key> {
    let tokens = tokenise(text, 16).tokens;
    units(&tokens, languages)
        .into_iter()
        .filter(|unit| !unit.weak)
        .filter_map(|unit| word_keys(&unit.sense).into_iter().find(|key| index.find(key).is_some()))
        .collect()
}

/// The key of the word that a misspelt one was meant to be; none where that word says nothing here.
fn corrected(token: &Token, languages: &[Language], index: &Index) -> Option<Key> {
    let own = index.spelling.closest(&token.folded, |_| true);
    let known = KNOWN.spelling.closest(&token.folded, |at| languages.contains(&KNOWN.words[at].1));
    if let Some((distance, at)) = own
        && known.is_none_or(|(near, _)| distance <= near)
    {
        return Some(index.spelt(at).clone());
    }
    let word = &KNOWN.words[known?.1].0;
    let small = SmallWords::built_in().standing(word, languages).is_some();
    let keys = spelt_keys(word, word, languages);
    keys.into_iter().find(|key| !small && index.find(key).is_some())
}
