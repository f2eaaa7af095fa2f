//! Finding the word that a misspelt one was meant to be.

use indexmap::IndexMap;

/// Words by the runs of letters they are made of.
#[derive(Debug, Default)]
pub(crate) struct Spelling {
    words: Vec<String>,
    /// For each run of three letters, the words it occurs in.
    runs: IndexMap<[char; 3], Vec<u32>>,
}

/// Shorter words are not corrected: too many others are one slip away.
const SHORTEST: usize = 4;
/// From this length on two slips are forgiven.
const LONG: usize = 9;

impl Spelling {
    /// Learns a word; its number is the count of those before it.
    pub(crate) fn learn(&mut self, word: &str) {
        let number = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        self.words.push(word.to_owned());
        for run in runs(word) {
            let words = self.runs.entry(run).or_default();
            if words.last() != Some(&number) {
                words.push(number);
            }
        }
    }

    /// The distance and number of the learnt word most like this one among those that suit, where one is
    /// like enough: one slip, or two in a long word, and the same first letter or the first two
    /// exchanged.
    pub(crate) fn closest(
        &self,
        word: &str,
        suits: impl Fn(usize) -> bool,
    ) -> Option<(usize, usize)> {
        let length = word.chars().count();
        if length < SHORTEST || word.chars().any(|c| c.is_ascii_digit()) {
            return None;
        }
        let slips = if length < LONG { 1 } else { 2 };
        let mut shared: IndexMap<u32, usize> = IndexMap::new();
        for run in runs(word) {
            for number in self.runs.get(&run).into_iter().flatten() {
                *shared.entry(*number).or_insert(0) += 1;
            }
        }
        let mut best: Option<(usize, usize, u32)> = None;
        for (number, count) in shared {
            let other = &self.words[number as usize];
            let other_length = other.chars().count();
            if other_length < SHORTEST || other_length.abs_diff(length) > slips {
                continue;
            }
            if !same_start(word, other) || !suits(number as usize) {
                continue;
            }
            let distance = strsim::damerau_levenshtein(word, other);
            if distance > slips {
                continue;
            }
            let rank = (distance, usize::MAX - count, number);
            if best.is_none_or(|best| rank < best) {
                best = Some(rank);
            }
        }
        best.map(|(distance, _, number)| (distance, number as usize))
    }
}

/// Slips at the very first letter are rare, except that it is exchanged with the second.
fn same_start(word: &str, other: &str) -> bool {
    let mut a = word.chars();
    let mut b = other.chars();
    let (a0, a1) = (a.next(), a.next());
    let (b0, b1) = (b.next(), b.next());
    a0 == b0 || (a0 == b1 && a1 == b0)
}

/// The runs of three letters of a word, its ends marked.
fn runs(word: &str) -> Vec<[char; 3]> {
    let chars: Vec<char> = std::iter::once('^').chain(word.chars()).chain(['$']).collect();
    chars.windows(3).map(|window| [window[0], window[1], window[2]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expected: Option<&str>) {
        let words = ["elasticsearch", "pipeline", "docker", "keras", "train"];
        let mut spelling = Spelling::default();
        for word in words {
            spelling.learn(word);
        }
        let found = spelling.closest(word, |_| true).map(|(_, number)| words[number]);
        assert_eq!(found, expected, "{word}");
    }

    #[test]
    fn a_slip_or_two_are_forgiven_by_length() {
        check("elasticserch", Some("elasticsearch"));
        check("pipleine", Some("pipeline"));
        check("dokcer", Some("docker"));
        check("kears", Some("keras"));
    }

    #[test]
    fn other_words_are_left_alone() {
        check("rain", None);
        check("keg", None);
        check("pipe", None);
        check("poker", None);
        check("v100", None);
    }
}
