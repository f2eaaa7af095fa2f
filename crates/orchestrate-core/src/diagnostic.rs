//! Diagnostics: what is wrong with something a person wrote, as plain data with stable codes.
//! Rendering them for a terminal, an editor or a machine happens at the edge.

use std::{ops::Range, sync::Arc};

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Probably not what was meant; the file can still be used.
    Warning,
    /// The file cannot be used.
    Error,
}

/// A text that diagnostics point into.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it came from, as a person would name it: a path, or `built-in:workflows/x.yaml`.
    pub name: String,
    /// The text itself.
    pub text: String,
}

impl Source {
    /// A shared source.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into() })
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        (line, column)
    }
}

/// A place in a source, with a word about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The text it points into.
    pub source: Arc<Source>,
    /// Byte range in that text.
    pub span: Range<usize>,
    /// What to say there; may be empty.
    pub text: String,
}

/// One thing that is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// A stable kebab-case code, such as `unknown-key`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was seen, a lower-case fragment.
    pub message: String,
    /// The places, the main one first.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: vec![],
            help: vec![],
        }
    }

    /// A warning without a place yet.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Something worth knowing, without a place yet.
    pub fn info(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Info, ..Self::error(code, message) }
    }

    /// Adds a place.
    #[must_use]
    pub fn at(mut self, source: &Arc<Source>, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { source: Arc::clone(source), span, text: text.into() });
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The main place as `name:line:column`.
    pub fn place(&self) -> Option<String> {
        let label = self.labels.first()?;
        let (line, column) = label.source.position(label.span.start);
        Some(format!("{}:{line}:{column}", label.source.name))
    }
}

/// One kind of diagnostic, as documentation and machine-readable reports list it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The code of its diagnostics.
    pub code: &'static str,
    /// How bad its diagnostics are.
    pub severity: Severity,
    /// What it finds, a sentence.
    pub finds: &'static str,
    /// How to mend what it finds, a sentence or two.
    pub mend: &'static str,
    /// Whether a program can mend it.
    pub fixable: bool,
}

impl Rule {
    /// A diagnostic of this kind without a place yet.
    pub fn found(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: self.severity, ..Diagnostic::error(self.code, message) }
    }
}

/// Whether any of these makes the file unusable.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_not_bytes() {
        let source = Source::new("f.yaml", "a: ü\nbé: x\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(source.text.find('x').expect("x")), (2, 5));
        assert_eq!(source.position(999), (3, 1));
        assert_eq!(source.position(4), (1, 4), "inside a character: its start");
    }
}
