//! The persona crate as others use it: one binary, one module per subject.

mod baselines;
mod differing;
mod formats;
mod fuzzed;
mod labelled;
mod library;
mod lint;
mod locking;
mod measure;
mod mending;
mod prompts;
mod reading;
mod reference;
mod select;
mod selection;

use std::sync::Arc;

use orchestrate_core::{
    diagnostic::{Diagnostic, Source},
    persona::Persona,
};

/// Where the built-in personas are written.
const PERSONAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../personas");

/// The text of a file of the repository.
#[expect(clippy::disallowed_methods, reason = "the tests check files of the repository")]
fn file(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of the files in a folder that end in `extension`, sorted, without it.
fn stems(folder: &str, extension: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let names =
        entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"));
    let mut stems: Vec<String> =
        names.filter_map(|name| name.strip_suffix(extension).map(str::to_owned)).collect();
    stems.sort();
    stems
}

/// The built-in persona file with this name.
fn source(name: &str) -> Arc<Source> {
    Source::new(format!("personas/{name}.md"), file(&format!("{PERSONAS}/{name}.md")))
}

/// Every built-in persona that can be read, by name.
fn library() -> Vec<Persona> {
    let names = stems(PERSONAS, ".md");
    names.iter().filter_map(|name| orchestrate_persona::read(&source(name)).0).collect()
}

/// A diagnostic on one line per place and piece of advice.
fn shown(diagnostics: &[Diagnostic]) -> String {
    let mut lines = Vec::new();
    for diagnostic in diagnostics {
        let severity = format!("{:?}", diagnostic.severity).to_lowercase();
        let place = diagnostic.place().unwrap_or_default();
        lines.push(format!("{place} {severity}[{}] {}", diagnostic.code, diagnostic.message));
        if let Some(label) = diagnostic.labels.first() {
            let seen = &label.source.text[label.span.clone()];
            lines.push(format!("    at {seen:?} {}", label.text).trim_end().to_owned());
        }
        lines.extend(diagnostic.help.iter().map(|help| format!("    help: {help}")));
    }
    lines.join("\n")
}

#[test]
fn every_test_file_is_part_of_this_binary() {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let main = file(&format!("{here}/main.rs"));
    for module in stems(here, ".rs").iter().filter(|name| *name != "main") {
        assert!(main.contains(&format!("mod {module};")), "{module}.rs is not compiled");
    }
}
