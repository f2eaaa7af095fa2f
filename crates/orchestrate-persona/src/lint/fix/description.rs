//! Moving what does not belong into a description out of it.

use std::ops::Range;

use super::{
    apply::{Applied, counted},
    scalar::quoted,
};
use crate::{
    front_matter::MAX_FRONT_MATTER_BYTES,
    lint::{
        LintFile,
        description::{has_examples, literal_newlines},
        document::{Document, chunks, member},
        rules,
    },
    yaml::{Node, Value},
};

/// Turns literal `\n` into spaces, and `<example>` blocks into entries of `examples:`, one for each
/// thing that a user says there. Where anything else is said in them, the description as it was is kept
/// below `x:`, which has no effect.
///
/// Nothing changes where the front matter is not YAML or would grow too long, where no description would be
/// left, where `examples` holds something else than texts, or where `x` is no mapping over several lines.
pub(super) fn fix(text: &str) -> Option<(String, Vec<Applied>)> {
    let document = Document::new(&LintFile { path: "", bytes: text.as_bytes() });
    let front = document.front_matter().filter(|front| front.not_yaml.is_none())?;
    let (old, _) = document.declared("description")?;
    let newlines = literal_newlines(old);
    let lines = unescaped(old, &newlines);
    let mut applied = Vec::new();
    if !newlines.is_empty() {
        let what = format!("made {} of `\\n` a space", counted(newlines.len(), "place"));
        applied.push(Applied::new(&rules::LITERAL_BACKSLASH_N, what));
    }
    let Parted { prose, requests, rest } = if has_examples(&lines) {
        parted(&lines)
    } else {
        Parted { prose: lines.clone(), ..Parted::default() }
    };
    let mut examples = None;
    let mut kept = None;
    if has_examples(&lines) {
        let mut known = known_examples(&document)?;
        let before = known.len();
        for request in requests {
            if !known.contains(&request) {
                known.push(request);
            }
        }
        let mut what = format!("moved {} to `examples`", counted(known.len() - before, "request"));
        if rest {
            let key = free_key(&document)?;
            what = format!("{what}, kept the old description as `x.{key}`");
            kept = Some(format!("  {key}: {}", quoted(&lines)));
        }
        applied.push(Applied::new(&rules::DESCRIPTION_HAS_EXAMPLES, what));
        examples = Some(known);
    }
    if applied.is_empty() || prose.trim().is_empty() || has_examples(&prose) {
        return None;
    }
    let (yaml, base) = (&text[front.yaml.clone()], front.yaml.start);
    let place = |key: &str| {
        let chunk = chunks(yaml).into_iter().find(|chunk| yaml[chunk.key.clone()] == *key)?;
        Some(base + chunk.span.start..base + chunk.span.end)
    };
    let description = place("description")?;
    let mut edits = vec![(description.clone(), format!("description: {}", quoted(&prose)))];
    if let Some(list) = examples.filter(|list| !list.is_empty()) {
        match place("examples") {
            Some(span) => edits.push((span, listed(&list))),
            None if document.entry("examples").is_some() => return None,
            None => edits[0].1.extend(["\n", &listed(&list)]),
        }
    }
    if let Some(kept) = kept {
        match place("x") {
            Some(span) => {
                let at = first_entry(text, &span)?;
                let indent = text[at..].len() - text[at..].trim_start_matches(' ').len();
                let line = format!("{}{}\n", " ".repeat(indent), kept.trim_start());
                edits.push((at..at, line));
            }
            None if document.entry("x").is_some() => return None,
            None => edits[0].1.extend(["\nx:\n", &kept]),
        }
    }
    let grown: usize = edits.iter().map(|(span, new)| new.len().saturating_sub(span.len())).sum();
    (yaml.len() + grown <= MAX_FRONT_MATTER_BYTES).then(|| (edited(text, edits), applied))
}

/// The key below `x` that the old description gets; `None` where `x` is no mapping.
fn free_key(document: &Document<'_>) -> Option<String> {
    let x = match document.entry("x") {
        None => None,
        Some((_, node @ Node { value: Value::Map(_), .. })) => Some(node),
        Some(_) => return None,
    };
    let taken = |key: &str| x.is_some_and(|x| member(x, key).is_some());
    let numbered = (2..100).map(|number| format!("description-{number}"));
    std::iter::once("description".to_owned()).chain(numbered).find(|key| !taken(key))
}

/// Where the first entry of a mapping over several lines begins, with its indentation.
fn first_entry(text: &str, chunk: &Range<usize>) -> Option<usize> {
    let mut lines = text[chunk.clone()].split_inclusive('\n');
    let head = lines.next()?;
    if head.trim() != "x:" {
        return None;
    }
    let mut at = chunk.start + head.len();
    for line in lines {
        if line.starts_with(' ') && !line.trim().is_empty() && !line.trim().starts_with('#') {
            return Some(at);
        }
        at += line.len();
    }
    None
}

fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(span, _)| span.start);
    let mut mended = String::with_capacity(text.len());
    let mut from = 0;
    for (span, new) in edits {
        mended.push_str(&text[from..span.start]);
        mended.push_str(&new);
        from = span.end;
    }
    mended.push_str(&text[from..]);
    mended
}

fn listed(examples: &[String]) -> String {
    let entries: Vec<String> =
        examples.iter().map(|example| format!("  - {}", quoted(example))).collect();
    format!("examples:\n{}", entries.join("\n"))
}

/// The examples that are there; `None` where they are no texts.
fn known_examples(document: &Document<'_>) -> Option<Vec<String>> {
    match document.entry("examples").map(|(_, node)| &node.value) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::List(list)) => list
            .iter()
            .map(|Node { value, .. }| match value {
                Value::Text(text) => Some(one_line(text)),
                _ => None,
            })
            .collect(),
        Some(Value::Text(_) | Value::Map(_)) => None,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unescaped(text: &str, newlines: &[usize]) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut from = 0;
    for &at in newlines {
        lines.push_str(&text[from..at]);
        lines.push('\n');
        from = at + 2;
    }
    lines.push_str(&text[from..]);
    lines
}

/// A description taken apart.
#[derive(Debug, Default)]
struct Parted {
    /// What stands outside of the example blocks.
    prose: String,
    /// What users say in them.
    requests: Vec<String>,
    /// Whether anything else is said in them.
    rest: bool,
}

/// A description without its example blocks, and what users say in these.
fn parted(text: &str) -> Parted {
    const OPEN: &str = "<example";
    const CLOSE: &str = "</example>";
    let lower = text.to_ascii_lowercase();
    let mut prose = String::new();
    let mut requests = Vec::new();
    let mut rest = false;
    let mut from = 0;
    while let Some(open) = lower[from..].find(OPEN).map(|at| from + at) {
        prose.push_str(&text[from..open]);
        prose.push(' ');
        let inside = lower[open..].find('>').map_or(text.len(), |at| open + at + 1);
        if lower[open + OPEN.len()..].starts_with('s') {
            // `<examples>` only wraps the blocks.
            from = inside;
            continue;
        }
        // A block that is not closed ends where the next one begins.
        let next = lower[inside..].find(OPEN).map_or(text.len(), |at| inside + at);
        let close = lower[inside..next].find(CLOSE).map(|at| inside + at);
        let (users, others) = said(&text[inside..close.unwrap_or(next)]);
        requests.extend(users);
        rest |= others || text[open + OPEN.len()..inside].contains(char::is_alphanumeric);
        from = close.map_or(next, |close| close + CLOSE.len());
    }
    prose.push_str(&text[from..]);
    let prose = one_line(&prose.replace("</examples>", " ").replace("</example>", " "));
    let labels = ["Examples:", "Example:", "examples:", "<examples>"];
    let bare = labels.iter().find_map(|label| prose.strip_suffix(label));
    Parted { prose: bare.unwrap_or(&prose).trim().to_owned(), requests, rest }
}

/// What users say in an example, the text after each `user:` without its quotes, and whether more is said.
fn said(example: &str) -> (Vec<String>, bool) {
    const ENDS: &[&str] = &["\n", "assistant:", "<commentary", "user:", "context:"];
    let lower = example.to_ascii_lowercase();
    let mut said = Vec::new();
    let mut rest = String::new();
    let mut from = 0;
    for (at, mark) in lower.match_indices("user:") {
        let start = at + mark.len();
        let end = ENDS.iter().filter_map(|end| lower[start..].find(end)).min();
        let end = end.map_or(example.len(), |end| start + end);
        rest.push_str(&example[from..at]);
        from = end;
        let text = one_line(&example[start..end]);
        let plain = text.trim_matches(['"', '\'', '“', '”', '*']).trim();
        if !plain.is_empty() {
            said.push(plain.to_owned());
        }
    }
    rest.push_str(&example[from..]);
    (said, rest.contains(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_quoted_and_what_else_is_said_is_noticed() {
        let Parted { prose, requests, rest } = parted(
            "Use this to test. Examples:\n\n<example>\nContext: a file\nuser: \"Test it, please\"\nassistant: \"I will\"\n</example>\n<example>user: 'Again' assistant: no<commentary>x</commentary> </example>",
        );
        assert_eq!(prose, "Use this to test.");
        assert_eq!(
            (requests, rest),
            (vec!["Test it, please".to_owned(), "Again".to_owned()], true)
        );
        let only = parted("Use it. <example>user: 'Again'</example>");
        assert_eq!((only.requests, only.rest), (vec!["Again".to_owned()], false));
    }
}
