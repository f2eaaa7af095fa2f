//! Rules about the file as bytes and characters.

use orchestrate_core::diagnostic::Diagnostic;

use super::{characters, document::Document, rules};

pub(super) fn check(document: &Document<'_>, found: &mut Vec<Diagnostic>) {
    let source = &document.source;
    let text = source.text.as_str();
    if let Some((at, byte)) = document.not_utf8 {
        let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
        let message = format!("the file is not UTF-8 from byte 0x{byte:02X} on");
        let label = "read as Windows-1252";
        found.push(
            rules::NOT_UTF8.found(message).at(source, at..end, label).help(rules::NOT_UTF8.mend),
        );
    }
    if text.starts_with('\u{feff}') {
        let message = "the file begins with a byte order mark";
        found.push(rules::BOM.found(message).at(source, 0..3, "").help(rules::BOM.mend));
    }
    line_ends(document, found);
    for (at, c) in characters::hidden(text) {
        let message = format!("a character that nobody can see: {}", characters::named(c));
        found.push(
            rules::INVISIBLE_CHARACTER
                .found(message)
                .at(source, at..at + c.len_utf8(), "here")
                .help(rules::INVISIBLE_CHARACTER.mend),
        );
    }
    for (at, c) in text.match_indices('\u{fffd}') {
        found.push(
            rules::REPLACEMENT_CHARACTER
                .found("a character was lost here: U+FFFD REPLACEMENT CHARACTER")
                .at(source, at..at + c.len(), "")
                .help(rules::REPLACEMENT_CHARACTER.mend),
        );
    }
}

/// One diagnostic for all line ends: they are an editor's habit and not single mistakes.
fn line_ends(document: &Document<'_>, found: &mut Vec<Diagnostic>) {
    let text = document.source.text.as_str();
    let Some(first) = text.find('\r') else { return };
    let (returns, pairs) = (text.matches('\r').count(), text.matches("\r\n").count());
    let lines = returns + text.matches('\n').count() - pairs;
    let message = match returns - pairs {
        0 => format!("{pairs} of {lines} line ends are CR LF"),
        lone => format!("{pairs} of {lines} line ends are CR LF, {lone} a lone CR"),
    };
    found.push(
        rules::CRLF
            .found(message)
            .at(&document.source, first..first + 1, "the first one")
            .help(rules::CRLF.mend),
    );
}
