//! A text cut into words, with what stood around them.

use super::fold::{fold, is_unspaced};

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// As it was written.
    pub(crate) text: String,
    /// In small letters, accents kept, since stemmers need them.
    pub(crate) lower: String,
    /// In small letters without accents.
    pub(crate) folded: String,
    /// The clause it stands in, counted from 0.
    pub(crate) clause: usize,
    /// The piece between blanks it comes from, counted from 0.
    pub(crate) chunk: usize,
    /// The parts of a name in camel case, folded; empty where there is only one.
    pub(crate) humps: Vec<String>,
    /// What precedes it without a blank.
    pub(crate) before: Option<char>,
    /// What follows it without a letter or digit between.
    pub(crate) after: Option<char>,
}

/// A text cut into words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tokens {
    pub(crate) tokens: Vec<Token>,
    /// The pieces between blanks, folded and without punctuation around them.
    pub(crate) chunks: Vec<String>,
}

/// Cuts a text into at most `limit` words. Identifiers fall apart at their marks, `n't` becomes `not`,
/// and scripts without blanks stay one token per run.
pub(crate) fn tokenise(text: &str, limit: usize) -> Tokens {
    let mut out = Tokens::default();
    let mut clause = 0;
    for (line_number, line) in text.lines().enumerate() {
        clause += usize::from(line_number > 0);
        for chunk in line.split_whitespace() {
            if out.tokens.len() >= limit {
                return out;
            }
            clause = push_chunk(chunk, clause, &mut out);
        }
    }
    out.tokens.truncate(limit);
    out
}

/// Adds the words of one piece and returns the clause in which the next piece stands.
fn push_chunk(chunk: &str, clause: usize, out: &mut Tokens) -> usize {
    let number = out.chunks.len();
    out.chunks.push(fold(chunk.trim_matches(|c: char| !c.is_alphanumeric())));
    let mut clause = clause;
    let mut at = 0;
    for (start, word) in words(chunk) {
        if is_break(&chunk[at..start]) {
            clause += 1;
        }
        let end = start + word.len();
        at = end;
        let token = |text: &str| Token {
            text: text.to_owned(),
            lower: text.to_lowercase(),
            folded: fold(text),
            clause,
            chunk: number,
            humps: humps(text),
            before: chunk[..start].chars().next_back(),
            after: chunk[end..].chars().next(),
        };
        // `don't`, `isn't`: what is denied is told by the `not`.
        if word == "t" && out.tokens.last().is_some_and(|last| last.folded.ends_with('n')) {
            out.tokens.push(token("not"));
        } else {
            out.tokens.push(token(word));
        }
    }
    let ends = chunk[at..].chars().any(|c| ".,;:!?。，；：！？、)]—–".contains(c)) || chunk == "-";
    clause + usize::from(ends)
}

/// Whether the marks between two words of one piece separate clauses.
fn is_break(between: &str) -> bool {
    between.chars().any(|c| "，。；：！？、".contains(c))
}

/// The runs of letters and digits of one piece, with their places; unspaced scripts apart.
fn words(chunk: &str) -> Vec<(usize, &str)> {
    let kind = |c: char| match c {
        _ if is_unspaced(c) => 2,
        _ if c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c) => 1,
        _ => 0,
    };
    let mut words = Vec::new();
    let mut start = 0;
    let mut current = 0;
    for (at, c) in chunk.char_indices() {
        if kind(c) != current {
            if current != 0 {
                words.push((start, &chunk[start..at]));
            }
            start = at;
            current = kind(c);
        }
    }
    if current != 0 {
        words.push((start, &chunk[start..]));
    }
    words
}

/// Longer runs of letters are no identifiers.
const MAX_HUMPED_BYTES: usize = 120;

/// `OutOfMemoryError` to its four words, folded.
fn humps(word: &str) -> Vec<String> {
    if word.len() > MAX_HUMPED_BYTES {
        return Vec::new();
    }
    let chars: Vec<char> = word.chars().collect();
    let mut parts = vec![String::new()];
    for (at, &c) in chars.iter().enumerate() {
        let rises = at > 0 && c.is_uppercase() && chars[at - 1].is_lowercase();
        let acronym_ends = at > 0
            && c.is_uppercase()
            && chars[at - 1].is_uppercase()
            && chars.get(at + 1).is_some_and(|next| next.is_lowercase());
        if rises || acronym_ends {
            parts.push(String::new());
        }
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    if parts.len() < 2 { Vec::new() } else { parts.iter().map(|part| fold(part)).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let tokens = tokenise(text, 100).tokens;
        let folded: Vec<&str> = tokens.iter().map(|token| token.folded.as_str()).collect();
        assert_eq!(folded, expected, "{text}");
    }

    #[test]
    fn identifiers_fall_apart_at_their_marks() {
        check(
            "tf.keras.Model pg_stat_activity",
            &["tf", "keras", "model", "pg", "stat", "activity"],
        );
        check("torch.nn (x-1)", &["torch", "nn", "x", "1"]);
    }

    #[test]
    fn a_contracted_not_is_a_not() {
        check("I don't, he isn’t", &["i", "don", "not", "he", "isn", "not"]);
    }

    #[test]
    fn camel_case_keeps_the_whole_and_its_parts() {
        let tokens = tokenise("CUDAOutOfMemoryError plain", 10).tokens;
        assert_eq!(tokens[0].humps, ["cuda", "out", "of", "memory", "error"]);
        assert!(tokens[1].humps.is_empty());
    }

    #[test]
    fn punctuation_starts_a_new_clause_and_an_identifier_does_not() {
        let tokens = tokenise("First, tf.data then. Last", 10).tokens;
        let clauses: Vec<usize> = tokens.iter().map(|token| token.clause).collect();
        assert_eq!(clauses, [0, 1, 1, 1, 2]);
    }

    #[test]
    fn scripts_without_blanks_are_runs_and_latin_words_inside_stand_alone() {
        check("Redis缓存，怎么办", &["redis", "缓存", "怎么办"]);
    }

    #[test]
    fn a_long_text_is_cut_at_the_limit() {
        assert_eq!(tokenise(&"word ".repeat(1000), 10).tokens.len(), 10);
        assert_eq!(tokenise(&"a.".repeat(1000), 10).tokens.len(), 10);
    }
}
