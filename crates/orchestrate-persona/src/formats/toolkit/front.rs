//! The front matter of other people's Markdown: YAML or TOML, and a fallback for what only looks like it.

use std::ops::Range;

use super::{
    markdown,
    tree::{self, Map, Tree},
};
use crate::front_matter::{MAX_FRONT_MATTER_BYTES, inside_examples};

/// A front matter that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Front {
    /// Its entries.
    pub(crate) map: Map,
    /// Whether it is TOML between `+++`.
    pub(crate) toml: bool,
}

/// A remark about a front matter: how bad, code, message, place and advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) error: bool,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) span: Range<usize>,
    pub(crate) help: Option<String>,
}

/// A Markdown file taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Split {
    pub(crate) front: Option<Front>,
    /// Where the body begins.
    pub(crate) body: usize,
    /// The closing mark of a code block that was opened in front of the front matter, in the body.
    pub(crate) wrapping: Option<Range<usize>>,
    pub(crate) remarks: Vec<Remark>,
}

/// Finds and reads the front matter of a text.
pub(crate) fn split(text: &str) -> Split {
    let none = || Split { front: None, body: 0, wrapping: None, remarks: Vec::new() };
    let Some(place) = place(text) else { return none() };
    let wrapping = place.open.and_then(|length| closing_mark(text, place.body, length));
    let mut split = Split { front: None, body: place.body, wrapping, remarks: Vec::new() };
    let remark = |code, message: &str, span: Range<usize>, help: Option<String>| Remark {
        error: false,
        code,
        message: message.to_owned(),
        span,
        help,
    };
    let Some(inner) = place.inner else {
        let help = "close it with a line that holds `---` and nothing else".to_owned();
        let what = "the front matter is never closed, the file was read without one";
        return Split {
            remarks: vec![remark("front-matter-unterminated", what, place.fence, Some(help))],
            ..none()
        };
    };
    if inner.len() > MAX_FRONT_MATTER_BYTES {
        let what = "the front matter is longer than 64 KiB";
        let help = Some("move long texts below the front matter".to_owned());
        split.remarks.push(Remark {
            error: true,
            ..remark("front-matter-too-large", what, place.fence, help)
        });
        return split;
    }
    if let Some(odd) = place.odd {
        let help =
            "begin the file with `---` alone on its first line, and end with the same".to_owned();
        split.remarks.push(remark("front-matter-odd-fence", odd, place.fence, Some(help)));
    }
    let yaml = &text[inner.clone()];
    if place.toml {
        match tree::toml(yaml) {
            Ok(Tree::Map(map)) => split.front = Some(Front { map, toml: true }),
            Ok(Tree::Null | Tree::Text(_) | Tree::List(_)) => {}
            Err(wrong) => {
                let what = format!("the front matter is not TOML: {wrong}");
                split.remarks.push(Remark {
                    error: true,
                    ..remark("front-matter-not-toml", &what, inner, None)
                });
            }
        }
        return split;
    }
    match tree::yaml(yaml) {
        Ok(Tree::Map(map)) => split.front = Some(Front { map, toml: false }),
        Ok(Tree::Null) => split.front = Some(Front { map: Map::default(), toml: false }),
        // Two rules with a paragraph between them are no front matter.
        Ok(Tree::Text(_) | Tree::List(_)) => return none(),
        Err(wrong) => {
            let map = by_lines(yaml);
            if map.0.is_empty() {
                return none();
            }
            let (line, quoted) = quoted_form(yaml, wrong.offset);
            let what =
                format!("the front matter is not YAML, read line by line: {}", wrong.message);
            let start = inner.start + line.start;
            let span = start..inner.start + line.end;
            let help = quoted.map(|quoted| format!("write `{quoted}`"));
            split.remarks.push(remark("front-matter-not-yaml", &what, span, help));
            split.front = Some(Front { map, toml: false });
        }
    }
    split
}

/// Where a front matter is.
struct Place {
    fence: Range<usize>,
    /// Between the fences; `None` where it is never closed.
    inner: Option<Range<usize>>,
    body: usize,
    toml: bool,
    odd: Option<&'static str>,
    /// The length of the mark of a code block that was opened in front of it and not closed behind it.
    open: Option<usize>,
}

fn place(text: &str) -> Option<Place> {
    let mut lines = Lines { text, at: 0 };
    let mut first = lines.next()?;
    let mut odd = None;
    // Blank lines, indentation and a code fence around it are taken for slips.
    while text[first.clone()].trim().is_empty() {
        odd = Some("the front matter does not begin on the first line");
        first = lines.next()?;
    }
    let mut fenced = None;
    let opening = text[first.clone()].trim_end();
    if let Some(marks) = code_mark(opening)
        && matches!(opening[marks.len()..].trim(), "" | "yaml" | "yml" | "markdown" | "md")
    {
        let next = lines.next()?;
        if text[next.clone()].trim() == "---" {
            fenced = Some(marks);
            odd = Some("the front matter stands in a code block");
            first = next;
        }
    }
    let opening = text[first.clone()].trim_end();
    let mark = opening.trim_start();
    if mark.len() < opening.len() {
        odd = Some("the front matter is indented");
    }
    let toml = mark == "+++";
    let dashes = mark.len() >= 3 && mark.bytes().all(|b| b == b'-');
    if !toml && !dashes {
        return None;
    }
    if dashes && mark.len() > 3 {
        odd = Some("the front matter is fenced by more than three dashes");
    }
    let fence = first.start..first.start + opening.len();
    let begin = lines.at;
    // The first exact fence ends it; only where there is none, a longer one does.
    let mut longer = None;
    while let Some(line) = lines.next() {
        let content = text[line.clone()].trim_end();
        let closes = if odd.is_some() { content.trim_start() == mark } else { content == mark };
        if closes {
            let mut body = lines.at;
            let mut open = fenced.map(str::len);
            if let Some(marks) = fenced {
                body = after_code_mark(text, body, marks);
                open = open.filter(|_| body == lines.at);
            }
            return Some(Place { fence, inner: Some(begin..line.start), body, toml, odd, open });
        }
        let dash_line = content.len() >= 3 && content.bytes().all(|b| b == b'-');
        if longer.is_none() && !toml && dash_line {
            longer = Some((line.start, lines.at));
        }
    }
    if let Some((end, body)) = longer {
        let odd = Some("the front matter is closed by another number of dashes");
        let open = fenced.map(str::len);
        return Some(Place { fence, inner: Some(begin..end), body, toml, odd, open });
    }
    // A rule at the top of a text is common; a front matter begins with a key.
    let next = text[begin..].lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    key_of(next)?;
    Some(Place { fence, inner: None, body: 0, toml, odd, open: None })
}

/// The line of the body that closes a code block which was opened above it: without its opening it opens a
/// block that nothing closes.
fn closing_mark(text: &str, body: usize, length: usize) -> Option<Range<usize>> {
    let last = markdown::codes(&text[body..]).pop()?;
    let start = body + last.span.start;
    let line = text[start..].lines().next().unwrap_or_default();
    let bare = line.trim();
    let closes = bare.len() >= length && bare.bytes().all(|b| b == b'`');
    (!last.closed && closes).then(|| start..start + line.len())
}

fn code_mark(line: &str) -> Option<&str> {
    let length = line.bytes().take_while(|&b| b == b'`').count();
    (length >= 3).then(|| &line[..length])
}

/// Behind the closing mark of the code block that a front matter stood in.
fn after_code_mark(text: &str, body: usize, marks: &str) -> usize {
    let line = text[body..].split_inclusive('\n').next().unwrap_or_default();
    if line.trim() == marks { body + line.len() } else { body }
}

struct Lines<'t> {
    text: &'t str,
    at: usize,
}

impl Lines<'_> {
    fn next(&mut self) -> Option<Range<usize>> {
        let rest = &self.text[self.at..];
        let length = rest.split_inclusive('\n').next()?.len();
        let line = self.at..self.at + length;
        self.at += length;
        Some(line)
    }
}

/// The key that a top-level line begins with, and what follows it.
fn key_of(line: &str) -> Option<(&str, &str)> {
    if line.starts_with([' ', '\t', '-', '#']) {
        return None;
    }
    let (key, rest) = line.split_once(':')?;
    let sound = !key.is_empty()
        && key.len() <= 64
        && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    (sound && (rest.is_empty() || rest.starts_with([' ', '\t']))).then(|| (key, rest.trim()))
}

/// Top-level `key: rest of line` entries with their continuation lines.
fn by_lines(yaml: &str) -> Map {
    let mut entries: Vec<(String, String, Vec<&str>)> = Vec::new();
    for (line, told) in yaml.lines().zip(inside_examples(yaml)) {
        if let Some((key, rest)) = key_of(line).filter(|_| !told || entries.is_empty()) {
            entries.push((key.to_owned(), rest.to_owned(), Vec::new()));
        } else if let Some((_, _, more)) = entries.last_mut() {
            more.push(line);
        } else if !line.trim().is_empty() {
            // A line in front of the first key belongs to nothing, and is not lost.
            entries.push(("text".to_owned(), line.trim().to_owned(), Vec::new()));
        }
    }
    let mut map: Vec<(String, Tree)> = Vec::new();
    for (key, first, more) in entries {
        let key = if map.iter().any(|(known, _)| *known == key) {
            format!("{key} (repeated {})", map.len())
        } else {
            key
        };
        map.push((key, value(&first, &more)));
    }
    Map(map)
}

fn value(first: &str, more: &[&str]) -> Tree {
    let rest: Vec<&str> = more.iter().map(|line| line.trim()).collect();
    let said: Vec<&str> = rest.iter().copied().filter(|line| !line.is_empty()).collect();
    if first.is_empty() && !said.is_empty() && said.iter().all(|line| line.starts_with("- ")) {
        return Tree::List(said.iter().map(|line| Tree::Text(unquoted(&line[2..]))).collect());
    }
    if first.is_empty() && said.is_empty() {
        return Tree::Null;
    }
    let whole = std::iter::once(first).chain(said.iter().copied()).collect::<Vec<_>>();
    let joined = whole.join(" ").trim().to_owned();
    // One broken entry does not break the others: what is in quotes or brackets and sound is YAML.
    if first.starts_with(['"', '\'', '['])
        && let Ok(sound @ (Tree::Text(_) | Tree::List(_))) = tree::yaml(&whole.join("\n"))
    {
        return sound;
    }
    if let Some(inner) = joined.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        let entries = inner.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        return Tree::List(entries.map(|entry| Tree::Text(unquoted(entry))).collect());
    }
    if matches!(first, "" | "|" | "|-" | "|+" | ">" | ">-" | ">+") {
        return Tree::Text(dedented(more));
    }
    Tree::Text(unquoted(whole.join("\n").trim()))
}

/// Lines without the indentation that they share.
fn dedented(lines: &[&str]) -> String {
    let said = lines.iter().filter(|line| !line.trim().is_empty());
    let shared = said.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let cut = lines.iter().map(|line| line.get(shared..).unwrap_or_default().trim_end());
    cut.collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned()
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote))
            && !inner.contains(quote)
        {
            return inner.to_owned();
        }
    }
    text.to_owned()
}

/// The line at an offset as a range, and how it would have to be quoted.
fn quoted_form(yaml: &str, offset: usize) -> (Range<usize>, Option<String>) {
    let mut at = offset.min(yaml.len());
    while !yaml.is_char_boundary(at) {
        at -= 1;
    }
    let start = yaml[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = yaml[at..].find('\n').map_or(yaml.len(), |length| at + length);
    let line = &yaml[start..end];
    let quoted = key_of(line).filter(|(_, rest)| !rest.is_empty()).map(|(key, rest)| {
        let shown: String = rest.chars().take(200).collect();
        let dots = if shown.len() < rest.len() { "…" } else { "" };
        format!("{key}: \"{}{dots}\"", shown.replace('\\', "\\\\").replace('"', "\\\""))
    });
    (start..end, quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<(String, String)>, &str, Vec<&'static str>) {
        let split = split(text);
        let mut leaves = Vec::new();
        if let Some(front) = split.front {
            Tree::Map(front.map).leaves("", &mut leaves);
        }
        (leaves, &text[split.body..], split.remarks.iter().map(|remark| remark.code).collect())
    }

    fn pair(path: &str, text: &str) -> (String, String) {
        (path.to_owned(), text.to_owned())
    }

    #[test]
    fn sound_front_matter_is_read_as_yaml_or_toml() {
        assert_eq!(read("---\na: 1\n---\nBody"), (vec![pair("a", "1")], "Body", vec![]));
        assert_eq!(read("+++\na = 1\n+++\nBody"), (vec![pair("a", "1")], "Body", vec![]));
    }

    #[test]
    fn a_colon_without_quotes_is_read_line_by_line_and_shown_quoted() {
        let text =
            "---\nname: x\ndescription: Use it: always\n  and again\ntools: [A, \"B\"]\n---\nBody";
        let (leaves, body, codes) = read(text);
        assert_eq!(
            leaves,
            [
                pair("name", "x"),
                pair("description", "Use it: always\nand again"),
                pair("tools[0]", "A"),
                pair("tools[1]", "B")
            ]
        );
        assert_eq!((body, codes), ("Body", vec!["front-matter-not-yaml"]));
        let help = split(text).remarks[0].help.clone();
        assert_eq!(help.as_deref(), Some("write `description: \"Use it: always\"`"));
    }

    #[test]
    fn a_comma_in_quotes_parts_no_list_below_a_broken_entry() {
        let text = "---\ndescription: Use it: always\ntools: [\"A, b\", C]\nmore: [*, \"D\"]\n\
                    told: 'it''s \\n: x'\n---\n";
        let (leaves, ..) = read(text);
        let wanted = [
            ("tools[0]", "A, b"),
            ("tools[1]", "C"),
            ("more[0]", "*"),
            ("more[1]", "D"),
            ("told", "it's \\n: x"),
        ];
        assert_eq!(leaves[1..], wanted.map(|(path, text)| pair(path, text)));
    }

    #[test]
    fn lines_of_an_example_are_no_keys() {
        let told =
            "Use it.\n<example>\nContext: a file\nuser: \"Do: it\"\nassistant: ok\n</example>";
        let (leaves, ..) = read(&format!("---\nname: x\ndescription: {told}\ntools: A\n---\n"));
        assert_eq!(leaves, [pair("name", "x"), pair("description", told), pair("tools", "A")]);
        let open = "---\ndescription: Use: it <example>\nuser: x\ntools: A\n---\n";
        let keys: Vec<String> = read(open).0.into_iter().map(|(key, _)| key).collect();
        assert_eq!(
            keys,
            ["description", "user", "tools"],
            "one that is never closed ends at a key"
        );
    }

    #[test]
    fn odd_fences_are_accepted_with_a_warning() {
        for text in [
            "----\na: 1\n----\nB",
            "---\na: 1\n-----\nB",
            "\n---\na: 1\n---\nB",
            "```yaml\n---\na: 1\n---\n```\nB",
        ] {
            let (leaves, body, codes) = read(text);
            assert_eq!((leaves.len(), body, codes.len()), (1, "B", 1), "{text}");
        }
    }

    #[test]
    fn a_rule_is_no_front_matter_and_an_open_one_is_named() {
        assert_eq!(read("---\nJust a text\n---\nmore").1, "---\nJust a text\n---\nmore");
        assert_eq!(read("---\nname: x\nBody").2, ["front-matter-unterminated"]);
        assert_eq!(read("---\n\nA text below a rule").2, Vec::<&str>::new());
    }
}
