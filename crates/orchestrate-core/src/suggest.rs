//! "Did you mean": the closest of the words that would have been right.

/// The candidate most like `word`, where one is like enough to be what was meant.
///
/// Likeness is the Damerau–Levenshtein distance over the longer length, at most a third off, or a
/// shared prefix of at least three letters; case and the difference of `-` and `_` do not count.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let fold = |text: &str| text.to_lowercase().replace('_', "-");
    let wanted = fold(word);
    let scored = candidates.into_iter().filter_map(|candidate| {
        let folded = fold(candidate);
        let likeness = strsim::normalized_damerau_levenshtein(&wanted, &folded);
        let prefix =
            wanted.len() >= 3 && (folded.starts_with(&wanted) || wanted.starts_with(&folded));
        (likeness >= 2.0 / 3.0 || (prefix && folded.len() >= 3)).then_some((likeness, candidate))
    });
    // The first of equals wins, so that the answer does not depend on float ties.
    scored
        .fold(None, |best: Option<(f64, &str)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        })
        .map(|(_, candidate)| candidate)
}

/// Advice for an unknown `word`: the closest candidate, else all of them where they are few.
pub fn advice<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(found) = closest(word, candidates.clone()) {
        return Some(format!("did you mean `{found}`?"));
    }
    let all: Vec<&str> = candidates.into_iter().collect();
    match all.len() {
        0 => None,
        1..=40 => Some(format!("known here: {}", all.join(", "))),
        count => Some(format!("none of the {count} known names is like it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_word_and_a_stranger_finds_nothing() {
        let words = ["data-engineer", "mlops-engineer", "render", "needs"];
        assert_eq!(closest("data_enginer", words), Some("data-engineer"));
        assert_eq!(closest("need", words), Some("needs"));
        assert_eq!(closest("zebra", words), None);
        assert_eq!(advice("zebra", ["a", "b"]), Some("known here: a, b".into()));
    }
}
