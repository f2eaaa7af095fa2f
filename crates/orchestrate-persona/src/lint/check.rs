//! The lint itself: every rule over every file.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
};

use orchestrate_core::diagnostic::{Diagnostic, Source};

use super::{
    body, bytes, description, document::Document, duties, front, grants, identity, rules,
    similarity, suspicious,
};
use crate::MAX_FILE_BYTES;

/// More diagnostics of one rule in one file are counted and not listed.
pub const MAX_PER_RULE: usize = 20;

/// A file to be checked.
#[derive(Debug, Clone, Copy)]
pub struct LintFile<'a> {
    /// Its path, with `/` or `\`; its last part is the name that the persona's is compared with.
    pub path: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// What a file may refer to besides the files that are checked with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LintContext {
    /// The names of the library's personas.
    pub personas: BTreeSet<String>,
    /// Tools known besides those of common coding agents.
    pub tools: BTreeSet<String>,
}

/// Checks files one by one and against each other. The diagnostics come in the order of the files and
/// of their lines, at most [`MAX_PER_RULE`] of each rule and file.
///
/// Spans are byte ranges of the file, byte order mark and CR included. A file that is not UTF-8 is
/// decoded as Windows-1252, and its spans are those of the decoded text.
pub fn lint(files: &[LintFile<'_>], context: &LintContext) -> Vec<Diagnostic> {
    let mut found: Vec<Vec<Diagnostic>> = Vec::with_capacity(files.len());
    let mut documents = Vec::with_capacity(files.len());
    for file in files {
        if file.bytes.len() > MAX_FILE_BYTES {
            found.push(vec![too_large(file)]);
            documents.push(None);
        } else {
            found.push(Vec::new());
            documents.push(Some(Document::new(file)));
        }
    }
    let known = known(&documents, context);
    for (document, found) in documents.iter().zip(&mut found) {
        let Some(document) = document else { continue };
        bytes::check(document, found);
        front::check(document, found);
        identity::check(document, found);
        description::check(document, found);
        duties::check(document, &known, found);
        grants::check(document, context, found);
        body::check(document, found);
        suspicious::check(document, found);
        // Cut here, so that no file can fill the memory with findings.
        *found = listed(mem::take(found));
    }
    identity::duplicates(&documents, &mut found);
    similarity::check(&documents, &mut found);
    let sorted = found.into_iter().map(|mut found| {
        found.sort_by_key(place);
        found
    });
    sorted.flatten().collect()
}

/// A file that is too large is named and not looked into.
fn too_large(file: &LintFile<'_>) -> Diagnostic {
    let message =
        format!("the file is longer than {} KiB and was not checked", MAX_FILE_BYTES / 1024);
    let source = Source::new(file.path, "");
    rules::PROMPT_TOO_LONG.found(message).at(&source, 0..0, "").help(rules::PROMPT_TOO_LONG.mend)
}

/// The names that a collaborator may have.
fn known(documents: &[Option<Document<'_>>], context: &LintContext) -> BTreeSet<String> {
    let declared = documents
        .iter()
        .flatten()
        .filter_map(|document| document.declared("name").map(|(name, _)| name.to_owned()));
    declared.chain(context.personas.iter().cloned()).collect()
}

fn place(diagnostic: &Diagnostic) -> Option<usize> {
    diagnostic.labels.first().map(|label| label.span.start)
}

/// One file's diagnostics by place; what goes beyond the limit is counted in the last that is shown.
fn listed(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort_by_key(place);
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for diagnostic in &found {
        *counts.entry(diagnostic.code).or_default() += 1;
    }
    let mut shown: BTreeMap<&'static str, usize> = BTreeMap::new();
    found.retain_mut(|diagnostic| {
        let at = shown.entry(diagnostic.code).or_default();
        *at += 1;
        if *at == MAX_PER_RULE && counts[diagnostic.code] > MAX_PER_RULE {
            let more = counts[diagnostic.code] - MAX_PER_RULE;
            diagnostic.help.push(format!("and {more} more in this file"));
        }
        *at <= MAX_PER_RULE
    });
    found
}

/// The first line of `text`, for a label that shall not underline a whole file.
pub(super) fn first_line(
    source: &Arc<Source>,
    span: &std::ops::Range<usize>,
) -> std::ops::Range<usize> {
    let text = &source.text[span.clone()];
    let end = text.find(['\n', '\r']).unwrap_or(text.len());
    span.start..span.start + end
}
