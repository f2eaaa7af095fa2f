//! Where diagnostics are collected, with a limit.

use std::{ops::Range, sync::Arc};

use orchestrate_core::{
    diagnostic::{Diagnostic, Severity, Source},
    neutral::excerpt,
    suggest,
};

use crate::codes;

/// More than these nobody reads, and a hostile file could have millions.
const MOST: usize = 200;

/// Characters of a message or of one piece of advice: names in it may be as long as the file.
const LONGEST: usize = 600;

/// Collects the diagnostics of one source.
pub(crate) struct Sink<'s> {
    source: &'s Arc<Source>,
    found: Vec<Diagnostic>,
    dropped: usize,
    errors: bool,
}

impl<'s> Sink<'s> {
    pub(crate) fn new(source: &'s Arc<Source>) -> Self {
        Self { source, found: Vec::new(), dropped: 0, errors: false }
    }

    pub(crate) fn source(&self) -> &'s Arc<Source> {
        self.source
    }

    /// An error at a place, to be completed and pushed.
    pub(crate) fn error(
        &self,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::error(code, message).at(self.source, span.clone(), "")
    }

    /// Adds a diagnostic; what it quotes of the file is shortened and made visible.
    pub(crate) fn push(&mut self, mut diagnostic: Diagnostic) {
        self.errors |= diagnostic.severity == Severity::Error;
        if self.found.len() == MOST {
            self.dropped += 1;
            return;
        }
        diagnostic.message = excerpt(&diagnostic.message, LONGEST);
        let labels = diagnostic.labels.iter_mut().map(|label| &mut label.text);
        for text in diagnostic.help.iter_mut().chain(labels) {
            *text = excerpt(text, LONGEST);
        }
        self.found.push(diagnostic);
    }

    /// Adds a diagnostic unless its code and place are reported already.
    pub(crate) fn push_new(&mut self, diagnostic: Diagnostic) {
        let place = |known: &Diagnostic| known.labels.first().map(|label| label.span.start);
        let same = |known: &Diagnostic| {
            known.code == diagnostic.code && place(known) == place(&diagnostic)
        };
        if !self.found.iter().any(same) {
            self.push(diagnostic);
        }
    }

    /// Advice for an unknown word. Past the limit nobody reads it, and looking for it costs time in
    /// proportion to the candidates.
    pub(crate) fn advice<'a>(
        &self,
        word: &str,
        candidates: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Option<String> {
        if self.found.len() < MOST { suggest::advice(word, candidates) } else { None }
    }

    /// Whether an error was reported.
    pub(crate) fn has_errors(&self) -> bool {
        self.errors
    }

    /// Everything that was reported, in the order of the file.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        let source = self.source;
        // What stands in another file is told where this one speaks of it.
        let start = |diagnostic: &Diagnostic| {
            let mut labels = diagnostic.labels.iter();
            let own = labels.find(|label| Arc::ptr_eq(&label.source, source));
            let first = diagnostic.labels.first().map_or(0, |label| label.span.start);
            (own.map_or(first, |label| label.span.start), first)
        };
        self.found.sort_by_key(start);
        if self.dropped > 0 {
            let message = format!("{} more problems are not shown", self.dropped);
            let help = "mend the ones above first";
            self.found.push(Diagnostic::error(codes::TOO_MANY_PROBLEMS, message).help(help));
        }
        self.found
    }
}

/// Adds advice where there is some.
pub(crate) fn with_help(diagnostic: Diagnostic, help: Option<String>) -> Diagnostic {
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}
