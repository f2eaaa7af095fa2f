//! Diagnostics on a terminal and as JSON.

use annotate_snippets::{
    AnnotationKind, Group, Level, Origin, Renderer, Snippet, renderer::DecorStyle,
};
use orchestrate_core::{
    diagnostic::{Diagnostic, Severity},
    neutral,
};
use serde_json::json;

/// Prints diagnostics to standard error, each with its line and a caret.
pub(crate) fn diagnostics(found: &[Diagnostic]) {
    let (styled, width) = (super::styled(&std::io::stderr()), super::width_of_talk());
    for text in shown(found, styled, width) {
        super::talk(&text);
    }
}

/// Prints diagnostics in the same form to standard output, where they are what was asked for.
pub(crate) fn diagnostics_as_result(found: &[Diagnostic]) {
    let (styled, width) = (super::styled(&std::io::stdout()), super::width());
    for text in shown(found, styled, width) {
        super::put(&text);
    }
}

/// Each with its line and a caret, safe to print.
fn shown(found: &[Diagnostic], styled: bool, width: usize) -> impl Iterator<Item = String> {
    // In CI the whole is made safe, colours included.
    let styled = styled && !super::in_ci();
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(width);
    found.iter().map(move |diagnostic| {
        let text = render(diagnostic, &renderer);
        let text = if styled { text.into() } else { super::safe(&text) };
        format!("{text}\n\n")
    })
}

fn render(diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    // The renderer neutralises the source it shows; titles and labels are ours to neutralise.
    let title = level.primary_title(neutral::one_line(&diagnostic.message)).id(diagnostic.code);
    let mut group = Group::with_title(title);
    for (index, label) in diagnostic.labels.iter().enumerate() {
        // A line is cut to the width of the terminal, maybe in the middle of a key, which nothing finds then.
        if super::secrets::found(&label.source.text) {
            let (line, column) = label.source.position(label.span.start);
            let place = Origin::path(neutral::one_line(&label.source.name));
            group = group.element(place.line(line).char_column(column));
            continue;
        }
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let length = label.source.text.len();
        let span = label.span.start.min(length)
            ..label.span.end.clamp(label.span.start.min(length), length);
        let annotation = kind.span(span);
        let annotation = if label.text.is_empty() {
            annotation
        } else {
            annotation.label(neutral::one_line(&label.text))
        };
        group = group.element(
            Snippet::source(label.source.text.as_str())
                .path(neutral::one_line(&label.source.name))
                .annotation(annotation),
        );
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(neutral::visible(help)));
    }
    renderer.render(&[group])
}

/// A diagnostic as JSON, with lines and columns from 1.
pub(crate) fn diagnostic_json(diagnostic: &Diagnostic) -> serde_json::Value {
    let labels: Vec<_> = diagnostic
        .labels
        .iter()
        .map(|label| {
            let (line, column) = label.source.position(label.span.start);
            let (end_line, end_column) = label.source.position(label.span.end);
            json!({
                "file": label.source.name,
                "line": line,
                "column": column,
                "end_line": end_line,
                "end_column": end_column,
                "text": label.text,
            })
        })
        .collect();
    json!({
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "places": labels,
        "help": diagnostic.help,
    })
}

#[cfg(test)]
mod tests {
    use orchestrate_core::diagnostic::Source;
    use orchestrate_provider::redact::Redactor;

    use super::*;

    #[test]
    fn a_line_with_a_key_is_not_shown_since_it_may_be_cut_within_the_key() {
        super::super::secrets::keep(&Redactor::new(["sk-excerpt-0123456789abcdef".into()]));
        let line = format!("a: {} sk-excerpt-0123456789abcdef tail", "x".repeat(40));
        let source = Source::new("w.yaml", line.as_str());
        let mistake = Diagnostic::error("bad-value", "it is wrong").at(&source, 3..43, "");
        for width in 20..120 {
            let text = shown(std::slice::from_ref(&mistake), false, width).collect::<String>();
            assert!(!text.contains("sk-ex") && !text.contains("abcdef"), "{text}");
            assert!(text.contains("w.yaml:1:4"), "{text}");
        }
    }
}
