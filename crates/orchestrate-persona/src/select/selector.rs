//! Choosing the personas a task calls for.

use std::{cmp::Ordering, collections::BTreeSet};

use orchestrate_core::persona::Persona;

use super::{
    analysis::analyse,
    index::{Index, Key, word_keys},
    names::{Callings, Mention},
    negation::{Stance, stays_out},
    resolve::Query,
    selection::{Ambiguous, Match, Refused, RunnerUp, Selection, Term, Verdict},
    weights::{ASIDE_FIELDS, FIELDS, TERM_FIELDS, Weights},
};

/// A longer task is read up to here.
pub const MAX_TASK_BYTES: usize = 16 * 1024;
/// And no more than this many words of it.
const MAX_TASK_WORDS: usize = 1_500;
/// No more personas are selected by terms for one task.
const MOST_SELECTED: usize = 3;

/// A library of personas, prepared for choosing among them.
#[derive(Debug)]
pub struct Selector {
    names: Vec<String>,
    callings: Callings,
    /// For each persona the terms it is named after, such as `redis`: in its name and among its tags.
    subjects: Vec<BTreeSet<Key>>,
    /// Terms in names and tags: what a task can rule out.
    labels: BTreeSet<Key>,
    index: Index,
    weights: Weights,
}

/// What one persona has for a task.
#[derive(Debug, Clone)]
struct Rating {
    persona: usize,
    score: f64,
    /// For each term of the query what it adds, and the field that says most of it.
    parts: Vec<(f64, usize)>,
    /// For each term of the query what `when_not_to_use` takes away.
    against: Vec<f64>,
}

impl Selector {
    /// Prepares a library. Of personas with one name the first counts.
    pub fn new<'p>(personas: impl IntoIterator<Item = &'p Persona>) -> Self {
        Self::weighing(personas, Weights::TUNED)
    }

    pub(crate) fn weighing<'p>(
        personas: impl IntoIterator<Item = &'p Persona>,
        weights: Weights,
    ) -> Self {
        let mut seen = BTreeSet::new();
        let personas: Vec<&Persona> =
            personas.into_iter().filter(|persona| seen.insert(persona.name.as_str())).collect();
        let mut labels = BTreeSet::new();
        let mut subjects = Vec::with_capacity(personas.len());
        for persona in &personas {
            let named: BTreeSet<Key> = label_keys(&persona.name.replace('-', " ")).collect();
            let mut tagged = BTreeSet::new();
            for tag in &persona.tags {
                let keys: Vec<Key> = label_keys(tag).collect();
                labels.extend(keys.iter().cloned());
                // A tag of several words is about all of them together.
                if let [key] = keys.as_slice() {
                    tagged.insert(key.clone());
                }
            }
            labels.extend(named.iter().cloned());
            subjects.push(named.intersection(&tagged).cloned().collect());
        }
        Self {
            names: personas.iter().map(|persona| persona.name.clone()).collect(),
            callings: Callings::new(&personas),
            subjects,
            labels,
            index: Index::new(&personas, &weights),
            weights,
        }
    }

    /// The personas a task calls for: those it calls by name, or else those whose routing text fits it
    /// best. The answer depends on the library and the task alone.
    pub fn select(&self, task: &str) -> Selection {
        let task = &task[..task.floor_char_boundary(MAX_TASK_BYTES)];
        let analysis = analyse(task, MAX_TASK_WORDS);
        let mut stance = Stance::read(&analysis.tokens, &analysis.languages, &self.weights);
        let mentions = self.callings.mentions(&analysis.tokens, &analysis.chunks);
        let mut refused: Vec<Refused> = Vec::new();
        let mut called: Vec<usize> = Vec::new();
        let mut shared: Vec<(String, Vec<usize>)> = Vec::new();
        for mention in &mentions {
            let words = analysis.tokens[mention.from..mention.to].iter();
            let text = words.map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
            let stays_out = stays_out(&analysis.tokens, mention.to, &analysis.languages);
            if stance.ruled_out[mention.from].is_some() || stays_out {
                stance.share[mention.from..mention.to].fill(0.0);
                self.refuse(mention.persona, &text, &mut refused);
            } else if mention.called && !called.contains(&mention.persona) {
                called.push(mention.persona);
            } else if mention.shared {
                match shared.iter_mut().find(|(known, _)| *known == text) {
                    Some((_, personas)) if personas.contains(&mention.persona) => {}
                    Some((_, personas)) => personas.push(mention.persona),
                    None => shared.push((text, vec![mention.persona])),
                }
            }
        }
        let mut query = Query::new(&analysis, &stance, &self.index, &self.weights);
        self.rule_out(&mut query, &mentions, &mut refused);
        called.retain(|persona| !is_refused(&refused, &self.names[*persona]));
        let ratings = self.ratings(&query, &refused);
        let order = |name: &Refused| self.names.iter().position(|known| *known == name.name);
        refused.sort_by_key(order);
        let (selected, verdict) = if called.is_empty() {
            self.by_terms(&query, &ratings)
        } else {
            (called, Verdict::Named)
        };
        // Whoever else the task names settles which of them is meant.
        shared.retain(|(_, personas)| {
            !personas.iter().any(|persona| selected.contains(persona) && verdict == Verdict::Named)
        });
        let ambiguous = shared.into_iter().map(|(text, personas)| Ambiguous {
            text,
            names: personas.into_iter().map(|persona| self.names[persona].clone()).collect(),
        });
        let ambiguous = ambiguous.collect();
        self.selection(&query, &ratings, &selected, verdict, (refused, ambiguous))
    }

    fn refuse(&self, persona: usize, text: &str, refused: &mut Vec<Refused>) {
        if !is_refused(refused, &self.names[persona]) {
            refused.push(Refused { name: self.names[persona].clone(), text: text.to_owned() });
        }
    }

    /// Takes out the terms that are ruled out, and refuses the personas named after them.
    fn rule_out(&self, query: &mut Query, mentions: &[Mention], refused: &mut Vec<Refused>) {
        for (key, text) in query.ruled_out.clone() {
            if !self.labels.contains(&key) {
                continue;
            }
            if let Some(wanted) = query.terms.get_mut(&key) {
                wanted.share = 0.0;
            }
            for (persona, subjects) in self.subjects.iter().enumerate() {
                let called =
                    mentions.iter().any(|mention| mention.called && mention.persona == persona);
                if subjects.contains(&key) && !called {
                    self.refuse(persona, &text, refused);
                }
            }
        }
    }

    /// Every persona with something to say of the task, the best first.
    fn ratings(&self, query: &Query, refused: &[Refused]) -> Vec<Rating> {
        let mut parts = vec![vec![(0.0, 0); query.terms.len()]; self.names.len()];
        let mut against = vec![Vec::new(); self.names.len()];
        for (at, (key, wanted)) in query.terms.iter().enumerate() {
            let Some(entry) = self.index.find(key) else { continue };
            let prose = entry.postings.iter().all(|posting| posting.field >= TERM_FIELDS);
            let aside = entry.postings.iter().all(|posting| posting.field >= ASIDE_FIELDS);
            let kind = match key {
                Key::Idea(_) if aside => self.weights.prose,
                Key::Idea(_) => self.weights.concept,
                Key::Word(_) if prose => self.weights.prose,
                Key::Word(_) => 1.0,
            };
            let most = wanted.share * kind * self.index.rarity(entry);
            for posting in &entry.postings {
                let cover = self.index.cover(posting, &self.weights);
                parts[posting.persona][at] = (most * cover, posting.field);
            }
            for &persona in &entry.against {
                let cover = entry.postings.iter().find(|posting| posting.persona == persona);
                let cover = cover.map_or(0.0, |posting| self.index.cover(posting, &self.weights));
                let loss = self.weights.against * most * (1.0 - cover);
                against[persona].push((at, loss));
            }
        }
        let mut ratings: Vec<Rating> = Vec::new();
        for (persona, (parts, against)) in parts.into_iter().zip(against).enumerate() {
            let gain: f64 = parts.iter().map(|(part, _)| part).sum();
            if gain <= 0.0 || is_refused(refused, &self.names[persona]) {
                continue;
            }
            let mut losses = vec![0.0; parts.len()];
            for (at, loss) in against {
                losses[at] = loss;
            }
            let score = gain - losses.iter().sum::<f64>();
            ratings.push(Rating { persona, score: rounded(score), parts, against: losses });
        }
        ratings.sort_by(|a, b| self.compare(a, b));
        ratings
    }

    /// The better first; of equals the specialist, who says less in all; then by name.
    fn compare(&self, a: &Rating, b: &Rating) -> Ordering {
        let breadth = |rating: &Rating| self.index.breadth(rating.persona);
        (b.score.total_cmp(&a.score))
            .then_with(|| breadth(a).total_cmp(&breadth(b)))
            .then_with(|| self.names[a.persona].cmp(&self.names[b.persona]))
    }

    /// The best persona and those that cover what it leaves, where the confidence suffices.
    fn by_terms(&self, query: &Query, ratings: &[Rating]) -> (Vec<usize>, Verdict) {
        let Some(best) = ratings.first() else { return (Vec::new(), Verdict::None) };
        if best.score - query.unknown < self.weights.floor {
            return (Vec::new(), Verdict::None);
        }
        let mut selected = vec![best];
        while selected.len() < MOST_SELECTED {
            let gains = ratings.iter().filter_map(|rating| {
                let chosen = selected.iter().any(|other| other.persona == rating.persona);
                (!chosen).then(|| (own(rating, &selected, ratings), rating))
            });
            let next = gains.reduce(|best, next| if next.0.sum > best.0.sum { next } else { best });
            let Some((gain, rating)) = next else { break };
            // The first must also have something that the next one has not, in another part of the task.
            let back = own(best, &[rating], ratings);
            let least = self.weights.several_floor.max(self.weights.several * best.score);
            let apart = match (gain.heaviest, back.heaviest) {
                (Some(one), Some(other)) => query.joined(query.places[one], query.places[other]),
                _ => false,
            };
            if !apart || gain.sum < least || back.sum < self.weights.several_floor {
                break;
            }
            selected.push(rating);
        }
        let verdict = if selected.len() > 1 { Verdict::Several } else { Verdict::Matched };
        (selected.into_iter().map(|rating| rating.persona).collect(), verdict)
    }

    fn selection(
        &self,
        query: &Query,
        ratings: &[Rating],
        selected: &[usize],
        verdict: Verdict,
        (refused, ambiguous): (Vec<Refused>, Vec<Ambiguous>),
    ) -> Selection {
        let name = |persona: usize| self.names[persona].clone();
        let mut matches: Vec<Match> = Vec::new();
        for &persona in selected {
            let rating = ratings.iter().find(|rating| rating.persona == persona);
            let terms = rating.map(|rating| terms(rating, query)).unwrap_or_default();
            let score = rating.map_or(0.0, |rating| rating.score);
            matches.push(Match { name: name(persona), score, terms });
        }
        let others = ratings.iter().filter(|rating| !selected.contains(&rating.persona));
        let runner_up = others.clone().next().filter(|_| verdict != Verdict::Named);
        let runner_up = runner_up.and_then(|second| {
            let first = ratings.iter().find(|rating| selected.contains(&rating.persona))?;
            Some(RunnerUp {
                name: name(second.persona),
                behind: rounded(first.score - second.score),
                lacks: lacks(first, second, query),
            })
        });
        matches.extend(others.map(|rating| Match {
            name: name(rating.persona),
            score: rating.score,
            terms: terms(rating, query),
        }));
        // Each of several that were called alike is told with what speaks for it, be that nothing.
        let unrated = |name: &&String| {
            !matches.iter().any(|known| known.name == **name) && !is_refused(&refused, name)
        };
        let called = ambiguous.iter().flat_map(|shared: &Ambiguous| &shared.names);
        let unrated: BTreeSet<String> = called.filter(unrated).cloned().collect();
        matches.extend(unrated.into_iter().map(|name| Match { name, score: 0.0, terms: vec![] }));
        let selected = selected.iter().map(|persona| name(*persona)).collect();
        Selection { selected, matches, verdict, runner_up, refused, ambiguous }
    }
}

/// What a persona has alone.
struct Own {
    sum: f64,
    /// The number of the term that adds most.
    heaviest: Option<usize>,
}

/// What a persona adds by terms that it covers better than all of `others`, and about as well as
/// anybody.
fn own(rating: &Rating, others: &[&Rating], all: &[Rating]) -> Own {
    let value = |rating: &Rating, at: usize| rating.parts[at].0 - rating.against[at];
    let mut own = Own { sum: 0.0, heaviest: None };
    let mut most = 0.0;
    for at in 0..rating.parts.len() {
        let best = all.iter().map(|other| value(other, at)).fold(0.0, f64::max);
        let covered = others.iter().map(|other| value(other, at)).fold(0.0, f64::max);
        let gain = value(rating, at) - covered;
        if gain <= 0.0 || value(rating, at) < 0.75 * best {
            continue;
        }
        own.sum += gain;
        if gain > most {
            most = gain;
            own.heaviest = Some(at);
        }
    }
    own
}

fn is_refused(refused: &[Refused], name: &str) -> bool {
    refused.iter().any(|refused| refused.name == name)
}

/// The keys of a name or tag, each by itself.
fn label_keys(text: &str) -> impl Iterator<Item = Key> {
    let units = analyse(&text.replace('-', " "), 16).units;
    units.into_iter().filter_map(|unit| word_keys(&unit.sense).into_iter().next())
}

/// What a rating rests on, the heaviest first.
fn terms(rating: &Rating, query: &Query) -> Vec<Term> {
    let mut terms = Vec::new();
    for (at, wanted) in query.terms.values().enumerate() {
        let (gain, field) = rating.parts[at];
        let texts = [(gain, FIELDS[field]), (-rating.against[at], "when_not_to_use")];
        for (weight, field) in texts {
            if weight.abs() >= 0.001 {
                terms.push(Term { text: wanted.text.clone(), field, weight: rounded(weight) });
            }
        }
    }
    terms.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    terms
}

/// The words for which the first has more to say than the second, by how much more.
fn lacks(first: &Rating, second: &Rating, query: &Query) -> Vec<String> {
    let value = |rating: &Rating, at: usize| rating.parts[at].0 - rating.against[at];
    let mut lacks: Vec<(f64, &str)> = Vec::new();
    for (at, wanted) in query.terms.values().enumerate() {
        let more = value(first, at) - value(second, at);
        if more >= 0.05 {
            lacks.push((more, wanted.text.as_str()));
        }
    }
    lacks.sort_by(|a, b| b.0.total_cmp(&a.0));
    lacks.into_iter().take(5).map(|(_, text)| text.to_owned()).collect()
}

/// To three decimals, so that the last bits of a logarithm decide nothing.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
