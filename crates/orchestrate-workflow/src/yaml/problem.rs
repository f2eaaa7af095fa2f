//! What to say where a text is no YAML: the place, what is wrong, and what to write instead.

use std::{ops::Range, sync::Arc};

use granit_parser::{ErrorKind, ScanError};
use orchestrate_core::diagnostic::{Diagnostic, Source};

use crate::codes;

/// A value that starts with `{{` and is not quoted.
pub(super) fn unquoted_template(source: &Arc<Source>, start: usize) -> Diagnostic {
    let line = line_at(&source.text, start);
    let mut value = source.text[start..line.end].trim_end();
    // Within `{ … }` on one line the value ends with its own braces.
    if source.text[line.start..start].contains('{') {
        value = value.find("}}").map_or(value, |end| &value[..end + 2]);
    }
    let quoted = if value.contains('"') { format!("'{value}'") } else { format!("\"{value}\"") };
    Diagnostic::error(codes::UNQUOTED_TEMPLATE, "YAML reads a value that starts with `{{` as a map")
        .at(source, start..start + value.len(), "")
        .help(format!("quote it: `{quoted}`; or write `|` and the text indented on the next line"))
}

/// The one diagnostic for a text that cannot be parsed.
pub(super) fn explain(source: &Arc<Source>, error: &ScanError) -> Diagnostic {
    let text = &source.text;
    let mut at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let line = line_at(text, at);
    if let Some(start) = unquoted_template_start(text, &line).filter(|start| *start <= at) {
        return unquoted_template(source, start);
    }
    if let Some(tab) = indenting_tab(text, &line) {
        return Diagnostic::error(codes::YAML_SYNTAX, "a tab indents this line")
            .at(source, tab..tab + 1, "")
            .help("indent with spaces: YAML allows no tabs there");
    }
    let (message, help) = words(error.kind(), text, at, &line);
    let end = text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
    Diagnostic::error(codes::YAML_SYNTAX, message).at(source, at..end, "").help(help)
}

fn words(kind: &ErrorKind, text: &str, at: usize, line: &Range<usize>) -> (String, String) {
    let before = &text[line.start..at];
    match kind {
        ErrorKind::MappingValueNotAllowed if before.contains(": ") => (
            "a second `: ` on this line".into(),
            "quote the value if the colon belongs to its text: `key: \"a: b\"`".into(),
        ),
        ErrorKind::MappingValueNotAllowed | ErrorKind::SimpleKeyExpected => (
            "this key does not fit here".into(),
            "give it the same indentation as its neighbours, or end the value above it: a value that has \
             begun goes on on more indented lines"
                .into(),
        ),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation
        | ErrorKind::BlockSequenceEntryNotAllowed => (
            "this line does not fit the lines above".into(),
            "check its indentation: keys of one map start in the same column; quote a value that goes on \
             after a quote or a bracket"
                .into(),
        ),
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => (
            "a quoted text is not closed before this place".into(),
            "add the closing quote; inside '…' write '' for a quote, inside \"…\" write \\\"".into(),
        ),
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => (
            "text follows a closing quote".into(),
            "quote the whole value; inside '…' write '' for a quote, inside \"…\" write \\\"".into(),
        ),
        ErrorKind::UnknownQuotedScalarEscape => (
            "an escape that YAML does not have".into(),
            "write \\\\ for a backslash, or use single quotes".into(),
        ),
        ErrorKind::UnexpectedCharacter { character } => (
            format!("a value cannot start with `{character}`"),
            "quote it: `key: \"…\"`".into(),
        ),
        ErrorKind::UnknownAnchor => (
            "this alias repeats an anchor that does not exist".into(),
            "quote the value if the `*` belongs to its text".into(),
        ),
        ErrorKind::RecursionLimitExceeded => (
            "lists and maps are nested too deeply".into(),
            "a workflow nests five deep; 64 is the limit".into(),
        ),
        ErrorKind::DirectiveDisallowed => (
            "a YAML directive".into(),
            "remove the line that starts with `%`".into(),
        ),
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::MisplacedFlowCollectionEnd
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofFlowSequence => (
            format!("brackets do not match: {kind}"),
            "close every `[` with `]` and every `{` with `}`; quote a value that contains them".into(),
        ),
        other => (format!("not valid YAML: {other}"), "quote the value if it is meant as text".into()),
    }
}

/// Where on this line a value starts with `{{`.
fn unquoted_template_start(text: &str, line: &Range<usize>) -> Option<usize> {
    let content = &text[line.clone()];
    let at = [": {{", "- {{"].iter().filter_map(|start| content.find(start)).min()?;
    // Behind a quote the braces are quoted already.
    (!content[..at].contains(['"', '\''])).then_some(line.start + at + 2)
}

/// The first tab in a line's indentation.
fn indenting_tab(text: &str, line: &Range<usize>) -> Option<usize> {
    let content = &text[line.clone()];
    let indent = content.len() - content.trim_start_matches([' ', '\t']).len();
    content[..indent].find('\t').map(|tab| line.start + tab)
}

/// The line around an offset, without its end.
fn line_at(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
    start..end
}
