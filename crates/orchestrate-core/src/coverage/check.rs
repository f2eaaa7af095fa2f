//! Holding the entries of a brief against a document.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::text::{Block, Number, Token, block, blocks, normal};
use crate::brief::{Brief, Figure};

/// Entries of one brief that are checked; more are counted and left.
const MOST_ENTRIES: usize = 300;
/// Bytes of a document that are read.
const MOST_BYTES: usize = 2 << 20;
/// Words of an entry that are compared.
const MOST_WORDS: usize = 60;
/// Blocks that are compared with one entry.
const MOST_BLOCKS: usize = 200;
/// Characters of a word that may stand for a whole entry.
const SHORTEST: usize = 3;
/// Words that may stand between a figure's name and its number.
const BETWEEN: [&str; 12] =
    ["i", "is", "was", "wa", "of", "at", "to", "now", "about", "reached", "equal", "be"];
/// Words that say nothing by themselves.
const EMPTY: [&str; 24] = [
    "with", "that", "this", "from", "into", "only", "must", "have", "will", "should", "shall",
    "every", "each", "than", "then", "when", "where", "which", "their", "there", "they", "been",
    "over", "also",
];

/// What one document says of one brief.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Coverage {
    /// The entries in the order of the brief: decisions, figures, constraints.
    pub entries: Vec<CoverageEntry>,
    /// Entries that were not looked at, beyond the limit.
    pub unchecked: usize,
    /// How many words and blocks were looked at, the measure of the cost.
    #[serde(skip)]
    pub touches: u64,
}

/// One entry of a brief, and what was found of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CoverageEntry {
    /// What it is.
    pub kind: EntryKind,
    /// Its id, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its text, as the model wrote it.
    pub text: String,
    /// What was found.
    pub finding: Finding,
}

/// The kinds of entries that are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// What was decided.
    Decision,
    /// A number.
    Figure,
    /// What must hold.
    Constraint,
}

/// What was found of an entry, and no more than that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It stands there.
    Kept(Evidence),
    /// It stands there with another number.
    Changed {
        /// The number it had.
        was: String,
        /// The number it has.
        now: String,
    },
    /// A figure's name stands there without a number that could be compared.
    NamedOnly,
    /// Nothing of it was found.
    NotMentioned,
}

/// By what an entry was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Its id is named; whether the document agrees with it was not checked.
    Id,
    /// Three quarters of its words, and all its numbers and identifiers, stand in one paragraph; of an entry
    /// of small words only, all of it, in its order.
    Words,
    /// Its number stands there, with its name or its unit.
    Value,
}

/// A deliverable with its brief, read once.
#[derive(Debug, Default)]
pub struct Document {
    blocks: Vec<Block>,
    /// The blocks in which a word stands.
    places: BTreeMap<String, Vec<usize>>,
    /// Ids that the document gives to decisions of its own.
    own_ids: BTreeSet<String>,
    figures: Vec<(Vec<String>, Block, String)>,
    touches: u64,
}

impl Document {
    /// Reads a deliverable and its brief.
    pub fn new(text: &str, brief: Option<&Brief>) -> Self {
        let mut end = text.len().min(MOST_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut document = Self { blocks: blocks(&text[..end]), ..Self::default() };
        if let Some(brief) = brief {
            document.blocks.extend(blocks(&brief.to_markdown()));
            let ids = brief.decisions.iter().filter(|own| !own.id.is_empty());
            document.own_ids = ids.map(|own| normal(own.id.trim())).collect();
            let figures = brief.figures.iter();
            document.figures = figures.map(|own| (name(own), value(own), amount(own))).collect();
        }
        for (at, block) in document.blocks.iter().enumerate() {
            document.touches += block.tokens.len() as u64;
            for word in block.words() {
                let places = document.places.entry(word.to_owned()).or_default();
                if places.last() != Some(&at) {
                    places.push(at);
                }
            }
        }
        document
    }

    /// What the document says of a brief's decisions, figures and constraints.
    pub fn coverage_of(&self, brief: &Brief) -> Coverage {
        let mut coverage = Coverage { touches: self.touches, ..Coverage::default() };
        let decisions = brief.decisions.iter().map(|decision| {
            let id = (!decision.id.is_empty()).then(|| decision.id.clone());
            (EntryKind::Decision, id, decision.decision.clone(), None)
        });
        let figures = brief
            .figures
            .iter()
            .map(|figure| (EntryKind::Figure, None, figure.to_line(), Some(figure)));
        let constraints =
            brief.constraints.iter().map(|text| (EntryKind::Constraint, None, text.clone(), None));
        for (kind, id, text, figure) in decisions.chain(figures).chain(constraints) {
            if coverage.entries.len() == MOST_ENTRIES {
                coverage.unchecked += 1;
                continue;
            }
            let finding = match figure {
                Some(figure) => self.figure(figure, &mut coverage.touches),
                None => self.statement(id.as_deref(), &text, &mut coverage.touches),
            };
            coverage.entries.push(CoverageEntry { kind, id, text, finding });
        }
        coverage
    }

    /// A decision or a constraint.
    fn statement(&self, id: Option<&str>, text: &str, touches: &mut u64) -> Finding {
        if let Some(id) = id.map(|id| normal(id.trim())).filter(|id| is_identifier(id))
            && !self.own_ids.contains(&id)
            && self.places.contains_key(&id)
        {
            return Finding::Kept(Evidence::Id);
        }
        let entry = block(text);
        let words: BTreeSet<&str> =
            entry.words().filter(|word| says_something(word)).take(MOST_WORDS).collect();
        let numbers: Vec<&Number> = entry.numbers().collect();
        if words.is_empty() {
            let stands = self.repeats(&entry, touches);
            return if stands { Finding::Kept(Evidence::Words) } else { Finding::NotMentioned };
        }
        let enough = (words.len() * 3).div_ceil(4);
        let mut changed = None;
        for at in self.candidates(&words, words.len() - enough + 1, touches) {
            *touches += self.blocks[at].tokens.len() as u64;
            let there: BTreeSet<&str> = self.blocks[at].words().collect();
            let found = words.iter().filter(|word| there.contains(**word)).count();
            let identifiers = words.iter().filter(|word| is_identifier(word));
            if found < enough || !identifiers.clone().all(|word| there.contains(*word)) {
                continue;
            }
            let missing: Vec<&&Number> = numbers
                .iter()
                .filter(|number| !self.blocks[at].numbers().any(|other| other.equals(number)))
                .collect();
            match missing.as_slice() {
                [] => return Finding::Kept(Evidence::Words),
                [was] if changed.is_none() => changed = replaced(was, &numbers, &self.blocks[at]),
                _ => {}
            }
        }
        changed.unwrap_or(Finding::NotMentioned)
    }

    /// Whether an entry stands in one block word for word: what is asked of one like "Use AWS", none of whose
    /// words says anything by itself.
    fn repeats(&self, entry: &Block, touches: &mut u64) -> bool {
        let long = |word: &str| word.chars().count() >= SHORTEST;
        if entry.tokens.len() < 2 && !entry.words().any(long) {
            return false;
        }
        let words: BTreeSet<&str> = entry.words().collect();
        let places = if words.is_empty() {
            (0..self.blocks.len().min(MOST_BLOCKS)).collect()
        } else {
            self.candidates(&words, 1, touches)
        };
        places.into_iter().any(|at| {
            *touches += self.blocks[at].tokens.len() as u64;
            let mut parts = self.blocks[at].tokens.windows(entry.tokens.len());
            parts.any(|part| part.iter().zip(&entry.tokens).all(|(there, token)| there.is(token)))
        })
    }

    fn figure(&self, figure: &Figure, touches: &mut u64) -> Finding {
        let name = name(figure);
        let amounts = value(figure);
        let was = amounts.numbers().next();
        for (other, theirs, shown) in &self.figures {
            *touches += 1;
            if *other == name && !name.is_empty() {
                return match (was, theirs.numbers().next()) {
                    (Some(was), Some(now)) if was.equals(now) => Finding::Kept(Evidence::Value),
                    (Some(_), Some(_)) => {
                        Finding::Changed { was: amount(figure), now: shown.clone() }
                    }
                    _ => Finding::NamedOnly,
                };
            }
        }
        let words: BTreeSet<&str> = name.iter().map(String::as_str).collect();
        let mut named = false;
        let mut changed = None;
        for at in self.candidates(&words, 1, touches) {
            let block = &self.blocks[at];
            *touches += block.tokens.len() as u64;
            let there: BTreeSet<&str> = block.words().collect();
            if !words.iter().all(|word| there.contains(word)) {
                continue;
            }
            named = true;
            let Some(was) = was else { continue };
            if block.numbers().any(|other| other.equals(was)) {
                return Finding::Kept(Evidence::Value);
            }
            if changed.is_none() {
                changed = follows(&name, block)
                    .filter(|now| now.unit == was.unit || was.unit.is_empty())
                    .map(|now| Finding::Changed { was: amount(figure), now: shown(now, was) });
            }
        }
        if let Some(was) = was.filter(|was| !was.unit.is_empty()) {
            let stands = self.blocks.iter().flat_map(Block::numbers).any(|other| {
                *touches += 1;
                other.equals(was) && other.same_unit(was)
            });
            if stands {
                return Finding::Kept(Evidence::Value);
            }
        }
        match changed {
            Some(changed) => changed,
            None if named => Finding::NamedOnly,
            None => Finding::NotMentioned,
        }
    }

    /// Blocks that hold at least one of the `few` rarest of these words, in order: every block that lacks
    /// fewer than that many of them is among these.
    fn candidates(&self, words: &BTreeSet<&str>, few: usize, touches: &mut u64) -> Vec<usize> {
        let mut places: Vec<&[usize]> = words
            .iter()
            .map(|word| self.places.get(*word).map_or(&[][..], Vec::as_slice))
            .collect();
        *touches += places.len() as u64;
        places.sort_by_key(|places| places.len());
        let mut found = BTreeSet::new();
        for place in places.into_iter().take(few).flatten() {
            *touches += 1;
            found.insert(*place);
            if found.len() == MOST_BLOCKS {
                break;
            }
        }
        found.into_iter().collect()
    }
}

/// Whether a word stands for one thing, as `D1`, `p99` or `user_id` do.
fn is_identifier(word: &str) -> bool {
    word.len() >= 2
        && word.contains(|c: char| c.is_ascii_digit() || c == '_')
        && word.contains(char::is_alphabetic)
}

fn says_something(word: &str) -> bool {
    is_identifier(word) || (word.chars().count() >= 4 && !EMPTY.contains(&word))
}

/// The words of a figure's name.
fn name(figure: &Figure) -> Vec<String> {
    block(&figure.name).words().map(str::to_owned).collect()
}

fn value(figure: &Figure) -> Block {
    block(&amount(figure))
}

/// The number with its unit, as the brief has it.
fn amount(figure: &Figure) -> String {
    format!("{} {}", figure.value, figure.unit).trim().to_owned()
}

/// A number as it stands there, with the unit where that is known to be one: the other has the same.
fn shown(number: &Number, other: &Number) -> String {
    if number.same_unit(other) && !number.raw.contains(&number.unit) {
        format!("{} {}", number.raw, number.unit)
    } else {
        number.raw.clone()
    }
}

/// The one number of a block that stands where the entry had another, with the same unit.
fn replaced(was: &Number, known: &[&Number], block: &Block) -> Option<Finding> {
    let mut others = block
        .numbers()
        .filter(|now| now.same_unit(was) && !known.iter().any(|known| known.equals(now)));
    let now = others.next()?;
    others.next().is_none().then(|| Finding::Changed { was: shown(was, now), now: shown(now, was) })
}

/// The number that follows a name directly, or after words that mean as much as `is`.
fn follows<'b>(name: &[String], block: &'b Block) -> Option<&'b Number> {
    let tokens = &block.tokens;
    let is_name = |at: usize| {
        let words = tokens.get(at..at + name.len())?;
        let equal = words
            .iter()
            .zip(name)
            .all(|(token, word)| matches!(token, Token::Word(w) if w == word));
        equal.then_some(at + name.len())
    };
    let mut after = (0..tokens.len()).find_map(is_name)?;
    loop {
        match tokens.get(after)? {
            Token::Number(number) => return Some(number),
            Token::Word(word) if BETWEEN.contains(&word.as_str()) => after += 1,
            Token::Word(_) => return None,
        }
    }
}
