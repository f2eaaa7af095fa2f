//! From an offset in a scalar's text to the place where the file says it.
//!
//! YAML folds lines, strips indentation and decodes escapes, but never touches the order of what is
//! not white space. So the n-th visible character of the text is the n-th of the source.

use std::ops::Range;

use super::{Kind, Node, Style};

/// The places of a scalar's visible characters.
pub(crate) struct Places {
    whole: Range<usize>,
    /// Offset in the text and byte range in the source, in order; empty where they do not agree.
    visible: Vec<(usize, Range<usize>)>,
}

impl Places {
    /// Aligns a scalar with its source.
    pub(crate) fn of(source: &str, node: &Node) -> Self {
        let whole = node.span.clone();
        let unknown = Self { whole: whole.clone(), visible: Vec::new() };
        let (Kind::Scalar(scalar), Some(raw)) = (&node.kind, source.get(whole.clone())) else {
            return unknown;
        };
        let written = match scalar.style {
            Style::Plain | Style::Text => plain(raw),
            Style::SingleQuoted => single_quoted(raw),
            Style::DoubleQuoted => double_quoted(raw),
        };
        let text = scalar.text.char_indices().filter(|(_, c)| !c.is_whitespace());
        let mut written = written.into_iter().filter(|(c, _)| !c.is_whitespace());
        let mut visible = Vec::new();
        for (offset, c) in text {
            match written.next() {
                Some((same, at)) if same == c => {
                    visible.push((offset, whole.start + at.start..whole.start + at.end));
                }
                _ => return unknown,
            }
        }
        Self { whole, visible }
    }

    /// The place of a range of the text; the whole scalar where it cannot be told.
    pub(crate) fn range(&self, range: &Range<usize>) -> Range<usize> {
        let first = self.visible.partition_point(|(offset, _)| *offset < range.start);
        let after = self.visible.partition_point(|(offset, _)| *offset < range.end);
        match (self.visible.get(first), after.checked_sub(1).and_then(|at| self.visible.get(at))) {
            (Some((_, first)), Some((_, last))) if last.end > first.start => first.start..last.end,
            (Some((_, first)), _) => first.clone(),
            (None, _) => match self.visible.last() {
                Some((_, last)) => last.clone(),
                None => self.whole.clone(),
            },
        }
    }
}

type Written = Vec<(char, Range<usize>)>;

fn plain(raw: &str) -> Written {
    raw.char_indices().map(|(at, c)| (c, at..at + c.len_utf8())).collect()
}

fn single_quoted(raw: &str) -> Written {
    let mut written = plain(raw);
    written.pop();
    let mut kept = Written::new();
    let mut characters = written.into_iter().skip(1).peekable();
    while let Some((c, mut at)) = characters.next() {
        if c == '\''
            && let Some((_, second)) = characters.next_if(|(next, _)| *next == '\'')
        {
            at.end = second.end;
        }
        kept.push((c, at));
    }
    kept
}

fn double_quoted(raw: &str) -> Written {
    let mut written = plain(raw);
    written.pop();
    let mut kept = Written::new();
    let mut characters = written.into_iter().skip(1);
    while let Some((c, mut at)) = characters.next() {
        if c != '\\' {
            kept.push((c, at));
            continue;
        }
        let Some((escape, end)) = characters.next() else { break };
        at.end = end.end;
        let digits = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let mut code = 0_u32;
        for (digit, end) in characters.by_ref().take(digits) {
            code = code.wrapping_mul(16).wrapping_add(digit.to_digit(16).unwrap_or_default());
            at.end = end.end;
        }
        let decoded = match escape {
            'x' | 'u' | 'U' => char::from_u32(code).unwrap_or('\u{fffd}'),
            // Escapes of white space are skipped like white space.
            't' | 'n' | 'v' | 'f' | 'r' | 'N' | '_' | 'L' | 'P' | ' ' | '\t' | '\n' | '\r' => ' ',
            '0' => '\0',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'e' => '\u{1b}',
            other => other,
        };
        kept.push((decoded, at));
    }
    kept
}
