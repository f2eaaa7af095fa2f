//! The language of a text, guessed from its small words, and stems of its words.

use std::sync::LazyLock;

use indexmap::IndexMap;
use rust_stemmers::{Algorithm, Stemmer};

use super::fold::fold;

/// A language with a stemmer and a list of small words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Language {
    English,
    German,
    French,
    Spanish,
    Italian,
    Portuguese,
    Dutch,
    Swedish,
    Russian,
    Turkish,
    /// Small words only: there is no stemmer for it.
    Polish,
}

impl Language {
    pub(crate) const ALL: [Self; 11] = [
        Self::English,
        Self::German,
        Self::French,
        Self::Spanish,
        Self::Italian,
        Self::Portuguese,
        Self::Dutch,
        Self::Swedish,
        Self::Russian,
        Self::Turkish,
        Self::Polish,
    ];

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Italian => "it",
            Self::Portuguese => "pt",
            Self::Dutch => "nl",
            Self::Swedish => "sv",
            Self::Russian => "ru",
            Self::Turkish => "tr",
            Self::Polish => "pl",
        }
    }

    fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    fn algorithm(self) -> Option<Algorithm> {
        Some(match self {
            Self::English => Algorithm::English,
            Self::German => Algorithm::German,
            Self::French => Algorithm::French,
            Self::Spanish => Algorithm::Spanish,
            Self::Italian => Algorithm::Italian,
            Self::Portuguese => Algorithm::Portuguese,
            Self::Dutch => Algorithm::Dutch,
            Self::Swedish => Algorithm::Swedish,
            Self::Russian => Algorithm::Russian,
            Self::Turkish => Algorithm::Turkish,
            Self::Polish => return None,
        })
    }

    /// Whether the language writes compounds as one word.
    pub(crate) fn compounds(self) -> bool {
        matches!(self, Self::German | Self::Dutch | Self::Swedish)
    }

    /// The folded stem of a word in small letters.
    pub(crate) fn stem(self, lower: &str) -> String {
        // A word that no language has is not worth a stemmer's time.
        if lower.len() > 60 {
            return fold(lower);
        }
        match self.algorithm() {
            Some(algorithm) => fold(&Stemmer::create(algorithm).stem(lower)),
            None => fold(lower),
        }
    }
}

/// How much a word tells of the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing: an article, a pronoun.
    Stop,
    /// Little: a common verb, a word of courtesy.
    Weak,
}

/// The lists of small and weak words.
#[derive(Debug)]
pub(crate) struct SmallWords {
    words: IndexMap<String, Vec<(Language, Standing)>>,
}

static SMALL_WORDS: LazyLock<SmallWords> =
    LazyLock::new(|| SmallWords::parse(include_str!("small_words.tsv")));

impl SmallWords {
    /// The lists that come with the program.
    pub(crate) fn built_in() -> &'static Self {
        &SMALL_WORDS
    }

    /// Lines of language, `stop` or `weak`, and words between blanks.
    fn parse(text: &str) -> Self {
        let mut words: IndexMap<String, Vec<(Language, Standing)>> = IndexMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut columns = line.split('\t');
            let language = columns.next().and_then(Language::of_code);
            let standing = match columns.next() {
                Some("stop") => Standing::Stop,
                _ => Standing::Weak,
            };
            let (Some(language), Some(list)) = (language, columns.next()) else { continue };
            for word in list.split_whitespace() {
                words.entry(fold(word)).or_default().push((language, standing));
            }
        }
        Self { words }
    }

    /// What the word is in one of these languages.
    pub(crate) fn standing(&self, folded: &str, languages: &[Language]) -> Option<Standing> {
        let entries = self.words.get(folded)?;
        let of = |wanted: Standing| {
            entries.iter().any(|(language, s)| *s == wanted && languages.contains(language))
        };
        if of(Standing::Stop) {
            return Some(Standing::Stop);
        }
        of(Standing::Weak).then_some(Standing::Weak)
    }

    /// The languages a text may be in: the one most of whose small words occur, and English, from
    /// which technical words come everywhere. All of them where no small word tells.
    pub(crate) fn languages<'a>(&self, folded: impl Iterator<Item = &'a str>) -> Vec<Language> {
        let mut votes = [0_u32; Language::ALL.len()];
        for entries in folded.filter_map(|word| self.words.get(word)) {
            // A word of one language only tells more than one that many share.
            let each = if entries.len() == 1 { 3 } else { 1 };
            for (language, standing) in entries {
                let factor = if *standing == Standing::Stop { 2 } else { 1 };
                votes[*language as usize] += each * factor;
            }
        }
        let most = votes.iter().copied().max().unwrap_or(0);
        if most == 0 {
            return Language::ALL.to_vec();
        }
        let mut languages = vec![Language::English];
        for language in Language::ALL {
            if language != Language::English && votes[language as usize] == most {
                languages.push(language);
            }
        }
        if votes[Language::English as usize] == most { vec![Language::English] } else { languages }
    }

    /// Every small and weak word of these languages.
    pub(crate) fn of(&self, languages: &[Language]) -> impl Iterator<Item = &str> {
        self.words
            .iter()
            .filter(|(_, entries)| entries.iter().any(|(l, _)| languages.contains(l)))
            .map(|(word, _)| word.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[Language]) {
        let found = SmallWords::built_in().languages(text.split(' '));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn small_words_tell_the_language_and_english_is_always_read_too() {
        check("how do we do this", &[Language::English]);
        check("wie sollen wir das machen", &[Language::English, Language::German]);
        check("comment faire pour les tables", &[Language::English, Language::French]);
        check(
            "como puedo hacer una tabla para el cliente",
            &[Language::English, Language::Spanish],
        );
        check("xyz", &Language::ALL);
    }

    #[test]
    fn stems_join_the_forms_of_a_word_and_have_no_accents() {
        assert_eq!(Language::English.stem("pipelines"), Language::English.stem("pipeline"));
        assert_eq!(Language::German.stem("tabellen"), Language::German.stem("tabelle"));
        assert_eq!(Language::French.stem("modèles"), "model");
        assert_eq!(Language::Polish.stem("hurtownię"), "hurtownie");
    }

    #[test]
    fn a_word_is_small_only_in_its_own_language() {
        let words = SmallWords::built_in();
        assert_eq!(words.standing("die", &[Language::German]), Some(Standing::Stop));
        assert_eq!(words.standing("die", &[Language::English]), None);
    }
}
