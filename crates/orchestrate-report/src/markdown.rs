//! Putting one Markdown document into another without spoiling the outline of either.

use std::{borrow::Cow, fmt::Write as _};

/// `text` as the content of a section whose heading has level `parent`: its headings are moved down
/// so that the highest stands right below that level, at most to level 6. What stands in fenced code
/// blocks stays; a block, comment or element that is never closed cannot swallow what follows.
pub(crate) fn nested(text: &str, parent: usize) -> String {
    let lines = lines(text);
    let highest = lines.iter().filter_map(Line::level).min();
    let shift = highest.map_or(0, |highest| (parent + 1).saturating_sub(highest));
    let mut out = String::with_capacity(text.len() + 64);
    let mut open: Option<String> = None;
    for line in &lines {
        match line {
            Line::Heading { level, title } => {
                let marks = "#".repeat((level + shift).min(6));
                // Writing to a String cannot fail.
                let _ = writeln!(out, "{marks} {}", harmless(title));
            }
            Line::Fence { text, opens } => {
                open.clone_from(opens);
                out.push_str(text);
                out.push('\n');
            }
            Line::Code(text) => {
                out.push_str(text);
                out.push('\n');
            }
            Line::Text(text) => {
                out.push_str(&harmless(text));
                out.push('\n');
            }
        }
    }
    if let Some(closing) = open {
        out.push_str(&closing);
        out.push('\n');
    }
    out.trim_matches('\n').to_owned()
}

/// What opens a stretch of HTML that runs to the end of the document if it is never closed: comments,
/// declarations, instructions, and the elements that `CommonMark` takes as they are.
const UNBOUNDED: &[&str] = &[
    "<!",
    "<?",
    "<pre",
    "<script",
    "<style",
    "<textarea",
    "<details",
    "<iframe",
    "<title",
    "<xmp",
];

/// The text with such openings shown instead of obeyed.
fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains('<') {
        return Cow::Borrowed(text);
    }
    let opens = |rest: &str| {
        UNBOUNDED.iter().any(|open| {
            rest.get(..open.len()).is_some_and(|start| start.eq_ignore_ascii_case(open))
        })
    };
    let mut shown = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        if c == '<' && opens(&text[at..]) {
            shown.push_str("&lt;");
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Every line of `text` as a quotation.
pub(crate) fn quoted(text: &str) -> String {
    let text = text.trim_end();
    let lines =
        text.lines().map(|line| if line.is_empty() { ">".into() } else { format!("> {line}") });
    lines.collect::<Vec<_>>().join("\n")
}

/// A line by what it is in `CommonMark`.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Heading {
        level: usize,
        title: &'a str,
    },
    /// A fence; `opens` holds the fence that would close the block it opens.
    Fence {
        text: &'a str,
        opens: Option<String>,
    },
    Code(&'a str),
    Text(&'a str),
}

impl Line<'_> {
    fn level(&self) -> Option<usize> {
        match self {
            Self::Heading { level, .. } => Some(*level),
            Self::Fence { .. } | Self::Code(_) | Self::Text(_) => None,
        }
    }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut open: Option<(char, usize)> = None;
    for line in text.lines() {
        let fence = fence(line);
        if let Some((mark, length)) = open {
            let closes = fence.is_some_and(|(m, l, plain)| m == mark && l >= length && plain);
            if closes {
                open = None;
                lines.push(Line::Fence { text: line, opens: None });
            } else {
                lines.push(Line::Code(line));
            }
        } else if let Some((mark, length, _)) = fence {
            open = Some((mark, length));
            let closing = mark.to_string().repeat(length);
            lines.push(Line::Fence { text: line, opens: Some(closing) });
        } else if let Some((level, title)) = heading(line) {
            lines.push(Line::Heading { level, title });
        } else if let Some((level, title)) = underlined(line, &lines) {
            lines.pop();
            lines.push(Line::Heading { level, title });
        } else {
            lines.push(Line::Text(line));
        }
    }
    lines
}

/// Mark and length of a code fence, and whether nothing follows it.
fn fence(line: &str) -> Option<(char, usize, bool)> {
    let body = line.trim_start_matches(' ');
    let mark = body.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = body.chars().take_while(|&c| c == mark).count();
    let info = body[length..].trim();
    let sound = line.len() - body.len() <= 3 && length >= 3 && !(mark == '`' && info.contains('`'));
    sound.then_some((mark, length, info.is_empty()))
}

/// Level and title of a heading written with `#`.
fn heading(line: &str) -> Option<(usize, &str)> {
    let body = line.trim_start_matches(' ');
    let level = body.bytes().take_while(|&b| b == b'#').count();
    let rest = &body[level..];
    let sound = line.len() - body.len() <= 3
        && (1..=6).contains(&level)
        && (rest.is_empty() || rest.starts_with([' ', '\t']));
    sound.then(|| (level, rest.trim()))
}

/// Level and title of a heading written as one line of text with `===` or `---` below it.
fn underlined<'a>(line: &str, before: &[Line<'a>]) -> Option<(usize, &'a str)> {
    let body = line.trim_end();
    let indent = body.len() - body.trim_start_matches(' ').len();
    let marks = body.trim_start_matches(' ');
    let mark = marks.chars().next().filter(|c| matches!(c, '=' | '-'))?;
    if indent > 3 || marks.chars().any(|c| c != mark) {
        return None;
    }
    let [.., Line::Text(title)] = before else { return None };
    let alone = match before {
        [.., Line::Text(above), _] => above.trim().is_empty(),
        _ => true,
    };
    // A list item, quotation or table row above `---` is not a heading.
    let plain =
        title.trim_start().starts_with(|c: char| c.is_alphanumeric() || c == '*' || c == '`')
            && !title.trim_start().starts_with("* ")
            && !title.starts_with("    ")
            && !title.contains('|');
    (alone && plain).then(|| (if mark == '=' { 1 } else { 2 }, title.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_move_below_their_parent_and_never_past_the_sixth_level() {
        assert_eq!(nested("## A\n### B\n###### F", 2), "### A\n#### B\n###### F");
        assert_eq!(nested("# T\n## A", 2), "### T\n#### A");
        assert_eq!(nested("### A\ntext", 2), "### A\ntext");
        assert_eq!(nested("#hash\n    # code", 2), "#hash\n    # code");
        assert_eq!(
            nested("Title\n=====\n\nSub\n---\n\n- a\n---", 2),
            "### Title\n\n#### Sub\n\n- a\n---"
        );
        assert_eq!(nested("one\ntwo\n---\n| a |\n---", 2), "one\ntwo\n---\n| a |\n---");
    }

    #[test]
    fn code_is_left_alone_and_cannot_swallow_what_follows() {
        let code = "```sh\n# not a heading\n<!-- kept -->\n```";
        assert_eq!(nested(code, 2), code);
        assert_eq!(nested("~~~~\n# x\n~~~\n", 2), "~~~~\n# x\n~~~\n~~~~");
        assert_eq!(nested("a <!-- hides\n## B", 1), "a &lt;!-- hides\n## B");
        assert_eq!(nested("<PRE>\n<br> <https://a.b>", 1), "&lt;PRE>\n<br> <https://a.b>");
    }

    #[test]
    fn a_quotation_keeps_its_empty_lines() {
        assert_eq!(quoted("a\n\n> b\n"), "> a\n>\n> > b");
    }
}
