//! Finding the YAML front matter of a Markdown file without losing track of byte offsets.

use std::{ops::Range, sync::Arc};

use orchestrate_core::diagnostic::{Diagnostic, Source};

/// A longer front matter is refused.
pub const MAX_FRONT_MATTER_BYTES: usize = 64 * 1024;

/// Where a file's two parts are, as byte ranges of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The opening fence.
    pub(crate) fence: Range<usize>,
    /// The YAML between the fences.
    pub(crate) yaml: Range<usize>,
    /// Everything after the closing fence.
    pub(crate) body: Range<usize>,
}

/// Splits a file at the two `---` lines that enclose its front matter. A byte order mark is skipped.
pub(crate) fn split(source: &Arc<Source>) -> Result<Parts, Diagnostic> {
    let text = source.text.as_str();
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut lines = text[start..].split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    let fence = start..start + first.trim_end().len();
    if first.trim_end() != "---" {
        return Err(missing(source, fence));
    }
    let yaml = start + first.len();
    let mut offset = yaml;
    for line in lines {
        if line.trim_end() == "---" {
            let parts = Parts { fence, yaml: yaml..offset, body: offset + line.len()..text.len() };
            return if parts.yaml.len() > MAX_FRONT_MATTER_BYTES {
                Err(too_long(source, parts.fence))
            } else {
                Ok(parts)
            };
        }
        offset += line.len();
    }
    Err(Diagnostic::error("front-matter-unterminated", "the front matter is never closed")
        .at(source, fence, "opened here")
        .help("close it with a line that holds `---` and nothing else"))
}

fn missing(source: &Arc<Source>, first: Range<usize>) -> Diagnostic {
    let error = Diagnostic::error(
        "front-matter-missing",
        "the file does not begin with front matter",
    )
    .at(source, first, "expected `---` here");
    if source.text.trim_start().starts_with("---") {
        return error.help("move `---` to the very first line, without indentation");
    }
    error.help(
        "begin with `---`, then `name:` and `description:`, then `---`, then the persona's text",
    )
}

fn too_long(source: &Arc<Source>, fence: Range<usize>) -> Diagnostic {
    Diagnostic::error(
        "front-matter-too-large",
        format!("the front matter is longer than {} KiB", MAX_FRONT_MATTER_BYTES / 1024),
    )
    .at(source, fence, "begins here")
    .help("move long texts into sections below the front matter")
}

/// Which lines of a front matter go on with an `<example>` that was opened above and is closed in or below
/// them: `Context:` and `user:` are no keys there.
pub(crate) fn inside_examples(yaml: &str) -> Vec<bool> {
    // Where a mark opens a block and where it closes one, line by line.
    let marks = |line: &str| -> Vec<bool> {
        let lower = line.to_ascii_lowercase();
        let marks = lower.match_indices("<example").map(|(at, _)| (at, true));
        let mut marks: Vec<(usize, bool)> =
            marks.chain(lower.match_indices("</example").map(|(at, _)| (at, false))).collect();
        marks.sort_unstable();
        marks.into_iter().map(|(_, opens)| opens).collect()
    };
    let lines: Vec<Vec<bool>> = yaml.lines().map(marks).collect();
    let mut open = false;
    let mut inside: Vec<bool> = Vec::with_capacity(lines.len());
    for marks in &lines {
        inside.push(open);
        open = marks.last().copied().unwrap_or(open);
    }
    // One that is never closed would take in everything below it.
    let mut closes = false;
    for (marks, inside) in lines.iter().zip(&mut inside).rev() {
        closes = marks.first().map_or(closes, |opens| !opens);
        *inside &= closes;
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Result<(String, String), &'static str> {
        let source = Source::new("x.md", text);
        let parts = split(&source).map_err(|diagnostic| diagnostic.code)?;
        Ok((text[parts.yaml].to_owned(), text[parts.body].to_owned()))
    }

    #[test]
    fn the_first_exact_closing_line_ends_it() {
        let read = |yaml: &str, body: &str| Ok((yaml.to_owned(), body.to_owned()));
        assert_eq!(parts("---\na: 1\n---\nText\n---\nmore"), read("a: 1\n", "Text\n---\nmore"));
        assert_eq!(parts("\u{feff}---\r\na: 1\r\n---\r\nText"), read("a: 1\r\n", "Text"));
        assert_eq!(parts("---\nd: |\n  ---\n----\n---"), read("d: |\n  ---\n----\n", ""));
        assert_eq!(parts("---\n---\n"), read("", ""));
    }

    #[test]
    fn a_file_without_both_lines_is_refused() {
        assert_eq!(parts(""), Err("front-matter-missing"));
        assert_eq!(parts("# Title\n---\n"), Err("front-matter-missing"));
        assert_eq!(parts("\n---\na: 1\n---\n"), Err("front-matter-missing"));
        assert_eq!(parts("---\na: 1\n"), Err("front-matter-unterminated"));
        let long = format!("---\na: {}\n---\n", "x".repeat(MAX_FRONT_MATTER_BYTES));
        assert_eq!(parts(&long), Err("front-matter-too-large"));
    }
}
