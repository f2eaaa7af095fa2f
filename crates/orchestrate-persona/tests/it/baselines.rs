//! Two plain ways to rank personas by a task, to compare the choice with.

use std::collections::BTreeMap;

use orchestrate_core::persona::Persona;

/// A way to rank personas: the score of each, in the order of the library.
pub(crate) trait Ranker {
    fn scores(&self, task: &str) -> Vec<f64>;
}

/// Everything of a persona that tells what it is for, in one text.
fn routing_text(persona: &Persona) -> String {
    let lists = [
        &persona.aliases,
        &persona.tags,
        &persona.synonyms,
        &persona.capabilities,
        &persona.when_to_use,
        &persona.examples,
    ];
    let single = [&persona.name, &persona.title, &persona.description];
    let texts = single.into_iter().chain(lists.into_iter().flatten()).map(String::as_str);
    texts.collect::<Vec<_>>().join("\n")
}

type Counts = BTreeMap<String, f64>;

fn count(terms: impl Iterator<Item = String>) -> Counts {
    let mut counts = Counts::new();
    for term in terms {
        *counts.entry(term).or_default() += 1.0;
    }
    counts
}

fn document_frequencies(documents: &[Counts]) -> Counts {
    count(documents.iter().flat_map(|document| document.keys().cloned()))
}

fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// BM25 over words, with the usual constants 1.2 and 0.75.
#[derive(Debug)]
pub(crate) struct Bm25 {
    documents: Vec<Counts>,
    frequencies: Counts,
    mean_length: f64,
}

impl Bm25 {
    pub(crate) fn new(personas: &[Persona]) -> Self {
        let documents: Vec<Counts> = personas
            .iter()
            .map(|persona| count(words(&routing_text(persona)).into_iter()))
            .collect();
        let sum: f64 = documents.iter().flat_map(BTreeMap::values).sum();
        let frequencies = document_frequencies(&documents);
        let mean_length = sum / number(documents.len());
        Self { documents, frequencies, mean_length }
    }
}

impl Ranker for Bm25 {
    fn scores(&self, task: &str) -> Vec<f64> {
        let task = words(task);
        let all = number(self.documents.len());
        let score = |document: &Counts| {
            let length: f64 = document.values().sum();
            let norm = 1.2 * (0.25 + 0.75 * length / self.mean_length);
            let terms = task.iter().filter_map(|word| {
                let occurs = document.get(word)?;
                let with = self.frequencies[word];
                let idf = (1.0 + (all - with + 0.5) / (with + 0.5)).ln();
                Some(idf * occurs * 2.2 / (occurs + norm))
            });
            terms.sum()
        };
        self.documents.iter().map(score).collect()
    }
}

/// The cosine of TF-IDF vectors over runs of 3 to 5 characters within words.
#[derive(Debug)]
pub(crate) struct CharacterTfIdf {
    vectors: Vec<Counts>,
    frequencies: Counts,
    all: f64,
}

impl CharacterTfIdf {
    pub(crate) fn new(personas: &[Persona]) -> Self {
        let documents: Vec<Counts> =
            personas.iter().map(|persona| count(runs(&routing_text(persona)))).collect();
        let frequencies = document_frequencies(&documents);
        let all = number(documents.len());
        let mut ranker = Self { vectors: Vec::new(), frequencies, all };
        ranker.vectors = documents.into_iter().map(|counts| ranker.weigh(counts)).collect();
        ranker
    }

    /// Weighs each run by its rarity and brings the vector to length 1.
    fn weigh(&self, mut counts: Counts) -> Counts {
        for (run, weight) in &mut counts {
            let with = self.frequencies.get(run).copied().unwrap_or(0.0);
            *weight *= ((1.0 + self.all) / (1.0 + with)).ln() + 1.0;
        }
        let norm = counts.values().map(|weight| weight * weight).sum::<f64>().sqrt();
        for weight in counts.values_mut() {
            *weight /= norm.max(f64::MIN_POSITIVE);
        }
        counts
    }
}

impl Ranker for CharacterTfIdf {
    fn scores(&self, task: &str) -> Vec<f64> {
        let task = self.weigh(count(runs(task)));
        let cosine = |vector: &Counts| {
            task.iter().filter_map(|(run, weight)| Some(vector.get(run)? * weight)).sum()
        };
        self.vectors.iter().map(cosine).collect()
    }
}

fn runs(text: &str) -> impl Iterator<Item = String> {
    let padded = words(text).into_iter().map(|word| format!(" {word} ").chars().collect());
    padded.flat_map(|chars: Vec<char>| {
        let of = |length| chars.windows(length).map(String::from_iter).collect::<Vec<_>>();
        (3..=5).flat_map(of).collect::<Vec<_>>()
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn number(count: usize) -> f64 {
    count as f64
}
