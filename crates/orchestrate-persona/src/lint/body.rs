//! Rules about the text below the front matter.

use std::ops::Range;

use orchestrate_core::diagnostic::Diagnostic;

use super::{
    document::Document,
    markdown::{Code, Fence},
    rules,
};

/// A longer body is worth a word: it is sent with every call.
const MAX_CHARS: usize = 30_000;

pub(super) fn check(document: &Document<'_>, found: &mut Vec<Diagnostic>) {
    let body = document.body();
    let base = document.body.start;
    let length = body.chars().count();
    if length > MAX_CHARS {
        let start = super::check::first_line(&document.source, &document.body);
        found.push(
            rules::PROMPT_TOO_LONG
                .found(format!("the text has {length} characters, more than {MAX_CHARS}"))
                .at(&document.source, start, "begins here")
                .help(rules::PROMPT_TOO_LONG.mend),
        );
    }
    let code = Code::of(body);
    for fence in &code.fences {
        fences(document, fence, found);
    }
    if let Some((place, count)) = templates(body, &code) {
        let what = &body[place.clone()];
        let message = match count {
            1 => format!("`{what}` is sent as it stands"),
            _ => format!("`{what}` and {} more placeholders are sent as they stand", count - 1),
        };
        found.push(
            rules::TEMPLATE_SYNTAX_IN_BODY
                .found(message)
                .at(&document.source, base + place.start..base + place.end, "")
                .help(rules::TEMPLATE_SYNTAX_IN_BODY.mend),
        );
    }
}

fn fences(document: &Document<'_>, fence: &Fence, found: &mut Vec<Diagnostic>) {
    let placed =
        |span: &Range<usize>| document.body.start + span.start..document.body.start + span.end;
    let marks = |length| String::from(fence.mark).repeat(length);
    if !fence.closed {
        found.push(
            rules::FENCE_UNBALANCED
                .found("this code block is never closed")
                .at(&document.source, placed(&fence.open), "everything below is taken for code")
                .help(format!("close it with `{}` on a line of its own", marks(fence.length))),
        );
    }
    for nested in &fence.nested {
        found.push(
            rules::FENCE_NESTED
                .found("a code block opens inside another one")
                .at(&document.source, placed(nested), "its end will close the outer one")
                .at(&document.source, placed(&fence.open), "the outer one")
                .help(format!("open and close the outer one with `{}`", marks(fence.length + 1))),
        );
    }
}

/// The first placeholder outside code, and how many there are.
fn templates(body: &str, code: &Code) -> Option<(Range<usize>, usize)> {
    let mut first = None;
    let mut count = 0;
    let mut from = 0;
    while let Some(at) = body[from..].find(['{', '$']).map(|at| from + at) {
        match placeholder(&body[at..]).filter(|_| !code.contains(at)) {
            // `$1` is a placeholder and `$1 million` is money; neither says so to a program for sure.
            Some(length) => {
                first.get_or_insert(at..at + length);
                count += 1;
                from = at + length;
            }
            None => from = at + 1,
        }
    }
    first.map(|place| (place, count))
}

/// A longer one is no placeholder, and a line of braces is not searched to its end for each of them.
const MAX_PLACEHOLDER: usize = 200;

/// The length of the placeholder that `text` begins with.
fn placeholder(text: &str) -> Option<usize> {
    let text = &text[..text.floor_char_boundary(MAX_PLACEHOLDER)];
    for (open, close) in [("{{", "}}"), ("{%", "%}"), ("${", "}")] {
        if let Some(rest) = text.strip_prefix(open) {
            let line = rest.split('\n').next().unwrap_or(rest);
            return line.find(close).filter(|&at| at > 0).map(|at| open.len() + at + close.len());
        }
    }
    if text.starts_with("$ARGUMENTS") {
        return Some("$ARGUMENTS".len());
    }
    let after = text.strip_prefix("$1")?;
    let amount = after.starts_with(|c: char| c.is_alphanumeric() || c == '%')
        || after
            .strip_prefix(['.', ','])
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let mut words = after.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let money =
        ["million", "billion", "trillion", "thousand", "per", "a", "an", "each", "or", "to"];
    let unit = after.starts_with([' ', '/', '-', '–', '+'])
        && words.next().is_some_and(|word| money.contains(&word));
    (!amount && !unit).then_some(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_money_and_code() {
        let seen =
            |body: &str| templates(body, &Code::of(body)).map(|(at, n)| (body[at].to_owned(), n));
        assert_eq!(seen("do {{ task }} and ${X}"), Some(("{{ task }}".to_owned(), 2)));
        assert_eq!(seen("for $1: and {% if %}"), Some(("$1".to_owned(), 2)));
        assert_eq!(seen("run $ARGUMENTS"), Some(("$ARGUMENTS".to_owned(), 1)));
        for plain in [
            "`{{ x }}`",
            "$1 million, $1.50, $1k, $100",
            "{{ open\n}}",
            "${}",
            "```\n${X}\n```",
            "a { b } $ c",
        ] {
            assert_eq!(seen(plain), None, "{plain}");
        }
    }
}
