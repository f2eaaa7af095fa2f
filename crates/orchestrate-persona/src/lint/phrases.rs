//! Phrases in running text, found by their words and not by their letters, so that line breaks,
//! marks and capitals between them do not matter.

use std::{borrow::Cow, ops::Range};

/// One place of a phrase.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot {
    /// One of these words.
    One(&'static [&'static str]),
    /// Any number of these words, none included, up to [`MAX_FILLERS`].
    Any(&'static [&'static str]),
}

/// More words between two that matter make another phrase.
const MAX_FILLERS: usize = 6;

/// A word in lower case and its place. Most words are so already, and are not copied.
pub(super) type Word<'t> = (Cow<'t, str>, Range<usize>);

/// The words of a text. An apostrophe belongs to its word; a typographic one counts as plain.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let inside = c.is_alphanumeric() || (start.is_some() && matches!(c, '\'' | '’'));
        match (start, inside) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                words.push((lower(&text[from..at]), from..at));
                start = None;
            }
            _ => {}
        }
    }
    words
}

fn lower(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(word.to_lowercase().replace('’', "'"))
}

/// The place of the phrase where it begins at the first of `words`.
pub(super) fn matched(words: &[Word<'_>], phrase: &[Slot]) -> Option<Range<usize>> {
    let mut at = 0;
    for slot in phrase {
        match slot {
            Slot::One(choices) => {
                choices.contains(&words.get(at)?.0.as_ref()).then_some(())?;
                at += 1;
            }
            Slot::Any(fillers) => {
                let filling = |(word, _): &&Word<'_>| fillers.contains(&word.as_ref());
                at += words[at..].iter().take(MAX_FILLERS).take_while(filling).count();
            }
        }
    }
    let last = words.get(at.checked_sub(1)?)?;
    Some(words[0].1.start..last.1.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_found_across_lines_and_marks() {
        let text = "So: *Ignore*\nall  THE previous — instructions!";
        let words = words(text);
        let phrase = [
            Slot::One(&["ignore"]),
            Slot::Any(&["all", "the"]),
            Slot::One(&["previous"]),
            Slot::One(&["instructions"]),
        ];
        let found: Vec<_> =
            (0..words.len()).filter_map(|at| matched(&words[at..], &phrase)).collect();
        assert_eq!(found.len(), 1);
        assert_eq!(&text[found[0].clone()], "Ignore*\nall  THE previous — instructions");
        assert_eq!(words[0].0, "so");
        assert!(matched(&words[..2], &phrase).is_none());
    }
}
