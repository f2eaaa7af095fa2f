//! Removing from a text what nobody can see, escape sequences as a whole, and telling what it was.

use std::borrow::Cow;

use orchestrate_core::neutral;

use crate::lint::characters;

/// The longest run of parameters that is looked for; nothing sound comes near it.
const LONGEST: usize = 256;
/// So many kinds are named, and so many lines of each.
const NAMED: usize = 6;
/// So much of a sequence is shown.
const SHOWN: usize = 40;

/// Something that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Removed {
    /// Where it began in the text that was given, with line feeds only.
    pub(crate) at: usize,
    /// The line that it stood on, from 1.
    line: usize,
    /// The code point and its name, with what followed it in an escape sequence.
    what: String,
}

/// A text without its hidden characters, and what they were. Line ends become line feeds, unmentioned.
pub(crate) fn without(text: &str) -> (Cow<'_, str>, Vec<Removed>) {
    if !text.contains(neutral::is_hidden) {
        return (Cow::Borrowed(text), Vec::new());
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut shown = String::with_capacity(text.len());
    let mut removed = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(c) = text[at..].chars().next() {
        let mut length = c.len_utf8();
        if neutral::is_hidden(c) {
            let mut what = characters::named(c);
            if let Some(whole) = sequence(&text[at..]) {
                let rest = neutral::excerpt(&text[at + length..at + whole], SHOWN);
                if !rest.is_empty() {
                    what = format!("{what} with `{rest}`");
                }
                length = whole;
            }
            removed.push(Removed { at, line, what });
            shown.push_str(characters::replacement(c));
        } else {
            line += usize::from(c == '\n');
            shown.push(c);
        }
        at += length;
    }
    (Cow::Owned(shown), removed)
}

/// What was removed in a sentence; `lines` where the text is one that a person can look at.
pub(crate) fn told(removed: &[Removed], lines: bool) -> String {
    let mut kinds: Vec<(&str, Vec<usize>)> = Vec::new();
    for Removed { line, what, .. } in removed {
        if let Some((_, places)) = kinds.iter_mut().find(|(kind, _)| kind == what) {
            if places.last() != Some(line) {
                places.push(*line);
            }
        } else if kinds.len() <= NAMED {
            kinds.push((what, vec![*line]));
        }
    }
    let more = kinds.len() > NAMED;
    let named = kinds.iter().take(NAMED).map(|(kind, places)| {
        if !lines {
            return (*kind).to_owned();
        }
        let word = if places.len() == 1 { "line" } else { "lines" };
        let dots = if places.len() > NAMED { ", …" } else { "" };
        let places: Vec<String> = places.iter().take(NAMED).map(usize::to_string).collect();
        format!("{kind} ({word} {}{dots})", places.join(", "))
    });
    let named = named.collect::<Vec<_>>().join("; ");
    let more = if more { "; and others" } else { "" };
    let places = if removed.len() == 1 { "place" } else { "places" };
    let count = removed.len();
    format!("what nobody can see was removed in {count} {places}: {named}{more}")
}

/// The length of the escape sequence (ECMA-48) that a text begins with. A control sequence ends with its
/// final byte, a string such as a window's title with BEL or ST on the same line; of one that never ends
/// only the introducer counts, since what follows may be text.
pub(crate) fn sequence(text: &str) -> Option<usize> {
    const STRINGS: &[&str] = &[
        "\u{1b}]", "\u{1b}P", "\u{1b}_", "\u{1b}^", "\u{1b}X", "\u{9d}", "\u{90}", "\u{9f}",
        "\u{9e}", "\u{98}",
    ];
    let begins = |intros: &[&str]| intros.iter().find(|s| text.starts_with(**s)).map(|s| s.len());
    if let Some(intro) = begins(&["\u{1b}[", "\u{9b}"]) {
        let rest = &text.as_bytes()[intro..];
        let run = |from: usize, set: std::ops::RangeInclusive<u8>| {
            rest[from..].iter().take(LONGEST).take_while(|byte| set.contains(byte)).count()
        };
        let parameters = run(0, 0x30..=0x3f);
        let end = parameters + run(parameters, 0x20..=0x2f);
        let closes = rest.get(end).is_some_and(|byte| (0x40..=0x7e).contains(byte));
        return Some(if closes { intro + end + 1 } else { intro + parameters });
    }
    if let Some(intro) = begins(STRINGS) {
        let rest = &text[intro..];
        let stop = rest.find(|c| c == '\n' || neutral::is_hidden(c)).unwrap_or(rest.len());
        let ends = ["\u{7}", "\u{1b}\\", "\u{9c}"];
        let end = ends.iter().find(|end| rest[stop..].starts_with(**end));
        return Some(intro + end.map_or(0, |end| stop + end.len()));
    }
    // The choice of a character set, which programs that draw send along with colours.
    let set = text.strip_prefix("\u{1b}(").or_else(|| text.strip_prefix("\u{1b})"))?;
    set.starts_with(|c: char| c.is_ascii_alphanumeric()).then_some(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_go_as_a_whole_and_are_named_with_their_lines() {
        let (shown, removed) = without(
            "a\u{1b}[31mred\u{1b}[0m\n\u{1b}]8;;https://x.test\u{1b}\\link\u{1b}]8;;\u{7}\n\u{9b}1;4mb\u{200b}",
        );
        assert_eq!(shown, "ared\nlink\nb");
        assert_eq!(
            told(&removed, true),
            "what nobody can see was removed in 6 places: U+001B ESCAPE with `[31m` (line 1); \
             U+001B ESCAPE with `[0m` (line 1); \
             U+001B ESCAPE with `]8;;https://x.test\\u{1b}\\` (line 2); \
             U+001B ESCAPE with `]8;;\\u{7}` (line 2); \
             U+009B CONTROL SEQUENCE INTRODUCER with `1;4m` (line 3); \
             U+200B ZERO WIDTH SPACE (line 3)"
        );
        assert!(told(&removed[5..], false).ends_with("in 1 place: U+200B ZERO WIDTH SPACE"));
    }

    #[test]
    fn what_follows_a_sequence_that_never_ends_is_text() {
        assert_eq!(without("\u{1b}]0;title\nbody").0, "0;title\nbody");
        assert_eq!(without("x\u{1b}[31").0, "x");
        assert_eq!(without("\u{1b}").0, "");
        assert_eq!(without("\u{1b}(Bx\u{1b}c").0, "xc");
        assert_eq!(without("one\u{2028}two").0, "one two");
    }
}
