//! What each persona of a library says of each term.

use indexmap::IndexMap;
use orchestrate_core::persona::Persona;

use super::{
    analysis::{Sense, languages_of, stems, units},
    fuzzy::Spelling,
    language::Language,
    tokens::{Token, tokenise},
    vocabulary::{Idea, Vocabulary},
    weights::{FIELDS, Weights},
};

/// A text of one field is read no further than this.
const MAX_FIELD_WORDS: usize = 400;

/// Rarity is judged as if a library had at least so many personas.
const LEAST_PERSONAS: usize = 12;

/// What terms are stored under.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Idea(Idea),
    Word(String),
}

/// What one persona says of one term.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Posting {
    pub(crate) persona: usize,
    /// Occurrences weighed by field.
    pub(crate) weight: f64,
    /// The number of the field that adds most.
    pub(crate) field: usize,
    /// What that field adds.
    most: f64,
}

/// A term of the library.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// In the order of the personas.
    pub(crate) postings: Vec<Posting>,
    /// Personas that say it is another one's business.
    pub(crate) against: Vec<usize>,
}

/// The terms of a library of personas.
#[derive(Debug)]
pub(crate) struct Index {
    entries: IndexMap<Key, Entry>,
    /// How much each persona says in all.
    lengths: Vec<f64>,
    mean_length: f64,
    /// The share of personas that declare words of their own, 0 to 1: aliases, tags or synonyms.
    pub(crate) declared: f64,
    /// The words of the library as they are written.
    pub(crate) spelling: Spelling,
    spelt: Vec<Key>,
}

impl Index {
    pub(crate) fn new(personas: &[&Persona], weights: &Weights) -> Self {
        let mut index = Self {
            entries: IndexMap::new(),
            lengths: vec![0.0; personas.len()],
            mean_length: 1.0,
            declared: 0.0,
            spelling: Spelling::default(),
            spelt: Vec::new(),
        };
        let places: IndexMap<&str, usize> =
            personas.iter().enumerate().map(|(at, persona)| (persona.name.as_str(), at)).collect();
        let mut words: IndexMap<String, Key> = IndexMap::new();
        let mut referrals: Vec<(usize, IndexMap<Key, Option<String>>)> = Vec::new();
        for (at, persona) in personas.iter().enumerate() {
            let texts: Vec<(usize, Vec<Token>)> = texts(persona)
                .map(|(field, text)| (field, tokenise(text, MAX_FIELD_WORDS).tokens))
                .collect();
            let tokens = texts.iter().flat_map(|(_, tokens)| tokens).take(MAX_FIELD_WORDS);
            let languages = languages_of(tokens);
            for (field, tokens) in &texts {
                index.add(at, *field, keys(tokens, &languages), weights, &mut words);
            }
            for line in &persona.when_not_to_use {
                let tokens = tokenise(situation(line), MAX_FIELD_WORDS).tokens;
                let keys = keys(&tokens, &languages);
                index.add_against(at, &keys);
                let targets = named_in(line, &places).filter(|target| *target != at);
                referrals.extend(targets.map(|target| (target, keys.clone())));
            }
        }
        for (target, keys) in referrals {
            index.add(target, FIELDS.len() - 1, keys, weights, &mut words);
        }
        for (word, key) in words {
            index.spelling.learn(&word);
            index.spelt.push(key);
        }
        let sum: f64 = index.lengths.iter().sum();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a library has far fewer personas than 2^52"
        )]
        let count = personas.len().max(1) as f64;
        index.mean_length = (sum / count).max(1.0);
        index.declared = share_that_declares(personas);
        index
    }

    fn add(
        &mut self,
        persona: usize,
        field: usize,
        keys: IndexMap<Key, Option<String>>,
        weights: &Weights,
        words: &mut IndexMap<String, Key>,
    ) {
        let weight = weights.fields[field];
        for (key, word) in keys {
            if let (Key::Word(_), Some(word)) = (&key, word) {
                words.entry(word).or_insert_with(|| key.clone());
            }
            self.lengths[persona] += weight;
            let entry = self.entries.entry(key).or_default();
            let place = entry.postings.binary_search_by_key(&persona, |posting| posting.persona);
            let at = place.unwrap_or_else(|at| {
                entry.postings.insert(at, Posting { persona, weight: 0.0, field, most: 0.0 });
                at
            });
            let posting = &mut entry.postings[at];
            posting.weight += weight;
            if weight > posting.most {
                posting.most = weight;
                posting.field = field;
            }
        }
    }

    fn add_against(&mut self, persona: usize, keys: &IndexMap<Key, Option<String>>) {
        for key in keys.keys() {
            let entry = self.entries.entry(key.clone()).or_default();
            if entry.against.last() != Some(&persona) {
                entry.against.push(persona);
            }
        }
    }

    /// The entry of a term that some persona uses in its favour.
    pub(crate) fn find(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| !entry.postings.is_empty())
    }

    /// The key of the word that the library spells like number `at`.
    pub(crate) fn spelt(&self, at: usize) -> &Key {
        &self.spelt[at]
    }

    /// How rare a term is, from 0 where every persona has it to 1 where one has: BM25's measure over
    /// its greatest value, so that libraries of different sizes compare. In a small library a term
    /// counts as if there were more personas without it.
    #[expect(clippy::cast_precision_loss, reason = "a library has far fewer personas than 2^52")]
    pub(crate) fn rarity(&self, entry: &Entry) -> f64 {
        let all = self.lengths.len().max(LEAST_PERSONAS) as f64;
        let idf = |with: f64| (1.0 + (all - with + 0.5) / (with + 0.5)).ln();
        idf(entry.postings.len() as f64) / idf(1.0)
    }

    /// How well a posting covers its term, 0 to 1: occurrences saturate, and sooner in a short persona.
    pub(crate) fn cover(&self, posting: &Posting, weights: &Weights) -> f64 {
        let relative = self.lengths[posting.persona] / self.mean_length;
        let half = weights.saturation * (1.0 - weights.length + weights.length * relative);
        posting.weight / (posting.weight + half)
    }

    /// How much a persona says in all: specialists say less.
    pub(crate) fn breadth(&self, persona: usize) -> f64 {
        self.lengths[persona]
    }
}

#[expect(clippy::cast_precision_loss, reason = "a library has far fewer personas than 2^52")]
fn share_that_declares(personas: &[&Persona]) -> f64 {
    let declares = |persona: &&&Persona| {
        !(persona.aliases.is_empty() && persona.tags.is_empty() && persona.synonyms.is_empty())
    };
    personas.iter().filter(declares).count() as f64 / personas.len().max(1) as f64
}

/// The texts of a persona by the number of their field.
fn texts(persona: &Persona) -> impl Iterator<Item = (usize, &str)> {
    let lists = [
        (2, &persona.aliases),
        (3, &persona.tags),
        (4, &persona.synonyms),
        (5, &persona.capabilities),
        (6, &persona.when_to_use),
        (8, &persona.examples),
    ];
    let single = [(0, &persona.name), (1, &persona.title), (7, &persona.description)];
    single.into_iter().map(|(field, text)| (field, text.as_str())).chain(
        lists
            .into_iter()
            .flat_map(|(field, list)| list.iter().map(move |text| (field, text.as_str()))),
    )
}

/// The keys of a text, each once, with the word where it is one.
fn keys(tokens: &[Token], languages: &[Language]) -> IndexMap<Key, Option<String>> {
    let mut keys = IndexMap::new();
    for unit in &units(tokens, languages) {
        let token = &tokens[unit.at];
        match &unit.sense {
            Sense::Idea(idea) => keys.insert(Key::Idea(*idea), None),
            Sense::Word(stems) => {
                keys.insert(Key::Word(stems[0].clone()), Some(token.folded.clone()))
            }
        };
        if !token.humps.is_empty() {
            let parts = tokenise(&token.humps.join(" "), MAX_FIELD_WORDS).tokens;
            for part in units(&parts, languages) {
                match part.sense {
                    Sense::Idea(idea) => keys.insert(Key::Idea(idea), None),
                    Sense::Word(stems) => keys.insert(Key::Word(stems[0].clone()), None),
                };
            }
        }
    }
    keys
}

/// The keys under which a word of a task may be stored.
pub(crate) fn word_keys(unit: &Sense) -> Vec<Key> {
    match unit {
        Sense::Idea(idea) => vec![Key::Idea(*idea)],
        Sense::Word(stems) => stems.iter().map(|stem| Key::Word(stem.clone())).collect(),
    }
}

/// The keys of one word by itself.
pub(crate) fn spelt_keys(lower: &str, folded: &str, languages: &[Language]) -> Vec<Key> {
    let own = stems(lower, folded, languages).into_iter().map(Key::Word);
    let idea = Vocabulary::built_in().part(lower, languages).map(Key::Idea);
    idea.into_iter().chain(own).collect()
}

/// The part of a `when_not_to_use` line that tells the situation, before it names who serves better.
fn situation(line: &str) -> &str {
    let cut = [";", " - ", " – ", " — "].iter().filter_map(|mark| line.find(mark)).min();
    &line[..cut.unwrap_or(line.len())]
}

/// The personas a line names.
fn named_in<'p>(
    line: &'p str,
    places: &'p IndexMap<&str, usize>,
) -> impl Iterator<Item = usize> + 'p {
    line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter_map(|word| places.get(word).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_the_situation_before_it_names_who_serves_better() {
        assert_eq!(situation("Custom code; take `ml-engineer-jax`"), "Custom code");
        assert_eq!(situation("Torch code - `ml-engineer-pytorch` is better"), "Torch code");
        assert_eq!(situation("Novel research"), "Novel research");
    }
}
