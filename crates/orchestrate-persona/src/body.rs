//! The Markdown below the front matter: identity and sections.

use std::{collections::BTreeSet, ops::Range};

use orchestrate_core::persona::Section;

/// A body taken apart. Ranges are byte ranges of the body as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Body {
    /// The first paragraph, empty where the body begins with a heading or holds nothing.
    pub(crate) identity: String,
    /// Where the identity is, or is missing.
    pub(crate) identity_span: Range<usize>,
    /// Second-level sections; text between the identity and the first of them comes as a section
    /// without a heading, so that nothing is lost.
    pub(crate) sections: Vec<Section>,
    /// Headings that stand there twice.
    pub(crate) repeated: Vec<(String, Range<usize>)>,
    /// A code fence that is never closed.
    pub(crate) open_fence: Option<Range<usize>>,
}

/// Takes a body apart at its `## ` lines and its first blank line, code fences left whole.
pub(crate) fn read(body: &str) -> Body {
    let mut scan = Scan::default();
    let mut offset = 0;
    for full in body.split_inclusive('\n') {
        let line = full.trim_end_matches(['\n', '\r']);
        scan.line(line, offset..offset + line.len());
        offset += full.len();
    }
    scan.finish(body)
}

/// Where the scan is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Before the first text.
    #[default]
    Before,
    /// In the first paragraph.
    Identity,
    /// In a section, or before the first one.
    Section,
}

#[derive(Debug, Default)]
struct Scan {
    part: Part,
    fence: Option<(Fence, Range<usize>)>,
    identity: Vec<String>,
    identity_span: Option<Range<usize>>,
    sections: Vec<(String, Vec<String>)>,
    headings: BTreeSet<String>,
    repeated: Vec<(String, Range<usize>)>,
}

impl Scan {
    fn line(&mut self, line: &str, span: Range<usize>) {
        let fenced = self.in_fence(line, &span);
        let heading = if fenced { None } else { heading(line) };
        if let Some((level, title)) = heading {
            self.part = Part::Section;
            self.identity_span.get_or_insert(span.clone());
            if level == 2 {
                if !self.headings.insert(title.to_lowercase()) {
                    self.repeated.push((title.to_owned(), span));
                }
                self.sections.push((title.to_owned(), Vec::new()));
                return;
            }
        }
        match self.part {
            Part::Before if line.trim().is_empty() => {}
            Part::Before => {
                self.part = Part::Identity;
                self.identity_span = Some(span);
                self.identity.push(line.trim().to_owned());
            }
            Part::Identity if line.trim().is_empty() && !fenced => self.part = Part::Section,
            Part::Identity => {
                if let Some(place) = &mut self.identity_span {
                    place.end = span.end;
                }
                self.identity.push(line.trim().to_owned());
            }
            Part::Section => {
                if self.sections.is_empty() {
                    self.sections.push((String::new(), Vec::new()));
                }
                if let Some((_, lines)) = self.sections.last_mut() {
                    lines.push(line.to_owned());
                }
            }
        }
    }

    /// Whether `line` belongs to a fenced code block, its fences included.
    fn in_fence(&mut self, line: &str, span: &Range<usize>) -> bool {
        let found = Fence::of(line);
        match (&self.fence, found) {
            (None, Some((fence, _))) => {
                self.fence = Some((fence, span.clone()));
                true
            }
            (None, None) => false,
            (Some((open, _)), Some((fence, closes))) => {
                if closes && fence.mark == open.mark && fence.length >= open.length {
                    self.fence = None;
                }
                true
            }
            (Some(_), None) => true,
        }
    }

    fn finish(self, body: &str) -> Body {
        let sections = self.sections.into_iter().map(|(heading, lines)| Section {
            heading,
            text: lines.join("\n").trim_matches('\n').trim_end().to_owned(),
        });
        Body {
            identity: self.identity.join(" "),
            identity_span: self.identity_span.unwrap_or(body.len()..body.len()),
            sections: sections
                .filter(|section| !section.heading.is_empty() || !section.text.is_empty())
                .collect(),
            repeated: self.repeated,
            open_fence: self.fence.map(|(_, span)| span),
        }
    }
}

/// The opening or closing line of a fenced code block, by the `CommonMark` rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fence {
    pub(crate) mark: char,
    pub(crate) length: usize,
}

impl Fence {
    /// The fence on this line, and whether it may close a block.
    pub(crate) fn of(line: &str) -> Option<(Self, bool)> {
        let body = line.trim_start_matches(' ');
        let mark = body.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let length = body.chars().take_while(|&c| c == mark).count();
        let info = body[length..].trim();
        let sound = line.len() - body.len() <= 3 && length >= 3;
        (sound && !(mark == '`' && info.contains('`')))
            .then_some((Self { mark, length }, info.is_empty()))
    }
}

/// Level and title of an ATX heading.
pub(crate) fn heading(line: &str) -> Option<(usize, &str)> {
    let body = line.trim_start_matches(' ');
    let level = body.bytes().take_while(|&b| b == b'#').count();
    let rest = &body[level..];
    if line.len() - body.len() > 3 || !(1..=6).contains(&level) || !rest.starts_with([' ', '\t']) {
        return None;
    }
    let title = rest.trim();
    let unclosed = title.trim_end_matches('#');
    Some((level, if unclosed.ends_with([' ', '\t']) { unclosed.trim_end() } else { title }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(heading: &str, text: &str) -> Section {
        Section { heading: heading.into(), text: text.into() }
    }

    #[test]
    fn the_first_paragraph_is_the_identity_and_sections_keep_their_text() {
        let body = read(
            "\nYou are one\r\nwho tests.\r\n\r\n## Work ##\r\n\r\n- a\r\n  b\r\n### C#\r\nx\r\n\r\n## Limits\n",
        );
        assert_eq!(body.identity, "You are one who tests.");
        assert_eq!(body.sections, [section("Work", "- a\n  b\n### C#\nx"), section("Limits", "")]);
    }

    #[test]
    fn text_between_identity_and_first_section_is_kept() {
        let body = read("You are one.\n\nWhen asked:\n1. Look.\n\n## Work\nx");
        assert_eq!(body.sections[0], section("", "When asked:\n1. Look."));
        assert_eq!(body.sections[1], section("Work", "x"));
    }

    #[test]
    fn headings_inside_code_are_code() {
        let body = read(
            "You.\n\n## A\n```md\n## not\n~~~\n```\n\n    ## nor this\n#hash\n## B\n~~~\n## open",
        );
        let headings: Vec<_> = body.sections.iter().map(|s| s.heading.as_str()).collect();
        assert_eq!(headings, ["A", "B"]);
        assert!(body.open_fence.is_some());
    }

    #[test]
    fn a_body_that_begins_with_a_heading_has_no_identity() {
        let body = read("\n# Title\n\nYou are.\n## A\n## a\n");
        assert_eq!((body.identity.as_str(), body.identity_span), ("", 1..8));
        assert_eq!(body.sections[0], section("", "# Title\n\nYou are."));
        assert_eq!(body.repeated[0].0, "a");
        assert_eq!(read("").identity_span, 0..0);
    }
}
