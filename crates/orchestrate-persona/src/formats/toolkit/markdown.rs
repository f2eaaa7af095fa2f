//! Markdown taken apart at headings, code fences and list items.

use std::ops::Range;

use crate::body::{Fence, heading};

/// A heading with the text up to the next one that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block<'t> {
    /// 1 to 6; 0 for the text in front of the first heading.
    pub(crate) level: usize,
    /// The heading without its marks.
    pub(crate) heading: &'t str,
    /// What stands below it.
    pub(crate) text: &'t str,
    /// Where the heading begins.
    pub(crate) start: usize,
}

/// A fenced code block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code<'t> {
    /// The word behind the opening marks.
    pub(crate) info: &'t str,
    /// What stands between the fences.
    pub(crate) content: &'t str,
    /// The block with its fences.
    pub(crate) span: Range<usize>,
    /// Whether it is closed.
    pub(crate) closed: bool,
}

/// The fenced code blocks of a text.
pub(crate) fn codes(text: &str) -> Vec<Code<'_>> {
    let mut found = Vec::new();
    let mut open: Option<(Fence, &str, usize, usize)> = None;
    let mut at = 0;
    for full in text.split_inclusive('\n') {
        let line = full.trim_end_matches('\n');
        let end = at + full.len();
        match (&open, Fence::of(line)) {
            (None, Some((fence, _))) => {
                let info = line.trim().trim_start_matches(['`', '~']).trim();
                open = Some((fence, info, at, end));
            }
            (Some((fence, info, start, inner)), Some((here, true)))
                if here.mark == fence.mark && here.length >= fence.length =>
            {
                let content = &text[*inner..at];
                found.push(Code { info, content, span: *start..end, closed: true });
                open = None;
            }
            _ => {}
        }
        at = end;
    }
    if let Some((_, info, start, inner)) = open {
        let content = &text[inner.min(text.len())..];
        found.push(Code { info, content, span: start..text.len(), closed: false });
    }
    found
}

/// The blocks of a text, split at the headings of level `deepest` and above that stand outside code.
pub(crate) fn blocks(text: &str, deepest: usize) -> Vec<Block<'_>> {
    let codes = codes(text);
    let mut marks = vec![(0, "", 0, 0)];
    let mut at = 0;
    let mut code = 0;
    for full in text.split_inclusive('\n') {
        while codes.get(code).is_some_and(|found| found.span.end <= at) {
            code += 1;
        }
        let fenced = codes.get(code).is_some_and(|found| found.span.contains(&at));
        let line = full.trim_end_matches('\n');
        if !fenced
            && let Some((level, title)) = heading(line)
            && level <= deepest
        {
            marks.push((level, title, at, at + full.len()));
        }
        at += full.len();
    }
    let ends = marks.iter().skip(1).map(|&(_, _, start, _)| start).chain([text.len()]);
    let blocks = marks.iter().zip(ends).map(|(&(level, heading, start, inner), end)| Block {
        level,
        heading,
        text: trimmed(&text[inner..end]),
        start,
    });
    blocks.filter(|block| block.level > 0 || !block.text.is_empty()).collect()
}

/// A text without blank lines at its ends; the first line keeps its indentation.
pub(crate) fn trimmed(text: &str) -> &str {
    let mut text = text.trim_end();
    while let Some((first, rest)) = text.split_once('\n')
        && first.trim().is_empty()
    {
        text = rest;
    }
    text
}

/// The first paragraph of a text and what follows it.
pub(crate) fn first_paragraph(text: &str) -> (&str, &str) {
    let text = trimmed(text);
    let mut at = 0;
    for full in text.split_inclusive('\n') {
        let line = full.trim_end_matches('\n');
        let rule = line.len() >= 3 && line.bytes().all(|b| b == b'-');
        if line.trim().is_empty()
            || (at > 0 && (rule || heading(line).is_some() || Fence::of(line).is_some()))
        {
            return (&text[..at], trimmed(&text[at..]));
        }
        at += full.len();
    }
    (text, "")
}

/// The running text that says who somebody is at the start of a text, and what follows it; `None` where
/// the text begins with something else.
///
/// A list ends a paragraph without a blank line. A last sentence that only leads up to the list stays with
/// it, unless it is the only one and speaks to somebody.
pub(crate) fn opening(text: &str) -> Option<(&str, &str)> {
    let text = trimmed(text);
    let (first, _) = first_paragraph(text);
    let mut list = None;
    let mut at = 0;
    for full in first.split_inclusive('\n') {
        if at > 0 && interrupts(full) {
            list = Some(at);
            break;
        }
        at += full.len();
    }
    let head = first[..list.unwrap_or(first.len())].trim_end();
    let leads = head.ends_with(':');
    let cut = if leads { sentences_end(head) } else { None };
    let who = &head[..cut.unwrap_or(head.len())];
    let sound = is_prose(who) || (leads && is_prose(who.trim_end_matches(':')) && addresses(who));
    // What follows a sentence on its own line begins without the space between them.
    sound.then(|| (who, trimmed(text[who.len()..].trim_start_matches([' ', '\t']))))
}

/// Whether a line begins a list in the middle of a paragraph: a numbered one does so only from 1.
fn interrupts(line: &str) -> bool {
    let bare = line.trim_start();
    let numbered = bare.starts_with(|c: char| c.is_ascii_digit());
    list_item(line).is_some() && (!numbered || bare.starts_with("1.") || bare.starts_with("1)"))
}

/// Where the last whole sentence of a text ends, if it has one.
fn sentences_end(text: &str) -> Option<usize> {
    let mut ends = text.match_indices(['.', '!', '?']).map(|(at, mark)| at + mark.len());
    ends.rfind(|&end| end >= 8 && text[end..].starts_with(char::is_whitespace))
}

/// Whether a text speaks to the persona.
pub(crate) fn addresses(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(24).collect::<String>().to_lowercase();
    ["you are ", "you're ", "you’re ", "act as ", "i want you to act as "]
        .iter()
        .any(|opening| start.starts_with(opening))
}

/// Whether a paragraph is running text, and not a list, table, quotation, heading, rule or markup.
pub(crate) fn is_prose(paragraph: &str) -> bool {
    let text = paragraph.trim();
    let first = text.lines().next().unwrap_or_default();
    !text.is_empty()
        && list_item(first).is_none()
        && heading(first).is_none()
        && Fence::of(first).is_none()
        && !first.starts_with(['|', '>', '<', '['])
        && !first.ends_with(':')
        && first.chars().any(char::is_alphanumeric)
}

/// Whether a line can be the first paragraph of a body: anything but a heading or a code fence.
pub(crate) fn is_prose_line(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && heading(line).is_none() && Fence::of(line).is_none()
}

/// The text of a list item, or `None` for any other line.
pub(crate) fn list_item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    if let Some(rest) = ["- ", "* ", "+ ", "• "].iter().find_map(|mark| line.strip_prefix(mark)) {
        return Some(rest.trim());
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > 3 {
        return None;
    }
    let rest = &line[digits..];
    rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") ")).map(str::trim)
}

/// The list items of a text, and the lines that belong to none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct List {
    pub(crate) items: Vec<String>,
    pub(crate) others: Vec<String>,
}

impl List {
    /// Reads the items of a text; continuation lines are joined to theirs, code and comments stay outside.
    pub(crate) fn of(text: &str) -> Self {
        let mut list = Self::default();
        let mut open = false;
        let mut fence: Option<Fence> = None;
        let mut comment = false;
        for whole in text.lines() {
            let said = if fence.is_none() { without_comments(whole, &mut comment) } else { None };
            let line = said.as_ref().map_or(whole, |(said, _)| said.as_str());
            if let Some((said, hidden)) = &said {
                list.others.push(hidden.clone());
                if said.trim().is_empty() || list_item(&format!("{said} ")) == Some("") {
                    continue;
                }
            }
            let mark = Fence::of(line);
            if let Some(inside) = fence {
                list.others.push(line.to_owned());
                if mark.is_some_and(|(here, closes)| {
                    closes && here.mark == inside.mark && here.length >= inside.length
                }) {
                    fence = None;
                }
                continue;
            }
            if let Some((here, _)) = mark {
                fence = Some(here);
                open = false;
                list.others.push(line.to_owned());
            } else if let Some(item) = list_item(line) {
                list.items.push(item.to_owned());
                open = true;
            } else if line.trim().is_empty() {
                open = false;
            } else if open && line.starts_with([' ', '\t']) {
                if let Some(last) = list.items.last_mut() {
                    last.push(' ');
                    last.push_str(line.trim());
                }
            } else {
                open = false;
                list.others.push(line.to_owned());
            }
        }
        list
    }

    /// The lines outside of the items that say something: a rule does not.
    pub(crate) fn told(&self) -> Vec<&str> {
        let rule = |line: &str| {
            line.trim().len() >= 3 && line.trim().bytes().all(|b| matches!(b, b'-' | b'_' | b'*'))
        };
        self.others.iter().map(String::as_str).filter(|line| !rule(line)).collect()
    }

    /// Whether there is nothing but items, or items below one line that leads up to them.
    pub(crate) fn is_pure(&self) -> bool {
        !self.items.is_empty()
            && match self.told().as_slice() {
                [] => true,
                [lead] => lead.trim_end().ends_with(':'),
                _ => false,
            }
    }
}

/// A line without what stands in an HTML comment, and that, where there is any. `open` says whether a comment
/// goes on from the line before, and whether it goes on in the next.
fn without_comments(line: &str, open: &mut bool) -> Option<(String, String)> {
    if !*open && !line.contains("<!--") {
        return None;
    }
    let (mut said, mut hidden, mut rest) = (String::new(), String::new(), line);
    while !rest.is_empty() {
        let at = if *open {
            rest.find("-->").map_or(rest.len(), |at| at + "-->".len())
        } else {
            rest.find("<!--").unwrap_or(rest.len())
        };
        let (part, after) = rest.split_at(at);
        if *open {
            hidden.push_str(part);
            *open = !part.ends_with("-->");
        } else {
            said.push_str(part);
            *open = !after.is_empty();
        }
        rest = after;
    }
    Some((said.trim_end().to_owned(), hidden))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_items_of_a_list_and_belong_to_none() {
        let list = List::of(
            "- one <!-- why -->\n<!-- - two -->\n- <!-- three -->\n<!--\n- four\n  five\n-->\n- six\n  <!-- seven -->\n  eight\n```\n<!-- code\n```\n- nine",
        );
        assert_eq!(list.items, ["one", "six eight", "nine"]);
        assert_eq!(List::of("- never closed <!-- a\n- b").items, ["never closed"]);
    }

    #[test]
    fn blocks_end_at_the_next_heading_that_counts_and_code_hides_headings() {
        let text = "lead\n# One\na\n### Three\nb\n```\n# not\n```\n## Two\nc";
        let found: Vec<_> =
            blocks(text, 2).iter().map(|block| (block.level, block.heading, block.text)).collect();
        assert_eq!(
            found,
            [(0, "", "lead"), (1, "One", "a\n### Three\nb\n```\n# not\n```"), (2, "Two", "c")]
        );
    }

    #[test]
    fn an_open_code_block_reaches_to_the_end() {
        let found = codes("a\n```xml\n<b/>\n");
        assert_eq!((found[0].info, found[0].content, found[0].closed), ("xml", "<b/>\n", false));
    }

    #[test]
    fn lists_keep_continuations_and_name_what_is_no_item() {
        let list = List::of("Use when:\n- one\n  more\n2. two\n\nrest");
        assert_eq!(list.items, ["one more", "two"]);
        assert_eq!(list.others, ["Use when:", "rest"]);
        assert!(List::of("Use when:\n- one").is_pure());
        assert!(!list.is_pure());
    }

    #[test]
    fn a_list_ends_the_paragraph_that_says_who_somebody_is() {
        for (text, who, rest) in [
            ("You are listy. Rules:\n- one\n- two", "You are listy.", "Rules:\n- one\n- two"),
            (
                "You are a tester\nof tools.\n1. a\n2. b",
                "You are a tester\nof tools.",
                "1. a\n2. b",
            ),
            ("You are one who:\n- tests", "You are one who:", "- tests"),
            ("You are from\n1984. Or so", "You are from\n1984. Or so", ""),
            ("You are one.\n\n- a", "You are one.", "- a"),
            ("You are one. Rules:\n\n- a", "You are one.", "Rules:\n\n- a"),
        ] {
            assert_eq!(opening(text), Some((who, rest)), "{text}");
        }
        for other in ["Rules:\n- one", "- one", "", "Steps:"] {
            assert_eq!(opening(other), None, "{other}");
        }
    }

    #[test]
    fn only_running_text_says_who_somebody_is() {
        assert!(is_prose("You are one.\n- and"));
        for other in ["- a", "| a |", "> a", "<b>", "```", "Steps:", "---", ""] {
            assert!(!is_prose(other), "{other}");
        }
    }
}
