//! Where a body's code is, by the rules of `CommonMark`.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

/// The code of a body.
#[derive(Debug, Default)]
pub(super) struct Code {
    /// Code blocks and code spans, in order.
    pub(super) ranges: Vec<Range<usize>>,
    pub(super) fences: Vec<Fence>,
}

/// A fenced code block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fence {
    /// Its first line from the marks on.
    pub(super) open: Range<usize>,
    pub(super) mark: char,
    /// How many marks open it.
    pub(super) length: usize,
    /// Whether a line of marks closes it.
    pub(super) closed: bool,
    /// Lines inside that would open a block of their own, but for this one.
    pub(super) nested: Vec<Range<usize>>,
}

impl Code {
    pub(super) fn of(body: &str) -> Self {
        let mut code = Self::default();
        for (event, range) in Parser::new(body).into_offset_iter() {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    if let CodeBlockKind::Fenced(_) = kind {
                        code.fences.extend(fence(body, &range));
                    }
                    code.ranges.push(range);
                }
                Event::Code(_) => code.ranges.push(range),
                _ => {}
            }
        }
        code
    }

    /// Whether the byte at `at` belongs to code.
    pub(super) fn contains(&self, at: usize) -> bool {
        let after = self.ranges.partition_point(|range| range.start <= at);
        after > 0 && self.ranges[after - 1].end > at
    }
}

/// Looks at the lines of a block, whose first one opens it.
fn fence(body: &str, block: &Range<usize>) -> Option<Fence> {
    let text = &body[block.clone()];
    let mut lines = text.split_inclusive('\n');
    let first = lines.next()?;
    let mark = first.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = first.chars().take_while(|&c| c == mark).count();
    let open = block.start..block.start + first.trim_end().len();
    let mut fence = Fence { open, mark, length, closed: false, nested: Vec::new() };
    let mut offset = block.start + first.len();
    for line in lines {
        // A block inside a quotation or a list carries their marks in front of its lines.
        let bare = line.trim_start_matches([' ', '\t', '>']).trim_end();
        let marks = bare.chars().take_while(|&c| c == mark).count();
        let info = bare[marks..].trim();
        let at = offset + (line.len() - line.trim_start_matches([' ', '\t', '>']).len());
        offset += line.len();
        if marks < length.max(3) {
            fence.closed = false;
        } else if info.is_empty() {
            // Only the last such line closes the block: an earlier one would have ended it.
            fence.closed = true;
        } else if !info.contains(mark) {
            fence.nested.push(at..at + bare.len());
            fence.closed = false;
        }
    }
    Some(fence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_close_by_the_rules_of_commonmark() {
        let closed =
            |body: &str| Code::of(body).fences.iter().map(|f| f.closed).collect::<Vec<_>>();
        assert_eq!(closed("```\na\n```\n~~~x\nb\n~~~~\n"), [true, true]);
        assert_eq!(closed("````\n```\na\n```\n"), [false]);
        assert_eq!(closed("- a\n\n  ```\n  x\n  ```\n\n> ```\n> y\n> ```\n"), [true, true]);
        assert_eq!(closed("```"), [false]);
        assert_eq!(closed("1. one\n\n    ```js\n    x\n    ```\n"), [true]);
    }

    #[test]
    fn a_block_that_opens_inside_another_is_seen() {
        let body = "```md\ntext\n```js\nx\n```\nmore\n";
        let code = Code::of(body);
        assert_eq!(code.fences.len(), 1);
        assert_eq!(
            code.fences[0].nested.iter().map(|at| &body[at.clone()]).collect::<Vec<_>>(),
            ["```js"]
        );
        assert!(Code::of("````md\n```js\nx\n```\n````\n").fences[0].nested.is_empty());
    }

    #[test]
    fn spans_and_blocks_are_code() {
        let body = "a `b` c\n\n```\nd\n```\n";
        let code = Code::of(body);
        let inside = |c: char| code.contains(body.find(c).expect("there"));
        assert_eq!("abcd".chars().map(inside).collect::<Vec<_>>(), [false, true, false, true]);
    }
}
