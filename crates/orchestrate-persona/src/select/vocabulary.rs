//! Ideas, and the words that languages have for them.

use std::{collections::BTreeMap, ops::Range, sync::LazyLock};

use indexmap::IndexMap;

use super::{
    fold::{fold, is_unspaced},
    language::Language,
    tokens::{Token, tokenise},
};

/// The number of an idea: its line in the vocabulary.
pub(crate) type Idea = usize;

/// No form has more words than this.
const LONGEST: usize = 4;

static VOCABULARY: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::parse(include_str!("vocabulary.tsv")));

/// The built-in list of ideas with its look-ups.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    /// What the ideas are called; only people read it.
    names: Vec<String>,
    /// Forms as written, folded, and the languages whose columns hold them.
    exact: IndexMap<String, Vec<(Option<Language>, Idea)>>,
    /// Forms by their stems.
    stems: IndexMap<(Language, String), Idea>,
    /// Forms that end in `*`, without it; a form of several words has them joined by blanks.
    prefixes: BTreeMap<String, Idea>,
    /// Forms in scripts without blanks.
    runs: IndexMap<String, Idea>,
    longest_run: usize,
}

/// Words with their stems in each language they may be of.
#[derive(Debug)]
pub(crate) struct Stemmed<'t> {
    pub(crate) tokens: &'t [Token],
    pub(crate) languages: &'t [Language],
    /// For each language the stems of all words.
    pub(crate) stems: Vec<Vec<String>>,
}

impl<'t> Stemmed<'t> {
    pub(crate) fn new(tokens: &'t [Token], languages: &'t [Language]) -> Self {
        let all = |language: &Language| {
            tokens.iter().map(|token| language.stem(&token.lower)).collect::<Vec<_>>()
        };
        Self { tokens, languages, stems: languages.iter().map(all).collect() }
    }
}

impl Vocabulary {
    /// The vocabulary that comes with the program.
    pub(crate) fn built_in() -> &'static Self {
        &VOCABULARY
    }

    fn parse(text: &str) -> Self {
        let mut vocabulary = Self {
            names: Vec::new(),
            exact: IndexMap::new(),
            stems: IndexMap::new(),
            prefixes: BTreeMap::new(),
            runs: IndexMap::new(),
            longest_run: 0,
        };
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').skip(1).collect();
        for line in lines {
            let mut columns = line.split('\t');
            let Some(name) = columns.next() else { continue };
            let idea = vocabulary.names.len();
            vocabulary.names.push(name.to_owned());
            for (code, forms) in header.iter().zip(columns) {
                let language = Language::ALL.into_iter().find(|language| language.code() == *code);
                for form in forms.split(',').map(str::trim).filter(|form| !form.is_empty()) {
                    vocabulary.add(form, language, idea);
                }
            }
        }
        vocabulary
    }

    fn add(&mut self, form: &str, language: Option<Language>, idea: Idea) {
        let folded = fold(form);
        if folded.chars().any(is_unspaced) {
            let run: String = folded.chars().filter(|c| is_unspaced(*c)).collect();
            self.longest_run = self.longest_run.max(run.chars().count());
            self.runs.entry(run).or_insert(idea);
        } else if folded.contains('*') {
            self.prefixes.entry(folded.trim_end_matches('*').replace('*', "")).or_insert(idea);
        } else {
            let words = tokenise(form, LONGEST).tokens;
            let exact = joined(&words, |token| token.folded.clone());
            self.exact.entry(exact).or_default().push((language, idea));
            if let Some(language) = language {
                let stems = joined(&words, |token| language.stem(&token.lower));
                self.stems.entry((language, stems)).or_insert(idea);
            }
        }
    }

    /// What the idea is called.
    #[cfg(test)]
    pub(crate) fn name(&self, idea: Idea) -> &str {
        &self.names[idea]
    }

    /// The longest form that stands at `at` and how many words it has. Words are not joined over the end
    /// of a clause.
    pub(crate) fn longest(&self, stemmed: &Stemmed<'_>, at: usize) -> Option<(Idea, usize)> {
        let tokens = &stemmed.tokens[at..];
        let clause = tokens.first()?.clause;
        let most = tokens.iter().take(LONGEST).take_while(|token| token.clause == clause).count();
        (1..=most)
            .rev()
            .find_map(|length| self.form(stemmed, at..at + length).map(|idea| (idea, length)))
    }

    fn form(&self, stemmed: &Stemmed<'_>, place: Range<usize>) -> Option<Idea> {
        let exact = joined(&stemmed.tokens[place.clone()], |token| token.folded.clone());
        if let Some(found) = self.exact(&exact, stemmed.languages) {
            return Some(found);
        }
        for (language, stems) in stemmed.languages.iter().zip(&stemmed.stems) {
            let stems = stems[place.clone()].join(" ");
            if let Some(&idea) = self.stems.get(&(*language, stems)) {
                return Some(idea);
            }
        }
        // Forms with `*` are of languages without a column of their own.
        let plain = stemmed.languages == [Language::English] && exact.is_ascii();
        if plain { None } else { self.prefix(&exact) }
    }

    /// The idea of a folded form; a short one must belong to one of the languages.
    pub(crate) fn exact(&self, folded: &str, languages: &[Language]) -> Option<Idea> {
        let entries = self.exact.get(folded)?;
        let suits = |language: &Option<Language>| {
            folded.len() > 5 || language.is_none_or(|language| languages.contains(&language))
        };
        entries.iter().find(|(language, _)| suits(language)).map(|(_, idea)| *idea)
    }

    /// The idea of a form given with `*`: its words, each of which may go on where it stands last.
    fn prefix(&self, text: &str) -> Option<Idea> {
        let words = text.split(' ').count();
        let candidates = self.prefixes.range(..=text.to_owned()).rev().take(40);
        candidates
            .filter(|(form, _)| form.split(' ').count() == words && begins(text, form))
            .map(|(_, idea)| *idea)
            .next()
    }

    /// The ideas in a run of a script without blanks, the longest forms first, with their places.
    pub(crate) fn in_run<'t>(&self, run: &'t str) -> Vec<(Idea, &'t str)> {
        let places: Vec<usize> = run.char_indices().map(|(at, _)| at).chain([run.len()]).collect();
        let mut found = Vec::new();
        let mut at = 0;
        while at + 1 < places.len() {
            let most = self.longest_run.min(places.len() - 1 - at);
            let hit = (1..=most).rev().find_map(|length| {
                let form = &run[places[at]..places[at + length]];
                self.runs.get(form).map(|idea| (*idea, form, length))
            });
            match hit {
                Some((idea, form, length)) => {
                    found.push((idea, form));
                    at += length;
                }
                None => at += 1,
            }
        }
        found
    }

    /// The idea of one word that stands inside another, such as the half of a compound.
    pub(crate) fn part(&self, lower: &str, languages: &[Language]) -> Option<Idea> {
        if let Some(idea) = self.exact(&fold(lower), languages) {
            return Some(idea);
        }
        languages
            .iter()
            .find_map(|language| self.stems.get(&(*language, language.stem(lower))).copied())
    }

    /// Every form of one word in these languages, for finding misspelt ones.
    pub(crate) fn words<'v>(
        &'v self,
        languages: &'v [Language],
    ) -> impl Iterator<Item = (&'v str, Idea)> {
        self.exact.iter().filter_map(move |(form, entries)| {
            let suits = entries
                .iter()
                .find(|(l, _)| l.is_none_or(|language| languages.contains(&language)));
            suits.filter(|_| !form.contains(' ')).map(|(_, idea)| (form.as_str(), *idea))
        })
    }
}

/// Whether each word of `text` begins with the word of `form` in its place, the last in any case.
fn begins(text: &str, form: &str) -> bool {
    text.split(' ').zip(form.split(' ')).all(|(word, start)| word.starts_with(start))
}

fn joined(tokens: &[Token], of: impl Fn(&Token) -> String) -> String {
    tokens.iter().map(of).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, language: Language, expected: Option<(&str, usize)>) {
        let vocabulary = Vocabulary::built_in();
        let tokens = tokenise(text, 20).tokens;
        let languages = [Language::English, language];
        let found = vocabulary.longest(&Stemmed::new(&tokens, &languages), 0);
        let found = found.map(|(idea, length)| (vocabulary.name(idea), length));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn words_of_several_languages_mean_one_idea() {
        check("data warehouse", Language::English, Some(("warehouse", 2)));
        check("entrepôts de données", Language::French, Some(("warehouse", 3)));
        check("entrepôt de données", Language::French, Some(("warehouse", 3)));
        check("almacenes de datos", Language::Spanish, Some(("warehouse", 3)));
        check("hurtownię danych", Language::Polish, Some(("warehouse", 1)));
        check("gibberish", Language::English, None);
    }

    #[test]
    fn the_longest_form_wins_and_none_reaches_over_a_clause() {
        check("time series", Language::English, Some(("time-series", 2)));
        check("time, series", Language::English, None);
        check("neural networks", Language::English, Some(("neural-network", 2)));
    }

    #[test]
    fn a_short_word_counts_in_its_own_language_only() {
        check("netz", Language::German, Some(("neural-network", 1)));
        check("netz", Language::French, None);
    }

    #[test]
    fn a_run_without_blanks_is_searched_for_every_form() {
        let vocabulary = Vocabulary::built_in();
        let found = vocabulary.in_run("机器学习模型的图表");
        let names: Vec<&str> = found.iter().map(|(idea, _)| vocabulary.name(*idea)).collect();
        assert_eq!(names, ["machine-learning", "model", "chart"]);
    }
}
