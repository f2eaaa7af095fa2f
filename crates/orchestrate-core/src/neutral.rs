//! Making hostile text harmless: what a model or a file says may carry escape sequences, hidden
//! characters or log commands, and must be shown without being obeyed.

use std::{borrow::Cow, fmt::Write as _};

/// Whether `c` moves the cursor, reorders text, or cannot be seen.
///
/// The joiners U+200C and U+200D and the variation selectors U+FE00–U+FE0F are left alone: several
/// scripts and most emoji are misspelt without them.
pub fn is_hidden(c: char) -> bool {
    // Nearly all of every text, and asked of each of its characters.
    if matches!(c, ' '..='~') {
        return false;
    }
    matches!(
        c,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' // C0 and C1, without \t and \n
            | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether there is nothing to look for in a text: the rule, found out by its bytes alone, since every item of a
/// fan-out may look through the same long document.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
}

/// Shows every hidden character as `\u{…}`; line feeds and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Like [`visible`], on one line: every run of white space becomes a single space.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&visible(word));
    }
    line
}

/// Like [`one_line`], cut to `width` characters with an ellipsis that says so.
pub fn excerpt(text: &str, width: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= width {
        return line;
    }
    let mut cut: String = line.chars().take(width.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Removes hidden characters, for text on its way into a prompt, and says how many there were.
/// CRLF and lone CR become LF and are not counted.
pub fn without_hidden(text: &str) -> (Cow<'_, str>, usize) {
    if is_plain(text) || !text.contains(is_hidden) {
        return (Cow::Borrowed(text), 0);
    }
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let before = unified.chars().count();
    let cleaned: String = unified.chars().filter(|&c| !is_hidden(c)).collect();
    let removed = before - cleaned.chars().count();
    (Cow::Owned(cleaned), removed)
}

/// Like [`visible`], and harmless in the log of a CI job: runners obey `::command::` at the start of
/// a line and `##[command]` or `##vso[command]` anywhere in one.
pub fn for_ci_log(text: &str) -> Cow<'_, str> {
    let shown = visible(text);
    if !shown.contains("::") && !shown.contains("##") {
        return shown;
    }
    let mut safe = String::with_capacity(shown.len() + 16);
    for (index, line) in shown.split('\n').enumerate() {
        if index > 0 {
            safe.push('\n');
        }
        let body = line.trim_start();
        safe.push_str(&line[..line.len() - body.len()]);
        let mut rest = body;
        if let Some(command) = body.strip_prefix("::") {
            safe.push_str("\\u{3a}:");
            rest = command;
        }
        while let Some(at) = rest.find("##") {
            let (before, after) = rest.split_at(at);
            safe.push_str(before);
            let name = after[2..].bytes().take_while(u8::is_ascii_alphanumeric).count();
            if after[2 + name..].starts_with('[') {
                safe.push_str("\\u{23}#");
                rest = &after[2..];
            } else {
                safe.push('#');
                rest = &after[1..];
            }
        }
        safe.push_str(rest);
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_plain_by_its_bytes_exactly_where_no_ascii_character_is_hidden() {
        for byte in 0..128_u8 {
            let c = char::from(byte);
            assert_eq!(is_plain(&format!("a{c}b")), !is_hidden(c), "{c:?}");
        }
        // Whatever else there is has to be looked at.
        assert!(!is_plain("naïve"));
        assert_eq!(without_hidden("naïve"), ("naïve".into(), 0));
    }

    #[test]
    fn escape_sequences_and_reordering_marks_are_shown_not_obeyed() {
        assert_eq!(visible("a\u{1b}[31mred\u{202e}\tb\nc"), "a\\u{1b}[31mred\\u{202e}\tb\nc");
        assert_eq!(visible("\u{9b}31m"), "\\u{9b}31m");
        assert_eq!(visible("\u{e0041}"), "\\u{e0041}");
        assert!(matches!(visible("größe 👩‍🔬 ok"), Cow::Borrowed(_)));
    }

    #[test]
    fn hidden_characters_leave_a_prompt_and_are_counted() {
        let (text, removed) = without_hidden("ig\u{200b}nore\u{e0049}\r\nnext");
        assert_eq!((text.as_ref(), removed), ("ignore\nnext", 2));
    }

    #[test]
    fn log_commands_lose_their_power_and_headings_stay() {
        assert_eq!(for_ci_log("## Heading\n::error::x"), "## Heading\n\\u{3a}:error::x");
        assert_eq!(for_ci_log("  ::set-output name=x::y"), "  \\u{3a}:set-output name=x::y");
        assert_eq!(
            for_ci_log("see ##[group]x ##vso[task]"),
            "see \\u{23}#[group]x \\u{23}#vso[task]"
        );
        assert_eq!(for_ci_log("a::b ### [link](x)"), "a::b ### [link](x)");
        assert_eq!(for_ci_log("###[x]"), "#\\u{23}#[x]");
    }

    #[test]
    fn an_excerpt_says_that_it_was_cut() {
        assert_eq!(excerpt("one  two\nthree", 20), "one two three");
        assert_eq!(excerpt("one two three", 8), "one two…");
    }
}
