//! The body of a recorded call: texts in full, each below a heading with a mark that no text begins a
//! line with.
//!
//! A text stands there as it is. Where it holds characters that nobody would see, or that editors and
//! version control like to change, its heading ends with `(escaped)`, and `\\` and `\u{…}` stand in it.

use std::fmt::Write as _;

use orchestrate_core::neutral;

use super::Fault;

/// Ends the heading of a text with escapes.
const ESCAPED: &str = " (escaped)";

/// A text with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) text: String,
    /// The line of its heading, counted from 1.
    pub(super) line: usize,
}

/// Writes texts below headings that hold `mark`, or one made from it that no text holds.
pub(super) fn write<'t>(
    mark: &str,
    sections: impl IntoIterator<Item = (&'t str, &'t str)>,
) -> String {
    let written: Vec<(String, String)> = sections
        .into_iter()
        .map(|(name, text)| match escaped(text) {
            Some(escaped) => (format!("{name}{ESCAPED}"), escaped),
            None => (name.to_owned(), text.to_owned()),
        })
        .collect();
    let is_taken = |mark: &str| {
        let heading = format!("# {mark} ");
        written.iter().any(|(_, text)| text.lines().any(|line| line.starts_with(&heading)))
    };
    let mut unique = mark.to_owned();
    let mut counter = 2_u32;
    while is_taken(&unique) {
        unique = format!("{mark}-{counter}");
        counter += 1;
    }
    let mut body = String::new();
    for (at, (name, text)) in written.iter().enumerate() {
        if at > 0 {
            body.push('\n');
        }
        // Writing to a String cannot fail.
        let _ = writeln!(body, "# {unique} {name}\n{text}");
    }
    body
}

/// Reads texts back; the first line stands in line `first` of the file.
pub(super) fn read(body: &str, first: usize) -> Result<Vec<Section>, Fault> {
    let heading = body.lines().next().unwrap_or_default();
    let mark = heading.strip_prefix("# ").and_then(|rest| rest.split(' ').next());
    let Some(mark) = mark.filter(|mark| !mark.is_empty() && heading.len() > mark.len() + 3) else {
        return Err(Fault::at(first, "the heading of the first text is missing"));
    };
    let begins = format!("# {mark} ");
    let mut sections: Vec<Section> = Vec::new();
    for (at, line) in body.split_inclusive('\n').enumerate() {
        match (line.strip_prefix(&begins), sections.last_mut()) {
            (Some(name), _) => sections.push(Section {
                name: name.trim_end().to_owned(),
                text: String::new(),
                line: first + at,
            }),
            (None, Some(section)) => section.text.push_str(line),
            (None, None) => {}
        }
    }
    let last = sections.len() - 1;
    for (at, section) in sections.iter_mut().enumerate() {
        let end = if at == last { "\n" } else { "\n\n" };
        let Some(text) = section.text.strip_suffix(end) else {
            let lines = section.text.lines().count();
            return Err(Fault::at(section.line + lines, "an empty line after a text is missing"));
        };
        let text = text.to_owned();
        section.text = match section.name.strip_suffix(ESCAPED) {
            Some(name) => {
                let name = name.to_owned();
                let text = unescaped(&text, section.line + 1)?;
                section.name = name;
                text
            }
            None => text,
        };
    }
    Ok(sections)
}

/// The text with escapes, where it needs any.
fn escaped(text: &str) -> Option<String> {
    let is_fragile = |c: char| neutral::is_hidden(c) && c != '\n' && c != '\t';
    let ends_in_space = |line: &str| line.ends_with([' ', '\t']);
    if !text.contains(is_fragile) && !text.split('\n').any(ends_in_space) && !text.ends_with('\n') {
        return None;
    }
    let body = text.trim_end_matches('\n');
    let mut escaped = String::with_capacity(text.len() + 16);
    for (at, line) in body.split('\n').enumerate() {
        if at > 0 {
            escaped.push('\n');
        }
        let seen = line.trim_end_matches([' ', '\t']);
        for c in seen.chars() {
            match c {
                '\\' => escaped.push_str("\\\\"),
                c if is_fragile(c) => push_escape(&mut escaped, c),
                c => escaped.push(c),
            }
        }
        let mut rest = line[seen.len()..].chars().peekable();
        while let Some(c) = rest.next() {
            // The last one keeps the others in place.
            if rest.peek().is_none() { push_escape(&mut escaped, c) } else { escaped.push(c) }
        }
    }
    for c in text[body.len()..].chars() {
        push_escape(&mut escaped, c);
    }
    Some(escaped)
}

fn push_escape(text: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
}

fn unescaped(text: &str, first: usize) -> Result<String, Fault> {
    let mut plain = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            plain.push('\n');
        }
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('\\') {
            plain.push_str(before);
            let (c, after) = escape(after)
                .ok_or_else(|| Fault::at(first + at, "a backslash begins no escape here"))?;
            plain.push(c);
            rest = after;
        }
        plain.push_str(rest);
    }
    Ok(plain)
}

/// The character of the escape that `text` goes on with, and what comes after it.
fn escape(text: &str) -> Option<(char, &str)> {
    if let Some(rest) = text.strip_prefix('\\') {
        return Some(('\\', rest));
    }
    let (digits, rest) = text.strip_prefix("u{")?.split_once('}')?;
    Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_byte_for_byte() {
        let texts = [
            "",
            "plain",
            "two\nlines\n",
            "\n",
            "\n\nbegins and ends empty\n\n\n",
            "a line break in Markdown  \nnext",
            "tabs\tare fine, at the end\t \nthey are kept",
            "\\d+ is a pattern",
            "\\d+ beside \u{1b}[31mred\u{202e} and \r\n",
            "# 3f2a91bc answer\nis no heading",
            "# 3f2a91bc-2 answer\nneither",
            "---\ncassette: 1\n---",
            "\u{feff}begins with a mark",
        ];
        for text in texts {
            let written = write("3f2a91bc", [("system", text), ("answer", text), ("answer", "x")]);
            let fragile = |c: char| c != '\n' && c != '\t' && neutral::is_hidden(c);
            assert!(!written.contains(fragile), "{written:?}");
            assert!(!written.lines().any(|line| line.ends_with(' ')), "{written:?}");
            let read = read(&written, 1).expect("readable");
            let read: Vec<(&str, &str)> =
                read.iter().map(|section| (section.name.as_str(), section.text.as_str())).collect();
            assert_eq!(read, [("system", text), ("answer", text), ("answer", "x")], "{written}");
        }
    }

    #[test]
    fn a_damaged_body_is_told_with_its_line() {
        let told = |body: &str| {
            let fault = read(body, 10).expect_err("a fault");
            format!("{}: {}", fault.line, fault.what)
        };
        assert_eq!(told(""), "10: the heading of the first text is missing");
        assert_eq!(told("text\n"), "10: the heading of the first text is missing");
        assert_eq!(
            told("# m system\na\n# m answer\nb\n"),
            "11: an empty line after a text is missing"
        );
        assert_eq!(told("# m system\na"), "11: an empty line after a text is missing");
        assert_eq!(told("# m answer (escaped)\na\n\\x\n"), "12: a backslash begins no escape here");
        assert_eq!(
            told("# m answer (escaped)\n\\u{d800}\n"),
            "11: a backslash begins no escape here"
        );
    }
}
