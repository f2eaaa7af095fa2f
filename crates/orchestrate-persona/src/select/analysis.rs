//! A text as a list of units: the ideas and words that a comparison can use.

use super::{
    fold::is_unspaced,
    language::{Language, SmallWords, Standing},
    tokens::{Token, tokenise},
    vocabulary::{Idea, Stemmed, Vocabulary},
};

/// One idea or word of a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unit {
    /// The words it stands for, as written.
    pub(crate) text: String,
    /// Its place among the tokens.
    pub(crate) at: usize,
    pub(crate) sense: Sense,
    /// Whether it tells little of the subject.
    pub(crate) weak: bool,
}

/// What a unit means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sense {
    /// An idea of the vocabulary.
    Idea(Idea),
    /// A word the vocabulary does not have: its stems, that of the text's language first.
    Word(Vec<String>),
}

/// A text cut into words, with the languages it may be in and its units.
#[derive(Debug, Clone)]
pub(crate) struct Analysis {
    pub(crate) tokens: Vec<Token>,
    pub(crate) chunks: Vec<String>,
    pub(crate) languages: Vec<Language>,
    pub(crate) units: Vec<Unit>,
}

/// Analyses a text of at most `limit` words in a language still to be found.
pub(crate) fn analyse(text: &str, limit: usize) -> Analysis {
    let cut = tokenise(text, limit);
    let languages = languages_of(&cut.tokens);
    let units = units(&cut.tokens, &languages);
    Analysis { tokens: cut.tokens, chunks: cut.chunks, languages, units }
}

/// The languages that tokens may be in.
pub(crate) fn languages_of(tokens: &[Token]) -> Vec<Language> {
    SmallWords::built_in().languages(tokens.iter().map(|token| token.folded.as_str()))
}

/// The units of tokens in one of these languages.
pub(crate) fn units(tokens: &[Token], languages: &[Language]) -> Vec<Unit> {
    let vocabulary = Vocabulary::built_in();
    let small = SmallWords::built_in();
    let stemmed = Stemmed::new(tokens, languages);
    let mut units = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        if token.folded.starts_with(is_unspaced) {
            units.extend(vocabulary.in_run(&token.folded).into_iter().map(|(idea, text)| Unit {
                text: text.to_owned(),
                at,
                sense: Sense::Idea(idea),
                weak: false,
            }));
            at += 1;
            continue;
        }
        let form = vocabulary.longest(&stemmed, at);
        let standing = small.standing(&token.folded, languages);
        let unit = |text: String, sense, weak| Unit { text, at, sense, weak };
        match (form, standing) {
            (Some((idea, length)), _) if length > 1 => {
                let text = tokens[at..at + length].iter().map(|token| token.text.as_str());
                let text = text.collect::<Vec<_>>().join(" ");
                units.push(unit(text, Sense::Idea(idea), false));
                at += length;
                continue;
            }
            (_, Some(Standing::Stop)) => {}
            (Some((idea, _)), standing) => {
                let weak = standing.is_some();
                units.push(unit(token.text.clone(), Sense::Idea(idea), weak));
            }
            (None, standing) if is_word(token) => {
                let sense = Sense::Word(stems(&token.lower, &token.folded, languages));
                units.push(unit(token.text.clone(), sense, standing.is_some()));
            }
            (None, _) => {}
        }
        at += 1;
    }
    units
}

/// Longer runs of letters are encoded data, not words.
const LONGEST_WORD: usize = 60;

/// Whether a token can mean something by itself: numbers and single letters cannot.
fn is_word(token: &Token) -> bool {
    let length = token.folded.chars().count();
    token.folded.chars().any(char::is_alphabetic) && (2..=LONGEST_WORD).contains(&length)
}

/// The stems of a word in each language, the last of them first since it is the less common one, and
/// the word itself.
pub(crate) fn stems(lower: &str, folded: &str, languages: &[Language]) -> Vec<String> {
    let mut stems: Vec<String> = Vec::new();
    let own = if languages.len() > 3 { &languages[..1] } else { languages };
    for stem in own.iter().rev().map(|language| language.stem(lower)).chain([folded.to_owned()]) {
        if !stems.contains(&stem) {
            stems.push(stem);
        }
    }
    stems
}

/// The two known halves of a compound, or the one that is known: its end says what it is and so comes
/// first. A linking letter between them is skipped.
pub(crate) fn compound(lower: &str, languages: &[Language]) -> Vec<Idea> {
    let languages: Vec<Language> =
        languages.iter().copied().filter(|language| language.compounds()).collect();
    if languages.is_empty() || lower.chars().count() < 8 {
        return Vec::new();
    }
    let vocabulary = Vocabulary::built_in();
    let places: Vec<usize> = lower.char_indices().map(|(at, _)| at).collect();
    let mut best: Vec<Idea> = Vec::new();
    for &place in places.iter().skip(4).take(places.len().saturating_sub(7)) {
        let (start, end) = lower.split_at(place);
        let start = [start, start.strip_suffix('s').unwrap_or(start)]
            .into_iter()
            .find_map(|start| vocabulary.part(start, &languages));
        let end = vocabulary.part(end, &languages);
        let found: Vec<Idea> = end.into_iter().chain(start).collect();
        if found.len() > best.len() {
            best = found;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let analysis = analyse(text, 100);
        let vocabulary = Vocabulary::built_in();
        let shown: Vec<String> = analysis
            .units
            .iter()
            .map(|unit| match &unit.sense {
                Sense::Idea(idea) => format!("#{}", vocabulary.name(*idea)),
                Sense::Word(stems) if unit.weak => format!("({})", stems[0]),
                Sense::Word(stems) => stems[0].clone(),
            })
            .collect();
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn ideas_words_and_weak_words_are_told_apart() {
        check(
            "How should we design the time series splines?",
            &["(design)", "#time-series", "spline"],
        );
        check("Wie zeichne ich ein Diagramm?", &["zeichn", "#chart"]);
        check("17 x 4", &[]);
    }

    #[test]
    fn compounds_are_read_by_their_halves() {
        let vocabulary = Vocabulary::built_in();
        let halves = |word: &str, language| -> Vec<&str> {
            compound(word, &[language]).into_iter().map(|idea| vocabulary.name(idea)).collect()
        };
        assert_eq!(halves("datenbankabfrage", Language::German), ["query", "database"]);
        assert_eq!(halves("zeitreihenmodell", Language::German), ["model", "time-series"]);
        assert!(halves("datenbankabfrage", Language::English).is_empty());
        assert!(halves("holz", Language::German).is_empty());
    }
}
